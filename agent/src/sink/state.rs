//! What is shown of a sink, and what its log says: each kind of trouble once when it begins, then at
//! most once a minute, and once when it is over.

use super::outcome::{Kind, Problem};
use crate::config::sinks::Transport;
use crate::feed::Feed;
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::{Loss, Sink, sink};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long at least between two lines of the log about the same trouble.
const QUIET: Duration = Duration::from_secs(60);

/// Shared by the task that delivers and those who ask.
pub struct Shared {
    name: String,
    transport: &'static str,
    form: &'static str,
    target: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    delivered: u64,
    bytes: u64,
    retried: u64,
    refused: BTreeMap<&'static str, u64>,
    /// Reports that were looked at since the start.
    seen: u64,
    trouble: Option<Kind>,
    last_error: String,
    last_error_time: Option<i64>,
    last_delivered: Option<i64>,
    logged: Option<Instant>,
}

impl Shared {
    /// Of a sink that has not begun; how its reports are written.
    pub fn new(name: &str, transport: &Transport<'_>, form: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            transport: transport.word(),
            form,
            target: super::transport::target(transport),
            state: Mutex::new(State::default()),
        }
    }

    /// Where it delivers to.
    pub fn target(&self) -> &str {
        &self.target
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the counters in between.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A report was looked at.
    pub fn seen(&self) {
        self.state().seen += 1;
    }

    /// The receiver has them.
    pub fn delivered(&self, count: u64, bytes: u64) {
        let mut state = self.state();
        state.delivered += count;
        state.bytes += bytes;
        state.last_delivered = Some(crate::clock::now());
        if state.trouble.take().is_some() {
            state.logged = None;
            drop(state);
            tracing::info!(sink = self.name, "the receiver takes reports again");
        }
    }

    /// They are tried again in a while.
    pub fn failed(&self, problem: &Problem, count: usize, wait: Duration) {
        let mut state = self.state();
        state.retried += count as u64;
        let text = match problem.remedy.as_str() {
            "" => problem.detail.clone(),
            remedy => format!("{}; {remedy}", problem.detail),
        };
        let new = state.trouble.replace(problem.kind) != Some(problem.kind);
        if state.error(text.clone(), new) {
            drop(state);
            tracing::warn!(
                sink = self.name,
                reason = problem.kind.word(),
                "{count} reports wait, next try in {} ms: {text}",
                wait.as_millis()
            );
        }
    }

    /// They are given up.
    pub fn refused(&self, count: u64, kind: Kind, why: &str) {
        let mut state = self.state();
        let known = state.refused.entry(kind.word()).or_default();
        let first = *known == 0;
        *known += count;
        let sum = *known;
        if state.error(format!("refused: {why}"), first) {
            drop(state);
            tracing::warn!(
                sink = self.name,
                reason = kind.word(),
                "the receiver refused {sum} reports since the start, which are given up: {why}"
            );
        }
    }

    /// The position is held in memory only.
    pub fn position_not_stored(&self, error: &anyhow::Error) {
        let text = format!("after a restart reports come again: {error:#}");
        if self.state().error(text.clone(), false) {
            tracing::warn!(sink = self.name, "{text}");
        }
    }

    /// As an answer.
    pub fn message(&self, position: String, feed: &Feed) -> Sink {
        let state = self.state();
        let kind = match state.trouble {
            None => sink::State::Delivering,
            Some(Kind::Unauthorised | Kind::Misconfigured) => sink::State::Blocked,
            Some(Kind::Unreachable | Kind::Busy | Kind::TooLarge | Kind::Refused) => {
                sink::State::Retrying
            }
        };
        Sink {
            name: self.name.clone(),
            transport: self.transport.to_owned(),
            encoding: self.form.to_owned(),
            target: self.target.clone(),
            state: kind.into(),
            delivered: state.delivered,
            bytes: state.bytes,
            retried: state.retried,
            refused: (state.refused.iter())
                .map(|(reason, count)| Loss {
                    reason: (*reason).to_owned(),
                    count: *count,
                })
                .collect(),
            behind: feed.behind(&position).unwrap_or_default(),
            last_error: state.last_error.clone(),
            last_error_time: state.last_error_time.map(timestamp),
            last_delivered: state.last_delivered.map(timestamp),
            position,
        }
    }
}

impl State {
    /// Keeps it; says whether the log shall have it.
    fn error(&mut self, text: String, new: bool) -> bool {
        self.last_error = text;
        self.last_error_time = Some(crate::clock::now());
        let log = new || self.logged.is_none_or(|logged| logged.elapsed() > QUIET);
        if log {
            self.logged = Some(Instant::now());
        }
        log
    }
}
