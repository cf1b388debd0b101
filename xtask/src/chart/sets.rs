//! Values that the chart is tried with.

use super::AUTHORITY;
use serde_json::{Value, json};

/// Values that people set, with a text that must come of them.
pub fn accepted() -> Vec<(Value, &'static str)> {
    vec![
        (json!({}), "image: \"lapwing:0.1.0\""),
        (
            json!({"image": {"repository": "r.example/lapwing", "digest": format!("sha256:{}", "a".repeat(64))}}),
            "image: \"r.example/lapwing@sha256:aaaa",
        ),
        (
            json!({"oldKernels": true, "seLinuxOptions": {"type": "spc_t"}}),
            "- SYS_RESOURCE",
        ),
        (
            json!({"clusterName": "c1", "config": {"mode": "monitor", "learning": {"promote": "automatic"}}}),
            "promote: automatic",
        ),
        (
            json!({"rbac": {"create": false}, "serviceAccount": {"create": false, "name": "mine", "automountToken": false}}),
            "kubernetes: \"off\"",
        ),
        (
            json!({"fullnameOverride": "watcher", "priorityClassName": "", "stateFolder": "/data/lapwing"}),
            "name: watcher-agent",
        ),
        (
            json!({
                "nodeSelector": {"pool": "a"}, "podLabels": {"team": "security"}, "podAnnotations": {"a": "b"},
                "imagePullSecrets": [{"name": "pull"}], "extraArgs": ["--monitor"],
                "affinity": {"nodeAffinity": {}}, "updateStrategy": {"type": "OnDelete", "rollingUpdate": null},
                "seccompProfile": {"type": "Localhost", "localhostProfile": "lapwing.json"},
                "config": {"sinks": {"hook": {"webhook": {
                    "url": "https://hooks.example.org", "token": {"env": "LAPWING_HOOK_TOKEN"},
                    "tls": {"ca": AUTHORITY.0},
                }}}},
                "extraEnv": [{"name": "LAPWING_HOOK_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hook", "key": "token"}}}],
                "extraVolumes": [{"name": "tls", "secret": {"secretName": "tls"}}],
                "extraVolumeMounts": [{"name": "tls", "mountPath": "/etc/lapwing-tls", "readOnly": true}],
            }),
            "secretName: tls",
        ),
        (
            json!({
                "http": {"port": 19465}, "fullnameOverride": "watcher",
                "podMonitor": {"enabled": true, "interval": "1m", "labels": {"release": "prometheus"}},
                "prometheusRule": {"enabled": true, "labels": {"release": "prometheus"}},
            }),
            "up{job=\"lapwing/watcher-agent\"} == 0",
        ),
        (json!({}), "kind: CustomResourceDefinition"),
        (json!({}), "resources: [behaviorprofiles]"),
        (json!({}), "name: lapwing-approver"),
        (
            json!({"roles": {"create": false}, "fullnameOverride": "watcher"}),
            "policyName: watcher-namespace-modes",
        ),
        (
            json!({"admissionPolicy": {"record": "required"}, "config": {"mode": "monitor"}}),
            "lapwing.dev/reason must say why",
        ),
        (
            json!({"admissionPolicy": {"record": "required"}, "controller": {
                "enabled": true, "promote": "automatic", "serviceAccount": {"create": false, "name": "mine"},
            }}),
            "- name: LAPWING_USER\n              value: \"system:serviceaccount:lapwing:mine\"",
        ),
        (
            json!({"controller": {"enabled": true, "serviceAccount": {"create": false, "name": "mine"}}}),
            "request.userInfo.username != 'system:serviceaccount:lapwing:mine'",
        ),
        (
            json!({"namespaceModes": false, "controller": {"enabled": true}}),
            "policyName: lapwing-learned-profiles",
        ),
        (
            json!({"admissionPolicy": {"enabled": false}}),
            "aggregate-to-view: \"true\"",
        ),
        (
            json!({"crds": {"create": false}, "controller": {"enabled": false}}),
            "resources: [behaviorprofiles]",
        ),
        (
            json!({"clusterProfiles": false, "controller": {"enabled": false}}),
            "resources: [namespaces]",
        ),
        (json!({"clusterProfiles": false}), "namespaces: auto"),
        (
            json!({"namespaceModes": false}),
            "kubernetes: auto\n    version",
        ),
        (json!({"podMonitor": {"enabled": true}}), "kind: PodMonitor"),
        (json!({}), "metrics: false"),
        (json!({}), "- --controller-secret=lapwing-controller-tls"),
        (json!({}), "optional: true"),
        (
            json!({}),
            "key: node-role.kubernetes.io/control-plane\n          operator: Exists",
        ),
        (
            json!({"controller": {"enabled": false}}),
            "'LearnedProfiles are written by nobody, as the controller is off; not by '",
        ),
        (
            json!({"http": {"port": 9465, "metrics": true}}),
            "metrics: true",
        ),
        (json!({"podMonitor": {"enabled": true}}), "metrics: true"),
        (
            json!({"networkPolicy": {"enabled": true}, "controller": {"enabled": false}}),
            "ingress: []",
        ),
        (
            json!({"networkPolicy": {"enabled": true, "from": [
                {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}},
                {"ipBlock": {"cidr": "10.0.0.0/24"}},
            ]}}),
            "cidr: 10.0.0.0/24",
        ),
        (
            json!({"prometheusRule": {"enabled": true}}),
            "kind: PrometheusRule",
        ),
        (
            json!({"dashboard": {"enabled": true, "labels": {"grafana": "security"}}}),
            "lapwing-agents.json: |",
        ),
        (
            json!({"controller": {"enabled": true}}),
            "identity: spiffe://lapwing.internal/controller",
        ),
        (
            json!({"controller": {"enabled": true}}),
            "resources: [learnedprofiles/status]",
        ),
        (
            json!({"controller": {"enabled": true}}),
            "resources: [behaviorprofiles/status]\n    verbs: [patch]",
        ),
        (
            json!({"controller": {"enabled": true, "promote": "automatic"}}),
            "resources: [behaviorprofiles]\n    verbs: [create, approve]",
        ),
        (
            json!({"controller": {"enabled": true, "config": {"learned": {"quorum": 3}}}}),
            "quorum: 3",
        ),
        (
            json!({"controller": {"enabled": true}, "prometheusRule": {"enabled": true}}),
            "LapwingControllerWithoutLeader",
        ),
        (
            json!({"fullnameOverride": "9".repeat(63), "controller": {"enabled": true}}),
            "kind: Service\n",
        ),
        (
            json!({"controller": {
                "enabled": true, "config": {"agents": {"serverName": "agents.e.org"}},
                "certificates": {"mode": "certManager", "certManager": {"issuerRef": {"name": "ca"}}},
            }}),
            "dnsNames: [agents.e.org]",
        ),
        (
            json!({"controller": {"enabled": true, "replicas": 1, "port": 17443, "agentAddress": "[::]"}}),
            "address: '[::]:17443'",
        ),
        (
            json!({
                "fullnameOverride": "watcher", "clusterName": "c1",
                "networkPolicy": {"enabled": true, "from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]},
                "podMonitor": {"enabled": true}, "imagePullSecrets": [{"name": "pull"}],
                "controller": {
                    "enabled": true, "from": [{"podSelector": {"matchLabels": {"app": "siem"}}}],
                    "config": {"agents": {"silentAfter": "1m"}, "lease": {"retry": "1s"}, "timeout": "3s"},
                    "clients": [{"identity": "spiffe://e.org/shop", "verbs": ["read"], "namespaces": ["shop"]}],
                    "certificates": {"agentSecret": "a", "controllerSecret": "c"},
                    "serviceAccount": {"annotations": {"a": "b"}}, "service": {"annotations": {"a": "b"}},
                    "priorityClassName": "high", "nodeSelector": {"pool": "a"}, "podLabels": {"team": "s"},
                    "podAnnotations": {"a": "b"}, "affinity": {"podAntiAffinity": {}},
                    "tolerations": [{"operator": "Exists"}],
                },
            }),
            "resourceNames: [watcher-controller, watcher-controller-nodes]",
        ),
        (
            json!({"controller": {"enabled": true, "certificates": {
                "mode": "certManager", "certManager": {"issuerRef": {"name": "ca", "kind": "Issuer"}},
            }}}),
            "lapwing-controller.lapwing.svc.cluster.local",
        ),
        (
            json!({"controller": {"enabled": true}}),
            "- --controller-secret=lapwing-controller-tls",
        ),
        (
            json!({"controller": {"enabled": true}, "fullnameOverride": "w".repeat(63)}),
            "kind: CronJob",
        ),
        (
            json!({"imagePullSecrets": [{"name": "pull"}], "controller": {
                "enabled": true, "nodeSelector": {"pool": "a"}, "tolerations": [{"operator": "Exists"}],
                "config": {"agents": {"serverName": "agents.e.org"}},
                "certificates": {
                    "mode": "job", "agentSecret": "a",
                    "job": {"days": 90, "schedule": "0 0 * * 0", "resources": {"limits": {"memory": "64Mi"}}},
                },
            }}),
            "- --server-name=agents.e.org",
        ),
        (
            json!({"controller": {"enabled": true, "certificates": {"mode": "secrets"}}}),
            "secretName: lapwing-controller-tls",
        ),
        (
            json!({"controller": {"enabled": true, "serviceAccount": {"create": false}}, "rbac": {"create": false}}),
            "kind: PodDisruptionBudget",
        ),
    ]
}

/// Values that are refused, with a text of the reason.
pub fn refused() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"imge": {}}), "imge"),
        (
            json!({"updateStrategy": {"rollingUpdate": {"maxSurge": 0}}}),
            "maxSurge=0 and maxUnavailable=1",
        ),
        (
            json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "10%"}}}),
            "one of maxSurge and maxUnavailable has to be 0",
        ),
        (json!({"crds": {"keep": true}}), "/crds"),
        (
            json!({"admissionPolicy": {"record": "none"}}),
            "/admissionPolicy/record",
        ),
        (json!({"roles": {"bind": ["me"]}}), "/roles"),
        (json!({"clusterProfiles": "auto"}), "/clusterProfiles"),
        (json!({"namespaceModes": "auto"}), "/namespaceModes"),
        (
            json!({"dashboard": {"labels": {"a": 1}}}),
            "/dashboard/labels",
        ),
        (json!({"config": {"profiles": {}}}), "/config"),
        (
            json!({"image": {"digest": "sha256:short"}}),
            "/image/digest",
        ),
        (json!({"config": {"stateDir": "/elsewhere"}}), "/config"),
        (json!({"stateFolder": "var/lib/lapwing"}), "/stateFolder"),
        (
            json!({"appArmorProfile": {"type": "Runtime"}}),
            "/appArmorProfile/type",
        ),
        (
            json!({"seccompProfile": {"type": "Localhost"}}),
            "/seccompProfile",
        ),
        (
            json!({"appArmorProfile": {"type": "Unconfined", "localhostProfile": "x"}}),
            "/appArmorProfile",
        ),
        (json!({"config": {"http": {"address": ""}}}), "/config"),
        (json!({"http": {"port": 80}}), "/http/port"),
        (
            json!({"http": {"port": 9465, "metrics": "yes"}}),
            "/http/metrics",
        ),
        (
            json!({"networkPolicy": {"enabled": true, "from": [{}]}}),
            "/networkPolicy/from",
        ),
        (
            json!({"podMonitor": {"interval": "30"}}),
            "/podMonitor/interval",
        ),
        (
            json!({"controller": {"promote": "always"}}),
            "/controller/promote",
        ),
        (
            json!({"controller": {"config": {"learned": {"promote": "automatic"}}}}),
            "/controller/config/learned",
        ),
        (
            json!({"controller": {"config": {"lease": {"name": "mine"}}}}),
            "/controller/config/lease",
        ),
        (
            json!({"controller": {"certificates": {"certManager": {"issuerRef": {"kind": "ClusterIssuer"}}}}}),
            "/issuerRef/kind",
        ),
        (
            json!({"controller": {"certificates": {"mode": "helm"}}}),
            "/controller/certificates/mode",
        ),
        (
            json!({"controller": {"certificates": {"job": {"days": 3650}}}}),
            "/controller/certificates/job/days",
        ),
        (
            json!({"controller": {"replicas": 0}}),
            "/controller/replicas",
        ),
        (
            json!({"controller": {"tolerations": ["control-plane"]}}),
            "/controller/tolerations",
        ),
        (
            json!({"controller": {"config": {"listen": {}}}}),
            "/controller/config",
        ),
        (
            json!({"controller": {"config": {"agents": {"port": 1}}}}),
            "/controller/config/agents",
        ),
        (
            json!({"controller": {"clients": []}}),
            "/controller/clients",
        ),
        (
            json!({"controller": {"certificates": {"mode": "certManager"}}}),
            "issuerRef",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use crate::root;
    use serde_json::Value;
    use std::fs;

    /// What a text calls a value of the chart, as `controller.config.agents`: from one of these on.
    const FIRST: [&str; 9] = [
        "admissionPolicy",
        "controller",
        "crds",
        "dashboard",
        "networkPolicy",
        "podMonitor",
        "prometheusRule",
        "roles",
        "serviceAccount",
    ];

    /// Whether the schema has it, as far as it says what there is.
    fn is_known(schema: &Value, path: &str) -> bool {
        let mut at = schema;
        for key in path.split('.') {
            match at["properties"].get(key) {
                Some(next) => at = next,
                None => return at["additionalProperties"] != false,
            }
        }
        true
    }

    #[test]
    fn the_docs_name_values_that_there_are() {
        let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
        let schema: Value = serde_json::from_str(&read("deploy/chart/values.schema.json")).unwrap();
        let mut seen = 0;
        for file in [
            "docs/kubernetes.md",
            "docs/metrics.md",
            "docs/siem.md",
            "README.md",
            "deploy/chart/values.yaml",
            "deploy/chart/templates/NOTES.txt",
        ] {
            let text = read(file);
            let is_part = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '.');
            for word in text.split(is_part).map(|word| word.trim_matches('.')) {
                let first = word.split_once('.').map_or("", |(first, _)| first);
                let is_file = word.ends_with(".md") || word.ends_with(".yaml");
                if FIRST.contains(&first) && !is_file {
                    assert!(is_known(&schema, word), "{file}: the chart has no {word}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen}");
        assert!(!is_known(&schema, "controller.config.modes.enabled"));
    }
}
