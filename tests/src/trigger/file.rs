//! Acts on files.

use super::{number, syscall};
use anyhow::Result;
use rustix::fs::AtFlags;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::time::Duration;

/// Does one; answers whether there is such an act.
pub fn act(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        ("open-write", [path]) => drop(OpenOptions::new().write(true).open(path)?),
        ("open-read", [path]) => drop(File::open(path)?),
        ("create", [path]) => drop(File::create_new(path)?),
        ("create-many", [stem, count]) => create_many(stem, number(count)?, Duration::ZERO)?,
        ("create-slowly", [stem, count]) => {
            create_many(stem, number(count)?, Duration::from_millis(3))?;
        }
        // Step by step, because no such path can be passed at once.
        ("create-deep", [start, name, levels, leaf]) => {
            std::env::set_current_dir(start)?;
            for _ in 0..number(levels)? {
                fs::create_dir(name)?;
                std::env::set_current_dir(name)?;
            }
            File::create_new(leaf)?;
        }
        ("link", [path, name]) => fs::hard_link(path, name)?,
        ("delete", [path]) => fs::remove_file(path)?,
        ("rmdir", [path]) => fs::remove_dir(path)?,
        ("rename", [from, to]) => fs::rename(from, to)?,
        ("creat", [path]) => syscall::creat(path)?,
        ("openat2", [folder, name]) => syscall::openat2(folder, name)?,
        ("unlinkat", [folder, name]) => syscall::unlinkat(folder, name, AtFlags::empty())?,
        ("rmdirat", [folder, name]) => syscall::unlinkat(folder, name, AtFlags::REMOVEDIR)?,
        ("renameat2", [folder, from, to_folder, to]) => {
            syscall::renameat2((folder, from), (to_folder, to))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn create_many(stem: &OsStr, count: u64, pause: Duration) -> Result<()> {
    for index in 0..count {
        let mut path = stem.to_owned();
        path.push(index.to_string());
        drop(File::create(path)?);
        std::thread::sleep(pause);
    }
    Ok(())
}
