//! Nodes that are not heard, or not all of them, and workloads that run now and then.

use super::*;
use crate::controller::standing::board::REST;
use crate::controller::standing::nodes::{GRACE, LONG};

impl Leader {
    /// There are pods of agents on these nodes.
    fn expect(&self, nodes: &[&str]) {
        self.board.expect(nodes.iter().copied());
    }

    /// The agent on it is of a version that cannot tell.
    fn mute(&mut self, node: &str) {
        self.join(node);
        self.board.is_mute(node, self.joins[node]);
    }
}

const NODES: [&str; 4] = ["n1", "n2", "n3", "n4"];

/// The object as a leader left it that heard all nodes, of which the last one refused it or not.
async fn known(refuses: bool) -> (Cluster, Value) {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    leader.expect(&NODES);
    for node in NODES {
        let why = Some(("Unsigned", "nobody signed it"));
        let why = why.filter(|_| refuses && node == "n4");
        leader.tell(node, vec![state(&web, 1, why)]);
    }
    leader.pass(5).await;
    cluster.written();
    (cluster, web)
}

#[tokio::test(start_paused = true)]
async fn agents_that_cannot_be_reached_change_nothing_for_long() {
    let (cluster, web) = known(false).await;
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    leader.expect(&NODES);
    for node in NODES {
        leader.tell(node, vec![state(&web, 1, None)]);
    }
    leader.pass(5).await;
    for node in NODES {
        leader.part(node);
    }
    leader.pass(LONG.as_secs() - 10).await;
    assert_eq!(cluster.written().all, 0);
    for node in NODES {
        leader.tell(node, vec![state(&web, 1, None)]);
    }
    leader.pass(2 * LONG.as_secs()).await;
    assert_eq!(cluster.written().all, 0);
    // If they stay away it is said that nothing is known, and not that it runs nowhere.
    for node in NODES {
        leader.part(node);
    }
    leader.pass(LONG.as_secs() + REST.as_secs() + 15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("Unknown", "NotHeard")
    );
    assert_eq!(
        condition(&cluster, "shop-web", "Refused"),
        is("Unknown", "NotHeard")
    );
    for node in NODES {
        leader.tell(node, vec![state(&web, 1, None)]);
    }
    leader.pass(60).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "4/4");
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_says_nothing_of_all_while_it_hears_some() {
    for refuses in [false, true] {
        let (cluster, web) = known(refuses).await;
        let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
        leader.expect(&NODES);
        leader.pass(60).await;
        assert_eq!(cluster.written().all, 0);
        for node in ["n1", "n2"] {
            leader.tell(node, vec![state(&web, 1, None)]);
        }
        leader.pass(60).await;
        assert_eq!(cluster.written().all, 0);
        // That one refuses it is known from that one.
        let why = Some(("BadSignature", "it is damaged"));
        leader.tell("n1", vec![state(&web, 1, why)]);
        leader.pass(15).await;
        let told = whole_condition(&cluster, "shop-web", "Refused");
        let text = "1 node (n1): it is damaged; 2 nodes are not heard";
        assert_eq!(
            (&told["status"], &told["message"]),
            (&json!("True"), &json!(text))
        );
        // It does no longer, and nobody knows of the others.
        leader.tell("n1", vec![state(&web, 1, None)]);
        leader.pass(15).await;
        for kind in ["InForce", "Refused"] {
            assert_eq!(
                condition(&cluster, "shop-web", kind),
                is("Unknown", "NotHeard")
            );
        }
        for node in ["n3", "n4"] {
            leader.tell(node, vec![state(&web, 1, None)]);
        }
        leader.pass(15).await;
        assert_eq!(
            condition(&cluster, "shop-web", "InForce"),
            is("True", "AllNodes")
        );
        assert_eq!(condition(&cluster, "shop-web", "Refused").0, "False");
    }
}

#[tokio::test(start_paused = true)]
async fn another_generation_is_in_force_nowhere_until_all_are_heard() {
    let (cluster, _) = known(false).await;
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    leader.expect(&NODES);
    let web = object("shop", "web", 2);
    leader.hear(&cluster, web.clone());
    for node in ["n1", "n2", "n3"] {
        leader.tell(node, vec![state(&web, 1, None)]);
    }
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("Unknown", "NotHeard")
    );
    let told = whole_condition(&cluster, "shop-web", "InForce");
    assert_eq!(told["message"], "in force on 3 nodes; 1 node is not heard");
    // A node that died keeps nobody from it for ever.
    leader.pass(LONG.as_secs()).await;
    let told = whole_condition(&cluster, "shop-web", "InForce");
    assert_eq!(told["reason"], "AllNodes");
    let text =
        "in force on 3 nodes, all that are heard on which its workload runs; 1 node is not heard";
    assert_eq!(told["message"], text);
    let told = whole_condition(&cluster, "shop-web", "Refused");
    let text = "no node that is heard refuses it; 1 node is not heard";
    assert_eq!(
        (&told["status"], &told["message"]),
        (&json!("False"), &json!(text))
    );
    cluster.written();
    leader.pass(LONG.as_secs()).await;
    assert_eq!(cluster.written().all, 0);
    // It is no node any more.
    leader.expect(&NODES[..3]);
    leader.pass(GRACE.as_secs() + 65).await;
    let told = whole_condition(&cluster, "shop-web", "InForce");
    assert_eq!(
        told["message"],
        "in force on 3 nodes, all on which its workload runs"
    );
}

#[tokio::test(start_paused = true)]
async fn agents_that_cannot_tell_keep_all_from_what_the_first_says() {
    let cluster = Cluster::new();
    let (web, db) = (object("shop", "web", 1), object("shop", "db", 1));
    cluster.put(web.clone());
    cluster.put(db);
    let mut leader = Leader::begin(&cluster, &["shop-web", "shop-db"]).await;
    leader.expect(&NODES);
    for node in NODES {
        leader.mute(node);
    }
    assert!(leader.board.knows("n1"));
    leader.pass(3 * LONG.as_secs()).await;
    let figures = leader.board.figures();
    assert_eq!((figures.not_running, figures.nodes), (2, 0));
    // They are updated one after another.
    for (number, node) in NODES.iter().enumerate() {
        for uid in ["shop-web", "shop-db"] {
            for kind in ["InForce", "Refused"] {
                assert_eq!(
                    condition(&cluster, uid, kind),
                    is("Unknown", "NotHeard"),
                    "{number}"
                );
            }
        }
        leader.part(node);
        leader.pass(20).await;
        leader.tell(node, vec![state(&web, 1, None)]);
        leader.pass(70).await;
    }
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    assert_eq!(
        condition(&cluster, "shop-db", "InForce"),
        is("Unknown", "NotRunning")
    );
    let figures = leader.board.figures();
    assert_eq!((figures.in_force, figures.not_running), (1, 1));
    assert_eq!((figures.not_in_force, figures.nodes), (0, 4));
}

/// What found no room may be what keeps it from being in force.
#[tokio::test(start_paused = true)]
async fn what_found_no_room_is_not_taken_for_consent() {
    let cluster = Cluster::new();
    let (web, db) = (object("shop", "web", 1), object("shop", "db", 1));
    cluster.put(web.clone());
    cluster.put(db.clone());
    // The watch tells of one a little later than the nodes do.
    let mut leader = Leader::begin(&cluster, &["shop-db"]).await;
    let lies = (0..4_096).map(|number| {
        let mut one = state(&web, 1, None);
        one.uid = format!("lie-{number}");
        one
    });
    leader.tell("n1", lies.collect());
    leader.tell("n1", vec![state(&web, 1, Some(("Unsigned", "x")))]);
    leader.board.put(seen(&web));
    leader.tell("n2", vec![state(&web, 1, None), state(&db, 1, None)]);
    leader.pass(5).await;
    assert_eq!(leader.board.refused(), 1);
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("Unknown", "NotHeard")
    );
    assert_eq!(condition(&cluster, "shop-db", "InForce").0, "True");
    // So it is for one that it told of already.
    leader.tell("n1", vec![state(&db, 1, Some(("Unsigned", "x")))]);
    leader.pass(15).await;
    assert_eq!(condition(&cluster, "shop-db", "InForce").0, "Unknown");
    // Another generation is told of anew.
    let web = object("shop", "web", 2);
    leader.hear(&cluster, web.clone());
    leader.tell("n2", vec![state(&web, 1, None)]);
    leader.pass(15).await;
    assert_eq!(condition(&cluster, "shop-web", "InForce").0, "True");
}

#[tokio::test(start_paused = true)]
async fn a_node_counts_until_its_agent_is_gone_for_long() {
    let cluster = Cluster::new();
    let web = object("shop", "web", 1);
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    for node in ["n1", "n2"] {
        leader.tell(node, vec![state(&web, 1, None)]);
    }
    leader.pass(80).await;
    cluster.written();
    // An agent that is started anew, and before it went its new pod was there.
    leader.part("n1");
    leader.pass(GRACE.as_secs() - 2).await;
    leader.tell("n1", vec![state(&web, 1, None)]);
    let before = leader.joins["n2"];
    leader.tell("n2", vec![state(&web, 1, None)]);
    leader.join("n2");
    leader.tell("n2", vec![state(&web, 1, None)]);
    leader.board.left("n2", before);
    leader.pass(2 * GRACE.as_secs()).await;
    assert_eq!(cluster.written().all, 0);
    // One that stays away; and one on which the workload runs no longer.
    leader.part("n1");
    leader.pass(GRACE.as_secs() + 5).await;
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "1/1");
    leader.tell("n2", Vec::new());
    let gone = FollowBehaviorProfilesResponse {
        gone: vec!["shop-web".to_owned()],
        whole: true,
        ..FollowBehaviorProfilesResponse::default()
    };
    leader.board.take("n2", leader.joins["n2"], &gone);
    leader.pass(REST.as_secs() + 15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("Unknown", "NotRunning")
    );
    cluster.written();
    // What it told before it was started anew counts while it may not know its containers yet.
    let why = Some(("Unsigned", "x"));
    leader.tell("n2", vec![state(&web, 1, why)]);
    leader.pass(15).await;
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "0/1");
    leader.part("n2");
    leader.pass(5).await;
    leader.tell("n2", Vec::new());
    leader.pass(GRACE.as_secs() - 5).await;
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "0/1");
    leader.tell("n2", vec![state(&web, 1, why)]);
    leader.pass(60).await;
    assert_eq!(cluster.written().statuses, 1);
    // And no longer where it does not tell it again.
    leader.part("n2");
    leader.tell("n2", Vec::new());
    leader.pass(GRACE.as_secs() + 15).await;
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "0/0");
    assert_eq!(condition(&cluster, "shop-web", "Refused").0, "False");
}

/// Each run of a Job begins and ends, and the object says the same all the time.
#[tokio::test(start_paused = true)]
async fn a_workload_that_runs_again_and_again_is_in_force_between() {
    let cluster = Cluster::new();
    let (job, bad) = (object("shop", "job", 1), object("shop", "bad", 1));
    cluster.put(job.clone());
    cluster.put(bad.clone());
    let mut leader = Leader::begin(&cluster, &["shop-job", "shop-bad"]).await;
    let why = Some(("Unsigned", "nobody signed it"));
    let gone = FollowBehaviorProfilesResponse {
        gone: vec!["shop-job".to_owned()],
        whole: true,
        ..FollowBehaviorProfilesResponse::default()
    };
    for _ in 0..30 {
        leader.tell("n1", vec![state(&job, 1, None), state(&bad, 1, why)]);
        leader.pass(90).await;
        leader.tell("n1", vec![state(&bad, 0, why)]);
        leader.board.take("n1", leader.joins["n1"], &gone);
        leader.pass(90).await;
    }
    assert_eq!(condition(&cluster, "shop-job", "InForce").0, "True");
    assert_eq!(cluster.written().statuses, 2);
    // It runs no more.
    leader.pass(REST.as_secs() + 15).await;
    assert_eq!(
        condition(&cluster, "shop-job", "InForce"),
        is("Unknown", "NotRunning")
    );
    assert_eq!(nodes(&cluster, "shop-bad")["summary"], "0/0");
    assert_eq!(cluster.written().statuses, 2);
    leader.pass(120).await;
    assert_eq!(cluster.written().all, 0);
    // And that it does is news.
    leader.tell("n1", vec![state(&job, 1, None)]);
    leader.pass(15).await;
    assert_eq!(condition(&cluster, "shop-job", "InForce").0, "True");
}
