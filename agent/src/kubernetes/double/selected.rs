//! What of the objects a list has, by where it is asked for.

use super::NODE;
use serde_json::Value;

/// Where BehaviorProfiles are.
const PROFILES: &str = "/apis/lapwing.dev/v1alpha1/behaviorprofiles";
/// Where namespaces are, and by which label they are asked for.
const NAMESPACES: &str = "/api/v1/namespaces";
pub const SELECTED: &str = "lapwing.dev/mode";

/// What is listed and watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// The pods of the node that asks.
    Pods,
    /// Those of a namespace, whatever their labels.
    PodsOf(String),
    /// All of them.
    Profiles,
    /// Those with the label.
    Namespaces,
    /// With it or without.
    AllNamespaces,
}

/// The label of one that has none any more, as those hear of it who select.
pub const GONE: &str = "as it was";

impl Selected {
    pub fn of(path: &str) -> Option<Self> {
        let of_namespace = path.strip_prefix("/api/v1/namespaces/");
        match path {
            "/api/v1/pods" => Some(Self::Pods),
            PROFILES => Some(Self::Profiles),
            NAMESPACES => Some(Self::Namespaces),
            _ => Some(Self::PodsOf(
                of_namespace?.strip_suffix("/pods")?.to_owned(),
            )),
        }
    }

    pub fn wants(&self, object: &Value) -> bool {
        let is_pod = !matches!(
            object["kind"].as_str(),
            Some("BehaviorProfile" | "Namespace")
        );
        match self {
            Self::Pods => is_pod && object["spec"]["nodeName"] == NODE,
            Self::PodsOf(namespace) => is_pod && object["metadata"]["namespace"] == **namespace,
            Self::Profiles => object["kind"] == "BehaviorProfile",
            Self::Namespaces => {
                object["kind"] == "Namespace" && !object["metadata"]["labels"][SELECTED].is_null()
            }
            Self::AllNamespaces => {
                object["kind"] == "Namespace" && object["metadata"]["labels"][SELECTED] != GONE
            }
        }
    }
}
