//! How often the API was asked, and how it answered.

use super::api::Failure;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is asked for, in the words of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// An object, or a list.
    Get,
    /// What changes from now on.
    Watch,
    /// A new object.
    Create,
    /// An object in place of another.
    Update,
    /// Server-side apply.
    Patch,
    /// That it goes.
    Delete,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it was asked for.
    Ok,
    /// 409: somebody else was there before.
    Conflict,
    /// 4xx: it is not taken as it is.
    Refused,
    /// 5xx, or what is no answer.
    Failed,
    /// Nothing came, in time or at all.
    Unanswered,
}

impl Verb {
    /// Every one, in order.
    pub const ALL: [Self; 6] = [
        Self::Get,
        Self::Watch,
        Self::Create,
        Self::Update,
        Self::Patch,
        Self::Delete,
    ];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

impl Outcome {
    /// Every one, in order.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Conflict,
        Self::Refused,
        Self::Failed,
        Self::Unanswered,
    ];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
        }
    }

    /// Of an answer.
    pub fn of<T>(answer: &Result<T, Failure>) -> Self {
        match answer {
            Ok(_) => Self::Ok,
            Err(failure) => match failure.status {
                0 => Self::Unanswered,
                409 => Self::Conflict,
                400..=499 => Self::Refused,
                _ => Self::Failed,
            },
        }
    }
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Asked {
    counts: [[AtomicU64; Outcome::ALL.len()]; Verb::ALL.len()],
    written: AtomicU64,
}

impl Asked {
    /// One more that ended so.
    pub fn note(&self, verb: Verb, outcome: Outcome) {
        self.counts[verb as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So many bytes are sent to be written.
    pub fn write(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How many there were of each.
    pub fn counts(&self) -> impl Iterator<Item = (Verb, Outcome, u64)> {
        Verb::ALL.into_iter().flat_map(move |verb| {
            Outcome::ALL.map(|outcome| {
                let count = &self.counts[verb as usize][outcome as usize];
                (verb, outcome, count.load(Ordering::Relaxed))
            })
        })
    }

    /// Bytes that were sent to be written, taken or not.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}
