//! Whose word counts for which container.

use super::super::Judge;
use super::super::episodes::Moment;
use super::{Held, Home, Voice, Word};
use crate::cluster::namespaces::{Asked, LABEL, no_word};
use crate::container::Instance;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::watch_response::Item;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// The annotations of the pods of this node that have one, by namespace and name.
pub type Annotations = HashMap<(String, String), String>;

/// What is to be told, by what it is about.
pub(super) type Notes = BTreeMap<About, String>;

/// What a note is about. Namespaces come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// What a namespace asks for.
    Namespace(String),
    /// What is asked for of one workload.
    Workload(String),
}

impl About {
    /// How many more there may be of its kind: workloads take none from namespaces.
    pub(super) const fn room<'a>(&self, rooms: &'a mut [usize; 2]) -> &'a mut usize {
        let [namespaces, workloads] = rooms;
        match self {
            Self::Namespace(_) => namespaces,
            Self::Workload(_) => workloads,
        }
    }

    /// By which it is told apart.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Namespace(name) | Self::Workload(name) => name,
        }
    }
}

impl Judge {
    /// Weighs anew what is asked for of these containers, which are all there are, and turns what is to be another now.
    /// Answers with what is to be reported.
    pub fn weigh<'a>(
        &mut self,
        known: impl Iterator<Item = &'a Instance>,
        pods: &Annotations,
        now: Moment,
    ) -> Vec<Item> {
        self.modes.due = false;
        let mut notes = Notes::new();
        let mut homes = HashMap::new();
        let mut words: HashMap<Workload, Option<Word>> = HashMap::new();
        for instance in known {
            let details = &instance.details;
            let word = self.word_of(instance, pods, &mut notes);
            if instance.is_named() {
                match words.get_mut(&instance.workload) {
                    Some(known) => *known = self.tighter(known.take(), word.clone()),
                    None => drop(words.insert(instance.workload.clone(), word.clone())),
                }
            }
            let home = Home {
                namespace: match details.pod.is_empty() {
                    true => String::new(),
                    false => details.namespace.clone(),
                },
                workload: instance.workload.clone(),
                named: instance.is_named(),
                word,
            };
            homes.insert(instance.home, home);
        }
        for (workload, word) in &mut words {
            if self.keeper.offers.contains_key(workload) {
                *word = None;
            }
        }
        for (home, of) in &mut homes {
            if of.named {
                of.word = words.get(&of.workload).cloned().flatten();
            }
            let asked = |of: &Home| of.word.as_ref().map(|word| word.asked);
            let before = self.modes.homes.get(home).and_then(asked);
            if before != asked(of) {
                self.modes.changed.push(*home);
            }
        }
        self.modes.homes = homes;
        self.turn_all(&words, &mut notes, now);
        self.note_loosened(&mut notes);
        self.tell_notes(notes, now)
    }

    /// What counts for a container by itself.
    fn word_of(&self, instance: &Instance, pods: &Annotations, notes: &mut Notes) -> Option<Word> {
        let details = &instance.details;
        let namespace = &details.namespace;
        if details.pod.is_empty() || namespace.is_empty() {
            return None;
        }
        let configured = self.keeper.configured();
        let word = self.word_of_namespace(namespace, notes);
        let key = (namespace.clone(), details.pod.clone());
        let Some(value) = pods.get(&key) else {
            return word;
        };
        let voice = Voice::Pod(format!("{namespace}/{}", details.pod));
        let about = About::Workload(format!("annotation {}", instance.workload));
        let Some(asked) = Asked::parse(value) else {
            let text = format!(
                "{voice}: `{LABEL}: {}` is none of off, learn, monitor, and asks for nothing: write monitor, or \
                 take it out of {}",
                no_word(value),
                instance.workload
            );
            notes.insert(about, text);
            return word;
        };
        let base = word.as_ref().map_or(configured, |word| word.asked);
        match asked.cmp(&base) {
            // To learn what is off loosens too: what was promoted would learn again.
            Ordering::Greater if asked == Asked::Monitor => return Some(Word { asked, voice }),
            Ordering::Equal => return word,
            Ordering::Greater | Ordering::Less => {}
        }
        let whose = match &word {
            Some(word) => word.voice.to_string(),
            None => "the agent's configuration".to_owned(),
        };
        let text = format!(
            "{voice}: `{LABEL}: {asked}` is not obeyed, as a pod may only ask for `monitor`, where that is more than \
             {whose}, which has `{base}`: take it out of {}, or have the namespace say so",
            instance.workload
        );
        notes.insert(about, text);
        word
    }

    fn word_of_namespace(&self, namespace: &str, notes: &mut Notes) -> Option<Word> {
        let label = self.modes.labels.get(namespace)?;
        let configured = self.keeper.configured();
        let mut asked = label.asked;
        if let Some(wrong) = &label.wrong {
            // The tighter of what it asked for and the configuration; where nobody knows what that was, the tightest.
            let goes_on = match asked {
                Some(asked) if asked >= configured => format!("`{asked}`, as before,"),
                Some(_) => "the agent's configuration".to_owned(),
                None => "`monitor`, as nothing else is known,".to_owned(),
            };
            let known = asked.unwrap_or(Asked::Monitor);
            asked = Some(known).filter(|known| *known >= configured);
            let text = format!(
                "the namespace {namespace}: its label `{LABEL}={wrong}` is none of off, learn, monitor: \
                 {goes_on} counts. `kubectl label namespace {namespace} {LABEL}=monitor --overwrite` mends it"
            );
            notes.insert(About::Namespace(format!("label {namespace}")), text);
        }
        let asked = asked?;
        if self.signatures.require && asked < configured.max(Asked::Learn) {
            let text = format!(
                "the namespace {namespace}: its label `{LABEL}={asked}` is not obeyed, as nobody signed it and \
                 `signatures.require` is set: `kubectl label namespace {namespace} {LABEL}-`"
            );
            notes.insert(About::Namespace(format!("unsigned {namespace}")), text);
            return None;
        }
        let voice = Voice::Namespace(namespace.to_owned());
        Some(Word { asked, voice })
    }

    /// Which of two words counts for one workload; none is the configuration's.
    fn tighter(&self, one: Option<Word>, other: Option<Word>) -> Option<Word> {
        let rank = |word: &Option<Word>| {
            let configured = self.keeper.configured();
            word.as_ref().map_or(configured, |word| word.asked)
        };
        match rank(&one).cmp(&rank(&other)) {
            Ordering::Greater => one,
            Ordering::Less => other,
            // One that is there, and always the same.
            Ordering::Equal => match (one, other) {
                (Some(one), Some(other)) if other.voice < one.voice => Some(other),
                (Some(one), _) => Some(one),
                (None, other) => other,
            },
        }
    }

    /// A word, as the keeper has it.
    pub(super) fn held(&self, word: Word, at: i64) -> Held {
        Held {
            word,
            promotes: !self.signatures.require,
            at,
        }
    }
}
