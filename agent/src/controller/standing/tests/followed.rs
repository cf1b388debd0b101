//! By real connections: agents that listen, and the controller that `lapwing controller` runs.

use super::*;
use crate::cli::client;
use crate::config::Length;
use crate::config::controller::Agents;
use crate::controller::standing::{FOLLOW, is_older};
use crate::controller::tests::stage::{Agent, CONTROLLER, Keys, Replica, node, pod, until};
use crate::controller::{Known, told};
use lapwing_proto::v1::FollowBehaviorProfilesRequest;

fn says(agent: &Agent, state: BehaviorProfileState) {
    agent
        .states
        .lock()
        .unwrap()
        .insert(state.uid.clone(), state);
}

fn quick(config: &mut crate::config::controller::Controller) {
    config.learned.interval = Length(1_000_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_controller_writes_what_agents_say_and_so_does_the_next() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let one = Agent::start(&keys, "n1", "127.0.0.2:0");
    let port = one.address.port();
    let two = Agent::start(&keys, "n2", &format!("127.0.0.3:{port}"));
    for (name, address) in [("n1", "127.0.0.2"), ("n2", "127.0.0.3")] {
        cluster.put(pod(name, name, address, "Running"));
        cluster.own(&format!("/api/v1/nodes/{name}"), node(true));
    }
    says(&one, state(&web, 1, None));
    says(&two, state(&web, 1, Some(("Unsigned", "nobody signed it"))));
    let first = Replica::with(&keys, &cluster, "one", port, quick);
    until("a refusal", || {
        condition(&cluster, "shop-web", "Refused").0 == "True"
    })
    .await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("False", "Unsigned")
    );
    // A new leader goes on from there.
    first.crash().await;
    let second = Replica::with(&keys, &cluster, "two", port, quick);
    until("another leads", || second.leads()).await;
    let mut mended = cluster.there("shop-web").unwrap();
    mended["metadata"]["generation"] = json!(2);
    cluster.put(mended.clone());
    says(&one, state(&mended, 1, None));
    says(&two, state(&mended, 1, None));
    until("it is in force", || {
        condition(&cluster, "shop-web", "InForce") == is("True", "AllNodes")
    })
    .await;
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "2/2");
    assert_eq!(
        cluster.there("shop-web").unwrap()["status"]["observedGeneration"],
        2
    );
    let told = |reason: &str| {
        let all = events(&cluster).into_iter();
        all.filter(|event| event.0 == reason).count()
    };
    until("both are told", || {
        (told("Refused"), told("InForce")) == (1, 1)
    })
    .await;
    let figures = second.desk.status().fleet.unwrap().profiles.unwrap();
    assert_eq!(
        (figures.in_force, figures.refused, figures.nodes),
        (1, 0, 2)
    );
    second.end().await;
}

/// What the one agent says that answers is not what all make of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_controller_knows_which_agents_it_should_hear() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let one = Agent::start(&keys, "n1", "127.0.0.6:0");
    let port = one.address.port();
    for (name, address) in [("n1", "127.0.0.6"), ("n2", "127.0.0.7")] {
        cluster.put(pod(name, name, address, "Running"));
        cluster.own(&format!("/api/v1/nodes/{name}"), node(true));
    }
    says(&one, state(&web, 1, None));
    let controller = Replica::with(&keys, &cluster, "one", port, quick);
    until("that not all are heard", || {
        condition(&cluster, "shop-web", "InForce") == is("Unknown", "NotHeard")
    })
    .await;
    assert_eq!(
        condition(&cluster, "shop-web", "Refused"),
        is("Unknown", "NotHeard")
    );
    let two = Agent::start(&keys, "n2", &format!("127.0.0.7:{port}"));
    says(&two, state(&web, 1, None));
    until("it is in force", || {
        condition(&cluster, "shop-web", "InForce") == is("True", "AllNodes")
    })
    .await;
    controller.end().await;
}

/// Agents of earlier versions know nothing of the call, and answer so, each in its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_does_not_know_the_call_is_told_from_one_that_refuses() {
    let keys = Keys::new();
    let agent = Agent::start(&keys, "n1", "127.0.0.5:0");
    let (certificate, key) = keys.client(CONTROLLER);
    let known = Known::new(&Agents {
        authority: keys.ca(),
        certificate,
        key,
        ..Agents::default()
    });
    let mut channel = client::channel(&known.endpoint(agent.address))
        .await
        .ok()
        .unwrap();
    let request = FollowBehaviorProfilesRequest::default();
    let later = "/lapwing.v1.Agent/FollowTomorrow";
    let asked = told::ask::<FollowBehaviorProfilesResponse>(&mut channel, later, &request, 1 << 10);
    let status = asked.await.unwrap_err();
    assert!(is_older(&status), "{status}");
    assert!(!is_older(&tonic::Status::permission_denied(
        "lacks the verb `read`"
    )));
    assert!(is_older(&tonic::Status::unimplemented("what is that")));
    // And one that does answers.
    let asked =
        told::ask::<FollowBehaviorProfilesResponse>(&mut channel, FOLLOW, &request, 1 << 10);
    assert!(asked.await.unwrap().message().await.unwrap().unwrap().whole);
}
