//! BehaviorProfiles, and who makes, changes and deletes them.
//!
//! They are [followed](crate::controller::learned) for another purpose, and told of here on the way.

use super::{Audit, Meta, Record, Subject};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The mode in which it is compared.
const MONITORING: &str = "Monitoring";

/// What is known of one.
struct Seen {
    generation: i64,
    mode: String,
}

/// All of them, by their uids.
pub struct Profiles {
    audit: Audit,
    /// Who makes profiles and tells of that itself.
    own: &'static str,
    /// None before the first list.
    known: Mutex<Option<HashMap<String, Seen>>>,
}

impl std::fmt::Debug for Profiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Profiles").finish_non_exhaustive()
    }
}

impl Profiles {
    /// Of which none is known yet; what the field manager `own` makes is told of by others.
    #[must_use]
    pub fn new(audit: Audit, own: &'static str) -> Self {
        Self {
            audit,
            own,
            known: Mutex::default(),
        }
    }

    /// These are all there are, each with its mode.
    pub fn replace<'o>(&self, all: impl Iterator<Item = (&'o Meta, &'o str)>) {
        let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = place.take();
        let known = all.map(|(meta, mode)| {
            let of_it = before.as_ref().map(|before| before.get(&meta.uid));
            (meta.uid.clone(), self.take(meta, mode, of_it))
        });
        let known = known.collect();
        *place = Some(known);
    }

    /// There is this one, or it is another now.
    pub fn put(&self, meta: &Meta, mode: &str) {
        let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = place.get_or_insert_default();
        let before = known.remove(&meta.uid);
        let seen = self.take(meta, mode, Some(before.as_ref()));
        known.insert(meta.uid.clone(), seen);
    }

    /// This one went.
    pub fn remove(&self, meta: &Meta, mode: &str) {
        let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = place.get_or_insert_default().remove(&meta.uid);
        if before.is_some() {
            // Its annotations are of who wrote it.
            let said = super::Said::default();
            self.tell(
                meta,
                "ProfileDeleted",
                "is deleted",
                mode == MONITORING,
                said,
                true,
            );
        }
    }

    /// Tells of it if it is news; `before` is what was known of it, or nothing is known of any.
    fn take(&self, meta: &Meta, mode: &str, before: Option<Option<&Seen>>) -> Seen {
        let mode = if mode.is_empty() { "Learning" } else { mode };
        let said = meta.said(&["f:spec"]);
        let (is_live, known) = match before {
            None => (false, None),
            Some(known) => (true, known),
        };
        let is_news = match (is_live, known) {
            (false, _) => said.is_recent(),
            (true, known) => known.is_none_or(|known| known.generation != meta.generation),
        };
        let is_made = meta.generation <= 1;
        let is_own = is_made && said.manager.as_deref() == Some(self.own);
        if is_news && !is_own {
            let from = known.map(|known| known.mode.as_str());
            let (reason, what, loosens) = match from {
                Some(from) if from != MONITORING && mode == MONITORING => (
                    "ProfilePromoted",
                    format!("goes from {from} to {mode}"),
                    false,
                ),
                Some(MONITORING) if mode != MONITORING => (
                    "ProfileLoosened",
                    format!("goes from {MONITORING} to {mode}"),
                    true,
                ),
                Some(_) => ("ProfileChanged", format!("is changed, in {mode}"), false),
                None if is_made => ("ProfileApproved", format!("is made, in {mode}"), false),
                None => ("ProfileChanged", format!("is changed, in {mode}"), false),
            };
            self.tell(meta, reason, &what, loosens, said, is_live);
        }
        Seen {
            generation: meta.generation,
            mode: mode.to_owned(),
        }
    }

    fn tell(
        &self,
        meta: &Meta,
        reason: &'static str,
        what: &str,
        loosens: bool,
        said: super::Said,
        is_live: bool,
    ) {
        let Meta {
            uid,
            name,
            namespace,
            generation,
            ..
        } = meta;
        // Whoever saw it change knows more of it than who comes later, and it is one change.
        let which = match reason {
            "ProfileDeleted" => "deleted".to_owned(),
            _ => generation.to_string(),
        };
        self.audit.tell(Record {
            subject: Subject {
                version: "lapwing.dev/v1alpha1",
                kind: "BehaviorProfile",
                namespace: namespace.clone(),
                name: name.clone(),
                uid: uid.clone(),
            },
            which,
            loosens,
            reason,
            what: format!(
                "the BehaviorProfile {namespace}/{name} {what} (generation {generation})"
            ),
            said,
            is_live,
        });
    }
}
