use super::stage::{Agent, CONTROLLER, Keys, SERVER_NAME, pod, until};
use crate::config::controller::Agents;
use crate::controller::Known;
use crate::controller::fleet::{self, Attendant, Attending, Fleet, Line, Link, Selection};
use crate::kubernetes::api::Api;
use crate::kubernetes::double::Cluster;
use crate::kubernetes::watch::follow;
use lapwing_proto::v1::{AckRequest, GetStatusRequest, WatchRequest};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Asks each agent, once, and stays.
#[derive(Default)]
struct Asking {
    nodes: Mutex<Vec<String>>,
    at_once: Arc<AtomicUsize>,
}

struct Leaves(Arc<AtomicUsize>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Attendant for Arc<Asking> {
    fn attend(&self, agent: Arc<fleet::Agent>, line: Line) -> Attending {
        let (this, mut client) = (Arc::clone(self), line.client);
        Box::pin(async move {
            this.at_once.fetch_add(1, Ordering::SeqCst);
            let _leaves = Leaves(Arc::clone(&this.at_once));
            let answer = client.get_status(GetStatusRequest {}).await;
            answer.map_err(|status| status.message().to_owned())?;
            this.nodes.lock().unwrap().push(agent.node.clone());
            let stream = client.watch(WatchRequest::default()).await;
            let stream = stream.map_err(|status| status.message().to_owned())?;
            let mut stream = stream.into_inner();
            while let Ok(Some(_)) = stream.message().await {}
            Err("the stream ended".to_owned())
        })
    }
}

/// Is refused each time.
#[derive(Default)]
struct Refused(AtomicUsize);

impl Attendant for Arc<Refused> {
    fn attend(&self, _: Arc<fleet::Agent>, line: Line) -> Attending {
        let (this, mut client) = (Arc::clone(self), line.client);
        Box::pin(async move {
            this.0.fetch_add(1, Ordering::SeqCst);
            // Without a place, no position is kept.
            let refused = client.ack(AckRequest::default()).await;
            Err(refused.unwrap_err().message().to_owned())
        })
    }
}

fn fleet(cluster: &Cluster, keys: &Keys, port: u16, asking: &Arc<Asking>) -> Arc<Fleet> {
    fleet_of(cluster, keys, port, vec![Arc::new(Arc::clone(asking))])
}

fn fleet_of(
    cluster: &Cluster,
    keys: &Keys,
    port: u16,
    attendants: Vec<Arc<dyn Attendant>>,
) -> Arc<Fleet> {
    let (certificate, key) = keys.client(CONTROLLER);
    let agents = Agents {
        authority: keys.ca(),
        certificate,
        key,
        ..Agents::default()
    };
    assert_eq!(agents.server_name, SERVER_NAME);
    let selection = Selection {
        namespace: "lapwing".to_owned(),
        selector: "a=b,c=d".to_owned(),
        port,
    };
    let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
    Arc::new(Fleet::new(
        api,
        selection,
        Arc::new(Known::new(&agents)),
        attendants,
    ))
}

/// The time between two tries grows: nobody is called silent by what was tried long ago.
#[tokio::test(start_paused = true)]
async fn one_that_is_wanted_is_tried_at_once() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    // Nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.1.9:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let fleet = fleet_of(&cluster, &keys, port, Vec::new());
    cluster.put(pod("n1", "u1", "127.0.1.9", "Running"));
    let following = Arc::clone(&fleet);
    let task = tokio::spawn(async move { follow(&*following).await });
    tokio::time::sleep(Duration::from_secs(600)).await;
    let agent = Arc::clone(&fleet.agents()[0]);
    assert_eq!(agent.state().link, Link::Away);
    for _ in 0..20 {
        let due = tokio::time::Instant::now();
        assert!(!agent.is_missed_since(due));
        while !agent.is_missed_since(due) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // By itself it would be within half a minute to a whole one.
        assert!(
            due.elapsed() < Duration::from_secs(25),
            "{:?}",
            due.elapsed()
        );
    }
    task.abort();
}

#[tokio::test]
async fn agents_are_followed_as_they_come_and_go() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let one = Agent::start(&keys, "n1", "127.0.0.2:0");
    let port = one.address.port();
    let asking = Arc::<Asking>::default();
    let fleet = fleet(&cluster, &keys, port, &asking);
    cluster.put(pod("n1", "u1", "127.0.0.2", "Running"));
    // One of another namespace, and one that has no node yet.
    let mut foreign = pod("n9", "u9", "127.0.0.9", "Running");
    foreign["metadata"]["namespace"] = "shop".into();
    cluster.put(foreign);
    cluster.put(pod("", "u8", "", "Pending"));
    let following = Arc::clone(&fleet);
    let task = tokio::spawn(async move { follow(&*following).await });
    let at_once = || asking.at_once.load(Ordering::SeqCst);
    until("the first", || at_once() == 1).await;
    assert!(cluster.asked()[0].contains("/namespaces/lapwing/pods?labelSelector=a%3Db%2Cc%3Dd"));
    // Another comes, whose agent begins to listen only later.
    cluster.put(pod("n2", "u2", "127.0.0.3", "Running"));
    until("that it is tried", || {
        let agents = fleet.agents();
        let second = agents.iter().find(|agent| agent.node == "n2");
        second.is_some_and(|agent| agent.state().link == Link::Away)
    })
    .await;
    let two = Agent::start(&keys, "n2", &format!("127.0.0.3:{port}"));
    until("the second", || at_once() == 2).await;
    // One goes.
    cluster.delete("u1");
    until("that it is let go", || at_once() == 1).await;
    assert_eq!(fleet.agents().len(), 1);
    // The other one is restarted.
    drop(two);
    until("that it went", || at_once() == 0).await;
    let _two = Agent::start(&keys, "n2", &format!("127.0.0.3:{port}"));
    until("it again", || at_once() == 1).await;
    // And ends for good.
    cluster.put(pod("n2", "u2", "127.0.0.3", "Failed"));
    until("that none is left", || {
        at_once() == 0 && fleet.agents().is_empty()
    })
    .await;
    assert!(asking.nodes.lock().unwrap().iter().all(|node| node != "n9"));
    task.abort();
}

#[tokio::test]
async fn what_one_attendant_is_refused_is_no_trouble_of_another() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let one = Agent::start(&keys, "n1", "127.0.0.2:0");
    let (asking, refused) = (Arc::<Asking>::default(), Arc::<Refused>::default());
    let attendants: Vec<Arc<dyn Attendant>> = vec![
        Arc::new(Arc::clone(&refused)),
        Arc::new(Arc::clone(&asking)),
    ];
    let fleet = fleet_of(&cluster, &keys, one.address.port(), attendants);
    cluster.put(pod("n1", "u1", "127.0.0.2", "Running"));
    let following = Arc::clone(&fleet);
    let task = tokio::spawn(async move { follow(&*following).await });
    let tried = || refused.0.load(Ordering::SeqCst);
    until("that it is tried again", || tried() >= 3).await;
    assert_eq!(asking.nodes.lock().unwrap().len(), 1, "it was let be");
    let state = fleet.agents()[0].state();
    assert_eq!(state.link, Link::Connected);
    assert!(!state.error.is_empty());
    // When the agent goes both let go.
    drop(one);
    until("that it is away", || {
        fleet.agents()[0].state().link == Link::Away
    })
    .await;
    assert_eq!(asking.at_once.load(Ordering::SeqCst), 0);
    task.abort();
}

#[tokio::test]
async fn who_has_not_the_name_of_agents_is_none() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let listen = keys.listen("127.0.0.4:0", "web.shop.svc", &[(CONTROLLER, &["*"])]);
    // Something else with a certificate of the same authority.
    let network = crate::api::network::Network::bind(&listen)
        .unwrap()
        .unwrap();
    let port = network.address().port();
    let folder = tempfile::tempdir().unwrap();
    let limits = crate::feed::Limits {
        items: 10,
        bytes: 1 << 20,
    };
    let feed = Arc::new(crate::feed::Feed::new(limits, 1));
    let (control, _requests) = crate::api::control::Control::new(Arc::new(|| ()));
    let socket = crate::api::socket::Socket::bind(&folder.path().join("a.sock")).unwrap();
    let sinks = crate::sink::Sinks::none(folder.path(), Arc::clone(&feed)).unwrap();
    let end = std::future::pending();
    let served =
        crate::api::server::serve(socket, Some(network), feed, control, Arc::new(sinks), end);
    tokio::spawn(served);
    let asking = Arc::<Asking>::default();
    let fleet = fleet(&cluster, &keys, port, &asking);
    cluster.put(pod("n4", "u4", "127.0.0.4", "Running"));
    let following = Arc::clone(&fleet);
    let task = tokio::spawn(async move { follow(&*following).await });
    until("that it is refused", || {
        let agents = fleet.agents();
        agents
            .first()
            .is_some_and(|agent| agent.state().link == Link::Away)
    })
    .await;
    let error = fleet.agents()[0].state().error;
    assert!(error.contains("not valid for name"), "{error}");
    assert_eq!(asking.at_once.load(Ordering::SeqCst), 0);
    task.abort();
}
