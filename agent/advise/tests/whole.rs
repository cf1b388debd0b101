//! What is applied as it is: every document is an object, and the manifest has the advice in it and all else as it was.

mod common;

use common::{DEPLOYMENT, advise_seeing, approve, selects, target, web};
use lapwing_advise::manifest::{Manifest, Pod};
use lapwing_advise::policy::Selects;
use lapwing_advise::whole::{cilium_text, yaml_text};
use lapwing_profile::profile::Profile;
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn read(text: &str) -> Manifest {
    Manifest::read(text.as_bytes()).unwrap()
}

#[test]
fn every_document_is_an_object() {
    let advice = advise_seeing(&web());
    let yaml = |manifest| yaml_text(&advice, &target(), &selects(), manifest);
    for (text, kinds) in [
        (yaml(None), &["NetworkPolicy"][..]),
        (
            yaml(Some(&read(DEPLOYMENT))),
            &["Deployment", "NetworkPolicy"],
        ),
        (cilium_text(&advice, &selects()), &["CiliumNetworkPolicy"]),
    ] {
        let all = documents(&text);
        let found: Vec<&str> = all.iter().filter_map(|it| it["kind"].as_str()).collect();
        assert_eq!(found, kinds, "{text}");
        for object in &all {
            for at in ["/apiVersion", "/metadata/name"] {
                let text = object.pointer(at).and_then(Value::as_str);
                assert!(text.is_some_and(|text| !text.is_empty()), "{at}: {object}");
            }
        }
    }
}

#[test]
fn the_manifest_has_the_advice_in_it_and_all_else_as_it_was() {
    let advice = advise_seeing(&web());
    let text = yaml_text(&advice, &target(), &selects(), Some(&read(DEPLOYMENT)));
    let object = &documents(&text)[0];
    assert_eq!(
        object["metadata"],
        json!({"name": "web", "namespace": "shop", "annotations": {"owner": "ann"}})
    );
    assert_eq!(object["status"], Value::Null);
    assert_eq!(object["spec"]["replicas"], 2);
    let pod = &object["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], false);
    // A number that begins with 0 is octal to Kubernetes, and a text stays a text.
    assert_eq!(pod["volumes"][0]["secret"]["defaultMode"], 0o440);
    let [proxy, app] = [0, 1].map(|at| &pod["containers"][at]);
    assert_eq!(proxy, &json!({"name": "proxy", "image": "proxy:1"}));
    assert_eq!(app["image"], "shop/web:1");
    assert_eq!(app["env"], json!([{"name": "MODE", "value": "0644"}]));
    let security = &app["securityContext"];
    assert_eq!(security["privileged"], false);
    assert_eq!(
        security["seccompProfile"],
        json!({"type": "RuntimeDefault"})
    );
    assert_eq!(
        security["capabilities"],
        json!({"add": ["NET_BIND_SERVICE", "SETGID", "SETUID"], "drop": ["ALL"]})
    );
    let of = |list: &Value, key: &str| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.map(|it| it[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        of(&app["volumeMounts"], "mountPath"),
        ["/keys", "/run", "/var/cache/web"]
    );
    assert_eq!(
        of(&pod["volumes"], "name"),
        ["keys", "lapwing-app-run", "lapwing-app-var-cache-web"]
    );
    // What it becomes is what is advised: nothing is left to patch.
    let again = serde_json::to_vec(object).unwrap();
    let score = |bytes: &[u8]| {
        let pod = Pod::read(bytes, Some("app"), "").unwrap();
        (
            pod.applied.read_only,
            pod.applied.privileged,
            pod.applied.add,
        )
    };
    assert_eq!(
        score(DEPLOYMENT.as_bytes()),
        (None, true, vec!["SYS_ADMIN".to_owned()])
    );
    assert_eq!(score(&again).0, Some(true));
    assert!(!score(&again).1);
}

/// Fields of `cilium.io/v2` that are used, with what stands in them (`Rule`, `EgressRule`, `IngressRule`, `PortRule` of
/// Cilium's `pkg/policy/api`); its own schema refuses others.
fn is_cilium(rule: &Value) -> bool {
    let list = |value: &Value, is: fn(&Value) -> bool| {
        value
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(is))
    };
    let object = rule.as_object().unwrap();
    object.iter().all(|(key, value)| match key.as_str() {
        "toEndpoints" => list(value, |one| one["matchLabels"].is_object()),
        "toFQDNs" => list(value, |one| one["matchName"].is_string()),
        "toServices" => list(value, |one| one["k8sService"]["serviceName"].is_string()),
        "toCIDR" | "toEntities" | "fromEntities" => list(value, Value::is_string),
        "toPorts" => list(value, |one| {
            one["ports"].as_array().is_some_and(|ports| {
                let protocols = ["TCP", "UDP", "SCTP", "ANY"].map(Value::from);
                ports
                    .iter()
                    .all(|it| it["port"].is_string() && protocols.contains(&it["protocol"]))
            })
        }),
        _ => false,
    })
}

#[test]
fn cilium_s_policy_has_its_form() {
    let mut profile = web();
    for line in [
        "egress: {protocol: TCP, domain: db.shop.svc.cluster.local, port: 5432}",
        "egress: {protocol: TCP, domain: kubernetes.default.svc, port: 443}",
        "egress: {protocol: TCP, cidr: 10.0.0.0/8, port: 9000}",
        "listen: {protocol: UDP, port: 0}",
    ] {
        approve(&mut profile, line);
    }
    for (profile, rules) in [(profile, 6), (common::profile(), 1)] {
        let text = cilium_text(&advise_seeing(&profile), &selects());
        let policy = &documents(&text)[0];
        assert_eq!(policy["apiVersion"], "cilium.io/v2");
        let spec = policy["spec"].as_object().unwrap();
        assert_eq!(
            spec.keys().collect::<Vec<_>>(),
            ["egress", "endpointSelector", "ingress"]
        );
        assert_eq!(
            spec["endpointSelector"],
            json!({"matchLabels": {"app": "web"}})
        );
        let egress = spec["egress"].as_array().unwrap();
        assert_eq!(egress.len(), rules, "{text}");
        let all = egress.iter().chain(spec["ingress"].as_array().unwrap());
        all.for_each(|rule| assert!(is_cilium(rule), "{rule}"));
    }
}

#[test]
fn what_cilium_alone_has_a_rule_for_is_not_said_of_both() {
    let mut profile = common::profile();
    approve(
        &mut profile,
        "egress: {protocol: ICMP, address: 192.0.2.9, port: 0}",
    );
    let advice = advise_seeing(&profile);
    let [network, cilium] = [
        yaml_text(&advice, &target(), &selects(), None),
        cilium_text(&advice, &selects()),
    ];
    assert!(
        network.contains("a NetworkPolicy knows TCP, UDP and SCTP alone"),
        "{network}"
    );
    assert!(cilium.contains("an `icmps` rule lets it pass"), "{cilium}");
    assert!(!cilium.contains("SCTP alone"), "{cilium}");
}

#[test]
fn a_metadata_service_is_not_let_out_to_without_a_word() {
    // Warnings of both policies, and of Cilium's alone: only that one lets out to domains.
    for (peer, port, both, alone) in [
        ("address: 169.254.169.254", 80, 1, 0),
        ("address: \"fd00:ec2::254\"", 80, 1, 0),
        ("address: \"::ffff:169.254.169.254\"", 80, 1, 0),
        ("cidr: 169.254.0.0/16", 80, 1, 0),
        ("domain: metadata.google.internal", 80, 0, 1),
        ("domain: metadata.example.com", 80, 0, 0),
        ("address: 169.254.169.1", 80, 0, 0),
        // These two are their clouds' name servers as well.
        ("address: 169.254.169.254", 53, 0, 0),
        ("address: 168.63.129.16", 53, 0, 0),
        ("address: 168.63.129.16", 80, 1, 0),
        ("address: 100.100.100.200", 53, 1, 0),
    ] {
        let mut profile = common::profile();
        approve(
            &mut profile,
            &format!("egress: {{protocol: TCP, {peer}, port: {port}}}"),
        );
        let advice = advise_seeing(&profile);
        let manifest = read(DEPLOYMENT);
        let value = serde_json::to_value(&advice).unwrap();
        for (list, count) in [("warnings", both), ("warningsCilium", alone)] {
            let told = value["network"][list].as_array().unwrap();
            assert_eq!(told.len(), count, "{peer}");
        }
        for (text, count) in [
            (yaml_text(&advice, &target(), &selects(), None), both),
            (
                yaml_text(&advice, &target(), &selects(), Some(&manifest)),
                both,
            ),
            (cilium_text(&advice, &selects()), both + alone),
        ] {
            let said = text.matches("# warning: egress: ").count();
            assert_eq!(said, count, "{peer}: {text}");
        }
    }
}

#[test]
fn a_manifest_without_a_namespace_gets_that_of_the_policy() {
    let advice = advise_seeing(&web());
    let named = [None, Some("null"), Some("''"), Some("other")];
    for namespace in named {
        let own = namespace.map_or_else(String::new, |own| format!(", namespace: {own}"));
        let manifest = read(&format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: web{own}}}, spec: null}}"
        ));
        let of = |selects: &Selects| yaml_text(&advice, &target(), selects, Some(&manifest));
        let text = of(&selects());
        let is_set = namespace != Some("other");
        let found = &documents(&text)[0]["metadata"]["namespace"];
        assert_eq!(found, if is_set { "shop" } else { "other" }, "{text}");
        assert_eq!(
            text.contains("# namespace: the manifest names none"),
            is_set,
            "{text}"
        );
        // Where nobody knows one, it is that of whoever applies it.
        let nowhere = Selects {
            namespace: String::new(),
            ..selects()
        };
        let text = of(&nowhere);
        assert!(!text.contains("# namespace:"), "{text}");
        let found = documents(&text)[0]["metadata"]["namespace"].clone();
        let found = found.as_str().unwrap_or_default();
        assert_eq!(found, if is_set { "" } else { "other" }, "{text}");
    }
}

/// A Job as a server has it.
fn job(manual: &str) -> Value {
    let manifest = read(&format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: a, labels: {{app: a, controller-uid: u}}}}, spec: {{{manual} \
         selector: {{matchLabels: {{batch.kubernetes.io/controller-uid: u}}}}, template: {{metadata: {{labels: {{app: a, \
         controller-uid: u, batch.kubernetes.io/controller-uid: u, job-name: a, batch.kubernetes.io/job-name: a}}}}, \
         spec: {{containers: [{{name: app}}]}}}}}}}}"
    ));
    manifest.patched(&json!({}), "")
}

#[test]
fn a_job_can_be_made_anew_of_one_that_is_there() {
    for manual in ["", "manualSelector: false,"] {
        let job = job(manual);
        assert_eq!(job["spec"]["selector"], Value::Null);
        for at in ["/metadata/labels", "/spec/template/metadata/labels"] {
            assert_eq!(job.pointer(at), Some(&json!({"app": "a"})), "{at}");
        }
    }
    // Whoever chose the labels wants them.
    let chosen = job("manualSelector: true,");
    assert!(chosen["spec"]["selector"].is_object());
    let labels = &chosen["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels.as_object().unwrap().len(), 5);
}

#[test]
fn without_a_manifest_it_says_how_the_settings_are_applied() {
    let mut advice = advise_seeing(&web());
    let text = yaml_text(&advice, &target(), &selects(), None);
    assert!(
        text.contains("kubectl patch -n shop deployment web --patch-file patch.yaml\n"),
        "{text}"
    );
    // A name goes into a command only where it is one.
    advice.workload = Workload {
        name: "web; reboot".into(),
        ..advice.workload
    };
    let text = yaml_text(&advice, &target(), &selects(), None);
    assert!(
        text.contains("kubectl patch KIND NAME --patch-file"),
        "{text}"
    );
    assert!(!text.contains("patch -n"), "{text}");
}

#[test]
fn what_is_no_whole_object_is_refused_and_what_stays_as_it_is_made_is_said() {
    for (text, lacks) in [
        ("{kind: Pod, metadata: {name: a}}", "apiVersion"),
        ("{apiVersion: v1, metadata: {name: a}}", "kind"),
        (
            "{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}",
            "metadata.name",
        ),
        ("[]", "apiVersion"),
    ] {
        let error = Manifest::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{lacks}`")), "{error}");
    }
    let profile: Profile = web();
    let advice = advise_seeing(&profile);
    for (kind, is_fixed) in [("Pod", true), ("Job", true), ("StatefulSet", false)] {
        let manifest = read(&format!(
            "{{apiVersion: v1, kind: {kind}, metadata: {{name: a}}, spec: null}}"
        ));
        let text = yaml_text(&advice, &target(), &selects(), Some(&manifest));
        assert_eq!(text.contains("kubectl replace --force"), is_fixed, "{text}");
    }
}
