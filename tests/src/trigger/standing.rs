//! What a program holds that has been running for a while: files, peers, ports.

use super::serve;
use crate::puppet::TRIGGER;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Error, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A file that the first process has open.
pub const HELD: &str = "/data/held\nname";
/// One that it has mapped, and no longer open.
pub const MAPPED: &str = "/data/mapped";
/// One that a child of another user has open.
pub const OF_CHILD: &str = "/scratch/child";
/// The port it listens at, and talks to.
pub const TCP_PORT: u16 = 8080;
/// The port where it takes datagrams.
pub const UDP_PORT: u16 = 5140;
/// The port it sends datagrams to.
pub const ASKED_PORT: u16 = 5353;
/// The user of the child.
const USER: u32 = 1000;

/// Holds all that, then runs programs on request.
pub fn serve_holding() -> Result<()> {
    let _held = append(OsStr::new(HELD))?;
    map(&append(OsStr::new(MAPPED))?)?;
    let listener = TcpListener::bind(("0.0.0.0", TCP_PORT))?;
    let _client = TcpStream::connect(("127.0.0.1", TCP_PORT))?;
    let _accepted = listener.accept()?;
    let _waiting = UdpSocket::bind(("0.0.0.0", UDP_PORT))?;
    let asking = UdpSocket::bind("127.0.0.1:0")?;
    asking.connect(("127.0.0.1", ASKED_PORT))?;
    let mut child = Command::new(TRIGGER)
        .args(["hold-file", OF_CHILD])
        .uid(USER)
        .gid(USER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.as_mut().context("no output")?;
    out.read_exact(&mut [0; 1])
        .context("the child holds nothing")?;
    serve::serve()
}

/// Holds a file until standard input closes.
pub fn hold_file(path: &OsStr) -> Result<()> {
    let _file = append(path)?;
    println!();
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Holds a file until it is killed.
pub fn keep_file(path: &OsStr) -> Result<()> {
    let _file = append(path)?;
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// As [`keep_file`], under a title of its own: written over the arguments, as services do it.
pub fn keep_titled(title: &OsStr, path: &OsStr) -> Result<()> {
    // proc(5): arg_start and arg_end, behind the name in parentheses.
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let mut ends = fields.split_whitespace().skip(45).map(str::parse::<usize>);
    let start = ends.next().context("no arg_start")??;
    let end = ends.next().context("no arg_end")??;
    let mut words = vec![0; end - start];
    let len = title.len().min(words.len() - 1);
    words[..len].copy_from_slice(&title.as_encoded_bytes()[..len]);
    // SAFETY: the kernel says that the process's arguments are there, which the process may write;
    // the standard library has copied them.
    unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), start as *mut u8, words.len()) };
    keep_file(path)
}

fn append(path: &OsStr) -> Result<File> {
    let mut options = OpenOptions::new();
    // Mapping needs both.
    options.create(true).read(true).append(true);
    options
        .open(path)
        .with_context(|| format!("{}", path.display()))
}

/// Maps a page of a file for as long as the process lives.
fn map(file: &File) -> Result<()> {
    file.set_len(4096)?;
    // SAFETY: a new mapping at an address of the kernel's choice, which nobody looks at.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    match page {
        libc::MAP_FAILED => Err(Error::last_os_error()).context("mmap"),
        _ => Ok(()),
    }
}
