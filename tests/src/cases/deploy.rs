//! What `deploy/` promises, and what the agent needs at least.

use super::common::{
    egress, file, learned_until_now, promote, silent, violation, violations_until_now,
};
use super::metrics::{get, well};
use super::sensor::NOT_ON_TIER_B;
use super::start::missing;
use super::upgrade::{SLOW, TOO_SLOW};
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::expect::{Expect, lookup};
use crate::pod::{configuration, template, template_with_controller, texts};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use crate::trigger::standing::OF_CHILD;
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use rustix::net::sockopt::socket_peercred;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use std::fs;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

pub const CASES: &[Case] = &[
    Case {
        name: "deploy.capabilities",
        run: unit,
    },
    Case {
        name: "deploy.least-capabilities",
        run: least,
    },
    Case {
        name: "deploy.pod",
        run: pod,
    },
    Case {
        name: "start.stand-by.in-a-pod",
        run: update,
    },
];

/// The unit for systemd.
const UNIT: &str = include_str!("../../../deploy/lapwing.service");
/// What the agent needs on every kernel.
const LEAST: [&str; 4] = ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"];

/// With the capabilities and limits of the unit every hook is attached, the reader of the rings
/// goes first, what ran before is found, and what is done is reported.
fn unit(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "unit")?;
    let mut keep: Vec<&str> = UNIT
        .lines()
        .find_map(|line| line.strip_prefix("CapabilityBoundingSet="))
        .context("the unit bounds no capabilities")?
        .split_whitespace()
        .collect();
    ensure!(keep == LEAST, "the unit gives {keep:?}");
    let needed = [
        "LimitMEMLOCK=infinity",
        "LimitNICE=-10",
        // What `sinks` and `listen` need of the network, and a sink of files.
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "LogsDirectory=lapwing",
    ];
    for line in needed {
        ensure!(UNIT.lines().any(|known| known == line), "no {line}");
    }
    if session.cgroups.egress().is_none() {
        // As the unit says of hosts without cgroup v2.
        keep.push("CAP_SYS_ADMIN");
    }
    let agent = Home::new(session, Mode::Monitor)?
        .with_capabilities(&keep)
        .with_limits()
        .start()?;
    let blind = blind(&agent)?;
    ensure!(blind.is_empty(), "not attached with {keep:?}: {blind:?}");
    ensure!(
        goes_first(&agent)? == may_go_first(&agent)?,
        "a thread has a priority without the right to it, or none with it"
    );
    let mut watch = agent.watch()?;
    puppet.act(&Act::trigger(&["create", "/data/unit"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/unit",
    )
    .is("afterGap", true)
    .is("process.exe", TRIGGER)
    .is("process.phase", "MAIN")
    .is("process.ancestors.0.exe", TRIGGER)
    .is("process.ancestors.0.pid", puppet.pid()?);
    watch.expect("violation", "the file", &expect)?;
    Ok(Outcome::Passed)
}

/// The hooks that are not attached, but for those that this kernel serves to nobody.
fn blind(agent: &Agent) -> Result<Vec<Value>> {
    blind_by(&agent.status()?)
}

/// The same, by what an agent says of itself.
pub fn blind_by(status: &Value) -> Result<Vec<Value>> {
    let hooks = status["hooks"].as_array().context("hooks")?;
    let unlink = |hook: &Value| hook["row"] == Row::FileUnlink.id() && hook["tier"] == "B";
    let on_tier_b = hooks.iter().any(unlink);
    let nobody_s = |hook: &Value| {
        let mut rows = NOT_ON_TIER_B.iter();
        on_tier_b && rows.any(|row| hook["row"] == row.id())
    };
    let is_blind =
        |hook: &&Value| hook["tier"].as_str().is_none_or(str::is_empty) && !nobody_s(hook);
    Ok(hooks.iter().filter(is_blind).cloned().collect())
}

/// Whether a thread of the agent has a higher priority than programs have by default.
fn goes_first(agent: &Agent) -> Result<bool> {
    let tasks = format!("/proc/{}/task", agent.pid().as_raw_nonzero());
    for task in fs::read_dir(&tasks)? {
        let stat = fs::read_to_string(task?.path().join("stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("a stat")?;
        let nice: i32 = fields.split_whitespace().nth(16).context("nice")?.parse()?;
        if nice < 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the limit of the unit is in force: tests without CAP_SYS_RESOURCE cannot set it.
fn may_go_first(agent: &Agent) -> Result<bool> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", agent.pid().as_raw_nonzero()))?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max nice priority"))
        .context("no limit of priority")?;
    Ok(line.split_whitespace().next() == Some("30"))
}

/// The capabilities that a process has, as a number.
fn held(agent: &Agent) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid().as_raw_nonzero()))?;
    let held = status
        .lines()
        .find_map(|line| line.strip_prefix("CapPrm:"))
        .context("no CapPrm")?;
    Ok(u64::from_str_radix(held.trim(), 16)?)
}

/// Whether maps count as locked memory here: before Linux 5.11.
fn counts_maps() -> Result<bool> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        anyhow::bail!("an odd release {release:?}");
    };
    Ok((major, minor) < (5, 11))
}

/// With exactly the least capabilities, and the limits that processes have by default, a container
/// that runs already is found with all that it holds, is learned, and is reported.
fn least(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let workload = "least";
    let mut puppet = Puppet::from_spec(session, &Spec::new(workload, &[TRIGGER, "serve-holding"]))?;
    let mut keep = LEAST.to_vec();
    if counts_maps()? {
        keep.push("CAP_SYS_RESOURCE");
    }
    let agent = Home::new(session, Mode::Learn)?
        .with_capabilities(&keep)
        .start()?;
    let count = held(&agent)?.count_ones() as usize;
    ensure!(count == keep.len(), "the agent has {count} capabilities");
    let blind = blind(&agent)?;
    check_blind(session, &blind)?;
    let mut watch = agent.watch()?;

    // A process of another user than root's, which this agent may not look at as others may.
    let child = Expect::new()
        .is("container.id", puppet.id.as_str())
        .is("file.path", OF_CHILD)
        .is("file.mount", "TMPFS")
        .is("process.uid", 1000);
    watch.expect("behaviour", "the file that a child holds", &child)?;
    let mut left = Vec::new();
    wait_for("all that the container holds", patience(), || {
        left = missing(&watch, &puppet)?;
        Ok(left.is_empty().then_some(()))
    })
    .with_context(|| format!("{left:?} are not known"))?;
    let act = |puppet: &mut Puppet<'_>| -> Result<()> {
        puppet.act(&Act::program("/bin/true", "true"))?;
        puppet.act(&Act::trigger(&["connect-tcp", "127.0.0.1", "9"]))
    };
    act(&mut puppet)?;
    learned_until_now(&mut watch, &mut puppet, "/data/end")?;
    promote(&agent.home, workload)?;
    act(&mut puppet)?;
    let before = violations_until_now(&mut watch, &mut puppet, "/data/mark")?;
    silent(&before, "of what was learned")?;

    let known = |rule: &str, severity: &str| {
        violation(session, &puppet, rule, severity).is("afterGap", true)
    };
    let change = file(known("file.unknown", "MEDIUM"), "CREATE", "/data/news");
    let program = known("exec.unknown", "HIGH")
        .is("exec.path", "/bin/busybox")
        .is("exec.name", "id");
    let peer = egress(known("egress.unknown", "HIGH"), "TCP", "127.0.0.1", 10);
    puppet.act(&Act::trigger(&["create", "/data/news"]))?;
    puppet.act(&Act::program("/bin/busybox", "id"))?;
    puppet.act(&Act::trigger(&["connect-tcp", "127.0.0.1", "10"]))?;
    watch.expect("violation", "the file", &change)?;
    watch.expect("violation", "the program", &program)?;
    if session.cgroups.egress().is_some() {
        watch.expect("violation", "the peer", &peer)?;
    }
    let losses = agent.status()?["losses"].clone();
    ensure!(losses.as_array().is_some_and(Vec::is_empty), "{losses}");
    Ok(Outcome::Measured(format!(
        "{}; {} hooks not attached",
        keep.join(" "),
        blind.len()
    )))
}

/// As the pod of the manifest, with its capabilities, its mounts and a root it cannot write to, the
/// agent attaches every hook, finds what ran before, answers its probes, and reports what is done, by the
/// node's name.
fn pod(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let template = template()?;
    check_rights(&template)?;
    // What there is more with a controller is no right.
    check_rights(&template_with_controller()?)?;

    let mut puppet = Puppet::start(session, "beside-a-pod")?;
    // As the values of the chart say of old kernels.
    let more: &[&str] = if counts_maps()? {
        &["CAP_SYS_RESOURCE"]
    } else {
        &[]
    };
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("http", configuration()?["http"].clone())?;
    let agent = home.in_pod(session, more)?.start()?;
    check_blind(session, &blind(&agent)?)?;
    probes(&agent, &template["containers"][0])?;
    let mut watch = agent.watch()?;
    puppet.act(&Act::trigger(&["create", "/data/beside"]))?;
    puppet.act(&Act::trigger(&["connect-tcp", "127.0.0.1", "10"]))?;
    let known = |rule: &str, severity: &str| {
        violation(session, &puppet, rule, severity).is("afterGap", true)
    };
    let change = file(known("file.unknown", "MEDIUM"), "CREATE", "/data/beside")
        .is("process.exe", TRIGGER)
        .is("process.phase", "MAIN")
        .is("process.ancestors.0.exe", TRIGGER)
        .is("process.ancestors.0.pid", puppet.pid()?);
    let peer = egress(known("egress.unknown", "HIGH"), "TCP", "127.0.0.1", 10);
    watch.expect("violation", "the file", &change)?;
    if session.cgroups.egress().is_some() {
        watch.expect("violation", "the peer", &peer)?;
    }
    let losses = agent.status()?["losses"].clone();
    ensure!(losses.as_array().is_some_and(Vec::is_empty), "{losses}");
    Ok(Outcome::Passed)
}

/// As when a DaemonSet is updated: the new agent's pod stands by, of whose bpf(2) the old one tells nothing, and
/// goes on without a gap where that one ends.
fn update(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let more: &[&str] = if counts_maps()? {
        &["CAP_SYS_RESOURCE"]
    } else {
        &[]
    };
    let mut puppet = Puppet::start(session, "while-updated")?;
    let begun = Instant::now();
    let mut agent = Home::new(session, Mode::Monitor)?.start()?;
    if begun.elapsed() > TOO_SLOW {
        return Ok(Outcome::Skipped(SLOW.to_owned()));
    }
    let mut watch = agent.watch()?;
    let next = agent.stand_by_in_pod(session, more)?;
    let created = |path: &str, puppet: &Puppet<'_>| {
        file(
            violation(session, puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            path,
        )
        .any("afterGap")
    };
    puppet.act(&Act::trigger(&["create", "/data/before"]))?;
    let before = created("/data/before", &puppet);
    watch.expect("violation", "what the old agent sees", &before)?;
    let agent = next.follow(agent)?;
    let own = watch.of_kind("violation");
    let own: Vec<_> = own
        .iter()
        .filter(|it| it["rule"] == "privilege.bpf")
        .collect();
    ensure!(
        own.is_empty(),
        "the old agent tells of the new one: {own:?}"
    );

    let mut watch = agent.watch()?;
    puppet.act(&Act::trigger(&["create", "/data/after"]))?;
    let after = created("/data/after", &puppet);
    watch.expect("violation", "what the new agent sees", &after)?;
    let mut gaps = watch.of_kind("gap");
    gaps.retain(|gap| gap["scope"] == "node");
    ensure!(gaps.is_empty(), "there is a gap: {gaps:?}");
    Ok(Outcome::Passed)
}

/// The agent's pod has what it needs of rights, and no more.
fn check_rights(template: &Value) -> Result<()> {
    let rights = &template["containers"][0]["securityContext"];
    let mut add = texts(&rights["capabilities"]["add"]);
    add.sort_unstable();
    let mut least = LEAST.map(|name| name.trim_start_matches("CAP_"));
    least.sort_unstable();
    ensure!(add == least, "the pod has {add:?}");
    ensure!(
        template["hostNetwork"].is_null(),
        "the pod has the node's network"
    );
    for (setting, safe) in [
        ("privileged", false),
        ("allowPrivilegeEscalation", false),
        ("readOnlyRootFilesystem", true),
    ] {
        ensure!(rights[setting] == safe, "{setting} is {}", rights[setting]);
    }
    Ok(())
}

/// The probes of the manifest are answered at the pod's own address, as a kubelet asks for them.
fn probes(agent: &Agent, container: &Value) -> Result<()> {
    let socket = UnixStream::connect(agent.home.socket())?;
    let pid = socket_peercred(&socket)?.pid.as_raw_nonzero();
    let network = fs::File::open(format!("/proc/{pid}/ns/net"))?;
    let ports = container["ports"].as_array().context("no ports")?;
    for (probe, path) in [
        ("startupProbe", "/livez"),
        ("livenessProbe", "/livez"),
        ("readinessProbe", "/readyz"),
    ] {
        let asked = &container[probe]["httpGet"];
        ensure!(asked["path"] == path, "{probe} asks for {}", asked["path"]);
        let port = ports.iter().find(|port| port["name"] == asked["port"]);
        let port = port.with_context(|| format!("{probe} has no port"))?["containerPort"].as_u64();
        let port = u16::try_from(port.context("no number")?)?;
        well(path, || {
            // A thread may enter a network alone.
            let answer = std::thread::scope(|scope| {
                let ask = || -> Result<_> {
                    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
                    Ok(get((Ipv4Addr::LOCALHOST, port).into(), path)?)
                };
                scope.spawn(ask).join()
            });
            answer.unwrap_or_else(|_| Err(anyhow::anyhow!("the thread that asks panicked")))
        })
        .with_context(|| probe.to_owned())?;
    }
    Ok(())
}

/// Nothing may lack but the programs of a cgroup where there is no cgroup v2 to attach them to;
/// then the reason says what to do.
pub fn check_blind(session: &Session, blind: &[Value]) -> Result<()> {
    if session.cgroups.egress().is_some() {
        ensure!(blind.is_empty(), "not attached: {blind:?}");
    }
    for hook in blind {
        let why = lookup(hook, "refused.0").and_then(Value::as_str);
        let why = why.with_context(|| format!("no reason: {hook}"))?;
        ensure!(
            why.contains("no cgroup v2 is mounted") && why.contains("CAP_SYS_ADMIN"),
            "not attached for another reason: {hook}"
        );
    }
    Ok(())
}
