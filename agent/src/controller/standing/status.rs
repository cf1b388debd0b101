//! What the status of an object says: what all nodes make of it, in counts and conditions.

use crate::kubernetes::digest::Digest;
use lapwing_profile::collected::object::Holds;
use lapwing_profile::file;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Nodes of one refusal that are told by name.
const NAMED: usize = 5;
/// Different refusals that are told.
const REFUSALS: usize = 3;
/// The conditions.
const IN_FORCE: &str = "InForce";
const REFUSED: &str = "Refused";
/// Words of them.
const NOT_RUNNING: &str = "NotRunning";
const NOT_HEARD: &str = "NotHeard";

/// As the object has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The generation of which this is.
    pub observed_generation: i64,
    /// How many nodes.
    pub nodes: Nodes,
    /// `InForce` and `Refused`.
    pub conditions: Vec<Condition>,
}

/// Counts of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Nodes {
    /// `inForce` of `running`, for people.
    pub summary: String,
    /// On which its workload runs.
    pub running: u32,
    /// Of these: which obey this generation.
    pub in_force: u32,
    /// Of these: which know another `spec` alone, be it of an earlier generation or of the same.
    pub behind: u32,
    /// Which refuse this generation, be it that its workload runs there or not.
    pub refused: u32,
}

/// As other objects of a cluster have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// `InForce` or `Refused`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: Holds,
    /// The generation of which this is.
    pub observed_generation: i64,
    /// Since when, in RFC 3339.
    pub last_transition_time: String,
    /// One word.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// Why a node refuses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refusal {
    /// One word.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// What one node makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// As the node knows it.
    pub generation: i64,
    /// Of the `spec` that the node has; none of an agent of an earlier version.
    pub spec: Option<Digest>,
    /// Containers of its workload there.
    pub instances: u32,
    /// Why it is not obeyed; none where it is.
    pub refusal: Option<Arc<Refusal>>,
}

/// Which state of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Of {
    pub generation: i64,
    /// Of its `spec`.
    pub spec: Option<Digest>,
}

impl Of {
    /// Whether what a node said is of another. An agent of an earlier version says the generation alone, and one that is
    /// before the controller knows what is to come.
    fn is_another(self, said: &Said) -> bool {
        match said.spec {
            Some(_) => said.generation != self.generation || said.spec != self.spec,
            None => said.generation < self.generation,
        }
    }
}

/// How many nodes are heard, of those that should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// What they said counts.
    pub heard: u32,
    /// They are waited for.
    pub silent: u32,
    /// Their agents cannot tell.
    pub mute: u32,
    /// They were waited for for long.
    pub gone: u32,
}

impl Hearing {
    /// Whether those that are heard are not enough to say anything of all. Some that are gone for long, fewer than are
    /// heard, keep nobody from it: a node that died would.
    const fn is_part(self) -> bool {
        self.silent > 0 || self.mute > 0 || self.gone > self.heard
    }

    /// Whether something else may be said than where it was so.
    pub const fn differs(self, before: Self) -> bool {
        (self.silent > 0) != (before.silent > 0)
            || (self.mute > 0) != (before.mute > 0)
            || self.gone != before.gone
            || self.is_part() != before.is_part()
    }

    /// Who is not heard, to come after a sentence.
    fn tail(self) -> String {
        match (self.silent + self.mute + self.gone) as usize {
            0 => String::new(),
            1 => "; 1 node is not heard".to_owned(),
            many => format!("; {many} nodes are not heard"),
        }
    }
}

impl Status {
    /// What an object says already; none where that is nothing, or makes no sense.
    pub fn read(status: &Value) -> Option<Self> {
        Self::deserialize(status).ok()
    }

    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|one| one.kind == kind)
    }

    /// Whether a condition holds, and for which generation that is said.
    pub fn holds(&self, kind: &str) -> Option<i64> {
        let condition = self.condition(kind)?;
        (condition.status == Holds::True).then_some(condition.observed_generation)
    }

    /// What a condition says for people.
    pub fn message(&self, kind: &str) -> &str {
        self.condition(kind).map_or("", |one| &one.message)
    }

    /// Whether more than counts and names differ.
    pub fn is_news(&self, before: &Self) -> bool {
        let short = |status: &Self| -> Vec<(String, Holds, i64, String)> {
            let all = status.conditions.iter().cloned();
            all.map(|one| (one.kind, one.status, one.observed_generation, one.reason))
                .collect()
        };
        self.observed_generation != before.observed_generation || short(self) != short(before)
    }

    /// Whether nothing is another but that its workload runs nowhere any more, as where a Job ended.
    pub fn rests_after(&self, before: &Self) -> bool {
        let is_same = |kind: &str| {
            let short = |status: &Self| {
                let one = status.condition(kind);
                one.map(|one| (one.status, one.reason.clone()))
            };
            short(self) == short(before)
        };
        let runs_no_more = self.nodes.running == 0 && before.nodes.running > 0;
        let was_in_force = before.holds(IN_FORCE).is_some();
        runs_no_more
            && self.observed_generation == before.observed_generation
            && is_same(REFUSED)
            && (is_same(IN_FORCE) || was_in_force && self.is_unknown(IN_FORCE))
    }

    fn is_unknown(&self, kind: &str) -> bool {
        self.condition(kind)
            .is_some_and(|one| one.status == Holds::Unknown)
    }

    /// Whether its workload runs on no node that is heard, and nothing is against it.
    pub fn is_idle(&self) -> bool {
        self.nodes.running == 0 && self.is_unknown(IN_FORCE)
    }
}

/// So many nodes, for people.
fn nodes(many: usize) -> String {
    match many {
        1 => "1 node".to_owned(),
        _ => format!("{many} nodes"),
    }
}

/// Who refuses it and why: what most say first. Answers with its word.
fn refusals(refused: &BTreeMap<&Refusal, Vec<&str>>) -> (String, String) {
    let mut all: Vec<_> = refused.iter().collect();
    all.sort_by_key(|(_, who)| usize::MAX - who.len());
    let reason = all
        .first()
        .map_or_else(String::new, |(why, _)| why.reason.clone());
    let left = all.len().saturating_sub(REFUSALS);
    let mut texts: Vec<String> = { all.iter().take(REFUSALS) }
        .map(|(why, who)| {
            let mut names = who
                .iter()
                .take(NAMED)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            if who.len() > NAMED {
                names = format!("{names} and {} more", who.len() - NAMED);
            }
            format!("{} ({names}): {}", nodes(who.len()), why.message)
        })
        .collect();
    if left > 0 {
        texts.push(format!("and {left} other reasons"));
    }
    (reason, texts.join("; "))
}

/// What an object said before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'b> {
    /// None where it said nothing.
    pub status: Option<&'b Status>,
    /// Whether that is of this state and was written while this replica leads: of what it was made, all that still
    /// counts is known.
    pub is_own: bool,
}

/// Whether a condition holds, its word, and what it says for people.
type Says = (Holds, String, String);

/// What nodes say of this generation, added up.
#[derive(Default)]
struct Sum<'s> {
    nodes: Nodes,
    refused: BTreeMap<&'s Refusal, Vec<&'s str>>,
}

impl<'s> Sum<'s> {
    fn of(state: Of, told: impl Iterator<Item = (&'s str, &'s Said)>) -> Self {
        let mut sum = Self::default();
        let nodes = &mut sum.nodes;
        for (node, said) in told {
            let runs = u32::from(said.instances > 0);
            nodes.running += runs;
            match &said.refusal {
                _ if state.is_another(said) => nodes.behind += runs,
                None => nodes.in_force += runs,
                Some(why) => {
                    sum.refused.entry(why).or_default().push(node);
                    nodes.refused += 1;
                }
            }
        }
        nodes.summary = format!("{}/{}", nodes.in_force, nodes.running);
        sum
    }

    /// What some nodes say is enough for `InForce` not to hold.
    fn not_in_force(&self, hearing: Hearing) -> Option<Says> {
        let Nodes {
            running,
            in_force,
            behind,
            refused,
            ..
        } = self.nodes;
        let (of, tail) = (nodes(running as usize), hearing.tail());
        // Refused on nodes where it does not run keeps it from no container, unless it runs nowhere.
        let is_kept = refused > 0 && (running == 0 || in_force + behind < running);
        if is_kept {
            let (word, refusals) = refusals(&self.refused);
            let text = format!("in force on {in_force} of {of}: {refusals}{tail}");
            return Some((Holds::False, word, text));
        }
        let text = format!(
            "in force on {in_force} of {of}, of which {behind} know another `spec` of it alone{tail}"
        );
        (behind > 0).then(|| (Holds::False, "Behind".to_owned(), text))
    }

    /// What `InForce` is where nobody who is heard keeps it from that.
    fn in_force(&self, hearing: Hearing) -> Says {
        let (in_force, tail) = (self.nodes.in_force, hearing.tail());
        let says = |holds, word: &str, text| (holds, word.to_owned(), text);
        let heard = if tail.is_empty() {
            ""
        } else {
            " that is heard"
        };
        if in_force == 0 {
            let text =
                format!("no node{heard} runs its workload, or none of these knows it yet{tail}");
            let word = if tail.is_empty() {
                NOT_RUNNING
            } else {
                NOT_HEARD
            };
            return says(Holds::Unknown, word, text);
        }
        let of = nodes(in_force as usize);
        if hearing.is_part() {
            let text = format!("in force on {of}{tail}");
            return says(Holds::Unknown, NOT_HEARD, text);
        }
        let heard = if tail.is_empty() {
            ""
        } else {
            " that are heard"
        };
        let text = format!("in force on {of}, all{heard} on which its workload runs{tail}");
        says(Holds::True, "AllNodes", text)
    }

    fn refused(&self, hearing: Hearing) -> Says {
        let tail = hearing.tail();
        if self.nodes.refused > 0 {
            let (word, text) = refusals(&self.refused);
            return (Holds::True, word, format!("{text}{tail}"));
        }
        let heard = if tail.is_empty() {
            ""
        } else {
            " that is heard"
        };
        let text = format!("no node{heard} refuses it{tail}");
        match hearing.is_part() {
            true => (Holds::Unknown, NOT_HEARD.to_owned(), text),
            false => (Holds::False, "NotRefused".to_owned(), text),
        }
    }
}

/// What nodes say of this state comes to, where so many are heard and the object said that before. A time is of
/// when a condition became what it is.
///
/// What some nodes say is enough to know that it is refused, or not in force. That nobody refuses it, that it is in force
/// wherever it runs, and that it runs nowhere, is known from all of them alone: while some are waited for what the object
/// says of that stays, unless something contradicts it.
pub fn status<'s>(
    state: Of,
    told: impl Iterator<Item = (&'s str, &'s Said)>,
    hearing: Hearing,
    before: Before<'_>,
    now: i64,
) -> Status {
    let sum = Sum::of(state, told);
    let generation = state.generation;
    let known = |kind: &str| before.status.and_then(|before| before.condition(kind));
    let waits = |kind: &str, not_of_own: Holds| {
        let known = known(kind).filter(|known| known.observed_generation == generation)?;
        let is_over = before.is_own && known.status == not_of_own
            || known.reason == NOT_RUNNING && sum.nodes.running > 0;
        (hearing.silent > 0 && !is_over).then(|| known.clone())
    };
    let condition = |kind: &str, (status, reason, message): Says| {
        let known = known(kind).filter(|known| known.status == status);
        let since = known.map(|known| known.last_transition_time.clone());
        Condition {
            kind: kind.to_owned(),
            status,
            observed_generation: generation,
            last_transition_time: since
                .filter(|since| !since.is_empty())
                .unwrap_or_else(|| file::time(now / 1_000_000_000 * 1_000_000_000)),
            reason,
            message,
        }
    };
    let in_force = match sum.not_in_force(hearing) {
        Some(says) => condition(IN_FORCE, says),
        None => waits(IN_FORCE, Holds::False)
            .unwrap_or_else(|| condition(IN_FORCE, sum.in_force(hearing))),
    };
    let refused = match sum.nodes.refused {
        0 => waits(REFUSED, Holds::True),
        _ => None,
    };
    let refused = refused.unwrap_or_else(|| condition(REFUSED, sum.refused(hearing)));
    let status = Status {
        observed_generation: generation,
        nodes: sum.nodes,
        conditions: vec![in_force, refused],
    };
    match before.status {
        // Counts of some are no news where those of all stand.
        Some(before) if hearing.silent > 0 && !status.is_news(before) => before.clone(),
        _ => status,
    }
}
