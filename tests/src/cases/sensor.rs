//! What the agent says of its own hooks.

use crate::agent::{Agent, Mode};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::{Hook, Row, Tier, Variant, hooks, used};
use serde_json::Value;
use std::collections::BTreeMap;
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

/// Rows that get a lesser tier on a kernel than its others.
const LESSER: &[(&str, Row, Tier)] = &[
    // Trampolines there take no arguments that are structs (security_path_chown).
    ("5.10", Row::FileChown, Tier::A2),
    // Trampolines there do not go to a function with as many arguments (ENOTSUPP).
    ("5.10", Row::PrivilegeProcessVmWrite, Tier::A2),
    ("6.1", Row::PrivilegeProcessVmWrite, Tier::A2),
];

/// Whether opens and execs that were judged lately are known again on a kernel that is tested, or their
/// paths walked each time. Where that is worse than it was, it is found by nobody else either.
const RECALL: &[(&str, bool)] = &[("5.10", false), ("6.1", true), ("6.12", true)];

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
fn told(said: &Value, row: Row) -> Result<&Value> {
    told_of(said, row.id())
}

fn told_of<'v>(said: &'v Value, id: &str) -> Result<&'v Value> {
    said["hooks"]
        .as_array()
        .and_then(|hooks| hooks.iter().find(|hook| hook["row"] == id))
        .with_context(|| format!("nothing is said of {id}"))
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
    let label = context.label.clone();
    let (agent, _) = context.agent(Mode::Monitor)?;
    let status = agent.status()?;
    let text = agent.home.call(&["doctor", "-o", "json"])?;
    let report: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
    for (of, is_recalled) in RECALL {
        if *of == label {
            for field in ["walks", "walksExecs"] {
                let why = report[field].as_str().context("no word of walks")?;
                ensure!(why.is_empty() == *is_recalled, "{field}: {why:?}");
            }
        }
    }
    for hook in hooks() {
        let [trial, real] = [&report, &status].map(|said| told(said, hook.row));
        let (trial, real) = (trial?, real?);
        let tier = real["tier"].as_str().unwrap_or_default();
        ensure!(trial["tier"] == tier, "not {tier:?}: {trial}");
        // One lack for each variant that is better than the one which was taken.
        let lacks = trial["lacks"].as_array().context("no lacks")?;
        let taken = hook.variants.get(lacks.len());
        ensure!(
            taken.map_or("", |variant| variant.tier.name()) == tier,
            "not each better variant is told of: {trial}"
        );
        ensure!(
            trial["misses"] == taken.map_or("", |variant| variant.misses),
            "not what the table says is missed: {trial}"
        );
        for lack in lacks {
            for field in ["reason", "remedy", "cause"] {
                let text = lack[field].as_str().unwrap_or_default();
                ensure!(!text.is_empty(), "a lack without {field}: {trial}");
            }
        }
    }
    let recorder = told_of(&report, used::ID)?;
    ensure!(recorder["tier"] == Tier::Base.name(), "{recorder}");
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
    // In a guest, where a look at all rows is dear, the one that only the better tiers need.
    let fields = match context.label.as_str() {
        "host" => FIELDS,
        _ => &FIELDS[1..],
    };
    let (agent, _) = context.agent(Mode::Monitor)?;
    let types = fs::read(BTF).context(BTF)?;
    let altered = folder.join("vmlinux");
    let whole = diagnosed(agent, Path::new(BTF))?;
    let (mut told, mut shown) = (Vec::new(), 0);
    for (field, name, member) in fields {
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
