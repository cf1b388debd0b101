use super::*;
use std::fs;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn registry(host_root: &Path, change: impl FnOnce(&mut Options)) -> Registry {
    let mut options = Options {
        cluster: "c1".into(),
        scope: Vec::new(),
        host: false,
        host_root: host_root.to_path_buf(),
        runc_roots: Vec::new(),
    };
    change(&mut options);
    let hierarchy = Hierarchy {
        root: host_root.join("cgroup"),
        controller: None,
        id: 0,
        unified: None,
    };
    Registry::new(options, hierarchy)
}

fn state(root: &Path, id: &str, path: &str) {
    let folder = root.join("run/runc").join(id);
    fs::create_dir_all(&folder).unwrap();
    let text = format!(
        r#"{{"cgroup_paths":{{"":"/sys/fs/cgroup{path}"}},"config":{{"labels":["bundle=/srv/{id}"]}}}}"#
    );
    fs::write(folder.join("state.json"), text).unwrap();
}

fn instance(registry: &Registry, id: u64) -> Option<&Instance> {
    match registry.resolve(id) {
        Resolution::Instance(instance) => Some(instance),
        Resolution::Pending | Resolution::Ignored | Resolution::Unheard => None,
    }
}

#[test]
fn a_named_container_waits_for_its_details_but_not_for_ever() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let effects = registry.met(5, 1, &format!("/docker/{ID}"), 0);
    assert_eq!(effects, [Effect::Set(5, container(5, false))]);
    assert!(matches!(registry.resolve(5), Resolution::Pending));
    assert_eq!(
        registry.tick(10 * NAME_AFTER),
        [],
        "nothing needs the name yet"
    );
    assert!(!registry.is_waiting());
    assert_eq!(registry.needed(5, 100), []);
    assert!(registry.is_waiting());
    assert_eq!(registry.tick(100 + NAME_AFTER - 1), []);
    assert_eq!(registry.tick(100 + NAME_AFTER), [Effect::Decided(5)]);
    let found = instance(&registry, 5).unwrap();
    assert_eq!((found.runtime, found.id.as_str()), (Runtime::Docker, ID));
    assert_eq!(found.workload.to_string(), "/Container/unnamed/");
    assert!(found.from_start && !registry.is_waiting());
}

#[test]
fn details_that_are_there_are_taken_at_once() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("var/lib/docker/containers").join(ID);
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("config.v2.json"),
        r#"{"Name":"/web","Config":{"Image":"team/web:1"}}"#,
    )
    .unwrap();
    let mut registry = registry(root.path(), |_| ());
    let effects = registry.met(5, 1, &format!("/system.slice/docker-{ID}.scope"), 0);
    assert!(effects.contains(&Effect::Decided(5)));
    assert_eq!(
        instance(&registry, 5).unwrap().workload.to_string(),
        "/Image/team%2Fweb/"
    );
}

#[test]
fn bare_runc_is_known_by_its_files() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    assert_eq!(registry.met(5, 1, "/shop/web", 0), []);
    assert_eq!(registry.tick(1), []);
    state(root.path(), "c1", "/shop/web");
    let effects = registry.tick(2);
    assert_eq!(
        effects,
        [Effect::Set(5, container(5, false)), Effect::Decided(5)]
    );
    let found = instance(&registry, 5).unwrap();
    assert_eq!(
        (found.id.as_str(), found.workload.to_string().as_str()),
        ("c1", "/Bundle/%2Fsrv%2Fc1/")
    );
}

#[test]
fn bare_runc_is_known_under_whatever_layout() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let path = format!("/test/{ID}");
    registry.met(5, 1, &path, 0);
    assert!(matches!(registry.resolve(5), Resolution::Pending));
    state(root.path(), ID, &path);
    assert_eq!(registry.tick(1), [Effect::Decided(5)]);
    let found = instance(&registry, 5).unwrap();
    assert_eq!((found.runtime, found.id.as_str()), (Runtime::Runc, ID));

    let path = format!("/kubepods/pod1/{}", ID.replace('0', "f"));
    state(root.path(), "chosen", &path);
    let effects = registry.met(6, 1, &path, 0);
    assert_eq!(
        effects,
        [Effect::Set(6, container(6, false)), Effect::Decided(6)]
    );
    assert_eq!(instance(&registry, 6).unwrap().id, "chosen");
}

#[test]
fn a_foreign_root_makes_a_container() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    let effects = registry.foreign_root(5, 1);
    assert_eq!(effects, [Effect::Set(5, container(5, false))]);
    assert!(matches!(registry.resolve(5), Resolution::Pending));
    registry.needed(5, 1);
    registry.tick(1 + NAME_AFTER);
    let found = instance(&registry, 5).unwrap();
    assert_eq!(
        (found.runtime, found.id.as_str()),
        (Runtime::Unknown, "box")
    );
    assert_eq!(registry.foreign_root(5, 2), [], "said once");
}

#[test]
fn what_nothing_speaks_for_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    assert_eq!(registry.tick(DECIDE_AFTER - 1), []);
    let effects = registry.tick(DECIDE_AFTER);
    assert!(
        matches!(&effects[..], [Effect::Set(5, cgroup), Effect::Decided(5)] if cgroup.state == cgroup_state::IGNORED)
    );
    assert!(matches!(registry.resolve(5), Resolution::Ignored));
    assert!(matches!(registry.resolve(6), Resolution::Unheard));
}

#[test]
fn what_is_below_a_container_belongs_to_it() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/docker/{ID}"), 0);
    registry.needed(5, 0);
    registry.tick(NAME_AFTER);
    let inner = ID.replace('0', "f");
    let effects = registry.met(6, 5, &format!("/docker/{ID}/kubepods/pod1/{inner}"), 1);
    assert_eq!(
        effects,
        [Effect::Set(6, container(5, true)), Effect::Decided(6)]
    );
    registry.met(7, 6, &format!("/docker/{ID}/x.service"), 1);
    assert_eq!(instance(&registry, 7).unwrap().id, ID);
    assert_eq!(registry.running().count(), 1);
}

#[test]
fn a_container_that_went_is_remembered_for_its_last_records() {
    let root = tempfile::tempdir().unwrap();
    state(root.path(), "c1", "/shop/web");
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/shop/web", 0);
    registry.met(6, 5, "/shop/web/below", 0);
    assert_eq!(registry.removed(5, 10), []);
    assert_eq!(registry.running().count(), 0);
    assert!(instance(&registry, 5).is_some());
    assert_eq!(registry.tick(10 + FORGET_AFTER - 1), []);
    let mut effects = registry.tick(10 + FORGET_AFTER);
    assert_eq!(effects.pop(), Some(Effect::Gone(5)));
    assert_eq!(effects.len(), 2);
    assert!(matches!(registry.resolve(6), Resolution::Unheard));
}

#[test]
fn only_what_is_in_scope_is_traced() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |options| options.scope = vec!["/mine".into()]);
    registry.met(5, 1, &format!("/docker/{ID}"), 0);
    registry.met(6, 1, &format!("/mine2/{ID}"), 0);
    registry.met(7, 1, &format!("/mine/{ID}"), 0);
    assert!(matches!(registry.resolve(5), Resolution::Ignored));
    assert!(matches!(registry.resolve(6), Resolution::Ignored));
    assert!(matches!(registry.resolve(7), Resolution::Pending));
}

#[test]
fn the_host_is_a_container_only_where_asked() {
    let root = tempfile::tempdir().unwrap();
    let mut plain = registry(root.path(), |_| ());
    plain.met(1, 0, "/", 0);
    assert!(matches!(plain.resolve(1), Resolution::Ignored));
    let mut asked = registry(root.path(), |options| options.host = true);
    asked.met(1, 0, "/", 0);
    let effects = asked.met(2, 1, "/system.slice", 0);
    assert!(
        matches!(&effects[..], [Effect::Set(2, cgroup), Effect::Decided(2)] if cgroup.state == cgroup_state::HOST && cgroup.home == 1)
    );
    assert_eq!(
        instance(&asked, 2).unwrap().workload.to_string(),
        "/Host/host/"
    );
    asked.met(5, 1, &format!("/docker/{ID}"), 0);
    asked.needed(5, 0);
    asked.tick(NAME_AFTER);
    assert_eq!(instance(&asked, 5).unwrap().runtime, Runtime::Docker);
}

#[test]
fn the_number_of_containers_is_bounded_and_said() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    for n in 0..INSTANCES_MAX as u64 {
        registry.met(n + 2, 1, &format!("/default/c{n}"), 0);
    }
    let effects = registry.met(99_999, 1, "/default/one-more", 0);
    assert!(effects.contains(&Effect::NoRoom(99_999)), "{effects:?}");
}

#[test]
fn a_scan_finds_containers_that_run() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("cgroup/docker").join(ID).join("inner")).unwrap();
    let proc = root.path().join("proc");
    for (pid, path, fs_root) in [
        (1, "/".to_owned(), "hostroot"),
        (42, format!("/docker/{ID}"), "ctr"),
        (43, format!("/docker/{ID}/inner"), "ctr"),
    ] {
        let folder = proc.join(pid.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.path().join(fs_root)).unwrap();
        std::os::unix::fs::symlink(root.path().join(fs_root), folder.join("root")).unwrap();
        std::os::unix::fs::symlink("/bin/app", folder.join("exe")).unwrap();
        std::os::unix::fs::symlink("/", folder.join("cwd")).unwrap();
        fs::write(folder.join("cgroup"), format!("0::{path}\n")).unwrap();
        fs::write(folder.join("cmdline"), "app\0-x\0").unwrap();
        fs::write(
            folder.join("status"),
            format!("PPid:\t{}\nNSpid:\t{pid}\t{}\n", pid - 1, pid - 41),
        )
        .unwrap();
        fs::write(
            folder.join("stat"),
            format!("{pid} (a) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 500 0"),
        )
        .unwrap();
    }
    let mut registry = registry(root.path(), |_| ());
    let (effects, seeds) = registry.scan(&proc, 7);
    let mut pids: Vec<u32> = seeds.iter().map(|seed| seed.pid).collect();
    pids.sort_unstable();
    assert_eq!(pids, [42, 43]);
    let child = seeds.iter().find(|seed| seed.pid == 43).unwrap();
    assert_eq!(
        (child.process.container_pid, child.process.parent_pid),
        (2, 42)
    );
    assert_eq!(child.process.issuer, lapwing_abi::state::EXEC_SEEDED | 42);
    assert_eq!(
        (child.image.exe.as_str(), child.image.args.as_slice()),
        ("/bin/app", &["app".to_owned(), "-x".to_owned()][..])
    );
    assert_eq!(child.process.start, 5_000_000_000);
    let home = seeds[0].process.cgroup;
    registry.needed(home, 7);
    registry.tick(7 + NAME_AFTER);
    assert!(effects.contains(&Effect::Set(home, container(home, true))));
    assert!(!instance(&registry, home).unwrap().from_start);
}
