//! What the registry looks for itself.

use super::*;
use lapwing_abi::state::EXEC_SEEDED;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A process in a made-up /proc.
fn process(root: &Path, pid: u32, cgroup: &str, fs_root: &str) -> PathBuf {
    let folder = root.join("proc").join(pid.to_string());
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(root.join(fs_root)).unwrap();
    symlink(root.join(fs_root), folder.join("root")).unwrap();
    symlink("/bin/app", folder.join("exe")).unwrap();
    symlink("/", folder.join("cwd")).unwrap();
    fs::write(folder.join("cgroup"), format!("0::{cgroup}\n")).unwrap();
    fs::write(folder.join("cmdline"), "app\0-x\0").unwrap();
    let status = format!("PPid:\t{}\nNSpid:\t{pid}\t{}\n", pid - 1, pid % 40);
    fs::write(folder.join("status"), status).unwrap();
    let stat = format!("{pid} (a) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 500 0");
    fs::write(folder.join("stat"), stat).unwrap();
    root.join("proc")
}

fn make(root: &Path, path: &str) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let folder = root.join("cgroup").join(path);
    fs::create_dir_all(&folder).unwrap();
    fs::metadata(folder).unwrap().ino()
}

#[test]
fn processes_in_cgroups_beyond_the_share_are_the_container_s() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let home = make(root, &format!("docker/{ID}"));
    process(root, 1, "/", ".");
    for pid in 40..45 {
        let inner = format!("docker/{ID}/n{pid}/below");
        make(root, &inner);
        process(root, pid, &format!("/{inner}"), "ctr");
    }
    let mut registry = registry(root, |options| options.share = 3);
    let (effects, seeds) = registry.scan(&root.join("proc"), 7);
    assert_eq!(seeds.len(), 5);
    assert!(seeds.iter().all(|seed| seed.process.cgroup == home));
    let refused = |effect: &&Effect| **effect == Effect::Refused(home);
    assert_eq!(effects.iter().filter(refused).count(), 7);
}

#[test]
fn a_scan_finds_containers_that_run() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let home = make(root, &format!("docker/{ID}"));
    make(root, &format!("docker/{ID}/inner"));
    process(root, 1, "/", ".");
    process(root, 42, &format!("/docker/{ID}"), "ctr");
    let proc = process(root, 43, &format!("/docker/{ID}/inner"), "ctr");
    let mut registry = registry(root, |_| ());
    let (effects, seeds) = registry.scan(&proc, 7);
    let mut pids: Vec<u32> = seeds.iter().map(|seed| seed.pid).collect();
    pids.sort_unstable();
    assert_eq!(pids, [42, 43]);
    let child = seeds.iter().find(|seed| seed.pid == 43).unwrap();
    assert_eq!(
        (child.process.container_pid, child.process.parent_pid),
        (3, 42)
    );
    assert_eq!(child.process.issuer, EXEC_SEEDED | 42);
    assert_eq!(
        (child.image.exe.as_str(), child.image.args.as_slice()),
        ("/bin/app", &["app".to_owned(), "-x".to_owned()][..])
    );
    assert_eq!(child.process.start, 5_000_000_000);
    assert!(seeds.iter().all(|seed| seed.process.cgroup == home));
    assert!(effects.contains(&Effect::Set(home, container(home, true))));
    registry.acted(act(home), SECOND);
    tick(&mut registry, SECOND + NAME_AFTER);
    assert!(!instance(&registry, home).unwrap().from_start);
}

#[test]
fn a_scan_finds_containers_of_runtimes_that_it_does_not_know() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let odd = make(root, "odd/box");
    let bare = make(root, "shop/web");
    let own = make(root, "my/daemon");
    let unit = make(root, "system.slice/chrooted.service");
    process(root, 1, "/my/daemon", ".");
    process(root, 42, "/odd/box", "ctr");
    process(root, 43, "/shop/web", "ctr2");
    let proc = process(root, 44, "/system.slice/chrooted.service", "jail");
    state(root, "c1", "/shop/web");
    let mut registry = registry(root, |_| ());
    let (effects, seeds) = registry.scan(&proc, 7);
    let mut pids: Vec<u32> = seeds.iter().map(|seed| seed.pid).collect();
    pids.sort_unstable();
    assert_eq!(pids, [42, 43]);
    for home in [odd, bare] {
        assert!(effects.contains(&Effect::Set(home, container(home, true))));
    }
    assert_eq!(instance(&registry, bare).unwrap().id, "c1");
    registry.acted(act(odd), SECOND);
    tick(&mut registry, SECOND + NAME_AFTER);
    assert_eq!(instance(&registry, odd).unwrap().id, "box");
    assert!(is_pending(&registry, own));
    assert!(is_ignored(&registry, unit));
}

#[test]
fn a_cgroup_never_heard_of_is_looked_for_by_its_process() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let home = make(root, &format!("docker/{ID}"));
    let inner = make(root, &format!("docker/{ID}/inner"));
    let proc = process(root, 42, &format!("/docker/{ID}/inner"), "ctr");
    let mut registry = registry(root, |_| ());
    registry.scan(&root.join("none"), 0);
    let late = make(root, "shop/web");
    process(root, 43, "/shop/web", "ctr");
    registry.proc = proc;

    let acts = |cgroup, pid| Act { pid, ..act(cgroup) };
    registry.acted(acts(late, 43), SECOND);
    assert!(is_pending(&registry, late));
    state(root, "c1", "/shop/web");
    let next = registry.next_look().unwrap();
    tick(&mut registry, next);
    let found = instance(&registry, late).unwrap();
    assert_eq!(found.id, "c1");
    assert!(!found.from_start, "its beginning was missed");

    // Its process has ended, and it is there still.
    let orphan = make(root, "shop/orphan");
    registry.acted(acts(orphan, 99), SECOND);
    assert!(is_pending(&registry, orphan));
    assert_eq!(registry.entries[&orphan].path, "/shop/orphan");

    // A record names the container's cgroup, and its process is below.
    let mut fresh = super::registry(root, |_| ());
    fresh.proc = root.join("proc");
    fresh.acted(acts(home, 42), SECOND);
    tick(&mut fresh, SECOND + NAME_AFTER);
    assert_eq!(instance(&fresh, home).unwrap().id, ID);
    assert_eq!(instance(&fresh, inner).unwrap().id, ID);
}

#[test]
fn a_cgroup_that_nobody_can_find_is_never_suppressed() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    assert_eq!(registry.acted(act(77), 0), []);
    assert!(is_pending(&registry, 77));
    let effects = tick(&mut registry, DECIDE_AFTER);
    assert_eq!(effects, [Effect::Forget(77), Effect::Decided]);
    assert!(
        is_unheard(&registry, 77),
        "its records are lost, and counted"
    );
    // The next one has another chance, and a foreign root is enough.
    registry.acted(foreign(77), DECIDE_AFTER);
    tick(&mut registry, DECIDE_AFTER + NAME_AFTER);
    let found = instance(&registry, 77).unwrap();
    assert_eq!(found.id, "cgroup-77");
    assert!(!found.is_named());
    assert_eq!(registry.running().count(), 0, "it is gone");
    while let Some(at) = registry.next_look() {
        tick(&mut registry, at);
    }
    assert!(is_unheard(&registry, 77));

    let mut scoped = super::registry(root.path(), |options| options.scope = vec!["/a".into()]);
    scoped.acted(foreign(77), 0);
    assert!(is_ignored(&scoped, 77), "it may have been anywhere");
}

#[test]
fn lost_word_of_cgroups_is_made_up_for() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let gone = make(root, "docker/gone");
    let mut registry = registry(root, |_| ());
    registry.scan(&root.join("proc"), 0);
    assert!(is_pending(&registry, gone));
    let new = make(root, &format!("docker/{ID}"));
    fs::remove_dir(root.join("cgroup/docker/gone")).unwrap();
    // The kernel side has one that came and went in silence.
    let effects = registry.resync(&[gone, new, 999], SECOND);
    let forgotten = |effect: &&Effect| matches!(effect, Effect::Forget(_));
    let forgotten: Vec<_> = effects.iter().filter(forgotten).collect();
    assert_eq!(forgotten, [&Effect::Forget(999)]);
    registry.acted(act(new), SECOND);
    tick(&mut registry, SECOND + NAME_AFTER);
    let found = instance(&registry, new).unwrap();
    assert_eq!(found.id, ID);
    assert!(!found.from_start);
    while let Some(at) = registry.next_look().filter(|at| *at < 30 * SECOND) {
        tick(&mut registry, at);
    }
    assert!(is_unheard(&registry, gone));
}
