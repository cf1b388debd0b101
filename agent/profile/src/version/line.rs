//! Versions in a profile's `status`.
//!
//! ```yaml
//! versions:
//!   - {repository: team/web, digest: "sha256:...", number: 1, first: "2026-11-23T10:00:00Z", known: true}
//! ```

use super::{Newest, Sight, VERSIONS_MAX, Version, Versions};
use crate::file::{nanoseconds, time};
use crate::text::canonical;
use crate::yaml::Flow;
use serde::Deserialize;

/// Nodes of all of them: a mapping of five pairs each.
pub(crate) const NODES: usize = 2 + 2 * VERSIONS_MAX * 11;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct VersionLine {
    repository: String,
    digest: String,
    number: u32,
    first: jiff::Timestamp,
    #[serde(default)]
    known: bool,
}

/// Reads all lines. Says what is wrong with one.
pub(crate) fn read(lines: Vec<VersionLine>) -> Result<Versions, String> {
    let mut versions = Versions::default();
    for line in lines {
        let digest = canonical(line.digest.as_bytes());
        let Some(version) = Version::new(&line.repository, &line.digest) else {
            return Err(format!(
                "`status.versions`: a `repository` in canonical text, and a `digest` as `sha256:` \
                 and 64 small hexadecimal digits are needed, not `{}` and `{digest}`",
                canonical(line.repository.as_bytes())
            ));
        };
        let set = match line.known {
            true => &mut versions.known,
            false => &mut versions.fresh,
        };
        if set.0.len() == VERSIONS_MAX {
            return Err(format!(
                "`status.versions`: at most {VERSIONS_MAX} can be `known`, and as many not"
            ));
        }
        let sight = Sight::new(line.number, nanoseconds(line.first));
        if set.0.insert(version, sight).is_some() {
            return Err(format!("`status.versions`: {digest} stands there twice"));
        }
    }
    Ok(versions)
}

/// All lines.
pub(crate) fn lines(versions: &Versions) -> impl Iterator<Item = String> {
    let of = |set: &'_ Newest, known: bool| -> Vec<String> {
        let mut all: Vec<_> = set.0.iter().collect();
        all.sort_by_key(|(version, sight)| (sight.number, *version));
        let line = |(version, sight): (&Version, &Sight)| {
            let mut map = Flow::default();
            map.text("repository", &version.repository);
            map.text("digest", &version.digest);
            map.number("number", sight.number);
            map.text("first", &time(sight.first()));
            if known {
                map.number("known", true);
            }
            map.finish()
        };
        all.into_iter().map(line).collect()
    };
    let mut lines = of(&versions.known, true);
    lines.extend(of(&versions.fresh, false));
    lines.into_iter()
}

impl Versions {
    pub(crate) fn is_empty(&self) -> bool {
        self.known.0.is_empty() && self.fresh.0.is_empty()
    }
}
