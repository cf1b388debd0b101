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
    Act::new(
        id,
        row,
        Tiers::BASE,
        what,
        words,
        contacted(protocol, address, port),
    )
}

/// The report of a peer that was contacted.
pub const fn contacted(protocol: &'static str, address: &'static str, port: i64) -> Report {
    Report::new(
        "egress.unknown",
        "HIGH",
        "egress",
        [
            ("egress.protocol", Is::Text(protocol)),
            ("egress.address", Is::Text(address)),
            ("egress.port", Is::Number(port)),
            ("egress.domain", Is::Text("")),
            ("egress.service", Is::Text("")),
            ("egress.number", Is::Number(0)),
            ("egress.socket", Is::Text("NONE")),
            ("patch", Is::Holds(address)),
        ],
    )
}

/// A port that is waited at.
const fn listen(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    protocol: &'static str,
    address: &'static str,
    port: i64,
) -> Act {
    let fields = [
        ("listen.protocol", Is::Text(protocol)),
        ("listen.address", Is::Text(address)),
        ("listen.port", Is::Number(port)),
        ("listen.number", Is::Number(0)),
        ("patch", Is::Holds(protocol)),
    ];
    let report = Report::new("listen.unknown", "HIGH", "listen", fields);
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
        "egress.connect6.udp",
        Row::EgressConnect6,
        "connect(2) of a UDP socket, IPv6",
        &["connect-udp", NOBODY6, "4025"],
        "UDP",
        NOBODY6,
        4025,
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
    egress(
        "egress.connect4.bound",
        Row::EgressConnect4,
        "connect(2) of a socket that was bound before",
        &["connect-bound-tcp", NOBODY4, "4010", "4011"],
        "TCP",
        NOBODY4,
        4010,
    ),
    egress(
        "egress.connect4.refused",
        Row::EgressConnect4,
        "connect(2) to where nobody listens",
        &["connect-tcp", "127.0.0.1", "4012"],
        "TCP",
        "127.0.0.1",
        4012,
    ),
    egress(
        "egress.connect4.fast-open",
        Row::EgressConnect4,
        "TCP Fast Open: sendto(2) that connects",
        &["fast-open", NOBODY4, "4013"],
        "TCP",
        NOBODY4,
        4013,
    ),
    egress(
        "egress.connect6.fast-open",
        Row::EgressConnect6,
        "TCP Fast Open over IPv6",
        &["fast-open", NOBODY6, "4014"],
        "TCP",
        NOBODY6,
        4014,
    ),
    egress(
        "egress.connect4.mptcp",
        Row::EgressConnect4,
        "MPTCP",
        &["connect-mptcp", NOBODY4, "4015"],
        "TCP",
        NOBODY4,
        4015,
    ),
    egress(
        "egress.sendmsg4.many",
        Row::EgressSendmsg4,
        "sendmmsg(2) to three peers",
        &[
            "send-many",
            NOBODY4,
            "4016",
            NOBODY4,
            "4017",
            "127.0.0.1",
            "4018",
        ],
        "UDP",
        NOBODY4,
        4016,
    )
    .also(&[
        contacted("UDP", NOBODY4, 4017),
        contacted("UDP", "127.0.0.1", 4018),
    ]),
    egress(
        "egress.sendmsg4.elsewhere",
        Row::EgressSendmsg4,
        "a connected UDP socket that sends to another peer",
        &["send-elsewhere", NOBODY4, "127.0.0.1", "4019"],
        "UDP",
        "127.0.0.1",
        4019,
    )
    .also(&[contacted("UDP", NOBODY4, 4019)]),
    egress(
        "egress.connect4.control",
        Row::EgressConnect4,
        "a connected UDP socket that sends control data and names no peer: its connect(2) is the one report",
        &["send-with-control", NOBODY4, "4020"],
        "UDP",
        NOBODY4,
        4020,
    ),
    egress(
        "egress.connect4.uring",
        Row::EgressConnect4,
        "a connect by io_uring, in the caller's context",
        &["uring-connect", NOBODY4, "4022", "inline"],
        "TCP",
        NOBODY4,
        4022,
    ),
    egress(
        "egress.connect4.uring-worker",
        Row::EgressConnect4,
        "a connect by a worker of io_uring",
        &["uring-connect", NOBODY4, "4023", "worker"],
        "TCP",
        NOBODY4,
        4023,
    ),
    egress(
        "egress.connect4.uring-polled",
        Row::EgressConnect4,
        "a connect by the kernel's own thread of io_uring (SQPOLL): without a system call",
        &["uring-connect", NOBODY4, "4024", "polled"],
        "TCP",
        NOBODY4,
        4024,
    ),
    egress(
        "egress.sendmsg6.mapped",
        Row::EgressSendmsg4,
        "UDP to an IPv4 peer in the clothes of IPv6",
        &["send-udp", "::ffff:192.0.2.1", "4021"],
        "UDP",
        NOBODY4,
        4021,
    ),
    listen(
        "listen.stream.tcp",
        Row::ListenStream,
        "listen(2) on all interfaces",
        &["listen-tcp", "0.0.0.0", "4040"],
        "TCP",
        "0.0.0.0",
        4040,
    ),
    listen(
        "listen.stream.tcp6",
        Row::ListenStream,
        "listen(2) over IPv6",
        &["listen-tcp", "::", "4041"],
        "TCP",
        "::",
        4041,
    ),
    listen(
        "listen.stream.loopback",
        Row::ListenStream,
        "listen(2) on loopback alone",
        &["listen-tcp", "127.0.0.1", "4042"],
        "TCP",
        "127.0.0.1",
        4042,
    )
    .rule("listen.unknown", "MEDIUM"),
    listen(
        "listen.datagram4.udp",
        Row::ListenDatagram4,
        "bind(2) of a UDP socket to a port",
        &["bind-udp", "0.0.0.0", "4043"],
        "UDP",
        "0.0.0.0",
        4043,
    ),
    listen(
        "listen.datagram6.udp",
        Row::ListenDatagram6,
        "bind(2) of a UDP socket to a port, over IPv6",
        &["bind-udp", "::", "4044"],
        "UDP",
        "::",
        4044,
    ),
];
