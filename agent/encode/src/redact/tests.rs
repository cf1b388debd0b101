use super::*;
use lapwing_proto::v1::{Behaviour, Exec, File, Violation};
use proptest::prelude::*;
use std::sync::LazyLock;

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

/// Compiled once: that takes long where nothing is optimized.
fn standard() -> &'static Redaction {
    static STANDARD: LazyLock<Redaction> =
        LazyLock::new(|| Redaction::compile(&default_rules()).expect("the default rules compile"));
    &STANDARD
}

#[test]
fn secrets_that_programs_take_are_hidden() {
    let redaction = standard();
    for (args, hidden) in [
        (
            &["app", "--password", "hunter2"][..],
            &["app", "--password", MARK][..],
        ),
        (
            &["app", "--password", "two words"],
            &["app", "--password", MARK],
        ),
        (
            &["app", "--password=hunter2", "-v"],
            &["app", "--password=[redacted]", "-v"],
        ),
        (
            &["app", "--password=two words"],
            &["app", "--password=[redacted]"],
        ),
        (
            &["app", "--db-password", "-hunter2"],
            &["app", "--db-password", MARK],
        ),
        (
            &["app", "--api-key", "k", "x"],
            &["app", "--api-key", MARK, "x"],
        ),
        (&["app", "-token=abc"], &["app", "-token=[redacted]"]),
        (
            &["mysql", "-u", "root", "-phunter2", "shop"],
            &["mysql", "-u", "root", "-p[redacted]", "shop"],
        ),
        (
            &["sh", "-c", "mysqldump -uroot -phunter2 shop | gzip"],
            &["sh", "-c", "mysqldump -uroot -p[redacted] shop | gzip"],
        ),
        (
            &["sh", "-c", "app --password 'a b' --port 1"],
            &["sh", "-c", "app --password [redacted] --port 1"],
        ),
        (
            &["env", "PGPASSWORD=x", "psql"],
            &["env", "PGPASSWORD=[redacted]", "psql"],
        ),
        (
            &["sh", "-c", "AWS_SECRET_ACCESS_KEY=wJalr/x+y aws s3 ls"],
            &["sh", "-c", "AWS_SECRET_ACCESS_KEY=[redacted] aws s3 ls"],
        ),
        (
            &["curl", "-H", "Authorization: Bearer abc.def"],
            &["curl", "-H", "Authorization: Bearer [redacted]"],
        ),
        (
            &["curl", "-HAuthorization: Basic dXNlcg=="],
            &["curl", "-HAuthorization: Basic [redacted]"],
        ),
        (
            &["curl", "-H", "X-Api-Key: abc"],
            &["curl", "-H", "X-Api-Key: [redacted]"],
        ),
        (
            &["curl", "https://h/x?a=1&token=abc&b=2"],
            &["curl", "https://h/x?a=1&token=[redacted]&b=2"],
        ),
        (
            &["curl", "-u", "me:hunter2", "https://h/"],
            &["curl", "-u", "me:[redacted]", "https://h/"],
        ),
        (
            &["git", "clone", "https://me:p@ss@git.example/x"],
            &["git", "clone", "https://me:[redacted]@git.example/x"],
        ),
        (
            &["app", "redis://:hunter2@cache:6379/0"],
            &["app", "redis://:[redacted]@cache:6379/0"],
        ),
        (
            &["sshpass", "-p", "hunter2", "ssh", "h"],
            &["sshpass", "-p", MARK, "ssh", "h"],
        ),
        (
            &["sshpass", "-phunter2", "ssh", "h"],
            &["sshpass", "-p[redacted]", "ssh", "h"],
        ),
        (
            &["redis-cli", "-h", "c", "-a", "hunter2"],
            &["redis-cli", "-h", "c", "-a", MARK],
        ),
        (
            &["docker", "login", "-u", "me", "-p", "hunter2"],
            &["docker", "login", "-u", "me", "-p", MARK],
        ),
        (
            &["openssl", "rsa", "-passin", "pass:hunter2"],
            &["openssl", "rsa", "-passin", "pass:[redacted]"],
        ),
        (&["app", "AKIAIOSFODNN7EXAMPLE"], &["app", MARK]),
        (
            &["app", "x", "ghp_0123456789abcdefghij01"],
            &["app", "x", MARK],
        ),
        (
            &["app", r#"{"user":"me","password":"a b","n":1}"#],
            &["app", r#"{"user":"me","password":[redacted],"n":1}"#],
        ),
        (
            &[
                "app",
                "-----BEGIN RSA PRIVATE KEY-----\\x0aMIIE\\x0a-----END RSA PRIVATE KEY-----",
            ],
            &[
                "app",
                "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----",
            ],
        ),
    ] {
        let mut args = words(args);
        redaction.arguments(&mut args);
        assert_eq!(args, words(hidden));
        let once = args.clone();
        assert_eq!(redaction.arguments(&mut args), 0, "{args:?}");
        assert_eq!(args, once, "twice is once");
    }
}

/// A command with a secret for each rule.
const COMMANDS: [(&str, &str, &str); 16] = [
    (
        "private-key",
        "echo -----BEGIN EC PRIVATE KEY----- MHcC4EB3 -----END EC PRIVATE KEY-----",
        "MHcC4EB3",
    ),
    ("flag", "--password hunter2", "hunter2"),
    ("assignment", "PGPASSWORD=hunter2 psql", "hunter2"),
    ("listed", "password: hunter2", "hunter2"),
    ("authorization", "Authorization: Basic dXNlcjpw", "dXNlcjpw"),
    ("bearer", "bearer abc.def.ghi", "abc.def.ghi"),
    ("cookie", "Cookie: sid=hunter2", "hunter2"),
    ("url", "redis://:hunter2@cache:6379/0", "hunter2"),
    ("mysql", "mysqldump -uroot -ps3cret db", "s3cret"),
    ("sshpass", "sshpass -p hunter2 ssh h", "hunter2"),
    ("redis", "redis-cli -h c -a hunter2", "hunter2"),
    ("user", "curl -u me:hunter2 https://h/", "hunter2"),
    ("login", "docker login -u me -p hunter2", "hunter2"),
    ("openssl", "pass:hunter2", "hunter2"),
    ("aws", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    (
        "tokens",
        "ghp_0123456789abcdefghij01",
        "ghp_0123456789abcdefghij01",
    ),
];

#[test]
fn each_rule_finds_its_secret_on_any_line_of_a_script() {
    let rules = default_rules();
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(
        names,
        COMMANDS.map(|(name, ..)| name),
        "a rule without a test"
    );
    // As the sensor writes what a shell reads as line feeds, tabs, and a line that goes on.
    let between = [r"\x0a", r"\x0d\x0a", r"\x0a\x09", r"; \x09"];
    let spaces = [" ", r"\x09", r" \\\x0a  "];
    for (rule, (name, command, secret)) in rules.iter().zip(COMMANDS) {
        let alone = Redaction::compile(std::slice::from_ref(rule)).expect("a rule");
        for (between, space) in between
            .iter()
            .flat_map(|it| spaces.map(|space| (it, space)))
        {
            let command = match name {
                // Its words are one form, and not a shell's.
                "private-key" => command.to_owned(),
                _ => command.replace(' ', space),
            };
            let script = format!("set -e{between}{command}{between}echo done");
            let mut args = words(&["sh", "-c", &script]);
            assert_eq!(alone.arguments(&mut args), 1, "{name}: {script}");
            assert!(!args[2].contains(secret), "{name}: {args:?}");
            assert!(args[2].starts_with(&format!("set -e{between}")), "{args:?}");
            let mut args = words(&["sh", "-c", &script]);
            standard().arguments(&mut args);
            assert!(!args[2].contains(secret), "all, {name}: {args:?}");
        }
    }
    // What a key is found by is not hidden before the key.
    let key =
        r"private_key: -----BEGIN RSA PRIVATE KEY-----\x0aMIIE\x0a-----END RSA PRIVATE KEY-----";
    let mut args = words(&["sh", "-c", key]);
    standard().arguments(&mut args);
    assert!(!args[2].contains("MIIE"), "{args:?}");
    // Bytes that are neither words nor space, before what is found by its form.
    for escape in [r"\x00", r"\xff", r"\x1b"] {
        let mut args = words(&["app", &format!("a{escape}AKIAIOSFODNN7EXAMPLE")]);
        standard().arguments(&mut args);
        assert_eq!(args[1], format!("a{escape}{MARK}"));
    }
}

#[test]
fn what_is_searched_lies_in_the_same_places() {
    for (text, searched) in [
        (r"a\x0ab", "a    b"),
        (r"a\x1bb", "a\u{1}\u{1}\u{1}\u{1}b"),
        (r"a\\x0ab", r"a\\x0ab"),
        (r"a\\\x0ab", "a      b"),
        (r"\", r"\"),
        (r"\x0", r"\x0"),
        (r"\x+1é\xé", r"\x+1é\xé"),
    ] {
        assert_eq!(plain(text), searched);
        assert_eq!(text.len(), searched.len());
    }
}

#[test]
fn what_is_no_secret_stays() {
    let redaction = standard();
    for args in [
        &["sh", "-c", "id; uname -a"][..],
        &["mysql", "-u", "root", "-p", "--port", "3306"],
        &["mkdir", "-p", "/srv/x"],
        &["app", "--password-file=/run/secrets/db", "--verbose"],
        &["app", "--password", "--verbose"],
        &["curl", "https://host.example:8443/a@b"],
        &["ssh", "-p", "2222", "host"],
        &["tokenizer", "--input", "a"],
        &["", ""],
        &[],
    ] {
        let mut args = words(args);
        let before = args.clone();
        assert_eq!(redaction.arguments(&mut args), 0, "{args:?}");
        assert_eq!(args, before);
    }
}

#[test]
fn what_an_approval_needs_stays() {
    let path = "/opt/token=abc";
    let process = Process {
        args: words(&[path, "--password", "hunter2"]),
        exe: path.into(),
        cwd: path.into(),
        ..Process::default()
    };
    let violation = Violation {
        id: "token=abc".into(),
        fingerprint: "token=abc".into(),
        nearest: path.into(),
        patch: format!("- exec: {{path: {path}}}"),
        process: Some(process.clone()),
        detail: Some(violation::Detail::Exec(Exec {
            path: path.into(),
            name: "token=abc".into(),
            script: path.into(),
            parent: path.into(),
            ..Exec::default()
        })),
        ..Violation::default()
    };
    let mut item = WatchResponse {
        cursor: "token=abc".into(),
        item: Some(Item::Violation(violation.clone())),
    };
    assert_eq!(standard().apply(&mut item), 2);
    let Some(Item::Violation(mut after)) = item.item else {
        panic!("another kind")
    };
    let args = after
        .process
        .as_mut()
        .map(|process| std::mem::take(&mut process.args));
    assert_eq!(
        args,
        Some(words(&["/opt/token=[redacted]", "--password", MARK]))
    );
    let mut before = violation;
    before.process.as_mut().expect("a process").args.clear();
    assert_eq!(after, before, "nothing but arguments was changed");

    let file = File {
        path: path.into(),
        ..File::default()
    };
    let mut item = WatchResponse {
        cursor: String::new(),
        item: Some(Item::Behaviour(Behaviour {
            process: Some(process),
            detail: Some(lapwing_proto::v1::behaviour::Detail::File(file.clone())),
            ..Behaviour::default()
        })),
    };
    assert!(standard().apply(&mut item) > 0);
    let Some(Item::Behaviour(after)) = item.item else {
        panic!("another kind")
    };
    assert_eq!(
        after.detail,
        Some(lapwing_proto::v1::behaviour::Detail::File(file))
    );
    assert!(
        !after
            .process
            .expect("a process")
            .args
            .concat()
            .contains("hunter2")
    );
}

#[test]
fn the_words_of_the_sensor_are_looked_at_too() {
    let mut item = WatchResponse {
        cursor: String::new(),
        item: Some(Item::Violation(Violation {
            detail: Some(violation::Detail::Degraded(Degraded {
                reason: "x".into(),
                detail: "cannot judge app --password hunter2 of web".into(),
            })),
            ..Violation::default()
        })),
    };
    assert_eq!(standard().apply(&mut item), 1);
    let text = format!("{item:?}");
    assert!(text.contains("--password [redacted] of web"), "{text}");
}

#[test]
fn rules_that_cannot_be_used_are_named() {
    let rule = |pattern: &str| Rule {
        name: "mine".into(),
        pattern: pattern.into(),
    };
    for (pattern, part) in [
        ("(", "unclosed group"),
        ("a*", "empty text"),
        (r"\w{9999}{999}", "size limit"),
    ] {
        let error = Redaction::compile(&[rule(pattern)])
            .unwrap_err()
            .to_string();
        assert!(error.contains("`mine`") && error.contains(part), "{error}");
    }
    let mut args = words(&["a", "xyz", "b"]);
    let redaction = Redaction::compile(&[rule("y"), rule("(?P<secret>q)?b")]).expect("rules");
    assert_eq!(redaction.arguments(&mut args), 1);
    assert_eq!(args, words(&["a", "x[redacted]z", "b"]));
}

#[test]
fn hostile_lengths_end_soon() {
    let redaction = standard();
    for part in [
        "--password ",
        "mysql -",
        "a://b:",
        "token='\"",
        "curl -u a:",
        "eyJaaaaaaaa.",
    ] {
        let mut args = vec![part.repeat((32 << 10) / part.len())];
        redaction.arguments(&mut args);
        let mut args: Vec<String> = vec![part.trim().to_owned(); 3000];
        redaction.arguments(&mut args);
    }
    let greedy = Redaction::compile(&[Rule {
        name: "greedy".into(),
        pattern: ".*[^A-Z]|[A-Z]".into(),
    }]);
    let mut args = vec!["A".repeat(128 << 10)];
    assert_eq!(greedy.expect("a rule").arguments(&mut args), MOST + 1);
    assert_eq!(args[0], MARK.repeat(MOST + 1));
}

proptest! {
    #[test]
    fn a_flag_hides_any_value(
        before in prop::collection::vec("\\PC{0,8}", 0..3),
        secret in "[^-\\s][\\PC\u{1b}\n]{3,40}",
        after in prop::collection::vec("[a-z ]{0,8}", 0..3),
        joined in any::<bool>(),
    ) {
        prop_assume!(!MARK.contains(secret.as_str()));
        let mut args: Vec<String> = std::iter::once("app".to_owned()).chain(before).collect();
        if joined {
            args.push(format!("--password={secret}"));
        } else {
            args.extend(["--password".to_owned(), secret.clone()]);
        }
        let (count, at) = (args.len() + after.len(), args.len() - 1);
        args.extend(after);
        standard().arguments(&mut args);
        prop_assert_eq!(args.len(), count);
        prop_assert!(!args[at].contains(secret.as_str()), "{:?}", args);
    }

    #[test]
    fn any_arguments_survive(mut args in prop::collection::vec(".{0,64}", 0..8)) {
        let redaction = standard();
        let count = args.len();
        redaction.arguments(&mut args);
        prop_assert_eq!(args.len(), count);
    }
}
