//! What was brought together as text, so that it can be taken up again.

use super::Collected;
use crate::profile::Profile;
use thiserror::Error;

/// Between the two profiles: no line of either is like it.
const BETWEEN: &str = "--- nodes\n";

/// A text that is none.
#[derive(Debug, Error)]
#[error("not what was brought together of a workload: {0}")]
pub struct StoredError(String);

impl Collected {
    /// All of it. The same is always the same text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (seen, nodes) = (self.seen.to_yaml(), self.nodes.to_yaml());
        format!("{seen}{BETWEEN}{nodes}")
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is damaged, or another version wrote it.
    pub fn from_text(text: &str) -> Result<Self, StoredError> {
        let parts = text.split_once(BETWEEN);
        let (seen, nodes) = parts.ok_or_else(|| StoredError("it is cut short".to_owned()))?;
        let read = |text: &str| {
            let profile = Profile::from_yaml(text);
            profile.map_err(|error| StoredError(error.to_string()))
        };
        let (seen, nodes) = (read(seen)?, read(nodes)?);
        if seen.workload != nodes.workload {
            return Err(StoredError("its parts are of two workloads".to_owned()));
        }
        Ok(Self { seen, nodes })
    }
}
