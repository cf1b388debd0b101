//! Probes and metrics of a whole agent.

mod fill;
mod hooks;

use super::common::{file, number, violation, violations_until_now};
use crate::agent::{Agent, Home, Mode};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "metrics.violations",
        run: violations,
    },
    Case {
        name: "metrics.stuck",
        run: stuck,
    },
    Case {
        name: "metrics.fill",
        run: fill::fill,
    },
    Case {
        name: "metrics.hooks",
        run: hooks::hooks,
    },
];

/// As long as a kubelet waits.
const PROBE: Duration = Duration::from_secs(5);
/// How long the loop may stand still before the agent says that it does, and some more.
const STILL: Duration = Duration::from_secs(45);

/// The status and the body of an answer.
pub fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PROBE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: lapwing\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = { head.split(' ').nth(1) }.and_then(|status| status.parse().ok());
    let wrong = || io::Error::other(format!("no answer: {answer:?}"));
    Ok((status.ok_or_else(wrong)?, body.to_owned()))
}

/// Waits for a probe to say yes.
pub fn well(path: &str, mut ask: impl FnMut() -> Result<(u16, String)>) -> Result<()> {
    let mut last = None;
    let found = wait_for("a probe to say yes", patience(), || {
        let answer = ask();
        let is_well =
            matches!(&answer, Ok((status, body)) if *status == 200 && body.starts_with("ok\n"));
        last = Some(answer);
        Ok(is_well.then_some(()))
    });
    found.with_context(|| format!("{path}: {last:?}"))
}

/// An agent, and where it answers.
struct Probed {
    agent: Agent,
    address: SocketAddr,
}

/// An address of the loopback that is this process's own.
fn own_address() -> io::Result<SocketAddr> {
    let [.., high, low] = std::process::id().to_be_bytes();
    TcpListener::bind((Ipv4Addr::new(127, high, low, 8), 0))?.local_addr()
}

impl Probed {
    fn start(context: &Context<'_>, mode: Mode) -> Result<Self> {
        let mut home = Home::new(context.session, mode)?;
        let address = own_address()?;
        home.set("http", serde_json::json!({"address": address.to_string()}))?;
        let agent = home.start()?;
        Ok(Self { agent, address })
    }

    fn get(&self, path: &str) -> io::Result<(u16, String)> {
        get(self.address, path)
    }

    /// Waits for both probes to say yes: under emulation the pipeline may take longer than a probe does.
    fn will_be_well(&self) -> Result<()> {
        for path in ["/livez", "/readyz"] {
            well(path, || Ok(self.get(path)?))?;
        }
        Ok(())
    }

    /// Samples by their names with labels, as they stand.
    fn metrics(&self) -> Result<BTreeMap<String, f64>> {
        let (status, body) = self.get("/metrics")?;
        ensure!(status == 200, "/metrics: {status}");
        let samples = body.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| -> Result<_> {
            let (name, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
            Ok((name.to_owned(), value.parse()?))
        };
        samples.map(sample).collect()
    }
}

/// What was reported so far, as `/metrics` should count it; updates are none.
fn reported(watch: &Watch) -> Result<BTreeMap<String, f64>> {
    let mut counts = BTreeMap::new();
    for report in watch.of_kind("violation") {
        if number(&report["revision"]) != Some(1) {
            continue;
        }
        let rule = report["rule"].as_str().context("no rule")?;
        let severity = report["severity"].as_str().context("no severity")?;
        let severity = severity.to_lowercase();
        let name = format!("lapwing_violations_total{{rule=\"{rule}\",severity=\"{severity}\"}}");
        *counts.entry(name).or_default() += 1.0;
    }
    Ok(counts)
}

/// The samples of a family.
fn samples<'m>(
    metrics: &'m BTreeMap<String, f64>,
    family: &str,
) -> impl Iterator<Item = (&'m String, f64)> {
    let labelled = format!("{family}{{");
    let all = metrics.iter().map(|(name, count)| (name, *count));
    all.filter(move |(name, _)| name.starts_with(&labelled))
}

/// What of the metrics is about violations, and not nothing.
fn counted(metrics: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    { samples(metrics, "lapwing_violations_total") }
        .filter(|(_, count)| *count > 0.0)
        .map(|(name, count)| (name.clone(), count))
        .collect()
}

/// The counters of rules say exactly what was reported, before and after; the probes say yes.
fn violations(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "unspoken")?;
    let probed = Probed::start(context, Mode::Monitor)?;
    let mut watch = probed.agent.watch()?;
    probed.will_be_well()?;
    violations_until_now(&mut watch, &mut puppet, "/data/first")?;

    // The answer may be a second old.
    let agree = |watch: &Watch| {
        let mut last = (BTreeMap::new(), BTreeMap::new());
        let found = wait_for("the counters to say what was reported", patience(), || {
            let metrics = probed.metrics()?;
            last = (counted(&metrics), reported(watch)?);
            Ok((last.0 == last.1).then_some(metrics))
        });
        found.with_context(|| format!("counted {:?}, reported {:?}", last.0, last.1))
    };
    let before = agree(&watch)?;
    let rule = r#"lapwing_violations_total{rule="file.unknown",severity="medium"}"#;
    let program = r#"lapwing_violations_total{rule="exec.unknown",severity="high"}"#;

    for number in 0..3 {
        puppet.act(&Act::trigger(&["create", &format!("/data/{number}")]))?;
    }
    // The second is a repeat, and no violation more.
    puppet.act(&Act::program("/bin/busybox", "id"))?;
    puppet.act(&Act::program("/bin/busybox", "id"))?;
    let known = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("afterGap", true)
        .is("exec.path", "/bin/busybox")
        .is("exec.name", "id");
    watch.expect("violation", "the program", &known)?;
    let change = file(
        violation(session, &puppet, "file.unknown", "MEDIUM").is("afterGap", true),
        "CREATE",
        "/data/2",
    )
    .is("process.exe", TRIGGER);
    watch.expect("violation", "the file", &change)?;
    let after = agree(&watch)?;
    let rise = |name: &str| after.get(name).unwrap_or(&0.0) - before.get(name).unwrap_or(&0.0);
    ensure!(rise(rule) == 3.0, "{rule} rose by {}", rise(rule));
    ensure!(rise(program) == 1.0, "{program} rose by {}", rise(program));
    let deviations = r#"lapwing_judged_total{hook="file.open",verdict="deviation"}"#;
    ensure!(
        rise(deviations) >= 3.0,
        "{deviations} rose by {}",
        rise(deviations)
    );

    // One account for both.
    let status = probed.agent.status()?;
    let all: f64 = counted(&after).values().sum();
    ensure!(
        number(&status["violations"]) == Some(all as u64),
        "{}",
        status["violations"]
    );
    ensure!(after["lapwing_ready"] == 1.0 && after["lapwing_containers"] == 1.0);
    ensure!(after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"]);
    // What the kernel skipped is the runner's to judge, for all cases together.
    let lost = after.iter().filter(|(name, count)| {
        name.starts_with("lapwing_lost_total")
            && name.contains("hides=\"true\"")
            && !name.contains("reason=\"program-skipped\"")
            && **count > 0.0
    });
    let lost: Vec<_> = lost.collect();
    ensure!(lost.is_empty(), "{lost:?}");
    let named = after
        .keys()
        .find(|name| name.contains("unspoken") || name.contains(&puppet.id));
    ensure!(named.is_none(), "a container is named: {named:?}");
    probed.will_be_well()?;
    Ok(Outcome::Measured(format!("{} samples", after.len())))
}

/// A process that does not run answers no probe. One whose loop does not move says so, by the probe
/// and in numbers, and says that it is well again when it moves.
fn stuck(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let probed = Probed::start(context, Mode::Monitor)?;
    probed.will_be_well()?;
    probed.agent.pause()?;
    let answer = probed.get("/livez");
    probed.agent.go_on()?;
    if let Ok(answer) = answer {
        bail!("a process that is stopped answers {answer:?}");
    }
    probed.will_be_well()?;

    let thread = pipeline(&probed.agent)?;
    let held = Held::new(thread)?;
    let begun = Instant::now();
    // The pipeline is silent, which shows once the last answer is old, and the agent still answers.
    wait_for("the agent not to be ready", patience(), || {
        let Ok((status, body)) = probed.get("/readyz") else {
            return Ok(None);
        };
        Ok((status == 503 && body.contains("did not say")).then_some(()))
    })?;
    let (status, body) = probed.get("/livez")?;
    ensure!(status == 200, "too soon: {status} {body}");
    wait_for("the agent to say that its loop stands still", STILL, || {
        let Ok((status, body)) = probed.get("/livez") else {
            return Ok(None);
        };
        Ok((status == 503 && body.contains("has not moved for 3")).then_some(()))
    })?;
    let took = begun.elapsed();
    let metrics = probed.metrics()?;
    ensure!(metrics["lapwing_ready"] == 0.0 && metrics["lapwing_pipeline_quiet_seconds"] > 30.0);
    drop(held);
    probed.will_be_well()?;
    Ok(Outcome::Measured(format!(
        "told after {} s",
        took.as_secs()
    )))
}

/// The thread that reads the rings.
fn pipeline(agent: &Agent) -> Result<libc::pid_t> {
    let tasks = format!("/proc/{}/task", agent.pid().as_raw_nonzero());
    for task in fs::read_dir(&tasks)? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.trim() == "pipeline" {
            return Ok(task.file_name().to_string_lossy().parse()?);
        }
    }
    bail!("no thread reads the rings")
}

/// A thread that is kept from running, alone of its process, until this is dropped.
struct Held(libc::pid_t);

impl Held {
    fn new(thread: libc::pid_t) -> Result<Self> {
        ask(libc::PTRACE_SEIZE, thread)?;
        let held = Self(thread);
        ask(libc::PTRACE_INTERRUPT, thread)?;
        let mut status = 0;
        // SAFETY: the pointer is to a number of this frame's.
        let waited = unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) };
        ensure!(
            waited == thread && libc::WIFSTOPPED(status),
            "the thread does not stop: {}",
            io::Error::last_os_error()
        );
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // If it is gone there is nothing to let go.
        let _ = ask(libc::PTRACE_DETACH, self.0);
    }
}

fn ask(what: libc::c_uint, thread: libc::pid_t) -> Result<()> {
    // SAFETY: none of what is asked for reads or writes memory of this process.
    let answer = unsafe { libc::ptrace(what, thread, 0, 0) };
    ensure!(answer == 0, "ptrace: {}", io::Error::last_os_error());
    Ok(())
}
