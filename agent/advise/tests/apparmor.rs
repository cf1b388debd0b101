//! AppArmor profiles, also as the parser itself reads them:
//!
//! ```sh
//! apt-get install apparmor
//! cargo test -p lapwing-advise --test apparmor -- --ignored
//! ```

mod common;

use common::{approve, created, see};
use lapwing_advise::{Advice, Given, apparmor};
use lapwing_profile::profile::Profile;
use std::io::Write;
use std::process::{Command, Stdio};

/// Where the parser is looked for, besides what `APPARMOR_PARSER` names.
const PLACES: &[&str] = &["/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"];

/// What the parser says of a profile, which it loads nowhere.
fn parse(text: &str) -> Result<(), String> {
    let own = std::env::var("APPARMOR_PARSER").ok();
    let mut places = own.iter().map(String::as_str).chain(PLACES.iter().copied());
    let found = places.find_map(|place| {
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
    });
    let mut child = found.expect("apparmor_parser, in its place or by APPARMOR_PARSER");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
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
}

/// Names with letters that mean something to AppArmor, or hide something from people.
const HOSTILE: &[&str] = &[
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

fn hostile() -> Profile {
    let mut profile = common::profile();
    for name in HOSTILE {
        let name = lapwing_profile::text::canonical(name.as_bytes());
        let yaml = serde_json::Value::from(name);
        approve(
            &mut profile,
            &format!("file: {{operation: CREATE, path: {yaml}}}"),
        );
        approve(&mut profile, &format!("exec: {{path: {yaml}}}"));
    }
    profile
}

#[test]
fn hostile_names_are_no_rules() {
    let text = text(&hostile());
    let quoted = text
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains('"'));
    assert_eq!(quoted.count(), 0, "{text}");
    assert_eq!(
        text.matches("# not covered: ").count(),
        2 * HOSTILE.len(),
        "{text}"
    );
    assert!(
        text.lines().all(|line| !line.contains('\u{202e}')),
        "{text}"
    );
}

#[test]
#[ignore = "wants apparmor_parser, which comes with AppArmor"]
fn the_parser_takes_all_of_it() {
    let whole = text(&all());
    parse(&whole).unwrap();
    parse(&text(&hostile())).unwrap();
    let broken = whole.replace("network inet stream,", "network inet stram,");
    parse(&broken).expect_err("it is the parser that says so");
}
