//! What is reported of a container, and what is not.

use super::*;
use lapwing_abi::hooks::Row;

#[test]
fn a_deviation_is_decided_of_by_its_id_even_when_its_container_is_gone() {
    let mut bench = Bench::new();
    bench.exec("ls");
    bench.promote().unwrap();
    let items = bench.exec("sh");
    let first = violations(&items)[0].clone();
    assert_eq!(
        (first.rule.as_str(), first.nearest.as_str()),
        ("exec.unknown", "/bin/ls")
    );
    assert_eq!(first.attack, ["T1059.004"]);
    assert!(violations(&bench.exec("sh")).is_empty());
    bench.judge.gone(HOME);
    let last = bench.judge.due(bench.moment());
    assert_eq!(
        (violations(&last)[0].count, violations(&last)[0].revision),
        (2, 2)
    );

    let (entries, profiles) = approve(&mut bench.judge, &first.id).unwrap();
    assert_eq!(entries, ["exec: {path: /bin/sh, parent: runtime}"]);
    assert_eq!((profiles.len(), profiles[0].instances), (1, None));
    assert!(violations(&bench.exec("sh")).is_empty());
    assert!(
        fs::read_to_string(bench.file())
            .unwrap()
            .contains("approve")
    );
    for (entry, word) in [
        ("cafe", "neither the id"),
        ("exec: {pth: /x}", "pth"),
        ("exec: {path: /x}", "name the profile"),
    ] {
        let error = approve(&mut bench.judge, entry).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn losses_are_violations_once_the_profile_is_compared_with() {
    let mut bench = Bench::new();
    bench.exec("ls");
    assert!(bench.lose(3).is_empty());
    bench.promote().unwrap();
    let items = bench.lose(3);
    let found = violations(&items)[0];
    assert_eq!(
        (found.rule.as_str(), found.severity()),
        ("sensor.gap", v1::violation::Severity::High)
    );
    assert!(matches!(&found.detail, Some(v1::violation::Detail::Gap(gap)) if gap.count == 3));
    assert!(violations(&bench.lose(1)).is_empty(), "it counts up");
}

#[test]
fn a_message_of_the_name_service_is_no_behaviour_by_itself() {
    let mut bench = Bench::new();
    let record = |body| Record {
        header: Header {
            hook: Row::PrivilegeBpf.raw(),
            cgroup: HOME,
            uid: 1000,
            capabilities: 1 << 13,
            ..Header::default()
        },
        phase: Phase::Main,
        body,
    };
    let message = Body::Dns {
        direction: lapwing_abi::ids::Direction::Query,
        protocol: 17,
        address: [10, 0, 0, 2].into(),
        port: 53,
        local_port: 4000,
        sequence: 0,
        begins: false,
        ends: false,
        looped: false,
        payload: b"\0\x01",
    };
    assert!(bench.take(&record(message)).is_empty());
    // Others are: with who did it, as whom, and with which rights.
    let bpf = Body::Privilege {
        operation: lapwing_abi::ids::Privileged::Bpf,
        argument: 5,
        path: Location::default(),
        name: b"",
    };
    let items = bench.take(&record(bpf));
    let found = violations(&items)[0];
    assert_eq!(
        (found.rule.as_str(), found.pending, found.patch.as_str()),
        (
            "privilege.bpf",
            true,
            "- privilege: {operation: BPF, detail: BPF_PROG_LOAD}"
        )
    );
    let process = found.process.as_ref().unwrap();
    assert_eq!((process.uid, process.effective_uid), (1000, 0));
    assert_eq!(process.capabilities, ["CAP_NET_RAW"]);
    let (summary, _) = bench.judge.profile(&bench.name()).unwrap();
    assert_eq!((summary.privilege, summary.pending), (0, 1));
    let told = bench.judge.tally().by_outcome();
    let told: Vec<_> = { told.iter() }
        .map(|it| (&*it.hook, &*it.kind, it.outcome(), it.count))
        .collect();
    let deviation = v1::behaviour::Outcome::Deviation;
    assert_eq!(told, [("privilege.bpf", "privilege", deviation, 1)]);
}
