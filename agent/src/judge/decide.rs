//! What people ask of the profiles, and what they decide. A decision is on disk
//! before it is answered.

use super::Judge;
use super::keep::{Keeper, OpenError};
use super::report;
use super::store::{Store, StoreError};
use super::writer::Wake;
use crate::config::StartMode;
use lapwing_profile::decide::{By, Refusal};
use lapwing_profile::entry::Entry;
use lapwing_profile::fingerprint;
use lapwing_profile::lineage;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::canonical;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::{self, decide_entries_request::Verdict};
use std::collections::{BTreeMap, HashMap, VecDeque};
use thiserror::Error;

/// Why a request about profiles fails.
#[derive(Debug, Error)]
pub enum AskError {
    /// There is none by this name.
    #[error("no profile `{0}`: `lapwing profile list` shows what there is")]
    NoProfile(String),
    /// There is no such violation, and it is no entry either.
    #[error(
        "`{0}` is neither the id of a violation of this agent nor an entry like `exec: {{path: /bin/ls}}`"
    )]
    NoEntry(String),
    /// An entry that is none, with the reason.
    #[error(transparent)]
    BadEntry(#[from] lapwing_profile::entry::NoEntry),
    /// An entry without a profile to put it in.
    #[error("name the profile that `{0}` belongs to")]
    NoName(String),
    /// Neither approved nor refused.
    #[error("say whether the entries are approved or refused: `verdict` is not set")]
    NoVerdict,
    /// The profile does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not a profile.
    #[error("{0}")]
    BadProfile(String),
    /// Nobody signed it.
    #[error("this agent takes only what is signed (`signatures.require`): {0}")]
    Unsigned(String),
    /// The signature is none of what was given.
    #[error(transparent)]
    Signature(#[from] lapwing_profile::signature::SignatureError),
    /// There are too many.
    #[error(
        "there are {} profiles already, and no room for another",
        super::PROFILES_MAX
    )]
    NoRoom,
    /// An object of the cluster decides of it.
    #[error(
        "{name} obeys the BehaviorProfile {object} of the cluster: change that one. `lapwing profile export` writes a file, `lapwing profile object` makes an object of it, and `kubectl apply` puts it in force"
    )]
    Obeys {
        /// The profile.
        name: String,
        /// The object, as `shop/web`.
        object: String,
    },
    /// Its namespace, or its pod, asks for more.
    #[error(
        "{name} is compared because {voice} asks for it: write `learn` there, or take it away. It would be promoted again in a second"
    )]
    Asked {
        /// The profile.
        name: String,
        /// Who asks.
        voice: String,
    },
    /// It was decided, but cannot be stored; it was taken back.
    #[error("not done, because it cannot be stored: {0}")]
    Store(#[from] StoreError),
}

/// What a decision does to one profile.
pub(super) enum Action {
    Promote,
    Demote,
    Review {
        incomplete: bool,
    },
    Decide(Verdict, Vec<Entry>),
    /// With the signature that came with it.
    Import(Box<Profile>, Option<String>),
}

impl Action {
    pub(super) fn apply(&self, profile: &mut Profile, by: By<'_>) -> Result<(), AskError> {
        match self {
            Self::Promote => profile.promote(by)?,
            Self::Demote => profile.demote(by)?,
            Self::Review { incomplete } => profile.review(*incomplete, by)?,
            Self::Import(given, _) => profile.import(given, by)?,
            Self::Decide(verdict, entries) => {
                for entry in entries {
                    match verdict {
                        Verdict::Approve => profile.approve(entry, by)?,
                        Verdict::Refuse => profile.refuse(entry, by)?,
                        Verdict::Unspecified => return Err(AskError::NoVerdict),
                    }
                }
            }
        }
        Ok(())
    }
}

/// A decision of one profile.
pub(super) struct Step {
    pub(super) workload: Workload,
    pub(super) action: Action,
}

type Answer<T> = Result<T, AskError>;

/// A decision on its way to the disk.
pub(super) struct Decision {
    pub(super) steps: VecDeque<Step>,
    /// The profiles whose steps are done, in short.
    pub(super) changed: Vec<v1::ProfileSummary>,
    /// Takes the answer.
    pub(super) done: Box<dyn FnOnce(Answer<Vec<v1::ProfileSummary>>) + Send>,
    actor: String,
    reason: String,
    at: i64,
}

impl Decision {
    fn new(
        steps: impl IntoIterator<Item = Step>,
        by: By<'_>,
        done: impl FnOnce(Answer<Vec<v1::ProfileSummary>>) + Send + 'static,
    ) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            changed: Vec::new(),
            done: Box::new(done),
            actor: by.actor.to_owned(),
            reason: by.reason.to_owned(),
            at: by.at,
        }
    }

    pub(super) fn by(&self) -> By<'_> {
        By {
            actor: &self.actor,
            reason: &self.reason,
            at: self.at,
        }
    }
}

impl Judge {
    /// Takes up the stored profiles. `wake` is called when [`Judge::go_on`] has something to do.
    ///
    /// # Errors
    /// When the state folder fails. A file that is no profile is set aside, and reported by
    /// [`Judge::set_aside`].
    pub fn open(
        store: Store,
        cluster: &str,
        node: &str,
        start: StartMode,
        wake: Wake,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            cluster: cluster.to_owned(),
            node: node.to_owned(),
            keeper: Keeper::open(store, cluster, start, wake)?,
            episodes: super::Episodes::default(),
            late: Vec::new(),
            published: super::Published::default(),
            attribution: super::attribution::Attribution::default(),
            signatures: super::signed::Signatures::default(),
            found: Vec::new(),
            recent: super::recent::Recent::new(crate::clock::now()),
            tally: super::Tally::default(),
            ledger: super::Ledger::default(),
            windows: Self::windows(node),
            ratings: super::Ratings::default(),
            limits: super::limits::Limits::default(),
            modes: super::modes::Modes::default(),
            repeats: 0,
            said: None,
            open: None,
            reported_contents: super::contents::Reported::default(),
            changed: Vec::new(),
            closing: Vec::new(),
        })
    }

    /// All profiles in short, in the order of their names.
    #[must_use]
    pub fn summaries(&self, running: &HashMap<Workload, u32>) -> Vec<v1::ProfileSummary> {
        self.keeper.summaries(running)
    }

    /// Of each profile its mode and how many entries are pending, and nothing else, in no order.
    #[must_use]
    pub fn modes(&self) -> Vec<v1::ProfileSummary> {
        self.keeper.modes()
    }

    /// Whose profile has this name.
    ///
    /// # Errors
    /// When there is none by this name.
    pub fn workload(&self, name: &str) -> Result<&Workload, AskError> {
        Ok(&self.keeper.find(name)?.profile.workload)
    }

    /// Whether a workload has a profile.
    #[must_use]
    pub fn has_profile(&self, workload: &Workload) -> bool {
        self.keeper.profiles.contains_key(workload)
    }

    /// One profile, in short and as YAML.
    ///
    /// # Errors
    /// When there is none by this name.
    pub fn profile(&self, name: &str) -> Result<(v1::ProfileSummary, String), AskError> {
        let kept = self.keeper.find(name)?;
        let summary = kept.summary(None, self.keeper.terms());
        Ok((summary, kept.profile.to_yaml()))
    }

    /// When learning is over.
    #[must_use]
    pub fn conditions(&self) -> v1::LearningConditions {
        report::conditions(&self.keeper.terms().0)
    }

    /// From learning to monitoring. `done` gets the answer when that is on disk.
    ///
    /// It fails when there is no such profile, it is monitoring already, or it cannot be stored.
    pub fn promote(
        &mut self,
        name: &str,
        by: By<'_>,
        done: impl FnOnce(Answer<v1::ProfileSummary>) + Send + 'static,
    ) {
        self.turn(name, Action::Promote, by, done);
    }

    /// Back to learning. `done` gets the answer when that is on disk.
    ///
    /// It fails when there is no such profile, it learns already, no reason is given, or it cannot
    /// be stored.
    pub fn demote(
        &mut self,
        name: &str,
        by: By<'_>,
        done: impl FnOnce(Answer<v1::ProfileSummary>) + Send + 'static,
    ) {
        self.turn(name, Action::Demote, by, done);
    }

    fn turn(
        &mut self,
        name: &str,
        action: Action,
        by: By<'_>,
        done: impl FnOnce(Answer<v1::ProfileSummary>) + Send + 'static,
    ) {
        let may = match action {
            Action::Demote => self.may_demote(),
            Action::Promote | Action::Review { .. } | Action::Decide(..) | Action::Import(..) => {
                self.may_decide()
            }
        };
        match may.and_then(|()| self.keeper.find(name)) {
            Err(error) => done(Err(error)),
            Ok(kept) => {
                let workload = kept.profile.workload.clone();
                if matches!(action, Action::Demote)
                    && kept.obeys.is_none()
                    && let Some(voice) = self.keeper.monitored_by(&workload)
                {
                    let name = workload.to_string();
                    return done(Err(AskError::Asked { name, voice }));
                }
                self.step(workload, action, by, done);
            }
        }
    }

    pub(super) fn step(
        &mut self,
        workload: Workload,
        action: Action,
        by: By<'_>,
        done: impl FnOnce(Answer<v1::ProfileSummary>) + Send + 'static,
    ) {
        let one = |answer: Answer<Vec<v1::ProfileSummary>>| {
            done(answer.map(|mut changed| changed.pop().unwrap_or_default()));
        };
        let steps = [Step { workload, action }];
        self.keeper.decide(Decision::new(steps, by, one));
        self.go_on();
    }

    /// Approves or refuses entries, each the id or fingerprint of a violation or an entry itself.
    /// `done` gets the entries and their profiles when all is on disk.
    ///
    /// It fails when one of them is neither, finds no room, or cannot be stored. All are looked
    /// up before any is decided, and those of one profile are decided together.
    pub fn decide(
        &mut self,
        verdict: Verdict,
        name: &str,
        entries: &[String],
        by: By<'_>,
        done: impl FnOnce(Answer<(Vec<String>, Vec<v1::ProfileSummary>)>) + Send + 'static,
    ) {
        if let Err(error) = self.may_decide() {
            return done(Err(error));
        }
        let mut lines = Vec::new();
        let mut wanted: BTreeMap<Workload, Vec<Entry>> = BTreeMap::new();
        for text in entries {
            match self.wanted(name, text) {
                Err(error) => return done(Err(error)),
                Ok((profile, entry)) => {
                    // Who approves of a report approves of what the file held.
                    let held = match (verdict, self.episodes.find(text)) {
                        (Verdict::Approve, Some(_)) => self.reported_contents.of(&profile, &entry),
                        _ => Vec::new(),
                    };
                    let all = wanted.entry(profile).or_default();
                    for entry in std::iter::once(entry).chain(held) {
                        lines.push(entry.to_string());
                        all.push(entry);
                    }
                }
            }
        }
        let steps = wanted.into_iter().map(|(workload, entries)| Step {
            workload,
            action: Action::Decide(verdict, entries),
        });
        let all = |answer: Answer<_>| done(answer.map(|changed| (lines, changed)));
        self.keeper.decide(Decision::new(steps, by, all));
        self.go_on();
    }

    /// Goes on with decisions that are on disk by now.
    pub fn go_on(&mut self) {
        let done = self.keeper.go_on();
        self.decided(done);
    }

    /// Notes what was decided: what of it was reported is no open violation any more, as soon as
    /// its repeats were counted.
    pub(super) fn decided(&mut self, done: Vec<Step>) {
        if !done.is_empty() {
            self.attribute_anew();
        }
        for step in done {
            if let Action::Decide(_, entries) = &step.action {
                for entry in entries {
                    let fingerprints = lineage::rules(entry)
                        .map(|rule| fingerprint::of(&step.workload, rule, entry));
                    self.closing.extend(fingerprints);
                }
            }
            self.changed.push(step.workload);
        }
    }

    /// Whose profile is meant, and which entry.
    fn wanted(&self, name: &str, text: &str) -> Result<(Workload, Entry), AskError> {
        let no_entry = || AskError::NoEntry(canonical(text.as_bytes()));
        let (profile, line) = match self.episodes.find(text) {
            Some(target) => (target.profile, target.patch),
            // What looks like one deserves to hear what is wrong with it.
            None if text.contains(':') => (name.to_owned(), text.to_owned()),
            None => return Err(no_entry()),
        };
        if line.is_empty() {
            return Err(no_entry()); // Of the sensor, not of a container.
        }
        let entry = Entry::parse(&line)?;
        if profile.is_empty() {
            return Err(AskError::NoName(entry.to_string()));
        }
        Ok((self.keeper.find(&profile)?.profile.workload.clone(), entry))
    }

    /// Replaces what a profile approves, or takes up a new one, with the signature that belongs to
    /// it, if there is one. `done` gets the answer when that is on disk.
    ///
    /// It fails when the text is no profile, it is not signed as the configuration wants it, there
    /// is no room, or it cannot be stored.
    pub fn import(
        &mut self,
        yaml: &str,
        signature: &str,
        by: By<'_>,
        done: impl FnOnce(Answer<v1::ProfileSummary>) + Send + 'static,
    ) {
        match Profile::from_yaml(yaml) {
            Err(error) => done(Err(AskError::BadProfile(error.to_string()))),
            Ok(mut given) => {
                let envelope = match self.signatures.check(&given, signature) {
                    Ok(envelope) => envelope,
                    Err(error) => return done(Err(error)),
                };
                (self.keeper.cluster()).clone_into(&mut given.workload.cluster);
                let workload = given.workload.clone();
                let action = Action::Import(Box::new(given), envelope);
                self.step(workload, action, by, done);
            }
        }
    }
}
