//! How it goes with the API, for those who look.

use super::api::Failure;
use crate::clock;
use crate::container::identity::bounded;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How it goes.
#[derive(Clone, Debug)]
pub struct Report {
    /// `Unspecified` until it was tried.
    pub state: State,
    /// Since when, in nanoseconds since the Unix epoch.
    pub since: i64,
    /// Where the API is.
    pub url: String,
    /// When the API said something last; 0 for never.
    pub heard: i64,
    /// What went wrong last.
    pub last_error: String,
    /// How often something did.
    pub failed: u64,
}

/// The same, as it changes.
#[derive(Debug)]
pub struct Health(Mutex<Report>);

impl Health {
    /// Of an API that was not asked yet.
    pub fn new() -> Self {
        Self(Mutex::new(Report {
            state: State::Unspecified,
            since: clock::now(),
            url: String::new(),
            heard: 0,
            last_error: String::new(),
            failed: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    /// The state alone.
    pub fn state(&self) -> State {
        self.lock().state
    }

    /// Where it was found.
    pub fn found(&self, url: String) {
        self.lock().url = url;
    }

    /// The API said something.
    pub fn heard(&self) {
        self.lock().heard = clock::now();
    }

    /// It is in this state; answers the address where that is another one than before.
    pub fn turn(&self, state: State, failure: Option<&Failure>) -> Option<String> {
        let mut report = self.lock();
        if let Some(failure) = failure {
            report.last_error = bounded(&failure.text);
        }
        if report.state == state {
            return None;
        }
        report.state = state;
        report.since = clock::now();
        Some(report.url.clone())
    }

    /// Something went wrong that keeps it from nothing else.
    pub fn note(&self, failure: &Failure) {
        let mut report = self.lock();
        report.failed += 1;
        report.last_error = bounded(&failure.text);
    }

    /// A question was not answered.
    pub fn failed(&self) {
        self.lock().failed += 1;
    }
}
