//! Cgroups that come, go, take in processes, and nest; and whose containers they are.

use super::common::{about, any_mode, file, hits, number, violation};
use crate::agent::{Home, Mode};
use crate::container::{Container, Spec};
use crate::expect::{Expect, Want, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use serde_json::{Value, json};
use std::process::Stdio;

pub const CASES: &[Case] = &[
    Case {
        name: "cgroup.create-and-remove",
        run: create_and_remove,
    },
    Case {
        name: "cgroup.layouts",
        run: layouts,
    },
    Case {
        name: "cgroup.chosen-names",
        run: chosen_names,
    },
    Case {
        name: "cgroup.nested",
        run: nested,
    },
    Case {
        name: "cgroup.guest-from-outside",
        run: guest,
    },
    Case {
        name: "cgroup.runtime-is-silent",
        run: runtime,
    },
    Case {
        name: "cgroup.told-by-the-runtime",
        run: told,
    },
    Case {
        name: "cgroup.running-before-the-agent",
        run: before_the_agent,
    },
];

/// The agent's entry for a container.
fn listed(home: &Home, id: &str) -> Result<Option<Value>> {
    Ok(home
        .json(&["containers"])?
        .into_iter()
        .find(|entry| lookup(entry, "container.id") == Some(&json!(id))))
}

fn create_and_remove(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, _) = context.agent(Mode::Monitor)?;
    let (made, entered) = (
        hits(agent, Row::CgroupCreate)?,
        hits(agent, Row::CgroupAttach)?,
    );
    let puppet = Puppet::start(session, "cgroup")?;
    ensure!(
        hits(agent, Row::CgroupCreate)? > made,
        "cgroup.create counted nothing"
    );
    ensure!(
        hits(agent, Row::CgroupAttach)? > entered,
        "cgroup.attach counted nothing"
    );
    let entry = wait_for("the container in the list", patience(), || {
        listed(&agent.home, &puppet.id)
    })?;
    let ids = session.cgroups.ids(&puppet.cgroup());
    let expect = Expect::new()
        .is("container.id", puppet.id.as_str())
        .is("workload.name", "cgroup");
    ensure!(
        expect.accepts(&entry),
        "{}",
        expect.explain([&entry].into_iter())
    );
    let id = lookup(&entry, "container.cgroupId").and_then(number);
    ensure!(
        id.is_some_and(|id| ids.contains(&id)),
        "{entry}: none of {ids:?}"
    );
    let id = puppet.id.clone();
    let removed = hits(agent, Row::CgroupRemove)?;
    drop(puppet);
    wait_for("the container to leave the list", patience(), || {
        Ok(listed(&agent.home, &id)?.is_none().then_some(()))
    })?;
    ensure!(
        hits(agent, Row::CgroupRemove)? > removed,
        "cgroup.remove counted nothing"
    );
    Ok(Outcome::Passed)
}

/// Who runs a container, and its id, stand in the cgroup's path. The agent does not know where this
/// run's runc keeps its files, so there is nothing else that could tell.
fn layouts(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("runc", json!({"roots": []}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let pod = "pod7f3c1b9e-0000-4000-8000-000000000001";
    let sliced = "kubepods-burstable-pod7f3c1b9e_0000_4000_8000_000000000002.slice";
    let layouts = [
        (format!("/kubepods/burstable/{pod}/{{id}}"), "containerd"),
        (
            format!("/kubepods.slice/{sliced}/cri-containerd-{{id}}.scope"),
            "containerd",
        ),
        (
            format!("/kubepods.slice/{sliced}/crio-{{id}}.scope"),
            "cri-o",
        ),
        ("/system.slice/nerdctl-{id}.scope".to_owned(), "containerd"),
        ("/docker/{id}".to_owned(), "docker"),
        ("/system.slice/docker-{id}.scope".to_owned(), "docker"),
        ("/system.slice:docker:{id}".to_owned(), "docker"),
        ("/machine.slice/libpod-{id}.scope".to_owned(), "podman"),
        ("/libpod_parent/libpod-{id}".to_owned(), "podman"),
    ];
    // All at once, because the agent looks for each one's name for a while.
    let mut puppets = Vec::new();
    for (cgroup, runtime) in layouts {
        let spec = Spec::new("layouts", &[TRIGGER, "serve"])
            .cgroup(&cgroup)
            .untold();
        let mut puppet = Puppet::from_spec(session, &spec)?;
        puppet.act(&Act::trigger(&["create", "/data/new"]))?;
        puppets.push((puppet, runtime));
    }
    for (puppet, runtime) in &puppets {
        let ids = session.cgroups.ids(&puppet.cgroup());
        let expect = Expect::new()
            .is("file.operation", "CREATE")
            .is("file.path", "/data/new")
            .is("process.phase", "MAIN")
            .is("process.ancestors.0.exe", TRIGGER)
            .is("container.id", puppet.id.as_str())
            .is("container.runtime", *runtime)
            .want(
                "container.cgroupId",
                Want::OneOf(ids.iter().map(|id| id.to_string().into()).collect()),
            );
        watch.expect("violation", &puppet.cgroup(), &expect)?;
    }
    Ok(Outcome::Passed)
}

/// Whatever id a person chose, and wherever they put it: runc's own files tell.
fn chosen_names(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    for (id, cgroup) in [("web-1", "/{id}"), ("web-2", "/deep/er/{id}")] {
        let spec = Spec::new("chosen", &[TRIGGER, "serve"])
            .id(id)
            .cgroup(cgroup);
        let mut puppet = Puppet::from_spec(session, &spec)?;
        puppet.act(&Act::trigger(&["create", "/data/new"]))?;
        let expect = file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            "/data/new",
        )
        .is("process.phase", "MAIN");
        watch.expect("violation", cgroup, &expect)?;
    }
    Ok(Outcome::Passed)
}

/// A cgroup that is made inside a container's is part of the container.
fn nested(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "nested")?;
    session.cgroups.make(&puppet.cgroup(), "inner")?;
    let inner = format!("{}/inner", puppet.cgroup());
    session.cgroups.enter(&inner, puppet.pid()?)?;
    puppet.act(&Act::trigger(&["create", "/data/inner"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/inner",
    )
    .is("process.phase", "MAIN");
    watch.expect("violation", "the file from the inner cgroup", &expect)?;
    let ids = session.cgroups.ids(&inner);
    let own = agent.home.json(&["containers"])?.into_iter().find(|entry| {
        lookup(entry, "container.cgroupId")
            .and_then(number)
            .is_some_and(|id| {
                ids.contains(&id) && !session.cgroups.ids(&puppet.cgroup()).contains(&id)
            })
    });
    ensure!(
        own.is_none(),
        "the inner cgroup is a container of its own: {own:?}"
    );
    Ok(Outcome::Passed)
}

/// `runc exec` enters from outside.
fn guest(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let puppet = Puppet::start(session, "guest")?;
    let status = puppet
        .exec(&["/bin/touch", "/data/guest"])
        .stdin(Stdio::null())
        .status()?;
    ensure!(status.success(), "runc exec: {status}");
    let by_guest = |expect: Expect| {
        expect
            .is("process.exe", "/bin/busybox")
            .is("process.args", ["/bin/touch", "/data/guest"].to_vec())
            .is("process.phase", "EXEC")
            .want("process.ancestors.0", Want::Absent)
    };
    let expect = violation(session, &puppet, "exec.unknown", "HIGH");
    let expect = by_guest(expect).is("exec.path", "/bin/busybox");
    watch.expect("violation", "the guest", &expect)?;
    let expect = violation(session, &puppet, "file.unknown", "MEDIUM");
    let expect = file(by_guest(expect), "CREATE", "/data/guest");
    watch.expect("violation", "the guest's file", &expect)?;
    Ok(Outcome::Passed)
}

/// The steps of the container runtime inside the cgroup are nobody's behaviour.
fn runtime(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "runtime")?;
    let status = puppet.exec(&["/bin/true"]).stdin(Stdio::null()).status()?;
    ensure!(status.success(), "runc exec: {status}");
    super::common::violations_until_now(watch, &mut puppet, "/data/sentinel")?;
    for kind in ["violation", "behaviour"] {
        for report in about(watch, kind, &puppet) {
            let exe = report["process"]["exe"].as_str().unwrap_or_default();
            ensure!(
                [TRIGGER, "/bin/busybox"].contains(&exe) && report["process"]["phase"] != "RUNTIME",
                "a step of the runtime was reported: {report}"
            );
        }
    }
    Ok(Outcome::Passed)
}

/// Where runc's files are out of reach, or gone already, what it was told names the container.
fn told(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("runc", json!({"roots": []}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "told")?;
    puppet.act(&Act::trigger(&["create", "/data/new"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/new",
    )
    .is("process.phase", "MAIN");
    watch.expect("violation", "the file", &expect)?;
    Ok(Outcome::Passed)
}

fn before_the_agent(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "early")?;
    let mut idle = Container::start(
        session,
        &Spec::new("idle", &["/bin/sh", "-c", "read x; echo > /data/late"]),
    )?;
    wait_for("the container", patience(), || Ok(idle.pid().ok()))?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let entry = wait_for("the container in the list", patience(), || {
        listed(&agent.home, &puppet.id)
    })?;
    ensure!(
        lookup(&entry, "workload.name") == Some(&json!("early")),
        "{entry}"
    );
    puppet.act(&Act::trigger(&["create", "/data/late"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/late",
    )
    // What it did before, nobody saw.
    .is("afterGap", true)
    .is("process.exe", TRIGGER)
    .is("process.phase", "MAIN")
    .is("process.ancestors.0.exe", TRIGGER)
    .is("process.ancestors.0.pid", puppet.pid()?)
    .want("process.ancestors.1", Want::Absent);
    watch.expect("violation", "the file", &expect)?;

    // A process that was there before and runs no new program.
    let (stdin, _stdout) = idle.streams()?;
    drop(stdin);
    idle.wait().context("idle")?;
    let expect = any_mode(file(Expect::new(), "CREATE", "/data/late"))
        .is("container.id", idle.id.as_str())
        .is("process.exe", "/bin/busybox")
        .is(
            "process.args",
            ["/bin/sh", "-c", "read x; echo > /data/late"].to_vec(),
        )
        .is("process.containerPid", 1)
        .is("process.phase", "MAIN");
    watch.expect("violation", "the file of an older process", &expect)?;
    Ok(Outcome::Passed)
}
