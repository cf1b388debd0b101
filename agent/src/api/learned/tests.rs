//! What a client gets of a pipeline that knows some profiles, while time stands still until it is waited for.

use super::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// What the pipeline knows: when each changed.
#[derive(Clone, Default)]
struct Known(Arc<Mutex<BTreeMap<String, Told>>>);

fn workload(name: &str) -> Workload {
    let (namespace, name) = name.split_once('/').unwrap();
    Workload {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Workload::default()
    }
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Told>> {
        self.0.lock().unwrap()
    }

    fn set(&self, name: &str, changed: u64, news: u64) {
        self.lock().insert(name.to_owned(), Told { changed, news });
    }

    /// The pipeline's thread.
    fn serve(&self) -> Control {
        let (control, requests) = Control::new(Arc::new(|| ()));
        let known = self.clone();
        std::thread::spawn(move || {
            for request in requests {
                match request {
                    Request::Changes(after, reply) => {
                        let all = known.lock().clone().into_iter();
                        let all = all.filter(|(_, told)| Some(told.changed) > after);
                        let all = all.map(|(name, told)| Change {
                            workload: workload(&name),
                            told,
                        });
                        drop(reply.send(all.collect()));
                    }
                    Request::Learned(workload, reply) => {
                        let name = format!("{}/{}", workload.namespace, workload.name);
                        let told = known.lock().get(&name).copied();
                        drop(reply.send(told.map(|told| v1::LearnedProfile {
                            yaml: format!("as of {}", told.changed),
                            name,
                            ..v1::LearnedProfile::default()
                        })));
                    }
                    _ => unreachable!(),
                }
            }
        });
        control
    }
}

struct Client {
    items: mpsc::Receiver<Result<FollowLearnedResponse, Status>>,
    revision: String,
    _ending: watch::Sender<bool>,
}

impl Client {
    fn of(
        followers: &Followers,
        known: &Known,
        namespaces: Namespaces,
        request: FollowLearnedRequest,
    ) -> Self {
        let (ending, ends) = watch::channel(false);
        let revision = request.revision.clone();
        let items = followers.follow(known.serve(), namespaces, request, ends);
        Self {
            items: items.unwrap(),
            revision,
            _ending: ending,
        }
    }

    fn from(followers: &Followers, known: &Known, revision: &str) -> Self {
        let request = FollowLearnedRequest {
            revision: revision.to_owned(),
            ..FollowLearnedRequest::default()
        };
        Self::of(followers, known, Namespaces::All, request)
    }

    /// The next: a profile, or nothing where it lives and has no news.
    async fn next(&mut self) -> Option<String> {
        let message = self.items.recv().await.unwrap().unwrap();
        self.revision = message.revision;
        let profile = message.profile?;
        Some(format!("{} {}", profile.name, profile.yaml))
    }

    /// All until it has caught up.
    async fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(one) = self.next().await {
            all.push(one);
        }
        all
    }
}

#[tokio::test(start_paused = true)]
async fn all_comes_first_and_then_news_once_in_an_interval() {
    let (known, followers) = (Known::default(), Followers::default());
    known.set("shop/a", 0, 0);
    known.set("shop/b", 3, 2);
    let mut client = Client::from(&followers, &known, "");
    assert_eq!(client.all().await, ["shop/a as of 0", "shop/b as of 3"]);
    let begun = Instant::now();
    known.set("shop/a", 4, 4);
    assert_eq!(client.next().await.as_deref(), Some("shop/a as of 4"));
    let waited = begun.elapsed();
    assert!((10..=12).contains(&waited.as_secs()), "{waited:?}");
    // Many changes within an interval are one message, as of the last.
    let begun = Instant::now();
    for number in 5..50 {
        known.set("shop/a", number, number);
    }
    assert_eq!(client.next().await.as_deref(), Some("shop/a as of 49"));
    assert!(begun.elapsed() >= Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn counts_alone_wait_longer_and_an_idle_stream_says_that_it_lives() {
    let (known, followers) = (Known::default(), Followers::default());
    known.set("shop/a", 1, 1);
    let mut client = Client::from(&followers, &known, "");
    assert_eq!(client.all().await.len(), 1);
    known.set("shop/a", 2, 1);
    let begun = Instant::now();
    let mut idle = 0;
    while client.next().await.is_none() {
        idle += 1;
        assert!(!client.revision.ends_with(":2"), "it was not sent");
    }
    let waited = begun.elapsed().as_secs();
    assert!((299..=302).contains(&waited), "{waited}");
    assert!((25..=31).contains(&idle), "each interval: {idle}");
    assert!(client.revision.ends_with(":2"), "{}", client.revision);
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_misses_nothing_and_who_comes_to_another_run_gets_all() {
    let (known, followers) = (Known::default(), Followers::default());
    for (name, number) in [("shop/a", 0), ("shop/b", 0), ("shop/c", 7)] {
        known.set(name, number, number);
    }
    let mut client = Client::from(&followers, &known, "");
    client.next().await;
    // The other that has not changed since the start was not told of yet.
    assert_eq!(client.revision, "");
    client.next().await;
    let after_two = client.revision.clone();
    let mut client = Client::from(&followers, &known, &after_two);
    assert_eq!(client.all().await, ["shop/c as of 7"]);
    let caught_up = client.revision.clone();
    // What waits for its interval holds the place back, so it is not lost with the stream.
    known.set("shop/c", 8, 7);
    known.set("shop/b", 9, 9);
    assert_eq!(client.next().await.as_deref(), Some("shop/b as of 9"));
    let mut again = Client::from(&followers, &known, &client.revision);
    assert_eq!(again.all().await, ["shop/c as of 8", "shop/b as of 9"]);
    let mut nothing = Client::from(&followers, &known, &again.revision);
    assert!(nothing.all().await.is_empty());
    let other = Followers::default();
    for revision in [caught_up.as_str(), "x", ":", "0:99999999999999999999"] {
        let mut client = Client::from(&other, &known, revision);
        assert_eq!(client.all().await.len(), 3, "{revision}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_sees_its_namespaces_alone_and_few_follow_at_a_time() {
    let (known, followers) = (Known::default(), Followers::default());
    for name in ["shop/a", "pay/b", "/c"] {
        known.set(name, 1, 1);
    }
    let only = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Namespaces::new(&names)
    };
    let of = |namespace: &str| FollowLearnedRequest {
        namespace: namespace.to_owned(),
        ..FollowLearnedRequest::default()
    };
    for (namespaces, namespace, expected) in [
        (only(&["*"]), "", 3),
        (only(&["*"]), "pay", 1),
        (only(&["shop"]), "", 1),
        (only(&["shop"]), "pay", 0),
        (only(&[]), "", 0),
    ] {
        let mut client = Client::of(&followers, &known, namespaces, of(namespace));
        assert_eq!(client.all().await.len(), expected, "{namespace}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let clients: Vec<_> = (0..FOLLOWERS_MAX)
        .map(|_| Client::from(&followers, &known, ""))
        .collect();
    let (_ending, ends) = watch::channel(false);
    let refuse = |request: FollowLearnedRequest| {
        let follow = followers.follow(known.serve(), Namespaces::All, request, ends.clone());
        follow.map(drop).unwrap_err()
    };
    assert_eq!(refuse(of("")).code(), tonic::Code::ResourceExhausted);
    drop(clients);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let long = FollowLearnedRequest {
        interval_seconds: 100_000,
        ..FollowLearnedRequest::default()
    };
    assert_eq!(refuse(long).code(), tonic::Code::InvalidArgument);
    let again = followers.follow(known.serve(), Namespaces::All, of(""), ends.clone());
    assert!(again.is_ok());
}
