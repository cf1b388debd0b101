//! `lapwing doctor`: what this kernel and host allow, found out by trying.

use crate::cli::{Code, DoctorArgs, Failure, Outcome, Output};
use crate::container::hierarchy::Hierarchy;
use crate::kernel::egress::EgressCgroup;
use crate::kernel::object::OBJECT;
use crate::kernel::sensor::{SYSTEM_BTF, Sensor, Settings};
use crate::status;
use anyhow::{Result, anyhow, bail};
use lapwing_abi::hooks::Tier;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// The host's root folder: that of its first process, which in a container of the host's pid
/// namespace is not our own. Where that may not be looked at, our own.
#[must_use]
pub fn host_root() -> &'static Path {
    let first = Path::new("/proc/1/root");
    if rustix::fs::stat(first).is_ok() {
        first
    } else {
        Path::new("/")
    }
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    row: &'static str,
    /// Empty where nothing works.
    tier: &'static str,
    target: String,
    misses: &'static str,
    refused: Vec<String>,
    remedy: &'static str,
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
             SYS_PTRACE (before Linux 5.11 also SYS_RESOURCE)"
        );
    }
    Ok(())
}

/// The compiled programs.
///
/// # Errors
/// When this binary was built without.
pub fn object() -> Result<&'static [u8]> {
    OBJECT.ok_or_else(|| {
        anyhow!("this binary was built without sensor: build it by `cargo xtask build`")
    })
}

fn remedy(tier: Option<Tier>, refused: &[String]) -> &'static str {
    match tier {
        _ if refused.is_empty() => "",
        Some(Tier::Base | Tier::A1 | Tier::A2 | Tier::B) => {
            "tier A1 needs trampolines: CONFIG_DEBUG_INFO_BTF and CONFIG_FUNCTION_TRACER, x86_64 since Linux 5.5 or \
             arm64 since 6.4, and no policy of the host against tracing programs"
        }
        None => "nothing sees this row here; the reasons are the kernel's own words",
    }
}

fn examine(btf: &Path, report: &mut Report) -> Result<()> {
    check_rights()?;
    let object = object()?;
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
    let sensor = Sensor::start(&Settings {
        object,
        btf,
        cgroup_subsys: hierarchy.controller,
        cgroup_hierarchy: hierarchy.id,
        host_root: host_root(),
        ring_bytes: 64 << 10,
        processes: 1_024,
        cgroups: 1_024,
        best: Tier::A1,
        egress: &egress,
        trial: true,
    })?;
    report.hooks = sensor
        .hooks
        .iter()
        .map(|state| Row {
            row: state.row.id(),
            tier: state.tier.map(Tier::name).unwrap_or_default(),
            target: state.target.clone(),
            misses: state.misses,
            refused: state.refused.clone(),
            remedy: remedy(state.tier, &state.refused),
        })
        .collect();
    Ok(())
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
        hooks: Vec::new(),
    };
    if let Err(error) = examine(btf, &mut report) {
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
        Output::Text => write(&mut out, &report)?,
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

fn write(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    use crate::cli::{BOLD, DIM, styled, table};
    writeln!(
        out,
        "lapwing {}, kernel {}, {}",
        report.version, report.kernel, report.architecture
    )?;
    if !report.able {
        return Ok(());
    }
    let hierarchy = if report.cgroups.controller.is_empty() {
        "cgroup v2".to_owned()
    } else {
        format!("cgroup v1 ({})", report.cgroups.controller)
    };
    let egress = if report.cgroups.egress.is_empty() {
        "nowhere"
    } else {
        &report.cgroups.egress
    };
    writeln!(
        out,
        "containers are told apart by {hierarchy} at {}; egress is traced at {egress}\n",
        report.cgroups.root
    )?;
    let rows: Vec<Vec<String>> = report
        .hooks
        .iter()
        .map(|row| {
            let tier = if row.tier.is_empty() {
                "none"
            } else {
                row.tier
            };
            vec![
                row.row.to_owned(),
                tier.to_owned(),
                row.target.clone(),
                row.misses.to_owned(),
            ]
        })
        .collect();
    table(out, &["HOOK", "TIER", "ON", "DOES NOT SEE"], &rows)?;
    let mut said: Vec<(&[String], Vec<&str>, &str)> = Vec::new();
    for row in report.hooks.iter().filter(|row| !row.refused.is_empty()) {
        match said
            .iter_mut()
            .find(|(refused, ..)| *refused == row.refused)
        {
            Some((_, rows, _)) => rows.push(row.row),
            None => said.push((&row.refused, vec![row.row], row.remedy)),
        }
    }
    if !said.is_empty() {
        writeln!(out, "\n{}", styled(BOLD, "why not better"))?;
    }
    for (refused, rows, remedy) in said {
        writeln!(out, "  {}", rows.join(", "))?;
        for reason in refused {
            writeln!(out, "    {reason}")?;
        }
        writeln!(out, "    {}", styled(DIM, remedy))?;
    }
    writeln!(out, "\nthe sensor can run here")
}
