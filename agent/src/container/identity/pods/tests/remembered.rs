//! Agents that start while the API is away, and what those before them were told.

use super::resolved::{Asked, is_owned, known_to_cri, settings};
use super::*;
use crate::container::identity::tests::double::Cri;
use crate::container::identity::{Answer, Place, Question, open_with};
use crate::container::tests::registry;
use crate::container::{Effect, FORGET_AFTER, MILLISECOND};
use std::collections::HashSet;
use std::path::PathBuf;

/// The cgroup of the container.
const HOME: u64 = 7;
const MODE: &str = "lapwing.dev/mode";

/// An agent that keeps below this folder what it is told.
fn agent(cluster: &Cluster, state: &Path, cri: Place) -> Asked {
    let settings = settings(cri, Duration::from_secs(2));
    let api = Api::new(cluster.reach(), settings.timeout);
    let pods = Pods::new(api, NODE).kept_in(state);
    let (identity, resolver) = open_with(&settings, Some(Arc::new(pods)), Arc::new(|| {}));
    let work = tokio::spawn(resolver.run());
    Asked { identity, work }
}

fn file(state: &Path) -> PathBuf {
    state.join("cluster/pods")
}

/// Waits until what is on disk is so.
async fn on_disk(state: &Path, is_so: impl Fn(&str) -> bool) -> String {
    let begun = std::time::Instant::now();
    loop {
        let text = std::fs::read_to_string(file(state)).unwrap_or_default();
        if is_so(&text) {
            return text;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{text}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// With what an agent left behind that knew the container.
async fn left_behind(cluster: &Cluster, cri: Place) -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let asked = agent(cluster, state.path(), cri);
    asked.api(State::Connected).await;
    assert!(asked.ask(ID));
    loop {
        let details = asked.details().await;
        if is_owned(&details) {
            assert!(!details.is_told_before());
            break;
        }
    }
    on_disk(state.path(), |text| text.contains(ID)).await;
    assert_eq!(source(&asked).told_before, 0);
    state
}

fn source(asked: &Asked) -> v1::Source {
    let status = asked.identity.status(0);
    let is_api = |source: &v1::Source| source.protocol == "kubernetes";
    status.sources.into_iter().find(is_api).unwrap()
}

async fn back(asked: &Asked) {
    // A runtime that was found at the start was told of in the same way.
    asked.api(State::Connected).await;
    while !asked.identity.is_back() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The first that is no more than a word to go on.
async fn settled(asked: &Asked) -> Answer {
    loop {
        match asked.reply().await {
            Answer::Later | Answer::Open => {}
            answer => return answer,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_counts_until_the_api_answers() {
    let cluster = with_deployment();
    let mut one = pod("web-6d5f7c-x", ID, &replica_set());
    one["metadata"]["annotations"] = json!({MODE: "monitor"});
    one["spec"]["containers"][0]["livenessProbe"] = json!({"exec": {"command": ["ready"]}});
    cluster.put(one);
    let state = left_behind(&cluster, Place::None).await;
    cluster.fare(Mood::Down);

    let asked = agent(&cluster, state.path(), Place::None);
    // Without a word of the API.
    let of = ("shop".to_owned(), "web-6d5f7c-x".to_owned());
    let modes = asked.identity.asked_modes();
    assert_eq!(modes.get(&of).map(String::as_str), Some("monitor"));
    let _ = asked.ask(ID);
    let Answer::Said(details, runtime) = asked.reply().await else {
        panic!("somebody waits")
    };
    assert_eq!(runtime, Runtime::Containerd);
    assert!(
        is_owned(&details) && details.is_told_before(),
        "{details:?}"
    );
    let owner = details.in_pod.as_ref().unwrap().owner.as_ref();
    assert_eq!(owner.unwrap().evidence, Evidence::Verified);
    assert_eq!(details.digest, format!("sha256:{HASH}"));
    let ready = ["ready".to_owned()];
    assert!(details.is_commanded(&ready, &crate::process::Entered::Program));
    let status = source(&asked);
    assert_eq!((status.told_before, status.told), (1, 0));
    assert!(status.told_before_time.is_some());
    assert!(matches!(settled(&asked).await, Answer::Said(..)));

    cluster.fare(Mood::Well);
    back(&asked).await;
    assert!(asked.ask(ID));
    while asked.details().await.is_told_before() {}
    assert_eq!(source(&asked).told_before, 0);
    // And from then on for the next.
    let kept = |text: &str| text.contains(ID) && text.contains("\"before\":null");
    on_disk(state.path(), kept).await;
}

/// What is as it was in all but what the kernel and the runtime call it was made while nobody looked.
#[tokio::test(start_paused = true)]
async fn a_name_and_labels_reach_nothing() {
    let cluster = with_pod();
    let state = left_behind(&cluster, Place::None).await;
    cluster.fare(Mood::Down);
    let asked = agent(&cluster, state.path(), Place::None);
    asked.api(State::Retrying).await;
    for (home, id) in [(HOME + 1, ID.to_owned()), (HOME, id(2)), (HOME + 1, id(2))] {
        let _ = asked.identity.ask(Question {
            home,
            id,
            seat: None,
        });
        assert_eq!(settled(&asked).await, Answer::Away);
    }
    // Of a pod with the same labels, name and uid the runtime says so.
    let pods = Pods::new(Api::new(cluster.reach(), LONG), NODE).kept_in(state.path());
    let own = said("web-6d5f7c-x", "uid-web-6d5f7c-x");
    let is_known = |home, id: &str, said: &Details| {
        let id = id.to_owned();
        pods.remembered(
            &Question {
                home,
                id,
                seat: None,
            },
            Some(said),
        )
        .is_some()
    };
    assert!(is_known(HOME, ID, &own));
    assert!(!is_known(HOME, &id(2), &own) && !is_known(HOME + 1, ID, &own));
    // And whatever else it says of the container outweighs what is kept.
    for change in [
        |said: &mut Details| said.pod_uid = "other".into(),
        |said: &mut Details| said.pod = "other".into(),
        |said: &mut Details| said.namespace = "other".into(),
        |said: &mut Details| said.name = "other".into(),
    ] {
        let mut other = own.clone();
        change(&mut other);
        assert!(!is_known(HOME, ID, &other), "{other:?}");
    }
}

#[tokio::test]
async fn what_the_runtime_says_is_joined_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let double = Cri::default();
    let place = Place::At(double.serve(folder.path()).await);
    let cluster = with_deployment();
    known_to_cri(&cluster);
    let state = left_behind(&cluster, place.clone()).await;
    cluster.fare(Mood::Down);
    // In the same pod, by what the runtime says.
    double.knows_also(&id(2));
    let asked = agent(&cluster, state.path(), place);
    assert!(asked.ask(ID));
    let details = asked.details().await;
    assert!(
        is_owned(&details) && details.is_told_before(),
        "{details:?}"
    );
    asked.api(State::Retrying).await;
    let question = Question {
        home: HOME + 1,
        id: id(2),
        seat: None,
    };
    assert!(asked.identity.ask(question));
    // The one before may have a word more.
    let other = loop {
        let other = asked.details().await;
        if other != details {
            break other;
        }
    };
    assert_eq!((&other.pod_uid, &other.in_pod), (&details.pod_uid, &None));
    cluster.fare(Mood::Well);
    back(&asked).await;
    assert!(asked.ask(ID));
    while asked.details().await.is_told_before() {}
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_went_meanwhile_is_not_known_any_more() {
    let cluster = with_pod();
    let state = left_behind(&cluster, Place::None).await;
    cluster.fare(Mood::Down);
    let asked = agent(&cluster, state.path(), Place::None);
    let _ = asked.ask(ID);
    assert!(matches!(asked.reply().await, Answer::Said(..)));
    assert!(matches!(settled(&asked).await, Answer::Said(..)));
    cluster.delete("uid-web-6d5f7c-x");
    cluster.fare(Mood::Well);
    back(&asked).await;
    assert_eq!(source(&asked).told_before, 0);
    let _ = asked.ask(ID);
    assert_eq!(settled(&asked).await, Answer::Nothing);
    on_disk(state.path(), |text| !text.is_empty() && !text.contains(ID)).await;
}

/// A pod that says that it is another's than it said before is not what was verified.
#[tokio::test(start_paused = true)]
async fn a_pod_with_another_owner_is_looked_up_anew() {
    let cluster = with_pod();
    let state = left_behind(&cluster, Place::None).await;
    cluster.fail(Some("replicasets"));
    let pods = || Pods::new(Api::new(cluster.reach(), LONG), NODE).kept_in(state.path());
    let is_known = |pods: &Pods| {
        let id = ID.to_owned();
        pods.remembered(
            &Question {
                home: HOME,
                id,
                seat: None,
            },
            None,
        )
        .is_some()
    };
    // Listed, and as it was: it counts until the owner is found.
    let same = watched(pods());
    let mut changed = same.changed.clone();
    let connected = changed.wait_for(|_| same.pods.state() == State::Connected);
    assert!(connected.await.is_ok());
    assert!(is_known(&same.pods));
    drop(same);
    let other = owner("apps/v1", "ReplicaSet", "api-1", "other");
    cluster.put(pod("web-6d5f7c-x", ID, &other));
    let other = watched(pods());
    assert!(is_known(&other.pods));
    let mut changed = other.changed.clone();
    let connected = changed.wait_for(|_| other.pods.state() == State::Connected);
    assert!(connected.await.is_ok());
    assert!(!is_known(&other.pods));
}

/// And what was told of it is not in force until that owner is found.
#[tokio::test(start_paused = true)]
async fn a_refuted_owner_is_taken_back_before_another_is_found() {
    let cluster = with_pod();
    let state = left_behind(&cluster, Place::None).await;
    let other = owner("apps/v1", "ReplicaSet", "api-1", "other");
    // It became another's while the API was away.
    cluster.fare(Mood::Down);
    let asked = agent(&cluster, state.path(), Place::None);
    let _ = asked.ask(ID);
    assert!(asked.details().await.is_told_before());
    assert!(asked.details().await.is_told_before());
    cluster.fail(Some("replicasets"));
    cluster.put(pod("web-6d5f7c-x", ID, &other));
    cluster.fare(Mood::Well);
    back(&asked).await;
    let begun = Instant::now();
    assert!(asked.ask(ID));
    assert_eq!(asked.reply().await, Answer::Open);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    cluster.fail(None);
    let found = loop {
        match asked.reply().await {
            Answer::Open => {}
            Answer::Said(details, _) => break details.in_pod.unwrap().owner.unwrap(),
            answer => panic!("{answer:?}"),
        }
    };
    assert_eq!((&*found.kind, found.evidence), ("Pod", Evidence::Refuted));
    drop(asked);

    // It becomes another's while its owner is looked up anew, however long that was asked for.
    cluster.put(pod("web-6d5f7c-x", ID, &replica_set()));
    let state = left_behind(&cluster, Place::None).await;
    cluster.fare(Mood::Down);
    let asked = agent(&cluster, state.path(), Place::None);
    asked.api(State::Retrying).await;
    cluster.fail(Some("replicasets"));
    cluster.fare(Mood::Well);
    back(&asked).await;
    assert!(asked.ask(ID));
    assert!(asked.details().await.is_told_before());
    tokio::time::sleep(LONG).await;
    assert_eq!(asked.identity.reply(), None);
    cluster.put(pod("web-6d5f7c-x", ID, &other));
    assert_eq!(asked.reply().await, Answer::Open);
}

/// The same where a runtime answers: its word is what is left.
#[tokio::test]
async fn a_runtime_s_word_is_left_of_a_refuted_owner() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::At(Cri::default().serve(folder.path()).await);
    let cluster = with_deployment();
    known_to_cri(&cluster);
    let state = left_behind(&cluster, place.clone()).await;
    cluster.fare(Mood::Down);
    let asked = agent(&cluster, state.path(), place);
    asked.api(State::Retrying).await;
    cluster.fail(Some("replicasets"));
    cluster.fare(Mood::Well);
    back(&asked).await;
    assert!(asked.ask(ID));
    assert!(asked.details().await.is_told_before());
    let other = owner("apps/v1", "ReplicaSet", "api-1", "other");
    let mut pod = pod("web-0", &id(1), &other);
    pod["metadata"]["uid"] = json!("0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0");
    pod["status"] = Value::Null;
    cluster.put(pod);
    // In time that passes.
    let details = tokio::time::timeout(Duration::from_secs(60), asked.details());
    let details = details.await.unwrap();
    assert_eq!((&*details.pod, &details.in_pod), ("web-0", &None));
}

/// An owner may be found long after its container went: nobody would have that forgotten any more.
#[tokio::test(start_paused = true)]
async fn what_is_told_of_one_that_went_is_not_kept() {
    let cluster = with_pod();
    cluster.fail(Some("replicasets"));
    let state = tempfile::tempdir().unwrap();
    let asked = agent(&cluster, state.path(), Place::None);
    asked.api(State::Connected).await;
    let pods = Arc::clone(asked.identity.board.pods.as_ref().unwrap());
    let kept = || pods.store().kept().len();
    let mut registry = registry(state.path(), |_| {}).asking(2_000 * MILLISECOND);
    let carry_out = |effects: Vec<Effect>| {
        for effect in effects {
            match effect {
                Effect::Ask(question) => assert!(asked.identity.ask(question)),
                Effect::Gone(home) => asked.identity.gone(home),
                _ => {}
            }
        }
    };
    let path = |id: &str| format!("/kubepods/pod1/{id}");
    carry_out(registry.met(HOME, 1, &path(ID), 1));
    tokio::time::sleep(LONG).await;
    registry.removed(HOME, 2);
    carry_out(registry.tick(2 * FORGET_AFTER, HashSet::new));
    assert!(registry.known().next().is_none());
    cluster.fail(None);
    while source(&asked).told == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(kept(), 1, "it is told, and nobody heard of it");
    while let Some(effects) = registry.hear(&asked.identity, 3 * FORGET_AFTER) {
        carry_out(effects);
    }
    assert_eq!(kept(), 0);
    // Of one that is there it is kept.
    carry_out(registry.met(HOME + 1, 1, &path(ID), 4 * FORGET_AFTER));
    while source(&asked).told == 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while let Some(effects) = registry.hear(&asked.identity, 4 * FORGET_AFTER) {
        carry_out(effects);
    }
    assert_eq!(kept(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_ended_is_forgotten() {
    let cluster = with_pod();
    let state = left_behind(&cluster, Place::None).await;
    cluster.fare(Mood::Down);
    let asked = agent(&cluster, state.path(), Place::None);
    asked.identity.met(|home| home == HOME);
    asked.identity.gone(HOME + 1);
    assert_eq!(source(&asked).told_before, 1);
    asked.identity.gone(HOME);
    assert_eq!(source(&asked).told_before, 0);
    on_disk(state.path(), |text| !text.is_empty() && !text.contains(ID)).await;
    // It ended while no agent ran.
    cluster.fare(Mood::Well);
    let state = left_behind(&cluster, Place::None).await;
    let asked = agent(&cluster, state.path(), Place::None);
    asked.identity.met(|_| false);
    assert_eq!(source(&asked).told_before, 0);
}

/// However often agents start meanwhile: what was told keeps its age.
#[tokio::test(start_paused = true)]
async fn what_was_told_does_not_become_younger() {
    let cluster = with_pod();
    let state = left_behind(&cluster, Place::None).await;
    cluster.fare(Mood::Down);
    let mut times = Vec::new();
    for _ in 0..3 {
        let asked = agent(&cluster, state.path(), Place::None);
        times.push(source(&asked).told_before_time);
        asked.api(State::Retrying).await;
        // Written anew.
        std::fs::remove_file(file(state.path())).unwrap();
        let _ = asked.ask(ID);
        assert!(matches!(asked.reply().await, Answer::Said(..)));
        on_disk(state.path(), |text| text.contains(ID)).await;
    }
    assert!(
        times[0].is_some() && times.iter().all(|time| *time == times[0]),
        "{times:?}"
    );
}
