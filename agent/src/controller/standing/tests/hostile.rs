//! Nodes that lie.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_a_node_says_is_cut_and_made_visible() {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    let long = format!("\u{1b}[2J{}", "x".repeat(1 << 20));
    leader.tell("n1", vec![state(&web, 1, Some(("not a word", &long)))]);
    // Twenty more, each with a reason of its own.
    for number in 0..20 {
        let why = format!("why {number}");
        let one = state(&web, u32::MAX, Some(("Reason", &why)));
        leader.tell(&format!("m{number}"), vec![one]);
    }
    leader.pass(5).await;
    let told = whole_condition(&cluster, "shop-web", "Refused");
    let message = told["message"].as_str().unwrap();
    assert!(
        message.len() < 3 << 10 && !message.contains('\u{1b}'),
        "{message:?}"
    );
    assert!(message.ends_with("and 18 other reasons"), "{message}");
    assert_eq!(nodes(&cluster, "shop-web")["refused"], 21);
    let text = cluster.there("shop-web").unwrap().to_string();
    assert!(!text.contains("not a word"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_a_node_tells_of_nothing_has_bounds_and_is_of_no_object() {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    let lies = (0..10_000).map(|number| {
        let mut one = state(&web, 1, None);
        one.uid = format!("lie-{number}");
        one
    });
    leader.tell("n1", lies.collect());
    leader.tell("n2", vec![state(&web, 1, None)]);
    leader.pass(5).await;
    assert_eq!(cluster.written().statuses, 1);
    assert_eq!(leader.board.refused(), 10_000 - 4_096);
    // Who is not connected says nothing.
    let late = FollowBehaviorProfilesResponse {
        profiles: vec![state(&web, 1, Some(("Unsigned", "x")))],
        ..FollowBehaviorProfilesResponse::default()
    };
    leader.board.take("n2", 1, &late);
    leader.board.take("n9", 7, &late);
    leader.pass(20).await;
    assert_eq!(nodes(&cluster, "shop-web")["refused"], 0);
}
