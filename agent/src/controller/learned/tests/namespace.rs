//! Namespaces that are deleted, and made anew under the same name.

use super::*;
use crate::controller::tests::stage::Log;
use crate::kubernetes::double::Ending;
use lapwing_profile::collected::object::Phase;

/// So many instances run there now.
fn tell(leader: &Leader, node: &str, profile: &Profile, instances: u32) {
    let message = message(profile, instances);
    leader.board.take(node, &message, clock::now());
}

/// How often something in the namespace was asked for since this was asked.
fn asked_in(cluster: &Cluster, namespace: &str) -> usize {
    let of = format!("/namespaces/{namespace}/");
    let all = cluster.asked();
    all.iter().filter(|one| one.contains(&of)).count()
}

fn is_quiet(log: &Log) {
    let text = log.text();
    for word in ["forbidden", "denied", "not found", "ClusterRole", "ERROR"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_is_no_failure_and_one_that_is_made_anew_begins_again() {
    let (log, _logging) = Log::begin();
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), true).await;
    let (web, db) = (workload("shop", "web"), workload("pay", "db"));
    let profile = learned(&web, 40, &[exec("a")]);
    for node in ["n1", "n2"] {
        tell(&leader, node, &profile, 1);
    }
    leader.settle().await;
    assert_eq!(events(&cluster, "Promoted").len(), 1);
    let name = "shop/deployment-web-app".to_owned();
    leader.board.promoted_of(&web, Some(&name));
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).phase, Phase::Promoted);

    // Its objects go first; its pods take their time.
    cluster.end_namespace("shop", Some(Ending::Terminating));
    cluster.disown(&object::path(&web));
    leader.board.promoted_of(&web, None);
    cluster.asked();
    for _ in 0..30 {
        leader.settle().await;
    }
    let tries = asked_in(&cluster, "shop");
    assert!((2..=8).contains(&tries), "{tries}");
    assert_eq!(leader.board.figures().failing, 0, "nothing is wrong");
    assert!(leader.board.find("shop/Deployment/web/app").is_some());
    // Then the namespace is gone. That an instance ended no agent tells by itself.
    cluster.end_namespace("shop", Some(Ending::Gone));
    for _ in 0..60 {
        leader.settle().await;
    }
    assert!(leader.board.workloads().is_empty());
    // Nodes have their files still.
    cluster.asked();
    for node in ["n1", "n2", "n3"] {
        tell(&leader, node, &profile, 0);
    }
    for round in 0..100 {
        let news = learned(&db, 1, &[exec(&round.to_string())]);
        tell(&leader, "n1", &news, 1);
        leader.settle().await;
    }
    assert_eq!(asked_in(&cluster, "shop"), 0);
    assert_eq!(status_of(&cluster, &db).behaviours, 100, "others go on");
    let figures = leader.board.figures();
    assert_eq!((figures.failing, figures.unwritten), (0, 0));

    // Another leader asks once.
    let leader = Leader::begin(&cluster, rules(), true).await;
    cluster.asked();
    for node in ["n1", "n2", "n3"] {
        tell(&leader, node, &profile, 0);
        for _ in 0..5 {
            leader.settle().await;
        }
    }
    assert_eq!(asked_in(&cluster, "shop"), 1);
    assert_eq!(leader.board.workloads(), [Arc::new(db)]);
    assert_eq!(leader.board.figures().failing, 0);

    // One of that name with what was approved before: it is in force, nothing else is made, and learning begins again.
    cluster.end_namespace("shop", None);
    leader.board.promoted_of(&web, Some(&name));
    tell(&leader, "n3", &learned(&web, 10, &[exec("b")]), 1);
    leader.settle().await;
    let status = status_of(&cluster, &web);
    assert_eq!((status.phase, status.nodes), (Phase::Promoted, 1));
    assert_eq!(status.behaviours, 1);
    assert!(cluster.written_objects("behaviorprofiles").is_empty());
    // What a node has of it from before is of the same workload.
    tell(&leader, "n1", &profile, 0);
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).nodes, 2);
    is_quiet(&log);
}

#[tokio::test(start_paused = true)]
async fn who_runs_in_one_that_is_made_anew_waits_for_no_more_than_the_interval() {
    let (log, _logging) = Log::begin();
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let profile = learned(&workload("shop", "web"), 10, &[exec("a")]);
    // One that is told of in a namespace that there is not is asked for once, each time that it is.
    cluster.end_namespace("shop", Some(Ending::Gone));
    cluster.asked();
    tell(&leader, "n1", &profile, 1);
    for _ in 0..100 {
        leader.settle().await;
    }
    assert_eq!(asked_in(&cluster, "shop"), 1);
    assert!(leader.board.workloads().is_empty());
    // The last of those that run where it ends takes along what was learned, at once.
    cluster.end_namespace("shop", Some(Ending::Terminating));
    tell(&leader, "n1", &profile, 1);
    for _ in 0..20 {
        leader.settle().await;
    }
    assert_eq!(leader.board.workloads().len(), 1);
    tell(&leader, "n1", &profile, 0);
    leader.settle().await;
    assert!(leader.board.workloads().is_empty());
    tell(&leader, "n1", &profile, 1);
    for _ in 0..100 {
        leader.settle().await;
    }
    assert_eq!(leader.board.figures().failing, 0);
    cluster.end_namespace("shop", None);
    tell(&leader, "n1", &profile, 2);
    leader.settle().await;
    assert_eq!(status_of(&cluster, &profile.workload).behaviours, 1);
    is_quiet(&log);
    // A right that is missing is another thing.
    cluster.refuse_in("shop", 403);
    let news = learned(&profile.workload, 10, &[exec("b")]);
    tell(&leader, "n1", &news, 3);
    tokio::time::advance(Duration::from_secs(11)).await;
    let failure = leader.writer.write_due().await;
    assert!(failure.is_ok(), "others were written a moment ago");
    assert_eq!(leader.board.figures().failing, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_promoted_into_a_namespace_that_ends() {
    let (log, _logging) = Log::begin();
    let cluster = Cluster::new();
    let web = workload("shop", "web");
    let leader = Leader::begin(&cluster, rules(), false).await;
    for node in ["n1", "n2"] {
        leader.take(node, &learned(&web, 40, &[exec("a")]));
    }
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).phase, Phase::Ready);
    cluster.end_namespace("shop", Some(Ending::Terminating));
    let leader = Leader::begin(&cluster, rules(), true).await;
    for node in ["n1", "n2"] {
        leader.take(node, &learned(&web, 40, &[exec("a")]));
    }
    cluster.asked();
    for _ in 0..60 {
        leader.settle().await;
    }
    assert!(cluster.written_objects("behaviorprofiles").is_empty());
    let tries = asked_in(&cluster, "shop");
    assert!((2..=8).contains(&tries), "{tries}");
    let said = log
        .text()
        .matches("its BehaviorProfile is not made")
        .count();
    assert_eq!(said, 1);
    is_quiet(&log);
}
