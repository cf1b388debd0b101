//! From the API to what the judge compares with.

use super::*;
use crate::config::StartMode;
use crate::judge::Judge;
use crate::judge::episodes::Moment;
use crate::judge::store::Store;
use std::path::Path;

impl Followed {
    /// Hands over news until it is so, which has to be soon.
    async fn until(&mut self, judge: &mut Judge, is_so: impl Fn(&Judge) -> bool) {
        let until = tokio::time::Instant::now() + SOON;
        while !is_so(judge) {
            let news = self.within(until).await;
            judge.cluster(news, Moment::default());
        }
    }
}

fn is(wanted: &'static str, object: &'static str) -> impl Fn(&Judge) -> bool {
    move |judge| mode(judge) == (wanted.to_owned(), object.to_owned())
}

fn mode(judge: &Judge) -> (String, String) {
    let (summary, _) = judge.profile("shop/Deployment/web/app").unwrap();
    (summary.mode().as_str_name().to_owned(), summary.object)
}

/// One that has a profile of the node's own.
pub fn with_own(folder: &Path) -> Judge {
    let store = Store::open(folder).unwrap();
    let wake = Arc::new(|| ());
    let mut judge = Judge::open(store, "c1", "n1", StartMode::Learn, wake).unwrap();
    // A file of the node's own.
    let mut own = profile("shop", &["/bin/sh"]).to_yaml();
    own = own.replace("mode: Monitoring", "mode: Learning");
    let by = By {
        actor: "ann",
        reason: "",
        at: 1,
    };
    let (sender, imported) = mpsc::channel();
    judge.import(&own, "", by, move |answer| {
        sender.send(answer.map(drop)).unwrap();
    });
    let answer = loop {
        judge.go_on();
        if let Ok(answer) = imported.try_recv() {
            break answer;
        }
        std::thread::yield_now();
    };
    answer.unwrap();
    judge
}

#[tokio::test(start_paused = true)]
async fn a_change_in_the_cluster_is_compared_with_soon() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = with_own(folder.path());
    let learns = is("LEARNING", "");
    assert!(learns(&judge));
    let cluster = Cluster::new();
    let mut followed = begin(&cluster, signatures(true));
    followed.listed().await;
    // Of another namespace, and unsigned, and then what is to be obeyed.
    let (shop, bank) = (profile("shop", &["/bin/ls"]), profile("bank", &["/bin/ls"]));
    cluster.put(signed(object("web", 1, &bank), &bank));
    cluster.put(object("web", 1, &shop));
    let told = [followed.next().await, followed.next().await];
    for news in told {
        judge.cluster(news, Moment::default());
    }
    assert!(learns(&judge));
    cluster.put(signed(object("web", 1, &shop), &shop));
    let obeys = is("MONITORING", "shop/web");
    followed.until(&mut judge, &obeys).await;
    let (_, yaml) = judge.profile("shop/Deployment/web/app").unwrap();
    assert!(yaml.contains("/bin/ls") && judge.obeying().0 == 1, "{yaml}");
    // Who may delete has not decided that it learns.
    cluster.delete("shop-web");
    assert!(matches!(followed.next().await, News::Mended(_)));
    let gone = followed.next().await;
    judge.cluster(gone, Moment::default());
    assert!(obeys(&judge));
}
