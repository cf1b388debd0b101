//! Acts on processes: new ones, and new programs in old ones.

use super::file::descend;
use super::{lacking, number, syscall};
use anyhow::{Context, Error, Result, anyhow, ensure};
use rustix::process::Pid;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Does one; answers whether there is such an act.
pub fn act(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        // A child that runs no program of its own.
        ("fork-create", [path]) => syscall::in_child(|| {
            File::create_new(path)?;
            Ok(())
        })?,
        // Runs a program in a child to its end.
        ("child", [path, argv @ ..]) => {
            let status = program(path, argv)?.stdin(Stdio::null()).status()?;
            ensure!(status.success(), "{path:?} ended with {status}");
        }
        // The same, of a 32-bit program.
        ("child-compat", [path, argv @ ..]) => {
            let status = program(path, argv)?.stdin(Stdio::null()).status();
            let status = status.map_err(foreign)?;
            ensure!(status.success(), "{path:?} ended with {status}");
        }
        ("exec-compat", [path, argv @ ..]) => {
            return Err(foreign(program(path, argv)?.exec()));
        }
        // A child in a session of its own, that runs no program of its own.
        ("setsid-create", [path]) => syscall::in_child(|| {
            rustix::process::setsid()?;
            File::create_new(path)?;
            Ok(())
        })?,
        // Starts a program and ends without waiting for it.
        ("leave", [path, argv @ ..]) => {
            Command::new(path).args(argv).stdin(Stdio::null()).spawn()?;
        }
        // Waits until its parent is gone and another has taken its place, then makes a file.
        ("orphan", [path]) => {
            while rustix::process::getppid() != Some(Pid::INIT) {
                std::thread::sleep(Duration::from_millis(5));
            }
            File::create_new(path)?;
        }
        // Becomes a copy of a program that no path leads to.
        ("exec-memfd", [path, argv @ ..]) => {
            return Err(syscall::exec(&syscall::memory(path)?, argv));
        }
        ("exec-unlinked", [path, argv @ ..]) => {
            let file = File::open(path)?;
            fs::remove_file(path)?;
            return Err(syscall::exec(&file, argv));
        }
        // Without a name, the file that was opened itself.
        ("execveat", [start, name, argv @ ..]) => {
            return Err(syscall::execveat(syscall::handle(start)?, name, argv));
        }
        ("execveat-memfd", [path, argv @ ..]) => {
            return Err(syscall::execveat(
                syscall::memory(path)?,
                OsStr::new(""),
                argv,
            ));
        }
        ("exec-thread", [path, argv @ ..]) => {
            let mut command = program(path, argv)?;
            let thread = std::thread::spawn(move || command.exec());
            let error = thread.join().map_err(|_| anyhow!("the thread panicked"))?;
            return Err(error.into());
        }
        ("chroot-exec", [root, path, argv @ ..]) => {
            std::os::unix::fs::chroot(root)?;
            std::env::set_current_dir("/")?;
            return Err(program(path, argv)?.exec().into());
        }
        // The same in a folder below so many that it makes: no such path can be passed at once.
        ("exec-deep", [start, name, levels, path, argv @ ..]) => {
            descend(start, name, number(levels)?)?;
            return Err(program(path, argv)?.exec().into());
        }
        // Becomes another program under a given name, without a fork.
        ("exec", [path, argv @ ..]) => return Err(program(path, argv)?.exec().into()),
        // The same, once it has opened a file for writing.
        ("write-exec", [file, path, argv @ ..]) => {
            drop(File::create(file)?);
            return Err(program(path, argv)?.exec().into());
        }
        // A child that runs a program under a name, again and again, each time by another entry of
        // the folder's.
        ("child-entries", [from, name, count, argv @ ..]) => {
            let from = Path::new(from);
            let entry = |number: u64| from.with_extension(number.to_string());
            let count = number(count)?;
            for number in 0..count {
                fs::hard_link(from, entry(number))?;
            }
            for number in 0..count {
                // To rename one to another of the same file would do nothing.
                match fs::remove_file(name) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                    _ => fs::rename(entry(number), name)?,
                }
                let status = program(name, argv)?.stdin(Stdio::null()).status()?;
                ensure!(status.success(), "{name:?} ended with {status}");
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Why a 32-bit program did not start.
fn foreign(error: std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOEXEC) => lacking("32-bit programs"),
        _ => error.into(),
    }
}

/// A program with all its arguments, the first of which is its name.
fn program(path: &OsStr, argv: &[&OsStr]) -> Result<Command> {
    let (name, rest) = argv.split_first().context("no name for the program")?;
    let mut command = Command::new(path);
    command.arg0(name).args(rest);
    Ok(command)
}
