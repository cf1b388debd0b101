//! The chart's admission policies, enforced by a server on requests of people who may write objects by their roles.

use super::core_api::{AGENT, APPROVER, CONTROLLER, OWNER, WRITER};
use super::*;

const PROFILES: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";
const LEARNED: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/learnedprofiles";
/// How the answer begins when it is a policy that refuses, and no role.
const BY_POLICY: &str = "ValidatingAdmissionPolicy 'lapwing-";

pub async fn by(served: &Served, user: &str) -> Api {
    let api = Api::new(served.reach_as(user), ANSWER_MAX);
    api.connect().await.unwrap();
    api
}

/// A BehaviorProfile with what this user says of it.
pub fn profile(mode: &str, path: &str, user: &str, reason: &str) -> Value {
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
        "metadata": {"name": "web", "namespace": "shop",
            "annotations": {"lapwing.dev/actor": user, "lapwing.dev/reason": reason}},
        "spec": {
            "workload": {"namespace": "shop", "kind": "Deployment", "name": "web", "container": "app"},
            "mode": mode, "exec": [{"path": path, "parent": "runtime"}],
        },
    })
}

fn learned() -> Value {
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "LearnedProfile",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"workload":
            {"namespace": "shop", "kind": "Deployment", "name": "web", "container": "app"}},
    })
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Failure>, why: &str) {
    let failure = answer.unwrap_err();
    assert_eq!(failure.status, 403, "{}", failure.text);
    for part in [BY_POLICY, why] {
        assert!(failure.text.contains(part), "{part}: {}", failure.text);
    }
}

async fn put(api: &Api, list: &str, object: &Value) -> Result<Value, Failure> {
    let target = format!("{list}/web?fieldManager=kubectl&force=true");
    value(api.apply(&target, object.to_string().into_bytes()).await)
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn profiles_are_decided_by_who_may_approve_and_loosen() {
    let mut served = Served::guarded().await;
    served.define().await;
    let (writer, ann) = (by(&served, WRITER).await, by(&served, APPROVER).await);
    let of = |mode, path, user| profile(mode, path, user, path);
    // Made by either way that there is to make one.
    let wanted = of("Monitoring", "/a", WRITER);
    let needs =
        "wanda needs the verb approve on behaviorprofiles.lapwing.dev in the namespace shop";
    let text = wanted.to_string().into_bytes();
    refused(writer.create(PROFILES, text).await, needs);
    refused(put(&writer, PROFILES, &wanted).await, needs);
    let must = "the annotation lapwing.dev/actor must be ann, who changes this";
    refused(put(&ann, PROFILES, &wanted).await, must);
    let unsaid = profile("Monitoring", "/a", APPROVER, "");
    let why = "the annotation lapwing.dev/reason must say why";
    refused(put(&ann, PROFILES, &unsaid).await, why);
    let made = put(&ann, PROFILES, &of("Monitoring", "/a", APPROVER))
        .await
        .unwrap();
    // What decides nothing is anybody's who may write.
    let at = format!("{PROFILES}/web");
    let mut labelled = made;
    labelled["metadata"]["labels"] = json!({"team": "a"});
    let text = labelled.to_string().into_bytes();
    let now = value(writer.replace(&at, text).await).unwrap();
    // What decides is not, whatever is said of who did it. One whose owner is gone is deleted.
    let gone = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "g"}]);
    for (place, other, why) in [
        ("/spec/exec/0/path", json!("/b"), needs),
        ("/spec/mode", json!("Learning"), "needs the verb loosen"),
        ("/metadata/ownerReferences", gone, "needs the verb loosen"),
        (
            "/metadata/annotations/lapwing.dev~1reason",
            json!("others"),
            "must be wanda",
        ),
    ] {
        let mut object = now.clone();
        let (above, last) = place.rsplit_once('/').unwrap();
        object.pointer_mut(above).unwrap()[last.replace("~1", "/")] = other;
        let text = object.to_string().into_bytes();
        refused(writer.replace(&at, text).await, why);
    }
    for target in [at.as_str(), PROFILES] {
        refused(writer.delete(target).await, "needs the verb loosen");
    }
    // Agents read those of all namespaces, and write none.
    let agent = by(&served, AGENT).await;
    let everywhere = "/apis/lapwing.dev/v1alpha1/behaviorprofiles";
    let read = value(agent.get(everywhere).await).unwrap();
    assert_eq!(read["items"].as_array().unwrap().len(), 1);
    agent
        .watch(&format!("{everywhere}?watch=true"))
        .await
        .unwrap();
    let failure = put(&agent, PROFILES, &wanted).await.unwrap_err();
    assert!(
        failure.text.contains("cannot patch resource"),
        "{}",
        failure.text
    );
    let less = of("Learning", "/c", APPROVER);
    put(&ann, PROFILES, &less).await.unwrap();
    ann.delete(&at).await.unwrap();
}

/// `*` has all verbs in it, those of Lapwing too; what nodes learned is no matter of rights.
#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn who_may_do_all_in_a_namespace_decides_there_too() {
    let mut served = Served::guarded().await;
    served.define().await;
    let owner = by(&served, OWNER).await;
    let of = |mode, path| profile(mode, path, OWNER, path);
    for decided in [
        of("Monitoring", "/a"),
        of("Monitoring", "/b"),
        of("Learning", "/c"),
    ] {
        put(&owner, PROFILES, &decided).await.unwrap();
    }
    owner.delete(&format!("{PROFILES}/web")).await.unwrap();
    let alone = "LearnedProfiles are written by system:serviceaccount:lapwing:lapwing-controller";
    refused(put(&owner, LEARNED, &learned()).await, alone);
    // Nothing of it in another namespace.
    let elsewhere = PROFILES.replace("/shop/", "/other/");
    let failure = put(&owner, &elsewhere, &of("Monitoring", "/a"))
        .await
        .unwrap_err();
    assert_eq!(failure.status, 403, "{}", failure.text);
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn what_nodes_learned_is_the_controller_s_word() {
    let mut served = Served::guarded().await;
    served.define().await;
    let (writer, own) = (by(&served, WRITER).await, by(&served, CONTROLLER).await);
    let alone = "LearnedProfiles are written by system:serviceaccount:lapwing:lapwing-controller";
    refused(put(&writer, LEARNED, &learned()).await, alone);
    let mut made = put(&own, LEARNED, &learned()).await.unwrap();
    made["metadata"]["labels"] = json!({"team": "a"});
    let text = made.to_string().into_bytes();
    value(writer.replace(&format!("{LEARNED}/web"), text).await).unwrap();
    let mut said = learned();
    said["status"] = json!({"phase": "Ready", "nodes": 7});
    let status = format!("{LEARNED}/web/status?fieldManager=kubectl&force=true");
    let text = || said.to_string().into_bytes();
    refused(writer.apply(&status, text()).await, alone);
    value(own.apply(&status, text()).await).unwrap();
    for target in [&format!("{LEARNED}/web"), LEARNED] {
        refused(writer.delete(target).await, "needs the verb loosen");
    }
    own.delete(&format!("{LEARNED}/web")).await.unwrap();
}
