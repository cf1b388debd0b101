//! One object, as the API has it: whose profile it is and what it says, or why it is not obeyed.

use crate::container::identity::bounded;
use crate::container::identity::pods::is_name;
use crate::judge::signed::Signatures;
use crate::kubernetes::digest::{self, Digest};
use crate::kubernetes::object::absent;
use lapwing_profile::envelope::EnvelopeError;
pub use lapwing_profile::file::object::SIGNATURE;
use lapwing_profile::file::{API_VERSION, KIND};
use lapwing_profile::fingerprint;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::signature::{self, SignatureError};
use lapwing_profile::workload::Workload;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The name of an object in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

impl Key {
    /// A name for a file that no other object has.
    pub fn file_name(&self) -> String {
        let name = format!("{}+{}", self.namespace, self.name);
        match name.len() < 200 {
            true => name,
            false => format!("{}+{}", &name[..120], fingerprint::hex(&[name.as_bytes()])),
        }
    }
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// Whose it is, its cluster aside.
    pub workload: Workload,
    /// The canonical text of `spec`.
    pub text: Arc<str>,
    pub mode: Mode,
    /// The names of the trusted keys that signed it.
    pub keys: Vec<String>,
}

/// Which object of its name it is, and which of its states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Of this object, and none that has its name later; empty where that is not known.
    pub uid: String,
    /// Of what is asked for, counted from 1; 0 where that is not known.
    pub generation: i64,
    /// Of its `spec`, if it has one: after a cluster was restored from a backup it may have a generation again.
    pub spec: Option<Digest>,
}

impl Version {
    /// Whether it can be told from another.
    pub const fn is_known(&self) -> bool {
        !self.uid.is_empty() && self.generation > 0
    }
}

/// Why an object is not obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One word for programs, which stays the same.
    pub reason: &'static str,
    /// For people, with what to do.
    pub text: String,
    /// Whose it would be, its cluster aside, if that can be told.
    pub workload: Option<Box<Workload>>,
}

impl Refusal {
    fn new(reason: &'static str, text: impl Into<String>) -> Self {
        Self {
            reason,
            text: text.into(),
            workload: None,
        }
    }
}

/// What an object has to meet.
#[derive(Clone, Default)]
pub struct Terms {
    /// Which signatures are wanted.
    pub signatures: Signatures,
    /// The name of this cluster; may be empty.
    pub cluster: String,
}

impl Terms {
    /// Of an agent in this cluster.
    #[must_use]
    pub fn new(signatures: Signatures, cluster: &str) -> Self {
        Self {
            signatures,
            cluster: cluster.to_owned(),
        }
    }
}

/// An object.
#[derive(Debug)]
pub struct Object {
    pub key: Key,
    pub version: Version,
    /// When it was made, as the API writes it: in the order of texts.
    pub created: String,
    /// What was read, by a digest: the text of `spec` as it came, and its signature, if it has one.
    pub text: Digest,
    /// Or why it is not obeyed.
    pub said: Result<Good, Refusal>,
    /// What is kept of it on disk, if it is obeyed.
    pub kept: Vec<u8>,
}

#[derive(Deserialize)]
struct Read<'a> {
    metadata: Meta,
    #[serde(borrow, default)]
    spec: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    name: String,
    namespace: String,
    #[serde(deserialize_with = "absent")]
    uid: String,
    #[serde(deserialize_with = "absent")]
    generation: i64,
    #[serde(deserialize_with = "absent")]
    creation_timestamp: String,
    #[serde(deserialize_with = "absent")]
    annotations: HashMap<String, String>,
}

/// What is kept on disk: what was read of it, in the form in which it was read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a> {
    metadata: KeptMeta<'a>,
    spec: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeptMeta<'a> {
    name: &'a str,
    namespace: &'a str,
    uid: &'a str,
    generation: i64,
    creation_timestamp: &'a str,
    annotations: HashMap<&'a str, &'a str>,
}

/// Reads an object. Where not even its name can be told, that is the error.
pub fn read(object: &RawValue, terms: &Terms) -> Result<Object, String> {
    read_anew(object, terms, |_, _, _| None)
}

/// What is known of an object.
#[derive(Clone, Debug)]
pub struct Known {
    /// What it says.
    pub good: Good,
    /// Of its `spec`.
    pub spec: Option<Digest>,
}

/// The same, of which may be known what it says in this state of this uid and generation, and of this text. Whoever
/// writes the status of an object has all agents get all of it again.
pub fn read_anew(
    object: &RawValue,
    terms: &Terms,
    known: impl FnOnce(&Key, &Version, &Digest) -> Option<Known>,
) -> Result<Object, String> {
    let Read { metadata, spec } =
        serde_json::from_str(object.get()).map_err(|error| bounded(&error.to_string()))?;
    let key = Key {
        namespace: metadata.namespace,
        name: metadata.name,
    };
    if !is_name(&key.namespace) || !is_name(&key.name) {
        return Err(bounded(&format!("`{key}` is no name of an object")));
    }
    let mut version = Version {
        uid: metadata.uid,
        generation: metadata.generation,
        spec: None,
    };
    let signature = metadata.annotations.get(SIGNATURE).map(String::as_str);
    let text = digest::of_parts(&[spec.map(RawValue::get), signature]);
    let kept = Kept {
        metadata: KeptMeta {
            name: &key.name,
            namespace: &key.namespace,
            uid: &version.uid,
            generation: version.generation,
            creation_timestamp: &metadata.creation_timestamp,
            annotations: signature.iter().map(|text| (SIGNATURE, *text)).collect(),
        },
        spec,
    };
    let known = match version.is_known() {
        true => known(&key, &version, &text),
        false => None,
    };
    let said = match known {
        Some(Known { good, spec }) => {
            version.spec = spec;
            Ok(good)
        }
        None => {
            version.spec = spec.and_then(digest::of_json);
            said(&key, spec, signature, terms)
        }
    };
    let said = said.map_err(|refusal| Refusal {
        text: bounded(&refusal.text),
        ..refusal
    });
    Ok(Object {
        kept: match said {
            Ok(_) => serde_json::to_vec(&kept).map_err(|error| error.to_string())?,
            Err(_) => Vec::new(),
        },
        created: metadata.creation_timestamp,
        version,
        text,
        said,
        key,
    })
}

/// What it says, if it is to be obeyed.
fn said(
    key: &Key,
    spec: Option<&RawValue>,
    signed: Option<&str>,
    terms: &Terms,
) -> Result<Good, Refusal> {
    let invalid = |text: String| Refusal::new("Invalid", text);
    let spec = spec.ok_or_else(|| invalid("it has no `spec`".to_owned()))?;
    // Read and written anew, because not every text of JSON is one of YAML, by which profiles are read.
    let spec: Value =
        serde_json::from_str(spec.get()).map_err(|error| invalid(error.to_string()))?;
    let document = serde_json::json!({"apiVersion": API_VERSION, "kind": KIND, "spec": spec});
    let read = Profile::from_yaml(document.to_string());
    let mut profile = read.map_err(|error| {
        invalid(format!(
            "{error}. Mend it and apply it again: `lapwing profile show FILE` tells the same of a file"
        ))
    })?;
    let named = &profile.workload.namespace;
    if !named.is_empty() && *named != key.namespace {
        let text = format!(
            "it is for workloads of the namespace `{named}`, and counts for those of its own alone: \
             move it to `{named}`, or write `namespace: {}`",
            key.namespace
        );
        return Err(Refusal::new("WrongNamespace", text));
    }
    names_one(&profile.workload).map_err(|text| Refusal::new("NoWorkload", text))?;
    let checked = check(&profile, signed, terms);
    profile.workload.namespace.clone_from(&key.namespace);
    profile.workload.cluster.clear();
    let keys = checked.map_err(|refusal| Refusal {
        workload: Some(Box::new(profile.workload.clone())),
        ..refusal
    })?;
    Ok(Good {
        text: profile.to_spec().into(),
        mode: profile.mode(),
        workload: profile.workload,
        keys,
    })
}

/// Whether an object for a workload can ever be in force: each container of a pod has all three parts, so
/// one that lacks one of them would be of no container at all.
pub fn names_one(workload: &Workload) -> Result<(), String> {
    for (part, value) in [
        ("kind", &workload.kind),
        ("name", &workload.name),
        ("container", &workload.container),
    ] {
        if value.is_empty() {
            return Err(format!(
                "`spec.workload.{part}` is empty, and no container in a cluster has an empty one: write it as \
                 `lapwing profile list` shows it (namespace/kind/name/container)"
            ));
        }
    }
    Ok(())
}

/// Whether it is signed as the configuration wants it. What is signed wrongly is refused in any case
/// where somebody is trusted. Answers with the names of the keys.
fn check(profile: &Profile, signed: Option<&str>, terms: &Terms) -> Result<Vec<String>, Refusal> {
    let Terms {
        signatures,
        cluster,
    } = terms;
    let Some(envelope) = signed.filter(|_| signatures.require || !signatures.keys.is_empty())
    else {
        return match signatures.require {
            false => Ok(Vec::new()),
            true => Err(Refusal::new(
                "Unsigned",
                format!(
                    "nobody signed it, and `signatures.require` is set: `lapwing profile sign FILE --key KEY`, \
                 and apply what `lapwing profile object FILE` writes, which has the annotation `{SIGNATURE}`"
                ),
            )),
        };
    };
    if profile.workload.namespace.is_empty() {
        return Err(Refusal::new(
            "WrongNamespace",
            "what was signed names no namespace, and would count in any: write \
             `spec.workload.namespace`, and sign it again",
        ));
    }
    let named = &profile.workload.cluster;
    if !named.is_empty() && named != cluster {
        let text = format!(
            "it was signed for the cluster `{named}`, and this is `{cluster}` (`cluster` of the agent's \
             configuration): write the name of this one into `spec.workload.cluster`, or none if it is to \
             hold in all, and sign it again"
        );
        return Err(Refusal::new("WrongCluster", text));
    }
    let checked = signature::verify_beside(profile, envelope.as_bytes(), &signatures.keys);
    checked.map_err(|error| {
        // Without the text that was signed it cannot be told apart from one that is damaged.
        let error = match error {
            SignatureError::Envelope(EnvelopeError::Forged(key)) => {
                format!("`spec` is not what was signed by the key {key}, or the signature is damaged")
            }
            error => error.to_string(),
        };
        let text = format!(
            "its annotation `{SIGNATURE}`: {error}. `lapwing profile sign` what is to be in force, and apply \
             what `lapwing profile object` writes"
        );
        Refusal::new("BadSignature", text)
    })
}
