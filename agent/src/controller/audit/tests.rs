//! By a whole controller, whose API a test stands in for.

mod meta;

use super::modes::Modes;
use super::own::Own;
use super::profiles::Profiles;
use crate::config::StartMode;
use crate::controller::tests::stage::{Keys, Log, Replica, until};
use crate::kubernetes::api::Api;
use crate::kubernetes::double::{Cluster, Ending, Mood};
use crate::kubernetes::watch::Follower;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A namespace as the API has it after `kubectl label` so many seconds ago.
fn namespace(name: &str, mode: Option<&str>, ago: i64, said: Value) -> Value {
    let mut labels = json!({"kubernetes.io/metadata.name": name});
    let mut fields = Vec::new();
    if let Some(mode) = mode {
        labels["lapwing.dev/mode"] = json!(mode);
        fields.push(field(
            "kubectl-label",
            ago,
            json!({"f:metadata": {"f:labels": {"f:lapwing.dev/mode": {}}}}),
        ));
    }
    json!({"kind": "Namespace", "metadata": Value::from_iter([
        ("name", json!(name)), ("uid", json!(name)), ("labels", labels), ("annotations", said),
        ("managedFields", json!(fields)),
    ])})
}

fn field(manager: &str, ago: i64, fields: Value) -> Value {
    let now = jiff::Timestamp::from_second(crate::clock::now() / 1_000_000_000 - ago).unwrap();
    Value::from_iter([
        ("manager", json!(manager)),
        ("operation", json!("Update")),
        ("time", json!(now.to_string())),
        ("fieldsV1", fields),
    ])
}

fn profile(generation: i64, mode: &str, manager: &str, said: Value) -> Value {
    let of_status = json!({"manager": "x", "subresource": "status", "time": "2999-01-01T00:00:00Z",
        "fieldsV1": {"f:spec": {}}});
    let spec = json!({"mode": mode, "workload":
        {"namespace": "shop", "kind": "Deployment", "name": "web", "container": "app"}});
    json!({"kind": "BehaviorProfile", "spec": spec, "metadata": Value::from_iter([
        ("name", json!("web")), ("namespace", json!("shop")), ("uid", json!("bp")),
        ("generation", json!(generation)), ("annotations", said),
        ("managedFields", json!([of_status, field(manager, 5, json!({"f:spec": {"f:mode": {}}}))])),
    ])})
}

/// The Events, each as its word, its type and its text, in the order of their texts.
fn told(cluster: &Cluster) -> Vec<String> {
    let events = cluster.written_objects("events");
    let one = |event: &Value| {
        let of = &event["regarding"];
        let place = event["metadata"]["namespace"].as_str().unwrap();
        // The API takes no Event beside another namespace than that of its object.
        assert_eq!(of["namespace"], *place);
        assert!(event["note"].as_str().unwrap().len() <= 1_000);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (kind, reason, note) = (&event["type"], &event["reason"], &event["note"]);
        format!("{} {} {place} {}", text(kind), text(reason), text(note))
    };
    let mut all: Vec<_> = events.iter().map(one).collect();
    all.sort();
    all
}

async fn has(cluster: &Cluster, start: &str) -> String {
    until(start, || {
        told(cluster).iter().any(|one| one.starts_with(start))
    })
    .await;
    let all = told(cluster);
    all.into_iter().find(|one| one.starts_with(start)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mode_that_changes_is_an_event_with_who_and_why_and_once() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    // Of one that was labelled long ago nothing is told, of one just now it is, whoever led then.
    cluster.put(namespace("old", Some("off"), 7_200, json!({})));
    cluster.put(namespace("shop", Some("monitor"), 60, json!({})));
    cluster.put(namespace("none", None, 0, json!({})));
    let first = Replica::start(&keys, &cluster, "one", 1);
    let text = has(&cluster, "Normal ModeChanged shop").await;
    assert!(
        text.contains("lapwing.dev/mode of the namespace shop: is monitor, written by the client kubectl-label"),
        "{text}"
    );
    assert!(
        text.contains("audit log") && text.contains("no reason is given"),
        "{text}"
    );
    let said = json!({"lapwing.dev/actor": "ann", "lapwing.dev/reason": format!("a\u{1b}[2J {}", "r".repeat(2_000))});
    cluster.put(namespace("shop", Some("off"), 0, said));
    let text = has(&cluster, "Warning ModeChanged shop").await;
    assert!(
        text.contains("shop: monitor -> off, by ann, as lapwing.dev/actor says"),
        "{text}"
    );
    assert!(
        text.contains(": a") && !text.contains('\u{1b}') && text.ends_with('…'),
        "{text}"
    );
    cluster.put(namespace(
        "shop",
        None,
        0,
        json!({"lapwing.dev/actor": "bob"}),
    ));
    has(
        &cluster,
        "Normal ModeChanged shop lapwing.dev/mode of the namespace shop: off -> no mode, by bob",
    )
    .await;
    // A second time within the hour.
    cluster.put(namespace("shop", Some("monitor"), 0, json!({})));
    has(
        &cluster,
        "Normal ModeChanged shop lapwing.dev/mode of the namespace shop: no mode -> monitor",
    )
    .await;
    cluster.put(namespace(
        "shop",
        None,
        0,
        json!({"lapwing.dev/actor": "carol"}),
    ));
    let text = has(
        &cluster,
        "Warning ModeChanged shop lapwing.dev/mode of the namespace shop: monitor -> no mode",
    )
    .await;
    assert!(text.contains("by carol"), "{text}");
    // Her word stands there still when another client writes.
    cluster.put(namespace(
        "shop",
        Some("learn"),
        0,
        json!({"lapwing.dev/actor": "carol"}),
    ));
    let text = has(
        &cluster,
        "Warning ModeChanged shop lapwing.dev/mode of the namespace shop: no mode -> learn",
    )
    .await;
    assert!(
        !text.contains("carol") && text.contains("written by the client kubectl-label"),
        "{text}"
    );
    cluster.put(namespace("none", Some("Monitor!"), 0, json!({})));
    has(
        &cluster,
        "Warning ModeChanged none lapwing.dev/mode of the namespace none: no mode -> Monitor!, which is none of \
         monitor, learn, off",
    )
    .await;
    cluster.put(namespace("pay", Some("monitor"), 1, json!({})));
    has(&cluster, "Normal ModeChanged pay").await;
    let before = told(&cluster);
    assert_eq!(before.len(), 8, "{before:#?}");
    // Another leader tells nothing twice, and goes on.
    first.end().await;
    let second = Replica::start(&keys, &cluster, "two", 1);
    until("the second leads", || second.leads()).await;
    cluster.put(namespace("pay", Some("learn"), 0, json!({})));
    has(
        &cluster,
        "Warning ModeChanged pay lapwing.dev/mode of the namespace pay: monitor -> learn",
    )
    .await;
    assert_eq!(told(&cluster).len(), 9, "{:#?}", told(&cluster));
    second.end().await;
}

#[tokio::test]
async fn a_change_of_the_mode_loosens_as_the_admission_policy_has_it() {
    let loosens = |unlabelled: StartMode, from: Option<Option<&str>>, to: Option<&str>| {
        let (sender, mut records) = mpsc::channel(100);
        let api = Arc::new(Api::new(Cluster::new().reach(), Duration::from_secs(5)));
        let modes = Modes::new(api, super::Audit(sender), unlabelled);
        let object = |mode| {
            let text = namespace("shop", mode, 9_000, json!({})).to_string();
            modes.read(&RawValue::from_string(text).unwrap()).unwrap()
        };
        modes.replace(from.map(object).into_iter().collect());
        modes.put(object(to));
        records.try_recv().unwrap().warns
    };
    let (new, none) = (None, Some(None));
    for (from, to, if_learning, if_monitoring) in [
        (new, Some("off"), true, true),
        (new, Some("learn"), false, true),
        (new, Some("monitor"), false, false),
        // It may be monitored since it had the label once.
        (none, Some("learn"), true, true),
        (none, Some("monitor"), false, false),
        (Some(Some("monitor")), None, true, false),
        (Some(Some("monitor")), Some("learn"), true, true),
        (Some(Some("learn")), None, false, false),
        (Some(Some("off")), Some("learn"), false, false),
        // A word that is none, which the policy refuses, is told of as what loosens.
        (new, Some("monitr"), true, true),
        (Some(Some("monitor")), Some("monitr"), true, true),
        (Some(Some("monitr")), Some("learn"), true, true),
        (Some(Some("monitr")), Some("monitor"), false, false),
    ] {
        let found = [StartMode::Learn, StartMode::Monitor].map(|it| loosens(it, from, to));
        assert_eq!(found, [if_learning, if_monitoring], "{from:?} -> {to:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modes_are_watched_where_agents_obey_them() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let replica = Replica::with(&keys, &cluster, "one", 1, |config| {
        config.modes.enabled = false;
    });
    cluster.put(with_uid("web", "kubectl"));
    has(&cluster, "Normal ProfileApproved shop").await;
    let asked = cluster.asked();
    assert!(
        !asked.iter().any(|it| it.contains("/api/v1/namespaces?")),
        "{asked:#?}"
    );
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_is_made_changed_or_deleted_is_an_event() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let replica = Replica::start(&keys, &cluster, "one", 1);
    cluster.put(namespace("x", Some("monitor"), 1, json!({})));
    // It lists before it tells.
    has(&cluster, "Normal ModeChanged x").await;
    let said = || json!({"lapwing.dev/actor": "ann", "lapwing.dev/reason": "release 1.4"});
    // An API that fails for a while loses none.
    cluster.refuse_in("shop", 503);
    cluster.put(profile(1, "Learning", "argocd", said()));
    until("it is tried", || cluster.written().events > 0).await;
    cluster.allow_in("shop");
    let text = has(&cluster, "Normal Profile").await;
    assert_eq!(
        text,
        "Normal ProfileApproved shop the BehaviorProfile shop/web is made, in Learning (generation 1), by ann, \
         as lapwing.dev/actor says, written by the client argocd: release 1.4"
    );
    cluster.put(profile(2, "Monitoring", "kubectl", json!({})));
    let text = has(&cluster, "Normal ProfilePromoted shop").await;
    assert!(
        text.contains(
            "goes from Learning to Monitoring (generation 2), written by the client kubectl"
        ),
        "{text}"
    );
    // The same again, with another label maybe.
    cluster.put(profile(2, "Monitoring", "kubectl", json!({})));
    cluster.put(profile(3, "Monitoring", "kubectl", json!({})));
    has(&cluster, "Normal ProfileChanged shop").await;
    cluster.put(profile(4, "Learning", "kubectl", said()));
    let text = has(&cluster, "Warning ProfileLoosened shop").await;
    assert!(
        text.contains(", by ann, as lapwing.dev/actor says"),
        "{text}"
    );
    // What stands there still is of that change, and not of the next one.
    cluster.put(profile(5, "Monitoring", "kubectl", said()));
    let is_fifth = |one: &&String| one.contains("generation 5");
    until("the fifth", || {
        told(&cluster).iter().any(|one| is_fifth(&one))
    })
    .await;
    let all = told(&cluster);
    let text = all.iter().find(is_fifth).unwrap();
    assert!(
        !text.contains("ann") && text.contains("no reason is given"),
        "{text}"
    );
    cluster.delete("bp");
    let text = has(&cluster, "Warning ProfileDeleted shop").await;
    // Who wrote it last is not who deleted it.
    assert!(
        !text.contains("ann") && text.contains("audit log alone"),
        "{text}"
    );
    // Any client may give itself the controller's name.
    cluster.put(with_uid("other", "lapwing-controller"));
    let text = has(
        &cluster,
        "Normal ProfileApproved shop the BehaviorProfile shop/other",
    )
    .await;
    assert!(
        text.contains("written by the client lapwing-controller"),
        "{text}"
    );
    replica.end().await;
}

/// One of this uid and name that was made just now.
fn with_uid(uid: &str, manager: &str) -> Value {
    let mut profile = profile(1, "Monitoring", manager, json!({}));
    profile["metadata"]["uid"] = json!(uid);
    profile["metadata"]["name"] = json!(uid);
    profile
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_while_the_api_is_away_is_told() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    cluster.put(with_uid("kept", "kubectl"));
    cluster.put(with_uid("monitored", "kubectl"));
    let mut learning = with_uid("learning", "kubectl");
    learning["spec"]["mode"] = json!("Learning");
    cluster.put(learning);
    let replica = Replica::start(&keys, &cluster, "one", 1);
    for name in ["kept", "monitored", "learning"] {
        let start = format!("Normal ProfileApproved shop the BehaviorProfile shop/{name} ");
        has(&cluster, &start).await;
    }
    cluster.fare(Mood::Down);
    cluster.delete("monitored");
    cluster.delete("learning");
    cluster.forget();
    cluster.fare(Mood::Well);
    let text = has(&cluster, "Warning ProfileDeleted shop").await;
    assert!(
        text.contains("shop/monitored is deleted (generation 1)")
            && text.contains("audit log alone"),
        "{text}"
    );
    let text = has(&cluster, "Normal ProfileDeleted shop").await;
    assert!(text.contains("shop/learning is deleted"), "{text}");
    let all = told(&cluster);
    assert!(
        !all.iter().any(|one| one.contains("shop/kept is deleted")),
        "{all:#?}"
    );
    replica.end().await;
}

/// Its Event would be in a namespace that takes none, and nothing is wrong with that.
#[tokio::test]
async fn what_goes_with_its_namespace_is_in_the_log_alone() {
    let (log, _logging) = Log::begin();
    for ending in [Ending::Terminating, Ending::Gone] {
        let cluster = Cluster::new();
        let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
        api.connect().await.unwrap();
        let (audit, clerk) = super::begin(api, "one");
        let profiles = Profiles::new(
            audit.clone(),
            Arc::new(Own::new(audit)),
            "lapwing-controller",
        );
        let web = profile(9, "Monitoring", "kubectl", json!({}));
        let known = meta(&web);
        profiles.replace([(&known, "Monitoring", None)].into_iter());
        let clerk = tokio::spawn(clerk.run());
        until("it is told", || cluster.written().events == 1).await;
        cluster.end_namespace("shop", Some(ending));
        profiles.remove(&known, "Monitoring");
        until("an Event is tried", || cluster.written().events == 1).await;
        until("it is said", || log.text().contains("no Event")).await;
        clerk.abort();
    }
    let text = log.text();
    assert_eq!(text.matches("shop/web is deleted").count(), 2, "{text}");
    assert_eq!(text.matches("there is no Event").count(), 2, "{text}");
    for word in ["forbidden", "denied", "WARN", "ERROR"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

fn meta(profile: &Value) -> super::Meta {
    serde_json::from_value(profile["metadata"].clone()).unwrap()
}

/// Names of the profiles that were told of.
fn names(records: &mut mpsc::Receiver<super::Record>) -> Vec<String> {
    std::iter::from_fn(|| records.try_recv().ok())
        .map(|record| record.subject.name)
        .collect()
}

#[test]
fn own_profiles_are_known_by_their_uids() {
    let (sender, mut records) = mpsc::channel(100);
    let audit = super::Audit(sender);
    let own = Arc::new(Own::new(audit.clone()));
    let profiles = Profiles::new(audit, Arc::clone(&own), "lapwing-controller");
    let put = |uid: &str| profiles.put(&meta(&with_uid(uid, "lapwing-controller")), "Monitoring");
    profiles.replace([].into_iter());
    // Seen before the API answered who made it, and after.
    let (first, second) = (own.begin(), own.begin());
    put("a");
    put("foreign");
    first.made("a".to_owned());
    assert!(names(&mut records).is_empty());
    // One that begins later cannot be it.
    let third = own.begin();
    second.made("b".to_owned());
    assert_eq!(names(&mut records), ["foreign"]);
    put("b");
    third.made("c".to_owned());
    put("c");
    assert!(names(&mut records).is_empty());
    // One whose making failed, or of which no answer came, is told.
    let failed = own.begin();
    put("d");
    drop(failed);
    put("e");
    assert_eq!(names(&mut records), ["d", "e"]);
    // A uid counts once.
    own.begin().made("f".to_owned());
    put("f");
    profiles.remove(&meta(&with_uid("f", "")), "Learning");
    put("f");
    assert_eq!(names(&mut records), ["f", "f"]);
}

#[test]
fn one_of_the_first_list_is_told_unless_a_leader_saw_it() {
    let (sender, mut records) = mpsc::channel(100);
    let audit = super::Audit(sender);
    let own = Arc::new(Own::new(audit.clone()));
    let profiles = Profiles::new(audit, own, "lapwing-controller");
    let now = crate::clock::now() / 1_000_000_000;
    let at = |ago: i64| Some(jiff::Timestamp::from_second(now - ago).unwrap().to_string());
    // All were written five seconds ago.
    let all = [
        ("seen", "lapwing-controller", at(1)),
        ("before", "lapwing-controller", at(60)),
        ("never", "lapwing-controller", None),
        ("strange", "lapwing-controller", Some("x".to_owned())),
        ("others", "kubectl", at(1)),
    ];
    let all = all.map(|(uid, manager, since)| (meta(&with_uid(uid, manager)), since));
    let items = all
        .iter()
        .map(|(meta, since)| (meta, "Monitoring", since.clone()));
    profiles.replace(items);
    assert_eq!(
        names(&mut records),
        ["before", "never", "strange", "others"]
    );
}

/// A leader that is new knows nothing from before.
#[test]
fn a_record_that_may_be_of_an_earlier_change_is_told_as_such() {
    let spec = || json!({"f:spec": {}});
    let both = || {
        let mut fields = spec();
        fields["f:metadata"]["f:annotations"]["f:lapwing.dev/actor"] = json!({});
        fields
    };
    let entry = |operation: &str, fields: Value| {
        let mut entry = field("kubectl", 1, fields);
        entry["operation"] = json!(operation);
        entry
    };
    let unsure = "of this change or of an earlier one lapwing.dev/actor says ann: why";
    for (generation, entry, actor, told) in [
        (
            1,
            entry("Update", spec()),
            "ann",
            "by ann, as lapwing.dev/actor says",
        ),
        (2, entry("Apply", both()), "kubectl", unsure),
        // Another client's words.
        (2, entry("Apply", spec()), "kubectl", "no reason is given"),
        (2, entry("Update", spec()), "kubectl", "no reason is given"),
        (2, entry("Update", both()), "kubectl", unsure),
    ] {
        let mut metadata = json!({"uid": "u", "annotations": {
            "lapwing.dev/actor": "ann", "lapwing.dev/reason": "why",
        }});
        metadata["generation"] = json!(generation);
        metadata["managedFields"] = json!([entry]);
        let meta: super::Meta = serde_json::from_value(metadata).unwrap();
        let said = meta.said(&["f:spec"], None);
        let text = said.text();
        assert_eq!(said.actor(), actor, "{text}");
        assert!(text.contains(told), "{text}");
        assert_eq!(text.contains("ann"), told != "no reason is given", "{text}");
        // Who knows what stood there before is sure.
        let said = meta.said(&["f:spec"], Some(&meta.record()));
        assert_eq!((said.actor(), said.reason()), ("kubectl", "none given"));
        assert_eq!(meta.said(&["f:spec"], Some("")).actor(), "ann");
    }
}

#[test]
fn what_is_no_metadata_says_nothing() {
    for fields in [
        json!(null),
        json!("x"),
        json!([1, {"manager": 1, "fieldsV1": {"f:spec": {}}}]),
    ] {
        let meta: super::Meta =
            serde_json::from_value(json!({"uid": "u", "managedFields": fields})).unwrap();
        let said = meta.said(&["f:spec"], None);
        assert_eq!(
            (said.actor(), said.reason(), said.is_recent()),
            ("unknown", "none given", false)
        );
    }
}
