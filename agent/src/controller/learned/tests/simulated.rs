//! Nodes as a controller sees them: each listens on an address of its own with mutual TLS, beats, and tells
//! what it learned and what it makes of BehaviorProfiles. What an agent has behind that costs nothing here.

mod states;

use super::*;
use crate::api::network::Network;
use crate::api::transport;
use crate::config::Listen;
use crate::controller::tests::stage::{CONTROLLER, Keys, SERVER_NAME, node, pod};
use crate::feed::cursor::{Cursor, Epoch};
use lapwing_proto::timestamp;
use lapwing_proto::v1::agent_server::Agent;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::*;
pub use states::object_of;
use states::{Obeyed, States};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Time between two heartbeats of an agent.
const BEAT: Duration = Duration::from_secs(5);
/// Each node hears of objects so much later than the one before: of a thousand the last one after five seconds, as is
/// promised.
const LATER: Duration = Duration::from_millis(5);

/// How many there are, and what each learns.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes.
    pub nodes: usize,
    /// Workloads that run on every node, as a DaemonSet's.
    pub everywhere: usize,
    /// Workloads of a node that run on some others too.
    pub here: usize,
    /// On how many in all.
    pub of_each: usize,
    /// What each of them does in the end.
    pub behaviours: usize,
}

impl Size {
    /// All of them.
    pub fn workloads(self) -> usize {
        self.everywhere + self.here * self.nodes.div_ceil(self.of_each)
    }

    /// Those of a node, by their numbers.
    fn of_node(self, node: usize) -> impl Iterator<Item = usize> {
        let first = self.everywhere + self.here * (node / self.of_each);
        (0..self.everywhere).chain(first..first + self.here)
    }

    /// On how many nodes this one runs.
    pub fn nodes_of(self, number: usize) -> usize {
        let Some(local) = number.checked_sub(self.everywhere) else {
            return self.nodes;
        };
        let first = local / self.here * self.of_each;
        self.of_each.min(self.nodes - first)
    }

    /// What is told of each after so many minutes.
    fn messages(self, minutes: u64, behaviours: usize) -> Vec<LearnedProfile> {
        let lines: Vec<String> = (0..behaviours).map(|n| exec(&n.to_string())).collect();
        let profile = learned(&workload("x", "x"), minutes, &lines);
        (0..self.workloads())
            .map(|number| {
                let mut profile = profile.clone();
                profile.workload = workload_of(number);
                message(&profile, 1)
            })
            .collect()
    }
}

/// Each by its number.
pub fn workload_of(number: usize) -> lapwing_profile::workload::Workload {
    workload(&format!("ns{}", number % 40), &format!("w{number}"))
}

/// What all nodes know.
type Known = Arc<Vec<LearnedProfile>>;

/// All nodes.
pub struct Nodes {
    size: Size,
    known: watch::Sender<Known>,
    told: Arc<AtomicUsize>,
    obeyed: watch::Sender<Obeyed>,
    stood: Arc<AtomicUsize>,
    pub port: u16,
}

impl Nodes {
    /// They listen, the cluster has their pods, and nobody has asked them yet.
    pub async fn begin(size: Size, keys: &Keys, cluster: &Cluster) -> Self {
        let (known, _) = watch::channel(Known::default());
        let (obeyed, _) = watch::channel(Obeyed::default());
        let [told, stood] = [0, 0].map(|none| Arc::new(AtomicUsize::new(none)));
        let listen = keys.listen("127.20.0.1:0", SERVER_NAME, &[(CONTROLLER, &["*"])]);
        let mut port = 0;
        for number in 0..size.nodes {
            let ip = format!("127.{}.{}.1", 20 + number / 250, number % 250);
            let listen = Listen {
                address: format!("{ip}:{port}"),
                ..listen.clone()
            };
            let network = Network::bind(&listen).unwrap().unwrap();
            port = network.address().port();
            let node = Node {
                numbers: size.of_node(number).collect(),
                known: known.subscribe(),
                told: Arc::clone(&told),
                states: States {
                    numbers: size.of_node(number).collect(),
                    obeyed: obeyed.subscribe(),
                    stood: Arc::clone(&stood),
                    later: LATER * number as u32,
                },
                begun: clock::now(),
            };
            let (ending, _) = watch::channel(false);
            let served = transport::run(node, None, Some(network), ending, std::future::pending());
            tokio::spawn(served);
            let name = format!("n{number}");
            cluster.put(pod(&name, &name, &ip, "Running"));
            cluster.own(&format!("/api/v1/nodes/{name}"), self::node(true));
        }
        Self {
            size,
            known,
            told,
            obeyed,
            stood,
            port,
        }
    }

    /// All of them have seen so many behaviours in so many minutes. Answers how many bytes they will tell.
    pub fn learn(&self, minutes: u64, behaviours: usize) -> usize {
        let messages = self.size.messages(minutes, behaviours);
        let told = (0..self.size.nodes).flat_map(|node| self.size.of_node(node));
        let bytes = told.map(|number| messages[number].yaml.len()).sum();
        self.known.send_replace(Arc::new(messages));
        bytes
    }

    /// There are objects of the workloads in these generations, which all of them obey.
    pub fn obey(&self, generations: Vec<i64>) {
        self.obeyed.send_replace(Arc::new(generations));
    }

    /// Reports that they told since this was asked.
    pub fn told(&self) -> usize {
        self.told.swap(0, Ordering::Relaxed)
    }

    /// How often they told of an object since this was asked.
    pub fn stood(&self) -> usize {
        self.stood.swap(0, Ordering::Relaxed)
    }
}

/// One of them.
struct Node {
    numbers: Vec<usize>,
    known: watch::Receiver<Known>,
    told: Arc<AtomicUsize>,
    states: States,
    begun: i64,
}

type Answer<T> = Result<Response<T>, Status>;

fn not_simulated<T>() -> Answer<T> {
    Err(Status::unimplemented(
        "a simulated node does not answer this",
    ))
}

#[tonic::async_trait]
impl Agent for Node {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;
    type FollowLearnedStream = ReceiverStream<Result<FollowLearnedResponse, Status>>;

    async fn watch(&self, _: Request<WatchRequest>) -> Answer<Self::WatchStream> {
        let (sender, receiver) = mpsc::channel(1);
        let epoch = Epoch::begin(self.begun);
        tokio::spawn(async move {
            loop {
                let now = clock::now();
                let cursor = Cursor {
                    epoch,
                    number: 0,
                    at: now,
                    behaviour: 0,
                };
                let beat = Heartbeat {
                    time: Some(timestamp(now)),
                    ..Heartbeat::default()
                };
                let response = WatchResponse {
                    cursor: cursor.to_string(),
                    item: Some(Item::Heartbeat(beat)),
                };
                if sender.send(Ok(response)).await.is_err() {
                    return;
                }
                tokio::time::sleep(BEAT).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn follow_learned(
        &self,
        request: Request<FollowLearnedRequest>,
    ) -> Answer<Self::FollowLearnedStream> {
        let interval = Duration::from_secs(request.into_inner().interval_seconds.into());
        let (sender, receiver) = mpsc::channel(1);
        let (numbers, mut known) = (self.numbers.clone(), self.known.clone());
        let told = Arc::clone(&self.told);
        tokio::spawn(async move {
            loop {
                let all = Arc::clone(&known.borrow_and_update());
                let profiles = numbers.iter().filter_map(|number| all.get(*number));
                for profile in profiles.cloned().map(Some).chain([None]) {
                    told.fetch_add(usize::from(profile.is_some()), Ordering::Relaxed);
                    let response = FollowLearnedResponse {
                        profile,
                        ..FollowLearnedResponse::default()
                    };
                    if sender.send(Ok(response)).await.is_err() {
                        return;
                    }
                }
                // Between two reports that it lives.
                while let Err(_late) = tokio::time::timeout(interval, known.changed()).await {
                    let lives = FollowLearnedResponse::default();
                    if sender.send(Ok(lives)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    type FollowBehaviorProfilesStream =
        ReceiverStream<Result<FollowBehaviorProfilesResponse, Status>>;

    async fn follow_behavior_profiles(
        &self,
        request: Request<FollowBehaviorProfilesRequest>,
    ) -> Answer<Self::FollowBehaviorProfilesStream> {
        let interval = Duration::from_secs(request.into_inner().interval_seconds.into());
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(self.states.clone().tell(interval, sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_status(&self, _: Request<GetStatusRequest>) -> Answer<GetStatusResponse> {
        Ok(Response::new(GetStatusResponse::default()))
    }

    async fn ack(&self, _: Request<AckRequest>) -> Answer<AckResponse> {
        Ok(Response::new(AckResponse::default()))
    }

    async fn forget_consumer(
        &self,
        _: Request<ForgetConsumerRequest>,
    ) -> Answer<ForgetConsumerResponse> {
        not_simulated()
    }

    async fn list_containers(
        &self,
        _: Request<ListContainersRequest>,
    ) -> Answer<ListContainersResponse> {
        not_simulated()
    }

    async fn list_profiles(&self, _: Request<ListProfilesRequest>) -> Answer<ListProfilesResponse> {
        not_simulated()
    }

    async fn get_profile(&self, _: Request<GetProfileRequest>) -> Answer<GetProfileResponse> {
        not_simulated()
    }

    async fn promote_profile(
        &self,
        _: Request<PromoteProfileRequest>,
    ) -> Answer<PromoteProfileResponse> {
        not_simulated()
    }

    async fn demote_profile(
        &self,
        _: Request<DemoteProfileRequest>,
    ) -> Answer<DemoteProfileResponse> {
        not_simulated()
    }

    async fn decide_entries(
        &self,
        _: Request<DecideEntriesRequest>,
    ) -> Answer<DecideEntriesResponse> {
        not_simulated()
    }

    async fn replay_profile(
        &self,
        _: Request<ReplayProfileRequest>,
    ) -> Answer<ReplayProfileResponse> {
        not_simulated()
    }

    async fn import_profile(
        &self,
        _: Request<ImportProfileRequest>,
    ) -> Answer<ImportProfileResponse> {
        not_simulated()
    }

    async fn get_inventory(&self, _: Request<GetInventoryRequest>) -> Answer<GetInventoryResponse> {
        not_simulated()
    }

    async fn test_sink(&self, _: Request<TestSinkRequest>) -> Answer<TestSinkResponse> {
        not_simulated()
    }
}
