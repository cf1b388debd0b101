//! Network policies as documents: `networking.k8s.io/v1` and Cilium's `cilium.io/v2`.
//!
//! Whom a policy selects has to be known: one without a selector would select every pod of its
//! namespace. Both policies name what they leave out, in an annotation that goes with them.

use crate::network::{EPHEMERAL, Left, Network, Port, Service, Talk, is_name};
use crate::{Advice, names};
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The annotation with what a policy leaves out.
const LEFT: &str = "lapwing.dev/not-covered";
/// Entries that the annotation names.
const LEFT_MAX: usize = 40;
/// Names that Cilium's DNS rule lists; with more it lets every name be asked.
const NAMES_MAX: usize = 100;

/// Of which pods a policy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selects {
    /// The policy's name.
    pub name: String,
    /// Its namespace; empty for the one that it is applied in.
    pub namespace: String,
    /// The labels of the pods, at least one.
    pub labels: BTreeMap<String, String>,
}

/// The name of the policies of a workload's container.
#[must_use]
pub fn name(workload: &Workload, container: &str) -> String {
    names::of_container(workload, container, "-lapwing")
}

impl Selects {
    fn metadata(&self, left: &[String]) -> Value {
        let mut metadata = json!({"name": self.name});
        if !self.namespace.is_empty() {
            metadata["namespace"] = self.namespace.as_str().into();
        }
        if !left.is_empty() {
            let more = left.len().saturating_sub(LEFT_MAX);
            let mut lines = left[..left.len().min(LEFT_MAX)].to_vec();
            if more > 0 {
                lines.push(format!("and {more} more"));
            }
            metadata["annotations"] = json!({LEFT: lines.join("\n")});
        }
        metadata
    }
}

/// What is said first where the pod has the host's network.
const HOST: [&str; 2] = [
    "hostNetwork: true: the behaviour of a NetworkPolicy is undefined for such pods, and most plug-ins do not hold them to it",
    "hostNetwork: true: a CiliumNetworkPolicy does not select such pods: only the host firewall \
     (CiliumClusterwideNetworkPolicy with a nodeSelector) holds them, with all else on the node",
];

/// What a `NetworkPolicy` leaves out, one a line.
#[must_use]
pub fn left_by_kubernetes(network: &Network) -> Vec<String> {
    let domains = network.domains.iter().flat_map(|talk| {
        let why = match network.services.contains_key(&talk.peer) {
            true => "a NetworkPolicy cannot name services: select its pods by their labels",
            false => "a NetworkPolicy cannot name domains",
        };
        let because = talk.because.iter();
        because.map(move |seen| format!("{}: {why}", seen.entry))
    });
    (of_host(network, HOST[0]).chain(domains))
        .chain(left_by_either(network, |left| left.why))
        .collect()
}

/// What a `CiliumNetworkPolicy` leaves out, one a line.
#[must_use]
pub fn left_by_cilium(network: &Network) -> Vec<String> {
    (of_host(network, HOST[1]))
        .chain(left_by_either(network, |left| left.why_cilium))
        .collect()
}

fn of_host(network: &Network, what: &str) -> impl Iterator<Item = String> {
    network.is_host.then(|| what.to_owned()).into_iter()
}

fn left_by_either(
    network: &Network,
    why: fn(&Left) -> &'static str,
) -> impl Iterator<Item = String> {
    let others = (!network.others.is_empty()).then(|| {
        let names: Vec<_> = (network.others.iter()).map(|name| visible(name)).collect();
        format!(
            "what other containers of the pod need, which it holds too: {}",
            names.join(", ")
        )
    });
    let left = network.left.iter();
    let left = left.map(move |left| format!("{}: {}", left.seen.entry, why(left)));
    others.into_iter().chain(left)
}

/// What to look at before a `CiliumNetworkPolicy` with services is applied, if it has any.
#[must_use]
pub fn of_services(network: &Network) -> &'static [&'static str] {
    match network.services.is_empty() {
        true => &[],
        false => SERVICES,
    }
}

/// What is said of services. Up to Cilium 1.16 `toServices` took only those without selectors.
const SERVICES: &[&str] = &[
    "toServices needs Cilium 1.17: older ones select no pods by it, and refuse it with ports",
    "ports are the services' own, and Cilium looks at those of the pods: where a targetPort is another, put it there",
    "of a service without a selector, or an ExternalName, no pod is selected: see what it leads to",
];

/// A `NetworkPolicy` that lets pass what was seen.
#[must_use]
pub fn kubernetes(advice: &Advice, selects: &Selects) -> Value {
    let network = &advice.network;
    let mut egress: Vec<Value> = (network.addresses.iter())
        .map(|talk| {
            json!({
                "to": [{"ipBlock": {"cidr": talk.peer}}],
                "ports": ports(&talk.ports, kubernetes_port),
            })
        })
        .collect();
    if network.asks {
        let dns = ["UDP", "TCP"].map(|protocol| json!({"protocol": protocol, "port": 53}));
        egress.push(json!({
            "to": [{
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }],
            "ports": dns,
        }));
    }
    let ingress: Vec<Value> = match network.ingress.is_empty() {
        true => Vec::new(),
        false => vec![json!({"ports": ports(&network.ingress, kubernetes_port)})],
    };
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": selects.metadata(&left_by_kubernetes(network)),
        "spec": {
            "podSelector": {"matchLabels": selects.labels},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    })
}

/// A `CiliumNetworkPolicy` that lets pass what was seen, domains by their names.
#[must_use]
pub fn cilium(advice: &Advice, selects: &Selects) -> Value {
    let network = &advice.network;
    let mut egress = Vec::new();
    if network.asks {
        egress.push(json!({
            "toEndpoints": [{"matchLabels": {
                "k8s:io.kubernetes.pod.namespace": "kube-system",
                "k8s:k8s-app": "kube-dns",
            }}],
            "toPorts": [{
                "ports": [{"port": "53", "protocol": "ANY"}],
                // By this its proxy learns which addresses a name has, which toFQDNs goes by.
                "rules": {"dns": names(network)},
            }],
        }));
    }
    let rule = |key: &str, peer: Value, talk: &Talk| {
        let mut rule = Map::new();
        rule.insert(key.to_owned(), json!([peer]));
        let ports = ports(&talk.ports, cilium_port);
        rule.insert("toPorts".to_owned(), json!([{"ports": ports}]));
        Value::Object(rule)
    };
    for talk in &network.domains {
        let service = network.services.get(&talk.peer);
        if let Some(service) = service {
            egress.push(match service.is_api_server() {
                true => rule("toEntities", json!("kube-apiserver"), talk),
                false => {
                    let Service {
                        name, namespace, ..
                    } = service;
                    let one = json!({"serviceName": name, "namespace": namespace});
                    rule("toServices", json!({"k8sService": one}), talk)
                }
            });
        }
        // These select nobody in the cluster.
        if service.is_none_or(|service| service.may_be_outside) {
            egress.push(rule("toFQDNs", json!({"matchName": talk.peer}), talk));
        }
    }
    for talk in &network.addresses {
        egress.push(rule("toCIDR", json!(talk.peer), talk));
    }
    let ingress = match network.ingress.is_empty() {
        // A rule that matches nobody: the policy is there, and lets nothing in.
        true => json!({}),
        false => {
            let ports = ports(&network.ingress, cilium_port);
            json!({"fromEntities": ["all"], "toPorts": [{"ports": ports}]})
        }
    };
    if egress.is_empty() {
        egress.push(json!({}));
    }
    json!({
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": selects.metadata(&left_by_cilium(network)),
        "spec": {
            "endpointSelector": {"matchLabels": selects.labels},
            "ingress": [ingress],
            "egress": egress,
        },
    })
}

fn ports(ports: &BTreeSet<Port>, of: fn(&Port) -> Value) -> Vec<Value> {
    ports.iter().map(of).collect()
}

fn kubernetes_port(port: &Port) -> Value {
    match port.port {
        0 => json!({"protocol": port.protocol, "port": EPHEMERAL.0, "endPort": EPHEMERAL.1}),
        number => json!({"protocol": port.protocol, "port": number}),
    }
}

/// Cilium has the first port as text and the last as a number.
fn cilium_port(port: &Port) -> Value {
    match port.port {
        0 => json!({
            "protocol": port.protocol, "port": EPHEMERAL.0.to_string(), "endPort": EPHEMERAL.1,
        }),
        number => json!({"protocol": port.protocol, "port": number.to_string()}),
    }
}

/// The names that may be asked: those that were, and those that are talked to.
fn names(network: &Network) -> Vec<Value> {
    let peers = network.domains.iter().map(|talk| &talk.peer);
    let all: BTreeSet<&String> = network.names.iter().chain(peers).collect();
    let is_listed =
        !all.is_empty() && all.len() <= NAMES_MAX && all.iter().all(|name| is_name(name));
    match is_listed {
        true => all.iter().map(|name| json!({"matchName": name})).collect(),
        false => vec![json!({"matchPattern": "*"})],
    }
}
