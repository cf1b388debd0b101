use super::*;
use crate::controller::lease::{Holder, Terms};
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::{Violation, WatchResponse};
use serde_json::json;

fn relay(note: &str) -> Arc<Relay> {
    let api = Arc::new(Api::new(Cluster::new().reach(), Duration::from_secs(5)));
    let terms = Terms {
        namespace: "lapwing".to_owned(),
        name: "leader".to_owned(),
        duration: Duration::from_secs(15),
        deadline: Duration::from_secs(10),
        retry: Duration::from_secs(2),
    };
    let elector = Elector::new(Arc::clone(&api), terms, Holder::begin("one", None));
    let settings = Settings {
        cluster: "c1".to_owned(),
        limits: Limits {
            items: 100,
            bytes: 1 << 20,
        },
        first: Duration::from_secs(600),
        silent: Duration::from_secs(30),
        beat: Duration::from_secs(5),
        gone: Duration::from_secs(600),
        identities: Vec::new(),
    };
    Relay::begin(settings, api, note, Arc::new(elector))
}

/// A node whose pod went long ago is meant to have none, and nobody knows when it went.
#[tokio::test]
async fn only_a_leader_of_a_moment_ago_is_followed_on() {
    let at = |ago: i64| json!({"at": clock::now() - ago * 1_000_000_000}).to_string();
    assert!(relay(&at(20)).follows_on);
    // Clocks of two nodes may differ.
    assert!(relay(&at(-20)).follows_on);
    for note in ["", "{}", &at(601), &at(7 * 86_400)] {
        assert!(!relay(note).follows_on, "{note}");
    }
    let own = relay("").note();
    assert!(relay(&own).follows_on, "{own}");
}

#[tokio::test(start_paused = true)]
async fn who_is_inherited_is_silent_without_a_pod_and_forgotten_in_time() {
    let relay = relay("");
    relay.inherit(["n1", "n2"].map(str::to_owned));
    let agent = Arc::new(Agent::absent("n2"));
    let is_silent = |relay: &Relay| {
        let quiet = relay.quiet();
        let silent = { quiet.into_iter() }
            .filter(|one| matches!(one.hearing, Hearing::Silent(_)))
            .filter(|one| one.detail == "there is no pod of an agent any more");
        silent.map(|one| one.node).collect::<Vec<_>>()
    };
    for (seconds, expected) in [(0, 0), (29, 0), (2, 1), (560, 1), (10, 0)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        // Of that one there is a pod.
        relay.look(std::slice::from_ref(&agent));
        let silent = is_silent(&relay);
        assert_eq!(silent.len(), expected, "{seconds}: {silent:?}");
        assert!(!silent.contains(&"n2".to_owned()));
    }
    assert_eq!(relay.names(), ["n2"]);
}

/// Who begins behind it in the stream asks the agent up to the cursor, so that has to be behind it by then.
#[tokio::test]
async fn up_to_where_agents_are_asked_is_never_before_what_is_in_the_stream() {
    let relay = relay("");
    let agent = Arc::new(Agent::absent("n1"));
    relay.look(std::slice::from_ref(&agent));
    let said = Place::parse("5-1-7").unwrap();
    let response = WatchResponse {
        cursor: said.to_string(),
        item: Some(Item::Violation(Violation::default())),
    };
    let records = || Place::parse(&relay.feed.here()).unwrap().number;
    // The cursor cannot be set meanwhile.
    let nodes = relay.nodes();
    std::thread::scope(|scope| {
        let nodes = nodes;
        let reading = scope.spawn(|| relay.take(&agent, response, false));
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(200) {
            assert_eq!(records(), 0, "it is in the stream before");
            std::thread::yield_now();
        }
        drop(nodes);
        reading.join().unwrap().unwrap();
    });
    assert_eq!(records(), 1);
    assert_eq!(relay.nodes()["n1"].cursor, Some(said));
}

/// What it does not read stays in the agent's log, also where that connects anew.
#[tokio::test(start_paused = true)]
async fn an_agent_that_floods_is_read_at_a_pace() {
    let relay = relay("");
    let agents = ["n1", "n2"].map(|node| Arc::new(Agent::absent(node)));
    relay.look(&agents);
    let say = |agent: &Agent, number: u32| {
        let response = WatchResponse {
            cursor: format!("5-{number}-7"),
            item: Some(Item::Violation(Violation::default())),
        };
        relay.take(agent, response, false).unwrap()
    };
    let [flooding, calm] = &agents;
    let rests = (1..=20_000).map(|number| say(flooding, number));
    let rests: Vec<Duration> = rests.collect();
    assert_eq!(rests[10_000], Duration::ZERO);
    assert!(rests[19_999] > Duration::from_secs(1));
    relay.leave(flooding);
    relay.look(&agents);
    assert!(say(flooding, 20_001) > Duration::from_secs(1));
    assert_eq!(say(calm, 1), Duration::ZERO);
    tokio::time::advance(Duration::from_secs(200)).await;
    assert_eq!(say(flooding, 20_002), Duration::ZERO);
}
