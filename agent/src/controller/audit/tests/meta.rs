//! What is kept of metadata.

use crate::controller::audit::{ACTOR, Meta, REASON};
use serde_json::{Value, json};

/// Nothing that is told of hangs on the rest, which may be a megabyte for each object.
#[test]
fn what_is_left_out_of_metadata_is_told_by_nobody() {
    let many: serde_json::Map<_, _> = { 0..2_000 }
        .map(|number| {
            (
                format!("k:{{\"path\":\"/bin/{number}\"}}"),
                json!({".": {}}),
            )
        })
        .collect();
    let entry = |manager: &str, time: &str, metadata: Value| {
        json!({"manager": manager, "operation": "Apply", "time": time,
            "fieldsV1": {"f:spec": {"f:exec": many}, "f:metadata": metadata, "f:status": many}})
    };
    let annotations = json!({"f:annotations": {"f:lapwing.dev/actor": {}, "f:else": {}},
        "f:labels": {"f:lapwing.dev/mode": {}}});
    let object = json!({"uid": "u", "name": "web", "namespace": "shop", "generation": 3,
        "labels": {"lapwing.dev/mode": "off", "else": "x".repeat(100_000)},
        "annotations": {ACTOR: "ann", REASON: "reviewed", "else": "x".repeat(100_000)},
        "managedFields": [entry("kubectl", "2026-01-01T00:00:00Z", json!({})),
            entry("lapwing", "2026-01-02T00:00:00Z", annotations), "none"]});
    let read = || serde_json::from_value::<Meta>(object.clone()).unwrap();
    let (whole, pruned) = (read(), read().pruned());
    let mode = ["f:metadata", "f:labels", "f:lapwing.dev/mode"];
    for path in [&["f:spec"][..], &mode] {
        for before in [None, Some(""), Some(&*whole.record())] {
            assert_eq!(whole.said(path, before), pruned.said(path, before));
        }
    }
    assert_eq!(whole.record(), pruned.record());
    assert_eq!(
        whole.labels["lapwing.dev/mode"],
        pruned.labels["lapwing.dev/mode"]
    );
    assert!(
        whole.bytes() > 200_000 && pruned.bytes() < 2_000,
        "{}",
        pruned.bytes()
    );
}
