//! The attack, step by step, and what must be reported of each.

use super::stage::{Live, Stage};
use super::{HABITS, SERVICE, habit};
use crate::expect::{Expect, Want};
use crate::netns::STRANGER;
use crate::puppet::{Act, Puppet};
use crate::watch::Watch;
use anyhow::Result;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Where the attacker listens.
pub const PORT: u16 = 4444;

/// One step and its report.
pub struct Row {
    /// What was done.
    pub what: &'static str,
    /// The report, if one came.
    pub report: Option<Value>,
    /// How long after the step began.
    pub after: Option<Duration>,
}

/// What came of the attack.
pub struct Shown {
    /// The steps.
    pub rows: Vec<Row>,
    /// Reports of what the service had been learned to do.
    pub false_alarms: Vec<Value>,
    /// Reports of further steps of the attacker.
    pub others: usize,
}

/// A step: what it is, the shell's text, and the report it must cause.
struct Step {
    what: &'static str,
    shell: String,
    expect: Expect,
}

fn steps() -> Vec<Step> {
    let shell = "/bin/busybox";
    vec![
        Step {
            what: "a shell is spawned",
            shell: "id".to_owned(),
            expect: Expect::new()
                .is("rule", "exec.unknown")
                .is("exec.path", shell)
                .is("process.args", ["sh", "-c", "id"].to_vec())
                .is("process.ancestors.0.exe", SERVICE),
        },
        Step {
            what: "a dropped program is executed",
            shell: "cp /bin/busybox /tmp/busybox; /tmp/busybox true".to_owned(),
            expect: Expect::new()
                // Drift where the root has layers, as with every real image.
                .want(
                    "rule",
                    Want::OneOf(vec![json!("exec.drift"), json!("exec.unknown")]),
                )
                .is("exec.path", "/tmp/busybox")
                .is("process.ancestors.0.exe", shell)
                .is("process.ancestors.1.exe", SERVICE),
        },
        Step {
            what: "/etc/passwd is written",
            shell: "echo evil::0:0::/:/bin/sh >> /etc/passwd".to_owned(),
            expect: Expect::new()
                .is("rule", "file.unknown")
                .is("severity", "CRITICAL")
                .is("file.operation", "OPEN_WRITE")
                .is("file.path", "/etc/passwd")
                .is("process.exe", shell)
                .is("process.ancestors.0.exe", SERVICE),
        },
        Step {
            what: "an unknown peer is called",
            shell: format!("/tmp/busybox nc -w 1 {STRANGER} {PORT} < /dev/null"),
            expect: Expect::new()
                .is("rule", "egress.unknown")
                .is("egress.protocol", "TCP")
                .is("egress.address", STRANGER)
                .is("egress.port", PORT)
                .is("process.exe", "/tmp/busybox")
                .is("process.ancestors.0.exe", shell)
                .is("process.ancestors.1.exe", SERVICE),
        },
    ]
}

/// Carries it out.
pub fn run(stage: &Stage, shop: &mut Puppet<'_>, mut watch: Watch, live: &Live) -> Result<Shown> {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for step in steps() {
        stage.attack(step.what, &step.shell);
        let printed = live.lines();
        let start = Instant::now();
        shop.run(&Act::program("/bin/sh", "sh").args(&["-c", step.shell.as_str()]))?;
        let expect = step
            .expect
            .is("mode", "MONITORING")
            .is("workload.name", super::SHOP)
            .is("container.id", shop.id.as_str());
        let (report, after) = match watch.expect("violation", step.what, &expect) {
            Ok((report, at)) => (Some(report), Some(at.saturating_duration_since(start))),
            Err(error) => {
                problems.push(format!("{error:#}"));
                (None, None)
            }
        };
        live.wait_beyond(printed);
        rows.push(Row {
            what: step.what,
            report,
            after,
        });
    }
    for problem in problems {
        stage.say(&problem);
    }
    let (_, all) = super::reports(&watch);
    let (learned, foreign): (Vec<_>, Vec<_>) = all.into_iter().partition(is_learned);
    let others = foreign
        .iter()
        .filter(|report| !rows.iter().any(|row| row.report.as_ref() == Some(report)))
        .count();
    Ok(Shown {
        rows,
        false_alarms: learned,
        others,
    })
}

/// Whether a report is about something the service itself does every round.
fn is_learned(report: &Value) -> bool {
    let habitual = habit(report).is_some_and(|habit| HABITS.contains(&habit.as_str()));
    let is_exec = !report["exec"].is_null();
    habitual && (is_exec || report["process"]["exe"] == SERVICE)
}
