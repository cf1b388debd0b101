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
    node_name: String,
    #[serde(deserialize_with = "absent")]
    affinity: Affinity,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Affinity {
    #[serde(deserialize_with = "absent")]
    node_affinity: NodeAffinity,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeAffinity {
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "absent"
    )]
    required: Required,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Required {
    #[serde(deserialize_with = "absent")]
    node_selector_terms: Vec<Term>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Term {
    #[serde(deserialize_with = "absent")]
    match_fields: Vec<Field>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Field {
    key: String,
    operator: String,
    #[serde(deserialize_with = "absent")]
    values: Vec<String>,
}

impl Term {
    fn bytes(&self) -> usize {
        let texts = |field: &Field| {
            let texts = field.values.iter().chain([&field.key, &field.operator]);
            texts
                .map(|text| size_of::<String>() + text.len())
                .sum::<usize>()
        };
        { self.match_fields.iter() }
            .map(|field| size_of::<Field>() + texts(field))
            .sum()
    }

    /// The one node that it leaves.
    fn node(&self) -> Option<&str> {
        let of_name = |it: &&Field| it.key == "metadata.name" && it.operator == "In";
        match &*self.match_fields.iter().find(of_name)?.values {
            [name] => Some(name),
            _ => None,
        }
    }
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
    /// Its memory.
    pub fn bytes(&self) -> usize {
        let Metadata {
            name,
            uid,
            creation_timestamp,
        } = &self.metadata;
        let Status { phase, pod_ip } = &self.status;
        let texts = [
            name,
            uid,
            creation_timestamp,
            phase,
            pod_ip,
            &self.spec.node_name,
        ];
        let terms = &self
            .spec
            .affinity
            .node_affinity
            .required
            .node_selector_terms;
        let terms = terms.iter().map(|term| size_of::<Term>() + term.bytes());
        size_of::<Self>() + texts.map(String::len).iter().sum::<usize>() + terms.sum::<usize>()
    }

    /// The node where it is; before it has one, that for which the controller of the DaemonSet made it: no scheduler
    /// may take another. None where that is not known.
    pub fn node(&self) -> Option<&str> {
        let name = self.spec.node_name.as_str();
        if !name.is_empty() {
            return Some(name);
        }
        // What is required of nodes besides is in each of several.
        let terms = &self.spec.affinity.node_affinity.required;
        let mut names = terms.node_selector_terms.iter().map(Term::node);
        let first = names.next()??;
        names.all(|name| name == Some(first)).then_some(first)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(spec: &Value) -> Option<String> {
        let pod: Pod = serde_json::from_value(json!({"spec": spec})).unwrap();
        pod.node().map(str::to_owned)
    }

    #[test]
    fn a_pod_that_waits_for_its_node_is_that_nodes() {
        let of = |values: &[&str]| json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": values}]});
        let waits = |terms: &[Value]| {
            node(&json!({"affinity": {"nodeAffinity":
                {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}))
        };
        assert_eq!(waits(&[of(&["n1"])]).as_deref(), Some("n1"));
        assert_eq!(waits(&[of(&["n1"]), of(&["n1"])]).as_deref(), Some("n1"));
        let zone =
            json!({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]});
        let not = json!({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]});
        for unclear in [
            vec![],
            vec![zone.clone()],
            vec![not],
            vec![of(&[])],
            vec![of(&["n1", "n2"])],
            vec![of(&["n1"]), of(&["n2"])],
            vec![of(&["n1"]), zone],
        ] {
            assert_eq!(waits(&unclear), None, "{unclear:?}");
        }
        assert_eq!(node(&json!({"affinity": null})), None);
        assert_eq!(node(&json!({"affinity": {"podAffinity": {}}})), None);
        // Where it is, is where it is.
        let mut placed = json!({"nodeName": "n2"});
        placed["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": [of(&["n1"])]}}});
        assert_eq!(node(&placed).as_deref(), Some("n2"));
    }
}
