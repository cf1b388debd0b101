//! What was brought together as text, so that it can be taken up again.

use super::Collected;
use super::versions::Told;
use crate::profile::Profile;
use crate::version::Versions;
use thiserror::Error;

/// Between the two profiles: no line of either is like it.
const BETWEEN: &str = "--- nodes\n";
/// Behind the second, where nodes told of versions of the image. To who does not know of them it is a comment.
const VERSIONS: &str = "# versions\n";

/// A text that is none.
#[derive(Debug, Error)]
#[error("not what was brought together of a workload: {0}")]
pub struct StoredError(String);

impl Collected {
    /// All of it. The same is always the same text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (seen, nodes) = (self.seen.to_yaml(), self.nodes.to_yaml());
        let versions = match self.versions.to_text() {
            none if none.is_empty() => none,
            lines => format!("{VERSIONS}{lines}"),
        };
        format!("{seen}{BETWEEN}{nodes}{versions}")
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is damaged, or another version wrote it.
    pub fn from_text(text: &str) -> Result<Self, StoredError> {
        let parts = text.split_once(BETWEEN);
        let (seen, nodes) = parts.ok_or_else(|| StoredError("it is cut short".to_owned()))?;
        let (nodes, versions) = nodes.split_once(VERSIONS).unwrap_or((nodes, ""));
        let read = |text: &str| {
            let profile = Profile::from_yaml(text);
            profile.map_err(|error| StoredError(error.to_string()))
        };
        let (mut seen, nodes) = (read(seen)?, read(nodes)?);
        if seen.workload != nodes.workload {
            return Err(StoredError("its parts are of two workloads".to_owned()));
        }
        let mut versions = Told::from_text(versions).map_err(StoredError)?;
        // Where they stood before.
        versions.join(&Told::by_nobody(&seen));
        seen.versions = Versions::default();
        Ok(Self {
            seen,
            nodes,
            versions,
        })
    }
}
