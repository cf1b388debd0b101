//! Attestations of others, checked and read.

use super::parts::{Count, Unique};
use super::{AttestError, Conditions, IN_TOTO, MONITOR, RUNTIME_TRACE, STATEMENT};
use crate::envelope::{self, Public};
use crate::text;
use crate::version::is_digest;
use serde::{Deserialize, de::DeserializeOwned};

/// Longest envelope that is read, in bytes: the largest profile's is shorter.
pub const ENVELOPE_MAX: usize = 128 << 20;

/// An attestation in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Attested {
    /// The image, by repository and digest; by each digest, where there are several.
    pub image: String,
    /// The workload's container, as profiles are named.
    pub workload: String,
    /// When the version was first seen, as it says.
    pub first: Option<String>,
    /// When the last was seen of what this version alone did, as it says.
    pub last: Option<String>,
    /// How many behaviours there are in each list, by the list's name.
    pub counts: Vec<(String, usize)>,
    /// Whether the profile learned or was compared with, as it says.
    pub mode: Option<String>,
    /// How much of what there is was seen; `None` where it does not say.
    pub evidence: Option<Evidence>,
    /// The names of the trusted keys that signed it.
    pub keys: Vec<String>,
}

// Fields that are not known are no error, and null is as good as absent: the specification asks for both.

/// What says of which kind it is, before the rest is read as one.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    name: Option<String>,
    digest: Option<Unique<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    monitor: Option<Monitor>,
    monitored_process: Monitored,
    monitor_log: Unique<Count>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Monitor {
    #[serde(rename = "type")]
    kind: Option<String>,
    trace_policy: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Monitored {
    event: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    build_started_on: Option<String>,
    build_finished_on: Option<String>,
}

/// What Lapwing adds to the predicate; a field of that name means another thing with other monitors.
#[derive(Deserialize)]
struct Own {
    predicate: OwnPredicate,
}

#[derive(Deserialize)]
struct OwnPredicate {
    evidence: Option<Evidence>,
}

/// How much of what there is was seen, of all versions of the profile together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Whether nothing is lacking.
    pub complete: bool,
    /// What is, a sentence each.
    pub lacks: Vec<String>,
    /// How many versions the profile is of.
    pub versions: u64,
    /// What was estimated of each class of behaviours; `None` where it does not say.
    pub coverage: Option<Vec<Class>>,
    /// In how many instances, where it says.
    pub instances: Option<u64>,
    /// For how long, where it says.
    pub observed_seconds: Option<u64>,
    /// When something was last lost.
    pub last_loss: Option<String>,
    /// Behaviours that were seen and found no room in the profile.
    pub without_room: u64,
    /// Behaviours that were seen and are not in the statement, because their version is not known.
    pub unattributed: u64,
    /// By which conditions `complete` and `lacks` are; `None` where it does not say, as older ones.
    pub conditions: Option<Conditions>,
}

/// A class of behaviours, at the start or later.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Class {
    /// Which.
    pub class: String,
    /// `start-up` or `later`.
    pub stratum: String,
    /// The share of what there is that was seen; `None` where it cannot be estimated.
    pub coverage: Option<f64>,
}

impl Evidence {
    /// The class with the lowest estimate, and that.
    #[must_use]
    pub fn lowest(&self) -> Option<(&Class, f64)> {
        let all = self.coverage.iter().flatten();
        all.filter_map(|class| Some((class, class.coverage?)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// How many classes have none, of which [`Self::lowest`] says nothing.
    #[must_use]
    pub fn unknown(&self) -> usize {
        let all = self.coverage.iter().flatten();
        all.filter(|class| class.coverage.is_none()).count()
    }
}

/// Checks an attestation, and that it is of an image, if one is given: a digest, or a repository
/// and a digest.
///
/// # Errors
/// When it is none, holds no valid signature of a trusted key, is of no image, or of another one.
pub fn verify(
    envelope: &[u8],
    trusted: &[Public],
    wanted: Option<&str>,
) -> Result<Attested, AttestError> {
    if envelope.len() > ENVELOPE_MAX {
        return Err(fail(&format!("it has more than {ENVELOPE_MAX} bytes")));
    }
    let (text, keys) = envelope::open(IN_TOTO, envelope, trusted)?;
    let head: Head = read(&text)?;
    if head.kind != STATEMENT || head.predicate_type != RUNTIME_TRACE {
        return Err(fail(&format!(
            "it is a {} about {}; this reads {STATEMENT} about {RUNTIME_TRACE}",
            head.kind, head.predicate_type
        )));
    }
    let Statement { subject, predicate } = read(&text)?;
    let [subject] = &subject[..] else {
        return Err(fail(&format!(
            "it has {} subjects, and one image has one",
            subject.len()
        )));
    };
    let images = images(subject)?;
    if let Some(wanted) = wanted
        && !(images.iter()).any(|(digest, whole)| digest == wanted || whole == wanted)
    {
        return Err(AttestError::OtherImage {
            found: text::visible(&all(images)).into_owned(),
            wanted: text::visible(wanted).into_owned(),
        });
    }
    let Predicate {
        monitor,
        monitored_process,
        monitor_log,
        metadata,
    } = predicate;
    let own = monitor.filter(|monitor| monitor.kind.as_deref() == Some(MONITOR));
    let evidence = match own {
        Some(_) => read::<Own>(&text)?.predicate.evidence,
        None => None,
    };
    let mode = own.and_then(|own| Some(own.trace_policy?.get("mode")?.as_str()?.to_owned()));
    let metadata = metadata.unwrap_or_default();
    Ok(Attested {
        image: all(images),
        workload: monitored_process.event,
        first: metadata.build_started_on,
        last: metadata.build_finished_on,
        counts: { monitor_log.0.into_iter() }
            .filter_map(|(list, Count(many))| Some((list, many?)))
            .collect(),
        mode,
        evidence,
        keys,
    })
}

fn fail(why: &str) -> AttestError {
    AttestError::NoTrace(text::visible(why).into_owned())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, AttestError> {
    serde_json::from_str(text).map_err(|error| fail(&error.to_string()))
}

/// The image of a subject, by each digest that is worth something: as `sha256:9f...` alone, and with the
/// repository.
fn images(subject: &Subject) -> Result<Vec<(String, String)>, AttestError> {
    let digests = subject.digest.iter().flat_map(|digest| &digest.0);
    let images: Vec<(String, String)> = digests
        .map(|(algorithm, hash)| format!("{algorithm}:{hash}"))
        .filter(|digest| is_digest(digest))
        .map(|digest| match subject.name.as_deref() {
            None | Some("" | "_") => (digest.clone(), digest),
            Some(name) => (digest.clone(), format!("{name}@{digest}")),
        })
        .collect();
    if images.is_empty() {
        return Err(fail(
            "its subject has no digest by SHA-256, SHA-384 or SHA-512, so it is of no image",
        ));
    }
    Ok(images)
}

fn all(images: Vec<(String, String)>) -> String {
    let whole: Vec<String> = images.into_iter().map(|(_, whole)| whole).collect();
    whole.join(", ")
}
