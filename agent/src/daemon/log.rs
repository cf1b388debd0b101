//! The log behind the feed, where the agent starts.

use crate::cli::{Code, Failure};
use crate::config::Config;
use crate::feed::Feed;
use lapwing_encode::redact::Redaction;
use std::sync::Arc;
use std::time::Duration;

/// How soon it is tried again to open the log.
const AGAIN: Duration = Duration::from_secs(1);

/// The log. Where it cannot be opened the agent goes on without it until it can, which the pipeline
/// reports: an agent that reports from memory is better than none.
pub(super) fn open(
    config: &Config,
    started: i64,
    redaction: Redaction,
) -> Result<Arc<Feed>, Failure> {
    let (limits, settings) = (
        config.feed.limits(),
        config.feed.settings(&config.state_dir),
    );
    let feed = Feed::open(limits, started, &settings);
    let feed = feed
        .or_else(|error| Feed::open_later(limits, started, &settings, &error, AGAIN))
        .map_err(|error| Failure::new(Code::Failed, error))?;
    Ok(Arc::new(feed.with_redaction(redaction)))
}
