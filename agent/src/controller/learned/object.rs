//! The object of a workload: its name, what it says, and whether that is news.

use super::one::Snapshot;
use crate::cli::profile_object::manifest;
use crate::container::identity::pods::is_name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lapwing_profile::collected::object::{
    Condition, Holds, Image, LINE_MAX, OBJECT_MAX, Phase, REPOSITORY_MAX, Status, UNCONFIRMED_MAX,
};
use lapwing_profile::collected::{Collected, Judged};
use lapwing_profile::decide::By;
use lapwing_profile::file;
use lapwing_profile::file::object::Metadata;
use lapwing_profile::fingerprint;
use lapwing_profile::profile::Mode;
use lapwing_profile::workload::Workload;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where the objects of a namespace are.
pub const GROUP: &str = "/apis/lapwing.dev/v1alpha1";
/// Who writes them.
pub const MANAGER: &str = "lapwing-controller";
/// Bytes of a name that tell the workload; behind them stands what tells it from all others.
const READABLE_MAX: usize = 200;
/// Digits of that.
const DIGITS: usize = 10;
/// Bytes of `unconfirmed`.
const UNCONFIRMED_BYTES: usize = 64 << 10;
/// Most that evidence is once it is decompressed.
const EVIDENCE_MAX: usize = 2 * file::TEXT_MAX;
/// The condition that says of a BehaviorProfile; it stays where that is deleted.
const PROMOTED: &str = "Promoted";
/// How much time is spent on making it small, from 0 to 10.
const LEVEL: u8 = 6;

/// Whether a workload can have an object: it has to be of a namespace, and all its parts names as a cluster
/// has them. Says what is not.
pub fn check(workload: &Workload) -> Result<(), String> {
    let of_letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let kind = &workload.kind;
    let is_kind = (1..=63).contains(&kind.len()) && of_letters(kind);
    for (part, value, is_good) in [
        (
            "namespace",
            &workload.namespace,
            is_name(&workload.namespace),
        ),
        ("kind", kind, is_kind),
        ("name", &workload.name, is_name(&workload.name)),
        (
            "container",
            &workload.container,
            is_name(&workload.container),
        ),
    ] {
        if !is_good {
            return Err(format!(
                "its {part} `{}` is none that a workload of a cluster has",
                lapwing_profile::text::visible(value)
            ));
        }
    }
    Ok(())
}

/// The name of a workload's object: readable, and no other workload's.
pub fn name_of(workload: &Workload) -> String {
    let parts = [
        &workload.namespace,
        &workload.kind,
        &workload.name,
        &workload.container,
    ];
    let digits = fingerprint::hex(&parts.map(String::as_bytes));
    let mut name = parts[1..]
        .iter()
        .map(|part| part.to_lowercase())
        .collect::<Vec<_>>()
        .join("-");
    name.truncate(READABLE_MAX);
    let name = name.trim_end_matches(['-', '.']);
    format!("{name}-{}", &digits[..DIGITS])
}

/// The path of a workload's object.
pub fn path(workload: &Workload) -> String {
    let (namespace, name) = (&workload.namespace, name_of(workload));
    format!("{GROUP}/namespaces/{namespace}/learnedprofiles/{name}")
}

/// Evidence as an object has it.
pub fn encode(collected: &Collected) -> String {
    let text = collected.to_text();
    STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(
        text.as_bytes(),
        LEVEL,
    ))
}

/// Reads it.
pub fn decode(evidence: &str) -> Result<Collected, String> {
    let bytes = STANDARD
        .decode(evidence)
        .map_err(|error| format!("it is no base64: {error}"))?;
    let text = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&bytes, EVIDENCE_MAX)
        .map_err(|error| format!("it cannot be decompressed: {error}"))?;
    let text = String::from_utf8(text).map_err(|_| "it is no text".to_owned())?;
    Collected::from_text(&text).map_err(|error| error.to_string())
}

/// The BehaviorProfile that a person would apply, in YAML: what is confirmed, compared with from then on.
pub fn proposal(judged: &Judged) -> Result<String, String> {
    let mut profile = judged.profile.clone();
    if profile.mode() != Mode::Monitoring {
        let by = By {
            actor: MANAGER,
            reason: "",
            at: 0,
        };
        profile.promote(by).map_err(|error| error.to_string())?;
    }
    manifest(&profile, Metadata::default(), "").map_err(|error| format!("{error:#}"))
}

/// What is known besides of a workload.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Why which node's report was refused.
    pub refused: BTreeMap<String, String>,
    /// The BehaviorProfile that there is, as `shop/web`.
    pub promoted: Option<String>,
}

/// What an object says, as far as it is remembered: its texts are compared by their digests.
#[derive(Clone, Debug)]
pub struct Written {
    /// How far it is.
    pub phase: Phase,
    /// Of the object.
    pub uid: String,
    conditions: Vec<Condition>,
    /// Of all of it, and of what people look at.
    digests: [String; 2],
}

impl Written {
    /// Of what an object with this uid says.
    pub fn of(status: &Status, uid: &str) -> Self {
        let digest = |status: &Status| {
            // No part of it can fail to be JSON.
            let text = serde_json::to_vec(status).unwrap_or_default();
            fingerprint::hex(&[&text])
        };
        Self {
            phase: status.phase,
            uid: uid.to_owned(),
            conditions: status.conditions.clone(),
            digests: [digest(status), digest(&plain(status))],
        }
    }

    /// Whether it says the same.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.digests[0] == other.digests[0]
    }

    /// Whether what people look at is another. Figures that go on all the time are not.
    pub fn is_news(&self, other: &Self) -> bool {
        self.digests[1] != other.digests[1]
    }

    /// Since when it says that there is this BehaviorProfile, as `shop/web`.
    pub fn promoted_since(&self, name: &str) -> Option<&str> {
        let mut all = self.conditions.iter();
        let is_it = |one: &&Condition| {
            one.kind == PROMOTED && one.status == Holds::True && one.message == promoted_text(name)
        };
        all.find(is_it).map(|one| &*one.last_transition_time)
    }

    /// Whether there was a BehaviorProfile ever.
    pub fn was_promoted(&self) -> bool {
        self.phase == Phase::Promoted || self.conditions.iter().any(|one| one.kind == PROMOTED)
    }
}

fn promoted_text(name: &str) -> String {
    format!("the BehaviorProfile {name}")
}

fn plain(status: &Status) -> Status {
    let conditions = status.conditions.iter().cloned();
    let conditions = conditions.map(|condition| Condition {
        message: match condition.kind.as_str() {
            // How much longer it takes.
            "Ready" | "TooLarge" => String::new(),
            _ => condition.message,
        },
        last_transition_time: String::new(),
        ..condition
    });
    Status {
        instances: 0,
        coverage: String::new(),
        last_seen: String::new(),
        evidence: None,
        conditions: conditions.collect(),
        ..status.clone()
    }
}

/// Bytes that a thing takes in the store of the cluster, which escapes a few characters more.
pub fn stored(thing: &impl Serialize) -> usize {
    let text = serde_json::to_string(thing).unwrap_or_default();
    let escaped = { text.bytes() }.filter(|byte| matches!(byte, b'<' | b'>' | b'&'));
    text.len() + 5 * escaped.count()
}

/// Lines that wait for another node, and how many of the first are too long.
fn unconfirmed(judged: &Judged) -> (Vec<String>, usize) {
    let (mut lines, mut too_long, mut room) = (Vec::new(), 0, UNCONFIRMED_BYTES);
    for entry in judged.unconfirmed.iter().take(UNCONFIRMED_MAX) {
        let line = entry.to_string();
        if line.len() > LINE_MAX {
            too_long += 1;
            continue;
        }
        let Some(left) = room.checked_sub(line.len()) else {
            break;
        };
        room = left;
        lines.push(line);
    }
    (lines, too_long)
}

/// What the object is to say, where it said this before. Where this controller `promotes`, people can ask it to.
pub fn status(
    snapshot: &Snapshot,
    judged: &Judged,
    before: Option<&Written>,
    promotes: bool,
    now: i64,
) -> Status {
    let (collected, beside) = (&*snapshot.collected, &snapshot.beside);
    let profile = &judged.profile;
    let versions = profile.versions();
    let many = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let evidence = encode(collected);
    let size = evidence.len();
    let proposal = proposal(judged);
    let (unconfirmed, too_long) = unconfirmed(judged);
    let mut status = Status {
        phase: match (&beside.promoted, judged.is_complete()) {
            (Some(_), _) => Phase::Promoted,
            (None, true) => Phase::Ready,
            (None, false) => Phase::Learning,
        },
        nodes: many(judged.nodes),
        instances: many(judged.instances),
        coverage: judged.coverage.map_or_else(String::new, |share| {
            format!("{:.3}", (share * 1_000.0).floor() / 1_000.0)
        }),
        behaviours: many(profile.approved_len() as u64),
        pending: many(profile.pending_len() as u64),
        provisional: many(judged.unconfirmed.len() as u64),
        unconfirmed,
        images: { versions.iter() }
            .filter(|one| one.version.repository().len() <= REPOSITORY_MAX)
            .map(|one| Image {
                repository: one.version.repository().to_owned(),
                digest: one.version.digest().to_owned(),
            })
            .collect(),
        last_seen: collected.last_seen().map_or_else(String::new, file::time),
        conditions: before.map_or_else(Vec::new, |before| before.conditions.clone()),
        profile: None,
        evidence: None,
    };
    let say = |status: &mut Status, kind: &str, holds: bool, reason: &str, message: String| {
        status.set(Condition {
            kind: kind.to_owned(),
            status: if holds { Holds::True } else { Holds::False },
            last_transition_time: file::time(now / 1_000_000_000 * 1_000_000_000),
            reason: reason.to_owned(),
            message,
        });
    };
    match judged.is_complete() {
        true => say(
            &mut status,
            "Ready",
            true,
            "EvidenceComplete",
            judged.reason.clone(),
        ),
        false => say(
            &mut status,
            "Ready",
            false,
            "Incomplete",
            judged.unmet.join("; "),
        ),
    }
    let refused: Vec<String> = { beside.refused.iter() }
        .map(|(node, why)| format!("{node}: {why}"))
        .collect();
    match refused.is_empty() {
        false => say(
            &mut status,
            "Refused",
            true,
            "ReportsRefused",
            refused.join("; "),
        ),
        true => say(&mut status, "Refused", false, "None", String::new()),
    }
    let workload = collected.workload();
    let had_long = status.condition("LinesTooLong").is_some();
    match too_long {
        0 if had_long => say(&mut status, "LinesTooLong", false, "Fit", String::new()),
        0 => {}
        many => {
            let text = format!(
                "{many} of the first {UNCONFIRMED_MAX} behaviours that are not confirmed have lines of more than \
                 {LINE_MAX} bytes and are not in `unconfirmed`: `lapwing profile show {workload}` has them"
            );
            say(&mut status, "LinesTooLong", true, "LeftOut", text);
        }
    }
    match &beside.promoted {
        Some(name) => {
            let text = promoted_text(name);
            say(&mut status, PROMOTED, true, "BehaviorProfile", text);
        }
        // What somebody deletes is not made again, whoever leads then.
        None if before.is_some_and(Written::was_promoted) => {
            let or = match promotes {
                true => ", or call `lapwing profile promote` at the controller's endpoint",
                // That would refuse it.
                false => "",
            };
            let text = format!(
                "its BehaviorProfile was deleted, and none is made again without a person: apply `profile`{or}"
            );
            say(&mut status, PROMOTED, false, "Deleted", text);
        }
        None => {}
    }
    status.evidence = Some(evidence);
    let rest = stored(&status);
    let too_large = match proposal {
        Ok(text) => {
            let length = text.len();
            status.profile = Some(text);
            (stored(&status) > OBJECT_MAX).then(|| {
                status.profile = None;
                let text = format!(
                    "the profile has {length} bytes, its evidence {size} more, and an object may have {OBJECT_MAX} as \
                     JSON with all else: it is left out here, and `lapwing profile export \
                     {workload}` from the controller has it; approve a pattern or a range in place of many lines"
                );
                ("ProfileTooLarge", text)
            })
        }
        Err(why) => Some((
            "NoObject",
            format!("no BehaviorProfile can be made of it: {why}"),
        )),
    };
    if rest > OBJECT_MAX {
        status.evidence = None;
    }
    match too_large {
        Some((reason, message)) => say(&mut status, "TooLarge", true, reason, message),
        None => say(&mut status, "TooLarge", false, "Fits", String::new()),
    }
    status
}
