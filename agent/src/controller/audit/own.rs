//! Objects that this controller makes, and of which it tells itself.
//!
//! They are known by their uids, as the API answers who makes them: the field manager is a name that any client
//! may give itself.

use super::{Audit, Record};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Uids that wait to be seen. One that is forgotten is told of.
const MADE_MAX: usize = 4_096;
/// Changes that wait until it is known whose they are. What finds no room is told at once.
const WAITING_MAX: usize = 1_024;

#[derive(Default)]
struct State {
    /// Of the object that is made next.
    next: u64,
    /// Those that the API was asked for and did not answer yet.
    making: BTreeSet<u64>,
    made: VecDeque<String>,
    /// Each with its uid, and the first number that cannot be it.
    waiting: Vec<(u64, String, Record)>,
}

/// What was made, and is not seen yet.
pub struct Own {
    audit: Audit,
    state: Mutex<State>,
}

/// One that is being made, for as long as this lives.
#[derive(Debug)]
pub struct Making {
    own: Arc<Own>,
    number: u64,
    uid: Option<String>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Own").finish_non_exhaustive()
    }
}

impl Own {
    /// Of which none is made yet; what turns out to be somebody else's is told there.
    #[must_use]
    pub fn new(audit: Audit) -> Self {
        Self {
            audit,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The API is asked for one from now on.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Making {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.making.insert(number);
        Making {
            own: Arc::clone(self),
            number,
            uid: None,
        }
    }

    /// Tells that there is an object with this uid, unless it was made here. A watch may be faster than the
    /// answer to who made it: then it waits for that.
    pub(super) fn tell(&self, uid: &str, record: Record) {
        let mut state = self.lock();
        if let Some(place) = state.made.iter().position(|made| made == uid) {
            state.made.remove(place);
            return;
        }
        if state.making.is_empty() || state.waiting.len() >= WAITING_MAX {
            drop(state);
            self.audit.tell(record);
            return;
        }
        let next = state.next;
        state.waiting.push((next, uid.to_owned(), record));
    }
}

impl Making {
    /// It was made, and this is its uid.
    pub fn made(mut self, uid: String) {
        self.uid = Some(uid);
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut state = self.own.lock();
        state.making.remove(&self.number);
        if let Some(uid) = self.uid.take() {
            let waited = state.waiting.iter().position(|(_, of, _)| *of == uid);
            match waited {
                Some(place) => drop(state.waiting.remove(place)),
                None => state.made.push_back(uid),
            }
            if state.made.len() > MADE_MAX {
                state.made.pop_front();
            }
        }
        let first = state.making.first().copied().unwrap_or(u64::MAX);
        let all = std::mem::take(&mut state.waiting);
        let (known, waiting) = all.into_iter().partition(|(next, ..)| *next <= first);
        state.waiting = waiting;
        drop(state);
        let known: Vec<(u64, String, Record)> = known;
        for (_, _, record) in known {
            self.own.audit.tell(record);
        }
    }
}
