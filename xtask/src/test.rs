//! `cargo xtask test`: everything that can be tested, in stages.
//!
//! A stage that fails does not keep the others from running.

use crate::build::Built;
use crate::report::{Counts, Runner};
use crate::shell::follow;
use crate::toolchain::Tools;
use crate::unprivileged::Unprivileged;
use crate::{build, demo, fuzz, kernel, root, setup, skips, vm};
use anyhow::{Result, bail};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs a command whose output may hold closing lines.
fn counted(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let status = follow(command.current_dir(root()), |line| counts.add(line))?;
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(())
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args);
    command
}

/// All stages.
pub fn run(soak: bool) -> Result<bool> {
    let start = Instant::now();
    let mut runner = Runner::default();
    let tools = runner.stage("setup", 600, |_, _| setup::run());
    runner.stage("format", 30, |counts, _| {
        counted(&mut cargo(&["fmt", "--all", "--check"]), counts)
    });
    runner.stage("lints", 300, |counts, note| {
        lints(tools.as_ref(), counts, note)
    });
    runner.stage("unit and property", 420, |counts, note| {
        unit(soak, counts, note)
    });
    runner.stage("fuzz", fuzz::budget(soak), |counts, note| {
        fuzz::stage(soak, counts, note)
    });
    let built = tools.and_then(|tools| runner.stage("build", 420, |_, _| build::run(&tools)));
    if let Some(built) = &built {
        kernels(&mut runner, built, soak);
    }
    println!("\nall stages took {:.0} s", start.elapsed().as_secs_f64());
    Ok(runner.close() && built.is_some())
}

fn lints(tools: Option<&Tools>, counts: &mut Counts, note: &mut String) -> Result<()> {
    for package in [&[][..], &["-p", "lapwing-tests"], &["-p", "lapwing-fuzz"]] {
        let mut command = cargo(&["clippy", "--locked", "--all-targets"]);
        command.args(package).args(["--", "-D", "warnings"]);
        counted(&mut command, counts)?;
    }
    match tools.map(build::bpf_lints) {
        Some(Some(mut command)) => counted(&mut command, counts)?,
        Some(None) => {
            "the eBPF programs were not looked at: Debian's rustc-web comes without clippy"
                .clone_into(note);
        }
        // The failed set-up says so.
        None => {}
    }
    Ok(())
}

/// What a plain `cargo test` runs, and the unit tests of the tests.
fn unit(soak: bool, counts: &mut Counts, note: &mut String) -> Result<()> {
    let user = Unprivileged::new()?;
    *note = user.who();
    let mut failure = Ok(());
    for package in [&[][..], &["-p", "lapwing-tests"]] {
        let mut command = cargo(&["test", "--locked", "--no-fail-fast"]);
        command.args(package);
        if soak {
            command.env("PROPTEST_CASES", "20000");
        }
        failure = failure.and(counted(user.apply(&mut command), counts));
    }
    failure
}

/// The tests that need root and the demo: on this kernel, then on others.
fn kernels(runner: &mut Runner, built: &Built, soak: bool) {
    let factor = if soak { 20 } else { 1 };
    let soak_arg = soak.then_some("--soak");
    runner.stage("on this kernel", 240 * factor, |counts, note| {
        if refused(built, counts, note)? {
            return Ok(());
        }
        // A last resort: the tests end their waits themselves, and clean up when told to end.
        let mut command = Command::new("timeout");
        command
            .args(["--foreground", "--kill-after=30"])
            .arg((600 * factor).to_string())
            .arg(&built.tests)
            .arg("--lapwing")
            .arg(&built.lapwing)
            .arg("--busybox")
            .arg(&built.busybox)
            .args(["--kernel-label", "host"])
            .args(soak_arg);
        counted(&mut command, counts)
    });
    runner.stage("demo", demo::LIMIT.as_secs(), |counts, note| {
        if !refused(built, counts, note)? {
            *note = demo::check(|| demo::on_host(built))?;
        }
        Ok(())
    });
    if kernel::guests().next().is_none() {
        runner.stage("on other kernels", 1, |counts, note| {
            let label = concat!("guests-", env!("XTASK_ARCH"));
            *note = skips::stage(label, "there are no kernels for this architecture")?;
            counts.skipped = 1;
            Ok(())
        });
    }
    for (index, guest) in kernel::guests().enumerate() {
        let name = format!("on Linux {}", guest.label);
        runner.stage(&name, 600 * factor, |counts, _| {
            let mut command: Vec<String> = [
                "lapwing-tests",
                "--lapwing",
                "/bin/lapwing",
                "--kernel-label",
                guest.label,
                "--patience",
                vm::PATIENCE,
            ]
            .map(str::to_owned)
            .into();
            command.extend(soak_arg.map(str::to_owned));
            let limit = Duration::from_secs(900 * factor);
            let code = vm::boot(guest, built, &command, limit, |line| counts.add(line))?;
            if code != 0 {
                bail!("the tests ended with {code}");
            }
            Ok(())
        });
        if index == 0 {
            let name = format!("demo on Linux {}", guest.label);
            runner.stage(&name, demo::LIMIT.as_secs(), |_, note| {
                *note = demo::check(|| demo::in_guest(built, guest, demo::LIMIT * 2))?;
                Ok(())
            });
        }
    }
}

/// Whether the sensor cannot run on this kernel, and that is accepted.
fn refused(built: &Built, counts: &mut Counts, note: &mut String) -> Result<bool> {
    let Some(reason) = demo::host(built)?.refusal else {
        return Ok(false);
    };
    *note = skips::stage("host", &reason)?;
    counts.skipped = 1;
    Ok(true)
}
