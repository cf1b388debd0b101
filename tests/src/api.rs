//! As much of a cluster's API as an agent asks for namespaces and for its node's pods: one namespace that has the
//! label `lapwing.dev/mode`, and one pod, or none; listed and watched on this machine's loopback. Owners are there to be
//! looked up, and it may be away for a time.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The label.
const LABEL: &str = "lapwing.dev/mode";
/// The name of the node that asks for its pods.
pub const NODE: &str = "n1";
/// Time between two looks for a change.
const LOOK: Duration = Duration::from_millis(20);

/// The states of an object, as steps of the watch.
type Steps = Mutex<Vec<Value>>;

#[derive(Default)]
struct Shared {
    namespace: Steps,
    pod: Steps,
    /// Objects that can be got alone, by their paths.
    owners: Mutex<HashMap<String, Value>>,
    away: AtomicBool,
    ending: AtomicBool,
}

/// It runs until it is dropped.
pub struct Api {
    address: SocketAddr,
    namespace: String,
    shared: Arc<Shared>,
}

impl Api {
    /// Listens on a port of its own. The namespace has no label yet.
    pub fn start(namespace: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on loopback")?;
        let this = Self {
            address: listener.local_addr()?,
            namespace: namespace.to_owned(),
            shared: Arc::default(),
        };
        let shared = Arc::clone(&this.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.ending.load(Ordering::Acquire) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client that went away needs no answer.
                std::thread::spawn(move || shared.serve(stream).is_ok());
            }
        });
        Ok(this)
    }

    /// Writes a kubeconfig by which it is reached.
    pub fn kubeconfig(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join("kubeconfig");
        let server = format!("http://{}", self.address);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "k", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        });
        std::fs::write(&file, config.to_string())?;
        Ok(file)
    }

    /// The namespace has the label with this value from now on; with none it has no label.
    pub fn label(&self, value: Option<&str>) {
        let mut steps = lock(&self.shared.namespace);
        let version = (steps.len() + 2).to_string();
        let mut object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": self.namespace, "resourceVersion": version, "labels": {LABEL: value}}});
        // Who asks by the label hears of one that loses it as of one that goes.
        let kind = match value {
            Some(_) => "MODIFIED",
            None => {
                object["metadata"]["labels"] = json!({});
                "DELETED"
            }
        };
        steps.push(json!({"type": kind, "object": object}));
    }

    /// There is an object that owns others at this path.
    pub fn own(&self, path: &str, object: Value) {
        let owners = &self.shared.owners;
        let mut owners = owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.insert(path.to_owned(), object);
    }

    /// It answers nobody from now on, or everybody again.
    pub fn away(&self, is_away: bool) {
        self.shared.away.store(is_away, Ordering::Release);
    }

    /// The pod is so from now on.
    pub fn pod(&self, mut pod: Value) {
        let mut steps = lock(&self.shared.pod);
        pod["metadata"]["resourceVersion"] = (steps.len() + 2).to_string().into();
        steps.push(json!({"type": "MODIFIED", "object": pod}));
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(steps: &Steps) -> MutexGuard<'_, Vec<Value>> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// What a request is about.
    fn wanted(&self, request: &str) -> Option<&Steps> {
        let pods = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}&");
        if request.contains("/api/v1/namespaces?labelSelector=lapwing.dev%2Fmode") {
            return Some(&self.namespace);
        }
        request.contains(&pods).then_some(&self.pod)
    }

    /// One request of a connection; it is closed afterwards.
    fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let mut input = BufReader::new(stream.try_clone()?);
        let mut request = String::new();
        input.read_line(&mut request)?;
        let mut header = String::new();
        while input.read_line(&mut header)? > 2 {
            header.clear();
        }
        let head = |status| format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n");
        if self.away.load(Ordering::Acquire) {
            return Ok(());
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let owner = {
            let owners = self.owners.lock();
            let owners = owners.unwrap_or_else(PoisonError::into_inner);
            owners.get(path).cloned()
        };
        if let Some(owner) = owner {
            return Ok(write!(stream, "{}{owner}", head("200 OK"))?);
        }
        let Some(steps) = self.wanted(&request) else {
            let refusal = json!({"kind": "Status", "code": 404, "message": request});
            return Ok(write!(stream, "{}{refusal}", head("404 Not Found"))?);
        };
        if !request.contains("watch=true") {
            let steps = lock(steps);
            let there = steps.last().filter(|step| step["type"] == "MODIFIED");
            let items: Vec<&Value> = there.map(|step| &step["object"]).into_iter().collect();
            let version = (steps.len() + 1).to_string();
            let list =
                json!({"kind": "List", "metadata": {"resourceVersion": version}, "items": items});
            return Ok(write!(stream, "{}{list}", head("200 OK"))?);
        }
        let since = request.split("resourceVersion=").nth(1);
        let since = since.map(|rest| rest.chars().take_while(char::is_ascii_digit));
        let mut told: usize = since.context("no place")?.collect::<String>().parse()?;
        stream.write_all(head("200 OK").as_bytes())?;
        let is_over = || self.ending.load(Ordering::Acquire) || self.away.load(Ordering::Acquire);
        while !is_over() {
            let due = lock(steps)[told - 1..].to_vec();
            for step in &due {
                stream.write_all(format!("{step}\n").as_bytes())?;
            }
            told += due.len();
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}
