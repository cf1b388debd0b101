//! What nodes said of objects, by the uids of these, with bounds.
//!
//! Who may write BehaviorProfiles in one namespace can have each node refuse thousands: so a text is held once, whoever
//! says it, and of one namespace there is a share of all words.

use super::status::{Refusal, Said};
use lapwing_profile::text::visible;
use lapwing_proto::v1::BehaviorProfileState;
use lapwing_proto::v1::behavior_profile_state::Verdict;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

/// Most words of nodes, of each object one: some 140 bytes each.
const WORDS_MAX: usize = 1_000_000;
/// Most objects of which the API did not tell yet, with those of which it did: some 700 bytes each.
const UIDS_MAX: usize = 50_000;
/// The part of them that may be of one namespace.
const SHARES: usize = 8;
/// Most different refusals.
const REFUSALS_MAX: usize = 8_192;

/// Longest texts of one, in bytes.
const REASON_MAX: usize = 64;
const MESSAGE_MAX: usize = 512;

/// A refusal for which there is no room.
static OTHER: LazyLock<Arc<Refusal>> = LazyLock::new(|| {
    Arc::new(Refusal {
        reason: "Other".to_owned(),
        message: "`lapwing status` there says why: there are too many other reasons".to_owned(),
    })
});

/// What nodes said of one object.
struct Of {
    /// Whose share it takes.
    namespace: Arc<str>,
    said: BTreeMap<Arc<str>, Said>,
}

/// A reason as conditions have them.
fn word(reason: &str) -> String {
    let is_word = (1..=REASON_MAX).contains(&reason.len())
        && reason.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word { reason } else { "Other" }.to_owned()
}

/// Where an object is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    pub namespace: &'p str,
    /// Whether the API said so.
    pub is_known: bool,
}

/// What became of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    /// It was said before.
    Same,
    /// It was not, and is held; by this name of the object.
    News(Arc<str>),
    /// There is no room for it.
    NoRoom,
}

/// All of it.
pub struct Words {
    of: HashMap<Arc<str>, Of>,
    many: usize,
    shares: HashMap<Arc<str>, usize>,
    refusals: HashSet<Arc<Refusal>>,
    max: usize,
    /// What found no room.
    pub refused: u64,
}

impl Default for Words {
    fn default() -> Self {
        Self::with_room(WORDS_MAX)
    }
}

impl Words {
    /// For so many.
    fn with_room(max: usize) -> Self {
        Self {
            of: HashMap::new(),
            many: 0,
            shares: HashMap::new(),
            refusals: HashSet::new(),
            max,
            refused: 0,
        }
    }

    /// What nodes said of this object.
    pub fn of(&self, uid: &str) -> impl Iterator<Item = (&str, &Said)> {
        let said = self.of.get(uid).map(|of| &of.said);
        said.into_iter()
            .flatten()
            .map(|(node, said)| (&**node, said))
    }

    /// What a node says of an object.
    pub fn said(&mut self, state: &BehaviorProfileState) -> Said {
        let mut refusal = || {
            let cut = state.message.floor_char_boundary(MESSAGE_MAX);
            let refusal = Refusal {
                reason: word(&state.reason),
                message: visible(&state.message[..cut]).to_string(),
            };
            self.refusal(refusal).unwrap_or_else(|| {
                self.refused += 1;
                Arc::clone(&OTHER)
            })
        };
        Said {
            generation: state.generation,
            spec: state.spec_digest.as_slice().try_into().ok(),
            instances: state.instances,
            refusal: match state.verdict() {
                Verdict::InForce => None,
                // What a newer agent says is not that it obeys.
                Verdict::Refused | Verdict::Unspecified => Some(refusal()),
            },
        }
    }

    /// This refusal, of which there is one. None where there are too many others.
    fn refusal(&mut self, refusal: Refusal) -> Option<Arc<Refusal>> {
        if let Some(known) = self.refusals.get(&refusal) {
            return Some(Arc::clone(known));
        }
        if self.refusals.len() >= REFUSALS_MAX {
            return None;
        }
        let refusal = Arc::new(refusal);
        self.refusals.insert(Arc::clone(&refusal));
        Some(refusal)
    }

    /// Forgets refusals that nobody says any more, if they take much of the room.
    pub fn shed(&mut self) {
        if self.refusals.len() > REFUSALS_MAX / 2 {
            self.refusals.retain(|one| Arc::strong_count(one) > 1);
        }
    }

    /// A node says this of an object, which is in this namespace, as the API has it or else the node.
    pub fn set(&mut self, uid: &str, of: Place<'_>, node: &Arc<str>, said: Said) -> Set {
        if let Some((uid, of)) = self.of.get_key_value(uid)
            && let Some(before) = of.said.get(node)
        {
            if *before == said {
                return Set::Same;
            }
            let uid = Arc::clone(uid);
            if let Some(of) = self.of.get_mut(&uid) {
                of.said.insert(Arc::clone(node), said);
            }
            return Set::News(uid);
        }
        let known = self.of.get(uid);
        let namespace = known.map_or(of.namespace, |of| &*of.namespace);
        let share = self.shares.get(namespace).copied().unwrap_or_default();
        let is_one_more = known.is_none() && !of.is_known && self.of.len() >= UIDS_MAX;
        if is_one_more || self.many >= self.max || share >= self.max / SHARES {
            return Set::NoRoom;
        }
        let namespace: Arc<str> = match self.shares.get_key_value(namespace) {
            Some((known, _)) => Arc::clone(known),
            None => namespace.into(),
        };
        let key = match self.of.get_key_value(uid) {
            Some((known, _)) => Arc::clone(known),
            None => uid.into(),
        };
        *self.shares.entry(Arc::clone(&namespace)).or_default() += 1;
        self.many += 1;
        let of = self.of.entry(Arc::clone(&key)).or_insert_with(|| Of {
            namespace,
            said: BTreeMap::new(),
        });
        of.said.insert(Arc::clone(node), said);
        Set::News(key)
    }

    /// A node says nothing of an object any more. Answers whether it did.
    pub fn unset(&mut self, uid: &str, node: &Arc<str>) -> bool {
        let Some(of) = self.of.get_mut(uid) else {
            return false;
        };
        if of.said.remove(node).is_none() {
            return false;
        }
        self.many -= 1;
        if let Some(share) = self.shares.get_mut(&of.namespace) {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&of.namespace);
            }
        }
        if of.said.is_empty() {
            self.of.remove(uid);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Refusal {
        Refusal {
            reason: "Unsigned".to_owned(),
            message: text.to_owned(),
        }
    }

    fn said(refusal: Option<Arc<Refusal>>) -> Said {
        Said {
            generation: 1,
            spec: None,
            instances: 1,
            refusal,
        }
    }

    const fn at(namespace: &str) -> Place<'_> {
        Place {
            namespace,
            is_known: false,
        }
    }

    #[test]
    fn objects_that_there_may_not_be_have_bounds() {
        let mut words = Words::default();
        let node: Arc<str> = "n1".into();
        for number in 0..UIDS_MAX {
            let set = words.set(&format!("u{number}"), at("evil"), &node, said(None));
            assert!(matches!(set, Set::News(_)));
        }
        let set = words.set("more", at("evil"), &node, said(None));
        assert_eq!(set, Set::NoRoom);
        let known = Place {
            is_known: true,
            ..at("shop")
        };
        let set = words.set("web", known, &node, said(None));
        assert_eq!(set, Set::News("web".into()));
        let set = words.set("u7", at("evil"), &"n2".into(), said(None));
        assert_eq!(set, Set::News("u7".into()));
    }

    #[test]
    fn a_namespace_has_a_share_and_gives_it_back() {
        let mut words = Words::with_room(8 * 10);
        let nodes: Vec<Arc<str>> = (0..5).map(|node| format!("n{node}").into()).collect();
        let mut no_room = 0;
        for number in 0..4 {
            for node in &nodes {
                let uid = format!("evil-{number}");
                let set = words.set(&uid, at("evil"), node, said(None));
                no_room += usize::from(set == Set::NoRoom);
            }
        }
        assert_eq!((words.many, no_room), (10, 10));
        // What is held may become another; others have room; and it is given back.
        let why = words.refusal(refusal("x"));
        let set = words.set("evil-0", at("evil"), &nodes[0], said(why));
        assert_eq!(set, Set::News("evil-0".into()));
        let set = words.set("shop-0", at("shop"), &nodes[0], said(None));
        assert_eq!(set, Set::News("shop-0".into()));
        // Whoever gives the object another namespace takes no other share.
        let set = words.set("evil-1", at("bank"), &nodes[0], said(None));
        assert_eq!(set, Set::Same);
        for uid in ["evil-0", "evil-1"] {
            for node in &nodes {
                assert!(words.unset(uid, node));
                assert!(!words.unset(uid, node));
            }
        }
        assert_eq!((words.many, words.shares.len(), words.of.len()), (1, 1, 1));
        let set = words.set("evil-9", at("evil"), &nodes[0], said(None));
        assert_eq!(set, Set::News("evil-9".into()));
    }

    #[test]
    fn a_refusal_is_held_once_and_not_longer_than_it_is_said() {
        let mut words = Words::default();
        let state = BehaviorProfileState {
            verdict: Verdict::Refused.into(),
            reason: "Unsigned".to_owned(),
            message: "x".to_owned(),
            ..BehaviorProfileState::default()
        };
        let first = words.said(&state).refusal.unwrap();
        let again = words.said(&state).refusal.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        drop(again);
        for number in 1..REFUSALS_MAX {
            assert!(words.refusal(refusal(&number.to_string())).is_some());
        }
        let other = BehaviorProfileState {
            message: "one more".to_owned(),
            ..state
        };
        let said = words.said(&other).refusal.unwrap();
        assert_eq!((&*said.reason, words.refused), ("Other", 1));
        words.shed();
        assert_eq!(words.refusals.len(), 1);
        assert!(words.refusal(refusal("one more")).is_some());
    }
}
