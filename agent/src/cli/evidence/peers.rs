//! Whom a container talked to, from reports and from its open sockets.

use super::processes::Peer as Open;
use super::time;
use lapwing_proto::v1::Egress;
use lapwing_proto::v1::egress::Protocol;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A peer.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    protocol: &'static str,
    /// Address and port; else what there is instead, as a path.
    address: String,
    /// Names that the container asked for and that led there.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    names: BTreeSet<String>,
    /// Whether a violation was reported of it; else it was reported as seen for the first time, or
    /// a socket is open.
    violation: bool,
    /// When it was reported first.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    /// When it was reported last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    /// Processes that have a socket open to it now.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    open: BTreeSet<u32>,
}

/// Lays both together, by protocol and address.
#[must_use]
pub fn all(reported: &[(Egress, bool, i64)], open: &[Open]) -> Vec<Peer> {
    let mut peers: BTreeMap<(&'static str, String), (Peer, i64, i64)> = BTreeMap::new();
    for (egress, is_violation, at) in reported {
        let key = (egress.protocol().as_str_name(), address(egress));
        let (peer, first, last) =
            { peers.entry(key) }.or_insert_with_key(|key| (Peer::new(key), *at, *at));
        peer.violation |= is_violation;
        if !egress.domain.is_empty() {
            peer.names.insert(egress.domain.clone());
        }
        *first = (*first).min(*at);
        *last = (*last).max(*at);
    }
    for (peer, first, last) in peers.values_mut() {
        (peer.first, peer.last) = (Some(time(*first)), Some(time(*last)));
    }
    for one in open {
        let key = (one.protocol, one.address.clone());
        let (peer, ..) = { peers.entry(key) }.or_insert_with_key(|key| (Peer::new(key), 0, 0));
        peer.open.extend(&one.pids);
    }
    peers.into_values().map(|(peer, ..)| peer).collect()
}

impl Peer {
    fn new((protocol, address): &(&'static str, String)) -> Self {
        Self {
            protocol,
            address: address.clone(),
            names: BTreeSet::new(),
            violation: false,
            first: None,
            last: None,
            open: BTreeSet::new(),
        }
    }
}

fn address(egress: &Egress) -> String {
    let Egress { address, port, .. } = egress;
    match egress.protocol() {
        Protocol::Unix => address.clone(),
        _ if address.contains(':') => format!("[{address}]:{port}"),
        _ => format!("{address}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_of_reports_and_sockets_is_one() {
        let egress = |protocol: Protocol, address: &str, domain: &str| Egress {
            protocol: protocol.into(),
            address: address.into(),
            port: 443,
            domain: domain.into(),
            ..Egress::default()
        };
        let reported = [
            (
                egress(Protocol::Tcp, "10.0.0.1", "shop.example"),
                false,
                2_000_000_000,
            ),
            (egress(Protocol::Tcp, "10.0.0.1", ""), true, 1_000_000_000),
            (egress(Protocol::Unix, "/run/docker.sock", ""), true, 0),
        ];
        let open = |address: &str, pid| Open {
            protocol: "TCP",
            address: address.into(),
            pids: BTreeSet::from([pid]),
        };
        let all = all(&reported, &[open("10.0.0.1:443", 7), open("[::1]:80", 8)]);
        let value = serde_json::to_value(&all).unwrap();
        let wanted = serde_json::json!([
            {"protocol": "TCP", "address": "10.0.0.1:443", "names": ["shop.example"], "violation": true,
             "first": "1970-01-01T00:00:01Z", "last": "1970-01-01T00:00:02Z", "open": [7]},
            {"protocol": "TCP", "address": "[::1]:80", "violation": false, "open": [8]},
            {"protocol": "UNIX", "address": "/run/docker.sock", "violation": true,
             "first": "1970-01-01T00:00:00Z", "last": "1970-01-01T00:00:00Z"},
        ]);
        assert_eq!(value, wanted);
    }
}
