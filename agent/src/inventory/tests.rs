use super::waiting::{USES_MAX, WAITING_FOR};
use super::*;
use lapwing_profile::inventory::packed::{PACKED_MAX, unpack};
use lapwing_profile::inventory::uses;
use std::time::Duration;

fn seen(path: &str, how: u8) -> Seen {
    Seen {
        path: path.as_bytes().into(),
        how,
        changed: false,
        at: 1_700_000_000,
        pid: 5,
    }
}

fn learner(home: u64, from_start: bool) -> Learner<'static> {
    Learner {
        home,
        file_name: "w+shop",
        image: "shop@sha256:1",
        id: "c1",
        from_start,
    }
}

fn begin() -> Inventories {
    Inventories::begin(|| ())
}

fn get(all: &Inventories, store: &Store) -> Inventory {
    let packed = all.stored("w+shop", store).pack().unwrap();
    assert!(packed.len() < PACKED_MAX);
    unpack(&packed).unwrap()
}

/// Waits until the thread has done its part.
fn until(all: &mut Inventories, store: &Store, now: u64, is: impl Fn(&Inventories) -> bool) {
    for _ in 0..5_000 {
        all.catch_up(true, store, now);
        if is(all) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("it does not come");
}

/// Has all stored that is due by now.
fn store_all(all: &mut Inventories, store: &Store, now: u64) {
    all.save(now);
    until(all, store, now, |all| all.saving.is_none());
}

#[test]
fn uses_wait_for_their_container_and_outlast_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut all = begin();
    assert!(
        all.take(7, seen("/bin/a", uses::EXEC), &store, 1)
            .is_empty()
    );
    assert!(
        all.take(8, seen("/other", uses::OPEN), &store, 1)
            .is_empty()
    );
    assert_eq!(get(&all, &store), Inventory::default());
    let programs = all.learns(learner(7, true), &store, 2);
    assert_eq!(
        (programs.len(), &*programs[0].path, programs[0].pid),
        (1, &b"/bin/a"[..], 5)
    );
    let mut news = |path, how| !all.take(7, seen(path, how), &store, 3).is_empty();
    assert!(!news("/lib/x", uses::OPEN));
    assert!(news("/bin/b", uses::EXEC));
    assert!(!news("/bin/b", uses::EXEC), "known");
    all.shed(7, 5);
    all.shed(7, 5);
    all.shed(7, 9);
    all.blind(7);
    all.rests(8, &store, 4);
    all.catch_up(true, &store, 5);
    store_all(&mut all, &store, 20 * SECOND);
    let known = get(&all, &store);
    assert_eq!(known.files.len(), 3);
    let missing = known.missing;
    assert_eq!((missing.shed, missing.blind, known.instances), (9, 1, 1));
    assert!(
        known
            .incomplete()
            .concat()
            .contains("cannot tell files apart")
    );
    // The same container, met by another agent: what it uses waits until the stored one is read.
    let mut all = begin();
    assert_eq!(get(&all, &store), known);
    assert!(all.learns(learner(9, false), &store, 1).is_empty());
    all.take(9, seen("/lib/y", uses::OPEN), &store, 1);
    until(&mut all, &store, 1, |all| all.waiting.is_empty());
    let again = get(&all, &store);
    let missing = again.missing;
    assert_eq!(
        (again.instances, missing.gaps, missing.not_from_start),
        (1, 1, 0)
    );
    assert_eq!(again.files.len(), known.files.len() + 1);
    // What was shed by when it learned enough counts.
    all.shed(9, 4);
    all.rests(9, &store, 2);
    assert_eq!(get(&all, &store).missing.shed, missing.shed + 4);
}

#[test]
fn what_is_not_read_or_stored_yet_is_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for n in 0..3 {
        let mut all = begin();
        all.learns(learner(7, true), &store, 1);
        all.take(7, seen(&format!("/{n}"), uses::OPEN), &store, 1);
        all.finish(&store, 2);
    }
    let known = get(&begin(), &store);
    assert_eq!((known.files.len(), known.missing.gaps), (3, 2));
}

#[test]
fn what_is_stored_and_no_inventory_is_set_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let path = store.inventory_path("w+shop");
    std::fs::write(&path, "lapwing-inventory 2 half of").unwrap();
    let mut all = begin();
    all.learns(learner(1, true), &store, 1);
    until(&mut all, &store, 1, |all| !all.open.is_empty());
    assert!(!path.exists() && folder.path().join("damaged").exists());
    let said = get(&all, &store).incomplete();
    assert!(said[0].contains("begun anew"), "{said:?}");
}

#[test]
fn what_waits_is_bounded_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut all = begin();
    for n in 0..USES_MAX + 3 {
        all.take(7, seen(&format!("/{n}"), uses::OPEN), &store, 1);
    }
    all.take(8, seen("/x", uses::OPEN), &store, 1);
    all.learns(learner(7, true), &store, 1);
    assert_eq!(get(&all, &store).missing.shed, 3);
    assert_eq!(all.undecided(), [8]);
    all.save(1 + WAITING_FOR);
    assert!(!all.open.is_empty(), "it is just being written");
    assert!(all.waiting.is_empty());
    until(&mut all, &store, 1 + WAITING_FOR, |all| {
        all.saving.is_none()
    });
    // It is let go when nothing comes, and taken up again when something does.
    all.save(2 * WAITING_FOR);
    assert!(all.open.is_empty());
    assert_eq!(all.bytes, 0);
    all.gone(7, 2 * WAITING_FOR);
    all.take(7, seen("/last", uses::OPEN), &store, 2 * WAITING_FOR);
    until(&mut all, &store, 2 * WAITING_FOR, |all| {
        all.waiting.is_empty()
    });
    assert_eq!(get(&all, &store).files.len(), USES_MAX + 1);
    all.save(2 * WAITING_FOR + GONE_FOR);
    assert!(!all.has(7));
}

#[test]
fn what_is_in_memory_is_bounded_over_all_workloads() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut all = begin();
    all.bytes_max = 2 * Inventory::default().weight() + 10 * Inventory::weight_of(b"/0");
    let other = Learner {
        file_name: "other",
        ..learner(8, true)
    };
    all.learns(learner(7, true), &store, 1);
    all.learns(other, &store, 1);
    for n in 0..9 {
        all.take(7, seen(&format!("/{n}"), uses::OPEN), &store, 1);
    }
    for path in ["/a", "/b", "/c", "/a"] {
        all.take(8, seen(path, uses::EXEC), &store, 1);
    }
    let known = all.open["other"].known.clone();
    assert_eq!((known.files.len(), known.missing.no_room), (1, 2));
    assert!(all.bytes <= all.bytes_max);
    // A third finds no room before another is stored, and its uses wait.
    let third = Learner {
        file_name: "third",
        ..learner(9, true)
    };
    all.learns(third, &store, 1);
    all.take(9, seen("/z", uses::OPEN), &store, 1);
    assert!(!all.open.contains_key("third") && all.waiting.has(9));
    let mut now = 20 * SECOND;
    store_all(&mut all, &store, now);
    store_all(&mut all, &store, now);
    now += HOLD_OFF;
    until(&mut all, &store, now, |all| all.waiting.is_empty());
    assert_eq!(all.open["third"].known.files.len(), 1);
    assert!(all.open.len() < 3 && all.bytes <= all.bytes_max);
    let sum: usize = all.open.values().map(|open| open.known.weight()).sum();
    assert_eq!(all.bytes, sum);
}
