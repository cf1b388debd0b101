//! The process that a record is about.

use super::Subject;
use lapwing_abi::record::Header;
use std::path::Path;

/// A process as records name it.
#[derive(Clone, Copy)]
pub struct Actor(pub Header);

impl Actor {
    /// `None` for a process that has ended.
    pub fn of(folder: &Path, subject: &Subject) -> Option<Self> {
        let status = std::fs::read(folder.join("status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let words = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_default().split_ascii_whitespace()
        };
        let id = |key: &str, at: usize| -> Option<u32> { words(key).nth(at)?.parse().ok() };
        let process = subject.process;
        Some(Self(Header {
            phase: process.phase as u8,
            cgroup: process.cgroup,
            exec: process.exec,
            issuer: process.issuer,
            start: process.start,
            pid: subject.pid,
            tid: subject.pid,
            container_pid: process.container_pid,
            parent_pid: process.parent_pid,
            uid: id("Uid:", 0)?,
            euid: id("Uid:", 1)?,
            gid: id("Gid:", 0)?,
            egid: id("Gid:", 1)?,
            capabilities: u64::from_str_radix(words("CapEff:").next()?, 16).ok()?,
            ..Header::default()
        }))
    }
}
