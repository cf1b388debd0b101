//! What becomes of profiles where they cannot be stored, or are not what they were.

use super::*;

#[test]
fn what_is_learned_is_stored_and_counts_wait_a_minute() {
    let mut bench = Bench::new();
    bench.exec("ls");
    assert!(bench.save().is_empty());
    bench.stored(|text| text.contains("count: 1"));
    for _ in 0..50 {
        bench.exec("ls");
        bench.save();
    }
    bench.exec("id");
    bench.save();
    bench.stored(|text| text.contains("count: 51") && text.contains("/bin/id"));
    for _ in 0..60 {
        bench.exec("ls");
    }
    bench.save();
    bench.stored(|text| text.contains("count: 111"));
    bench.exec("ls");
    // Nothing writes now; what was not stored is stored at the end.
    assert!(
        fs::read_to_string(bench.file())
            .unwrap()
            .contains("count: 111")
    );
    let now = bench.moment();
    bench.judge.end(now);
    assert!(
        fs::read_to_string(bench.file())
            .unwrap()
            .contains("count: 112")
    );
    assert_eq!(bench.judge.store().last_beat(), Some(now.wall));
}

#[test]
fn a_decision_that_cannot_be_stored_is_not_taken() {
    let mut bench = Bench::new();
    bench.exec("ls");
    bench.save();
    bench.stored(|text| text.contains("/bin/ls"));
    let before = fs::read(bench.file()).unwrap();
    // A folder where the new file would be written: fails for root too.
    let name = bench.workload().file_name();
    let fresh = format!(".{name}.yaml.{}.new", std::process::id());
    let fresh = bench.file().with_file_name(fresh);
    fs::create_dir(&fresh).unwrap();
    assert!(matches!(bench.promote(), Err(AskError::Store(_))));
    let (summary, _) = bench.judge.profile(&bench.name()).unwrap();
    assert_eq!((summary.mode(), summary.revision), (v1::Mode::Learning, 0));
    assert_eq!(fs::read(bench.file()).unwrap(), before);
    // It is said once, and tried until it works.
    let mut said = 0;
    let until = Instant::now() + Duration::from_secs(20);
    while said == 0 {
        bench.exec("id");
        said += violations(&bench.save()).len();
        assert!(Instant::now() < until, "nothing was said");
    }
    for _ in 0..200 {
        said += violations(&bench.save()).len();
    }
    assert_eq!(said, 1);
    fs::remove_dir(&fresh).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(bench.file())
        .unwrap()
        .contains("/bin/id")
    {
        bench.save();
        assert!(Instant::now() < until, "not stored");
    }
    bench.promote().unwrap();
}

#[test]
fn an_import_that_cannot_be_stored_leaves_nothing() {
    let mut bench = Bench::new();
    let mut given = Workload {
        name: "mail".into(),
        ..Workload::default()
    };
    let yaml = Profile::new(given.clone(), Mode::Monitoring).to_yaml();
    given.cluster = "c1".into();
    let path = bench.judge.store().profile_path(&given.file_name());
    fs::create_dir(&path).unwrap();
    assert!(matches!(
        import(&mut bench.judge, &yaml),
        Err(AskError::Store(_))
    ));
    assert!(bench.judge.summaries(&HashMap::new()).is_empty());
    fs::remove_dir(&path).unwrap();
    let summary = import(&mut bench.judge, &yaml).unwrap();
    assert_eq!(
        (summary.mode(), summary.instances),
        (v1::Mode::Monitoring, None)
    );
    let listed = bench.judge.summaries(&HashMap::from([(given, 2)]));
    assert_eq!(listed[0].instances, Some(2));
}

#[test]
fn another_cluster_takes_the_profiles_over() {
    let mut bench = Bench::new();
    bench.exec("ls");
    bench.promote().unwrap();
    let (old, name) = (bench.file(), bench.name());
    let state = bench.folder.path().join("state");
    drop(bench.judge);
    for cluster in ["c2", "c2", ""] {
        let mut judge = open(&state, cluster).unwrap();
        let (summary, yaml) = judge.profile(&name).unwrap();
        assert_eq!((summary.mode(), summary.exec), (v1::Mode::Monitoring, 1));
        assert_eq!(yaml.contains("cluster: c2"), cluster == "c2", "{yaml}");
        judge.save(Moment::default());
        assert_eq!(judge.store().profiles().unwrap().len(), 1);
        assert!(!old.exists());
    }
    // As a kill leaves it: renamed, and not rewritten.
    let judge = open(&state, "").unwrap();
    let file = judge.store().profiles().unwrap().remove(0);
    let text = fs::read_to_string(&file).unwrap();
    drop(judge);
    fs::write(
        &file,
        text.replace("workload: {", "workload: {cluster: c9, "),
    )
    .unwrap();
    let judge = open(&state, "").unwrap();
    assert_eq!(judge.profile(&name).unwrap().0.mode(), v1::Mode::Monitoring);
}
