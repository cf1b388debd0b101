//! What tests of the controller need around it.

mod agent;

pub use agent::{Agent, Running, traced};

use crate::cli::client::{self, Endpoint};
use crate::config::controller::{Agents, Controller as Config, Lease, Relay};
use crate::config::{Client, Length, Listen, Verb};
use crate::controller::WORDS;
use crate::controller::run::Controller;
use crate::controller::service::Desk;
use crate::kubernetes::api::{Api, Reach};
use crate::kubernetes::double::Cluster;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Gap, Violation, WatchRequest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tonic::transport::Channel;

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The name in the certificates of agents.
pub const SERVER_NAME: &str = "agent.lapwing.internal";
/// Who the controller is to agents.
pub const CONTROLLER: &str = "spiffe://test/controller";

/// Certificates and keys.
pub struct Keys {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Keys {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn issue(&self, name: SanType, file: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        // One that starts may be reading those of the last call.
        static ISSUED: AtomicU32 = AtomicU32::new(0);
        let number = ISSUED.fetch_add(1, Ordering::Relaxed);
        let path = |end| self.folder.path().join(format!("{file}-{number}.{end}"));
        let paths = ["pem", "key"].map(path);
        std::fs::write(&paths[0], certificate.pem()).unwrap();
        std::fs::write(&paths[1], key.serialize_pem()).unwrap();
        let [certificate, key] = paths;
        (certificate, key)
    }

    /// Of a server with this DNS name.
    pub fn server(&self, name: &str) -> (PathBuf, PathBuf) {
        self.issue(SanType::DnsName(name.try_into().unwrap()), name)
    }

    /// Of a client with this URI.
    pub fn client(&self, uri: &str) -> (PathBuf, PathBuf) {
        let file: String = uri.chars().filter(char::is_ascii_alphanumeric).collect();
        self.issue(SanType::URI(uri.try_into().unwrap()), &file)
    }

    /// The section `listen` of one with this name, for these clients.
    pub fn listen(&self, address: &str, name: &str, clients: &[(&str, &[&str])]) -> Listen {
        let (certificate, key) = self.server(name);
        let client = |(identity, namespaces): &(&str, &[&str])| Client {
            identity: (*identity).to_owned(),
            verbs: vec![Verb::Read, Verb::Operate],
            namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
        };
        Listen {
            address: address.to_owned(),
            certificate: Some(certificate),
            key: Some(key),
            client_authority: Some(self.ca()),
            clients: clients.iter().map(client).collect(),
            ..Listen::default()
        }
    }
}

/// A pod of an agent.
pub fn pod(node: &str, uid: &str, address: &str, phase: &str) -> Value {
    json!({
        "metadata": {"name": format!("agent-{uid}"), "uid": uid, "namespace": "lapwing",
            "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": node},
        "status": {"phase": phase, "podIP": address},
    })
}

/// A node, and whether it is Ready.
pub fn node(is_ready: bool) -> Value {
    let status = if is_ready { "True" } else { "Unknown" };
    json!({"status": {"conditions": [
        {"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": status},
    ]}})
}

/// Who follows all that the controller relays; and one who may see one namespace.
pub const SIEM: &str = "spiffe://test/siem";
pub const SHOP: &str = "spiffe://test/shop";
/// The name in the controller's certificate.
const CONTROLLER_NAME: &str = "controller.lapwing.internal";

/// A replica of the controller.
pub struct Replica {
    pub address: SocketAddr,
    pub desk: Arc<Desk>,
    end: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Replica {
    /// Of agents that listen on this port.
    pub fn start(keys: &Keys, cluster: &Cluster, name: &str, port: u16) -> Self {
        Self::with(keys, cluster, name, port, |_| {})
    }

    /// The same, configured otherwise.
    pub fn with(
        keys: &Keys,
        cluster: &Cluster,
        name: &str,
        port: u16,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::at(keys, cluster.reach(), name, port, change)
    }

    /// The same, of the cluster at the end of this way.
    pub fn at(
        keys: &Keys,
        reach: Reach,
        name: &str,
        port: u16,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        // Of an address from which nobody connects, so that the port stays free.
        let free = std::net::TcpListener::bind("127.0.1.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let clients: [(&str, &[&str]); 2] = [(SIEM, &["*"]), (SHOP, &["shop"])];
        let (certificate, key) = keys.client(CONTROLLER);
        let length = |milliseconds: i64| Length(milliseconds * 1_000_000);
        let mut config = Config {
            cluster: "c1".to_owned(),
            namespace: "lapwing".to_owned(),
            name: name.to_owned(),
            endpoint: format!("unix://{}/{name}.sock", keys.folder().display()),
            listen: keys.listen(&address.to_string(), CONTROLLER_NAME, &clients),
            advertise: address.to_string(),
            lease: Lease {
                duration: length(3000),
                deadline: length(2000),
                retry: length(50),
                ..Lease::default()
            },
            agents: Agents {
                port,
                certificate,
                key,
                authority: keys.ca(),
                ..Agents::default()
            },
            relay: Relay {
                beat: length(100),
                gone: length(1500),
                ..Relay::default()
            },
            ..Config::default()
        };
        change(&mut config);
        config.check().unwrap();
        let api = Arc::new(Api::new(reach, Duration::from_secs(5)));
        let controller = Controller::with(config, api);
        let desk = Arc::clone(&controller.desk);
        let (end, ends) = oneshot::channel();
        let ended = async {
            let _ = ends.await;
        };
        let task = tokio::spawn(async { controller.run(ended).await.unwrap() });
        Self {
            address,
            desk,
            end: Some(end),
            task,
        }
    }

    pub fn leads(&self) -> bool {
        self.desk.status().fleet.is_some_and(|fleet| fleet.leads)
    }

    /// How many reports of agents it relayed.
    pub fn relayed(&self) -> u64 {
        let fleet = self.desk.status().fleet.unwrap_or_default();
        fleet.agents.iter().map(|agent| agent.relayed).sum()
    }

    /// It goes without a word: the Lease stays as it is.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// It ends in order.
    pub async fn end(mut self) {
        drop(self.end.take());
        self.task.await.unwrap();
    }

    /// A client, by the port of this replica.
    pub async fn client(&self, keys: &Keys, uri: &str) -> AgentClient<Channel> {
        let (certificate, key) = keys.client(uri);
        let files = [keys.ca(), certificate, key];
        let address = format!("https://{}", self.address);
        let endpoint = Endpoint::known(address, &WORDS, files, CONTROLLER_NAME.to_owned());
        let begun = Instant::now();
        loop {
            // Between two leaders nobody is there.
            match client::connect(&endpoint).await {
                Ok(client) => return client,
                Err(failure) => assert!(begun.elapsed() < PATIENCE, "{failure}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a client has of the stream, and where it is in it.
#[derive(Default)]
pub struct Reader {
    /// By id and revision, as they came first.
    pub seen: BTreeMap<(String, u32), Violation>,
    pub gaps: Vec<Gap>,
    /// Of the last item.
    pub cursor: String,
    /// How many came, twice or not.
    pub came: usize,
}

impl Reader {
    /// Reads on from where it is until that is so.
    pub async fn read(
        &mut self,
        mut client: AgentClient<Channel>,
        request: WatchRequest,
        is_enough: impl Fn(&Self) -> bool,
    ) {
        let since = match self.cursor.is_empty() {
            true => request.since.clone(),
            false => Some(Since::Cursor(self.cursor.clone())),
        };
        let request = WatchRequest { since, ..request };
        let mut stream = client.watch(request).await.unwrap().into_inner();
        let begun = Instant::now();
        while !is_enough(self) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let next = tokio::time::timeout(left, stream.message()).await;
            let response = next.unwrap_or_else(|_| panic!("it does not come: {:?}", self.ids()));
            let response = response.unwrap().expect("the stream ended");
            self.cursor = response.cursor;
            match response.item {
                Some(Item::Violation(violation)) => {
                    self.came += 1;
                    let key = (violation.id.clone(), violation.revision);
                    let first = self.seen.entry(key).or_insert_with(|| violation.clone());
                    assert_eq!(*first, violation, "an id with two meanings");
                }
                Some(Item::Gap(gap)) => self.gaps.push(gap),
                Some(Item::Heartbeat(beat)) => assert!(beat.heard.is_empty()),
                Some(Item::Behaviour(_)) | None => panic!("what is this"),
            }
        }
    }

    pub fn ids(&self) -> Vec<String> {
        self.seen.keys().map(|(id, _)| id.clone()).collect()
    }

    pub fn has(&self, id: &str) -> bool {
        self.seen.keys().any(|(one, _)| one == id)
    }
}

/// While there is a second one, what one thread does not want is not taken for what none wants.
static BESIDE: LazyLock<tracing::Dispatch> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::io::sink);
    tracing::Dispatch::new(subscriber.finish())
});

/// What is logged on this thread, from now on.
#[derive(Clone, Default)]
pub struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    /// Until the guard is dropped.
    pub fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        LazyLock::force(&BESIDE);
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Waits for the condition, not for the clock.
pub async fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "it does not come: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
