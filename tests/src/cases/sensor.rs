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

/// The tier that a file hook must get: trampolines wherever the kernel lets them in.
fn file_tier(label: &str) -> Option<&'static str> {
    match label {
        "host" => None,
        _ => Some("A1"),
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
        ensure!(!tier.is_empty(), "{} is not attached: {hook}", row.id());
        if row.id().starts_with("file.") {
            ensure!(file_tier(&label).is_none_or(|want| want == tier), "{hook}");
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
