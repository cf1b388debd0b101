//! Peers, and sockets that wait.

use super::*;

#[test]
fn peers_and_sockets_of_every_family_have_a_text() {
    let unix = Location {
        components: b"run\0",
        passed: b"./docker.sock",
    };
    let address = IpAddr::from([10, 0, 0, 1]);
    for (contact, protocol, argument, peer, expected) in [
        (
            Contact::Peer,
            6,
            0,
            Peer::Ip(address, 80),
            "{protocol: TCP, address: \"10.0.0.1\", port: 80}",
        ),
        (
            Contact::Peer,
            1,
            0,
            Peer::Ip(address, 80),
            "{protocol: ICMP, address: \"10.0.0.1\"}",
        ),
        (
            Contact::Peer,
            47,
            0,
            Peer::Ip(address, 0),
            "{protocol: OTHER, number: 47, address: \"10.0.0.1\"}",
        ),
        (
            Contact::Peer,
            0,
            0,
            Peer::Unix(unix),
            "{protocol: UNIX, path: /run/docker.sock}",
        ),
        (
            Contact::Peer,
            0,
            0,
            Peer::Abstract(b"bus\0"),
            "{protocol: UNIX, path: \"@bus\\\\x00\"}",
        ),
        (
            Contact::Peer,
            0,
            70_000,
            Peer::Vsock(2, 70_000),
            "{protocol: VSOCK, cid: 2, port: 70000}",
        ),
        (
            Contact::Socket,
            1,
            2,
            Peer::Ip(address, 0),
            "{protocol: ICMP, socket: DGRAM}",
        ),
        (
            Contact::Socket,
            255,
            3 | 0o2_000_000,
            Peer::Ip(address, 0),
            "{protocol: OTHER, number: 255, socket: RAW}",
        ),
        (
            Contact::Socket,
            0,
            3,
            Peer::Packet,
            "{protocol: PACKET, socket: RAW}",
        ),
        (
            Contact::Socket,
            0,
            0,
            Peer::Xdp,
            "{protocol: XDP, socket: UNKNOWN}",
        ),
    ] {
        let header = Header {
            argument,
            ..Header::default()
        };
        let body = Body::Egress {
            contact,
            protocol,
            peer,
        };
        assert_eq!(told(header, body, None), format!("egress: {expected}"));
    }
}

#[test]
fn a_socket_that_waits_is_known_by_who_can_reach_it() {
    let listen = |at| Record {
        header: Header::default(),
        phase: lapwing_abi::ids::Phase::Main,
        body: Body::Listen { protocol: 6, at },
    };
    for (address, port, expected) in [
        ("0.0.0.0", 80, "port: 80}"),
        ("::", 80, "port: 80}"),
        ("10.1.2.3", 80, "port: 80}"),
        ("127.0.0.1", 80, "port: 80, loopback: true}"),
        ("::1", 40_000, "port: 0, loopback: true}"),
    ] {
        let address: IpAddr = address.parse().unwrap();
        let found = seen(&listen(Peer::Ip(address, port)), None).unwrap();
        // The report has it all.
        assert_eq!(found.aside.at, Some((address, port)));
        assert_eq!(line(found), format!("listen: {{protocol: TCP, {expected}"));
    }
    let path = Location {
        components: b"x.sock\0run\0",
        passed: b"",
    };
    for (at, expected) in [
        (Peer::Unix(path), "{protocol: UNIX, path: /run/x.sock}"),
        (Peer::Abstract(b"x"), "{protocol: UNIX, path: \"@x\"}"),
        (Peer::Vsock(3, 5), "{protocol: VSOCK, port: 5}"),
    ] {
        let found = seen(&listen(at), None).unwrap();
        assert_eq!(line(found), format!("listen: {expected}"));
    }
}
