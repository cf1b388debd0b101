//! What the agent says of its own hooks.

use crate::agent::Mode;
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::Row;

pub const CASES: &[Case] = &[
    Case {
        name: "sensor.status-names-every-row",
        run: status,
    },
    Case {
        name: "sensor.doctor-names-every-row",
        run: doctor,
    },
];

/// Rows that no exit of a system call can serve, and modules, which a kernel may be built without.
pub const NOT_ON_TIER_B: &[Row] = &[
    Row::ProcessScript,
    Row::PrivilegeModule,
    Row::PrivilegeMprotect,
    Row::PrivilegeCapability,
];

/// The tiers that a file hook may get: trampolines wherever the kernel has them, which on arm64 is
/// since Linux 6.4.
fn file_tiers(label: &str) -> &'static [&'static str] {
    match label {
        "host" => &["A1", "A2", "B"],
        "arm64-6.1" => &["A2", "B"],
        // Trampolines there take no arguments that are structs (security_path_chown).
        "5.10" => &["A1", "A2"],
        _ => &["A1"],
    }
}

fn status(context: &mut Context<'_>) -> Result<Outcome> {
    let label = context.label.clone();
    let (agent, _) = context.agent(Mode::Monitor)?;
    let status = agent.status()?;
    let hooks = status["hooks"]
        .as_array()
        .context("the status has no hooks")?;
    let mut tiers = Vec::new();
    for row in Row::ALL {
        let hook = hooks
            .iter()
            .find(|hook| hook["row"] == row.id())
            .with_context(|| format!("the status lacks {}", row.id()))?;
        let tier = hook["tier"].as_str().unwrap_or_default();
        if tier.is_empty() {
            ensure!(
                label == "host" && NOT_ON_TIER_B.contains(row),
                "{} is not attached: {hook}",
                row.id()
            );
            continue;
        }
        if row.id().starts_with("file.") {
            ensure!(file_tiers(&label).contains(&tier), "{hook}");
            tiers.push(format!("{} {tier}", row.id()));
        }
    }
    Ok(Outcome::Measured(tiers.join(", ")))
}

fn doctor(context: &mut Context<'_>) -> Result<Outcome> {
    let (agent, _) = context.agent(Mode::Monitor)?;
    let text = agent.home.call(&["doctor", "-o", "json"])?;
    for line in text.lines() {
        let _: serde_json::Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
    }
    for row in Row::ALL {
        ensure!(text.contains(row.id()), "doctor lacks {}", row.id());
    }
    Ok(Outcome::Passed)
}
