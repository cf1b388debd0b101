//! The configuration of `lapwing controller`: a file of its own, of the same form as the agent's.

use super::{ConfigError, Http, Learned, Length, Listen, StartMode, located, read};
use crate::container::identity::pods::is_name;
use crate::kubernetes::Access;
use serde::Deserialize;
use std::path::{Path, PathBuf};

const SECOND: i64 = 1_000_000_000;

section! {
    /// The whole configuration.
    Controller {
        /// Version of this format: 1.
        version "version": u32 = 1,
        /// Name of the cluster in reports.
        cluster "cluster": String = String::new(),
        /// Where the controller and the agents run; empty for that of the controller's own pod.
        namespace "namespace": String = String::new(),
        /// Name of this replica; empty for `POD_NAME`, else the host's.
        name "name": String = String::new(),
        /// The user that it is to the API, as what it makes has to say; empty for `LAPWING_USER`.
        user "user": String = String::new(),
        /// How the API of the cluster is reached.
        kubernetes "kubernetes": Access = Access::Auto,
        /// How long an answer of it may take.
        timeout "timeout": Length = Length(5 * SECOND),
        /// Where the API listens on this host: `unix:///path`.
        endpoint "endpoint": String = crate::cli::DEFAULT_ENDPOINT.to_owned(),
        /// The API over TCP.
        listen "listen": Listen = Listen::default(),
        /// Where other replicas reach `listen`; empty for `POD_IP` and its port.
        advertise "advertise": String = String::new(),
        /// Probes and metrics over HTTP.
        http "http": Http = Http::default(),
        /// Which of the replicas leads.
        lease "lease": Lease = Lease::default(),
        /// The agents.
        agents "agents": Agents = Agents::default(),
        /// What they learn.
        learned "learned": Learned = Learned::default(),
        /// What they report.
        relay "relay": Relay = Relay::default(),
        /// What namespaces ask for by the label `lapwing.dev/mode`.
        modes "modes": Modes = Modes::default(),
    }
}

section! {
    /// What namespaces ask for by the label `lapwing.dev/mode`.
    Modes {
        /// Whether it is told who changes it. False where agents do not obey the label.
        enabled "enabled": bool = true,
        /// What counts for a namespace without the label: `mode` of the agents' configuration.
        unlabelled "unlabelled": StartMode = StartMode::Learn,
    }
}

section! {
    /// Which of the replicas leads: who holds a Lease.
    Lease {
        /// Its name.
        name "name": String = "lapwing-controller".to_owned(),
        /// How long one that is not renewed counts.
        duration "duration": Length = Length(15 * SECOND),
        /// Who could not renew it for so long leads no more.
        deadline "deadline": Length = Length(10 * SECOND),
        /// How often it is renewed, or looked at.
        retry "retry": Length = Length(2 * SECOND),
    }
}

section! {
    /// The agents, as they are found and reached.
    Agents {
        /// Labels of their pods.
        selector "selector": String =
            "app.kubernetes.io/name=lapwing,app.kubernetes.io/component=agent".to_owned(),
        /// The port of `listen` in their configuration.
        port "port": u16 = 7443,
        /// A DNS name that the certificates of all of them have: pods have no names of their own.
        server_name "serverName": String = "agent.lapwing.internal".to_owned(),
        /// By which agents know the controller, in PEM.
        certificate "certificate": PathBuf = PathBuf::from("/etc/lapwing/tls/tls.crt"),
        /// Its key.
        key "key": PathBuf = PathBuf::from("/etc/lapwing/tls/tls.key"),
        /// Who vouches for agents.
        authority "authority": PathBuf = PathBuf::from("/etc/lapwing/tls/ca.crt"),
        /// An agent of a node that is Ready and was not heard of for so long is reported.
        silent_after "silentAfter": Length = Length(30 * SECOND),
    }
}

section! {
    /// What agents report, in one stream.
    Relay {
        /// Items of it that are held in memory.
        items "items": usize = 65_536,
        /// Their bytes.
        bytes "bytes": u64 = 64 << 20,
        /// How far back a node is read that was never relayed.
        first "first": Length = Length(600 * SECOND),
        /// Time between two heartbeats of the stream.
        beat "heartbeat": Length = Length(5 * SECOND),
        /// A node without a pod of an agent for so long is meant to have none.
        gone "forgetAfter": Length = Length(600 * SECOND),
    }
}

type Wrong = (&'static str, String);

impl Controller {
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
    /// As [`Controller::load`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = read(path, bytes)?;
        let checked = config.check();
        checked.map_err(|(key, message)| located(path, bytes, key.to_owned(), message))?;
        Ok(config)
    }

    /// What is wrong with a value: its key, and what would be right.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, message: &str| Err((key, message.to_owned()));
        if self.version != 1 {
            let text = format!("{} is not known, this controller reads 1", self.version);
            return Err(("version", text));
        }
        for (key, name) in [
            ("namespace", &self.namespace),
            ("lease.name", &self.lease.name),
        ] {
            let is_empty = name.is_empty() && key == "namespace";
            if !is_empty && !is_name(name) {
                return wrong(key, "must be a name as Kubernetes has them, as `lapwing`");
            }
        }
        if !(SECOND / 10..=60 * SECOND).contains(&self.timeout.0) {
            return wrong("timeout", "must be from 100ms to 1m");
        }
        if self.socket().is_none() {
            let text = format!("`{}` is not of the form unix:///path", self.endpoint);
            return Err(("endpoint", text));
        }
        if !self.advertise.is_empty() && self.advertise.parse::<std::net::SocketAddr>().is_err() {
            return wrong(
                "advertise",
                "must be an IP address and a port, as 10.0.0.7:7443",
            );
        }
        self.lease.check()?;
        self.agents.check()?;
        self.learned.check()?;
        if !(1..=1 << 24).contains(&self.relay.items) {
            return wrong("relay.items", "must be from 1 to 16777216");
        }
        if !(1 << 20..=1 << 34).contains(&self.relay.bytes) {
            return wrong("relay.bytes", "must be from 1048576 to 17179869184");
        }
        if !(SECOND / 20..=60 * SECOND).contains(&self.relay.beat.0) {
            return wrong("relay.heartbeat", "must be from 50ms to 1m");
        }
        if self.relay.gone.0 < SECOND {
            return wrong("relay.forgetAfter", "must be 1s or more");
        }
        self.http.check()?;
        self.listen.check()?;
        // It has nothing to do without: by these files agents know it, too.
        self.listen.look()
    }

    /// The path of the API's socket.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        let path = Path::new(self.endpoint.strip_prefix("unix://")?);
        path.is_absolute().then_some(path)
    }
}

impl Lease {
    fn check(&self) -> Result<(), Wrong> {
        let (duration, deadline, retry) = (self.duration.0, self.deadline.0, self.retry.0);
        if !(SECOND..=600 * SECOND).contains(&duration) || duration % SECOND != 0 {
            return Err((
                "lease.duration",
                "must be whole seconds, from 1s to 10m".to_owned(),
            ));
        }
        // As long as nobody leads twice, whatever the clocks say.
        if deadline >= duration {
            let text = "must be less than `lease.duration`: else two might lead at a time";
            return Err(("lease.deadline", text.to_owned()));
        }
        if retry < SECOND / 100 || retry.saturating_mul(2) > deadline {
            let text = "must be from 10ms to a half of `lease.deadline`";
            return Err(("lease.retry", text.to_owned()));
        }
        Ok(())
    }
}

impl Agents {
    fn check(&self) -> Result<(), Wrong> {
        let is_text = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/=,!".contains(&byte);
            !text.is_empty() && text.bytes().all(known)
        };
        if !is_text(&self.selector) {
            let text = "must be labels as app.kubernetes.io/name=lapwing, with commas between";
            return Err(("agents.selector", text.to_owned()));
        }
        if self.port == 0 {
            return Err(("agents.port", "must be from 1 to 65535".to_owned()));
        }
        if rustls::pki_types::DnsName::try_from(self.server_name.as_str()).is_err() {
            let text = "must be a DNS name that the certificates of all agents have";
            return Err(("agents.serverName", text.to_owned()));
        }
        if !(SECOND..=3600 * SECOND).contains(&self.silent_after.0) {
            return Err(("agents.silentAfter", "must be from 1s to 1h".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_delivered_has_every_key_with_its_default() {
        let text = include_str!("../../../deploy/controller.yaml");
        let read = Controller::parse(Path::new("controller.yaml"), text.as_bytes()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", Controller::default()));
        let sections = [
            Lease::KEYS,
            Agents::KEYS,
            Learned::KEYS,
            Relay::KEYS,
            Modes::KEYS,
        ];
        for key in [Controller::KEYS, &sections.concat()].concat() {
            let is_it = |line: &str| line.trim_start().starts_with(&format!("{key}:"));
            assert!(text.lines().any(is_it), "{key}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let parse = |text: &str| Controller::parse(Path::new("c.yaml"), text.as_bytes());
        assert!(parse("").is_ok());
        for (text, told) in [
            ("lease: {durations: 15s}", "did you mean"),
            ("version: 2", "this controller reads 1"),
            ("namespace: Shop", "`namespace`"),
            ("lease: {deadline: 15s}", "two might lead"),
            ("lease: {retry: 9s}", "`lease.retry`"),
            ("lease: {duration: 1500ms, deadline: 1s}", "whole seconds"),
            ("agents: {selector: 'a=b&watch=true'}", "`agents.selector`"),
            ("agents: {serverName: '*'}", "`agents.serverName`"),
            ("agents: {port: 0}", "`agents.port`"),
            ("advertise: here", "`advertise`"),
            ("relay: {bytes: 1}", "`relay.bytes`"),
            ("endpoint: tcp://x", "unix:///path"),
            ("listen: {address: '0.0.0.0:7443'}", "listen.certificate"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
