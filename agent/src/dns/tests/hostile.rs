//! What was not meant to be read: odd, malformed, cut, split and too much.

use super::*;
use lapwing_profile::text::is_canonical;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn odd_names_have_one_text_each() {
    let ask_labels = |labels: &[&[u8]]| {
        let mut bytes = words(&[1, 0x0100, 1, 0, 0, 0]);
        for label in labels {
            bytes.push(label.len() as u8);
            bytes.extend(*label);
        }
        bytes.push(0);
        bytes.extend(words(&[A, 1]));
        let asked = dns().observe(&packet(Direction::Query, &bytes));
        assert_eq!(asked.len(), 1, "{labels:?}");
        assert!(is_canonical(&asked[0].name));
        asked[0].name.clone()
    };
    for (labels, text) in [
        (&[&b"a.b"[..], b"c"][..], "a\\\\.b.c"),
        (&[b"a", b"b", b"c"], "a.b.c"),
        (&[b"a\\", b"b"], "a\\\\\\\\.b"),
        (&[b"*", b"evil", b"com"], "\\\\*.evil.com"),
        (&[b"**", b"com"], "**.com"),
        (&[b"\xffA\n\0", b"com"], "\\xffa\\x0a\\x00.com"),
        (&["M\u{fc}nchen".as_bytes(), b"DE"], "m\u{fc}nchen.de"),
        (&["\u{202e}x".as_bytes()], "\\xe2\\x80\\xaex"),
        (&[b"xn--mnchen-3ya", b"de"], "xn--mnchen-3ya.de"),
        (&[], "."),
    ] {
        assert_eq!(ask_labels(labels), text);
    }
}

#[test]
fn names_that_do_not_end_are_no_names() {
    let with = |section: &[u8]| {
        let bytes = [&words(&[1, 0x0100, 1, 0, 0, 0]), section, &words(&[A, 1])].concat();
        let mut dns = dns();
        let asked = dns.observe(&packet(Direction::Query, &bytes));
        assert_eq!(
            asked.len() as u64 + dns.refused().get(Refusal::Malformed),
            1
        );
        !asked.is_empty()
    };
    // Pointers to themselves, to each other, forward, into the header behind which nothing ends.
    for section in [
        &b"\xc0\x0c"[..],
        b"\x01a\xc0\x0c",
        b"\x01a\xc0\x0e",
        b"\xc0\x0e\xc0\x0c",
        b"\xc0\xff",
        b"\xc0",
        b"\x40a\0",
        b"\x80a\0",
        b"\x05ab",
        b"",
    ] {
        assert!(!with(section), "{section:?}");
    }
    // 255 bytes are a name, 256 are none.
    let label = [&[63][..], &[b'a'; 63]].concat();
    let three = label.repeat(3);
    assert!(with(&[&three[..], &[61], &[b'a'; 61], &[0]].concat()));
    assert!(!with(&[&three[..], &[62], &[b'a'; 62], &[0]].concat()));
}

#[test]
fn a_malformed_answer_says_nothing_and_a_cut_one_what_is_there() {
    let records = [a(WWW, 300, "192.0.2.1"), a(WWW, 300, "192.0.2.2")];
    let whole = answer(1, WWW, A, &records);
    for len in 0..whole.len() {
        let mut dns = dns();
        ask(&mut dns, 1, WWW);
        assert_eq!(
            tell_bytes(&mut dns, &whole[..len]),
            Some(Refusal::Malformed),
            "{len}"
        );
        assert_eq!(changed(&mut dns, START), [""; 0]);
        let part = Packet {
            cut: true,
            ..packet(Direction::Answer, &whole[..len])
        };
        let refused = tell(&mut dns, &part);
        let there = len.saturating_sub(whole.len() - records.concat().len()) / records[0].len();
        assert_eq!(changed(&mut dns, START).len(), there, "{len}");
        assert_eq!(
            refused.is_some(),
            len < whole.len() - records.concat().len()
        );
    }
    // Data of the wrong length.
    let mut dns = dns();
    for record in [
        record(&wire(WWW), A, 1, &[1, 2, 3]),
        record(&wire(WWW), A, 1, &[1, 2, 3, 4, 5]),
        record(&wire(WWW), CNAME, 1, b"\x01a\0x"),
        record(&wire(WWW), CNAME, 1, b"\x01a"),
    ] {
        ask(&mut dns, 1, WWW);
        let bytes = answer(1, WWW, A, &[record, a(WWW, 300, "192.0.2.1")]);
        assert_eq!(tell_bytes(&mut dns, &bytes), Some(Refusal::Malformed));
    }
    // Other types and classes may hold anything.
    let odd = [
        record(&wire(WWW), 46, 1, b"\xff\xff"),
        a(WWW, 300, "192.0.2.1"),
    ];
    ask(&mut dns, 1, WWW);
    assert_eq!(tell_bytes(&mut dns, &answer(1, WWW, A, &odd)), None);
    assert_eq!(changed(&mut dns, START), ["192.0.2.1"]);
}

#[test]
fn a_conversation_by_tcp_survives_any_split() {
    let records = [a(WWW, 300, "192.0.2.1")];
    let frame = |bytes: Vec<u8>| [words(&[bytes.len() as u16]), bytes].concat();
    let query = frame(question(1, WWW, A));
    let reply = frame(answer(1, WWW, A, &records));
    for at in 0..query.len().max(reply.len()) {
        let mut dns = dns();
        let mut asked = 0;
        for (direction, bytes) in [(Direction::Query, &query), (Direction::Answer, &reply)] {
            let at = at.min(bytes.len());
            for piece in [0..0, 0..at, at..bytes.len()] {
                // The first one is the SYN, which has a number of its own.
                let syn = piece.is_empty() && piece.end == 0;
                let sequence = if syn { u32::MAX } else { piece.start as u32 };
                let transport = Transport::Tcp {
                    sequence,
                    syn,
                    end: false,
                };
                let payload = &bytes[piece];
                asked += dns
                    .observe(&Packet {
                        transport,
                        ..packet(direction, payload)
                    })
                    .len();
                dns.check();
            }
        }
        assert_eq!(asked, 1);
        assert_eq!(dns.refused(), Refusals::default(), "at {at}");
        assert_eq!(names(&dns, "192.0.2.1"), [WWW], "at {at}");
        assert_eq!(dns.streams, 2);
        let end = Transport::Tcp {
            sequence: 0,
            syn: false,
            end: true,
        };
        dns.observe(&Packet {
            transport: end,
            ..packet(Direction::Query, b"")
        });
        dns.observe(&Packet {
            transport: end,
            ..packet(Direction::Answer, b"")
        });
        assert_eq!(dns.streams, 0);
    }
}

#[test]
fn one_container_takes_no_room_of_another() {
    let settings = Settings {
        container_queries: 4,
        container_streams: 2,
        containers: 2,
        table: table::TableSettings {
            container_bytes: 1000,
            bytes: 4000,
            names: 2,
        },
        ..Settings::default()
    };
    let mut dns = dns_with(settings);
    for id in 0..10 {
        ask(&mut dns, id, WWW);
    }
    assert_eq!(dns.refused().get(Refusal::QueriesFull), 6);
    assert_eq!(dns.take_unread(), [(CONTAINER, 6)]);
    assert_eq!(dns.take_unread(), []);
    // Those that wait too long give way.
    let bytes = question(99, WWW, A);
    dns.observe(&Packet {
        time: START + 20 * SECOND,
        ..packet(Direction::Query, &bytes)
    });
    assert_eq!(dns.refused().get(Refusal::QueriesFull), 6);
    let many: Vec<_> = (1..20)
        .map(|n| a(WWW, 300, &format!("192.0.2.{n}")))
        .collect();
    let mut bytes = answer(99, WWW, A, &many);
    let back = |bytes: &[u8], dns: &mut Dns| {
        tell(
            dns,
            &Packet {
                time: START + 20 * SECOND,
                ..packet(Direction::Answer, bytes)
            },
        )
    };
    assert_eq!(back(&bytes, &mut dns), Some(Refusal::NamesFull));
    assert_eq!(
        dns.table.bytes(),
        1000 / (160 + WWW.len()) * (160 + WWW.len())
    );
    for port in 0..5 {
        let transport = Transport::Tcp {
            sequence: 0,
            syn: true,
            end: false,
        };
        dns.observe(&Packet {
            transport,
            port,
            ..packet(Direction::Query, b"")
        });
    }
    assert_eq!(dns.refused().get(Refusal::StreamsFull), 3);
    // Another container has its own.
    dns.set_resolvers(8, &[ip(RESOLVER)]);
    let query = question(1, WWW, A);
    dns.observe(&Packet {
        container: 8,
        ..packet(Direction::Query, &query)
    });
    bytes = answer(1, WWW, A, &[a(WWW, 300, "192.0.2.1")]);
    assert_eq!(
        tell(
            &mut dns,
            &Packet {
                container: 8,
                ..packet(Direction::Answer, &bytes)
            }
        ),
        None
    );
    assert!(dns.names(8, ip("192.0.2.1"), START).is_some());
    // There is no third.
    dns.set_resolvers(9, &[ip(RESOLVER)]);
    assert_eq!(dns.refused().get(Refusal::ContainersFull), 1);
    // What was not told of a container that is gone is told still: the name and the connections.
    dns.forget(CONTAINER);
    assert!(matches!(dns.take_unread()[..], [(CONTAINER, 4..)]));
    assert_eq!(dns.take_unread(), []);
}

#[test]
fn a_tunnel_is_one_behaviour() {
    let mut dns = dns();
    let mut reported: Vec<String> = (0..1000)
        .flat_map(|n| ask(&mut dns, n, &format!("data{n}.t.evil.com")))
        .map(|asked| asked.name)
        .collect();
    assert_eq!(reported.len(), 1000);
    reported.sort();
    reported.dedup();
    assert_eq!(reported.len(), 101);
    assert_eq!(reported[0], "*.evil.com");
}

#[test]
fn several_questions_are_reported_and_wait_for_nothing() {
    let mut bytes = question(1, WWW, A);
    bytes[5] = 2;
    bytes.extend(wire("b.example"));
    bytes.extend(words(&[16, 1]));
    let mut dns = dns();
    let asked = dns.observe(&packet(Direction::Query, &bytes));
    let asked: Vec<_> = asked.iter().map(|a| (&*a.name, &*a.kind)).collect();
    assert_eq!(asked, [(WWW, "A"), ("b.example", "TXT")]);
    assert_eq!(dns.waiting, 0);
    // So is what another server is asked, or what is no query.
    let update = [&[0, 1, 0x28, 0][..], &question(1, WWW, 6)[4..]].concat();
    let peer = SocketAddr::new(Ipv4Addr::new(8, 8, 8, 8).into(), 53);
    let asked = dns.observe(&Packet {
        peer,
        ..packet(Direction::Query, &update)
    });
    assert_eq!(asked[0].kind, "SOA");
    assert_eq!((dns.waiting, dns.refused()), (0, Refusals::default()));
    let asked = dns.observe(&Packet {
        peer,
        ..packet(Direction::Query, &question(1, WWW, A))
    });
    assert_eq!(asked.len(), 1);
    assert_eq!((dns.waiting, dns.refused().get(Refusal::Resolver)), (0, 1));
}

proptest! {
    #[test]
    fn any_packets_are_taken(
        packets in vec((vec(any::<u8>(), 0..300), any::<[bool; 4]>(), 0..3u32), 0..20),
    ) {
        let mut dns = dns();
        for (payload, [answer, cut, tcp, head], sequence) in packets {
            let direction = if answer { Direction::Answer } else { Direction::Query };
            // Half of them get as far as a question.
            let start = if head { question(1, WWW, A) } else { vec![] };
            let payload = [start, payload].concat();
            let transport = if tcp {
                Transport::Tcp { sequence, syn: cut, end: false }
            } else {
                Transport::Udp
            };
            for asked in dns.observe(&Packet { transport, cut, ..packet(direction, &payload) }) {
                prop_assert!(is_canonical(&asked.name));
            }
            dns.check();
        }
    }

    #[test]
    fn a_damaged_answer_names_nothing_near(at in 12usize..200, byte in any::<u8>()) {
        let mut dns = dns();
        ask(&mut dns, 1, WWW);
        let records = [cname(WWW, 1, "b.c"), a("b.c", 1, "192.0.2.1"), a("b.c", 1, "10.0.0.1")];
        let mut bytes = answer(1, WWW, A, &records);
        let at = at % bytes.len();
        bytes[at] = byte;
        dns.observe(&packet(Direction::Answer, &bytes));
        dns.check();
        for (container, address) in dns.changed(START) {
            prop_assert!(Class::of(address) != Class::Nameless);
            let names = dns.names(container, address, START).expect("it has changed to something");
            prop_assert_eq!(names.names.concat(), WWW);
        }
    }
}
