//! By a whole controller, whose API a test stands in for.

use crate::controller::tests::stage::{Keys, Replica, until};
use crate::kubernetes::double::Cluster;
use serde_json::{Value, json};

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
    cluster.put(namespace("none", Some("Monitor!"), 0, json!({})));
    has(
        &cluster,
        "Normal ModeChanged none lapwing.dev/mode of the namespace none: no mode -> Monitor!",
    )
    .await;
    cluster.put(namespace("pay", Some("monitor"), 1, json!({})));
    has(&cluster, "Normal ModeChanged pay").await;
    let before = told(&cluster);
    assert_eq!(before.len(), 5, "{before:#?}");
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
    assert_eq!(told(&cluster).len(), 6, "{:#?}", told(&cluster));
    second.end().await;
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
    has(&cluster, "Warning ProfileLoosened shop").await;
    cluster.put(profile(5, "Monitoring", "kubectl", said()));
    until("the fifth", || {
        told(&cluster)
            .iter()
            .any(|one| one.contains("generation 5"))
    })
    .await;
    cluster.delete("bp");
    let text = has(&cluster, "Warning ProfileDeleted shop").await;
    // Who wrote it last is not who deleted it.
    assert!(
        !text.contains("ann") && text.contains("audit log alone"),
        "{text}"
    );
    // What the controller makes it tells of itself.
    let mut own = profile(1, "Monitoring", "lapwing-controller", json!({}));
    own["metadata"]["uid"] = json!("own");
    cluster.put(own);
    let mut next = profile(1, "Monitoring", "kubectl", json!({}));
    next["metadata"]["uid"] = json!("next");
    cluster.put(next);
    until("the next", || {
        told(&cluster)
            .iter()
            .filter(|one| one.contains("ProfileApproved"))
            .count()
            == 2
    })
    .await;
    assert!(
        !told(&cluster)
            .iter()
            .any(|one| one.contains("client lapwing-controller"))
    );
    replica.end().await;
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
        let said = meta.said(&["f:spec"]);
        assert_eq!(
            (said.actor(), said.reason(), said.is_recent()),
            ("unknown", "none given", false)
        );
    }
}
