//! What this node tells of what it makes of objects.

use super::held::Held;
use super::judged::with_own;
use super::object::{self, Key, Refusal, Terms};
use super::*;
use crate::judge::Judge;
use crate::judge::episodes::Moment;
use lapwing_proto::v1::BehaviorProfileState;
use lapwing_proto::v1::behavior_profile_state::Verdict;
use std::collections::HashMap;

/// The object in this generation.
fn version(mut object: Value, generation: i64) -> Value {
    object["metadata"]["generation"] = json!(generation);
    object
}

/// So many containers of `web` run.
pub fn running(instances: u32) -> HashMap<Workload, u32> {
    let mut workload = profile("shop", &[]).workload;
    workload.cluster = "c1".to_owned();
    HashMap::from([(workload, instances)])
}

impl Followed {
    /// Hands over all news that there are and come soon.
    async fn hand(&mut self, judge: &mut Judge) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        while let Some(news) = self.profiles.next() {
            judge.cluster(news, Moment::default());
        }
    }

    /// What is told of the only object.
    fn state(&self, judge: &Judge, instances: u32) -> Option<BehaviorProfileState> {
        let all = self.profiles.states(judge, &running(instances));
        assert!(all.len() < 2, "{all:?}");
        all.into_values().next()
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_is_told_of_where_it_is_in_force_and_where_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = with_own(folder.path());
    let cluster = Cluster::new();
    let mut followed = begin(&cluster, signatures(true));
    let web = profile("shop", &["/bin/ls"]);
    cluster.put(version(object("web", 1, &web), 1));
    followed.hand(&mut judge).await;
    let told = followed.state(&judge, 2).unwrap();
    assert_eq!(
        (&*told.namespace, &*told.name, &*told.uid, told.generation),
        ("shop", "web", "shop-web", 1)
    );
    assert_eq!(
        (told.verdict(), &*told.reason, told.instances),
        (Verdict::Refused, "Unsigned", 2)
    );
    assert!(told.message.contains("nobody signed it"), "{told:?}");
    // The signature alone is another.
    cluster.put(version(signed(object("web", 1, &web), &web), 1));
    followed.hand(&mut judge).await;
    let told = followed.state(&judge, 2).unwrap();
    assert_eq!(
        (told.verdict(), told.generation, told.instances),
        (Verdict::InForce, 1, 2)
    );
    assert_eq!((&*told.reason, &*told.message), ("", ""));
    // It is another, which says the same.
    cluster.put(version(signed(object("web", 1, &web), &web), 2));
    followed.hand(&mut judge).await;
    assert_eq!(followed.state(&judge, 2).unwrap().generation, 2);
    // One that is not obeyed, though what it said before is.
    cluster.put(version(object("web", 1, &profile("shop", &["/bin/sh"])), 3));
    followed.hand(&mut judge).await;
    let told = followed.state(&judge, 2).unwrap();
    assert_eq!((told.verdict(), told.generation), (Verdict::Refused, 3));
    assert!(told.message.ends_with("stays in force"), "{told:?}");
    // A refusal is told wherever it is, what is in force where it runs.
    assert_eq!(followed.state(&judge, 0).unwrap().instances, 0);
    cluster.put(version(signed(object("web", 1, &web), &web), 4));
    followed.hand(&mut judge).await;
    assert_eq!(followed.state(&judge, 0), None);
    // After a restart while the API is away it is told of as it was.
    let (kept, mut again) = (
        std::mem::replace(&mut followed.folder, tempfile::tempdir().unwrap()),
        with_own(tempfile::tempdir().unwrap().path()),
    );
    drop(followed);
    cluster.fare(Mood::Down);
    let mut followed = begin_in(kept, &cluster, signatures(true));
    followed.hand(&mut again).await;
    let told = followed.state(&again, 1).unwrap();
    assert_eq!(
        (told.verdict(), told.generation, &*told.uid),
        (Verdict::InForce, 4, "shop-web")
    );
}

/// What cannot be taken up is not told as in force because something else of the object is.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_up_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = with_own(folder.path());
    let cluster = Cluster::new();
    let mut followed = begin(&cluster, signatures(false));
    let web = profile("shop", &["/bin/ls"]);
    cluster.put(version(object("web", 1, &web), 1));
    followed.hand(&mut judge).await;
    let told = followed.state(&judge, 1).unwrap();
    assert_eq!((told.verdict(), told.generation), (Verdict::InForce, 1));
    let offer = |generation: i64, text: Arc<str>| {
        News::InForce(Offer {
            workload: web.workload.clone(),
            object: "shop/web".to_owned(),
            version: Version {
                uid: "shop-web".to_owned(),
                generation,
                spec: None,
            },
            text,
            mode: Mode::Monitoring,
        })
    };
    judge.cluster(offer(2, "no profile".into()), Moment::default());
    let told = followed.state(&judge, 1).unwrap();
    assert_eq!(
        (told.verdict(), told.generation, &*told.reason),
        (Verdict::Refused, 2, "NotTakenUp")
    );
    let good = profile("shop", &["/bin/cat"]).to_spec();
    judge.cluster(offer(3, good.into()), Moment::default());
    let told = followed.state(&judge, 1).unwrap();
    assert_eq!((told.verdict(), told.generation), (Verdict::InForce, 3));
}

/// However many are refused in one namespace, nobody is told that the last of them is not.
#[tokio::test(start_paused = true)]
async fn each_refusal_is_told_and_a_namespace_leaves_room_for_others() {
    const MANY: usize = 2_500;
    let folder = tempfile::tempdir().unwrap();
    let judge = with_own(folder.path());
    let cluster = Cluster::new();
    let followed = begin(&cluster, signatures(true));
    let junk = |namespace: &str, number: usize| {
        let key = Key {
            namespace: namespace.to_owned(),
            name: format!("junk{number:04}"),
        };
        object::Object {
            version: Version {
                uid: key.to_string(),
                generation: 3,
                spec: None,
            },
            key,
            created: String::new(),
            text: Default::default(),
            said: Err(Refusal {
                reason: "Unsigned",
                text: "nobody signed it".to_owned(),
                workload: None,
            }),
            kept: Vec::new(),
        }
    };
    let mut held = followed.profiles.board.held();
    held.fill((0..100).map(|number| junk("shop", number)).collect());
    drop(held);
    let all = followed.profiles.states(&judge, &HashMap::new());
    assert_eq!(all.len(), 100);
    for state in all.values() {
        assert_eq!(
            (state.verdict(), &*state.reason, state.generation),
            (Verdict::Refused, "Unsigned", 3)
        );
        assert!(!state.message.is_empty());
    }
    let mut held = followed.profiles.board.held();
    held.fill((0..MANY).map(|number| junk("evil", number)).collect());
    drop(held);
    let all = followed.profiles.states(&judge, &HashMap::new());
    assert_eq!(all.len(), 2_048);
    let of_shop = all.values().filter(|state| state.namespace == "shop");
    assert_eq!(of_shop.count(), 100);
    // One that is mended is none of them.
    let mut held = followed.profiles.board.held();
    for number in 0..MANY {
        held.remove(&junk("evil", number).key);
    }
    held.remove(&junk("shop", 99).key);
    drop(held);
    let all = followed.profiles.states(&judge, &HashMap::new());
    assert_eq!(all.len(), 99);
}

#[test]
fn each_refusal_has_its_word() {
    let good = profile("shop", &["/bin/ls"]);
    let refusal = |object: Value, require: bool| -> Refusal {
        let raw = serde_json::value::to_raw_value(&object).unwrap();
        let terms = Terms::new(signatures(require), CLUSTER);
        object::read(&raw, &terms).unwrap().said.unwrap_err()
    };
    let changed = |pointer: &str, value: Value| {
        let mut object = object("web", 1, &good);
        *object.pointer_mut(pointer).unwrap() = value;
        object
    };
    let mut elsewhere = good.clone();
    elsewhere.workload.cluster = "staging".to_owned();
    let mut damaged = signed(object("web", 1, &good), &good);
    damaged["metadata"]["annotations"][object::SIGNATURE] = json!("{}");
    for (object, require, word, is_known) in [
        (object("web", 1, &good), true, "Unsigned", true),
        (damaged, false, "BadSignature", true),
        (
            signed(object("web", 1, &elsewhere), &elsewhere),
            false,
            "WrongCluster",
            true,
        ),
        (
            changed("/metadata/namespace", json!("evil")),
            false,
            "WrongNamespace",
            false,
        ),
        (
            changed("/spec/workload/kind", json!("")),
            false,
            "NoWorkload",
            false,
        ),
        (
            changed("/spec/mode", json!("Watching")),
            false,
            "Invalid",
            false,
        ),
        (changed("/spec", json!(null)), false, "Invalid", false),
    ] {
        let refusal = refusal(object, require);
        assert_eq!(refusal.reason, word, "{}", refusal.text);
        let workload = is_known.then(|| Box::new(good.workload.clone()));
        assert_eq!(refusal.workload, workload, "{word}");
    }
}

/// Whoever writes the status of an object has all agents get all of it again.
#[test]
fn what_is_known_is_neither_read_nor_written_again() {
    let good = profile("shop", &["/bin/ls"]);
    let terms = Terms::new(signatures(false), CLUSTER);
    let raw = |generation: i64| {
        let object = version(object("web", 1, &good), generation);
        serde_json::value::to_raw_value(&object).unwrap()
    };
    let mut held = Held::new(false);
    let first = object::read(&raw(1), &terms).unwrap();
    let changed = held.put(first);
    assert_eq!((changed.news.len(), changed.writes.len()), (1, 1));
    let mut is_asked = 0;
    for (generation, is_known) in [(1, true), (2, false)] {
        let mut known = None;
        let read = object::read_anew(&raw(generation), &terms, |key, version, text| {
            is_asked += 1;
            known = held.known(key, version, text);
            known.clone()
        });
        let read = read.unwrap();
        assert_eq!(known.is_some(), is_known);
        let changed = held.put(read);
        assert_eq!(changed.news.is_empty(), is_known, "{:?}", changed.news);
        assert_eq!(changed.writes.is_empty(), is_known);
    }
    // What is known by no generation is read each time.
    assert_eq!(is_asked, 2);
    object::read_anew(&raw(0), &terms, |_, _, _| unreachable!("it is asked for")).unwrap();
    // Nor is what has a generation again, or another signature.
    let known = |object: &Value| {
        let raw = serde_json::value::to_raw_value(object).unwrap();
        let mut is_known = false;
        let read = object::read_anew(&raw, &terms, |key, version, text| {
            let known = held.known(key, version, text);
            is_known = known.is_some();
            known
        });
        assert_eq!(read.unwrap().version.spec, spec(object));
        is_known
    };
    assert!(known(&version(object("web", 1, &good), 2)));
    let other = profile("shop", &["/bin/id"]);
    assert!(!known(&version(object("web", 1, &other), 2)));
    assert!(!known(&version(signed(object("web", 1, &good), &good), 2)));
}

/// A cluster that was restored from a backup gives a generation for the second time.
#[tokio::test(start_paused = true)]
async fn what_has_a_generation_again_is_taken_up_and_told_of_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = with_own(folder.path());
    let cluster = Cluster::new();
    let (web, other) = (profile("shop", &["/bin/ls"]), profile("shop", &["/bin/id"]));
    let first = version(object("web", 1, &web), 5);
    let again = version(object("web", 1, &other), 5);
    cluster.put(first.clone());
    let mut followed = begin(&cluster, signatures(false));
    followed.hand(&mut judge).await;
    let told = followed.state(&judge, 1).unwrap();
    assert_eq!(
        Some(&*told.spec_digest),
        spec(&first).as_ref().map(|it| &it[..])
    );
    // By a new list, as the place in history from which it watched is none any more.
    cluster.fare(Mood::Forgetful(true));
    cluster.put(again.clone());
    tokio::time::sleep(LONG).await;
    followed.hand(&mut judge).await;
    let told = followed.state(&judge, 1).unwrap();
    assert_eq!((told.verdict(), told.generation), (Verdict::InForce, 5));
    assert_eq!(
        Some(&*told.spec_digest),
        spec(&again).as_ref().map(|it| &it[..])
    );
    let (_, yaml) = judge.profile("shop/Deployment/web/app").unwrap();
    let (says, _) = yaml.split_once("status:").unwrap();
    assert!(
        says.contains("/bin/id") && !says.contains("/bin/ls"),
        "{yaml}"
    );
    // A refusal is of what is refused.
    let refused = signed(again, &web);
    cluster.put(refused.clone());
    followed.hand(&mut judge).await;
    tokio::time::sleep(LONG).await;
    let told = followed.state(&judge, 1).unwrap();
    assert_eq!(told.verdict(), Verdict::Refused);
    assert_eq!(
        Some(&*told.spec_digest),
        spec(&refused).as_ref().map(|it| &it[..])
    );
}
