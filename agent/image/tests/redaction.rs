//! Secrets of the configuration are hidden by the rules that hide them everywhere.

mod common;

use common::{Image, Layer};
use lapwing_encode::redact::Redaction;
use lapwing_image::report::Report;
use lapwing_image::{Limits, Options, Wanted};
use serde_json::{Value, json};

/// As the command line reads an image.
fn read(config: &Value) -> Report {
    let tar = Layer::default().file("x", "1").tar();
    let image = Image::empty();
    image.index(&json!([image.manifest(&[(tar.clone(), tar)], config)]));
    let redaction = Redaction::standard();
    let options = Options {
        wanted: Wanted::default(),
        limits: Limits::default(),
        hide: &|text| redaction.arguments(std::slice::from_mut(text)),
        profile: None,
        inventory: None,
        sbom: None,
    };
    lapwing_image::read(image.path(), &options).unwrap()
}

#[test]
fn a_secret_where_a_command_is_cut_is_hidden_whole() {
    // Each cuts it at another place: before, in and behind the password.
    for length in 1900..2010 {
        let command = format!(
            "RUN {} https://user:Tr0ub4dor@example.com/{}",
            "x".repeat(length),
            "y".repeat(300)
        );
        let report = read(&json!({"history": [{"created_by": command}]}));
        let shown = report.layers[0].command.as_deref().unwrap();
        assert!(!shown.contains("Tr0u"), "{length}: {shown}");
        assert!(
            shown.ends_with('\u{2026}') && shown.len() <= 2003,
            "{shown}"
        );
    }
    // What is not cut does not say so, also where it had been too long before.
    let command = format!("RUN --password={} {}", "s".repeat(3000), "x".repeat(100));
    let report = read(&json!({"history": [{"created_by": command}]}));
    let shown = report.layers[0].command.as_deref().unwrap();
    assert!(
        !shown.contains("sss") && !shown.contains('\u{2026}'),
        "{shown}"
    );
    let report = read(&json!({"history": [{"created_by": "x".repeat(2000)}]}));
    let shown = report.layers[0].command.as_deref().unwrap();
    assert_eq!(shown, "x".repeat(2000));
}

#[test]
fn a_variable_that_is_a_secret_by_itself_is_told_by_its_number() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let env = [
        "PATH=/bin".to_owned(),
        token.clone(),
        format!("{token}=1"),
        "DB_PASSWORD=Tr0ub4dor".to_owned(),
        "https://user:Tr0ub4dor@example.com".to_owned(),
        "https://user:Tr0ub=4dor@example.com".to_owned(),
    ];
    let report = read(&json!({"config": {"Env": env}}));
    let places: Vec<_> = (report.secrets.first.iter())
        .map(|secret| &*secret.place)
        .collect();
    assert_eq!(
        places,
        [
            "environment variable number 2",
            "environment variable number 3",
            "environment variable DB_PASSWORD",
            "environment variable number 5",
            "environment variable number 6",
        ]
    );
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("ghp_") && !json.contains("Tr0u"), "{json}");
}

#[test]
fn secrets_are_told_wherever_the_configuration_has_them() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let with_password = "https://user:Tr0ub4dor@example.com";
    let report = read(&json!({"config": {
        "Entrypoint": ["/bin/web", "--token", token],
        "Cmd": ["--password=Tr0ub4dor"],
        "Shell": ["/bin/sh", "-c", format!("export A={token};")],
        "Healthcheck": {"Test": ["CMD-SHELL", format!("curl {with_password}/health")]},
        "OnBuild": ["RUN make", format!("ENV TOKEN={token}")],
        "Labels": {
            "a": "plain",
            "api_key": token,
            "org.example/b": with_password,
            token.as_str(): "1",
        },
    }}));
    let places: Vec<_> = (report.secrets.first.iter())
        .map(|secret| &*secret.place)
        .collect();
    assert_eq!(
        places,
        [
            "ENTRYPOINT of the configuration",
            "CMD of the configuration",
            "SHELL of the configuration",
            "HEALTHCHECK of the configuration",
            "ONBUILD number 2 of the configuration",
            "label api_key",
            "label number 3 in the order of their names",
            "label number 4 in the order of their names",
        ]
    );
    let part = |name: &str| { report.score.parts.iter() }.find(|part| part.part.contains(name));
    assert!(!part("secret").unwrap().is_met);
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("ghp_") && !json.contains("Tr0u"), "{json}");
}

#[test]
fn a_secret_in_a_value_of_another_type_is_told_too() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    for (config, place) in [
        (json!({"Cmd": {"x": token}}), "CMD of the configuration"),
        (json!({"Cmd": token}), "CMD of the configuration"),
        (
            json!({"Healthcheck": [token]}),
            "HEALTHCHECK of the configuration",
        ),
        (json!({"Healthcheck": {"Test": 1, "x": {"y": token}}}), ""),
        (
            json!({"OnBuild": {"x": token}}),
            "ONBUILD of the configuration",
        ),
        (
            json!({"Labels": [token]}),
            "label number 1 in the order of their names",
        ),
        (
            json!({"Labels": null, "Cmd": null, "OnBuild": null, "Healthcheck": null}),
            "",
        ),
    ] {
        let report = read(&json!({"config": config}));
        let places: Vec<_> = (report.secrets.first.iter())
            .map(|secret| &*secret.place)
            .collect();
        let expected: Vec<_> = [place].into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(places, expected, "{config}");
    }
}
