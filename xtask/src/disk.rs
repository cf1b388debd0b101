//! A folder as a disk for a guest: ext4, made without mounting anything.
//!
//! The archive that a guest starts from lies in its memory, twice while it is unpacked: what is large goes to
//! a disk.

use crate::vm::quote;
use crate::{setup, shell};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Makes file systems.
const MAKER: &str = "mke2fs";
/// Bytes of a block.
const BLOCK: u64 = 4096;
/// Bytes of an inode.
const INODE: u64 = 256;

/// What a folder takes of a file system.
#[derive(Debug, Default, PartialEq, Eq)]
struct Need {
    /// Files, folders and links, each once.
    inodes: u64,
    /// Blocks of what is in them.
    blocks: u64,
}

impl Need {
    fn of(folder: &Path) -> Result<Self> {
        let mut need = Self::default();
        let (mut waiting, mut known) = (vec![folder.to_path_buf()], BTreeSet::new());
        while let Some(path) = waiting.pop() {
            let metadata = fs::symlink_metadata(&path)
                .with_context(|| format!("cannot look at {}", path.display()))?;
            if !known.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            need.inodes += 1;
            need.blocks += metadata.len().div_ceil(BLOCK).max(1);
            if metadata.is_dir() {
                for entry in fs::read_dir(&path)? {
                    waiting.push(entry?.path());
                }
            }
        }
        Ok(need)
    }

    /// Inodes of the file system: its own besides.
    fn inodes(&self) -> u64 {
        self.inodes + 1024
    }

    /// Its blocks: those of the inodes, and a tenth and 16 MiB for maps and extents.
    fn blocks(&self) -> u64 {
        let all = self.blocks + (self.inodes() * INODE).div_ceil(BLOCK);
        all + all / 10 + (16 << 20) / BLOCK
    }

    /// The arguments of the program that makes it.
    fn arguments(&self) -> Vec<String> {
        let words = "-q -F -t ext4 -m 0 -O ^has_journal -b 4096 -I 256 -N";
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        words.push(self.inodes().to_string());
        words
    }
}

/// Makes a disk of a folder, with owners, modes and times.
pub fn make(folder: &Path, file: &Path) -> Result<()> {
    if shell::which(MAKER).is_none() {
        setup::install(MAKER, "makes disks for guests", &["e2fsprogs"])?;
    }
    let maker = shell::which(MAKER).context("Debian's package e2fsprogs brings no mke2fs")?;
    let need = Need::of(folder)?;
    let mut command = Command::new(maker);
    command.args(need.arguments()).arg("-d").arg(folder);
    shell::quiet(command.arg(file).arg(need.blocks().to_string()))
}

/// The commands by which the guest mounts the disk.
pub fn mount(at: &str) -> String {
    let at = quote(at);
    format!("mkdir -p {at}; mount -t ext4 -o ro /dev/vda {at}\n")
}

/// The arguments by which QEMU has the disk, which it does not write to.
pub fn drive(file: &Path) -> [String; 2] {
    // A comma would begin the next setting.
    let file = file.display().to_string().replace(',', ",,");
    let drive = format!("file={file},format=raw,if=virtio,readonly=on");
    ["-drive".to_owned(), drive]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room_for_each_file_once() {
        let folder = std::env::temp_dir().join(format!("lapwing-disk-{}", std::process::id()));
        fs::create_dir_all(folder.join("below")).unwrap();
        fs::write(folder.join("below/large"), vec![1; 10_000]).unwrap();
        fs::write(folder.join("empty"), "").unwrap();
        fs::hard_link(folder.join("below/large"), folder.join("again")).unwrap();
        let need = Need::of(&folder);
        fs::remove_dir_all(&folder).unwrap();
        let need = need.unwrap();
        assert_eq!(need.inodes, 4);
        // Folders may take one block or none of their own where this is tested.
        assert_eq!(need.blocks, 3 + 1 + 2);
        assert!(need.blocks() * BLOCK > (16 << 20) + 10_000);
        assert_eq!(need.arguments().last().unwrap(), "1028");
        assert!(Need::of(&folder).is_err());
    }

    #[test]
    fn room_grows_with_files_that_are_small_and_many() {
        let few = Need {
            inodes: 10,
            blocks: 100_000,
        };
        let many = Need {
            inodes: 100_010,
            blocks: 100_000,
        };
        let inodes = 100_000 * INODE / BLOCK;
        assert!(many.blocks() - few.blocks() >= inodes);
        assert!(few.blocks() > 110_000);
    }

    #[test]
    fn a_disk_is_one_drive_that_is_only_read() {
        assert_eq!(
            drive(Path::new("/a,b/c.ext4")),
            [
                "-drive",
                "file=/a,,b/c.ext4,format=raw,if=virtio,readonly=on"
            ]
        );
        assert_eq!(
            mount("/programs"),
            "mkdir -p '/programs'; mount -t ext4 -o ro /dev/vda '/programs'\n"
        );
    }
}
