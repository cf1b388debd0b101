//! Against a cluster that tests stand in for. Where time counts it stands still until everything
//! waits, and then leaps: what is counted is exact, however busy the machine.

mod away;
mod kept;
mod owners;
mod reached;
mod remembered;
mod resolved;

use super::*;
use crate::container::layout::Runtime;
use crate::container::pod::{Evidence, Kind};
use crate::kubernetes::double::{Cluster, Mood, NODE};
use serde_json::{Value, json};
use tokio::time::Instant;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const HASH: &str = "aaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccdddd";
/// More than any wait of the agent, in time that costs nothing.
const LONG: Duration = Duration::from_secs(3_600);

/// The agent's side, at work.
struct Watched {
    pods: Arc<Pods>,
    changed: channel::Receiver<u64>,
    work: tokio::task::JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.work.abort();
    }
}

fn begin(cluster: &Cluster) -> Watched {
    begin_as(cluster, NODE)
}

fn begin_as(cluster: &Cluster, node: &str) -> Watched {
    let api = Api::new(cluster.reach(), Duration::from_secs(5));
    watched(Pods::new(api, node))
}

fn watched(pods: Pods) -> Watched {
    let pods = Arc::new(pods);
    let (changes, changed) = channel::channel(0);
    let work = tokio::spawn(Arc::clone(&pods).watch(changes));
    Watched {
        pods,
        changed,
        work,
    }
}

impl Watched {
    /// Waits until it is so.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Pods) -> bool) {
        let pods = Arc::clone(&self.pods);
        let so = self.changed.wait_for(|_| is_so(&pods));
        let so = tokio::time::timeout(24 * LONG, so).await;
        assert!(so.is_ok(), "{what}: {:?}", self.pods.status());
    }

    async fn known(&mut self, id: &str) -> Details {
        let is_known = |pods: &Pods| matches!(pods.fact(id, None), Fact::Known(..));
        self.until(id, is_known).await;
        let Fact::Known(details, runtime) = self.pods.fact(id, None) else {
            panic!("it is no longer known")
        };
        assert_eq!(runtime, Runtime::Containerd);
        *details
    }

    /// Whose a container is, and what speaks for it.
    async fn owner(&mut self, id: &str) -> (String, Evidence) {
        let details = self.known(id).await;
        let owner = details.in_pod.unwrap().owner.unwrap();
        (format!("{}/{}", owner.kind, owner.name), owner.evidence)
    }
}

fn id(number: usize) -> String {
    format!("{number:064x}")
}

/// A pod of one container.
fn pod(name: &str, id: &str, owner: &Value) -> Value {
    let owners = match owner {
        Value::Null => json!([]),
        owner => json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}, owner]),
    };
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"),
            "labels": {"app": "web", "pod-template-hash": "6d5f7c"}, "ownerReferences": owners},
        "spec": {"nodeName": NODE, "containers": [{"name": "app", "image": "team/web:1"}]},
        "status": {"containerStatuses": [{"name": "app", "containerID": format!("containerd://{id}"),
            "imageID": format!("team/web@sha256:{HASH}")}]},
    })
}

fn owner(api: &str, kind: &str, name: &str, uid: &str) -> Value {
    json!({"apiVersion": api, "kind": kind, "name": name, "uid": uid, "controller": true})
}

fn replica_set() -> Value {
    owner("apps/v1", "ReplicaSet", "web-6d5f7c", "rs")
}

const REPLICA_SET: &str = "/apis/apps/v1/namespaces/shop/replicasets/web-6d5f7c";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

/// With a Deployment, and its ReplicaSet.
fn with_deployment() -> Cluster {
    let cluster = Cluster::new();
    let labels = json!({"app": "web", "pod-template-hash": "6d5f7c"});
    let above = owner("apps/v1", "Deployment", "web", "d");
    let set = json!({
        "metadata": {"name": "web-6d5f7c", "namespace": "shop", "uid": "rs", "labels": labels,
            "ownerReferences": [above]},
        "spec": {"selector": {"matchLabels": labels}},
    });
    cluster.own(REPLICA_SET, set);
    let deployment = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "d"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    });
    cluster.own(DEPLOYMENT, deployment);
    cluster
}

fn with_pod() -> Cluster {
    let cluster = with_deployment();
    cluster.put(pod("web-6d5f7c-x", ID, &replica_set()));
    cluster
}

fn of_deployment() -> (String, Evidence) {
    ("Deployment/web".to_owned(), Evidence::Verified)
}

fn lists(asked: &[String]) -> usize {
    let is_list =
        |target: &&String| target.starts_with("/api/v1/pods?") && !target.contains("watch=true");
    asked.iter().filter(is_list).count()
}

#[tokio::test(start_paused = true)]
async fn names_arrive_and_follow_what_happens() {
    let cluster = with_pod();
    let mut elsewhere = pod("web-6d5f7c-z", &id(9), &replica_set());
    elsewhere["spec"]["nodeName"] = json!("n2");
    cluster.put(elsewhere);
    let mut watched = begin(&cluster);
    let details = watched.known(ID).await;
    assert_eq!((&*details.name, &*details.image), ("app", "team/web:1"));
    assert_eq!(details.digest, format!("sha256:{HASH}"));
    assert_eq!(
        (&*details.pod, &*details.namespace),
        ("web-6d5f7c-x", "shop")
    );
    assert_eq!(details.pod_uid, "uid-web-6d5f7c-x");
    let told = details.in_pod.unwrap();
    assert_eq!(told.kind, Some(Kind::Main));
    assert_eq!(watched.owner(ID).await, of_deployment());
    let asked = cluster.asked();
    assert_eq!(lists(&asked), 1, "{asked:?}");
    assert_eq!(
        asked
            .iter()
            .filter(|target| target.contains("watch=true"))
            .count(),
        1
    );
    // One that comes, of which the kubelet tells later what runs in it.
    let mut new = pod("web-6d5f7c-y", &id(2), &replica_set());
    let status = new["status"].take();
    cluster.put(new.clone());
    watched
        .until("two pods", |pods| pods.status().pods == 2)
        .await;
    assert_eq!(watched.pods.fact(&id(2), None), Fact::Unknown);
    new["status"] = status;
    cluster.put(new);
    assert_eq!(watched.owner(&id(2)).await, of_deployment());
    // Both owners are known, and nothing is listed again.
    assert_eq!(cluster.asked(), [] as [&str; 0]);
    // One that goes: its last records may still come, and then it is forgotten.
    cluster.delete("uid-web-6d5f7c-y");
    watched
        .until("one pod", |pods| pods.status().pods == 1)
        .await;
    assert_eq!(watched.owner(&id(2)).await, of_deployment());
    tokio::time::sleep(Duration::from_secs(61)).await;
    cluster.put(pod("web-6d5f7c-a", &id(3), &replica_set()));
    watched.known(&id(3)).await;
    assert_eq!(watched.pods.fact(&id(2), None), Fact::Unknown);
    // The other node's was never heard of.
    assert_eq!(watched.pods.fact(&id(9), None), Fact::Unknown);
}

#[tokio::test(start_paused = true)]
async fn containers_of_all_kinds_are_told_apart() {
    let cluster = with_deployment();
    let mut all = pod("web-6d5f7c-x", &id(1), &replica_set());
    all["spec"]["initContainers"] =
        json!([{"name": "setup"}, {"name": "mesh", "restartPolicy": "Always"}]);
    all["spec"]["ephemeralContainers"] = json!([{"name": "debug"}]);
    let ran = |name: &str, number| json!({"name": name, "containerID": format!("containerd://{}", id(number))});
    all["status"]["initContainerStatuses"] = json!([ran("setup", 2), ran("mesh", 3)]);
    all["status"]["ephemeralContainerStatuses"] = json!([ran("debug", 4)]);
    // The one before it was killed.
    all["status"]["containerStatuses"][0]["lastState"] =
        json!({"terminated": {"containerID": format!("containerd://{}", id(5))}});
    cluster.put(all);
    let mut watched = begin(&cluster);
    for (number, name, kind) in [
        (1, "app", Kind::Main),
        (2, "setup", Kind::Init),
        (3, "mesh", Kind::Sidecar),
        (4, "debug", Kind::Ephemeral),
        (5, "app", Kind::Main),
    ] {
        let details = watched.known(&id(number)).await;
        assert_eq!(
            (&*details.name, details.in_pod.unwrap().kind),
            (name, Some(kind))
        );
        // What is told of the image is told of the one that runs.
        assert_eq!(details.digest.is_empty(), number != 1);
    }
}

/// What the runtime says of a container.
fn said(pod: &str, uid: &str) -> Details {
    Details {
        name: "app".into(),
        pod: pod.into(),
        namespace: "shop".into(),
        pod_uid: uid.into(),
        ..Details::default()
    }
}

/// By its pod's uid it is known before the kubelet has told of it; and no other pod's by its id.
#[tokio::test(start_paused = true)]
async fn what_a_runtime_says_has_the_word_for_the_pod() {
    let cluster = with_pod();
    let mut watched = begin(&cluster);
    watched.known(ID).await;
    let fact = |id: &str, pod: &str, uid: &str| {
        let fact = watched.pods.fact(id, Some(&said(pod, uid)));
        matches!(fact, Fact::Known(..))
    };
    let (name, uid) = ("web-6d5f7c-x", "uid-web-6d5f7c-x");
    assert!(fact(&id(7), name, uid) && fact(ID, name, uid) && fact(ID, name, ""));
    assert!(
        !fact(ID, "other", "uid-other"),
        "the API's word for another pod"
    );
    assert!(!fact(ID, "other", uid) && !fact(ID, "other", ""));
    let Fact::Known(details, _) = watched.pods.fact(&id(7), Some(&said(name, uid))) else {
        panic!("it was known")
    };
    // Which digest that one has is not known.
    assert_eq!((&*details.name, &*details.digest), ("app", ""));
    let sandbox = Details {
        name: "POD".into(),
        ..said(name, uid)
    };
    let Fact::Known(details, _) = watched.pods.fact(&id(8), Some(&sandbox)) else {
        panic!("it was known")
    };
    let told = details.in_pod.unwrap();
    assert_eq!(
        (told.kind, told.owner.unwrap().name.as_str()),
        (None, "web")
    );
}

#[tokio::test(start_paused = true)]
async fn a_past_that_is_forgotten_is_listed_anew() {
    for by_status in [true, false] {
        let cluster = with_pod();
        let mut watched = begin(&cluster);
        watched.known(ID).await;
        cluster.asked();
        cluster.fare(Mood::Forgetful(by_status));
        // What happens now nobody tells.
        cluster.delete("uid-web-6d5f7c-x");
        cluster.put(pod("web-6d5f7c-y", &id(2), &replica_set()));
        assert_eq!(watched.owner(&id(2)).await, of_deployment());
        assert_eq!(watched.pods.status().pods, 1);
        let asked = cluster.asked();
        assert_eq!(lists(&asked), 1, "{asked:?}");
        // What an API server has in memory may be as old as what was forgotten. Of the store that all
        // share it is not asked: neither without a place, nor with a limit.
        let place = asked
            .iter()
            .find(|target| target.ends_with("&resourceVersionMatch=NotOlderThan"));
        let place = place.unwrap_or_else(|| panic!("{asked:?}"));
        assert!(place.contains("&resourceVersion=1&") && !place.contains("limit="));
        assert_eq!(watched.pods.state(), State::Connected);
    }
    // A place that is too old for one that remembers some.
    let cluster = with_pod();
    let mut watched = begin(&cluster);
    watched.known(ID).await;
    cluster.fare(Mood::Closing);
    cluster.put(pod("web-6d5f7c-y", &id(2), &replica_set()));
    cluster.forget();
    cluster.fare(Mood::Well);
    assert_eq!(watched.owner(&id(2)).await, of_deployment());
}

/// What all servers agree upon is asked for once that is refused, and no longer than until it is told.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_behind_is_asked_for_what_is_agreed_upon() {
    let cluster = with_pod();
    let mut watched = begin(&cluster);
    watched.known(ID).await;
    cluster.asked();
    cluster.fare(Mood::Behind);
    tokio::time::sleep(LONG).await;
    let asked = cluster.asked();
    let listed = asked
        .iter()
        .filter(|target| target.starts_with("/api/v1/pods?") && !target.contains("watch=true"));
    let listed: Vec<bool> = listed
        .map(|target| target.contains("resourceVersionMatch"))
        .collect();
    assert!(listed.len() > 20, "{asked:?}");
    for (number, has_place) in listed.iter().enumerate() {
        assert_eq!(*has_place, number % 2 == 0, "{asked:?}");
    }
    cluster.put(pod("web-6d5f7c-y", &id(2), &replica_set()));
    assert_eq!(watched.owner(&id(2)).await, of_deployment());
}

#[tokio::test(start_paused = true)]
async fn long_lists_come_in_parts() {
    let cluster = with_deployment();
    for number in 0..1_203 {
        cluster.put(pod(&format!("web-{number}"), &id(number), &replica_set()));
    }
    // So that it is not the server's memory that is read.
    cluster.fare(Mood::Behind);
    let mut watched = begin(&cluster);
    watched
        .until("a list in parts", |pods| pods.began() > 0)
        .await;
    let asked = loop {
        let asked = cluster.asked();
        if asked.iter().any(|target| target.ends_with("continue=1000")) {
            break asked;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    assert!(
        asked.iter().any(|target| target.ends_with("continue=500")),
        "{asked:?}"
    );
    watched
        .until("all of them", |pods| pods.status().pods == 1_203)
        .await;
    assert_eq!(watched.owner(&id(1_202)).await, of_deployment());
}

/// Pods that are too many are told of.
/// Which mode a pod asks for is known while it is there, whatever its annotation holds.
#[tokio::test(start_paused = true)]
async fn what_pods_ask_for_follows_their_annotations() {
    const LABEL: &str = "lapwing.dev/mode";
    let cluster = Cluster::new();
    let mut web = pod("web", ID, &Value::Null);
    cluster.put(web.clone());
    cluster.put(pod("db", HASH, &Value::Null));
    let mut watched = begin(&cluster);
    watched.until("pods", |pods| pods.status().pods == 2).await;
    assert!(watched.pods.asked().is_empty());
    let long = "\u{1b}é".repeat(50_000);
    for (value, known) in [
        ("monitor", "monitor"),
        ("off", "off"),
        (&long, &long[..127]),
    ] {
        web["metadata"]["annotations"] = json!({LABEL: value, "other": long});
        cluster.put(web.clone());
        let asked = [(("shop".to_owned(), "web".to_owned()), known.to_owned())].into();
        watched.until(known, |pods| pods.asked() == asked).await;
    }
    cluster.delete("uid-web");
    watched.until("gone", |pods| pods.asked().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn pods_without_room_are_told_of() {
    let cluster = with_deployment();
    for number in 0..2_051 {
        cluster.put(pod(&format!("web-{number}"), &id(number), &replica_set()));
    }
    let mut watched = begin(&cluster);
    watched
        .until("a full store", |pods| pods.status().pods == 2_048)
        .await;
    let text = watched.pods.status().last_error;
    assert!(text.contains("no room") && text.contains('3'), "{text}");
}

/// It is counted, and keeps nobody from the others: neither in the list nor in the watch.
#[tokio::test(start_paused = true)]
async fn a_pod_that_makes_no_sense_is_passed_over() {
    let cluster = with_pod();
    let odd =
        |uid: &str| json!({"metadata": {"uid": uid, "labels": "x"}, "spec": {"nodeName": NODE}});
    cluster.put(odd("odd"));
    let mut watched = begin(&cluster);
    assert_eq!(watched.owner(ID).await, of_deployment());
    cluster.put(odd("more"));
    cluster.put(pod("web-6d5f7c-y", &id(2), &replica_set()));
    assert_eq!(watched.owner(&id(2)).await, of_deployment());
    let status = watched.pods.status();
    assert_eq!(
        (status.failed, status.pods, status.state()),
        (2, 2, State::Connected)
    );
    assert!(status.last_error.starts_with("a pod: "), "{status:?}");
    let asked = cluster.asked();
    assert_eq!(
        asked
            .iter()
            .filter(|target| target.contains("watch=true"))
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_without_a_name_is_told() {
    for node in ["", "Two Words", "n1&watch=true"] {
        let cluster = with_pod();
        let mut watched = begin_as(&cluster, node);
        watched
            .until("unsuitable", |pods| pods.state() == State::Unsuitable)
            .await;
        assert!(watched.pods.status().last_error.contains("NODE_NAME"));
        assert_eq!(cluster.asked(), [] as [&str; 0]);
        assert!(watched.pods.has_said(ID, None));
    }
}

#[test]
fn ways_to_the_api_are_checked() {
    let read = |text: &str| serde_json::from_value::<Access>(json!(text));
    assert_eq!(read("auto").unwrap(), Access::Auto);
    assert_eq!(read("off").unwrap(), Access::Off);
    assert_eq!(read("/k").unwrap(), Access::File("/k".into()));
    let error = read("k\u{1b}").unwrap_err().to_string();
    assert!(error.contains("`k\\x1b` is no way to the API"), "{error}");
}
