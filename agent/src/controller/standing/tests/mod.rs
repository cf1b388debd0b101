//! Nodes that tell what they make of objects, an API that takes what is written, and what comes of it. Time stands
//! still until it is moved.

mod followed;
mod heard;
mod hostile;
mod restored;
mod served;
mod trouble;

use super::board::{Board, Seen};
use super::status::Status;
use super::write::Writer;
use crate::kubernetes::api::Api;
use crate::kubernetes::digest::{self, Digest};
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::behavior_profile_state::Verdict;
use lapwing_proto::v1::{BehaviorProfileState, FollowBehaviorProfilesResponse};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(10);

pub fn object(namespace: &str, name: &str, generation: i64) -> Value {
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}-{name}"),
            "generation": generation, "creationTimestamp": "2026-11-27T10:00:00Z"},
        "spec": {"workload": {"namespace": namespace, "kind": "Deployment", "name": name, "container": "app"}},
    })
}

/// What a node says of it: in force, or refused for this reason.
pub fn state(
    object: &Value,
    instances: u32,
    refused: Option<(&str, &str)>,
) -> BehaviorProfileState {
    let of = |key: &str| object["metadata"][key].as_str().unwrap().to_owned();
    let (reason, message) = refused.unwrap_or_default();
    let verdict = match refused {
        Some(_) => Verdict::Refused,
        None => Verdict::InForce,
    };
    BehaviorProfileState {
        namespace: of("namespace"),
        name: of("name"),
        uid: of("uid"),
        generation: object["metadata"]["generation"].as_i64().unwrap(),
        verdict: verdict.into(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        instances,
        spec_digest: spec(object).map(Vec::from).unwrap_or_default(),
    }
}

fn spec(object: &Value) -> Option<Digest> {
    digest::of_json(&serde_json::value::to_raw_value(&object["spec"]).unwrap())
}

/// A controller that leads.
pub struct Leader {
    pub board: Arc<Board>,
    pub writer: Writer,
    joins: HashMap<String, u64>,
}

impl Leader {
    /// One that has listed what there is.
    pub async fn begin(cluster: &Cluster, uids: &[&str]) -> Self {
        let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
        api.connect().await.unwrap();
        let board = Arc::new(Board::new(INTERVAL));
        let all = uids.iter().map(|uid| seen(&cluster.there(uid).unwrap()));
        board.replace(all.collect());
        let writer = Writer {
            api,
            board: Arc::clone(&board),
            instance: "controller-0".to_owned(),
        };
        Self {
            board,
            writer,
            joins: HashMap::new(),
        }
    }

    pub fn join(&mut self, node: &str) {
        self.joins.insert(node.to_owned(), self.board.joined(node));
    }

    /// A node tells this, and that it is all.
    pub fn tell(&mut self, node: &str, profiles: Vec<BehaviorProfileState>) {
        if !self.joins.contains_key(node) {
            self.join(node);
        }
        let message = FollowBehaviorProfilesResponse {
            profiles,
            gone: Vec::new(),
            whole: true,
        };
        self.board.take(node, self.joins[node], &message);
    }

    /// The connection to it ends.
    pub fn part(&mut self, node: &str) {
        self.board.left(node, self.joins.remove(node).unwrap());
    }

    /// An object is another now.
    pub fn hear(&self, cluster: &Cluster, object: Value) {
        let uid = object["metadata"]["uid"].as_str().unwrap().to_owned();
        let mut object = object;
        object["status"] = cluster.there(&uid).unwrap_or_default()["status"].clone();
        cluster.put(object.clone());
        self.board.put(seen(&object));
    }

    /// So long passes, and each second what is due is written.
    pub async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            self.board.sweep();
            self.writer.write_due().await.unwrap();
        }
    }
}

pub fn seen(object: &Value) -> Seen {
    let meta = &object["metadata"];
    let of = |key: &str| meta[key].as_str().unwrap().to_owned();
    Seen {
        uid: of("uid"),
        namespace: of("namespace"),
        name: of("name"),
        generation: meta["generation"].as_i64().unwrap(),
        spec: spec(object),
        status: Status::read(&object["status"]),
    }
}

/// A condition as it stands in the cluster: whether it holds, and its word.
pub fn condition(cluster: &Cluster, uid: &str, kind: &str) -> (String, String) {
    let one = whole_condition(cluster, uid, kind);
    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

pub fn whole_condition(cluster: &Cluster, uid: &str, kind: &str) -> Value {
    let object = cluster.there(uid).unwrap();
    let all = object["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    all.find(|one| one["type"] == kind)
        .cloned()
        .unwrap_or_default()
}

fn is(holds: &str, word: &str) -> (String, String) {
    (holds.to_owned(), word.to_owned())
}

pub fn nodes(cluster: &Cluster, uid: &str) -> Value {
    cluster.there(uid).unwrap()["status"]["nodes"].clone()
}

pub fn events(cluster: &Cluster) -> Vec<(String, String)> {
    let all = cluster.written_objects("events").into_iter();
    all.map(|event| {
        let text = |key: &str| event[key].as_str().unwrap().to_owned();
        assert_eq!(event["regarding"]["kind"], "BehaviorProfile");
        (text("reason"), text("type"))
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn in_force_on_all_nodes_is_said_once() {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    for node in ["n1", "n2"] {
        leader.tell(node, vec![state(&web, 2, None)]);
    }
    leader.tell("n3", Vec::new());
    leader.pass(5).await;
    let status = cluster.there("shop-web").unwrap()["status"].clone();
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(
        status["nodes"],
        json!({"summary": "2/2", "running": 2, "inForce": 2, "behind": 0, "refused": 0})
    );
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    assert_eq!(
        condition(&cluster, "shop-web", "Refused"),
        is("False", "NotRefused")
    );
    is_what_the_definition_is_tried_with(&status);
    let written = cluster.written();
    assert_eq!((written.statuses, written.events), (1, 1), "{written:?}");
    assert_eq!(events(&cluster), [is("InForce", "Normal")]);
    // All say the same again, for long.
    for _ in 0..20 {
        for node in ["n1", "n2"] {
            leader.tell(node, vec![state(&web, 2, None)]);
        }
        leader.pass(30).await;
    }
    assert_eq!(cluster.written().all, 0);
}

/// The status as the controller writes it, which a test of the definition holds against that.
fn is_what_the_definition_is_tried_with(status: &Value) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/controller/standing/tests/status.json"
    );
    let mut status = status.clone();
    for condition in status["conditions"].as_array_mut().unwrap() {
        condition["lastTransitionTime"] = "2026-11-27T10:00:00Z".into();
    }
    let text = format!("{status:#}\n");
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        text,
        "run LAPWING_REGENERATE=1 cargo test -p lapwing-agent --lib controller::standing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_its_node_and_reason_until_it_is_mended() {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    let why = ("Unsigned", "nobody signed it");
    leader.tell("n1", vec![state(&web, 1, None)]);
    leader.tell("n2", vec![state(&web, 1, Some(why))]);
    leader.tell("n3", vec![state(&web, 0, Some(why))]);
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("False", "Unsigned")
    );
    assert_eq!(
        condition(&cluster, "shop-web", "Refused"),
        is("True", "Unsigned")
    );
    let told = whole_condition(&cluster, "shop-web", "Refused");
    assert_eq!(told["message"], "2 nodes (n2, n3): nobody signed it");
    assert_eq!(
        nodes(&cluster, "shop-web"),
        json!({"summary": "1/2", "running": 2, "inForce": 1, "behind": 0, "refused": 2})
    );
    assert_eq!(events(&cluster), [is("Refused", "Warning")]);
    // It comes and goes in this generation: nobody is told again.
    leader.tell("n2", vec![state(&web, 1, None)]);
    leader.tell("n3", vec![state(&web, 0, None)]);
    leader.pass(15).await;
    assert_eq!(condition(&cluster, "shop-web", "Refused").0, "False");
    leader.tell("n2", vec![state(&web, 1, Some(why))]);
    leader.pass(15).await;
    assert_eq!(condition(&cluster, "shop-web", "Refused").0, "True");
    let first = [is("InForce", "Normal"), is("Refused", "Warning")];
    let mut told = events(&cluster);
    told.sort();
    assert_eq!(told, first);
    // The spec is mended: nodes hear of it one after another.
    let mended = object("shop", "web", 2);
    leader.hear(&cluster, mended.clone());
    leader.tell("n1", vec![state(&mended, 1, None)]);
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("False", "Behind")
    );
    assert_eq!(condition(&cluster, "shop-web", "Refused").0, "False");
    assert_eq!(
        nodes(&cluster, "shop-web"),
        json!({"summary": "1/2", "running": 2, "inForce": 1, "behind": 1, "refused": 0})
    );
    assert_eq!(
        cluster.there("shop-web").unwrap()["status"]["observedGeneration"],
        2
    );
    leader.tell("n2", vec![state(&mended, 1, None)]);
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    assert_eq!(events(&cluster).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_that_runs_nowhere_says_so_and_one_that_all_refuse_too() {
    let cluster = Cluster::new();
    let (web, db) = (object("shop", "web", 1), object("shop", "db", 1));
    cluster.put(web.clone());
    cluster.put(db.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web", "shop-db"]).await;
    for node in ["n1", "n2"] {
        leader.tell(node, vec![state(&db, 0, Some(("Invalid", "no `spec`")))]);
    }
    leader.pass(5).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("Unknown", "NotRunning")
    );
    assert_eq!(
        condition(&cluster, "shop-db", "InForce"),
        is("False", "Invalid")
    );
    assert_eq!(nodes(&cluster, "shop-db")["refused"], 2);
    assert_eq!(nodes(&cluster, "shop-db")["summary"], "0/0");
    assert_eq!(events(&cluster), [is("Refused", "Warning")]);
}

#[tokio::test(start_paused = true)]
async fn another_leader_writes_what_is_another_and_nothing_else() {
    let cluster = Cluster::new();
    let all: Vec<Value> = (0..20)
        .map(|number| object("shop", &format!("w{number}"), 1))
        .collect();
    for one in &all {
        cluster.put(one.clone());
    }
    let uids: Vec<String> = (0..20).map(|number| format!("shop-w{number}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let mut first = Leader::begin(&cluster, &uids).await;
    let tell = |leader: &mut Leader| {
        for node in ["n1", "n2"] {
            leader.tell(node, all.iter().map(|one| state(one, 1, None)).collect());
        }
    };
    tell(&mut first);
    first.pass(10).await;
    let written = cluster.written();
    assert_eq!((written.statuses, written.events), (20, 20));
    drop(first);
    let since = whole_condition(&cluster, "shop-w3", "InForce")["lastTransitionTime"].clone();
    // One became refused on one node while nobody led.
    let mut second = Leader::begin(&cluster, &uids).await;
    tell(&mut second);
    second.tell(
        "n2",
        vec![state(&all[7], 1, Some(("Unsigned", "nobody signed it")))],
    );
    second.pass(20).await;
    let written = cluster.written();
    assert_eq!(
        (written.statuses, written.events, written.idle),
        (1, 1, 0),
        "{written:?}"
    );
    assert_eq!(condition(&cluster, "shop-w7", "InForce").0, "False");
    assert_eq!(
        whole_condition(&cluster, "shop-w3", "InForce")["lastTransitionTime"],
        since
    );
}

/// A thousand agents started anew one after another, and a thousand that take up a change within seconds.
#[tokio::test(start_paused = true)]
async fn writes_are_of_objects_and_not_of_nodes() {
    const NODES: usize = 1_000;
    let cluster = Cluster::new();
    let mut all: Vec<Value> = (0..20)
        .map(|number| object("shop", &format!("w{number}"), 1))
        .collect();
    for one in &all {
        cluster.put(one.clone());
    }
    let uids: Vec<String> = (0..20).map(|number| format!("shop-w{number}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let mut leader = Leader::begin(&cluster, &uids).await;
    let tell = |leader: &mut Leader, node: usize, all: &[Value]| {
        let said = all.iter().map(|one| state(one, 1, None)).collect();
        leader.tell(&format!("n{node}"), said);
    };
    // Within 20 s they come.
    for node in 0..NODES {
        tell(&mut leader, node, &all);
        if node % 50 == 49 {
            leader.pass(1).await;
        }
    }
    leader.pass(70).await;
    assert_eq!(nodes(&cluster, "shop-w0")["summary"], "1000/1000");
    let written = cluster.written();
    // At the first sight, and a minute later.
    assert!(
        written.statuses <= 2 * 20 && written.events == 20,
        "{written:?}"
    );
    // Each is away for 20 s, 50 at a time.
    for batch in (0..NODES).step_by(50) {
        for node in batch..batch + 50 {
            leader.part(&format!("n{node}"));
        }
        leader.pass(20).await;
        for node in batch..batch + 50 {
            tell(&mut leader, node, &all);
        }
    }
    leader.pass(70).await;
    assert_eq!(cluster.written().all, 0);
    // All objects change, and within 30 s all nodes have heard of it.
    for one in &mut all {
        one["metadata"]["generation"] = json!(2);
        leader.hear(&cluster, one.clone());
    }
    for node in 0..NODES {
        tell(&mut leader, node, &all);
        if node % 33 == 32 {
            leader.pass(1).await;
        }
    }
    leader.pass(70).await;
    assert_eq!(
        condition(&cluster, "shop-w9", "InForce"),
        is("True", "AllNodes")
    );
    let written = cluster.written();
    // That it begins, and that it is over; the counts between are nobody's news.
    assert!(
        written.statuses <= 3 * 20 && written.events == 20,
        "{written:?}"
    );
}
