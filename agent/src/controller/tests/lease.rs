use crate::controller::lease::{Elector, Holder, Terms};
use crate::jitter::chance;
use crate::kubernetes::api::Api;
use crate::kubernetes::double::{Cluster, Mood};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/lapwing/leases/lapwing-controller";
const SECOND: Duration = Duration::from_secs(1);

fn terms() -> Terms {
    Terms {
        namespace: "lapwing".to_owned(),
        name: "lapwing-controller".to_owned(),
        duration: 15 * SECOND,
        deadline: 10 * SECOND,
        retry: 2 * SECOND,
    }
}

/// A replica that leads whenever it may.
struct Replica {
    elector: Arc<Elector>,
    cut: Arc<AtomicBool>,
    leads: Arc<AtomicBool>,
    task: tokio::task::AbortHandle,
}

/// How many lead, how many ever did at a time, and how often one began.
#[derive(Default)]
struct Count {
    now: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
}

fn elector(cluster: &Cluster, name: &str, cut: &Arc<AtomicBool>) -> Arc<Elector> {
    elector_by(terms(), cluster, name, cut)
}

fn elector_by(terms: Terms, cluster: &Cluster, name: &str, cut: &Arc<AtomicBool>) -> Arc<Elector> {
    let api = Arc::new(Api::new(cluster.reach_unless(cut), 5 * SECOND));
    let address = "10.0.0.7:7443".parse().ok();
    Arc::new(Elector::new(api, terms, Holder::begin(name, address)))
}

fn replica(cluster: &Cluster, name: &str, count: &Arc<Count>) -> Replica {
    let cut = Arc::new(AtomicBool::new(false));
    let elector = elector(cluster, name, &cut);
    let leads = Arc::new(AtomicBool::new(false));
    let (of, flag, count) = (Arc::clone(&elector), Arc::clone(&leads), Arc::clone(count));
    let task = tokio::spawn(async move {
        loop {
            of.lead().await;
            flag.store(true, Ordering::SeqCst);
            count.begun.fetch_add(1, Ordering::SeqCst);
            let now = count.now.fetch_add(1, Ordering::SeqCst) + 1;
            count.most.fetch_max(now, Ordering::SeqCst);
            of.hold().await;
            count.now.fetch_sub(1, Ordering::SeqCst);
            flag.store(false, Ordering::SeqCst);
        }
    });
    Replica {
        elector,
        cut,
        leads,
        task: task.abort_handle(),
    }
}

impl Replica {
    fn leads(&self) -> bool {
        self.leads.load(Ordering::SeqCst)
    }
}

async fn until(what: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < 300 * SECOND, "it does not come");
        sleep(SECOND / 20).await;
    }
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_another_takes_over() {
    let (cluster, count) = (Cluster::new(), Arc::default());
    let [one, two] = ["one", "two"].map(|name| replica(&cluster, name, &count));
    until(|| one.leads() || two.leads()).await;
    sleep(120 * SECOND).await;
    assert_eq!(count.begun.load(Ordering::SeqCst), 1);
    let (leader, other) = match one.leads() {
        true => (one, two),
        false => (two, one),
    };
    let holder = other.elector.holder().unwrap();
    assert!(other.elector.is_other(&holder) && !leader.elector.is_other(&holder));
    assert_eq!(holder.address, "10.0.0.7:7443".parse().ok());
    // It goes without a word: the other waits for as long as the Lease says.
    leader.task.abort();
    let took = until(|| other.leads()).await;
    assert!(took > 12 * SECOND && took < 20 * SECOND, "{took:?}");
    let lease = cluster.object(PATH).unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 1);
    assert!(lease["spec"]["renewTime"].as_str().unwrap().ends_with('Z'));
    // It goes in order: the next one has it at once.
    let third = replica(&cluster, "three", &count);
    sleep(5 * SECOND).await;
    other.task.abort();
    other.elector.release().await;
    let took = until(|| third.leads()).await;
    assert!(took < 3 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_stops_before_another_begins() {
    let (cluster, count) = (Cluster::new(), Arc::new(Count::default()));
    let [one, two] = ["one", "two"].map(|name| replica(&cluster, name, &count));
    for _ in 0..10 {
        until(|| one.leads() || two.leads()).await;
        let (leader, other) = match one.leads() {
            true => (&one, &two),
            false => (&two, &one),
        };
        leader.cut.store(true, Ordering::Release);
        until(|| other.leads()).await;
        assert!(!leader.leads());
        leader.cut.store(false, Ordering::Release);
    }
    assert_eq!(count.most.load(Ordering::SeqCst), 1);
    assert_eq!(count.begun.load(Ordering::SeqCst), 11);
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_none_leads_beside_another() {
    let (cluster, count) = (Cluster::new(), Arc::new(Count::default()));
    let replicas = ["one", "two", "three"].map(|name| replica(&cluster, name, &count));
    for _ in 0..200 {
        let pick = chance() as usize;
        match pick % 8 {
            0 => cluster.fare(Mood::Hung),
            1 => cluster.fare(Mood::Down),
            2 => cluster.fare(Mood::Refusing(503, None)),
            3 => cluster.disown(PATH),
            4 => {
                // A person sets a label, or a clock far off.
                if let Some(mut lease) = cluster.object(PATH) {
                    lease["metadata"]["resourceVersion"] = json!(format!("p{pick}"));
                    lease["spec"]["renewTime"] = json!("1999-01-01T00:00:00.000000Z");
                    cluster.own(PATH, lease);
                }
            }
            _ => {
                let replica = &replicas[pick / 8 % 3];
                let cut = replica.cut.load(Ordering::Acquire);
                replica.cut.store(!cut, Ordering::Release);
            }
        }
        sleep(SECOND.mul_f64(f64::from(chance() % 4000) / 100.0)).await;
        cluster.fare(Mood::Well);
    }
    assert_eq!(count.most.load(Ordering::SeqCst), 1);
    for replica in &replicas {
        replica.cut.store(false, Ordering::Release);
    }
    until(|| replicas.iter().any(Replica::leads)).await;
    let begun = count.begun.load(Ordering::SeqCst);
    assert!(begun > 10, "it was hardly tried: {begun}");
}

/// Also where one that was made has the duration by which one is given free.
#[tokio::test(start_paused = true)]
async fn a_short_one_is_nobody_s_for_its_time_either() {
    let cluster = Cluster::new();
    let short = |name| {
        let api = Arc::new(Api::new(cluster.reach(), 5 * SECOND));
        let terms = Terms {
            duration: SECOND,
            deadline: SECOND * 9 / 10,
            retry: SECOND / 10,
            ..terms()
        };
        Elector::new(api, terms, Holder::begin(name, None))
    };
    let (one, two) = (short("one"), short("two"));
    two.lead().await;
    cluster.disown(PATH);
    let begun = Instant::now();
    one.lead().await;
    assert!(begun.elapsed() >= SECOND, "{:?}", begun.elapsed());
    // What a hand wrote there makes nobody lead sooner.
    let long = elector(&cluster, "three", &Arc::default());
    assert!(timeout(10 * SECOND, long.lead()).await.is_err());
}

/// As while `lease.duration` is changed: whoever waits, waits for as long as the holder leads.
#[tokio::test(start_paused = true)]
async fn one_with_a_shorter_time_waits_for_the_holder_s() {
    // Its Lease stays, or is deleted while it cannot reach it, and the one that waits makes it anew.
    for goes in [false, true] {
        let cluster = Cluster::new();
        let cut = Arc::new(AtomicBool::new(false));
        let longer = Terms {
            duration: 40 * SECOND,
            deadline: 35 * SECOND,
            ..terms()
        };
        let long = elector_by(longer, &cluster, "long", &cut);
        long.lead().await;
        let short = elector(&cluster, "short", &Arc::default());
        // Both have looked while it was renewed.
        let (held, waits) = tokio::join!(
            timeout(20 * SECOND, long.hold()),
            timeout(20 * SECOND, short.lead())
        );
        assert!(held.is_err() && waits.is_err());
        cut.store(true, Ordering::Release);
        if goes {
            cluster.disown(PATH);
        }
        let begun = Instant::now();
        let ended = async {
            long.hold().await;
            begun.elapsed()
        };
        let led = async {
            short.lead().await;
            begun.elapsed()
        };
        let (ended, led) = tokio::join!(ended, led);
        assert!(ended > 30 * SECOND, "{ended:?}");
        assert!(
            ended < led,
            "goes {goes}: both lead from {led:?} to {ended:?}"
        );
        assert!(led < 60 * SECOND, "{led:?}");
        // And says its own from then on.
        let lease = cluster.object(PATH).unwrap();
        assert_eq!(lease["spec"]["leaseDurationSeconds"], 15);
    }
}

/// What another does between two looks is not seen, and need not be.
#[tokio::test(start_paused = true)]
async fn one_that_is_missing_is_nobody_s_for_its_time() {
    let (cluster, cut) = (Cluster::new(), Arc::new(AtomicBool::new(false)));
    let one = elector(&cluster, "one", &cut);
    let two = elector(&cluster, "two", &Arc::default());
    let begun = Instant::now();
    two.lead().await;
    assert!(begun.elapsed() >= 15 * SECOND && begun.elapsed() < 20 * SECOND);
    let spec = |key: &str| cluster.object(PATH).unwrap()["spec"][key].clone();
    assert_eq!(spec("leaseTransitions"), 0);
    // It goes under its holder: another makes it, and does not have it.
    for _ in 0..3 {
        cluster.disown(PATH);
        assert!(timeout(5 * SECOND, one.lead()).await.is_err());
        assert!(spec("holderIdentity").is_null() && spec("acquireTime").is_null());
        // Its holder has it again.
        assert!(timeout(4 * SECOND, two.hold()).await.is_err());
        let holder = spec("holderIdentity");
        assert!(holder.as_str().unwrap().starts_with("two "), "{holder}");
        assert!(spec("acquireTime").is_string());
        // That is not seen, and it goes once more.
        cut.store(true, Ordering::Release);
        let (unseen, held) = tokio::join!(
            timeout(30 * SECOND, one.lead()),
            timeout(30 * SECOND, two.hold())
        );
        assert!(unseen.is_err() && held.is_err());
        cut.store(false, Ordering::Release);
    }
    // A hand that takes its name away does not give it free; it does.
    let mut lease = cluster.object(PATH).unwrap();
    lease["metadata"]["resourceVersion"] = json!("h1");
    lease["spec"]["holderIdentity"] = json!("");
    cluster.own(PATH, lease);
    assert!(timeout(5 * SECOND, one.lead()).await.is_err());
    assert!(timeout(5 * SECOND, two.hold()).await.is_err());
    two.release().await;
    assert!(timeout(3 * SECOND, one.lead()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_before_it_was_asked_for() {
    let (cluster, cut) = (Cluster::new(), Arc::new(AtomicBool::new(false)));
    let one = elector(&cluster, "one", &cut);
    cluster.slow_writes(4 * SECOND);
    one.lead().await;
    cut.store(true, Ordering::Release);
    let begun = Instant::now();
    one.hold().await;
    let held = begun.elapsed();
    assert!(held > 5 * SECOND && held <= 6 * SECOND, "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn the_next_one_finds_the_note() {
    let (cluster, cut) = (Cluster::new(), Arc::default());
    let [one, two] = ["one", "two"].map(|name| elector(&cluster, name, &cut));
    assert_eq!(one.lead().await, "");
    assert!(one.set_note("silent: n1".to_owned()).is_some());
    // One that the API would refuse is not written, and that is said.
    let long = "x".repeat(crate::controller::lease::NOTE_MAX + 1);
    assert_eq!(one.set_note(long), None);
    let _ = timeout(5 * SECOND, one.hold()).await;
    one.release().await;
    assert_eq!(two.lead().await, "silent: n1");
    // Whatever else is in the Lease: no text of ours has to be there.
    two.release().await;
    cluster.own(PATH, json!({"metadata": {"resourceVersion": "x1"}}));
    assert_eq!(one.lead().await, "");
    assert!(timeout(30 * SECOND, one.hold()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn somebody_else_s_lease_is_left_alone_for_as_long_as_it_is_renewed() {
    let (cluster, cut) = (Cluster::new(), Arc::default());
    let foreign = |version: u32| {
        json!({"metadata": {"resourceVersion": format!("f{version}")},
            "spec": {"holderIdentity": "other_1234", "leaseDurationSeconds": 40,
                "renewTime": "1970-01-01T00:00:00.000000Z"}})
    };
    cluster.own(PATH, foreign(0));
    let one = elector(&cluster, "one", &cut);
    for version in 1..10 {
        cluster.own(PATH, foreign(version));
        // Its clock is half a century late, and it lives.
        assert!(timeout(30 * SECOND, one.lead()).await.is_err());
    }
    let begun = Instant::now();
    one.lead().await;
    assert!(begun.elapsed() > 5 * SECOND && begun.elapsed() < 20 * SECOND);
}

/// A third one, which never heard the time of the last holder, made the Lease anew with its own.
#[tokio::test(start_paused = true)]
async fn one_made_anew_by_who_knows_no_better_is_waited_for_as_long_as_the_last_holder_said() {
    let (cluster, cut) = (Cluster::new(), Arc::default());
    let lease = |version: &str, holder: &str, seconds: u64| {
        json!({"metadata": {"resourceVersion": version},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds}})
    };
    cluster.own(PATH, lease("f1", "other_1234", 40));
    let one = elector(&cluster, "one", &cut);
    assert!(timeout(5 * SECOND, one.lead()).await.is_err());
    cluster.own(PATH, lease("f2", "", 15));
    let begun = Instant::now();
    one.lead().await;
    let waited = begun.elapsed();
    assert!(waited > 39 * SECOND && waited < 60 * SECOND, "{waited:?}");
}
