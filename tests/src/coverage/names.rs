//! Names that are asked for, and contacts that go by them.
//!
//! The name service runs inside the container, on loopback addresses of which the container's
//! /etc/resolv.conf names two ([`crate::rootfs::RESOLVERS`]).

use super::act::{Act, Is, Report, Shape, Tiers};
use lapwing_abi::hooks::Row;

/// A container of their own: they share ports.
const RESOLVING: Shape = Shape {
    name: "resolving",
    spec: |spec| spec,
};

/// A question for an IPv4 address.
pub(super) const fn asked(name: &'static str) -> Report {
    Report::new(
        "dns.unknown",
        "MEDIUM",
        "dns",
        [
            ("dns.name", Is::Text(name)),
            ("dns.type", Is::Text("A")),
            ("patch", Is::Holds(name)),
        ],
    )
}

/// A peer, by its name where it has one.
pub(super) const fn contacted(
    protocol: &'static str,
    domain: &'static str,
    address: &'static str,
    port: i64,
) -> Report {
    Report::new(
        "egress.unknown",
        "HIGH",
        "egress",
        [
            ("egress.protocol", Is::Text(protocol)),
            ("egress.domain", Is::Text(domain)),
            ("egress.address", Is::Text(address)),
            ("egress.port", Is::Number(port)),
            ("egress.service", Is::Text("")),
            ("egress.number", Is::Number(0)),
            ("egress.socket", Is::Text("NONE")),
            // By its name where it has one.
            (
                "patch",
                Is::Holds(if domain.is_empty() { address } else { domain }),
            ),
        ],
    )
}

/// A port that is waited at: the server's, or one that the client chose.
pub(super) const fn waited(protocol: &'static str, address: &'static str, port: i64) -> Report {
    Report::new(
        "listen.unknown",
        "MEDIUM",
        "listen",
        [
            ("listen.protocol", Is::Text(protocol)),
            ("listen.address", Is::Text(address)),
            ("listen.port", Is::Number(port)),
            ("listen.number", Is::Number(0)),
        ],
    )
}

/// A question, its answer, and a contact with the address that it told.
pub(super) const fn resolve(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    report: Report,
    also: &'static [Report],
) -> Act {
    Act::new(id, row, Tiers::BASE, what, words, report)
        .also(also)
        .inside(RESOLVING)
        .root()
}

/// Every act of this area.
pub const ACTS: &[Act] = &[
    resolve(
        "dns.query.udp",
        Row::DnsQuery,
        "a name that is asked of a resolver by UDP",
        &[
            "resolve",
            "udp",
            "true",
            "127.0.0.2",
            "one.example",
            "192.0.2.11",
            "4061",
        ],
        asked("one.example"),
        &[
            // The client chose its port, and the server answers it.
            waited("UDP", "127.0.0.2", 4061),
            contacted("UDP", "", "127.0.0.2", 4061),
            waited("UDP", "127.0.0.2", 53),
            contacted("UDP", "", "127.0.0.2", 53),
            contacted("TCP", "one.example", "192.0.2.11", 4061),
        ],
    ),
    resolve(
        "dns.query.stranger",
        Row::DnsQuery,
        "a name that is asked of another than a resolver: what that says names nothing",
        &[
            "resolve",
            "udp",
            "true",
            "127.0.0.4",
            "two.example",
            "192.0.2.12",
            "4062",
        ],
        asked("two.example"),
        &[
            // The client chose its port, and the server answers it.
            waited("UDP", "127.0.0.4", 4062),
            contacted("UDP", "", "127.0.0.4", 4062),
            // Listening on loopback is known by its port.
            contacted("UDP", "", "127.0.0.4", 53),
            contacted("TCP", "", "192.0.2.12", 4062),
        ],
    ),
    resolve(
        "dns.answer.tcp",
        Row::DnsAnswer,
        "a contact goes by the name that it was asked for, by TCP in pieces",
        &[
            "resolve",
            "tcp",
            "true",
            "127.0.0.3",
            "three.example",
            "192.0.2.13",
            "4063",
        ],
        contacted("TCP", "three.example", "192.0.2.13", 4063),
        &[
            asked("three.example"),
            waited("TCP", "127.0.0.3", 53),
            contacted("TCP", "", "127.0.0.3", 53),
        ],
    ),
    resolve(
        "dns.answer.private",
        Row::DnsAnswer,
        "a name does not excuse a private address",
        &[
            "resolve",
            "udp",
            "true",
            "127.0.0.3",
            "four.example",
            "10.99.0.1",
            "4064",
        ],
        contacted("TCP", "", "10.99.0.1", 4064),
        &[
            waited("UDP", "127.0.0.3", 4064),
            contacted("UDP", "", "127.0.0.3", 4064),
            asked("four.example"),
            contacted("UDP", "", "127.0.0.3", 53),
        ],
    ),
    resolve(
        "dns.answer.imds",
        Row::DnsAnswer,
        "a name does not excuse the metadata service",
        &[
            "resolve",
            "udp",
            "true",
            "127.0.0.3",
            "five.example",
            "169.254.169.254",
            "4065",
        ],
        contacted("TCP", "", "169.254.169.254", 4065),
        &[
            waited("UDP", "127.0.0.3", 4065),
            contacted("UDP", "", "127.0.0.3", 4065),
            asked("five.example"),
        ],
    )
    .rule("egress.imds", "HIGH"),
];
