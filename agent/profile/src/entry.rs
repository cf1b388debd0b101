//! One line of a profile, and its text.

use crate::behaviour::{Behaviour, Egress, Exec, FileChange, Origin, words};
use crate::text::{is_canonical, visible};
use crate::yaml::{self, Limits};
use serde::{Deserialize, Serialize};
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

/// The YAML form of one entry: exactly one of the three.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    exec: Option<ExecLine>,
    #[serde(default)]
    file: Option<FileLine>,
    #[serde(default)]
    egress: Option<EgressLine>,
}

macro_rules! line {
    ($(#[$meta:meta])* $name:ident of $behaviour:ident { $($field:ident: $type:ty $(= $default:expr)?,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[serde(default = $default)])? $field: $type,)+
            #[serde(default)]
            phase: Phase,
        }
        impl From<$name> for Entry {
            fn from(line: $name) -> Self {
                Self { phase: line.phase, behaviour: $behaviour { $($field: line.$field,)+ }.into() }
            }
        }
    };
}

fn none() -> Option<String> {
    None
}

fn image() -> Origin {
    Origin::Image
}

line! {
    /// An entry of `spec.exec`.
    ExecLine of Exec {
        path: String,
        name: Option<String> = "none",
        script: Option<String> = "none",
        origin: Origin = "image",
    }
}
line! {
    /// An entry of `spec.files`.
    FileLine of FileChange {
        operation: crate::behaviour::Operation,
        path: String,
        target: Option<String> = "none",
    }
}
line! {
    /// An entry of `spec.egress`.
    EgressLine of Egress {
        protocol: crate::behaviour::Protocol,
        address: std::net::IpAddr,
        port: u16,
    }
}

impl From<Exec> for Behaviour {
    fn from(exec: Exec) -> Self {
        Self::Exec(exec)
    }
}
impl From<FileChange> for Behaviour {
    fn from(file: FileChange) -> Self {
        Self::File(file)
    }
}
impl From<Egress> for Behaviour {
    fn from(egress: Egress) -> Self {
        Self::Egress(egress)
    }
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
        let entry: Self = match wire {
            Wire {
                exec: Some(line),
                file: None,
                egress: None,
            } => line.into(),
            Wire {
                exec: None,
                file: Some(line),
                egress: None,
            } => line.into(),
            Wire {
                exec: None,
                file: None,
                egress: Some(line),
            } => line.into(),
            _ => {
                return Err(NoEntry(
                    "one of `exec`, `file` and `egress` is needed".to_owned(),
                ));
            }
        };
        entry.check().map_err(NoEntry)?;
        Ok(entry)
    }

    /// Whether all its texts are canonical, as those of all sightings are: no other would ever
    /// match one, and a raw control byte must reach no terminal.
    pub(crate) fn check(&self) -> Result<(), String> {
        let texts: [Option<&str>; 3] = match &self.behaviour {
            Behaviour::Exec(exec) => [
                Some(&exec.path),
                exec.name.as_deref(),
                exec.script.as_deref(),
            ],
            Behaviour::File(file) => [Some(&file.path), file.target.as_deref(), None],
            Behaviour::Egress(_) => [None; 3],
        };
        match texts.into_iter().flatten().find(|text| !is_canonical(text)) {
            None => Ok(()),
            Some(text) => Err(format!(
                "`{}` is not in canonical form: control characters and bytes that are not UTF-8 \
                 are written \\xNN, a backslash is doubled",
                visible(text)
            )),
        }
    }

    /// The kind: `exec`, `file` or `egress`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.behaviour {
            Behaviour::Exec(_) => "exec",
            Behaviour::File(_) => "file",
            Behaviour::Egress(_) => "egress",
        }
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
        match &self.behaviour {
            Behaviour::Exec(exec) => {
                map.text("path", &exec.path);
                map.optional("name", exec.name.as_deref());
                map.optional("script", exec.script.as_deref());
                if exec.origin != Origin::Image {
                    map.text("origin", exec.origin.word());
                }
            }
            Behaviour::File(file) => {
                map.text("operation", file.operation.word());
                map.text("path", &file.path);
                map.optional("target", file.target.as_deref());
            }
            Behaviour::Egress(egress) => {
                map.text("protocol", egress.protocol.word());
                map.text("address", &egress.address.to_string());
                map.number("port", egress.port);
            }
        }
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
            "file: {operation: RENAME, path: /data/x, target: \"/data/y: #\"}",
            "egress: {protocol: TCP, address: \"fd00::1\", port: 443}",
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
            (
                "file: {operation: RENAME, path: /x, target: \"/\\u202e\"}",
                "canonical",
            ),
            ("listen: {port: 1}", "listen"),
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
