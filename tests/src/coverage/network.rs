//! Ways to talk to peers.
//!
//! The hooks run before routing, so no packet has to leave: the container has
//! nothing but loopback, and the addresses are those kept for documentation.

use super::act::{Act, Is, Report, Tiers};
use crate::cases::common::{NOBODY4, NOBODY6};
use lapwing_abi::hooks::Row;

/// A peer contacted by an ordinary user. Another port for each act.
const fn egress(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    protocol: &'static str,
    address: &'static str,
    port: i64,
) -> Act {
    let fields = [
        ("egress.protocol", Is::Text(protocol)),
        ("egress.address", Is::Text(address)),
        ("egress.port", Is::Number(port)),
        ("egress.domain", Is::Text("")),
        ("egress.service", Is::Text("")),
        ("patch", Is::Holds(address)),
    ];
    let report = Report::new("egress.unknown", "HIGH", "egress", fields);
    Act::new(id, row, Tiers::BASE, what, words, report)
}

/// Every act of this area.
pub const ACTS: &[Act] = &[
    egress(
        "egress.connect4",
        Row::EgressConnect4,
        "connect(2) of a TCP socket, IPv4",
        &["connect-tcp", NOBODY4, "4001"],
        "TCP",
        NOBODY4,
        4001,
    ),
    egress(
        "egress.connect6",
        Row::EgressConnect6,
        "connect(2) of a TCP socket, IPv6",
        &["connect-tcp", NOBODY6, "4002"],
        "TCP",
        NOBODY6,
        4002,
    ),
    egress(
        "egress.sendmsg4",
        Row::EgressSendmsg4,
        "sendto(2) of a UDP socket, IPv4",
        &["send-udp", NOBODY4, "4003"],
        "UDP",
        NOBODY4,
        4003,
    ),
    egress(
        "egress.sendmsg6",
        Row::EgressSendmsg6,
        "sendto(2) of a UDP socket, IPv6",
        &["send-udp", NOBODY6, "4004"],
        "UDP",
        NOBODY6,
        4004,
    ),
    egress(
        "egress.connect4.udp",
        Row::EgressConnect4,
        "connect(2) of a UDP socket, IPv4",
        &["connect-udp", NOBODY4, "4005"],
        "UDP",
        NOBODY4,
        4005,
    ),
    egress(
        "egress.connect6.mapped",
        Row::EgressConnect6,
        "an IPv4 peer in the clothes of IPv6 is that IPv4 peer",
        &["connect-tcp", "::ffff:192.0.2.1", "4006"],
        "TCP",
        NOBODY4,
        4006,
    ),
    egress(
        "egress.connect4.imds",
        Row::EgressConnect4,
        "the metadata service of clouds",
        &["connect-tcp", "169.254.169.254", "80"],
        "TCP",
        "169.254.169.254",
        80,
    )
    .rule("egress.imds", "HIGH"),
];
