//! The controller's API: that of an agent, as far as it is of all of them.

use super::containers::Question;
use super::fleet::Fleet;
use super::follow::{Begin, Following};
use super::items::status_of;
use super::learned::Learner;
use super::lease::Elector;
use super::marks::Cursor;
use super::relay::Relay;
use crate::api::access::Caller;
use crate::api::control::{Control, Request as Asked};
use crate::api::inquiry::Inquiry;
use crate::api::network::{Network, Shared};
use crate::api::reach::Namespaces;
use crate::api::server::decided_by;
use crate::api::wanted::Wanted;
use crate::clock;
use crate::config::controller::Controller as Config;
use crate::container::digest::Digits;
use crate::kubernetes::api::Api;
use crate::kubernetes::health::Health;
use crate::kubernetes::watch::Follower;
use lapwing_proto::timestamp;
use lapwing_proto::v1::agent_server::Agent;
use lapwing_proto::v1::get_status_response as status;
use lapwing_proto::v1::watch_request::{Kind, Since};
use lapwing_proto::v1::{
    AckRequest, AckResponse, DecideEntriesRequest, DecideEntriesResponse, DemoteProfileRequest,
    DemoteProfileResponse, FollowBehaviorProfilesRequest, FollowBehaviorProfilesResponse,
    FollowLearnedRequest, FollowLearnedResponse, ForgetConsumerRequest, ForgetConsumerResponse,
    GetInventoryRequest, GetInventoryResponse, GetProfileRequest, GetProfileResponse,
    GetStatusRequest, GetStatusResponse, ImportProfileRequest, ImportProfileResponse,
    ListContainersRequest, ListContainersResponse, ListProfilesRequest, ListProfilesResponse,
    PromoteProfileRequest, PromoteProfileResponse, ReplayProfileRequest, ReplayProfileResponse,
    TestSinkRequest, TestSinkResponse, WatchRequest, WatchResponse,
};
use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Items that wait for a client to take them.
const AHEAD: usize = 16;
/// Clients that have all agents asked for containers at a time, and how long another one waits for its turn.
const ROUNDS: usize = 2;
const ROUNDS_WAIT: Duration = Duration::from_secs(30);

/// One of those who ask.
struct Asks<'a> {
    all: &'a Mutex<HashSet<String>>,
    identity: String,
}

impl<'a> Asks<'a> {
    /// None where it asks already.
    fn begin(all: &'a Mutex<HashSet<String>>, identity: Option<&str>) -> Option<Self> {
        let identity = identity.unwrap_or_default().to_owned();
        let mut asking = all.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = asking.insert(identity.clone());
        drop(asking);
        // Made only then: its end takes the identity out.
        is_first.then(|| Self { all, identity })
    }
}

impl Drop for Asks<'_> {
    fn drop(&mut self) {
        let mut asking = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        asking.remove(&self.identity);
    }
}

/// What this replica has while it leads.
struct Leading {
    relay: Arc<Relay>,
    fleet: Arc<Fleet>,
    learner: Option<Arc<Learner>>,
    /// How it goes with what is watched, by resource.
    watches: Vec<(&'static str, Health)>,
    listener: Option<Arc<Shared>>,
    since: i64,
}

/// Who is asked, whether this replica leads or not.
pub(super) struct Desk {
    cluster: String,
    name: String,
    started: i64,
    api: Arc<Api>,
    elector: Arc<Elector>,
    leading: RwLock<Option<Arc<Leading>>>,
    /// Free for those who have all agents asked.
    rounds: Semaphore,
    /// Who asks for containers now.
    asking: Mutex<HashSet<String>>,
}

impl Desk {
    pub(super) fn new(config: &Config, api: Arc<Api>, elector: Arc<Elector>) -> Self {
        Self {
            cluster: config.cluster.clone(),
            name: config.name.clone(),
            started: clock::now(),
            api,
            elector,
            leading: RwLock::default(),
            rounds: Semaphore::new(ROUNDS),
            asking: Mutex::default(),
        }
    }

    /// This replica leads.
    pub(super) fn begin(
        &self,
        relay: Arc<Relay>,
        fleet: Arc<Fleet>,
        learner: Option<Arc<Learner>>,
        watches: Vec<(&'static str, Health)>,
        network: Option<&Network>,
    ) {
        let leading = Leading {
            relay,
            fleet,
            learner,
            watches,
            listener: network.map(Network::shared),
            since: clock::now(),
        };
        let mut place = self.leading.write().unwrap_or_else(PoisonError::into_inner);
        *place = Some(Arc::new(leading));
    }

    /// It does no more.
    pub(super) fn end(&self) {
        *self.leading.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn leading(&self) -> Option<Arc<Leading>> {
        self.leading
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What answers, until it is told that this ends.
    pub(super) fn service(self: &Arc<Self>, ending: watch::Receiver<bool>) -> Service {
        Service {
            desk: Arc::clone(self),
            ending,
        }
    }

    /// Who knows what nodes learned.
    fn learner(&self) -> Result<Arc<Learner>, Status> {
        let leading = self.leading().ok_or_else(|| self.stands_by())?;
        leading.learner.clone().ok_or_else(|| {
            Status::failed_precondition(
                "what nodes learn is not brought together: `learned.enabled` of the controller's \
                 configuration says so",
            )
        })
    }

    fn leader(&self) -> String {
        let holder = self.elector.holder();
        holder.map(|holder| holder.name).unwrap_or_default()
    }

    fn stands_by(&self) -> Status {
        let who = match self.leader() {
            leader if leader.is_empty() || leader == self.name => "none leads yet".to_owned(),
            leader => {
                format!("`{leader}` leads: ask there, or over TCP, from where it is passed on")
            }
        };
        Status::unavailable(format!("this replica of the controller stands by, {who}"))
    }

    /// How it is.
    pub(super) fn status(&self) -> GetStatusResponse {
        let mut answer = GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: self.cluster.clone(),
            node: self.name.clone(),
            kernel: crate::status::kernel(),
            start_time: Some(timestamp(self.started)),
            memory_bytes: crate::status::memory(),
            ..GetStatusResponse::default()
        };
        let asked = status::Fleet {
            requests: requests(&self.api),
            written_bytes: self.api.asked.written(),
            ..status::Fleet::default()
        };
        let Some(leading) = self.leading() else {
            answer.fleet = Some(status::Fleet {
                leader: self.leader(),
                ..asked
            });
            return answer;
        };
        let mut agents: Vec<_> = leading
            .fleet
            .agents()
            .iter()
            .map(|it| status_of(it))
            .collect();
        agents.sort_by(|one, other| (&one.node, &one.pod).cmp(&(&other.node, &other.pod)));
        let health = leading.fleet.health().report();
        answer.watches = { leading.watches.iter() }
            .map(|(resource, health)| health.watch(resource))
            .collect();
        answer.feed = Some(crate::status::feed(&leading.relay.feed));
        answer.listener = leading.listener.as_ref().map(|it| it.status());
        answer.fleet = Some(status::Fleet {
            leader: self.name.clone(),
            leads: true,
            lead_time: Some(timestamp(leading.since)),
            agents,
            silent: leading.relay.silent(),
            state: health.state.into(),
            last_error: health.last_error,
            learned: leading.learner.as_ref().map(|learner| learner.figures()),
            profiles: { leading.learner.as_ref() }.and_then(|learner| learner.profiles()),
            ..asked
        });
        answer
    }

    /// Who is asked by probes and for metrics: a thread answers, as a pipeline would.
    pub(super) fn inquiry(self: &Arc<Self>) -> Inquiry {
        let (control, requests) = Control::new(Arc::new(|| ()));
        let desk = Arc::clone(self);
        let answer = move || {
            for request in requests {
                if let Asked::Status(reply) | Asked::Counters(reply) = request {
                    // Who asked may not wait any more.
                    let _ = reply.send(desk.status());
                }
            }
        };
        let thread = std::thread::Builder::new().name("status".to_owned());
        if let Err(error) = thread.spawn(answer) {
            tracing::error!("there are no metrics: no thread for them: {error}");
        }
        Inquiry::whole(control)
    }

    /// Whether this replica has led for so long that all agents are known.
    #[cfg(test)]
    pub(super) fn is_settled(&self) -> bool {
        self.leading()
            .is_some_and(|leading| !leading.relay.is_young())
    }

    /// How many agents are connected.
    #[cfg(test)]
    pub(super) fn connected(&self) -> usize {
        let agents = self.leading().map(|leading| leading.fleet.agents());
        let agents = agents.unwrap_or_default();
        agents
            .iter()
            .filter(|agent| agent.state().link == super::fleet::Link::Connected)
            .count()
    }
}

/// What the API of the cluster was asked, and how that ended.
fn requests(api: &Api) -> Vec<status::fleet::Request> {
    let all = api.asked.counts();
    all.map(|(verb, outcome, count)| status::fleet::Request {
        verb: verb.word().to_owned(),
        result: outcome.word().to_owned(),
        count,
    })
    .collect()
}

/// Answers calls.
pub(super) struct Service {
    desk: Arc<Desk>,
    ending: watch::Receiver<bool>,
}

type Answer<T> = Result<Response<T>, Status>;

/// What only the agent of a node can say.
fn of_a_node<T>() -> Answer<T> {
    Err(Status::unimplemented(
        "the controller does not answer this: ask the agent of the node, whose pod `lapwing status` of the \
         controller names, as by `kubectl exec POD -- /lapwing ...`",
    ))
}

/// It keeps nothing for clients.
fn no_names<T>() -> Answer<T> {
    Err(Status::failed_precondition(
        "the controller keeps no positions of named consumers: keep the cursor of the last item, and give it \
         as --since",
    ))
}

#[tonic::async_trait]
impl Agent for Service {
    type WatchStream =
        Pin<Box<dyn tokio_stream::Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Answer<Self::WatchStream> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let Some(leading) = self.desk.leading() else {
            return Err(self.desk.stands_by());
        };
        if !request.consumer.is_empty() {
            return no_names();
        }
        if request.kinds().any(|kind| kind == Kind::Behaviour) {
            return Err(Status::invalid_argument(
                "behaviours are not relayed: follow the agent of the node for them",
            ));
        }
        let wanted = Wanted::new(&request).map_err(Status::invalid_argument)?;
        let begin = match &request.since {
            None => Begin::Now,
            Some(Since::Cursor(text)) => Begin::After(Cursor::parse(text).ok_or_else(|| {
                Status::invalid_argument(
                    "not a cursor of this stream: give one that `lapwing watch -o json` printed of this \
                     cluster's controller, or a duration like 10m",
                )
            })?),
            Some(Since::AgeMilliseconds(age)) => {
                let age = i64::try_from(*age).unwrap_or(i64::MAX);
                Begin::Since((clock::now() / 1_000_000).saturating_sub(age).max(0))
            }
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        let following = Following::new(
            Arc::clone(&leading.relay),
            self.desk.cluster.clone(),
            begin,
            wanted,
            caller.namespaces(),
            sender,
        )?;
        tokio::spawn(following.run(self.ending.clone()));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn get_status(&self, request: Request<GetStatusRequest>) -> Answer<GetStatusResponse> {
        let caller = Caller::of(&request)?;
        let mut answer = self.desk.status();
        if caller.namespaces() != Namespaces::All {
            if let Some(fleet) = &mut answer.fleet {
                fleet.last_error.clear();
                fleet
                    .agents
                    .iter_mut()
                    .for_each(|agent| agent.last_error.clear());
                fleet
                    .silent
                    .iter_mut()
                    .for_each(|silent| silent.detail.clear());
            }
            if let Some(listener) = &mut answer.listener {
                listener.trouble.clear();
            }
        }
        Ok(Response::new(answer))
    }

    async fn ack(&self, _: Request<AckRequest>) -> Answer<AckResponse> {
        no_names()
    }

    async fn forget_consumer(
        &self,
        _: Request<ForgetConsumerRequest>,
    ) -> Answer<ForgetConsumerResponse> {
        no_names()
    }

    async fn list_containers(
        &self,
        request: Request<ListContainersRequest>,
    ) -> Answer<ListContainersResponse> {
        let caller = Caller::of(&request)?;
        let namespaces = caller.namespaces();
        let digits = match request.into_inner().image_digest.as_str() {
            "" => return of_a_node(),
            text => Digits::parse(text).map_err(Status::invalid_argument)?,
        };
        let Some(leading) = self.desk.leading() else {
            return Err(self.desk.stands_by());
        };
        // Nobody keeps all others waiting.
        let Some(_asks) = Asks::begin(&self.desk.asking, caller.identity()) else {
            return Err(Status::resource_exhausted(
                "this client has all agents asked for containers already: one question at a time",
            ));
        };
        let rounds = tokio::time::timeout(ROUNDS_WAIT, self.desk.rounds.acquire()).await;
        let Ok(Ok(_round)) = rounds else {
            return Err(Status::resource_exhausted(format!(
                "{ROUNDS} others have all agents asked for containers already: ask again in a while"
            )));
        };
        let question = Question { digits, namespaces };
        let mut ending = self.ending.clone();
        tokio::select! {
            answer = question.ask(&leading.relay, &leading.fleet) => Ok(Response::new(answer)),
            _ = ending.wait_for(|ending| *ending) => {
                Err(Status::unavailable("this replica leads no more: ask again"))
            }
        }
    }

    async fn list_profiles(
        &self,
        request: Request<ListProfilesRequest>,
    ) -> Answer<ListProfilesResponse> {
        let namespaces = Caller::of(&request)?.namespaces();
        let profiles = self.desk.learner()?.summaries(&namespaces).await?;
        Ok(Response::new(ListProfilesResponse { profiles }))
    }

    async fn get_profile(&self, request: Request<GetProfileRequest>) -> Answer<GetProfileResponse> {
        let namespaces = Caller::of(&request)?.namespaces();
        let name = request.into_inner().name;
        let learner = self.desk.learner()?;
        let (summary, yaml) = learner.profile(&name, &namespaces).await?;
        Ok(Response::new(GetProfileResponse {
            summary: Some(summary),
            yaml,
            conditions: Some(learner.conditions()),
        }))
    }

    async fn promote_profile(
        &self,
        request: Request<PromoteProfileRequest>,
    ) -> Answer<PromoteProfileResponse> {
        let caller = Caller::of(&request)?;
        let mut request = request.into_inner();
        decided_by(&caller, request.decider.as_mut())?;
        let decider = request.decider.unwrap_or_default();
        let learner = self.desk.learner()?;
        let summary = learner
            .promote(&request.name, &caller.namespaces(), &decider)
            .await?;
        let summary = Some(summary);
        Ok(Response::new(PromoteProfileResponse { summary }))
    }

    type FollowLearnedStream = ReceiverStream<Result<FollowLearnedResponse, Status>>;

    async fn follow_learned(
        &self,
        _: Request<FollowLearnedRequest>,
    ) -> Answer<Self::FollowLearnedStream> {
        of_a_node()
    }

    type FollowBehaviorProfilesStream =
        ReceiverStream<Result<FollowBehaviorProfilesResponse, Status>>;

    async fn follow_behavior_profiles(
        &self,
        _: Request<FollowBehaviorProfilesRequest>,
    ) -> Answer<Self::FollowBehaviorProfilesStream> {
        of_a_node()
    }

    async fn demote_profile(
        &self,
        _: Request<DemoteProfileRequest>,
    ) -> Answer<DemoteProfileResponse> {
        of_a_node()
    }

    async fn decide_entries(
        &self,
        _: Request<DecideEntriesRequest>,
    ) -> Answer<DecideEntriesResponse> {
        of_a_node()
    }

    async fn replay_profile(
        &self,
        _: Request<ReplayProfileRequest>,
    ) -> Answer<ReplayProfileResponse> {
        of_a_node()
    }

    async fn import_profile(
        &self,
        _: Request<ImportProfileRequest>,
    ) -> Answer<ImportProfileResponse> {
        of_a_node()
    }

    async fn get_inventory(&self, _: Request<GetInventoryRequest>) -> Answer<GetInventoryResponse> {
        of_a_node()
    }

    async fn test_sink(&self, _: Request<TestSinkRequest>) -> Answer<TestSinkResponse> {
        of_a_node()
    }
}
