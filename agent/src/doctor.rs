//! `lapwing doctor`: what this kernel and host allow, found out by trying.

use crate::cli::{Code, DoctorArgs, Failure, Outcome, Output};
use crate::container::hierarchy::Hierarchy;
use crate::credentials::{self, Credentials};
use crate::kernel::egress::EgressCgroup;
use crate::kernel::object::Object;
use crate::kernel::refusal::Refusal;
use crate::kernel::sensor::{SYSTEM_BTF, Sensor, Settings};
use crate::kernel::used::Recording;
use crate::status;
use anyhow::{Result, anyhow, bail};
use lapwing_abi::hooks::{Tier, used};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

mod layout;

/// The host's root folder: that of its first process, which in a container of the host's pid
/// namespace is not our own. Where that may not be looked at, our own.
#[must_use]
pub fn host_root() -> &'static Path {
    match is_root_hidden() {
        false => Path::new(FIRST),
        true => Path::new("/"),
    }
}

/// The root of the host's first process.
const FIRST: &str = "/proc/1/root";

/// Whether the root of the host's first process may not be looked at.
#[must_use]
pub fn is_root_hidden() -> bool {
    rustix::fs::stat(FIRST).is_err()
}

/// What `-o json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    version: &'static str,
    kernel: String,
    architecture: &'static str,
    /// Whether the sensor can run.
    able: bool,
    /// Why not; empty if it can.
    problem: String,
    cgroups: Cgroups,
    /// Why the path of each open is walked; empty where opens that were judged lately are known
    /// again by their names.
    walks: String,
    /// The same of the path of each exec.
    walks_execs: String,
    hooks: Vec<Row>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cgroups {
    /// Where the hierarchy is that tells containers apart.
    root: String,
    /// Its v1 controller; empty for v2.
    controller: String,
    /// Where egress programs would be attached; empty for nowhere.
    egress: String,
}

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    row: &'static str,
    /// Empty where nothing works.
    tier: &'static str,
    target: String,
    /// What the tier does not see; empty where nothing is known to be missed.
    misses: &'static str,
    /// Why better tiers do not work, best first: the texts of `lacks`.
    refused: Vec<String>,
    /// The same, with what could be done.
    lacks: Vec<Lack>,
}

/// Why one tier is not used for a row.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Lack {
    tier: &'static str,
    /// A word for programs, see [`Cause::name`](crate::kernel::refusal::Cause::name).
    cause: &'static str,
    reason: String,
    remedy: &'static str,
}

impl From<&Refusal> for Lack {
    fn from(refusal: &Refusal) -> Self {
        Self {
            tier: refusal.tier.name(),
            cause: refusal.cause.name(),
            reason: refusal.text.clone(),
            remedy: refusal.cause.remedy(),
        }
    }
}

/// Whether this process may load programs: root, or the capabilities for it.
///
/// # Errors
/// Says what is missing.
pub fn check_rights() -> Result<()> {
    const SYS_ADMIN: u64 = 1 << 21;
    // CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF: since Linux 5.8 enough to load and attach.
    // CAP_SYS_PTRACE: to look at the roots of processes that run already.
    const ENOUGH: u64 = 1 << 12 | 1 << 19 | 1 << 38 | 1 << 39;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or_default();
    if effective & SYS_ADMIN == 0 && effective & ENOUGH != ENOUGH {
        bail!(
            "this needs root: run it with sudo, or as root with the capabilities BPF, PERFMON, NET_ADMIN and \
             SYS_PTRACE (before Linux 5.11 also SYS_RESOURCE, or no limit of locked memory)"
        );
    }
    Ok(())
}

fn examine(btf: &Path, best: Tier, report: &mut Report) -> Result<()> {
    check_rights()?;
    let object = Object::unpack()?;
    let hierarchy = Hierarchy::find(Path::new("/proc"))?;
    let egress = EgressCgroup::open(hierarchy.unified.as_deref());
    report.cgroups = Cgroups {
        root: hierarchy.root.display().to_string(),
        controller: hierarchy.controller.unwrap_or_default().to_owned(),
        egress: egress
            .as_ref()
            .map(|cgroup| cgroup.name.clone())
            .unwrap_or_default(),
    };
    raise_memory_limit();
    // Programs are checked as they run by default, not without what a list makes them do.
    let credentials = Credentials::parse(credentials::DEFAULT).map_err(|error| anyhow!(error))?;
    let sensor = Sensor::start(&Settings {
        object: object.bytes(),
        btf,
        cgroup_subsys: hierarchy.controller,
        cgroup_hierarchy: hierarchy.id,
        host_root: host_root(),
        ring_bytes: 64 << 10,
        processes: 1_024,
        cgroups: 1_024,
        best,
        egress: &egress,
        credentials: &credentials,
        inventory: true,
        syscalls: true,
        trial: true,
    })?;
    report.walks = sensor.walks.unwrap_or_default();
    report.walks_execs = sensor.walks_execs.unwrap_or_default();
    report.hooks = sensor
        .hooks
        .iter()
        .map(|state| Row {
            row: state.row.id(),
            tier: state.tier.map(Tier::name).unwrap_or_default(),
            target: state.target.clone(),
            misses: state.misses,
            refused: state.refused.iter().map(ToString::to_string).collect(),
            lacks: state.refused.iter().map(Lack::from).collect(),
        })
        .collect();
    report.hooks.push(recorder(&sensor.recording));
    Ok(())
}

/// The recording of system calls as a row: it is tried, whatever the configuration says.
fn recorder(recording: &Recording) -> Row {
    let row = Row {
        row: used::ID,
        ..Row::default()
    };
    match recording {
        Recording::Refused(because) => {
            let lack = Lack::from(&Refusal::new(&used::VARIANT, &because.clone().into()));
            Row {
                refused: vec![because.to_string()],
                lacks: vec![lack],
                ..row
            }
        }
        Recording::On | Recording::Off => Row {
            tier: used::VARIANT.tier.name(),
            target: used::VARIANT.program.to_owned(),
            misses: used::VARIANT.misses,
            ..row
        },
    }
}

/// Before Linux 5.11 maps count against a limit that is 64 KiB by default.
pub fn raise_memory_limit() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // Without the right to do so, loading says what is wrong.
    let _ = setrlimit(Resource::Memlock, unlimited);
}

/// Runs the command.
///
/// # Errors
/// With [`Code::Host`] where the sensor cannot run.
pub fn run(args: &DoctorArgs) -> Outcome {
    let btf = args.btf.as_deref().unwrap_or(Path::new(SYSTEM_BTF));
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        kernel: status::kernel(),
        architecture: std::env::consts::ARCH,
        able: true,
        problem: String::new(),
        cgroups: Cgroups::default(),
        walks: String::new(),
        walks_execs: String::new(),
        hooks: Vec::new(),
    };
    if let Err(error) = examine(btf, args.tier.tier(), &mut report) {
        report.able = false;
        report.problem = format!("{error:#}");
    }
    let mut out = anstream::stdout().lock();
    match args.output {
        Output::Json => {
            let line = serde_json::to_string(&report)
                .map_err(|error| Failure::new(Code::Failed, error))?;
            writeln!(out, "{line}")?;
        }
        Output::Text => layout::write(&mut out, &report, crate::cli::wrap::width())?,
    }
    if report.able {
        Ok(())
    } else {
        Err(Failure::new(
            Code::Host,
            anyhow!("the sensor cannot run here: {}", report.problem),
        ))
    }
}
