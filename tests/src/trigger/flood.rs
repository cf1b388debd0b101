//! The same again, and much at once.

use super::{act, address, number};
use anyhow::{Result, ensure};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Does one; answers whether there is such an act.
pub fn flood(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        // The same act so many times, in one process.
        ("repeat", [count, rest @ ..]) => {
            let rest: Vec<OsString> = rest.iter().map(|word| (*word).to_owned()).collect();
            for _ in 0..number(count)? {
                act(&rest)?;
            }
        }
        // One datagram to each port from 1 on, which are peers of their own.
        ("storm", [to, count]) => {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            for port in 1..=number(count)? {
                let _ = socket.send_to(b"lapwing", address(to, OsStr::new(&port.to_string()))?);
            }
        }
        // So many sockets, one after the other, each connected to one peer.
        ("connect-many", [to, port, count]) => {
            let to = address(to, port)?;
            for _ in 0..number(count)? {
                UdpSocket::bind("0.0.0.0:0")?.connect(to)?;
            }
        }
        // So many children at a time that do nothing, until the limit of processes ends it.
        ("bomb", [path, count]) => {
            let mut children = Vec::new();
            for _ in 0..number(count)? {
                let child = Command::new(path)
                    .arg("nothing")
                    .stdin(Stdio::null())
                    .spawn();
                children.extend(child);
            }
            ensure!(!children.is_empty(), "no child at all");
            for mut child in children {
                child.wait()?;
            }
        }
        // So many children at a time that run no program of their own, from one file's coming to
        // another's.
        ("crowd", [count, ready, end]) => {
            super::syscall::crowd(number(count)?, ready, end)?;
        }
        // The same, of children that run a program.
        ("crowd-of", [count, ready, end, path, rest @ ..]) => {
            let mut children = Vec::new();
            for _ in 0..number(count)? {
                children.push(Command::new(path).args(rest).stdin(Stdio::null()).spawn()?);
            }
            File::create_new(ready)?;
            while !Path::new(end).exists() {
                std::thread::sleep(Duration::from_millis(20));
            }
            for child in &mut children {
                child.kill()?;
                child.wait()?;
            }
        }
        // New files one after the other, and between two of them the same acts each time: words that
        // are parted by `and`.
        ("create-among", [stem, count, rest @ ..]) => {
            let acts: Vec<Vec<OsString>> = rest
                .split(|word| *word == "and")
                .map(|act| act.iter().map(|word| (*word).to_owned()).collect())
                .collect();
            for index in 0..number(count)? {
                let mut path = (*stem).to_owned();
                path.push(index.to_string());
                drop(File::create(path)?);
                for known in &acts {
                    act(known)?;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // Noise in files, and behind it what must not be hidden by it.
        ("noise-then", [stem, count, rest @ ..]) => {
            for index in 0..number(count)? {
                let mut path = (*stem).to_owned();
                path.push(index.to_string());
                drop(File::create(path)?);
            }
            let rest: Vec<OsString> = rest.iter().map(|word| (*word).to_owned()).collect();
            act(&rest)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
