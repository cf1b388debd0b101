//! Rights that the chart gives to people, and to its own parts: what the schemas do not say.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// A label by which a role becomes part of another.
const AGGREGATE: &str = "rbac.authorization.k8s.io/aggregate-to-";
/// Verbs that only read.
const READ: [&str; 3] = ["get", "list", "watch"];

/// What is wrong with the roles of one rendering.
pub fn check(objects: &[Value]) -> Result<()> {
    let of_kind = |kinds: &'static [&str]| {
        let is_one = move |one: &&Value| kinds.iter().any(|kind| one["kind"] == *kind);
        objects.iter().filter(is_one)
    };
    let bound: Vec<&Value> = of_kind(&["RoleBinding", "ClusterRoleBinding"])
        .map(|one| &one["roleRef"]["name"])
        .collect();
    for role in of_kind(&["Role", "ClusterRole"]) {
        let name = role["metadata"]["name"].as_str().context("no name")?;
        let is_bound = bound.iter().any(|bound| **bound == *name);
        let labels = role["metadata"]["labels"]
            .as_object()
            .context("no labels")?;
        let joins: Vec<&str> = { labels.keys() }
            .filter_map(|label| label.strip_prefix(AGGREGATE))
            .collect();
        let rules = role["rules"].as_array().context("no rules")?;
        for rule in rules {
            ensure!(
                !rule.to_string().contains("\"*\""),
                "{name} has more than it says: {rule}"
            );
        }
        if name.ends_with("-view") {
            ensure!(
                joins == ["view"] && !is_bound,
                "{name} is for the role view"
            );
            let expected = json!([{"apiGroups": ["lapwing.dev"],
                "resources": ["behaviorprofiles", "learnedprofiles"], "verbs": READ}]);
            ensure!(role["rules"] == expected, "{name}: {}", role["rules"]);
            continue;
        }
        ensure!(joins.is_empty(), "{name} must be no part of another role");
        if name.ends_with("-approver") {
            ensure!(!is_bound, "{name} is bound by people");
            let expected = json!([
                {"apiGroups": ["lapwing.dev"], "resources": ["behaviorprofiles"], "verbs":
                    ["get", "list", "watch", "create", "update", "patch", "delete", "approve", "loosen"]},
                {"apiGroups": ["lapwing.dev"], "resources": ["learnedprofiles"], "verbs": READ},
            ]);
            ensure!(role["rules"] == expected, "{name}: {}", role["rules"]);
            continue;
        }
        ensure!(is_bound, "{name} is of no use: nobody has it");
        if name.ends_with("-certificates") {
            check_secrets(rules).with_context(|| name.to_owned())?;
            continue;
        }
        // No part of Lapwing ends what people decided, or reads what it is not given.
        let text = role["rules"].to_string();
        ensure!(!text.contains("\"loosen\""), "{name} may loosen");
        ensure!(!text.contains("\"secrets\""), "{name} reads Secrets");
        // What becomes of profiles is the controller's word, and it says nothing but that beside them.
        let of_status = rules.iter().filter(|rule| {
            let resources = rule["resources"].as_array();
            resources.is_some_and(|all| all.iter().any(|one| one == "behaviorprofiles/status"))
        });
        let of_status: Vec<&Value> = of_status.collect();
        let expected = json!({"apiGroups": ["lapwing.dev"], "resources": ["behaviorprofiles/status"], "verbs": ["patch"]});
        match name.ends_with("-controller-learned") {
            true => ensure!(
                of_status == [&expected],
                "{name} writes no status: {of_status:?}"
            ),
            false => ensure!(
                of_status.is_empty(),
                "{name} writes the status of BehaviorProfiles"
            ),
        }
        // One that makes profiles has to be let through by the policies.
        let of_profiles = |verb: &str| {
            rules.iter().any(|rule| {
                let has = |key: &str, value: &str| {
                    { rule[key].as_array() }.is_some_and(|all| all.iter().any(|one| one == value))
                };
                has("resources", "behaviorprofiles") && has("verbs", verb)
            })
        };
        ensure!(
            of_profiles("create") == of_profiles("approve"),
            "{name} may make BehaviorProfiles, and not approve, or the other way round"
        );
    }
    Ok(())
}

/// The job that makes certificates reads and changes those by name.
fn check_secrets(rules: &[Value]) -> Result<()> {
    for rule in rules {
        ensure!(
            rule["apiGroups"] == json!([""]) && rule["resources"] == json!(["secrets"]),
            "it is for Secrets alone: {rule}"
        );
        let names = rule["resourceNames"].as_array().map_or(0, Vec::len);
        match rule["verbs"].to_string().as_str() {
            r#"["get","update"]"# => ensure!(names == 4, "Secrets by no name: {rule}"),
            r#"["create"]"# => {}
            verbs => bail!("{verbs} is more than it needs"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_with_more_is_found() {
        let text = std::fs::read_to_string(crate::chart::plain::AGENTS.path()).unwrap();
        let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        check(&all).unwrap();
        for (kind, name, change) in [
            (
                "ClusterRole",
                "lapwing-approver",
                json!({"labels": {format!("{AGGREGATE}edit"): "true"}}),
            ),
            (
                "ClusterRole",
                "lapwing-view",
                json!({"labels": {format!("{AGGREGATE}view"): "true"},
                "rules": [{"apiGroups": ["lapwing.dev"], "resources": ["behaviorprofiles"], "verbs": ["patch"]}]}),
            ),
            (
                "ClusterRole",
                "lapwing-agent",
                json!({"rules": [{"verbs": ["*"]}]}),
            ),
            (
                "ClusterRole",
                "lapwing-agent",
                json!({"rules": [{"resources": ["behaviorprofiles"], "verbs": ["create"]}]}),
            ),
            (
                "ClusterRole",
                "lapwing-agent",
                json!({"rules": [{"apiGroups": ["lapwing.dev"], "resources": ["behaviorprofiles/status"],
                    "verbs": ["patch"]}]}),
            ),
            (
                "ClusterRoleBinding",
                "lapwing-agent",
                json!({"to": "lapwing-approver"}),
            ),
        ] {
            let mut wrong = all.clone();
            let is_it = |one: &&mut Value| one["kind"] == kind && one["metadata"]["name"] == name;
            let one = wrong.iter_mut().find(is_it).unwrap();
            if let Some(labels) = change.get("labels") {
                one["metadata"]["labels"] = labels.clone();
            }
            if let Some(rules) = change.get("rules") {
                one["rules"] = rules.clone();
            }
            if let Some(to) = change.get("to") {
                one["roleRef"]["name"] = to.clone();
            }
            assert!(check(&wrong).is_err(), "{name}: {change}");
        }
    }

    #[test]
    fn the_job_of_certificates_reads_what_it_made() {
        let rule = |names: usize, verbs: &[&str]| {
            let names: Vec<String> = (0..names).map(|number| format!("s{number}")).collect();
            json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": names, "verbs": verbs})
        };
        check_secrets(&[rule(4, &["get", "update"]), rule(0, &["create"])]).unwrap();
        for wrong in [
            rule(0, &["get", "update"]),
            rule(4, &["list"]),
            json!({"resources": ["pods"]}),
        ] {
            assert!(check_secrets(&[wrong]).is_err());
        }
    }
}
