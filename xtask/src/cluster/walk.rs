//! What a user does by docs/kubernetes.md, step by step, and what goes wrong in a cluster.

use super::attack;
use super::manifest::{self, Place};
use super::node::{NAME, Node};
use super::reports::{self, At, ask};
use super::{namespace, standing, trails, trouble};
use crate::build::Built;
use crate::report::Counts;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The workload's image, and what it runs.
pub const IMAGE: &str = "lapwing.test/web:1";
pub const SERVES: &[&str] = &["httpd", "-f", "-p", "8080", "-h", "/srv"];
/// How long a cluster may take for what it does by itself.
pub const LIMIT: Duration = Duration::from_secs(180);
/// How soon a profile is to be in force that somebody applied.
const IN_FORCE: Duration = Duration::from_secs(5);

pub struct Walk<'w> {
    pub node: &'w mut Node,
    /// The client.
    pub lapwing: PathBuf,
    counts: &'w mut Counts,
    /// Which attack is the next: each leaves another file.
    attacks: u32,
    /// The BehaviorProfile as the API server had it when it was applied.
    pub approved: Value,
}

/// Walks. Steps that fail are counted; without some nothing else makes sense.
pub fn run(node: &mut Node, built: &Built, counts: &mut Counts) -> Result<()> {
    let mut walk = Walk {
        node,
        lapwing: fs::canonicalize(&built.lapwing)?,
        counts,
        attacks: 0,
        approved: Value::Null,
    };
    walk.needed("installed by the plain manifest", |walk| walk.install(true))?;
    walk.step(
        "lapwing status: both sources of names are connected",
        |walk| walk.connected(true),
    );
    walk.step("lapwing doctor", |walk| {
        let inside = [
            "-n",
            "lapwing",
            "exec",
            "ds/lapwing-agent",
            "--",
            "/lapwing",
            "doctor",
        ];
        walk.node.kubectl(&inside).map(drop)
    });
    walk.needed(
        "a Deployment's container is known by its owner",
        Walk::deploy,
    )?;
    walk.needed("its LearnedProfile appears", Walk::learned)?;
    walk.step("the namespace's label has it compared", |walk| {
        walk.label("monitor")?;
        walk.in_mode("MONITORING", "")
    });
    walk.attacked("an attack by kubectl exec");
    walk.step("the label that loosens is told of", Walk::loosened);
    walk.attacked("an attack after the label is back");
    walk.step("a BehaviorProfile is in force within 5 s", Walk::approve);
    walk.step("  its status says so", standing::in_force);
    walk.step(
        "one that agents refuse says why, and once",
        standing::refused,
    );
    walk.attacked("an attack, compared with the BehaviorProfile");
    walk.step(
        "kill -9 of the agent: it is started again, and tells of the gap",
        trouble::agent,
    );
    walk.kept("the agent's end");
    walk.step(
        "kill -9 of the controller that leads: another leads in time",
        trouble::leader,
    );
    walk.kept("another leads");
    walk.step("the API server is started anew", trouble::api);
    walk.kept("the API server's end");
    walk.step(
        "the namespace is deleted, with what was learned and approved in it",
        namespace::deleted,
    );
    walk.needed(
        "  made anew: what was approved is in force within 5 s",
        namespace::anew,
    )?;
    walk.step("  and its status says so", standing::in_force);
    walk.kept("the namespace is made anew");
    // Agents tell at once of what is new alone, as an attack is.
    walk.step("  its LearnedProfile is there again", namespace::learned);
    walk.step(
        "no log has a refusal, no request was forbidden",
        trails::clean,
    );
    walk.step("the agent without the runtime's socket", |walk| {
        walk.install(false)?;
        walk.connected(false)
    });
    walk.step(
        "sandboxes have their names by the API alone",
        Walk::sandboxes,
    );
    walk.kept("the agent lost the runtime");
    walk.step(
        "still no log has a refusal, no request was forbidden",
        trails::clean,
    );
    Ok(())
}

impl Walk<'_> {
    /// Does one step, and says how it ended.
    fn step<T>(&mut self, name: &str, act: impl FnOnce(&mut Self) -> Result<T>) -> Option<T> {
        let start = Instant::now();
        let done = act(self);
        let seconds = start.elapsed().as_secs_f64();
        match done {
            Ok(value) => {
                println!("{seconds:8.2} s  ok      {name}");
                self.counts.passed += 1;
                Some(value)
            }
            Err(error) => {
                println!("{seconds:8.2} s  FAILED  {name}\n             {error:#}");
                self.counts.failed += 1;
                None
            }
        }
    }

    fn needed<T>(&mut self, name: &str, act: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let done = self.step(name, act);
        done.with_context(|| format!("the rest makes no sense without: {name}"))
    }

    /// Attacks, and expects the same of the agent and of the controller.
    fn attacked(&mut self, name: &str) {
        self.attacks += 1;
        let number = self.attacks;
        let done = self.step(name, |walk| attack::run(walk.node, number));
        let Some(attack) = done else { return };
        self.step("  is reported by the agent", |walk| {
            attack.seen(walk.node, At::Agent)
        });
        self.step("  is reported by the controller", |walk| {
            let lapwing = walk.lapwing.clone();
            attack.seen(walk.node, At::Controller(&lapwing))
        });
    }

    /// What has to be so after something went wrong.
    fn kept(&mut self, after: &str) {
        self.step(
            &format!("after {after}: the approved profile is in force"),
            Walk::in_force,
        );
        self.attacked(&format!("after {after}: an attack"));
        for at in ["agent", "controller"] {
            let name = format!("after {after}: the {at} tells each violation once");
            self.step(&name, |walk| {
                let lapwing = walk.lapwing.clone();
                let at = match at {
                    "agent" => At::Agent,
                    _ => At::Controller(&lapwing),
                };
                reports::are_told_once(&reports::all(walk.node, at)?)
            });
        }
    }

    /// Applies the manifest, and waits until all of it runs.
    fn install(&mut self, with_runtime: bool) -> Result<()> {
        let (runtime, file) = (self.node.path("cri"), self.node.path("lapwing.json"));
        let place = Place {
            scope: &self.node.scope,
            unified: self.node.unified.as_deref(),
            runtime: with_runtime.then_some(runtime.as_path()),
        };
        let changes = manifest::write(&place, &file)?;
        if with_runtime {
            println!("             the plain manifests are changed so:");
            for change in changes {
                println!("               {change}");
            }
        }
        let file = file.display().to_string();
        self.node.kubectl(&["apply", "-f", &file])?;
        for words in [
            "wait --for=condition=complete job --all --timeout=180s",
            "rollout status daemonset/lapwing-agent --timeout=180s",
            "rollout status deployment/lapwing-controller --timeout=180s",
        ] {
            let words: Vec<&str> = ["-n", "lapwing"]
                .into_iter()
                .chain(words.split(' '))
                .collect();
            self.node.kubectl(&words)?;
        }
        // Its pod waits for no certificates: the kubelet brings them later, within its period.
        self.node.wait_for("agent that listens", LIMIT, || {
            Ok((self.status()?["listener"]["waiting"] != true).then_some(()))
        })
    }

    pub fn status(&self) -> Result<Value> {
        let mut all = ask(self.node, At::Agent, &["status", "-o", "json"])?;
        all.pop().context("no status")
    }

    /// Whether the agent has what it needs of API and runtime.
    pub fn connected(&mut self, with_runtime: bool) -> Result<()> {
        self.node.wait_for("connection", LIMIT, || {
            let status = self.status()?;
            let state = |protocol: &str| {
                let sources = status["identity"]["sources"].as_array();
                let mut sources = sources.into_iter().flatten();
                let source = sources.find(|source| source["protocol"] == protocol);
                source.is_some_and(|source| source["state"] == "CONNECTED")
            };
            let is_whole = state("kubernetes")
                && state("cri") == with_runtime
                && status["clusterProfiles"]["state"] == "CONNECTED"
                && status["clusterModes"]["state"] == "CONNECTED"
                && status["node"] == NAME;
            let text = status["identity"].to_string();
            ensure!(is_whole, "not all is as it should be: {text}");
            Ok(Some(()))
        })
    }

    pub fn deploy(&mut self) -> Result<()> {
        self.node.kubectl(&["create", "namespace", "shop"])?;
        let image = format!("--image={IMAGE}");
        self.node
            .kubectl(&["-n", "shop", "create", "deployment", "web", &image])?;
        self.rolled_out()?;
        self.known("web", "web")
    }

    fn rolled_out(&self) -> Result<()> {
        let words = [
            "-n",
            "shop",
            "rollout",
            "status",
            "deployment/web",
            "--timeout=180s",
        ];
        self.node.kubectl(&words).map(drop)
    }

    /// Waits until a container of the workload's pod is known by the workload.
    fn known(&self, pod_begins: &str, container: &str) -> Result<()> {
        let wanted = json!({
            "namespace": "shop", "kind": "Deployment", "name": "web", "container": container,
        });
        self.node.wait_for("container", LIMIT, || {
            let all = ask(self.node, At::Agent, &["containers", "-o", "json"])?;
            let is_it = |one: &Value| {
                let pod = one["container"]["pod"].as_str().unwrap_or_default();
                one["workload"] == wanted
                    && one["container"]["name"] == container
                    && pod.starts_with(pod_begins)
                    && one["container"]["ownerEvidence"] == "VERIFIED"
            };
            ensure!(all.iter().any(is_it), "none is {wanted} of {pod_begins}");
            Ok(Some(()))
        })
    }

    fn learned(&mut self) -> Result<()> {
        self.node.wait_for("LearnedProfile", LIMIT, || {
            let learned = self.learned_profile()?;
            let text = learned["status"]["profile"].as_str().unwrap_or_default();
            ensure!(text.contains("httpd"), "it has no httpd: {text}");
            let workload = json!({
                "cluster": "", "namespace": "shop", "kind": "Deployment", "name": "web",
                "container": "web",
            });
            ensure!(
                learned["spec"]["workload"] == workload,
                "{}",
                learned["spec"]
            );
            Ok(Some(()))
        })
    }

    pub fn learned_profile(&self) -> Result<Value> {
        let words = [
            "-n",
            "shop",
            "get",
            "learnedprofiles.lapwing.dev",
            "-o",
            "json",
        ];
        let mut list: Value = serde_json::from_str(&self.node.kubectl(&words)?)?;
        let items = list["items"].as_array_mut().context("no list")?;
        ensure!(
            items.len() == 1,
            "{} LearnedProfiles, and not 1",
            items.len()
        );
        items.pop().context("no LearnedProfile")
    }

    fn label(&self, mode: &str) -> Result<()> {
        let label = format!("lapwing.dev/mode={mode}");
        let words = ["label", "namespace", "shop", "--overwrite", &label];
        self.node.kubectl(&words).map(drop)
    }

    /// Waits until the workload is in a mode, by an object or by none.
    fn in_mode(&self, mode: &str, object: &str) -> Result<()> {
        self.node.wait_for("change", LIMIT, || {
            let all = ask(self.node, At::Agent, &["profile", "list", "-o", "json"])?;
            let mut all = all.iter();
            let profile = all.find(|one| one["name"] == "shop/Deployment/web/web");
            let profile = profile.context("no profile of the workload")?;
            let is_it = profile["mode"] == mode && profile["object"] == object;
            ensure!(is_it, "it is {} by {}", profile["mode"], profile["object"]);
            Ok(Some(()))
        })
    }

    fn loosened(&mut self) -> Result<()> {
        self.label("off")?;
        let wanted = vec![
            ("/rule", json!("sensor.degraded")),
            ("/degraded/reason", json!("namespace-mode")),
            ("/node", json!(NAME)),
        ];
        let told = reports::read(self.node, At::Agent, |items| {
            reports::find(items, &wanted, "")
        });
        self.label("monitor")?;
        told?;
        self.in_mode("MONITORING", "")
    }

    fn approve(&mut self) -> Result<()> {
        let learned = self.learned_profile()?;
        let text = learned["status"]["profile"].as_str().unwrap_or_default();
        fs::write(self.node.path("web.yaml"), text)?;
        self.apply()
    }

    /// Applies the profile that was approved.
    pub fn apply(&mut self) -> Result<()> {
        let file = self.node.path("web.yaml").display().to_string();
        self.node
            .kubectl(&["apply", "--server-side", "-f", &file])?;
        let start = Instant::now();
        while self.status()?["clusterProfiles"]["inForce"] != 1 {
            ensure!(start.elapsed() < IN_FORCE, "it is not within 5 s");
        }
        self.approved = self.behavior_profile()?;
        self.in_force()
    }

    pub fn behavior_profile(&self) -> Result<Value> {
        let name = "behaviorprofiles.lapwing.dev/deployment-web-web";
        let words = ["-n", "shop", "get", name, "-o", "json"];
        Ok(serde_json::from_str(&self.node.kubectl(&words)?)?)
    }

    /// Whether the approved profile is what it was, and obeyed.
    fn in_force(&mut self) -> Result<()> {
        let now = self.behavior_profile()?;
        let of = |object: &Value| (object["metadata"]["uid"].clone(), object["spec"].clone());
        if of(&now) != of(&self.approved) {
            bail!("it is another: {now}");
        }
        self.in_mode("MONITORING", "shop/deployment-web-web")?;
        let status = self.status()?;
        let profiles = &status["clusterProfiles"];
        let is_whole = profiles["inForce"] == 1 && profiles["refused"] == 0;
        ensure!(is_whole, "{profiles}");
        Ok(())
    }

    /// A pod that begins now has a sandbox with a name, and nobody complains.
    fn sandboxes(&mut self) -> Result<()> {
        let words = ["-n", "shop", "rollout", "restart", "deployment/web"];
        self.node.kubectl(&words)?;
        self.rolled_out()?;
        let pod = attack::pod(self.node)?.name;
        self.known(&pod, "web")?;
        self.known(&pod, "POD")?;
        let items = reports::all(self.node, At::Agent)?;
        let mut violations = reports::violations(&items);
        let unnamed = violations.find(|violation| {
            violation["rule"] == "sensor.degraded"
                && violation["degraded"].to_string().contains("has no name")
        });
        ensure!(unnamed.is_none(), "{unnamed:?}");
        Ok(())
    }

    /// A file of the node's own file system, where containers and pods have their logs.
    pub fn own(&self, path: &str) -> PathBuf {
        self.node
            .path("own")
            .join(Path::new(path).strip_prefix("/").unwrap_or(Path::new(path)))
    }
}
