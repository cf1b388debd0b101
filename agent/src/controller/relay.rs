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

mod attend;
mod pace;
mod remember;
#[cfg(test)]
mod tests;
mod whom;

pub use whom::Whom;

use super::fleet::{Agent, Attendant, Attending, Client, Fleet, Line, Link, State};
use super::items::milliseconds;
use super::lease::Elector;
use super::marks::{Marks, digest};
use super::silence::{Hearing, Quiet, Report, Silence};
use crate::clock;
use crate::feed::cursor::Cursor as Place;
use crate::feed::{Feed, Limits};
use crate::kubernetes::api::Api;
use lapwing_proto::timestamp;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Heartbeat, get_status_response as status};
use pace::Pace;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

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
    /// When that was so, in nanoseconds since the Unix epoch; 0 where it is not known.
    at: i64,
}

/// What is known of a node.
struct Node {
    agent: Arc<Agent>,
    line: Option<Line>,
    /// How often it was connected.
    joined: u64,
    /// Place in its log up to which it was relayed by this leader.
    cursor: Option<Place>,
    /// How fast it is read, whatever connection it has.
    pace: Pace,
    /// What of it was not acknowledged yet.
    unacked: Option<String>,
    /// Up to when it was heard, in milliseconds since the Unix epoch.
    mark: i64,
    /// When it was heard of last, by this leader or, at first, when that began to wait for it.
    heard: Instant,
    was_heard: bool,
    /// Since when it has no pod.
    bare: Option<Instant>,
    /// Why it is not followed, if it was connected then.
    error: String,
}

/// One node that can be asked again.
pub struct Askable {
    /// Its name.
    pub node: String,
    /// Its agent.
    pub agent: Arc<Agent>,
    /// How it is asked.
    pub client: Client,
    /// Which of its connections that is, by their number.
    pub joined: u64,
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
    /// Whether the leader before was there so lately that a node whose pod is gone may miss its agent.
    follows_on: bool,
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

/// Whether an agent that was not heard of for so long may be heard of in a moment: it was reached just now, or nobody
/// tried to reach it since, as the time between two tries grows. That takes half as long again at the most.
fn may_speak(node: &Node, state: &State, silent: Duration) -> bool {
    let due = node.heard + silent;
    if state.address.is_none() || node.bare.is_some() || due.elapsed() >= silent / 2 {
        return false;
    }
    match state.link {
        Link::Connected => {
            let age = clock::now().saturating_sub(state.since).unsigned_abs();
            Duration::from_nanos(age) < silent / 2
        }
        Link::New | Link::Away => !node.agent.is_missed_since(due),
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
        let away = u128::from(now.saturating_sub(note.at).unsigned_abs());
        let relay = Arc::new(Self {
            silence: Silence::new(&settings.cluster, note.silent),
            current: Mutex::new(inherited.clone()),
            begun: Instant::now(),
            follows_on: away < settings.gone.as_nanos(),
            nodes: Mutex::default(),
            feed,
            settings,
            api,
            inherited,
            elector,
        });
        // What was reported goes on, or comes to its end, as it would have.
        let open = relay.silence.open().into_iter().map(|report| report.node);
        relay.inherit(open.filter(|node| !node.is_empty()));
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
                client: node.line.as_ref()?.client.clone(),
                joined: node.joined,
                upto: node.cursor?,
            })
        });
        askable.collect()
    }

    fn enter(&self, agent: &Arc<Agent>) -> Node {
        Node {
            agent: Arc::clone(agent),
            line: None,
            joined: 0,
            cursor: None,
            pace: Pace::new(Instant::now()),
            unacked: None,
            mark: self.inherited.at(digest(&agent.node)),
            heard: Instant::now(),
            was_heard: false,
            bare: None,
            error: String::new(),
        }
    }

    /// An agent is connected. Answers with where it is gone on.
    fn join(&self, agent: &Arc<Agent>, line: &Line) -> Option<Place> {
        let mut nodes = self.nodes();
        let node = nodes
            .entry(agent.node.clone())
            .or_insert_with(|| self.enter(agent));
        node.agent = Arc::clone(agent);
        node.line = Some(line.clone());
        node.joined += 1;
        node.bare = None;
        node.cursor
    }

    fn leave(&self, agent: &Agent) {
        if let Some(node) = self.nodes().get_mut(&agent.node)
            && node.agent.uid == agent.uid
        {
            node.line = None;
        }
    }

    /// What is known of nodes, from the pods that there are.
    fn look(&self, agents: &[Arc<Agent>]) {
        let mut nodes = self.nodes();
        for agent in agents {
            let node = nodes
                .entry(agent.node.clone())
                .or_insert_with(|| self.enter(agent));
            if node.line.is_none() && agent.created >= node.agent.created {
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
        let lost = { agents.iter() }.fold(0, |all: u64, agent| all.saturating_add(agent.lost()));
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
        let nodes = self.nodes();
        let one = |(name, node): (&String, &Node)| self.quiet_of(name, node, now);
        nodes.iter().map(one).collect()
    }

    fn quiet_of(&self, name: &str, node: &Node, now: i64) -> Quiet {
        let silent = self.settings.silent;
        // One that was just made may have its image to fetch yet.
        let age = Duration::from_nanos(now.saturating_sub(node.agent.created).unsigned_abs());
        let is_new = !node.was_heard && age < silent * 10;
        let state = node.agent.state();
        // What others do not get of an agent that is connected has nothing to do with it.
        let error = match state.link {
            Link::Connected => &node.error,
            Link::New | Link::Away => &state.error,
        };
        let detail = match (node.bare.is_some(), state.address, error) {
            (true, ..) => "there is no pod of an agent any more".to_owned(),
            (_, None, _) => format!("its pod {} does not run", node.agent.pod),
            (_, Some(_), error) if error.is_empty() => {
                "it is connected, and says nothing".to_owned()
            }
            (_, Some(_), error) => error.clone(),
        };
        let quiet = node.heard.elapsed();
        Quiet {
            node: name.to_owned(),
            hearing: match quiet >= silent {
                true if !is_new && !may_speak(node, &state, silent) => Hearing::Silent(quiet),
                false if node.was_heard => Hearing::InTime,
                true | false => Hearing::Awaited,
            },
            detail,
        }
    }

    fn note(&self) -> String {
        let note = Note {
            marks: self.marks().to_string(),
            silent: self.silence.reports(),
            at: clock::now(),
        };
        serde_json::to_string(&note).unwrap_or_default()
    }

    async fn lead(self: Arc<Self>, fleet: Arc<Fleet>) {
        // Apart: an API that does not answer keeps no heartbeat waiting.
        tokio::join!(
            self.beats(&fleet),
            self.listen(&fleet),
            self.remember(&fleet)
        );
    }

    async fn beats(&self, fleet: &Fleet) {
        loop {
            sleep(self.settings.beat).await;
            self.beat(&fleet.agents(), fleet.is_listed());
            // One that is too long is told of where something is to be reported.
            let _ = self.elector.set_note(self.note());
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
                if number.is_none() && !items.is_empty() {
                    tracing::error!(
                        "the note in the Lease is too long: the next leader reports silent agents anew"
                    );
                }
                waiting.extend(items.into_iter().map(|item| (number, item)));
            }
            // When the next leader would know of it: else that one would report it anew.
            while let Some((_, item)) = waiting
                .pop_front_if(|(number, _)| number.is_none_or(|it| self.elector.is_written(it)))
            {
                self.feed.publish(clock::now(), item);
            }
        }
    }

    /// For `lapwing status`.
    #[must_use]
    pub fn silent(&self) -> Vec<status::fleet::Silent> {
        let one = |report: Report| status::fleet::Silent {
            node: match report.node.as_str() {
                "" => "others".to_owned(),
                node => node.to_owned(),
            },
            since: Some(timestamp(report.since)),
            detail: report.detail,
        };
        self.silence.open().into_iter().map(one).collect()
    }
}

impl Attendant for Arc<Relay> {
    fn attend(&self, agent: Arc<Agent>, line: Line) -> Attending {
        Box::pin(Relay::attend(Arc::clone(self), agent, line))
    }

    fn lead(&self, fleet: Arc<Fleet>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Relay::lead(Arc::clone(self), fleet))
    }
}
