//! Of hosts that the tests make up.

use super::*;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A host: its root, and a `/proc` with its first process and one of a container.
struct Host(TempDir);

impl Host {
    /// `own` and `first` are mounts of the two.
    fn new(folders: &[&str], own: &str, first: &str) -> Self {
        let host = Self(TempDir::new().unwrap());
        for folder in ["proc/1/ns", "proc/7/ns", "proc/7/root"]
            .iter()
            .chain(folders)
        {
            fs::create_dir_all(host.at(folder)).unwrap();
        }
        for (pid, table) in [("1", first), ("7", own)] {
            fs::write(host.at(&format!("proc/{pid}/mountinfo")), table).unwrap();
            symlink(FIRST, host.at(&format!("proc/{pid}/ns/user"))).unwrap();
        }
        host
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    /// The container's root is of this kind, where the kernel says that it lies; answers the mount's id.
    fn has_root(&self, kind: &str) -> u32 {
        let root = fs::File::open(self.at("proc/7/root")).unwrap();
        let id = mount_id(root.as_fd()).unwrap();
        let line = format!("{id} 500 0:50 / / rw,relatime - {kind} a rw\n");
        fs::write(self.at("proc/7/mountinfo"), line).unwrap();
        id
    }

    fn read(&self) -> Result<Root> {
        of(&self.at("proc/7"), &self.at("proc/1"), self.0.path())
    }

    fn said(&self) -> String {
        format!("{:#}", self.read().unwrap_err())
    }

    /// The layers as they are told, from the host's root on.
    fn folders(&self) -> Vec<String> {
        let root = self.0.path().to_str().unwrap();
        let path = |folder: &Folder| folder.path.strip_prefix(root).unwrap().to_owned();
        self.read().unwrap().folders.iter().map(path).collect()
    }
}

fn mount(kind: &str, options: &str) -> String {
    format!("600 500 0:50 / / rw,relatime - {kind} a {options}\n")
}

const MOUNTED: &str = "9 1 0:50 / /docker/c/merged rw - overlay overlay rw\n";

#[test]
fn options_are_read_as_the_kernel_writes_them() {
    let bytes = |all: &[&str]| all.iter().map(|one| one.as_bytes().to_vec()).collect();
    let told = Overlay::parse(
        r"rw,lowerdir=/a\134:b:/c\040d:e\134\134,upperdir=/u\134\054x,workdir=/w,userxattr",
    );
    let wanted = Overlay {
        lower: bytes(&["/a:b", "/c d", r"e\"]),
        upper: Some(b"/u,x".to_vec()),
        work: Some(b"/w".to_vec()),
        by_users: true,
        data: 0,
    };
    assert_eq!(told, wanted);
    let told = Overlay::parse("ro,lowerdir=/l1:/l2::/d1::/d2,metacopy=on");
    assert_eq!((told.lower, told.data), (bytes(&["/l1", "/l2"]), 2));
    let told = Overlay::parse("ro,lowerdir+=/a:b,lowerdir+=/c,datadir+=/d");
    assert_eq!((told.lower, told.data), (bytes(&["/a:b", "/c"]), 1));
    assert_eq!(Overlay::parse("rw,index=off"), Overlay::default());
}

#[test]
fn layers_are_found_where_each_runtime_has_them() {
    // Containerd's, in full and relative to where it stood.
    let snapshots = ["s/1/fs", "s/2/fs", "s/3/fs"];
    for lower in ["/s/2/fs:/s/1/fs", "2/fs:1/fs"] {
        let options = format!("rw,lowerdir={lower},upperdir=/s/3/fs,workdir=/s/3/work");
        let host = Host::new(&snapshots, &mount("overlay", &options), MOUNTED);
        assert_eq!(host.folders(), ["/s/1/fs", "/s/2/fs"], "{lower}");
        let root = host.read().unwrap();
        assert!(root.writable.is_some() && root.notes.is_empty());
        assert_eq!(root.marks, Marks::Trusted);
    }
    // Docker's: links, all of it relative, and a layer of its own on top.
    let folders = [
        "docker/l",
        "docker/a/diff",
        "docker/c-init/diff",
        "docker/c/diff",
    ];
    let options = "rw,lowerdir=l/I:l/A,upperdir=c/diff,workdir=c/work";
    let host = Host::new(&folders, &mount("overlay", options), MOUNTED);
    for (link, target) in [("I", "../c-init/diff"), ("A", "../a/diff")] {
        symlink(target, host.at("docker/l").join(link)).unwrap();
    }
    assert_eq!(host.folders(), ["/docker/a/diff"]);
    let root = host.read().unwrap();
    assert!(root.writable.is_some());
    assert!(root.notes[0].contains("c-init/diff"), "{:?}", root.notes);
}

#[test]
fn links_lead_nowhere_but_below_the_root_of_the_host() {
    let options = "rw,lowerdir=/l/up:/l/loop";
    let host = Host::new(&["l", "a"], &mount("overlay", options), MOUNTED);
    symlink("../../../../../../a", host.at("l/up")).unwrap();
    symlink("loop", host.at("l/loop")).unwrap();
    let said = host.said();
    assert!(said.contains("cannot open the layer /l/loop"), "{said}");
    fs::remove_file(host.at("l/loop")).unwrap();
    fs::create_dir(host.at("l/loop")).unwrap();
    assert_eq!(host.folders(), ["/l/loop", "/a"]);
}

#[test]
fn what_is_not_known_is_an_error_with_a_remedy() {
    let overlay = |options: &str| mount("overlay", options);
    let below = overlay("rw,lowerdir=/a").replace(" / / ", " /in\\040it / ");
    for (own, part) in [
        (String::new(), "no mount stands at its root"),
        (overlay("rw,index=off"), "no lowerdir among its options"),
        (
            overlay("rw,lowerdir=/gone"),
            "cannot open the layer /gone: No such file",
        ),
        (
            overlay("rw,lowerdir=x/y,upperdir=/a/b"),
            "that the kernel does not name (x/y)",
        ),
        (below, "a folder within an overlay (/in it)"),
        (
            mount("fuse.fuse-overlayfs", "rw"),
            "served by a program (fuse.fuse-overlayfs)",
        ),
    ] {
        let said = Host::new(&["a"], &own, MOUNTED).said();
        assert!(
            said.contains(part) && said.contains("save the image"),
            "{part}: {said}"
        );
    }
}

/// Whoever may mount can give it up afterwards: neither its namespace nor its rights speak for a root.
#[test]
fn a_container_s_own_word_is_not_taken() {
    let own = mount("overlay", "rw,lowerdir=/etc");
    let first = "9 1 0:51 / /a rw - overlay overlay rw\n";
    let host = Host::new(&["etc"], &own, first);
    for namespace in [FIRST, "user:[2]"] {
        fs::remove_file(host.at("proc/7/ns/user")).unwrap();
        symlink(namespace, host.at("proc/7/ns/user")).unwrap();
        let said = host.said();
        let parts = ["the container's own word", "save the image"];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
    fs::write(host.at("proc/1/mountinfo"), MOUNTED).unwrap();
    assert_eq!(host.folders(), ["/etc"]);
    // One that stands in the host's root is no container's.
    fs::remove_dir(host.at("proc/7/root")).unwrap();
    symlink(host.0.path(), host.at("proc/7/root")).unwrap();
    assert!(
        host.said().contains("in the root of the host"),
        "{}",
        host.said()
    );
}

/// A process makes any folder that it sees its root, if it has CAP_SYS_CHROOT.
#[test]
fn what_the_kernel_makes_up_is_not_read() {
    for kind in [
        "sysfs",
        "proc",
        "cgroup2",
        "devtmpfs",
        "devpts",
        "mqueue",
        "debugfs",
        "tracefs",
        "bpf",
        "securityfs",
        "configfs",
        "efivarfs",
        "made-up",
    ] {
        let host = Host::new(&[], "", &MOUNTED.replace("overlay", kind));
        host.has_root(kind);
        let said = host.said();
        let named = format!("not known to hold images ({kind})");
        assert!(
            said.contains(&named) && said.contains("save the image"),
            "{said}"
        );
    }
}

#[test]
fn a_root_that_changes_meanwhile_is_not_read() {
    let host = Host::new(&[], &mount("ext4", "rw"), MOUNTED);
    let id = host.has_root("ext4");
    assert!(host.read().is_ok());
    let other = format!("{} 500 0:50 / / rw - ext4 a rw\n", id + 1);
    fs::write(host.at("proc/7/mountinfo"), other).unwrap();
    let said = host.said();
    assert!(
        said.contains("took another root while this looked: try again"),
        "{said}"
    );
}

#[test]
fn what_is_lacking_to_look_is_named() {
    let host = Host::new(&["proc/self/ns"], "", "");
    let said = |effective: &str, namespace: &str| {
        let status = format!("Name:\tlapwing\nCapEff:\t{effective}\n");
        fs::write(host.at("proc/self/status"), status).unwrap();
        let _ = fs::remove_file(host.at("proc/self/ns/user"));
        symlink(namespace, host.at("proc/self/ns/user")).unwrap();
        check_rights(&host.at("proc")).map_err(|error| error.to_string())
    };
    assert_eq!(said("000001ffffffffff", FIRST), Ok(()));
    // What the agent's own container has: BPF, PERFMON, NET_ADMIN and SYS_PTRACE.
    let few = said("000000c000081000", FIRST).unwrap_err();
    let part = "needs CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH: run this as root";
    assert!(few.contains(part), "{few}");
    let none = said("0000000000000000", FIRST).unwrap_err();
    assert!(
        none.contains("CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_DAC"),
        "{none}"
    );
    // Root of a user namespace has all of them there, and sees none of the attributes.
    let inside = said("000001ffffffffff", "user:[2]").unwrap_err();
    assert!(inside.contains("user namespace"), "{inside}");
}

#[test]
fn a_root_of_one_folder_is_one_layer() {
    let host = Host::new(&[], "", MOUNTED);
    host.has_root("ext4");
    let root = host.read().unwrap();
    assert_eq!((root.folders.len(), root.marks), (1, Marks::None));
    assert!(
        root.writable.is_none() && root.notes[0].contains("(ext4)"),
        "{root:?}"
    );
}
