//! The YAML form of each kind of entry, both ways.
//!
//! A line is read field by field, which names line and column of what has the
//! wrong form, and then as a whole: two texts that mean the same become the same
//! behaviour, and what means nothing is refused with the remedy.

use super::{Entry, Phase};
use crate::behaviour::{
    Behaviour, Cidr, Dns, Egress, Exec, FileChange, Kind, Listen, Operation, Origin, Parent, Peer,
    Privilege, Privileged, Protocol, Reach, SetId, SocketType,
};
use crate::yaml::Flow;
use serde::Deserialize;
use std::net::IpAddr;

macro_rules! line {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$fmeta])* $field: $type,)+
            #[serde(default)]
            phase: Phase,
        }
        impl TryFrom<$name> for Entry {
            type Error = String;
            fn try_from(line: $name) -> Result<Self, String> {
                let phase = line.phase;
                let entry = Self { behaviour: line.behaviour()?, phase };
                entry.check()?;
                Ok(entry)
            }
        }
    };
}

line! {
    /// An entry of `spec.exec`.
    ExecLine {
        path: String,
        #[serde(default)] name: Option<String>,
        #[serde(default)] script: Option<String>,
        #[serde(default)] origin: Origin,
        #[serde(default)] parent: Option<String>,
        #[serde(default)] sha256: Option<String>,
    }
}
line! {
    /// An entry of `spec.files`.
    FileLine {
        operation: Operation,
        #[serde(default)] path: Option<String>,
        #[serde(default)] pattern: Option<String>,
        #[serde(default)] target: Option<String>,
        #[serde(default)] set_id: Option<SetId>,
        #[serde(default)] by: Option<String>,
    }
}
line! {
    /// An entry of `spec.egress`.
    EgressLine {
        #[cfg_attr(test, schemars(with = "crate::schema::ProtocolWord"))]
        protocol: String,
        #[serde(default)] number: Option<u8>,
        #[serde(default)] address: Option<IpAddr>,
        #[cfg_attr(test, schemars(with = "Option<String>"))]
        #[serde(default)] cidr: Option<Cidr>,
        #[serde(default)] domain: Option<String>,
        #[serde(default)] path: Option<String>,
        #[serde(default)] cid: Option<u32>,
        #[serde(default)] socket: Option<SocketType>,
        #[serde(default)] port: Option<u32>,
    }
}
line! {
    /// An entry of `spec.listen`.
    ListenLine {
        #[cfg_attr(test, schemars(with = "crate::schema::ProtocolWord"))]
        protocol: String,
        #[serde(default)] number: Option<u8>,
        #[serde(default)] path: Option<String>,
        #[serde(default)] port: Option<u32>,
        #[serde(default)] loopback: bool,
    }
}
line! {
    /// An entry of `spec.dns`.
    DnsLine {
        name: String,
        #[serde(rename = "type")] record: String,
    }
}
line! {
    /// An entry of `spec.privileges`.
    PrivilegeLine {
        operation: Privileged,
        #[serde(default)] detail: String,
    }
}

impl ExecLine {
    fn behaviour(self) -> Result<Behaviour, String> {
        Ok(Exec {
            path: self.path,
            name: self.name,
            script: self.script,
            origin: self.origin,
            parent: self.parent.map_or(Parent::Any, Parent::from_text),
            sha256: self.sha256,
        }
        .into())
    }
}

impl FileLine {
    fn behaviour(self) -> Result<Behaviour, String> {
        let (path, pattern) = match (self.path, self.pattern) {
            (Some(path), None) => (path, false),
            (None, Some(pattern)) => (pattern, true),
            _ => {
                return Err(
                    "either `path` or `pattern` is needed, of which only the second has \
                            wildcards"
                        .to_owned(),
                );
            }
        };
        Ok(FileChange {
            operation: self.operation,
            path,
            pattern,
            target: self.target,
            set_id: self.set_id,
            by: self.by,
        }
        .into())
    }
}

impl EgressLine {
    fn behaviour(self) -> Result<Behaviour, String> {
        let protocol = Protocol::from_words(&self.protocol, self.number)?;
        let peers = [
            self.address.map(|it| Peer::Address(it.to_canonical())),
            self.cidr.map(Peer::Cidr),
            self.domain.map(Peer::Domain),
            self.path.map(Peer::Path),
            self.cid.map(Peer::Cid),
            self.socket.map(Peer::Socket),
        ];
        let mut peers = peers.into_iter().flatten();
        let (Some(peer), None) = (peers.next(), peers.next()) else {
            return Err(
                "one of `address`, `cidr`, `domain`, `path`, `cid` and `socket` is needed"
                    .to_owned(),
            );
        };
        let wants_port = match peer {
            Peer::Address(_) | Peer::Cidr(_) | Peer::Domain(_) | Peer::Cid(_) => {
                has_ports(protocol)
            }
            Peer::Path(_) | Peer::Socket(_) => false,
        };
        let port = port(self.port, wants_port, protocol)?;
        Ok(Egress {
            protocol,
            peer,
            port,
        }
        .into())
    }
}

impl ListenLine {
    fn behaviour(self) -> Result<Behaviour, String> {
        let protocol = Protocol::from_words(&self.protocol, self.number)?;
        let port = port(self.port, has_ports(protocol), protocol)?;
        let reach = match (self.path, self.loopback) {
            (None, false) => Reach::Network,
            (None, true) => Reach::Loopback,
            (Some(path), false) => Reach::Path(path),
            (Some(_), true) => return Err("a `path` is not on loopback".to_owned()),
        };
        Ok(Listen {
            protocol,
            reach,
            port,
        }
        .into())
    }
}

impl DnsLine {
    fn behaviour(self) -> Result<Behaviour, String> {
        Ok(Dns {
            name: self.name,
            record: self.record,
        }
        .into())
    }
}

impl PrivilegeLine {
    fn behaviour(self) -> Result<Behaviour, String> {
        Ok(Privilege {
            operation: self.operation,
            detail: self.detail,
        }
        .into())
    }
}

/// Whether ends of this protocol have ports for sure, so that one must be said.
fn has_ports(protocol: Protocol) -> bool {
    protocol.has_ports() == Some(true)
}

fn port(port: Option<u32>, wanted: bool, protocol: Protocol) -> Result<u32, String> {
    if port.is_none() && wanted {
        return Err(format!("`port` is missing, which {} has", protocol.word()));
    }
    Ok(port.unwrap_or(0))
}

/// At most one line of each kind.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) exec: Option<ExecLine>,
    pub(crate) file: Option<FileLine>,
    pub(crate) egress: Option<EgressLine>,
    pub(crate) listen: Option<ListenLine>,
    pub(crate) dns: Option<DnsLine>,
    pub(crate) privilege: Option<PrivilegeLine>,
}

impl Lines {
    /// The only one.
    pub(crate) fn only(self) -> Result<Entry, String> {
        let found = [
            self.exec.map(Entry::try_from),
            self.file.map(Entry::try_from),
            self.egress.map(Entry::try_from),
            self.listen.map(Entry::try_from),
            self.dns.map(Entry::try_from),
            self.privilege.map(Entry::try_from),
        ];
        let mut found = found.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(entry), None) => entry,
            _ => {
                let kinds: Vec<String> = Kind::ALL
                    .iter()
                    .map(|kind| format!("`{}`", kind.word()))
                    .collect();
                Err(format!("one of {} is needed", kinds.join(", ")))
            }
        }
    }
}

/// Writes the fields of a behaviour.
pub(super) fn write(map: &mut Flow, behaviour: &Behaviour) {
    match behaviour {
        Behaviour::Exec(exec) => {
            map.text("path", &exec.path);
            map.optional("name", exec.name.as_deref());
            map.optional("script", exec.script.as_deref());
            if exec.origin != Origin::Image {
                map.text("origin", exec.origin.word());
            }
            map.optional("parent", exec.parent.text());
            map.optional("sha256", exec.sha256.as_deref());
        }
        Behaviour::File(file) => {
            map.text("operation", file.operation.word());
            map.text(if file.pattern { "pattern" } else { "path" }, &file.path);
            map.optional("target", file.target.as_deref());
            map.optional("setId", file.set_id.map(SetId::word));
            map.optional("by", file.by.as_deref());
        }
        Behaviour::Egress(egress) => {
            write_protocol(map, egress.protocol);
            let mut ports = has_ports(egress.protocol) || egress.port != 0;
            match &egress.peer {
                Peer::Address(address) => map.text("address", &address.to_string()),
                Peer::Cidr(range) => map.text("cidr", &range.to_string()),
                Peer::Domain(domain) => map.text("domain", domain),
                Peer::Cid(cid) => map.number("cid", cid),
                Peer::Path(path) => {
                    map.text("path", path);
                    ports = false;
                }
                Peer::Socket(kind) => {
                    map.text("socket", kind.word());
                    ports = false;
                }
            }
            if ports {
                map.number("port", egress.port);
            }
        }
        Behaviour::Listen(listen) => {
            write_protocol(map, listen.protocol);
            match &listen.reach {
                Reach::Path(path) => map.text("path", path),
                Reach::Network | Reach::Loopback => {
                    if has_ports(listen.protocol) || listen.port != 0 {
                        map.number("port", listen.port);
                    }
                    if listen.reach == Reach::Loopback {
                        map.number("loopback", true);
                    }
                }
            }
        }
        Behaviour::Dns(dns) => {
            map.text("name", &dns.name);
            map.text("type", &dns.record);
        }
        Behaviour::Privilege(privilege) => {
            map.text("operation", privilege.operation.word());
            if !privilege.detail.is_empty() {
                map.text("detail", &privilege.detail);
            }
        }
    }
}

fn write_protocol(map: &mut Flow, protocol: Protocol) {
    map.text("protocol", protocol.word());
    if let Some(number) = protocol.number() {
        map.number("number", number);
    }
}
