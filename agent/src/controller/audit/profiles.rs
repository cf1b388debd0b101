//! BehaviorProfiles, and who makes, changes and deletes them.
//!
//! They are [followed](crate::controller::learned) for another purpose, and told of here on the way.

use super::own::Own;
use super::{Audit, Meta, Record, Subject};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The mode in which it is compared.
const MONITORING: &str = "Monitoring";

/// What is known of one.
struct Seen {
    namespace: String,
    name: String,
    generation: i64,
    mode: String,
    /// What stands beside it of who and why.
    record: String,
}

/// All of them, by their uids.
pub struct Profiles {
    audit: Audit,
    /// Which of them this controller made: it tells of that itself.
    own: Arc<Own>,
    /// What it calls itself. Others may too.
    manager: &'static str,
    /// None before the first list.
    known: Mutex<Option<HashMap<String, Seen>>>,
}

impl std::fmt::Debug for Profiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Profiles").finish_non_exhaustive()
    }
}

impl Profiles {
    /// Of which none is known yet; what is made by this controller, whose field manager this is, is told of by
    /// others.
    #[must_use]
    pub fn new(audit: Audit, own: Arc<Own>, manager: &'static str) -> Self {
        Self {
            audit,
            own,
            manager,
            known: Mutex::default(),
        }
    }

    /// These are all there are, each with its mode, and since when its LearnedProfile names it: a leader saw it
    /// then. What was there before and is not went while nobody heard of it.
    pub fn replace<'o>(&self, all: impl Iterator<Item = (&'o Meta, &'o str, Option<String>)>) {
        let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = place.take();
        let known = all.map(|(meta, mode, since)| {
            let of_it = before.as_ref().map(|before| before.get(&meta.uid));
            (meta.uid.clone(), self.take(meta, mode, of_it, since))
        });
        let known: HashMap<String, Seen> = known.collect();
        for (uid, seen) in before.unwrap_or_default() {
            if !known.contains_key(&uid) {
                let meta = Meta {
                    uid,
                    name: seen.name,
                    namespace: seen.namespace,
                    generation: seen.generation,
                    ..Meta::default()
                };
                self.gone(&meta, &seen.mode);
            }
        }
        *place = Some(known);
    }

    /// There is this one, or it is another now.
    pub fn put(&self, meta: &Meta, mode: &str) {
        let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = place.get_or_insert_default();
        let before = known.remove(&meta.uid);
        let seen = self.take(meta, mode, Some(before.as_ref()), None);
        known.insert(meta.uid.clone(), seen);
    }

    /// This one went.
    pub fn remove(&self, meta: &Meta, mode: &str) {
        let mut place = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = place.get_or_insert_default().remove(&meta.uid);
        if before.is_some() {
            self.gone(meta, mode);
        }
    }

    fn gone(&self, meta: &Meta, mode: &str) {
        // Its annotations are of who wrote it.
        let said = super::Said::default();
        let loosens = mode == MONITORING;
        let record = record(meta, "ProfileDeleted", "is deleted", loosens, said, true);
        self.audit.tell(record);
    }

    /// Tells of it if it is news; `before` is what was known of it, or nothing is known of any.
    fn take(
        &self,
        meta: &Meta,
        mode: &str,
        before: Option<Option<&Seen>>,
        since: Option<String>,
    ) -> Seen {
        let mode = if mode.is_empty() { "Learning" } else { mode };
        let noted = before.map(|known| known.map_or("", |known| &*known.record));
        let said = meta.said(&["f:spec"], noted);
        let (is_live, known) = match before {
            None => (false, None),
            Some(known) => (true, known),
        };
        let is_made = meta.generation <= 1;
        let may_be_own = is_made && said.manager.as_deref() == Some(self.manager);
        let is_news = match (is_live, known) {
            // A leader that made it told of that, and one that saw another's under this name did, too.
            (false, _) if may_be_own && since.is_some_and(|since| said.is_by(&since)) => false,
            (false, _) => said.is_recent(),
            (true, known) => known.is_none_or(|known| known.generation != meta.generation),
        };
        if is_news {
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
            let record = record(meta, reason, &what, loosens, said, is_live);
            match may_be_own {
                true => self.own.tell(&meta.uid, record),
                false => self.audit.tell(record),
            }
        }
        Seen {
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            generation: meta.generation,
            mode: mode.to_owned(),
            record: meta.record(),
        }
    }
}

fn record(
    meta: &Meta,
    reason: &'static str,
    what: &str,
    loosens: bool,
    said: super::Said,
    is_live: bool,
) -> Record {
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
    Record {
        subject: Subject {
            version: "lapwing.dev/v1alpha1",
            kind: "BehaviorProfile",
            namespace: namespace.clone(),
            name: name.clone(),
            uid: uid.clone(),
        },
        which,
        warns: loosens,
        reason,
        what: format!("the BehaviorProfile {namespace}/{name} {what} (generation {generation})"),
        said,
        is_live,
    }
}
