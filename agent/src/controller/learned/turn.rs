//! Agents that tell all they know, few at a time.
//!
//! A message is in memory before its turn to be read comes, and each may have tens of megabytes. So an agent is
//! not read at all before its turn; one that never ends stands behind the others again.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How long one may take before others have their turn.
pub const TURN: Duration = Duration::from_secs(20);

/// The turn of an agent to tell all it knows, until it has.
pub struct Turn {
    of: Arc<Semaphore>,
    held: Option<(OwnedSemaphorePermit, Instant)>,
    is_over: bool,
}

impl Turn {
    pub const fn new(of: Arc<Semaphore>) -> Self {
        Self {
            of,
            held: None,
            is_over: false,
        }
    }

    /// Has it, where it needs one; behind others, if it had it for long.
    pub async fn take(&mut self) -> Result<(), String> {
        if self.is_over || self.left().is_some_and(|left| !left.is_zero()) {
            return Ok(());
        }
        self.held = None;
        let permit = Arc::clone(&self.of).acquire_owned().await;
        let permit = permit.map_err(|error| error.to_string())?;
        self.held = Some((permit, Instant::now()));
        Ok(())
    }

    /// How long it may go on; for ever where it needs no turn.
    pub fn left(&self) -> Option<Duration> {
        let held = self.held.as_ref();
        held.map(|(_, since)| TURN.saturating_sub(since.elapsed()))
    }

    /// It waits, and others need not for it.
    pub fn rest(&mut self) {
        self.held = None;
    }

    /// It told all.
    pub fn end(&mut self) {
        self.is_over = true;
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_never_ends_stands_behind_others_again() {
        let places = Arc::new(Semaphore::new(2));
        let mut liars: Vec<Turn> = (0..2).map(|_| Turn::new(Arc::clone(&places))).collect();
        for liar in &mut liars {
            liar.take().await.unwrap();
        }
        let of = Arc::clone(&places);
        let honest = tokio::spawn(async move {
            let mut turn = Turn::new(of);
            turn.take().await.unwrap();
            turn.end();
            // Nothing holds it up from then on.
            turn.take().await.unwrap();
            assert!(turn.left().is_none());
            Instant::now()
        });
        let begun = Instant::now();
        tokio::time::sleep(TURN / 2).await;
        assert!(!honest.is_finished());
        liars[0].take().await.unwrap();
        assert_eq!(liars[0].left(), Some(TURN / 2), "it has it still");
        tokio::time::sleep(TURN / 2).await;
        liars[0].take().await.unwrap();
        assert_eq!(honest.await.unwrap() - begun, TURN);
        assert_eq!(places.available_permits(), 0);
        drop(liars);
        assert_eq!(places.available_permits(), 2);
    }
}
