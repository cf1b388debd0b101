//! Files that a process can write because it has them mapped, from `/proc/PID/maps`.
//!
//! The descriptor may be closed by then: such a file stands in no other list.

use super::mounts::Mounts;
use lapwing_abi::ids::Mount;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Bytes of the list that are read: some ten thousand mappings.
const LIST_BYTES: u64 = 1 << 20;

/// Paths of files that are mapped shared and writable, with what they lie on, and whether the list
/// was read to its end. Files without a name left are not told: of them the list says nothing that
/// would tell them from shared memory.
pub fn writable(
    process: &Path,
    mounts: &mut impl FnMut() -> Mounts,
) -> (Vec<(Vec<u8>, Mount)>, bool) {
    let Ok(file) = std::fs::File::open(process.join("maps")) else {
        return (Vec::new(), true);
    };
    let mut found = Vec::new();
    let mut known = None;
    let mut lines = BufReader::new(file.take(LIST_BYTES));
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return (found, lines.get_ref().limit() > 0),
            Ok(_) => {}
        }
        let Some((device, path)) = mapping(&line) else {
            continue;
        };
        let mounts = known.get_or_insert_with(&mut *mounts);
        if let Some(mount) = mounts.of_device(device) {
            found.push((path, mount));
        }
    }
}

/// `address perms offset major:minor inode   path` of a shared writable mapping of a named file.
/// Only newlines in the path are octal there, so a name that spells `\012` out is taken for one.
fn mapping(line: &[u8]) -> Option<((u32, u32), Vec<u8>)> {
    let line = line.strip_suffix(b"\n")?;
    let mut rest = line;
    let mut word = || -> Option<&[u8]> {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        let (word, tail) = rest.split_at(end);
        rest = &tail[1..];
        Some(word)
    };
    let _address = word()?;
    let perms = word()?;
    if perms.len() != 4 || perms[1] != b'w' || perms[3] != b's' {
        return None;
    }
    let _offset = word()?;
    let (major, minor) = std::str::from_utf8(word()?).ok()?.split_once(':')?;
    let number = |text| u32::from_str_radix(text, 16).ok();
    let device = (number(major)?, number(minor)?);
    let _inode = word()?;
    let at = rest.iter().position(|byte| *byte != b' ')?;
    let path = &rest[at..];
    if !path.starts_with(b"/") || path.ends_with(b" (deleted)") {
        return None;
    }
    Some((device, unescape(path)))
}

fn unescape(path: &[u8]) -> Vec<u8> {
    const NEWLINE: &[u8] = b"\\012";
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(NEWLINE) {
            out.push(b'\n');
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_writable_mappings_are_told_from_the_rest() {
        let line = |perms: &str, path: &str| {
            format!("7f00-7f01 {perms} 00000000 fe:0a 1234                       {path}\n")
        };
        let of = |line: String| mapping(line.as_bytes());
        assert_eq!(
            of(line("rw-s", "/a b/c\\012d")),
            Some(((0xfe, 0xa), b"/a b/c\nd".to_vec()))
        );
        assert!(of(line("-w-s", "/a")).is_some());
        for (perms, path) in [
            ("r--s", "/a"),
            ("rw-p", "/a"),
            ("rw-s", "/dev/zero (deleted)"),
            ("rw-s", "anon_inode:[io_uring]"),
            ("rw-s", "[stack]"),
        ] {
            assert_eq!(of(line(perms, path)), None, "{perms} {path}");
        }
        for broken in [
            "",
            "\n",
            "7f00-7f01 rw-s\n",
            "7f00 rw-s 0 x:y 1 /a\n",
            "7f00 rw-s 0 1:2 1\n",
        ] {
            assert_eq!(mapping(broken.as_bytes()), None, "{broken:?}");
        }
        let name = line("rw-s", "/no/end");
        assert_eq!(mapping(name.trim_end().as_bytes()), None, "cut");
    }
}
