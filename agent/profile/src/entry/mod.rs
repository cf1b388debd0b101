//! One line of a profile, and its text.

mod check;
pub mod keyed;
pub(crate) mod line;
pub mod packed;

use crate::behaviour::{Behaviour, words};
use crate::yaml::{self, Limits};
use line::{DnsLine, EgressLine, ExecLine, FileLine, Lines, ListenLine, PrivilegeLine};
use serde::Deserialize;
use std::fmt;
use thiserror::Error;

/// Most that one entry has: two paths of which every byte is escaped, and some room.
const LIMITS: Limits = Limits {
    bytes: 128 << 10,
    nodes: 64,
};

words! {
    /// How the process came to be that does it. A shell that a person opened in a container
    /// does not excuse a shell under its service.
    #[derive(Default)]
    Phase {
        /// It descends from the container's first program.
        #[default]
        Main = "main",
        /// It entered the running container from outside.
        Exec = "exec",
        /// It has left the container: it has the host's root directory, or the host's mounts. What it
        /// does there may be called what the container does, and is something else.
        Escaped = "escaped",
        /// It entered the running container from outside, by a command of the pod's: an exec probe or
        /// a hook.
        Probe = "probe",
    }
}

impl Phase {
    /// Whether what is done in it may be learned. What else enters from outside is a person or a
    /// tool, and what left belongs to nobody.
    #[must_use]
    pub const fn is_learned(self) -> bool {
        match self {
            Self::Main | Self::Probe => true,
            Self::Exec | Self::Escaped => false,
        }
    }
}

/// What a profile knows or refuses: a behaviour in a phase.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// What is done.
    pub behaviour: Behaviour,
    /// By a process of which phase.
    pub phase: Phase,
}

/// The YAML form of one entry: exactly one of these.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    exec: Option<ExecLine>,
    #[serde(default)]
    file: Option<FileLine>,
    #[serde(default)]
    egress: Option<EgressLine>,
    #[serde(default)]
    listen: Option<ListenLine>,
    #[serde(default)]
    dns: Option<DnsLine>,
    #[serde(default)]
    privilege: Option<PrivilegeLine>,
}

/// A text that is no entry.
#[derive(Debug, Error)]
#[error("not an entry: {0}; write one as violations show it, like `exec: {{path: /bin/ls}}`")]
pub struct NoEntry(String);

impl Entry {
    /// Reads one entry from YAML, as in `patch` of a violation, with or without a leading dash.
    ///
    /// # Errors
    /// When the text is another thing.
    pub fn parse(text: &str) -> Result<Self, NoEntry> {
        let text = text.trim();
        let text = text.strip_prefix("- ").unwrap_or(text);
        let wire: Wire = yaml::read(text.as_bytes(), LIMITS).map_err(NoEntry)?;
        let Wire {
            exec,
            file,
            egress,
            listen,
            dns,
            privilege,
        } = wire;
        let lines = Lines {
            exec,
            file,
            egress,
            listen,
            dns,
            privilege,
        };
        lines.only().map_err(NoEntry)
    }

    /// Whether a sighting can equal it; says why not.
    pub(crate) fn check(&self) -> Result<(), String> {
        check::check(&self.behaviour)
    }

    /// The kind in a word, as `exec`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.behaviour.kind().word()
    }

    /// The line that approves it, in a profile's own language.
    #[must_use]
    pub fn patch(&self) -> String {
        format!("- {self}")
    }

    /// The fields in braces, as they stand in a profile.
    #[must_use]
    pub fn fields(&self) -> String {
        let mut map = yaml::Flow::default();
        line::write(&mut map, &self.behaviour);
        if self.phase != Phase::Main {
            map.text("phase", self.phase.word());
        }
        map.finish()
    }
}

/// `exec: {path: /bin/ls}`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.fields())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_as_they_are_written() {
        for text in [
            "exec: {path: /bin/busybox, name: sleep}",
            "exec: {path: /usr/bin/python3, script: /app/run.py, phase: exec}",
            "exec: {path: /tmp/x, origin: UPPER_LAYER}",
            "exec: {path: /bin/sh, parent: /usr/sbin/nginx}",
            "exec: {path: /bin/sh, parent: runtime, phase: exec}",
            "exec: {path: /bin/sh, parent: runtime, phase: probe}",
            "exec: {path: /bin/sh, script: /x, origin: VOLUME, parent: unknown}",
            "exec: {path: /bin/sh, parent: \"detached:/memfd:x\"}",
            "exec: {path: /bin/sh, parent: \"drifted:/tmp/x\"}",
            "exec: {path: /bin/sh, parent: \"\u{2026}/deep/x\"}",
            "file: {operation: RENAME, path: /data/x, target: \"/data/y: #\"}",
            "file: {operation: SYMLINK, path: /data/x, target: \"../y\"}",
            "file: {operation: CHMOD, path: /data/x}",
            "file: {operation: CHMOD, path: /data/x, setId: USER_AND_GROUP}",
            "file: {operation: SETXATTR, path: /data/x, target: security.capability}",
            "file: {operation: OPEN_READ, path: /etc/shadow, by: /bin/login}",
            "file: {operation: CREATE, pattern: \"/data/{digits}/*.log\"}",
            "file: {operation: CREATE, path: \"/data/{digits}/*.log\"}",
            "file: {operation: RENAME, pattern: \"/data/\\\\x2a\", target: \"/data/**\"}",
            "file: {operation: SYMLINK, pattern: \"/data/*\", target: \"*\", phase: exec}",
            "egress: {protocol: TCP, address: \"fd00::1\", port: 443}",
            "egress: {protocol: TCP, cidr: \"10.0.0.0/8\", port: 443}",
            "egress: {protocol: ICMPV6, cidr: \"fd00::/8\", phase: exec}",
            "egress: {protocol: TCP, domain: api.example.com, port: 443}",
            "egress: {protocol: ICMP, address: \"10.0.0.1\"}",
            "egress: {protocol: OTHER, number: 47, address: \"10.0.0.1\"}",
            "egress: {protocol: OTHER, address: \"10.0.0.1\", port: 7}",
            "egress: {protocol: OTHER, number: 47, socket: RAW}",
            "egress: {protocol: UNIX, path: /run/docker.sock}",
            "egress: {protocol: UNIX, path: \"@bus\"}",
            "egress: {protocol: VSOCK, cid: 2, port: 70000}",
            "egress: {protocol: PACKET, socket: RAW, phase: exec}",
            "listen: {protocol: TCP, port: 8080}",
            "listen: {protocol: TCP, port: 0, loopback: true}",
            "listen: {protocol: UNIX, path: /run/x.sock}",
            "listen: {protocol: VSOCK, port: 50000}",
            "dns: {name: api.example.com, type: AAAA}",
            "dns: {name: \"_sip._udp.example.com\", type: TYPE4711}",
            "privilege: {operation: IO_URING}",
            "privilege: {operation: MOUNT, detail: \"tmpfs at /x\"}",
            "privilege: {operation: CAPABILITY, detail: CAP_SYS_ADMIN, phase: exec}",
        ] {
            let entry = Entry::parse(text).unwrap();
            assert_eq!(entry.to_string(), text);
            assert_eq!(Entry::parse(&entry.patch()).unwrap(), entry);
        }
    }

    #[test]
    fn what_is_no_entry_says_why() {
        for (text, word) in [
            ("exec: {path: /x, colour: red}", "colour"),
            ("{}", "one of"),
            ("exec: {path: \"/bin/\\e[2J\"}", "canonical"),
            ("exec: {path: /x, name: \"\\x9b\"}", "canonical"),
            ("exec: {path: /x, parent: \"/\\e\"}", "canonical"),
            ("exec: {path: /x, parent: Runtime}", "neither a path nor"),
            ("exec: {path: /x, parent: \"\"}", "neither a path nor"),
            ("exec: {path: /x, parent: bin/sh}", "neither a path nor"),
            (
                "file: {operation: RENAME, path: /x, target: \"/\\u202e\"}",
                "canonical",
            ),
            ("file: {operation: RENAME, path: /x}", "needs a `target`"),
            (
                "file: {operation: MKDIR, path: /x, target: /y}",
                "no `target`",
            ),
            ("file: {operation: OPEN_READ, path: /x}", "needs `by`"),
            ("file: {operation: CREATE, path: /x, by: /y}", "no `by`"),
            ("file: {operation: CREATE}", "either `path` or `pattern`"),
            (
                "file: {operation: CREATE, path: /x, pattern: \"/*\"}",
                "either `path` or `pattern`",
            ),
            (
                "file: {operation: CREATE, pattern: /x}",
                "write it as a `path`",
            ),
            ("file: {operation: CREATE, pattern: \"/{x}\"}", "{x}"),
            (
                "file: {operation: RENAME, pattern: \"/*\", target: y}",
                "whole path",
            ),
            (
                "file: {operation: MKDIR, path: /x, setId: USER}",
                "no `setId`",
            ),
            ("egress: {protocol: TCP, port: 1}", "one of `address`"),
            (
                "egress: {protocol: TCP, address: 1.1.1.1}",
                "`port` is missing",
            ),
            (
                "egress: {protocol: TCP, address: 1.1.1.1, port: 70000}",
                "65535",
            ),
            (
                "egress: {protocol: TCP, domain: X.y, port: 1}",
                "small letters",
            ),
            (
                "egress: {protocol: TCP, cidr: 10.0.0.1/8, port: 1}",
                "is written 10.0.0.0/8",
            ),
            ("egress: {protocol: UNIX, cidr: 10.0.0.0/8}", "above IP"),
            (
                "egress: {protocol: TCP, cidr: 10.0.0.0/8}",
                "`port` is missing",
            ),
            ("egress: {protocol: TCP, path: /x}", "belongs to UNIX"),
            ("egress: {protocol: UNIX, path: /x, port: 1}", "no `port`"),
            (
                "egress: {protocol: UNIX, path: /x, cid: 1}",
                "one of `address`",
            ),
            ("egress: {protocol: VSOCK, cid: 1}", "`port` is missing"),
            ("listen: {port: 1}", "protocol"),
            ("listen: {protocol: UNIX}", "needs one"),
            ("listen: {protocol: TCP, path: /x, port: 1}", "no `port`"),
            ("listen: {protocol: TCP, port: 50051}", "written `port: 0`"),
            ("dns: {name: a, type: a}", "like A or AAAA"),
            ("dns: {name: a., type: A}", "no dot at the end"),
            ("privilege: {operation: SUDO}", "SUDO"),
            ("privilege: {operation: BPF, detail: \"\\e\"}", "canonical"),
            (
                "egress: {protocol: TCP, address: nowhere, port: 1}",
                "column 34",
            ),
        ] {
            let error = Entry::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
    }
}
