//! Peers and sockets that wait, sorted by whether a network policy has a form for them.

use crate::evidence::{Facts, Seen};
use lapwing_profile::address::reaches_metadata;
use lapwing_profile::behaviour::{Behaviour, Egress, Listen, Peer, Protocol, Reach};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// The port of name servers.
pub const DNS: u32 = 53;
/// First and last port that Linux chooses by default, which a profile has as 0.
pub const EPHEMERAL: (u32, u32) = (32_768, 60_999);

/// A port and its protocol, as manifests name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Port {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'static str,
    /// The port; 0 for those that the kernel chooses.
    pub port: u32,
}

/// A peer and the ports it is talked to at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Talk {
    /// A range of addresses in CIDR notation, or a domain name.
    pub peer: String,
    /// At which ports.
    pub ports: BTreeSet<Port>,
    /// The entries.
    pub because: Vec<Seen>,
}

/// A service of the cluster, as its name says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether the name may be that of somebody outside the cluster as well.
    pub may_be_outside: bool,
}

impl Service {
    /// The service that a name is of: `SERVICE.NAMESPACE.svc.ZONE`, with labels before it of pods or ports.
    /// The zone is `cluster.local` unless the cluster has another, so any is taken.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let labels: Vec<&str> = name.split('.').collect();
        let at = labels.iter().rposition(|label| *label == "svc")?;
        let (before, zone) = (&labels[..at], &labels[at + 1..]);
        let [.., name, namespace] = before else {
            return None;
        };
        Some(Self {
            name: (*name).to_owned(),
            namespace: (*namespace).to_owned(),
            may_be_outside: !matches!(zone, [] | ["cluster", "local"]),
        })
    }

    /// Whether it is the API server's, which has no pods that a policy could select.
    #[must_use]
    pub fn is_api_server(&self) -> bool {
        self.name == "kubernetes" && self.namespace == "default"
    }
}

/// Whether a name is one of the cluster's usual zone.
fn is_of_cluster(name: &str) -> bool {
    name.ends_with(".cluster.local")
}

/// What a policy has no form for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// The entry.
    pub seen: Seen,
    /// Why a `NetworkPolicy` has none.
    pub why: &'static str,
    /// Why Cilium's has none.
    pub why_cilium: &'static str,
}

/// Why, for both; or for each, where Cilium's differs.
struct Why(&'static str, &'static str);

impl Why {
    const fn both(why: &'static str) -> Self {
        Self(why, why)
    }

    /// Of a protocol that has no ports.
    const fn of(protocol: Protocol) -> Self {
        const ALONE: &str = "a NetworkPolicy knows TCP, UDP and SCTP alone";
        match protocol {
            Protocol::Icmp | Protocol::Icmpv6 => Self(
                ALONE,
                "an `icmps` rule lets it pass, by types, which were not recorded: write one for those that it needs",
            ),
            _ => Self(ALONE, "Cilium knows TCP, UDP, SCTP and ICMP alone"),
        }
    }
}

/// The network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Ports that others can reach.
    pub ingress: BTreeSet<Port>,
    /// The entries.
    pub ingress_because: Vec<Seen>,
    /// Ranges of addresses that are talked to.
    pub addresses: Vec<Talk>,
    /// Domain names that are talked to, which only Cilium's policies can name.
    pub domains: Vec<Talk>,
    /// Those of these that are of services of the cluster, and of which.
    pub services: BTreeMap<String, Service>,
    /// Names that are asked of name servers.
    pub names: BTreeSet<String>,
    /// Whether name servers are asked at all.
    pub asks: bool,
    /// Whether the pod has the host's network, as far as is known.
    pub is_host: bool,
    /// The other containers of the pod, which a policy holds too, as far as is known.
    pub others: Vec<String>,
    /// What no policy has a form for.
    pub left: Vec<Left>,
    /// What the policies allow and somebody should look at first.
    pub warnings: Vec<String>,
    /// The same of what Cilium's allows alone.
    pub warnings_cilium: Vec<String>,
}

/// What is said of a peer that hands out credentials.
const METADATA: &str = "this is the cloud's metadata service (rule egress.imds) or what hands out credentials beside it, and the policies \
     let it be asked: take it out unless the workload needs the credentials of its node or role";

/// Addresses of metadata services that answer for names at [`DNS`]: Google's and Azure's.
const RESOLVERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// Whether nobody but the cloud's name server is asked, which hands out no credentials.
fn is_resolver(egress: &Egress) -> bool {
    match egress.peer {
        Peer::Address(address) => egress.port == DNS && RESOLVERS.contains(&address.to_canonical()),
        _ => false,
    }
}

/// The word for a protocol that policies know.
const fn word(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Tcp => Some("TCP"),
        Protocol::Udp => Some("UDP"),
        Protocol::Sctp => Some("SCTP"),
        Protocol::Icmp
        | Protocol::Icmpv6
        | Protocol::Unix
        | Protocol::Packet
        | Protocol::Vsock
        | Protocol::Xdp
        | Protocol::Other(_) => None,
    }
}

/// Whether Cilium takes a text for `matchName`: `^([-a-zA-Z0-9_]+[.]?)+$`, of at most 255 letters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !part.is_empty() && part.bytes().all(plain)
    };
    text.len() <= 255 && text.split('.').all(part)
}

impl Network {
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut network = Self::default();
        let mut addresses: BTreeMap<String, Talk> = BTreeMap::new();
        let mut domains = addresses.clone();
        for fact in &facts.all {
            let seen = &fact.seen;
            let left = match &fact.entry.behaviour {
                Behaviour::Listen(listen) => network.listen(listen, seen),
                Behaviour::Egress(egress) => {
                    network.asks |= egress.port == DNS;
                    let left = talk(egress, seen, &mut addresses, &mut domains);
                    if left.is_none() && reaches_metadata(&egress.peer) && !is_resolver(egress) {
                        let all = match egress.peer {
                            Peer::Domain(_) => &mut network.warnings_cilium,
                            _ => &mut network.warnings,
                        };
                        all.push(format!("{}: {METADATA}", seen.entry));
                    }
                    left
                }
                Behaviour::Dns(dns) => {
                    network.asks = true;
                    network.names.insert(dns.name.clone());
                    None
                }
                Behaviour::Exec(_) | Behaviour::File(_) | Behaviour::Privilege(_) => None,
            };
            network.left.extend(left.map(|Why(why, why_cilium)| Left {
                seen: seen.clone(),
                why,
                why_cilium,
            }));
        }
        network.asks |= !domains.is_empty();
        network.services = (domains.keys())
            .filter_map(|name| Some((name.clone(), Service::of(name)?)))
            .collect();
        network.addresses = addresses.into_values().collect();
        network.domains = domains.into_values().collect();
        network
    }

    /// A socket that waits. Answers why it has no form.
    fn listen(&mut self, listen: &Listen, seen: &Seen) -> Option<Why> {
        match listen.reach {
            // Nobody outside the pod reaches these.
            Reach::Loopback | Reach::Path(_) => None,
            Reach::Network => match word(listen.protocol) {
                Some(protocol) => {
                    self.ingress.insert(Port {
                        protocol,
                        port: listen.port,
                    });
                    self.ingress_because.push(seen.clone());
                    None
                }
                None => Some(Why::of(listen.protocol)),
            },
        }
    }
}

/// A peer. Answers why it has no form.
fn talk(
    egress: &Egress,
    seen: &Seen,
    addresses: &mut BTreeMap<String, Talk>,
    domains: &mut BTreeMap<String, Talk>,
) -> Option<Why> {
    let (peer, all) = match &egress.peer {
        Peer::Path(_) => return None,
        Peer::Cid(_) => {
            return Some(Why::both(
                "virtual machines and their hosts talk beside the network",
            ));
        }
        Peer::Socket(_) => {
            return Some(Why::both(
                "a socket was made, and whom it is for was not seen",
            ));
        }
        Peer::Address(address) if address.is_loopback() || address.is_unspecified() => return None,
        Peer::Address(address) => {
            let bits = match address {
                IpAddr::V4(_) => 32,
                IpAddr::V6(_) => 128,
            };
            (format!("{address}/{bits}"), addresses)
        }
        Peer::Cidr(range) => (range.to_string(), addresses),
        Peer::Domain(domain) if is_of_cluster(domain) && Service::of(domain).is_none() => {
            return Some(Why::both(
                "a name of the cluster that is no service's: a policy can only select its pods by their labels",
            ));
        }
        Peer::Domain(domain) if is_name(domain) => (domain.clone(), domains),
        Peer::Domain(_) => {
            return Some(Why(
                "a NetworkPolicy cannot name domains",
                "not a name that Cilium takes",
            ));
        }
    };
    let Some(protocol) = word(egress.protocol) else {
        return Some(Why::of(egress.protocol));
    };
    if !(1..=65_535).contains(&egress.port) {
        return Some(Why::both("without a port, a policy would open all"));
    }
    let talk = all.entry(peer.clone()).or_insert_with(|| Talk {
        peer,
        ports: BTreeSet::new(),
        because: Vec::new(),
    });
    talk.ports.insert(Port {
        protocol,
        port: egress.port,
    });
    talk.because.push(seen.clone());
    None
}
