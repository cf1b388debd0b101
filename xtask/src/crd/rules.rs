//! What a schema cannot say of a profile, in CEL: the API server then refuses it at once, where else
//! the agents of all nodes would, later.
//!
//! They say what the agent's own reading says (`lapwing_profile::entry`), and a test holds both against
//! the same entries. Each looks at one entry, and at whether something is there: what it costs rises
//! with the number of entries and with nothing else.

use anyhow::{Context, Result, bail, ensure};
use cel::Program;
use serde_json::{Value, json};

/// Where it stands below `spec`, the rule, and what is told of what breaks it.
pub const RULES: &[(&str, &str, &str)] = &[
    (
        "workload",
        "self == oldSelf",
        "a profile is of one workload for good: delete it, and make another",
    ),
    (
        "files",
        "has(self.path) != has(self.pattern)",
        "either path or pattern is needed, of which only the second has wildcards",
    ),
    (
        "files",
        "has(self.target) == (self.operation in ['RENAME', 'LINK', 'SYMLINK', 'SETXATTR'])",
        "RENAME, LINK, SYMLINK and SETXATTR need a target, and nothing else has one",
    ),
    (
        "files",
        "has(self.by) == (self.operation == 'OPEN_READ')",
        "OPEN_READ needs by, the executable that reads, and nothing else has it",
    ),
    (
        "egress",
        "[has(self.address), has(self.cidr), has(self.domain), has(self.path), has(self.cid), \
         has(self.socket)].filter(one, one).size() == 1",
        "one of address, cidr, domain, path, cid and socket is needed",
    ),
    (
        "egress",
        "self.protocol == 'OTHER' || !has(self.number)",
        "number belongs to the protocol OTHER",
    ),
    (
        "listen",
        "self.protocol == 'OTHER' || !has(self.number)",
        "number belongs to the protocol OTHER",
    ),
    (
        "listen",
        "has(self.path) == (self.protocol == 'UNIX')",
        "path belongs to UNIX, and UNIX needs one",
    ),
];
/// What one rule may cost at most to be taken, in the API server's unit.
const COST_MAX: u64 = 10_000_000;
/// More than what a rule of these costs for one entry: a step for each of its characters.
const fn cost(rule: &str) -> u64 {
    rule.len() as u64
}

/// Where rules stand: the workload, or each entry of a list.
fn place<'s>(spec: &'s mut Value, name: &str) -> Result<&'s mut Value> {
    let part = spec["properties"]
        .get_mut(name)
        .with_context(|| format!("spec has no {name}"))?;
    Ok(match part["type"] == "array" {
        true => &mut part["items"],
        false => part,
    })
}

/// Puts the rules where they belong in the schema of `spec`.
pub fn put(spec: &mut Value) -> Result<()> {
    for (name, rule, message) in RULES {
        let place = place(spec, name)?;
        if !place["x-kubernetes-validations"].is_array() {
            place["x-kubernetes-validations"] = json!([]);
        }
        let Some(all) = place["x-kubernetes-validations"].as_array_mut() else {
            bail!("rules of {name} are no list");
        };
        all.push(json!({"rule": rule, "message": message}));
    }
    Ok(())
}

/// Each rule is CEL, names what is there, and costs less for all entries than an API server allows.
pub fn check(object: &Value) -> Result<()> {
    for (name, rule, _) in RULES {
        Program::compile(rule).with_context(|| format!("{name}: no CEL: {rule}"))?;
        let part = &object["properties"]["spec"]["properties"][name];
        let (many, fields) = match part["maxItems"].as_u64() {
            Some(most) => (most, &part["items"]["properties"]),
            None => (1, &part["properties"]),
        };
        ensure!(
            cost(rule) * many < COST_MAX,
            "{name}: costs too much: {rule}"
        );
        for named in rule.split("self.").skip(1) {
            let end = named.find(|letter: char| !letter.is_alphanumeric());
            let field = &named[..end.unwrap_or(named.len())];
            ensure!(fields.get(field).is_some(), "{name} has no {field}: {rule}");
        }
    }
    Ok(())
}
