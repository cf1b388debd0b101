//! What is held has bounds, and each namespace a share of them.

use super::held::{BYTES_MAX, Changed};
use super::object::{Good, Key, Object};
use super::*;

fn key(namespace: &str, name: &str) -> Key {
    Key {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// An object with a text of its own workload, of so many bytes.
fn good(namespace: &str, name: &str, bytes: usize) -> Object {
    let mut workload = profile(namespace, &[]).workload;
    workload.name = name.to_owned();
    Object {
        key: key(namespace, name),
        created: String::new(),
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
fn is_taken(changed: &Changed) -> bool {
    let is_told = { changed.news.iter() }.any(|news| matches!(news, News::InForce(_)));
    let is_written = { changed.writes.iter() }.any(|write| write.bytes.is_some());
    assert_eq!(is_told, is_written, "{:?}", changed.news);
    is_told
}

/// Why the only one is not obeyed that is not.
fn why(changed: &Changed) -> &str {
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
