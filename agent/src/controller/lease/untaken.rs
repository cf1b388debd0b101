//! Which failures to take or keep a Lease are told.

use crate::kubernetes::api::Failure;
use std::time::Duration;
use tokio::time::Instant;

/// What was told since the Lease could be looked at last.
#[derive(Default)]
pub struct Untaken {
    told: String,
    refused_since: Option<Instant>,
}

impl Untaken {
    /// Whether a failure is to be told: each once, and a refusal (403) when all looks met one for as long as
    /// `patience`. An API server that just started refuses what its roles allow until it has read them.
    pub fn is_due(&mut self, failure: &Failure, now: Instant, patience: Duration) -> bool {
        if failure.status == 403 {
            let since = *self.refused_since.get_or_insert(now);
            if now.duration_since(since) < patience {
                return false;
            }
        } else {
            self.refused_since = None;
        }
        if self.told == failure.text {
            return false;
        }
        self.told.clone_from(&failure.text);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, text: &str) -> Failure {
        Failure {
            status,
            text: text.to_owned(),
            ..Failure::default()
        }
    }

    #[test]
    fn each_failure_is_told_once_and_a_refusal_when_it_lasts() {
        const PATIENCE: Duration = Duration::from_secs(15);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let (away, refused) = (failure(0, "away"), failure(403, "forbidden"));
        let mut untaken = Untaken::default();
        let mut is_due = |failure, seconds| untaken.is_due(failure, after(seconds), PATIENCE);
        assert!(is_due(&away, 0) && !is_due(&away, 2), "once");
        assert!(
            !is_due(&refused, 4) && !is_due(&refused, 18),
            "it may have just started"
        );
        assert!(
            is_due(&refused, 19) && !is_due(&refused, 21),
            "it lasts, and is told once"
        );
        assert!(is_due(&away, 23));
        assert!(!is_due(&refused, 25), "counted from anew");
        assert!(!is_due(&refused, 39) && is_due(&refused, 40));
    }
}
