//! The form for people and programs: one JSON object.

use super::{FILES_MAX, IMAGES_MAX, Inventory, Missing, Sight, uses};
use crate::text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of this form. Fields may be added, and none changes its meaning while it stays.
pub const SCHEMA: u32 = 1;
/// Bytes of a file that are read at most.
pub const TEXT_MAX: usize = 64 << 20;

/// An inventory as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The workload, as in `lapwing profile list`.
    pub workload: String,
    /// Since when it was observed.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// When something was seen last.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Instances that were observed.
    pub instances: u64,
    /// How far its profile had come with learning.
    #[serde(default)]
    pub learning: Option<Learning>,
    /// Why what is not in it may have been used all the same; empty where there is no such reason.
    pub incomplete: Vec<String>,
    /// The same in numbers.
    pub missing: Lost,
    /// Digests or names of the images under which it ran.
    pub images: Vec<String>,
    /// The files, in the order of their paths.
    pub files: Vec<Entry>,
}

/// How far a profile had come with learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Learning {
    /// The profile's mode, in words.
    pub mode: String,
    /// For how long the workload was observed, in words.
    pub observed: String,
    /// The lowest estimate of how much of its behaviour was seen, from 0 to 1.
    pub coverage: Option<f64>,
    /// What makes the profile incomplete, in words.
    pub incomplete: Vec<String>,
}

/// What is missing, see [`Missing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lost {
    /// First uses that were shed.
    pub shed: u64,
    /// Uses without room.
    pub no_room: u64,
    /// Instances of which the start was not seen.
    pub not_from_start: u64,
    /// Times that the agent was away.
    pub gaps: u64,
    /// Programs whose loader is not known.
    pub loaders: u64,
    /// Times that it was begun anew.
    pub begun_anew: u64,
    /// Instances that ran where the kernel cannot tell files apart.
    pub blind: u64,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its path in the container, canonical text, links in it resolved.
    pub path: String,
    /// `exec`, `open`, `list`, `mapped`.
    #[serde(rename = "use")]
    pub how: Vec<String>,
    /// It was made or changed in the container, or is a folder in which something was.
    #[serde(default)]
    pub changed: bool,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When an instance was last seen to use it for its first time.
    pub last_seen: Timestamp,
    /// Indices of the images under which it was used.
    #[serde(default)]
    pub images: Vec<usize>,
}

impl Export {
    /// Of a workload's inventory.
    #[must_use]
    pub fn of(workload: &str, known: &Inventory) -> Self {
        let time = |seconds| Timestamp::from_second(seconds).unwrap_or_default();
        let seen = |seconds| (seconds != 0).then(|| time(seconds));
        let Missing {
            shed,
            no_room,
            not_from_start,
            gaps,
            loaders,
            begun_anew,
            blind,
        } = known.missing;
        Self {
            schema: SCHEMA,
            workload: workload.to_owned(),
            since: seen(known.since),
            until: seen(known.until),
            instances: known.instances,
            learning: None,
            incomplete: known.incomplete(),
            missing: Lost {
                shed,
                no_room,
                not_from_start,
                gaps,
                loaders,
                begun_anew,
                blind,
            },
            images: known.images.clone(),
            files: known
                .files
                .iter()
                .map(|(path, used)| Entry {
                    path: text::canonical(path),
                    how: Inventory::words(used.how)
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                    changed: used.changed,
                    first_seen: time(used.first),
                    last_seen: time(used.last),
                    images: (0..IMAGES_MAX)
                        .filter(|at| used.images & 1 << at != 0)
                        .collect(),
                })
                .collect(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let found: Self = serde_json::from_slice(json).map_err(|error| {
            format!("is no inventory: {error}; `lapwing inventory WORKLOAD -o json` writes one")
        })?;
        if found.schema != SCHEMA {
            return Err(format!(
                "is of schema {}, and this version reads {SCHEMA}",
                found.schema
            ));
        }
        Ok(found)
    }

    /// The inventory that it is of.
    ///
    /// # Errors
    /// Names the entry that is none, or what there is too much of.
    pub fn inventory(&self) -> Result<Inventory, String> {
        if self.files.len() > FILES_MAX || self.images.len() > IMAGES_MAX {
            return Err(format!(
                "has more than {FILES_MAX} files or {IMAGES_MAX} images"
            ));
        }
        let Lost {
            shed,
            no_room,
            not_from_start,
            gaps,
            loaders,
            begun_anew,
            blind,
        } = self.missing;
        let mut known = Inventory {
            images: self.images.clone(),
            instances: self.instances,
            missing: Missing {
                shed,
                no_room,
                not_from_start,
                gaps,
                loaders,
                begun_anew,
                blind,
            },
            ..Inventory::default()
        };
        for entry in &self.files {
            let path = text::bytes(&entry.path).filter(|path| path.starts_with(b"/"));
            let path = path.ok_or_else(|| {
                format!(
                    "has `{}`, which is no absolute path in canonical text",
                    text::canonical(entry.path.as_bytes())
                )
            })?;
            let mut how = 0;
            for word in &entry.how {
                let bit = uses::WORDS.iter().find(|(_, known)| known == word);
                // A later version may know more.
                how |= bit.map_or(uses::OPEN, |(bit, _)| *bit);
            }
            let bits = entry.images.iter().filter(|at| **at < self.images.len());
            let sight = Sight {
                path: &path,
                how,
                changed: entry.changed,
                at: entry.first_seen.as_second(),
                image: bits.fold(0, |bits, at| bits | 1 << at),
            };
            known.see(sight);
            let at = entry.last_seen.as_second();
            known.see(Sight { at, ..sight });
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_back() {
        let mut known = Inventory {
            instances: 2,
            ..Inventory::default()
        };
        let image = known.image("shop@sha256:ab");
        for (path, at) in [(&b"/bin/a\xff"[..], 10), (b"/etc", 20)] {
            known.see(Sight {
                path,
                how: uses::EXEC | uses::LIST,
                changed: true,
                at,
                image,
            });
        }
        known.missing.shed = 7;
        let export = Export::of("shop", &known);
        let json = serde_json::to_string(&export).unwrap();
        assert!(
            json.contains(r#""path":"/bin/a\\xff","use":["exec","list"],"changed":true"#),
            "{json}"
        );
        let read = Export::read(json.as_bytes()).unwrap();
        assert_eq!((&read, read.inventory()), (&export, Ok(known)));
        assert!(
            export.incomplete[0].starts_with("7 first uses"),
            "{:?}",
            export.incomplete
        );
    }

    #[test]
    fn what_is_none_is_named() {
        let none = r#"{"schema":1,"workload":"w","instances":1,"incomplete":[],"missing":{},"images":[],"files":[{"path":"PATH","use":[],"firstSeen":"2026-01-01T00:00:00Z","lastSeen":"2026-01-01T00:00:00Z"}]}"#;
        for path in ["etc/x", "/\\\\xzz\\\\", "", "/\\u001b[2J"] {
            let error = Export::read(none.replace("PATH", path).as_bytes())
                .unwrap()
                .inventory()
                .unwrap_err();
            assert!(
                error.contains("no absolute path") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
        assert!(
            Export::read(none.replace("PATH", "/a").as_bytes())
                .unwrap()
                .inventory()
                .is_ok()
        );
        for (text, part) in [
            ("[]", "is no inventory"),
            (
                &none.replace("\"schema\":1", "\"schema\":2")[..],
                "schema 2",
            ),
        ] {
            let error = Export::read(text.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
