//! What many nodes come to in writes: of a few nodes at each run, of a large cluster for figures
//! (docs/kubernetes.md):
//!
//! ```sh
//! LAPWING_SOAK=1 cargo test --release -p lapwing-agent --lib controller::learned::tests::scale -- --nocapture
//! ```

use super::*;
use crate::kubernetes::double::Written;
use std::time::Instant;

/// A cluster.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    workloads: usize,
    behaviours: usize,
}

const SMALL: Size = Size {
    nodes: 8,
    workloads: 3,
    behaviours: 6,
};
/// With LAPWING_SOAK; LAPWING_NODES for another number of nodes.
const LARGE: Size = Size {
    nodes: 1_000,
    workloads: 20,
    behaviours: 50,
};

impl Size {
    /// What each node tells after so many minutes.
    fn told(self, minutes: u64, behaviours: usize) -> Vec<v1::LearnedProfile> {
        let lines: Vec<String> = (0..behaviours).map(|n| exec(&n.to_string())).collect();
        let names =
            (0..self.workloads).map(|n| workload(&format!("ns{}", n % 5), &format!("w{n}")));
        names
            .map(|workload| message(&learned(&workload, minutes, &lines), 1))
            .collect()
    }
}

fn is_large() -> bool {
    std::env::var_os("LAPWING_SOAK").is_some()
}

fn add(all: &mut Written, more: &Written) {
    all.all += more.all;
    all.statuses += more.statuses;
    all.made += more.made;
    all.idle += more.idle;
    all.events += more.events;
    all.bytes += more.bytes;
}

/// All nodes tell this, until nothing is left to be written. Answers what was, and how long the taking took.
async fn round(
    cluster: &Cluster,
    leader: &Leader,
    nodes: usize,
    messages: &[v1::LearnedProfile],
) -> (Written, Duration) {
    let (board, messages) = (Arc::clone(&leader.board), messages.to_vec());
    let telling = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        for number in 0..nodes {
            for message in &messages {
                board.take(&format!("n{number}"), message, clock::now());
            }
        }
        begun.elapsed()
    });
    // For figures both at a time; else what is written hangs on how fast they tell.
    while is_large() && !telling.is_finished() {
        leader.writer.write_due().await.unwrap();
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let taken = telling.await.unwrap();
    let mut written = cluster.written();
    let mut quiet = 0;
    while quiet < 2 {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        leader.writer.write_due().await.unwrap();
        let more = cluster.written();
        quiet = if more.all == 0 { quiet + 1 } else { 0 };
        add(&mut written, &more);
    }
    (written, taken)
}

#[tokio::test(start_paused = true)]
async fn writes_are_of_workloads_and_of_news_whatever_the_number_of_nodes() {
    let mut size = if is_large() { LARGE } else { SMALL };
    if is_large() {
        // Figures are of real time.
        tokio::time::resume();
        if let Ok(nodes) = std::env::var("LAPWING_NODES") {
            size.nodes = nodes.parse().unwrap();
        }
    }
    let cluster = Cluster::new();
    cluster.slow_writes(Duration::from_millis(10));
    let brisk = Rules {
        interval: Duration::from_secs(1),
        ..rules()
    };
    let leader = Leader::begin(&cluster, brisk, false).await;
    // Half of what each does is new in the second round; the third has later figures alone.
    let rounds = [
        size.told(10, size.behaviours / 2),
        size.told(40, size.behaviours),
        size.told(45, size.behaviours),
    ];
    let before = crate::status::memory();
    let all = Instant::now();
    cluster.written();
    let mut written = Vec::new();
    for (number, messages) in rounds.iter().enumerate() {
        let begun = Instant::now();
        let (one, taken) = round(&cluster, &leader, size.nodes, messages).await;
        let seconds = begun.elapsed().as_secs_f64();
        let bytes: usize = messages.iter().map(|one| one.yaml.len()).sum();
        println!(
            "round {number}: {} reports of {} bytes in {taken:.1?}; {} writes ({:.1}/s), {} bytes, all written \
             after {seconds:.1} s; memory {} MiB more than before",
            size.nodes * size.workloads,
            bytes / size.workloads,
            one.all,
            one.all as f64 / seconds,
            one.bytes,
            crate::status::memory().saturating_sub(before) >> 20,
        );
        written.push(one);
    }
    let objects = cluster.written_objects("learnedprofiles");
    let largest = { objects.iter() }.map(|one| one.to_string().len()).max();
    println!("largest object: {} bytes", largest.unwrap());
    assert_eq!(objects.len(), size.workloads);
    for object in &objects {
        assert_eq!(object["status"]["behaviours"], size.behaviours);
        assert_eq!(object["status"]["phase"], "Ready");
    }
    let many = size.workloads;
    let [first, second, third] = written[..] else {
        unreachable!()
    };
    // One object each, one Event when it is Ready, and nothing that says what is said already.
    assert_eq!((first.made, second.made, third.made), (many, 0, 0));
    assert_eq!(first.events + second.events + third.events, many);
    assert_eq!(first.idle + second.idle + third.idle, 0);
    if is_large() {
        // The others come while some are written: once in an interval at most.
        let most = many * (all.elapsed().as_secs() as usize + 1);
        assert!(first.statuses + second.statuses <= most, "{written:?}");
        let figures = many * (all.elapsed().as_secs() / 600) as usize;
        assert!(third.statuses <= figures, "{third:?}");
    } else {
        assert_eq!((first.statuses, second.statuses), (many, many));
        assert_eq!(third.all, 0, "{third:?}");
    }
}
