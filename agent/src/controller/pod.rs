//! A pod of an agent, as the API has it.

use crate::kubernetes::object::absent;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// A pod, as far as it matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    pub metadata: Metadata,
    #[serde(deserialize_with = "absent")]
    pub spec: Spec,
    #[serde(deserialize_with = "absent")]
    pub status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub uid: String,
    #[serde(deserialize_with = "absent")]
    pub creation_timestamp: String,
}

/// A time of the API, since the Unix epoch.
pub fn nanoseconds(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "absent")]
    pub node_name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "absent")]
    pub phase: String,
    #[serde(rename = "podIP", deserialize_with = "absent")]
    pub pod_ip: String,
}

impl Pod {
    /// Where its agent listens, if it runs.
    pub fn address(&self, port: u16) -> Option<SocketAddr> {
        let ip: IpAddr = self.status.pod_ip.parse().ok()?;
        (self.status.phase == "Running").then(|| SocketAddr::new(ip, port))
    }

    /// Whether it ran to its end, and another takes its place.
    pub fn is_over(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }
}
