//! A small cluster on one machine: its API, two nodes with an agent each, two replicas of the controller, and
//! containers, all of which can be killed.

use super::process::Process;
use crate::agent::{CLUSTER, Home, Mode};
use crate::authority::{Authority, Pair};
use crate::cluster::Cluster;
use crate::container::{Spec, new_id};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Names of the nodes.
pub const NODES: [&str; 2] = ["n1", "n2"];
/// Where agents and replicas listen.
const AGENTS: [&str; 2] = ["127.0.0.21", "127.0.0.22"];
const REPLICAS: [&str; 2] = ["127.0.0.31", "127.0.0.32"];
const API: &str = "127.0.0.33";
/// Workloads of the cluster: what a person approved of, and what the controller promotes.
pub const APPROVED: &str = "web";
pub const PROMOTED: &str = "api";
/// The workload that is promoted on each node itself.
pub const LOCAL: &str = "local";
/// When an agent is silent: its heartbeats come each 5 s.
pub const SILENT: Duration = Duration::from_secs(8);
const CONTROLLER: &str = "spiffe://lapwing.internal/controller";
const CLIENT: &str = "spiffe://tests/siem";
const AGENT_NAME: &str = "agent.lapwing.internal";
/// Where objects are.
pub const PROFILES: &str = "/apis/lapwing.dev/v1alpha1/behaviorprofiles";
pub const LEARNED_PROFILES: &str = "/apis/lapwing.dev/v1alpha1/learnedprofiles";
pub const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/lapwing/leases/lapwing-controller";

/// A node.
pub struct Node {
    /// Its agent's folder and client.
    pub home: Home,
    /// Its agent.
    pub agent: Process,
}

/// A container, its workload and its node.
pub struct Member<'s> {
    /// Its workload.
    pub workload: &'static str,
    /// The number of its node.
    pub node: usize,
    /// The container; none while it is away.
    pub puppet: Option<Puppet<'s>>,
    /// When it comes back, if it is away.
    pub back: Option<Instant>,
    /// The path of its pod, where it has one.
    pod: Option<String>,
}

/// What a kubelet has yet to tell the API.
enum News {
    Made(Value),
    Gone(String),
}

/// All of it.
pub struct Stage<'s> {
    session: &'s Session,
    folder: PathBuf,
    /// The API.
    pub cluster: Cluster,
    /// Its process.
    pub api: Process,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The controller's replicas.
    pub replicas: Vec<Process>,
    /// The containers.
    pub members: Vec<Member<'s>>,
    /// The image that they are from, as their runtime tells it.
    pub image: Option<String>,
    news: Vec<News>,
    program: PathBuf,
    port: u16,
    authority: PathBuf,
    client: Pair,
}

impl<'s> Stage<'s> {
    /// Makes what all of it needs, and starts it.
    pub fn new(session: &'s Session) -> Result<Self> {
        let folder = session.folder("chaos")?;
        let all = [AGENTS, REPLICAS].concat();
        let port = free_port(&all)?;
        let api = SocketAddr::new(API.parse()?, free_port(&[API])?);
        let cluster = Cluster::new(api, &folder);
        let kubeconfig = cluster.kubeconfig()?;
        let authority = Authority::new(&folder, "cluster")?;
        let agents = authority.member("agents", &[AGENT_NAME])?;
        let names = [&[CONTROLLER, "localhost"], &REPLICAS[..]].concat();
        let controllers = authority.member("controllers", &names)?;
        let client = authority.client(CLIENT)?;
        let vouches = authority.certificate();
        let mut nodes = Vec::new();
        for (node, address) in NODES.into_iter().zip(AGENTS) {
            let mut home = Home::new(session, Mode::Learn)?;
            let mut groups = json!({"scope": [format!("{}/{node}", session.cgroups.scope())]});
            if let Some(egress) = session.cgroups.egress() {
                fs::create_dir_all(egress.join(node))?;
                groups["egress"] = json!(egress.join(node));
            }
            let reader = json!({"identity": CONTROLLER, "verbs": ["read"], "namespaces": ["*"]});
            home.set("node", node)?;
            home.set("cgroups", groups)?;
            let cluster = json!({"cri": "none", "docker": "none", "kubernetes": kubeconfig, "nodeName": node});
            home.set("identity", cluster)?;
            home.set("profiles", json!({"kubernetes": kubeconfig}))?;
            let listen = json!({
                "address": format!("{address}:{port}"), "certificate": agents.certificate,
                "key": agents.key, "clientAuthority": vouches, "clients": [reader],
            });
            home.set("listen", listen)?;
            let log = home.folder().join("log");
            let agent = Process::new(&format!("the agent of {node}"), log);
            nodes.push(Node { home, agent });
        }
        let mut replicas = Vec::new();
        for (number, address) in REPLICAS.into_iter().enumerate() {
            let at = format!("{address}:{port}");
            let owner =
                json!({"identity": CLIENT, "verbs": ["read", "operate"], "namespaces": ["*"]});
            let config = json!({
                "version": 1, "cluster": CLUSTER, "namespace": "lapwing",
                "name": format!("controller-{number}"), "kubernetes": kubeconfig, "timeout": "1s",
                "endpoint": format!("unix://{}", folder.join(format!("socket-{number}")).display()),
                "advertise": at,
                "listen": {"address": at, "certificate": controllers.certificate, "key": controllers.key,
                    "clientAuthority": vouches, "clients": [owner]},
                "lease": {"duration": "3s", "deadline": "2s", "retry": "400ms"},
                "agents": {"port": port, "certificate": controllers.certificate, "key": controllers.key,
                    "authority": vouches, "silentAfter": format!("{}s", SILENT.as_secs())},
                "learned": {"interval": "1s", "evidenceInterval": "1s", "promote": "automatic"},
                "relay": {"heartbeat": "500ms"},
            });
            fs::write(
                folder.join(format!("controller-{number}.yaml")),
                config.to_string(),
            )?;
            let log = folder.join(format!("controller-{number}.log"));
            replicas.push(Process::new(&format!("replica {number}"), log));
        }
        let mut stage = Self {
            session,
            api: Process::new("the API", folder.join("api.log")),
            folder,
            cluster,
            nodes,
            replicas,
            members: Vec::new(),
            image: None,
            news: Vec::new(),
            program: session.tools.lapwing.clone(),
            port,
            authority: vouches,
            client,
        };
        stage.furnish()?;
        Ok(stage)
    }

    /// Starts the API, puts into it what there is, and starts the controller.
    fn furnish(&mut self) -> Result<()> {
        self.api.start(self.cluster.command(false))?;
        wait_for("the API", patience(), || {
            Ok(self.cluster.get(PROFILES).ok())
        })?;
        for (node, address) in NODES.into_iter().zip(AGENTS) {
            let ready = json!([{"type": "Ready", "status": "True"}]);
            let object = json!({"kind": "Node", "metadata": {"name": node}, "status": {"conditions": ready}});
            self.cluster.create("/api/v1/nodes", &object)?;
            let labels = json!({"app.kubernetes.io/name": "lapwing", "app.kubernetes.io/component": "agent"});
            let pod = json!({
                "kind": "Pod",
                "metadata": {"name": format!("lapwing-agent-{node}"), "namespace": "lapwing", "labels": labels},
                "spec": {"nodeName": node, "containers": [{"name": "agent"}]},
                "status": {"phase": "Running", "podIP": address},
            });
            self.cluster
                .create("/api/v1/namespaces/lapwing/pods", &pod)?;
        }
        for workload in [APPROVED, PROMOTED] {
            let labels = json!({"app": workload, "pod-template-hash": "6d5f7c"});
            let above = owner("Deployment", workload, &format!("d-{workload}"));
            let set = json!({
                "kind": "ReplicaSet",
                "metadata": {"name": format!("{workload}-6d5f7c"), "namespace": "shop",
                    "uid": format!("rs-{workload}"), "labels": labels, "ownerReferences": [above]},
                "spec": {"selector": {"matchLabels": labels}},
            });
            self.cluster
                .create("/apis/apps/v1/namespaces/shop/replicasets", &set)?;
            let deployment = json!({
                "kind": "Deployment",
                "metadata": {"name": workload, "namespace": "shop", "uid": format!("d-{workload}")},
                "spec": {"selector": {"matchLabels": {"app": workload}}},
            });
            self.cluster
                .create("/apis/apps/v1/namespaces/shop/deployments", &deployment)?;
        }
        let approved = json!({
            "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
            "metadata": {"name": "approved", "namespace": "shop"},
            "spec": {
                "workload": {"namespace": "shop", "kind": "Deployment", "name": APPROVED, "container": "app"},
                "mode": "Monitoring",
                "exec": [{"path": TRIGGER, "parent": "runtime"}, {"path": TRIGGER, "parent": TRIGGER}],
                "files": [{"operation": "CREATE", "path": KNOWN}],
            },
        });
        let list = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";
        self.cluster.create(list, &approved)?;
        for number in 0..self.replicas.len() {
            self.start_replica(number)?;
        }
        Ok(())
    }

    /// Starts the agents of all nodes.
    pub fn start_agents(&mut self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|number| self.start_agent(number))
    }

    /// Starts the agent of a node.
    pub fn start_agent(&mut self, number: usize) -> Result<()> {
        let node = &mut self.nodes[number];
        node.agent.start(node.home.agent_command())
    }

    /// Starts a replica of the controller.
    pub fn start_replica(&mut self, number: usize) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["controller", "--config"]);
        command.arg(self.folder.join(format!("controller-{number}.yaml")));
        self.replicas[number].start(command)
    }

    /// Starts a container of each workload on each node.
    pub fn populate(&mut self) -> Result<()> {
        for node in 0..NODES.len() {
            for workload in [APPROVED, PROMOTED, LOCAL] {
                self.members.push(Member {
                    workload,
                    node,
                    puppet: None,
                    back: None,
                    pod: None,
                });
                self.start_member(self.members.len() - 1)?;
            }
        }
        Ok(())
    }

    /// Starts a container, and has the API told of its pod when it can be.
    pub fn start_member(&mut self, number: usize) -> Result<()> {
        let id = new_id(self.session);
        let member = &mut self.members[number];
        let (workload, node) = (member.workload, NODES[member.node]);
        let name = format!("{workload}-6d5f7c-{}", self.session.unique("x"));
        let mut spec = Spec::new(&format!("{workload}-{node}"), &[TRIGGER, "serve"])
            .cgroup(&format!("/{node}/{{id}}"))
            .id(&id);
        let image = self.image.clone().unwrap_or_default();
        if !image.is_empty() {
            spec = spec.image(&image);
        }
        if workload != LOCAL {
            spec = spec.pod("shop", &name);
            let labels = json!({"app": workload, "pod-template-hash": "6d5f7c"});
            let above = owner(
                "ReplicaSet",
                &format!("{workload}-6d5f7c"),
                &format!("rs-{workload}"),
            );
            self.news.push(News::Made(json!({
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": [above]},
                "spec": {"nodeName": node, "containers": [{"name": "app", "image": "team/web:1"}]},
                "status": {"phase": "Running", "podIP": "192.0.2.9", "containerStatuses": [
                    {"name": "app", "containerID": format!("containerd://{id}"), "imageID": image}]},
            })));
            member.pod = Some(format!("/api/v1/namespaces/shop/pods/{name}"));
        }
        member.back = None;
        self.tell();
        let mut puppet = Puppet::from_spec(self.session, &spec)?;
        puppet.act(&Act::trigger(&["create", KNOWN]))?;
        self.members[number].puppet = Some(puppet);
        Ok(())
    }

    /// Kills a container, to come back at a time.
    pub fn kill_member(&mut self, number: usize, back: Instant) -> Result<()> {
        let member = &mut self.members[number];
        if let Some(puppet) = member.puppet.take() {
            puppet.signal("KILL")?;
        }
        member.back = Some(back);
        self.news.extend(member.pod.take().map(News::Gone));
        Ok(())
    }

    /// Tells the API what it does not know yet, in order, as far as it answers. Whether that was all.
    pub fn tell(&mut self) -> bool {
        while let Some(news) = self.news.first() {
            let told = match news {
                News::Made(pod) => {
                    let made = self.cluster.create("/api/v1/namespaces/shop/pods", pod);
                    made.map(drop)
                }
                News::Gone(path) => self.cluster.delete(path),
            };
            // One that was cut off may have been heard.
            let is_heard = |error: &anyhow::Error| {
                let text = format!("{error:#}");
                text.contains("it is there") || text.contains("there is no")
            };
            match told {
                Err(error) if !is_heard(&error) => return false,
                _ => drop(self.news.remove(0)),
            }
        }
        true
    }

    /// The number of the replica that leads, if the API says so.
    pub fn leader(&self) -> Option<usize> {
        let lease = self.cluster.get(LEASE).ok()?;
        let holder = lease["spec"]["holderIdentity"].as_str()?;
        holder
            .split(' ')
            .next()?
            .strip_prefix("controller-")?
            .parse()
            .ok()
    }

    /// `lapwing` as a client of a replica.
    pub fn at_controller(&self, replica: usize, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        let endpoint = format!("https://{}:{}", REPLICAS[replica], self.port);
        command.args(["--endpoint", &endpoint, "--tls-ca"]);
        command.arg(&self.authority);
        command.arg("--tls-cert").arg(&self.client.certificate);
        command.arg("--tls-key").arg(&self.client.key).args(args);
        command
    }

    /// A file for what a program says.
    pub fn log(&self, name: &str) -> Result<File> {
        let path = self.folder.join(format!("{name}.log"));
        Ok(File::options().create(true).append(true).open(path)?)
    }

    /// Sees which agents answer that did not yet.
    pub fn look(&mut self) -> Result<bool> {
        let mut all = true;
        for Node { home, agent } in &mut self.nodes {
            if !agent.is_up()? {
                all = false;
            } else if !agent.is_ready() {
                match home.call(&["status", "-o", "json"]) {
                    Ok(_) => agent.answers(),
                    Err(_) => all = false,
                }
            }
        }
        for replica in &mut self.replicas {
            all &= replica.is_up()?;
        }
        Ok(all & self.api.is_up()?)
    }

    /// How all logs end.
    pub fn last_words(&self) -> String {
        let agents = self.nodes.iter().map(|node| &node.agent);
        let all = agents.chain(&self.replicas).chain([&self.api]);
        let words = all.map(|it| format!("--- {}\n{}", it.name, it.last_words()));
        words.collect::<Vec<_>>().join("\n")
    }
}

/// What the approved profile allows.
pub const KNOWN: &str = "/data/known";

fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true})
}

/// A port that nobody has at any of these addresses.
fn free_port(addresses: &[&str]) -> Result<u16> {
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        let first = TcpListener::bind((addresses[0], 0))?;
        let port = first.local_addr()?.port();
        let mut others = addresses[1..].iter();
        if others.all(|address| TcpListener::bind((*address, port)).is_ok()) {
            return Ok(port);
        }
    }
    None.with_context(|| format!("no port is free at all of {addresses:?}"))
}
