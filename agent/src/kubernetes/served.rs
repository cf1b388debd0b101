//! Kubernetes' own server of custom resources, with etcd, as `cargo xtask api-proof` builds it: what the
//! [double](super::double) cannot tell is what a server of these days takes and refuses, what it does to
//! an object that several own, and what it forgets.
//!
//! Nothing else of a cluster is there: no namespaces, no roles, no Events. Who asks is of the group
//! `system:masters`, which may do all; but one that is [guarded](Served::guarded) asks a [double of the rest](core_api)
//! for admission policies, and who may what.

pub mod core_api;
mod policies;
mod status;
mod tests;

use self::core_api::CoreApi;
use super::api::{self, Api, Failure, Reach};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The folder with both programs.
const PROGRAMS: &str = "LAPWING_API_SERVER";
/// In which they have to come up, on a machine that does other things too.
const START_MAX: Duration = Duration::from_secs(120);
/// For one answer.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The server is asked for nothing that it would have to ask a cluster for; it has to know one nevertheless.
const NOWHERE: &str = "http://127.0.0.1:1";
/// What needs a cluster.
const WITHOUT: &str = "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,\
    MutatingAdmissionPolicy";
/// What one that is not guarded is without too.
const POLICIES: &str = "ValidatingAdmissionPolicy";

/// A server; it ends, and all that it stored goes, when it is dropped.
pub struct Served {
    folder: tempfile::TempDir,
    store: u16,
    etcd: Child,
    port: u16,
    server: Child,
    /// The rest of the cluster, if it is guarded.
    core: Option<CoreApi>,
    /// Lists that have to be served.
    lists: Vec<String>,
}

impl Drop for Served {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.etcd] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that nobody has.
fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os(PROGRAMS)
        .unwrap_or_else(|| panic!("{PROGRAMS} is not set: run `cargo xtask api-proof`"));
    PathBuf::from(folder).join(name)
}

impl Served {
    /// One that has no objects, and takes CustomResourceDefinitions.
    pub async fn start() -> Self {
        Self::begin(None).await
    }

    /// The same, where the chart's admission policies are in force, and [users](core_api::USERS) have rights.
    pub async fn guarded() -> Self {
        Self::begin(Some(CoreApi::start().await)).await
    }

    async fn begin(core: Option<CoreApi>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let at = core.as_ref().map_or(NOWHERE, |core| &core.address);
        let rest = kubeconfig(at, json!({}), &json!({}));
        fs::write(folder.path().join("rest"), rest.to_string()).unwrap();
        let (store, port) = (free(), free());
        let etcd = etcd(folder.path(), store);
        let server = server(folder.path(), store, port, core.is_some());
        let this = Self {
            folder,
            store,
            etcd,
            port,
            server,
            core,
            lists: vec!["/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned()],
        };
        this.wait().await;
        this
    }

    /// It is killed, and begins anew with what it stored.
    pub async fn restart(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        let is_guarded = self.core.is_some();
        self.server = server(self.folder.path(), self.store, self.port, is_guarded);
        self.wait().await;
    }

    /// Until all is served. What is asked before definitions are read is answered with 404 here; a whole API
    /// server says 503.
    async fn wait(&self) {
        let until = Instant::now() + START_MAX;
        let api = self.api();
        if let Err(failure) = api.connect().await {
            panic!("{}", failure.text);
        }
        for list in &self.lists {
            while let Err(failure) = api.get(list).await {
                let log = self.folder.path().join("server.log");
                assert!(
                    Instant::now() < until,
                    "{list}: {}; its log:\n{}",
                    failure.text,
                    fs::read_to_string(log).unwrap_or_default()
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The way to it, as a kubeconfig gives it.
    pub fn reach(&self) -> Reach {
        self.reach_by("client")
    }

    /// The same for one of the [users](core_api::USERS).
    pub fn reach_as(&self, user: &str) -> Reach {
        let number = core_api::USERS.iter().position(|one| *one == user).unwrap();
        self.reach_by(&format!("user-{number}"))
    }

    fn reach_by(&self, certificate: &str) -> Reach {
        let at = |name: &str| self.folder.path().join(name);
        let config = kubeconfig(
            &format!("https://127.0.0.1:{}", self.port),
            json!({"certificate-authority": at("ca.crt")}),
            &json!({"client-certificate": at(&format!("{certificate}.crt")),
                "client-key": at(&format!("{certificate}.key"))}),
        );
        let file = at(&format!("{certificate}.kubeconfig"));
        fs::write(&file, config.to_string()).unwrap();
        api::reach(Some(file))
    }

    /// The same, to be asked; it has to be connected first.
    pub fn api(&self) -> Api {
        Api::new(self.reach(), ANSWER_MAX)
    }

    /// With the definitions of the chart, as `helm install` applies them. Answers what the server says of each.
    pub async fn define(&mut self) -> Vec<Value> {
        let api = self.api();
        api.connect().await.unwrap();
        let mut defined = Vec::new();
        for (name, definition) in definitions() {
            let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
            let target = format!("{path}?fieldManager=helm&fieldValidation=Strict");
            let text = definition.to_string().into_bytes();
            api.apply(&target, text)
                .await
                .unwrap_or_else(|failure| panic!("{name}: {}", failure.text));
            let until = Instant::now() + START_MAX;
            defined.push(loop {
                let object = value(api.get(&path).await).unwrap();
                if has(&object, "Established") {
                    break object;
                }
                assert!(Instant::now() < until, "{name}: {}", object["status"]);
                tokio::time::sleep(Duration::from_millis(50)).await;
            });
            let plural = name.split('.').next().unwrap_or_default();
            self.lists
                .push(format!("/apis/lapwing.dev/v1alpha1/{plural}"));
        }
        // What is established may be served a moment later.
        self.wait().await;
        defined
    }

    /// What `kubectl get` shows of a list.
    pub async fn table(&self, list: &str) -> Table {
        let client = self.reach()().await.unwrap().0;
        let request = hyper::Request::get(list)
            .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
            .body(Vec::new())
            .unwrap();
        let table: Value = client.request(request).await.unwrap();
        let columns = table["columnDefinitions"].as_array().unwrap().iter();
        Table {
            columns: columns
                .map(|column| column["name"].as_str().unwrap().to_owned())
                .collect(),
            rows: table["rows"].as_array().unwrap().clone(),
        }
    }
}

/// What people read of a list.
pub struct Table {
    /// The names of the columns, those of `-o wide` too.
    pub columns: Vec<String>,
    rows: Vec<Value>,
}

impl Table {
    /// What it has of the object of this name, in this column.
    #[track_caller]
    pub fn cell(&self, name: &str, column: &str) -> Value {
        let number = self.columns.iter().position(|one| one == column).unwrap();
        let mut rows = self.rows.iter().map(|row| &row["cells"]);
        let cells = rows.find(|cells| cells[0] == name).unwrap();
        cells[number].clone()
    }
}

/// Whether a condition holds.
pub fn has(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    { conditions.into_iter().flatten() }
        .any(|one| one["type"] == condition && one["status"] == "True")
}

/// What an answer says.
pub fn value(answer: Result<bytes::Bytes, Failure>) -> Result<Value, Failure> {
    answer.map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

/// The definitions of the plain manifest, by their names.
fn definitions() -> Vec<(String, Value)> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubernetes-crds.yaml");
    let text = fs::read_to_string(manifest).unwrap();
    { text.split("\n---\n") }
        .filter(|document| document.contains("\nkind: CustomResourceDefinition\n"))
        .map(|document| {
            let object: Value = serde_saphyr::from_str(document).unwrap();
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            (name, object)
        })
        .collect()
}

fn kubeconfig(server: &str, mut cluster: Value, user: &Value) -> Value {
    cluster["server"] = json!(server);
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    })
}

/// An authority, and what it vouches for: the server, and who asks it.
fn certificates(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join("ca.crt"), authority.pem()).unwrap();
    let issue = |file: &str, name: &str, group: Option<&str>, usage, names: &[&str]| {
        let names = names.iter().map(ToString::to_string);
        let mut params = CertificateParams::new(names.collect::<Vec<_>>()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        let of = &mut params.distinguished_name;
        if let Some(group) = group {
            of.push(DnType::OrganizationName, group);
        }
        of.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let at = |ending: &str| folder.join(format!("{file}.{ending}"));
        fs::write(at("crt"), certificate.pem()).unwrap();
        fs::write(at("key"), key.serialize_pem()).unwrap();
    };
    let (to_serve, to_ask) = (
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    );
    issue("server", "server", None, to_serve, &["127.0.0.1"]);
    let masters = Some("system:masters");
    issue("client", "client", masters, to_ask.clone(), &[]);
    for (number, user) in core_api::USERS.iter().enumerate() {
        issue(&format!("user-{number}"), user, None, to_ask.clone(), &[]);
    }
}

fn spawn(command: &mut Command, log: &Path) -> Child {
    let log = File::create(log).unwrap();
    let named = format!("{command:?}");
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{named}: {error}"))
}

fn etcd(folder: &Path, port: u16) -> Child {
    let own = format!("http://127.0.0.1:{port}");
    let peer = format!("http://127.0.0.1:{}", free());
    let mut command = Command::new(program("etcd"));
    command.arg("--data-dir").arg(folder.join("store"));
    for (option, value) in [
        ("--listen-client-urls", &own),
        ("--advertise-client-urls", &own),
        ("--listen-peer-urls", &peer),
        ("--initial-advertise-peer-urls", &peer),
    ] {
        command.args([option, value]);
    }
    let cluster = format!("default={peer}");
    command.args(["--initial-cluster", &cluster, "--unsafe-no-fsync"]);
    spawn(&mut command, &folder.join("etcd.log"))
}

fn server(folder: &Path, store: u16, port: u16, is_guarded: bool) -> Child {
    let at = |name: &str| folder.join(name).display().to_string();
    let without = match is_guarded {
        true => WITHOUT.to_owned(),
        false => format!("{WITHOUT},{POLICIES}"),
    };
    let mut command = Command::new(program("apiextensions-apiserver"));
    for (option, value) in [
        ("--etcd-servers", format!("http://127.0.0.1:{store}")),
        ("--bind-address", "127.0.0.1".to_owned()),
        ("--secure-port", port.to_string()),
        ("--tls-cert-file", at("server.crt")),
        ("--tls-private-key-file", at("server.key")),
        ("--client-ca-file", at("ca.crt")),
        ("--kubeconfig", at("rest")),
        ("--authentication-kubeconfig", at("rest")),
        ("--authorization-kubeconfig", at("rest")),
        ("--disable-admission-plugins", without),
    ] {
        command.args([option.to_owned(), value]);
    }
    command.args([
        "--authentication-skip-lookup",
        "--enable-priority-and-fairness=false",
    ]);
    spawn(&mut command, &folder.join("server.log"))
}
