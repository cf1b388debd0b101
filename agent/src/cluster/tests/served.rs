//! An agent that follows Kubernetes' own server of custom resources.

use super::*;
use crate::kubernetes::served::Served;

const LIST: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";

/// As people apply it: what the server gives by itself is not in it.
fn applied(of: &Profile) -> Vec<u8> {
    let mut object = object("web", 1, of);
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|name, _| name == "name" || name == "namespace");
    object.to_string().into_bytes()
}

#[tokio::test]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn each_change_is_in_force_soon_and_none_is_lost_with_the_server() {
    let mut served = Served::start().await;
    served.define().await;
    let people = served.api();
    people.connect().await.unwrap();
    let target = format!("{LIST}/web?fieldManager=gitops&fieldValidation=Strict");
    let first = profile("shop", &["/bin/ls"]);
    people.apply(&target, applied(&first)).await.unwrap();
    let mut followed = begin_at(served.reach(), Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &first));
    followed.listed().await;
    let second = profile("shop", &["/bin/ls", "/bin/id"]);
    people.apply(&target, applied(&second)).await.unwrap();
    assert_eq!(followed.next().await, in_force("shop/web", &second));
    // What is changed while the agent cannot ask comes when it can.
    served.restart().await;
    let third = profile("shop", &["/bin/id"]);
    people.apply(&target, applied(&third)).await.unwrap();
    assert_eq!(followed.ever().await, in_force("shop/web", &third));
    people.delete(&format!("{LIST}/web")).await.unwrap();
    assert_eq!(followed.next().await, News::Gone(third.workload.clone()));
    followed.none();
}
