//! What has no name is reported, and teaches nothing.

use super::*;
use crate::clock::Clock;
use crate::config::StartMode;
use crate::judge::store::Store;
use crate::judge::{Judge, Scene};
use crate::process::Images;
use lapwing_abi::decode::{Body, Peer, Record};
use lapwing_abi::ids::{Contact, Phase};
use lapwing_abi::record::Header;
use lapwing_proto::v1::behaviour::Outcome;
use lapwing_proto::v1::watch_response::Item;

/// What is reported of a connection that a container without a name makes.
fn reports(start: StartMode) -> (Vec<Item>, usize) {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| ());
    registry.met(5, 1, &format!("/docker/{ID}"), 0);
    registry.acted(act(5), 0);
    tick(&mut registry, NAME_AFTER);
    let store = Store::open(&root.path().join("state")).unwrap();
    let mut judge = Judge::open(store, "c1", "n1", start, std::sync::Arc::new(|| ())).unwrap();
    let record = Record {
        header: Header::default(),
        phase: Phase::Main,
        body: Body::Egress {
            contact: Contact::Peer,
            protocol: 6,
            peer: Peer::Ip([192, 0, 2, 1].into(), 443),
        },
    };
    let scene = Scene {
        instance: instance(&registry, 5).unwrap(),
        images: &Images::default(),
        clock: Clock::read(),
        last_gap: 0,
        names: &[],
    };
    let (_, items) = judge.take(&record, scene);
    (items, judge.summaries(&HashMap::new()).len())
}

fn rule(items: &[Item]) -> &str {
    let rule = items.iter().find_map(|item| match item {
        Item::Violation(violation) => Some(violation.rule.as_str()),
        _ => None,
    });
    rule.unwrap_or_default()
}

fn outcome(items: &[Item]) -> Option<Outcome> {
    items.iter().find_map(|item| match item {
        Item::Behaviour(behaviour) => Some(behaviour.outcome()),
        _ => None,
    })
}

#[test]
fn a_container_without_a_name_teaches_nothing_and_that_is_said() {
    let (items, profiles) = reports(StartMode::Learn);
    assert_eq!(rule(&items), "sensor.degraded");
    assert_eq!(outcome(&items), Some(Outcome::Unspecified));
    assert_eq!(profiles, 0);
}

#[test]
fn a_container_without_a_name_is_excused_by_nothing() {
    let (items, profiles) = reports(StartMode::Monitor);
    assert_eq!(rule(&items), "egress.unknown");
    let patch = items.iter().find_map(|item| match item {
        Item::Violation(violation) => Some(violation.patch.as_str()),
        _ => None,
    });
    assert_eq!(patch, Some(""), "no profile could approve of it");
    assert_eq!(outcome(&items), Some(Outcome::Deviation));
    assert_eq!(profiles, 0);
}
