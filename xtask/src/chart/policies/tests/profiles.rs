//! What is written about behaviours, by people and by the controller.

use super::*;

/// With owners, by their names and uids.
fn owned(mut object: Value, owners: &[(&str, &str)]) -> Value {
    let one = |(name, uid): &(&str, &str)| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid});
    object["metadata"]["ownerReferences"] = owners.iter().map(one).collect();
    bare(object)
}

#[test]
fn profiles_are_written_by_who_may_approve_and_ended_by_who_may_loosen() {
    let policy = policy(Set::Plain, PROFILES);
    let update = |before, object| write("UPDATE", "ann", before, object);
    let create = |object| write("CREATE", "ann", Value::Null, object);
    let of = |mode| profile(mode, "/a", json!({}));
    let signed = |text: &str| profile("Monitoring", "/a", json!({"lapwing.dev/signature": text}));
    for (request, verb) in [
        (create(of("Monitoring")), "approve"),
        // What learns has nothing reported, where agents would monitor it.
        (create(of("Learning")), "loosen"),
        (create(of("Review")), "loosen"),
        (create(of("")), "loosen"),
        (
            update(of("Monitoring"), profile("Monitoring", "/b", json!({}))),
            "approve",
        ),
        (update(signed("s"), signed("t")), "approve"),
        (update(of("Monitoring"), signed("t")), "approve"),
        (update(signed("s"), of("Monitoring")), "approve"),
        (update(of("Learning"), of("Monitoring")), "approve"),
        (update(of(""), of("Monitoring")), "approve"),
        (update(of("Learning"), of("Review")), "approve"),
        (update(of("Monitoring"), of("Learning")), "loosen"),
        (update(of("Monitoring"), of("Review")), "loosen"),
        (
            update(of("Monitoring"), profile("", "/b", json!({}))),
            "loosen",
        ),
        (
            write("DELETE", "ann", of("Monitoring"), Value::Null),
            "loosen",
        ),
        (
            write("DELETE", "ann", of("Learning"), Value::Null),
            "loosen",
        ),
        // With an owner that is not there it is deleted by the cluster itself.
        (create(owned(of("Monitoring"), &[("a", "1")])), "loosen"),
        (
            update(of("Monitoring"), owned(of("Monitoring"), &[("a", "1")])),
            "loosen",
        ),
        (
            update(
                owned(of("Monitoring"), &[("a", "1")]),
                owned(of("Monitoring"), &[("b", "1")]),
            ),
            "loosen",
        ),
        (
            update(
                owned(of("Learning"), &[("a", "1")]),
                owned(of("Monitoring"), &[("a", "1"), ("b", "2")]),
            ),
            "loosen",
        ),
    ] {
        for (has, rights) in [("approve", APPROVE), ("loosen", LOOSEN)] {
            match ask(policy, &request, rights) {
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
    let mut labelled = of("Monitoring");
    labelled["metadata"]["labels"] = json!({"team": "a"});
    for (before, after) in [
        (of("Monitoring"), labelled),
        // The cluster itself does so, of what is to outlive its owner; it ends nothing.
        (owned(of("Monitoring"), &[("a", "1")]), of("Monitoring")),
    ] {
        assert_eq!(ask(policy, &update(before, after), &[]), Answer::Unasked);
    }
    for cluster in CLUSTER {
        // Else a namespace that is deleted would never go.
        let request = write("DELETE", cluster, of("Monitoring"), Value::Null);
        assert_eq!(ask(policy, &request, &[]), Answer::Unasked);
        let request = write("CREATE", cluster, Value::Null, of("Monitoring"));
        ask(policy, &request, &[]).denied();
        let request = write("UPDATE", cluster, of("Monitoring"), of("Learning"));
        ask(policy, &request, &[]).denied();
    }
}

/// What the controller makes, as its own tests keep it, is let through where a record is required.
#[test]
fn what_the_controller_promotes_is_let_through() {
    let path = crate::root().join("agent/src/controller/learned/tests/promoted.json");
    let text = std::fs::read_to_string(path).unwrap();
    let object: Value = serde_json::from_str(&text).unwrap();
    let policy = policy(Set::Required, PROFILES);
    let create = |who, object| write("CREATE", who, Value::Null, object);
    let request = create(CONTROLLER, object.clone());
    let told = ask(policy, &request, APPROVE).allowed();
    assert!(told.starts_with("approve (CREATE) shop/"), "{told}");
    assert!(
        told.contains(&format!("by {CONTROLLER}: by lapwing-controller")),
        "{told}"
    );
    ask(policy, &request, &[]).denied();
    ask(policy, &create("ann", object.clone()), BOTH).denied();
    for lacks in ["lapwing.dev/actor", "lapwing.dev/reason"] {
        let mut object = object.clone();
        object["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .remove(lacks)
            .unwrap();
        let why = ask(policy, &create(CONTROLLER, object), BOTH).denied();
        assert!(why.contains(lacks), "{why}");
    }
    // It is told that this is who it is.
    let is_told = RENDERED[Set::Required as usize].iter().any(|one| {
        one["kind"] == "Deployment" && {
            let containers = &one["spec"]["template"]["spec"]["containers"];
            let variable = json!({"name": "LAPWING_USER", "value": CONTROLLER});
            { containers[0]["env"].as_array() }.is_some_and(|all| all.contains(&variable))
        }
    });
    assert!(is_told);
}

fn learned(evidence: Option<&str>) -> Value {
    let mut object = json!({"metadata": {"name": "web"}, "spec": {"workload": {"name": "web"}}});
    if let Some(evidence) = evidence {
        object["status"] = json!({"evidence": evidence});
    }
    object
}

#[test]
fn what_nodes_learned_is_written_by_the_controller_alone() {
    for (set, is_on) in [(Set::Plain, false), (Set::Required, true)] {
        let policy = policy(set, LEARNED);
        let mut other = learned(Some("a"));
        other["spec"]["workload"]["name"] = json!("db");
        for (operation, before, object) in [
            ("CREATE", Value::Null, learned(None)),
            ("CREATE", Value::Null, learned(Some("forged"))),
            ("UPDATE", learned(None), learned(Some("forged"))),
            ("UPDATE", learned(Some("a")), learned(Some("forged"))),
            ("UPDATE", learned(Some("a")), learned(None)),
            ("UPDATE", learned(Some("a")), other),
            (
                "UPDATE",
                learned(Some("a")),
                owned(learned(Some("a")), &[("gone", "1")]),
            ),
        ] {
            let by = |who: &str| write(operation, who, before.clone(), object.clone());
            for who in ["ann", CLUSTER[0], CLUSTER[1], CLUSTER[2]] {
                let why = ask(policy, &by(who), BOTH).denied();
                let names = if is_on { CONTROLLER } else { "nobody" };
                assert!(why.contains(names) && why.contains(who), "{why}");
            }
            match ask(policy, &by(CONTROLLER), &[]) {
                Answer::Unasked => assert!(is_on),
                Answer::Denied(_) => assert!(!is_on),
                other @ Answer::Allowed(_) => panic!("{other:?}"),
            }
            // Another's of that name.
            let impostor = "system:serviceaccount:shop:lapwing-controller";
            ask(policy, &by(impostor), BOTH).denied();
        }
        let delete = |who| write("DELETE", who, learned(Some("a")), Value::Null);
        let told = ask(policy, &delete("ann"), LOOSEN).allowed();
        assert_eq!(told, "loosen (DELETE) shop/web by ann");
        let why = ask(policy, &delete("ann"), APPROVE).denied();
        assert!(why.contains("the verb loosen"), "{why}");
        for cluster in CLUSTER {
            assert_eq!(ask(policy, &delete(cluster), &[]), Answer::Unasked);
        }
        let mut finalized = learned(Some("a"));
        finalized["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
        let request = write("UPDATE", CLUSTER[1], finalized, learned(Some("a")));
        assert_eq!(ask(policy, &request, &[]), Answer::Unasked);
    }
}

/// As many entries, owners and as long a reason as objects have, so that what a server lets an expression cost is
/// known to be enough.
#[test]
fn the_largest_objects_are_judged() {
    let many = |last: &str| -> Value {
        let path = |number| json!({"path": format!("/usr/lib/program/{number:0100}")});
        (0..6_000)
            .map(path)
            .chain([json!({"path": last})])
            .collect()
    };
    let owners: Vec<(String, String)> = (0..100)
        .map(|number| (format!("owner-{number}"), number.to_string()))
        .collect();
    let owners: Vec<(&str, &str)> = { owners.iter() }
        .map(|(name, uid)| (name.as_str(), uid.as_str()))
        .collect();
    let reason = |word: &str| said("ann", &word.repeat(100_000));
    let large = |last: &str, said: Value, owners: &[(&str, &str)]| {
        let mut object = profile("Monitoring", "/a", said);
        object["spec"]["exec"] = many(last);
        owned(object, owners)
    };
    let policy = policy(Set::Required, PROFILES);
    let before = large("/a", reason("q"), &owners[1..]);
    let update = |after| write("UPDATE", "ann", before.clone(), after);
    let same = update(large("/a", reason("q"), &owners[1..]));
    assert_eq!(ask(policy, &same, &[]), Answer::Unasked);
    let other = update(large("/b", reason("r"), &owners[1..]));
    ask(policy, &other, APPROVE).allowed();
    let owned_by_more = update(large("/a", reason("r"), &owners));
    let why = ask(policy, &owned_by_more, APPROVE).denied();
    assert!(why.contains("the verb loosen"), "{why}");
}
