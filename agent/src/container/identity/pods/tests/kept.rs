//! The file of what was told: as it was written, and as nobody wrote it.

use super::*;
use crate::container::INSTANCES_MAX;
use crate::container::commands::{BYTES_MAX, Commands};
use crate::container::identity::pods::disk::{Disk, FILE_MAX, Kept};
use crate::container::identity::pods::memory::{Entry, Memory};
use crate::container::pod::{InPod, Owner};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn entry(home: u64) -> Entry {
    let commands = ["ready", "a\nb"].map(|text| vec!["sh".to_owned(), text.to_owned()]);
    let mut room = BYTES_MAX;
    let commands = Commands::new(commands.into_iter(), &mut room).found_in("/opt:/bin", &mut room);
    Entry {
        home,
        id: id(home as usize),
        runtime: Runtime::CriO,
        pod: "uid-web".into(),
        controller: serde_json::from_value(replica_set()).ok(),
        asked: Some("monitor\u{1b}\u{e9}".into()),
        before: home.is_multiple_of(2).then_some(5),
        details: Details {
            name: "app".into(),
            image: "team/web:1".into(),
            digest: format!("sha256:{HASH}"),
            pod: "web".into(),
            namespace: "shop".into(),
            pod_uid: "uid-web".into(),
            labels: [("lapwing.dev/workload".to_owned(), "\\x1b".to_owned())].into(),
            in_pod: Some(Box::new(InPod {
                kind: Some(Kind::Sidecar),
                owner: Some(Owner {
                    kind: "Deployment".into(),
                    name: "web".into(),
                    evidence: Evidence::Refuted,
                }),
                told_before: None,
            })),
            commands,
            ..Details::default()
        },
    }
}

struct State {
    folder: tempfile::TempDir,
    disk: Disk,
}

impl State {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), NODE);
        Self { folder, disk }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cluster/pods")
    }

    /// With two containers.
    fn written() -> Self {
        let state = Self::new();
        let entries = [entry(1), entry(2)];
        let (_, left_out) = state.disk.store(&entries, 7, None).unwrap();
        assert_eq!(left_out, 0);
        assert_eq!(state.disk.load().entries, entries);
        state
    }

    /// That what it has now is nothing, and does not stay so.
    fn is_void(&self, what: &str) {
        let kept = self.disk.load();
        assert!(kept.is_void && kept.entries.is_empty(), "{what}: {kept:?}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let state = State::new();
    assert_eq!(state.disk.load(), Kept::default(), "there is no file yet");
    let entries = [entry(1), entry(2)];
    let (all, _) = state.disk.store(&entries, 7, None).unwrap();
    let kept = Kept {
        entries: entries.to_vec(),
        heard: 7,
        is_void: false,
    };
    assert_eq!(state.disk.load(), kept);
    let mode = std::fs::metadata(state.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // Nothing new is not written.
    std::fs::remove_file(state.file()).unwrap();
    state.disk.store(&entries, 8, Some(&all)).unwrap();
    assert!(!state.file().exists());
    state.disk.store(&entries[..1], 8, Some(&all)).unwrap();
    assert_eq!(state.disk.load().entries, entries[..1]);
}

#[test]
fn each_byte_that_is_another_is_seen() {
    let state = State::written();
    let text = std::fs::read(state.file()).unwrap();
    for at in (0..text.len()).step_by(7).chain(0..90) {
        for change in [0x01, 0x80] {
            let mut other = text.clone();
            other[at] ^= change;
            std::fs::write(state.file(), &other).unwrap();
            state.is_void(&format!("byte {at}"));
        }
    }
    for end in (0..text.len()).step_by(11).chain([text.len() - 1]) {
        std::fs::write(state.file(), &text[..end]).unwrap();
        state.is_void(&format!("its first {end} bytes"));
    }
    std::fs::write(state.file(), [&text[..], b" "].concat()).unwrap();
    state.is_void("a byte more");
}

/// Of which the sum is right.
#[test]
fn what_is_whole_and_not_for_this_agent_counts_for_nothing() {
    let state = State::written();
    let text = std::fs::read_to_string(state.file()).unwrap();
    let body = text.split_once('\n').unwrap().1;
    let put = |version: &str, body: &str| {
        let sum: String = {
            use sha2::Digest;
            sha2::Sha256::digest(body)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        std::fs::write(
            state.file(),
            format!("lapwing-pods {version} {sum}\n{body}"),
        )
        .unwrap();
    };
    put("1", body);
    assert_eq!(state.disk.load().entries.len(), 2);
    put("2", body);
    state.is_void("another version");
    let boot = crate::clock::boot()
        .map(|byte| format!("{byte:02x}"))
        .concat();
    for (what, from, to) in [
        ("another node", "\"node\":\"n1\"", "\"node\":\"n2\""),
        ("another boot", &boot[..], &"0".repeat(32)),
        ("no number", "\"home\":1,", "\"home\":-1,"),
        ("a field more", "\"heard\":7", "\"heard\":7,\"more\":1"),
        ("a field twice", "\"heard\":7", "\"heard\":7,\"heard\":7"),
        ("a field less", "\"heard\":7,", ""),
        ("no such kind", "\"sidecar\"", "\"main2\""),
        ("no such evidence", "\"refuted\"", "\"certain\""),
        ("a command without an end", "ready\\u0000", "ready"),
    ] {
        let other = body.replacen(from, to, 1);
        assert_ne!(other, body, "{what}");
        put("1", &other);
        state.is_void(what);
    }
    let deep = format!("{{\"containers\":{}", "[".repeat(100_000));
    for (what, body) in [("nothing", ""), ("a list", "[]"), ("depth", &deep)] {
        put("1", body);
        state.is_void(what);
    }
}

#[test]
fn what_is_no_file_or_too_long_counts_for_nothing() {
    let state = State::written();
    std::fs::write(state.file(), vec![b'x'; FILE_MAX + 1]).unwrap();
    state.is_void("too long");
    // It is made anew all the same.
    state.disk.store(&[entry(1)], 7, None).unwrap();
    assert_eq!(state.disk.load().entries, [entry(1)]);
    std::fs::remove_file(state.file()).unwrap();
    std::fs::create_dir(state.file()).unwrap();
    state.is_void("a folder");
    assert!(state.disk.store(&[entry(1)], 7, None).is_err());
}

#[test]
fn what_a_killed_agent_left_goes() {
    let state = State::written();
    let left = state.file().with_file_name(".pods.1.new");
    std::fs::write(&left, "half").unwrap();
    assert_eq!(state.disk.load().entries.len(), 2);
    assert!(!left.exists());
}

/// Pods with all that fits into one, more than a file holds.
#[test]
fn a_file_is_no_longer_than_is_read() {
    let state = State::new();
    let long = |home| {
        let mut entry = entry(home);
        let mut room = BYTES_MAX;
        let all = (0..100).map(|one| vec![format!("{one:03}{}", "\n".repeat(300))]);
        entry.details.commands = Commands::new(all, &mut room);
        entry
    };
    let entries: Vec<Entry> = (1..=150).map(long).collect();
    let (_, left_out) = state.disk.store(&entries, 7, None).unwrap();
    assert!((1..150).contains(&left_out), "{left_out}");
    let length = std::fs::metadata(state.file()).unwrap().len() as usize;
    assert!((FILE_MAX / 2..=FILE_MAX).contains(&length), "{length}");
    assert_eq!(state.disk.load().entries.len(), 150 - left_out);
}

#[test]
fn what_cannot_be_a_container_is_left_out() {
    let mut memory = Memory::default();
    let changes: [fn(&mut Entry); 5] = [
        |entry| entry.home = 0,
        |entry| entry.id = "web".into(),
        |entry| entry.id = format!("../{}", &entry.id[3..]),
        |entry| entry.pod = String::new(),
        |entry| entry.details.in_pod = None,
    ];
    let mut entries: Vec<Entry> = changes
        .into_iter()
        .map(|change| {
            let mut entry = entry(3);
            change(&mut entry);
            entry
        })
        .collect();
    // The second of one cgroup.
    entries.extend([entry(1), entry(1)]);
    assert_eq!(memory.take(entries, 9), 6);
    assert_eq!(memory.before(), (1, Some(9)));
    // More than there may be containers.
    let mut memory = Memory::default();
    let all = INSTANCES_MAX as u64;
    assert_eq!(memory.take((1..=all + 5).map(entry).collect(), 9), 5);
    assert_eq!(memory.before(), (INSTANCES_MAX, Some(5)));
    memory.keep(entry(all + 5));
    assert_eq!((memory.all().count(), memory.refused()), (INSTANCES_MAX, 1));
    memory.keep(entry(1));
    assert_eq!((memory.all().count(), memory.refused()), (INSTANCES_MAX, 1));
}
