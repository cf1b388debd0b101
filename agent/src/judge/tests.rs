//! The judge with one container, and what all its tests need.

use super::keep::OpenError;
use super::replay::Candidate;
use super::*;
use crate::config::StartMode;
use crate::container::hierarchy::Hierarchy;
use crate::container::{Act, Options, Registry, Resolution};
use decide::AskError;
use lapwing_abi::decode::{Body, Location, Record};
use lapwing_abi::ids::{Origin, Phase, flags};
use lapwing_abi::record::Header;
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_proto::v1::decide_entries_request::Verdict;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod attribution;
mod calls;
mod contents;
mod learning;
mod limits;
mod lineage;
mod modes;
mod obeyed;
mod patterns;
mod phase;
mod provisional;
mod replay;
mod reported;
mod signed;
mod storage;
mod stored;
mod versions;
mod written;

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

/// There is a container of Docker.
fn meet(root: &Path, registry: &mut Registry, (home, id): (u64, &str), details: &str) {
    let files = root.join("var/lib/docker/containers").join(id);
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("config.v2.json"), details).unwrap();
    registry.met(home, 1, &format!("/docker/{id}"), 0);
    let act = Act {
        cgroup: home,
        pid: 0,
        foreign_root: false,
        behaviour: true,
    };
    registry.acted(act, 0);
}

impl Bench {
    fn new() -> Self {
        Self::with(r#"{"Name":"/web","Config":{"Image":"team/web:1"}}"#)
    }

    /// With what Docker's file says of the container.
    fn with(details: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            cluster: "c1".into(),
            scope: Vec::new(),
            host: false,
            host_root: folder.path().to_path_buf(),
            runc_roots: Vec::new(),
            share: usize::MAX,
        };
        let hierarchy = Hierarchy {
            root: folder.path().join("cgroup"),
            controller: None,
            id: 0,
            unified: None,
            namespace: String::new(),
        };
        let mut registry = Registry::new(options, hierarchy);
        let (files, id) = (folder.path(), "ab".repeat(32));
        meet(files, &mut registry, (HOME, &id), details);
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

    /// Takes what was seen to a candidate, as the agent does.
    fn replay(&self, yaml: &str) -> v1::ReplayProfileResponse {
        let candidate = Candidate::read(yaml, "").unwrap();
        let running = self.registry.running();
        let snapshot = self.judge.snapshot(&candidate.name, running).unwrap();
        snapshot.replay(&candidate.profile, None)
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
