//! Pods that a real containerd runs, asked over its CRI, beside what the API of the cluster tells.

use super::chaos::process::Process;
use super::common::attack;
use super::deploy::{blind_by, check_blind};
use crate::agent::{CLUSTER, Home, Mode, NODE};
use crate::cluster::Cluster;
use crate::cri::{AGENT, Container, Containerd, IMAGE, Mount, Pod};
use crate::expect::{Expect, Want, lookup, now};
use crate::pod::{self, template, texts};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

pub const CASES: &[Case] = &[
    Case {
        name: "cri.pod",
        run: pod,
    },
    Case {
        name: "cri.daemonset",
        run: daemonset,
    },
];

const POD: Pod = Pod {
    namespace: "shop",
    name: "web-5d8f7c9b6d-x2x9k",
    uid: "5b9f7c1e-8a42-4f0d-9d3b-6f1f0c7a2e11",
    host_pid: false,
};
const AGENT_POD: Pod = Pod {
    namespace: "lapwing",
    name: "lapwing-agent-x7k2p",
    uid: "0c1d5a52-1b7e-4c55-8c3e-7d3c2f6e9a01",
    host_pid: true,
};
const REPLICA_SET: &str = "web-5d8f7c9b6d";
/// As the API calls the node.
const NODE_NAME: &str = "n1";
const BUSYBOX: &str = "/bin/busybox";
/// What the container does when it is told to.
const MAIN: [&str; 3] = [
    "/bin/sh",
    "-c",
    "while ! [ -e /volume/go ]; do /bin/sleep 0.1; done; /bin/touch /data/mine; exec /bin/sleep 1000000",
];
const PROBE: [&str; 3] = ["/bin/sh", "-c", "/bin/touch /data/alive-80"];
/// The same as the pod's specification has it.
const WRITTEN: &str = "/bin/touch /data/alive-$(PORT)";
const PERSON: [&str; 3] = ["/bin/sh", "-c", "/bin/touch /data/person"];

/// What the API tells of the pod, and of what it is a part.
fn tell(api: &Cluster, id: &str) -> Result<()> {
    let owner = |kind: &str, name: &str, uid: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}]);
    let labels = json!({"app": "web", "pod-template-hash": "5d8f7c9b6d"});
    let deployment = json!({
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": POD.namespace, "uid": "d1"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    });
    let set = json!({
        "kind": "ReplicaSet",
        "metadata": {"name": REPLICA_SET, "namespace": POD.namespace, "uid": "r1", "labels": labels,
            "ownerReferences": owner("Deployment", "web", "d1")},
        "spec": {"selector": {"matchLabels": labels}},
    });
    let pod = json!({
        "kind": "Pod",
        "metadata": {"name": POD.name, "namespace": POD.namespace, "uid": POD.uid, "labels": labels,
            "ownerReferences": owner("ReplicaSet", REPLICA_SET, "r1")},
        "spec": {"nodeName": NODE_NAME, "containers": [{
            "name": "app", "image": IMAGE, "command": MAIN, "env": [{"name": "PORT", "value": "80"}],
            "livenessProbe": {"exec": {"command": [PROBE[0], PROBE[1], WRITTEN]}},
        }]},
        "status": {"containerStatuses": [{"name": "app", "containerID": format!("containerd://{id}")}]},
    });
    for (list, object) in [
        ("/apis/apps/v1/namespaces/shop/deployments", deployment),
        ("/apis/apps/v1/namespaces/shop/replicasets", set),
        ("/api/v1/namespaces/shop/pods", pod),
    ] {
        api.create(list, &object)?;
    }
    Ok(())
}

/// What has to be there, else the case is skipped.
fn missing() -> Outcome {
    Outcome::Skipped("no target/containerd/containerd: run cargo xtask setup".to_owned())
}

/// What the agent says of a container.
fn known(home: &Home, id: &str) -> Result<Option<Value>> {
    let containers = home.json(&["containers"])?.into_iter();
    let mut found = containers.filter(|one| lookup(one, "container.id") == Some(&json!(id)));
    Ok(found.next())
}

/// The shop's container, which begins when the volume has the file `go`.
fn shop(volume: &Path) -> Container<'_> {
    Container {
        name: "app",
        image: IMAGE,
        command: &MAIN,
        args: &[],
        variables: &[("PORT", "80")],
        mounts: vec![Mount {
            container_path: "/volume".to_owned(),
            host_path: volume.display().to_string(),
            readonly: false,
        }],
        rights: &Value::Null,
    }
}

/// What is told of the shop's pod, whatever it does.
struct Told {
    id: String,
    ids: Vec<Value>,
    started: f64,
    owner: (&'static str, &'static str),
}

impl Told {
    fn violation(&self, rule: &str, severity: &str, phase: &str) -> Expect {
        Expect::new()
            .want("time", Want::Since(self.started))
            .is("cluster", CLUSTER)
            .is("node", NODE)
            .is("rule", rule)
            .is("severity", severity)
            .is("mode", "MONITORING")
            .want("attack.0", Want::Holds(attack(rule).to_owned()))
            .is("workload.namespace", POD.namespace)
            .is("workload.kind", self.owner.0)
            .is("workload.name", self.owner.1)
            .is("workload.container", "app")
            .is("container.id", self.id.as_str())
            .is("container.name", "app")
            .is("container.image", IMAGE)
            .want("container.imageDigest", Want::Text)
            .is("container.pod", POD.name)
            .is("container.podUid", POD.uid)
            .is("container.podNamespace", POD.namespace)
            .is("container.runtime", "containerd")
            .want("container.cgroupId", Want::OneOf(self.ids.clone()))
            .is("process.phase", phase)
            .is("process.uid", 0)
            .is("process.cwd", "/")
    }

    fn file(&self, phase: &str, path: &str) -> Expect {
        self.violation("file.unknown", "MEDIUM", phase)
            .is("file.operation", "CREATE")
            .is("file.path", path)
            .is("process.exe", BUSYBOX)
            .is("process.args", vec!["/bin/touch", path])
    }

    fn entered(&self, phase: &str, args: &[&str]) -> Expect {
        self.violation("exec.unknown", "HIGH", phase)
            .is("exec.path", BUSYBOX)
            .is("exec.name", "sh")
            .is("exec.origin", "IMAGE")
            .is("exec.parent", "runtime")
            .is("process.args", args.to_vec())
    }
}

/// The ids of the cgroup that containerd made for the shop's container.
fn ids(session: &Session, id: &str) -> Vec<Value> {
    let cgroup = format!("/kubepods/burstable/pod{}/{id}", POD.uid);
    let ids = session.cgroups.ids(&cgroup);
    ids.iter().map(|id| id.to_string().into()).collect()
}

/// Whom the runtime knows, whom the API tells of, and who enters: a container of a pod is called by all that both say,
/// from its first act on.
fn pod(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let Some(mut containerd) = Containerd::start(session)? else {
        return Ok(missing());
    };
    let folder = session.folder("api")?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let api = Cluster::new(address, &folder);
    let mut server = Process::new("the API", folder.join("log"));
    server.start(api.command(false))?;
    wait_for("the API", patience(), || Ok(api.get("/api/v1/nodes").ok()))?;
    let mut home = Home::new(session, Mode::Monitor)?;
    let kubeconfig = api.kubeconfig()?;
    let socket = format!("unix://{}", containerd.socket().display());
    // All of them have their time, however busy this machine is.
    let asked = json!({"kubernetes": kubeconfig, "nodeName": NODE_NAME, "cri": socket, "docker": "none", "wait": "8s"});
    home.set("identity", asked)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;

    let started = now();
    let sandbox = containerd.sandbox(&POD)?;
    let volume = session.folder("volume")?;
    let id = containerd.container(&POD, &sandbox, &shop(&volume), |id| tell(&api, id))?;
    for (one, name, kind, image) in [
        (&id, "app", "MAIN", IMAGE),
        (&sandbox, "POD", "KIND_UNSPECIFIED", ""),
    ] {
        let expect = Expect::new()
            .is("workload.namespace", POD.namespace)
            .is("workload.kind", "Deployment")
            .is("workload.name", "web")
            .is("workload.container", name)
            .is("container.name", name)
            .is("container.kind", kind)
            .is("container.image", image)
            .is("container.pod", POD.name)
            .is("container.podUid", POD.uid)
            .is("container.podNamespace", POD.namespace)
            .is("container.ownerEvidence", "VERIFIED")
            .is("container.runtime", "containerd")
            .is("seenFromStart", true);
        let mut last = None;
        wait_for("all that is known of a container", patience(), || {
            last = known(&agent.home, one)?;
            Ok(last.iter().any(|one| expect.accepts(one)).then_some(()))
        })
        .with_context(|| expect.explain(last.iter()))?;
    }
    fs::write(volume.join("go"), "")?;
    let said = containerd.exec(&id, &PROBE)?;
    ensure!(said.is_empty(), "{said}");
    containerd.exec(&id, &PERSON)?;

    let told = Told {
        ids: ids(session, &id),
        id,
        started,
        owner: ("Deployment", "web"),
    };
    for (what, expect) in [
        ("the program", told.entered("MAIN", &MAIN)),
        ("its file", told.file("MAIN", "/data/mine")),
        ("the probe", told.entered("PROBE", &PROBE)),
        ("the probe's file", told.file("PROBE", "/data/alive-80")),
        ("a person", told.entered("EXEC", &PERSON)),
        ("the person's file", told.file("EXEC", "/data/person")),
    ] {
        let expect = expect.is("container.kind", "MAIN");
        watch.expect("violation", what, &expect)?;
    }
    containerd.remove(&sandbox)?;
    wait_for("the pod to be gone", patience(), || {
        let containers = agent.home.json(&["containers"])?;
        let of_pod = |one: &Value| lookup(one, "container.podUid") == Some(&json!(POD.uid));
        Ok((!containers.iter().any(of_pod)).then_some(()))
    })?;
    Ok(Outcome::Passed)
}

/// Who is root on the node has the agent's own program and its socket by the root of its process, as the playbook says.
fn evidence(session: &Session, agent: &str, container: &str) -> Result<()> {
    let is_agent = |folder: &Path| {
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        read("cmdline").starts_with(b"/lapwing\0agent\0")
            && String::from_utf8_lossy(&read("cgroup")).contains(agent)
    };
    let mut processes = fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
    let process = processes.find(|folder| is_agent(folder));
    let root = process.context("no process of the agent's")?.join("root");
    let to = session.folder("evidence")?.join("shop.tar.gz");
    let endpoint = format!("unix://{}/run/lapwing/lapwing.sock", root.display());
    let made = Command::new(root.join("lapwing"))
        .args(["--endpoint", &endpoint, "evidence", container, "-o", "json"])
        .arg("--to")
        .arg(&to)
        .output()?;
    let error = String::from_utf8_lossy(&made.stderr);
    ensure!(made.status.success(), "{error}");
    let manifest: Value =
        serde_json::from_slice(&made.stdout).with_context(|| error.clone().into_owned())?;
    ensure!(manifest["subject"]["container"] == container, "{manifest}");
    // Volumes are not looked into; the layer and the processes are.
    let incomplete = serde_json::to_string(&manifest["incomplete"])?;
    ensure!(
        !incomplete.contains("was not looked at") && !incomplete.contains("no writable layer"),
        "{incomplete}"
    );
    Ok(())
}

/// The agent is itself a container of containerd, of its image and with the rights that the manifest gives it, under the
/// runtime's own profile for seccomp: it attaches all hooks, asks the runtime, and reports what the containers beside it
/// do. The socket is mounted, as `extraVolumes` would bring it: not every machine's first process lets its root be seen.
fn daemonset(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let Some(mut containerd) = Containerd::start(session)? else {
        return Ok(missing());
    };
    let template = template()?;
    let specification = &template["containers"][0];
    ensure!(
        template["hostPID"] == true,
        "it has no process ids of the node's"
    );
    let profile = "/securityContext/seccompProfile/type";
    let profile = [specification, &template].map(|of| of.pointer(profile).cloned());
    ensure!(
        profile.contains(&Some("RuntimeDefault".into())),
        "profiles for seccomp: {profile:?}"
    );
    let mut rights = specification["securityContext"].clone();
    rights["seccompProfile"] = json!({"type": "RuntimeDefault"});
    let mut home = Home::new(session, Mode::Monitor)?;
    let socket = format!("unix://{}", containerd.socket().display());
    home.set(
        "identity",
        json!({"kubernetes": "none", "cri": socket, "docker": "none"}),
    )?;
    let home = home.for_pod()?;
    let etc = home.folder().join("etc");
    fs::create_dir(&etc)?;
    fs::copy(home.config_file(), etc.join("lapwing.yaml"))?;
    let mounts = pod::mounts(&template, home.folder(), &etc)?;
    let socket = containerd.socket().display().to_string();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let agent = Container {
        name: "agent",
        image: AGENT,
        command: &[],
        args: &texts(&specification["args"]),
        variables: &[("NODE_NAME", NODE)],
        mounts: { mounts.iter() }
            .map(|mount| Mount {
                container_path: text(&mount["destination"]),
                host_path: text(&mount["source"]),
                readonly: texts(&mount["options"]).contains(&"ro"),
            })
            .chain([Mount {
                container_path: socket.clone(),
                host_path: socket,
                readonly: false,
            }])
            .collect(),
        rights: &rights,
    };
    let sandbox_of_agent = containerd.sandbox(&AGENT_POD)?;
    let agent_id = containerd.container(&AGENT_POD, &sandbox_of_agent, &agent, |_| Ok(()))?;
    let status = wait_for("the agent", patience(), || Ok(home.status().ok()));
    let status = status.with_context(|| containerd.log(&agent))?;
    check_blind(session, &blind_by(&status)?)?;
    let mut watch = home.watch("violation")?;

    let started = now();
    let sandbox = containerd.sandbox(&POD)?;
    let volume = session.folder("volume")?;
    let id = containerd.container(&POD, &sandbox, &shop(&volume), |_| Ok(()))?;
    fs::write(volume.join("go"), "")?;
    containerd.exec(&id, &PERSON)?;
    let told = Told {
        ids: ids(session, &id),
        id,
        started,
        owner: ("Image", "lapwing.test/team/web"),
    };
    for (what, expect) in [
        ("the program", told.entered("MAIN", &MAIN)),
        ("its file", told.file("MAIN", "/data/mine")),
        ("a person", told.entered("EXEC", &PERSON)),
        ("the person's file", told.file("EXEC", "/data/person")),
    ] {
        let found = watch.expect("violation", what, &expect);
        found.with_context(|| format!("{:?}\n{}", home.status(), containerd.log(&agent)))?;
    }
    evidence(session, &agent_id, &told.id)?;
    let own = known(&home, &agent_id)?.context("the agent does not know its own container")?;
    let expect = Expect::new()
        .is("container.pod", AGENT_POD.name)
        .is("container.name", "agent")
        .is("container.image", AGENT)
        .is("container.runtime", "containerd");
    ensure!(
        expect.accepts(&own),
        "{}",
        expect.explain([&own].into_iter())
    );
    let losses = home.status()?["losses"].clone();
    ensure!(losses.as_array().is_some_and(Vec::is_empty), "{losses}");
    // An operator looks for these words where something does not work.
    let log = containerd.log(&agent).to_lowercase();
    let is_worry = |line: &&str| {
        ["denied", "forbidden"]
            .iter()
            .any(|word| line.contains(word))
    };
    let worries: Vec<&str> = log.lines().filter(is_worry).collect();
    ensure!(
        worries.is_empty() && log.contains("hooks attached"),
        "the agent's log: {worries:?} in {log}"
    );
    Ok(Outcome::Passed)
}
