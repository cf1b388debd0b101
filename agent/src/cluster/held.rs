//! Which of the objects is in force for which workload.
//!
//! Of several for one workload the oldest is: whoever adds another cannot take its place. What an object
//! said last that made sense goes on counting while it says something that does not.
//!
//! Where signatures are required, what an object said goes on counting when it goes. Nobody who may make and delete
//! objects ends that: not by another one of its name that is of another workload, which is refused, and not by many that
//! take its [room](super::room): an object that is there is given that only where it is the only one there of its
//! workload, and where those do not have enough that are in force for nothing. So there are no more of these than workloads
//! for which somebody signed.

mod gone;

use super::bad::{Bad, SHORT};
use super::cache::Write;
use super::object::{Good, Key, Known, Object, Refusal, Version};
use super::room::Room;
use super::{News, Offer};
use crate::kubernetes::digest::Digest;
use lapwing_profile::fingerprint;
use lapwing_profile::workload::Workload;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

struct Entry {
    created: String,
    /// Of what is good.
    version: Version,
    /// Of what was read.
    text: Digest,
    good: Good,
    /// What is wrong with another version of it, or with this one by now.
    trouble: Option<(Version, Refusal)>,
    /// It went, as the how manieth, and stays in force, because what it said was signed.
    gone: Option<u64>,
    /// What of it counts against [`BYTES_MAX`].
    size: usize,
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
    /// For the judge, before all else.
    first: Vec<News>,
}

/// All of them.
pub struct Held {
    /// Those that say something.
    objects: BTreeMap<Key, Entry>,
    bad: Bad,
    /// Those that are of a workload.
    of: HashMap<Workload, BTreeSet<Key>>,
    room: Room,
    /// Whether what was signed stays in force when its object goes.
    keeps: bool,
    /// How many went and stayed in force, ever.
    went: u64,
    gave_way: u64,
    /// Workloads that run on this node, as far as that was told.
    runs: HashSet<Workload>,
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
            room: Room::default(),
            keeps,
            went: 0,
            gave_way: 0,
            runs: HashSet::new(),
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

    /// How many that stayed in force without their objects gave way.
    pub const fn gave_way(&self) -> u64 {
        self.gave_way
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

    /// What this one says, if that is known of this uid and generation with this text.
    pub fn known(&self, key: &Key, version: &Version, text: &Digest) -> Option<Known> {
        let entry = self.objects.get(key)?;
        let Version {
            uid,
            generation,
            spec,
        } = &entry.version;
        let is_it = *uid == version.uid && *generation == version.generation && entry.text == *text;
        is_it.then(|| Known {
            good: entry.good.clone(),
            spec: *spec,
        })
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

    /// These were on disk, and of each the how manieth that went it was, if it did.
    pub fn take_up(&mut self, objects: Vec<(Object, Option<u64>)>) -> Changed {
        let mut touched = Touched::default();
        for (object, went) in objects {
            let key = object.key.clone();
            self.take(object, &mut touched);
            match went {
                Some(number) if self.keeps => {
                    self.went = self.went.max(number);
                    self.keep(&key, number, &mut touched);
                    self.say_deleted(&key);
                }
                // It is for who reads it to say.
                Some(_) => touched.writes.push(Write::mark(&key, None)),
                None => {}
            }
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
            text,
            said,
            kept,
        } = object;
        touched.keys.insert(key.clone());
        let said = said.and_then(|good| self.may_be(&key, good, kept.len(), touched));
        let good = match said {
            Ok(good) => good,
            Err(why) => return self.refuse(key, version, created, why, touched),
        };
        let size = good.text.len().max(kept.len());
        self.bad.forget(&key);
        let mut is_on_disk = false;
        if let Some(before) = self.take_out(&key) {
            log_signed(&key, &before.good, &good);
            if before.gone.is_some() {
                touched.writes.push(Write::mark(&key, None));
            }
            is_on_disk = version.is_known() && before.version == version && before.text == text;
            touched.workloads.insert(before.good.workload);
        }
        self.room.add(&key, size);
        let of = self.of.entry(good.workload.clone()).or_default();
        of.insert(key.clone());
        touched.workloads.insert(good.workload.clone());
        if !is_on_disk {
            touched.writes.push(Write::object(&key, Some(kept)));
        }
        let entry = Entry {
            created,
            version,
            text,
            good,
            trouble: None,
            gone: None,
            size,
        };
        self.objects.insert(key, entry);
    }

    /// There is this one, and it is not obeyed.
    fn refuse(
        &mut self,
        key: Key,
        version: Version,
        created: String,
        why: Refusal,
        touched: &mut Touched,
    ) {
        let Some(entry) = self.objects.get_mut(&key) else {
            return self.bad.put(key, version, why);
        };
        let workload = entry.good.workload.clone();
        touched.workloads.insert(workload.clone());
        let why = Refusal {
            text: format!("{}; what it said before stays in force", why.text),
            workload: Some(Box::new(workload)),
            ..why
        };
        entry.trouble = Some((version.clone(), why));
        let uids = [&entry.version.uid, &version.uid];
        let is_another = uids[0] != uids[1] && uids.iter().all(|uid| !uid.is_empty());
        if self.keeps && is_another {
            // The one that is held went, whatever has its name.
            return self.went(&key, touched);
        }
        entry.created = created;
        if let Some(number) = entry.gone.take() {
            self.room.is_back(&key, number);
            touched.writes.push(Write::mark(&key, None));
        }
    }

    /// An object, of which nothing is held any more.
    fn take_out(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.objects.remove(key)?;
        leave(&mut self.of, &entry.good.workload, key);
        self.room.sub(key, entry.size, entry.gone);
        Some(entry)
    }

    /// Nothing of it is known any more, on disk neither.
    fn forget(&mut self, key: &Key, touched: &mut Touched) {
        if let Some(entry) = self.take_out(key) {
            touched.keys.insert(key.clone());
            touched.workloads.insert(entry.good.workload);
            touched.writes.push(Write::object(key, None));
            if entry.gone.is_some() {
                touched.writes.push(Write::mark(key, None));
            }
        }
    }

    fn drop_one(&mut self, key: &Key, touched: &mut Touched) {
        touched.keys.insert(key.clone());
        self.bad.forget(key);
        if !self.keeps {
            return self.forget(key, touched);
        }
        self.went(key, touched);
        self.say_deleted(key);
    }

    /// Which one is in force for a workload: the oldest that is there.
    fn winner(&self, workload: &Workload) -> Option<(&Key, &Entry)> {
        let keys = self.of.get(workload)?.iter();
        let all = keys.filter_map(|key| {
            let entry = self.objects.get(key)?;
            Some((key, entry))
        });
        all.min_by_key(|(key, entry)| (entry.gone.is_some(), &entry.created, *key))
    }

    /// What of this is to be told, and what is wrong now.
    fn settle(&mut self, mut touched: Touched) -> Changed {
        let mut news = std::mem::take(&mut touched.first);
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
            *key != winner && entry.is_some_and(|entry| entry.gone.is_some())
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
