//! What namespaces and pods [ask for](crate::cluster::namespaces), and what becomes of it.
//!
//! Of a container in a pod four have a say, the first that speaks counts:
//!
//! 1. A BehaviorProfile for its workload. It is the more precise word, it is made for a review, and may
//!    be signed; a label that goes before it could switch off what somebody signed.
//! 2. The annotation of the pod, where it is `monitor` and tighter than what follows: `off` < `learn` < `monitor`.
//!    Who deploys a pod may have it watched more closely, and may not loosen anything: else whoever gets hold
//!    of a deployment would begin with that annotation. (So `learn` of a pod counts nowhere: where the namespace is
//!    off, what a label promoted before would learn again.) What loosens is not obeyed, and told once for its
//!    workload. Of several pods of a workload on this node the tightest counts, as they have one profile.
//! 3. The label of the namespace.
//! 4. The configuration of the agent, as ever.
//!
//! | asked | a workload without a profile | one that learns, or is in review | one that monitors |
//! |---|---|---|---|
//! | `monitor` | monitors from its first event | is promoted | goes on |
//! | `learn` | learns | goes on | learns again, if the label promoted it |
//! | `off` | gets none | is kept as it is | is kept as it is |
//!
//! **Promoting and demoting** are decisions on record like those of people, on disk before they hold; their
//! actor is `kubernetes`, their reason says whose word it was and what evidence there was. That record is how
//! it is known later, also after a restart, that a label promoted: `learn` takes back what a label decided and
//! never what a person did. If the record fell out of the profile meanwhile, nobody knows, and it stays.
//! When the label goes, modes stay as they are: to go is no word, and what is tight stays tight. While a
//! label asks for `monitor` nobody demotes by hand, as that would hold for a second.
//!
//! **Off**: what a container does is not taken to any profile. The kernel side is told of each behaviour that it is
//! known, so it is sent once and then only counted there, as in the steady state of any container; each that comes
//! is dropped here, and counted. Of the sensor itself (`sensor.*`) is reported as ever, and gaps stay in the stream.
//! When it is on again, the kernel side's memory of that container begins anew, so that what is still done is
//! judged; what learns has a gap.
//!
//! **What loosens is never silent.** While a namespace is off, or learns where it would be compared with, the stream
//! has a `sensor.degraded` of that namespace with the reason [`REASON`], once when it begins on this node and once
//! when it is over; the same for what is not obeyed. Each change of a workload is a line in the agent's log with
//! actor, reason, from and to.
//!
//! **Where signatures are required** no label loosens, nor promotes what was learned: neither is signed, and it is the
//! same there with `learning.promote: automatic`. A workload without a profile is compared with an empty one, which
//! needs nobody's signature.

mod turn;
mod weigh;

pub use weigh::Annotations;

use super::Judge;
use super::keep::{Keeper, Kept};
use crate::cluster::namespaces::{Asked, LABEL, Labels};
use crate::container::Instance;
use lapwing_profile::decide::By;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::get_status_response::cluster_modes::{Namespace, Note};
use lapwing_proto::v1::get_status_response::{self as v1};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// Why the stream tells of it.
pub const REASON: &str = "namespace-mode";
/// Who decides where a label does.
const ACTOR: &str = super::obeyed::ACTOR;
/// Most of what loosens or is not obeyed that is told of at a time, of namespaces and of workloads each; the
/// rest is counted.
const NOTES_MAX: usize = 64;
/// How many of them, and how many namespaces, `lapwing status` lists.
const LISTED_MAX: usize = 16;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// A namespace, by its label.
    Namespace(String),
    /// A pod, as `shop/web-1`, by its annotation.
    Pod(String),
}

impl fmt::Display for Voice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(name) => write!(formatter, "the label of the namespace {name}"),
            Self::Pod(name) => write!(formatter, "the annotation of the pod {name}"),
        }
    }
}

/// What is asked for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What.
    pub asked: Asked,
    /// By whom.
    pub voice: Voice,
}

impl Word {
    /// Why a profile is as it is.
    fn reason(&self) -> String {
        format!("{LABEL}={}, {}", self.asked, self.voice)
    }
}

/// A word that counts for a workload.
pub(super) struct Held {
    word: Word,
    /// Whether it may promote what learned.
    promotes: bool,
    /// Since when, in nanoseconds since the Unix epoch.
    at: i64,
}

impl Held {
    /// The mode of a profile that does not exist yet.
    pub(super) const fn mode(&self) -> Mode {
        mode_of(self.word.asked)
    }

    /// Such a profile.
    pub(super) fn new_profile(&self, workload: &Workload) -> Profile {
        if self.mode() != Mode::Monitoring || !self.promotes {
            return Profile::new(workload.clone(), self.mode());
        }
        let mut profile = Profile::new(workload.clone(), Mode::Learning);
        let reason = format!("{}; it had no profile", self.word.reason());
        let by = By {
            actor: ACTOR,
            reason: &reason,
            at: self.at,
        };
        // One that learns can be promoted.
        let _ = profile.promote(by);
        profile
    }
}

const fn mode_of(asked: Asked) -> Mode {
    match asked {
        Asked::Monitor => Mode::Monitoring,
        Asked::Learn | Asked::Off => Mode::Learning,
    }
}

/// A container as it was weighed last.
struct Home {
    /// Of its pod; empty outside of pods.
    namespace: String,
    workload: Workload,
    named: bool,
    word: Option<Word>,
}

/// What is known of all this.
#[derive(Default)]
pub(super) struct Modes {
    labels: Arc<Labels>,
    /// By cgroup.
    homes: HashMap<u64, Home>,
    /// Containers of which what the kernel side was told holds no longer.
    pub(super) changed: Vec<u64>,
    /// What loosens and what is not obeyed, as it was told of.
    notes: weigh::Notes,
    /// How many found no room there.
    more: usize,
    /// When the mode of a profile was to be changed last, since boot in nanoseconds.
    tried: HashMap<Workload, u64>,
    /// Namespaces whose label demoted something since it says so.
    demoted: BTreeSet<String>,
    /// Records that were dropped because their container is off.
    dropped: u64,
    /// Something of this changed since it was weighed.
    pub(super) due: bool,
}

impl Modes {
    fn word(&self, home: u64) -> Option<&Word> {
        self.homes.get(&home)?.word.as_ref()
    }

    /// Whether nothing of a container is learned or reported.
    pub(super) fn is_off(&self, home: u64) -> bool {
        { self.word(home) }.is_some_and(|word| word.asked == Asked::Off)
    }

    /// The mode of what does not exist yet, for a container.
    pub(super) fn start(&self, home: u64) -> Option<Mode> {
        Some(mode_of(self.word(home)?.asked))
    }

    pub(super) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    pub(super) fn gone(&mut self, home: u64) {
        self.homes.remove(&home);
    }
}

impl Keeper {
    /// Who asks that a workload is compared with its profile, if somebody does.
    pub(super) fn monitored_by(&self, workload: &Workload) -> Option<String> {
        let held = self.words.get(workload)?;
        (held.word.asked == Asked::Monitor && held.promotes).then(|| held.word.voice.to_string())
    }

    /// What becomes of behaviours that the profile of a container does not know, if it has one.
    pub(super) fn mode(&self, workload: &Workload, named: bool) -> Mode {
        if !named {
            return self.start;
        }
        if let Some(kept) = self.profiles.get(workload) {
            return kept.profile.mode();
        }
        let offered = self.offers.get(workload).map(|offer| offer.mode);
        let asked = || self.words.get(workload).map(Held::mode);
        offered.or_else(asked).unwrap_or(self.start)
    }

    /// A profile of a workload that has none.
    pub(super) fn new_profile(&self, workload: &Workload) -> Profile {
        match self.words.get(workload) {
            Some(held) => held.new_profile(workload),
            None => Profile::new(workload.clone(), self.start),
        }
    }

    /// What the configuration asks for.
    fn configured(&self) -> Asked {
        match self.start {
            Mode::Monitoring => Asked::Monitor,
            Mode::Learning | Mode::Review => Asked::Learn,
        }
    }
}

impl Judge {
    /// Namespaces ask for this from now on. It counts when all is [weighed](Judge::weigh) next.
    pub fn labelled(&mut self, labels: Arc<Labels>) {
        self.modes.labels = labels;
        self.modes.due = true;
    }

    /// An empty profile for a container without a name, which nobody keeps.
    pub(super) fn stranger(&self, workload: &Workload, home: u64) -> Kept {
        let start = self.modes.start(home).unwrap_or(self.keeper.start);
        Kept::new(Profile::new(workload.clone(), start))
    }

    /// Whether something changed since all was weighed.
    #[must_use]
    pub const fn is_unweighed(&self) -> bool {
        self.modes.due
    }

    /// Whether a container was weighed, under the name that it has.
    #[must_use]
    pub fn is_weighed(&self, instance: &Instance) -> bool {
        let home = self.modes.homes.get(&instance.home);
        home.is_some_and(|home| {
            home.named == instance.is_named() && home.workload == instance.workload
        })
    }

    /// What is asked for of a container, and by whom; none where nothing is, or what is is not obeyed.
    #[must_use]
    pub fn asked_of(&self, home: u64) -> Option<&Word> {
        self.modes.word(home)
    }

    /// For `lapwing status`: what the judge knows of it.
    #[must_use]
    pub fn modes_status(&self) -> v1::ClusterModes {
        let mut of: BTreeMap<&str, Namespace> = BTreeMap::new();
        for home in self.modes.homes.values() {
            let Some(label) = self.modes.labels.get(&home.namespace) else {
                continue;
            };
            let one = of.entry(&home.namespace).or_insert_with(|| Namespace {
                name: home.namespace.clone(),
                label: match &label.wrong {
                    Some(wrong) => wrong.clone(),
                    None => label
                        .asked
                        .map(|asked| asked.to_string())
                        .unwrap_or_default(),
                },
                ..Namespace::default()
            });
            one.containers += 1;
            match &home.word {
                None => one.configured += 1,
                Some(word) => {
                    one.off += u32::from(word.asked == Asked::Off);
                    one.by_pods += u32::from(matches!(word.voice, Voice::Pod(_)));
                }
            }
        }
        let off = of.values().map(|one| one.off).sum();
        let here = of.len();
        let notes = self.modes.notes.iter().take(LISTED_MAX);
        v1::ClusterModes {
            here: here as u32,
            namespaces: of.into_values().take(LISTED_MAX).collect(),
            off,
            dropped: self.modes.dropped,
            told: (self.modes.notes.len() + self.modes.more) as u32,
            notes: { notes }
                .map(|(_, text)| Note { text: text.clone() })
                .collect(),
            ..v1::ClusterModes::default()
        }
    }
}
