//! Who enters a container of a pod: its probes and hooks, which the API of the cluster tells of, and a person.

use super::common::{
    about_since, behaviour, file, learned_until_now, silent, violation, violations_until_now,
};
use crate::agent::{Agent, Home, Mode};
use crate::api::{self, Api};
use crate::container::Spec;
use crate::expect::{Expect, Want, lookup};
use crate::puppet::{Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

pub const CASES: &[Case] = &[Case {
    name: "phases.probe",
    run: probe,
}];

const BUSYBOX: &str = "/bin/busybox";
const UID: &str = "0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0";
/// What the probe is to run, and what it comes to by the container's variable.
const WRITTEN: &str = "/bin/rm -f /data/alive-$(PORT); /bin/touch /data/alive-$(PORT)";
const PROBE: [&str; 3] = [
    "/bin/sh",
    "-c",
    "/bin/rm -f /data/alive-80; /bin/touch /data/alive-80",
];
/// The hook: a script.
const HOOK: [&str; 2] = ["/hook.sh", "-v"];
const SCRIPT: &str = "#!/bin/sh -e\n/bin/touch /data/hooked\n";
/// A person does the same, and one thing more.
const PERSON: [&str; 3] = [
    "/bin/sh",
    "-c",
    "/bin/rm -f /data/alive-80; /bin/touch /data/alive-80; /bin/touch /data/mine",
];

fn pod(id: &str) -> Value {
    json!({
        "metadata": {"name": "web-1", "namespace": "shop", "uid": UID},
        "spec": {"nodeName": api::NODE, "containers": [{
            "name": "app", "image": "team/web:1", "env": [{"name": "PORT", "value": "80"}],
            "livenessProbe": {"exec": {"command": [PROBE[0], PROBE[1], WRITTEN]}},
            "lifecycle": {"postStart": {"exec": {"command": HOOK}}},
        }]},
        "status": {"containerStatuses": [{"name": "app", "containerID": format!("containerd://{id}")}]},
    })
}

/// Waits until the agent knows the pod.
fn until_known(agent: &Agent, puppet: &Puppet<'_>) -> Result<()> {
    wait_for("the pod", patience(), || {
        let containers = agent.home.json(&["containers"])?;
        let is_it = |one: &&Value| lookup(one, "container.id") == Some(&json!(puppet.id));
        let ours = containers.iter().find(is_it);
        let uid = ours.and_then(|one| lookup(one, "container.podUid"));
        Ok((uid == Some(&json!(UID))).then_some(()))
    })
    .with_context(|| format!("{:?}", agent.home.json(&["status"])))
}

fn enter(puppet: &Puppet<'_>, args: &[&str]) -> Result<()> {
    let status = puppet.exec(args).stdin(Stdio::null()).status()?;
    ensure!(status.success(), "runc exec: {status}");
    Ok(())
}

/// A report of the container, with all that is known of its pod, by what entered so.
fn of_pod(expect: Expect, phase: &str) -> Expect {
    expect
        .is("workload.namespace", "shop")
        .is("workload.kind", "Workload")
        .is("workload.container", "app")
        .is("container.name", "app")
        .is("container.image", "team/web:1")
        .is("container.pod", "web-1")
        .is("container.podUid", UID)
        .is("container.podNamespace", "shop")
        .is("container.runtime", "containerd")
        .is("container.kind", "MAIN")
        .is("process.phase", phase)
        .is("process.uid", 0)
        .is("process.gid", 0)
        .is("process.cwd", "/")
}

/// That a program entered.
fn entered(expect: Expect, phase: &str, (exe, name): (&str, &str), args: &[&str]) -> Expect {
    of_pod(expect, phase)
        .is("process.exe", exe)
        .is("process.args", args.to_vec())
        .want("process.ancestors.0", Want::Absent)
        .is("exec.path", exe)
        .is("exec.name", name)
        .is("exec.origin", "IMAGE")
        .is("exec.parent", "runtime")
}

/// That what entered had `touch` make a file.
fn touched(expect: Expect, phase: &str, path: &str) -> Expect {
    file(of_pod(expect, phase), "CREATE", path)
        .is("process.exe", BUSYBOX)
        .is("process.args", ["/bin/touch", path].to_vec())
        .is("process.ancestors.0.exe", BUSYBOX)
        .want("process.ancestors.1", Want::Absent)
}

/// A violation that waits for a decision while the profile learns.
fn pending(session: &Session, puppet: &Puppet<'_>, rule: &str, severity: &str) -> Expect {
    violation(session, puppet, rule, severity)
        .is("mode", "LEARNING")
        .is("pending", true)
}

fn probe(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let api = Api::start("shop")?;
    let mut home = Home::new(session, Mode::Learn)?;
    let kubeconfig = api.kubeconfig(home.folder())?;
    let asked =
        json!({"kubernetes": kubeconfig, "nodeName": api::NODE, "cri": "none", "docker": "none"});
    home.set("identity", asked)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let spec = Spec::new("probed", &[TRIGGER, "serve"]).pod("shop", "web-1");
    let mut puppet = Puppet::from_spec(session, &spec)?;
    api.pod(pod(&puppet.id));
    until_known(&agent, &puppet)?;
    let script = puppet.root().join("hook.sh");
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;

    // The probe and the hook teach, and so does what they execute.
    let shell = (BUSYBOX, "sh");
    let learned = || behaviour(session, &puppet);
    let by_hook = ["/bin/sh", "-e", "/hook.sh", "-v"];
    enter(&puppet, &PROBE)?;
    enter(&puppet, &HOOK)?;
    for (what, expect) in [
        ("the probe", entered(learned(), "PROBE", shell, &PROBE)),
        ("its file", touched(learned(), "PROBE", "/data/alive-80")),
        (
            "the hook",
            entered(learned(), "PROBE", shell, &by_hook).is("exec.script", "/hook.sh"),
        ),
        ("its file", touched(learned(), "PROBE", "/data/hooked")),
    ] {
        watch.expect("behaviour", what, &expect)?;
    }
    silent(
        &about_since(&watch, "violation", &puppet, crate::watch::Mark::default()),
        "of a probe and a hook",
    )?;

    // A person does not, with the same program that does the same, in the same second.
    enter(&puppet, &PROBE)?;
    enter(&puppet, &PERSON)?;
    let line = format!("- exec: {{path: {BUSYBOX}, name: sh, parent: runtime, phase: exec}}");
    let shell_of_person = entered(
        pending(session, &puppet, "exec.unknown", "HIGH"),
        "EXEC",
        shell,
        &PERSON,
    )
    .is("patch", line);
    watch.expect("violation", "a person's shell", &shell_of_person)?;
    let mine = touched(
        pending(session, &puppet, "file.unknown", "MEDIUM"),
        "EXEC",
        "/data/mine",
    )
    .is(
        "patch",
        "- file: {operation: CREATE, path: /data/mine, phase: exec}",
    );
    watch.expect("violation", "a person's file", &mine)?;

    // From the promotion on as before; the container's own program is none that may enter.
    learned_until_now(&mut watch, &mut puppet, "/data/mark")?;
    let profiles = agent.home.json(&["profile", "list"])?;
    // Before the pod was known there was another, without the container's name.
    let is_it = |one: &&Value| lookup(one, "workload.container") == Some(&json!("app"));
    let name = profiles
        .iter()
        .find(is_it)
        .and_then(|one| one["name"].as_str());
    let name = name.context("no profile of the container")?;
    let by = ["--actor", "tests", "--reason", "learned enough"];
    agent
        .home
        .call(&[&["profile", "promote", name][..], &by].concat())?;
    let mark = watch.mark();
    for args in [&PROBE[..], &HOOK] {
        enter(&puppet, args)?;
    }
    enter(&puppet, &[TRIGGER, "nothing"])?;
    let nothing = [TRIGGER, "nothing"];
    let expect = violation(session, &puppet, "exec.unknown", "HIGH");
    let expect = entered(expect, "EXEC", (TRIGGER, ""), &nothing).is(
        "patch",
        format!("- exec: {{path: {TRIGGER}, parent: runtime, phase: exec}}"),
    );
    watch.expect("violation", "the entry point, by a person", &expect)?;
    enter(&puppet, &PERSON)?;
    let again = pending(session, &puppet, "exec.unknown", "HIGH")
        .is("count", "2")
        .want("revision", Want::Count);
    let again = entered(again, "EXEC", shell, &PERSON);
    watch.expect("violation", "a person's shell, again", &again)?;
    violations_until_now(&mut watch, &mut puppet, "/data/end")?;
    let of_probes: Vec<Value> = about_since(&watch, "violation", &puppet, mark)
        .into_iter()
        .filter(|one| lookup(one, "process.phase") == Some(&json!("PROBE")))
        .collect();
    silent(&of_probes, "of probes once it is promoted")?;
    let shown = agent.home.call(&["profile", "show", name])?;
    ensure!(shown.contains("phase: probe"), "the profile: {shown}");
    Ok(Outcome::Passed)
}
