//! `cargo xtask test`: everything that can be tested, in stages.
//!
//! A stage that fails does not keep the others from running. Virtual machines run two at a time:
//! their lines begin with the name of the kernel.

use crate::build::Built;
use crate::kernel::{Guest, Part};
use crate::report::{Counts, Runner, Stage};
use crate::shell::follow;
use crate::toolchain::Tools;
use crate::unprivileged::Unprivileged;
use crate::{
    apiserver, bench, build, chart, cluster, demo, fuzz, image, kernel, root, setup, skips, vm,
    workloads,
};
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::{Duration, Instant};

/// How many guests run at a time: each is emulated in one thread.
const SIDE_BY_SIDE: usize = 2;
/// What is tested on kernels that do not get everything: whatever depends most on the kernel, by
/// parts of the cases' names.
const CHOSEN: &[&str] = &[
    "coverage.",
    "sensor.",
    "deploy.least",
    "process.",
    "cgroup.create",
    "cgroup.guest",
    "membership.escape",
    // Whether a kernel takes the maps of what is known, and what it takes of `recall`.
    "seen.repeats-are-counted",
    "judged-lately-is-recalled",
    "seen.exec.recall-is-compared",
];
/// What the oldest and the usual kernel get besides: what else the kernel has a part in. It leaves
/// out a flood of files, and what starts and ends many agents or containers, which take an emulated
/// kernel most of an hour. This machine's own kernel has these too, and with large counts every
/// guest.
const MORE: &[&str] = &[
    "harness.",
    "deploy.",
    "file.",
    "path.",
    "cgroup.",
    "membership.",
    "learning.busybox",
    "profile.capability",
    "inventory.use",
    "losses.agent",
    "losses.connects",
    "losses.never",
    "losses.forks",
    "losses.tables.",
];
/// What the usual kernel gets alone, as a second witness of what no kernel should change.
const USUAL: &[&str] = &[
    // This machine's own kernel may have none of the better tiers that a row falls back from.
    "fields.",
    "phases.",
    "modes.",
    "start.made",
    "layers.",
    "seen.exec.",
    "seen.repeats",
    "seen.each",
    "seen.goes",
    "seen.opens",
    "seen.others",
    "names.",
    "dns.",
    "contents.",
    "incident.",
    "stream.",
    "profile.approve",
    "learning.",
    "lineage.new",
    "pending.is",
    "restart.terminate",
    "errors.",
    "socket.",
];

/// Runs a command whose output may hold closing lines.
fn counted(command: &mut Command, counts: &mut Counts) -> Result<()> {
    followed(command, |line| counts.add(line))
}

fn followed(command: &mut Command, look: impl FnMut(&str)) -> Result<()> {
    let status = follow(command.current_dir(root()), look)?;
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
    // What a guest lacks keeps only that guest from running.
    let tools = runner.stage("setup", 600, |_, _| setup::everything());
    let tools = tools.map(|(tools, _)| tools);
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
    let built = tools.map_or_else(Vec::new, |tools| build_all(&mut runner, &tools));
    if !built.is_empty() {
        runner.stage("image", 30, |counts, note| {
            image::stage(&built, counts, note)
        });
    }
    runner.stage("chart", 60, |counts, note| {
        let lapwing = built.first().map(|built| built.lapwing.as_path());
        chart::stage(lapwing, counts, note)
    });
    if soak {
        runner.stage("Kubernetes' API", 900, apiserver::stage);
        if let Some(own) = built.first() {
            runner.stage("a cluster", 1_500, |counts, note| {
                if refused(own, counts, note)? {
                    return Ok(());
                }
                cluster::stage(own, counts, note)
            });
        }
    }
    if !built.is_empty() {
        kernels(&mut runner, &built, soak);
    }
    println!("\nall stages took {:.0} s", start.elapsed().as_secs_f64());
    Ok(runner.close() && !built.is_empty())
}

/// The binaries for this machine, then for others that are tested; nothing without the first.
fn build_all(runner: &mut Runner, tools: &Tools) -> Vec<Built> {
    let mut built: Vec<Built> = runner
        .stage("build", 420, |_, _| build::run(tools))
        .into_iter()
        .collect();
    let mut tried = Vec::new();
    for machine in kernel::guests().map(|guest| guest.machine) {
        if built.is_empty() || machine.is_own() || tried.contains(&machine) {
            continue;
        }
        tried.push(machine);
        let name = format!("build for {}", machine.debian);
        built.extend(runner.stage(&name, 420, |_, _| build::binaries(tools, machine)));
    }
    built
}

fn lints(tools: Option<&Tools>, counts: &mut Counts, note: &mut String) -> Result<()> {
    for package in [&[][..], &["-p", "lapwing-tests"], &["-p", "lapwing-fuzz"]] {
        let mut command = cargo(&["clippy", "--locked", "--all-targets"]);
        command.args(package).args(["--", "-D", "warnings"]);
        counted(&mut command, counts)?;
    }
    match tools.map(build::bpf_lints) {
        Some(Some(command)) => counted(&mut command?, counts)?,
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
    let (mut failure, mut ignored) = (Ok(()), skips::Ignored::default());
    for package in [&[][..], &["-p", "lapwing-tests"]] {
        let mut command = cargo(&["test", "--locked", "--no-fail-fast"]);
        command.args(package);
        if soak {
            command.env("PROPTEST_CASES", "20000");
            command.env("LAPWING_SOAK", "1");
        }
        let look = |line: &str| {
            ignored.add(line);
            counts.add(line);
        };
        failure = failure.and(followed(user.apply(&mut command), look));
    }
    failure.and(ignored.check())
}

/// The tests that need root and the demo: on this kernel, then on others. What was built for this
/// machine comes first.
fn kernels(runner: &mut Runner, built: &[Built], soak: bool) {
    let own = &built[0];
    let factor = if soak { 20 } else { 1 };
    let soak_arg = soak.then_some("--soak");
    runner.stage("on this kernel", 720 * factor, |counts, note| {
        if refused(own, counts, note)? {
            return Ok(());
        }
        "host".clone_into(&mut counts.kernel);
        // A last resort: the tests end their waits themselves, and clean up when told to end.
        let mut command = Command::new("timeout");
        command
            .args(["--foreground", "--kill-after=30"])
            .arg((1_500 * factor).to_string())
            .arg(&own.tests)
            .arg("--lapwing")
            .arg(&own.lapwing)
            .arg("--busybox")
            .arg(&own.busybox)
            .args(["--kernel-label", "host"])
            .args(soak_arg);
        counted(&mut command, counts)
    });
    runner.stage("demo", demo::LIMIT.as_secs(), |counts, note| {
        if !refused(own, counts, note)? {
            *note = demo::check(|| demo::on_host(own, false))?;
        }
        Ok(())
    });
    runner.stage("benches, briefly", 90, |counts, note| {
        if !refused(own, counts, note)? {
            *note = bench::smoke(own)?;
        }
        Ok(())
    });
    runner.stage("a real program, briefly", 60, |counts, note| {
        if !refused(own, counts, note)? {
            *note = workloads::smoke(own)?;
        }
        Ok(())
    });
    let mut stages: Vec<Stage<'_>> = kernel::guests()
        .map(|guest| on_guest(guest, built, factor, soak))
        .collect();
    stages.push(demo_on_guest(own));
    // Each has one processor of this machine's for itself.
    runner.side_by_side(SIDE_BY_SIDE, stages);
}

/// The tests on another kernel.
fn on_guest<'b>(guest: &'static Guest, built: &'b [Built], factor: u64, soak: bool) -> Stage<'b> {
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
    let (lists, budget): (&[&[&str]], u64) = match guest.part {
        Part::Usual => (&[CHOSEN, MORE, USUAL], 1800),
        Part::Oldest => (&[CHOSEN, MORE], 1500),
        Part::Other => (&[CHOSEN], 700),
    };
    if soak {
        command.push("--soak".to_owned());
    } else {
        let texts = lists.iter().copied().flatten();
        command.extend(texts.map(|text| format!("--filter={text}")));
    }
    let budget = budget * factor;
    Stage {
        name: format!("on Linux {}", guest.label),
        budget,
        work: Box::new(move |counts, note| {
            guest.label.clone_into(&mut counts.kernel);
            let built = built
                .iter()
                .find(|built| built.machine == guest.machine)
                .with_context(|| format!("nothing was built for {}", guest.machine.name))?;
            let run = vm::Run {
                command: &command,
                limit: Duration::from_secs(budget * 2),
                prefix: &prefix(guest.label),
                extras: vm::Extras::default(),
            };
            let ended = vm::boot_beside(guest, built, &run, |line| counts.add(line))?;
            *note = format!("booted in {:.0} s", ended.boot.as_secs_f64());
            if ended.code != 0 {
                bail!("the tests ended with {}", ended.code);
            }
            Ok(())
        }),
    }
}

/// What stands before each line of one of the guests that run side by side.
fn prefix(name: &str) -> String {
    format!("{name:<10} | ")
}

/// The demo where most is tested.
fn demo_on_guest(built: &Built) -> Stage<'_> {
    Stage {
        name: "demo on another kernel".to_owned(),
        budget: demo::LIMIT.as_secs(),
        work: Box::new(|_, note| {
            let guest = kernel::find(None)?;
            *note = demo::check(|| demo::in_guest(built, guest, demo::LIMIT * 2, &prefix("demo")))?;
            note.push_str(&format!(" on Linux {}", guest.label));
            Ok(())
        }),
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
