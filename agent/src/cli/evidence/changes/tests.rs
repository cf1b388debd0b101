//! Layers as containers leave them.

use super::*;
use rustix::fs::{CWD, FileType, mknodat};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn layer(path: &Path) -> OwnedFd {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    rustix::fs::open(path, flags, Mode::empty()).unwrap()
}

fn of<'a>(changes: &'a Changes, path: &str) -> &'a Change {
    let mut all = changes.entries.iter();
    all.find(|change| change.path == path)
        .unwrap_or_else(|| panic!("no {path} in {changes:?}"))
}

#[test]
fn what_lies_in_a_layer_is_told_and_nothing_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "x").unwrap();
    std::fs::create_dir_all(at("usr/bin")).unwrap();
    std::fs::write(at("usr/bin/miner"), "abc").unwrap();
    let permissions = std::fs::Permissions::from_mode(0o4755);
    std::fs::set_permissions(at("usr/bin/miner"), permissions).unwrap();
    symlink(outside.path(), at("out")).unwrap();
    symlink("/etc/shadow", at("a\nb")).unwrap();
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, at("pipe"), FileType::Fifo, mode, 0).unwrap();
    let changes = list(&layer(folder.path()), true, Bounds::default());
    assert_eq!(changes.incomplete, Vec::<String>::new());
    let paths: Vec<_> = changes.entries.iter().map(|one| &one.path[..]).collect();
    let wanted = [
        "/a\\x0ab",
        "/out",
        "/pipe",
        "/usr",
        "/usr/bin",
        "/usr/bin/miner",
    ];
    assert_eq!(paths, wanted);
    let miner = of(&changes, "/usr/bin/miner");
    // FIPS 180-2, appendix B.1.
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(miner.sha256.as_deref(), Some(hash));
    assert_eq!((miner.size, &miner.mode[..]), (Some(3), "4755"));
    assert_eq!(of(&changes, "/pipe").kind, Kind::Fifo);
    let link = of(&changes, "/a\\x0ab");
    assert_eq!(
        (link.kind, link.target.as_deref()),
        (Kind::Link, Some("/etc/shadow"))
    );
}

#[test]
fn what_is_beyond_a_bound_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for name in 0..9 {
        std::fs::write(folder.path().join(format!("{name}")), "0123456789").unwrap();
    }
    let bounds = |entries, hashed| Bounds {
        entries,
        hashed,
        ..Bounds::default()
    };
    let few = list(&layer(folder.path()), true, bounds(5, 1 << 20));
    assert_eq!(few.entries.len(), 5);
    assert!(few.incomplete[0].contains("more than 5 entries"), "{few:?}");
    let exact = list(&layer(folder.path()), true, bounds(9, 91));
    assert_eq!(exact.incomplete, Vec::<String>::new());
    let short = list(&layer(folder.path()), true, bounds(9, 35));
    let hashed = short.entries.iter().filter(|one| one.sha256.is_some());
    assert_eq!(hashed.count(), 3);
    assert!(short.incomplete[0].starts_with("6 files"), "{short:?}");
}

#[test]
fn who_sees_no_marks_takes_no_zeros_for_content() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    std::fs::write(folder.path().join("text"), "abc").unwrap();
    // As `chmod` leaves it on an overlay with metacopy=on.
    let copy = File::create(folder.path().join("copy")).unwrap();
    copy.set_len(200_000).unwrap();
    let seen = list(&layer(folder.path()), true, Bounds::default());
    assert_eq!(seen.incomplete, Vec::<String>::new());
    assert!(seen.entries.iter().all(|one| one.sha256.is_some()));
    let blind = list(&layer(folder.path()), false, Bounds::default());
    for (path, is_hashed) in [("/copy", false), ("/empty", true), ("/text", true)] {
        assert_eq!(of(&blind, path).sha256.is_some(), is_hashed, "{path}");
    }
    let trouble = of(&blind, "/copy").trouble.as_deref();
    assert!(trouble.is_some_and(|why| why.contains("the image's content")));
    assert!(blind.incomplete[0].contains("CAP_SYS_ADMIN"), "{blind:?}");
    assert!(blind.incomplete[1].starts_with("1 files"), "{blind:?}");
}

#[test]
fn a_large_file_takes_no_hash_from_others_and_names_have_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let large = File::create(folder.path().join("a")).unwrap();
    large.set_len(1 << 40).unwrap();
    std::fs::write(folder.path().join("z"), "abc").unwrap();
    let bounds = |names, hashed| Bounds {
        names,
        hashed,
        ..Bounds::default()
    };
    let changes = list(&layer(folder.path()), true, bounds(1 << 20, 1 << 20));
    assert!(of(&changes, "/z").sha256.is_some(), "{changes:?}");
    let large = of(&changes, "/a");
    assert_eq!((large.size, &large.sha256), (Some(1 << 40), &None));
    assert!(changes.incomplete[0].starts_with("1 files"), "{changes:?}");
    let few = list(&layer(folder.path()), true, bounds(1, 1 << 20));
    assert_eq!(few.entries.len(), 1);
    assert!(few.incomplete[0].contains("more than 1 entries"), "{few:?}");
}

#[test]
fn a_tree_deeper_than_any_path_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut at = layer(folder.path());
    let name = "d".repeat(200);
    for _ in 0..40 {
        rustix::fs::mkdirat(&at, &name[..], Mode::from_raw_mode(0o700)).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        at = rustix::fs::openat(&at, &name[..], flags, Mode::empty()).unwrap();
    }
    let changes = list(&layer(folder.path()), true, Bounds::default());
    assert!(changes.entries.len() < 40, "{}", changes.entries.len());
    assert!(
        changes.incomplete[0].contains("could not be looked at"),
        "{changes:?}"
    );
    // What removes a folder may not get that deep either.
    std::process::Command::new("rm")
        .arg("-rf")
        .arg(folder.keep())
        .status()
        .unwrap();
}
