//! Deliveries: what was reported goes to receivers that do not ask for it.
//!
//! Each sink is a task of its own with its own place in the feed, which it stores once the receiver
//! has taken what lies before it. So each report reaches each receiver at least once, also
//! across a kill of the agent, and in the feed's order, as nothing is sent before what
//! precedes it was taken or given up. A sink that fails costs the others nothing: the feed is
//! its queue. What it would not hold any more comes as a gap.
//!
//! [`delivery`] is the path: take a batch, send, judge the answer, go on. What kinds of answer there
//! are says [`outcome`]; the rest are transports ([`transport`]) and what they are made of.

pub mod address;
mod backoff;
mod bulk;
mod connection;
pub mod delivery;
mod file;
mod hec;
mod http;
mod otlp;
pub mod outcome;
mod place;
pub mod preflight;
mod record;
mod sample;
mod secret;
mod state;
mod stdout;
mod syslog;
mod tls;
pub mod transport;
mod veil;
mod webhook;

use crate::config::sinks::Sinks as Config;
use crate::feed::Feed;
use crate::feed::positions::Positions;
use anyhow::{Context, Result, anyhow};
use delivery::Delivery;
use lapwing_proto::v1;
use outcome::Outcome;
use record::Encoder;
use state::Shared;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use transport::Transport;

/// The folder of positions, below that of the agent's state.
const FOLDER: &str = "sinks";

/// What is said of the agent in what is sent.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the node.
    pub node: String,
}

/// All sinks of an agent.
pub struct Sinks {
    sinks: BTreeMap<String, One>,
    origin: Origin,
    feed: Arc<Feed>,
    positions: Arc<Positions>,
}

struct One {
    config: crate::config::sinks::Sink,
    state: Arc<Shared>,
}

/// There is no such sink: its name, and those that are.
#[derive(Debug, thiserror::Error)]
#[error("there is no sink `{0}`: {1}")]
pub struct NoSink(String, String);

impl Sinks {
    /// Those of a configuration that was checked. Nothing is sent before [`Sinks::start`]; a new one
    /// gets everything that is reported from here on.
    ///
    /// # Errors
    /// When the positions cannot be read.
    pub fn open(config: &Config, state: &Path, origin: Origin, feed: Arc<Feed>) -> Result<Self> {
        let positions = Positions::open(state.join(FOLDER))
            .context("cannot read how far the sinks have come")?;
        let mut sinks = BTreeMap::new();
        for (name, config) in config {
            let transport = (config.transport())
                .map_err(|(key, message)| anyhow!("`sinks.{name}{key}`: {message}"))?;
            let state = Arc::new(Shared::new(name, &transport, transport.form(config)));
            // What the pipeline says while it is made is for new ones too.
            if positions.get(name).is_none()
                && let Err(error) = positions.set(name, &feed.here())
            {
                state.position_not_stored(&error);
            }
            let config = config.clone();
            sinks.insert(name.clone(), One { config, state });
        }
        Ok(Self {
            sinks,
            origin,
            feed,
            positions: Arc::new(positions),
        })
    }

    /// None, for an agent without any.
    ///
    /// # Errors
    /// As [`Sinks::open`].
    pub fn none(state: &Path, feed: Arc<Feed>) -> Result<Self> {
        let origin = Origin {
            cluster: String::new(),
            node: String::new(),
        };
        Self::open(&Config::new(), state, origin, feed)
    }

    /// Begins to deliver, until `ending` turns true and what is left was delivered. When this returns
    /// each sink reads the feed.
    pub async fn start(&self, ending: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for (name, one) in &self.sinks {
            let mut delivery = Delivery {
                name: name.clone(),
                feed: Arc::clone(&self.feed),
                positions: Arc::clone(&self.positions),
                encoder: Encoder::new(&one.config, &self.origin),
                transport: Transport::new(&one.config, &self.origin),
                config: one.config.clone(),
                state: Arc::clone(&one.state),
                ending: ending.clone(),
                awaits: false,
            };
            let subscriber = delivery.subscribe().await;
            tasks.spawn(delivery.run(subscriber));
        }
        tasks
    }

    /// How each of them does.
    #[must_use]
    pub fn status(&self) -> Vec<v1::get_status_response::Sink> {
        let each = self.sinks.iter();
        each.map(|(name, one)| {
            let position = self.positions.get(name).unwrap_or_default();
            one.state.message(position, &self.feed)
        })
        .collect()
    }

    /// Sends a marked sample by a connection of its own, once. Says what the receiver answered.
    ///
    /// # Errors
    /// When there is no such sink.
    pub async fn test(&self, name: &str) -> Result<v1::TestSinkResponse, NoSink> {
        let Some(one) = self.sinks.get(name) else {
            let names: Vec<&str> = self.sinks.keys().map(String::as_str).collect();
            let known = match names.as_slice() {
                [] => {
                    "none is configured; the section `sinks` of the configuration has them".into()
                }
                names => format!("there are {}", names.join(", ")),
            };
            let shown = lapwing_profile::text::canonical(name.as_bytes());
            return Err(NoSink(shown, known));
        };
        let begun = Instant::now();
        let sample = sample::sample(&self.origin, crate::clock::now());
        let id = sample::id(&sample);
        let mut transport = Transport::new(&one.config, &self.origin);
        let outcome = match Encoder::new(&one.config, &self.origin).record(sample) {
            Some(record) => transport.send(&[record]).await,
            None => Outcome::taken("nothing was sent: the encoding has no form for a sample"),
        };
        let (delivered, answer, remedy) = outcome.told();
        Ok(v1::TestSinkResponse {
            delivered,
            answer,
            remedy,
            target: one.state.target().to_owned(),
            sample_id: id,
            milliseconds: millis(begun.elapsed()),
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
