//! Kill -9 at any moment, hundreds of times: every profile is whole, and what was answered is there.
//!
//! The test starts itself as another process, which takes one decision after the other and says
//! when each is answered, while profiles that nobody waits for are stored beside. It is killed
//! between two instructions of its own, wherever they are: in a write, before a rename, after it.

use lapwing_agent::config::StartMode;
use lapwing_agent::judge::Judge;
use lapwing_agent::judge::episodes::Moment;
use lapwing_agent::judge::store::{Store, StoreError};
use lapwing_profile::decide::By;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Set where this is the process to be killed.
const FOLDER: &str = "LAPWING_TEST_KILLED_FOLDER";
/// Of each lane; ten times as many with LAPWING_SOAK.
const ROUNDS: u64 = 100;
/// Folders in which that goes on at a time.
const LANES: usize = 2;
/// Few, so that most of the time is spent in writing.
const ENTRIES: usize = 5;

fn profile(name: &str, round: usize) -> Profile {
    let workload = Workload {
        name: name.to_owned(),
        ..Workload::default()
    };
    let mut text = Profile::new(workload, Mode::Monitoring).to_yaml();
    let lines = (0..ENTRIES).map(|entry| format!("    - {{path: /bin/{round}-{entry}}}\n"));
    text = text.replace(
        "  exec: []\n",
        &format!("  exec:\n{}", lines.collect::<String>()),
    );
    Profile::from_yaml(text).unwrap()
}

fn open(folder: &Path) -> Judge {
    // A process that the other lane just began holds what is open here until it has become its own.
    let until = Instant::now() + Duration::from_secs(20);
    let store = loop {
        match Store::open(folder) {
            Err(StoreError::Locked(_)) if Instant::now() < until => std::thread::yield_now(),
            other => break other.unwrap(),
        }
    };
    Judge::open(store, "", "n1", StartMode::Learn, Arc::new(|| ())).unwrap()
}

/// The process that is killed.
fn decide_for_ever(folder: &Path) -> ! {
    let mut judge = open(folder);
    let by = By {
        actor: "a",
        reason: "r",
        at: 0,
    };
    for round in 0.. {
        for name in ["one", "two"] {
            let (done, answer) = channel();
            let text = profile(name, round % 7).to_yaml();
            judge.import(&text, "", by, move |result| done.send(result).unwrap());
            let summary = loop {
                judge.go_on();
                if let Ok(result) = answer.try_recv() {
                    break result.unwrap();
                }
                std::thread::yield_now();
            };
            // One write, so that no half of a line is read.
            let line = format!("{name} {}\n", summary.revision);
            std::io::stdout().write_all(line.as_bytes()).unwrap();
            judge.beat(Moment::default());
            judge.save(Moment {
                boot: u64::MAX / 2,
                wall: 0,
            });
        }
    }
    unreachable!("it is killed")
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_answered() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        decide_for_ever(Path::new(&folder));
    }
    let lanes: Vec<_> = (0..LANES).map(|_| std::thread::spawn(kill)).collect();
    for lane in lanes {
        lane.join().unwrap();
    }
}

fn kill() {
    // A kill leaves what was written, on disk or in memory alike; in memory it is fast.
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let rounds = match std::env::var_os("LAPWING_SOAK") {
        Some(_) => 10 * ROUNDS,
        None => ROUNDS,
    };
    let mut answered = [0, 0];
    let mut in_between = 0;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "a_kill_at_any_moment_loses_nothing_that_was_answered",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut all = String::new();
        // It is at work.
        while !all.ends_with('\n') || !all.lines().any(|line| line.starts_with("one ")) {
            assert_ne!(lines.read_line(&mut all).unwrap(), 0, "it ended: {all}");
        }
        let micros = RandomState::new().hash_one(round) % 12_000;
        std::thread::sleep(Duration::from_micros(micros));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.read_to_string(&mut all).unwrap();
        for line in all.lines() {
            match line.split_once(' ') {
                Some(("one", number)) => answered[0] = number.parse::<u64>().unwrap(),
                Some(("two", number)) => answered[1] = number.parse::<u64>().unwrap(),
                _ => {} // Of the test harness.
            }
        }
        let profiles = folder.path().join("profiles");
        let left = fs::read_dir(&profiles).unwrap().flatten();
        in_between += left
            .filter(|file| file.file_name().to_string_lossy().ends_with(".new"))
            .count();
        let mut judge = open(folder.path());
        assert!(
            judge.set_aside(Moment::default()).is_empty(),
            "round {round}"
        );
        for (name, revision) in ["one", "two"].iter().zip(&mut answered) {
            let Ok((summary, yaml)) = judge.profile(&format!("//{name}/")) else {
                assert_eq!(*revision, 0, "{name} was answered and is gone");
                continue;
            };
            assert!(
                (*revision..=*revision + 1).contains(&summary.revision),
                "{name}: {revision} was answered, {} is there",
                summary.revision
            );
            assert_eq!(summary.exec as usize, ENTRIES, "{yaml}");
            // It may have been written, and killed before it was answered.
            *revision = summary.revision;
        }
    }
    assert!(
        answered[0] > rounds,
        "hardly anything was decided: {answered:?}"
    );
    println!(
        "{rounds} kills, {answered:?} decisions, {in_between} half-written files found and removed"
    );
}
