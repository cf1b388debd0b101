use super::*;
use crate::controller::tests::stage::Log;

fn lines() -> Vec<String> {
    vec![exec("a")]
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_by_name_and_changes_nothing() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let web = workload("shop", "web");
    let good = learned(&web, 10, &lines());
    leader.take("n1", &good);
    let before = leader
        .board
        .find("shop/Deployment/web/app")
        .unwrap()
        .0
        .profile;
    let told = message(&good, 1);
    let yaml = |yaml: String| v1::LearnedProfile {
        yaml,
        ..told.clone()
    };
    let of = |workload: &Workload| message(&learned(workload, 1, &lines()), 1);
    let foreign = of(&workload("kube-system", "web"));
    for (what, message, why) in [
        (
            "huge",
            yaml("#".repeat(lapwing_profile::file::TEXT_MAX + 1)),
            "no profile has more",
        ),
        (
            "damaged",
            yaml(told.yaml[..told.yaml.len() / 2].to_owned()),
            "not a profile",
        ),
        ("none", yaml(String::new()), "not a profile"),
        ("bytes", yaml("\u{0}\u{1b}".to_owned()), "not a profile"),
        (
            "another's",
            yaml(foreign.yaml.clone()),
            "of another workload, kube-system/Deployment/web/app",
        ),
        (
            "control",
            of(&workload("shop", "web\u{1b}[2Jx")),
            "is none that a workload of a cluster has",
        ),
        (
            "path",
            of(&workload("shop", "../../secrets")),
            "is none that a workload of a cluster has",
        ),
        (
            "nowhere",
            of(&workload("", "web")),
            "its namespace `` is none",
        ),
        (
            "nobody's",
            v1::LearnedProfile {
                workload: None,
                ..told.clone()
            },
            "of another workload",
        ),
    ] {
        let node = format!("liar-{what}");
        leader.board.take(&node, &message, clock::now());
        let troubles = leader.board.troubles();
        let trouble = troubles.iter().find(|(of, _, _)| *of == node);
        let (_, name, text) = trouble.unwrap_or_else(|| panic!("{what}"));
        assert!(text.contains(why), "{what}: {text}");
        let shown = format!("{name} {text}");
        assert!(!shown.contains(char::is_control), "{what}: {shown:?}");
    }
    let after = leader
        .board
        .find("shop/Deployment/web/app")
        .unwrap()
        .0
        .profile;
    assert_eq!(after.to_yaml(), before.to_yaml());
    leader.settle().await;
    assert_eq!(cluster.written_objects("learnedprofiles").len(), 1);
    leader.board.gone("liar-huge");
    assert!(
        leader
            .board
            .troubles()
            .iter()
            .all(|(node, _, _)| node != "liar-huge")
    );
}

/// Else all of it would be seen first at the controller's time for ever.
#[tokio::test(start_paused = true)]
async fn what_is_seen_later_than_it_is_here_is_not_taken_and_that_is_said_once() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let (log, _logging) = Log::begin();
    let web = workload("shop", "web");
    let told = message(&learned(&web, 40, &lines()), 1);
    let now = clock::now();
    let behind = now - 2 * 3_600 * SECOND as i64;
    leader.board.take("n1", &told, behind);
    leader.board.take("n1", &told, behind);
    assert!(leader.board.workloads().is_empty());
    let figures = leader.board.figures();
    let refused = figures.refused.iter().find(|one| one.reason == "clock");
    assert_eq!(refused.unwrap().count, 2);
    let text = log.text();
    let mut said = text.lines().filter(|line| line.contains("set both by NTP"));
    let line = said.next().unwrap();
    assert!(line.contains("node=\"n1\" minutes=1"), "{line}");
    assert_eq!(said.next(), None);
    // A minute is nothing.
    leader.board.take("n1", &told, now - MINUTE as i64);
    let (judged, ..) = leader.board.find("shop/Deployment/web/app").unwrap();
    assert_eq!(judged.profile.approved_len(), 1);
}

/// Each pod has a sandbox, so that nodes tell of theirs is nothing to be warned of.
#[tokio::test(start_paused = true)]
async fn sandboxes_are_left_out_and_nobody_is_told() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let web = workload("shop", "web");
    let sandbox = Workload {
        container: "POD".to_owned(),
        ..web.clone()
    };
    for of in [&sandbox, &web] {
        let told = message(&learned(of, 1, &lines()), 1);
        leader.board.take("n1", &told, clock::now());
    }
    assert_eq!(leader.board.troubles(), []);
    leader.settle().await;
    let written = cluster.written_objects("learnedprofiles");
    let containers = written
        .iter()
        .map(|one| &one["spec"]["workload"]["container"]);
    assert_eq!(containers.collect::<Vec<_>>(), ["app"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_tells_of_ever_more_is_bounded_and_others_are_not() {
    let cluster = Cluster::new();
    let few = Rules {
        workloads: [200, 20],
        ..rules()
    };
    let leader = Leader::begin(&cluster, few, false).await;
    let profile = learned(&workload("shop", "w"), 1, &lines());
    let tell = |node: &str, number: usize| {
        let mut profile = profile.clone();
        profile.workload.name = format!("w{number}");
        leader.take(node, &profile);
    };
    (0..2_000).for_each(|number| tell("liar", number));
    assert_eq!(leader.board.workloads().len(), 20);
    (5_000..5_010).for_each(|number| tell("n1", number));
    assert_eq!(leader.board.workloads().len(), 30);
    let troubles = leader.board.troubles();
    assert!(troubles.len() <= 1_000, "{}", troubles.len());
    assert!(
        troubles[0].2.contains("first of 20 workloads already"),
        "{}",
        troubles[0].2
    );
    // It comes back, and is no other.
    for number in 3_000..3_040 {
        leader.board.gone("liar");
        tell("liar", number);
    }
    assert_eq!(leader.board.workloads().len(), 30);
    let forgotten: Vec<_> = leader.board.workloads().into_iter().take(20).collect();
    for workload in &forgotten {
        leader.board.forget(workload);
    }
    tell("liar", 4_000);
    assert_eq!(
        leader.board.workloads().len(),
        11,
        "what is forgotten is room"
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_fills_its_share_leaves_others_theirs() {
    let cluster = Cluster::new();
    let small = Rules {
        bytes: 256 << 10,
        ..rules()
    };
    let leader = Leader::begin(&cluster, small, false).await;
    let (web, db) = (workload("shop", "web"), workload("shop", "db"));
    leader.take("n1", &learned(&web, 1, &lines()));
    let many = |node: &str, from: usize| -> Vec<String> {
        let numbers = from..from + 20;
        numbers
            .map(|number| exec(&format!("{node}{number}")))
            .collect()
    };
    for round in 0..40 {
        leader.board.gone("liar");
        leader.take("liar", &learned(&db, 1, &many("liar", 20 * round)));
        leader.take("liar", &learned(&web, 1, &many("liar", 20 * round)));
    }
    leader.settle().await;
    for workload in [&web, &db] {
        let status = status_of(&cluster, workload);
        let refused = status.condition("Refused").unwrap();
        let message = &refused.message;
        assert!(
            message.starts_with("liar: the profile is full"),
            "{message}"
        );
        assert!(message.contains("one node may add "), "{message}");
    }
    leader.take("n1", &learned(&web, 1, &many("n", 0)));
    let (judged, ..) = leader.board.find("shop/Deployment/web/app").unwrap();
    let last = Entry::parse(&exec("n19")).unwrap();
    assert!(judged.profile.record(&last).is_some(), "it goes on");
    // All together too.
    let others: Vec<Workload> = { 0..60 }
        .map(|number| workload("shop", &format!("x{number}")))
        .collect();
    for (number, workload) in others.iter().enumerate() {
        let node = format!("x{number}");
        leader.take(&node, &learned(workload, 1, &many(&node, 0)));
    }
    leader.settle().await;
    let is_full = |workload: &Workload| {
        let status = status_of(&cluster, workload);
        let message = &status.condition("Refused").unwrap().message;
        message.contains("an eighth of what is left of `learned.bytes`")
    };
    let full = others.iter().filter(|one| is_full(one)).count();
    assert!((1..60).contains(&full), "{full}");
    // What adds nothing is taken still.
    leader.take("n1", &learned(&web, 2, &many("n", 0)));
    leader.settle().await;
    let message = status_of(&cluster, &web);
    let message = &message.condition("Refused").unwrap().message;
    assert!(!message.contains("n1:"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn nodes_that_lie_together_leave_room_for_one_that_does_not() {
    let cluster = Cluster::new();
    let lines = |of: &str, many: usize| -> Vec<String> {
        let numbers = 0..many;
        numbers
            .map(|number| exec(&format!("{of}{number}")))
            .collect()
    };
    // What the honest one has to tell.
    let honest: Vec<Profile> = { 0..5 }
        .map(|number| learned(&workload("shop", &format!("w{number}")), 1, &lines("w", 3)))
        .collect();
    // So many as would have filled all, if each might have an eighth of it or 20 places.
    for (liars, of_each, times, bytes) in [(8, 40, 8, 256 << 10), (20, 1, 22, 4 << 20)] {
        let small = Rules {
            workloads: [400, 20],
            bytes,
            ..rules()
        };
        let leader = Leader::begin(&cluster, small, false).await;
        let lie = learned(&workload("x", "x"), 1, &lines("x", of_each));
        for liar in 0..liars {
            for number in 0..times {
                let mut lie = lie.clone();
                lie.workload.name = format!("x{liar}-{number}");
                leader.take(&format!("liar{liar}"), &lie);
            }
        }
        let figures = leader.board.figures();
        let refused = |reason: &str| {
            let mut all = figures.refused.iter();
            all.find(|one| one.reason == reason).unwrap().count
        };
        let [bytes, places] = [refused("bytes_full"), refused("workloads_full")];
        assert!(bytes + places > 0 && figures.bytes < figures.bytes_max);
        for profile in &honest {
            leader.take("n1", profile);
        }
        for profile in &honest {
            let name = profile.workload.to_string();
            let (judged, ..) = leader.board.find(&name).unwrap();
            assert_eq!(judged.profile.approved_len(), 3, "{liars}: {name}");
        }
        let after = leader.board.figures();
        assert_eq!(after.taken, figures.taken + 5);
        assert_eq!(after.refused, figures.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn objects_that_somebody_else_made_or_damaged_are_left_alone() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let (web, db) = (workload("shop", "web"), workload("shop", "db"));
    leader.take("n1", &learned(&web, 10, &lines()));
    leader.take("n1", &learned(&db, 10, &lines()));
    leader.settle().await;
    let folder = "/apis/lapwing.dev/v1alpha1/namespaces";
    let mut foreign = cluster.object(&object::path(&web)).unwrap();
    foreign["metadata"]["namespace"] = "pay".into();
    cluster.own(&format!("{folder}/pay/learnedprofiles/x"), foreign);
    let strange = serde_json::json!({"metadata": {"name": "y", "namespace": "pay"}, "spec": 7});
    cluster.own(&format!("{folder}/pay/learnedprofiles/y"), strange);
    let mut damaged = cluster.object(&object::path(&db)).unwrap();
    // A few bytes that say they are gigabytes.
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b'a'; 80 << 20], 9);
    use base64::Engine;
    let bomb = base64::engine::general_purpose::STANDARD.encode(bomb);
    damaged["status"]["evidence"] = bomb.into();
    cluster.own(&object::path(&db), damaged);
    let again = Leader::begin(&cluster, rules(), false).await;
    let all = again.board.workloads();
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["shop/Deployment/db/app", "shop/Deployment/web/app"]);
    let (judged, ..) = again.board.find("shop/Deployment/web/app").unwrap();
    assert_eq!(judged.profile.approved_len(), 1);
    // What was damaged comes back from who tells it.
    again.take("n1", &learned(&db, 10, &lines()));
    again.settle().await;
    assert_eq!(status_of(&cluster, &db).behaviours, 1);
}
