//! A `ValidatingAdmissionPolicy` for the pods of one workload, and what binds it: the API server then
//! refuses a pod whose container has not what is advised.
//!
//! Only what is advised is asked for; what is blocked is left as it is. The rules look at the container by
//! its name, as a pod is made with it. A name stands once in all lists of a pod, so no ephemeral container
//! (`kubectl debug`) can have it, and those are no matter of the policy: to ask when one is added would only
//! refuse to debug pods that are older than the policy. Each allows for what is not there: an expression that fails refuses the pod (`failurePolicy: Fail`),
//! with a message that nobody understands.

use crate::document::Target;
use crate::policy::Selects;
use crate::{Advice, names};
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};

/// The group of both objects: in this version since Kubernetes 1.30.
const API_VERSION: &str = "admissionregistration.k8s.io/v1";

/// What is said above the policy.
pub const COMMENTS: &[&str] = &[
    "needs Kubernetes 1.30; try it with validationActions [Warn, Audit] first, which refuse nothing",
    "it holds the container of this name in pods with these labels; other containers of the pods, and pods without the \
     labels, are held by nothing here",
];

/// A text as CEL has it: its escapes are those of JSON.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

/// A rule, and what it says of what breaks it.
struct Rule(String, String);

/// What holds of a container `c` that has a setting of its own, or else of its pod.
fn inherited(setting: &str, holds: &str) -> String {
    let of = |place: &str| format!("{place}.{setting}");
    let own = format!("has(c.securityContext) && has({})", of("c.securityContext"));
    let pods = "object.spec.securityContext";
    format!(
        "({own}) ? ({}) : (has({pods}) && has({}) && ({}))",
        holds.replace('$', &of("c.securityContext")),
        of(pods),
        holds.replace('$', &of(pods)),
    )
}

/// What holds of the settings that only containers have.
fn own(holds: &str) -> String {
    format!(
        "has(c.securityContext) && {}",
        holds.replace('$', "c.securityContext")
    )
}

fn rules(advice: &Advice, target: &Target) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut rule = |expression: String, message: &str| {
        rules.push(Rule(
            format!("variables.advised.all(c, {expression})"),
            // The API takes no line breaks here.
            format!(
                "Lapwing advises of {}: {message}",
                visible(&target.container)
            ),
        ));
    };
    if advice.privileged.forbid {
        rule(
            "!has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged".to_owned(),
            "privileged must be false",
        );
    }
    if advice.root.read_only {
        rule(
            own("has($.readOnlyRootFilesystem) && $.readOnlyRootFilesystem"),
            "readOnlyRootFilesystem must be true",
        );
    }
    if advice.escalation.forbid {
        rule(
            own("has($.allowPrivilegeEscalation) && !$.allowPrivilegeEscalation"),
            "allowPrivilegeEscalation must be false",
        );
    }
    if advice.capabilities.drop_all {
        rule(
            own(
                "has($.capabilities) && has($.capabilities.drop) && $.capabilities.drop.exists(one, one == 'ALL')",
            ),
            "capabilities.drop must have ALL",
        );
        let names = advice.capabilities.names();
        let listed: Vec<String> = names.iter().map(|name| literal(name)).collect();
        let may = match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        };
        rule(
            format!(
                "!has(c.securityContext) || !has(c.securityContext.capabilities) || \
                 !has(c.securityContext.capabilities.add) || \
                 c.securityContext.capabilities.add.all(one, one in [{}])",
                listed.join(", ")
            ),
            &format!("capabilities.add may have {may} and no more"),
        );
    }
    if advice.user.non_root {
        rule(
            inherited("runAsNonRoot", "$"),
            "runAsNonRoot must be true, here or of the pod",
        );
    }
    match &target.localhost {
        Some(file) => {
            let file = literal(file);
            rule(
                inherited(
                    "seccompProfile",
                    &format!(
                        "$.type == 'Localhost' && has($.localhostProfile) && $.localhostProfile == {file}"
                    ),
                ),
                &format!("seccompProfile must be the Localhost profile {file}, here or of the pod"),
            );
        }
        None if !advice.seccomp.default => {}
        None => rule(
            inherited(
                "seccompProfile",
                "$.type in ['RuntimeDefault', 'Localhost']",
            ),
            "seccompProfile must be RuntimeDefault or a Localhost one, here or of the pod",
        ),
    }
    rules
}

/// The policy and its binding, of a namespace, which must not be empty.
#[must_use]
pub fn objects(advice: &Advice, target: &Target, selects: &Selects) -> [Value; 2] {
    let (namespace, container) = (&selects.namespace, &target.container);
    let Workload { kind, name, .. } = &advice.workload;
    let is_plain = ![namespace, container].iter().any(|part| part.contains('-'))
        && matches!(kind.as_str(), "" | "Deployment");
    let name = names::label(
        &format!("lapwing-{namespace}-{name}-{container}"),
        &[namespace, kind, name, container],
        is_plain,
    );
    let rules = rules(advice, target);
    let validations: Vec<Value> = (rules.iter())
        .map(|Rule(expression, message)| {
            json!({"expression": expression, "message": message, "reason": "Forbidden"})
        })
        .collect();
    let list = |name: &str| format!("(has(object.spec.{name}) ? object.spec.{name} : [])");
    let all = ["containers", "initContainers"].map(list).join(" + ");
    let container = literal(&target.container);
    let policy = json!({
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": selects.namespace}},
                "objectSelector": {"matchLabels": selects.labels},
                // What is looked at cannot be changed of a pod that is there, and to refuse other changes of
                // it would keep it from being deleted.
                "resourceRules": [{
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["pods"],
                }],
            },
            "variables": [{
                "name": "advised",
                "expression": format!("({all}).filter(c, c.name == {container})"),
            }],
            "validations": validations,
        },
    });
    let binding = json!({
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    });
    [policy, binding]
}
