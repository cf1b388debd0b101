//! Which answers are believed, what they say, and for how long.

use super::*;

#[test]
fn an_answer_to_a_question_names_its_addresses() {
    let mut dns = dns();
    let asked = ask(&mut dns, 1, "WWW.Example.com");
    assert_eq!(asked.len(), 1);
    assert_eq!((&*asked[0].name, &*asked[0].kind), (WWW, "A"));
    assert_eq!(names(&dns, "93.184.216.34"), [""; 0]);
    let records = [a(WWW, 300, "93.184.216.34"), a(WWW, 300, "93.184.216.35")];
    assert_eq!(tell_bytes(&mut dns, &answer(1, WWW, A, &records)), None);
    for address in ["93.184.216.34", "93.184.216.35", "::ffff:93.184.216.34"] {
        assert_eq!(names(&dns, address), [WWW]);
    }
    assert_eq!(dns.names(8, ip("93.184.216.34"), START), None);
    assert_eq!(changed(&mut dns, START), ["93.184.216.34", "93.184.216.35"]);
    assert_eq!(changed(&mut dns, START), [""; 0]);
}

#[test]
fn an_answer_has_to_match_its_question_in_everything() {
    let good = answer(1, WWW, A, &[a(WWW, 300, "192.0.2.1")]);
    let edit = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let peer = |address, port| Packet {
        peer: SocketAddr::new(ip(address), port),
        ..packet(Direction::Answer, &good)
    };
    let six = answer(1, WWW, AAAA, &[a(WWW, 300, "192.0.2.1")]);
    let other = answer(
        1,
        "www.example.org",
        A,
        &[a("www.example.org", 300, "192.0.2.1")],
    );
    let tcp = Transport::Tcp {
        sequence: 0,
        syn: false,
        end: false,
    };
    let framed = [&words(&[good.len() as u16])[..], &good].concat();
    for (what, packet, refusal) in [
        (
            "number",
            packet(Direction::Answer, &edit(1, 2)),
            Refusal::Unsolicited,
        ),
        (
            "name",
            packet(Direction::Answer, &other),
            Refusal::Unsolicited,
        ),
        (
            "type",
            packet(Direction::Answer, &six),
            Refusal::Unsolicited,
        ),
        (
            "a question",
            packet(Direction::Answer, &edit(2, 1)),
            Refusal::Direction,
        ),
        (
            "two questions",
            packet(Direction::Answer, &edit(5, 2)),
            Refusal::Unsolicited,
        ),
        (
            "no question",
            packet(Direction::Answer, &edit(5, 0)),
            Refusal::Unsolicited,
        ),
        ("peer", peer("10.0.0.54", 53), Refusal::Resolver),
        ("peer's port", peer(RESOLVER, 54), Refusal::Resolver),
        (
            "port",
            Packet {
                port: 40_001,
                ..peer(RESOLVER, 53)
            },
            Refusal::Unsolicited,
        ),
        (
            "late",
            Packet {
                time: START + 15 * SECOND,
                ..peer(RESOLVER, 53)
            },
            Refusal::Unsolicited,
        ),
        (
            "forged",
            Packet {
                looped: true,
                ..peer(RESOLVER, 53)
            },
            Refusal::Forged,
        ),
        (
            "transport",
            Packet {
                transport: tcp,
                payload: &framed,
                ..peer(RESOLVER, 53)
            },
            Refusal::Unsolicited,
        ),
        (
            "container",
            Packet {
                container: 8,
                ..peer(RESOLVER, 53)
            },
            Refusal::Unsolicited,
        ),
    ] {
        let mut dns = dns();
        ask(&mut dns, 1, WWW);
        assert_eq!(tell(&mut dns, &packet), Some(refusal), "{what}");
        assert_eq!(
            dns.refused_of(packet.container).map(|r| r.get(refusal)),
            Some(1)
        );
        assert_eq!(names(&dns, "192.0.2.1"), [""; 0], "{what}");
        // The true answer is still waited for.
        if what != "late" {
            assert_eq!(tell_bytes(&mut dns, &good), None, "{what}");
            assert_eq!(names(&dns, "192.0.2.1"), [WWW], "{what}");
        }
    }
}

#[test]
fn each_question_is_answered_once_and_the_first_answer_counts() {
    let mut dns = dns();
    let first = answer(1, WWW, A, &[a(WWW, 300, "192.0.2.1")]);
    let second = answer(1, WWW, A, &[a(WWW, 300, "192.0.2.2")]);
    assert_eq!(tell_bytes(&mut dns, &first), Some(Refusal::Unsolicited));
    ask(&mut dns, 1, WWW);
    // Sent again by the client: still one question.
    ask(&mut dns, 1, WWW);
    assert_eq!(tell_bytes(&mut dns, &first), None);
    assert_eq!(tell_bytes(&mut dns, &second), Some(Refusal::Unsolicited));
    assert_eq!(names(&dns, "192.0.2.2"), [""; 0]);
    // A failure is an answer too.
    ask(&mut dns, 2, WWW);
    let mut failed = answer(2, WWW, A, &[a(WWW, 300, "192.0.2.3")]);
    failed[3] |= 3;
    assert_eq!(tell_bytes(&mut dns, &failed), None);
    assert_eq!(names(&dns, "192.0.2.3"), [""; 0]);
}

#[test]
fn aliases_are_followed_from_the_question_alone() {
    let mut dns = dns();
    let records = [
        // Not in order; the end of a chain that begins elsewhere; addresses of others.
        a("edge.example.net", 900, "192.0.2.1"),
        cname("cdn.example.net", 30, "edge.example.net"),
        cname(WWW, 600, "CDN.example.net"),
        cname("bank.example", 600, "evil.example"),
        a("evil.example", 600, "192.0.2.2"),
        a("bank.example", 600, "192.0.2.3"),
        // A name that has an alias has nothing else.
        a(WWW, 600, "192.0.2.4"),
        a("cdn.example.net", 600, "192.0.2.5"),
        // Not asked for.
        a("edge.example.net", 900, "2001:db8::1"),
    ];
    learn(&mut dns, WWW, &records);
    assert_eq!(changed(&mut dns, START), ["192.0.2.1"]);
    assert_eq!(names(&dns, "192.0.2.1"), [WWW]);
    // The shortest time of the chain, 30 s, is below the floor of 60, and then comes the grace.
    assert_eq!(names_at(&dns, "192.0.2.1", START + 180 * SECOND - 1), [WWW]);
    assert_eq!(names_at(&dns, "192.0.2.1", START + 180 * SECOND), [""; 0]);
    // A chain that goes round leads nowhere.
    learn(
        &mut dns,
        "x.y",
        &[cname("x.y", 1, "y.y"), cname("y.y", 1, "x.y")],
    );
    assert_eq!(changed(&mut dns, START), [""; 0]);
}

#[test]
fn a_truncated_answer_names_what_is_in_it() {
    let mut dns = dns();
    let mut bytes = answer(1, WWW, A, &[a(WWW, 300, "192.0.2.1")]);
    bytes[2] |= 2;
    ask(&mut dns, 1, WWW);
    assert_eq!(tell_bytes(&mut dns, &bytes), None);
    assert_eq!(names(&dns, "192.0.2.1"), [WWW]);
}

#[test]
fn bindings_hold_for_their_time_within_bounds_and_a_grace() {
    for (ttl, seconds) in [(0, 180), (3600, 3720), (u32::MAX, 180), (1 << 30, 86_520)] {
        let mut dns = dns();
        learn(&mut dns, WWW, &[a(WWW, ttl, "192.0.2.1")]);
        assert_eq!(changed(&mut dns, START), ["192.0.2.1"]);
        let end = START + seconds * SECOND;
        assert_eq!(names_at(&dns, "192.0.2.1", end - 1), [WWW], "{ttl}");
        assert_eq!(changed(&mut dns, end - 1), [""; 0]);
        assert_eq!(names_at(&dns, "192.0.2.1", end), [""; 0], "{ttl}");
        assert_eq!(changed(&mut dns, end), ["192.0.2.1"]);
        assert_eq!(dns.table.bytes(), 0);
    }
}

#[test]
fn another_name_is_a_change_and_more_time_is_none() {
    let mut dns = dns();
    learn(&mut dns, WWW, &[a(WWW, 600, "192.0.2.1")]);
    changed(&mut dns, START);
    learn(&mut dns, WWW, &[a(WWW, 1200, "192.0.2.1")]);
    learn(&mut dns, WWW, &[a(WWW, 1, "192.0.2.1")]);
    assert_eq!(changed(&mut dns, START), [""; 0]);
    assert_eq!(names_at(&dns, "192.0.2.1", START + 1300 * SECOND), [WWW]);
    learn(&mut dns, "b.example", &[a("b.example", 60, "192.0.2.1")]);
    assert_eq!(changed(&mut dns, START), ["192.0.2.1"]);
    assert_eq!(names(&dns, "192.0.2.1"), [WWW, "b.example"]);
    assert_eq!(changed(&mut dns, START + 180 * SECOND), ["192.0.2.1"]);
    assert_eq!(names_at(&dns, "192.0.2.1", START + 180 * SECOND), [WWW]);
}

#[test]
fn a_name_never_stands_for_what_is_near() {
    let mut dns = dns();
    dns.set_node_addresses([ip("198.51.100.7"), ip("10.0.0.1")]);
    let near = [
        "127.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "198.51.100.7",
        "10.0.0.1",
    ];
    let mut records: Vec<_> = near.iter().map(|address| a(WWW, 300, address)).collect();
    records.extend([a(WWW, 300, "10.0.0.9"), a(WWW, 300, "192.0.2.1")]);
    learn(&mut dns, WWW, &records);
    for address in near {
        assert_eq!(names(&dns, address), [""; 0], "{address}");
    }
    let private = dns
        .names(CONTAINER, ip("10.0.0.9"), START)
        .map(|names| names.private);
    let public = dns
        .names(CONTAINER, ip("192.0.2.1"), START)
        .map(|names| names.private);
    assert_eq!((private, public), (Some(true), Some(false)));
    changed(&mut dns, START);
    // What becomes the node's, or no longer is, changes.
    dns.set_node_addresses([ip("192.0.2.1"), ip("10.0.0.1")]);
    assert_eq!(changed(&mut dns, START), ["192.0.2.1", "198.51.100.7"]);
    assert_eq!(names(&dns, "192.0.2.1"), [""; 0]);
    assert_eq!(names(&dns, "198.51.100.7"), [WWW]);
}

#[test]
fn a_local_resolver_answers_over_loopback_and_by_translation() {
    let mut dns = Dns::new(Settings::default());
    // As Docker does it: the question leaves for another port than the answer comes from.
    dns.set_resolvers(CONTAINER, &[ip("127.0.0.11")]);
    let bytes = question(1, WWW, A);
    let mut out = packet(Direction::Query, &bytes);
    out.peer = SocketAddr::new(ip("127.0.0.11"), 43_210);
    out.looped = true;
    assert_eq!(dns.observe(&out).len(), 1);
    let bytes = answer(1, WWW, A, &[a(WWW, 300, "192.0.2.1")]);
    let back = Packet {
        direction: Direction::Answer,
        peer: SocketAddr::new(ip("127.0.0.11"), 53),
        payload: &bytes,
        ..out
    };
    assert_eq!(tell(&mut dns, &back), None);
    assert_eq!(names(&dns, "192.0.2.1"), [WWW]);
    // A container on the node's network reaches the node's resolver over loopback too.
    dns.set_resolvers(CONTAINER, &[ip("169.254.20.10")]);
    dns.set_node_addresses([ip("169.254.20.10")]);
    let peer = SocketAddr::new(ip("169.254.20.10"), 53);
    let bytes = question(2, WWW, A);
    dns.observe(&Packet {
        peer,
        payload: &bytes,
        ..out
    });
    let bytes = answer(2, WWW, A, &[a(WWW, 300, "192.0.2.2")]);
    assert_eq!(
        tell(
            &mut dns,
            &Packet {
                peer,
                payload: &bytes,
                ..back
            }
        ),
        None
    );
    assert_eq!(names(&dns, "192.0.2.2"), [WWW]);
}

#[test]
fn before_the_resolvers_are_known_answers_are_kept_and_not_told() {
    let mut dns = Dns::new(Settings::default());
    let mut exchange = |peer: &str, id: u16, address: &str| {
        let peer = SocketAddr::new(ip(peer), 53);
        let bytes = question(id, WWW, A);
        dns.observe(&Packet {
            peer,
            ..packet(Direction::Query, &bytes)
        });
        let bytes = answer(id, WWW, A, &[a(WWW, 300, address)]);
        dns.observe(&Packet {
            peer,
            ..packet(Direction::Answer, &bytes)
        });
    };
    exchange(RESOLVER, 1, "192.0.2.1");
    exchange("203.0.113.66", 2, "192.0.2.2");
    dns.changed(START);
    assert_eq!(names(&dns, "192.0.2.1"), [""; 0]);
    dns.set_resolvers(CONTAINER, &[ip(RESOLVER)]);
    assert_eq!(names(&dns, "192.0.2.1"), [WWW]);
    assert_eq!(names(&dns, "192.0.2.2"), [""; 0]);
    assert_eq!(changed(&mut dns, START), ["192.0.2.1", "192.0.2.2"]);
    // Another resolver takes all that this one said with it.
    dns.set_resolvers(CONTAINER, &[ip("10.0.0.54")]);
    assert_eq!(names(&dns, "192.0.2.1"), [""; 0]);
    assert_eq!(changed(&mut dns, START), ["192.0.2.1"]);
    dns.check();
}

#[test]
fn a_container_that_is_gone_leaves_nothing() {
    let mut dns = dns();
    learn(&mut dns, WWW, &[a(WWW, 300, "192.0.2.1")]);
    ask(&mut dns, 9, WWW);
    let tcp = Transport::Tcp {
        sequence: 0,
        syn: true,
        end: false,
    };
    dns.observe(&Packet {
        transport: tcp,
        ..packet(Direction::Query, b"\0")
    });
    dns.check();
    assert_eq!((dns.waiting, dns.streams), (1, 1));
    dns.forget(CONTAINER);
    dns.check();
    assert_eq!((dns.waiting, dns.streams, dns.table.bytes()), (0, 0, 0));
    assert_eq!(changed(&mut dns, START), [""; 0]);
    assert_eq!(names(&dns, "192.0.2.1"), [""; 0]);
    // Packets that come later make a ghost, which goes by itself.
    ask(&mut dns, 1, WWW);
    assert_eq!(dns.containers.len(), 1);
    dns.changed(START + 1000 * SECOND);
    assert_eq!(dns.containers.len(), 0);
}
