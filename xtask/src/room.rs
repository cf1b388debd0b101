//! Room on the disk for what `cargo xtask test` builds.
//!
//! A disk that fills up fails whatever stage comes next, with errors that name other things.

use crate::build::target;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What `target` comes to with everything in it (11 GiB, by `du` after `.ci/run` in a new clone), and what tests put
/// into temporary folders besides, in MiB.
const NEEDED: u64 = 13 << 10;
/// What incremental compilation takes besides, which is on unless `CARGO_INCREMENTAL` is 0.
const INCREMENTAL: u64 = 6 << 10;

/// Fails where the tests would not end for want of room. What is built already counts.
pub fn check() -> Result<String> {
    let folder = target();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let disk = rustix::fs::statvfs(&folder)
        .with_context(|| format!("cannot ask for the room at {}", folder.display()))?;
    let is_incremental = std::env::var_os("CARGO_INCREMENTAL").is_none_or(|value| value != "0");
    let needed = match is_incremental {
        true => NEEDED + INCREMENTAL,
        false => NEEDED,
    };
    enough(
        needed,
        disk.f_bavail.saturating_mul(disk.f_frsize) >> 20,
        built(&folder) >> 20,
        &folder,
    )
}

/// Whether so much that is free will do with so much that is there, all in MiB.
fn enough(needed: u64, free: u64, built: u64, folder: &Path) -> Result<String> {
    ensure!(
        free.saturating_add(built) >= needed,
        "{} has {free} MiB free and {built} MiB built, and all tests need {needed} MiB of both together: make \
         room there, or set CARGO_TARGET_DIR to a folder that has it",
        folder.display()
    );
    Ok(format!("{free} MiB free, {built} MiB built"))
}

/// The bytes that files below take, each once however many names it has.
fn built(folder: &Path) -> u64 {
    let mut seen = std::collections::HashSet::new();
    let mut waiting = vec![folder.to_owned()];
    let mut sum = 0;
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // What went meanwhile takes nothing.
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                waiting.push(entry.path());
            } else if meta.nlink() == 1 || seen.insert((meta.dev(), meta.ino())) {
                sum += meta.blocks() * 512;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{NEEDED, built, enough};
    use std::fs;
    use std::path::Path;

    #[test]
    fn what_is_built_counts_with_what_is_free() {
        let at = Path::new("/somewhere/target");
        assert!(enough(NEEDED, NEEDED, 0, at).is_ok());
        assert!(enough(NEEDED, 100, NEEDED - 100, at).is_ok());
        let error = enough(NEEDED, 100, NEEDED - 101, at).expect_err("one too few");
        let text = error.to_string();
        assert!(
            text.contains("/somewhere/target has 100 MiB free"),
            "{text}"
        );
        assert!(text.contains("CARGO_TARGET_DIR"), "{text}");
    }

    #[test]
    fn a_file_of_two_names_is_counted_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("a/b");
        fs::create_dir_all(&below).expect("folders");
        fs::write(below.join("one"), vec![1; 1 << 20]).expect("a file");
        let alone = built(folder.path());
        assert!((1 << 20..2 << 20).contains(&alone), "{alone}");
        fs::hard_link(below.join("one"), folder.path().join("two")).expect("a link");
        assert_eq!(built(folder.path()), alone);
    }
}
