//! Objects that went and stay in force, and what ends that.

use super::{Entry, Held, Touched};
use crate::cluster::News;
use crate::cluster::cache::Write;
use crate::cluster::held::Changed;
use crate::cluster::object::{Good, Key, Refusal};
use crate::cluster::room::{BYTES_MAX, Rank, SHARES};
use crate::judge::PROFILES_MAX;
use lapwing_profile::fingerprint;
use lapwing_profile::workload::Workload;
use std::collections::{HashMap, HashSet};

/// What is kept of an object on disk is no longer than so many times its text, and this much, where others give way for
/// it: a signature can be made longer by whoever has it.
const KEPT_TIMES: usize = 4;
const KEPT_MORE: usize = 16 << 10;
/// Why one is refused that gave way.
const GAVE_WAY: &str = "GaveWay";

impl Held {
    /// These workloads run on this node, their cluster aside.
    pub fn runs(&mut self, workloads: HashSet<Workload>) {
        self.runs = workloads;
    }

    /// Namespaces in which all went that is held of them, and how much that is.
    pub fn abandoned(&self) -> Vec<(String, usize)> {
        self.room.abandoned()
    }

    /// A namespace is no more.
    pub fn ended(&mut self, namespace: &str) -> Changed {
        let mut touched = Touched::default();
        for key in self.room.gone_of(namespace) {
            let why = "its namespace was deleted, and what it said is in force no longer";
            self.yield_room(&key, why, &mut touched);
        }
        self.settle(touched)
    }

    /// Whether what an object says may be in force, as far as that is a matter of the others. Those that went and keep it
    /// from having room give way.
    pub(super) fn may_be(
        &mut self,
        key: &Key,
        good: Good,
        kept: usize,
        touched: &mut Touched,
    ) -> Result<Good, Refusal> {
        let refusal = |reason, text, good: Good| Refusal {
            reason,
            text,
            workload: Some(Box::new(good.workload)),
        };
        let before = self.objects.get(key);
        if let Some(before) = before.filter(|before| before.good.workload != good.workload)
            && self.keeps
            && self.is_only_one(key, &before.good.workload)
        {
            let text = format!(
                "an object of this name was signed for {}, and nobody signed that it goes: give this one another \
                 name, or apply one for that workload first",
                before.good.workload
            );
            return Err(refusal("NameTaken", text, good));
        }
        let (before, size) = (before.map(|before| before.size), good.text.len().max(kept));
        if self.room.has(key, before, size) {
            return Ok(good);
        }
        let is_padded = kept > KEPT_TIMES * good.text.len() + KEPT_MORE;
        let give_way = match self.keeps && !is_padded && self.is_only_one(key, &good.workload) {
            true => {
                let spare = self.spare(&key.namespace);
                let about = |gone: &Key| self.about(gone, &good);
                self.room.give_way(key, before, size, &spare, about)
            }
            false => None,
        };
        let Some(give_way) = give_way else {
            return Err(refusal("NoRoom", no_room(), good));
        };
        for other in give_way {
            let Some(entry) = self.objects.get(&other) else {
                continue;
            };
            let version = entry.version.clone();
            match entry.gone {
                Some(_) if entry.good.workload == good.workload => self.forget(&other, touched),
                Some(_) => {
                    let why = format!(
                        "it gave its room to {key}, which is there, and what it said is in force no longer"
                    );
                    self.yield_room(&other, &why, touched);
                }
                None => {
                    let why = refusal("NoRoom", no_room(), entry.good.clone());
                    self.forget(&other, touched);
                    self.bad.put(other, version, why);
                }
            }
        }
        Ok(good)
    }

    /// Those of a namespace that are there and in force for nothing, with how much room they have. All of one workload are
    /// of one namespace.
    fn spare(&self, namespace: &str) -> Vec<(Key, usize)> {
        let first = Key {
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        let all = self.objects.range(first..);
        let there: Vec<_> = all
            .take_while(|(key, _)| key.namespace == namespace)
            .filter(|(_, entry)| entry.gone.is_none())
            .collect();
        let mut oldest: HashMap<&Workload, (&String, &Key)> = HashMap::new();
        for (key, entry) in &there {
            let one = (&entry.created, *key);
            let known = oldest.entry(&entry.good.workload).or_insert(one);
            *known = one.min(*known);
        }
        let is_spare = |(key, entry): &(&Key, &Entry)| oldest[&entry.good.workload].1 != *key;
        let spare = there.into_iter().filter(is_spare);
        spare
            .map(|(key, entry)| (key.clone(), entry.size))
            .collect()
    }

    /// Whether no other object of the workload is there.
    fn is_only_one(&self, key: &Key, workload: &Workload) -> bool {
        let mut others = { self.of.get(workload).into_iter().flatten() }
            .filter(|other| *other != key)
            .filter_map(|other| self.objects.get(other));
        others.all(|other| other.gone.is_some())
    }

    /// When one that went gives way to this, and how much room that makes.
    fn about(&self, gone: &Key, good: &Good) -> (Rank, usize) {
        let Some(entry) = self.objects.get(gone) else {
            return (Rank::Runs, 0);
        };
        let workload = &entry.good.workload;
        let rank = match () {
            () if *workload == good.workload => Rank::Replaced,
            () if self.runs.contains(workload) => Rank::Runs,
            () => Rank::Idle,
        };
        (rank, entry.size)
    }

    /// One that went gives way: what was in force no longer is.
    fn yield_room(&mut self, key: &Key, why: &str, touched: &mut Touched) {
        let Some(entry) = self.objects.get(key) else {
            return;
        };
        let (version, good) = (entry.version.clone(), entry.good.clone());
        let runs_here = self.runs.contains(&good.workload);
        tracing::warn!(
            object = %key,
            workload = %good.workload,
            runs_here,
            digest = fingerprint::hex(&[good.text.as_bytes()]),
            keys = good.keys.join(", "),
            "a BehaviorProfile that was deleted and stayed in force, as it was signed, is forgotten: {why}"
        );
        self.gave_way += 1;
        self.forget(key, touched);
        let text =
            format!("it was deleted and stayed in force until {why}: apply it again to have it so");
        let refusal = Refusal {
            reason: GAVE_WAY,
            text: text.clone(),
            workload: Some(Box::new(good.workload.clone())),
        };
        // Before it is not in force any more, as nodes report it that had it.
        touched.first.push(News::Refused {
            object: key.to_string(),
            workload: Some(good.workload),
            text,
        });
        self.said
            .insert(key.clone(), (version.clone(), refusal.clone()));
        self.bad.put(key.clone(), version, refusal);
    }

    /// It went, and stays in force.
    pub(super) fn went(&mut self, key: &Key, touched: &mut Touched) {
        if { self.objects.get(key) }.is_some_and(|entry| entry.gone.is_none()) {
            self.went += 1;
            let number = self.went;
            self.keep(key, number, touched);
            touched.writes.push(Write::mark(key, Some(number)));
        }
    }

    /// The same, as the how manieth.
    pub(super) fn keep(&mut self, key: &Key, number: u64, touched: &mut Touched) {
        let Some(entry) = self.objects.get_mut(key) else {
            return;
        };
        touched.workloads.insert(entry.good.workload.clone());
        entry.gone = Some(number);
        self.room.went(key, number);
    }

    pub(super) fn say_deleted(&mut self, key: &Key) {
        let Some(entry) = self.objects.get_mut(key) else {
            return;
        };
        let why = Refusal {
            reason: "Deleted",
            text: "it went, which nobody signed: what it said stays in force while `signatures.require` is set, and \
                   until its room is needed. Apply it again, or another one for its workload"
                .to_owned(),
            workload: Some(Box::new(entry.good.workload.clone())),
        };
        entry.trouble = Some((entry.version.clone(), why));
    }
}

fn no_room() -> String {
    format!(
        "there is no room for it: an agent holds {PROFILES_MAX} BehaviorProfiles and {} MiB of them, and of one \
         namespace an {SHARES}th of each; delete those that no workload needs, and apply this one again",
        BYTES_MAX >> 20
    )
}
