//! What one version of an image was seen to do, as an attestation that others can check.
//!
//! A statement of in-toto (`https://in-toto.io/Statement/v1`) about one digest, with a predicate of
//! type *runtime trace*, version 0.2 (in-toto/attestation, `spec/predicates/runtime-trace.md`), in an
//! envelope signed as profiles are ([`crate::envelope`]). It says what was *seen*, with how much of
//! it was seen beside it, and not what is approved: that is the profile's own signature
//! ([`crate::signature`]).
//!
//! | of the predicate | what stands there |
//! |---|---|
//! | `monitor` | Lapwing, and whether the profile learns or is compared with |
//! | `monitoredProcess` | the cluster and the workload's container |
//! | `monitorLog.process` | programs, with parents, scripts and where they come from |
//! | `monitorLog.network` | peers, by name or address |
//! | `monitorLog.fileAccess` | files that were changed, and credentials that were read |
//! | `monitorLog.listen`, `.dns`, `.privilege` | the other classes, which the specification has no lists for |
//! | `metadata` | when this version was first seen, and when the last of what it alone did |
//! | `attestedBy` | the program that wrote the statement, and its version |
//! | `evidence` | what was estimated of the coverage, what it lacks, by which conditions, and what was lost |
//!
//! Each behaviour carries its line of the profile as `entry`. Files have no digests: the sensor sees
//! that a file is written, after the fact, and reads none. A path that is not one of the container's
//! file system (it was moved out, or its beginning is not known) is a URI of scheme `lapwing-path`,
//! a pattern of names one of scheme `lapwing-pattern`.
//!
//! Only what is known to be of that version is in the statement. What was seen of which nobody told
//! a version, or which cannot be told from another's, is counted as `unattributed`. A profile counts
//! for all versions together, so of what others did too the figures stand under
//! `inSeveralVersions`.

mod conditions;
mod parts;
mod read;

pub use conditions::{Conditions, Judgement, Whose};
pub use read::{Attested, Class, ENVELOPE_MAX, Evidence, verify};

use crate::behaviour::{
    Behaviour, Egress, Exec, FileChange, Listen, Peer, Privilege, Reach, SetId,
};
use crate::entry::Entry;
use crate::envelope::{self, EnvelopeError, Private};
use crate::file::time;
use crate::profile::{Profile, Record, Verdict};
use crate::provenance::SeenIn;
use crate::text;
use crate::version::{Remembered, Version};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use thiserror::Error;

/// Whether that is the kind of text in an envelope, by its `payloadType`.
#[must_use]
pub fn is_kind(media_type: &str) -> bool {
    media_type == IN_TOTO.media_type
}

/// What kind of text is signed.
const IN_TOTO: envelope::Kind = envelope::Kind {
    media_type: "application/vnd.in-toto+json",
    what: "an attestation of in-toto",
};
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const RUNTIME_TRACE: &str = "https://in-toto.io/attestation/runtime-trace/v0.2";
/// Who traces.
const MONITOR: &str = "https://lapwing.dev/monitor/v1";
/// What is traced.
const PROCESS: &str = "https://lapwing.dev/workload-container/v1";

/// Why there is no attestation, or why one is not believed.
#[derive(Debug, Error)]
pub enum AttestError {
    /// The envelope is none, or nobody of those that are trusted signed it.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The profile says of no version what it did.
    #[error(
        "the profile knows no digest of its image, so there is nothing to attest it of: the agent learns digests from \
         the container runtime (`lapwing status` says which it reaches), not from a tag"
    )]
    NoVersion,
    /// The asked version is none of those that the profile knows.
    #[error("the profile knows nothing of {asked}; it knows {known}")]
    Unknown {
        /// Which was asked for.
        asked: String,
        /// Which there are, the newest first.
        known: String,
    },
    /// Nothing was seen of it.
    #[error("nothing of what the profile holds is known to be of {0}")]
    Nothing(String),
    /// What was signed is no statement of this kind.
    #[error("not a runtime trace: {0}")]
    NoTrace(String),
    /// It is of another image.
    #[error(
        "it is of {found}, not of {wanted}; of an image that Docker or Podman ran, or of a runtime that tells nothing \
         else, it has the image's id, which is the digest of the configuration and not of the manifest: compare with \
         `docker image inspect -f '{{{{.Id}}}}'` (docs/profiles.md, \"Attestations\")"
    )]
    OtherImage {
        /// Of which.
        found: String,
        /// Which was asked for.
        wanted: String,
    },
}

/// An entry that was seen in a version.
struct Seen<'a> {
    entry: &'a Entry,
    record: &'a Record,
    verdict: Verdict,
    /// Whether in no other.
    alone: bool,
}

/// Attests what a version of the image was seen to do: the text of the file. Without `digest`, the
/// newest version that the profile remembers. `by` says when its evidence is complete. Others who signed the
/// same, in `before`, stay in it.
///
/// # Errors
/// When the profile knows no such version, nothing that it did, or `before` is no such file.
pub fn attest(
    profile: &Profile,
    digest: Option<&str>,
    by: &Judgement,
    key: &Private,
    before: Option<&[u8]>,
) -> Result<String, AttestError> {
    let statement = statement(profile, digest, by)?;
    Ok(envelope::seal(
        IN_TOTO,
        &statement.to_string(),
        key,
        before,
    )?)
}

fn statement(
    profile: &Profile,
    digest: Option<&str>,
    by: &Judgement,
) -> Result<Value, AttestError> {
    let remembered = version(profile, digest)?;
    let version = remembered.version;
    let mut unattributed = 0_u64;
    // The specification wants one of its own lists, even if nothing is in it.
    let mut lists = Map::from_iter([("process".to_owned(), json!([]))]);
    let (mut from, mut to) = (remembered.sight.first(), None);
    for (entry, record) in profile.all_seen() {
        let alone = match profile.seen_in(&entry, version) {
            SeenIn::Alone => true,
            SeenIn::WithOthers => false,
            SeenIn::No => continue,
            SeenIn::Unknown => {
                unattributed += 1;
                continue;
            }
        };
        if alone {
            from = from.min(record.first.unwrap_or(from));
            to = to.max(record.last);
        }
        let verdict = if profile.is_refused(&entry) {
            Verdict::Refused
        } else if profile.accepts(&entry) {
            Verdict::Approved
        } else {
            Verdict::Pending
        };
        let seen = Seen {
            entry: &entry,
            record: &record,
            verdict,
            alone,
        };
        let (list, value) = traced(&seen);
        if let Value::Array(all) = lists.entry(list).or_insert_with(|| json!([])) {
            all.push(value);
        }
    }
    if lists.values().all(|list| *list == json!([])) {
        return Err(AttestError::Nothing(named(version)));
    }
    let (algorithm, hash) = version.digest().split_once(':').unwrap_or_default();
    let workload = &profile.workload;
    Ok(json!({
        "_type": STATEMENT,
        "subject": [{"name": version.repository(), "digest": {algorithm: hash}}],
        "predicateType": RUNTIME_TRACE,
        "predicate": {
            "monitor": {"type": MONITOR, "tracePolicy": {"mode": profile.mode().word()}},
            "monitoredProcess": {
                "hostID": format!("lapwing-cluster:{}", encoded(workload.cluster.as_bytes())),
                "type": PROCESS,
                "event": workload.to_string(),
            },
            "monitorLog": lists,
            "metadata": {"buildStartedOn": time(from), "buildFinishedOn": to.map(time)},
            "attestedBy": concat!("lapwing ", env!("CARGO_PKG_VERSION")),
            "evidence": evidence(profile, by, unattributed),
        },
    }))
}

/// The version that is asked for, or the newest.
fn version<'a>(profile: &'a Profile, digest: Option<&str>) -> Result<Remembered<'a>, AttestError> {
    let versions = profile.versions();
    let newest_first = || versions.iter().rev().copied();
    let Some(asked) = digest else {
        return newest_first().next().ok_or(AttestError::NoVersion);
    };
    if versions.is_empty() {
        return Err(AttestError::NoVersion);
    }
    newest_first()
        .find(|one| one.version.digest() == asked)
        .ok_or_else(|| AttestError::Unknown {
            asked: text::visible(asked).into_owned(),
            known: newest_first()
                .map(|one| named(one.version))
                .collect::<Vec<_>>()
                .join(", "),
        })
}

fn named(version: &Version) -> String {
    format!("{}@{}", version.repository(), version.digest())
}

/// What was estimated and lost, of all versions that the profile is of.
fn evidence(profile: &Profile, by: &Judgement, unattributed: u64) -> Value {
    let progress = profile.progress(&by.settings);
    let classes: Vec<Value> = (progress.classes.iter())
        .map(|class| {
            json!({
                "class": class.kind.word(),
                "stratum": if class.startup { "start-up" } else { "later" },
                "samples": class.sampled.samples,
                "behaviours": class.sampled.distinct,
                "seenOnce": class.sampled.once,
                "coverage": class.sampled.coverage(),
            })
        })
        .collect();
    let own = || progress.unmet.iter().map(ToString::to_string).collect();
    let unmet: Vec<String> = by.unmet.clone().unwrap_or_else(own);
    json!({
        "complete": unmet.is_empty(),
        "lacks": unmet,
        "conditions": by.conditions(),
        "coverage": classes,
        "instances": progress.instances,
        "observedSeconds": progress.observed / 1_000_000_000,
        "versions": profile.versions().len(),
        "lastLoss": profile.observed().last_gap().map(time),
        "withoutRoom": profile.overflow(),
        "unattributed": unattributed,
    })
}

/// The list that an entry belongs to, and what stands there of it.
fn traced(seen: &Seen<'_>) -> (&'static str, Value) {
    let (list, own) = match &seen.entry.behaviour {
        Behaviour::Exec(exec) => ("process", process(exec)),
        Behaviour::Egress(egress) => ("network", network(egress)),
        Behaviour::File(change) => return ("fileAccess", file(change, &common(seen))),
        Behaviour::Listen(listen) => ("listen", listening(listen)),
        Behaviour::Dns(dns) => ("dns", json!({"name": dns.name, "type": dns.record})),
        Behaviour::Privilege(act) => ("privilege", privilege(act)),
    };
    let mut value = common(seen);
    if let Value::Object(own) = own {
        value.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    }
    (list, Value::Object(value))
}

/// What all lists have. Times and counts are kept of all versions together, so they are told as
/// this one's only where there is no other.
fn common(seen: &Seen<'_>) -> Map<String, Value> {
    let Seen {
        entry,
        record,
        verdict,
        alone,
    } = seen;
    let figures = json!({
        "firstSeen": record.first.map(time),
        "lastSeen": record.last.map(time),
        "count": record.count,
    });
    let mut all = Map::from_iter([
        ("entry".to_owned(), json!(entry.to_string())),
        ("phase".to_owned(), json!(entry.phase.word())),
        ("verdict".to_owned(), json!(verdict.word())),
    ]);
    match figures {
        Value::Object(figures) if *alone => all.extend(figures),
        figures => {
            all.insert("inSeveralVersions".to_owned(), figures);
        }
    }
    all
}

fn process(exec: &Exec) -> Value {
    json!({
        "path": exec.path,
        "name": exec.name,
        "script": exec.script,
        "origin": exec.origin.word(),
        "parent": exec.parent.text(),
        "sha256": exec.sha256,
    })
}

fn network(egress: &Egress) -> Value {
    let mut value = json!({
        "protocol": egress.protocol.text().to_ascii_lowercase(),
        "port": (egress.port != 0).then_some(egress.port),
    });
    let (name, peer) = match &egress.peer {
        Peer::Address(address) => ("ip", json!(address)),
        Peer::Domain(domain) => ("hostname", json!(domain)),
        Peer::Path(path) => ("path", json!(path)),
        Peer::Cid(cid) => ("cid", json!(cid)),
        Peer::Socket(socket) => ("socketType", json!(socket.word())),
        Peer::Cidr(range) => ("cidr", json!(range.to_string())),
    };
    value[name] = peer;
    value
}

fn listening(listen: &Listen) -> Value {
    let (reach, path) = match &listen.reach {
        Reach::Network => ("network", None),
        Reach::Loopback => ("loopback", None),
        Reach::Path(path) => ("path", Some(path)),
    };
    json!({
        "protocol": listen.protocol.text().to_ascii_lowercase(),
        "reach": reach,
        "path": path,
        "port": (listen.port != 0).then_some(listen.port),
    })
}

fn privilege(act: &Privilege) -> Value {
    json!({"operation": act.operation.word(), "detail": act.detail})
}

/// A resource descriptor of in-toto: a URI, a name for people, and annotations.
fn file(change: &FileChange, common: &Map<String, Value>) -> Value {
    let mut annotations = common.clone();
    let more = json!({
        "operation": change.operation.word(),
        "pattern": change.pattern,
        "target": change.target,
        "setId": change.set_id.map(SetId::word),
        "by": change.by,
    });
    if let Value::Object(more) = more {
        annotations.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    json!({"name": change.path, "uri": uri(change), "annotations": annotations})
}

/// A path in canonical text as a URI (RFC 8089), or of this project's own schemes where it leads to
/// no file, or to many.
fn uri(change: &FileChange) -> String {
    let path = &change.path;
    let bytes = text::bytes(path).unwrap_or_else(|| path.as_bytes().to_vec());
    let scheme = match path.starts_with('/') {
        _ if change.pattern => "lapwing-pattern:",
        true => "file://",
        false => "lapwing-path:",
    };
    format!("{scheme}{}", encoded(&bytes))
}

/// Bytes in the characters of a path in a URI (RFC 3986, section 2.3).
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(*byte));
            }
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
        text
    })
}
