//! `image where` of a controller, over agents that answer, hang, fail, lie and are not there.

use super::stage::{Agent, Keys, Replica, Running, SHOP, SIEM, pod, traced, until};
use super::stubborn::Stubborn;
use crate::cli::Output;
use crate::cli::image_where::{Question, WhereArgs};
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::list_containers_response::missing::Reason;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Container, ListContainersRequest, ListContainersResponse, TracedContainer, Violation,
};
use serde_json::{Value, json};
use tonic::{Code, Status};

const DIGEST: &str = "sha256:1234567890abcdef";
const OTHER: &str = "sha256:99999999";
/// The agents, by the last parts of their addresses.
const NODES: [(&str, u8); 4] = [("n1", 2), ("n2", 3), ("n3", 5), ("n4", 6)];

/// Four nodes with an agent each.
struct Four {
    cluster: Cluster,
    keys: Keys,
    agents: Vec<Agent>,
    port: u16,
}

impl Four {
    fn start() -> Self {
        let (cluster, keys) = (Cluster::new(), Keys::new());
        let mut agents: Vec<Agent> = Vec::new();
        let mut port = 0;
        for (node, last) in NODES {
            let agent = Agent::start(&keys, node, &format!("127.0.0.{last}:{port}"));
            port = agent.address.port();
            agents.push(agent);
            let address = format!("127.0.0.{last}");
            cluster.put(pod(node, &format!("u{last}"), &address, "Running"));
        }
        Self {
            cluster,
            keys,
            agents,
            port,
        }
    }

    async fn replica(&self, connected: usize) -> Replica {
        let replica = Replica::start(&self.keys, &self.cluster, "one", self.port);
        until("that all are connected", || {
            replica.desk.connected() == connected
        })
        .await;
        let heard = || {
            let fleet = replica.desk.status().fleet.unwrap_or_default();
            let heard = fleet.agents.iter().filter(|it| it.heard_time.is_some());
            heard.count() == connected
        };
        until("that all are heard", heard).await;
        replica
    }

    async fn list(&self, replica: &Replica, who: &str) -> Result<ListContainersResponse, Status> {
        let mut client = replica.client(&self.keys, who).await;
        let request = ListContainersRequest {
            image_digest: "12345678".to_owned(),
        };
        Ok(client.list_containers(request).await?.into_inner())
    }

    async fn told(&self, replica: &Replica, who: &str, output: Output) -> String {
        let args = WhereArgs {
            digest: DIGEST[..19].to_owned(),
            since: "1h".to_owned(),
            wait: "2s".to_owned(),
            output,
        };
        let mut client = replica.client(&self.keys, who).await;
        let mut out = anstream::StripStream::new(Vec::new());
        let question = Question::new(&args).unwrap();
        question
            .answer(&mut client, output, &mut out)
            .await
            .unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    async fn json(&self, replica: &Replica, who: &str) -> Value {
        let text = self.told(replica, who, Output::Json).await;
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn places(answer: &ListContainersResponse) -> Vec<(&str, &str)> {
    let all = answer.containers.iter();
    all.map(|it| {
        let container = it.container.as_ref().unwrap();
        (it.node.as_str(), container.id.as_str())
    })
    .collect()
}

fn missing(answer: &ListContainersResponse) -> Vec<(&str, Reason, u64)> {
    let all = answer.missing.iter();
    all.map(|it| (it.node.as_str(), it.reason(), it.containers))
        .collect()
}

fn deviation(node: &str, number: u32, namespace: &str) -> Item {
    let now = crate::clock::now();
    let traced = traced("a", namespace, DIGEST);
    Item::Violation(Violation {
        id: format!("{node}:{number}"),
        fingerprint: "f".to_owned(),
        revision: 1,
        rule: "exec.drift".to_owned(),
        severity: 4,
        count: 2,
        patch: "exec: {path: /tmp/x}".to_owned(),
        first_seen: Some(lapwing_proto::timestamp(now)),
        last_seen: Some(lapwing_proto::timestamp(now)),
        workload: traced.workload,
        container: traced.container,
        ..Violation::default()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_has_all_nodes_for_who_may_see_them() {
    let stage = Four::start();
    let [one, two, three, four] = &stage.agents[..] else {
        panic!("four agents");
    };
    let run = |containers: &[TracedContainer]| Running::Told(containers.to_vec());
    one.runs(run(&[
        traced("a", "shop", DIGEST),
        traced("b", "pay", DIGEST),
        traced("c", "shop", OTHER),
    ]));
    // It says that what it runs is elsewhere.
    let elsewhere = TracedContainer {
        node: "n1".to_owned(),
        ..traced("d", "shop", DIGEST)
    };
    two.runs(run(&[elsewhere, traced("e", "pay", "")]));
    three.runs(run(&[traced("f", "pay", OTHER)]));
    for (agent, number, namespace) in [(one, 1, "shop"), (four, 2, "shop"), (four, 3, "pay")] {
        let item = deviation(&agent.node, number, namespace);
        agent.feed.publish(crate::clock::now(), item);
    }
    four.report(4, "shop");
    let replica = stage.replica(4).await;
    let answer = stage.list(&replica, SIEM).await.unwrap();
    assert_eq!(places(&answer), [("n1", "a"), ("n1", "b"), ("n2", "d")]);
    assert_eq!(missing(&answer), [("n2", Reason::NoDigest, 1)]);
    assert_eq!(answer.answered, 4);
    // Who may see one namespace does not learn how much there is of another.
    let answer = stage.list(&replica, SHOP).await.unwrap();
    assert_eq!(places(&answer), [("n1", "a"), ("n2", "d")]);
    assert_eq!((missing(&answer), answer.answered), (vec![], 4));
    let denied = stage.list(&replica, "spiffe://test/nobody").await;
    assert_eq!(denied.unwrap_err().code(), Code::PermissionDenied);
    let mut siem = replica.client(&stage.keys, SIEM).await;
    for (digest, code) in [("", Code::Unimplemented), ("1234", Code::InvalidArgument)] {
        let request = ListContainersRequest {
            image_digest: digest.to_owned(),
        };
        let refused = siem.list_containers(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }

    // The same by the command.
    let found = stage.json(&replica, SIEM).await;
    assert_eq!(
        (&found["cluster"], &found["node"], &found["answered"]),
        (&json!("c1"), &Value::Null, &json!(4)),
        "{found}"
    );
    let workload = |found: &Value, name: &str| -> Value {
        let mut all = found["workloads"].as_array().unwrap().iter();
        let own = all.find(|it| it["workload"].as_str().unwrap().starts_with(name));
        own.unwrap_or_else(|| panic!("{found}")).clone()
    };
    let shop = workload(&found, "shop/");
    assert_eq!(shop["nodes"], json!(["n1", "n2", "n4"]));
    assert_eq!(shop["since"], "1970-01-01T00:00:01Z");
    assert_eq!(shop["containers"][1]["node"], "n2");
    assert_eq!(shop["deviations"][0]["ids"], json!(["n1:1", "n4:2"]));
    assert_eq!(shop["deviations"][0]["nodes"], json!(["n1", "n4"]));
    assert_eq!(shop["deviations"][0]["count"], 4);
    let pay = workload(&found, "pay/");
    assert_eq!(pay["deviations"][0]["ids"], json!(["n4:3"]));
    assert_eq!(found["missing"][0]["reason"], "NO_DIGEST", "{found}");
    let incomplete = found["incomplete"].to_string();
    for part in [
        "of 1 running containers nobody told the digest: whether they are of this image is not known: n2 (1)",
        "agents lost 12 events since they started",
        "n3 (3)",
    ] {
        assert!(incomplete.contains(part), "{part}: {incomplete}");
    }
    let found = stage.json(&replica, SHOP).await;
    assert_eq!(found["workloads"].as_array().unwrap().len(), 1, "{found}");
    assert!(!found.to_string().contains("pay"), "{found}");
    let text = stage.told(&replica, SIEM, Output::Text).await;
    for part in [
        "shop/Deployment/web/app  no profile  on 3 nodes: n1, n2, n4\n",
        "  runs in d on n2 since 1970-01-01T00:00:01Z\n",
        "on n1, n4; violations n1:1, n4:2; lapwing evidence n1:1 on n1\n",
        "4 nodes answered\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_told_and_why() {
    let mut stage = Four::start();
    // One of a version that does not know the call, and one that is not there.
    Stubborn::default().start(&stage.keys, &format!("127.0.0.4:{}", stage.port));
    stage.cluster.put(pod("n5", "u8", "127.0.0.4", "Running"));
    stage.cluster.put(pod("n6", "u9", "127.0.0.9", "Pending"));
    let long = |length: usize| TracedContainer {
        container: Some(Container {
            name: "x".repeat(length),
            ..traced("l", "shop", DIGEST).container.unwrap()
        }),
        ..traced("l", "shop", DIGEST)
    };
    stage.agents[0].runs(Running::Told(vec![traced("a\u{1b}[2J", "shop", DIGEST)]));
    stage.agents[1].runs(Running::Hangs);
    stage.agents[2].runs(Running::Fails);
    stage.agents[3].runs(Running::Told(vec![long(5 << 20)]));
    let replica = stage.replica(5).await;
    let answer = stage.list(&replica, SIEM).await.unwrap();
    assert_eq!(places(&answer), [("n1", "a\u{1b}[2J")]);
    let expected = [
        ("n2", Reason::Late, 0),
        ("n3", Reason::Failed, 0),
        ("n4", Reason::Failed, 0),
        ("n5", Reason::Unable, 0),
        ("n6", Reason::Away, 0),
    ];
    assert_eq!(missing(&answer), expected);
    assert_eq!(answer.answered, 1);
    let detail = |node: &str| {
        let one = answer.missing.iter().find(|it| it.node == node);
        one.unwrap().detail.clone()
    };
    assert!(
        detail("n4").contains("the most that is taken"),
        "{answer:?}"
    );
    assert!(detail("n6").contains("does not run"), "{answer:?}");
    // Nobody asks twice at a time, and so keeps others from it.
    let list = |who| stage.list(&replica, who);
    let (shop, siem, last) = tokio::join!(list(SHOP), list(SIEM), list(SIEM));
    let (siem, refused) = match (siem, last) {
        (Ok(siem), Err(refused)) | (Err(refused), Ok(siem)) => (siem, refused),
        both => panic!("{both:?}"),
    };
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    let shop = shop.unwrap();
    assert!([&shop, &siem].iter().all(|it| missing(it) == expected));
    assert!(shop.missing.iter().all(|it| it.detail.is_empty()));
    let text = stage.told(&replica, SIEM, Output::Text).await;
    assert!(!text.contains('\u{1b}'), "{text:?}");
    for part in [
        "what runs on 1 node is not known, as the agent is not connected: n6 (",
        "as the agent took too long: n2 (",
        "as the agent's version cannot say it: n5 (",
        "gave no answer that is of use: n3 (",
        // Who is connected and comes to no end, and who is not.
        "what deviated on 2 nodes is not all known",
        "1 node answered",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    // More of one node than it may tell, each of which is small, or large.
    let many = |count: usize, one: &TracedContainer| Running::Told(vec![one.clone(); count]);
    stage.agents[1].runs(many(5000, &traced("m", "shop", DIGEST)));
    stage.agents[2].runs(many(3, &long(1 << 20)));
    // It goes while it is asked for what it runs, or before.
    drop(stage.agents.pop());
    let answer = stage.list(&replica, SIEM).await.unwrap();
    let of = |node: &str| {
        answer
            .containers
            .iter()
            .filter(|it| it.node == node)
            .count()
    };
    assert_eq!((of("n1"), of("n2"), answer.answered), (1, 4096, 3));
    // Of the room one node has a part of what is left.
    assert_eq!(of("n3"), 1, "{:?}", missing(&answer));
    assert!(missing(&answer).contains(&("n3", Reason::Cut, 2)));
    assert!(missing(&answer).contains(&("n2", Reason::Cut, 0)));
    assert!({ answer.missing.iter() }.any(|it| it.node == "n4"));
    replica.end().await;
}
