//! What is not obeyed, though it is a profile.

use super::*;

impl Followed {
    /// Why an object is refused, which is the next news.
    async fn refusal(&mut self) -> String {
        match self.next().await {
            News::Refused { text, .. } => text,
            other => panic!("it is not refused: {other:?}"),
        }
    }
}

/// No container is called so: it would be taken, and silently never be in force.
#[tokio::test(start_paused = true)]
async fn what_names_no_container_is_refused() {
    let cluster = Cluster::new();
    let mut followed = begin(&cluster, Signatures::default());
    followed.listed().await;
    for (name, part) in [("web", "kind"), ("web2", "name"), ("web3", "container")] {
        for (minute, empty) in [(1, true), (2, false)] {
            let mut nobodys = object(name, minute, &profile("shop", &["/bin/ls"]));
            let workload = nobodys["spec"]["workload"].as_object_mut().unwrap();
            match empty {
                true => drop(workload.insert(part.to_owned(), json!(""))),
                false => drop(workload.remove(part)),
            }
            cluster.put(nobodys);
            // A file of any place has to have a name, which is told otherwise.
            if empty || part == "name" {
                let text = followed.refusal().await;
                assert!(text.contains(part), "{text}");
            }
        }
    }
    // Another reading of the same is no news.
    followed.none();
    assert_eq!(followed.status().refused, 3);
}

/// A signature holds where it says: else one for staging would hold in production, by whoever carries it there.
#[tokio::test(start_paused = true)]
async fn what_was_signed_for_another_cluster_is_refused() {
    let cluster = Cluster::new();
    let of = |name: &str| {
        let mut profile = profile("shop", &["/bin/ls"]);
        profile.workload.cluster = name.to_owned();
        profile
    };
    let good = profile("shop", &["/bin/ls"]);
    for require in [true, false] {
        let mut followed = begin(&cluster, signatures(require));
        followed.listed().await;
        cluster.put(signed(object("web", 1, &of("staging")), &of("staging")));
        let text = followed.refusal().await;
        assert!(
            text.contains("signed for the cluster `staging`")
                && text.contains("this is `production`"),
            "{text}"
        );
        // The name is part of what was signed.
        cluster.put(signed(object("web", 1, &of(CLUSTER)), &of("staging")));
        let text = followed.refusal().await;
        assert!(text.contains("not what was signed"), "{text}");
        // For this one, or for any.
        let here = signed(object("web", 1, &of(CLUSTER)), &of(CLUSTER));
        cluster.put(here.clone());
        let mut wanted = in_force("shop/web", &good);
        if let News::InForce(offer) = &mut wanted {
            offer.version.spec = spec(&here);
        }
        assert_eq!(followed.next().await, wanted);
        assert_eq!(followed.next().await, News::Mended("shop/web".to_owned()));
        cluster.put(signed(object("web", 1, &good), &good));
        assert_eq!(followed.next().await, in_force("shop/web", &good));
        cluster.put(signed(object("web", 1, &of("staging")), &of("staging")));
        assert!(followed.refusal().await.ends_with("stays in force"));
        cluster.delete("shop-web");
    }
}
