//! Files for which a pattern stands: known, counted with it, and told one by one to a candidate.

use super::*;

#[test]
fn a_name_that_holds_its_process_s_id_is_known_of_the_next_process() {
    let mut bench = Bench::new();
    let create = |bench: &mut Bench, key: u64, (pid, number): (u32, u32)| {
        bench.now += SECOND;
        let path = format!("init.{number}\0data\0");
        let record = Record {
            header: Header {
                time: bench.now,
                cgroup: HOME,
                container_pid: pid,
                key,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::File {
                operation: lapwing_abi::ids::Operation::Create,
                mount: lapwing_abi::ids::Mount::Image,
                path: Location {
                    components: path.as_bytes(),
                    passed: b"",
                },
                target: Location {
                    components: b"",
                    passed: b"",
                },
            },
        };
        violations(&bench.take(&record)).len()
    };
    assert_eq!(create(&mut bench, 100, (133, 133)), 0);
    bench.promote().unwrap();
    // By its own process, and by another.
    assert_eq!(create(&mut bench, 101, (4711, 4711)), 0);
    assert_eq!(create(&mut bench, 102, (12, 70)), 0);
    let (_, yaml) = bench.judge.profile(&bench.name()).unwrap();
    let line = "{operation: CREATE, pattern: \"/data/init.{pid}\"}";
    assert!(yaml.contains(line), "{yaml}");
}

#[test]
fn what_a_pattern_stands_for_is_known_and_its_repeats_are_counted_there() {
    let mut bench = Bench::new();
    let create = |bench: &mut Bench, key: u64, name: &str| {
        bench.now += SECOND;
        let path = format!("{name}\0data\0");
        let record = Record {
            header: Header {
                time: bench.now,
                cgroup: HOME,
                key,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::File {
                operation: lapwing_abi::ids::Operation::Create,
                mount: lapwing_abi::ids::Mount::Image,
                path: Location {
                    components: path.as_bytes(),
                    passed: b"",
                },
                target: Location {
                    components: b"",
                    passed: b"",
                },
            },
        };
        let items = bench.take(&record);
        (violations(&items).len(), bench.judge.take_said())
    };
    for number in 0..20 {
        create(&mut bench, 100 + number, &format!("temp-{number}.rdb"));
    }
    bench.promote().unwrap();
    let said = |key, verdict| {
        Some(Said {
            home: HOME,
            key,
            verdict,
        })
    };
    assert_eq!(
        create(&mut bench, 1, "temp-4711.rdb"),
        (0, said(1, lapwing_abi::state::verdict::KNOWN))
    );
    assert_eq!(
        create(&mut bench, 2, "temp-x.rdb"),
        (1, said(2, lapwing_abi::state::verdict::DEVIATION))
    );
    let count = |bench: &Bench| {
        let (_, yaml) = bench.judge.profile(&bench.name()).unwrap();
        let profile = Profile::from_yaml(yaml).unwrap();
        let pattern = "file: {operation: CREATE, pattern: \"/data/temp-{digits}.rdb\"}";
        let pattern = Entry::parse(pattern).unwrap();
        profile.record(&pattern).unwrap().count
    };
    let before = count(&bench);
    let seen = lapwing_abi::state::Seen {
        count: 7,
        last: bench.now,
        ..lapwing_abi::state::Seen::default()
    };
    bench.judge.repeated(HOME, &[(1, seen)], Clock::read());
    assert_eq!(count(&bench), before + 7);

    // A candidate without the pattern hears of the names that were seen since, one by one.
    let candidate = Profile::new(bench.workload(), Mode::Learning).to_yaml();
    let replay = bench.replay(&candidate);
    let times = |path: &str| {
        let line = format!("file: {{operation: CREATE, path: {path}}}");
        let mut reported = replay.reported.iter();
        reported
            .find(|one| one.entry == line)
            .map(|one| (one.rule.as_str(), one.count))
    };
    assert_eq!(times("/data/temp-4711.rdb"), Some(("file.unknown", 8)));
    assert_eq!(times("/data/temp-x.rdb"), Some(("file.unknown", 1)));
    let own = bench.judge.profile(&bench.name()).unwrap().1;
    let replay = bench.replay(&own);
    assert_eq!(replay.reported.len(), 1, "temp-x is pending: {replay:?}");
    let named = Candidate::read(&own, "/Image/other/").unwrap();
    let snapshot = bench.judge.snapshot(&named.name, bench.registry.running());
    assert!(matches!(snapshot, Err(AskError::NoProfile(_))));
    let error = Candidate::read("", "");
    assert!(matches!(error, Err(AskError::BadProfile(_))));
}
