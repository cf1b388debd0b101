//! The controller at Kubernetes' own server of custom resources.

use super::*;
use crate::cli::profile_object::manifest;
use crate::kubernetes::api::Reach;
use crate::kubernetes::served::core_api::CONTROLLER;
use crate::kubernetes::served::{Served, has};
use lapwing_profile::collected::object::Phase;
use lapwing_profile::decide::By;
use lapwing_profile::file::object::{ACTOR, Object, REASON};

const LIST: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop";

/// With no wait between what is written.
fn at_once() -> Rules {
    Rules {
        interval: Duration::ZERO,
        ..rules()
    }
}

/// A controller that leads: its objects are at the server, all else at the double.
async fn begin(cluster: &Cluster, served: &Served, promotes: bool) -> Leader {
    begin_by(cluster, &served.reach(), promotes).await
}

/// The same by this way to the server.
async fn begin_by(cluster: &Cluster, reach: &Reach, promotes: bool) -> Leader {
    let (client, _) = reach().await.unwrap();
    Leader::at(cluster.reach_beside(&client), at_once(), promotes).await
}

async fn all(served: &Served, plural: &str) -> Vec<Value> {
    let api = served.api();
    api.connect().await.unwrap();
    let body = api.get(&format!("{LIST}/{plural}")).await.unwrap();
    let list: Value = serde_json::from_slice(&body).unwrap();
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn what_nodes_learned_is_an_object_that_is_promoted_and_outlives_all() {
    let mut served = Served::start().await;
    served.define().await;
    let (cluster, web) = (Cluster::new(), workload("shop", "web"));
    let lines = [exec("a"), exec("b")];
    let leader = begin(&cluster, &served, false).await;
    for node in ["n1", "n2"] {
        leader.take(node, &learned(&web, 40, &lines));
    }
    leader.writer.write_due().await.unwrap();
    let objects = all(&served, "learnedprofiles").await;
    assert_eq!(objects.len(), 1);
    let made = &objects[0];
    let status: Status = serde_json::from_value(made["status"].clone()).unwrap();
    assert_eq!(
        (status.phase, status.nodes, status.behaviours),
        (Phase::Ready, 2, 2)
    );
    assert!(has(made, "Ready"), "{}", made["status"]);
    assert_eq!(made["spec"]["workload"]["name"], "web");
    // Each part has one owner.
    let managed = made["metadata"]["managedFields"].as_array().unwrap();
    let mut owners: Vec<(&str, &str)> = { managed.iter() }
        .map(|one| {
            let part = one["subresource"].as_str().unwrap_or_default();
            (one["manager"].as_str().unwrap(), part)
        })
        .collect();
    owners.sort_unstable();
    assert_eq!(owners, [(object::MANAGER, ""), (object::MANAGER, "status")]);
    // What is no news is not written, by another leader neither, at a server that came anew.
    served.restart().await;
    let second = begin(&cluster, &served, true).await;
    for node in ["n1", "n2"] {
        second.take(node, &learned(&web, 40, &lines));
    }
    second.writer.write_due().await.unwrap();
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(
        version(&all(&served, "learnedprofiles").await[0]),
        version(made)
    );
    // It may be promoted: the object is one that the server takes, word by word.
    second.writer.promote_ready().await;
    let promoted = all(&served, "behaviorprofiles").await;
    assert_eq!(promoted.len(), 1, "{:?}", events(&cluster, "NotPromoted"));
    assert_eq!(promoted[0]["spec"]["mode"], "Monitoring");
    assert_eq!(promoted[0]["spec"]["exec"].as_array().unwrap().len(), 2);
    assert_eq!(events(&cluster, "Promoted").len(), 1);
}

/// With the rights of its own ClusterRole and no others, where the chart's policies want a record.
#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn the_controller_may_all_that_it_does_where_policies_are_in_force() {
    let mut served = Served::guarded().await;
    served.define().await;
    let (cluster, web) = (Cluster::new(), workload("shop", "web"));
    let leader = begin_by(&cluster, &served.reach_as(CONTROLLER), true).await;
    for node in ["n1", "n2"] {
        leader.take(node, &learned(&web, 40, &[exec("a")]));
    }
    leader.writer.write_due().await.unwrap();
    leader.writer.promote_ready().await;
    let objects = all(&served, "learnedprofiles").await;
    assert!(has(&objects[0], "Ready"), "{}", objects[0]["status"]);
    let promoted = all(&served, "behaviorprofiles").await;
    assert_eq!(promoted.len(), 1, "{:?}", events(&cluster, "NotPromoted"));
    let annotations = &promoted[0]["metadata"]["annotations"];
    assert_eq!(annotations["lapwing.dev/actor"], CONTROLLER);
}

/// As people change what the controller made, and what stays of who wrote it.
#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn people_take_over_what_was_promoted() {
    let mut served = Served::start().await;
    served.define().await;
    let (cluster, web) = (Cluster::new(), workload("shop", "web"));
    let leader = begin(&cluster, &served, true).await;
    for node in ["n1", "n2"] {
        leader.take(node, &learned(&web, 40, &[exec("a")]));
    }
    leader.writer.write_due().await.unwrap();
    let api = served.api();
    api.connect().await.unwrap();
    // As it is printed, changed and made an object again.
    let change = async |entry: &str, annotations: &[(&str, &str)], force: bool| {
        let now = all(&served, "behaviorprofiles").await.remove(0);
        let mut object = Object::from_yaml(now.to_string().as_bytes()).unwrap();
        let by = By {
            actor: "ann",
            reason: "new",
            at: 1,
        };
        let entry = Entry::parse(entry).unwrap();
        object.profile.approve(&entry, by).unwrap();
        let mut metadata = object.metadata().unwrap();
        for (key, text) in annotations {
            metadata.annotations.insert((*key).into(), (*text).into());
        }
        let name = metadata.name.clone();
        let text = manifest(&object.profile, metadata, "").unwrap();
        let body: Value = serde_saphyr::from_str(&text).unwrap();
        let target = format!(
            "{LIST}/behaviorprofiles/{name}?fieldManager=kubectl&fieldValidation=Strict&force={force}"
        );
        api.apply(&target, body.to_string().into_bytes()).await
    };
    let annotation = async |key: &str| {
        let now = all(&served, "behaviorprofiles").await.remove(0);
        now["metadata"]["annotations"][key].clone()
    };
    let conflict = change(&exec("b"), &[], false).await.unwrap_err();
    assert!(conflict.is_conflict(), "{}", conflict.text);
    assert!(conflict.text.contains(object::MANAGER), "{}", conflict.text);
    change(&exec("b"), &[], true).await.unwrap();
    // Which tells of no change but the controller's own.
    assert_eq!(annotation(ACTOR).await, CONTROLLER);
    // That list is theirs now, and another is not yet.
    change(&exec("c"), &[], false).await.unwrap();
    let listen = "listen: {protocol: TCP, port: 8080}";
    let conflict = change(listen, &[], false).await.unwrap_err();
    assert!(conflict.is_conflict(), "{}", conflict.text);
    let said = [(ACTOR, "ann"), (REASON, "new in 1.4")];
    change(listen, &said, true).await.unwrap();
    assert_eq!(annotation(ACTOR).await, "ann");
    assert_eq!(annotation(REASON).await, "new in 1.4");
}
