use super::*;
use lapwing_abi::decode::path_from_components;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that runs until it is dropped.
struct Running(Child);

impl Running {
    fn start(program: &Path, name: &str, args: &[&str]) -> Self {
        let child = Command::new(program)
            .arg0(name)
            .args(args)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // To be there is not enough: its name and its words come last.
        let (stat, end) = (format!("/proc/{}/stat", child.id()), end());
        while !fs::read_to_string(&stat).unwrap().contains(") S ") {
            assert!(Instant::now() < end, "it does not wait");
            std::thread::yield_now();
        }
        Self(child)
    }

    /// What is told of it, with the mounts of this very process, once it was executed.
    fn look(&self, own_root: bool) -> Program {
        let folder = PathBuf::from(format!("/proc/{}", self.0.id()));
        let mounts = Mounts::read(&folder);
        let place = Place {
            folder: &folder,
            mounts: &mounts,
            host_root: Path::new("/"),
            own_root,
        };
        program(&place).unwrap().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn end() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// A copy of a program that waits.
fn copy(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::copy("/bin/sleep", &path).unwrap();
    path
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[test]
fn a_program_is_told_by_its_file_its_words_and_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let path = copy(&folder, "a\n (deleted)");
    let link = folder.join("link");
    symlink(&path, &link).unwrap();
    let running = Running::start(&link, "-called", &["1000"]);
    let told = running.look(true);
    assert_eq!(told.path, bytes(&path), "no part of the name is cut off");
    assert_eq!(told.args, b"-called\x001000\0");
    assert_eq!(told.cwd, bytes(&std::env::current_dir().unwrap()));
    assert_eq!((told.script.len(), told.is_foreign), (0, false));
    assert_eq!(told.flags & flags::SCRIPT, 0);
}

#[test]
fn a_removed_file_is_unlinked_and_may_have_been_removed_since() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let path = copy(&folder, "gone");
    let running = Running::start(&path, "gone", &["1000"]);
    fs::remove_file(&path).unwrap();
    let told = running.look(true);
    assert_eq!(told.path, bytes(&path));
    assert_eq!(told.origin, Origin::Unlinked);
    let mounts = Mounts::read(Path::new("/proc/self"));
    let overlay = mounts
        .root_id()
        .and_then(|id| mounts.layer(id))
        .is_some_and(|layer| matches!(layer, Layer::Overlay { .. }));
    // On an overlay only what was written goes so.
    assert_eq!(told.flags & flags::ORIGIN_UNSURE != 0, !overlay);
}

#[test]
fn a_memory_file_is_known_by_its_mount_and_not_by_its_name() {
    let memory = memfd_create("a copy", MemfdFlags::CLOEXEC).unwrap();
    let mut from = fs::File::open("/bin/sleep").unwrap();
    std::io::copy(&mut from, &mut fs::File::from(memory.try_clone().unwrap())).unwrap();
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    let read = fs::File::open(path).unwrap();
    drop(memory);
    let path = format!("/proc/self/fd/{}", read.as_raw_fd());
    let running = Running::start(Path::new(&path), "x", &["1000"]);
    let told = running.look(true);
    assert_eq!(told.path, b"/memfd:a copy");
    assert_eq!((told.origin, told.is_foreign), (Origin::Memfd, true));
    assert_eq!(told.flags & flags::PATH_DETACHED, flags::PATH_DETACHED);
    assert_eq!(told.flags & flags::ORIGIN_UNSURE, 0);
}

#[test]
fn a_script_is_told_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let path = folder.join("script-with-a-long-name");
    fs::write(&path, "#!/bin/sh -u\necho\nread line\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let link = folder.join("script-with-a-l");
    symlink(&path, &link).unwrap();
    let running = Running::start(&link, "ignored", &[]);
    let told = running.look(true);
    assert_eq!(told.flags & flags::SCRIPT, flags::SCRIPT);
    assert!(told.args.starts_with(b"/bin/sh\0-u\0"));
    if told.flags & flags::SCRIPT_RESOLVED != 0 {
        assert_eq!(path_from_components(&told.script), bytes(&path));
    } else {
        // The folder lies on another mount than the root.
        assert_eq!(told.script, [bytes(&link), b"\0"].concat());
    }
}

#[test]
fn scripts_are_known_by_the_name_of_the_process() {
    let of = |args: &'static [u8], name: &str| passed_script(args, name.as_bytes());
    for (args, name, script) in [
        (
            &b"/bin/sh\0/run.sh\0a\0"[..],
            "run.sh",
            Some(&b"/run.sh"[..]),
        ),
        (b"/bin/sh\0-eu\0./run.sh\0", "run.sh", Some(b"./run.sh")),
        (
            b"/bin/sh\0/a/sixteen-letters.sh\0",
            "sixteen-letters",
            Some(b"/a/sixteen-letters.sh"),
        ),
        (b"sh\0/run.sh\0", "sh", None),
        (b"/bin/sh\0-e\0-u\0/run.sh\0", "run.sh", None),
        (b"/bin/sh\0/run.sh\0", "renamed", None),
        (b"/bin/sh\0/run.sh\0", "", None),
        (b"", "x", None),
    ] {
        assert_eq!(of(args, name), script, "{name}");
    }
}

#[test]
fn the_upper_layer_is_asked_without_being_led_astray() {
    let host = tempfile::tempdir().unwrap();
    let host = host.path();
    let upper = host.join("layers/upper");
    fs::create_dir_all(upper.join("bin/folder")).unwrap();
    fs::write(upper.join("bin/new"), "").unwrap();
    fs::write(host.join("outside"), "").unwrap();
    symlink("new", upper.join("bin/link")).unwrap();
    symlink("../..", upper.join("up")).unwrap();
    // As a host's administrator moves a folder.
    symlink("/layers", host.join("moved")).unwrap();
    let ask = |upper: &str, path: &str| is_in(upper.as_bytes(), path.as_bytes(), host);
    for folder in ["/layers/upper", "/moved/upper"] {
        assert_eq!(ask(folder, "/bin/new"), Some(true));
        assert_eq!(ask(folder, "//bin/new"), Some(true));
        assert_eq!(ask(folder, "/bin/old"), Some(false));
        assert_eq!(ask(folder, "/lib/old"), Some(false));
        for strange in ["/bin/link", "/bin/folder", "/up/outside", "/../../outside"] {
            assert_eq!(ask(folder, strange), None, "{strange}");
        }
    }
    assert_eq!(ask("/layers/other", "/bin/old"), None, "no such layer");
    assert_eq!(ask("layers/upper", "/bin/old"), None, "of which folder?");
}

#[test]
fn an_overlay_that_is_not_the_container_s_own_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = copy(&folder.path().canonicalize().unwrap(), "program");
    let file = openat(CWD, &path, OFlags::PATH, Mode::empty()).unwrap();
    let id = mount_id(file.as_fd()).unwrap();
    let table = |options: &str| {
        let text = format!("{id} 1 0:9 / / rw - overlay overlay rw{options}\n");
        Mounts::parse(&text)
    };
    let host = folder.path().join("host");
    let layer = host.join("u").join(path.strip_prefix("/").unwrap());
    fs::create_dir_all(layer.parent().unwrap()).unwrap();
    let origin = |mounts: &Mounts, own_root| {
        let place = Place {
            folder: Path::new("/proc/self"),
            mounts,
            host_root: &host,
            own_root,
        };
        let told = look(bytes(&path), &file, &place).unwrap();
        (told.origin, told.flags & flags::ORIGIN_UNSURE != 0)
    };
    let (with, without) = (table(",upperdir=/u"), table(",lowerdir=/l"));
    assert_eq!(origin(&with, true), (Origin::Image, false));
    assert_eq!(origin(&with, false), (Origin::Unknown, true));
    assert_eq!(origin(&without, true), (Origin::Image, false));
    assert_eq!(
        origin(&table(",upperdir=/v"), true),
        (Origin::Unknown, true)
    );
    fs::write(&layer, "").unwrap();
    assert_eq!(origin(&with, true), (Origin::UpperLayer, false));
    let other = Mounts::parse("1 0 0:9 / / rw - ext4 a rw\n");
    assert_eq!(origin(&other, true), (Origin::Unknown, true), "of no mount");
    let text = format!("1 0 0:9 / / rw - ext4 a rw\n{id} 1 0:8 / /v rw - ext4 b rw\n");
    assert_eq!(origin(&Mounts::parse(&text), true), (Origin::Volume, false));
}

#[test]
fn what_has_ended_runs_nothing() {
    let mut child = Command::new("true").spawn().unwrap();
    let folder = PathBuf::from(format!("/proc/{}", child.id()));
    let end = end();
    let mounts = Mounts::default();
    let place = Place {
        folder: &folder,
        mounts: &mounts,
        host_root: Path::new("/"),
        own_root: true,
    };
    while program(&place) != Ok(None) {
        assert!(Instant::now() < end, "it does not end");
        std::thread::yield_now();
    }
    child.wait().unwrap();
    assert_eq!(program(&place), Ok(None));
}
