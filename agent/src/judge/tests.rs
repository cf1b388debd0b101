use super::keep::OpenError;
use super::*;
use crate::config::StartMode;
use crate::container::hierarchy::Hierarchy;
use crate::container::{Act, Options, Registry, Resolution};
use decide::AskError;
use lapwing_abi::decode::{Body, Location};
use lapwing_abi::ids::{Origin, Phase, flags};
use lapwing_abi::record::Header;
use lapwing_profile::decide::By;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_proto::v1::decide_entries_request::Verdict;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod learning;
mod limits;
mod lineage;
mod provisional;
mod replay;
mod signed;
mod storage;
mod stored;
mod versions;

const SECOND: u64 = 1_000_000_000;
const HOME: u64 = 5;
const ANN: By<'_> = By {
    actor: "ann",
    reason: "reviewed",
    at: 7,
};

/// A judge, and one container that it judges.
struct Bench {
    folder: tempfile::TempDir,
    registry: Registry,
    images: Images,
    judge: Judge,
    /// Read once: two readings differ by what came between.
    clock: Clock,
    /// Since boot.
    now: u64,
}

fn open(folder: &Path, cluster: &str) -> Result<Judge, OpenError> {
    let store = Store::open(folder)?;
    Judge::open(store, cluster, "n1", StartMode::Learn, Arc::new(|| ()))
}

/// Asks, and goes on until it is answered.
fn answer<T: Send + 'static>(
    judge: &mut Judge,
    ask: impl FnOnce(&mut Judge, Box<dyn FnOnce(T) + Send>),
) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    ask(judge, Box::new(move |answer| sender.send(answer).unwrap()));
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(answer) = receiver.try_recv() {
            return answer;
        }
        judge.go_on();
        assert!(Instant::now() < until, "no answer");
    }
}

fn approve(
    judge: &mut Judge,
    entry: &str,
) -> Result<(Vec<String>, Vec<v1::ProfileSummary>), AskError> {
    let entries = [entry.to_owned()];
    answer(judge, |judge, done| {
        judge.decide(Verdict::Approve, "", &entries, ANN, done);
    })
}

fn import(judge: &mut Judge, yaml: &str) -> Result<v1::ProfileSummary, AskError> {
    answer(judge, |judge, done| judge.import(yaml, "", ANN, done))
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            cluster: "c1".into(),
            scope: Vec::new(),
            host: false,
            host_root: folder.path().to_path_buf(),
            runc_roots: Vec::new(),
        };
        let hierarchy = Hierarchy {
            root: folder.path().join("cgroup"),
            controller: None,
            id: 0,
            unified: None,
        };
        let mut registry = Registry::new(options, hierarchy);
        let id = "ab".repeat(32);
        let files = folder.path().join("var/lib/docker/containers").join(&id);
        fs::create_dir_all(&files).unwrap();
        let details = r#"{"Name":"/web","Config":{"Image":"team/web:1"}}"#;
        fs::write(files.join("config.v2.json"), details).unwrap();
        registry.met(HOME, 1, &format!("/docker/{id}"), 0);
        let act = Act {
            cgroup: HOME,
            pid: 0,
            foreign_root: false,
            behaviour: true,
        };
        registry.acted(act, 0);
        let judge = open(&folder.path().join("state"), "c1").unwrap();
        Self {
            folder,
            registry,
            images: Images::default(),
            judge,
            clock: Clock::read(),
            now: 0,
        }
    }

    fn workload(&self) -> Workload {
        match self.registry.resolve(HOME) {
            Resolution::Instance(instance) => instance.workload.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn name(&self) -> String {
        self.workload().to_string()
    }

    fn promote(&mut self) -> Result<v1::ProfileSummary, AskError> {
        let name = self.name();
        answer(&mut self.judge, |judge, done| {
            judge.promote(&name, ANN, done);
        })
    }

    fn file(&self) -> PathBuf {
        let name = self.workload().file_name();
        self.judge.store().profile_path(&name)
    }

    /// The container executes a program, a second after the last.
    fn exec(&mut self, program: &str) -> Vec<Item> {
        self.now += SECOND;
        let path = format!("{program}\0bin\0");
        let args = format!("{program}\0");
        let record = Record {
            header: Header {
                time: self.now,
                cgroup: HOME,
                flags: flags::FROM_RUNTIME,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::Exec {
                path: path.as_bytes(),
                filename: b"",
                args: args.as_bytes(),
                cwd: b"",
                origin: Origin::Image,
            },
        };
        self.take(&record)
    }

    fn take(&mut self, record: &Record<'_>) -> Vec<Item> {
        let Resolution::Instance(instance) = self.registry.resolve(HOME) else {
            panic!("no container")
        };
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: 0,
            names: &[],
        };
        self.judge.take(record, scene).1
    }

    fn lose(&mut self, count: u64) -> Vec<Item> {
        self.now += SECOND;
        let now = self.moment();
        let Resolution::Instance(instance) = self.registry.resolve(HOME) else {
            panic!("no container")
        };
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: 0,
            names: &[],
        };
        let gap = v1::Gap {
            reason: "behaviour-ring-full".into(),
            count,
            ..v1::Gap::default()
        };
        self.judge.lost(gap, scene, now)
    }

    fn moment(&self) -> Moment {
        Moment {
            boot: self.now,
            wall: self.clock.wall(self.now),
        }
    }

    fn save(&mut self) -> Vec<Item> {
        self.judge.save(self.moment())
    }

    /// Waits until the profile on disk is as it must be.
    fn stored(&self, wanted: impl Fn(&str) -> bool) {
        let until = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(self.file()).is_ok_and(|text| wanted(&text)) {
            assert!(Instant::now() < until, "not stored");
            std::thread::yield_now();
        }
    }
}

fn violations(items: &[Item]) -> Vec<&v1::Violation> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Violation(violation) => Some(violation),
            Item::Behaviour(_) | Item::Gap(_) | Item::Heartbeat(_) => None,
        })
        .collect()
}

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
    let replay = bench.judge.replay(&candidate, "", None).unwrap();
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
    let replay = bench.judge.replay(&own, "", None).unwrap();
    assert_eq!(replay.reported.len(), 1, "temp-x is pending: {replay:?}");
    let error = bench.judge.replay(&own, "/Image/other/", None).unwrap_err();
    assert!(matches!(error, AskError::NoProfile(_)), "{error}");
    assert!(bench.judge.replay("", "", None).is_err());
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
}

#[test]
fn what_is_not_published_for_lack_of_room_is_counted() {
    let mut published = Published::default();
    let entry = |number: usize| Entry::parse(&format!("exec: {{path: /{number}}}")).unwrap();
    assert!(published.is_news(1, &entry(0)) && !published.is_news(1, &entry(0)));
    assert!(published.is_news(2, &entry(0)), "of another container");
    published.all = PUBLISHED_ALL_MAX;
    assert!(!published.is_news(1, &entry(1)) && !published.is_news(1, &entry(0)));
    assert_eq!(published.refused, 1);
    published.gone(2);
    assert!(published.is_news(1, &entry(1)));
    assert_eq!(published.all, PUBLISHED_ALL_MAX);
}
