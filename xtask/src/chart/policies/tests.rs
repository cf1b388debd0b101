mod profiles;
mod question;
mod words;

use super::*;
use std::sync::{Arc, LazyLock};

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

impl Answer {
    /// Why not.
    #[track_caller]
    fn denied(self) -> String {
        match self {
            Self::Denied(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What is recorded.
    #[track_caller]
    fn allowed(self) -> String {
        match self {
            Self::Allowed(told) => told,
            other => panic!("{other:?}"),
        }
    }
}

/// One of [`sets`].
#[derive(Clone, Copy, Debug)]
enum Set {
    Plain,
    Required,
    Monitor,
    NoModes,
}

/// What is read of each set, in the order of [`Set`], which is that of [`sets`].
static RENDERED: LazyLock<Vec<Vec<Value>>> = LazyLock::new(|| {
    let text = std::fs::read_to_string(kept()).expect("`cargo xtask chart` writes it");
    serde_json::from_str(&text).unwrap()
});

fn policy(set: Set, name: &str) -> &'static Value {
    let is_it = |one: &&Value| {
        one["kind"] == "ValidatingAdmissionPolicy" && one["metadata"]["name"] == name
    };
    let found = RENDERED[set as usize].iter().find(is_it).unwrap();
    check(found).unwrap();
    found
}

const NAMESPACES: &str = "lapwing-namespace-modes";
const PROFILES: &str = "lapwing-behavior-profiles";
const LEARNED: &str = "lapwing-learned-profiles";
const CONTROLLER: &str = "system:serviceaccount:lapwing:lapwing-controller";
const CLUSTER: [&str; 3] = [
    "system:serviceaccount:kube-system:namespace-controller",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-controller-manager",
];
const LOOSEN: &[&str] = &["lapwing.dev/behaviorprofiles/shop/loosen"];
const APPROVE: &[&str] = &["lapwing.dev/behaviorprofiles/shop/approve"];
const BOTH: &[&str] = &[LOOSEN[0], APPROVE[0]];

/// Asks a policy about a request by somebody who has these rights as group/resource/namespace/verb, and keeps
/// question and answer where they are wanted.
fn ask(policy: &Value, request: &Value, rights: &'static [&'static str]) -> Answer {
    let (answer, recorded) = decide(policy, request, rights);
    question::keep(policy, request, rights, &answer, &recorded);
    answer
}

/// What becomes of a request, and what is recorded of it; nothing where the policy is not asked.
fn decide(policy: &Value, request: &Value, rights: &'static [&'static str]) -> (Answer, String) {
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
        let program = compile(text).unwrap();
        let value = program.execute(context);
        value
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .json()
            .unwrap()
    };
    let spec = &policy["spec"];
    let mut is_asked = true;
    // All of them, as an error of any refuses the request.
    for (_, condition) in expressions(spec, "matchConditions", "expression") {
        is_asked &= run(&context, condition) == json!(true);
    }
    if !is_asked {
        return (Answer::Unasked, String::new());
    }
    let mut variables = json!({});
    for (name, text) in expressions(spec, "variables", "expression") {
        context
            .add_variable("variables", variables.clone())
            .unwrap();
        variables[name] = run(&context, text);
    }
    context.add_variable("variables", variables).unwrap();
    // Recorded also where it is refused.
    let (_, text) = expressions(spec, "auditAnnotations", "valueExpression")[0];
    let told = run(&context, text).as_str().unwrap().to_owned();
    for validation in spec["validations"].as_array().unwrap() {
        if run(&context, validation["expression"].as_str().unwrap()) != json!(true) {
            let message = match validation["messageExpression"].as_str() {
                Some(text) => run(&context, text),
                None => validation["message"].clone(),
            };
            return (Answer::Denied(message.as_str().unwrap().to_owned()), told);
        }
    }
    (Answer::Allowed(told.clone()), told)
}

/// Without what the API leaves out: a list or a map that is empty.
fn bare(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|_, value| *value != json!({}) && *value != json!([]));
    }
    object
}

fn namespace(mode: Option<&str>, annotations: Value) -> Value {
    let labels = mode.map_or(json!({}), |mode| json!({"lapwing.dev/mode": mode}));
    let metadata = [
        ("name", "shop".into()),
        ("labels", labels),
        ("annotations", annotations),
    ];
    bare(json!({"metadata": Value::from_iter(metadata)}))
}

/// Somebody's words on an object.
fn said(actor: &str, reason: &str) -> Value {
    json!({"lapwing.dev/actor": actor, "lapwing.dev/reason": reason})
}

/// As the API asks: without a name, as where many are deleted at once, and what there is not is null.
fn write(operation: &str, who: &str, before: Value, object: Value) -> Value {
    Value::from_iter([
        ("operation", operation.into()),
        ("userInfo", json!({"username": who})),
        ("namespace", "shop".into()),
        ("object", object),
        ("oldObject", before),
    ])
}

fn profile(mode: &str, path: &str, annotations: Value) -> Value {
    let mut spec = json!({"exec": [{"path": path}]});
    if !mode.is_empty() {
        spec["mode"] = json!(mode);
    }
    let metadata = [("name", "web".into()), ("annotations", annotations)];
    bare(json!({"metadata": Value::from_iter(metadata), "spec": spec}))
}

fn change(from: Option<&str>, to: Option<&str>, annotations: Value) -> Value {
    write(
        "UPDATE",
        "ann",
        namespace(from, json!({})),
        namespace(to, annotations),
    )
}

#[test]
fn less_is_reported_of_a_namespace_by_who_may_loosen() {
    let policy = policy(Set::Plain, NAMESPACES);
    // From, to, and whether that asks for the right.
    for (from, to, is_looser) in [
        (None, Some("monitor"), false),
        (None, Some("learn"), true),
        (None, Some("off"), true),
        (Some("monitor"), Some("learn"), true),
        (Some("monitor"), Some("off"), true),
        (Some("monitor"), None, true),
        // From before the policy: agents went on as it was before the slip of the pen, or monitored.
        (Some("Monitor"), Some("learn"), true),
        (Some("Monitor"), None, true),
        (Some("Monitor"), Some("monitor"), false),
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
        assert_eq!(ask(policy, &request, LOOSEN), expected);
        match ask(
            policy,
            &request,
            &["lapwing.dev/behaviorprofiles/other/loosen"],
        ) {
            Answer::Denied(why) => {
                assert!(is_looser, "{from:?} {to:?}: {why}");
                for part in ["namespace shop", "ann", "lapwing-approver"] {
                    assert!(why.contains(part), "{part}: {why}");
                }
            }
            answer => assert!(
                !is_looser && answer == expected,
                "{from:?} {to:?}: {answer:?}"
            ),
        }
    }
    for same in [None, Some("off")] {
        let request = change(same, same, json!({"a": "b"}));
        assert_eq!(ask(policy, &request, &[]), Answer::Unasked);
    }
}

#[test]
fn what_no_label_means_is_as_agents_are_configured() {
    for (set, from_none, to_none, made) in [
        (Set::Plain, true, false, false),
        (Set::Monitor, true, true, true),
    ] {
        let policy = policy(set, NAMESPACES);
        for (from, to, is_looser) in [
            (None, Some("learn"), from_none),
            (Some("learn"), None, false),
            (Some("monitor"), None, !to_none),
            (Some("off"), None, false),
        ] {
            let answer = ask(policy, &change(from, to, json!({})), &[]);
            let is_denied = matches!(answer, Answer::Denied(_));
            assert_eq!(is_denied, is_looser, "{set:?} {from:?} {to:?}: {answer:?}");
        }
        // One that is made: it has nothing that is monitored yet, unless it is by itself.
        for (mode, is_looser) in [("off", true), ("learn", made), ("monitor", false)] {
            let object = namespace(Some(mode), json!({}));
            let answer = ask(policy, &write("CREATE", "ann", Value::Null, object), &[]);
            let is_denied = matches!(answer, Answer::Denied(_));
            assert_eq!(is_denied, is_looser, "{set:?} {mode}: {answer:?}");
        }
        let request = write("CREATE", "ann", Value::Null, namespace(None, json!({})));
        assert_eq!(ask(policy, &request, &[]), Answer::Unasked);
    }
}

#[test]
fn who_is_recorded_is_who_did_it() {
    let policy = policy(Set::Plain, NAMESPACES);
    let request = change(Some("monitor"), Some("off"), said("ann", "release 1.4"));
    let told = "shop: monitor -> off by ann: release 1.4";
    assert_eq!(ask(policy, &request, LOOSEN).allowed(), told);
    let must = "the annotation lapwing.dev/actor must be ann, who changes this";
    let request = change(Some("off"), Some("monitor"), said("bob", "release 1.4"));
    assert_eq!(ask(policy, &request, LOOSEN).denied(), must);
}

/// What stands on an object is of who changed it last, and is no hindrance to the next.
#[test]
fn a_record_of_an_earlier_change_says_nothing_of_this_one() {
    let object = |name: &str, step: usize, said: Value| match name {
        NAMESPACES => namespace(Some(["off", "monitor"][step]), said),
        _ => profile("Monitoring", ["/a", "/b"][step], said),
    };
    for name in [NAMESPACES, PROFILES] {
        for old in [said("bob", "r"), json!({"lapwing.dev/actor": CONTROLLER})] {
            let by_ann = |after: Value| {
                write(
                    "UPDATE",
                    "ann",
                    object(name, 0, old.clone()),
                    object(name, 1, after),
                )
            };
            let request = by_ann(old.clone());
            let told = ask(policy(Set::Plain, name), &request, BOTH).allowed();
            assert!(told.contains("by ann"), "{told}");
            // It asks for the same rights as ever.
            if name == PROFILES {
                let why = ask(policy(Set::Plain, name), &request, &[]).denied();
                assert!(why.contains("the verb approve"), "{why}");
            }
            // Where a record is wanted, this is none.
            let why = ask(policy(Set::Required, name), &request, BOTH).denied();
            assert!(why.contains("lapwing.dev/actor must be ann"), "{why}");
            for set in [Set::Plain, Set::Required] {
                ask(policy(set, name), &by_ann(said("ann", "s")), BOTH).allowed();
                let mut other = old.clone();
                other["lapwing.dev/reason"] = json!("s");
                let why = ask(policy(set, name), &by_ann(other), BOTH).denied();
                assert!(why.contains("lapwing.dev/actor must be ann"), "{why}");
            }
        }
    }
}

#[test]
fn a_record_is_not_written_anew_for_somebody_else() {
    for set in [Set::Plain, Set::Required] {
        for (name, object) in [
            (
                NAMESPACES,
                (&|said| namespace(Some("off"), said)) as &dyn Fn(Value) -> Value,
            ),
            // Also where nothing else is said.
            (NAMESPACES, &|said| namespace(None, said)),
            (PROFILES, &|said| profile("Monitoring", "/a", said)),
        ] {
            let policy = policy(set, name);
            let update = |before, after| write("UPDATE", "ann", object(before), object(after));
            let must = "the annotation lapwing.dev/actor must be ann, who changes this";
            let mine = || said("ann", "r");
            for (before, after) in [
                (mine(), said("bob", "r")),
                (json!({}), said("bob", "r")),
                // Other words in bob's mouth.
                (said("bob", "r"), said("bob", "s")),
            ] {
                let request = update(before, after);
                assert_eq!(ask(policy, &request, BOTH).denied(), must, "{request}");
            }
            // It decides nothing, and needs no verb.
            let told = ask(policy, &update(said("bob", "r"), mine()), &[]).allowed();
            assert!(told.ends_with("by ann: r"), "{told}");
            ask(policy, &update(mine(), json!({})), &[]).allowed();
            let request = update(mine(), mine());
            assert_eq!(ask(policy, &request, &[]), Answer::Unasked);
        }
        let request = write(
            "CREATE",
            "ann",
            Value::Null,
            namespace(None, said("bob", "r")),
        );
        ask(policy(set, NAMESPACES), &request, BOTH).denied();
    }
}

#[test]
fn a_record_that_is_required_is_about_this_change() {
    for (name, before, after) in [
        (
            NAMESPACES,
            (&|said| namespace(Some("monitor"), said)) as &dyn Fn(Value) -> Value,
            (&|said| namespace(Some("off"), said)) as &dyn Fn(Value) -> Value,
        ),
        (
            PROFILES,
            &|said| profile("Monitoring", "/a", said),
            &|said| profile("Monitoring", "/b", said),
        ),
    ] {
        let (policy, optional) = (policy(Set::Required, name), policy(Set::Plain, name));
        let judge = |was, now| {
            let request = write("UPDATE", "ann", before(was), after(now));
            let is_true =
                request["object"]["metadata"]["annotations"]["lapwing.dev/actor"] != "bob";
            let is_allowed = matches!(ask(optional, &request, BOTH), Answer::Allowed(_));
            assert_eq!(is_allowed, is_true, "{request}");
            ask(policy, &request, BOTH)
        };
        let actor = "lapwing.dev/actor must be ann";
        let reason = "lapwing.dev/reason must say why";
        for (was, now, wanted) in [
            (json!({}), json!({}), actor),
            (json!({}), json!({"lapwing.dev/reason": "r"}), actor),
            (json!({}), json!({"lapwing.dev/actor": "ann"}), reason),
            (json!({}), said("ann", ""), reason),
            (json!({}), said("bob", "r"), actor),
            // Left from before.
            (said("ann", "r"), said("ann", "r"), reason),
        ] {
            let why = judge(was, now).denied();
            assert!(why.contains(wanted), "{wanted}: {why}");
        }
        for (was, reason) in [
            (json!({}), "r"),
            (said("ann", "q"), "r"),
            (said("bob", "r"), "r"),
        ] {
            let told = judge(was, said("ann", reason)).allowed();
            assert!(told.ends_with("by ann: r"), "{told}");
        }
        let request = write("CREATE", "ann", Value::Null, after(said("ann", "r")));
        ask(policy, &request, BOTH).allowed();
        let request = write("CREATE", "ann", Value::Null, after(json!({})));
        ask(policy, &request, BOTH).denied();
    }
    // What is deleted can say nothing.
    let request = write(
        "DELETE",
        "ann",
        profile("Learning", "/a", json!({})),
        Value::Null,
    );
    ask(policy(Set::Required, PROFILES), &request, LOOSEN).allowed();
}

#[test]
fn a_policy_that_is_not_asked_about_a_subresource_is_found() {
    for name in [NAMESPACES, PROFILES, LEARNED] {
        let known = policy(Set::Plain, name);
        let rule = |one: &mut Value, key: &str| -> Value {
            one["spec"]["matchConstraints"]["resourceRules"][0][key].take()
        };
        for key in ["resources", "operations", "apiGroups"] {
            let mut wrong = known.clone();
            let mut all = rule(&mut wrong, key);
            all.as_array_mut().unwrap().pop();
            wrong["spec"]["matchConstraints"]["resourceRules"][0][key] = all;
            let why = check(&wrong).unwrap_err().to_string();
            assert!(why.contains("is asked about"), "{why}");
        }
        let mut wrong = known.clone();
        wrong["metadata"]["name"] = json!("lapwing-other");
        check(&wrong).unwrap_err();
        let mut wrong = known.clone();
        wrong["spec"]["failurePolicy"] = json!("Ignore");
        check(&wrong).unwrap_err();
        let mut wrong = known.clone();
        wrong["spec"]["variables"][0]["expression"] = json!("object.");
        check(&wrong).unwrap_err();
    }
}

/// Who does not look at labels of namespaces does not ask for them.
#[test]
fn namespaces_are_read_where_their_labels_count() {
    for (set, reads) in [(Set::Required, true), (Set::NoModes, false)] {
        let roles = RENDERED[set as usize]
            .iter()
            .filter(|one| one["kind"] == "ClusterRole" || one["kind"] == "Role");
        let reading = roles.filter(|one| one["rules"].to_string().contains("\"namespaces\""));
        assert_eq!(reading.count(), if reads { 2 } else { 0 }, "{set:?}");
    }
}
