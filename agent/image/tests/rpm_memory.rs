//! Databases of RPM that are larger than what is held in memory: what they take, each in a process of its
//! own.

mod common;

use common::berkeley::{Form, berkeley};
use common::rpm::{database, package, sqlite};
use common::{Image, Layer, read_as};
use lapwing_image::report::Report;
use lapwing_image::{Folder, Layers, Limits, Marks, Options, Wanted};
use rustix::fs::{Mode, OFlags, open};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Names what is to be read.
const TO_READ: &str = "LAPWING_TEST_TO_READ";
const COUNT: usize = 40;
const OF_BERKELEY: Form = Form {
    page: 4096,
    is_big: false,
    bucket: 13,
};

/// Headers of so many packages, each of 525 kB: 21 MB of 40.
fn headers(count: usize) -> Vec<Vec<u8>> {
    let files = vec![(0, "a name of a file"); 25_000];
    let one = |number| package(&format!("p{number}"), &["/srv/"], &files);
    (0..count).map(one).collect()
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = line.unwrap().split_whitespace().next();
    words.unwrap().parse().unwrap()
}

fn of_folder(path: &Path) -> Report {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let layers = Layers {
        name: None,
        digest: None,
        container: "c1".to_owned(),
        folders: vec![Folder {
            path: "1".to_owned(),
            folder: open(path, flags, Mode::empty()).unwrap(),
        }],
        marks: Marks::Trusted,
        writable: None,
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
    let image = lapwing_image::Image::of_container(&layers, &options);
    Report::from(image.unwrap())
}

/// What came of an image, or of the folder of a layer, that was read in a process of its own.
struct Read {
    packages: usize,
    /// The most memory that it had, in MiB.
    peak: u64,
    said: String,
}

/// Reads one, if this is such a process.
fn child() -> bool {
    let Some(path) = std::env::var_os(TO_READ).map(PathBuf::from) else {
        return false;
    };
    let report = match path.join("var").exists() {
        true => of_folder(&path),
        false => read_as(&path, Wanted::default(), Limits::default()).unwrap(),
    };
    let said = [&report.packages_not_read[..], &report.notes].concat();
    println!(
        "packages {} peak {} said {said:?}.",
        report.packages.len(),
        peak() >> 10
    );
    true
}

fn read(path: &Path, temporary: Option<&Path>) -> Read {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.arg("--nocapture").env(TO_READ, path);
    if let Some(folder) = temporary {
        child.env("TMPDIR", folder);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let after = |word: &str| text.split_once(word).unwrap_or_else(|| panic!("{text}")).1;
    let number = |word: &str| after(word).split(' ').next().unwrap().parse().unwrap();
    Read {
        packages: number("packages ") as usize,
        peak: number("peak "),
        said: after("said ").split_once("].").unwrap().0.to_owned(),
    }
}

#[test]
fn large_databases_are_read_by_pieces() {
    if child() {
        return;
    }
    let large = headers(COUNT);
    let folder = TempDir::new().unwrap();
    let small = Image::of(vec![Layer::default().file("etc/x", "1")]);
    let usual = read(small.path(), None).peak;
    let without_room = folder.path().join("none");
    for (name, file) in [
        ("rpmdb.sqlite", sqlite(&large)),
        ("Packages.db", database(&large)),
        ("Packages", berkeley(OF_BERKELEY, &large)),
    ] {
        assert!(file.len() > 16 << 20, "{name}: {}", file.len());
        let layer = folder.path().join(name);
        let path = format!("var/lib/rpm/{name}");
        fs::create_dir_all(layer.join("var/lib/rpm")).unwrap();
        fs::write(layer.join(&path), &file).unwrap();
        let image = Image::of(vec![Layer::default().file(&path, &file)]);
        // In the folder of a layer it needs no other place.
        for (path, temporary) in [(image.path(), None), (&layer, Some(&*without_room))] {
            let read = read(path, temporary);
            let taken = read.peak.saturating_sub(usual);
            println!("{name}: {taken} MiB, beside {usual}");
            assert_eq!((read.packages, &*read.said), (COUNT, "["), "{name}");
            assert!(taken < 12, "{name}: {taken} MiB");
        }
        let read = read(image.path(), Some(&without_room));
        for part in [
            "rpm database present, not read: /var/lib/rpm/",
            "not read, being too large together, so packages are incomplete: var/lib/rpm/",
            "No such file or directory",
            "TMPDIR",
        ] {
            assert!(read.said.contains(part), "no `{part}` in {}", read.said);
        }
        assert_eq!(read.packages, 0, "{name}");
    }
    // Of less than 16 MiB it is held in memory then.
    let layer = Layer::default().file("var/lib/rpm/Packages.db", database(&headers(4)));
    let read = read(Image::of(vec![layer]).path(), Some(&without_room));
    assert_eq!(read.packages, 4, "{}", read.said);
    assert!(!read.said.contains("not read:"), "{}", read.said);
    assert!(read.said.contains("TMPDIR"), "{}", read.said);
}
