//! The servers of a cluster: how each is started.

use super::node::{ADDRESS, NAME, Node};
use super::pki;
use super::sources::Programs;
use crate::setup;
use anyhow::Result;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const STORE: &str = "http://127.0.0.1:2379";
pub const API: &str = "kube-apiserver";
/// The image of the process that holds a pod's namespaces.
pub const PAUSE: &str = "lapwing.test/pause:1";
/// How long a server may take.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Starts all of them, and waits until the node is ready.
pub fn start(node: &mut Node, programs: &Programs) -> Result<()> {
    let start = Instant::now();
    pki::make(&node.path("pki"))?;
    configure(node, programs)?;
    node.run("etcd", &store(&node.path("")))?;
    node.run(
        "containerd",
        &flags(&[("config", at(node, "containerd.toml"))]),
    )?;
    serve(node)?;
    let pki = node.path("pki");
    node.run("kube-controller-manager", &manager(&pki))?;
    node.run("kube-scheduler", &scheduler(&pki))?;
    node.wait_for("socket of containerd", LIMIT, || {
        Ok(node.socket().exists().then_some(()))
    })?;
    for image in ["pause", "web", "lapwing"] {
        let socket = node.socket().display().to_string();
        let file = at(node, &format!("{image}.tar"));
        let words = ["-a", &socket, "-n", "k8s.io", "images", "import", &file];
        crate::shell::quiet(node.command("ctr").args(words))?;
    }
    node.run("kubelet", &kubelet(node))?;
    let ready = r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#;
    node.wait_for("node that is ready", LIMIT, || {
        let said = node.kubectl(&["get", "nodes", "-o", ready])?;
        Ok((said == "True").then_some(()))
    })?;
    let seconds = start.elapsed().as_secs();
    setup::say("cluster", &format!("up in {seconds} s"));
    Ok(())
}

/// Starts the API server, and waits until it answers.
pub fn serve(node: &mut Node) -> Result<()> {
    let arguments = api(&node.path("pki"), &node.path(""), &audit(node));
    node.run(API, &arguments)?;
    node.wait_for("API", LIMIT, || {
        Ok(node
            .kubectl(&["get", "--raw", "/readyz"])
            .is_ok()
            .then_some(()))
    })
}

/// Where the API server writes who asked what.
pub fn audit(node: &Node) -> std::path::PathBuf {
    node.log("audit")
}

fn at(node: &Node, below: &str) -> String {
    node.path(below).display().to_string()
}

fn flags(pairs: &[(&str, String)]) -> Vec<String> {
    { pairs.iter() }
        .map(|(name, value)| format!("--{name}={value}"))
        .collect()
}

fn store(folder: &Path) -> Vec<String> {
    let peers = "http://127.0.0.1:2380".to_owned();
    flags(&[
        ("data-dir", folder.join("etcd").display().to_string()),
        ("listen-client-urls", STORE.to_owned()),
        ("advertise-client-urls", STORE.to_owned()),
        ("listen-peer-urls", peers),
    ])
}

fn api(pki: &Path, folder: &Path, audit: &Path) -> Vec<String> {
    let key = |file: &str| pki.join(file).display().to_string();
    let of = |text: &str| text.to_owned();
    flags(&[
        ("etcd-servers", of(STORE)),
        ("service-cluster-ip-range", of("10.96.0.0/16")),
        ("secure-port", of("443")),
        ("bind-address", of("0.0.0.0")),
        ("advertise-address", of(ADDRESS)),
        (
            "cert-dir",
            folder.join("certificates").display().to_string(),
        ),
        ("tls-cert-file", key("apiserver.crt")),
        ("tls-private-key-file", key("apiserver.key")),
        ("client-ca-file", key("ca.crt")),
        ("service-account-key-file", key("accounts.pub")),
        ("service-account-signing-key-file", key("accounts.key")),
        (
            "service-account-issuer",
            of("https://kubernetes.default.svc"),
        ),
        ("authorization-mode", of("Node,RBAC")),
        ("enable-admission-plugins", of("NodeRestriction")),
        ("allow-privileged", of("true")),
        ("kubelet-client-certificate", key("to-kubelet.crt")),
        ("kubelet-client-key", key("to-kubelet.key")),
        ("kubelet-preferred-address-types", of("InternalIP")),
        ("audit-log-path", audit.display().to_string()),
        (
            "audit-policy-file",
            folder.join("audit.json").display().to_string(),
        ),
    ])
}

/// What asks the API by a kubeconfig of its own.
fn client(pki: &Path, name: &str) -> Vec<(&'static str, String)> {
    let config = pki::kubeconfig(pki, name).display().to_string();
    let certificates = pki.join(name).display().to_string();
    vec![
        ("kubeconfig", config.clone()),
        ("authentication-kubeconfig", config.clone()),
        ("authorization-kubeconfig", config),
        ("cert-dir", certificates),
        ("leader-elect", "false".to_owned()),
    ]
}

fn manager(pki: &Path) -> Vec<String> {
    let key = |file: &str| pki.join(file).display().to_string();
    let mut pairs = client(pki, "manager");
    pairs.extend([
        ("service-account-private-key-file", key("accounts.key")),
        ("root-ca-file", key("ca.crt")),
        ("use-service-account-credentials", "true".to_owned()),
    ]);
    flags(&pairs)
}

fn scheduler(pki: &Path) -> Vec<String> {
    flags(&client(pki, "scheduler"))
}

fn kubelet(node: &Node) -> Vec<String> {
    let of = |text: &str| text.to_owned();
    let config = pki::kubeconfig(&node.path("pki"), "kubelet");
    flags(&[
        ("config", at(node, "kubelet.json")),
        ("kubeconfig", config.display().to_string()),
        ("hostname-override", of(NAME)),
        ("node-ip", of(ADDRESS)),
        ("container-runtime", of("remote")),
        (
            "container-runtime-endpoint",
            format!("unix://{}", node.socket().display()),
        ),
        ("root-dir", at(node, "kubelet")),
        ("cert-dir", at(node, "pki/kubelet")),
        // Lower is for whoever may set limits of all of the machine.
        ("oom-score-adj", of("0")),
    ])
}

/// Writes the files that they read.
fn configure(node: &Node, programs: &Programs) -> Result<()> {
    let key = |file: &str| node.path("pki").join(file);
    fs::write(
        node.path("audit.json"),
        json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}],
        })
        .to_string(),
    )?;
    fs::write(
        node.path("kubelet.json"),
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "cgroupDriver": "cgroupfs", "cgroupRoot": node.scope,
            "failSwapOn": false, "enforceNodeAllocatable": [], "makeIPTablesUtilChains": false,
            "authentication": {
                "anonymous": {"enabled": false}, "webhook": {"enabled": true},
                "x509": {"clientCAFile": key("ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": key("kubelet.crt"), "tlsPrivateKeyFile": key("kubelet.key"),
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "resolvConf": "/dev/null", "hairpinMode": "none",
        })
        .to_string(),
    )?;
    let network = node.path("network");
    crate::shell::folder(&network)?;
    fs::write(
        network.join("10-pods.conflist"),
        json!({"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {
            "type": "host-local", "subnet": "10.244.0.0/24", "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": node.path("addresses"),
        }}]})
        .to_string(),
    )?;
    fs::write(node.path("containerd.toml"), runtime(node, programs))?;
    Ok(())
}

/// The configuration of containerd, which is TOML.
fn runtime(node: &Node, programs: &Programs) -> String {
    let text = |below: &str| json!(node.path(below)).to_string();
    format!(
        r#"version = 2
root = {root}
state = "/run/containerd/state"
[grpc]
  address = {socket}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Who may not lower the score of the machine's own processes may not lower that of a pod.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = {plugins}
    conf_dir = {network}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"#,
        root = text("containerd"),
        socket = json!(node.socket()),
        plugins = json!(programs.plugins),
        network = text("network"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of an argument that has to be there once.
    fn value<'a>(arguments: &'a [String], name: &str) -> &'a str {
        let front = format!("--{name}=");
        let mut found = arguments
            .iter()
            .filter_map(|word| word.strip_prefix(&front));
        let value = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found.next(), None, "{name} twice");
        value
    }

    #[test]
    fn the_api_server_trusts_what_the_others_show() {
        let pki = Path::new("/node/pki");
        let api = api(pki, Path::new("/node"), Path::new("/log/audit.log"));
        assert_eq!(value(&api, "client-ca-file"), "/node/pki/ca.crt");
        assert_eq!(value(&api, "authorization-mode"), "Node,RBAC");
        assert_eq!(value(&api, "audit-log-path"), "/log/audit.log");
        let manager = manager(pki);
        assert_eq!(
            value(&manager, "root-ca-file"),
            value(&api, "client-ca-file")
        );
        assert_eq!(
            value(&manager, "service-account-private-key-file"),
            value(&api, "service-account-signing-key-file")
        );
        assert_eq!(value(&manager, "kubeconfig"), "/node/pki/manager.conf");
        assert_eq!(
            value(&scheduler(pki), "kubeconfig"),
            "/node/pki/scheduler.conf"
        );
        assert_eq!(value(&store(Path::new("/node")), "data-dir"), "/node/etcd");
    }
}
