//! The processes of a container: those that run, and those that reports speak of.

use crate::container::hierarchy::Hierarchy;
use crate::container::scan;
use crate::container::snapshot::sockets::{self, Use};
use lapwing_encode::redact::Redaction;
use lapwing_proto::v1::Process;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// A process that runs.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// In the host's numbering.
    pub pid: u32,
    /// That of the process above it.
    pub parent: u32,
    /// As the container names it, where it is inside.
    pub exe: String,
    /// Secrets in them are hidden by the default rules of redaction.
    pub args: Vec<String>,
    /// Its working directory.
    pub cwd: String,
    /// Real and effective user, in the host's numbering.
    pub uids: [u32; 2],
    /// When it started, in nanoseconds since the host did.
    pub started: u64,
}

/// A peer of a socket that is open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// Address and port.
    pub address: String,
    /// Who has the socket.
    pub pids: BTreeSet<u32>,
}

/// What a container does now.
#[derive(Debug, Default)]
pub struct Now {
    /// By their numbers.
    pub running: Vec<Running>,
    /// By their addresses.
    pub peers: Vec<Peer>,
    /// What is missing in them, as sentences.
    pub incomplete: Vec<String>,
}

/// Looks at the processes of a cgroup and of those below it.
#[must_use]
pub fn now(proc: &Path, hierarchy: &Hierarchy, cgroup: &str) -> Now {
    let redaction = Redaction::standard();
    let mut now = Now::default();
    let mut peers: BTreeMap<(&'static str, String), BTreeSet<u32>> = BTreeMap::new();
    let mut unread = 0;
    for pid in members(proc, hierarchy, cgroup) {
        // It may end any time: what is gone is left out.
        let Some(running) = running(proc, pid, &redaction) else {
            continue;
        };
        // Its number may be another's by now.
        if !is_in(&proc.join(pid.to_string()), hierarchy, cgroup) {
            continue;
        }
        now.running.push(running);
        match open_peers(proc, pid) {
            Ok((found, missing)) => {
                unread += missing;
                for peer in found {
                    peers.entry(peer).or_default().insert(pid);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => unread += 1,
        }
    }
    let peer = |((protocol, address), pids)| Peer {
        protocol,
        address,
        pids,
    };
    now.peers = peers.into_iter().map(peer).collect();
    if unread > 0 {
        now.incomplete.push(format!(
            "the open sockets of some processes could not be read ({unread} tables)"
        ));
    }
    now
}

/// The processes in a cgroup and below, by their numbers.
pub fn members(proc: &Path, hierarchy: &Hierarchy, cgroup: &str) -> Vec<u32> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            is_in(&entry.path(), hierarchy, cgroup).then_some(pid)
        })
        .collect();
    pids.sort_unstable();
    pids
}

/// Whether a process is in a cgroup, or below.
pub fn is_in(process: &Path, hierarchy: &Hierarchy, cgroup: &str) -> bool {
    let file = fs::read(process.join("cgroup")).unwrap_or_default();
    let path = hierarchy.path_in(&file).unwrap_or_default();
    let below = path.strip_prefix(cgroup);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn running(proc: &Path, pid: u32, redaction: &Redaction) -> Option<Running> {
    let started = scan::start(proc, pid)?;
    let mut image = scan::image(proc, pid);
    redaction.arguments(&mut image.args);
    let status = fs::read_to_string(proc.join(pid.to_string()).join("status")).ok()?;
    let numbers = |key: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let words = line.unwrap_or_default().split_ascii_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let uids = numbers("Uid:");
    Some(Running {
        pid,
        parent: *numbers("PPid:").first()?,
        exe: image.exe,
        args: image.args,
        cwd: image.cwd,
        uids: [*uids.first()?, *uids.get(1)?],
        started,
    })
}

/// Who a process talks to, by the sockets that it has open; and how many tables were not read whole.
fn open_peers(proc: &Path, pid: u32) -> std::io::Result<(Vec<(&'static str, String)>, u64)> {
    let folder = proc.join(pid.to_string());
    let mut wanted = HashSet::new();
    for entry in fs::read_dir(folder.join("fd"))? {
        let link = fs::read_link(entry?.path()).unwrap_or_default();
        let number = { link.to_str() }
            .and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'))
            .and_then(|text| text.parse::<u64>().ok());
        wanted.extend(number);
    }
    if wanted.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let (found, unread) = sockets::sockets(&folder.join("net"), &wanted);
    let peers = found.into_values().flatten().filter_map(|socket| {
        let Use::Peer(address, port) = socket.used else {
            return None;
        };
        let protocol = if socket.protocol == 6 { "TCP" } else { "UDP" };
        Some((protocol, SocketAddr::new(address, port).to_string()))
    });
    Ok((peers.collect(), unread))
}

/// Programs in the order in which they led to one another, as reports tell.
#[derive(Default)]
pub struct Tree {
    below: BTreeMap<(u32, String), Tree>,
    /// What is said of it.
    notes: Vec<String>,
}

impl Tree {
    /// Takes up the process of a report, and what is said of it.
    pub fn add(&mut self, process: &Process, note: &str) {
        let ancestors = process.ancestors.iter().rev();
        let mut at = self;
        for (pid, exe) in ancestors
            .map(|one| (one.pid, &one.exe))
            .chain([(process.pid, &process.exe)])
        {
            at = at.below.entry((pid, exe.clone())).or_default();
        }
        if !at.notes.iter().any(|one| one == note) {
            at.notes.push(note.to_owned());
        }
    }

    /// As indented lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        use std::fmt::Write;
        for ((pid, exe), tree) in &self.below {
            let space = "  ".repeat(depth);
            let exe = lapwing_profile::text::visible(exe);
            let _ = writeln!(out, "{space}{exe} (pid {pid})");
            for note in &tree.notes {
                let note = lapwing_profile::text::visible(note);
                let _ = writeln!(out, "{space}  ! {note}");
            }
            tree.write(depth + 1, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::process::Ancestor;
    use std::net::{TcpListener, TcpStream};

    fn process(pid: u32, exe: &str, above: &[(u32, &str)]) -> Process {
        let ancestor = |(pid, exe): &(u32, &str)| Ancestor {
            pid: *pid,
            exe: (*exe).to_owned(),
        };
        Process {
            pid,
            exe: exe.to_owned(),
            ancestors: above.iter().map(ancestor).collect(),
            ..Process::default()
        }
    }

    #[test]
    fn reports_make_one_tree() {
        let mut tree = Tree::default();
        let shop = (1, "/usr/bin/shop");
        tree.add(&process(7, "/bin/sh", &[shop]), "exec.unknown /bin/sh");
        tree.add(
            &process(9, "/tmp/x\u{1b}", &[(7, "/bin/sh"), shop]),
            "exec.drift",
        );
        tree.add(&process(7, "/bin/sh", &[shop]), "file.unknown /etc/passwd");
        tree.add(&process(7, "/bin/sh", &[shop]), "exec.unknown /bin/sh");
        let wanted = "/usr/bin/shop (pid 1)\n  /bin/sh (pid 7)\n    ! exec.unknown /bin/sh\n    \
                      ! file.unknown /etc/passwd\n    /tmp/x\\x1b (pid 9)\n      ! exec.drift\n";
        assert_eq!(tree.text(), wanted);
    }

    /// Of the processes that run this test: whoever they are, it is among them.
    #[test]
    fn this_process_is_found_with_its_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let proc = Path::new("/proc");
        let pid = std::process::id();
        let own = running(proc, pid, &Redaction::standard()).unwrap();
        assert_eq!(
            own.uids,
            [rustix::process::getuid(), rustix::process::geteuid()]
                .map(rustix::process::Uid::as_raw)
        );
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert!(
            own.exe
                .ends_with(&own.args[0][own.args[0].rfind('/').unwrap()..]),
            "{own:?}"
        );
        let (peers, unread) = open_peers(proc, pid).unwrap();
        assert_eq!(unread, 0);
        assert!(peers.contains(&("TCP", address.to_string())), "{peers:?}");
    }
}
