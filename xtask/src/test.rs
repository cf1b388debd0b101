//! `cargo xtask test`: everything that can be tested, in stages.
//!
//! A stage that fails does not keep the others from running. What takes longest runs side by side, two
//! stages at a time: first the lints, the build, whose link is one thread for minutes, and the fuzzing;
//! later the tests on this kernel, which mostly wait, the build for another machine, and virtual
//! machines. The lines of the latter begin with the name of the kernel. What measures runs by itself.

use crate::build::Built;
use crate::kernel::{Guest, Part};
use crate::machine::Machine;
use crate::report::{Counts, Runner, Stage};
use crate::shell::follow_beside;
use crate::toolchain::Tools;
use crate::unprivileged::Unprivileged;
use crate::{
    apiserver, bench, build, chart, cluster, demo, fuzz, image, kernel, room, root, setup, skips,
    vm, workloads,
};
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How many stages run at a time: a guest is emulated in one thread, and so a program is linked.
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
    followed(command, "", |line| counts.add(line))
}

fn followed(command: &mut Command, prefix: &str, look: impl FnMut(&str)) -> Result<()> {
    let status = follow_beside(command.current_dir(root()), prefix, look)?;
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
    let tools = runner.stage("setup", 600, |_, note| {
        *note = room::check()?;
        setup::everything()
    });
    let tools = tools.map(|(tools, _)| tools);
    runner.stage("format", 30, |counts, _| {
        counted(&mut cargo(&["fmt", "--all", "--check"]), counts)
    });
    let built = OnceLock::new();
    runner.side_by_side(SIDE_BY_SIDE, first(tools.as_ref(), &built, soak));
    let own: Option<Built> = built.into_inner();
    runner.stage("unit and property", 420, |counts, note| {
        unit(soak, counts, note)
    });
    runner.stage("chart", 60, |counts, note| {
        let lapwing = own.as_ref().map(|own| own.lapwing.as_path());
        chart::stage(lapwing, counts, note)
    });
    if soak {
        runner.stage("Kubernetes' API", 900, apiserver::stage);
        if let Some(own) = &own {
            runner.stage("a cluster", 1_500, |counts, note| {
                if refused(own, counts, note)? {
                    return Ok(());
                }
                cluster::stage(own, counts, note)
            });
        }
    }
    let is_built = own.is_some();
    if let (Some(tools), Some(own)) = (&tools, own) {
        briefly(&mut runner, &own);
        let foreign = Foreign::all(kernel::guests());
        kernels(&mut runner, tools, &own, &foreign, soak);
        let mut built = vec![own];
        built.extend(foreign.into_iter().filter_map(Foreign::built));
        runner.stage("image", 30, |counts, note| {
            image::stage(&built, counts, note)
        });
    }
    println!("\nall stages took {:.0} s", start.elapsed().as_secs_f64());
    Ok(runner.close() && is_built)
}

/// What tells of the code alone, and the build. They build in folders of their own but for the eBPF programs, for which
/// Cargo has one wait for the other; and none of them measures.
fn first<'s>(tools: Option<&'s Tools>, built: &'s OnceLock<Built>, soak: bool) -> Vec<Stage<'s>> {
    let mut stages = vec![Stage {
        name: "lints".to_owned(),
        budget: 300,
        work: Box::new(move |counts, note| lints(tools, counts, note)),
    }];
    stages.extend(tools.map(|tools| Stage {
        name: "build".to_owned(),
        budget: 420,
        work: Box::new(move |_, _| {
            let own = build::run(tools)?;
            built.get_or_init(|| own);
            Ok(())
        }),
    }));
    stages.push(Stage {
        name: "fuzz".to_owned(),
        budget: fuzz::budget(soak),
        work: Box::new(move |counts, note| fuzz::stage(soak, counts, note)),
    });
    stages
}

/// Another machine that guests are of.
struct Foreign {
    machine: &'static Machine,
    /// What is built for it while other tests run; `None` where that failed.
    built: OnceLock<Option<Built>>,
}

/// Says that nothing was built if that was not said otherwise: nobody is to wait for ever.
struct Told<'b>(&'b OnceLock<Option<Built>>);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.get_or_init(|| None);
    }
}

impl Foreign {
    fn all(guests: impl Iterator<Item = &'static Guest>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for machine in guests.map(|guest| guest.machine) {
            if !machine.is_own() && all.iter().all(|known| known.machine != machine) {
                let built = OnceLock::new();
                all.push(Self { machine, built });
            }
        }
        all
    }

    /// Builds for it, on one processor: the other is taken. Guests of it, which come later, wait for that.
    fn stage<'s>(&'s self, tools: &'s Tools) -> Stage<'s> {
        Stage {
            name: format!("build for {}", self.machine.debian),
            budget: 420,
            work: Box::new(|_, _| {
                let told = Told(&self.built);
                let built = build::binaries(tools, self.machine, Some(1))?;
                told.0.get_or_init(|| Some(built));
                Ok(())
            }),
        }
    }

    fn built(self) -> Option<Built> {
        self.built.into_inner().flatten()
    }
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
        failure = failure.and(followed(user.apply(&mut command), "", look));
    }
    failure.and(ignored.check())
}

/// What measures, or shows how long something takes, on this kernel.
fn briefly(runner: &mut Runner, own: &Built) {
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
}

/// The tests that need root: on this kernel, then on others, and the demo on one of them.
fn kernels(runner: &mut Runner, tools: &Tools, own: &Built, foreign: &[Foreign], soak: bool) {
    let factor = if soak { 20 } else { 1 };
    let mut stages = vec![on_host(own, factor, soak)];
    stages.extend(foreign.iter().map(|foreign| foreign.stage(tools)));
    stages.extend(kernel::guests().map(|guest| on_guest(guest, own, foreign, factor, soak)));
    stages.push(demo_on_guest(own));
    runner.side_by_side(SIDE_BY_SIDE, stages);
}

/// The tests on this kernel.
fn on_host(own: &Built, factor: u64, soak: bool) -> Stage<'_> {
    Stage {
        name: "on this kernel".to_owned(),
        budget: 720 * factor,
        work: Box::new(move |counts, note| {
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
                .args(soak.then_some("--soak"));
            followed(&mut command, &prefix("host"), |line| counts.add(line))
        }),
    }
}

/// The tests on another kernel.
fn on_guest<'b>(
    guest: &'static Guest,
    own: &'b Built,
    foreign: &'b [Foreign],
    factor: u64,
    soak: bool,
) -> Stage<'b> {
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
            let built = foreign.iter().find(|it| it.machine == guest.machine);
            let built = built.map_or(Some(own), |foreign| foreign.built.wait().as_ref());
            let built =
                built.with_context(|| format!("nothing was built for {}", guest.machine.name))?;
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
