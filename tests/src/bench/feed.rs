//! The feed: from a violation that was judged to a client of the gRPC stream, through the log on disk.
//!
//! The feed and the server are the agent's own, in this process, and the client is on the Unix
//! socket that people use. Violations are published as the pipeline does, of the size that real ones
//! have. Each carries when it was published, and the client checks that none is missing and none
//! comes twice. So the figures are of the feed, the server, HTTP/2 and the client together; the
//! kernel's side is in `latency`.

use super::Args;
use super::figure::{figure, percentile};
use super::work::now;
use crate::session::{Session, check_interrupt};
use anyhow::{Context, Error, Result, bail, ensure};
use lapwing_abi::record::ARGS_MAX;
use lapwing_agent::api::control::Control;
use lapwing_agent::api::server::serve;
use lapwing_agent::api::socket::Socket;
use lapwing_agent::config::Redaction;
use lapwing_agent::feed::spool::Caps;
use lapwing_agent::feed::{Feed, Limits, Settings, Sync};
use lapwing_agent::sink::Sinks;
use lapwing_agent::{clock, status};
use lapwing_proto::timestamp;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Container, File, Process, Violation, WatchRequest, Workload, container, process::Ancestor,
    violation,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::transport::Endpoint;

/// Longer than a client is ever silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// A violation as a real one is.
fn report(number: u64) -> Item {
    let hex = format!("{number:032x}");
    let at = timestamp(clock::now());
    Item::Violation(Violation {
        id: hex.clone(),
        fingerprint: hex,
        revision: 1,
        time: Some(at),
        cluster: "production-1".into(),
        node: "node-17.example".into(),
        first_seen: Some(at),
        last_seen: Some(at),
        rule: "file.unknown".into(),
        severity: violation::Severity::Medium.into(),
        // What the client reads: the number, and when it was published.
        count: number,
        nearest: now().to_string(),
        attack: vec!["T1565.001".into()],
        workload: Some(Workload {
            namespace: "shop".into(),
            kind: "Deployment".into(),
            name: "checkout".into(),
            container: "app".into(),
        }),
        container: Some(Container {
            id: "ab".repeat(32),
            name: "app".into(),
            image: "registry.example/shop/checkout:1.4".into(),
            pod: "checkout-6d4cf56db6-x8k2p".into(),
            cgroup_id: 4242,
            runtime: "containerd".into(),
            image_digest: format!("sha256:{}", "cd".repeat(32)),
            pod_uid: "7c1f0f0e-5f0b-4a53-9d0c-0e1f5a0c9b11".into(),
            pod_namespace: "shop".into(),
            kind: container::Kind::Main.into(),
            owner_evidence: container::OwnerEvidence::Verified.into(),
        }),
        process: Some(Process {
            pid: 12_345,
            container_pid: 17,
            start_time: Some(at),
            exe: "/usr/lib/jvm/java-21/bin/java".into(),
            args: ["java", "-Xmx512m", "-jar", "/srv/checkout.jar"]
                .map(Into::into)
                .into(),
            cwd: "/srv".into(),
            uid: 1000,
            gid: 1000,
            ancestors: vec![Ancestor {
                pid: 12_300,
                exe: "/usr/bin/tini".into(),
            }],
            ..Process::default()
        }),
        detail: Some(violation::Detail::File(File {
            path: format!("/var/lib/checkout/cache/{number}.dat"),
            ..File::default()
        })),
        patch: format!("- file: {{path: /var/lib/checkout/cache/{number}.dat}}"),
        ..Violation::default()
    })
}

/// A served feed and a client of it.
struct Stage {
    runtime: Runtime,
    feed: Arc<Feed>,
    client: tokio::task::JoinHandle<Result<Vec<f64>>>,
    end: Option<oneshot::Sender<()>>,
}

/// Takes that many violations, and answers how long each was under way, in milliseconds.
async fn take(socket: &Path, count: u64, ready: oneshot::Sender<()>) -> Result<Vec<f64>> {
    let channel = Endpoint::from_shared(format!("unix://{}", socket.display()))?
        .connect()
        .await?;
    let mut stream = AgentClient::new(channel)
        .watch(WatchRequest::default())
        .await?
        .into_inner();
    // Who waits for it is there.
    let _ = ready.send(());
    let mut took = Vec::with_capacity(count as usize);
    for number in 1..=count {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await;
        let next = next.with_context(|| format!("{number} does not come"))??;
        match next.context("the stream ended")?.item {
            Some(Item::Violation(violation)) => {
                ensure!(
                    violation.count == number,
                    "{} in place of {number}",
                    violation.count
                );
                let published: u64 = violation.nearest.parse()?;
                took.push(now().saturating_sub(published) as f64 / 1e6);
            }
            other => bail!("{other:?} in place of {number}"),
        }
    }
    Ok(took)
}

impl Stage {
    fn new(folder: &Path, sync: Option<Sync>, count: u64) -> Result<Self> {
        let limits = Limits {
            items: 16_384,
            bytes: 8 << 20,
        };
        let all = Limits {
            items: usize::MAX,
            bytes: usize::MAX,
        };
        let feed = match sync {
            // Who is slower than the publisher has no disk to catch up from.
            None => Feed::new(all, clock::now()),
            Some(sync) => {
                let settings = Settings {
                    folder: folder.join("feed"),
                    caps: Caps {
                        bytes: 128 << 20,
                        segment: 4 << 20,
                        age: i64::MAX,
                    },
                    sync,
                };
                Feed::open(limits, clock::now(), &settings)?
            }
        };
        // As the agent publishes.
        let redaction = Redaction::default().compile().map_err(Error::msg)?;
        let feed = Arc::new(feed.with_redaction(redaction));
        let path = folder.join("socket");
        let sinks = Arc::new(Sinks::none(folder, Arc::clone(&feed))?);
        let (control, requests) = Control::new(Arc::new(|| ()));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // As the agent has.
            .worker_threads(2)
            .enable_all()
            .build()?;
        let (end, ends) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let served = Arc::clone(&feed);
        let client = {
            let _inside = runtime.enter();
            let socket = Socket::bind(&path)?;
            runtime.spawn(async move {
                let _requests = requests;
                let ended = async {
                    drop(ends.await);
                };
                serve(socket, None, served, control, sinks, ended).await
            });
            runtime.spawn(async move { take(&path, count, ready).await })
        };
        runtime
            .block_on(is_ready)
            .context("the client does not follow")?;
        Ok(Self {
            runtime,
            feed,
            client,
            end: Some(end),
        })
    }

    /// Waits for the client; answers how long each was under way.
    fn took(&mut self) -> Result<Vec<f64>> {
        let took = self.runtime.block_on(&mut self.client)??;
        drop(self.end.take());
        Ok(took)
    }
}

/// Publishes so many a second, evenly.
fn publish(feed: &Feed, count: u64, each_second: u64) -> Result<f64> {
    let start = Instant::now();
    let mut worst = Duration::ZERO;
    for number in 1..=count {
        let due = Duration::from_nanos(1_000_000_000 / each_second * (number - 1));
        while let Some(left) = due.checked_sub(start.elapsed())
            && !left.is_zero()
        {
            std::thread::sleep(left);
        }
        if number % 1_000 == 0 {
            check_interrupt()?;
        }
        let before = Instant::now();
        feed.publish(clock::now(), report(number));
        worst = worst.max(before.elapsed());
    }
    Ok(worst.as_secs_f64() * 1e3)
}

fn written(feed: &Feed) -> u64 {
    feed.summary().spool.map_or(0, |spool| spool.written)
}

/// How many a second go through at most, with none lost: a publisher that waits for nothing.
fn rate(session: &Session, name: &str, sync: Option<Sync>, count: u64) -> Result<()> {
    let mut stage = Stage::new(&session.folder("feed")?, sync, count)?;
    let before = status::memory();
    let start = Instant::now();
    let worst = publish(&stage.feed, count, 1_000_000_000)?;
    let published = start.elapsed().as_secs_f64();
    let took = stage.took()?;
    let each = count as f64 / start.elapsed().as_secs_f64();
    let trouble = stage.feed.trouble();
    ensure!(trouble.is_none(), "{trouble:?}");
    let bytes = written(&stage.feed) as f64 / count as f64;
    let memory = (status::memory().saturating_sub(before)) as f64 / f64::from(1 << 20);
    let detail = json!({
        "violations": count,
        "publishedPerSecond": count as f64 / published,
        "worstPublishMilliseconds": worst,
        "bytesEach": bytes,
        "memoryRiseMiB": memory,
        "millisecondsP99": percentile(&took, 0.99),
    });
    figure(&format!("feed.rate.{name}"), each, "violations/s", &detail);
    if name == "interval" {
        figure("feed.bytes", bytes, "bytes/violation", &json!({}));
        figure(
            "feed.memory",
            memory,
            "MiB",
            &json!({"rise": true, "client": true}),
        );
    }
    Ok(())
}

/// How long each is under way at a rate.
fn latency(session: &Session, each_second: u64, count: u64) -> Result<Vec<f64>> {
    let sync = Sync::Interval(Duration::from_secs(1));
    let mut stage = Stage::new(&session.folder("feed")?, Some(sync), count)?;
    publish(&stage.feed, count, each_second)?;
    stage.took()
}

/// What the search for secrets takes of who publishes, in nanoseconds for each of these reports: with it,
/// less without it. The least of some rounds, in turns.
fn redaction(name: &str, count: u64, args: &[String]) -> Result<()> {
    let mut least = [f64::INFINITY; 2];
    for _ in 0..5 {
        for (redacted, least) in [false, true].into_iter().zip(&mut least) {
            let limits = Limits {
                items: 1_024,
                bytes: 8 << 20,
            };
            let mut feed = Feed::new(limits, clock::now());
            if redacted {
                let rules = Redaction::default().compile().map_err(Error::msg)?;
                feed = feed.with_redaction(rules);
            }
            let with_args = |number| {
                let mut item = report(number);
                if let Item::Violation(violation) = &mut item
                    && let Some(process) = &mut violation.process
                {
                    process.args = args.to_vec();
                }
                item
            };
            let reports: Vec<Item> = (1..=count).map(with_args).collect();
            let start = Instant::now();
            for item in reports {
                feed.publish(clock::now(), item);
            }
            let each = start.elapsed().as_secs_f64() * 1e9 / count as f64;
            *least = least.min(each);
        }
    }
    let [without, with] = least;
    let detail = json!({"reports": count, "with": with, "without": without});
    figure(
        &format!("feed.redaction.{name}"),
        with - without,
        "ns/report",
        &detail,
    );
    Ok(())
}

/// Arguments to look for secrets in, and in how many reports. Those of `full` are as many bytes as the
/// sensor records; more comes from nowhere but must not take more than its share.
fn searched() -> [(&'static str, u64, Vec<String>); 6] {
    /// As many as a whole argument may have on Linux.
    const LONG: usize = 128 << 10;
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let filled = |bytes: usize, arg: &str| vec![arg.to_owned(); bytes / (arg.len() + 1)];
    let key = "-----BEGIN RSA PRIVATE KEY-----";
    [
        (
            "usual",
            1_000,
            words("java -Xmx512m -jar /srv/checkout.jar"),
        ),
        (
            "secret",
            1_000,
            words("mysql --user u --password s3cret db"),
        ),
        ("full", 100, filled(ARGS_MAX, "pwd=a")),
        ("long", 10, filled(LONG, "/srv/data/a-file.txt")),
        ("long-secrets", 2, filled(LONG, "pwd=a")),
        ("long-key", 2, vec![key.to_owned() + &"k".repeat(LONG)]),
    ]
}

/// Measures and prints.
pub fn run(session: &Session, args: &Args) -> Result<()> {
    let factor = if args.quick { 1 } else { 20 };
    let interval = Sync::Interval(Duration::from_secs(1));
    // First, so that no memory is there that another had.
    rate(session, "interval", Some(interval), 10_000 * factor)?;
    rate(session, "memory", None, 10_000 * factor)?;
    rate(session, "always", Some(Sync::Always), 2_000 * factor)?;
    for (name, count, args) in searched() {
        redaction(name, count * factor, &args)?;
    }
    for (each_second, stem) in [(1_000, "feed"), (20_000, "feed.at-20000")] {
        let seconds = if args.quick { 1 } else { 10 };
        let took = latency(session, each_second, each_second * seconds)?;
        let detail = json!({"violations": took.len(), "perSecond": each_second});
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("worst", 1.0)] {
            figure(
                &format!("{stem}.{name}"),
                percentile(&took, share),
                "ms",
                &detail,
            );
        }
    }
    Ok(())
}
