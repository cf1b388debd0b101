//! The admission policies of the chart: that their expressions are CEL, and, in tests, what they decide.
//!
//! An API server is not there. The expressions run as it runs them: conditions first, then variables in their
//! order, then validations; `authorizer` answers by a list of rights.

use anyhow::{Context as _, Result, ensure};
use cel::Program;
use serde_json::Value;

/// Group of the resources.
pub const GROUP: &str = "admissionregistration.k8s.io/v1";

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
        Program::compile(text).with_context(|| format!("no CEL: {text}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    /// What becomes of a request.
    #[derive(Debug, PartialEq)]
    enum Answer {
        /// No business of the policy.
        Unasked,
        /// It may, and this is recorded.
        Allowed(String),
        /// It may not.
        Denied(String),
    }

    fn policy(name: &str) -> Value {
        let text = std::fs::read_to_string(crate::chart::path()).unwrap();
        let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let is_it = |one: &&Value| {
            one["kind"] == "ValidatingAdmissionPolicy" && one["metadata"]["name"] == name
        };
        all.iter().find(is_it).unwrap().clone()
    }

    /// Asks a policy about a request by `who`, who has these rights as group/resource/namespace/verb.
    fn ask(policy: &Value, request: &Value, rights: &'static [&'static str]) -> Answer {
        use cel::extractors::This;
        let mut context = cel::Context::default();
        for name in ["object", "oldObject", "request"] {
            let value = match name {
                "request" => request,
                _ => &request[name],
            };
            context.add_variable(name, value.clone()).unwrap();
        }
        context.add_variable("authorizer", json!("")).unwrap();
        for part in ["group", "resource", "namespace", "check"] {
            let step = |This(before): This<Arc<String>>, of: Arc<String>| format!("{before}/{of}");
            context.add_function(part, step).unwrap();
        }
        let allowed = |This(asked): This<Arc<String>>| rights.contains(&&asked[1..]);
        context.add_function("allowed", allowed).unwrap();
        let run = |context: &cel::Context<'_, '_>, text: &str| {
            let program = Program::compile(text).unwrap();
            let value = program.execute(context);
            value
                .unwrap_or_else(|error| panic!("{error}: {text}"))
                .json()
                .unwrap()
        };
        let spec = &policy["spec"];
        for (_, condition) in expressions(spec, "matchConditions", "expression") {
            if run(&context, condition) == json!(false) {
                return Answer::Unasked;
            }
        }
        let mut variables = json!({});
        for (name, text) in expressions(spec, "variables", "expression") {
            context
                .add_variable("variables", variables.clone())
                .unwrap();
            variables[name] = run(&context, text);
        }
        context.add_variable("variables", variables).unwrap();
        for validation in spec["validations"].as_array().unwrap() {
            if run(&context, validation["expression"].as_str().unwrap()) != json!(true) {
                let message = validation["messageExpression"].as_str().unwrap();
                return Answer::Denied(run(&context, message).as_str().unwrap().to_owned());
            }
        }
        let (_, text) = expressions(spec, "auditAnnotations", "valueExpression")[0];
        Answer::Allowed(run(&context, text).as_str().unwrap().to_owned())
    }

    fn namespace(mode: Option<&str>, annotations: Value) -> Value {
        let labels = mode.map_or(json!({}), |mode| json!({"lapwing.dev/mode": mode}));
        let metadata = [
            ("name", "shop".into()),
            ("labels", labels),
            ("annotations", annotations),
        ];
        json!({"metadata": Value::from_iter(metadata)})
    }

    fn change(from: Option<&str>, to: Option<&str>, annotations: Value) -> Value {
        json!({
            "operation": "UPDATE", "userInfo": {"username": "ann"},
            "object": namespace(to, annotations), "oldObject": namespace(from, json!({})),
        })
    }

    const LOOSEN: &[&str] = &["lapwing.dev/behaviorprofiles/shop/loosen"];

    #[test]
    fn less_is_reported_of_a_namespace_by_who_may_loosen() {
        let policy = policy("lapwing-namespace-modes");
        check(&policy).unwrap();
        // From, to, and whether that asks for the right.
        for (from, to, is_looser) in [
            (None, Some("monitor"), false),
            (None, Some("learn"), true),
            (None, Some("off"), true),
            (Some("monitor"), Some("learn"), true),
            (Some("monitor"), Some("off"), true),
            (Some("monitor"), None, true),
            (Some("monitor"), Some("Monitor"), false),
            // Agents went on as it was before the slip of the pen.
            (Some("Monitor"), Some("learn"), true),
            (Some("learn"), Some("monitor"), false),
            (Some("learn"), Some("off"), true),
            (Some("learn"), None, false),
            (Some("off"), Some("learn"), false),
            (Some("off"), Some("monitor"), false),
            (Some("off"), None, false),
            (Some("monitor"), Some(""), true),
        ] {
            let request = change(from, to, json!({}));
            let named = |mode: Option<&str>| match mode {
                None | Some("") => "no mode".to_owned(),
                Some(mode) => mode.to_owned(),
            };
            let (before, asked) = (named(from), named(to));
            let told = format!("shop: {before} -> {asked} by ann: no reason given");
            let expected = Answer::Allowed(told);
            assert_eq!(ask(&policy, &request, LOOSEN), expected);
            match ask(
                &policy,
                &request,
                &["lapwing.dev/behaviorprofiles/other/loosen"],
            ) {
                Answer::Denied(why) => {
                    assert!(is_looser, "{from:?} {to:?}: {why}");
                    assert!(
                        why.contains("namespace shop") && why.contains("ann"),
                        "{why}"
                    );
                    assert!(why.contains("lapwing-approver"), "{why}");
                }
                answer => assert!(
                    !is_looser && answer == expected,
                    "{from:?} {to:?}: {answer:?}"
                ),
            }
        }
        for same in [None, Some("off")] {
            let request = change(same, same, json!({"a": "b"}));
            assert_eq!(ask(&policy, &request, &[]), Answer::Unasked);
        }
        // One that is made: it has nothing that is monitored yet.
        for (mode, is_looser) in [("off", true), ("learn", false), ("monitor", false)] {
            let mut request = change(None, Some(mode), json!({}));
            request["operation"] = json!("CREATE");
            request["oldObject"] = Value::Null;
            let is_denied = matches!(ask(&policy, &request, &[]), Answer::Denied(_));
            assert_eq!(is_denied, is_looser, "{mode}");
        }
    }

    #[test]
    fn who_is_recorded_is_who_did_it() {
        let policy = policy("lapwing-namespace-modes");
        let said =
            |actor: &str| json!({"lapwing.dev/actor": actor, "lapwing.dev/reason": "release 1.4"});
        let request = change(Some("monitor"), Some("off"), said("ann"));
        let told = "shop: monitor -> off by ann: release 1.4";
        assert_eq!(
            ask(&policy, &request, LOOSEN),
            Answer::Allowed(told.to_owned())
        );
        let request = change(Some("off"), Some("monitor"), said("bob"));
        let Answer::Denied(why) = ask(&policy, &request, LOOSEN) else {
            panic!("another's name is taken");
        };
        assert_eq!(
            why,
            "the annotation lapwing.dev/actor must be ann, who changes this"
        );
    }

    fn profile(mode: Option<&str>, path: &str, signature: &str) -> Value {
        let mut spec = json!({"exec": [{"path": path}]});
        if let Some(mode) = mode {
            spec["mode"] = json!(mode);
        }
        json!({"metadata": {"name": "web", "annotations": {"lapwing.dev/signature": signature}}, "spec": spec})
    }

    fn write(operation: &str, who: &str, before: Value, object: Value) -> Value {
        Value::from_iter([
            ("operation", operation.into()),
            ("userInfo", json!({"username": who})),
            ("namespace", "shop".into()),
            ("name", "web".into()),
            ("object", object),
            ("oldObject", before),
        ])
    }

    #[test]
    fn profiles_are_written_by_who_may_approve_and_ended_by_who_may_loosen() {
        let policy = policy("lapwing-behavior-profiles");
        check(&policy).unwrap();
        let monitoring = || profile(Some("Monitoring"), "/a", "s");
        let none = Value::Null;
        for (request, verb) in [
            (
                write("CREATE", "ann", none.clone(), monitoring()),
                "approve",
            ),
            (
                write(
                    "UPDATE",
                    "ann",
                    monitoring(),
                    profile(Some("Monitoring"), "/b", "s"),
                ),
                "approve",
            ),
            (
                write(
                    "UPDATE",
                    "ann",
                    monitoring(),
                    profile(Some("Monitoring"), "/a", "t"),
                ),
                "approve",
            ),
            (
                write(
                    "UPDATE",
                    "ann",
                    profile(Some("Learning"), "/a", "s"),
                    monitoring(),
                ),
                "approve",
            ),
            (
                write("UPDATE", "ann", profile(None, "/a", "s"), monitoring()),
                "approve",
            ),
            (
                write(
                    "UPDATE",
                    "ann",
                    monitoring(),
                    profile(Some("Learning"), "/a", "s"),
                ),
                "loosen",
            ),
            (
                write("UPDATE", "ann", monitoring(), profile(None, "/b", "s")),
                "loosen",
            ),
            (write("DELETE", "ann", monitoring(), none.clone()), "loosen"),
        ] {
            let all: [(&str, &'static [&'static str]); 2] = [
                ("approve", &["lapwing.dev/behaviorprofiles/shop/approve"]),
                ("loosen", LOOSEN),
            ];
            for (has, rights) in all {
                match ask(&policy, &request, rights) {
                    Answer::Allowed(told) => {
                        assert_eq!(has, verb, "{request}");
                        assert!(
                            told.starts_with(verb) && told.contains("shop/web by ann"),
                            "{told}"
                        );
                    }
                    Answer::Denied(why) => {
                        assert_ne!(has, verb, "{request}");
                        assert!(why.contains(&format!("the verb {verb}")), "{why}");
                    }
                    Answer::Unasked => panic!("{request}"),
                }
            }
        }
        let mut labelled = monitoring();
        labelled["metadata"]["labels"] = json!({"team": "a"});
        let request = write("UPDATE", "ann", monitoring(), labelled);
        assert_eq!(ask(&policy, &request, &[]), Answer::Unasked);
        // Else a namespace that is deleted would never go.
        let cluster = "system:serviceaccount:kube-system:namespace-controller";
        let request = write("DELETE", cluster, monitoring(), none.clone());
        assert_eq!(ask(&policy, &request, &[]), Answer::Unasked);
        let request = write("CREATE", cluster, none, monitoring());
        assert!(matches!(ask(&policy, &request, &[]), Answer::Denied(_)));
    }
}
