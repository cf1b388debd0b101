//! The deliveries of an agent, without the agent.
#![allow(dead_code)]

use lapwing_agent::config::Config;
use lapwing_agent::feed::{Feed, Limits, Start};
use lapwing_agent::sink::{Origin, Sinks};
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::Sink;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Violation, WatchResponse};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub struct Running {
    pub sinks: Sinks,
    pub feed: Arc<Feed>,
    pub tasks: JoinSet<()>,
    pub ending: watch::Sender<bool>,
    pub folder: tempfile::TempDir,
}

impl Running {
    /// So many violations and gaps that were published, as a sink of node `n1` in cluster `c` has them.
    pub async fn published(&self, count: usize) -> Vec<WatchResponse> {
        let mut follower = self.feed.subscribe(&Start::Since(0)).unwrap();
        let mut all = Vec::new();
        while all.len() < count {
            let mut response = follower.next().await;
            let ours = match &mut response.item {
                Some(Item::Violation(_)) => true,
                Some(Item::Gap(gap)) => {
                    // As a sink says of whom it is.
                    (gap.cluster, gap.node) = ("c".to_owned(), "n1".to_owned());
                    gap.reason == "ring-full"
                }
                _ => false,
            };
            if ours {
                all.push(response);
            }
        }
        all
    }

    /// An agent's deliveries as configured, with its state in a folder.
    pub async fn start(yaml: &str, feed: Option<&Arc<Feed>>, folder: tempfile::TempDir) -> Self {
        Self::start_late(yaml, feed, folder, |_| {}).await
    }

    /// As the former; something happens between the opening and the start.
    pub async fn start_late(
        yaml: &str,
        feed: Option<&Arc<Feed>>,
        folder: tempfile::TempDir,
        between: impl FnOnce(&Feed),
    ) -> Self {
        let config = Config::parse(Path::new("test.yaml"), yaml.as_bytes()).unwrap();
        let limits = Limits {
            items: 1_000,
            bytes: 32 << 20,
        };
        let feed = match feed {
            Some(feed) => Arc::clone(feed),
            None => Arc::new(Feed::new(limits, now())),
        };
        let origin = Origin {
            cluster: "c".to_owned(),
            node: "n1".to_owned(),
        };
        let sinks = Sinks::open(&config.sinks, folder.path(), origin, Arc::clone(&feed)).unwrap();
        between(&feed);
        let (ending, ends) = watch::channel(false);
        let tasks = sinks.start(&ends).await;
        Self {
            sinks,
            feed,
            tasks,
            ending,
            folder,
        }
    }

    pub fn violate(&self, ids: impl IntoIterator<Item = u32>) {
        for id in ids {
            publish(&self.feed, id);
        }
    }

    /// A violation of so many bytes.
    pub fn publish_long(&self, id: u32, bytes: usize) {
        let violation = Violation {
            id: format!("v{id}"),
            nearest: "x".repeat(bytes),
            ..Violation::default()
        };
        self.feed.publish(now(), Item::Violation(violation));
    }

    pub fn status(&self) -> Sink {
        self.sinks.status().remove(0)
    }

    /// Ends as an agent does that is asked to.
    pub async fn drain(mut self) -> tempfile::TempDir {
        self.ending.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.folder
    }

    /// Ends as an agent does that is killed.
    pub async fn kill(mut self) -> tempfile::TempDir {
        self.tasks.shutdown().await;
        self.folder
    }
}

/// A violation.
pub fn publish(feed: &Feed, id: u32) {
    let violation = Violation {
        id: format!("v{id}"),
        revision: 1,
        time: Some(timestamp(1_700_000_000_123_456_789)),
        node: "n1".to_owned(),
        ..Violation::default()
    };
    feed.publish(now(), Item::Violation(violation));
}

pub fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap()
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
