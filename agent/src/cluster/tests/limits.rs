//! What is held has bounds, and each namespace a share of them.

use super::held::{Changed, Held};
use super::object::{Good, Key, Object, Refusal};
use super::room::{BYTES_MAX, SHARES};
use super::*;
use crate::judge::PROFILES_MAX;

pub fn key(namespace: &str, name: &str) -> Key {
    Key {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// An object with a text of its own workload, of so many bytes.
pub fn good(namespace: &str, name: &str, bytes: usize) -> Object {
    let mut workload = profile(namespace, &[]).workload;
    workload.name = name.to_owned();
    Object {
        key: key(namespace, name),
        version: Version::default(),
        created: String::new(),
        text: Default::default(),
        said: Ok(Good {
            workload,
            text: "x".repeat(bytes).into(),
            mode: Mode::Monitoring,
            keys: Vec::new(),
        }),
        kept: b"{}".to_vec(),
    }
}

/// Whether it is in force now, and was to be written to disk: both or neither.
pub fn is_taken(changed: &Changed) -> bool {
    let is_told = { changed.news.iter() }.any(|news| matches!(news, News::InForce(_)));
    let is_written = { changed.writes.iter() }.any(|write| write.bytes.is_some());
    assert_eq!(is_told, is_written, "{:?}", changed.news);
    is_told
}

/// Why the only one is not obeyed that is not.
pub fn why(changed: &Changed) -> &str {
    match &*changed.news {
        [News::Refused { text, .. }] => text,
        other => panic!("not refused: {other:?}"),
    }
}

/// The disk goes on having what is in force.
#[test]
fn what_finds_no_room_takes_nobody_s_place_on_disk() {
    let mut held = Held::new(false);
    assert!(is_taken(&held.put(good("shop", "web", 10))));
    let changed = held.put(good("shop", "web", BYTES_MAX + 1));
    assert!(!is_taken(&changed));
    let text = why(&changed);
    assert!(
        text.contains("no room") && text.ends_with("stays in force"),
        "{text}"
    );
    // What is kept of it on disk counts too.
    let mut long = good("shop", "web", 10);
    long.kept = vec![b' '; BYTES_MAX + 1];
    assert!(!is_taken(&held.put(long)));
    let changed = held.put(good("shop", "db", BYTES_MAX + 1));
    assert!(!is_taken(&changed) && why(&changed).contains("no room"));
    let changed = held.remove(&key("shop", "web"));
    assert!(changed.writes.len() == 1 && changed.writes[0].bytes.is_none());
}

/// Who may write in one namespace takes no room from the others, by what is obeyed or by what is not.
#[test]
fn a_namespace_has_a_share_of_the_room() {
    let share = PROFILES_MAX / SHARES;
    let mut held = Held::new(true);
    for number in 0..share {
        assert!(is_taken(&held.put(good(
            "evil",
            &format!("web{number}"),
            1
        ))));
    }
    let changed = held.put(good("evil", "another", 1));
    assert!(!is_taken(&changed) && why(&changed).contains("apply this one again"));
    assert!(is_taken(&held.put(good("evil", "web0", 2))), "it is known");
    assert!(is_taken(&held.put(good("shop", "web", BYTES_MAX / SHARES))));
    // Bytes are shared too, and what takes the place of a longer one gives room back.
    assert!(!is_taken(&held.put(good("shop", "db", 1))));
    assert!(is_taken(&held.put(good("shop", "web", 1))));
    assert!(is_taken(&held.put(good("shop", "db", 1))));
}

/// What is not obeyed takes no room, however much of it there is, and hides nobody else's trouble.
#[test]
fn what_is_not_obeyed_takes_no_room() {
    let junk = |namespace: &str, number: usize| Object {
        said: Err(Refusal {
            reason: "Unsigned",
            text: "nobody signed it".to_owned(),
            workload: None,
        }),
        ..good(namespace, &format!("junk{number:05}"), 1)
    };
    let mut held = Held::new(false);
    let many = PROFILES_MAX + 100;
    let told: usize = { (0..many).map(|number| junk("evil", number)) }
        .map(|object| held.put(object).news.len())
        .sum();
    assert!((1..20).contains(&told), "{told} reports");
    assert_eq!((held.len(), held.refused()), (many, many));
    assert!(is_taken(&held.put(good("shop", "web", 1))));
    let changed = held.put(junk("shop", 1));
    assert_eq!(why(&changed), "nobody signed it");
    // Each again is no other; one that is mended is none of them, named or not.
    held.put(junk("evil", many - 1));
    assert_eq!(held.refused(), many + 1);
    for number in [0, many - 1] {
        assert!(is_taken(&held.put(good(
            "evil",
            &format!("junk{number:05}"),
            1
        ))));
    }
    held.remove(&key("evil", "junk00001"));
    held.remove(&key("evil", &format!("junk{:05}", many - 2)));
    assert_eq!((held.len(), held.refused()), (many, many - 3));
    // And a list says what there is.
    let changed = held.replace((0..50).map(|number| junk("evil", number)).collect());
    assert_eq!((held.len(), held.refused()), (50, 50));
    assert!(
        changed
            .news
            .contains(&News::Mended("shop/junk00001".to_owned()))
    );
}
