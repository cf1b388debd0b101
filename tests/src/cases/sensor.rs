//! What the agent says of its own hooks.

use crate::agent::{Agent, Mode};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::{Hook, Row, Variant, hooks};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub const CASES: &[Case] = &[
    Case {
        name: "sensor.status-names-every-row",
        run: status,
    },
    Case {
        name: "sensor.doctor-names-every-row",
        run: doctor,
    },
    Case {
        name: "fields.one-is-missing",
        run: without,
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
        let _: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
    }
    for row in Row::ALL {
        ensure!(text.contains(row.id()), "doctor lacks {}", row.id());
    }
    Ok(Outcome::Passed)
}

/// Where kernels tell their types.
const BTF: &str = "/sys/kernel/btf/vmlinux";
/// Members of structs that few rows need: the field, the struct, and the member. Without the first
/// some rows cannot be served at all, without the second not by the better tiers.
const FIELDS: &[(Field, &str, &str)] = &[
    (Field::SockType, "sock", "sk_type"),
    (Field::MsgName, "msghdr", "msg_name"),
];
/// One without which nobody can say whose a process is.
const FIELD_OF_ALL: (&str, &str) = ("css_set", "dfl_cgrp");

/// Writes a copy of the kernel's types in which a member has another name.
fn rename(types: &[u8], member: &str, to: &Path) -> Result<()> {
    let wanted = [&[0], member.as_bytes(), &[0]].concat();
    let found = types.windows(wanted.len()).enumerate();
    let found: Vec<usize> = found
        .filter(|(_, text)| *text == wanted)
        .map(|(at, _)| at + 1)
        .collect();
    let [at] = found[..] else {
        anyhow::bail!("{member} stands {} times in {BTF}", found.len());
    };
    let mut types = types.to_vec();
    types[at] = b'Z';
    Ok(fs::write(to, types)?)
}

/// What the doctor says of each row with some types.
fn diagnosed(agent: &Agent, types: &Path) -> Result<Vec<Value>> {
    let types = types.to_str().context("a path of letters")?;
    let report = agent.home.json(&["doctor", "--btf", types])?;
    let rows = report.first().and_then(|report| report["hooks"].as_array());
    Ok(rows.context("no hooks")?.clone())
}

/// The variants of a row up to the one that it has got, which is the last; all if it has none.
fn tried(hook: &Hook, row: &Value) -> &'static [Variant] {
    let mut variants = hook.variants.iter();
    let place = variants.position(|variant| row["tier"] == variant.tier.name());
    place.map_or(hook.variants, |place| &hook.variants[..=place])
}

/// One member has another name: the rows that need it, and no others, are served otherwise or not
/// at all, and say why.
fn without(context: &mut Context<'_>) -> Result<Outcome> {
    let folder = context.session.folder("types")?;
    let (agent, _) = context.agent(Mode::Monitor)?;
    let types = fs::read(BTF).context(BTF)?;
    let altered = folder.join("vmlinux");
    let whole = diagnosed(agent, Path::new(BTF))?;
    let (mut told, mut shown) = (Vec::new(), 0);
    for (field, name, member) in FIELDS {
        rename(&types, member, &altered)?;
        let poorer = diagnosed(agent, &altered)?;
        let reason = format!("struct {name} has no member {member}");
        let (mut lacking, mut served) = (0, 0);
        for hook in hooks() {
            let of_row = |rows: &[Value]| {
                let row = rows.iter().find(|row| row["row"] == hook.row.id()).cloned();
                row.with_context(|| format!("the doctor lacks {}", hook.row.id()))
            };
            let (before, after) = (of_row(&whole)?, of_row(&poorer)?);
            let needs = |variant: &Variant| variant.needs.contains(field);
            let says = after["lacks"].to_string().contains(&reason);
            ensure!(
                says == tried(hook, &after).iter().any(needs),
                "what is said of {member}: {after}"
            );
            let has = tried(hook, &after).last().filter(|_| after["tier"] != "");
            ensure!(
                !has.is_some_and(needs),
                "without {member}, which it needs: {after}"
            );
            let had = tried(hook, &before).last().filter(|_| before["tier"] != "");
            if had.is_some_and(needs) {
                served += u32::from(has.is_some());
                lacking += u32::from(has.is_none());
                continue;
            }
            for part in ["tier", "target", "misses"] {
                ensure!(
                    before[part] == after[part],
                    "without {member}, which it does not need: {after}, before {before}"
                );
            }
        }
        told.push(format!(
            "without {member} {lacking} rows are lacking and {served} served otherwise"
        ));
        shown += lacking + served;
    }
    ensure!(shown > 0, "no row needed any: the test shows nothing");
    let (name, member) = FIELD_OF_ALL;
    rename(&types, member, &altered)?;
    let mut doctor = agent.home.client(&["doctor", "--btf"]);
    let refused = doctor.arg(&altered).output()?;
    let text = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        refused.status.code() == Some(3) && text.contains(name) && text.contains(member),
        "without {member} the sensor cannot run: {} {text}",
        refused.status
    );
    Ok(Outcome::Measured(told.join(", ")))
}
