//! AppArmor profiles, read by the parser itself where it is installed.

mod common;

use common::{approve, created, see};
use lapwing_advise::{Advice, Given, apparmor};
use lapwing_profile::profile::Profile;
use std::io::Write;
use std::process::{Command, Stdio};

/// Where the parser is looked for, besides what `APPARMOR_PARSER` names.
const PLACES: &[&str] = &["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"];

/// What the parser says of a profile, which it loads nowhere; `None` without a parser.
fn parse(text: &str) -> Option<Result<(), String>> {
    let own = std::env::var("APPARMOR_PARSER").ok();
    let mut places = own.iter().map(String::as_str).chain(PLACES.iter().copied());
    let mut child = places.find_map(|place| {
        let mut command = Command::new(place);
        command.args([
            "--skip-kernel-load",
            "--skip-cache",
            "--config-file",
            "/dev/null",
        ]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().ok()
    })?;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    Some(match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    })
}

fn text(profile: &Profile) -> String {
    let given = Given {
        sees_capabilities: Some(true),
        ..Given::default()
    };
    apparmor::text(profile, &Advice::of(profile, &given))
}

/// One of everything that has a rule.
fn all() -> Profile {
    let mut profile = created(&["/data/x", "/data/with space"]);
    for line in [
        "exec: {path: /usr/sbin/web}",
        "exec: {path: /usr/bin/python3.12, name: python3, script: /app/run.py}",
        "file: {operation: RENAME, path: /data/x, target: /data/y}",
        "file: {operation: LINK, path: /data/y, target: /data/z}",
        "file: {operation: SYMLINK, path: /data/l, target: \"a } b\"}",
        "file: {operation: MKDIR, path: /data/d}",
        "file: {operation: DELETE, path: /data/d}",
        "file: {operation: CHMOD, path: /data/x}",
        "egress: {protocol: TCP, address: 192.0.2.7, port: 443}",
        "egress: {protocol: ICMP, address: 192.0.2.7, port: 0}",
        "listen: {protocol: UDP, port: 53}",
        "dns: {name: example.com, type: A}",
        "privilege: {operation: CAPABILITY, detail: CAP_NET_BIND_SERVICE}",
        "privilege: {operation: MOUNT, detail: tmpfs}",
    ] {
        see(&mut profile, line, None, 0);
    }
    // What no machine learns, a person approves of.
    approve(&mut profile, "privilege: {operation: MOUNT, detail: tmpfs}");
    approve(
        &mut profile,
        "file: {operation: CREATE, pattern: \"/log/{date}-{digits:4}.txt\"}",
    );
    profile
}

#[test]
fn what_was_seen_is_a_rule_and_the_rest_is_named() {
    let text = text(&all());
    for line in [
        "  \"/usr/sbin/web\" mrix,",
        "  \"/data/with space\" rwk,",
        "  \"/data/y\" rw,",
        "  \"/data/d/\" rw,",
        "  \"/data/z\" rwl,",
        "  \"/log/*-*.txt\" rwk,",
        "  network inet stream,",
        "  network inet raw,",
        "  capability net_bind_service,",
    ] {
        assert!(text.lines().any(|one| one == line), "no {line} in\n{text}");
    }
    assert!(
        text.contains("# not covered: privilege: {operation: MOUNT"),
        "{text}"
    );
    if let Some(parsed) = parse(&text) {
        parsed.unwrap();
        let broken = text.replace("network inet stream,", "network inet stram,");
        assert!(
            parse(&broken).unwrap().is_err(),
            "it is the parser that says so"
        );
    }
}

#[test]
fn hostile_names_are_no_rules() {
    let names = [
        "/a\"\n  /** rwx,\n#",
        "/a,\n capability,",
        "/a} profile b {",
        "/a\\",
        "/{a,b}",
        "/*",
        "/[^x]",
        "/@{PROC}/x",
        "/\u{202e}x",
        "/# x",
    ];
    let mut profile = common::profile();
    for name in names {
        let name = lapwing_profile::text::canonical(name.as_bytes());
        let yaml = serde_json::Value::from(name);
        approve(
            &mut profile,
            &format!("file: {{operation: CREATE, path: {yaml}}}"),
        );
        approve(&mut profile, &format!("exec: {{path: {yaml}}}"));
    }
    let text = text(&profile);
    let quoted = text
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains('"'));
    assert_eq!(quoted.count(), 0, "{text}");
    assert_eq!(
        text.matches("# not covered: ").count(),
        2 * names.len(),
        "{text}"
    );
    assert!(
        text.lines().all(|line| !line.contains('\u{202e}')),
        "{text}"
    );
    if let Some(parsed) = parse(&text) {
        parsed.unwrap();
    }
}
