//! Who may say what in the status of a BehaviorProfile, and what sense it has to make.

use super::core_api::{AGENT, APPROVER, CONTROLLER, WRITER};
use super::policies::{by, profile};
use super::*;

const LIST: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";

/// As the controller writes it.
fn status() -> Value {
    let text = include_str!("../../controller/standing/tests/status.json");
    serde_json::from_str(text).unwrap()
}

/// A body for the status of `web`.
fn said(status: &Value) -> Value {
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
        "metadata": {"name": "web", "namespace": "shop"}, "status": status,
    })
}

async fn apply(api: &Api, rest: &str, object: &Value) -> Result<Value, Failure> {
    let target = format!("{LIST}/web{rest}&force=true&fieldValidation=Strict");
    value(api.apply(&target, object.to_string().into_bytes()).await)
}

async fn now(api: &Api) -> Value {
    value(api.get(&format!("{LIST}/web")).await).unwrap()
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn a_status_that_makes_no_sense_is_refused() {
    let mut served = Served::start().await;
    served.define().await;
    let api = served.api();
    api.connect().await.unwrap();
    let web = profile("Monitoring", "/a", "ann", "new");
    apply(&api, "?fieldManager=gitops", &web).await.unwrap();
    let of_status = "/status?fieldManager=tests";
    let twice = json!([status()["conditions"][0], status()["conditions"][0]]);
    let many: Vec<Value> = (0..17)
        .map(|number| {
            let mut one = status()["conditions"][0].clone();
            one["type"] = json!(format!("C{number}"));
            one
        })
        .collect();
    for (place, wrong, why) in [
        (
            "/observedGeneration",
            json!(-1),
            "status.observedGeneration: Invalid value",
        ),
        (
            "/observedGeneration",
            json!("1"),
            "status.observedGeneration",
        ),
        ("/nodes/inForce", json!(-1), "status.nodes.inForce"),
        ("/nodes/running", json!("2"), "status.nodes.running"),
        ("/nodes/idle", json!(1), "field not declared in schema"),
        ("/phase", json!("Ready"), "field not declared in schema"),
        (
            "/conditions/0/status",
            json!("Yes"),
            "Unsupported value: \"Yes\"",
        ),
        (
            "/conditions/0/reason",
            Value::Null,
            "status.conditions[0].reason: Required value",
        ),
        (
            "/conditions/1/lastTransitionTime",
            json!("yesterday"),
            "status.conditions[1].lastTransitionTime",
        ),
        (
            "/conditions/1/message",
            json!("x".repeat(32_769)),
            "may not be more than 32768",
        ),
        ("/conditions", twice, "duplicate entries for key"),
        ("/conditions", json!(many), "must have at most 16 items"),
    ] {
        let mut status = status();
        let (above, last) = place.rsplit_once('/').unwrap();
        let above = status.pointer_mut(above).unwrap();
        match wrong {
            Value::Null => drop(above.as_object_mut().unwrap().remove(last)),
            wrong => above[last] = wrong,
        }
        let refused = apply(&api, of_status, &said(&status)).await;
        let text = match refused {
            Err(failure) => failure.text,
            Ok(_) => panic!("{place} is taken"),
        };
        assert!(text.contains(why), "{place}: {text}");
    }
    assert!(now(&api).await["status"].is_null());
    let taken = apply(&api, of_status, &said(&status())).await.unwrap();
    assert_eq!(taken["status"], status());
    // It is no other generation, of which it would have to be said again.
    assert_eq!(taken["metadata"]["generation"], 1);
}

/// By the roles and policies of the chart: of people who may write the object, and of its own accounts.
#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn what_becomes_of_profiles_is_the_controller_s_word() {
    let mut served = Served::guarded().await;
    served.define().await;
    let ann = by(&served, APPROVER).await;
    let web = profile("Monitoring", "/a", APPROVER, "new");
    let made = apply(&ann, "?fieldManager=gitops", &web).await.unwrap();
    let own = by(&served, CONTROLLER).await;
    // With it come no other decision, no other record, and no owner whose end would be the object's.
    let mut all = said(&status());
    all["spec"] = web["spec"].clone();
    all["spec"]["mode"] = json!("Learning");
    all["metadata"]["annotations"] = json!({"lapwing.dev/actor": WRITER});
    all["metadata"]["labels"] = json!({"team": "a"});
    let gone = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "g"}]);
    all["metadata"]["ownerReferences"] = gone;
    let of_status = "/status?fieldManager=lapwing-controller-status";
    apply(&own, of_status, &all).await.unwrap();
    let after = now(&ann).await;
    assert_eq!(after["status"], status());
    assert_eq!(after["spec"], made["spec"]);
    for key in [
        "generation",
        "annotations",
        "labels",
        "ownerReferences",
        "uid",
    ] {
        assert_eq!(after["metadata"][key], made["metadata"][key], "{key}");
    }
    // Nobody else has a word there.
    let mut lie = status();
    lie["nodes"]["summary"] = json!("7/7");
    let lie = said(&lie);
    let mut whole = after.clone();
    whole["status"] = lie["status"].clone();
    let at = format!("{LIST}/web/status");
    for user in [WRITER, APPROVER, AGENT] {
        let api = by(&served, user).await;
        let applied = apply(&api, "/status?fieldManager=kubectl", &lie).await;
        let text = whole.to_string().into_bytes();
        let replaced = value(api.replace(&at, text).await);
        for (answer, verb) in [(applied, "patch"), (replaced, "update")] {
            let failure = answer.unwrap_err();
            assert_eq!(failure.status, 403, "{user}: {}", failure.text);
            let why = format!("cannot {verb} resource \"behaviorprofiles/status\"");
            assert!(failure.text.contains(&why), "{user}: {}", failure.text);
        }
    }
    // Nor does it come in with the object, or go with it.
    let at = format!("{LIST}/web");
    for status in [lie["status"].clone(), Value::Null] {
        let mut object = now(&ann).await;
        object["metadata"]["labels"] = json!({"status": status["nodes"]["running"].to_string()});
        object["status"] = status;
        let text = object.to_string().into_bytes();
        value(ann.replace(&at, text).await).unwrap();
        assert_eq!(now(&ann).await["status"], after["status"]);
    }
    // The controller itself changes it in the one way that its role has.
    let (at, text) = (format!("{at}/status"), whole.to_string().into_bytes());
    assert_eq!(own.replace(&at, text).await.unwrap_err().status, 403);
}
