//! Entries of every kind, from sets so small that they meet, and hostile ones.

use lapwing_profile::behaviour::{
    Behaviour, Cidr, Dns, Egress, Exec, FileChange, Listen, Operation, Origin, Parent, Peer,
    Privilege, Protocol, Reach, SetId, SocketType, domain, listen_port, privilege, record_type,
};
use lapwing_profile::content::is_open;
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::text;
use proptest::prelude::*;

/// Names from a small set, so that entries meet, and hostile ones.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "/bin/sh",
            "/data/a",
            "/etc/passwd",
            "/usr/bin/x",
            "yes",
            "- a: {b"
        ])
        .prop_map(str::to_owned),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| text::canonical(&bytes)),
    ]
}

/// An entry of any kind that a profile may hold.
pub fn entry() -> impl Strategy<Value = Entry> {
    let exec = (
        name(),
        prop::option::of(name()),
        prop::option::of(name()),
        prop::sample::select(Origin::ALL),
        parent(),
    )
        .prop_map(|(path, name, script, origin, parent)| {
            Behaviour::from(Exec {
                path,
                name,
                script,
                origin,
                parent,
                sha256: None,
            })
        });
    // What it holds, of few files.
    let held = (
        prop::sample::select(vec!["/bin/sh", "/srv/plugin"]),
        prop::sample::select(Origin::ALL).prop_filter("not of the image", |it| is_open(*it)),
        prop::sample::select(vec!['a', 'b']),
    )
        .prop_map(|(path, origin, digit)| {
            Behaviour::from(Exec {
                path: path.to_owned(),
                name: None,
                script: None,
                origin,
                parent: Parent::Any,
                sha256: Some(digit.to_string().repeat(64)),
            })
        });
    // One program in every way it may be executed, so that its lines meet.
    let shell = parent().prop_map(|parent| {
        Behaviour::from(Exec {
            path: "/bin/sh".into(),
            name: None,
            script: None,
            origin: Origin::Image,
            parent,
            sha256: None,
        })
    });
    (
        prop_oneof![
            exec,
            shell,
            held,
            file(),
            egress(),
            listen(),
            dns().prop_map(Behaviour::from),
            privilege()
        ],
        prop::sample::select(Phase::ALL),
    )
        .prop_map(|(behaviour, phase)| Entry { behaviour, phase })
}

/// Every kind of parent.
pub fn parent() -> impl Strategy<Value = Parent> {
    let path = prop::sample::select(vec!["/", "\u{2026}/", "detached:/", "drifted:/"]);
    prop_oneof![
        Just(Parent::Any),
        Just(Parent::Runtime),
        Just(Parent::Unknown),
        prop::sample::select(vec!["/bin/a", "/bin/sh"]).prop_map(|it| Parent::Program(it.into())),
        (path, name()).prop_map(|(mark, name)| Parent::Program(format!("{mark}{name}"))),
    ]
}

fn file() -> impl Strategy<Value = Behaviour> {
    (
        prop::sample::select(Operation::ALL),
        name(),
        name(),
        prop::option::of(prop::sample::select(SetId::ALL)),
    )
        .prop_map(|(operation, path, other, set_id)| {
            FileChange {
                operation,
                path,
                pattern: false,
                target: operation.has_target().then(|| other.clone()),
                set_id: set_id.filter(|_| operation == Operation::Chmod),
                by: (operation == Operation::OpenRead).then_some(other),
            }
            .into()
        })
}

fn ip_protocol() -> impl Strategy<Value = Protocol> {
    any::<u8>().prop_map(Protocol::from_number)
}

/// Names as containers ask for them: with hostile bytes, and in any case.
fn asked() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("api.example.com".to_owned()),
        prop::collection::vec(any::<u8>(), 1..12).prop_map(|bytes| domain(&bytes)),
    ]
}

fn egress() -> impl Strategy<Value = Behaviour> {
    let address = any::<std::net::IpAddr>().prop_map(|it| Peer::Address(it.to_canonical()));
    let range = any::<(std::net::IpAddr, u8)>()
        .prop_filter_map("one address", |(address, prefix)| {
            Cidr::around(address, prefix % 128).map(Peer::Cidr)
        });
    let ip = (
        ip_protocol(),
        prop_oneof![address, range, asked().prop_map(Peer::Domain)],
        any::<u16>().prop_map(u32::from),
    );
    let unix = name().prop_map(|path| (Protocol::Unix, Peer::Path(path), 0));
    let machine =
        any::<(u32, u32)>().prop_map(|(cid, port)| (Protocol::Vsock, Peer::Cid(cid), port));
    let socket = (
        prop_oneof![prop::sample::select(Protocol::NAMED), ip_protocol()],
        prop::sample::select(SocketType::ALL).prop_map(Peer::Socket),
        Just(0),
    );
    prop_oneof![ip, unix, machine, socket].prop_map(|(protocol, peer, port)| {
        Egress {
            protocol,
            peer,
            port: protocol
                .has_ports()
                .map_or(port, |has| if has { port } else { 0 }),
        }
        .into()
    })
}

fn listen() -> impl Strategy<Value = Behaviour> {
    let reach = prop::sample::select(vec![Reach::Network, Reach::Loopback]);
    let ip = (ip_protocol(), reach, any::<u16>().prop_map(listen_port));
    let unix = name().prop_map(|path| (Protocol::Unix, Reach::Path(path), 0));
    let machine = any::<u32>().prop_map(|port| (Protocol::Vsock, Reach::Network, port));
    prop_oneof![ip, unix, machine].prop_map(|(protocol, reach, port)| {
        Listen {
            protocol,
            reach,
            port: protocol
                .has_ports()
                .map_or(port, |has| if has { port } else { 0 }),
        }
        .into()
    })
}

fn dns() -> impl Strategy<Value = Dns> {
    (asked(), any::<u16>()).prop_map(|(name, number)| Dns {
        name,
        record: record_type(number),
    })
}

fn privilege() -> impl Strategy<Value = Behaviour> {
    (
        prop::sample::select(lapwing_abi::ids::Privileged::ALL),
        prop_oneof![0..64u64, any::<u64>()],
        name(),
        prop::collection::vec(any::<u8>(), 0..12),
    )
        .prop_map(|(operation, argument, path, name)| {
            Privilege {
                operation: operation.into(),
                detail: privilege::detail(operation, argument, &path, &name),
            }
            .into()
        })
}
