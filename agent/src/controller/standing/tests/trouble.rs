//! An API that fails, objects that go, and what is done then.

use super::*;
use crate::controller::tests::stage::Log;
use crate::kubernetes::double::Mood;
use std::sync::atomic::{AtomicBool, Ordering};

async fn one() -> (Cluster, Value, Leader) {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    leader.tell("n1", vec![state(&web, 1, None)]);
    (cluster, web, leader)
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_not_written() {
    let (cluster, web, mut leader) = one().await;
    // The watch has not said so yet.
    cluster.delete("shop-web");
    leader.pass(20).await;
    assert_eq!(cluster.written().statuses, 0);
    leader.board.remove("shop-web");
    leader.tell("n1", vec![state(&web, 1, Some(("Unsigned", "x")))]);
    leader.pass(60).await;
    assert_eq!(cluster.written().all, 0);
    // Another one of its name is none of which that was said.
    let mut again = object("shop", "web", 1);
    again["metadata"]["uid"] = json!("another");
    cluster.put(again.clone());
    leader.board.put(seen(&object("shop", "web", 1)));
    leader.tell("n1", vec![state(&web, 2, None)]);
    leader.pass(20).await;
    assert!(cluster.there("another").unwrap()["status"].is_null());
    leader.board.replace(vec![seen(&again)]);
    leader.tell("n1", vec![state(&again, 1, None)]);
    leader.pass(20).await;
    assert_eq!(condition(&cluster, "another", "InForce").0, "True");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_taken_keeps_no_other_from_it_and_is_tried_less_and_less() {
    for status in [403, 422] {
        let (cluster, _, mut leader) = one().await;
        let db = object("bank", "db", 1);
        cluster.put(db.clone());
        leader.board.put(seen(&db));
        cluster.refuse_in("bank", status);
        for turn in 0..40 {
            // Others are written all the time.
            let web = object("shop", "web", 2 + turn);
            leader.hear(&cluster, web.clone());
            leader.tell(
                "n1",
                vec![state(&web, 1, None), state(&db, turn as u32 % 2 + 1, None)],
            );
            leader.pass(15).await;
        }
        assert!(cluster.there("bank-db").unwrap()["status"].is_null());
        let asked = cluster.asked();
        let tries = asked
            .iter()
            .filter(|target| target.contains("/bank/behaviorprofiles"))
            .count();
        assert!((2..10).contains(&tries), "{tries} tries");
        assert_eq!(leader.board.figures().failing, 1);
        cluster.allow_in("bank");
        leader.pass(600).await;
        assert_eq!(condition(&cluster, "bank-db", "InForce").0, "True");
        assert_eq!(leader.board.figures().failing, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_api_did_not_take_is_written_when_it_is_back() {
    for mood in [
        Mood::Down,
        Mood::Refusing(503, None),
        Mood::Refusing(429, Some(1)),
        Mood::Refusing(403, None),
    ] {
        let (cluster, _, leader) = one().await;
        cluster.fare(mood);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(leader.writer.write_due().await.is_err());
        cluster.fare(Mood::Well);
        leader.pass(45).await;
        assert_eq!(condition(&cluster, "shop-web", "InForce").0, "True");
        assert_eq!(events(&cluster), [is("InForce", "Normal")]);
    }
}

/// A namespace that ends is nobody's failure.
#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_gone_is_left_alone() {
    let (cluster, _, leader) = one().await;
    cluster.delete("shop-web");
    cluster.without("shop");
    leader.pass(120).await;
    let asked = cluster.asked();
    let tries = asked
        .iter()
        .filter(|target| target.contains("/shop/behaviorprofiles"))
        .count();
    assert_eq!(tries, 1, "{asked:?}");
}

/// What becomes of an object is logged once, be it that its Events are refused and its status for long.
#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_not_logged_each_time() {
    let (log, _guard) = Log::begin();
    let (cluster, _, leader) = one().await;
    let told = || log.text().matches("it is in force on 1 node").count();
    cluster.refuse_in("shop", 422);
    leader.pass(300).await;
    assert_eq!(told(), 0, "{}", log.text());
    assert!(cluster.asked().len() > 5);
    cluster.allow_in("shop");
    cluster.forbid("events");
    leader.pass(700).await;
    assert_eq!(condition(&cluster, "shop-web", "InForce").0, "True");
    assert_eq!(told(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_panics_is_made_again() {
    let (cluster, _, leader) = one().await;
    tokio::time::advance(Duration::from_secs(5)).await;
    let panicked = Arc::new(AtomicBool::new(false));
    let written = leader.writer.write_by(|_, _| {
        let panicked = Arc::clone(&panicked);
        async move {
            panicked.store(true, Ordering::Relaxed);
            panic!("as a fault would")
        }
    });
    assert!(written.await.is_err());
    assert!(panicked.load(Ordering::Relaxed));
    leader.pass(5).await;
    assert_eq!(condition(&cluster, "shop-web", "InForce").0, "True");
}
