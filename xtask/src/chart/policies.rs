//! The admission policies of the chart: that their expressions are CEL, and, in tests, what they decide.
//!
//! An API server is not there. The expressions run as it runs them: conditions first, then variables in their
//! order, then validations; `authorizer` answers by a list of rights. `cargo xtask api-proof` asks the same of
//! Kubernetes' own code.

use anyhow::{Context as _, Result, ensure};
use cel::Program;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

/// Group of the resources.
pub const GROUP: &str = "admissionregistration.k8s.io/v1";

/// What tests read of a rendered chart.
const READ: [&str; 6] = [
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "Deployment",
];

/// Values with which the policies are rendered for tests: agents alone; with the controller, which promotes, and
/// a record that has to be there; agents that monitor where no label says otherwise; and no labels of namespaces.
pub fn sets() -> [Value; 4] {
    [
        json!({"controller": {"enabled": false}}),
        json!({"controller": {"promote": "automatic"}, "admissionPolicy": {"record": "required"}}),
        json!({"controller": {"enabled": false}, "config": {"mode": "monitor"}}),
        json!({"namespaceModes": false}),
    ]
}

/// Where the objects of these sets are kept: tests run as a user who has no Helm.
pub fn kept() -> PathBuf {
    crate::root().join("xtask/src/chart/policies/tests/rendered.json")
}

/// What is kept of what was made of each set.
pub fn text(objects: &[Vec<Value>]) -> String {
    let read = |one: &&Value| READ.iter().any(|kind| one["kind"] == *kind);
    let all = { objects.iter() }.map(|of_set| of_set.iter().filter(read).cloned().collect());
    format!("{:#}\n", Value::Array(all.collect()))
}

/// The group of Kubernetes itself, whose objects have one version.
const CORE: &str = "";
/// What each policy is asked about, by the end of its name: group, resources, operations. A subresource that is not
/// named is not asked about.
const GUARDED: [(&str, &str, &[&str], &[&str]); 3] = [
    (
        "-namespace-modes",
        CORE,
        &["namespaces", "namespaces/status", "namespaces/finalize"],
        &["CREATE", "UPDATE"],
    ),
    (
        "-behavior-profiles",
        "lapwing.dev",
        &["behaviorprofiles"],
        &["CREATE", "UPDATE", "DELETE"],
    ),
    (
        "-learned-profiles",
        "lapwing.dev",
        &["learnedprofiles", "learnedprofiles/status"],
        &["CREATE", "UPDATE", "DELETE"],
    ),
];

thread_local! {
    /// By their texts: with most values the expressions are the same, and to parse one takes its time.
    static COMPILED: RefCell<BTreeMap<String, Rc<Program>>> = const { RefCell::new(BTreeMap::new()) };
}

/// One expression.
fn compile(text: &str) -> Result<Rc<Program>> {
    if let Some(known) = COMPILED.with_borrow(|all| all.get(text).cloned()) {
        return Ok(known);
    }
    let program = Program::compile(text).with_context(|| format!("no CEL: {text}"))?;
    let program = Rc::new(program);
    COMPILED.with_borrow_mut(|all| all.insert(text.to_owned(), Rc::clone(&program)));
    Ok(program)
}

/// The expressions of one kind, by what names them.
fn expressions<'o>(spec: &'o Value, list: &str, key: &str) -> Vec<(&'o str, &'o str)> {
    let all = spec[list].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .filter_map(|one| {
            let name = one["name"].as_str().unwrap_or_default();
            Some((name, one[key].as_str()?))
        })
        .collect()
}

/// What is wrong with one, or with the binding of one.
pub fn check(object: &Value) -> Result<()> {
    let spec = &object["spec"];
    if object["kind"] == "ValidatingAdmissionPolicyBinding" {
        ensure!(
            spec["policyName"] == object["metadata"]["name"]
                && spec["validationActions"] == serde_json::json!(["Deny", "Audit"]),
            "a policy has to be bound so that it denies: {object}"
        );
        return Ok(());
    }
    ensure!(
        spec["failurePolicy"] == "Fail",
        "what cannot be judged has to be refused"
    );
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let guarded = { GUARDED.iter() }.find(|(end, ..)| name.ends_with(end));
    let (_, group, resources, operations) =
        guarded.with_context(|| format!("{name} is not known: what is it asked about?"))?;
    let versions = if *group == CORE { "v1" } else { "*" };
    let expected = json!([{"apiGroups": [group], "apiVersions": [versions],
        "operations": operations, "resources": resources}]);
    let rules = &spec["matchConstraints"]["resourceRules"];
    ensure!(*rules == expected, "{name} is asked about {rules}");
    let mut all = Vec::new();
    for (list, key) in [
        ("matchConditions", "expression"),
        ("variables", "expression"),
        ("validations", "expression"),
        ("validations", "messageExpression"),
        ("auditAnnotations", "valueExpression"),
    ] {
        let found = expressions(spec, list, key);
        ensure!(!found.is_empty(), "no {key} in {list}");
        all.extend(found);
    }
    for (_, text) in all {
        compile(text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
