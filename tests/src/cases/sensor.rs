//! What the agent says of its own hooks.

use crate::agent::Mode;
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::hooks::{Hook, Row, Tier, hooks};
use serde_json::Value;
use std::collections::BTreeMap;

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

/// Rows that get a lesser tier on a kernel than its others.
const LESSER: &[(&str, Row, Tier)] = &[
    // Trampolines there take no arguments that are structs (security_path_chown).
    ("5.10", Row::FileChown, Tier::A2),
    // Trampolines there do not go to a function with as many arguments (ENOTSUPP).
    ("5.10", Row::PrivilegeProcessVmWrite, Tier::A2),
    ("6.1", Row::PrivilegeProcessVmWrite, Tier::A2),
];

/// The tier of a row on a kernel that is tested; `None` for a kernel of which nothing is known:
/// that of the machine. One that is less than it was is found by nobody else, because mostly
/// everything is seen by the lesser as well, only at a higher price.
fn expected(label: &str, hook: &Hook) -> Option<Tier> {
    let lesser = LESSER
        .iter()
        .find(|(of, row, _)| (*of, *row) == (label, hook.row));
    let best = match label {
        "host" => return None,
        // Trampolines came to arm64 with Linux 6.4.
        "arm64-6.1" => Tier::A2,
        _ => lesser.map_or(Tier::A1, |(_, _, tier)| *tier),
    };
    let has = |tier| hook.variants.iter().any(|variant| variant.tier == tier);
    [Tier::Base, best, Tier::B]
        .into_iter()
        .find(|tier| has(*tier))
}

/// What `status` or `doctor` says of a row.
fn told<'v>(said: &'v Value, row: Row) -> Result<&'v Value> {
    said["hooks"]
        .as_array()
        .and_then(|hooks| hooks.iter().find(|hook| hook["row"] == row.id()))
        .with_context(|| format!("nothing is said of {}", row.id()))
}

fn status(context: &mut Context<'_>) -> Result<Outcome> {
    let label = context.label.clone();
    let (agent, _) = context.agent(Mode::Monitor)?;
    let status = agent.status()?;
    let mut tiers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for hook in hooks() {
        let said = told(&status, hook.row)?;
        let tier = said["tier"].as_str().unwrap_or_default();
        let expected = expected(&label, hook).map(Tier::name);
        ensure!(
            expected.is_none_or(|expected| expected == tier),
            "not by tier {expected:?}: {said}"
        );
        ensure!(
            !tier.is_empty() || label == "host" && NOT_ON_TIER_B.contains(&hook.row),
            "not attached: {said}"
        );
        tiers.entry(tier).or_default().push(hook.row.id());
    }
    let tiers = tiers
        .into_iter()
        .map(|(tier, rows)| format!("{tier}: {} ({})", rows.len(), rows.join(", ")));
    Ok(Outcome::Measured(tiers.collect::<Vec<_>>().join("; ")))
}

/// What a trial says of each row is what the agent got, and what is lacking comes with a remedy.
fn doctor(context: &mut Context<'_>) -> Result<Outcome> {
    let (agent, _) = context.agent(Mode::Monitor)?;
    let status = agent.status()?;
    let text = agent.home.call(&["doctor", "-o", "json"])?;
    let report: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
    for hook in hooks() {
        let [trial, real] = [&report, &status].map(|said| told(said, hook.row));
        let (trial, real) = (trial?, real?);
        let tier = real["tier"].as_str().unwrap_or_default();
        ensure!(trial["tier"] == tier, "not {tier:?}: {trial}");
        let variant = hook.variants.iter().find(|it| it.tier.name() == tier);
        ensure!(
            trial["misses"] == variant.map_or("", |variant| variant.misses),
            "not what the table says is missed: {trial}"
        );
        let better = hook.variants.iter().take_while(|it| it.tier.name() != tier);
        let lacks = trial["lacks"].as_array().context("no lacks")?;
        ensure!(
            lacks.len() == better.count(),
            "not each better tier is told of: {trial}"
        );
        for lack in lacks {
            for field in ["reason", "remedy", "cause"] {
                let text = lack[field].as_str().unwrap_or_default();
                ensure!(!text.is_empty(), "a lack without {field}: {trial}");
            }
        }
    }
    Ok(Outcome::Passed)
}
