//! Questions that wait for their answer.

use super::message::Question;
use std::collections::VecDeque;
use std::net::IpAddr;

/// What an answer has to match.
///
/// The resolver's port is not part of it: where an address is translated inside the container's
/// network namespace, as Docker does for its own resolver, the question leaves for another port
/// than the one its answer seems to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whether it went by TCP.
    pub tcp: bool,
    /// The resolver.
    pub resolver: IpAddr,
    /// The port it was sent from.
    pub port: u16,
    /// The number that the client chose.
    pub id: u16,
    /// What was asked.
    pub question: Question,
}

/// The questions of one container, oldest first.
#[derive(Default)]
pub struct Outstanding(VecDeque<(u64, Query)>);

impl Outstanding {
    /// Forgets those that waited too long.
    pub fn expire(&mut self, now: u64) {
        while self.0.front().is_some_and(|(expires, _)| *expires <= now) {
            self.0.pop_front();
        }
    }

    /// Adds a question; one that is sent again waits anew.
    pub fn add(&mut self, query: Query, expires: u64) {
        self.0.retain(|(_, known)| *known != query);
        self.0.push_back((expires, query));
    }

    /// Takes the question out that an answer matches: each is answered once.
    pub fn answer(&mut self, answer: &Query, now: u64) -> bool {
        let Some(index) = self
            .0
            .iter()
            .position(|(expires, query)| *expires > now && query == answer)
        else {
            return false;
        };
        self.0.remove(index);
        true
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
