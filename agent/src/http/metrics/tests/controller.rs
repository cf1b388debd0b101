//! What a controller tells.

use super::reader::{read, value};
use super::*;
use lapwing_proto::v1::get_status_response::fleet::{
    self, Agent, Learned, Profiles, Silent, agent::Link,
};
use lapwing_proto::v1::get_status_response::{Fleet, Watch};

/// One that leads two agents, one of which is away.
pub(super) fn controller() -> Snapshot {
    let agent = |link: Link, lag_milliseconds| Agent {
        link: link.into(),
        lag_milliseconds,
        relayed: 20,
        lost: 1,
        ..Agent::default()
    };
    let fleet = Fleet {
        leads: true,
        agents: vec![agent(Link::Connected, 1500), agent(Link::Away, 90_000)],
        silent: vec![Silent::default()],
        state: identity::source::State::Connected.into(),
        learned: Some(Learned {
            learning: 5,
            ready: 4,
            promoted: 3,
            workloads_max: 20_000,
            bytes: 1_000,
            bytes_max: 2_000,
            nodes: 2,
            unwritten: 6,
            failing: 1,
            taken: 40,
            refused: vec![Loss {
                reason: "bytes_full".to_owned(),
                count: 7,
            }],
        }),
        profiles: Some(Profiles {
            in_force: 9,
            not_in_force: 3,
            not_running: 2,
            refused: 1,
            nodes: 2,
            unwritten: 5,
            failing: 4,
        }),
        requests: vec![fleet::Request {
            verb: "patch".to_owned(),
            result: "conflict".to_owned(),
            count: 8,
        }],
        written_bytes: 900,
        ..Fleet::default()
    };
    Snapshot {
        status: Some(Arc::new(GetStatusResponse {
            version: "0.1.0".to_owned(),
            fleet: Some(fleet),
            watches: vec![
                Watch {
                    what: "pods".to_owned(),
                    state: identity::source::State::Connected.into(),
                    heard_time: Some(timestamp(1_700_000_000_000_000_000)),
                    left_out: 0,
                },
                Watch {
                    what: "behaviorprofiles".to_owned(),
                    ..Watch::default()
                },
            ],
            ..GetStatusResponse::default()
        })),
        ready: true,
        ..Snapshot::default()
    }
}

#[test]
fn a_controller_tells_of_its_agents_and_of_no_sensor() {
    let read = read(&render(&controller())).unwrap();
    for (name, labels, wanted) in [
        ("lapwing_controller_leads", &[][..], 1.0),
        ("lapwing_controller_agents", &[("link", "connected")], 1.0),
        ("lapwing_controller_agents", &[("link", "away")], 1.0),
        ("lapwing_controller_silent_nodes", &[], 1.0),
        ("lapwing_controller_relayed_total", &[], 40.0),
        ("lapwing_controller_lag_seconds", &[], 1.5),
        ("lapwing_controller_agents_lost_events", &[], 2.0),
        ("lapwing_watch_synced", &[("what", "pods")], 1.0),
        ("lapwing_watch_synced", &[("what", "behaviorprofiles")], 0.0),
        (
            "lapwing_watch_heard_timestamp_seconds",
            &[("what", "pods")],
            1_700_000_000.0,
        ),
        (
            "lapwing_controller_learned_profiles",
            &[("phase", "learning")],
            5.0,
        ),
        (
            "lapwing_controller_learned_profiles",
            &[("phase", "promoted")],
            3.0,
        ),
        ("lapwing_controller_learned_bytes", &[], 1_000.0),
        ("lapwing_controller_learned_nodes", &[], 2.0),
        ("lapwing_controller_learned_reports_total", &[], 40.0),
        (
            "lapwing_controller_learned_refused_total",
            &[("reason", "bytes_full")],
            7.0,
        ),
        ("lapwing_controller_learned_unwritten", &[], 6.0),
        ("lapwing_controller_learned_failing", &[], 1.0),
        (
            "lapwing_controller_profiles",
            &[("state", "not_in_force")],
            3.0,
        ),
        ("lapwing_controller_profiles_refused", &[], 1.0),
        ("lapwing_controller_profiles_nodes", &[], 2.0),
        ("lapwing_controller_profiles_unwritten", &[], 5.0),
        ("lapwing_controller_profiles_failing", &[], 4.0),
        (
            "lapwing_controller_api_requests_total",
            &[("verb", "patch"), ("result", "conflict")],
            8.0,
        ),
        ("lapwing_controller_api_written_bytes_total", &[], 900.0),
        ("lapwing_ready", &[], 1.0),
    ] {
        assert_eq!(value(&read, name, labels), wanted, "{name}");
    }
    for name in [
        "lapwing_containers",
        "lapwing_records_total",
        "lapwing_violations_ended_early_total",
    ] {
        assert!(!read.keys().any(|(of, _)| of == name), "{name}");
    }
}
