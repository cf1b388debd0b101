//! From learning to review to monitoring, by evidence.

use super::*;
use lapwing_profile::evidence::settings::Settings;

const SLOT: i64 = 5 * SECOND as i64;

fn settings(promote: bool) -> Settings {
    Settings {
        slot: SLOT,
        quiet: 3 * SLOT,
        observed: 6 * SLOT,
        restarts: 0,
        promote,
        ..Settings::default()
    }
}

impl Bench {
    fn learning(settings: Settings) -> Self {
        let mut bench = Self::new();
        drop(bench.judge);
        let state = bench.folder.path().join("state");
        bench.judge = open(&state, "c1").unwrap().with_learning(settings);
        bench
    }

    /// Time passes, tick by tick.
    fn ticks(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += SECOND;
            let now = self.moment();
            self.judge.learn(self.registry.running(), now);
            // Decisions are written by a thread.
            let (workload, until) = (self.workload(), Instant::now() + Duration::from_secs(20));
            while self.judge.keeper.is_deciding(&workload) {
                self.judge.go_on();
                assert!(Instant::now() < until, "it is not written");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn summary(&self) -> v1::ProfileSummary {
        self.judge.profile(&self.name()).unwrap().0
    }

    fn decisions(&self) -> Vec<(String, String, String)> {
        let profile = Profile::from_yaml(fs::read(self.file()).unwrap()).unwrap();
        let decisions = profile.decisions();
        decisions
            .map(|one| (one.actor.clone(), one.action.clone(), one.reason.clone()))
            .collect()
    }
}

#[test]
fn quiet_ends_learning_and_a_person_the_review() {
    let mut bench = Bench::learning(settings(false));
    // Who asks is told by which conditions.
    let told = report::settings(&bench.judge.conditions());
    assert_eq!(told, settings(false));
    bench.exec("ls");
    bench.ticks(20);
    let learning = bench.summary().learning.unwrap();
    assert!(!learning.complete);
    assert!(
        learning
            .unmet
            .iter()
            .any(|unmet| unmet.starts_with("observed for 2")),
        "{:?}",
        learning.unmet
    );
    bench.ticks(15);
    let summary = bench.summary();
    assert_eq!(summary.mode(), v1::Mode::Review);
    let in_short = v1::ProfileSummary {
        mode: summary.mode,
        pending: summary.pending,
        ..v1::ProfileSummary::default()
    };
    assert_eq!(bench.judge.modes(), [in_short]);
    assert!(summary.learning.unwrap().complete);
    bench.ticks(30);
    assert_eq!(bench.summary().mode(), v1::Mode::Review, "a person decides");
    bench.promote().unwrap();
    assert!(bench.summary().learning.is_none());
    let decisions = bench.decisions();
    assert_eq!(decisions.len(), 2, "{decisions:?}");
    let (actor, action, reason) = &decisions[0];
    assert_eq!((actor.as_str(), action.as_str()), ("lapwing", "review"));
    assert!(
        reason.starts_with("evidence complete: observed for 3"),
        "{reason}"
    );
}

#[test]
fn automatic_promotion_is_on_record_as_well() {
    let mut bench = Bench::learning(settings(true));
    bench.exec("ls");
    bench.ticks(45);
    assert_eq!(bench.summary().mode(), v1::Mode::Monitoring);
    let actions: Vec<_> = bench
        .decisions()
        .into_iter()
        .map(|(_, action, _)| action)
        .collect();
    assert_eq!(actions, ["review", "promote"]);
    assert!(
        bench.decisions()[1]
            .2
            .starts_with("`learning.promote` is automatic")
    );
}

#[test]
fn a_person_sends_it_back_to_learning_and_time_begins_anew() {
    let cap = Settings {
        cap: 120 * SECOND as i64,
        ..settings(true)
    };
    let mut bench = Bench::learning(cap);
    let demote = |bench: &mut Bench, by: By<'static>| {
        let name = bench.name();
        answer(&mut bench.judge, |judge, done| {
            judge.demote(&name, by, done);
        })
    };
    bench.exec("ls");
    let error = demote(&mut bench, ANN).unwrap_err().to_string();
    assert!(error.contains("Learning already"), "{error}");
    bench.ticks(45);
    assert_eq!(bench.summary().mode(), v1::Mode::Monitoring);
    assert_eq!(violations(&bench.exec("cat")).len(), 1);
    // Longer than the cap: what passed before the demotion is no reason to end it.
    bench.ticks(90);
    let by = By {
        actor: "ann",
        reason: " ",
        at: bench.moment().wall,
    };
    let error = demote(&mut bench, by).unwrap_err().to_string();
    assert!(error.contains("--reason"), "{error}");
    assert_eq!(bench.summary().mode(), v1::Mode::Monitoring);
    let reason = "release 2 calls cat";
    let summary = demote(&mut bench, By { reason, ..by }).unwrap();
    assert_eq!(summary.mode(), v1::Mode::Learning);
    bench.ticks(5);
    // What was a violation is learned now.
    assert!(violations(&bench.exec("cat")).is_empty());
    bench.ticks(22);
    let summary = bench.summary();
    assert_eq!((summary.mode(), summary.exec), (v1::Mode::Learning, 2));
    let unmet = summary.learning.unwrap().unmet;
    assert!(
        unmet.iter().any(|it| it.starts_with("observed for 2")),
        "{unmet:?}"
    );
    bench.ticks(15);
    assert_eq!(bench.summary().mode(), v1::Mode::Monitoring);
    let decisions = bench.decisions();
    let actions: Vec<_> = decisions.iter().map(|one| one.1.as_str()).collect();
    assert_eq!(
        actions,
        ["review", "promote", "demote", "review", "promote"]
    );
    assert_eq!(decisions[2].2, reason);
}

#[test]
fn news_keep_it_learning_until_the_time_is_up() {
    let cap = Settings {
        cap: 80 * SECOND as i64,
        ..settings(true)
    };
    let mut bench = Bench::learning(cap);
    for number in 0..14 {
        bench.exec(&format!("tool{number}"));
        bench.ticks(4);
        assert_eq!(bench.summary().mode(), v1::Mode::Learning);
    }
    let unmet = bench.summary().learning.unwrap().unmet;
    assert!(
        unmet.iter().any(|unmet| unmet.starts_with("quiet for ")),
        "{unmet:?}"
    );
    for number in 0..8 {
        bench.exec(&format!("more{number}"));
        bench.ticks(4);
    }
    let summary = bench.summary();
    assert_eq!(summary.mode(), v1::Mode::Review, "never promoted by itself");
    assert!(summary.learning.unwrap().incomplete);
    let (_, action, reason) = bench.decisions().remove(0);
    assert_eq!(action, "review");
    assert!(
        reason.starts_with("incomplete after 1.3 min: ") && reason.contains("quiet for"),
        "{reason}"
    );
}

#[test]
fn what_is_only_counted_is_an_incidence_of_its_slot() {
    const KEY: u64 = 77;
    let mut bench = Bench::learning(settings(false));
    let record = Record {
        header: Header {
            cgroup: HOME,
            key: KEY,
            flags: flags::FROM_RUNTIME,
            ..Header::default()
        },
        phase: Phase::Main,
        body: Body::Exec {
            path: b"ls\0bin\0",
            filename: b"",
            args: b"ls\0",
            cwd: b"",
            origin: Origin::Image,
        },
    };
    bench.take(&record);
    bench.ticks(12);
    let seen = lapwing_abi::state::Seen {
        verdict: lapwing_abi::state::verdict::KNOWN,
        count: 9,
        sent: SECOND,
        last: bench.now,
    };
    let samples = |bench: &Bench| {
        let classes = bench.summary().learning.unwrap().classes;
        let running = classes.into_iter().find(|class| !class.startup);
        running.map_or((0, 0), |class| (class.incidences, class.once))
    };
    assert_eq!(samples(&bench), (0, 0), "only its start-up was seen");
    bench.judge.repeated(HOME, &[(KEY, seen)], Clock::read());
    assert_eq!(samples(&bench), (1, 1));
    bench.ticks(SLOT as u64 / SECOND);
    let again = lapwing_abi::state::Seen {
        count: 10,
        last: bench.now,
        ..seen
    };
    bench.judge.repeated(HOME, &[(KEY, again)], Clock::read());
    // Two samples, of one burst still.
    assert_eq!(samples(&bench), (2, 1));
}

#[test]
fn a_loss_must_heal_first() {
    let mut bench = Bench::learning(settings(false));
    bench.exec("ls");
    bench.ticks(28);
    bench.judge.gap(bench.moment().wall);
    bench.ticks(10);
    assert_eq!(bench.summary().mode(), v1::Mode::Learning);
    let unmet = bench.summary().learning.unwrap().unmet;
    assert!(
        unmet.len() == 1 && unmet[0].starts_with("something may have been missed"),
        "{unmet:?}"
    );
    bench.ticks(12);
    assert_eq!(bench.summary().mode(), v1::Mode::Review);
}

#[test]
fn evidence_outlives_the_agent() {
    let mut bench = Bench::learning(settings(false));
    bench.exec("ls");
    bench.ticks(13);
    let before = bench.summary().learning.unwrap();
    bench.judge.end(bench.moment());
    let state = bench.folder.path().join("state");
    let other = tempfile::tempdir().unwrap();
    bench.judge = open(other.path(), "c1").unwrap();
    bench.judge = open(&state, "c1").unwrap().with_learning(settings(false));
    let after = bench.summary().learning.unwrap();
    assert_eq!(after, before);
    assert_eq!(after.observed_seconds, 14);
}

/// A person put it into the running pod, whatever the kernel takes its first program for.
#[test]
fn nothing_of_an_ephemeral_container_is_learned() {
    use crate::container::pod::{InPod, Kind};
    use v1::behaviour::Outcome;
    for (kind, is_learned) in [(Kind::Main, true), (Kind::Ephemeral, false)] {
        let mut bench = Bench::new();
        let Resolution::Instance(instance) = bench.registry.resolve(HOME) else {
            panic!("no container")
        };
        let mut instance = instance.clone();
        let kind = Some(kind);
        instance.details.in_pod = Some(Box::new(InPod {
            kind,
            ..InPod::default()
        }));
        let record = Record {
            header: Header {
                cgroup: HOME,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::Egress {
                contact: lapwing_abi::ids::Contact::Peer,
                protocol: 6,
                peer: lapwing_abi::decode::Peer::Ip([192, 0, 2, 1].into(), 443),
            },
        };
        let scene = Scene {
            instance: &instance,
            images: &bench.images,
            clock: bench.clock,
            last_gap: 0,
            names: &[],
        };
        let items = bench.judge.take(&record, scene).1;
        let outcome = items.iter().find_map(|item| match item {
            Item::Behaviour(behaviour) => Some(behaviour.outcome()),
            _ => None,
        });
        assert_eq!(outcome == Some(Outcome::Learned), is_learned, "{items:?}");
        let reported = items.iter().any(|item| matches!(item, Item::Violation(_)));
        assert_eq!(reported, !is_learned, "{items:?}");
    }
}
