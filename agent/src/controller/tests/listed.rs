use super::stage::{CONTROLLER, Keys, pod};
use crate::config::controller::Agents;
use crate::controller::Known;
use crate::controller::fleet::{Fleet, Selection};
use crate::kubernetes::api::Api;
use crate::kubernetes::double::{Cluster, Pace};
use crate::kubernetes::watch::{Follower, follow};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// As many as are promised.
const AGENTS: usize = 20_000;

/// What the API has of an agent's pod besides: what each manager owns, its volumes, and how each container is.
fn besides() -> Arc<str> {
    let owned = json!({"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
        "f:spec": {"f:containers": {"k:{\"name\":\"agent\"}": {".": {}, "f:image": {}, "f:env": {}}}}});
    let manager = json!({"manager": "kube-controller-manager", "operation": "Update",
        "time": "2026-01-01T00:00:00Z", "fieldsV1": owned});
    let volume = json!({"name": "state", "hostPath": {"path": "/var/lib/lapwing", "type": "DirectoryOrCreate"}});
    let condition =
        json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let mut all = json!({"managedFields": [], "volumes": [], "conditions": []});
    while all.to_string().len() < 10_000 {
        for (key, one) in [
            ("managedFields", &manager),
            ("volumes", &volume),
            ("conditions", &condition),
        ] {
            all[key].as_array_mut().unwrap().push(one.clone());
        }
    }
    all.to_string().into()
}

/// Their pods are 200 MB as the API has them, of which little is kept.
#[tokio::test(start_paused = true)]
async fn twenty_thousand_agents_are_found() {
    let (cluster, keys) = (Cluster::new(), Keys::new());
    for number in 0..AGENTS {
        let name = format!("n{number}");
        cluster.put(pod(&name, &name, "", "Pending"));
    }
    cluster.pace(Pace {
        besides: Some(besides()),
        ..Pace::default()
    });
    let (certificate, key) = keys.client(CONTROLLER);
    let agents = Agents {
        authority: keys.ca(),
        certificate,
        key,
        ..Agents::default()
    };
    let selection = Selection {
        namespace: "lapwing".to_owned(),
        selector: "a=b".to_owned(),
        port: 1,
    };
    let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
    let known = Arc::new(Known::new(&agents));
    let fleet = Arc::new(Fleet::new(api, selection, known, Vec::new()));
    let following = Arc::clone(&fleet);
    let task = tokio::spawn(async move { follow(&*following).await });
    let begun = tokio::time::Instant::now();
    while !fleet.is_listed() {
        assert!(
            begun.elapsed() < Duration::from_secs(600),
            "{:?}",
            fleet.health().report()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(fleet.agents().len(), AGENTS);
    task.abort();
}
