//! When the API is away, or worse: what is known stays so, and nothing makes a flood.

use super::*;
use crate::kubernetes::watch::Follower;

#[tokio::test(start_paused = true)]
async fn a_past_that_is_forgotten_is_listed_anew() {
    for by_status in [true, false] {
        let cluster = Cluster::new();
        let good = profile("shop", &["/bin/ls"]);
        cluster.put(object("web", 1, &good));
        let mut followed = begin(&cluster, Signatures::default());
        assert_eq!(followed.next().await, in_force("shop/web", &good));
        followed.listed().await;
        cluster.bookmark();
        cluster.fare(Mood::Forgetful(by_status));
        // What happens now nobody tells.
        cluster.delete("shop-web");
        let other = profile("bank", &["/bin/id"]);
        cluster.put(object("web", 2, &other));
        let told = [
            followed.ever().await,
            followed.ever().await,
            followed.ever().await,
        ];
        for wanted in [
            News::Gone(good.workload),
            in_force("bank/web", &other),
            News::Listed,
        ] {
            assert!(told.contains(&wanted), "{told:?}");
        }
        assert_eq!(followed.status().state(), State::Connected);
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_api_is_away_what_it_said_stays_in_force() {
    let good = profile("shop", &["/bin/ls"]);
    for mood in [
        Mood::Down,
        Mood::Hung,
        Mood::Refusing(503, None),
        Mood::Refusing(404, None),
        Mood::Breaking,
    ] {
        let cluster = Cluster::new();
        cluster.put(object("web", 1, &good));
        let mut followed = begin(&cluster, Signatures::default());
        assert_eq!(followed.next().await, in_force("shop/web", &good));
        followed.listed().await;
        cluster.asked();
        cluster.fare(mood.clone());
        tokio::time::sleep(LONG).await;
        followed.none();
        let asked = cluster.asked().len();
        assert!(
            (30..150).contains(&asked),
            "{mood:?}: asked {asked} times in an hour"
        );
        if mood != Mood::Breaking {
            assert_eq!(followed.status().state(), State::Retrying);
        }
        assert_eq!(followed.status().objects, 1);
        cluster.fare(Mood::Well);
        let next = profile("shop", &["/bin/id"]);
        cluster.put(object("web", 1, &next));
        loop {
            match followed.ever().await {
                News::Listed => {}
                other => break assert_eq!(other, in_force("shop/web", &next)),
            }
        }
    }
}

impl Followed {
    /// Hands over what is told until nothing more comes before the end of a list.
    async fn list(&mut self) -> Vec<News> {
        let mut told = Vec::new();
        loop {
            match self.ever().await {
                News::Listed => return told,
                news => told.push(news),
            }
        }
    }
}

/// The profile of a workload with a number, in one of two namespaces.
fn numbered(number: usize, program: &str) -> Profile {
    let namespace = ["shop", "bank"][number % 2];
    let mut profile = profile(namespace, &[program]);
    profile.workload.name = format!("web{number}");
    profile
}

/// The servers' common store gives them in parts, of which there may be many.
#[tokio::test(start_paused = true)]
async fn a_long_list_in_parts_is_read_to_its_end() {
    const MANY: usize = 1_700;
    let cluster = Cluster::new();
    for number in 0..MANY {
        cluster.put(object(
            &format!("web{number}"),
            1,
            &numbered(number, "/bin/ls"),
        ));
    }
    let mut followed = begin(&cluster, Signatures::default());
    assert_eq!(followed.list().await.len(), MANY);
    cluster.asked();
    cluster.fare(Mood::Behind);
    let next = numbered(MANY, "/bin/id");
    cluster.put(object("another", 2, &next));
    assert_eq!(followed.list().await, [in_force("shop/another", &next)]);
    let asked = cluster.asked();
    let parts = asked.iter().filter(|target| target.contains("continue="));
    assert!(parts.count() >= MANY / Board::PAGE, "{asked:?}");
    assert_eq!(followed.status().objects as usize, MANY + 1);
}

/// Once it failed to say what all servers agree upon, what one has in its memory is enough again.
#[tokio::test(start_paused = true)]
async fn what_all_agree_upon_is_not_wanted_for_ever() {
    let cluster = Cluster::new();
    let good = profile("shop", &["/bin/ls"]);
    cluster.put(object("web", 1, &good));
    let mut followed = begin(&cluster, Signatures::default());
    assert_eq!(followed.list().await.len(), 1);
    cluster.fare(Mood::Behind);
    let was_behind = |asked: &[String]| {
        let last = asked.last();
        last.is_some_and(|target| target.contains("resourceVersionMatch"))
    };
    while !was_behind(&cluster.asked()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The next one is for what all agree upon.
    cluster.fare(Mood::Refusing(500, None));
    let mut asked = Vec::new();
    while asked.len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        asked.extend(cluster.asked());
    }
    assert!(!asked[0].contains("resourceVersion="), "{asked:?}");
    for target in &asked[1..] {
        assert!(target.contains("resourceVersion=0"), "{asked:?}");
    }
    cluster.fare(Mood::Well);
    assert_eq!(followed.list().await, []);
}
