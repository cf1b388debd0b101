//! Which workloads have a BehaviorProfile is known however large these are, and however slowly they come: else
//! nothing is written for anybody.

use super::*;
use crate::controller::learned::promoted::Promoted;
use crate::kubernetes::double::Pace;
use crate::kubernetes::health::Health;
use crate::kubernetes::watch::follow;
use serde_json::json;
use tokio::time::{Instant, sleep};

const MEGABYTE: usize = 1 << 20;
/// For an answer, as the agent's is by default.
const TIMEOUT: Duration = Duration::from_secs(5);

fn filler(bytes: usize) -> Option<Arc<str>> {
    Some(format!("\"{}\"", "x".repeat(bytes)).into())
}

fn profiles(cluster: &Cluster, many: usize) {
    for number in 0..many {
        let name = format!("web-{number:04}");
        cluster.put(json!({
            "kind": "BehaviorProfile",
            "metadata": {"name": name, "namespace": "shop", "uid": name},
            "spec": {"workload": {"kind": "Deployment", "name": name, "container": "app"}},
        }));
    }
}

/// Answers what was asked for, once each one of so many is known to have one, and how long that took.
async fn known(cluster: &Cluster, many: usize) -> (Vec<String>, Duration) {
    let api = Arc::new(Api::new(cluster.reach(), TIMEOUT));
    let board = Arc::new(Board::new(rules()));
    let promoted = Promoted::new(api, Arc::clone(&board), None, None, Health::new());
    let begun = Instant::now();
    let task = tokio::spawn(async move { follow(&promoted).await });
    while !board.knows_promoted() {
        assert!(
            begun.elapsed() < Duration::from_secs(600),
            "{:?}",
            cluster.asked()
        );
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(board.promoted_ones(), many);
    task.abort();
    let asked = cluster.asked().into_iter();
    let lists = asked.filter(|target| !target.contains("watch=true"));
    (lists.collect(), begun.elapsed())
}

/// Whoever may approve in one namespace makes them: in all more than is kept of any list, and more of them than fit into
/// one answer.
#[tokio::test(start_paused = true)]
async fn profiles_of_a_megabyte_each_are_read() {
    let cluster = Cluster::new();
    profiles(&cluster, 132);
    cluster.pace(Pace {
        besides: filler(MEGABYTE),
        ..Pace::default()
    });
    let (asked, took) = known(&cluster, 132).await;
    assert!(took < Duration::from_secs(60), "{took:?}: {asked:?}");
    assert_eq!(asked.len(), 1 + 132_usize.div_ceil(32), "{asked:?}");
}

/// A server may take larger ones than most.
#[tokio::test(start_paused = true)]
async fn what_is_too_long_is_asked_for_in_smaller_parts() {
    let cluster = Cluster::new();
    profiles(&cluster, 40);
    cluster.pace(Pace {
        besides: filler(5 * MEGABYTE),
        ..Pace::default()
    });
    let (asked, _) = known(&cluster, 40).await;
    let has = |limit: &str| asked.iter().any(|target| target.contains(limit));
    assert!(
        has("limit=32") && has("limit=16") && has("limit=8"),
        "{asked:?}"
    );
}

/// Frame after frame, in all for longer than one answer has.
#[tokio::test(start_paused = true)]
async fn a_list_that_comes_slowly_is_read_to_its_end() {
    let cluster = Cluster::new();
    profiles(&cluster, 200);
    cluster.pace(Pace {
        besides: filler(10_000),
        frames: Some((64 << 10, Duration::from_secs(1))),
        ..Pace::default()
    });
    let (asked, took) = known(&cluster, 200).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(took > 4 * TIMEOUT, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_stops_in_the_middle_is_read_in_parts() {
    let cluster = Cluster::new();
    profiles(&cluster, 200);
    cluster.pace(Pace {
        besides: filler(10_000),
        most: Some(200_000),
        ..Pace::default()
    });
    let (asked, took) = known(&cluster, 200).await;
    let whole = asked.iter().filter(|it| it.contains("resourceVersion=0"));
    assert_eq!(whole.count(), 2, "{asked:?}");
    assert!(took < Duration::from_secs(60), "{took:?}: {asked:?}");
}

/// One that comes for ever is given up, and had in parts.
#[tokio::test(start_paused = true)]
async fn a_list_has_an_end_however_steadily_it_comes() {
    let cluster = Cluster::new();
    profiles(&cluster, 200);
    cluster.pace(Pace {
        besides: filler(10_000),
        frames: Some((8 << 10, Duration::from_secs(1))),
        ..Pace::default()
    });
    let (asked, took) = known(&cluster, 200).await;
    let whole = asked.iter().filter(|it| it.contains("resourceVersion=0"));
    assert_eq!(whole.count(), 2, "{asked:?}");
    assert!(took < Duration::from_secs(600), "{took:?}");
}
