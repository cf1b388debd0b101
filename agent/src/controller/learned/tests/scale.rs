//! A large cluster, for figures (docs/kubernetes.md):
//!
//! ```sh
//! cargo test --release -p lapwing-agent --lib controller::learned::tests::scale -- --ignored --nocapture
//! ```

use super::*;
use std::time::Instant;

/// Nodes, unless `LAPWING_NODES` says so.
const NODES: usize = 1_000;
const WORKLOADS: usize = 20;
const BEHAVIOURS: usize = 50;

#[tokio::test]
#[ignore = "takes a minute, and is for figures"]
async fn a_thousand_nodes_of_twenty_workloads() {
    let nodes = std::env::var("LAPWING_NODES").map_or(NODES, |text| text.parse().unwrap());
    let cluster = Cluster::new();
    cluster.slow_writes(Duration::from_millis(10));
    let brisk = Rules {
        interval: Duration::from_secs(1),
        ..rules()
    };
    let leader = Leader::begin(&cluster, brisk, false).await;
    // Half of what each does is new in the second half of the hour.
    let of = |minutes: u64, behaviours: usize| -> Vec<v1::LearnedProfile> {
        let lines: Vec<String> = (0..behaviours).map(|n| exec(&n.to_string())).collect();
        let names = (0..WORKLOADS).map(|n| workload(&format!("ns{}", n % 5), &format!("w{n}")));
        names
            .map(|workload| message(&learned(&workload, minutes, &lines), 1))
            .collect()
    };
    let rounds = [
        of(10, BEHAVIOURS / 2),
        of(40, BEHAVIOURS),
        of(45, BEHAVIOURS),
    ];
    let before = crate::status::memory();
    cluster.written();
    for (round, messages) in rounds.iter().enumerate() {
        let begun = Instant::now();
        let board = Arc::clone(&leader.board);
        let messages = messages.clone();
        let bytes: usize = messages.iter().map(|one| one.yaml.len()).sum();
        let telling = tokio::task::spawn_blocking(move || {
            for number in 0..nodes {
                for message in &messages {
                    board.take(&format!("n{number}"), message, clock::now());
                }
            }
        });
        while !telling.is_finished() {
            leader.writer.write_due().await.unwrap();
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let taken = begun.elapsed();
        // Until nothing is left to be written.
        let mut quiet = 0;
        let mut written = cluster.written();
        while quiet < 2 {
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            leader.writer.write_due().await.unwrap();
            let more = cluster.written();
            quiet = if more.all == 0 { quiet + 1 } else { 0 };
            written.all += more.all;
            written.bytes += more.bytes;
            written.statuses += more.statuses;
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "round {round}: {} reports of {} bytes in {taken:.1?}; {} writes ({:.1}/s), {} bytes, all written \
             after {seconds:.1} s; memory {} MiB more than before",
            nodes * WORKLOADS,
            bytes / WORKLOADS,
            written.all,
            written.all as f64 / seconds,
            written.bytes,
            crate::status::memory().saturating_sub(before) >> 20,
        );
    }
    let objects = cluster.written_objects("learnedprofiles");
    assert_eq!(objects.len(), WORKLOADS);
    let largest = { objects.iter() }.map(|one| one.to_string().len()).max();
    println!("largest object: {} bytes", largest.unwrap());
    assert!(
        objects
            .iter()
            .all(|one| one["status"]["behaviours"] == BEHAVIOURS)
    );
}
