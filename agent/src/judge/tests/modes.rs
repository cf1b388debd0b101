//! What namespaces and pods ask for.

use super::*;
use crate::cluster::namespaces::{LABEL, Label, Labels};
use crate::cluster::{News, Offer};
use crate::judge::modes::{Annotations, REASON};
use crate::judge::signed::Signatures;
use lapwing_abi::state::verdict;

mod limits;

/// What Docker's file says of a container of the pod `shop/NAME`, or of another namespace.
fn in_pod(namespace: &str, pod: &str) -> String {
    format!(
        r#"{{"Name":"/app","Config":{{"Image":"team/web:1","Labels":{{
            "io.kubernetes.pod.namespace":"{namespace}","io.kubernetes.pod.name":"{pod}",
            "io.kubernetes.container.name":"app"}}}}}}"#
    )
}

/// A container of the pod `shop/web-1`, and what is asked for of it.
struct Cluster {
    bench: Bench,
    labels: Labels,
    pods: Annotations,
}

impl std::ops::Deref for Cluster {
    type Target = Bench;
    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl std::ops::DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut Bench {
        &mut self.bench
    }
}

impl Cluster {
    fn new() -> Self {
        let bench = Bench::with(&in_pod("shop", "web-1"));
        assert_eq!(bench.name(), "shop/Image/team%2Fweb/app");
        Self {
            bench,
            labels: Labels::new(),
            pods: Annotations::new(),
        }
    }

    /// The agent's configuration says so.
    fn of(start: StartMode, signatures: Option<Signatures>) -> Self {
        let mut cluster = Self::new();
        cluster.restart(start, signatures);
        cluster
    }

    fn restart(&mut self, start: StartMode, signatures: Option<Signatures>) {
        let moment = self.moment();
        self.judge.end(moment);
        let elsewhere = tempfile::tempdir().unwrap();
        self.judge = open(elsewhere.path(), "c1").unwrap();
        let store = Store::open(&self.folder.path().join("state")).unwrap();
        let judge = Judge::open(store, "c1", "n1", start, Arc::new(|| ())).unwrap();
        self.judge = judge
            .with_signatures(signatures.unwrap_or_default(), 9)
            .unwrap();
        self.heard();
    }

    /// Weighs, and waits until what comes of it is on disk.
    fn weigh(&mut self) -> Vec<(String, String)> {
        self.bench.now += SECOND;
        let now = self.bench.moment();
        let Bench {
            registry, judge, ..
        } = &mut self.bench;
        let items = judge.weigh(registry.known(), &self.pods, now);
        let (workload, until) = (self.workload(), Instant::now() + Duration::from_secs(20));
        while self.judge.keeper.is_deciding(&workload) {
            self.judge.go_on();
            assert!(Instant::now() < until, "it is not written");
            std::thread::sleep(Duration::from_millis(1));
        }
        let detail = |one: &&v1::Violation| match &one.detail {
            Some(v1::violation::Detail::Degraded(degraded)) => {
                assert_eq!(degraded.reason, REASON);
                (one.id.clone(), degraded.detail.clone())
            }
            other => panic!("{other:?}"),
        };
        violations(&items).iter().map(detail).collect()
    }

    /// The namespace has this label from now on; empty for none.
    fn label(&mut self, value: &str) -> Vec<(String, String)> {
        let before = self.labels.remove("shop");
        if !value.is_empty() {
            let label = Label::of(value, before.as_ref());
            self.labels.insert("shop".to_owned(), label);
        }
        self.heard();
        assert!(self.judge.is_unweighed());
        self.weigh()
    }

    /// The pod has this annotation from now on; empty for none.
    fn annotate(&mut self, value: &str) -> Vec<(String, String)> {
        let pod = ("shop".to_owned(), "web-1".to_owned());
        match value.is_empty() {
            true => drop(self.pods.remove(&pod)),
            false => drop(self.pods.insert(pod, value.to_owned())),
        }
        self.weigh()
    }

    fn reports(&mut self, program: &str) -> usize {
        let items = self.exec(program);
        violations(&items).len()
    }

    fn heard(&mut self) {
        let labels = Arc::new(self.labels.clone());
        self.judge.labelled(labels);
    }

    fn tick(&mut self) {
        let now = self.moment();
        let Bench {
            registry, judge, ..
        } = &mut self.bench;
        judge.learn(registry.running(), now);
    }

    /// What the kernel side is to be told of how urgent its records are.
    fn watched(&mut self) -> Option<bool> {
        let instance = instance(self);
        self.judge.take_watched(&instance)
    }

    fn mode(&self) -> Mode {
        self.judge.keeper.mode(&self.workload(), true)
    }

    fn decisions(&mut self) -> Vec<(String, String, String)> {
        let workload = self.workload();
        let kept = self.judge.keeper.known(&workload).unwrap();
        let decisions = kept.profile.decisions();
        decisions
            .map(|one| (one.actor.clone(), one.action.clone(), one.reason.clone()))
            .collect()
    }

    /// Who asked for what, as `lapwing containers` says.
    fn asked(&self) -> String {
        match self.judge.asked_of(HOME) {
            Some(word) => format!("{} {}", word.asked, word.voice),
            None => String::new(),
        }
    }
}

fn signed() -> Option<Signatures> {
    Some(Signatures {
        require: true,
        keys: Vec::new(),
    })
}

#[test]
fn without_a_label_the_configuration_counts() {
    let mut cluster = Cluster::new();
    assert!(cluster.label("").is_empty());
    assert_eq!((cluster.reports("ls"), cluster.mode()), (0, Mode::Learning));
    let mut cluster = Cluster::of(StartMode::Monitor, None);
    assert!(cluster.label("").is_empty());
    assert_eq!((cluster.reports("ls"), &*cluster.asked()), (1, ""));
    // A label of another namespace is none of its business, nor has a container outside of pods one.
    let off = Label::of("off", None);
    cluster.labels.insert("bank".to_owned(), off.clone());
    assert!(cluster.label("").is_empty());
    assert_eq!(cluster.reports("id"), 1);
    let mut plain = Cluster::new();
    plain.bench = Bench::new();
    plain.labels.insert(String::new(), off);
    assert!(plain.label("off").is_empty());
    assert_eq!((plain.asked(), plain.reports("ls")), (String::new(), 0));
    assert_eq!(plain.bench.judge.summaries(&HashMap::new()).len(), 1);
}

#[test]
fn monitor_compares_from_the_first_event_and_with_what_was_learned() {
    let mut fresh = Cluster::new();
    assert!(fresh.label("monitor").is_empty(), "it loosens nothing");
    assert_eq!((fresh.reports("ls"), fresh.mode()), (1, Mode::Monitoring));
    let decisions = fresh.decisions();
    assert_eq!(decisions.len(), 1);
    let (actor, action, reason) = &decisions[0];
    assert_eq!((&**actor, &**action), ("kubernetes", "promote"));
    let wanted =
        "lapwing.dev/mode=monitor, the label of the namespace shop; it had no profile".to_owned();
    assert_eq!(*reason, wanted);
    // One that learned is promoted with what it learned, and who said so is on record.
    let mut cluster = Cluster::new();
    cluster.exec("ls");
    let known = cluster.judge.take_changed();
    assert!(cluster.label("monitor").is_empty());
    assert_eq!(
        cluster.judge.take_changed(),
        [HOME],
        "the kernel is told anew: {known:?}"
    );
    assert_eq!((cluster.reports("ls"), cluster.reports("sh")), (0, 1));
    let (actor, action, reason) = cluster.decisions().pop().unwrap();
    assert_eq!((&*actor, &*action), ("kubernetes", "promote"));
    for part in [
        "lapwing.dev/mode=monitor, the label of the namespace shop; 1 entries; evidence incomplete: ",
        "observed for",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    cluster.stored(|text| text.contains("mode: Monitoring") && text.contains("namespace shop"));
    // Once.
    assert!(cluster.weigh().is_empty());
    assert_eq!(cluster.decisions().len(), 1);
    // Nobody demotes by hand what would be promoted a second later.
    let name = cluster.name();
    let demoted: Result<v1::ProfileSummary, AskError> =
        answer(&mut cluster.judge, |judge, done| {
            judge.demote(&name, ANN, done);
        });
    let error = demoted.unwrap_err().to_string();
    assert!(error.contains("the label of the namespace shop"), "{error}");
    // The label goes: what is tight stays.
    assert!(cluster.label("").is_empty());
    assert_eq!((cluster.mode(), &*cluster.asked()), (Mode::Monitoring, ""));
}

#[test]
fn learn_takes_back_what_a_label_promoted_and_not_what_a_person_did() {
    let mut cluster = Cluster::new();
    cluster.exec("ls");
    cluster.label("monitor");
    assert_eq!(cluster.reports("sh"), 1);
    let told = cluster.label("learn");
    assert_eq!(cluster.mode(), Mode::Learning);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0]
            .1
            .contains("what its label had promoted before learns again"),
        "{told:?}"
    );
    let (actor, action, reason) = cluster.decisions().pop().unwrap();
    assert_eq!((&*actor, &*action), ("kubernetes", "demote"));
    assert_eq!(
        reason,
        "lapwing.dev/mode=learn, the label of the namespace shop"
    );
    assert_eq!(cluster.reports("sh"), 0, "it learns");
    // A person promotes it.
    cluster.promote().unwrap();
    assert!(cluster.weigh().is_empty());
    assert_eq!(
        (cluster.mode(), cluster.reports("id")),
        (Mode::Monitoring, 1)
    );
    let told = cluster.label("monitor");
    assert!(told.len() == 1 && told[0].1.starts_with("over; it was: "));
    assert!(cluster.label("learn").is_empty(), "it loosens nothing now");
    assert_eq!(
        (cluster.mode(), cluster.reports("wc")),
        (Mode::Monitoring, 1)
    );
    // Whose word it was is known after a restart.
    let mut other = Cluster::new();
    other.exec("ls");
    other.label("monitor");
    other.restart(StartMode::Learn, None);
    other.weigh();
    assert_eq!(other.mode(), Mode::Monitoring);
    other.label("learn");
    assert_eq!(other.mode(), Mode::Learning);
}

#[test]
fn learn_has_what_is_new_learn_where_the_configuration_monitors() {
    let mut cluster = Cluster::of(StartMode::Monitor, None);
    let told = cluster.label("learn");
    assert!(told.len() == 1 && told[0].1.contains("`lapwing.dev/mode=learn`"));
    assert_eq!((cluster.reports("ls"), cluster.mode()), (0, Mode::Learning));
    let told = cluster.label("");
    assert!(told.len() == 1 && told[0].1.starts_with("over; it was: "));
    assert_eq!(cluster.mode(), Mode::Learning, "it goes on");
}

#[test]
fn of_what_is_off_nothing_is_learned_or_reported_and_the_kernel_holds_it_back() {
    let mut cluster = Cluster::new();
    cluster.exec("ls");
    cluster.judge.take_changed();
    cluster.tick();
    let own = instance(&cluster);
    assert!(cluster.judge.wants_calls(&own) && cluster.judge.learns(&own));
    let yaml = cluster.judge.profile(&cluster.name()).unwrap().1;
    let told = cluster.label("off");
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "the namespace shop: its label is `lapwing.dev/mode=off`",
        "1 containers on this node",
        "kubectl label namespace shop lapwing.dev/mode-",
    ] {
        assert!(told[0].1.contains(part), "{part}: {told:?}");
    }
    assert_eq!(cluster.judge.take_changed(), [HOME]);
    let own = instance(&cluster);
    assert!(!cluster.judge.wants_calls(&own) && !cluster.judge.learns(&own));
    // A record with a key.
    cluster.now += SECOND;
    let header = Header {
        time: cluster.now,
        cgroup: HOME,
        key: 77,
        ..Header::default()
    };
    let record = Record {
        header,
        phase: Phase::Main,
        body: Body::Exec {
            path: b"sh\0bin\0",
            filename: b"",
            args: b"sh\0",
            cwd: b"",
            origin: Origin::Image,
        },
    };
    assert!(cluster.take(&record).is_empty(), "not even as a behaviour");
    let said = cluster.judge.take_said().unwrap();
    assert_eq!(
        (said.home, said.key, said.verdict),
        (HOME, 77, verdict::KNOWN)
    );
    assert!(cluster.lose(3).is_empty());
    cluster.tick();
    assert_eq!(cluster.judge.profile(&cluster.name()).unwrap().1, yaml);
    let status = cluster.judge.modes_status();
    assert_eq!((status.off, status.dropped, status.told), (1, 1, 1));
    let namespace = &status.namespaces[0];
    assert_eq!(
        (
            &*namespace.name,
            &*namespace.label,
            namespace.containers,
            namespace.off
        ),
        ("shop", "off", 1, 1)
    );
    assert_eq!(cluster.asked(), "off the label of the namespace shop");
    // It is told once.
    assert!(cluster.weigh().is_empty());
    // And on again.
    let told = cluster.label("");
    assert!(cluster.judge.wants_calls(&own) && cluster.judge.learns(&own));
    assert!(
        told.len() == 1 && told[0].1.starts_with("over; it was: "),
        "{told:?}"
    );
    assert_eq!(cluster.judge.take_changed(), [HOME]);
    assert_eq!((cluster.reports("sh"), cluster.mode()), (0, Mode::Learning));
    let summary = cluster.judge.profile(&cluster.name()).unwrap().0;
    assert_eq!(summary.exec, 2);
    let learning = summary.learning.unwrap();
    assert!(
        learning.quiet_seconds < 5,
        "what it did meanwhile nobody saw"
    );
}

/// Without a profile it has none afterwards; and one that monitors does so again.
#[test]
fn off_makes_no_profile_and_leaves_modes_as_they_are() {
    let mut cluster = Cluster::of(StartMode::Monitor, None);
    cluster.label("off");
    assert_eq!(cluster.reports("sh"), 0);
    assert!(cluster.judge.summaries(&HashMap::new()).is_empty());
    cluster.label("monitor");
    assert_eq!(cluster.reports("ls"), 1);
    cluster.label("off");
    assert_eq!(cluster.reports("id"), 0);
    assert_eq!(cluster.watched(), Some(false));
    cluster.label("");
    assert_eq!(
        (cluster.reports("id"), cluster.mode()),
        (1, Mode::Monitoring)
    );
    assert_eq!(cluster.watched(), Some(true));
}

fn instance(bench: &Bench) -> Instance {
    match bench.registry.resolve(HOME) {
        Resolution::Instance(instance) => instance.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_goes_before_the_label() {
    let mut cluster = Cluster::new();
    cluster.exec("ls");
    cluster.label("off");
    let mut strict = Profile::new(cluster.workload(), Mode::Learning);
    strict.promote(ANN).unwrap();
    strict.workload.cluster.clear();
    let now = cluster.moment();
    cluster.judge.cluster(
        News::InForce(Offer {
            workload: strict.workload.clone(),
            object: "shop/web".to_owned(),
            version: crate::cluster::Version::default(),
            text: strict.to_spec().into(),
            mode: Mode::Monitoring,
        }),
        now,
    );
    assert!(cluster.judge.is_unweighed());
    let told = cluster.weigh();
    assert!(
        told.len() == 1 && told[0].1.starts_with("over; it was: "),
        "{told:?}"
    );
    assert_eq!((cluster.reports("ls"), &*cluster.asked()), (1, ""));
    assert_eq!(cluster.judge.modes_status().namespaces[0].configured, 1);
    cluster.label("learn");
    assert_eq!(
        (cluster.reports("id"), cluster.mode()),
        (1, Mode::Monitoring)
    );
    cluster.label("off");
    let now = cluster.moment();
    cluster.judge.cluster(News::Gone(strict.workload), now);
    assert!(cluster.judge.is_unweighed());
    let told = cluster.weigh();
    assert_eq!((told.len(), cluster.reports("wc")), (1, 0));
}
