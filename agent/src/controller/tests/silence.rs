use super::stage::node;
use crate::controller::lease::NOTE_MAX;
use crate::controller::silence::{Hearing, KEPT_MAX, Quiet, Silence};
use crate::kubernetes::api::Api;
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::Violation;
use lapwing_proto::v1::violation::Detail;
use lapwing_proto::v1::watch_response::Item;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// Nodes, who of them is silent, and what was reported.
struct Bench {
    cluster: Cluster,
    api: Api,
    silence: Silence,
    nodes: Vec<Quiet>,
    /// By id and revision.
    seen: BTreeMap<(String, u32), Violation>,
}

impl Bench {
    fn new(many: usize, detail: &str) -> Self {
        let cluster = Cluster::new();
        let name = |number: usize| format!("n{number:04}.{}", "x".repeat(40));
        let nodes: Vec<Quiet> = (0..many)
            .map(|number| Quiet {
                node: name(number),
                hearing: Hearing::Silent(Duration::from_secs(31)),
                detail: detail.to_owned(),
            })
            .collect();
        for one in &nodes {
            cluster.own(&format!("/api/v1/nodes/{}", one.node), node(true));
        }
        Self {
            api: Api::new(cluster.reach(), Duration::from_secs(5)),
            silence: Silence::new("c1", Vec::new()),
            cluster,
            nodes,
            seen: BTreeMap::new(),
        }
    }

    /// So many rounds, one each second.
    async fn rounds(&mut self, many: usize) {
        for _ in 0..many {
            for item in self.silence.round(&self.api, &self.nodes).await {
                let Item::Violation(violation) = item else {
                    panic!("{item:?}");
                };
                let key = (violation.id.clone(), violation.revision);
                assert!(self.seen.insert(key, violation).is_none(), "told twice");
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// The reports that are of several nodes, in their order.
    fn of_more(&self) -> Vec<&Violation> {
        self.seen.values().filter(|it| it.node.is_empty()).collect()
    }

    /// What the next leader gets.
    fn note(&self) -> String {
        serde_json::to_string(&self.silence.reports()).unwrap()
    }
}

fn detail(violation: &Violation) -> &str {
    match &violation.detail {
        Some(Detail::Degraded(degraded)) => &degraded.detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_silent_nodes_all_are_told_of() {
    let mut bench = Bench::new(1_000, "connection refused");
    // These are not Ready, and have the first names: they keep nobody from being looked at.
    for number in 0..200 {
        let path = format!("/api/v1/nodes/{}", bench.nodes[number].node);
        bench.cluster.own(&path, node(false));
    }
    bench.api.connect().await.unwrap();
    bench.rounds(200).await;
    let named = { bench.seen.values() }.filter(|it| !it.node.is_empty());
    assert_eq!(named.count(), KEPT_MAX);
    let more = bench.of_more();
    assert!(more.iter().all(|it| it.id == more[0].id), "{more:?}");
    let revisions: Vec<u32> = more.iter().map(|it| it.revision).collect();
    assert_eq!(revisions, (1..=more.len() as u32).collect::<Vec<_>>());
    let many: u32 = detail(more.last().unwrap())
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let all = 800 - KEPT_MAX as u32;
    assert!(
        many <= all && many * 2 > all && revisions.len() < 12,
        "{many}"
    );
    // The next leader has it all in the note, tells it as it was, and ends nothing before it has heard.
    let note = bench.note();
    assert!(note.len() <= NOTE_MAX, "{}", note.len());
    bench.silence = Silence::new("c1", serde_json::from_str(&note).unwrap());
    for item in bench.silence.items(i64::MIN) {
        let Item::Violation(violation) = item else {
            panic!("{item:?}");
        };
        let key = (violation.id.clone(), violation.revision);
        assert_eq!(bench.seen[&key], violation);
    }
    let told = bench.seen.len();
    bench
        .nodes
        .iter_mut()
        .for_each(|one| one.hearing = Hearing::Awaited);
    bench.rounds(20).await;
    assert_eq!(bench.seen.len(), told);
    // Some are heard again: others get their reports, and at last there are no more.
    for one in &mut bench.nodes[..700] {
        one.hearing = Hearing::InTime;
    }
    for one in &mut bench.nodes[700..] {
        one.hearing = Hearing::Silent(Duration::from_secs(90));
    }
    bench.rounds(100).await;
    for one in &mut bench.nodes[..800] {
        one.hearing = Hearing::InTime;
    }
    bench.rounds(100).await;
    let open = bench.silence.open();
    assert_eq!(open.len(), 200, "{open:?}");
    assert!(open.iter().all(|it| !it.node.is_empty()));
    let last = *bench.of_more().last().unwrap();
    assert!(detail(last).starts_with("over: "), "{last:?}");
}

/// What an agent says of itself takes no room from others.
#[tokio::test(start_paused = true)]
async fn however_long_the_reasons_are_the_note_has_room() {
    let mut bench = Bench::new(300, &"\u{1}\"é".repeat(10_000));
    bench.api.connect().await.unwrap();
    bench.rounds(60).await;
    let note = bench.note();
    assert!(note.len() <= NOTE_MAX - 4096, "{}", note.len());
    let open = bench.silence.open();
    assert!(open.len() > 60 && open.len() < KEPT_MAX, "{}", open.len());
    assert!(!bench.of_more().is_empty());
    bench
        .nodes
        .iter_mut()
        .for_each(|one| one.hearing = Hearing::InTime);
    bench.rounds(1).await;
    assert!(bench.silence.open().is_empty());
    assert!(bench.note().len() <= NOTE_MAX);
}
