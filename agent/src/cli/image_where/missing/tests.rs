use super::*;
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::fleet::{Agent, Silent};

fn one(node: &str, reason: Reason, detail: &str, containers: u64) -> Missing {
    Missing {
        node: node.to_owned(),
        reason: reason.into(),
        detail: detail.to_owned(),
        containers,
    }
}

#[test]
fn nodes_are_named_by_reason_and_many_are_counted() {
    let many: Vec<_> = (0..5000)
        .map(|number| one(&format!("n{number:04}"), Reason::Away, "refused", 0))
        .collect();
    let others = [
        one("a", Reason::Late, "", 0),
        one("b", Reason::NoDigest, "", 3),
        one("c", Reason::NoDigest, "", 4),
        one("d", Reason::Cut, "no room", 5),
        one("e", Reason::Cut, "not looked at", 0),
        one("", Reason::Unheard, "404", 0),
        Missing {
            reason: 99,
            ..one("f", Reason::Away, "", 0)
        },
    ];
    let mut told = Vec::new();
    of_nodes(&[many, others.to_vec()].concat(), &mut told);
    assert_eq!(told.len(), 6, "{told:?}");
    for (told, parts) in told.iter().zip([
        ["on 5000 nodes is not known", "n0007 (refused), 4992 more"],
        ["on 1 node is not known", "too long: a"],
        [
            "not all containers of 2 nodes",
            "d (5 more), e (not looked at)",
        ],
        ["of 7 running containers nobody told", "b (3), c (4)"],
        ["does not know of", "404"],
        ["no word for", "1 node"],
    ]) {
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[test]
fn who_has_not_told_all_is_told() {
    let mut told = Vec::new();
    of_owed(&Owed::default(), &mut told);
    assert!(told.is_empty());
    let owed = |asked| Owed {
        nodes: 300,
        asked,
        names: (0..100).map(|number| format!("n{number}")).collect(),
    };
    of_owed(&owed(2), &mut told);
    of_owed(&owed(0), &mut told);
    assert!(
        told[0].contains("300 nodes") && told[0].contains("--wait"),
        "{told:?}"
    );
    assert!(told[0].ends_with("n7, 292 more"), "{told:?}");
    assert!(!told[1].contains("--wait"), "{told:?}");
}

#[test]
fn what_agents_lost_and_who_is_silent_is_told() {
    let agent = |node: &str, lost| Agent {
        node: node.to_owned(),
        lost,
        ..Agent::default()
    };
    let fleet = Fleet {
        agents: vec![agent("n1", 3), agent("n2", 0), agent("n3", u64::MAX)],
        silent: vec![Silent {
            node: "n2".to_owned(),
            since: Some(timestamp(0)),
            ..Silent::default()
        }],
        ..Fleet::default()
    };
    let mut told = Vec::new();
    of_fleet(&fleet, &mut told);
    assert!(
        told[0].ends_with("n2 (since 1970-01-01T00:00:00Z)"),
        "{told:?}"
    );
    assert!(
        told[1].contains(&format!("n3 ({}), n1 (3)", u64::MAX)),
        "{told:?}"
    );
    told.clear();
    of_fleet(&Fleet::default(), &mut told);
    assert!(told.is_empty());
}

#[test]
fn gaps_of_many_nodes_are_one_sentence_of_each_reason() {
    let gap = |node: &str, reason: &str, scope: &str, to: i64| Gap {
        node: node.to_owned(),
        reason: reason.to_owned(),
        scope: scope.to_owned(),
        count: 2,
        to: Some(timestamp(to)),
        ..Gap::default()
    };
    let mut gaps = Gaps::default();
    for one in [
        gap("n1", LOG_TOO_SHORT, "node", 1_000_000_000),
        gap("n1", LOG_TOO_SHORT, "node", 2_000_000_000),
        gap("n2", LOG_TOO_SHORT, "node", 5_000_000_000),
        gap("n1", "agent-down", "node", 0),
        gap("n1", "agent-down", "node", 0),
        gap("n3", "ring-full", "0123abcd", 0),
        gap("n3", "refused", "sink:siem", 0),
    ] {
        gaps.take(one);
    }
    let mut told = Vec::new();
    gaps.tell(&mut told);
    assert_eq!(told.len(), 2, "{told:?}");
    let short = "n2 (before 1970-01-01T00:00:05Z), n1 (before 1970-01-01T00:00:02Z)";
    assert!(told[0].contains(short), "{told:?}");
    assert!(told[1].ends_with("agent-down: n1 (4)"), "{told:?}");
}
