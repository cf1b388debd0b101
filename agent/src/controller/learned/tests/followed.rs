//! The whole way, over the network: agents that serve, a fleet that follows them, objects that are written.

use super::simulated::{Nodes, Size};
use super::*;
use crate::cli::client;
use crate::config::controller::Agents;
use crate::controller::Known;
use crate::controller::fleet::{Attendant, Fleet, Selection};
use crate::controller::learned::{FOLLOW, Learner};
use crate::controller::tests::stage::{
    Agent, CONTROLLER, Keys, PATIENCE, Replica, SHOP, SIEM, node, pod, until,
};
use crate::controller::told;
use crate::kubernetes::watch::follow;
use lapwing_proto::v1::{Decider, GetProfileRequest, ListProfilesRequest, PromoteProfileRequest};
use std::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agents_learn_comes_into_objects_and_stays_when_they_go() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let web = workload("shop", "web");
    let one = Agent::start(&keys, "n1", "127.0.0.2:0");
    let port = one.address.port();
    let two = Agent::start(&keys, "n2", &format!("127.0.0.3:{port}"));
    one.learned
        .put(message(&learned(&web, 10, &[exec("a"), exec("one")]), 1));
    two.learned
        .put(message(&learned(&web, 10, &[exec("a")]), 2));
    for (node, address) in [("n1", "127.0.0.2"), ("n2", "127.0.0.3")] {
        cluster.put(pod(node, node, address, "Running"));
    }
    let (certificate, key) = keys.client(CONTROLLER);
    let agents = Agents {
        authority: keys.ca(),
        certificate,
        key,
        ..Agents::default()
    };
    let selection = Selection {
        namespace: "lapwing".to_owned(),
        selector: "a=b".to_owned(),
        port,
    };
    let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
    let quick = Rules {
        interval: Duration::from_secs(1),
        ..rules()
    };
    let learner = Learner::new(Arc::clone(&api), quick, "controller-0");
    let learner: Arc<dyn Attendant> = Arc::new(learner);
    let known = Arc::new(Known::new(&agents));
    let fleet = Arc::new(Fleet::new(
        api,
        selection,
        known,
        vec![Arc::clone(&learner)],
    ));
    let led = tokio::spawn(learner.lead(Arc::clone(&fleet)));
    let followed = Arc::clone(&fleet);
    let followed = tokio::spawn(async move { follow(&*followed).await });
    let path = object::path(&web);
    let told = |key: &str| {
        let object = cluster.object(&path)?;
        object["status"][key].as_u64()
    };
    until("both nodes", || told("nodes") == Some(2)).await;
    // Both showed it; what one of two did waits.
    assert_eq!(
        (told("behaviours"), told("provisional")),
        (Some(1), Some(1))
    );
    // News come by themselves.
    two.learned
        .put(message(&learned(&web, 10, &[exec("a"), exec("two")]), 2));
    until("what is new on one", || told("provisional") == Some(2)).await;
    drop(one);
    cluster.delete("n1");
    until("it is written that nobody runs there", || {
        let object = cluster.object(&path).unwrap();
        object["status"]["nodes"] == 2 && fleet.agents().len() == 1
    })
    .await;
    assert_eq!(
        (told("behaviours"), told("provisional")),
        (Some(1), Some(2))
    );
    followed.abort();
    led.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_controller_answers_for_all_nodes_and_so_does_the_next() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let (web, db) = (workload("shop", "web"), workload("pay", "db"));
    let agent = Agent::start(&keys, "n1", "127.0.0.4:0");
    agent
        .learned
        .put(message(&learned(&web, 10, &[exec("a")]), 3));
    agent
        .learned
        .put(message(&learned(&db, 10, &[exec("b")]), 1));
    cluster.put(pod("n1", "u1", "127.0.0.4", "Running"));
    cluster.own("/api/v1/nodes/n1", node(true));
    let first = Replica::start(&keys, &cluster, "one", agent.address.port());
    let path = object::path(&web);
    until("an object", || {
        cluster
            .object(&path)
            .is_some_and(|object| object["status"]["nodes"] == 1)
    })
    .await;
    let mut siem = first.client(&keys, SIEM).await;
    let all = siem.list_profiles(ListProfilesRequest {}).await.unwrap();
    let all = all.into_inner().profiles;
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["pay/Deployment/db/app", "shop/Deployment/web/app"]);
    assert_eq!((all[1].exec, all[1].instances), (1, Some(3)));
    let unmet = &all[1].learning.as_ref().unwrap().unmet;
    assert!(
        unmet
            .iter()
            .any(|text| text.starts_with("observed for 10 min")),
        "{unmet:?}"
    );
    let get = |name: &str| GetProfileRequest {
        name: name.to_owned(),
    };
    let got = siem
        .get_profile(get("shop/Deployment/web/app"))
        .await
        .unwrap();
    let got = got.into_inner();
    let told = report::settings(&got.conditions.unwrap());
    assert_eq!(told, Terms::default().settings);
    let profile = Profile::from_yaml(got.yaml).unwrap();
    assert!(profile.accepts(&Entry::parse(&exec("a")).unwrap()));
    // Who may see one namespace sees that.
    let mut shop = first.client(&keys, SHOP).await;
    let seen = shop.list_profiles(ListProfilesRequest {}).await.unwrap();
    assert_eq!(seen.into_inner().profiles.len(), 1);
    let error = shop
        .get_profile(get("pay/Deployment/db/app"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
    // By default it may approve of nothing, and says how it is done.
    let promote = PromoteProfileRequest {
        name: "shop/Deployment/web/app".to_owned(),
        decider: Some(Decider {
            actor: "ann".to_owned(),
            reason: "reviewed".to_owned(),
        }),
    };
    let error = siem.promote_profile(promote).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::FailedPrecondition);
    assert!(
        error
            .message()
            .contains("kubectl -n shop get lp deployment-web-app-"),
        "{error}"
    );
    assert!(cluster.written_objects("behaviorprofiles").is_empty());
    // Both go, and what they knew is there.
    first.crash().await;
    drop(agent);
    cluster.delete("u1");
    let second = Replica::start(&keys, &cluster, "two", 1);
    until("another leads", || second.leads()).await;
    let mut siem = second.client(&keys, SIEM).await;
    let begun = Instant::now();
    let got = loop {
        match siem.get_profile(get("shop/Deployment/web/app")).await {
            Ok(got) => break got.into_inner(),
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let again = Profile::from_yaml(got.yaml).unwrap();
    assert_eq!(again.to_spec(), profile.to_spec());
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_reads_stays_with_the_agent() {
    let size = Size {
        nodes: 1,
        everywhere: 400,
        here: 0,
        of_each: 1,
        behaviours: 40,
    };
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let nodes = Nodes::begin(size, &keys, &cluster).await;
    let bytes = nodes.learn(10, size.behaviours);
    assert!(bytes > 3 << 20, "{bytes} bytes are to be told");
    let (certificate, key) = keys.client(CONTROLLER);
    let known = Known::new(&Agents {
        authority: keys.ca(),
        certificate,
        key,
        ..Agents::default()
    });
    let endpoint = known.endpoint(format!("127.20.0.1:{}", nodes.port).parse().unwrap());
    let mut channel = client::channel(&endpoint).await.ok().unwrap();
    let question = v1::FollowLearnedRequest::default();
    let asked = told::ask::<v1::FollowLearnedResponse>(&mut channel, FOLLOW, &question, 1 << 20);
    let mut told = asked.await.unwrap();
    // It sends as long as it may, then no more: a busy machine holds it up for less than this.
    let (begun, mut sent, mut last) = (Instant::now(), 0, Instant::now());
    while sent == 0 || last.elapsed() < Duration::from_secs(2) {
        assert!(begun.elapsed() < PATIENCE, "{sent} messages, and no end");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let more = nodes.told();
        if more > 0 {
            (sent, last) = (sent + more, Instant::now());
        }
    }
    // Most of that waits in what it sends from; of two megabytes there would be 200 more.
    assert!(sent < 100, "it could send {sent} of 400 messages");
    // All of it comes when it is read.
    let mut taken = 0;
    while let Some(message) = told.message().await.unwrap()
        && message.profile.is_some()
    {
        taken += 1;
    }
    assert_eq!(taken, size.everywhere);
}
