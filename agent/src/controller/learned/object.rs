//! The object of a workload: its name, what it says, and whether that is news.

use crate::cli::profile_object::manifest;
use crate::container::identity::pods::is_name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lapwing_profile::collected::object::{
    Condition, Holds, Image, Phase, Status, TEXT_MAX, UNCONFIRMED_MAX,
};
use lapwing_profile::collected::{Collected, Judged};
use lapwing_profile::decide::By;
use lapwing_profile::file;
use lapwing_profile::fingerprint;
use lapwing_profile::profile::Mode;
use lapwing_profile::workload::Workload;
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
    manifest(&profile, None, "").map_err(|error| format!("{error:#}"))
}

/// What is known besides of a workload.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Why which node's report was refused.
    pub refused: BTreeMap<String, String>,
    /// The BehaviorProfile that there is, as `shop/web`.
    pub promoted: Option<String>,
}

/// What the object is to say, where it said this before.
pub fn status(
    collected: &Collected,
    judged: &Judged,
    beside: &Beside,
    before: &Status,
    now: i64,
) -> Status {
    let profile = &judged.profile;
    let versions = profile.versions();
    let many = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let evidence = encode(collected);
    let proposal = proposal(judged);
    let is_small = |text: &str| text.len() + evidence.len() <= TEXT_MAX;
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
        unconfirmed: Vec::new(),
        images: { versions.iter() }
            .map(|one| Image {
                repository: one.version.repository().to_owned(),
                digest: one.version.digest().to_owned(),
            })
            .collect(),
        last_seen: collected.last_seen().map_or_else(String::new, file::time),
        conditions: before.conditions.clone(),
        profile: None,
        evidence: None,
    };
    let mut room = UNCONFIRMED_BYTES;
    for entry in judged.unconfirmed.iter().take(UNCONFIRMED_MAX) {
        let line = entry.to_string();
        let Some(left) = room.checked_sub(line.len()) else {
            break;
        };
        room = left;
        status.unconfirmed.push(line);
    }
    let mut say = |kind: &str, holds: bool, reason: &str, message: String| {
        status.set(Condition {
            kind: kind.to_owned(),
            status: if holds { Holds::True } else { Holds::False },
            last_transition_time: file::time(now / 1_000_000_000 * 1_000_000_000),
            reason: reason.to_owned(),
            message,
        });
    };
    match judged.is_complete() {
        true => say("Ready", true, "EvidenceComplete", judged.reason.clone()),
        false => say("Ready", false, "Incomplete", judged.unmet.join("; ")),
    }
    let too_large = match &proposal {
        Ok(text) if is_small(text) => None,
        Ok(text) => Some((
            "ProfileTooLarge",
            format!(
                "the profile has {} bytes, its evidence {} more, and an object may have {TEXT_MAX}: it is left \
                 out here, and `lapwing profile export {}` from the controller has it; approve a pattern or a \
                 range in place of many lines",
                text.len(),
                evidence.len(),
                collected.workload()
            ),
        )),
        Err(why) => Some((
            "NoObject",
            format!("no BehaviorProfile can be made of it: {why}"),
        )),
    };
    match &too_large {
        Some((reason, message)) => say("TooLarge", true, reason, message.clone()),
        None => say("TooLarge", false, "Fits", String::new()),
    }
    let refused: Vec<String> = { beside.refused.iter() }
        .map(|(node, why)| format!("{node}: {why}"))
        .collect();
    match refused.is_empty() {
        false => say("Refused", true, "ReportsRefused", refused.join("; ")),
        true => say("Refused", false, "None", String::new()),
    }
    if too_large.is_none() {
        status.profile = proposal.ok();
    }
    if evidence.len() <= TEXT_MAX {
        status.evidence = Some(evidence);
    }
    status
}

/// Whether what people look at is another. Figures that go on all the time are not.
pub fn is_news(one: &Status, other: &Status) -> bool {
    let plain = |status: &Status| Status {
        instances: 0,
        coverage: String::new(),
        last_seen: String::new(),
        evidence: None,
        conditions: { status.conditions.iter().cloned() }
            .map(|condition| Condition {
                message: match condition.kind.as_str() {
                    // How much longer it takes.
                    "Ready" | "TooLarge" => String::new(),
                    _ => condition.message,
                },
                last_transition_time: String::new(),
                ..condition
            })
            .collect(),
        ..status.clone()
    };
    plain(one) != plain(other)
}
