//! The agent's configuration: one YAML file, every key of which has a default.
//!
//! A key that is not known is an error with a suggestion, never ignored: a
//! misspelt setting of a security tool must not pass for a set one.

use crate::credentials::{self, Credentials};
use crate::inventory::When;
use crate::judge::rating::Ratings;
use clap::ValueEnum;
use lapwing_abi::hooks::Tier;
use lapwing_profile::yaml::{self, Limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Most that a configuration holds.
const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    nodes: 65_536,
};

/// What is wrong with a configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not YAML, a key that does not exist, or a value of another type than the key takes.
    #[error("{path}: {message}; `lapwing agent --check-config` tries a repaired file")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A value that cannot be used.
    #[error("{path}: {place}`{key}`: {message}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Where it stands, with a colon behind.
        place: String,
        /// The key with its parents.
        key: String,
        /// What is wrong and what would be right.
        message: String,
    },
}

/// The best tier of hooks that may be used.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ValueEnum)]
pub enum BestTier {
    /// The best that the kernel allows, row by row.
    #[default]
    #[serde(rename = "best")]
    Best,
    /// No trampolines, but kprobes.
    #[value(name = "A2")]
    A2,
    /// Neither: for hosts where these are unwelcome, and for comparison.
    #[value(name = "B")]
    B,
}

impl BestTier {
    /// The best tier that is tried.
    #[must_use]
    pub const fn tier(self) -> Tier {
        match self {
            Self::Best => Tier::A1,
            Self::A2 => Tier::A2,
            Self::B => Tier::B,
        }
    }
}

/// How profiles that do not exist yet start.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StartMode {
    /// They learn.
    #[default]
    Learn,
    /// They are empty and compare: everything such a workload does is reported.
    Monitor,
}

macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident $key:literal: $type:ty = $default:expr,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$fmeta])* #[serde(rename = $key)] pub $field: $type,)+
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
        impl $name {
            /// Every key of this section.
            pub const KEYS: &[&str] = &[$($key,)+];
        }
    };
}

pub mod controller;
mod feed;
mod http;
mod identity;
mod learned;
mod learning;
mod listen;
mod names;
mod profiles;
mod ratings;
mod redaction;
mod signatures;
pub mod sinks;
pub mod sizes;
mod syscalls;

pub use feed::{Feed, Fsync};
pub use http::Http;
pub use identity::Identity;
pub use learned::Learned;
pub use learning::{Learning, Length, Promote};
pub use listen::{Client, Files, Listen, Verb};
pub use names::Names;
pub use profiles::Profiles;
pub use ratings::{Suppression, Versions};
pub use redaction::Redaction;
pub use signatures::Signatures;
pub use sinks::Sinks;
pub use sizes::Sizes;
pub use syscalls::Syscalls;

section! {
    /// The whole configuration.
    Config {
        /// Version of this format: 1.
        version "version": u32 = 1,
        /// Name of the cluster in reports.
        cluster "cluster": String = String::new(),
        /// Name of this node in reports; empty for the host name.
        node "node": String = String::new(),
        /// Folder of everything that must survive a restart.
        state_dir "stateDir": PathBuf = PathBuf::from("/var/lib/lapwing"),
        /// Where the API listens: `unix:///path`.
        endpoint "endpoint": String = crate::cli::DEFAULT_ENDPOINT.to_owned(),
        /// The API over TCP, besides.
        listen "listen": Listen = Listen::default(),
        /// Probes and metrics over HTTP.
        http "http": Http = Http::default(),
        /// How profiles that do not exist yet start.
        mode "mode": StartMode = StartMode::Learn,
        /// Whether the host's own processes are traced too, as the container `host`.
        host "host": bool = false,
        /// File with the kernel's BTF.
        btf "btf": PathBuf = PathBuf::from(crate::kernel::sensor::SYSTEM_BTF),
        /// The best tier of hooks that may be used.
        tier "tier": BestTier = BestTier::Best,
        /// The files whose reading is a behaviour.
        credentials "credentials": Vec<String> =
            credentials::DEFAULT.iter().map(|pattern| (*pattern).to_owned()).collect(),
        /// Of whom system calls are recorded, for a seccomp profile.
        syscalls "syscalls": Syscalls = Syscalls::Off,
        /// Which cgroups are looked at.
        cgroups "cgroups": Cgroups = Cgroups::default(),
        /// Where runc keeps its containers.
        runc "runc": Runc = Runc::default(),
        /// Who is asked for the names of containers.
        identity "identity": Identity = Identity::default(),
        /// The ring buffer for behaviours.
        ring "ring": Ring = Ring::default(),
        /// How much the kernel side remembers.
        tables "tables": Tables = Tables::default(),
        /// How long the names of addresses hold.
        names "names": Names = Names::default(),
        /// The log behind `lapwing watch`.
        feed "feed": Feed = Feed::default(),
        /// Where profiles come from, besides files.
        profiles "profiles": Profiles = Profiles::default(),
        /// When learning is over.
        learning "learning": Learning = Learning::default(),
        /// Whether it is noted which files of their images containers use.
        inventory "inventory": When = When::Learning,
        /// New versions of images.
        versions "versions": Versions = Versions::default(),
        /// How many violations are reported one by one.
        suppression "suppression": Suppression = Suppression::default(),
        /// Severities in place of those of the rules, by the names of rules.
        severity "severity": BTreeMap<String, String> = BTreeMap::new(),
        /// Whose signatures are wanted.
        signatures "signatures": Signatures = Signatures::default(),
        /// What is hidden in reports.
        redaction "redaction": Redaction = Redaction::default(),
        /// Where reports are delivered, by the names of receivers.
        sinks "sinks": Sinks = Sinks::new(),
    }
}

section! {
    /// Which cgroups are looked at.
    Cgroups {
        /// Folder of a cgroup v2 below which egress is traced; none for all of it.
        egress "egress": Option<PathBuf> = None,
        /// Containers are traced only below these cgroup paths; empty for everywhere.
        scope "scope": Vec<String> = Vec::new(),
    }
}

section! {
    /// Where runc keeps its containers.
    Runc {
        /// Folders given to `runc --root`, besides the well-known ones.
        roots "roots": Vec<PathBuf> = Vec::new(),
    }
}

section! {
    /// The ring buffer for behaviours.
    Ring {
        /// Size in bytes: a power of two, at least 64 KiB; none for one by the machine's memory, see
        /// [`Sizes`].
        bytes "bytes": Option<u32> = None,
    }
}

section! {
    /// How much the kernel side remembers; by the machine's memory where nothing is said, see
    /// [`Sizes`]. The memory is taken when the agent starts, that for behaviours when a container
    /// does.
    Tables {
        /// Behaviours of each container that are no news; more are sent each time. About 100 bytes
        /// each.
        behaviours "behaviours": Option<u32> = None,
        /// Processes of all containers at a time, of which one container may have a quarter. About
        /// 120 bytes each.
        processes "processes": Option<u32> = None,
        /// Cgroups at a time, of which one container may have made a quarter. About 80 bytes each.
        cgroups "cgroups": Option<u32> = None,
    }
}

/// Reads the bytes of a file; `path` is for messages.
fn read<T: Default + DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, ConfigError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    yaml::read(bytes, LIMITS).map_err(|message| ConfigError::Syntax {
        path: path.to_path_buf(),
        message,
    })
}

/// What is wrong with the value of a key, with the place where it stands.
fn located(path: &Path, bytes: &[u8], key: String, message: String) -> ConfigError {
    // A value that nobody wrote is a default, of which none is wrong, or missing.
    let parents = std::iter::successors(Some(key.as_str()), |key| {
        key.rsplit_once('.').map(|(parent, _)| parent)
    });
    let place = { parents }.find_map(|key| yaml::place_of(bytes, LIMITS, key));
    ConfigError::Value {
        path: path.to_path_buf(),
        place: place.map_or_else(String::new, |place| format!("{place}: ")),
        key,
        message,
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Names the file, the key, and what would be right.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(path, &bytes)
    }

    /// Reads and checks the bytes of a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = read(path, bytes)?;
        let wrong = |key: String, message| located(path, bytes, key, message);
        (config.check_values()).map_err(|(key, message)| wrong(key.to_owned(), message))?;
        sinks::check(&config.sinks).map_err(|(key, message)| wrong(key, message))?;
        Ok(config)
    }

    /// What is wrong with a value: its key, and what would be right.
    fn check_values(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, message: String| Err((key, message));
        if self.version != 1 {
            return wrong(
                "version",
                format!("{} is not known, this agent reads 1", self.version),
            );
        }
        if let Some(bytes) = self.ring.bytes
            && (!bytes.is_power_of_two() || bytes < 64 << 10)
        {
            return wrong(
                "ring.bytes",
                format!("{bytes} is not a power of two of at least 65536"),
            );
        }
        for (key, count) in [
            ("tables.behaviours", self.tables.behaviours),
            ("tables.processes", self.tables.processes),
            ("tables.cgroups", self.tables.cgroups),
        ] {
            if let Some(count) = count
                && !(64..=1 << 20).contains(&count)
            {
                return wrong(key, format!("{count} is not between 64 and 1048576"));
            }
        }
        let parts = [
            self.listen.check(),
            self.http.check(),
            self.identity.check(),
            self.names.check(),
            self.feed.check(),
            self.learning.check(),
            self.suppression.check(),
        ];
        for part in parts {
            part?;
        }
        if let Err(message) = ratings::severities(&self.severity) {
            return wrong("severity", message);
        }
        self.signatures.load()?;
        if let Err(message) = self.redaction.compile() {
            return wrong("redaction.rules", message);
        }
        if self.signatures.require && self.learning.promote == Promote::Automatic {
            return wrong(
                "learning.promote",
                "automatic promotion signs nothing: with `signatures.require` it must be manual"
                    .to_owned(),
            );
        }
        if self.socket().is_none() {
            return wrong(
                "endpoint",
                format!("`{}` is not of the form unix:///path", self.endpoint),
            );
        }
        if let Err(message) = Credentials::parse(&self.credentials) {
            return wrong("credentials", message);
        }
        for scope in &self.cgroups.scope {
            if !scope.starts_with('/') {
                return wrong(
                    "cgroups.scope",
                    format!("`{scope}` must start with a slash"),
                );
            }
        }
        Ok(())
    }

    /// How bad violations are.
    #[must_use]
    pub fn ratings(&self) -> Ratings {
        ratings::ratings(&self.severity, &self.versions)
    }

    /// The path of the API's socket.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        let path = Path::new(self.endpoint.strip_prefix("unix://")?);
        path.is_absolute().then_some(path)
    }
}

#[cfg(test)]
mod tests;
