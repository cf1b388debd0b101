//! The whole way, over the network: agents that serve, a fleet that follows them, objects that are written.

use super::*;
use crate::config::controller::Agents;
use crate::controller::Known;
use crate::controller::fleet::{Attendant, Fleet, Selection};
use crate::controller::learned::Learner;
use crate::controller::tests::stage::{Agent, CONTROLLER, Keys, pod, until};
use crate::kubernetes::watch::follow;

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
    let learner = Learner::new(Arc::clone(&api), quick, "controller-0", false);
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
    assert_eq!(told("behaviours"), Some(2));
    // News come by themselves.
    two.learned
        .put(message(&learned(&web, 10, &[exec("a"), exec("two")]), 2));
    until("what is new on one", || told("behaviours") == Some(3)).await;
    drop(one);
    cluster.delete("n1");
    until("it is written that nobody runs there", || {
        let object = cluster.object(&path).unwrap();
        object["status"]["nodes"] == 2 && fleet.agents().len() == 1
    })
    .await;
    assert_eq!(told("behaviours"), Some(3));
    followed.abort();
    led.abort();
}
