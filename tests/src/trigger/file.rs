//! Acts on files.

use super::{file_call, handle, lacking, number, syscall, uring};
use crate::letters::in_letters;
use anyhow::{Result, bail};
use rustix::fs::AtFlags;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, fchown, lchown, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

/// Does one; answers whether there is such an act.
pub fn act(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        ("open-write", [path]) => drop(OpenOptions::new().write(true).open(path)?),
        ("open-read", [path]) => drop(File::open(path)?),
        ("create", [path]) => drop(File::create_new(path)?),
        ("create-many", [stem, count]) => {
            create_many(stem, number(count)?, Duration::ZERO, |index| {
                index.to_string()
            })?;
        }
        ("create-until", [stem, end, most]) => create_until(stem, end, number(most)?)?,
        // Which no pattern takes in.
        ("create-words", [stem, count]) => {
            create_many(stem, number(count)?, Duration::ZERO, in_letters)?;
        }
        ("create-words-slowly", [stem, count]) => {
            create_many(stem, number(count)?, PAUSE, in_letters)?;
        }
        // Step by step, because no such path can be passed at once.
        ("create-deep", [start, name, levels, leaf]) => {
            descend(start, name, number(levels)?)?;
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
        _ => return made(verb, words),
    }
    Ok(true)
}

/// Makes so many folders of one name, each in the one before, and goes there.
pub fn descend(start: &OsStr, name: &OsStr, levels: u64) -> Result<()> {
    std::env::set_current_dir(start)?;
    for _ in 0..levels {
        fs::create_dir(name)?;
        std::env::set_current_dir(name)?;
    }
    Ok(())
}

/// Names that are made or changed, and what a file is beside its contents.
fn made(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        ("rename-with", [flags, from, to]) => file_call::rename(flags, from, to)?,
        ("link", [from, to]) => fs::hard_link(from, to)?,
        ("link-descriptor", [how, from, to]) => file_call::link(how, &File::open(from)?, to)?,
        ("unnamed", [folder]) => drop(file_call::unnamed(folder)?),
        ("unnamed-link", [how, folder, to]) => {
            file_call::link(how, &file_call::unnamed(folder)?, to)?;
        }
        ("symlink", [text, path]) => symlink(text, path)?,
        ("symlinkat", [text, folder, name]) => file_call::symlinkat(text, folder, name)?,
        ("mkdir", [path]) => fs::create_dir(path)?,
        ("mkdirat", [folder, name]) => file_call::mkdirat(folder, name)?,
        ("mknod", [kind, path]) => file_call::mknod(kind, path)?,
        ("bind", [path]) => drop(UnixDatagram::bind(path)?),
        ("truncate", [path]) => file_call::truncate(path)?,
        ("open-truncate", [path]) => file_call::open_truncate(path)?,
        ("ftruncate", [path]) => OpenOptions::new().write(true).open(path)?.set_len(0)?,
        ("chmod", [path]) => fs::set_permissions(path, Permissions::from_mode(0o4711))?,
        // The mode in octal digits.
        ("chmod-to", [mode, path]) => {
            let mode = u32::from_str_radix(&mode.to_string_lossy(), 8)?;
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        ("fchmod", [path]) => File::open(path)?.set_permissions(Permissions::from_mode(0o640))?,
        ("fchmodat", [folder, name]) => file_call::fchmodat(folder, name)?,
        ("fchmodat2", [path]) => file_call::fchmodat2(path)?,
        ("chown", [path]) => chown(path, None, Some(0))?,
        ("lchown", [path]) => lchown(path, None, Some(0))?,
        ("fchown", [path]) => fchown(File::open(path)?, None, Some(0))?,
        ("fchownat", [path]) => file_call::fchownat(path)?,
        ("setxattr", [how, path, name]) => file_call::setxattr(how, path, name)?,
        ("removexattr", [how, path, name]) => file_call::removexattr(how, path, name)?,
        _ => return opened(verb, words),
    }
    Ok(true)
}

/// Ways to get a file that can be written, and to write it.
fn opened(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        ("open-both", [path]) => drop(OpenOptions::new().read(true).write(true).open(path)?),
        ("open-handle", [path]) => handle::open(path)?,
        ("open-disconnected", [folder, name]) => {
            handle::open_disconnected(Path::new(folder), name)?;
        }
        ("create-unmounted", [at, name]) => handle::create_unmounted(at, name)?,
        ("receive", [how, path, other]) => {
            let file = OpenOptions::new().write(true).open(path)?;
            // Under another name, because the first open was reported.
            fs::rename(path, other)?;
            drop(file_call::receive(how, &file)?);
        }
        // Removes a file and makes another until that has the first one's number, in so many tries;
        // then writes it. Only the last one gets the second name.
        ("reuse-inode", [first, second, tries]) => {
            let number_of = |path: &OsStr| fs::metadata(path).map(|file| file.ino());
            let wanted = number_of(first)?;
            for _ in 0..number(tries)? {
                fs::remove_file(first)?;
                let made = File::create_new(second)?;
                if number_of(second)? == wanted {
                    drop(made);
                    drop(OpenOptions::new().write(true).open(second)?);
                    return Ok(true);
                }
                drop(made);
                fs::rename(second, first)?;
            }
            return Err(lacking("a file system that gives an inode's number again"));
        }
        // By the last way that leads to a file that was removed.
        ("open-removed", [path]) => {
            let file = File::open(path)?;
            fs::remove_file(path)?;
            let left = format!("/proc/self/fd/{}", file.as_raw_fd());
            drop(OpenOptions::new().write(true).open(left)?);
        }
        ("write", [how, path]) => file_call::write(how, path)?,
        ("uring-open", [path]) => uring::create(path)?,
        // Makes a file in the working directory once that has no path any more.
        ("create-when-moved", [folder, name]) => {
            std::env::set_current_dir(folder)?;
            while std::env::current_dir().is_ok_and(|path| path.is_absolute() && path.exists()) {
                std::thread::sleep(Duration::from_millis(5));
            }
            File::create_new(name)?;
        }
        ("open-while-renamed", [here, there, name, count]) => {
            file_call::open_while_renamed(here, there, name, number(count)?)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Between two files that are made slowly.
const PAUSE: Duration = Duration::from_millis(3);
/// Between two of which there must be some as long as somebody waits.
const LEISURE: Duration = Duration::from_millis(300);

fn create_many(stem: &OsStr, count: u64, pause: Duration, name: fn(u64) -> String) -> Result<()> {
    for index in 0..count {
        let mut path = stem.to_owned();
        path.push(name(index));
        drop(File::create(path)?);
        std::thread::sleep(pause);
    }
    Ok(())
}

/// Makes files until there is one at `end`: half of the most slowly, and the others at leisure, so that they
/// last.
fn create_until(stem: &OsStr, end: &OsStr, most: u64) -> Result<()> {
    for index in 0..most {
        if Path::new(end).exists() {
            return Ok(());
        }
        let mut path = stem.to_owned();
        path.push(index.to_string());
        drop(File::create_new(path)?);
        std::thread::sleep(if index < most / 2 { PAUSE } else { LEISURE });
    }
    bail!("{most} files were made, and nobody ended it")
}
