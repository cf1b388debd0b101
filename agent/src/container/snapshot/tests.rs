use super::*;
use lapwing_abi::decode::{Body, Peer, Record, path_from_components};
use lapwing_abi::ids::Origin;
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

/// The record that was found, if it is news.
fn news(found: Found) -> Option<Vec<u8>> {
    match found {
        Found::News(bytes) => Some(bytes),
        Found::Same(_) => None,
    }
}

/// What is told of it, as texts.
fn told(subjects: &[Subject], limits: Limits) -> (Vec<String>, u64) {
    let mut all = Vec::new();
    let proc = Path::new("/proc");
    let cut = take(proc, Path::new("/"), subjects, limits, |found| {
        let Some(bytes) = news(found) else {
            return true;
        };
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
    let files = all.iter().filter(|one| one.contains("OpenWrite")).count();
    assert_eq!(files, 4);
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

#[test]
fn a_program_is_told_for_each_that_executed_it() {
    let mut other = std::process::Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let by = |issuer: u64| Subject {
        process: Process {
            issuer,
            ..me(5).process
        },
        ..me(5)
    };
    let [cat, own] = [other.id(), std::process::id()].map(|pid| by(EXEC_SEEDED | u64::from(pid)));
    let (all, _) = told(&[own, cat, own, cat], LIMITS);
    drop(other.stdin.take());
    other.wait().unwrap();
    let programs = all.iter().filter(|one| one.starts_with("5 exec ")).count();
    assert_eq!(programs, 2, "{all:#?}");
}

#[test]
fn many_files_of_one_hide_neither_the_program_nor_the_sockets_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let _files: Vec<_> = (0..9)
        .map(|name| fs::File::create(folder.path().join(name.to_string())).unwrap())
        .collect();
    let _listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = std::process::Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let proc = Path::new("/proc");
    let other = Subject {
        pid: child.id(),
        process: Process {
            exec: EXEC_SEEDED | u64::from(child.id()),
            start: scan::start(proc, child.id()).unwrap(),
            ..me(5).process
        },
    };
    let few = Limits {
        records: 2,
        ..LIMITS
    };
    let mut kinds = Vec::new();
    take(proc, Path::new("/"), &[me(5), other], few, |found| {
        if let Some(bytes) = news(found) {
            let record = Record::decode(&bytes).unwrap();
            kinds.push((record.header.kind, record.header.pid));
        }
        true
    });
    drop(child.stdin.take());
    child.wait().unwrap();
    let of = |kind: Kind| -> Vec<u32> {
        let all = kinds.iter().filter(|(of, _)| *of == kind.raw());
        all.map(|(_, pid)| *pid).collect()
    };
    let mut programs = [std::process::id(), child.id()];
    programs.sort_unstable();
    assert_eq!(of(Kind::Exec), programs);
    assert_eq!(of(Kind::File).len(), 2);
    let sockets = of(Kind::Egress).len() + of(Kind::Listen).len();
    assert!((1..=2).contains(&sockets), "{kinds:?}");
    let order = [Kind::Exec, Kind::File]
        .map(|kind| kinds.iter().rposition(|(of, _)| *of == kind.raw()).unwrap());
    assert_eq!(order, [1, 3], "{kinds:?}");
}

#[test]
fn of_every_process_that_runs_a_dropped_program_its_file_is_known() {
    use crate::judge::sighting;
    use crate::process::File;
    use rustix::fs::{MemfdFlags, memfd_create};
    use std::os::fd::AsRawFd;

    let memory = memfd_create("dropped", MemfdFlags::CLOEXEC).unwrap();
    let mut from = fs::File::open("/bin/sleep").unwrap();
    std::io::copy(&mut from, &mut fs::File::from(memory.try_clone().unwrap())).unwrap();
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    let read = fs::File::open(path).unwrap();
    drop(memory);
    let path = format!("/proc/self/fd/{}", read.as_raw_fd());
    let proc = Path::new("/proc");
    let mut children = [(); 3].map(|()| {
        let mut command = std::process::Command::new(&path);
        command.arg("1000").spawn().unwrap()
    });
    let subjects = [0, 1, 2].map(|at| {
        let pid = children[at].id();
        Subject {
            pid,
            process: Process {
                exec: EXEC_SEEDED | u64::from(pid),
                issuer: EXEC_SEEDED | u64::from(std::process::id()),
                start: scan::start(proc, pid).unwrap(),
                ..me(5).process
            },
        }
    });
    let found = [1, 0].map(|records| {
        let limits = Limits { records, ..LIMITS };
        let mut told = 0;
        let mut files = BTreeMap::new();
        take(proc, Path::new("/"), &subjects, limits, |found| {
            let (bytes, is_news) = match found {
                Found::News(bytes) => (bytes, true),
                Found::Same(bytes) => (bytes, false),
            };
            let record = Record::decode(&bytes).unwrap();
            if let Some(image) = sighting::image(&record) {
                told += usize::from(is_news);
                files.insert(record.header.exec, image.file);
            }
            true
        });
        (told, files)
    });
    // First of all: who fails must leave none of them.
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let drifted = subjects.map(|subject| (subject.process.exec, File::Drifted));
    let expected = [1, 0].map(|told| (told, drifted.into()));
    assert_eq!(found, expected);
}

#[test]
fn an_origin_that_the_container_hides_is_a_loss() {
    let proc = Path::new("/proc");
    let mut told = 0;
    let mut snapshot = Snapshot::new(proc, Path::new("/"), LIMITS, |_| {
        told += 1;
        true
    });
    let actor = Actor::of(Path::new("/proc/self"), &me(5)).unwrap();
    for is_barred in [false, true, true] {
        let program = Program {
            path: b"/bin/x".to_vec(),
            origin: Origin::Image,
            flags: 0,
            script: Vec::new(),
            args: Vec::new(),
            cwd: Vec::new(),
            is_foreign: false,
            is_barred,
            file: (1, 2),
        };
        assert!(snapshot.program(actor, program).is_ok());
    }
    assert_eq!((snapshot.cut, told), (2, 1));
}
