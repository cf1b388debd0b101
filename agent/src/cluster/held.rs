//! Which of the objects is in force for which workload.
//!
//! Of several for one workload the oldest is: whoever adds another cannot take its place. What an object
//! said last that made sense goes on counting while it says something that does not.

use super::object::{Good, Key, Object};
use super::{News, Offer};
use crate::judge::PROFILES_MAX;
use lapwing_profile::fingerprint;
use lapwing_profile::workload::Workload;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Most bytes of texts that are held, of all objects together.
pub const BYTES_MAX: usize = 64 << 20;

struct Entry {
    created: String,
    good: Option<Good>,
    trouble: Option<String>,
    /// It went, and stays in force, because what it said was signed.
    gone: bool,
}

/// All of them.
pub struct Held {
    objects: BTreeMap<Key, Entry>,
    /// Those that are of a workload.
    of: HashMap<Workload, BTreeSet<Key>>,
    bytes: usize,
    /// Whether what was signed stays in force when its object goes.
    keeps: bool,
    /// What is in force, as the judge was told.
    told: HashMap<Workload, (Key, Arc<str>)>,
    /// What is wrong, as the judge was told.
    said: BTreeMap<Key, String>,
}

impl Held {
    /// None yet.
    pub fn new(keeps: bool) -> Self {
        Self {
            objects: BTreeMap::new(),
            of: HashMap::new(),
            bytes: 0,
            keeps,
            told: HashMap::new(),
            said: BTreeMap::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Those that are not obeyed, with why, in the order of their names.
    pub fn troubles(&self) -> impl Iterator<Item = (String, String)> {
        let troubles = self.said.iter();
        troubles.map(|(key, text)| (key.to_string(), text.clone()))
    }

    /// There is this one, or it says something else now.
    pub fn put(&mut self, object: Object) -> Vec<News> {
        self.fill(vec![object])
    }

    /// There are these, among others.
    pub fn fill(&mut self, objects: Vec<Object>) -> Vec<News> {
        let mut touched = BTreeSet::new();
        for object in objects {
            self.take(object, &mut touched);
        }
        self.settle(touched)
    }

    /// This one went. Answers with what of it is to be forgotten on disk, too.
    pub fn remove(&mut self, key: &Key) -> (Vec<News>, Vec<Key>) {
        let mut touched = BTreeSet::new();
        let forgotten = self.drop_one(key, &mut touched);
        (self.settle(touched), forgotten.into_iter().collect())
    }

    /// These are all there are. Answers as [`Self::remove`].
    pub fn replace(&mut self, objects: Vec<Object>) -> (Vec<News>, Vec<Key>) {
        let mut touched = BTreeSet::new();
        let there: BTreeSet<Key> = objects.iter().map(|object| object.key.clone()).collect();
        // First, because they make room.
        let went = self.objects.keys().filter(|key| !there.contains(key));
        let went: Vec<Key> = went.cloned().collect();
        let mut forgotten: Vec<Key> = { went.iter() }
            .filter_map(|key| self.drop_one(key, &mut touched))
            .collect();
        for object in objects {
            self.take(object, &mut touched);
        }
        let mut news = self.settle(touched);
        forgotten.extend(self.forget_replaced());
        news.push(News::Listed);
        (news, forgotten)
    }

    /// Objects that went, and have another one in their place by now.
    pub fn forget_replaced(&mut self) -> Vec<Key> {
        let is_replaced = |key: &Key, entry: &Entry| {
            let good = entry.good.as_ref().filter(|_| entry.gone);
            let told = good.and_then(|good| self.told.get(&good.workload));
            told.is_some_and(|(winner, _)| winner != key)
        };
        let replaced: Vec<Key> = { self.objects.iter() }
            .filter(|(key, entry)| is_replaced(key, entry))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &replaced {
            self.forget(key);
            self.said.remove(key);
        }
        replaced
    }

    fn take(&mut self, object: Object, touched: &mut BTreeSet<Workload>) {
        let Object {
            key, created, said, ..
        } = object;
        let known = self.objects.get(&key);
        let before = known.map_or(0, size);
        let room = known.is_some() || self.objects.len() < PROFILES_MAX;
        if !room && said.is_err() {
            return; // There is nothing of it to keep, and no room to say so.
        }
        let said = said.and_then(|good| {
            match room && self.bytes - before + good.text.len() <= BYTES_MAX {
                true => Ok(good),
                false => Err(format!(
                    "there is no room for it: an agent holds {PROFILES_MAX} BehaviorProfiles and {} MiB of \
                     them; delete those that no workload needs",
                    BYTES_MAX >> 20
                )),
            }
        });
        let entry = self.objects.entry(key.clone()).or_insert_with(|| Entry {
            created: String::new(),
            good: None,
            trouble: None,
            gone: false,
        });
        (entry.created, entry.gone) = (created, false);
        match said {
            Ok(good) => {
                let before = entry.good.replace(good.clone());
                log_signed(&key, before.as_ref(), &good);
                entry.trouble = None;
                if let Some(before) = before
                    && before.workload != good.workload
                {
                    leave(&mut self.of, &before.workload, &key);
                    touched.insert(before.workload);
                }
                let of = self.of.entry(good.workload.clone()).or_default();
                of.insert(key);
                touched.insert(good.workload);
            }
            Err(why) => {
                entry.trouble = Some(match entry.good {
                    Some(_) => format!("{why}; what it said before stays in force"),
                    None => why,
                });
            }
        }
        self.bytes = self.bytes - before + size(entry);
    }

    fn forget(&mut self, key: &Key) -> Option<Workload> {
        let entry = self.objects.remove(key)?;
        self.bytes -= size(&entry);
        let workload = entry.good?.workload;
        leave(&mut self.of, &workload, key);
        Some(workload)
    }

    fn drop_one(&mut self, key: &Key, touched: &mut BTreeSet<Workload>) -> Option<Key> {
        let entry = self.objects.get_mut(key)?;
        if self.keeps && entry.good.is_some() {
            entry.gone = true;
            entry.trouble = Some(
                "it went, which nobody signed: what it said stays in force while `signatures.require` is set. \
                 Apply it again, or another one for its workload"
                    .to_owned(),
            );
            touched.extend(entry.good.as_ref().map(|good| good.workload.clone()));
            return None;
        }
        touched.extend(self.forget(key));
        Some(key.clone())
    }

    /// Which one is in force for a workload: the oldest that is there.
    fn winner(&self, workload: &Workload) -> Option<(&Key, &Good)> {
        let keys = self.of.get(workload)?.iter();
        let all = keys.filter_map(|key| {
            let entry = self.objects.get(key)?;
            Some((key, entry, entry.good.as_ref()?))
        });
        let first = all.min_by_key(|(key, entry, _)| (entry.gone, &entry.created, *key));
        first.map(|(key, _, good)| (key, good))
    }

    /// What of these workloads is to be told, and what is wrong now.
    fn settle(&mut self, touched: BTreeSet<Workload>) -> Vec<News> {
        let mut news = Vec::new();
        for workload in touched {
            let won = self.winner(&workload);
            let won = won.map(|(key, good)| ((key.clone(), Arc::clone(&good.text)), good.mode));
            match won {
                None => {
                    if self.told.remove(&workload).is_some() {
                        news.push(News::Gone(workload));
                    }
                }
                Some((won, _)) if self.told.get(&workload) == Some(&won) => {}
                Some(((key, text), mode)) => {
                    news.push(News::InForce(Offer {
                        workload: workload.clone(),
                        object: key.to_string(),
                        text: Arc::clone(&text),
                        mode,
                    }));
                    self.told.insert(workload, (key, text));
                }
            }
        }
        self.say(&mut news);
        news
    }

    /// What is wrong, as far as it was not said.
    fn say(&mut self, news: &mut Vec<News>) {
        let mut wrong = BTreeMap::new();
        for (key, entry) in &self.objects {
            let good = entry.good.as_ref();
            let other = good.and_then(|good| self.told.get(&good.workload));
            let other = other
                .map(|(winner, _)| winner)
                .filter(|winner| *winner != key);
            let text = match (&entry.trouble, other) {
                (Some(text), _) => text.clone(),
                (None, Some(winner)) => format!(
                    "{winner} is older and of the same workload, and is in force: delete one of them"
                ),
                (None, None) => continue,
            };
            wrong.insert(key.clone(), text);
        }
        for key in self.said.keys().filter(|key| !wrong.contains_key(key)) {
            news.push(News::Mended(key.to_string()));
        }
        for (key, text) in &wrong {
            if self.said.get(key) != Some(text) {
                let entry = self.objects.get(key).and_then(|entry| entry.good.as_ref());
                news.push(News::Refused {
                    object: key.to_string(),
                    workload: entry.map(|good| good.workload.clone()),
                    text: text.clone(),
                });
            }
        }
        self.said = wrong;
    }
}

/// A signature has no date: who may write there can apply one of an earlier text again, which is for people to see.
fn log_signed(key: &Key, before: Option<&Good>, now: &Good) {
    let Some(before) = before.filter(|before| before.text != now.text) else {
        return;
    };
    if before.keys.is_empty() && now.keys.is_empty() {
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

fn size(entry: &Entry) -> usize {
    entry.good.as_ref().map_or(0, |good| good.text.len())
}
