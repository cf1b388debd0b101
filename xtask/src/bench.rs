//! `cargo xtask bench`: what tracing costs and holds, next to the targets of the design.
//!
//! `cargo xtask bench scale` is apart: a cluster of simulated nodes, and what it costs its controller.
//!
//! The figures come from `lapwing-tests bench`, here on this host and in a guest whose
//! clock counts instructions; the floor program is built for it. This command knows the
//! targets, and prints the table. `tests/benches/README.md` says how to read it.

mod table;

use crate::build::{self, Built};
use crate::vm::{self, Extras};
use crate::{kernel, root, setup, shell};
use anyhow::{Context, Result, bail, ensure};
use rustix::fd::OwnedFd;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The guest in which instructions are counted.
const GUEST: &str = "6.12";
const GUEST_LIMIT: Duration = Duration::from_secs(3600);
/// The floor program in the guest.
const GUEST_FLOOR: &str = "lib/lapwing-floor";
/// Figures that a whole run on a host has at least.
const FIGURES_LEAST: usize = 100;
/// How long the tests wait for what must come: guests are slow.
const PATIENCE: &str = "120";

/// What makes a guest count instructions, and run alike each time: clocks follow the instructions
/// of its only processor and jump over idle time; the time of day is the same; so are the
/// addresses of the kernel and of programs; and no random numbers come from the processor.
const COUNTING: &[&str] = &[
    "-smp",
    "1",
    "-cpu",
    "max,-rdrand,-rdseed",
    "-icount",
    "shift=0,align=off,sleep=off",
    "-rtc",
    "base=2026-01-01T00:00:00,clock=vm",
];
const COUNTING_KERNEL: &str = "nokaslr norandmaps random.trust_cpu=off tsc=reliable nowatchdog";

/// Options of the command.
#[derive(clap::Args)]
pub struct Args {
    /// Small counts, in well under a minute a place: shows that the benches work
    #[arg(long)]
    quick: bool,
    /// Only benches whose name contains this: overhead, syscalls, inventory, cpu, latency, compare, path, feed,
    /// flood, memory; or `scale` alone: a controller and its nodes
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The same
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    only: Option<String>,
    /// Only in the guest, where instructions are counted [default: both]
    #[arg(long, conflicts_with = "host")]
    guest: bool,
    /// Only on this host
    #[arg(long)]
    host: bool,
    /// Nodes of `scale`
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    nodes: u32,
    /// More arguments of the guest's QEMU, such as a plugin (tests/benches/where.c)
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    qemu: Vec<String>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Args {
    /// What a bench's name must contain.
    fn only(&self) -> Option<&str> {
        self.name.as_deref().or(self.only.as_deref())
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// A table
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// What was measured in one place.
pub struct Place {
    /// `host` or `guest`.
    name: &'static str,
    /// Its kernel, and how it was measured.
    about: String,
    /// The lines of figures.
    figures: Vec<Value>,
    /// Benches that failed, and why.
    failures: Vec<String>,
}

impl Place {
    fn new(name: &'static str, about: String) -> Self {
        Self {
            name,
            about,
            figures: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Takes a line if it is a figure, or the end of a bench; else says it.
    fn take(&mut self, line: &str) {
        let Some(value) = line
            .starts_with('{')
            .then(|| serde_json::from_str::<Value>(line).ok())
            .flatten()
        else {
            eprintln!("{line}");
            return;
        };
        if value["figure"].is_string() {
            self.figures.push(value);
        } else if let Some(bench) = value["bench"].as_str() {
            eprintln!("bench: {bench} took {} s", value["seconds"]);
            if let Some(error) = value["error"].as_str() {
                self.failures.push(format!("{bench}: {error}"));
            }
        }
    }

    fn add(&mut self, name: &str, value: f64, unit: &str) {
        let figure = json!({"figure": name, "value": value, "unit": unit, "detail": {}});
        self.figures.push(figure);
    }
}

/// Runs the benches. Answers whether all measured what they say, whatever the targets.
pub fn run(args: &Args) -> Result<bool> {
    // What the set-up and the build say must not stand between lines of JSON.
    let json = match args.output {
        Output::Text => None,
        Output::Json => Some(stdout_apart()?),
    };
    altered_profile();
    if args.only() == Some("scale") {
        return scale(args.nodes);
    }
    let built = build::run(&setup::run()?)?;
    let mut places = Vec::new();
    if !args.guest {
        places.push(on_host(&built, args)?);
    }
    let is_counted = |only: &str| COUNTED.iter().any(|name| name.contains(only));
    let counted = args.only().is_none_or(is_counted);
    if !args.host && counted {
        places.push(in_guest(&built, args)?);
    }
    if places.is_empty() {
        bail!("only {} are measured in the guest", COUNTED.join(" and "));
    }
    match json {
        None => print!("{}", table::text(&places)),
        Some(stdout) => {
            File::from(stdout).write_all(table::json(&places).as_bytes())?;
        }
    }
    Ok(places.iter().all(|place| place.failures.is_empty()))
}

/// A controller in a process of its own, simulated nodes, and the double of the API. The test prints the
/// figures, and fails where more is written than has to be.
fn scale(nodes: u32) -> Result<bool> {
    let words = "test --locked --release -p lapwing-agent --lib controller::learned::tests::scale -- --nocapture";
    let mut command = Command::new("cargo");
    command.args(words.split(' ')).current_dir(root());
    let status = command.env("LAPWING_SCALE", nodes.to_string()).status();
    Ok(status.context("cannot run cargo")?.success())
}

/// Benches that say something where instructions are counted.
const COUNTED: [&str; 3] = ["overhead", "syscalls", "inventory"];

/// Runs all benches with small counts on this host, as a test of the benches themselves.
pub fn smoke(built: &Built) -> Result<String> {
    let args = Args {
        quick: true,
        name: None,
        only: None,
        guest: false,
        host: true,
        nodes: 0,
        qemu: Vec::new(),
        output: Output::Text,
    };
    let place = on_host(built, &args)?;
    ensure!(place.failures.is_empty(), "{}", place.failures.join("; "));
    ensure!(
        place.figures.len() >= FIGURES_LEAST,
        "only {} figures",
        place.figures.len()
    );
    Ok(format!("{} figures", place.figures.len()))
}

/// The standard output for what is asked for; everything else goes to standard error from here on.
fn stdout_apart() -> Result<OwnedFd> {
    let stdout = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(stdout)
}

/// Says when the figures are not those of the binary that people get.
fn altered_profile() {
    for (name, value) in std::env::vars() {
        if name.starts_with("CARGO_PROFILE_RELEASE_") {
            eprintln!("bench: {name}={value}: this is not the binary that people get");
        }
    }
}

fn arguments(args: &Args) -> Vec<String> {
    let mut words = vec!["--patience".to_owned(), PATIENCE.to_owned()];
    if args.quick {
        words.push("--quick".to_owned());
    }
    if let Some(only) = args.only() {
        words.extend(["--only".to_owned(), only.to_owned()]);
    }
    words
}

fn on_host(built: &Built, args: &Args) -> Result<Place> {
    let release = shell::output("uname", &["-r"]).unwrap_or_default();
    let about = format!(
        "Linux {}, time by the clock, the least of many batches",
        release.trim()
    );
    let mut place = Place::new("host", about);
    let mut command = Command::new(&built.tests);
    command
        .arg("bench")
        .arg("--lapwing")
        .arg(&built.lapwing)
        .arg("--busybox")
        .arg(&built.busybox)
        .arg("--floor")
        .arg(&built.floor)
        .args(arguments(args))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", built.tests.display()))?;
    let stdout = child.stdout.take().context("no output")?;
    for line in BufReader::new(stdout).lines() {
        place.take(&line?);
    }
    let status = child.wait()?;
    if !status.success() && place.failures.is_empty() {
        place
            .failures
            .push(format!("the benches ended with {status}"));
    }
    if args.only().is_none() {
        let size = std::fs::metadata(&built.lapwing)?.len();
        place.add("size.binary", size as f64 / 1_048_576.0, "MiB");
    }
    Ok(place)
}

fn in_guest(built: &Built, args: &Args) -> Result<Place> {
    let guest = kernel::find(Some(GUEST))?;
    let about = format!(
        "Linux {} in QEMU, instructions of the whole machine, the median",
        guest.label
    );
    let mut place = Place::new("guest", about);
    let mut command: Vec<String> = ["lapwing-tests", "bench", "--lapwing", "/bin/lapwing"]
        .map(str::to_owned)
        .into();
    command.extend([
        "--floor".to_owned(),
        format!("/{GUEST_FLOOR}"),
        "--counting".to_owned(),
    ]);
    command.extend(arguments(args));
    let mut qemu = COUNTING.to_vec();
    qemu.extend(args.qemu.iter().map(String::as_str));
    let extras = Extras {
        qemu: &qemu,
        kernel: COUNTING_KERNEL,
        files: &[(GUEST_FLOOR, &built.floor)],
        disk: None,
        shown: false,
    };
    let run = vm::Run {
        command: &command,
        limit: GUEST_LIMIT,
        prefix: "",
        extras,
    };
    let code = vm::boot_beside(guest, built, &run, |line| place.take(line))?.code;
    if code != 0 && place.failures.is_empty() {
        place
            .failures
            .push(format!("the benches ended with {code}"));
    }
    Ok(place)
}
