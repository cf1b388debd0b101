use super::*;
use lapwing_abi::decode::{Body, Peer, Record, path_from_components};
use lapwing_abi::state::EXEC_SEEDED;
use std::fs;
use std::net::{TcpListener, TcpStream};

/// This very process, as if it ran in a container.
fn me(home: u64) -> Subject {
    let pid = std::process::id();
    Subject {
        pid,
        process: Process {
            exec: EXEC_SEEDED | u64::from(pid),
            cgroup: home,
            start: scan::start(Path::new("/proc"), pid).unwrap(),
            phase: Phase::Main.raw().into(),
            ..Process::default()
        },
    }
}

/// What is told of it, as texts.
fn told(subjects: &[Subject], limits: Limits) -> (Vec<String>, u64) {
    let mut all = Vec::new();
    let proc = Path::new("/proc");
    let cut = take(proc, Path::new("/"), subjects, limits, |bytes| {
        let record = Record::decode(&bytes).expect("a record");
        assert_eq!(record.phase, Phase::Main);
        assert_eq!(record.header.pid, std::process::id());
        let home = record.header.cgroup;
        all.push(match record.body {
            Body::File {
                operation, path, ..
            } => {
                let path = String::from_utf8_lossy(&path.path()).into_owned();
                format!("{home} {operation:?} {path}")
            }
            Body::Egress {
                peer: Peer::Ip(address, port),
                protocol,
                ..
            } => format!("{home} peer {protocol} {address} {port}"),
            Body::Listen {
                at: Peer::Ip(address, port),
                protocol,
            } => format!("{home} listen {protocol} {address} {port}"),
            Body::Exec { path, args, .. } => {
                let path = path_from_components(path);
                assert!(!args.is_empty());
                format!("{home} exec {}", String::from_utf8_lossy(&path))
            }
            other => panic!("{other:?}"),
        });
        true
    });
    (all, cut)
}

#[test]
fn what_is_held_is_told_once_for_each_container() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let path = folder.join("held\n\\012x");
    let _one = fs::File::create(&path).unwrap();
    let _two = fs::File::options().append(true).open(&path).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let _client = TcpStream::connect(at).unwrap();
    let (_accepted, from) = listener.accept().unwrap();

    let (all, _) = told(&[me(5), me(6), me(5)], LIMITS);
    for home in [5, 6] {
        for text in [
            format!("{home} exec {}", std::env::current_exe().unwrap().display()),
            format!("{home} OpenWrite {}", path.display()),
            format!("{home} listen 6 {} {}", at.ip(), at.port()),
            format!("{home} peer 6 {} {}", at.ip(), at.port()),
        ] {
            let times = all.iter().filter(|one| **one == text).count();
            assert_eq!(times, 1, "{text:?} in {all:#?}");
        }
        let inbound = format!("{home} peer 6 {} {}", from.ip(), from.port());
        assert!(!all.contains(&inbound), "an accepted stream is no egress");
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let _files: Vec<_> = (0..9)
        .map(|name| fs::File::create(folder.path().join(name.to_string())).unwrap())
        .collect();
    let few = Limits {
        records: 4,
        ..LIMITS
    };
    let (all, cut) = told(&[me(5)], few);
    assert_eq!(all.len(), 4);
    assert!(cut >= 5, "{cut}");
    let none = Limits {
        time: Duration::ZERO,
        ..LIMITS
    };
    assert_eq!(told(&[me(5)], none), (vec![], 1));
    let _socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let deaf = Limits {
        sockets: 0,
        ..LIMITS
    };
    assert!(told(&[me(5)], deaf).1 >= 1);
}

#[test]
fn the_runtime_the_ended_and_those_whose_id_is_another_s_are_left_out() {
    let _file = tempfile::NamedTempFile::new().unwrap();
    let runtime = Subject {
        process: Process {
            phase: Phase::Runtime.raw().into(),
            ..me(5).process
        },
        ..me(5)
    };
    let another = Subject {
        process: Process {
            start: 1,
            ..me(5).process
        },
        ..me(5)
    };
    let gone = Subject {
        pid: u32::MAX,
        ..me(5)
    };
    assert_eq!(told(&[runtime, another, gone], LIMITS), (vec![], 0));
}

#[test]
fn nothing_more_is_asked_once_nobody_listens() {
    let _files = [(); 2].map(|()| tempfile::NamedTempFile::new().unwrap());
    let mut times = 0;
    let proc = Path::new("/proc");
    take(proc, Path::new("/"), &[me(5)], LIMITS, |_| {
        times += 1;
        false
    });
    assert_eq!(times, 1);
}
