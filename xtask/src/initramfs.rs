//! The first file system of a guest: a `newc` archive (Linux,
//! Documentation/driver-api/early-userspace/buffer-format.rst), made in memory.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// An archive under construction.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    entries: u32,
}

impl Archive {
    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.entries += 1;
        let fields = [
            self.entries, // inode
            mode,
            0, // user
            0, // group
            1, // links
            0, // time
            data.len() as u32,
            0, // device, major and minor
            0,
            0, // device of a device file
            0,
            name.len() as u32 + 1, // with its NUL
            0,                     // checksum, unused
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Adds a folder and its parents.
    pub fn folder(&mut self, path: &str) {
        let path = path.trim_matches('/');
        if path.is_empty() || !self.folders.insert(path.to_owned()) {
            return;
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folder(parent);
        }
        self.entry(path, FOLDER, &[]);
    }

    fn parents(&mut self, path: &str) {
        if let Some((parent, _)) = path.trim_matches('/').rsplit_once('/') {
            self.folder(parent);
        }
    }

    /// Adds a file that can be executed.
    pub fn file(&mut self, path: &str, data: &[u8]) {
        self.parents(path);
        self.entry(path.trim_matches('/'), PROGRAM, data);
    }

    /// Adds a copy of a file of this machine.
    pub fn copy(&mut self, path: &str, from: &Path) -> Result<()> {
        let data = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.file(path, &data);
        Ok(())
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.parents(path);
        self.entry(path.trim_matches('/'), LINK, target.as_bytes());
    }

    /// The archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_laid_out_as_the_kernel_reads_them() {
        let mut archive = Archive::default();
        archive.file("/a/b/run", b"hello");
        archive.link("/a/sh", "b/run");
        let bytes = archive.finish();
        let mut names = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            assert_eq!(&bytes[at..at + 6], b"070701");
            let field = |n: usize| {
                let text = std::str::from_utf8(&bytes[at + 6 + n * 8..at + 14 + n * 8]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            let (size, name_len) = (field(6), field(11));
            let name = at + 110;
            let data = (name + name_len).next_multiple_of(4);
            names.push((
                String::from_utf8(bytes[name..name + name_len - 1].to_vec()).unwrap(),
                field(1),
                bytes[data..data + size].to_vec(),
            ));
            at = (data + size).next_multiple_of(4);
        }
        let folder = FOLDER as usize;
        assert_eq!(
            names,
            [
                ("a".to_owned(), folder, vec![]),
                ("a/b".to_owned(), folder, vec![]),
                ("a/b/run".to_owned(), PROGRAM as usize, b"hello".to_vec()),
                ("a/sh".to_owned(), LINK as usize, b"b/run".to_vec()),
                ("TRAILER!!!".to_owned(), 0, vec![]),
            ]
        );
    }
}
