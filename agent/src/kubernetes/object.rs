//! What every answer of the API has. Absent and null are the same everywhere, as the API has it.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// A list of objects, each to be read by itself: one that makes no sense keeps nobody from the others.
#[derive(Debug, Deserialize)]
pub struct List<'a> {
    #[serde(default)]
    pub metadata: ListMeta,
    #[serde(borrow, default)]
    pub items: Option<Vec<&'a RawValue>>,
}

/// Of an object, where it stands in the history of the cluster.
#[derive(Debug, Deserialize)]
pub struct Placed {
    pub metadata: ListMeta,
}

/// Where a list stands in the history of the cluster.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    #[serde(default)]
    pub resource_version: String,
    /// There is more of the list.
    #[serde(default, rename = "continue", deserialize_with = "absent")]
    pub more: String,
}

/// A step of a watch.
#[derive(Debug, Deserialize)]
pub struct Event<'a> {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(borrow)]
    pub object: &'a RawValue,
}

/// Why the API refuses.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Refusal {
    pub code: u16,
    #[serde(deserialize_with = "absent")]
    pub message: String,
    #[serde(deserialize_with = "absent")]
    pub details: RefusalDetails,
    #[serde(deserialize_with = "absent")]
    pub metadata: RefusalMeta,
}

/// Of a refusal to go on with a list of which the past is forgotten, where it goes on in what there is now.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RefusalMeta {
    #[serde(rename = "continue", deserialize_with = "absent")]
    pub more: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RefusalDetails {
    /// Of what the refusal is, as `namespaces`.
    #[serde(deserialize_with = "absent")]
    pub kind: String,
    #[serde(deserialize_with = "absent")]
    pub retry_after_seconds: u64,
    #[serde(deserialize_with = "absent")]
    pub causes: Vec<Cause>,
}

/// One of several reasons.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cause {
    #[serde(deserialize_with = "absent")]
    pub reason: String,
}

/// Null, or absent where it is the default.
pub fn absent<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What an object is called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    metadata: NamedMeta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NamedMeta {
    namespace: String,
    name: String,
}

impl fmt::Display for Named {
    /// As `shop/web`, without a namespace as `web`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NamedMeta { namespace, name } = &self.metadata;
        let slash = if namespace.is_empty() { "" } else { "/" };
        write!(formatter, "{namespace}{slash}{name}")
    }
}
