//! An agent that really listens: its log on disk, and what it says of itself as a test wants it.

use super::{CONTROLLER, Keys, PATIENCE, SERVER_NAME};
use crate::api::control::{Control, Request};
use crate::api::network::Network;
use crate::api::server::serve;
use crate::api::socket::Socket;
use crate::feed::spool::Caps;
use crate::feed::{Feed, Limits, Settings, Sync};
use crate::judge::news::{Change, Told};
use crate::judge::workload_of;
use crate::sink::Sinks;
use lapwing_proto::timestamp;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    BehaviorProfileState, Container, GetStatusResponse, Heartbeat, LearnedProfile,
    ListContainersResponse, TracedContainer, Violation, Workload,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// What an agent learned, by the name of the workload.
#[derive(Clone, Default)]
pub struct Learned(Arc<Mutex<BTreeMap<String, (u64, LearnedProfile)>>>);

impl Learned {
    /// It learned this, which is news.
    pub fn put(&self, profile: LearnedProfile) {
        let mut all = self.0.lock().unwrap();
        let number = 1 + all.values().map(|(number, _)| *number).max().unwrap_or(0);
        all.insert(profile.name.clone(), (number, profile));
    }

    fn changes(&self, after: Option<u64>) -> Vec<Change> {
        let all = self.0.lock().unwrap();
        let changed = all.values().filter(|(number, _)| Some(*number) > after);
        changed
            .map(|(number, profile)| Change {
                workload: workload_of(profile.workload.as_ref().unwrap()),
                told: Told {
                    changed: *number,
                    news: *number,
                },
            })
            .collect()
    }

    fn of(&self, workload: &lapwing_profile::workload::Workload) -> Option<LearnedProfile> {
        let all = self.0.lock().unwrap();
        all.get(&workload.to_string())
            .map(|(_, profile)| profile.clone())
    }
}

/// What an agent makes of BehaviorProfiles, by their uids.
pub type States = Arc<Mutex<BTreeMap<String, BehaviorProfileState>>>;

/// What an agent says to who asks which containers run.
#[derive(Clone)]
pub enum Running {
    /// These.
    Told(Vec<TracedContainer>),
    /// Nothing, ever.
    Hangs,
    /// That it cannot say.
    Fails,
}

/// An agent as it is over the network: its log on disk, and the server of its API.
pub struct Agent {
    pub node: String,
    pub feed: Arc<Feed>,
    pub address: SocketAddr,
    pub learned: Learned,
    pub running: Arc<Mutex<Running>>,
    pub states: States,
    end: Option<oneshot::Sender<()>>,
    beats: AbortHandle,
}

impl Agent {
    /// On this address, with what its log has in the folder of this name.
    pub fn start(keys: &Keys, node: &str, address: &str) -> Self {
        let listen = keys.listen(address, SERVER_NAME, &[(CONTROLLER, &["*"])]);
        // Of an agent that ended a moment ago the address may still be in use.
        let begun = Instant::now();
        let network = loop {
            match Network::bind(&listen) {
                Ok(network) => break network.unwrap(),
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error:#}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let address = network.address();
        let state = keys.folder().join(node);
        let limits = Limits {
            items: 1000,
            bytes: 1 << 20,
        };
        let settings = Settings {
            folder: state.join("feed"),
            caps: Caps {
                bytes: 8 << 20,
                segment: 1 << 20,
                age: i64::MAX,
            },
            sync: Sync::Interval(Duration::from_millis(20)),
        };
        let now = crate::clock::now();
        let feed = Arc::new(Feed::open(limits, now, &settings).unwrap());
        let (control, requests) = Control::new(Arc::new(|| ()));
        let of = Arc::clone(&feed);
        let learned = Learned::default();
        let served = learned.clone();
        let running = Arc::new(Mutex::new(Running::Told(Vec::new())));
        let runs = Arc::clone(&running);
        let states = States::default();
        let made = Arc::clone(&states);
        std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for request in requests {
                match request {
                    Request::Status(reply) => drop(reply.send(GetStatusResponse {
                        feed: Some(crate::status::feed(&of)),
                        ..GetStatusResponse::default()
                    })),
                    Request::Containers(reply) => match runs.lock().unwrap().clone() {
                        Running::Told(containers) => drop(reply.send(ListContainersResponse {
                            containers,
                            ..ListContainersResponse::default()
                        })),
                        Running::Hangs => unanswered.push(reply),
                        Running::Fails => drop(reply),
                    },
                    Request::Changes(after, reply) => drop(reply.send(served.changes(after))),
                    Request::Learned(workload, reply) => {
                        drop(reply.send(served.of(&workload)));
                    }
                    Request::States(reply) => drop(reply.send(made.lock().unwrap().clone())),
                    _ => {}
                }
            }
        });
        let nonce = format!("{node}-{now}.sock");
        let socket = Socket::bind(&keys.folder().join(nonce)).unwrap();
        let sinks = Arc::new(Sinks::none(&state, Arc::clone(&feed)).unwrap());
        let (end, ends) = oneshot::channel();
        let ends = async {
            let _ = ends.await;
        };
        let served = serve(
            socket,
            Some(network),
            Arc::clone(&feed),
            control,
            sinks,
            ends,
        );
        tokio::spawn(served);
        let beats = beating(&feed, node);
        Self {
            node: node.to_owned(),
            feed,
            address,
            learned,
            running,
            states,
            end: Some(end),
            beats,
        }
    }

    /// It reports something of a namespace; the number is in its id.
    pub fn report(&self, number: u32, namespace: &str) {
        let now = crate::clock::now();
        let violation = violation(&self.node, number, namespace, now);
        self.feed.publish(now, Item::Violation(violation));
    }

    /// It says so to who asks which containers run.
    pub fn runs(&self, running: Running) {
        *self.running.lock().unwrap() = running;
    }

    /// It stands still: connected, and silent.
    pub fn freeze(&self) {
        self.beats.abort();
    }

    /// It goes on.
    pub fn thaw(&mut self) {
        self.beats = beating(&self.feed, &self.node);
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.beats.abort();
        self.feed.end();
        drop(self.end.take());
    }
}

fn beating(feed: &Arc<Feed>, node: &str) -> AbortHandle {
    let (feed, node) = (Arc::clone(feed), node.to_owned());
    let beats = tokio::spawn(async move {
        loop {
            feed.publish(crate::clock::now(), beat(&node));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    beats.abort_handle()
}

fn beat(node: &str) -> Item {
    Item::Heartbeat(Heartbeat {
        time: Some(timestamp(crate::clock::now())),
        node: node.to_owned(),
        lost: 3,
        ..Heartbeat::default()
    })
}

/// A container of a workload in this namespace, of an image with this digest.
pub fn traced(id: &str, namespace: &str, digest: &str) -> TracedContainer {
    TracedContainer {
        container: Some(Container {
            id: id.to_owned(),
            image_digest: digest.to_owned(),
            ..Container::default()
        }),
        workload: Some(workload(namespace)),
        cgroup_path: format!("/{id}"),
        start_time: Some(timestamp(1_000_000_000)),
        ..TracedContainer::default()
    }
}

fn workload(namespace: &str) -> Workload {
    Workload {
        namespace: namespace.to_owned(),
        kind: "Deployment".to_owned(),
        name: "web".to_owned(),
        container: "app".to_owned(),
    }
}

fn violation(node: &str, number: u32, namespace: &str, now: i64) -> Violation {
    Violation {
        id: format!("{node}:{number}"),
        revision: 1,
        node: node.to_owned(),
        rule: "exec.unknown".to_owned(),
        time: Some(timestamp(now)),
        workload: Some(workload(namespace)),
        ..Violation::default()
    }
}
