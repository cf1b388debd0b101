//! A profile's file, in each form in which people have one.
//!
//! Besides the plain one that is the object of a cluster, as `lapwing profile object` writes it, as the field
//! `status.profile` of a LearnedProfile has it and as `kubectl get -o yaml` prints it; and the LearnedProfile itself.
//! What agents keep and send each other is the plain one alone ([`Profile::from_yaml`]).

use super::document::{Document, Spec};
use super::reading::another;
use super::{LIMITS, NoProfile};
use crate::profile::Profile;
use crate::text::visible;
use crate::workload::Workload;
use crate::yaml::{self, Placed, scalar};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The annotation with the signature of `spec`.
pub const SIGNATURE: &str = "lapwing.dev/signature";
/// The annotation for who wrote an object, for people to say.
pub const ACTOR: &str = "lapwing.dev/actor";
/// The one for why.
pub const REASON: &str = "lapwing.dev/reason";
/// Annotations that are about the `spec` beside them, and not about another.
const OF_ITS_SPEC: [&str; 3] = [SIGNATURE, ACTOR, REASON];
/// What `kubectl apply` remembers of an object: a copy of another one.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What the API has in the `status` of an object.
const OF_THE_API: [&str; 2] = ["conditions", "observedGeneration"];
/// Longest name of an object.
const NAME_MAX: usize = 253;

/// What people own of an object's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Of the object; empty where the file does not say.
    pub name: String,
    /// The one that it is in; as [`Self::name`].
    pub namespace: String,
    /// As they stand in the file.
    pub labels: BTreeMap<String, String>,
    /// Without what `kubectl apply` notes for itself.
    pub annotations: BTreeMap<String, String>,
}

/// A profile, and what stands around it in its file.
#[derive(Clone, Debug)]
pub struct Object {
    /// It may be changed before it is written.
    pub profile: Profile,
    metadata: Option<Metadata>,
    /// As they were read.
    workload: Workload,
    spec: String,
}

/// All of it that there can be; a slip of the pen is an error, as elsewhere.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct MetadataLine {
    name: Option<String>,
    namespace: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    #[serde(rename = "creationTimestamp")]
    _creation_timestamp: IgnoredAny,
    #[serde(rename = "deletionGracePeriodSeconds")]
    _deletion_grace_period_seconds: IgnoredAny,
    #[serde(rename = "deletionTimestamp")]
    _deletion_timestamp: IgnoredAny,
    #[serde(rename = "finalizers")]
    _finalizers: IgnoredAny,
    #[serde(rename = "generateName")]
    _generate_name: IgnoredAny,
    #[serde(rename = "generation")]
    _generation: IgnoredAny,
    #[serde(rename = "managedFields")]
    _managed_fields: IgnoredAny,
    #[serde(rename = "ownerReferences")]
    _owner_references: IgnoredAny,
    #[serde(rename = "resourceVersion")]
    _resource_version: IgnoredAny,
    #[serde(rename = "selfLink")]
    _self_link: IgnoredAny,
    #[serde(rename = "uid")]
    _uid: IgnoredAny,
}

/// A document with metadata. Its status is the one of a plain profile, or the API's and ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Whole<S: Default> {
    api_version: Placed<String>,
    kind: Placed<String>,
    metadata: Placed<MetadataLine>,
    spec: Spec,
    #[serde(default)]
    status: S,
}

/// What tells the forms apart.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Option<IgnoredAny>,
    #[serde(default)]
    status: Option<BTreeMap<String, IgnoredAny>>,
}

/// The part of a LearnedProfile that is read.
#[derive(Deserialize)]
struct Learned {
    #[serde(default)]
    status: LearnedStatus,
}

#[derive(Default, Deserialize)]
struct LearnedStatus {
    #[serde(default)]
    profile: Option<String>,
}

impl Object {
    /// A profile by itself.
    #[must_use]
    pub fn plain(profile: Profile) -> Self {
        Self::new(profile, None)
    }

    fn new(profile: Profile, metadata: Option<Metadata>) -> Self {
        Self {
            workload: profile.workload.clone(),
            spec: profile.to_spec(),
            profile,
            metadata,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Says where the text is another thing, or of another namespace than its metadata.
    pub fn from_yaml(text: &[u8]) -> Result<Self, NoProfile> {
        let wrong = match Profile::from_yaml(text) {
            Ok(profile) => return Ok(Self::plain(profile)),
            Err(wrong) => wrong,
        };
        // What is no mapping at all is not one of these forms.
        let Ok(form) = yaml::read::<Form>(text, LIMITS) else {
            return Err(wrong);
        };
        match form {
            Form { kind, .. } if kind == "LearnedProfile" => learned(text),
            Form { kind, .. } if kind == "List" => Err(NoProfile(
                "it is a list of objects: write one of them, as `kubectl get bp NAME -o yaml` does"
                    .to_owned(),
            )),
            Form { metadata: None, .. } => Err(wrong),
            Form { status, .. } => {
                let is_of_api = |key: &String| OF_THE_API.contains(&key.as_str());
                match status.is_some_and(|status| status.keys().any(is_of_api)) {
                    true => whole::<Option<IgnoredAny>>(text, |_| Default::default()),
                    false => whole(text, |status| status),
                }
            }
        }
    }

    /// Its metadata as they are to be written: of the workload as it is now, and without what is about another
    /// `spec`. None of a plain file.
    #[must_use]
    pub fn metadata(&self) -> Option<Metadata> {
        let mut metadata = self.metadata.clone()?;
        let workload = &self.profile.workload;
        if !workload.namespace.is_empty() {
            metadata.namespace.clone_from(&workload.namespace);
        }
        if metadata.name == name_of(&self.workload) {
            metadata.name = name_of(workload);
        }
        if self.profile.to_spec() != self.spec {
            let about = |key: &String| OF_ITS_SPEC.contains(&key.as_str());
            metadata.annotations.retain(|key, _| !about(key));
        }
        Some(metadata)
    }

    /// The file.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let text = self.profile.to_yaml();
        match self.metadata() {
            Some(metadata) => metadata.put_into(&text),
            None => text,
        }
    }
}

/// Both are the same where they would be written the same.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.profile == other.profile && self.metadata() == other.metadata()
    }
}

fn learned(text: &[u8]) -> Result<Object, NoProfile> {
    let learned: Learned = yaml::read(text, LIMITS).map_err(NoProfile)?;
    let profile = learned.status.profile.ok_or_else(|| {
        NoProfile(
            "it is a LearnedProfile without `status.profile`, whose conditions say why: the controller has it, for \
             `lapwing profile export`"
                .to_owned(),
        )
    })?;
    Object::from_yaml(profile.as_bytes())
        .map_err(|NoProfile(why)| NoProfile(format!("`status.profile` of it: {why}")))
}

fn whole<S: Default + serde::de::DeserializeOwned>(
    text: &[u8],
    status: impl FnOnce(S) -> super::document::Status,
) -> Result<Object, NoProfile> {
    let read = yaml::read::<Whole<S>>(text, LIMITS);
    let read = read.map_err(|why| NoProfile(another(text).unwrap_or(why)))?;
    let (line, place) = read.metadata.split();
    let mut profile = Profile::from_document(Document {
        api_version: read.api_version,
        kind: read.kind,
        spec: read.spec,
        status: status(read.status),
    })?;
    let mut metadata = Metadata {
        name: line.name.unwrap_or_default(),
        namespace: line.namespace.unwrap_or_default(),
        labels: line.labels.unwrap_or_default(),
        annotations: line.annotations.unwrap_or_default(),
    };
    metadata.annotations.remove(LAST_APPLIED);
    let of = &mut profile.workload.namespace;
    // As agents have it: without one it is of the namespace that the object is in.
    if of.is_empty() {
        of.clone_from(&metadata.namespace);
    }
    if !metadata.namespace.is_empty() && *of != metadata.namespace {
        let why = format!(
            "it is in the namespace `{}`, and `spec.workload` is of `{}`: an object counts for workloads of its own \
             namespace alone",
            visible(&metadata.namespace),
            visible(of)
        );
        return Err(NoProfile(place.wrong(why)));
    }
    Ok(Object::new(profile, Some(metadata)))
}

impl Metadata {
    /// The text of a profile, which has none, with these.
    #[must_use]
    pub fn put_into(&self, text: &str) -> String {
        let (head, spec) = match text.find("spec:") {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut out = format!("{head}metadata:\n");
        for (key, value) in [("name", &self.name), ("namespace", &self.namespace)] {
            if !value.is_empty() {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "  {key}: {}", scalar(value));
            }
        }
        for (key, all) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !all.is_empty() {
                let _ = writeln!(out, "  {key}:");
            }
            for (key, value) in all {
                let _ = writeln!(out, "    {}: {}", scalar(key), quoted(value));
            }
        }
        out.push_str(spec);
        out
    }
}

/// A scalar; a text of JSON without the slashes that it would need.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic();
    match text.contains('"') && text.chars().all(is_plain) {
        true => format!("'{}'", text.replace('\'', "''")),
        false => scalar(text),
    }
}

/// A name for the object of a workload, as far as one can be made: its kind, name and container.
#[must_use]
pub fn name_of(workload: &Workload) -> String {
    let parts = [&workload.kind, &workload.name, &workload.container];
    let parts: Vec<&str> = { parts.into_iter() }
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    let mut name = parts.join("-").to_lowercase();
    name.truncate(name.floor_char_boundary(NAME_MAX));
    name
}

#[cfg(test)]
mod tests;
