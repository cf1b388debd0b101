//! What the status of an object says: what all nodes make of it, in counts and conditions.

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
    /// Of these: which know an earlier one alone.
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Containers of its workload there.
    pub instances: u32,
    /// Why it is not obeyed; none where it is.
    pub refusal: Option<Arc<Refusal>>,
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

/// What nodes say of this generation comes to, where the object said that before. A time is of when a condition became
/// what it is.
pub fn status<'s>(
    generation: i64,
    told: impl Iterator<Item = (&'s str, &'s Said)>,
    before: Option<&Status>,
    now: i64,
) -> Status {
    let [mut running, mut in_force, mut behind] = [0_u32; 3];
    let mut refused: BTreeMap<&Refusal, Vec<&str>> = BTreeMap::new();
    let mut refusing = 0_u32;
    for (node, said) in told {
        let runs = said.instances > 0;
        running += u32::from(runs);
        // One that is before the controller knows what is to come.
        let is_old = said.generation < generation;
        match &said.refusal {
            _ if is_old => behind += u32::from(runs),
            None => in_force += u32::from(runs),
            Some(why) => {
                refused.entry(why).or_default().push(node);
                refusing += 1;
            }
        }
    }
    let (reason, refusals) = refusals(&refused);
    // Refused on nodes where it does not run keeps it from no container, unless it runs nowhere.
    let is_kept = refusing > 0 && (running == 0 || in_force + behind < running);
    let (holds, word, text) = if is_kept {
        let text = format!(
            "in force on {in_force} of {}: {refusals}",
            nodes(running as usize)
        );
        (Holds::False, reason.clone(), text)
    } else if running == 0 {
        let text = "no node runs its workload, or none of these knows it yet".to_owned();
        (Holds::Unknown, "NotRunning".to_owned(), text)
    } else if behind > 0 {
        let text = format!(
            "in force on {in_force} of {}, of which {behind} know an earlier generation alone",
            nodes(running as usize)
        );
        (Holds::False, "Behind".to_owned(), text)
    } else {
        let text = format!(
            "in force on {}, all on which its workload runs",
            nodes(running as usize)
        );
        (Holds::True, "AllNodes".to_owned(), text)
    };
    let condition = |kind: &str, status: Holds, reason: String, message: String| {
        let known = before.and_then(|before| before.condition(kind));
        let known = known.filter(|known| known.status == status);
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
    let conditions = vec![
        condition("InForce", holds, word, text),
        match refusing {
            0 => condition(
                "Refused",
                Holds::False,
                "NotRefused".to_owned(),
                "no node refuses it".to_owned(),
            ),
            _ => condition("Refused", Holds::True, reason, refusals),
        },
    ];
    Status {
        observed_generation: generation,
        nodes: Nodes {
            summary: format!("{in_force}/{running}"),
            running,
            in_force,
            behind,
            refused: refusing,
        },
        conditions,
    }
}
