//! What a cluster costs its controller, and the controller the API: nodes, the double of the API and the
//! controller that `lapwing controller` runs, in a process of its own, so that its memory is its own. It reaches
//! both over loopback, as it would in a cluster: HTTP to the API, gRPC with mutual TLS to each node. A few nodes
//! at each run; many for figures (docs/kubernetes.md):
//!
//! ```sh
//! cargo xtask bench scale
//! LAPWING_SCALE=1000 cargo test --release -p lapwing-agent --lib learned::tests::scale -- --nocapture
//! ```

mod process;
mod standing;

use super::simulated::{Nodes, Size};
use super::*;
use crate::cli::ControllerArgs;
use crate::controller::tests::stage::{CONTROLLER, Keys};
use crate::kubernetes::double::Written;
use process::Controller;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Instant;

/// The path of the configuration; where it is set the test is the controller.
const CONTROLLER_OF: &str = "LAPWING_SCALE_CONTROLLER";
/// How many nodes for figures.
const NODES: &str = "LAPWING_SCALE";
const SMALL: Size = Size {
    nodes: 8,
    everywhere: 1,
    here: 2,
    of_each: 4,
    behaviours: 6,
};
/// Of a thousand nodes: 1,505 workloads.
const LARGE: Size = Size {
    nodes: 1_000,
    everywhere: 5,
    here: 15,
    of_each: 10,
    behaviours: 50,
};
/// How long the API takes for each write.
const WRITE: Duration = Duration::from_millis(10);
/// Where the Lease is.
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/lapwing/leases/lapwing-controller";
/// Within this it comes to rest.
const PATIENCE: Duration = Duration::from_secs(900);

/// Everything around it.
struct Stage {
    size: Size,
    cluster: Cluster,
    nodes: Nodes,
    config: PathBuf,
    http: SocketAddr,
    _keys: Keys,
}

impl Stage {
    async fn begin(size: Size, is_large: bool) -> Self {
        let (cluster, keys) = (Cluster::new(), Keys::new());
        cluster.slow_writes(WRITE);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = listener.local_addr().unwrap();
        let served = cluster.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move { served.serve(stream).await });
            }
        });
        if !is_large {
            cluster.own(LEASE, given_free());
        }
        let nodes = Nodes::begin(size, &keys, &cluster).await;
        // An address of this process's own, so that nobody takes it before the controller does, or between two.
        let [.., high, low] = std::process::id().to_be_bytes();
        let free = std::net::TcpListener::bind((Ipv4Addr::new(127, high, low, 7), 0)).unwrap();
        let http = free.local_addr().unwrap();
        drop(free);
        let folder = keys.folder().to_owned();
        let kubeconfig = folder.join("kubeconfig");
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, users: [{{name: u, user: {{token: t}}}}],\n\
             clusters: [{{name: c, cluster: {{server: 'http://{api}'}}}}],\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}"
        );
        std::fs::write(&kubeconfig, text).unwrap();
        let (certificate, key) = keys.client(CONTROLLER);
        let pace = match is_large {
            true => "",
            // A shorter one might be lost on a machine that does much else, and all would be told anew.
            false => "lease: {duration: 15s, deadline: 10s, retry: 200ms}\nlearned: {interval: 1s}",
        };
        let config = folder.join("controller.yaml");
        let text = format!(
            "namespace: lapwing\nname: controller-0\nkubernetes: {}\nendpoint: unix://{}\n\
             http: {{address: '{http}'}}\n\
             agents: {{port: {}, certificate: {}, key: {}, authority: {}}}\n{pace}\n",
            kubeconfig.display(),
            folder.join("controller.sock").display(),
            nodes.port,
            certificate.display(),
            key.display(),
            keys.ca().display(),
        );
        std::fs::write(&config, text).unwrap();
        Self {
            size,
            cluster,
            nodes,
            config,
            http,
            _keys: keys,
        }
    }

    /// How many objects say that there are so many behaviours, in this phase.
    fn objects(&self, behaviours: usize, phase: &str) -> usize {
        self.cluster.count_written("learnedprofiles", |object| {
            let status = &object["status"];
            status["behaviours"] == behaviours && status["phase"] == phase
        })
    }

    /// Waits until that is so. Answers what was written meanwhile, and says what it cost.
    async fn until(
        &self,
        what: &str,
        controller: &Controller,
        bytes: usize,
        is: impl Fn() -> bool,
    ) -> Written {
        self.cluster.written();
        self.nodes.told();
        self.nodes.stood();
        let (begun, cpu) = (Instant::now(), controller.cpu());
        let (mut all, mut most) = (Written::default(), 0);
        let mut second = (Instant::now(), 0);
        while !is() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: it does not come to rest: {all:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
            let more = self.cluster.written();
            add(&mut all, &more);
            second.1 += more.all;
            if second.0.elapsed() >= Duration::from_secs(1) {
                most = most.max(second.1);
                second = (Instant::now(), 0);
            }
        }
        let more = self.cluster.written();
        add(&mut all, &more);
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{what}: {seconds:.1} s; {} reports told, {} KiB; {} writes ({} of the Lease, {} Events), {:.1} a second, \
             {} at most, {} KiB; controller: {} MiB resident, {} at most, {:.1} s of CPU",
            self.nodes.told(),
            bytes >> 10,
            all.all,
            all.leases,
            all.events,
            all.all as f64 / seconds,
            most.max(second.1),
            all.bytes >> 10,
            controller.memory("VmRSS"),
            controller.memory("VmHWM"),
            controller.cpu() - cpu,
        );
        let stood = self.nodes.stood();
        if stood + all.standings > 0 {
            println!(
                "  BehaviorProfiles: nodes said {stood} times what they make of one; {} writes of status, {:.1} a second, \
                 {} KiB, by which each agent is sent {} KiB",
                all.standings,
                all.standings as f64 / seconds,
                all.standing_bytes >> 10,
                all.followed_bytes >> 10,
            );
        }
        all
    }
}

/// The Lease as who led before left it, so that the first need not wait.
fn given_free() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "lapwing-controller", "namespace": "lapwing", "resourceVersion": "1"},
        "spec": {
            "holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
        },
    })
}

fn add(all: &mut Written, more: &Written) {
    all.all += more.all;
    all.statuses += more.statuses;
    all.standings += more.standings;
    all.standing_bytes += more.standing_bytes;
    all.followed_bytes += more.followed_bytes;
    all.made += more.made;
    all.idle += more.idle;
    all.events += more.events;
    all.leases += more.leases;
    all.bytes += more.bytes;
}

#[test]
fn what_many_nodes_cost() {
    if let Some(config) = std::env::var_os(CONTROLLER_OF) {
        let args = ControllerArgs {
            config: Some(config.into()),
            check_config: None,
        };
        crate::controller::run(&args, None).unwrap();
        return;
    }
    let nodes = std::env::var(NODES).ok().map(|text| text.parse().unwrap());
    let size = nodes.map_or(SMALL, |nodes| Size { nodes, ..LARGE });
    // A listener and a connection for each node.
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, most).unwrap();
    let enough = limit
        .maximum
        .is_none_or(|most| most > 2 * size.nodes as u64 + 200);
    assert!(
        enough,
        "{} nodes need more open files: ulimit -n",
        size.nodes
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(size, nodes.is_some()));
    runtime.shutdown_background();
}

async fn measure(size: Size, is_large: bool) {
    let stage = Stage::begin(size, is_large).await;
    let (many, nodes, last) = (size.workloads(), size.nodes as u64, size.behaviours);
    println!(
        "{nodes} nodes, {} workloads on each, {many} in all, {last} behaviours of each",
        size.everywhere + size.here
    );
    let begun = Instant::now();
    let controller = Controller::begin(&stage.config, stage.http);
    let told = |controller: &Controller| controller.metric("lapwing_controller_learned_nodes ");
    // Nobody knows anything yet.
    let all = stage.until("connected", &controller, 0, || {
        told(&controller) == Some(nodes)
    });
    assert_eq!(all.await.statuses, 0);
    let bytes = stage.nodes.learn(10, last / 2);
    let is = || stage.objects(last / 2, "Learning") == many;
    let first = stage.until("all is new", &controller, bytes, is).await;
    let bytes = stage.nodes.learn(40, last);
    let is = || stage.objects(last, "Ready") == many;
    let second = stage.until("half is new", &controller, bytes, is).await;
    // Figures alone went on.
    let taken = || controller.metric("lapwing_controller_learned_reports_total ");
    let before = taken().unwrap();
    let bytes = stage.nodes.learn(45, last);
    let reports = nodes * (size.everywhere + size.here) as u64;
    let is = || taken() >= Some(before + reports);
    let third = stage.until("nothing is new", &controller, bytes, is).await;
    assert_eq!(stage.objects(last, "Ready"), many);
    let events = first.events + second.events + third.events;
    assert_eq!((third.made, events), (0, many));
    // All of them are approved of, and nodes say what they make of that.
    let standing = stage.stand(&controller, is_large).await;
    let elapsed = begun.elapsed();
    // Another leads, and is told all of it anew; where figures are taken the first has crashed.
    match is_large {
        true => drop(controller),
        false => controller.end().await,
    }
    let controller = Controller::begin(&stage.config, stage.http);
    let is = || told(&controller) == Some(nodes) && stage.rests(&controller);
    let again = stage.until("another leads", &controller, bytes, is).await;
    let quiet = Instant::now();
    let pause = Duration::from_secs(if is_large { 20 } else { 2 });
    let is = || quiet.elapsed() >= pause;
    let rest = stage.until("at rest", &controller, 0, is).await;
    // One object each, one Event when it is Ready, and nothing that says what is said already.
    assert_eq!(first.made + second.made, many);
    assert_eq!((again.made, again.standings, again.events), (0, 0, 0));
    assert_eq!((rest.standings, rest.events), (0, 0));
    let each = [first, second, third, standing, again, rest];
    let sum = |of: fn(&Written) -> usize| each.iter().map(of).sum::<usize>();
    assert_eq!(sum(|it| it.idle), 0, "{each:?}");
    // Of workloads, once in an interval, and not of nodes.
    let interval = if is_large { 10 } else { 1 };
    let most = many * (elapsed.as_secs() as usize / interval + 1);
    assert!(sum(|it| it.statuses - it.standings) <= most, "{each:?}");
    assert!(rest.statuses <= many, "{rest:?}");
    for (metric, wanted) in [
        ("lapwing_controller_leads ", 1),
        ("lapwing_controller_silent_nodes ", 0),
        ("lapwing_controller_agents{link=\"connected\"} ", nodes),
        (
            "lapwing_controller_learned_profiles{phase=\"promoted\"} ",
            many as u64,
        ),
        (
            "lapwing_controller_profiles{state=\"in_force\"} ",
            many as u64,
        ),
        ("lapwing_controller_learned_failing ", 0),
    ] {
        assert_eq!(controller.metric(metric), Some(wanted), "{metric}");
    }
    let refused = "lapwing_controller_learned_refused_total{reason=\"bytes_full\"} ";
    assert_eq!(controller.metric(refused), Some(0));
    let patched = "lapwing_controller_api_requests_total{verb=\"get\",result=\"ok\"} ";
    assert!(controller.metric(patched) > Some(0));
    println!("largest object: {} bytes", largest(&stage.cluster));
}

fn largest(cluster: &Cluster) -> usize {
    let objects = cluster.written_objects("learnedprofiles");
    let lengths = objects.iter().map(|one| one.to_string().len());
    lengths.max().unwrap_or_default()
}
