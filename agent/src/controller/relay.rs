//! What all agents report, in one stream.
//!
//! **Nothing is stored on the way.** Each agent keeps its log on disk and, as for any reader with a name,
//! the position of the relay, which is acknowledged when reports are in the relay's stream. That stream is in
//! memory, bounded, and of one leader. A leader that begins goes on at each agent from its position; so of
//! reports that no leader had relayed none is left out, however long an agent or the controller was away.
//! What the leader before *had* relayed and a client had not read yet, that client's cursor brings back: it
//! carries up to when each agent had been heard ([`marks`](super::marks)), and from there the agents are
//! asked again for this client ([`follow`](super::follow)). A report may so come twice, with the id and the
//! revision that the agent gave it, and none is missing as long as the agents have it. A disk of the
//! controller's would need a volume that follows the leader, and hold what is on the nodes anyway.
//!
//! Behaviours are not relayed: they are in the memory of agents alone, and many.
//!
//! Of what an agent says it is believed what it saw, and not where: node and cluster are those of the pod
//! that is connected to.

use super::fleet::{Agent, Attendant, Attending, Client, Fleet};
use super::items::{milliseconds, records, whose};
use super::lease::Elector;
use super::marks::{Marks, digest};
use super::silence::{Quiet, Report, Silence};
use crate::clock;
use crate::feed::cursor::Cursor as Place;
use crate::feed::{Feed, LOG_TOO_SHORT, Limits};
use crate::jitter::{chance, jitter};
use crate::kubernetes::api::Api;
use lapwing_proto::timestamp;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    AckRequest, GetStatusRequest, Heartbeat, WatchRequest, WatchResponse,
    get_status_response as status,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status, Streaming};

/// The name under which agents keep the relay's position.
const CONSUMER: &str = "relay";
/// How often it is acknowledged what was relayed, if anything was; half of it by chance.
const ACK: Duration = Duration::from_secs(10);
/// Time between two looks at which agents are silent.
const ROUND: Duration = Duration::from_secs(1);

/// As configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the cluster in reports.
    pub cluster: String,
    /// Bounds of the stream.
    pub limits: Limits,
    /// How far back a node is read that was never relayed.
    pub first: Duration,
    /// When an agent is silent.
    pub silent: Duration,
    /// Time between two heartbeats of the stream.
    pub beat: Duration,
    /// A node without a pod of an agent for so long is meant to have none; and so long after a leader began
    /// agents may come that it has not heard of yet.
    pub gone: Duration,
    /// The identities in the controller's certificate, as agents tell them apart.
    pub identities: Vec<String>,
}

/// What a leader leaves to the next.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Note {
    marks: String,
    silent: Vec<Report>,
}

/// What is known of a node.
struct Node {
    agent: Arc<Agent>,
    client: Option<Client>,
    /// Place in its log up to which it was relayed by this leader.
    cursor: Option<Place>,
    /// What of it was not acknowledged yet.
    unacked: Option<String>,
    /// Up to when it was heard, in milliseconds since the Unix epoch.
    mark: i64,
    /// When it was heard of last, by this leader or, at first, when that began to wait for it.
    heard: Instant,
    was_heard: bool,
    /// Since when it has no pod.
    bare: Option<Instant>,
}

/// One node that can be asked again.
pub struct Askable {
    /// Its name.
    pub node: String,
    /// Its agent.
    pub agent: Arc<Agent>,
    /// How it is asked.
    pub client: Client,
    /// Up to where it was relayed.
    pub upto: Place,
}

/// The stream, while this replica leads.
pub struct Relay {
    /// What clients follow.
    pub feed: Arc<Feed>,
    /// Nodes whose agents are silent.
    pub silence: Silence,
    settings: Settings,
    api: Arc<Api>,
    nodes: Mutex<BTreeMap<String, Node>>,
    inherited: Marks,
    begun: Instant,
    current: Mutex<Marks>,
    /// Keeps what the next leader is to find.
    elector: Arc<Elector>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Relay")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// Begins; `note` is what a leader before left.
    #[must_use]
    pub fn begin(
        settings: Settings,
        api: Arc<Api>,
        note: &str,
        elector: Arc<Elector>,
    ) -> Arc<Self> {
        let note: Note = serde_json::from_str(note).unwrap_or_default();
        let now = clock::now();
        // The first one has nobody to be heard before; those that are read from further back say so.
        let inherited = Marks::parse(&note.marks).unwrap_or_else(|| Marks::all(milliseconds(now)));
        let feed = Arc::new(Feed::new(settings.limits, now));
        let relay = Arc::new(Self {
            silence: Silence::new(&settings.cluster, note.silent),
            current: Mutex::new(inherited.clone()),
            begun: Instant::now(),
            nodes: Mutex::default(),
            feed,
            settings,
            api,
            inherited,
            elector,
        });
        // For those who follow on from the leader before.
        for item in relay.silence.items(i64::MIN) {
            relay.feed.publish(now, item);
        }
        relay.beat(&[], false);
        relay
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<String, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to when agents were heard, of all that is in the stream now.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether agents may come yet that this leader has not heard of, and clients may be owed something of.
    #[must_use]
    pub fn is_young(&self) -> bool {
        self.begun.elapsed() < self.settings.gone
    }

    /// How long an agent may say nothing.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.settings.silent
    }

    /// The names of all nodes that are known.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.nodes().keys().cloned().collect()
    }

    /// The nodes that are connected and were heard.
    #[must_use]
    pub fn askable(&self) -> Vec<Askable> {
        let nodes = self.nodes();
        let askable = nodes.iter().filter_map(|(name, node)| {
            Some(Askable {
                node: name.clone(),
                agent: Arc::clone(&node.agent),
                client: node.client.clone()?,
                upto: node.cursor?,
            })
        });
        askable.collect()
    }

    fn enter(&self, agent: &Arc<Agent>) -> Node {
        Node {
            agent: Arc::clone(agent),
            client: None,
            cursor: None,
            unacked: None,
            mark: self.inherited.at(digest(&agent.node)),
            heard: Instant::now(),
            was_heard: false,
            bare: None,
        }
    }

    /// An agent is connected. Answers with where it is gone on.
    fn join(&self, agent: &Arc<Agent>, client: &Client) -> Option<Place> {
        let mut nodes = self.nodes();
        let node = nodes
            .entry(agent.node.clone())
            .or_insert_with(|| self.enter(agent));
        node.agent = Arc::clone(agent);
        node.client = Some(client.clone());
        node.bare = None;
        node.cursor
    }

    fn leave(&self, agent: &Agent) {
        if let Some(node) = self.nodes().get_mut(&agent.node)
            && node.agent.uid == agent.uid
        {
            node.client = None;
        }
    }

    /// Whether the agent has a position of the relay's.
    async fn has_position(&self, client: &mut Client) -> Result<bool, Status> {
        let answer = client.get_status(GetStatusRequest {}).await?.into_inner();
        let names = answer.feed.map(|feed| feed.consumers).unwrap_or_default();
        let own = |name: &str| {
            let identities = &self.settings.identities;
            identities
                .iter()
                .any(|it| name == format!("{CONSUMER}{}{it}", crate::feed::positions::OWNER))
        };
        Ok(names.iter().any(|one| own(&one.name)))
    }

    /// Begins to follow an agent. Says whether it is for the first time, and whether it keeps the position.
    async fn open(
        &self,
        client: &mut Client,
        place: Option<Place>,
    ) -> Result<(Streaming<WatchResponse>, bool, bool), Status> {
        let first = Since::AgeMilliseconds(self.settings.first.as_millis() as u64);
        let since = match place {
            Some(place) => Some(Since::Cursor(place.to_string())),
            None if self.has_position(client).await? => None,
            None => Some(first.clone()),
        };
        let is_first = since.as_ref() == Some(&first);
        let request = WatchRequest {
            since,
            consumer: CONSUMER.to_owned(),
            ..records()
        };
        match client.watch(request.clone()).await {
            Ok(answer) => Ok((answer.into_inner(), is_first, true)),
            // It reports from memory alone.
            Err(status) if status.code() == Code::FailedPrecondition => {
                let request = WatchRequest {
                    since: request.since.or(Some(first)),
                    consumer: String::new(),
                    ..request
                };
                Ok((client.watch(request).await?.into_inner(), is_first, false))
            }
            Err(status) => Err(status),
        }
    }

    async fn attend(self: Arc<Self>, agent: Arc<Agent>, mut client: Client) -> Result<(), String> {
        let told = |status: Status| status.message().to_owned();
        let place = self.join(&agent, &client);
        let _leaving = Leaving(&self, &agent);
        let opened = timeout(self.settings.silent, self.open(&mut client, place)).await;
        let opened = opened.map_err(|_| "it does not answer".to_owned())?;
        let (stream, is_first, keeps) = opened.map_err(told)?;
        tokio::select! {
            read = self.read(&agent, stream, is_first) => read,
            () = self.acknowledge(&agent, client), if keeps => Ok(()),
        }
    }

    async fn read(
        &self,
        agent: &Agent,
        mut stream: Streaming<WatchResponse>,
        is_first: bool,
    ) -> Result<(), String> {
        loop {
            let next = timeout(self.settings.silent, stream.message()).await;
            let seconds = self.settings.silent.as_secs();
            let next = next.map_err(|_| format!("it says nothing for {seconds} s"))?;
            let response = match next {
                Ok(Some(response)) => response,
                Ok(None) => return Err("it ended".to_owned()),
                Err(status) => return Err(status.message().to_owned()),
            };
            let place = Place::parse(&response.cursor).ok_or("its cursors cannot be read")?;
            let now = clock::now();
            let is_record = match response.item {
                Some(Item::Heartbeat(beat)) => {
                    agent.set_lost(beat.lost);
                    false
                }
                Some(Item::Gap(gap)) if is_first && gap.reason == LOG_TOO_SHORT => false,
                Some(item) => {
                    if let Some(item) = whose(agent, &self.settings.cluster, item) {
                        self.feed.publish(now, item);
                        agent.relay();
                    }
                    true
                }
                None => false,
            };
            agent.hear(place.at);
            let mut nodes = self.nodes();
            if let Some(node) = nodes.get_mut(&agent.node) {
                node.cursor = Some(place);
                node.mark = milliseconds(place.at.min(now));
                node.heard = Instant::now();
                node.was_heard = true;
                if is_record {
                    node.unacked = Some(response.cursor);
                }
            }
        }
    }

    /// Says to an agent up to where it was relayed.
    async fn acknowledge(&self, agent: &Agent, mut client: Client) {
        loop {
            sleep(jitter(ACK.min(self.settings.silent), chance())).await;
            let unacked = {
                let mut nodes = self.nodes();
                nodes
                    .get_mut(&agent.node)
                    .and_then(|node| node.unacked.take())
            };
            let Some(cursor) = unacked else {
                continue;
            };
            let consumer = CONSUMER.to_owned();
            if let Err(status) = client.ack(AckRequest { consumer, cursor }).await {
                // The next one says it too; what is read again comes twice.
                tracing::debug!(node = agent.node, "not acknowledged: {}", status.message());
            }
        }
    }

    /// What is known of nodes, from the pods that there are.
    fn look(&self, agents: &[Arc<Agent>]) {
        let mut nodes = self.nodes();
        for agent in agents {
            let node = nodes
                .entry(agent.node.clone())
                .or_insert_with(|| self.enter(agent));
            if node.client.is_none() && agent.created >= node.agent.created {
                node.agent = Arc::clone(agent);
            }
        }
        let here: BTreeSet<&str> = agents.iter().map(|it| it.node.as_str()).collect();
        nodes.retain(|name, node| match here.contains(name.as_str()) {
            true => {
                node.bare = None;
                true
            }
            false => node.bare.get_or_insert_with(Instant::now).elapsed() < self.settings.gone,
        });
    }

    /// A heartbeat of the stream.
    fn beat(&self, agents: &[Arc<Agent>], is_listed: bool) {
        let lost = agents.iter().map(|agent| agent.lost()).sum();
        let marks = {
            let nodes = self.nodes();
            let heard: Vec<_> = { nodes.iter() }
                .map(|(name, node)| (digest(name), node.mark))
                .collect();
            match is_listed && !self.is_young() {
                true => Marks::of(&heard, self.inherited.at(0)),
                // Some may come of which nothing is known yet.
                false => self.inherited.clone().lowered(heard),
            }
        };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = marks.clone();
        let now = clock::now();
        self.feed.publish(
            now,
            Item::Heartbeat(Heartbeat {
                time: Some(timestamp(now)),
                lost,
                heard: marks.to_string(),
                ..Heartbeat::default()
            }),
        );
    }

    /// How long nothing was heard of each agent.
    fn quiet(&self) -> Vec<Quiet> {
        let now = clock::now();
        let silent = self.settings.silent;
        let one = |(name, node): (&String, &Node)| {
            // One that was just made may have its image to fetch yet.
            let age = Duration::from_nanos(now.saturating_sub(node.agent.created).unsigned_abs());
            let is_new = !node.was_heard && age < silent * 10;
            let state = node.agent.state();
            let detail = match (node.bare.is_some(), state.address, &state.error) {
                (true, ..) => "there is no pod of an agent any more".to_owned(),
                (_, None, _) => format!("its pod {} does not run", node.agent.pod),
                (_, Some(_), error) if error.is_empty() => {
                    "it is connected, and says nothing".to_owned()
                }
                (_, Some(_), error) => error.clone(),
            };
            let quiet = node.heard.elapsed();
            Quiet {
                node: name.clone(),
                quiet: (quiet >= silent && !is_new).then_some(quiet),
                detail,
            }
        };
        self.nodes().iter().map(one).collect()
    }

    fn note(&self) -> String {
        let note = Note {
            marks: self.marks().to_string(),
            silent: self.silence.reports(),
        };
        serde_json::to_string(&note).unwrap_or_default()
    }

    async fn lead(self: Arc<Self>, fleet: Arc<Fleet>) {
        // Apart: an API that does not answer keeps no heartbeat waiting.
        tokio::join!(self.beats(&fleet), self.listen(&fleet));
    }

    async fn beats(&self, fleet: &Fleet) {
        loop {
            sleep(self.settings.beat).await;
            self.beat(&fleet.agents(), fleet.is_listed());
            self.elector.set_note(self.note());
        }
    }

    /// Looks which agents are silent.
    async fn listen(&self, fleet: &Fleet) {
        let mut waiting = VecDeque::new();
        loop {
            sleep(ROUND.min(self.settings.beat)).await;
            if fleet.is_listed() {
                self.look(&fleet.agents());
                let items = self.silence.round(&self.api, &self.quiet()).await;
                let number = self.elector.set_note(self.note());
                waiting.extend(items.into_iter().map(|item| (number, item)));
            }
            // When the next leader would know of it: else that one would report it anew.
            while let Some((_, item)) =
                waiting.pop_front_if(|(number, _)| self.elector.is_written(*number))
            {
                self.feed.publish(clock::now(), item);
            }
        }
    }

    /// For `lapwing status`.
    #[must_use]
    pub fn silent(&self) -> Vec<status::fleet::Silent> {
        let one = |report: Report| status::fleet::Silent {
            node: report.node,
            since: Some(timestamp(report.since)),
            detail: report.detail,
        };
        self.silence.open().into_iter().map(one).collect()
    }
}

struct Leaving<'a>(&'a Relay, &'a Agent);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

impl Attendant for Arc<Relay> {
    fn attend(&self, agent: Arc<Agent>, client: Client) -> Attending {
        Box::pin(Relay::attend(Arc::clone(self), agent, client))
    }

    fn lead(&self, fleet: Arc<Fleet>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Relay::lead(Arc::clone(self), fleet))
    }
}
