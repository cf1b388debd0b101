//! How large folders may be, in the documents, and which are worth to be looked at.

mod common;

use common::{advise, created, folders, profile, see, web};
use lapwing_advise::document::{compose, header};
use lapwing_advise::root::{CANDIDATES_MAX, candidates};
use lapwing_profile::profile::Profile;
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::written::Found;
use serde_json::{Value, json};

fn look(profile: &mut Profile, path: &str, mebibytes: u64, at: i64) {
    let found = Found {
        bytes: mebibytes << 20,
        files: 3,
        ..Found::default()
    };
    profile.written.take(path, found, at);
}

#[test]
fn a_limit_comes_with_its_evidence_and_its_danger() {
    let mut profile = web();
    look(&mut profile, "/var/cache/web", 2, common::AT + 1);
    let advice = advise(&profile);
    let json = serde_json::to_value(&advice.root).unwrap();
    let of = |path: &str| -> &Value {
        let all = json["folders"].as_array().unwrap();
        &all.iter().find(|it| it["path"] == path).unwrap()["size"]
    };
    let size = of("/var/cache/web");
    assert_eq!((&size["limitMi"], &size["why"]), (&json!(32), &Value::Null));
    assert_eq!(size["seen"]["bytes"], json!(9 << 20));
    assert_eq!(size["seen"]["looks"], json!(2));
    assert_eq!(of("/run")["limitMi"], Value::Null);
    let lines = header(&advice).join("\n");
    for part in [
        "mount at /var/cache/web: sizeLimit 32Mi; the most seen was 9.0 MiB at 2026-",
        "and 3 files; looked 2 times from 2026-",
        "mount at /run: no sizeLimit: nobody looked how much is there",
        "more than its sizeLimit in an emptyDir is evicted",
    ] {
        assert!(lines.contains(part), "no `{part}` in {lines}");
    }
    let tmpfs = &compose(&advice, "web", None)["services"]["web"]["tmpfs"];
    assert_eq!(tmpfs, &json!(["/run", "/var/cache/web:size=32m"]));
    let unlimited = advise(&created(&["/tmp/x"]));
    assert!(!header(&unlimited).join("\n").contains("evicted"));
}

#[test]
fn what_may_come_to_be_a_mount_is_looked_at() {
    let mut profile = created(&[
        "/tmp/x",
        "/etc/x",
        "/usr/share/app/x",
        "/x",
        "/a:b/x",
        "/data/a/x",
        "/data/b/x",
        "/data/c/d/x",
        "/srv/app/__pycache__/x",
    ]);
    for line in [
        "file: {operation: MKDIR, path: /data/a}",
        "file: {operation: MKDIR, path: /data/c/d}",
        "file: {operation: MKDIR, path: /opt/cache}",
        "file: {operation: RENAME, path: /spool/in/x, target: /spool/out/x}",
        "file: {operation: OPEN_READ, path: /root/.ssh/id_rsa, by: /usr/bin/ssh}",
    ] {
        see(&mut profile, line, Some(Mount::Image), 0);
    }
    let all = candidates(&profile);
    let expected = [
        "/data",
        "/tmp",
        "/data/b",
        "/data/c",
        "/opt/cache",
        "/spool/in",
        "/spool/out",
        "/srv/app/__pycache__",
    ];
    assert_eq!(all, expected);
    // None is a mount that nobody looked at.
    let advice = advise(&profile);
    for folder in folders(&advice) {
        assert!(all.iter().any(|it| it == folder), "{folder}");
    }
}

#[test]
fn candidates_are_bounded_and_the_uppermost() {
    let mut profile = profile();
    let letters = |mut number: usize| {
        let mut word = String::new();
        for _ in 0..3 {
            word.push(char::from(b'a' + (number % 26) as u8));
            number /= 26;
        }
        word
    };
    for number in 0..CANDIDATES_MAX + 50 {
        let line = format!(
            "file: {{operation: CREATE, path: /data/{}/x}}",
            letters(number)
        );
        see(&mut profile, &line, Some(Mount::Image), 0);
    }
    see(
        &mut profile,
        "file: {operation: CREATE, path: /zz/x}",
        Some(Mount::Image),
        0,
    );
    let all = candidates(&profile);
    assert_eq!((all.len(), all[0].as_str()), (CANDIDATES_MAX, "/zz"));
}
