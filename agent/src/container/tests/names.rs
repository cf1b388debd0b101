//! Names: found, awaited, and refused.

use super::*;

#[test]
fn a_named_container_waits_for_its_details_but_not_for_ever() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let effects = registry.met(5, 1, &format!("/docker/{ID}"), 0);
    assert_eq!(effects, [Effect::Set(5, container(5, false))]);
    assert!(is_pending(&registry, 5));
    assert_eq!(registry.next_look(), None, "nothing needs the name yet");
    let now = SECOND;
    assert_eq!(registry.acted(act(5), now), []);
    assert_eq!(registry.next_look(), Some(now + LOOK_EVERY));
    assert_eq!(tick(&mut registry, now + NAME_AFTER - 1), []);
    assert_eq!(tick(&mut registry, now + NAME_AFTER), [Effect::Decided]);
    let found = instance(&registry, 5).unwrap();
    assert_eq!((found.runtime, found.id.as_str()), (Runtime::Docker, ID));
    assert!(found.from_start && !found.is_named());
    assert_eq!(found.workload.to_string(), "/Unnamed/docker/");

    // Later ones get the real name.
    docker(root.path(), ID, "team/web:1");
    let next = registry.next_look().unwrap();
    assert!(next > now + NAME_AFTER + LOOK_EVERY, "less often now");
    tick(&mut registry, next);
    assert!(instance(&registry, 5).unwrap().is_named());
    assert_eq!(workload(&registry, 5), "/Image/team%2Fweb/");
    assert_eq!(registry.next_look(), None, "the search is over");
}

#[test]
fn what_is_still_missing_is_looked_for_less_and_less_often() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/docker/{ID}"), 0);
    registry.acted(act(5), 0);
    let hour = 3_600 * SECOND;
    let mut looks = 0;
    while let Some(at) = registry.next_look().filter(|at| *at < hour) {
        tick(&mut registry, at);
        looks += 1;
    }
    assert!((60..150).contains(&looks), "{looks}");
}

#[test]
fn details_that_are_there_are_taken_with_the_first_step() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/system.slice/docker-{ID}.scope"), 0);
    let step = Act {
        behaviour: false,
        ..act(5)
    };
    assert_eq!(registry.acted(step, MILLISECOND), [], "of the runtime");
    docker(root.path(), ID, "team/web:1");
    assert_eq!(registry.acted(step, MILLISECOND + 1), [], "not so soon");
    assert_eq!(registry.acted(step, 2 * MILLISECOND), [Effect::Decided]);
    assert_eq!(workload(&registry, 5), "/Image/team%2Fweb/");
}

#[test]
fn bare_runc_is_known_by_its_files() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    // Words that a runtime uses for folders are as good as any.
    for (id, path) in [(5, "/shop/web"), (6, "/podinfo"), (7, "/shop/default")] {
        assert_eq!(registry.met(id, 1, path, 0), []);
        assert_eq!(registry.acted(act(id), 0), []);
        assert!(is_pending(&registry, id));
        state(root.path(), &format!("c{id}"), path);
        let next = registry.next_look().unwrap();
        let effects = tick(&mut registry, next);
        assert!(effects.contains(&Effect::Set(id, container(id, false))));
        assert!(effects.contains(&Effect::Decided));
        let found = instance(&registry, id).unwrap();
        assert_eq!(found.id, format!("c{id}"));
        assert_eq!(
            found.workload.to_string(),
            format!("/Bundle/%2Fsrv%2Fc{id}/")
        );
        // The next look is not before its time.
        tick(&mut registry, SECOND);
    }
}

#[test]
fn bare_runc_is_known_under_whatever_layout() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let path = format!("/test/{ID}");
    registry.met(5, 1, &path, 0);
    state(root.path(), ID, &path);
    assert_eq!(registry.acted(act(5), 1), [Effect::Decided]);
    let found = instance(&registry, 5).unwrap();
    assert_eq!((found.runtime, found.id.as_str()), (Runtime::Runc, ID));

    let path = format!("/kubepods/pod1/{}", ID.replace('0', "f"));
    state(root.path(), "chosen", &path);
    registry.met(6, 1, &path, 0);
    registry.acted(act(6), 1);
    assert_eq!(instance(&registry, 6).unwrap().id, "chosen");
}

#[test]
fn a_path_with_backslashes_is_compared_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let raw = r"/system.slice/runc-a\x2db.scope";
    state(root.path(), "a", &raw.replace('\\', r"\\"));
    let path = lapwing_profile::text::canonical(raw.as_bytes());
    registry.met(5, 1, &path, 0);
    registry.acted(act(5), 0);
    let found = instance(&registry, 5).unwrap();
    assert_eq!((found.id.as_str(), found.path.as_str()), ("a", &*path));
}

#[test]
fn a_foreign_root_makes_a_container() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    let effects = registry.acted(foreign(5), 0);
    assert_eq!(effects, [Effect::Set(5, container(5, false))]);
    assert!(is_pending(&registry, 5));
    assert_eq!(tick(&mut registry, NAME_AFTER), [Effect::Decided]);
    let found = instance(&registry, 5).unwrap();
    assert_eq!(
        (found.runtime, found.id.as_str()),
        (Runtime::Unknown, "box")
    );
    assert!(found.is_named());
    assert_eq!(found.workload.to_string(), "/Cgroup/odd%2Fbox/");
    assert_eq!(registry.acted(foreign(5), SECOND), [], "said once");
}

#[test]
fn a_system_manager_s_order_belongs_to_the_container_it_runs_in() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    registry.met(6, 5, "/odd/box/system.slice", 0);
    registry.met(7, 6, "/odd/box/system.slice/web.service", 0);
    assert!(is_pending(&registry, 7), "not the host's, perhaps");
    registry.acted(foreign(7), 0);
    tick(&mut registry, NAME_AFTER);
    assert_eq!(instance(&registry, 7).unwrap().home, 5);
    assert_eq!(registry.running().count(), 1);
}

#[test]
fn a_forged_name_shares_nothing_with_the_one_it_names() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "team/web:1");
    let moby = "run/docker/runtime-runc/moby";
    state_in(root.path(), moby, ID, &format!("/docker/{ID}"));
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/mine/docker-{ID}.scope"), 0);
    registry.acted(act(5), 0);
    registry.met(6, 1, &format!("/docker/{ID}"), 0);
    registry.acted(act(6), 0);
    assert_eq!(workload(&registry, 6), "/Image/team%2Fweb/");
    tick(&mut registry, NAME_AFTER);
    let forged = instance(&registry, 5).unwrap();
    assert!(!forged.is_named());
    assert_eq!(
        (forged.id.as_str(), forged.details.image.as_str()),
        ("cgroup-5", "")
    );
    assert_eq!(forged.workload.kind, "Unnamed");
}

#[test]
fn of_two_that_nothing_proves_the_first_keeps_the_name() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "team/web:1");
    let mut registry = registry(root.path(), |_| ());
    registry.met(6, 1, &format!("/docker/{ID}"), 0);
    registry.met(5, 1, &format!("/mine/docker-{ID}.scope"), 1);
    registry.acted(act(5), 2);
    registry.acted(act(6), 2);
    tick(&mut registry, SECOND);
    assert_eq!(workload(&registry, 6), "/Image/team%2Fweb/");
    assert!(!instance(&registry, 5).unwrap().is_named());

    // A container that is started anew has the same id, and its old cgroup is gone.
    registry.removed(6, SECOND);
    registry.met(7, 1, &format!("/docker/{ID}"), SECOND);
    registry.acted(act(7), SECOND);
    assert_eq!(workload(&registry, 7), "/Image/team%2Fweb/");
}

#[test]
fn one_that_is_proved_takes_its_name_back() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "team/web:1");
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/mine/docker-{ID}.scope"), 0);
    registry.acted(act(5), 0);
    assert_eq!(workload(&registry, 5), "/Image/team%2Fweb/");
    let moby = "run/docker/runtime-runc/moby";
    state_in(root.path(), moby, ID, &format!("/docker/{ID}"));
    registry.met(6, 1, &format!("/docker/{ID}"), SECOND);
    registry.acted(act(6), SECOND);
    assert_eq!(workload(&registry, 6), "/Image/team%2Fweb/");
    let forged = instance(&registry, 5).unwrap();
    assert!(!forged.is_named());
    assert_ne!(forged.workload, instance(&registry, 6).unwrap().workload);
}

#[test]
fn a_container_that_is_gone_already_is_named_by_what_its_runtime_was_told() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("srv/b")).unwrap();
    let path = format!("/test/{ID}");
    let config = format!(
        r#"{{"annotations":{{"lapwing.dev/workload":"shop"}},"linux":{{"cgroupsPath":"{path}"}}}}"#
    );
    fs::write(root.path().join("srv/b/config.json"), config).unwrap();
    let args = format!("runc\0run\0--bundle\0/srv/b\0{ID}\0");
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &path, 0);
    registry.ordered(5, args.as_bytes());
    registry.removed(5, 1);
    assert_eq!(registry.acted(act(5), 2), [Effect::Decided]);
    assert_eq!(workload(&registry, 5), "/Workload/shop/");
    let found = instance(&registry, 5).unwrap();
    assert_eq!((found.runtime, found.id.as_str()), (Runtime::Runc, ID));

    // The same words for another cgroup are worth nothing.
    registry.met(6, 1, "/test/other", 0);
    registry.ordered(6, args.as_bytes());
    registry.acted(act(6), 2);
    assert!(is_pending(&registry, 6));
}
