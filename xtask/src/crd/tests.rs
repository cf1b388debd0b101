use super::*;

fn object() -> Value {
    definition(&schema().unwrap()).unwrap()["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

#[test]
fn the_committed_definition_is_fresh() {
    let committed = fs::read_to_string(path()).unwrap_or_default();
    assert!(
        committed == text().unwrap(),
        "{} is stale: run cargo xtask chart",
        path().display()
    );
}

/// The rules that a value breaks where it stands, by their messages.
fn broken(name: &str, value: &Value, before: Option<&Value>) -> Vec<&'static str> {
    let rules = rules::RULES.iter().filter(|(place, ..)| *place == name);
    let rules = rules.filter(|(_, rule, _)| before.is_some() || !rule.contains("oldSelf"));
    let holds = |rule: &str| {
        let mut context = cel::Context::default();
        context.add_variable("self", value.clone()).unwrap();
        let before = before.cloned().unwrap_or_default();
        context.add_variable("oldSelf", before).unwrap();
        let program = cel::Program::compile(rule).unwrap();
        program.execute(&context).unwrap() == cel::Value::Bool(true)
    };
    rules
        .filter(|(_, rule, _)| !holds(rule))
        .map(|(.., message)| *message)
        .collect()
}

/// What the schema says against an entry of a list, without rules.
fn misfits(list: &str, value: &Value) -> bool {
    let schema = &object()["properties"]["spec"]["properties"][list]["items"];
    !jsonschema::draft7::new(schema).unwrap().is_valid(value)
}

#[test]
fn the_api_server_takes_what_an_agent_reads_and_refuses_what_it_does_not() {
    for (kind, list, text, is_good) in [
        (
            "exec",
            "exec",
            "{path: /bin/sh, parent: runtime, name: sh}",
            true,
        ),
        ("exec", "exec", "{name: sh}", false),
        ("exec", "exec", "{path: /bin/sh, origin: NOWHERE}", false),
        ("exec", "exec", "{path: /bin/sh, phase: exec}", true),
        ("file", "files", "{operation: CREATE, path: /a}", true),
        (
            "file",
            "files",
            "{operation: CREATE, pattern: \"/a/{digits}\"}",
            true,
        ),
        ("file", "files", "{operation: CREATE}", false),
        (
            "file",
            "files",
            "{operation: CREATE, path: /a, pattern: /a/*}",
            false,
        ),
        (
            "file",
            "files",
            "{operation: CREATE, path: /a, target: /b}",
            false,
        ),
        (
            "file",
            "files",
            "{operation: RENAME, path: /a, target: /b}",
            true,
        ),
        ("file", "files", "{operation: RENAME, path: /a}", false),
        ("file", "files", "{operation: SYMLINK, path: /a}", false),
        (
            "file",
            "files",
            "{operation: LINK, path: /a, target: /b}",
            true,
        ),
        (
            "file",
            "files",
            "{operation: SETXATTR, path: /a, target: user.x}",
            true,
        ),
        (
            "file",
            "files",
            "{operation: OPEN_READ, path: /a, by: /b}",
            true,
        ),
        ("file", "files", "{operation: OPEN_READ, path: /a}", false),
        (
            "file",
            "files",
            "{operation: CHMOD, path: /a, by: /b}",
            false,
        ),
        (
            "file",
            "files",
            "{operation: CHMOD, path: /a, setId: USER}",
            true,
        ),
        ("file", "files", "{operation: OPEN, path: /a}", false),
        (
            "egress",
            "egress",
            "{protocol: TCP, domain: a.example, port: 443}",
            true,
        ),
        (
            "egress",
            "egress",
            "{protocol: TCP, cidr: 10.0.0.0/8, port: 443}",
            true,
        ),
        (
            "egress",
            "egress",
            "{protocol: TCP, address: 10.0.0.1, domain: a.example, port: 443}",
            false,
        ),
        ("egress", "egress", "{protocol: TCP, port: 443}", false),
        (
            "egress",
            "egress",
            "{protocol: TCP, number: 6, address: 10.0.0.1, port: 443}",
            false,
        ),
        (
            "egress",
            "egress",
            "{protocol: OTHER, number: 47, address: 10.0.0.1}",
            true,
        ),
        (
            "egress",
            "egress",
            "{protocol: OTHER, number: 300, address: 10.0.0.1}",
            false,
        ),
        ("egress", "egress", "{protocol: PACKET, socket: RAW}", true),
        ("egress", "egress", "{protocol: UNIX, path: /run/x}", true),
        (
            "egress",
            "egress",
            "{protocol: tcp, address: 10.0.0.1, port: 443}",
            false,
        ),
        ("listen", "listen", "{protocol: TCP, port: 80}", true),
        (
            "listen",
            "listen",
            "{protocol: TCP, port: 80, loopback: true}",
            true,
        ),
        ("listen", "listen", "{protocol: UNIX, path: /run/x}", true),
        ("listen", "listen", "{protocol: UNIX}", false),
        ("listen", "listen", "{protocol: TCP, path: /run/x}", false),
        (
            "listen",
            "listen",
            "{protocol: TCP, number: 6, port: 80}",
            false,
        ),
        ("dns", "dns", "{name: a.example, type: AAAA}", true),
        ("dns", "dns", "{name: a.example}", false),
        ("privilege", "privileges", "{operation: PTRACE}", true),
        (
            "privilege",
            "privileges",
            "{operation: PTRACE, detail: x}",
            true,
        ),
        ("privilege", "privileges", "{operation: ptrace}", false),
    ] {
        let read = lapwing_profile::entry::Entry::parse(&format!("{kind}: {text}"));
        assert_eq!(read.is_ok(), is_good, "{kind}: {text}: {read:?}");
        let value: Value = serde_saphyr::from_str(text).unwrap();
        let is_refused = misfits(list, &value) || !broken(list, &value, None).is_empty();
        assert_eq!(!is_refused, is_good, "{list}: {text}");
    }
}

/// An agent refuses it too: no container would ever be compared with it.
#[test]
fn what_names_no_container_is_refused() {
    let schema = &object()["properties"]["spec"]["properties"]["workload"];
    let schema = jsonschema::draft7::new(schema).unwrap();
    let whole = json!({"kind": "Deployment", "name": "web", "container": "app"});
    assert!(schema.is_valid(&whole));
    for part in ["kind", "name", "container"] {
        let mut lacks = whole.clone();
        lacks.as_object_mut().unwrap().remove(part);
        let mut empty = whole.clone();
        empty[part] = json!("");
        assert!(
            !schema.is_valid(&lacks) && !schema.is_valid(&empty),
            "{part}"
        );
    }
}

#[test]
fn a_profile_keeps_its_workload() {
    let (web, db) = (
        json!({"kind": "Deployment", "name": "web"}),
        json!({"kind": "Deployment", "name": "db"}),
    );
    assert_eq!(broken("workload", &web, Some(&web)), [""; 0]);
    let told = broken("workload", &db, Some(&web));
    assert!(told.len() == 1 && told[0].contains("delete it"), "{told:?}");
}

#[test]
fn what_no_api_server_takes_is_refused_here() {
    let good = object();
    structural::check(&good).unwrap();
    let exec = "/properties/spec/properties/exec";
    for (place, value, word) in [
        (exec, json!({"$ref": "#/x"}), "$ref"),
        (
            exec,
            json!({"type": "array", "items": {"type": "string", "maxLength": 3}}),
            "bound",
        ),
        (exec, json!({"maxItems": 3}), "no type"),
        (exec, json!({"type": ["array", "null"]}), "no type"),
        (exec, json!({"type": "string"}), "bound"),
        (exec, json!({"type": "integer", "format": "uint8"}), "uint8"),
        (
            exec,
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
            "additionalProperties",
        ),
        (
            exec,
            json!({"type": "object", "properties": {}, "required": ["x"]}),
            "required",
        ),
        (exec, json!({"type": "boolean", "default": "no"}), "default"),
        (
            exec,
            json!({"type": "string", "maxLength": 3, "nullable": 1, "oneOf": []}),
            "no place",
        ),
        (
            "/properties/metadata",
            json!({"type": "object", "properties": {}}),
            "metadata",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.clone();
        let error = structural::check(&bad).unwrap_err().to_string();
        assert!(error.contains(word), "{value}: {error}");
    }
    // A rule about what is no longer there.
    let mut bad = good;
    let files = &mut bad["properties"]["spec"]["properties"]["files"]["items"]["properties"];
    files.as_object_mut().unwrap().remove("by");
    let error = rules::check(&bad).unwrap_err().to_string();
    assert!(error.contains("files has no by"), "{error}");
}

#[test]
fn what_cannot_be_said_to_an_api_server_is_not_left_out_silently() {
    for (schema, word) in [
        (
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            "alternatives",
        ),
        (json!({"type": ["string", "integer"]}), "several types"),
        (json!({"type": "number"}), "no API server's type"),
        (
            json!({"type": "integer", "format": "uint64"}),
            "another size",
        ),
        (json!({"$ref": "#/definitions/A"}), "holds itself"),
        (json!({"$ref": "#/definitions/B"}), "not there"),
        (json!({"oneOf": [{"type": "string"}]}), "not words alone"),
        (json!(true), "no mapping"),
    ] {
        let known = json!({"A": {"$ref": "#/definitions/A"}});
        let error = format!("{:#}", convert(&schema, &known, DEPTH).unwrap_err());
        assert!(error.contains(word), "{schema}: {error}");
    }
}

/// What the controller writes, as a test of it has it.
#[test]
fn an_api_server_takes_the_status_that_the_controller_writes() {
    let text = include_str!("../../../agent/src/controller/standing/tests/status.json");
    let status: Value = serde_json::from_str(text).unwrap();
    let schema = &object()["properties"]["status"];
    let takes = |status: &Value| jsonschema::draft7::new(schema).unwrap().is_valid(status);
    assert!(takes(&status));
    for (pointer, wrong) in [
        ("/observedGeneration", json!(-1)),
        ("/nodes/inForce", json!("1")),
        ("/conditions/0/status", json!("Yes")),
        ("/conditions/0/reason", Value::Null),
    ] {
        let mut status = status.clone();
        *status.pointer_mut(pointer).unwrap() = wrong;
        assert!(!takes(&status), "{pointer}");
    }
    // Nothing of it is pruned, and each column of it has its value.
    let known = |value: &Value, schema: &Value| {
        let fields = value.as_object().unwrap().keys();
        let unknown: Vec<_> = fields
            .filter(|key| schema["properties"][key].is_null())
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    };
    known(&status, schema);
    known(&status["nodes"], &schema["properties"]["nodes"]);
    known(
        &status["conditions"][0],
        &schema["properties"]["conditions"]["items"],
    );
    for column in columns().as_array().unwrap() {
        let path = column["jsonPath"].as_str().unwrap();
        let Some(path) = path.strip_prefix(".status.") else {
            continue;
        };
        let plain = path.split('[').next().unwrap().replace('.', "/");
        assert!(status.pointer(&format!("/{plain}")).is_some(), "{path}");
    }
}
