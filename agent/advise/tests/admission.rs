//! Admission policies: their rules, evaluated as an API server would, on pods that have what is advised
//! and on pods of which each lacks one thing.

mod common;

use cel::{Context, Program, Value as Cel};
use common::{created, see};
use lapwing_advise::admission::objects;
use lapwing_advise::document::Target;
use lapwing_advise::manifest::{List, Shape};
use lapwing_advise::policy::Selects;
use lapwing_advise::{Advice, Given};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn target(container: &str) -> Target {
    Target {
        shape: Shape::Template,
        container: container.into(),
        list: List::Containers,
        keeps_seccomp: false,
        localhost: None,
        volumes: BTreeSet::new(),
    }
}

/// Of what user 33 did: all that can be advised is.
fn advice() -> Advice {
    let given = Given {
        sees_capabilities: Some(true),
        ..Given::default()
    };
    Advice::of(&created(&["/data/x"]), &given)
}

fn policy(target: &Target) -> Value {
    policy_of(&advice(), target)
}

fn policy_of(advice: &Advice, target: &Target) -> Value {
    let selects = Selects {
        name: "web-app-lapwing".into(),
        namespace: "shop".into(),
        labels: [("app".to_owned(), "web".to_owned())].into(),
    };
    let [policy, binding] = objects(advice, target, &selects);
    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
    policy
}

fn evaluate(expression: &str, context: &Context<'_, '_>) -> Cel {
    let program =
        Program::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    program
        .execute(context)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
}

/// The messages of the rules that a pod breaks.
fn broken(policy: &Value, pod: &Value) -> Vec<String> {
    let mut context = Context::default();
    context.add_variable("object", pod).unwrap();
    let variable = &policy["spec"]["variables"][0];
    let advised = evaluate(variable["expression"].as_str().unwrap(), &context);
    let advised = advised.json().unwrap();
    context
        .add_variable(
            "variables",
            json!({variable["name"].as_str().unwrap(): advised}),
        )
        .unwrap();
    let rules = policy["spec"]["validations"].as_array().unwrap();
    let broken = rules.iter().filter(|rule| {
        match evaluate(rule["expression"].as_str().unwrap(), &context) {
            Cel::Bool(holds) => !holds,
            other => panic!("no answer: {other:?}"),
        }
    });
    broken
        .map(|rule| rule["message"].as_str().unwrap().to_owned())
        .collect()
}

/// A pod that has all that is advised.
fn good() -> Value {
    json!({"spec": {"containers": [{"name": "app", "securityContext": {
        "readOnlyRootFilesystem": true,
        "allowPrivilegeEscalation": false,
        "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }}]}})
}

#[test]
fn pods_with_what_is_advised_pass_and_each_lack_is_told() {
    let policy = policy(&target("app"));
    assert_eq!(broken(&policy, &good()), [""; 0]);
    let at = "/spec/containers/0/securityContext";
    for (key, value, word) in [
        (
            "readOnlyRootFilesystem",
            Some(json!(false)),
            "readOnlyRootFilesystem",
        ),
        ("readOnlyRootFilesystem", None, "readOnlyRootFilesystem"),
        (
            "allowPrivilegeEscalation",
            Some(json!(true)),
            "allowPrivilegeEscalation",
        ),
        ("allowPrivilegeEscalation", None, "allowPrivilegeEscalation"),
        ("privileged", Some(json!(true)), "privileged"),
        ("runAsNonRoot", Some(json!(false)), "runAsNonRoot"),
        ("runAsNonRoot", None, "runAsNonRoot"),
        (
            "seccompProfile",
            Some(json!({"type": "Unconfined"})),
            "seccompProfile",
        ),
        ("seccompProfile", None, "seccompProfile"),
        (
            "capabilities",
            Some(json!({"drop": ["NET_RAW"]})),
            "capabilities.drop",
        ),
        (
            "capabilities",
            Some(json!({"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
            "capabilities.add",
        ),
        ("capabilities", None, "capabilities.drop"),
    ] {
        let mut pod = good();
        let context = pod.pointer_mut(at).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(context.insert(key.to_owned(), value)),
            None => drop(context.remove(key)),
        }
        let told = broken(&policy, &pod);
        assert!(told.len() == 1 && told[0].contains(word), "{key}: {told:?}");
    }
    // Nothing said of a container is not enough for any but `privileged` and what may be added.
    let bare = json!({"spec": {"containers": [{"name": "app"}]}});
    assert_eq!(broken(&policy, &bare).len(), 5);
}

#[test]
fn capabilities_that_are_advised_may_be_added_and_no_others() {
    let mut profile = created(&["/data/x"]);
    let line = "privilege: {operation: CAPABILITY, detail: CAP_NET_BIND_SERVICE}";
    see(&mut profile, line, None, 0);
    let policy = policy_of(&Advice::of(&profile, &Given::default()), &target("app"));
    for (add, passes) in [
        (json!([]), true),
        (json!(["NET_BIND_SERVICE"]), true),
        (json!(["NET_BIND_SERVICE", "SYS_ADMIN"]), false),
        (json!(["ALL"]), false),
    ] {
        let mut pod = good();
        pod["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = add.clone();
        let told = broken(&policy, &pod);
        assert_eq!(told.is_empty(), passes, "{add}: {told:?}");
    }
}

#[test]
fn the_pods_settings_count_where_the_container_has_none() {
    let policy = policy(&target("app"));
    let mut pod = good();
    pod["spec"]["securityContext"] =
        json!({"runAsNonRoot": true, "seccompProfile": {"type": "Localhost"}});
    let context = pod
        .pointer_mut("/spec/containers/0/securityContext")
        .unwrap()
        .as_object_mut()
        .unwrap();
    context.remove("runAsNonRoot");
    context.remove("seccompProfile");
    assert_eq!(broken(&policy, &pod), [""; 0]);
    pod["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] = json!(false);
    assert_eq!(
        broken(&policy, &pod).len(),
        1,
        "the container's own goes before"
    );
}

#[test]
fn the_container_is_found_in_both_lists_and_others_are_left_alone() {
    let policy = policy(&target("app"));
    let mut pod = json!({"spec": {"containers": [{"name": "sidecar"}]}});
    // One is added to a pod that is there, which nobody is asked about.
    pod["spec"]["ephemeralContainers"] = json!([{"name": "debugger"}]);
    assert_eq!(broken(&policy, &pod), [""; 0]);
    pod["spec"]["initContainers"] = json!([{"name": "app"}]);
    assert_eq!(broken(&policy, &pod).len(), 5);
    let rules = &policy["spec"]["matchConstraints"]["resourceRules"];
    assert_eq!(rules.as_array().unwrap().len(), 1, "{rules}");
    assert_eq!(rules[0]["resources"], json!(["pods"]));
    assert_eq!(rules[0]["operations"], json!(["CREATE"]));
}

#[test]
fn a_profile_of_the_nodes_is_asked_for_by_its_file() {
    let mut target = target("app");
    target.localhost = Some("lapwing/shop/web-app.json".into());
    let policy = policy(&target);
    let mut pod = good();
    assert_eq!(broken(&policy, &pod).len(), 1);
    pod["spec"]["containers"][0]["securityContext"]["seccompProfile"] =
        json!({"type": "Localhost", "localhostProfile": "lapwing/shop/web-app.json"});
    assert_eq!(broken(&policy, &pod), [""; 0]);
}

#[test]
fn hostile_names_stay_texts() {
    for name in [
        "a' || true || '",
        "a\" || true || \"",
        "\\",
        "\u{1}\n",
        "ü\u{202e}",
    ] {
        let policy = policy(&target(name));
        let mut pod = good();
        pod["spec"]["containers"][0]["name"] = name.into();
        assert_eq!(broken(&policy, &pod), [""; 0], "{name:?}");
        pod["spec"]["containers"][0]["securityContext"] = json!({});
        assert_eq!(broken(&policy, &pod).len(), 5, "{name:?}");
        assert_eq!(
            broken(&policy, &json!({"spec": {"containers": [{"name": "app"}]}})),
            [""; 0]
        );
    }
}
