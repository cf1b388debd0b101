//! What was signed, and whose objects went: it stays in force, and is in nobody's way for ever.

use super::disk::{again, files, until};
use super::held::{Changed, Held};
use super::limits::{good, is_taken, key, why};
use super::object::Object;
use super::room::{BYTES_MAX, SHARES};
use super::*;
use crate::judge::PROFILES_MAX;
use std::collections::HashSet;
use std::path::PathBuf;

const SHARE: usize = PROFILES_MAX / SHARES;

/// One that is signed, for workloads of this name, made at a minute.
fn of(namespace: &str, name: &str, workload: &str, minute: u32) -> Object {
    let mut object = good(namespace, name, 1);
    workload.clone_into(&mut object.said.as_mut().unwrap().workload.name);
    object.version.uid = format!("{namespace}-{name}-{minute}");
    object.version.generation = 1;
    object.created = format!("2026-11-27T10:{minute:02}:00Z");
    object
}

/// A namespace of which so many went, in this order, named `old0` and so on.
fn went(held: &mut Held, namespace: &str, many: usize) {
    for number in 0..many {
        assert!(is_taken(&held.put(good(
            namespace,
            &format!("old{number}"),
            1
        ))));
    }
    for number in 0..many {
        held.remove(&key(namespace, &format!("old{number}")));
    }
}

/// The names of the objects that gave way, and of the workloads that are without one by that.
fn gave_way(changed: &Changed) -> Vec<String> {
    let mut without = Vec::new();
    let mut told = Vec::new();
    for news in &changed.news {
        match news {
            News::Refused {
                object,
                workload,
                text,
            } if text.contains("in force no longer") => {
                assert!(
                    workload.is_some() && !text.contains("stays in force"),
                    "{text}"
                );
                told.push(object.clone());
            }
            News::Gone(workload) => {
                assert!(!told.is_empty(), "it is told when it is not known any more");
                without.push(format!("{}/{}", workload.namespace, workload.name));
            }
            _ => {}
        }
    }
    told.sort();
    without.sort();
    assert_eq!(told, without);
    let removed = changed.writes.iter().filter(|write| write.bytes.is_none());
    let removed: HashSet<&str> = removed.map(|write| &*write.name).collect();
    for object in &told {
        let file = object.replace('/', "+");
        assert!(removed.contains(&*format!("{file}.json")), "{removed:?}");
        assert!(removed.contains(&*format!("{file}.gone")), "{removed:?}");
    }
    told
}

#[test]
fn what_went_first_gives_way_to_one_that_is_there() {
    let mut held = Held::new(true);
    went(&mut held, "shop", SHARE);
    let changed = held.put(good("shop", "new", 1));
    assert!(is_taken(&changed));
    assert_eq!(gave_way(&changed), ["shop/old0"]);
    assert_eq!((held.gave_way(), held.len()), (1, SHARE + 1));
    // It is said with the others until a new list.
    let said: Vec<_> = held.troubles().collect();
    assert!(
        said.iter()
            .any(|(name, text)| name == "shop/old0" && text.contains("gave its room to shop/new"))
    );
    // One that comes back is there.
    assert!(is_taken(&held.put(good("shop", "old1", 2))));
    let changed = held.put(good("shop", "newer", 1));
    assert_eq!(gave_way(&changed), ["shop/old2"]);
    // One of the same workload is replaced, and no other has to go.
    let changed = held.put(of("shop", "other", "old9", 1));
    assert!(is_taken(&changed));
    assert_eq!((gave_way(&changed).len(), held.gave_way()), (0, 2));
    // Bytes are room too.
    let changed = held.put(good("shop", "large", BYTES_MAX / SHARES - 8));
    assert!(is_taken(&changed));
    assert_eq!(gave_way(&changed).len(), SHARE - 4);
}

#[test]
fn what_runs_here_gives_way_last() {
    let mut held = Held::new(true);
    went(&mut held, "shop", SHARE);
    let running = ["old0", "old2"].map(|name| good("shop", name, 1).said.unwrap().workload);
    held.runs(HashSet::from(running));
    let order: Vec<_> = (0..3)
        .flat_map(|number| gave_way(&held.put(good("shop", &format!("new{number}"), 1))))
        .collect();
    assert_eq!(order, ["shop/old1", "shop/old3", "shop/old4"]);
    for number in 3..SHARE {
        assert!(is_taken(&held.put(good(
            "shop",
            &format!("new{number}"),
            1
        ))));
    }
    assert_eq!(held.gave_way(), SHARE as u64);
}

/// Whoever may make objects has signed ones of the same namespace to make again, under any number of names.
#[test]
fn copies_of_what_was_signed_put_nothing_out_of_force() {
    let mut held = Held::new(true);
    assert!(is_taken(&held.put(good("shop", "web", 1))));
    held.remove(&key("shop", "web"));
    let mut refused = 0;
    for number in 0..SHARE + 20 {
        // Each seems older than those before it.
        let copy = of("shop", &format!("copy{:05}", 9_999 - number), "db", 1);
        let changed = held.put(copy);
        assert_eq!(gave_way(&changed).len(), 0);
        refused += changed
            .news
            .iter()
            .filter(|news| matches!(news, News::Refused { text, .. } if text.contains("no room")))
            .count();
    }
    assert!(refused > 0);
    // What is in force has the room of what is not.
    let changed = held.put(good("shop", "cart", 1));
    assert!(is_taken(&changed) && gave_way(&changed).is_empty());
    let copies = |changed: &Changed| -> usize {
        let is_copy = |write: &&cache::Write| write.name.contains("copy") && write.bytes.is_none();
        changed.writes.iter().filter(is_copy).count()
    };
    assert_eq!(copies(&changed), 1);
    // A signature can be made longer by anybody, and takes no more by that.
    let mut padded = of("shop", "padded", "cache", 1);
    padded.kept = vec![b' '; 256 << 10];
    let changed = held.put(padded);
    assert!(!is_taken(&changed) && gave_way(&changed).is_empty());
    // And all of them go.
    held.remove(&key("shop", "padded"));
    for number in 0..SHARE + 20 {
        held.remove(&key("shop", &format!("copy{:05}", 9_999 - number)));
    }
    assert_eq!(held.gave_way(), 0);
    assert!(
        held.troubles()
            .any(|(name, text)| name == "shop/web" && text.contains("stays in force"))
    );
    // One for each workload is left of them.
    assert_eq!(held.len(), 3);
}

#[test]
fn another_object_of_its_name_takes_nothing_out_of_force() {
    let mut held = Held::new(true);
    assert!(is_taken(&held.put(of("shop", "web", "web", 1))));
    held.remove(&key("shop", "web"));
    let changed = held.put(of("shop", "web", "db", 2));
    assert!(!is_taken(&changed));
    let text = why(&changed);
    assert!(
        text.contains("another name") && text.ends_with("stays in force"),
        "{text}"
    );
    // In one list it is the same.
    let mut held = Held::new(true);
    held.put(of("shop", "web", "web", 1));
    let changed = held.replace(vec![of("shop", "web", "db", 2)]);
    assert!(
        !changed
            .news
            .iter()
            .any(|news| matches!(news, News::Gone(_))),
        "{:?}",
        changed.news
    );
    // Nor is one that is refused the one that was: a signed one takes the place of that, be it younger.
    let mut junk = of("shop", "web", "web", 3);
    junk.said = Err(object::Refusal {
        reason: "Unsigned",
        text: "nobody signed it".to_owned(),
        workload: None,
    });
    held.put(junk);
    assert!(is_taken(&held.put(of("shop", "web2", "web", 4))));
    // The name is nobody's by then.
    assert!(is_taken(&held.put(of("shop", "web", "db", 5))));
}

/// Eight that take all room, of which one went for the most part.
fn full() -> Held {
    let mut held = Held::new(true);
    went(&mut held, "shop", SHARE);
    for namespace in 0..7 {
        for number in 0..SHARE {
            let object = good(&format!("ns{namespace}"), &format!("web{number}"), 1);
            assert!(is_taken(&held.put(object)));
        }
    }
    held
}

#[test]
fn a_namespace_keeps_its_equal_part_whoever_needs_room() {
    let mut held = full();
    let mut took = 0;
    for number in 0..SHARE {
        let changed = held.put(good("evil", &format!("web{number}"), 1));
        let gone = gave_way(&changed);
        assert!(
            gone.iter().all(|name| name.starts_with("shop/")),
            "{gone:?}"
        );
        assert_eq!(is_taken(&changed), !gone.is_empty());
        took += gone.len();
    }
    // With nine it is a ninth.
    assert_eq!(took, SHARE - PROFILES_MAX.div_ceil(SHARES + 1));
    // One of its own takes it all the same.
    let changed = held.put(good("shop", "new", 1));
    assert!(is_taken(&changed));
    assert_eq!(gave_way(&changed), [format!("shop/old{took}")]);
}

#[test]
fn what_holds_less_gives_nothing_to_what_holds_more() {
    let mut held = Held::new(true);
    went(&mut held, "shop", 100);
    went(&mut held, "evil", SHARE - 1);
    for namespace in 0..7 {
        for number in 0..SHARE {
            held.put(good(&format!("ns{namespace}"), &format!("web{number}"), 1));
        }
    }
    // All room is used by now; who left most of it behind gives it back.
    let changed = held.put(good("bank", "web", 1));
    assert!(is_taken(&changed));
    let gone = gave_way(&changed);
    assert!(gone.len() == 1 && gone[0].starts_with("evil/"), "{gone:?}");
    for number in 0..SHARE {
        let changed = held.put(good("evil", &format!("new{number}"), 1));
        let gone = gave_way(&changed);
        assert!(
            gone.iter().all(|name| name.starts_with("evil/")),
            "{gone:?}"
        );
    }
    assert_eq!(
        held.troubles()
            .filter(|(name, _)| name.starts_with("shop/"))
            .count(),
        100
    );
}

/// Where deletion is enough to end it, nothing of it is held.
#[test]
fn where_nothing_has_to_be_signed_nothing_that_went_is_held() {
    let mut held = Held::new(false);
    for number in 0..2 * SHARE {
        let name = format!("web{number}");
        assert!(is_taken(&held.put(good("shop", &name, 1))));
        held.remove(&key("shop", &name));
    }
    assert_eq!((held.len(), held.gave_way()), (0, 0));
}

#[test]
fn the_order_is_that_of_going_after_a_restart_too() {
    let names = ["c", "a", "b"];
    let mut held = Held::new(true);
    for name in names {
        held.put(good("shop", name, 1));
    }
    let mut marks = Vec::new();
    for name in names {
        let changed = held.remove(&key("shop", name));
        let [mark] = &*changed.writes else {
            panic!("{:?}", changed.writes);
        };
        assert_eq!(mark.name, format!("shop+{name}.gone"));
        let number = String::from_utf8(mark.bytes.clone().unwrap()).unwrap();
        marks.push((good("shop", name, 1), Some(number.parse().unwrap())));
    }
    marks.sort_by(|(one, _), (other, _)| one.key.cmp(&other.key));
    marks.push((good("shop", "there", 1), None));
    let mut held = Held::new(true);
    let changed = held.take_up(marks);
    assert_eq!(
        changed
            .news
            .iter()
            .filter(|news| matches!(news, News::InForce(_)))
            .count(),
        4
    );
    // What went while no agent ran went last; what is known to have gone is no news.
    let changed = held.replace(Vec::new());
    let [News::Refused { object, .. }, News::Listed] = &*changed.news else {
        panic!("{:?}", changed.news);
    };
    assert_eq!(object, "shop/there");
    let order: Vec<_> = (0..SHARE)
        .flat_map(|number| gave_way(&held.put(good("shop", &format!("new{number}"), 1))))
        .collect();
    assert_eq!(order, ["shop/c", "shop/a", "shop/b", "shop/there"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_api_knows_what_went() {
    let cluster = Cluster::new();
    let web = profile("shop", &["/bin/ls"]);
    cluster.put(signed(object("web", 1, &web), &web));
    let mut followed = begin(&cluster, signatures(true));
    assert_eq!(followed.next().await, in_force("shop/web", &web));
    followed.listed().await;
    cluster.delete("shop-web");
    assert!(matches!(followed.next().await, News::Refused { .. }));
    until(&followed, |files| files.len() == 2).await;
    assert!(files(&followed)[0].ends_with("shop+web.gone"));
    cluster.fare(Mood::Down);
    let mut followed = again(followed, &cluster, signatures(true));
    assert_eq!(followed.next().await, in_force("shop/web", &web));
    assert!(matches!(followed.next().await, News::Refused { .. }));
    assert!(followed.trouble().contains("stays in force"));
    // It is there again.
    cluster.put(signed(object("web", 1, &web), &web));
    cluster.fare(Mood::Well);
    assert_eq!(followed.ever().await, News::Mended("shop/web".to_owned()));
    until(&followed, |files| files.len() == 1).await;
    // Where nothing has to be signed by now, nothing is held of what went.
    followed.listed().await;
    cluster.delete("shop-web");
    assert!(matches!(followed.next().await, News::Refused { .. }));
    until(&followed, |files| files.len() == 2).await;
    let mut followed = again(followed, &cluster, Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &web));
    assert_eq!(followed.next().await, News::Gone(web.workload));
    until(&followed, <[PathBuf]>::is_empty).await;
}

fn namespace(name: &str) -> Value {
    json!({"kind": "Namespace", "metadata": {"name": name, "uid": format!("namespace-{name}")}})
}

#[tokio::test(start_paused = true)]
async fn what_was_signed_for_a_namespace_goes_with_that() {
    let cluster = Cluster::new();
    cluster.put(namespace("shop"));
    cluster.put(namespace("bank"));
    let (shop, bank) = (profile("shop", &["/bin/ls"]), profile("bank", &["/bin/id"]));
    cluster.put(signed(object("web", 1, &shop), &shop));
    cluster.put(signed(object("web", 2, &bank), &bank));
    let mut followed = begin(&cluster, signatures(true));
    followed.next().await;
    followed.next().await;
    followed.listed().await;
    cluster.delete("shop-web");
    cluster.delete("bank-web");
    for _ in 0..2 {
        assert!(matches!(followed.next().await, News::Refused { .. }));
    }
    // Both are there, then one whose end is not known, and then is.
    tokio::time::sleep(LONG).await;
    followed.none();
    cluster.fare(Mood::Refusing(403, None));
    cluster.delete("namespace-shop");
    tokio::time::sleep(LONG).await;
    followed.none();
    assert_eq!(followed.status().gave_way, 0);
    cluster.fare(Mood::Well);
    let mut told = Vec::new();
    tokio::time::sleep(24 * LONG).await;
    while let Some(news) = followed.profiles.next() {
        told.push(news);
    }
    told.retain(|news| *news != News::Listed);
    let [
        News::Refused {
            object,
            workload,
            text,
        },
        News::Gone(gone),
    ] = &*told
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        (&**object, workload.as_ref(), gone),
        ("shop/web", Some(gone), &shop.workload)
    );
    assert!(text.contains("its namespace was deleted"), "{text}");
    assert_eq!(followed.status().gave_way, 1);
    let left = |files: &[PathBuf]| {
        files.iter().all(|file| {
            file.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("bank+")
        })
    };
    until(&followed, left).await;
    let asked = cluster.asked();
    let asked = asked
        .iter()
        .filter(|target| target.contains("fieldSelector=metadata.name%3Dbank"));
    assert!((2..20).contains(&asked.count()));
}
