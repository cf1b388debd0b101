use super::*;
use crate::kubernetes::double::{Mood, Written};
use lapwing_profile::collected::object::{Holds, Phase};
use std::time::Instant;

fn lines(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| exec(name)).collect()
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_nodes_come_to_one_object_with_few_writes() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let all: Vec<Workload> = (0..4).map(|n| workload("shop", &format!("w{n}"))).collect();
    let profiles: Vec<Profile> = { all.iter() }
        .map(|workload| learned(workload, 40, &lines(&["a", "b"])))
        .collect();
    let odd = learned(&all[0], 40, &lines(&["a", "odd"]));
    cluster.written();
    for number in 0..300 {
        let node = format!("n{number}");
        for profile in &profiles {
            leader.take(&node, profile);
        }
    }
    leader.take("n0", &odd);
    leader.settle().await;
    let written = cluster.written();
    let expected = Written {
        all: 12,
        statuses: 4,
        made: 4,
        events: 4,
        bytes: written.bytes,
        ..Written::default()
    };
    assert_eq!(written, expected);
    let status = status_of(&cluster, &all[0]);
    assert_eq!(status.phase, Phase::Ready);
    // Of more than 64 an estimate, about an eighth off.
    assert!((200..450).contains(&status.nodes), "{}", status.nodes);
    assert_eq!(
        (status.behaviours, status.pending, status.provisional),
        (2, 1, 1)
    );
    assert_eq!(status.unconfirmed, [exec("odd")]);
    let ready = status.condition("Ready").unwrap();
    assert_eq!(
        (ready.status, &*ready.reason),
        (Holds::True, "EvidenceComplete")
    );
    assert!(
        ready.message.contains("coverage at least"),
        "{}",
        ready.message
    );
    let proposal = status.profile.unwrap();
    let profile = Profile::from_yaml(proposal.replace("metadata:\n", "").lines().fold(
        String::new(),
        |text, line| match line.starts_with("  name: ") || line.starts_with("  namespace: ") {
            true => text,
            false => text + line + "\n",
        },
    ));
    let profile = profile.unwrap();
    assert_eq!(
        (profile.mode(), profile.approved_len()),
        (Mode::Monitoring, 2)
    );
    assert!(proposal.contains("  name: deployment-w0-app\n  namespace: shop\n"));
    let told = events(&cluster, "Ready");
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["regarding"]["kind"], "LearnedProfile");
    assert!(!told[0]["regarding"]["uid"].as_str().unwrap().is_empty());
    // All of them once more, and nothing is written.
    for number in 0..300 {
        for profile in &profiles {
            leader.take(&format!("n{number}"), profile);
        }
    }
    leader.settle().await;
    leader.settle().await;
    assert_eq!(cluster.written(), Written::default());
}

#[tokio::test(start_paused = true)]
async fn figures_alone_wait_and_news_do_not() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let web = workload("shop", "web");
    leader.take("n1", &learned(&web, 10, &lines(&["a"])));
    leader.settle().await;
    assert_eq!(cluster.written().statuses, 1);
    assert_eq!(status_of(&cluster, &web).phase, Phase::Learning);
    // It was seen again.
    leader.take("n1", &learned(&web, 12, &lines(&["a"])));
    leader.settle().await;
    assert_eq!(cluster.written().all, 0);
    tokio::time::advance(Duration::from_secs(600)).await;
    leader.settle().await;
    assert_eq!(cluster.written().statuses, 1);
    leader.take("n1", &learned(&web, 12, &lines(&["a", "b"])));
    leader.settle().await;
    assert_eq!(cluster.written().statuses, 1);
    assert_eq!(status_of(&cluster, &web).behaviours, 2);
    let unmet = status_of(&cluster, &web);
    let unmet = unmet.condition("Ready").unwrap();
    assert_eq!((unmet.status, &*unmet.reason), (Holds::False, "Incomplete"));
    assert!(
        unmet.message.contains("observed for 12 min of 30 min"),
        "{}",
        unmet.message
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dies_and_a_controller_that_does_lose_nothing() {
    let cluster = Cluster::new();
    let web = workload("shop", "web");
    let (common, first) = (lines(&["a"]), lines(&["a", "of-the-first"]));
    let mut leader = Leader::begin(&cluster, rules(), false).await;
    leader.take("n1", &learned(&web, 40, &first));
    leader.take("n2", &learned(&web, 40, &common));
    leader.settle().await;
    // Figures that are not written yet are when nobody else can tell them.
    leader.take("n1", &learned(&web, 45, &first));
    leader.settle().await;
    cluster.written();
    leader.board.gone("n1");
    leader.board.gone("n2");
    leader.settle().await;
    assert_eq!(cluster.written().statuses, 1);
    let known = status_of(&cluster, &web);
    for generation in 0..3 {
        // Each time in the middle of what comes.
        leader = Leader::begin(&cluster, rules(), false).await;
        cluster.written();
        leader.settle().await;
        assert_eq!(cluster.written().all, 0, "what is taken up is no news");
        let node = format!("m{generation}");
        leader.take(
            &node,
            &learned(&web, 40, &lines(&["a", &format!("of-{node}")])),
        );
        leader.settle().await;
    }
    let status = status_of(&cluster, &web);
    assert_eq!(status.nodes, known.nodes + 3);
    let (judged, ..) = leader.board.find("shop/Deployment/web/app").unwrap();
    for name in ["a", "of-the-first", "of-m0", "of-m1", "of-m2"] {
        let entry = Entry::parse(&exec(name)).unwrap();
        assert!(judged.profile.record(&entry).is_some(), "{name}");
    }
    assert_eq!(events(&cluster, "Ready").len(), 1, "once, whoever leads");
}

#[tokio::test(start_paused = true)]
async fn the_api_conflicts_fails_and_is_slow_and_what_is_known_is_written_in_the_end() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let (web, db) = (workload("shop", "web"), workload("gone", "db"));
    leader.take("n1", &learned(&web, 10, &lines(&["a"])));
    tokio::time::advance(Duration::from_secs(11)).await;
    cluster.refuse_writes(409, 1);
    leader.writer.write_due().await.unwrap();
    assert!(cluster.object(&object::path(&web)).is_none());
    // Not at once again.
    leader.writer.write_due().await.unwrap();
    assert_eq!(cluster.written().all, 1);
    tokio::time::advance(Duration::from_secs(11)).await;
    cluster.refuse_writes(503, 1);
    assert_eq!(leader.writer.write_due().await.unwrap_err().status, 503);
    cluster.fare(Mood::Down);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(leader.writer.write_due().await.is_err());
    cluster.fare(Mood::Well);
    cluster.forbid("learnedprofiles");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(leader.writer.write_due().await.unwrap_err().status, 403);
    cluster.allow();
    tokio::time::advance(Duration::from_secs(11)).await;
    cluster.slow_writes(Duration::from_secs(2));
    // A workload of a namespace that there is not keeps no other from being written.
    cluster.without("gone");
    leader.take("n1", &learned(&db, 10, &lines(&["a"])));
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).behaviours, 1);
    assert!(cluster.object(&object::path(&db)).is_none());
    // Somebody deletes it.
    cluster.disown(&object::path(&web));
    leader.take("n1", &learned(&web, 10, &lines(&["a", "b"])));
    leader.settle().await;
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).behaviours, 2);
}

#[tokio::test(start_paused = true)]
async fn what_one_object_is_refused_for_keeps_no_other_from_being_written() {
    for status in [403, 500] {
        let cluster = Cluster::new();
        cluster.refuse_in("going", status);
        let leader = Leader::begin(&cluster, rules(), false).await;
        let bad: Vec<Workload> = { 0..20 }
            .map(|number| workload("going", &format!("w{number}")))
            .collect();
        let good: Vec<Workload> = { 0..4 }
            .map(|number| workload("shop", &format!("w{number}")))
            .collect();
        let profile = learned(&bad[0], 10, &lines(&["a"]));
        let take = |workload: &Workload| {
            let mut profile = profile.clone();
            profile.workload = workload.clone();
            leader.take("n1", &profile);
        };
        bad.iter().for_each(take);
        tokio::time::advance(Duration::from_secs(11)).await;
        // Nothing else succeeds: it may be the API, and not all are tried.
        let failure = leader.writer.write_due().await.unwrap_err();
        assert_eq!(failure.status, status);
        assert!(cluster.written().all < 20);
        good.iter().for_each(take);
        // What was not tried comes before what failed.
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(11)).await;
            let _ = leader.writer.write_due().await;
        }
        for workload in &good {
            assert_eq!(status_of(&cluster, workload).behaviours, 1, "{status}");
        }
        // Each waits longer each time, ten minutes in the end.
        let mut tries = 0;
        for round in 0..210 {
            let news = learned(&good[0], 1, &lines(&[&round.to_string()]));
            leader.take("n1", &news);
            tokio::time::advance(Duration::from_secs(11)).await;
            leader.writer.write_due().await.unwrap();
            let asked = cluster.asked();
            if round >= 150 {
                tries += asked.iter().filter(|one| one.contains("/going/")).count();
            }
        }
        assert!((20..=40).contains(&tries), "{status}: {tries}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_takes_too_long_is_asked_for_in_smaller_parts() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    for number in 0..25 {
        let of = workload("shop", &format!("w{number}"));
        leader.take("n1", &learned(&of, 1, &lines(&["a"])));
    }
    leader.settle().await;
    // Of each five seconds are two objects.
    cluster.slow_lists(Duration::from_secs(2));
    let again = Leader::begin(&cluster, rules(), false).await;
    assert_eq!(again.board.workloads().len(), 25);
    cluster.slow_lists(Duration::from_secs(6));
    let failure = again.writer.take_up().await.unwrap_err();
    assert!(failure.is_late, "{failure:?}");
}

/// As etcd forgets what was, some minutes after.
#[tokio::test(start_paused = true)]
async fn a_list_that_takes_longer_than_the_past_is_remembered_goes_on_with_what_there_is() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    for number in 0..60 {
        let of = workload("shop", &format!("w{number}"));
        leader.take("n1", &learned(&of, 1, &lines(&["a"])));
    }
    leader.settle().await;
    // Ten objects take a second.
    cluster.slow_lists(Duration::from_millis(100));
    cluster.forget_lists(Duration::from_millis(2_500), true);
    let again = Leader::begin(&cluster, rules(), false).await;
    assert_eq!(again.board.workloads().len(), 60);
    // Where it is not said how to go on it is begun anew, after a rest.
    cluster.forget_lists(Duration::from_millis(2_500), false);
    let failure = again.writer.take_up().await.unwrap_err();
    assert!(failure.is_gone(), "{failure:?}");
    cluster.forget_lists(Duration::from_secs(60), false);
    again.writer.take_up().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_seen_nowhere_is_forgotten_loudly_and_does_not_come_back() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let (web, db) = (workload("shop", "web"), workload("shop", "db"));
    let profile = learned(&web, 10, &lines(&["a"]));
    leader.take("n1", &profile);
    leader.take("n1", &learned(&db, 10, &lines(&["a"])));
    leader.settle().await;
    let later = clock::now() + 31 * DAY;
    leader.writer.sweep(later, &[later]).await;
    assert!(cluster.object(&object::path(&web)).is_some(), "it runs");
    leader.board.take("n1", &message(&profile, 0), clock::now());
    let now = clock::now();
    leader.writer.sweep(now, &[now]).await;
    assert!(
        cluster.object(&object::path(&web)).is_some(),
        "it is not old"
    );
    // By its own clock alone, which is ahead.
    for said in [&[][..], &[now], &[now, later]] {
        leader.writer.sweep(later, said).await;
        assert!(cluster.object(&object::path(&web)).is_some(), "{said:?}");
    }
    leader.writer.sweep(later, &[later, now, later]).await;
    assert!(cluster.object(&object::path(&web)).is_none());
    assert!(cluster.object(&object::path(&db)).is_some());
    let told = events(&cluster, "Forgotten");
    assert_eq!((told.len(), &told[0]["type"]), (1, &Value::from("Warning")));
    // A node that still has the file.
    leader.board.take("n2", &message(&profile, 0), later);
    assert!(leader.board.find("shop/Deployment/web/app").is_none());
    leader.board.take("n2", &message(&profile, 1), later);
    assert!(leader.board.find("shop/Deployment/web/app").is_some());
}

#[tokio::test(start_paused = true)]
async fn people_promote_and_the_controller_where_it_is_allowed_to() {
    for promotes in [false, true] {
        let cluster = Cluster::new();
        let leader = Leader::begin(&cluster, rules(), promotes).await;
        let web = workload("shop", "web");
        for node in ["n1", "n2", "n3"] {
            leader.take(node, &learned(&web, 40, &lines(&["a"])));
        }
        leader.take("n1", &learned(&web, 40, &lines(&["a", "odd"])));
        leader.settle().await;
        let made = cluster.written_objects("behaviorprofiles");
        assert_eq!(made.len(), usize::from(promotes));
        let told = events(&cluster, "Promoted");
        assert_eq!(told.len(), usize::from(promotes));
        if let Some(made) = made.first() {
            assert_eq!(made["spec"]["mode"], "Monitoring");
            assert_eq!(made["spec"]["exec"].as_array().unwrap().len(), 1);
            is_what_the_policies_are_tried_with(made);
            let note = told[0]["note"].as_str().unwrap();
            for part in [
                "shop/deployment-web-app",
                "lapwing-controller",
                "learned.promote",
                "1 behaviours",
            ] {
                assert!(note.contains(part), "{part}: {note}");
            }
        }
        // As the watch tells of it, whoever made it.
        let all = [(web.clone(), "shop/web".to_owned())];
        leader.board.promoted(all.into_iter().collect());
        leader.settle().await;
        assert_eq!(status_of(&cluster, &web).phase, Phase::Promoted);
        assert_eq!(
            cluster.written_objects("behaviorprofiles").len(),
            usize::from(promotes)
        );
    }
    // What people wrote under that name stays.
    let cluster = Cluster::new();
    let web = workload("shop", "web");
    let own = serde_json::json!({"kind": "BehaviorProfile", "spec": {"mode": "Learning"}});
    let path = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles/deployment-web-app";
    cluster.own(path, own.clone());
    let leader = Leader::begin(&cluster, rules(), true).await;
    for node in ["n1", "n2", "n3"] {
        leader.take(node, &learned(&web, 40, &lines(&["a"])));
    }
    leader.settle().await;
    assert_eq!(cluster.object(path), Some(own));
    assert_eq!(events(&cluster, "NotPromoted").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_is_promoted_later_too_and_not_again_once_it_is_deleted() {
    let cluster = Cluster::new();
    let web = workload("shop", "web");
    let made = || cluster.written_objects("behaviorprofiles").len();
    let path = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles/deployment-web-app";
    // It became ready before the value was changed, or its leader ended then.
    let leader = Leader::begin(&cluster, rules(), false).await;
    for node in ["n1", "n2", "n3"] {
        leader.take(node, &learned(&web, 40, &lines(&["a"])));
    }
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).phase, Phase::Ready);
    let leader = Leader::begin(&cluster, rules(), true).await;
    // The API fails for a moment, longer than a few tries; that is said once.
    cluster.forbid("behaviorprofiles");
    for _ in 0..5 {
        leader.settle().await;
    }
    assert_eq!((made(), events(&cluster, "NotPromoted").len()), (0, 1));
    cluster.allow();
    for _ in 0..15 {
        leader.settle().await;
    }
    assert_eq!((made(), events(&cluster, "Promoted").len()), (1, 1));
    leader
        .board
        .promoted_of(&web, Some(&"shop/deployment-web-app".to_owned()));
    leader.settle().await;
    assert_eq!(status_of(&cluster, &web).phase, Phase::Promoted);
    // Somebody deletes it.
    cluster.disown(path);
    leader.board.promoted_of(&web, None);
    for _ in 0..3 {
        leader.settle().await;
    }
    let status = status_of(&cluster, &web);
    assert_eq!((status.phase, made()), (Phase::Ready, 0));
    let promoted = status.condition("Promoted").unwrap();
    assert_eq!(
        (promoted.status, &*promoted.reason),
        (Holds::False, "Deleted")
    );
    let by_call = "`lapwing profile promote`";
    assert!(promoted.message.contains(by_call), "{}", promoted.message);
    // The next leader knows it from the object.
    let next = Leader::begin(&cluster, rules(), true).await;
    next.take("n1", &learned(&web, 40, &lines(&["a", "b"])));
    for _ in 0..3 {
        next.settle().await;
    }
    assert_eq!(status_of(&cluster, &web).phase, Phase::Ready);
    assert_eq!(made(), 0);
    // One that may not make any does not send people to where it refuses them.
    let manual = Leader::begin(&cluster, rules(), false).await;
    manual.take("n1", &learned(&web, 40, &lines(&["a", "b"])));
    for _ in 0..3 {
        manual.settle().await;
    }
    let status = status_of(&cluster, &web);
    let promoted = status.condition("Promoted").unwrap();
    assert_eq!(promoted.reason, "Deleted");
    assert!(
        promoted.message.ends_with("apply `profile`"),
        "{}",
        promoted.message
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_object_has_no_room_for_is_left_out_and_counted() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let (web, db) = (workload("shop", "web"), workload("shop", "db"));
    // Each character of these is six in the store of the cluster.
    let escaped: Vec<String> = (0..80)
        .map(|number| {
            format!(
                "exec: {{path: \"/bin/{number}-{}\", parent: runtime}}",
                "&".repeat(3_000)
            )
        })
        .collect();
    leader.take("n1", &learned(&db, 1, &escaped));
    // And these are longer than a line of an object may be.
    let long = exec(&"y".repeat(5_000));
    leader.take("n1", &learned(&web, 1, &[exec("a"), exec("b"), long]));
    leader.take("n2", &learned(&web, 1, &lines(&["a"])));
    leader.settle().await;
    let status = status_of(&cluster, &db);
    assert_eq!((status.behaviours, status.profile.is_none()), (80, true));
    let status = status_of(&cluster, &web);
    assert_eq!(
        (status.provisional, status.unconfirmed),
        (2, vec![exec("b")])
    );
    let conditions = &status.conditions;
    let cut = { conditions.iter() }.find(|one| one.kind == "LinesTooLong");
    let cut = &cut.unwrap().message;
    assert!(cut.starts_with("1 of the first 64"), "{cut}");
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_too_large_is_left_out_and_kept() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let web = workload("shop", "web");
    let long: Vec<String> = (0..400)
        .map(|number| exec(&format!("{number}-{}", "x".repeat(3_000))))
        .collect();
    let mut profile = Profile::new(web.clone(), Mode::Learning);
    for line in &long {
        let entry = Entry::parse(line).unwrap();
        profile.observe(&Sighting {
            entry,
            at: clock::now(),
        });
    }
    let begun = Instant::now();
    leader.take("n1", &profile);
    leader.settle().await;
    let status = status_of(&cluster, &web);
    assert_eq!((status.profile, status.behaviours), (None, 400));
    let condition = { &status.conditions }
        .iter()
        .find(|one| one.kind == "TooLarge");
    let condition = condition.unwrap();
    assert_eq!(condition.status, Holds::True);
    for part in [
        "lapwing profile export shop/Deployment/web/app",
        "a pattern or a range",
    ] {
        assert!(
            condition.message.contains(part),
            "{part}: {}",
            condition.message
        );
    }
    assert!(status.evidence.is_some(), "it compresses well");
    let (judged, ..) = leader.board.find("shop/Deployment/web/app").unwrap();
    assert!(object::proposal(&judged).unwrap().len() > 1_000_000);
    // It goes on, also after a start.
    let again = Leader::begin(&cluster, rules(), false).await;
    let (judged, ..) = again.board.find("shop/Deployment/web/app").unwrap();
    assert_eq!(judged.profile.approved_len(), 400);
    assert!(begun.elapsed() < Duration::from_secs(60));
}
