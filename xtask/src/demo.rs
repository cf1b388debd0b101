//! `cargo xtask demo`: the main job, once, on a real container.

use crate::build::{self, Built};
use crate::kernel::Guest;
use crate::{kernel, setup, vm};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Exit code of `lapwing doctor` where the sensor cannot run.
const CANNOT_RUN: i32 = 3;
/// Rows of the sensor that the story needs; without one of them it is told in a guest.
const NEEDED: &[&str] = &[
    "process.exec",
    "process.fork",
    "process.exit",
    "file.open",
    "egress.connect4",
];
/// What the demo may take once everything is set up; a guest's boot is part of it.
pub const LIMIT: Duration = Duration::from_secs(60);

/// What this host lets the sensor do.
pub struct Host {
    /// Why the sensor cannot run at all.
    pub refusal: Option<String>,
    /// What of the story it would not see although it can run.
    blind: Vec<String>,
}

/// Asks `lapwing doctor`.
pub fn host(built: &Built) -> Result<Host> {
    let output = Command::new(&built.lapwing)
        .args(["doctor", "-o", "json"])
        .stdin(Stdio::null())
        .output()
        .context("cannot run lapwing doctor")?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => {
            let report =
                serde_json::from_slice(&output.stdout).context("lapwing doctor -o json")?;
            Ok(Host {
                refusal: None,
                blind: blind(&report),
            })
        }
        Some(CANNOT_RUN) => Ok(Host {
            refusal: Some(words),
            blind: Vec::new(),
        }),
        _ => bail!("lapwing doctor ended with {}: {words}", output.status),
    }
}

/// What the story needs and a report of `lapwing doctor` says is not seen.
fn blind(report: &Value) -> Vec<String> {
    let hooks = report["hooks"].as_array().into_iter().flatten();
    let seen: BTreeSet<&str> = hooks
        .filter(|hook| hook["tier"].as_str().is_some_and(|tier| !tier.is_empty()))
        .filter_map(|hook| hook["row"].as_str())
        .collect();
    let mut blind: Vec<String> = NEEDED
        .iter()
        .filter(|row| !seen.contains(*row))
        .map(|row| format!("nothing sees {row}"))
        .collect();
    if report["cgroups"]["egress"]
        .as_str()
        .is_none_or(str::is_empty)
    {
        blind.push("egress is traced nowhere".to_owned());
    }
    blind
}

/// Runs it here, or in a virtual machine; here it may be left as it is at the end.
pub fn run(force_vm: bool, stay: bool) -> Result<bool> {
    let built = build::run(&setup::run()?)?;
    if !force_vm {
        let host = host(&built)?;
        let why = host.refusal.unwrap_or_else(|| host.blind.join(", "));
        if why.is_empty() {
            println!("\ndemo on this host\n");
            return on_host(&built, stay);
        }
        println!("\nnot on this host: {why}");
        ensure!(
            !stay,
            "a virtual machine ends with the demo: without --stay it runs there"
        );
    }
    let guest = kernel::find(None)?;
    println!("\ndemo in a virtual machine with Linux {}\n", guest.label);
    in_guest(&built, guest, Duration::from_secs(300), "")
}

/// Runs it on this kernel.
pub fn on_host(built: &Built, stay: bool) -> Result<bool> {
    let status = Command::new(&built.tests)
        .arg("demo")
        .arg("--lapwing")
        .arg(&built.lapwing)
        .arg("--busybox")
        .arg(&built.busybox)
        .args(stay.then_some("--stay"))
        .status()
        .context("cannot run the demo")?;
    Ok(status.success())
}

/// Runs it on another kernel; the prefix stands before each line.
pub fn in_guest(built: &Built, guest: &Guest, limit: Duration, prefix: &str) -> Result<bool> {
    let command = [
        "lapwing-tests",
        "demo",
        "--lapwing",
        "/bin/lapwing",
        "--patience",
        vm::PATIENCE,
    ];
    let command = command.map(str::to_owned);
    let run = vm::Run {
        command: &command,
        limit,
        prefix,
        extras: vm::Extras::default(),
    };
    Ok(vm::boot_beside(guest, built, &run, |_| ())?.code == 0)
}

/// Runs it as a test: a good end in time, or an error.
pub fn check(demo: impl FnOnce() -> Result<bool>) -> Result<String> {
    let start = Instant::now();
    ensure!(demo()?, "the demo did not show what it should");
    let took = start.elapsed();
    ensure!(
        took <= LIMIT,
        "the demo took {:.0} s, more than the {} s it may",
        took.as_secs_f64(),
        LIMIT.as_secs()
    );
    Ok(format!("the demo took {:.0} s", took.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_host_that_sees_less_of_the_story_is_told_from_one_that_sees_all_of_it() {
        let mut hooks: Vec<_> = NEEDED
            .iter()
            .map(|row| json!({"row": row, "tier": "B"}))
            .collect();
        hooks.push(json!({"row": "privilege.mprotect", "tier": ""}));
        let mut report = json!({
            "cgroups": {"egress": "/sys/fs/cgroup"},
            "hooks": hooks,
        });
        assert!(blind(&report).is_empty());
        report["hooks"][3]["tier"] = "".into();
        report["hooks"].as_array_mut().unwrap().remove(0);
        report["cgroups"]["egress"] = "".into();
        assert_eq!(
            blind(&report),
            [
                "nothing sees process.exec",
                "nothing sees file.open",
                "egress is traced nowhere"
            ]
        );
    }
}
