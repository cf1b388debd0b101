//! Nodes whose agents are missed though no pod is there, or none that has a node.

use super::stage::{Agent, Keys, Reader, Replica, SIEM, node, pod, until};
use crate::config::Length;
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::violation::Detail;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::{Violation, WatchRequest};
use serde_json::json;
use std::time::{Duration, Instant};

const SECOND: i64 = 1_000_000_000;
const NODES: &str =
    "/apis/coordination.k8s.io/v1/namespaces/lapwing/leases/lapwing-controller-nodes";

/// Two nodes with an agent each, and one that is meant to have none: Ready, and without a pod.
struct Stage {
    cluster: Cluster,
    keys: Keys,
    port: u16,
    _one: Agent,
    two: Option<Agent>,
}

impl Stage {
    fn start() -> Self {
        let (cluster, keys) = (Cluster::new(), Keys::new());
        let one = Agent::start(&keys, "n1", "127.0.0.2:0");
        let port = one.address.port();
        let two = Some(Agent::start(&keys, "n2", &format!("127.0.0.3:{port}")));
        for (name, address) in [("n1", "127.0.0.2"), ("n2", "127.0.0.3")] {
            cluster.put(pod(name, name, address, "Running"));
        }
        for name in ["n1", "n2", "n3", "tainted"] {
            cluster.own(&format!("/api/v1/nodes/{name}"), node(true));
        }
        Self {
            cluster,
            keys,
            port,
            _one: one,
            two,
        }
    }

    /// To whom an agent is silent after a second, and a node without a pod needs none after so many.
    async fn leader(&self, name: &str, gone: i64) -> Replica {
        let replica = Replica::with(&self.keys, &self.cluster, name, self.port, |config| {
            config.agents.silent_after = Length(SECOND);
            config.relay.gone = Length(gone * SECOND);
        });
        until("that it leads", || replica.leads()).await;
        replica
    }

    /// The second node's agent goes, and its pod.
    fn lose_two(&mut self) {
        drop(self.two.take());
        self.cluster.delete("n2");
    }

    /// Reads what was reported of silent agents until there are so many reports.
    async fn reports(&self, replica: &Replica, many: usize) -> Vec<Violation> {
        let mut reader = Reader::default();
        let past = WatchRequest {
            since: Some(Since::AgeMilliseconds(60_000)),
            ..WatchRequest::default()
        };
        let client = replica.client(&self.keys, SIEM).await;
        reader.read(client, past, |it| it.seen.len() == many).await;
        reader.seen.into_values().collect()
    }
}

fn detail(violation: &Violation) -> &str {
    match &violation.detail {
        Some(Detail::Degraded(degraded)) if degraded.reason == "agent-silent" => &degraded.detail,
        _ => panic!("{violation:?}"),
    }
}

/// The nodes whose agents are silent.
fn silent(replica: &Replica) -> Vec<String> {
    let fleet = replica.desk.status().fleet.unwrap();
    fleet.silent.into_iter().map(|one| one.node).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_a_node_without_a_pod_outlasts_the_leader_and_ends_in_time() {
    let mut stage = Stage::start();
    let first = stage.leader("one", 60).await;
    until("both", || first.desk.connected() == 2).await;
    stage.lose_two();
    let reports = stage.reports(&first, 1).await;
    assert!(detail(&reports[0]).contains("there is no pod of an agent any more"));
    first.crash().await;
    let second = stage.leader("two", 4).await;
    let begun = Instant::now();
    assert_eq!(silent(&second), ["n2"]);
    let reports = stage.reports(&second, 2).await;
    assert!(begun.elapsed() > Duration::from_secs(2), "it ended early");
    let over = reports.iter().find(|one| one.revision == 2).unwrap();
    assert!(
        reports
            .iter()
            .all(|one| one.node == "n2" && one.id == over.id)
    );
    assert!(
        detail(over).starts_with("over: no agent is meant to be there any more"),
        "{over:?}"
    );
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_goes_while_nobody_leads_is_missed() {
    let mut stage = Stage::start();
    let first = stage.leader("one", 60).await;
    until("both", || first.desk.connected() == 2).await;
    until("that they are kept", || {
        stage.cluster.object(NODES).is_some()
    })
    .await;
    first.crash().await;
    stage.lose_two();
    let second = stage.leader("two", 60).await;
    let reports = stage.reports(&second, 1).await;
    assert_eq!((reports[0].node.as_str(), reports[0].revision), ("n2", 1));
    assert!(detail(&reports[0]).contains("there is no pod of an agent any more"));
    // It comes back.
    let address = format!("127.0.0.3:{}", stage.port);
    stage.two = Some(Agent::start(&stage.keys, "n2", &address));
    stage
        .cluster
        .put(pod("n2", "again", "127.0.0.3", "Running"));
    let reports = stage.reports(&second, 2).await;
    let over = reports.iter().find(|one| one.revision == 2).unwrap();
    assert!(detail(over).starts_with("over: its agent is heard of again"));
    assert!(silent(&second).is_empty());
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_waits_for_its_node_is_missed_there_for_as_long_as_it_does() {
    let stage = Stage::start();
    // As the controller of the DaemonSet makes it, where the node has no room for it.
    let mut waiting = pod("n3", "n3", "", "Pending");
    let term =
        json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n3"]}]});
    waiting["spec"] = json!({"affinity": {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}});
    stage.cluster.put(waiting);
    let first = stage.leader("one", 2).await;
    let reports = stage.reports(&first, 1).await;
    assert_eq!(reports[0].node, "n3");
    assert!(detail(&reports[0]).contains("its pod agent-n3 does not run"));
    // Longer than a node without a pod is waited for; and for another leader too.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(silent(&first), ["n3"]);
    first.crash().await;
    let second = stage.leader("two", 2).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(silent(&second), ["n3"]);
    let _three = Agent::start(&stage.keys, "n3", &format!("127.0.0.4:{}", stage.port));
    stage.cluster.put(pod("n3", "n3", "127.0.0.4", "Running"));
    let reports = stage.reports(&second, 2).await;
    let over = reports.iter().find(|one| one.revision == 2).unwrap();
    assert!(detail(over).starts_with("over: its agent is heard of again"));
    second.end().await;
}
