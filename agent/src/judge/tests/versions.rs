//! New versions of an image, and severities that were configured.

use super::*;
use crate::judge::rating::Ratings;
use lapwing_profile::rule::{Rule, Severities, Severity};
use v1::violation::Severity as Told;

const HOUR: u64 = 3_600 * SECOND;
const OLD: u64 = 11;
const NEW: u64 = 12;
const OTHER: u64 = 13;

impl Bench {
    /// A container of Docker's, from an image and its id.
    pub(super) fn start(&mut self, home: u64, image: &str, version: Option<u8>) {
        let id = format!("{home:064x}");
        let folder = self.folder.path().join("var/lib/docker/containers");
        fs::create_dir_all(folder.join(&id)).unwrap();
        let mut config = serde_json::json!({
            "Config": {"Image": image, "Labels": {"lapwing.dev/workload": "web"}},
        });
        if let Some(version) = version {
            config["Image"] = format!("sha256:{version:08x}{version:056x}").into();
        }
        let file = folder.join(&id).join("config.v2.json");
        fs::write(file, config.to_string()).unwrap();
        self.registry.met(home, 1, &format!("/docker/{id}"), 0);
        let act = Act {
            cgroup: home,
            pid: 0,
            foreign_root: false,
            behaviour: true,
        };
        self.registry.acted(act, 0);
    }

    pub(super) fn run(&mut self, home: u64, program: &str, origin: Origin) -> Vec<v1::Violation> {
        self.now += SECOND;
        let path = format!("{program}\0bin\0");
        let args = format!("{program}\0");
        let record = Record {
            header: Header {
                time: self.now,
                cgroup: home,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::Exec {
                path: path.as_bytes(),
                filename: b"",
                args: args.as_bytes(),
                cwd: b"",
                origin,
            },
        };
        let Resolution::Instance(instance) = self.registry.resolve(home) else {
            panic!("no container")
        };
        assert_eq!(instance.workload.name, "web");
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: 0,
            names: &[],
        };
        let items = self.judge.take(&record, scene).1;
        violations(&items).into_iter().cloned().collect()
    }

    pub(super) fn one(&mut self, home: u64, program: &str) -> v1::Violation {
        let mut all = self.run(home, program, Origin::Image);
        assert_eq!(all.len(), 1, "{program}: {all:?}");
        all.remove(0)
    }

    /// The workload `web` is promoted.
    pub(super) fn promote_web(&mut self) {
        answer(&mut self.judge, |judge, done| {
            judge.promote("/Workload/web/", ANN, done);
        })
        .unwrap();
    }

    pub(super) fn due(&mut self) -> Vec<v1::Violation> {
        let due = self.judge.due(self.moment());
        violations(&due).into_iter().cloned().collect()
    }
}

/// The profile of `web`, learned from the first version, with the second running beside it.
fn rollout() -> Bench {
    let mut bench = Bench::new();
    bench.start(OLD, "team/web:1", Some(1));
    assert!(bench.run(OLD, "ls", Origin::Image).is_empty());
    bench.promote_web();
    bench.start(NEW, "team/web:2", Some(2));
    bench
}

/// What matters here of a violation.
fn said(violation: &v1::Violation) -> (Told, bool, bool) {
    (
        violation.severity(),
        violation.new_in_version,
        violation.pending,
    )
}

#[test]
fn what_only_a_new_version_does_is_milder_and_waits() {
    let mut bench = rollout();
    assert!(
        bench.run(NEW, "ls", Origin::Image).is_empty(),
        "what was approved is inherited"
    );
    assert_eq!(said(&bench.one(NEW, "id")), (Told::Medium, true, true));
    assert_eq!(
        said(&bench.one(OLD, "id")),
        (Told::High, false, false),
        "the old one never did this"
    );
    let drift = bench.run(NEW, "dropped", Origin::UpperLayer).remove(0);
    assert_eq!(said(&drift), (Told::Critical, false, false));
    bench.start(OTHER, "evil/web:2", Some(3));
    assert_eq!(said(&bench.one(OTHER, "id")), (Told::High, false, false));
    bench.start(OTHER + 1, "team/web:3", None);
    assert_eq!(
        said(&bench.one(OTHER + 1, "id")),
        (Told::High, false, false),
        "nobody told its digest"
    );
    assert!(bench.due().iter().all(|one| one.rule != "sensor.degraded"));
}

#[test]
fn grace_ends_in_an_ordinary_violation_and_no_restart_begins_it_anew() {
    let mut bench = rollout();
    let first = bench.one(NEW, "id");
    assert!(first.new_in_version);
    bench.now += 23 * HOUR;
    assert!(bench.due().is_empty());
    // The agent restarts, and so does the container, an hour before the end.
    bench.save();
    let now = bench.moment();
    bench.judge.end(now);
    let state = bench.folder.path().join("state");
    drop(std::mem::replace(
        &mut bench.judge,
        open(&bench.folder.path().join("elsewhere"), "c1").unwrap(),
    ));
    bench.judge = open(&state, "c1").unwrap();
    bench.start(NEW + 20, "team/web:2", Some(2));
    let again = bench.one(NEW + 20, "id");
    assert!(again.new_in_version);
    // One that repeats and one that does not: both come to be as bad as they are.
    let lone = bench.one(NEW + 20, "env");
    assert!(bench.run(NEW + 20, "id", Origin::Image).is_empty());
    bench.now += HOUR;
    let mut over = bench.due();
    over.sort_by_key(|one| one.count);
    let ids: Vec<_> = over
        .iter()
        .map(|one| (&one.id, one.count, one.revision))
        .collect();
    assert_eq!(ids, [(&lone.id, 1, 2), (&again.id, 2, 2)]);
    for one in &over {
        assert_eq!(said(one), (Told::High, false, false));
    }
    assert!(bench.due().is_empty());
    // Nothing was approved meanwhile.
    assert_eq!(said(&bench.one(NEW + 20, "vi")), (Told::High, false, false));
    let (_, yaml) = bench.judge.profile("/Workload/web/").unwrap();
    let profile = Profile::from_yaml(yaml).unwrap();
    assert_eq!(profile.approved_len(), 1);
    assert_eq!(profile.pending_len(), 3);
}

#[test]
fn an_episode_that_is_decided_of_in_its_grace_comes_back_no_more() {
    let mut bench = rollout();
    let first = bench.one(NEW, "id");
    approve(&mut bench.judge, &first.id).unwrap();
    bench.now += 25 * HOUR;
    assert!(bench.due().is_empty());
    assert!(bench.run(NEW, "id", Origin::Image).is_empty());
    assert!(bench.run(OLD, "id", Origin::Image).is_empty());
}

#[test]
fn severities_are_as_configured_and_grace_counts_from_there() {
    let mut severities = Severities::default();
    severities.set(Rule::ExecUnknown, Severity::Critical);
    severities.set(Rule::ExecDrift, Severity::Low);
    severities.set(Rule::SensorGap, Severity::Low);
    let mut bench = rollout();
    let folder = bench.folder.path().join("state");
    drop(std::mem::replace(
        &mut bench.judge,
        open(&bench.folder.path().join("elsewhere"), "c1").unwrap(),
    ));
    bench.judge = open(&folder, "c1").unwrap().with_ratings(Ratings {
        severities,
        ..Ratings::default()
    });
    assert_eq!(bench.one(OLD, "id").severity(), Told::Critical);
    assert_eq!(bench.one(NEW, "id").severity(), Told::High);
    let drift = bench.run(NEW, "dropped", Origin::UpperLayer).remove(0);
    assert_eq!(drift.severity(), Told::Low, "and still it is reported");
    bench.exec("ls");
    bench.promote().unwrap();
    let items = bench.lose(3);
    assert_eq!(violations(&items)[0].severity(), Told::Low);
}

#[test]
fn without_grace_a_new_version_is_as_any_other() {
    let mut bench = rollout();
    bench.judge = bench.judge.with_ratings(Ratings {
        grace: 0,
        ..Ratings::default()
    });
    assert_eq!(said(&bench.one(NEW, "id")), (Told::High, false, false));
}
