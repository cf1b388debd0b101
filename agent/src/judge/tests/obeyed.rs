//! Profiles that obey an object of the cluster.

use super::*;
use crate::cluster::{News, Offer, Version};
use lapwing_profile::evidence::settings::Settings;

const OBJECT: &str = "shop/web";

fn of(bench: &Bench, mode: Mode, programs: &[&str]) -> Profile {
    let mut profile = Profile::new(bench.workload(), Mode::Learning);
    for program in programs {
        let entry =
            Entry::parse(&format!("exec: {{path: /bin/{program}, parent: runtime}}")).unwrap();
        profile.approve(&entry, ANN).unwrap();
    }
    if mode == Mode::Monitoring {
        profile.promote(ANN).unwrap();
    }
    profile.workload.cluster.clear();
    profile
}

fn offer(profile: &Profile) -> News {
    News::InForce(Offer {
        workload: profile.workload.clone(),
        object: OBJECT.to_owned(),
        version: Version::default(),
        text: profile.to_spec().into(),
        mode: profile.mode(),
    })
}

impl Bench {
    fn hear(&mut self, news: News) -> Vec<Item> {
        let now = self.moment();
        self.judge.cluster(news, now)
    }

    /// Another agent in the same folder, after this one ended.
    fn restart(&mut self) {
        let moment = self.moment();
        self.judge.end(moment);
        // The folder belongs to one agent, which this one is until it is dropped.
        let elsewhere = tempfile::tempdir().unwrap();
        self.judge = open(elsewhere.path(), "c1").unwrap();
        self.judge = open(&self.folder.path().join("state"), "c1").unwrap();
    }

    fn short(&self) -> v1::ProfileSummary {
        let mut all = self.judge.summaries(&HashMap::new());
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn reports(&mut self, program: &str) -> usize {
        let items = self.exec(program);
        violations(&items).len()
    }

    fn here(&self) -> PathBuf {
        let name = self.workload().file_name();
        self.judge.store().obeyed_path(&name)
    }
}

#[test]
fn what_the_object_says_is_in_force_at_once_and_the_node_s_own_comes_back() {
    let mut bench = Bench::new();
    assert_eq!(bench.reports("ls"), 0, "it learns");
    let own = bench.judge.profile(&bench.name()).unwrap().1;
    assert_eq!(bench.judge.obeying(), (0, 0));
    let strict = of(&bench, Mode::Monitoring, &["id"]);
    bench.hear(offer(&strict));
    let summary = bench.short();
    assert_eq!(
        (summary.mode(), &*summary.object),
        (v1::Mode::Monitoring, OBJECT)
    );
    let (many, since) = bench.judge.obeying();
    assert!(many == 1 && since > 0);
    assert_eq!(
        (
            bench.reports("ls"),
            bench.reports("id"),
            bench.reports("sh")
        ),
        (1, 0, 1)
    );
    // What was seen waits, and changes nothing of what the object says.
    assert_eq!((bench.short().exec, bench.short().pending), (1, 2));
    // The object approves of more.
    bench.hear(offer(&of(&bench, Mode::Monitoring, &["id", "ls"])));
    assert_eq!((bench.reports("ls"), bench.short().pending), (0, 1));
    // And of less.
    bench.hear(offer(&of(&bench, Mode::Monitoring, &[])));
    assert_eq!((bench.reports("id"), bench.short().exec), (1, 0));
    let workload = strict.workload.clone();
    bench.hear(News::Gone(workload));
    assert_eq!(bench.judge.profile(&bench.name()).unwrap().1, own);
    assert_eq!((bench.reports("sh"), bench.judge.obeying().0), (0, 0));
    assert!(!bench.here().exists());
}

/// What the kernel side was told of the workload's containers is told anew.
#[test]
fn what_was_said_to_the_kernel_holds_no_longer() {
    let mut bench = Bench::new();
    bench.exec("ls");
    let said = bench.judge.take_changed();
    let profile = of(&bench, Mode::Monitoring, &[]);
    bench.hear(offer(&profile));
    assert_eq!(bench.judge.changed, [bench.workload()]);
    bench.judge.take_changed();
    bench.hear(offer(&profile));
    assert!(bench.judge.changed.is_empty(), "nothing is new: {said:?}");
    bench.hear(News::Gone(profile.workload));
    assert_eq!(bench.judge.changed, [bench.workload()]);
}

/// A container that comes later obeys from its first act, and one that does nothing does too.
#[test]
fn what_comes_later_obeys_from_its_first_act() {
    let mut bench = Bench::new();
    let profile = of(&bench, Mode::Monitoring, &["id"]);
    bench.hear(offer(&profile));
    assert_eq!(bench.judge.obeying().0, 0, "nothing of it is known here");
    assert_eq!(
        bench.judge.keeper.mode(&bench.workload(), true),
        Mode::Monitoring
    );
    assert_eq!((bench.reports("sh"), bench.judge.obeying().0), (1, 1));
    let mut quiet = Bench::new();
    let profile = of(&quiet, Mode::Monitoring, &["id"]);
    quiet.hear(offer(&profile));
    let now = quiet.moment();
    quiet.judge.learn(quiet.registry.running(), now);
    assert_eq!(
        (quiet.judge.obeying().0, &*quiet.short().object),
        (1, OBJECT)
    );
}

/// It may be one of thousands, and the thread that hears of it reads the rings: a text is read when its workload
/// is here.
#[test]
fn what_is_not_on_this_node_is_not_read() {
    let mut bench = Bench::new();
    let profile = of(&bench, Mode::Monitoring, &["id"]);
    let News::InForce(mut unread) = offer(&profile) else {
        unreachable!()
    };
    unread.text = "{".into();
    bench.hear(News::InForce(unread));
    assert_eq!(
        bench.judge.keeper.mode(&bench.workload(), true),
        Mode::Monitoring
    );
    bench.hear(offer(&profile));
    assert_eq!((bench.reports("sh"), bench.reports("id")), (1, 0));
}

#[test]
fn other_workloads_are_none_of_its_business() {
    let mut bench = Bench::new();
    bench.exec("ls");
    for part in 0..4 {
        let mut other = of(&bench, Mode::Monitoring, &[]);
        let workload = &mut other.workload;
        let parts = [
            &mut workload.namespace,
            &mut workload.kind,
            &mut workload.name,
            &mut workload.container,
        ];
        parts.into_iter().nth(part).unwrap().push('x');
        bench.hear(offer(&other));
        assert_eq!((bench.judge.obeying().0, bench.reports("id")), (0, 0));
    }
}

#[test]
fn people_decide_of_it_in_the_cluster_alone() {
    let mut bench = Bench::new();
    bench.exec("ls");
    let profile = of(&bench, Mode::Monitoring, &["id"]);
    bench.hear(offer(&profile));
    let items = bench.exec("sh");
    let id = violations(&items)[0].id.clone();
    let name = bench.name();
    let yaml = of(&bench, Mode::Monitoring, &["sh"]).to_yaml();
    let refused = [
        approve(&mut bench.judge, &id).map(drop),
        import(&mut bench.judge, &yaml).map(drop),
        bench.promote().map(drop),
        answer(&mut bench.judge, |judge, done| {
            judge.demote(&name, ANN, done);
        })
        .map(|_: v1::ProfileSummary| ()),
    ];
    for error in refused {
        let error = error.unwrap_err();
        assert!(matches!(error, AskError::Obeys { .. }), "{error}");
        assert!(error.to_string().contains(OBJECT) && error.to_string().contains("kubectl apply"));
    }
    assert_eq!(
        (bench.short().exec, bench.short().mode()),
        (1, v1::Mode::Monitoring)
    );
    bench.hear(News::Gone(profile.workload));
    bench.promote().unwrap();
}

/// A decision that is being written while the object comes changes neither.
#[test]
fn a_decision_on_its_way_gives_way_to_the_object() {
    let mut bench = Bench::new();
    bench.exec("ls");
    let name = bench.name();
    let (sender, receiver) = std::sync::mpsc::channel();
    bench
        .judge
        .promote(&name, ANN, move |answer| sender.send(answer).unwrap());
    let profile = of(&bench, Mode::Learning, &["id"]);
    bench.hear(offer(&profile));
    let until = Instant::now() + Duration::from_secs(20);
    let answered = loop {
        bench.judge.go_on();
        if let Ok(answered) = receiver.try_recv() {
            break answered;
        }
        assert!(Instant::now() < until, "no answer");
    };
    assert!(
        matches!(answered, Err(AskError::Obeys { .. })),
        "{answered:?}"
    );
    assert_eq!(bench.short().mode(), v1::Mode::Learning);
    bench.restart();
    assert_eq!(
        bench.short().mode(),
        v1::Mode::Learning,
        "the node's own is on disk as it was"
    );
}

/// What it learns is its own, and it is promoted in the cluster alone.
#[test]
fn what_learns_goes_on_from_what_the_object_says_and_is_not_promoted_here() {
    let mut bench = Bench::new();
    let settings = Settings {
        slot: SECOND as i64,
        coverage: 0.0,
        quiet: 0,
        observed: 0,
        instances: 1,
        restarts: 0,
        promote: true,
        ..Settings::default()
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let judge = std::mem::replace(&mut bench.judge, open(elsewhere.path(), "c1").unwrap());
    bench.judge = judge.with_learning(settings);
    let profile = of(&bench, Mode::Learning, &["id"]);
    bench.hear(offer(&profile));
    for _ in 0..4_000 {
        assert_eq!(bench.reports("ls"), 0);
        let now = bench.moment();
        bench.judge.learn(bench.registry.running(), now);
        bench.judge.go_on();
        if bench.short().mode() == v1::Mode::Review {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(bench.short().mode(), v1::Mode::Review);
    for _ in 0..20 {
        bench.exec("ls");
        let now = bench.moment();
        bench.judge.learn(bench.registry.running(), now);
        bench.judge.go_on();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        (bench.short().mode(), bench.short().exec),
        (v1::Mode::Review, 2)
    );
    // After a restart it knows what it learned: the object says what it said.
    bench.restart();
    bench.hear(offer(&profile));
    bench.exec("ls");
    assert_eq!(
        (bench.short().mode(), bench.short().exec),
        (v1::Mode::Review, 2)
    );
}

#[test]
fn a_restart_goes_on_with_what_waited_and_with_the_node_s_own() {
    let mut bench = Bench::new();
    bench.exec("ls");
    let profile = of(&bench, Mode::Monitoring, &["id"]);
    bench.hear(offer(&profile));
    assert_eq!(bench.reports("sh"), 1);
    let since = bench.judge.obeying().1;
    bench.restart();
    // Until it is told of the object, the node's own counts.
    assert_eq!(bench.short().object, "");
    bench.now += SECOND;
    bench.hear(offer(&profile));
    let summary = bench.short();
    assert_eq!(
        (&*summary.object, summary.exec, summary.pending),
        (OBJECT, 1, 1)
    );
    assert_eq!(bench.judge.obeying(), (1, since));
    // A file that is none is not obeyed, and does not matter.
    bench.restart();
    fs::write(bench.here(), "x").unwrap();
    bench.hear(offer(&profile));
    assert_eq!((bench.short().exec, bench.short().pending), (1, 0));
    // Nor is what somebody wrote into it.
    bench.restart();
    let text = fs::read_to_string(bench.here()).unwrap();
    let wider = text.replacen("path: /bin/id", "path: /bin/sh", 1);
    assert_ne!(text, wider);
    fs::write(bench.here(), wider).unwrap();
    bench.hear(offer(&profile));
    assert_eq!((bench.reports("sh"), bench.reports("id")), (1, 0));
    // One that went while no agent ran.
    bench.restart();
    assert!(bench.here().exists());
    bench.hear(News::Listed);
    assert!(!bench.here().exists());
}

fn degraded(items: &[Item]) -> Vec<(String, String)> {
    let detail = |one: &&v1::Violation| match &one.detail {
        Some(v1::violation::Detail::Degraded(degraded)) => {
            (degraded.reason.clone(), degraded.detail.clone())
        }
        other => panic!("{other:?}"),
    };
    violations(items).iter().map(detail).collect()
}

#[test]
fn what_is_not_obeyed_is_reported_once_and_so_is_its_end() {
    let mut bench = Bench::new();
    let refused = |text: &str| News::Refused {
        object: OBJECT.to_owned(),
        workload: None,
        text: text.to_owned(),
    };
    let told = degraded(&bench.hear(refused("no \u{1b} sense")));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "cluster-profile");
    assert!(
        told[0]
            .1
            .contains("BehaviorProfile shop/web: no \\x1b sense"),
        "{told:?}"
    );
    let told = degraded(&bench.hear(refused("nobody signed it")));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].1.starts_with("over; it was") && told[1].1.contains("nobody signed it"));
    let told = degraded(&bench.hear(News::Mended(OBJECT.to_owned())));
    assert!(
        told.len() == 1 && told[0].1.starts_with("over; it was"),
        "{told:?}"
    );
    assert!(bench.hear(News::Mended(OBJECT.to_owned())).is_empty());
    // Of a workload that is on other nodes alone, those tell.
    let workload = of(&bench, Mode::Monitoring, &[]).workload;
    let of_workload = News::Refused {
        object: OBJECT.to_owned(),
        workload: Some(workload),
        text: "nobody signed it".to_owned(),
    };
    assert!(bench.hear(of_workload.clone()).is_empty());
    bench.exec("ls");
    assert_eq!(degraded(&bench.hear(of_workload)).len(), 1);
}
