//! Attestations of others, checked and read.

use super::{AttestError, IN_TOTO, RUNTIME_TRACE, STATEMENT};
use crate::envelope::{self, Public};
use crate::text;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An attestation in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The image, by repository and digest.
    pub image: String,
    /// The workload's container, as profiles are named.
    pub workload: String,
    /// When the version was first seen, as it says.
    pub first: Option<String>,
    /// When the last was seen of what this version alone did, as it says.
    pub last: Option<String>,
    /// How many behaviours there are in each list that has any, by the list's name.
    pub counts: Vec<(String, usize)>,
    /// How much of what there is was seen; `None` where it does not say.
    pub evidence: Option<Evidence>,
    /// The names of the trusted keys that signed it.
    pub keys: Vec<String>,
}

// Fields that are not known are no error: the specification asks for that.
#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    name: String,
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    monitored_process: Monitored,
    monitor_log: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    evidence: Option<Evidence>,
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

/// How much of what there is was seen, of all versions of the profile together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Whether nothing is lacking.
    pub complete: bool,
    /// What is, a sentence each.
    pub lacks: Vec<String>,
    /// How many versions the profile is of.
    pub versions: u64,
    /// When something was last lost.
    pub last_loss: Option<String>,
    /// Behaviours that were seen and found no room in the profile.
    pub without_room: u64,
    /// Behaviours that were seen and are not in the statement, because their version is not known.
    pub unattributed: u64,
}

/// Checks an attestation, and that it is of an image, if one is given: a digest, or a repository
/// and a digest.
///
/// # Errors
/// When it is none, holds no valid signature of a trusted key, or is of another image.
pub fn verify(
    envelope: &[u8],
    trusted: &[Public],
    wanted: Option<&str>,
) -> Result<Attested, AttestError> {
    let (text, keys) = envelope::open(IN_TOTO, envelope, trusted)?;
    let fail = |why: &str| AttestError::NoTrace(text::visible(why).into_owned());
    let statement: Statement =
        serde_json::from_str(&text).map_err(|error| fail(&error.to_string()))?;
    if statement.kind != STATEMENT || statement.predicate_type != RUNTIME_TRACE {
        return Err(fail(&format!(
            "it is a {} about {}; this reads {STATEMENT} about {RUNTIME_TRACE}",
            statement.kind, statement.predicate_type
        )));
    }
    let [subject] = &statement.subject[..] else {
        return Err(fail(&format!(
            "it has {} subjects, and one image has one",
            statement.subject.len()
        )));
    };
    let digests = || (subject.digest.iter()).map(|(algorithm, hash)| format!("{algorithm}:{hash}"));
    let image = digests().map(|digest| format!("{}@{digest}", subject.name));
    let images: Vec<String> = image.collect();
    if let Some(wanted) = wanted
        && !images.iter().any(|found| found == wanted)
        && !digests().any(|digest| digest == wanted)
    {
        return Err(AttestError::OtherImage {
            found: text::visible(&images.join(", ")).into_owned(),
            wanted: text::visible(wanted).into_owned(),
        });
    }
    let Predicate {
        monitored_process,
        monitor_log,
        metadata,
        evidence,
    } = statement.predicate;
    Ok(Attested {
        image: images.join(", "),
        workload: monitored_process.event,
        first: metadata.build_started_on,
        last: metadata.build_finished_on,
        counts: (monitor_log.into_iter())
            .map(|(list, all)| (list, all.len()))
            .collect(),
        evidence,
        keys,
    })
}
