//! What the run left in logs: nothing of Lapwing's may have been refused.

use super::walk::Walk;
use super::{namespace, servers};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Words of a refusal.
const WORDS: &[&str] = &["denied", "forbidden"];
/// Where the log has whether there was a right to it.
const DECISION: &str = "authorization.k8s.io/decision";
const ACCOUNTS: &str = "system:serviceaccount:lapwing:";

/// Looks through the logs of Lapwing's pods that there are, and what the API server noted of their requests.
pub fn clean(walk: &mut Walk<'_>) -> Result<()> {
    let pods = walk.own("/var/log/pods");
    let mut lines = 0;
    for pod in fs::read_dir(&pods).context("no logs of pods")?.flatten() {
        if pod.file_name().to_string_lossy().starts_with("lapwing_") {
            lines += logs(&pod.path())?;
        }
    }
    ensure!(lines > 0, "Lapwing's pods have no logs");
    let audit = fs::read_to_string(servers::audit(walk.node)).context("no audit log")?;
    let asked = requests(&audit)?;
    ensure!(asked > 0, "no request of Lapwing's is in the audit log");
    println!("             {lines} lines, {asked} requests");
    Ok(())
}

/// Reads the logs of one pod. Answers how many lines.
fn logs(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            lines += logs(&path)?;
            continue;
        }
        // Links to where the runtime has them, below the same folder.
        let text = fs::read_to_string(&path).unwrap_or_default();
        if let Some(line) = refusal(&text) {
            bail!("{}: {line}", path.display());
        }
        lines += text.lines().count();
    }
    Ok(lines)
}

/// The first line that tells of a refusal.
fn refusal(text: &str) -> Option<&str> {
    text.lines().find(|line| {
        let line = line.to_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    })
}

/// Counts the requests of Lapwing's accounts; none may have been forbidden for lack of a right. An API server that just
/// started has not read its roles yet, and refuses what it allowed before: that right is there.
fn requests(audit: &str) -> Result<usize> {
    let (mut asked, mut allowed) = (0, BTreeSet::new());
    // The last line may be half written.
    let events = audit
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for event in events {
        let user = event["user"]["username"].as_str().unwrap_or_default();
        if !user.starts_with(ACCOUNTS) {
            continue;
        }
        asked += 1;
        let right = [user, &event["verb"].to_string(), &object(&event)].join(" ");
        let is_refused = event["responseStatus"]["code"] == 403 && !is_of_namespace(&event);
        if is_refused && !allowed.contains(&right) {
            bail!("{user}: {} {}", event["verb"], event["requestURI"]);
        }
        if event["annotations"][DECISION] == "allow" {
            allowed.insert(right);
        }
    }
    Ok(asked)
}

/// What a request was of.
fn object(event: &Value) -> String {
    let of = &event["objectRef"];
    ["apiGroup", "resource", "subresource", "namespace", "name"]
        .map(|part| of[part].to_string())
        .join(" ")
}

/// Whether a request was refused because its namespace was being deleted: the right to it was there, and none helps
/// against that. The log of this server does not have the refusal's cause.
fn is_of_namespace(event: &Value) -> bool {
    event["annotations"][DECISION] == "allow"
        && event["objectRef"]["namespace"] == namespace::NAME
        && matches!(event["verb"].as_str(), Some("create" | "patch"))
}

/// How many requests of the controller's were in this namespace.
pub fn asked_in(walk: &Walk<'_>, namespace: &str) -> Result<usize> {
    let audit = fs::read_to_string(servers::audit(walk.node)).context("no audit log")?;
    let (user, place) = (
        format!("\"username\":\"{ACCOUNTS}lapwing-controller\""),
        format!("/namespaces/{namespace}/"),
    );
    let is_it = |line: &&str| line.contains(&user) && line.contains(&place);
    Ok(audit.lines().filter(is_it).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_found_in_any_letters() {
        assert_eq!(
            refusal("a\nPermission Denied\nb"),
            Some("Permission Denied")
        );
        assert_eq!(
            refusal("pods is forbidden: no"),
            Some("pods is forbidden: no")
        );
        assert_eq!(refusal("all is well\n"), None);
    }

    #[test]
    fn what_was_allowed_before_is_no_lack_of_a_right() {
        let event = |verb: &str, name: &str, code: u32, decision: &str| {
            json!({
                "user": {"username": format!("{ACCOUNTS}lapwing-controller")}, "verb": verb,
                "objectRef": {"apiGroup": "coordination.k8s.io", "resource": "leases", "namespace": "lapwing", "name": name},
                "responseStatus": {"code": code}, "annotations": {DECISION: decision},
            })
            .to_string()
        };
        let refused = event("update", "leader", 403, "forbid");
        let allowed = event("update", "leader", 200, "allow");
        assert_eq!(requests(&[&*allowed, &refused].join("\n")).unwrap(), 2);
        for before in [
            event("get", "leader", 200, "allow"),
            event("update", "other", 200, "allow"),
            // What comes later may have got the right.
            String::new(),
        ] {
            let all = [&*before, &refused, &allowed].join("\n");
            assert!(requests(&all).is_err(), "{all}");
        }
    }

    #[test]
    fn only_lapwings_forbidden_requests_count() {
        let event = |user: &str, code: u32| {
            json!({"user": {"username": user}, "responseStatus": {"code": code}, "verb": "list"})
                .to_string()
        };
        let own = format!("{ACCOUNTS}lapwing-agent");
        let fine = [
            event("system:node:a", 403),
            event(&own, 200),
            "{\"half".to_owned(),
        ];
        assert_eq!(requests(&fine.join("\n")).unwrap(), 1);
        let error = requests(&event(&own, 403)).unwrap_err().to_string();
        assert!(error.contains("lapwing-agent"), "{error}");
        // A namespace that ends takes nothing, whatever the rights.
        let inside = |namespace: &str, verb: &str, decision: &str| {
            let mut event: Value = serde_json::from_str(&event(&own, 403)).unwrap();
            event["verb"] = json!(verb);
            event["objectRef"] = json!({"namespace": namespace});
            event["annotations"] = json!({"authorization.k8s.io/decision": decision});
            requests(&event.to_string())
        };
        assert_eq!(inside("shop", "create", "allow").unwrap(), 1);
        for (namespace, verb, decision) in [
            ("shop", "create", "forbid"),
            ("lapwing", "create", "allow"),
            ("shop", "list", "allow"),
        ] {
            assert!(inside(namespace, verb, decision).is_err());
        }
    }
}
