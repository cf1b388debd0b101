//! What programs outside the image hold, on this side of [`lapwing_profile::content`].
//!
//! A file is compared where the profile lets it be executed. Of one that was reported its content is
//! remembered: whoever approves of the report by its id approves of what the file held then, and of
//! nothing else that is put in its place.

use super::sighting::{Aside, Seen};
use super::{Judge, Scene};
use lapwing_abi::decode::Record;
use lapwing_profile::behaviour::Behaviour;
use lapwing_profile::content;
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::Mode;
use lapwing_profile::rule;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::watch_response::Item;
use std::collections::VecDeque;

/// Contents of programs that were reported and are remembered; the oldest make room.
const REPORTED_MAX: usize = 1_024;

/// A program of which it is to be known what it holds.
#[derive(Clone, Debug)]
pub struct Program {
    /// As which entry it was taken.
    pub entry: Entry,
    /// Whether the profile lets it be executed.
    pub is_approved: bool,
}

impl Program {
    /// The program of a sighting, if it matters what it holds.
    pub(super) fn of(entry: &Entry, is_approved: bool) -> Option<Self> {
        match &entry.behaviour {
            Behaviour::Exec(exec) if exec.sha256.is_none() && content::is_open(exec.origin) => {
                Some(Self {
                    entry: entry.clone(),
                    is_approved,
                })
            }
            _ => None,
        }
    }
}

/// What programs held that were reported.
#[derive(Default)]
pub(super) struct Reported(VecDeque<(Workload, Entry)>);

impl Reported {
    fn note(&mut self, workload: &Workload, line: Entry) {
        let is_known = (self.0.iter()).any(|(of, known)| of == workload && *known == line);
        if is_known {
            return;
        }
        if self.0.len() >= REPORTED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((workload.clone(), line));
    }

    /// What the program in an entry held.
    pub(super) fn of(&self, workload: &Workload, program: &Entry) -> Vec<Entry> {
        let lines = self.0.iter().filter(|(of, _)| of == workload);
        let lines = lines.map(|(_, line)| line);
        let held = lines.filter(|line| match &line.behaviour {
            Behaviour::Exec(exec) => exec
                .sha256
                .as_deref()
                .is_some_and(|sha256| content::line(program, sha256).as_ref() == Some(*line)),
            _ => false,
        });
        held.cloned().collect()
    }
}

impl Judge {
    /// The program that was judged last, if it matters what it holds.
    pub fn take_open(&mut self) -> Option<Program> {
        self.open.take()
    }

    /// Judges what a program held, which was executed in the record. Answers with what is to be
    /// reported, and when it happened.
    pub fn take_content(
        &mut self,
        record: &Record<'_>,
        program: &Program,
        sha256: &str,
        scene: Scene<'_>,
    ) -> (i64, Vec<Item>) {
        let nothing = (scene.clock.wall(record.header.time), Vec::new());
        let workload = &scene.instance.workload;
        let Some(line) = content::line(&program.entry, sha256) else {
            return nothing;
        };
        let Some(kept) = self.keeper.of(workload) else {
            return nothing;
        };
        let learns = kept.profile.mode() != Mode::Monitoring
            && line.phase.is_learned()
            && rule::classify(&line.behaviour).learnable;
        let is_open = !learns && kept.profile.leaves_content_open(&line);
        if is_open || !kept.profile.accepts(&program.entry) {
            // It may be approved of, or was just now, by a report of it.
            self.reported_contents.note(workload, line);
            return nothing;
        }
        let seen = Seen {
            behaviour: line.behaviour,
            aside: Aside::default(),
        };
        self.take_as(record, (seen, program.entry.phase), scene)
    }
}
