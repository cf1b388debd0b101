//! Nodes that tell, an API that takes what is written, and what comes of it.

mod cluster;
mod followed;
mod hostile;
mod listed;
mod namespace;
mod scale;
mod served;
mod simulated;
mod size;

use super::board::{Board, Rules};
use super::hand::Hand;
use super::object;
use super::write::Writer;
use crate::clock;
use crate::judge::report;
use crate::kubernetes::api::{Api, Reach};
use crate::kubernetes::double::Cluster;
use lapwing_profile::collected::Terms;
use lapwing_profile::collected::object::Status;
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::window::{Moment, Opening, Window};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND as i64;

pub fn rules() -> Rules {
    Rules {
        terms: Terms::default(),
        interval: Duration::from_secs(10),
        evidence: Duration::from_secs(600),
        keep: 30 * DAY,
        workloads: [1_000, 100],
        bytes: 256 << 20,
        promotes: false,
    }
}

pub fn workload(namespace: &str, name: &str) -> Workload {
    Workload {
        namespace: namespace.to_owned(),
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
        container: "app".to_owned(),
        ..Workload::default()
    }
}

pub fn exec(name: &str) -> String {
    format!("exec: {{path: /bin/{name}, parent: runtime}}")
}

/// What an instance shows in so many minutes until now, doing all of this each five minutes.
pub fn learned(workload: &Workload, minutes: u64, lines: &[String]) -> Profile {
    let mut profile = Profile::new(workload.clone(), Mode::Learning);
    let (start, end) = (7 * SECOND, 7 * SECOND + minutes * MINUTE);
    // To whole hours, so that nothing hangs on when a test runs.
    let now = clock::now() / 1_000_000_000 * 1_000_000_000;
    let moment = |boot: u64| Moment {
        boot,
        wall: now - (end - boot) as i64,
    };
    let opening = Opening {
        id: 7,
        node: 1,
        started: Some(start),
        slot: 5 * MINUTE,
    };
    let mut window = Window::open(opening, None, moment(start));
    let entries: Vec<Entry> = { lines.iter() }
        .map(|line| Entry::parse(line).unwrap())
        .collect();
    let mut boot = start;
    while boot <= end {
        window.advance(moment(boot));
        if (boot - start).is_multiple_of(5 * MINUTE) {
            for entry in &entries {
                let at = moment(boot).wall;
                let entry = entry.clone();
                profile.observe(&Sighting { entry, at });
            }
            for entry in &entries {
                profile.witness(&mut window, entry, boot);
            }
        }
        boot += 10 * SECOND;
    }
    profile.attend(&window);
    profile
}

pub fn message(profile: &Profile, instances: u32) -> v1::LearnedProfile {
    v1::LearnedProfile {
        name: profile.workload.to_string(),
        workload: Some(report::workload(&profile.workload)),
        yaml: profile.to_yaml(),
        instances,
    }
}

/// A controller that leads.
pub struct Leader {
    pub board: Arc<Board>,
    pub writer: Writer,
}

impl Leader {
    /// One that took up what there is.
    pub async fn begin(cluster: &Cluster, rules: Rules, promotes: bool) -> Self {
        Self::at(cluster.reach(), rules, promotes).await
    }

    pub async fn at(reach: Reach, rules: Rules, promotes: bool) -> Self {
        let api = Arc::new(Api::new(reach, Duration::from_secs(5)));
        let board = Arc::new(Board::new(Rules { promotes, ..rules }));
        let writer = Writer {
            api: Hand::new(api),
            board: Arc::clone(&board),
            instance: "controller-0".to_owned(),
            user: "system:serviceaccount:lapwing:lapwing-controller".to_owned(),
        };
        writer.take_up().await.unwrap();
        board.promoted(BTreeMap::new());
        Self { board, writer }
    }

    pub fn take(&self, node: &str, profile: &Profile) {
        self.board.take(node, &message(profile, 1), clock::now());
    }

    /// The interval passes, and what is due is written.
    pub async fn settle(&self) {
        tokio::time::advance(Duration::from_secs(11)).await;
        self.writer.write_due().await.unwrap();
    }
}

pub fn status_of(cluster: &Cluster, workload: &Workload) -> Status {
    let object = cluster.object(&object::path(workload)).unwrap();
    serde_json::from_value(object["status"].clone()).unwrap()
}

pub fn events(cluster: &Cluster, reason: &str) -> Vec<Value> {
    let all = cluster.written_objects("events").into_iter();
    all.filter(|event| event["reason"] == reason).collect()
}

/// Whether it is the object that tests of the chart hold the admission policies against.
pub fn is_what_the_policies_are_tried_with(made: &Value) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/controller/learned/tests/promoted.json"
    );
    let mut made = made.clone();
    let metadata = made["metadata"].as_object_mut().unwrap();
    // As it was asked for: these are the server's.
    metadata.remove("resourceVersion");
    metadata.remove("uid");
    // Which hours of the day were not seen depends on when this runs.
    let reason = &mut metadata["annotations"]["lapwing.dev/reason"];
    *reason = reason.as_str().unwrap().split("; ").next().into();
    let text = format!("{made:#}\n");
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        text,
        "run LAPWING_REGENERATE=1 cargo test -p lapwing-agent --lib controller::learned"
    );
}

#[test]
fn names_are_readable_and_no_two_workloads_share_one() {
    let name = object::name_of(&workload("shop", "web"));
    assert!(name.starts_with("deployment-web-app-"), "{name}");
    let mut other = workload("shop", "web-app");
    other.container = "x".to_owned();
    let mut like = workload("shop", "web");
    like.container = "app-x".to_owned();
    assert_ne!(object::name_of(&other), object::name_of(&like));
    let mut long = workload("shop", &"a".repeat(253));
    long.container = "b".repeat(253);
    assert!(object::name_of(&long).len() <= 253);
    assert!(object::check(&long).is_ok());
    for name in ["", "UPPER", "a/b", "a\u{1b}[2J", "-a", "a b"] {
        let why = object::check(&workload("shop", name)).unwrap_err();
        assert!(!why.contains('\u{1b}'), "{why:?}");
        assert!(object::check(&workload(name, "web")).is_err(), "{name}");
    }
}
