//! How it goes with the API, for those who look.

use super::api::Failure;
use crate::clock;
use crate::container::identity::bounded;
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::Watch;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// Objects that could not be had when they were listed last.
    pub left_out: u64,
}

/// The same, as it changes, for all who have it.
#[derive(Clone, Debug)]
pub struct Health(Arc<Mutex<Report>>);

impl Health {
    /// Of an API that was not asked yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Report {
            state: State::Unspecified,
            since: clock::now(),
            url: String::new(),
            heard: 0,
            last_error: String::new(),
            failed: 0,
            left_out: 0,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    /// The same of the watch of a resource, as its status has it.
    pub fn watch(&self, resource: &str) -> Watch {
        let report = self.lock();
        Watch {
            what: resource.to_owned(),
            state: report.state.into(),
            heard_time: (report.heard != 0).then(|| timestamp(report.heard)),
            left_out: report.left_out,
        }
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

    /// The API said what there is, but for so many.
    pub fn listed(&self, left_out: u64) {
        let mut report = self.lock();
        (report.heard, report.left_out) = (clock::now(), left_out);
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
