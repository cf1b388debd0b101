//! When the API is away, or worse: what is known stays so, and nothing makes a flood.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_api_that_is_away_at_first_is_found() {
    for mood in [Mood::Down, Mood::Hung, Mood::Refusing(503, None)] {
        let cluster = with_pod();
        cluster.fare(mood);
        let mut watched = begin(&cluster);
        watched
            .until("retrying", |pods| pods.state() == State::Retrying)
            .await;
        assert!(watched.pods.has_said(ID, None), "somebody would wait");
        let status = watched.pods.status();
        assert!(status.failed > 0 && !status.last_error.is_empty() && status.heard_time.is_none());
        tokio::time::sleep(LONG).await;
        assert_eq!(watched.pods.began(), 0);
        cluster.fare(Mood::Well);
        assert_eq!(watched.owner(ID).await, of_deployment());
        assert_eq!(watched.pods.began(), 1);
        assert!(watched.pods.status().heard_time.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_api_is_away_what_it_said_counts() {
    let cluster = with_pod();
    let mut watched = begin(&cluster);
    watched.known(ID).await;
    cluster.fare(Mood::Down);
    watched
        .until("retrying", |pods| pods.state() == State::Retrying)
        .await;
    tokio::time::sleep(24 * LONG).await;
    assert_eq!(watched.owner(ID).await, of_deployment());
    // Of what is new nothing is known, and nobody waits for it.
    cluster.put(pod("web-6d5f7c-y", &id(2), &replica_set()));
    assert_eq!(watched.pods.fact(&id(2), None), Fact::Unknown);
    assert!(watched.pods.has_said(&id(2), None));
    cluster.fare(Mood::Well);
    assert_eq!(watched.owner(&id(2)).await, of_deployment());
    assert_eq!(watched.pods.began(), 2);
}

/// However it fails, it is asked no more often than that, and does not cease to be asked.
#[tokio::test(start_paused = true)]
async fn no_failure_makes_a_flood() {
    let often = || LONG.as_secs() / 30 + 16;
    for (mood, at_least, at_most) in [
        (Mood::Down, 60, often()),
        (Mood::Refusing(500, None), 60, often()),
        (Mood::Refusing(401, None), 60, often()),
        (Mood::Refusing(429, Some(0)), 60, often()),
        (Mood::Refusing(429, Some(120)), 18, LONG.as_secs() / 120),
        // More than the agent lets itself be told.
        (
            Mood::Refusing(503, Some(1_000_000)),
            9,
            LONG.as_secs() / 300,
        ),
        (Mood::Hung, 50, often()),
        (Mood::Closing, 60, often()),
        (Mood::Breaking, 60, often()),
        // A list and a watch each time.
        (Mood::Forgetful(true), 120, 2 * often()),
        (Mood::Forgetful(false), 120, 2 * often()),
        (Mood::Behind, 60, 2 * often()),
    ] {
        let cluster = with_pod();
        cluster.fare(mood.clone());
        let watched = begin(&cluster);
        tokio::time::sleep(LONG).await;
        let asked = cluster.asked();
        // Of owners it is asked besides, once.
        let asked = asked
            .iter()
            .filter(|target| target.starts_with("/api/v1/pods"))
            .count() as u64;
        assert!((at_least..=at_most).contains(&asked), "{mood:?}: {asked}");
        drop(watched);
    }
}

#[tokio::test(start_paused = true)]
async fn watches_that_last_are_renewed_and_no_more() {
    let cluster = with_pod();
    let mut watched = begin(&cluster);
    watched.known(ID).await;
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        tokio::time::sleep(Duration::from_secs(60)).await;
        cluster.bookmark();
    }
    let asked = cluster.asked();
    assert_eq!(lists(&asked), 1, "{asked:?}");
    let watches = asked
        .iter()
        .filter(|target| target.contains("watch=true"))
        .count();
    // Each for 280 to 560 s.
    assert!((6..=14).contains(&watches), "{watches}");
    assert_eq!(
        (watched.pods.state(), watched.pods.status().failed),
        (State::Connected, 0)
    );
}

/// A connection of which the other end is gone says nothing, and no more.
#[tokio::test(start_paused = true)]
async fn a_watch_that_fell_silent_is_begun_anew() {
    let cluster = with_pod();
    let mut watched = begin(&cluster);
    watched.known(ID).await;
    cluster.bookmark();
    watched
        .until("trouble", |pods| pods.status().failed > 0)
        .await;
    let text = watched.pods.status().last_error;
    assert_eq!(text, "nothing in 180 s");
    watched
        .until("back", |pods| pods.state() == State::Connected)
        .await;
    assert_eq!(watched.owner(ID).await, of_deployment());
}

/// Owners were waited for because the API was away: when it is back they are not any more.
#[tokio::test(start_paused = true)]
async fn owners_are_asked_for_when_the_api_is_back() {
    let cluster = with_pod();
    cluster.fail(Some("replicasets"));
    let mut watched = begin(&cluster);
    tokio::time::sleep(LONG).await;
    cluster.fare(Mood::Down);
    watched
        .until("retrying", |pods| pods.state() == State::Retrying)
        .await;
    tokio::time::sleep(LONG).await;
    cluster.fail(None);
    cluster.fare(Mood::Well);
    watched
        .until("back", |pods| pods.state() == State::Connected)
        .await;
    let back = Instant::now();
    assert_eq!(watched.owner(ID).await, of_deployment());
    assert!(
        back.elapsed() < Duration::from_millis(100),
        "it was slept over"
    );
}
