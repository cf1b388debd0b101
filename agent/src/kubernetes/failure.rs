//! Why there is no answer of the API.

use super::api::ANSWER_MAX;
use super::object::Refusal;
use std::time::Duration;

/// Longest time that is waited because the API says so.
pub(super) const AFTER_MAX: Duration = Duration::from_secs(300);

/// Why there is no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Of HTTP; 0 where nothing was answered.
    pub status: u16,
    /// How long the API wants to be left alone.
    pub after: Option<Duration>,
    /// The server has not come as far in history as was asked for.
    pub is_behind: bool,
    /// There is more of it than is read.
    pub is_long: bool,
    /// Nothing came in time.
    pub is_late: bool,
    /// The namespace is being deleted, or there is none: nothing can be made in it, and nobody lacks a right.
    pub is_of_namespace: bool,
    /// Of a list whose past is forgotten, where it goes on in what there is now; empty where that is not said.
    pub more: String,
    /// For people.
    pub text: String,
}

impl Failure {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Whether there is no such object.
    pub const fn is_missing(&self) -> bool {
        self.status == 404
    }

    /// Whether there is no such namespace.
    pub const fn is_without_namespace(&self) -> bool {
        self.is_of_namespace && self.is_missing()
    }

    /// Whether the object was changed by somebody else meanwhile.
    pub const fn is_conflict(&self) -> bool {
        self.status == 409
    }

    /// Whether the past that was asked for is forgotten.
    pub const fn is_gone(&self) -> bool {
        self.status == 410
    }
}

pub(super) fn late(text: String) -> Failure {
    Failure {
        is_late: true,
        ..Failure::new(text)
    }
}

pub(super) fn too_long() -> Failure {
    Failure {
        is_long: true,
        ..Failure::new(format!("an answer of more than {} MiB", ANSWER_MAX >> 20))
    }
}

/// What the API says of its refusal.
pub fn told(said: &Refusal, status: u16) -> Failure {
    let reason = hyper::StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let reason = reason.unwrap_or("no known status");
    let seconds = said.details.retry_after_seconds;
    // The server's own words for a namespace that ends are those of a right that is missing.
    let has_cause = |reason: &str| said.details.causes.iter().any(|it| it.reason == reason);
    let of_namespace = match status {
        403 if has_cause("NamespaceTerminating") => Some("its namespace is being deleted"),
        404 if said.details.kind == "namespaces" => Some("there is no such namespace any more"),
        _ => None,
    };
    Failure {
        status,
        after: (seconds > 0).then(|| Duration::from_secs(seconds).min(AFTER_MAX)),
        is_behind: has_cause("ResourceVersionTooLarge"),
        is_long: false,
        is_late: false,
        is_of_namespace: of_namespace.is_some(),
        more: said.metadata.more.clone(),
        text: match (of_namespace, said.message.as_str()) {
            (Some(text), _) => text.to_owned(),
            (None, "") => format!("{status} {reason}"),
            (None, message) => format!("{status} {reason}: {message}"),
        },
    }
}
