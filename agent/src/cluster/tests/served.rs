//! An agent that follows Kubernetes' own server of custom resources.

use super::*;
use crate::kubernetes::digest;
use crate::kubernetes::served::{Served, value};

const LIST: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";

/// Somebody applies it. Answers what is in force from then on.
async fn apply(people: &Api, programs: &[&str]) -> News {
    let target = format!("{LIST}/web?fieldManager=gitops&fieldValidation=Strict");
    let text = node::applied("web", programs, false).to_string();
    let made = value(people.apply(&target, text.into_bytes()).await).unwrap();
    let News::InForce(mut offer) = in_force("shop/web", &profile("shop", programs)) else {
        unreachable!()
    };
    offer.version = Version {
        uid: made["metadata"]["uid"].as_str().unwrap().to_owned(),
        generation: made["metadata"]["generation"].as_i64().unwrap(),
        spec: digest::of_json(&serde_json::value::to_raw_value(&made["spec"]).unwrap()),
    };
    News::InForce(offer)
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn each_change_is_in_force_soon_and_none_is_lost_with_the_server() {
    let mut served = Served::start().await;
    served.define().await;
    let people = served.api();
    people.connect().await.unwrap();
    let first = apply(&people, &["/bin/ls"]).await;
    let mut followed = begin_at(served.reach(), Signatures::default());
    assert_eq!(followed.next().await, first);
    followed.listed().await;
    let second = apply(&people, &["/bin/ls", "/bin/id"]).await;
    assert_eq!(followed.next().await, second);
    // What is changed while the agent cannot ask comes when it can.
    served.restart().await;
    let third = apply(&people, &["/bin/id"]).await;
    assert_eq!(followed.ever().await, third);
    people.delete(&format!("{LIST}/web")).await.unwrap();
    assert_eq!(
        followed.next().await,
        News::Gone(profile("shop", &[]).workload)
    );
    followed.none();
}
