//! What the cases share: the fields that every violation must have right.

use crate::agent::{Agent, CLUSTER, Home, NODE};
use crate::container::Container;
use crate::expect::{Expect, Want, lookup};
use crate::puppet::{Act, Held, Puppet, TRIGGER};
use crate::session::{Session, patience, wait_for};
use crate::watch::{Mark, Watch};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A second program inside, for what must not look like the first one.
pub const TOOL: &str = "/usr/bin/tool";
/// An address for documentation: nobody is there, and nothing leaves the container.
pub const NOBODY4: &str = "192.0.2.1";
/// As above.
pub const NOBODY6: &str = "2001:db8:1:2:3:4:5:6";

/// What every report about a container has, whatever it reports.
fn report(session: &Session, container: &Container<'_>) -> Expect {
    let ids = session
        .cgroups
        .ids(&container.cgroup())
        .iter()
        .map(|id| id.to_string().into())
        .collect();
    Expect::new()
        .want("time", Want::Since(container.started))
        .is("cluster", CLUSTER)
        .is("node", NODE)
        .want("workload.cluster", Want::Absent)
        .is("workload.namespace", "")
        .is("workload.kind", "Workload")
        .is("workload.name", container.workload.as_str())
        .is("workload.container", "")
        .is("container.id", container.id.as_str())
        .is("container.name", "")
        .is("container.image", "")
        .is("container.pod", "")
        .is("container.runtime", "runc")
        .want("container.cgroupId", Want::OneOf(ids))
}

/// The technique that a rule stands for; a part of it may be named more exactly.
pub fn attack(rule: &str) -> &'static str {
    match rule {
        "exec.unknown" | "exec.lineage" => "T1059",
        "exec.drift" => "T1105",
        "exec.fileless" => "T1620",
        "file.unknown" => "T1565",
        "file.binary_dir" => "T1554",
        "file.credential" => "T1552.001",
        "egress.unknown" => "T1071",
        "egress.imds" => "T1552.005",
        "egress.raw" => "T1095",
        "egress.unix" => "T1611",
        "dns.unknown" => "T1071.004",
        "listen.unknown" => "T1571",
        "privilege.ptrace" => "T1055.008",
        "privilege.mount" | "privilege.namespace" | "privilege.escape" => "T1611",
        "privilege.module" => "T1547.006",
        "privilege.bpf" => "T1014",
        "privilege.io_uring" => "T1562.001",
        "privilege.exec_mapping" => "T1620",
        "privilege.capability" => "T1548",
        other => panic!("no technique is known of the rule {other}"),
    }
}

/// A violation of a rule by a container that is compared with its profile.
pub fn violation(
    session: &Session,
    container: &Container<'_>,
    rule: &str,
    severity: &str,
) -> Expect {
    report(session, container)
        .is("rule", rule)
        .is("severity", severity)
        .is("mode", "MONITORING")
        .is("count", "1")
        .is("revision", 1)
        .is("pending", false)
        .is("provisional", false)
        .is("newInVersion", false)
        .is("afterGap", false)
        .want("id", Want::Text)
        .want("fingerprint", Want::Text)
        .want("firstSeen", Want::Since(container.started))
        .want("lastSeen", Want::Since(container.started))
        .want("attack.0", Want::Holds(attack(rule).to_owned()))
        .want("patch", Want::Text)
}

/// A behaviour that a container shows while its profile learns.
pub fn behaviour(session: &Session, container: &Container<'_>) -> Expect {
    report(session, container)
        .is("mode", "LEARNING")
        .is("outcome", "LEARNED")
}

/// The same, whatever the profile's mode.
pub fn any_mode(expect: Expect) -> Expect {
    expect.want("mode", Want::Text)
}

/// A report of an act of a puppet that is held, run as these arguments of the trigger.
pub fn by(expect: Expect, puppet: &Puppet<'_>, held: &Held, args: &[&str]) -> Result<Expect> {
    let args: Vec<&str> = [&[TRIGGER], args].concat();
    let (uid, gid) = held.ids;
    Ok(expect
        .want("time", Want::Since(held.start))
        .is("process.exe", TRIGGER)
        .is("process.args", args)
        .is("process.cwd", "/")
        .is("process.uid", uid)
        .is("process.gid", gid)
        .is("process.effectiveUid", uid)
        .is("process.effectiveGid", gid)
        .is("process.phase", "MAIN")
        .is("process.pid", held.pid)
        .is("process.containerPid", held.container_pid)
        .want("process.startTime", Want::Near(held.start))
        .is("process.ancestors.0.exe", TRIGGER)
        .is("process.ancestors.0.pid", puppet.pid()?)
        .want("process.ancestors.1", Want::Absent))
}

/// The times of a violation that happened once, by a process that is held.
pub fn once(expect: Expect, held: &Held) -> Expect {
    ["firstSeen", "lastSeen"]
        .into_iter()
        .fold(expect, |expect, field| {
            expect.want(field, Want::Since(held.start))
        })
}

/// A change to a file on the container's root.
pub fn file(expect: Expect, operation: &str, path: &str) -> Expect {
    expect
        .is("file.operation", operation)
        .is("file.path", path)
        .want("exec", Want::Absent)
        .want("egress", Want::Absent)
}

/// A peer.
pub fn egress(expect: Expect, protocol: &str, address: &str, port: u16) -> Expect {
    expect
        .is("egress.protocol", protocol)
        .is("egress.address", address)
        .is("egress.port", port)
        .is("egress.domain", "")
        .is("egress.service", "")
        .want("exec", Want::Absent)
        .want("file", Want::Absent)
}

/// The user and group of acts that need no rights.
pub const IDS: (u32, u32) = (1000, 1001);

/// Has the trigger act as an ordinary user while it is looked at.
pub fn hold(puppet: &mut Puppet<'_>, args: &[&str]) -> Result<Held> {
    puppet.hold(&Act::trigger(args).ids(IDS.0, IDS.1))
}

/// Lets every user write in a container's folder or file.
pub fn open_up(puppet: &Puppet<'_>, path: &str) -> Result<()> {
    let path = puppet.root().join(&path[1..]);
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o777),
    )?)
}

/// How often the hook of a row fired since the agent started.
pub fn hits(agent: &Agent, row: Row) -> Result<u64> {
    hits_of(&agent.status()?, row)
}

/// How often the hook of a row had fired, as a status says.
pub fn hits_of(status: &Value, row: Row) -> Result<u64> {
    let hook = hook_of(status, row)?;
    number(&hook["hits"]).with_context(|| format!("no hits in {hook}"))
}

/// The hook of a row, as a status tells of it.
pub fn hook_of(status: &Value, row: Row) -> Result<&Value> {
    status["hooks"]
        .as_array()
        .and_then(|hooks| hooks.iter().find(|hook| hook["row"] == row.id()))
        .with_context(|| format!("the status has no hook {}: {status}", row.id()))
}

/// A number of 64 bits, which JSON carries as text.
pub fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The reports about a container.
pub fn about(watch: &Watch, kind: &str, container: &Container<'_>) -> Vec<Value> {
    about_since(watch, kind, container, Mark::default())
}

/// The reports about a container after a place in the stream.
pub fn about_since(watch: &Watch, kind: &str, container: &Container<'_>, mark: Mark) -> Vec<Value> {
    watch
        .of_kind_since(kind, mark)
        .into_iter()
        .filter(|report| lookup(report, "container.id") == Some(&json!(container.id)))
        .collect()
}

/// The name of a workload's profile.
pub fn profile(home: &Home, workload: &str) -> Result<String> {
    wait_for("the profile", patience(), || {
        for profile in home.json(&["profile", "list"])? {
            if lookup(&profile, "workload.name") == Some(&json!(workload)) {
                return Ok(profile["name"].as_str().map(str::to_owned));
            }
        }
        Ok(None)
    })
    .with_context(|| format!("of the workload {workload}"))
}

/// Promotes a workload's profile: from now on it compares.
pub fn promote(home: &Home, workload: &str) -> Result<()> {
    let name = profile(home, workload)?;
    home.call(&[
        "profile",
        "promote",
        &name,
        "--actor",
        "tests",
        "--reason",
        "learned enough",
    ])?;
    Ok(())
}

/// Decides of an entry of a profile.
pub fn decide(home: &Home, verb: &str, entry: &str, profile: &str) -> Result<String> {
    let by = ["--actor", "tests", "--reason", "to see it"];
    home.call(&[&["profile", verb, entry, "--profile", profile][..], &by].concat())
}

/// Has a container make a file that nobody knows and waits for the report, by which time
/// everything that it did before has been judged. Answers all its violations but that one.
pub fn violations_until_now(
    watch: &mut Watch,
    puppet: &mut Puppet<'_>,
    sentinel: &str,
) -> Result<Vec<Value>> {
    puppet.act(&Act::trigger(&["create", sentinel]))?;
    let expect = Expect::new()
        .is("container.id", puppet.id.as_str())
        .is("file.path", sentinel);
    watch.expect("violation", "the file that marks the end", &expect)?;
    Ok(about(watch, "violation", puppet)
        .into_iter()
        .filter(|report| !expect.accepts(report))
        .collect())
}

/// Waits until a container was seen to make a file, by which time everything that it did before
/// has been learned.
pub fn learned_until_now(watch: &mut Watch, puppet: &mut Puppet<'_>, mark: &str) -> Result<()> {
    puppet.act(&Act::trigger(&["create", mark]))?;
    let expect = Expect::new()
        .is("container.id", puppet.id.as_str())
        .is("file.path", mark);
    watch.expect(
        "behaviour",
        "the file that marks the end of learning",
        &expect,
    )?;
    Ok(())
}

/// No violations at all.
pub fn silent(violations: &[Value], when: &str) -> Result<()> {
    ensure!(
        violations.is_empty(),
        "{when}: {} violations, the first is {}",
        violations.len(),
        violations[0]
    );
    Ok(())
}

/// Has containers make a file each, and waits for the reports, which say of each whether it may have lost
/// something before.
pub fn say_after_gap(
    session: &Session,
    watch: &mut Watch,
    acts: [(&mut Puppet<'_>, &str, bool); 2],
) -> Result<()> {
    for (puppet, path, after_gap) in acts {
        puppet.act(&Act::trigger(&["create", path]))?;
        let expect = file(
            violation(session, puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            path,
        )
        .is("afterGap", after_gap);
        watch.expect("violation", path, &expect)?;
    }
    Ok(())
}
