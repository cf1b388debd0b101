//! Evidence in a profile's `status`.
//!
//! ```yaml
//! evidence:
//!   version: 1
//!   gap: "2026-11-23T10:00:00Z"
//!   instances:
//!     - {id: "0a1b2c3d", node: "4e5f6a7b", fromStart: true, first: "...", last: "...", watched: 900, samples: 2, hours: 1024, startup: [3, 2, 1, 1, 0, 0], running: [2, 4, 1, 0, 1, 0]}
//! ```
//!
//! and in each entry's line of `seen` or `learned`, the ids of [`super::Evidence`] as hexadecimal numbers. A
//! file without it has none, as those of older versions. `watched` is in nanoseconds.

use super::Evidence;
use super::observed::{CLASSES, INSTANCES_MAX, Observed, Watched};
use super::sketch::Bottom;
use crate::file::{nanoseconds, time};
use crate::yaml::Flow;
use serde::Deserialize;
use std::fmt::Write;

/// Version of this form.
const VERSION: u32 = 1;
/// Nodes of one instance: ten pairs, and two lists.
const INSTANCE_NODES: usize = 1 + 2 * 10 + 2 * CLASSES;
/// Nodes of all evidence that is not an entry's.
pub(crate) const NODES: usize = 16 + INSTANCES_MAX * INSTANCE_NODES;
/// Nodes of an entry's evidence: three pairs.
pub(crate) const ENTRY_NODES: usize = 6;
/// Bytes of it, keys included.
pub(crate) const ENTRY_BYTES: usize = 9 * (super::INSTANCES_KEPT + 2 * super::SAMPLES_KEPT) + 48;

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ObservedLine {
    version: u32,
    #[serde(default)]
    gap: Option<jiff::Timestamp>,
    #[serde(default)]
    instances: Vec<InstanceLine>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InstanceLine {
    id: String,
    node: String,
    #[serde(default)]
    from_start: bool,
    first: jiff::Timestamp,
    last: jiff::Timestamp,
    watched: i64,
    samples: u32,
    hours: u32,
    startup: [u32; CLASSES],
    running: [u32; CLASSES],
}

impl ObservedLine {
    pub(crate) fn read(self) -> Result<Observed, String> {
        if self.version != VERSION {
            return Err(format!(
                "`status.evidence` has version {}, and this version of lapwing reads {VERSION}; \
                 without it the profile is learned anew",
                self.version
            ));
        }
        if self.instances.len() > INSTANCES_MAX {
            return Err(format!(
                "`status.evidence` has {} instances, and at most {INSTANCES_MAX} are kept",
                self.instances.len()
            ));
        }
        let mut observed = Observed {
            gap: self.gap.map(nanoseconds),
            ..Observed::default()
        };
        for line in self.instances {
            let id = one(&line.id)?;
            if line.hours >= 1 << 24 || line.watched < 0 {
                return Err(format!(
                    "the instance {} of `status.evidence` has more than 24 `hours`, or `watched` below zero",
                    line.id
                ));
            }
            let watched = Watched {
                node: one(&line.node)?,
                from_start: line.from_start,
                first: nanoseconds(line.first),
                last: nanoseconds(line.last),
                watched: line.watched,
                samples: line.samples,
                hours: line.hours,
                startup: line.startup,
                running: line.running,
            };
            if observed.of(id).is_some() {
                return Err(format!(
                    "two instances of `status.evidence` are {}",
                    line.id
                ));
            }
            observed.take(id, &watched);
        }
        Ok(observed)
    }
}

/// The lines below `status`; nothing where nothing was observed.
pub(crate) fn write(out: &mut String, observed: &Observed) {
    if observed.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  evidence:\n    version: {VERSION}");
    if let Some(gap) = observed.gap {
        let _ = writeln!(out, "    gap: \"{}\"", time(gap));
    }
    if observed.instances.is_empty() {
        return;
    }
    out.push_str("    instances:\n");
    for (id, watched) in &observed.instances {
        let mut map = Flow::default();
        map.nested("id", &format!("\"{id:08x}\""));
        map.nested("node", &format!("\"{:08x}\"", watched.node));
        if watched.from_start {
            map.nested("fromStart", "true");
        }
        map.text("first", &time(watched.first));
        map.text("last", &time(watched.last));
        map.number("watched", watched.watched);
        map.number("samples", watched.samples);
        map.number("hours", watched.hours);
        map.nested("startup", &format!("{:?}", watched.startup));
        map.nested("running", &format!("{:?}", watched.running));
        let _ = writeln!(out, "      - {}", map.finish());
    }
}

impl Evidence {
    /// Writes it into the line of its entry.
    pub(crate) fn write(&self, map: &mut Flow) {
        ids(map, "instances", &self.instances);
        ids(map, "starts", &self.starts);
        ids(map, "samples", &self.samples);
    }

    /// From what stands there. Says what is wrong with it.
    pub(crate) fn read(instances: &str, starts: &str, samples: &str) -> Result<Self, String> {
        Ok(Self {
            instances: read("instances", instances)?,
            starts: read("starts", starts)?,
            samples: read("samples", samples)?,
        })
    }
}

/// The ids of a sketch.
pub(crate) fn ids<const K: usize>(map: &mut Flow, key: &str, sketch: &Bottom<K>) {
    if !sketch.is_empty() {
        let ids: Vec<String> = sketch.ids().iter().map(|id| format!("{id:08x}")).collect();
        map.nested(key, &format!("\"{}\"", ids.join(" ")));
    }
}

/// Reads them.
pub(crate) fn read<const K: usize>(key: &str, text: &str) -> Result<Bottom<K>, String> {
    let mut sketch = Bottom::default();
    if text.is_empty() {
        return Ok(sketch);
    }
    let mut before = None;
    for (index, word) in text.split(' ').enumerate() {
        let id = one(word)?;
        if index >= K || before.is_some_and(|before| before >= id) {
            return Err(format!(
                "`{key}` holds at most {K} ids, each greater than the one before"
            ));
        }
        sketch.insert(id);
        before = Some(id);
    }
    Ok(sketch)
}

/// One id: eight hexadecimal digits.
pub(crate) fn one(text: &str) -> Result<u32, String> {
    let digits = text.len() == 8
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = digits.then(|| u32::from_str_radix(text, 16).ok()).flatten();
    id.ok_or_else(|| {
        let text: String = text.chars().take(16).collect();
        format!(
            "`{}` is not an id of eight hexadecimal digits",
            crate::text::canonical(text.as_bytes())
        )
    })
}
