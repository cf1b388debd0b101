//! What names of a layer take while it is read, alone in its process.

use lapwing_image::{Folder, Layers, Limits, Marks, Options, Wanted};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, linkat, mkdirat, open, openat};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const FLAGS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

fn opened(path: &Path) -> OwnedFd {
    open(path, FLAGS, Mode::empty()).unwrap()
}

/// A folder far down in another, of about 3,600 bytes of path.
fn deep(path: &Path) -> OwnedFd {
    let name = "d".repeat(200);
    let mut at = opened(path);
    for _ in 0..18 {
        mkdirat(&at, &name[..], Mode::from_raw_mode(0o700)).unwrap();
        at = openat(&at, &name[..], FLAGS, Mode::empty()).unwrap();
    }
    at
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.unwrap().split_whitespace().next();
    words.unwrap().parse().unwrap()
}

#[test]
fn names_deep_down_do_not_take_their_paths_each() {
    // In memory where there is such, for it is many names.
    let folder = TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .unwrap();
    let (lower, upper) = (folder.path().join("1"), folder.path().join("2"));
    for path in [&lower, &upper] {
        fs::create_dir(path).unwrap();
    }
    let (at, written) = (deep(&lower), deep(&upper));
    for number in 0..5_000 {
        let mode = Mode::from_raw_mode(0o600);
        let name = format!("a{number}");
        openat(&at, &name, OFlags::CREATE | OFlags::WRONLY, mode).unwrap();
        let again = format!("b{number}");
        linkat(&at, &name, &at, &again, AtFlags::empty()).unwrap();
        mkdirat(&written, &name, Mode::from_raw_mode(0o700)).unwrap();
    }
    let layers = Layers {
        name: None,
        digest: None,
        container: "c1".to_owned(),
        folders: vec![Folder {
            path: "1".to_owned(),
            folder: opened(&lower),
        }],
        marks: Marks::Trusted,
        writable: Some(opened(&upper)),
        notes: Vec::new(),
    };
    let options = Options {
        wanted: Wanted::default(),
        limits: Limits::default(),
        hide: &|_| 0,
        profile: None,
        inventory: None,
        sbom: None,
    };
    let before = peak();
    let image = lapwing_image::Image::of_container(&layers, &options).unwrap();
    let taken = peak() - before;
    let report = lapwing_image::report::Report::from(image);
    assert_eq!(report.size.files, 5_000);
    assert_eq!(report.notes, [""; 0]);
    assert!(!report.container.unwrap().written.unwrap().is_incomplete);
    // The paths of all names of the files would be 35 MiB, of their first ones or of the folders 18 MiB.
    assert!(taken < 10 << 10, "{taken} KiB");
}
