use super::stage::{Agent, Keys, Reader, Replica, SHOP, SIEM, node, pod, until};
use super::stubborn::Stubborn;
use crate::config::Length;
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::violation::Detail;
use lapwing_proto::v1::watch_request::{Kind, Since};
use lapwing_proto::v1::{
    GetStatusRequest, ListContainersRequest, Violation, WatchRequest,
    get_status_response::fleet::agent::Link,
};
use tonic::Code;
use tonic::transport::Channel;

/// A cluster of two nodes with an agent each.
struct Two {
    cluster: Cluster,
    keys: Keys,
    one: Agent,
    two: Option<Agent>,
    port: u16,
}

impl Two {
    fn start() -> Self {
        let (cluster, keys) = (Cluster::new(), Keys::new());
        let one = Agent::start(&keys, "n1", "127.0.0.2:0");
        let port = one.address.port();
        let two = Some(Agent::start(&keys, "n2", &format!("127.0.0.3:{port}")));
        for (name, uid, address) in [("n1", "u1", "127.0.0.2"), ("n2", "u2", "127.0.0.3")] {
            cluster.put(pod(name, uid, address, "Running"));
            cluster.own(&format!("/api/v1/nodes/{name}"), node(true));
        }
        Self {
            cluster,
            keys,
            one,
            two,
            port,
        }
    }

    fn replica(&self, name: &str) -> Replica {
        Replica::start(&self.keys, &self.cluster, name, self.port)
    }

    /// One to which an agent is silent after a second.
    fn impatient(&self, name: &str) -> Replica {
        Replica::with(&self.keys, &self.cluster, name, self.port, |config| {
            config.agents.silent_after = Length(1_000_000_000);
        })
    }

    fn two(&self) -> &Agent {
        self.two.as_ref().unwrap()
    }

    fn two_again(&mut self) {
        let address = format!("127.0.0.3:{}", self.port);
        self.two = Some(Agent::start(&self.keys, "n2", &address));
    }

    async fn siem(&self, replica: &Replica) -> AgentClient<Channel> {
        replica.client(&self.keys, SIEM).await
    }
}

async fn connected(replica: &Replica, many: usize) {
    until("that agents are connected", || {
        replica.desk.connected() == many
    })
    .await;
}

fn from_now() -> WatchRequest {
    WatchRequest::default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agents_report_comes_in_one_stream_to_who_may_see_it() {
    let mut stage = Two::start();
    // Before there is a controller.
    stage.one.report(1, "shop");
    let replica = stage.replica("one");
    connected(&replica, 2).await;
    stage.two().report(2, "pay");
    stage.one.report(3, "pay");
    until("that they are relayed", || replica.relayed() == 3).await;
    let past = WatchRequest {
        since: Some(Since::AgeMilliseconds(60_000)),
        ..from_now()
    };
    let mut all = Reader::default();
    let siem = stage.siem(&replica).await;
    all.read(siem.clone(), past.clone(), |it| it.seen.len() == 3)
        .await;
    assert!(["n1:1", "n1:3", "n2:2"].iter().all(|id| all.has(id)));
    assert!(
        all.seen
            .values()
            .all(|it| it.cluster == "c1" && it.id.starts_with(&it.node))
    );
    // Each namespace to its own; the filters are those of an agent.
    let mut shop = Reader::default();
    let client = replica.client(&stage.keys, SHOP).await;
    stage.two().report(4, "shop");
    shop.read(client.clone(), past.clone(), |it| it.seen.len() == 2)
        .await;
    assert_eq!(shop.ids(), ["n1:1", "n2:4"]);
    let mut pay = Reader::default();
    let only = WatchRequest {
        namespace: "pay".to_owned(),
        kinds: vec![Kind::Violation.into()],
        ..past.clone()
    };
    pay.read(siem.clone(), only, |it| it.seen.len() == 2).await;
    assert_eq!(pay.ids(), ["n1:3", "n2:2"]);
    let mut nobody = replica.client(&stage.keys, "spiffe://test/nobody").await;
    let denied = nobody.watch(from_now()).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied, "{denied}");
    // What is not for the controller is refused with where to go.
    let mut siem = siem;
    let refused = siem
        .list_containers(ListContainersRequest::default())
        .await
        .unwrap_err();
    assert!(refused.message().contains("agent of the node"), "{refused}");
    for (request, told) in [
        (
            WatchRequest {
                consumer: "siem".to_owned(),
                ..from_now()
            },
            "--since",
        ),
        (
            WatchRequest {
                kinds: vec![Kind::Behaviour.into()],
                ..from_now()
            },
            "not relayed",
        ),
        (
            WatchRequest {
                since: Some(Since::Cursor("1-2-3".to_owned())),
                ..from_now()
            },
            "not a cursor",
        ),
    ] {
        let refused = siem.watch(request).await.unwrap_err();
        assert!(refused.message().contains(told), "{refused}");
    }
    let status = siem
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    let fleet = status.fleet.unwrap();
    assert!(fleet.leads && fleet.leader == "one" && fleet.silent.is_empty());
    let nodes: Vec<_> = fleet
        .agents
        .iter()
        .map(|it| (it.node.as_str(), it.link(), it.lost))
        .collect();
    assert_eq!(
        nodes,
        [("n1", Link::Connected, 3), ("n2", Link::Connected, 3)]
    );
    assert!(
        fleet
            .agents
            .iter()
            .all(|it| it.heard_time.is_some() && it.lag_milliseconds < 10_000)
    );
    // One is killed and comes back, with what it reports then, once.
    drop(stage.two.take());
    until("that it is away", || replica.desk.connected() == 1).await;
    stage.two_again();
    stage.two().report(5, "shop");
    all.read(siem, past, |it| it.has("n2:5")).await;
    assert!(all.seen.len() == 5 && all.has("n2:4"), "{:?}", all.ids());
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_outlasts_the_leader_that_gave_it_out() {
    let mut stage = Two::start();
    let first = stage.replica("one");
    connected(&first, 2).await;
    let mut reader = Reader::default();
    let here = |it: &Reader| !it.cursor.is_empty();
    reader
        .read(stage.siem(&first).await, from_now(), here)
        .await;
    stage.one.report(1, "shop");
    reader
        .read(stage.siem(&first).await, from_now(), |it| it.has("n1:1"))
        .await;
    // These are relayed, and acknowledged to the agents, and the client has not read them.
    stage.one.report(2, "shop");
    stage.two().report(3, "shop");
    until("that they are relayed", || first.relayed() == 3).await;
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    // One agent goes, and the leader; more is reported while there is none.
    drop(stage.two.take());
    first.crash().await;
    stage.one.report(4, "shop");
    let second = stage.replica("two");
    connected(&second, 1).await;
    reader
        .read(stage.siem(&second).await, from_now(), |it| {
            it.has("n1:2") && it.has("n1:4")
        })
        .await;
    assert!(!reader.has("n2:3"));
    // The client ends too, and comes again before the other agent does.
    stage.one.report(5, "shop");
    reader
        .read(stage.siem(&second).await, from_now(), |it| it.has("n1:5"))
        .await;
    stage.two_again();
    stage.two().report(6, "shop");
    reader
        .read(stage.siem(&second).await, from_now(), |it| {
            it.has("n2:3") && it.has("n2:6")
        })
        .await;
    assert_eq!(reader.seen.len(), 6);
    // When nothing is owed any more, a client that comes again gets what is new alone.
    until("that this leader knows all", || second.desk.is_settled()).await;
    stage.one.report(7, "shop");
    reader
        .read(stage.siem(&second).await, from_now(), |it| it.has("n1:7"))
        .await;
    let settled = |it: &Reader| !it.cursor.contains("_o");
    reader
        .read(stage.siem(&second).await, from_now(), settled)
        .await;
    let before = reader.came;
    stage.one.report(8, "shop");
    reader
        .read(stage.siem(&second).await, from_now(), |it| it.has("n1:8"))
        .await;
    assert_eq!(reader.came, before + 1);
    assert!(reader.gaps.is_empty(), "{:?}", reader.gaps);
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_leads_and_the_other_passes_on_to_it() {
    let stage = Two::start();
    let replicas = ["one", "two"].map(|name| stage.replica(name));
    until("a leader", || replicas.iter().any(Replica::leads)).await;
    let [one, two] = replicas;
    let (leader, other) = if one.leads() { (one, two) } else { (two, one) };
    connected(&leader, 2).await;
    // By the port of the one that does not lead.
    let mut client = stage.siem(&other).await;
    let answer = client
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    let fleet = answer.fleet.unwrap();
    assert!(fleet.leads && fleet.agents.len() == 2);
    let mut reader = Reader::default();
    let now = |it: &Reader| !it.cursor.is_empty();
    reader.read(client, from_now(), now).await;
    stage.one.report(1, "shop");
    leader.end().await;
    until("that the other leads", || other.leads()).await;
    stage.two().report(2, "shop");
    let both = |it: &Reader| it.has("n1:1") && it.has("n2:2");
    reader
        .read(stage.siem(&other).await, from_now(), both)
        .await;
    other.end().await;
}

/// Neither from what is new, nor from what the others have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_comes_to_no_end_keeps_nobody_from_the_others() {
    let stage = Two::start();
    let stubborn = Stubborn::default();
    stubborn.start(&stage.keys, &format!("127.0.0.4:{}", stage.port));
    stage.cluster.put(pod("n4", "u4", "127.0.0.4", "Running"));
    stage.one.report(1, "shop");
    let replica = stage.replica("one");
    connected(&replica, 3).await;
    until("that it is relayed", || replica.relayed() == 1).await;
    let heard = || {
        let fleet = replica.desk.status().fleet.unwrap();
        fleet.agents.iter().all(|agent| agent.heard_time.is_some())
    };
    until("that all are heard", heard).await;
    // It does not tell what it learns either, which has nothing to do with what it reports.
    let learned = || stubborn.learned.load(std::sync::atomic::Ordering::SeqCst);
    until("that it is asked again for what it learns", || {
        learned() > 1
    })
    .await;
    assert_eq!(replica.desk.connected(), 3);
    let past = WatchRequest {
        since: Some(Since::AgeMilliseconds(60_000)),
        ..from_now()
    };
    let mut reader = Reader::default();
    let siem = stage.siem(&replica).await;
    let asked = || stubborn.asked.load(std::sync::atomic::Ordering::SeqCst);
    reader
        .read(siem.clone(), past.clone(), |it| {
            it.has("n1:1") && asked() > 0
        })
        .await;
    // While that one goes on and on, and it is asked no second time by this client.
    reader.cursor.clear();
    let before = asked();
    let begun = std::cell::Cell::new(false);
    reader
        .read(siem, past, |it| {
            if asked() > before && !begun.replace(true) {
                stage.two().report(2, "shop");
            }
            it.has("n2:2")
        })
        .await;
    assert!(reader.cursor.contains("_o"), "{}", reader.cursor);
    assert_eq!(asked(), before + 1);
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_does_not_tell_at_once_it_is_asked_for_again_from_there() {
    let stage = Two::start();
    let stubborn = Stubborn {
        is_short: true,
        ..Stubborn::default()
    };
    stubborn.start(&stage.keys, &format!("127.0.0.4:{}", stage.port));
    stage.cluster.put(pod("n4", "u4", "127.0.0.4", "Running"));
    let replica = stage.replica("one");
    connected(&replica, 3).await;
    let past = WatchRequest {
        since: Some(Since::AgeMilliseconds(60_000)),
        ..from_now()
    };
    let mut reader = Reader::default();
    let resumed = || stubborn.resumed.load(std::sync::atomic::Ordering::SeqCst);
    reader
        .read(stage.siem(&replica).await, past, |_| resumed() > 0)
        .await;
    let asked = stubborn.asked.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(asked, 1 + resumed(), "there is a rest between");
    replica.end().await;
}

fn degraded(violation: &Violation) -> &str {
    match &violation.detail {
        Some(Detail::Degraded(degraded)) if degraded.reason == "agent-silent" => &degraded.detail,
        _ => panic!("{violation:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_agent_of_a_ready_node_is_reported_once_and_when_it_is_over() {
    let mut stage = Two::start();
    stage.cluster.own("/api/v1/nodes/n2", node(false));
    let first = stage.impatient("one");
    connected(&first, 2).await;
    let mut reader = Reader::default();
    let siem = stage.siem(&first).await;
    reader
        .read(siem.clone(), from_now(), |it| !it.cursor.is_empty())
        .await;
    stage.one.freeze();
    stage.two().freeze();
    reader.read(siem, from_now(), |it| it.seen.len() == 1).await;
    let ((id, revision), begin) = reader.seen.first_key_value().unwrap();
    assert_eq!(
        (*revision, begin.node.as_str(), begin.rule.as_str()),
        (1, "n1", "sensor.degraded")
    );
    assert!(degraded(begin).contains("not heard of for"), "{begin:?}");
    let id = id.clone();
    let status = first.desk.status().fleet.unwrap();
    assert_eq!(status.silent.len(), 1);
    assert_eq!(status.silent[0].node, "n1");
    // The next leader knows of it, and who asks for the past is told of it as it was.
    first.crash().await;
    let second = stage.impatient("two");
    until("the next leader", || second.leads()).await;
    let siem = stage.siem(&second).await;
    let mut other = Reader::default();
    let past = WatchRequest {
        since: Some(Since::AgeMilliseconds(60_000)),
        ..from_now()
    };
    other
        .read(siem.clone(), past, |it| it.seen.len() == 1)
        .await;
    assert_eq!(other.seen, reader.seen);
    stage.one.thaw();
    reader.read(siem, from_now(), |it| it.seen.len() == 2).await;
    let over = &reader.seen[&(id, 2)];
    assert!(
        degraded(over).starts_with("over: its agent is heard of again"),
        "{over:?}"
    );
    until("that status has it no more", || {
        second.desk.status().fleet.unwrap().silent.is_empty()
    })
    .await;
    second.end().await;
}
