//! When the API is away, or worse: what is known stays so, and nothing makes a flood.

use super::*;

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
