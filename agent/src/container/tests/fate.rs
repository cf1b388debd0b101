//! Cgroups that come, are decided upon, and go.

use super::*;

#[test]
fn what_nothing_speaks_for_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    assert_eq!(registry.next_look(), None, "nothing happens in it");
    assert!(is_pending(&registry, 5));
    let now = 100 * SECOND;
    assert_eq!(registry.acted(act(5), now), []);
    assert_eq!(tick(&mut registry, now + DECIDE_AFTER - 1), []);
    let effects = tick(&mut registry, now + DECIDE_AFTER);
    assert_eq!(effects, [ignored(5), Effect::Decided]);
    assert!(is_ignored(&registry, 5));
    assert!(is_unheard(&registry, 6));
    assert_eq!(registry.next_look(), None);
}

#[test]
fn before_it_is_left_alone_the_roots_in_it_are_looked_at() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    // The host's root is another folder than this process's.
    let folder = root.path().join("cgroup/odd/box");
    fs::create_dir_all(&folder).unwrap();
    let own = std::process::id();
    fs::write(folder.join("cgroup.procs"), format!("{own}\n")).unwrap();
    registry.met(5, 1, "/odd/box", 0);
    registry.acted(act(5), 0);
    let effects = tick(&mut registry, DECIDE_AFTER);
    assert!(effects.contains(&Effect::Set(5, container(5, false))));
    tick(&mut registry, DECIDE_AFTER + NAME_AFTER);
    assert_eq!(instance(&registry, 5).unwrap().id, "box");
}

#[test]
fn what_is_below_a_container_belongs_to_it() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/docker/{ID}"), 0);
    registry.acted(act(5), 0);
    tick(&mut registry, NAME_AFTER);
    let inner = ID.replace('0', "f");
    let effects = registry.met(6, 5, &format!("/docker/{ID}/kubepods/pod1/{inner}"), 1);
    assert_eq!(
        effects,
        [Effect::Set(6, container(5, true)), Effect::Decided]
    );
    registry.met(7, 6, &format!("/docker/{ID}/x.service"), 1);
    assert_eq!(instance(&registry, 7).unwrap().id, ID);
    assert_eq!(registry.running().count(), 1);
}

#[test]
fn what_was_made_below_before_joins_the_container_with_what_waits() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let inner = ID.replace('0', "f");
    registry.met(5, 1, "/shop/web", 0);
    registry.met(6, 5, "/shop/web/a", 0);
    registry.met(7, 6, &format!("/shop/web/a/docker-{inner}.scope"), 0);
    registry.met(8, 1, "/shop/other", 0);
    registry.acted(act(6), 0);
    registry.acted(act(7), 0);
    state(root.path(), "c1", "/shop/web");
    let step = Act {
        behaviour: false,
        ..act(5)
    };
    let effects = registry.acted(step, 1);
    for expected in [
        Effect::Set(5, container(5, false)),
        Effect::Set(6, container(5, true)),
        Effect::Set(7, container(5, true)),
        Effect::Gone(7),
        Effect::Decided,
    ] {
        assert!(effects.contains(&expected), "{expected:?}: {effects:?}");
    }
    for id in [5, 6, 7] {
        assert_eq!(instance(&registry, id).unwrap().id, "c1");
    }
    assert!(is_pending(&registry, 8));
    assert_eq!(registry.running().count(), 1);
}

#[test]
fn records_below_a_container_wait_for_its_name_and_no_longer() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    registry.met(6, 5, "/odd/box/a", 0);
    registry.acted(act(6), 0);
    let step = Act {
        behaviour: false,
        ..foreign(5)
    };
    registry.acted(step, 0);
    assert!(is_pending(&registry, 6));
    tick(&mut registry, NAME_AFTER + LOOK_EVERY);
    assert_eq!(instance(&registry, 6).unwrap().id, "box");
}

#[test]
fn a_container_that_went_is_remembered_for_its_last_records() {
    let root = tempfile::tempdir().unwrap();
    state(root.path(), "c1", "/shop/web");
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/shop/web", 0);
    registry.acted(act(5), 0);
    registry.met(6, 5, "/shop/web/below", 0);
    assert_eq!(registry.removed(6, SECOND), []);
    assert_eq!(registry.removed(5, SECOND), []);
    assert_eq!(registry.running().count(), 0);
    assert!(instance(&registry, 5).is_some() && instance(&registry, 6).is_some());
    let over = SECOND + FORGET_AFTER;
    assert_eq!(tick(&mut registry, over - 1), []);
    // A process of it lives on elsewhere.
    assert_eq!(registry.tick(over, || HashSet::from([6])), []);
    assert!(instance(&registry, 5).is_some());
    let effects = tick(&mut registry, over + FORGET_AFTER);
    assert_eq!(
        HashSet::<String>::from_iter(effects.iter().map(|effect| format!("{effect:?}"))),
        HashSet::from([
            "Forget(5)".to_owned(),
            "Forget(6)".to_owned(),
            "Gone(5)".to_owned()
        ])
    );
    assert!(is_unheard(&registry, 5) && is_unheard(&registry, 6));
    assert_eq!(registry.next_look(), None);
}

#[test]
fn what_went_undecided_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    for (id, acts) in [(5, false), (6, true)] {
        registry.met(id, 1, &format!("/odd/{id}"), 0);
        if acts {
            registry.acted(act(id), 0);
        }
        registry.removed(id, 1);
    }
    let mut effects = Vec::new();
    while let Some(at) = registry.next_look() {
        assert!(at <= 30 * SECOND);
        effects.extend(tick(&mut registry, at));
    }
    assert!(effects.contains(&Effect::Forget(5)) && effects.contains(&Effect::Forget(6)));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Set(..))),
        "the kernel side would keep it for ever: {effects:?}"
    );
    assert!(is_unheard(&registry, 5) && is_unheard(&registry, 6));
}

#[test]
fn a_container_that_shows_itself_only_after_it_went_goes_too() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    registry.removed(5, 1);
    registry.acted(foreign(5), 9 * SECOND);
    tick(&mut registry, 10 * SECOND);
    assert_eq!(
        instance(&registry, 5).unwrap().id,
        "box",
        "its records first"
    );
    assert_eq!(registry.running().count(), 0);
    let effects = tick(&mut registry, 9 * SECOND + FORGET_AFTER);
    assert_eq!(effects, [Effect::Forget(5), Effect::Gone(5)]);
}

#[test]
fn what_was_ignored_and_went_is_forgotten_after_its_last_records() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    assert!(registry.met(5, 1, "/a.service", 0).contains(&ignored(5)));
    assert_eq!(registry.removed(5, SECOND), []);
    assert!(is_ignored(&registry, 5));
    let effects = tick(&mut registry, SECOND + FORGET_AFTER);
    assert_eq!(effects, [Effect::Forget(5)]);
    assert_eq!(registry.removed(9, SECOND), [Effect::Forget(9)]);
}

#[test]
fn only_what_is_in_scope_is_traced() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |options| options.scope = vec!["/mine".into()]);
    registry.met(5, 1, &format!("/docker/{ID}"), 0);
    registry.met(6, 1, &format!("/mine2/{ID}"), 0);
    registry.met(7, 1, &format!("/mine/{ID}"), 0);
    assert!(is_ignored(&registry, 5) && is_ignored(&registry, 6));
    assert!(is_pending(&registry, 7));
}

#[test]
fn the_host_is_a_container_only_where_asked() {
    let root = tempfile::tempdir().unwrap();
    let mut plain = registry(root.path(), |_| ());
    plain.met(1, 0, "/", 0);
    assert!(is_ignored(&plain, 1));
    let mut asked = registry(root.path(), |options| options.host = true);
    let host = |id| {
        let cgroup = Cgroup {
            home: 1,
            state: cgroup_state::HOST,
            started: 1,
        };
        [Effect::Set(id, cgroup), Effect::Decided]
    };
    assert_eq!(asked.met(1, 0, "/", 0), host(1));
    assert_eq!(asked.met(2, 1, "/system.slice", 0), host(2));
    assert_eq!(workload(&asked, 2), "/Host/host/");
    asked.met(5, 1, &format!("/docker/{ID}"), 0);
    asked.acted(act(5), 0);
    tick(&mut asked, NAME_AFTER);
    assert_eq!(instance(&asked, 5).unwrap().runtime, Runtime::Docker);
}

#[test]
fn the_number_of_containers_and_of_cgroups_is_bounded_and_said() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    for n in 0..INSTANCES_MAX as u64 {
        registry.met(n + 2, 1, &format!("/default/c{n}"), 0);
    }
    let effects = registry.met(99_999, 1, "/default/one-more", 0);
    assert!(effects.contains(&Effect::NoRoom(99_999)), "{effects:?}");
    for n in 0..u64::from(CGROUPS_MAX) {
        registry.met(100_000 + n, 1, "/odd", 0);
    }
    let effects = registry.met(999_999, 1, "/odd", 0);
    assert_eq!(effects, [Effect::NoRoom(999_999)]);
    assert_eq!(registry.acted(act(999_999), 0), [Effect::NoRoom(999_999)]);
}

#[test]
fn a_long_path_is_cut_and_never_another_s() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    let path = format!("/{}/box", "x".repeat(3 * PATH_MAX));
    registry.met(5, 1, &path, 0);
    registry.acted(foreign(5), 0);
    tick(&mut registry, NAME_AFTER);
    let found = instance(&registry, 5).unwrap();
    assert!(found.path.len() < 2 * PATH_MAX && !found.path.starts_with('/'));
    assert!(!found.is_named());
}

#[test]
fn at_the_end_all_that_waits_is_decided() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, "/odd/box", 0);
    registry.acted(act(5), 0);
    registry.met(6, 1, &format!("/docker/{ID}"), 0);
    registry.acted(act(6), 0);
    registry.removed(6, 1);
    let effects = registry.finish(2);
    assert_eq!(effects.last(), Some(&Effect::Decided));
    assert!(is_ignored(&registry, 5));
    assert_eq!(instance(&registry, 6).unwrap().id, ID);
}

#[test]
fn a_container_has_no_more_cgroups_than_its_share() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |options| options.share = 2);
    let home = format!("/docker/{ID}");
    registry.met(5, 1, &home, 0);
    for id in [6, 7] {
        let effects = registry.met(id, 5, &format!("{home}/n{id}"), 0);
        let set = Effect::Set(id, container(5, true));
        assert_eq!(effects, [set, Effect::Decided]);
    }
    let refused = |id| [Effect::Forget(id), Effect::Refused(5), Effect::Decided];
    assert_eq!(registry.met(8, 5, &format!("{home}/n8"), 0), refused(8));
    assert!(is_unheard(&registry, 8));
    // Below one that found no room nobody becomes a container by its name.
    let inner = ID.replace('0', "f");
    let forged = format!("{home}/n8/docker-{inner}.scope");
    assert_eq!(registry.met(9, 8, &forged, 0), refused(9));
    assert_eq!(registry.running().count(), 1);
    // Another container has its own share, and what goes makes room again.
    let other = format!("/docker/{inner}");
    registry.met(15, 1, &other, 0);
    let effects = registry.met(16, 15, &format!("{other}/n"), 0);
    assert!(effects.contains(&Effect::Set(16, container(15, true))));
    registry.removed(6, 0);
    tick(&mut registry, FORGET_AFTER + SECOND);
    let effects = registry.met(10, 5, &format!("{home}/n10"), 0);
    assert!(effects.contains(&Effect::Set(10, container(5, true))));
}

#[test]
fn what_was_made_before_it_was_a_container_is_part_of_its_share() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |options| options.share = 2);
    registry.met(5, 1, "/shop/web", 0);
    for id in 6..=10 {
        registry.met(id, 5, &format!("/shop/web/n{id}"), 0);
    }
    let effects = registry.acted(foreign(5), 1);
    let count = |wanted: fn(&Effect) -> bool| effects.iter().filter(|it| wanted(it)).count();
    assert_eq!(count(|effect| matches!(effect, Effect::Refused(5))), 3);
    assert_eq!(count(|effect| matches!(effect, Effect::Forget(_))), 3);
    // Its own and two below.
    assert_eq!(count(|effect| matches!(effect, Effect::Set(..))), 3);
}
