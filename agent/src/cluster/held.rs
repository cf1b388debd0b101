//! Which of the objects is in force for which workload.
//!
//! Of several for one workload the oldest is: whoever adds another cannot take its place. What an object
//! said last that made sense goes on counting while it says something that does not.

use super::bad::{Bad, SHORT};
use super::cache::Write;
use super::object::{Good, Key, Object, Refusal, Version};
use super::{News, Offer};
use crate::judge::PROFILES_MAX;
use lapwing_profile::fingerprint;
use lapwing_profile::workload::Workload;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Most bytes that are held of all objects together: of each its text, or what is kept of it on disk, whichever is
/// longer.
pub const BYTES_MAX: usize = 64 << 20;
/// The part of all room that one namespace may have: who may write there takes nobody else's.
pub const SHARES: usize = 8;

struct Entry {
    created: String,
    /// Of what is good.
    version: Version,
    signed: String,
    good: Good,
    /// What is wrong with another version of it, or with this one by now.
    trouble: Option<(Version, Refusal)>,
    /// It went, and stays in force, because what it said was signed.
    gone: bool,
    /// What of it counts against [`BYTES_MAX`].
    size: usize,
}

/// Room that is used.
#[derive(Clone, Copy, Default)]
struct Used {
    many: usize,
    bytes: usize,
}

/// What came of a change.
#[derive(Debug, Default)]
pub struct Changed {
    /// For the judge.
    pub news: Vec<News>,
    /// For the disk: what is held, and nothing else.
    pub writes: Vec<Write>,
}

/// One that is not obeyed.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'h> {
    pub key: &'h Key,
    pub version: &'h Version,
    /// One word.
    pub reason: &'static str,
    /// For people.
    pub text: &'h str,
    /// Whose it would be, its cluster aside, if that is known.
    pub workload: Option<&'h Workload>,
}

/// What a change concerns.
#[derive(Default)]
struct Touched {
    keys: BTreeSet<Key>,
    workloads: BTreeSet<Workload>,
    writes: Vec<Write>,
}

/// All of them.
pub struct Held {
    /// Those that say something.
    objects: BTreeMap<Key, Entry>,
    bad: Bad,
    /// Those that are of a workload.
    of: HashMap<Workload, BTreeSet<Key>>,
    /// By all, and by those of each namespace.
    used: Used,
    shares: HashMap<String, Used>,
    /// Whether what was signed stays in force when its object goes.
    keeps: bool,
    /// What is in force, as the judge was told.
    told: HashMap<Workload, (Key, Version, Arc<str>)>,
    /// What is wrong, as the judge was told, with which version.
    said: BTreeMap<Key, (Version, Refusal)>,
}

impl Held {
    /// None yet.
    pub fn new(keeps: bool) -> Self {
        Self {
            objects: BTreeMap::new(),
            bad: Bad::default(),
            of: HashMap::new(),
            used: Used::default(),
            shares: HashMap::new(),
            keeps,
            told: HashMap::new(),
            said: BTreeMap::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len() + self.bad.len()
    }

    /// How many of them are not obeyed.
    pub fn refused(&self) -> usize {
        self.said.len() + self.bad.unnamed()
    }

    /// Those that are not obeyed and of which all is known, with why, in the order of their names.
    pub fn troubles(&self) -> impl Iterator<Item = (String, String)> {
        let troubles = self.said.iter();
        troubles.map(|(key, (_, why))| (key.to_string(), why.text.clone()))
    }

    /// All that are not obeyed, as they are told: those last of which the word alone is known.
    pub fn refusals(&self) -> impl Iterator<Item = Refused<'_>> {
        let said = self.said.iter().map(|(key, (version, why))| Refused {
            key,
            version,
            reason: why.reason,
            text: &why.text,
            workload: why.workload.as_deref(),
        });
        let more = self.bad.more().map(|(key, version, reason)| Refused {
            key,
            version,
            reason,
            text: SHORT,
            workload: None,
        });
        said.chain(more)
    }

    /// What this one says, if that is known of this version of it with this signature.
    pub fn known(&self, key: &Key, version: &Version, signed: &str) -> Option<Good> {
        let entry = self.objects.get(key)?;
        let is_it = entry.version == *version && entry.signed == signed;
        is_it.then(|| entry.good.clone())
    }

    /// There is this one, or it says something else now.
    pub fn put(&mut self, object: Object) -> Changed {
        self.fill(vec![object])
    }

    /// There are these, among others.
    pub fn fill(&mut self, objects: Vec<Object>) -> Changed {
        let mut touched = Touched::default();
        for object in objects {
            self.take(object, &mut touched);
        }
        self.settle(touched)
    }

    /// This one went.
    pub fn remove(&mut self, key: &Key) -> Changed {
        let mut touched = Touched::default();
        self.drop_one(key, &mut touched);
        self.settle(touched)
    }

    /// These are all there are.
    pub fn replace(&mut self, objects: Vec<Object>) -> Changed {
        let mut touched = Touched::default();
        let there: BTreeSet<&Key> = objects.iter().map(|object| &object.key).collect();
        // First, because they make room.
        let went = self.objects.keys().filter(|key| !there.contains(key));
        let went: Vec<Key> = went.cloned().collect();
        for key in &went {
            self.drop_one(key, &mut touched);
        }
        touched.keys.extend(self.bad.keep(&there));
        for object in objects {
            self.take(object, &mut touched);
        }
        let mut changed = self.settle(touched);
        changed.news.push(News::Listed);
        changed
    }

    fn take(&mut self, object: Object, touched: &mut Touched) {
        let Object {
            key,
            version,
            created,
            signed,
            said,
            kept,
        } = object;
        touched.keys.insert(key.clone());
        let size = { said.as_ref() }.map_or(0, |good| good.text.len().max(kept.len()));
        let said = said.and_then(|good| match self.has_room(&key, size) {
            true => Ok(good),
            false => Err(Refusal {
                reason: "NoRoom",
                text: format!(
                    "there is no room for it: an agent holds {PROFILES_MAX} BehaviorProfiles and {} MiB of them, \
                     and of one namespace an {SHARES}th of each; delete those that no workload needs, and apply \
                     this one again",
                    BYTES_MAX >> 20
                ),
                workload: Some(Box::new(good.workload)),
            }),
        });
        let good = match said {
            Ok(good) => good,
            Err(why) => {
                match self.objects.get_mut(&key) {
                    Some(entry) => {
                        (entry.created, entry.gone) = (created, false);
                        let text = format!("{}; what it said before stays in force", why.text);
                        let workload = entry.good.workload.clone();
                        touched.workloads.insert(workload.clone());
                        let why = Refusal {
                            text,
                            workload: Some(Box::new(workload)),
                            ..why
                        };
                        entry.trouble = Some((version, why));
                    }
                    None => self.bad.put(key, version, why),
                }
                return;
            }
        };
        self.bad.forget(&key);
        let mut is_on_disk = false;
        if let Some(before) = self.take_out(&key) {
            log_signed(&key, &before.good, &good);
            is_on_disk = version.is_known() && before.version == version && before.signed == signed;
            touched.workloads.insert(before.good.workload);
        }
        for used in [
            &mut self.used,
            self.shares.entry(key.namespace.clone()).or_default(),
        ] {
            used.many += 1;
            used.bytes += size;
        }
        let of = self.of.entry(good.workload.clone()).or_default();
        of.insert(key.clone());
        touched.workloads.insert(good.workload.clone());
        if !is_on_disk {
            touched.writes.push(Write {
                name: key.file_name(),
                bytes: Some(kept),
            });
        }
        let entry = Entry {
            created,
            version,
            signed,
            good,
            trouble: None,
            gone: false,
            size,
        };
        self.objects.insert(key, entry);
    }

    /// Whether an object with so many bytes finds room: in all, and in its namespace.
    fn has_room(&self, key: &Key, size: usize) -> bool {
        let known = self.objects.get(key);
        let (many, before) = known.map_or((1, 0), |entry| (0, entry.size));
        let own = self.shares.get(&key.namespace).copied();
        [(self.used, 1), (own.unwrap_or_default(), SHARES)]
            .iter()
            .all(|(used, shares)| {
                used.many + many <= PROFILES_MAX / shares
                    && used.bytes - before + size <= BYTES_MAX / shares
            })
    }

    /// An object, of which nothing is held any more.
    fn take_out(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.objects.remove(key)?;
        leave(&mut self.of, &entry.good.workload, key);
        let share = self.shares.entry(key.namespace.clone()).or_default();
        for used in [&mut self.used, &mut *share] {
            used.many -= 1;
            used.bytes -= entry.size;
        }
        if share.many == 0 {
            self.shares.remove(&key.namespace);
        }
        Some(entry)
    }

    /// Nothing of it is known any more, on disk neither.
    fn forget(&mut self, key: &Key, touched: &mut Touched) {
        if let Some(entry) = self.take_out(key) {
            touched.keys.insert(key.clone());
            touched.workloads.insert(entry.good.workload);
            touched.writes.push(Write {
                name: key.file_name(),
                bytes: None,
            });
        }
    }

    fn drop_one(&mut self, key: &Key, touched: &mut Touched) {
        touched.keys.insert(key.clone());
        self.bad.forget(key);
        if !self.keeps {
            return self.forget(key, touched);
        }
        let Some(entry) = self.objects.get_mut(key) else {
            return;
        };
        touched.workloads.insert(entry.good.workload.clone());
        entry.gone = true;
        let why = Refusal {
            reason: "Deleted",
            text: "it went, which nobody signed: what it said stays in force while `signatures.require` is set. \
                   Apply it again, or another one for its workload"
                .to_owned(),
            workload: Some(Box::new(entry.good.workload.clone())),
        };
        entry.trouble = Some((entry.version.clone(), why));
    }

    /// Which one is in force for a workload: the oldest that is there.
    fn winner(&self, workload: &Workload) -> Option<(&Key, &Entry)> {
        let keys = self.of.get(workload)?.iter();
        let all = keys.filter_map(|key| {
            let entry = self.objects.get(key)?;
            Some((key, entry))
        });
        all.min_by_key(|(key, entry)| (entry.gone, &entry.created, *key))
    }

    /// What of this is to be told, and what is wrong now.
    fn settle(&mut self, mut touched: Touched) -> Changed {
        let mut news = Vec::new();
        for workload in touched.workloads.clone() {
            let won = self.winner(&workload);
            let won = won.map(|(key, entry)| {
                let Entry { version, good, .. } = entry;
                let won = (key.clone(), version.clone(), Arc::clone(&good.text));
                (won, good.mode)
            });
            match won {
                None => {
                    if self.told.remove(&workload).is_some() {
                        news.push(News::Gone(workload));
                    }
                }
                Some((won, mode)) => {
                    self.forget_replaced(&workload, &won.0, &mut touched);
                    if self.told.get(&workload) != Some(&won) {
                        news.push(News::InForce(Offer {
                            workload: workload.clone(),
                            object: won.0.to_string(),
                            version: won.1.clone(),
                            text: Arc::clone(&won.2),
                            mode,
                        }));
                        self.told.insert(workload, won);
                    }
                }
            }
        }
        self.say(&touched, &mut news);
        Changed {
            news,
            writes: touched.writes,
        }
    }

    /// Forgets objects of a workload that went, and have another one in their place now: after a restart they
    /// would be there again.
    fn forget_replaced(&mut self, workload: &Workload, winner: &Key, touched: &mut Touched) {
        let keys = self.of.get(workload).into_iter().flatten();
        let is_replaced = |key: &&Key| {
            let entry = self.objects.get(key);
            *key != winner && entry.is_some_and(|entry| entry.gone)
        };
        let replaced: Vec<Key> = keys.filter(is_replaced).cloned().collect();
        for key in &replaced {
            self.forget(key, touched);
        }
    }

    /// What is wrong with an object, if anything is, and with which version of it.
    fn wrong(&self, key: &Key) -> Option<(Version, Refusal)> {
        if let Some(why) = self.bad.why(key) {
            return Some(why.clone());
        }
        let entry = self.objects.get(key)?;
        if let Some(trouble) = &entry.trouble {
            return Some(trouble.clone());
        }
        let workload = &entry.good.workload;
        let (winner, ..) = self.told.get(workload)?;
        let why = || Refusal {
            reason: "Superseded",
            text: format!(
                "{winner} is older and of the same workload, and is in force: delete one of them"
            ),
            workload: Some(Box::new(workload.clone())),
        };
        (winner != key).then(|| (entry.version.clone(), why()))
    }

    /// What is wrong with what was touched, and with others of the same workloads, as far as it was not said.
    fn say(&mut self, touched: &Touched, news: &mut Vec<News>) {
        let mut keys = touched.keys.clone();
        let of = touched.workloads.iter().filter_map(|one| self.of.get(one));
        keys.extend(of.flatten().cloned());
        let mut refused = Vec::new();
        for key in keys {
            let Some(wrong) = self.wrong(&key) else {
                if self.said.remove(&key).is_some() {
                    news.push(News::Mended(key.to_string()));
                }
                continue;
            };
            let text = wrong.1.text.clone();
            let before = self.said.insert(key.clone(), wrong);
            if before.is_some_and(|(_, before)| before.text == text) {
                continue;
            }
            let entry = self.objects.get(&key);
            refused.push(News::Refused {
                object: key.to_string(),
                workload: entry.map(|entry| entry.good.workload.clone()),
                text,
            });
        }
        news.extend(refused);
    }
}

/// A signature has no date: who may write there can apply one of an earlier text again, which is for people to see.
fn log_signed(key: &Key, before: &Good, now: &Good) {
    if before.text == now.text || before.keys.is_empty() && now.keys.is_empty() {
        return;
    }
    let digest = |good: &Good| fingerprint::hex(&[good.text.as_bytes()]);
    tracing::warn!(
        object = %key,
        before = digest(before),
        now = digest(now),
        keys = now.keys.join(", "),
        "what was signed gives way to another text"
    );
}

fn leave(of: &mut HashMap<Workload, BTreeSet<Key>>, workload: &Workload, key: &Key) {
    if let Some(keys) = of.get_mut(workload) {
        keys.remove(key);
        if keys.is_empty() {
            of.remove(workload);
        }
    }
}
