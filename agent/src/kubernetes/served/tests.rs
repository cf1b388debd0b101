//! What a server of these days makes of the definitions, and of objects that are right and wrong.

use super::*;
use crate::kubernetes::api::Failure;

const LIST: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";

/// An object that has each kind of entry.
fn good() -> Value {
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "workload": {"namespace": "shop", "kind": "Deployment", "name": "web", "container": "app"},
            "mode": "Monitoring",
            "exec": [{"path": "/bin/ls", "parent": "runtime"}],
            "files": [{"operation": "RENAME", "path": "/a", "target": "/b"},
                {"operation": "OPEN_READ", "pattern": "/etc/*", "by": "/bin/ls"}],
            "egress": [{"protocol": "TCP", "cidr": "10.0.0.0/8", "port": 443}],
            "listen": [{"protocol": "UNIX", "path": "/run/web"}],
            "dns": [{"name": "shop.test", "type": "A"}],
            "privileges": [{"operation": "CAPABILITY", "detail": "CHOWN"}],
        },
    })
}

/// The same with something else at one place; without it where that is nothing.
fn but(place: &str, other: Value) -> Value {
    let mut object = good();
    let (above, last) = place.rsplit_once('/').unwrap();
    let above = object.pointer_mut(above).unwrap();
    match other {
        Value::Null => drop(above.as_object_mut().unwrap().remove(last)),
        other => above[last] = other,
    }
    object
}

async fn make(api: &Api, object: &Value) -> Result<Value, Failure> {
    let target = format!("{LIST}?fieldValidation=Strict");
    value(api.create(&target, object.to_string().into_bytes()).await)
}

async fn apply(api: &Api, rest: &str, object: &Value) -> Result<Value, Failure> {
    let target = format!("{LIST}/web{rest}");
    value(api.apply(&target, object.to_string().into_bytes()).await)
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn definitions_are_taken_and_objects_judged_by_them() {
    let mut served = Served::start().await;
    let defined = served.define().await;
    assert_eq!(defined.len(), 2);
    for object in &defined {
        assert!(has(object, "NamesAccepted"), "{}", object["status"]);
        assert!(!has(object, "NonStructuralSchema"), "{}", object["status"]);
        let stored = &object["status"]["storedVersions"];
        assert_eq!(stored, &json!(["v1alpha1"]));
    }
    let api = served.api();
    api.connect().await.unwrap();
    for (wrong, said) in [
        (
            but("/spec/mode", json!("Loose")),
            "Unsupported value: \"Loose\"",
        ),
        (but("/spec/mode", Value::Null), "spec.mode: Required value"),
        (
            but("/spec/workload", Value::Null),
            "spec.workload: Required value",
        ),
        (but("/spec/workload/name", json!("")), "spec.workload.name"),
        (
            but("/spec/exec/0/path", Value::Null),
            "spec.exec[0].path: Required value",
        ),
        (
            but("/spec/exec/0/path", json!("/".repeat(16_385))),
            "may not be more than 16384",
        ),
        (
            but("/spec/exec/0/colour", json!("red")),
            "unknown field \"spec.exec[0].colour\"",
        ),
        (
            but("/spec/files/0/pattern", json!("/*")),
            "either path or pattern is needed",
        ),
        (
            but("/spec/files/0/target", Value::Null),
            "RENAME, LINK, SYMLINK and SETXATTR need a target",
        ),
        (but("/spec/files/1/by", Value::Null), "OPEN_READ needs by"),
        (
            but("/spec/files/0/by", json!("/bin/ls")),
            "OPEN_READ needs by",
        ),
        (
            but("/spec/egress/0/domain", json!("a.test")),
            "one of address, cidr, domain, path, cid and socket",
        ),
        (
            but("/spec/egress/0/cidr", Value::Null),
            "one of address, cidr, domain, path, cid and socket",
        ),
        (
            but("/spec/egress/0/number", json!(7)),
            "number belongs to the protocol OTHER",
        ),
        (
            but("/spec/listen/0/path", Value::Null),
            "path belongs to UNIX",
        ),
        (
            but("/spec/listen/0/number", json!(7)),
            "number belongs to the protocol OTHER",
        ),
        (
            but("/spec/privileges/0/operation", json!("ANY")),
            "Unsupported value: \"ANY\"",
        ),
    ] {
        let refused = make(&api, &wrong).await.unwrap_err();
        assert!(
            [400, 422].contains(&refused.status),
            "{said}: {}",
            refused.text
        );
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    make(&api, &good()).await.unwrap();
    // It is of one workload for good.
    let other = but("/spec/workload/name", json!("api"));
    let refused = apply(&api, "?fieldManager=kustomize&force=true", &other).await;
    let refused = refused.unwrap_err();
    assert!(
        refused
            .text
            .contains("a profile is of one workload for good"),
        "{}",
        refused.text
    );
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn people_own_the_spec_and_machines_the_status() {
    let mut served = Served::start().await;
    served.define().await;
    let api = served.api();
    api.connect().await.unwrap();
    let made = apply(&api, "?fieldManager=gitops", &good()).await.unwrap();
    assert_eq!(made["metadata"]["generation"], 1);
    // Another who owns nothing of it is told whose it is.
    let loose = but("/spec/mode", json!("Learning"));
    let refused = apply(&api, "?fieldManager=somebody", &loose)
        .await
        .unwrap_err();
    assert!(refused.is_conflict(), "{}", refused.text);
    assert!(
        refused.text.contains("conflict with \"gitops\""),
        "{}",
        refused.text
    );
    assert!(refused.text.contains(".spec.mode"), "{}", refused.text);
    // The same again is no change.
    let same = apply(&api, "?fieldManager=gitops", &good()).await.unwrap();
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&same), version(&made));
    // The columns that people read.
    let table = served.table(LIST).await;
    assert_eq!(
        table.columns,
        [
            "Name",
            "Kind",
            "Workload",
            "Container",
            "Mode",
            "In force",
            "Reason",
            "Refused",
            "Age"
        ]
    );
    let of = |column: &str| table.cell("web", column);
    assert_eq!(
        (of("Kind"), of("Mode")),
        (json!("Deployment"), json!("Monitoring"))
    );
    // Nobody said yet what became of it.
    assert_eq!((of("In force"), of("Reason")), (Value::Null, Value::Null));
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn the_largest_profile_is_taken_and_what_is_larger_is_refused() {
    let mut served = Served::start().await;
    served.define().await;
    let api = served.api();
    api.connect().await.unwrap();
    let of = |many: usize, long: usize| {
        let one = |n: usize| json!({"path": format!("/{n:0long$}"), "parent": "runtime"});
        but("/spec/exec", (0..many).map(one).collect())
    };
    // As much as fits in an object: the rules are judged in the budget that the server has for them.
    let made = make(&api, &of(10_000, 60)).await.unwrap();
    assert_eq!(made["spec"]["exec"].as_array().unwrap().len(), 10_000);
    api.delete(&format!("{LIST}/web")).await.unwrap();
    let refused = make(&api, &of(10_001, 60)).await.unwrap_err();
    assert!(
        refused.text.contains("must have at most 10000 items"),
        "{}",
        refused.text
    );
    // The same of what has rules.
    let file = |n: usize| json!({"operation": "RENAME", "path": format!("/{n}"), "target": "/x"});
    let mut full = but("/spec/files", (0..10_000).map(file).collect());
    let to = |n: u32| json!({"protocol": "TCP", "address": format!("10.0.{}.{}", n >> 8, n & 255), "port": 1});
    full["spec"]["egress"] = (0..10_000).map(to).collect();
    let made = make(&api, &full).await.unwrap();
    assert_eq!(made["spec"]["egress"].as_array().unwrap().len(), 10_000);
}
