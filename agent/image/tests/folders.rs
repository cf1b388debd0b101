//! Layers in folders, as overlayfs lays them over one another, beside the same layers as tars.

mod common;

use common::{Image, Layer, copy};
use lapwing_image::report::Report;
use lapwing_image::{Error, Folder, Layers, Limits, Marks, Options, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use rustix::fs::{CWD, FileType, Mode, OFlags, XattrFlags, mknodat, open, setxattr};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Layers that are made in folders called 1, 2 and so on.
struct Stack(TempDir);

impl Stack {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn folder(&self, path: &str) {
        fs::create_dir_all(self.at(path)).unwrap();
    }

    fn file(&self, path: &str, data: impl AsRef<[u8]>) {
        self.folder(path.rsplit_once('/').unwrap().0);
        fs::write(self.at(path), data).unwrap();
        let mode = fs::Permissions::from_mode(0o644);
        fs::set_permissions(self.at(path), mode).unwrap();
    }

    fn node(&self, path: &str, kind: FileType) {
        self.folder(path.rsplit_once('/').unwrap().0);
        // Anybody may make a device 0:0, since Linux 5.8.
        let mode = Mode::from_raw_mode(0o644);
        mknodat(CWD, self.at(path), kind, mode, 0).unwrap();
    }

    /// An attribute; whether the file system of this test has such.
    fn mark(&self, path: &str, name: &str, value: &[u8]) -> bool {
        let name = format!("user.overlay.{name}");
        match setxattr(self.at(path), &*name, value, XattrFlags::empty()) {
            Ok(()) => true,
            Err(rustix::io::Errno::NOTSUP) => {
                eprintln!("skipped: {} has no attributes", self.0.path().display());
                false
            }
            Err(error) => panic!("{path}: {error}"),
        }
    }

    fn layers(&self, names: &[&str], marks: Marks) -> Layers {
        let open = |name: &&str| Folder {
            path: (*name).to_owned(),
            folder: opened(&self.at(name)),
        };
        Layers {
            name: Some("shop:1".to_owned()),
            digest: None,
            container: "c1".to_owned(),
            folders: names.iter().map(open).collect(),
            marks,
            writable: None,
            notes: Vec::new(),
        }
    }

    fn read(&self, names: &[&str], marks: Marks) -> Result<Report, Error> {
        read(&self.layers(names, marks), Limits::default())
    }
}

fn opened(path: &Path) -> rustix::fd::OwnedFd {
    open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

fn options(limits: Limits) -> Options<'static> {
    Options {
        wanted: Wanted::default(),
        limits,
        hide: &|_| 0,
        profile: None,
        inventory: None,
        sbom: None,
    }
}

fn read(layers: &Layers, limits: Limits) -> Result<Report, Error> {
    lapwing_image::Image::of_container(layers, &options(limits)).map(Report::from)
}

/// What two reports of the same files have in common; owners apart, which are of whoever runs this.
fn common(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).unwrap();
    let all = value.as_object_mut().unwrap();
    for of_configuration in [
        "id",
        "digest",
        "platform",
        "name",
        "container",
        "user",
        "notes",
    ] {
        all.remove(of_configuration);
    }
    let score = all["score"].as_object_mut().unwrap();
    let parts = score["parts"].as_array_mut().unwrap();
    parts.retain(|part| part["part"] != "a user other than root");
    all["size"].as_object_mut().unwrap().remove("packed");
    for layer in all["layers"].as_array_mut().unwrap() {
        for key in ["diffId", "folder", "packed"] {
            layer.as_object_mut().unwrap().remove(key);
        }
    }
    value
}

const STATUS: &str =
    "Package: shop\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n\n";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx5a6cTbqIh0Zk1hYzqkfZBw3b5v9C4Yq0wZ1pW8l\n\
                   -----END RSA PRIVATE KEY-----\n";

#[test]
fn folders_say_what_the_same_layers_as_tars_say() {
    let stack = Stack::new();
    stack.file("1/usr/bin/sh", "#!shell");
    stack.file("1/usr/bin/gone", "12345");
    stack.file("1/etc/key", KEY);
    stack.file("1/etc/old", "old");
    stack.file("1/var/lib/dpkg/status", STATUS);
    stack.file("1/var/lib/dpkg/info/shop.list", "/usr/bin/sh\n");
    stack.file("1/srv/a/deep/one", "1");
    stack.file("1/same", "same");
    fs::hard_link(stack.at("1/usr/bin/sh"), stack.at("1/usr/bin/zsh")).unwrap();
    symlink("usr/bin", stack.at("1/bin")).unwrap();
    stack.node("2/usr/bin/gone", FileType::CharacterDevice);
    stack.node("2/etc/key", FileType::CharacterDevice);
    stack.file("2/etc/old", "newer");
    stack.file("2/same", "same");
    stack.file("2/srv/a/two", "22");
    // What was a link is a folder from here on.
    stack.file("3/bin/tool", "tool");
    stack.node("3/srv/a/deep", FileType::CharacterDevice);
    stack.node("3/srv/never", FileType::CharacterDevice);
    let found = stack.read(&["1", "2", "3"], Marks::Trusted).unwrap();

    let image = Image::of(vec![
        Layer::default()
            .symlink("bin", "usr/bin")
            .folder("etc", 0o755)
            .file("etc/key", KEY)
            .file("etc/old", "old")
            .file("same", "same")
            .folder("srv/a/deep", 0o755)
            .file("srv/a/deep/one", "1")
            .folder("usr/bin", 0o755)
            .file("usr/bin/gone", "12345")
            .file("usr/bin/sh", "#!shell")
            .hard_link("usr/bin/zsh", "usr/bin/sh")
            .file("var/lib/dpkg/info/shop.list", "/usr/bin/sh\n")
            .file("var/lib/dpkg/status", STATUS),
        Layer::default()
            .file("etc/.wh.key", "")
            .file("etc/old", "newer")
            .file("same", "same")
            .file("srv/a/two", "22")
            .file("usr/bin/.wh.gone", ""),
        Layer::default()
            .folder("bin", 0o755)
            .file("bin/tool", "tool")
            .file("srv/a/.wh.deep", "")
            .file("srv/.wh.never", ""),
    ]);
    let wanted = image.read().unwrap();
    assert_eq!(common(&found), common(&wanted));
    // And these are no two empty reports.
    assert_eq!((found.packages.len(), found.secrets.count()), (1, 1));
    assert_eq!(found.secrets.first[0].hidden_by, Some(2));
    assert_eq!(found.size.files, 7);
    assert_eq!(found.notes, Vec::<String>::new());
    let told = |layer: u32| found.layers[layer as usize - 1].folder.as_deref();
    assert_eq!((told(1), told(3)), (Some("1"), Some("3")));
}

#[test]
fn attributes_count_only_where_the_mount_goes_by_them() {
    let stack = Stack::new();
    stack.file("1/a/one", "1");
    stack.file("1/b/two", "22");
    stack.file("1/b/three", "333");
    stack.file("1/c/four", "4444");
    stack.file("1/d", "55555");
    stack.file("2/a/new", "666666");
    stack.file("2/b/two", "");
    stack.file("2/e/seven", "7777777");
    stack.folder("2/c");
    stack.file("2/d", vec![0; 5]);
    let marks: [(&str, &str, &[u8]); 5] = [
        ("2/a", "opaque", b"y"),
        // Of a folder in which such files are whiteouts.
        ("2/b", "opaque", b"x"),
        ("2/b/two", "whiteout", b"y"),
        ("2/c", "redirect", b"/old/name"),
        ("2/d", "metacopy", b""),
    ];
    for (path, name, value) in marks {
        if !stack.mark(path, name, value) {
            return;
        }
    }
    let report = stack.read(&["1", "2"], Marks::User).unwrap();
    // a/new, b/three, d as layer 1 has it, e/seven; c has nothing that is known.
    assert_eq!((report.size.files, report.size.visible), (4, 6 + 3 + 5 + 7));
    assert_eq!(report.layers[1].deletions, 2);
    let notes = report.notes.join("\n");
    for part in [
        "1 folders were renamed",
        "(redirect)",
        ": c",
        "1 files of which",
        "(metacopy)",
        ": d",
    ] {
        assert!(notes.contains(part), "no `{part}` in {notes}");
    }
    // An image may bring attributes of users, which overlayfs does not heed without that option.
    for marks in [Marks::Trusted, Marks::None] {
        let report = stack.read(&["1", "2"], marks).unwrap();
        assert_eq!((report.size.files, report.layers[1].deletions), (7, 0));
        assert_eq!(report.notes, Vec::<String>::new());
    }
}

#[test]
fn without_layers_below_a_device_is_a_device() {
    let stack = Stack::new();
    stack.node("1/dev/null", FileType::CharacterDevice);
    let report = stack.read(&["1"], Marks::None).unwrap();
    assert_eq!(report.layers[0].deletions, 0);
    assert!(
        report.notes[0].starts_with("1 device file, "),
        "{:?}",
        report.notes
    );
    let report = stack.read(&["1"], Marks::Trusted).unwrap();
    assert_eq!(report.layers[0].deletions, 1);
}

#[test]
fn nothing_leads_out_of_a_layer_and_nothing_but_files_is_opened() {
    let stack = Stack::new();
    stack.file("outside/secret", KEY);
    stack.folder("1");
    symlink(stack.at("outside"), stack.at("1/folder")).unwrap();
    symlink("../outside/secret", stack.at("1/file")).unwrap();
    symlink("loop", stack.at("1/loop")).unwrap();
    // Whoever opened it would wait for a writer.
    stack.node("1/pipe", FileType::Fifo);
    let _socket = UnixListener::bind(stack.at("1/socket")).unwrap();
    // A whiteout is a device here, and such a name is any other.
    stack.file("1/.wh.x", "1");
    stack.file("1/.wh..wh..opq", "1");
    stack.file("1/a\nb\u{1b}[31m", "1");
    let report = stack.read(&["1"], Marks::Trusted).unwrap();
    assert_eq!((report.size.files, report.secrets.count()), (3, 0));
    assert_eq!(report.layers[0].deletions, 0);
    assert!(
        report.notes[0].contains("1 left out, entries of a kind"),
        "{:?}",
        report.notes
    );
    // A layer is a folder, and not what a link in its place leads to.
    for path in ["1/file", "1/pipe"] {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut layers = stack.layers(&["1"], Marks::Trusted);
        layers.folders[0].folder = open(stack.at(path), flags, Mode::empty()).unwrap();
        assert!(
            matches!(read(&layers, Limits::default()), Err(Error::Io { .. })),
            "{path}"
        );
    }
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may read all");
        return;
    }
    let stack = Stack::new();
    stack.file("1/closed", "123");
    stack.file("1/locked/in", "123");
    let none = fs::Permissions::from_mode(0o0);
    for path in ["1/closed", "1/locked"] {
        fs::set_permissions(stack.at(path), none.clone()).unwrap();
    }
    let report = stack.read(&["1"], Marks::Trusted).unwrap();
    assert_eq!(
        (report.size.files, report.size.visible, report.not_searched),
        (1, 3, 1)
    );
    let note = "2 names that could not be looked at, so what they are is unknown: locked, closed";
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split([',', ' ']).map(str::to_owned).collect();
        words.sort();
        words
    };
    assert_eq!(sorted(&report.notes[0]), sorted(note));
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(stack.at("1/locked"), open).unwrap();
}

#[test]
fn work_is_bounded() {
    let stack = Stack::new();
    for number in 0..9 {
        stack.file(&format!("1/{number}"), "0123456789");
    }
    let large = fs::File::create(stack.at("1/large")).unwrap();
    large.set_len(1 << 40).unwrap();
    let layers = stack.layers(&["1"], Marks::Trusted);
    let limit = |bytes, entries| match read(&layers, Limits { bytes, entries }) {
        Err(Error::Limit { option, .. }) => option,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(1 << 50, 9), Limits::ENTRIES_OPTION);
    // Before a byte of it is read.
    assert_eq!(limit(1 << 30, 100), Limits::BYTES_OPTION);

    let twice = stack.read(&["1", "1"], Marks::Trusted).unwrap_err();
    assert!(
        twice.to_string().contains("the same folder as the layer 1"),
        "{twice}"
    );
    let all = vec!["1"; 501];
    let many = stack.read(&all, Marks::Trusted).unwrap_err();
    assert!(many.to_string().contains("501 layers"), "{many}");
}

#[test]
fn a_tree_deeper_than_any_path_ends() {
    let stack = Stack::new();
    stack.folder("1");
    let mut at = opened(&stack.at("1"));
    let name = "d".repeat(200);
    for _ in 0..40 {
        rustix::fs::mkdirat(&at, &name[..], Mode::from_raw_mode(0o700)).unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        at = rustix::fs::openat(&at, &name[..], flags, Mode::empty()).unwrap();
    }
    let report = stack.read(&["1"], Marks::Trusted).unwrap();
    assert!(
        report.notes[0].contains("could not be looked at"),
        "{:?}",
        report.notes
    );
    // What removes a folder may not get that deep either.
    std::process::Command::new("rm")
        .arg("-rf")
        .arg(stack.0.keep())
        .status()
        .unwrap();
}

#[test]
fn what_the_container_wrote_is_counted_and_no_part_of_the_image() {
    let stack = Stack::new();
    stack.file("1/a", "1");
    stack.file("upper/a", "1234567");
    stack.file("upper/deep/b", "890");
    // One file of several names, and one of nothing but a hole.
    for name in ["again", "deep/more"] {
        fs::hard_link(stack.at("upper/a"), stack.at(&format!("upper/{name}"))).unwrap();
    }
    let hole = fs::File::create(stack.at("upper/hole")).unwrap();
    hole.set_len(1 << 40).unwrap();
    symlink("/etc", stack.at("upper/link")).unwrap();
    let mut layers = stack.layers(&["1"], Marks::Trusted);
    layers.writable = Some(opened(&stack.at("upper")));
    layers.notes.push("told besides".to_owned());
    let report = read(&layers, Limits::default()).unwrap();
    assert_eq!((report.size.bytes, report.size.files), (1, 1));
    let container = report.container.as_ref().unwrap();
    let written = container.written.unwrap();
    let blocks = |path: &str| fs::metadata(stack.at(path)).unwrap().blocks() * 512;
    let bytes = blocks("upper/a") + blocks("upper/deep/b") + blocks("upper/hole");
    assert!(bytes < 1 << 20, "{bytes}");
    assert_eq!(
        (written.bytes, written.files, written.is_incomplete),
        (bytes, 3, false)
    );
    assert_eq!(report.notes, ["told besides"]);
    let few = Limits {
        entries: 2,
        ..Limits::default()
    };
    let container = read(&layers, few).unwrap().container.unwrap();
    assert!(container.written.unwrap().is_incomplete);
}

#[test]
fn what_the_configuration_would_say_is_unknown() {
    let stack = Stack::new();
    stack.file("1/usr/bin/shop", "1");
    let mut known = Inventory::default();
    known.begin("c1", true);
    known.see(Sight {
        path: b"/usr/bin/shop",
        how: uses::OPEN,
        changed: false,
        at: 1_790_000_000,
        image: 0,
    });
    let export = Export::of("shop", &known);
    let layers = stack.layers(&["1"], Marks::Trusted);
    let options = Options {
        inventory: Some((&export, &known)),
        ..options(Limits::default())
    };
    let report = Report::from(lapwing_image::Image::of_container(&layers, &options).unwrap());
    assert_eq!((&report.id, &*report.platform), (&None, "unknown"));
    assert!(report.user.starts_with("unknown"), "{}", report.user);
    let part = report
        .score
        .parts
        .iter()
        .find(|part| part.part == "a user other than root");
    assert!(part.is_some_and(|part| !part.is_met && part.found.starts_with("unknown")));
    let text = report.used.unwrap().copy.dockerfile("shop:1", &[]);
    let warning =
        "# WARNING: made from a container's layers, which come without the image's configuration";
    assert!(text.starts_with(warning), "{text}");
    // One with a configuration that says nothing is told of no such lack.
    let saved = copy(
        Layer::default().file("a", "1"),
        &json!({}),
        &[("/a", false)],
    );
    assert_eq!(saved.warnings, Vec::<String>::new());
}
