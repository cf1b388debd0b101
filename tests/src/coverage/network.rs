//! Ways to talk to peers.
//!
//! The hooks run before routing, so no packet has to leave: the container has
//! nothing but loopback, and the addresses are those kept for documentation.

use super::act::{Act, Is, Prepare, Report, Shape, Tiers};
use crate::cases::common::{NOBODY4, NOBODY6};
use crate::puppet::Puppet;
use anyhow::{Context, Result};
use lapwing_abi::hooks::Row;
use std::os::unix::net::{UnixDatagram, UnixListener};

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
const fn contacted(protocol: &'static str, address: &'static str, port: i64) -> Report {
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

/// The report of a socket that was made.
const fn made(
    rule: &'static str,
    protocol: &'static str,
    number: i64,
    of_type: &'static str,
) -> Report {
    Report::new(
        rule,
        "HIGH",
        "egress",
        [
            ("egress.protocol", Is::Text(protocol)),
            ("egress.address", Is::Text("")),
            ("egress.port", Is::Number(0)),
            ("egress.domain", Is::Text("")),
            ("egress.service", Is::Text("")),
            ("egress.number", Is::Number(number)),
            ("egress.socket", Is::Text(of_type)),
            ("patch", Is::Holds(of_type)),
        ],
    )
}

/// A socket that is made by root, whose capability to do so containers have by default.
const fn socket(
    id: &'static str,
    what: &'static str,
    words: &'static [&'static str],
    report: Report,
) -> Act {
    Act::new(id, Row::EgressSocket, Tiers::ALL, what, words, report).root()
}

/// A peer contacted by root beside TCP and UDP.
const fn beside(
    id: &'static str,
    row: Row,
    what: &'static str,
    words: &'static [&'static str],
    report: Report,
) -> Act {
    Act::new(id, row, Tiers::ALL, what, words, report).root()
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

/// Echo requests by everybody are off by default.
const PINGS: Shape = Shape {
    name: "pings",
    spec: |spec| spec.sysctl("net.ipv4.ping_group_range", "0 65536"),
};

/// A socket of the file system that somebody listens at, for as long as the tests run.
fn listener(puppet: &Puppet<'_>, path: &str) -> Result<()> {
    let at = format!("/proc/{}/root{path}", puppet.pid()?);
    std::mem::forget(UnixListener::bind(&at).with_context(|| format!("a socket at {at}"))?);
    open_up(&at)
}

fn open_up(path: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(
        path,
        std::fs::Permissions::from_mode(0o777),
    )?)
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
        "egress.sendmsg6.mapped",
        Row::EgressSendmsg4,
        "UDP to an IPv4 peer in the clothes of IPv6",
        &["send-udp", "::ffff:192.0.2.1", "4021"],
        "UDP",
        NOBODY4,
        4021,
    ),
    socket(
        "egress.socket.raw",
        "a raw socket (socket(2), SOCK_RAW)",
        &["socket", "2", "3", "1"],
        made("egress.raw", "ICMP", 0, "RAW"),
    ),
    socket(
        "egress.socket.raw-any",
        "a raw socket whose headers the caller writes (IPPROTO_RAW)",
        &["socket", "2", "3", "255"],
        made("egress.raw", "OTHER", 255, "RAW"),
    ),
    socket(
        "egress.socket.raw-tcp",
        "a raw socket for TCP, beside the kernel's own",
        &["socket", "2", "3", "6"],
        made("egress.raw", "TCP", 0, "RAW"),
    ),
    socket(
        "egress.socket.raw6",
        "a raw socket for IPv6",
        &["socket", "10", "3", "58"],
        made("egress.raw", "ICMPV6", 0, "RAW"),
    ),
    socket(
        "egress.socket.packet",
        "a packet socket (AF_PACKET): frames of a network device",
        &["socket", "17", "3", "0"],
        made("egress.raw", "PACKET", 0, "RAW"),
    ),
    socket(
        "egress.socket.vsock",
        "a socket to other virtual machines (AF_VSOCK)",
        &["socket", "40", "1", "0"],
        made("egress.raw", "VSOCK", 0, "STREAM"),
    ),
    socket(
        "egress.socket.xdp",
        "a socket of XDP (AF_XDP)",
        &["socket", "44", "3", "0"],
        made("egress.raw", "XDP", 0, "RAW"),
    ),
    beside(
        "egress.connect.sctp",
        Row::EgressConnect,
        "SCTP: the socket and its connect(2)",
        &["connect-sctp", "127.0.0.1", "4030"],
        contacted("SCTP", "127.0.0.1", 4030),
    )
    .tiers(Tiers::A)
    .also(&[made("egress.unknown", "SCTP", 0, "STREAM")]),
    beside(
        "egress.connect.raw",
        Row::EgressConnect,
        "connect(2) of a raw socket: the socket and its peer",
        &["connect-raw", "127.0.0.1", "46"],
        Report::new(
            "egress.unknown",
            "HIGH",
            "egress",
            [
                ("egress.protocol", Is::Text("OTHER")),
                ("egress.address", Is::Text("127.0.0.1")),
                ("egress.port", Is::Number(0)),
                ("egress.number", Is::Number(46)),
                ("egress.socket", Is::Text("NONE")),
                ("egress.domain", Is::Text("")),
                ("egress.service", Is::Text("")),
                ("patch", Is::Holds("127.0.0.1")),
            ],
        ),
    )
    .also(&[made("egress.raw", "OTHER", 46, "RAW")]),
    beside(
        "egress.raw4.send",
        Row::EgressRaw4,
        "a packet of a raw socket: the socket and its peer",
        &["send-raw", "127.0.0.1", "47"],
        Report::new(
            "egress.unknown",
            "HIGH",
            "egress",
            [
                ("egress.protocol", Is::Text("OTHER")),
                ("egress.address", Is::Text("127.0.0.1")),
                ("egress.port", Is::Number(0)),
                ("egress.number", Is::Number(47)),
                ("egress.socket", Is::Text("NONE")),
                ("egress.domain", Is::Text("")),
                ("egress.service", Is::Text("")),
                ("patch", Is::Holds("127.0.0.1")),
            ],
        ),
    )
    .also(&[made("egress.raw", "OTHER", 47, "RAW")]),
    beside(
        "egress.raw6.send",
        Row::EgressRaw6,
        "a packet of a raw socket over IPv6: the socket and its peer",
        &["send-raw", "::1", "59"],
        Report::new(
            "egress.unknown",
            "HIGH",
            "egress",
            [
                ("egress.protocol", Is::Text("OTHER")),
                ("egress.address", Is::Text("::1")),
                ("egress.port", Is::Number(0)),
                ("egress.number", Is::Number(59)),
                ("egress.socket", Is::Text("NONE")),
                ("egress.domain", Is::Text("")),
                ("egress.service", Is::Text("")),
                ("patch", Is::Holds("::1")),
            ],
        ),
    )
    .also(&[made("egress.raw", "OTHER", 59, "RAW")]),
    beside(
        "egress.ping4.send",
        Row::EgressPing4,
        "ping without a raw socket: the socket and its peer",
        &["ping", "127.0.0.1"],
        contacted("ICMP", "127.0.0.1", 0),
    )
    .also(&[made("egress.unknown", "ICMP", 0, "DGRAM")])
    .inside(PINGS),
    beside(
        "egress.ping6.send",
        Row::EgressPing6,
        "ping over IPv6 without a raw socket: the socket and its peer",
        &["ping", "::1"],
        contacted("ICMPV6", "::1", 0),
    )
    .also(&[made("egress.unknown", "ICMPV6", 0, "DGRAM")])
    .inside(PINGS),
    beside(
        "egress.unix.docker",
        Row::EgressUnix,
        "connect(2) to the socket of a container runtime",
        &["connect-unix", "/data/docker.sock"],
        contacted("UNIX", "/data/docker.sock", 0),
    )
    .rule("egress.unix", "CRITICAL")
    .after(&[Prepare::By(|puppet| listener(puppet, "/data/docker.sock"))]),
    beside(
        "egress.unix.link",
        Row::EgressUnix,
        "a socket reached by a symbolic link: named by where it is bound",
        &["connect-unix", "/data/harmless"],
        contacted("UNIX", "/data/containerd.sock", 0),
    )
    .rule("egress.unix", "CRITICAL")
    .after(&[
        Prepare::By(|puppet| listener(puppet, "/data/containerd.sock")),
        Prepare::Symlink("containerd.sock", "/data/harmless"),
    ]),
    beside(
        "egress.unix.other",
        Row::EgressUnix,
        "connect(2) to another socket of the file system",
        &["connect-unix", "/data/other.sock"],
        contacted("UNIX", "/data/other.sock", 0),
    )
    .after(&[Prepare::By(|puppet| listener(puppet, "/data/other.sock"))]),
    beside(
        "egress.unix.abstract",
        Row::EgressUnix,
        "connect(2) to an abstract socket",
        &["connect-abstract", "lapwing-abstract"],
        contacted("UNIX", "@lapwing-abstract", 0),
    ),
    beside(
        "egress.unix-send.datagram",
        Row::EgressUnixSend,
        "a datagram to a socket of the file system",
        &["send-unix", "/data/log.sock"],
        contacted("UNIX", "/data/log.sock", 0),
    )
    .after(&[Prepare::By(|puppet| {
        let at = format!("/proc/{}/root/data/log.sock", puppet.pid()?);
        std::mem::forget(UnixDatagram::bind(&at)?);
        open_up(&at)
    })]),
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
