//! One object that cannot be had does not keep agents from the others.

use super::disk::{again, until};
use super::*;
use crate::kubernetes::double::Pace;

fn stuck(uid: &str) -> Pace {
    Pace {
        stuck: Some(uid.to_owned()),
        ..Pace::default()
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_had_is_named_and_stays_as_it_was() {
    let cluster = Cluster::new();
    let (web, db) = (profile("shop", &["/bin/ls"]), profile("bank", &["/bin/id"]));
    cluster.put(object("web", 1, &web));
    cluster.put(object("web", 2, &db));
    let mut followed = begin(&cluster, Signatures::default());
    let told = [followed.next().await, followed.next().await];
    assert!(told.contains(&in_force("shop/web", &web)), "{told:?}");
    followed.listed().await;
    // All is listed anew: one of them stops in the middle, another is new, and one is gone.
    cluster.pace(stuck("shop-web"));
    cluster.fare(Mood::Forgetful(true));
    let other = profile("mill", &["/bin/id"]);
    cluster.put(object("web", 3, &other));
    assert_eq!(followed.ever().await, in_force("mill/web", &other));
    let status = followed.status();
    assert_eq!(status.objects, 3, "{status:?}");
    assert!(
        status
            .last_error
            .contains("shop/web of the BehaviorProfiles is left out"),
        "{status:?}"
    );
    // Until it can be had again.
    cluster.pace(Pace::default());
    cluster.delete("bank-web");
    cluster.delete("shop-web");
    let told = [
        followed.ever().await,
        followed.ever().await,
        followed.ever().await,
    ];
    assert!(told.contains(&News::Gone(web.workload)), "{told:?}");
    assert!(told.contains(&News::Gone(db.workload)), "{told:?}");
    assert_eq!(followed.status().state(), State::Connected);
}

/// Also of those that are known from before a restart.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_had_after_a_restart_is_as_it_was_before() {
    let cluster = Cluster::new();
    let (web, other) = (profile("shop", &["/bin/ls"]), profile("mill", &["/bin/id"]));
    cluster.put(object("web", 1, &web));
    let mut followed = begin(&cluster, Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &web));
    followed.listed().await;
    until(&followed, |files| files.len() == 1).await;
    cluster.put(object("web", 3, &other));
    cluster.pace(stuck("shop-web"));
    let mut followed = again(followed, &cluster, Signatures::default());
    assert_eq!(followed.ever().await, in_force("shop/web", &web));
    assert_eq!(followed.ever().await, in_force("mill/web", &other));
    tokio::time::sleep(LONG).await;
    followed.none();
    assert_eq!(followed.status().objects, 2);
}

/// Where hardly anything comes but names, that is not the objects' fault.
#[tokio::test(start_paused = true)]
async fn an_api_that_has_names_alone_is_away() {
    let cluster = Cluster::new();
    for number in 0..40 {
        let mut one = object("web", 1, &profile("shop", &["/bin/ls"]));
        one["metadata"]["uid"] = json!(format!("u{number}"));
        one["metadata"]["namespace"] = json!(format!("n{number}"));
        cluster.put(one);
    }
    cluster.pace(Pace {
        names_alone: true,
        ..Pace::default()
    });
    let followed = begin(&cluster, Signatures::default());
    tokio::time::sleep(LONG).await;
    followed.none();
    let status = followed.status();
    assert_eq!(status.state(), State::Retrying, "{status:?}");
}
