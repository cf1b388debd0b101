//! A cluster's API as a process of its own, which can be killed and comes back with its objects.

pub mod server;
mod store;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where it is, and how it is asked; whoever runs it does so by [`Cluster::command`].
pub struct Cluster {
    address: SocketAddr,
    folder: PathBuf,
}

impl Cluster {
    /// At an address, with its objects in a folder. It does not run yet.
    pub fn new(address: SocketAddr, folder: &Path) -> Self {
        Self {
            address,
            folder: folder.to_path_buf(),
        }
    }

    /// Runs it, with or without memory of what was before its start.
    pub fn command(&self, is_forgetful: bool) -> Command {
        let mut command = Command::new("/proc/self/exe");
        let address = self.address.to_string();
        command.args(["cluster-api", "--listen", &address, "--store"]);
        command.arg(self.folder.join("objects"));
        if is_forgetful {
            command.arg("--forgetful");
        }
        command
    }

    /// Writes a kubeconfig by which it is reached.
    pub fn kubeconfig(&self) -> Result<PathBuf> {
        let file = self.folder.join("kubeconfig");
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

    /// Makes an object below the path of its kind.
    pub fn create(&self, list: &str, object: &Value) -> Result<Value> {
        self.ask("POST", list, Some(object))
    }

    /// Deletes one.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.ask("DELETE", path, None).map(drop)
    }

    /// An object, or a list.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.ask("GET", path, None)
    }

    fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let length = body.len();
        let mut stream = TcpStream::connect(self.address).context("the API is away")?;
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nhost: k\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, said) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(
            head.starts_with("HTTP/1.1 200"),
            "{method} {target}: {said}"
        );
        serde_json::from_str(said).with_context(|| format!("{method} {target}: {said:?}"))
    }
}
