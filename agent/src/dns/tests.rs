//! Packets as resolvers, and others, send them.

use super::*;
use std::net::Ipv4Addr;

mod believed;
mod hostile;
mod oracle;

const RESOLVER: &str = "10.0.0.53";
const WWW: &str = "www.example.com";
const A: u16 = 1;
const AAAA: u16 = 28;
const CNAME: u16 = 5;
const CONTAINER: u64 = 7;
/// Not at the beginning, so that times before it can be told.
const START: u64 = 1_000 * SECOND;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A name as it stands in a message, uncompressed.
fn wire(name: &str) -> Vec<u8> {
    let mut out = vec![];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn question(id: u16, name: &str, kind: u16) -> Vec<u8> {
    [
        words(&[id, 0x0100, 1, 0, 0, 0]),
        wire(name),
        words(&[kind, 1]),
    ]
    .concat()
}

/// A record with its owner and its data as they are.
fn record(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    [
        owner,
        &words(&[kind, 1]),
        &ttl.to_be_bytes(),
        &words(&[data.len() as u16]),
        data,
    ]
    .concat()
}

fn a(owner: &str, ttl: u32, address: &str) -> Vec<u8> {
    match ip(address) {
        IpAddr::V4(address) => record(&wire(owner), A, ttl, &address.octets()),
        IpAddr::V6(address) => record(&wire(owner), AAAA, ttl, &address.octets()),
    }
}

fn cname(owner: &str, ttl: u32, alias: &str) -> Vec<u8> {
    record(&wire(owner), CNAME, ttl, &wire(alias))
}

fn answer(id: u16, name: &str, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    [
        words(&[id, 0x8180, 1, records.len() as u16, 0, 0]),
        wire(name),
        words(&[kind, 1]),
        records.concat(),
    ]
    .concat()
}

fn packet(direction: Direction, payload: &[u8]) -> Packet<'_> {
    Packet {
        container: CONTAINER,
        direction,
        transport: Transport::Udp,
        peer: SocketAddr::new(ip(RESOLVER), 53),
        port: 40_000,
        looped: false,
        time: START,
        payload,
        cut: false,
    }
}

/// With the container's resolver known.
fn dns() -> Dns {
    dns_with(Settings::default())
}

fn dns_with(settings: Settings) -> Dns {
    let mut dns = Dns::new(settings);
    dns.set_resolvers(CONTAINER, &[ip(RESOLVER)]);
    dns
}

/// Asks for an address, and answers what was reported.
fn ask(dns: &mut Dns, id: u16, name: &str) -> Vec<Spelled> {
    dns.observe(&packet(Direction::Query, &question(id, name, A)))
}

/// Hands an answer in, and says why it was refused, if it was.
fn tell(dns: &mut Dns, packet: &Packet<'_>) -> Option<Refusal> {
    let before = dns.refused();
    assert_eq!(dns.observe(packet), []);
    dns.check();
    let mut refused = Refusal::ALL
        .into_iter()
        .filter(|&refusal| dns.refused().get(refusal) > before.get(refusal));
    let first = refused.next();
    assert_eq!(refused.next(), None);
    first
}

fn tell_bytes(dns: &mut Dns, bytes: &[u8]) -> Option<Refusal> {
    tell(dns, &packet(Direction::Answer, bytes))
}

/// Asks and answers.
fn learn(dns: &mut Dns, name: &str, records: &[Vec<u8>]) {
    ask(dns, 1, name);
    assert_eq!(tell_bytes(dns, &answer(1, name, A, records)), None);
}

fn names_at(dns: &Dns, address: &str, now: u64) -> Vec<String> {
    dns.names(CONTAINER, ip(address), now)
        .map(|names| names.names.iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

fn names(dns: &Dns, address: &str) -> Vec<String> {
    names_at(dns, address, START)
}

/// The addresses of the container that changed, as text.
fn changed(dns: &mut Dns, now: u64) -> Vec<String> {
    let mut changed: Vec<_> = dns
        .changed(now)
        .into_iter()
        .map(|(container, address)| {
            assert_eq!(container, CONTAINER);
            address.to_string()
        })
        .collect();
    changed.sort();
    changed
}
