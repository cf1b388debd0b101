//! DNS: a sequence of packets, and of what else happens between them.
//!
//! The input is a list of steps. Bytes that nobody made sense of hardly ever match a question, so
//! most packets are built here from choices that the input makes, and damaged if it says so. After
//! each step the bounds are looked at, and what the table tells is compared with what it told.
#![no_main]

use lapwing_fuzz::dns::budget::BudgetSettings;
use lapwing_fuzz::dns::resolv::nameservers;
use lapwing_fuzz::dns::table::TableSettings;
use lapwing_fuzz::dns::{Direction, Dns, Names, Packet, SECOND, Settings, Transport};
use lapwing_fuzz::seeds;
use lapwing_profile::address::Class;
use lapwing_profile::text::is_canonical;
use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

/// Addresses of every class, in records and of peers.
const SPELLED: [&str; 12] = [
    "93.184.216.34",
    "10.0.0.2",
    "127.0.0.1",
    "169.254.169.254",
    "192.0.2.9",
    "198.51.100.1",
    "2001:db8::1",
    "fe80::1",
    "fd00::1",
    "::1",
    "::ffff:10.0.0.2",
    "64:ff9b::a9fe:a9fe",
];
/// They are read once: what reads them is not what is fuzzed, and took a sixth of the time.
static ADDRESSES: LazyLock<[IpAddr; 12]> =
    LazyLock::new(|| SPELLED.map(|text| text.parse().expect("an address")));
/// The containers that packets are of, from 1 on.
const CONTAINERS: usize = 4;
const NAMES: [&[u8]; 4] = [
    b"\x03www\x07example\x03com\0",
    b"\x03WWW\x07eXample\x03com\0",
    b"\x03cdn\x07example\x03net\0",
    b"\x04evil\x01*\xc0\x0c",
];
const TYPES: [u16; 6] = [1, 28, 5, 16, 255, 65];

/// The input, as a source of choices. At its end all are 0.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }
    fn address(&mut self) -> IpAddr {
        self.one(&*ADDRESSES)
    }
    fn name(&mut self) -> &'a [u8] {
        let index = usize::from(self.byte());
        match NAMES.get(index) {
            Some(name) => name,
            None => self.bytes(),
        }
    }
}

fn put(out: &mut Vec<u8>, words: &[u16]) {
    for word in words {
        out.extend(word.to_be_bytes());
    }
}

/// A question, as it stands in the message, and what is needed to answer it.
#[derive(Clone, Default)]
struct Asked {
    id: u16,
    port: u16,
    section: Vec<u8>,
}

fn question(input: &mut Input<'_>) -> (Asked, Vec<u8>) {
    let id = u16::from(input.byte());
    let port = 1024 + u16::from(input.byte() % 4);
    let mut section = input.name().to_vec();
    put(&mut section, &[input.one(&TYPES), 1]);
    let mut message = Vec::new();
    put(&mut message, &[id, 0x0100, 1, 0, 0, 0]);
    message.extend(&section);
    (Asked { id, port, section }, message)
}

fn answer(input: &mut Input<'_>, asked: &Asked) -> Vec<u8> {
    let mut message = Vec::new();
    let count = u16::from(input.byte() % 6);
    let flags = if input.byte() == 1 { 0x8383 } else { 0x8180 };
    put(&mut message, &[asked.id, flags, 1, count, 0, 0]);
    message.extend(&asked.section);
    for _ in 0..count {
        match input.byte() % 4 {
            0 | 1 => message.extend(b"\xc0\x0c"),
            _ => message.extend(input.name()),
        }
        let ttl = u16::from(input.byte()) * 8;
        match input.byte() % 4 {
            0 | 1 => match input.address() {
                IpAddr::V4(address) => {
                    put(&mut message, &[1, 1, 0, ttl, 4]);
                    message.extend(address.octets());
                }
                IpAddr::V6(address) => {
                    put(&mut message, &[28, 1, 0, ttl, 16]);
                    message.extend(address.octets());
                }
            },
            2 => {
                let name = input.name();
                put(&mut message, &[5, 1, 0, ttl, name.len() as u16]);
                message.extend(name);
            }
            _ => {
                let data = input.bytes();
                let kind = u16::from(input.byte());
                put(&mut message, &[kind, 1, 0xffff, ttl, data.len() as u16]);
                message.extend(data);
            }
        }
    }
    message
}

struct Run {
    dns: Dns,
    now: u64,
    asked: Asked,
    /// What the table told of each container's addresses when it was last asked for changes.
    told: [[Option<Names>; SPELLED.len()]; CONTAINERS],
    sequences: [u32; 2],
}

impl Run {
    fn new() -> Self {
        // Bounds that are reached.
        let settings = Settings {
            container_queries: 3,
            queries: 5,
            container_streams: 3,
            streams: 4,
            containers: 3,
            table: TableSettings {
                container_bytes: 1200,
                bytes: 2000,
                names: 2,
            },
            budget: BudgetSettings {
                names: 2,
                zones: 2,
                known: 3,
                interval: 100 * SECOND,
            },
            ..Settings::default()
        };
        let mut dns = Dns::new(settings);
        dns.set_resolvers(1, &[ADDRESSES[1]]);
        Self {
            dns,
            now: SECOND,
            asked: Asked::default(),
            told: Default::default(),
            sequences: [0; 2],
        }
    }

    fn send(&mut self, packet: &Packet<'_>) {
        for asked in self.dns.observe(packet) {
            assert!(is_canonical(&asked.name), "{asked:?}");
            assert!(!asked.name.is_empty() && !asked.kind.is_empty());
            let marked = asked.name == "*" || asked.name.starts_with("*.");
            assert_eq!(asked.many, marked, "{asked:?}");
        }
    }

    /// Sends a message as the input chooses: as a datagram or over a connection, whole or not.
    fn message(&mut self, input: &mut Input<'_>, direction: Direction, mut message: Vec<u8>) {
        let how = input.byte();
        if how & 1 != 0 && !message.is_empty() {
            let at = usize::from(input.byte()) % message.len();
            message[at] ^= input.byte();
        }
        let cut = how & 2 != 0;
        if cut {
            message.truncate(usize::from(input.byte()));
        }
        let (address, port) = match how >> 6 {
            3 => (input.address(), u16::from(input.byte())),
            _ => (ADDRESSES[1], 53),
        };
        let mut packet = Packet {
            container: 1 + u64::from(how >> 4 & 3),
            direction,
            transport: Transport::Udp,
            peer: SocketAddr::new(address, port),
            port: self.asked.port,
            looped: how & 12 == 12,
            time: self.now,
            payload: &message,
            cut,
        };
        if how & 4 == 0 {
            return self.send(&packet);
        }
        let mut framed = (message.len() as u16).to_be_bytes().to_vec();
        framed.extend(&message);
        let at = usize::from(input.byte()) % (framed.len() + 1);
        let order = input.byte();
        let side = usize::from(direction == Direction::Answer);
        let first = self.sequences[side];
        self.sequences[side] = first.wrapping_add(framed.len() as u32);
        let mut pieces = [0..at, at..framed.len()];
        if order & 1 != 0 {
            pieces.reverse();
        }
        for piece in pieces {
            packet.transport = Transport::Tcp {
                sequence: first.wrapping_add(piece.start as u32),
                syn: order & 6 == 6,
                end: order & 24 == 24,
            };
            packet.payload = &framed[piece];
            packet.cut = cut && order & 32 != 0;
            self.send(&packet);
        }
    }

    fn names(&self, container: u64, address: IpAddr) -> Option<Names> {
        let names = self.dns.names(container, address, self.now)?;
        assert_ne!(Class::of(address), Class::Nameless);
        assert_eq!(names.private, Class::of(address) == Class::Private);
        assert!(!names.names.is_empty() && names.names.iter().all(|name| is_canonical(name)));
        Some(names)
    }

    /// Whatever is told otherwise than before was said to have changed.
    fn changes(&mut self) {
        let changed = self.dns.changed(self.now);
        for of in 0..CONTAINERS {
            let container = of as u64 + 1;
            for (index, address) in ADDRESSES.iter().enumerate() {
                let names = self.names(container, *address);
                let key = (container, address.to_canonical());
                let told = &mut self.told[of][index];
                assert!(
                    *told == names || changed.contains(&key),
                    "{key:?} has other names unsaid"
                );
                *told = names;
            }
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {
                let message = input.bytes().to_vec();
                let direction = input.one(&[Direction::Query, Direction::Answer]);
                self.message(input, direction, message);
            }
            1 | 2 => {
                let (asked, message) = question(input);
                self.asked = asked;
                self.message(input, Direction::Query, message);
            }
            3 | 4 => {
                let message = answer(input, &self.asked.clone());
                self.message(input, Direction::Answer, message);
            }
            5 => self.now += u64::from(input.byte()) * SECOND,
            6 => match input.byte() % 4 {
                0 => self.dns.set_node_addresses([input.address()]),
                1 => {
                    let resolvers = nameservers(input.bytes());
                    assert!((1..=3).contains(&resolvers.len()));
                    self.dns.set_resolvers(2, &resolvers);
                }
                2 => {
                    let container = u64::from(input.byte() % 5);
                    self.dns.set_resolvers(container, &[input.address()]);
                }
                _ => {
                    let container = u64::from(input.byte() % 5);
                    self.dns.forget(container);
                    // Of container 0 nothing is told: no packet is of it.
                    if let Some(of) = container.checked_sub(1) {
                        self.told[of as usize] = Default::default();
                    }
                }
            },
            _ => self.changes(),
        }
        self.dns.check();
    }
}

impl Run {
    fn all(data: &[u8]) -> Self {
        let mut run = Self::new();
        let mut input = Input(data);
        while !input.0.is_empty() {
            run.step(&mut input);
        }
        run
    }
}

/// A question and its answer, by datagram and by connection, and the other kinds of steps.
fn write_seeds() {
    // An alias, and then an address of the alias.
    let datagram = [
        &[1, 7, 0, 0, 0, 0][..],
        &[3, 2, 0, 0, 1, 2, 2, 2, 2, 1, 0, 0, 0],
        &[7],
    ]
    .concat();
    // Each in two segments.
    let connection = [
        &[1, 8, 1, 0, 0, 4, 9, 0][..],
        &[3, 1, 0, 0, 30, 0, 0, 4, 20, 0],
        &[7],
    ]
    .concat();
    for seed in [&datagram, &connection] {
        let names = Run::all(seed).names(1, ADDRESSES[0]).expect("a name");
        assert_eq!(names.names.concat(), "www.example.com");
    }
    let file = b"\x06\x01\x18nameserver 2001:db8::53\n".to_vec();
    let other = vec![7, 5, 255, 7, 6, 3, 1, 7, 6, 0, 0, 7, 6, 2, 2, 1, 7];
    let whole = [&datagram[..], &connection, &file, &other].concat();
    seeds(&[datagram, connection, file, whole]);
}

fuzz_target!(init: write_seeds(), |data: &[u8]| {
    let mut run = Run::all(data);
    run.changes();
    // And as one packet, of each way.
    for direction in [Direction::Query, Direction::Answer] {
        run.message(&mut Input(&[]), direction, data.to_vec());
    }
    run.dns.check();
});
