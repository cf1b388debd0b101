use super::*;

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

#[tokio::test(start_paused = true)]
async fn a_node_that_tells_of_ever_more_is_bounded_and_others_are_not() {
    let cluster = Cluster::new();
    let few = Rules {
        workloads: [30, 20],
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
    assert_eq!(leader.board.all().len(), 20);
    (5_000..5_010).for_each(|number| tell("n1", number));
    assert_eq!(leader.board.all().len(), 30);
    tell("n2", 9_000);
    assert_eq!(leader.board.all().len(), 30);
    let troubles = leader.board.troubles();
    assert!(troubles.len() <= 1_000, "{}", troubles.len());
    assert!(
        troubles[0].2.contains("20 workloads already"),
        "{}",
        troubles[0].2
    );
    // And what all take together.
    let small = Rules {
        bytes: 1 << 10,
        ..rules()
    };
    let leader = Leader::begin(&cluster, small, false).await;
    let web = workload("shop", "web");
    let many: Vec<String> = (0..50).map(|number| exec(&number.to_string())).collect();
    leader.take("n1", &learned(&web, 1, &many));
    leader.take("n2", &learned(&web, 1, &[exec("late")]));
    leader.settle().await;
    let status = status_of(&cluster, &web);
    let refused = status.condition("Refused").unwrap();
    assert!(
        refused.message.starts_with("n2: the profile is full"),
        "{}",
        refused.message
    );
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
    let names: Vec<String> = { again.board.all().into_iter() }
        .map(|(judged, ..)| judged.profile.workload.to_string())
        .collect();
    assert_eq!(names, ["shop/Deployment/db/app", "shop/Deployment/web/app"]);
    let (judged, ..) = again.board.find("shop/Deployment/web/app").unwrap();
    assert_eq!(judged.profile.approved_len(), 1);
    // What was damaged comes back from who tells it.
    again.take("n1", &learned(&db, 10, &lines()));
    again.settle().await;
    assert_eq!(status_of(&cluster, &db).behaviours, 1);
}
