//! Sockets beside TCP and UDP, and those of the file system.

use super::act::{Act, Is, Prepare, Report, Shape, Tiers};
use super::network::contacted;
use crate::puppet::Puppet;
use anyhow::{Context, Result};
use lapwing_abi::hooks::Row;
use std::os::unix::net::{UnixDatagram, UnixListener};

/// The report of a socket that was made.
pub(super) const fn made(
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

/// Echo requests by everybody are off by default.
const PINGS: Shape = Shape {
    name: "pings",
    spec: |spec| spec.sysctl("net.ipv4.ping_group_range", "0 65536"),
};

/// Plain ones, for acts whose sockets others make too.
const VSOCK: Shape = Shape {
    name: "vsock",
    spec: |spec| spec,
};
const ECHO: Shape = Shape {
    name: "echo",
    spec: |spec| spec,
};

/// A socket of the file system that somebody listens at, for as long as the tests run.
pub(super) fn listener(puppet: &Puppet<'_>, path: &str) -> Result<()> {
    let at = format!("/proc/{}/root{path}", puppet.pid()?);
    std::mem::forget(UnixListener::bind(&at).with_context(|| format!("a socket at {at}"))?);
    open_up(&at)
}

/// The same, of datagrams.
pub(super) fn receiver(puppet: &Puppet<'_>, path: &str) -> Result<()> {
    let at = format!("/proc/{}/root{path}", puppet.pid()?);
    std::mem::forget(UnixDatagram::bind(&at).with_context(|| format!("a socket at {at}"))?);
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
        "egress.connect.vsock",
        Row::EgressConnect,
        "a socket to another virtual machine (AF_VSOCK) and its connect(2)",
        &["connect-vsock", "2", "70000"],
        contacted("VSOCK", "2", 70_000),
    )
    .tiers(Tiers::A)
    .also(&[made("egress.raw", "VSOCK", 0, "STREAM")])
    .inside(VSOCK),
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
        "egress.raw4.icmp",
        Row::EgressRaw4,
        "an ICMP packet of a raw socket: the socket and its peer",
        &["send-raw", "127.0.0.1", "1"],
        contacted("ICMP", "127.0.0.1", 0),
    )
    .also(&[made("egress.raw", "ICMP", 0, "RAW")])
    .inside(ECHO),
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
        "egress.unix.crio",
        Row::EgressUnix,
        "connect(2) to the socket of CRI-O",
        &["connect-unix", "/data/crio.sock"],
        contacted("UNIX", "/data/crio.sock", 0),
    )
    .rule("egress.unix", "CRITICAL")
    .after(&[Prepare::By(|puppet| listener(puppet, "/data/crio.sock"))]),
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
    .after(&[Prepare::By(|puppet| receiver(puppet, "/data/log.sock"))]),
];
