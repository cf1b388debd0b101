//! What is wrong with a file is said with its line and column, and with what would be right.

use lapwing_profile::profile::Profile;

const HEAD: &str = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Learning\n";

#[test]
fn every_error_has_its_place_and_its_remedy() {
    for (text, place, words) in [
        ("", "1, column 1", &["nothing in it"][..]),
        ("just text", "1, column 1", &["{key: value}"]),
        ("@spec:\n  mode: [Learning\n", "", &[]),
        (
            "@  exek: []\n",
            "6, column 3",
            &["`exek`", "did you mean `exec`"],
        ),
        ("@  exec: 5\n", "6, column 9", &["a list is wanted"]),
        (
            "@  exec: {path: /x}\n",
            "6, column 9",
            &["a list is wanted"],
        ),
        ("@  exec: []\n  exec: []\n", "7, column 3", &["second time"]),
        (
            "@  exec:\n    - {path: /x\n  files: []\n",
            "7, column 7",
            &["unclosed bracket"],
        ),
        (
            "@  exec:\n    - /bin/ls\n",
            "7, column 7",
            &["{key: value}"],
        ),
        (
            "@  exec:\n    - {path: /x}\n    - {path: /x, orign: IMAGE}\n",
            "8, column 18",
            &["did you mean `origin`"],
        ),
        (
            "@  exec:\n    - {path: /x, zzz: y}\n",
            "7, column 18",
            &["path, name, script, origin, parent, sha256, phase"],
        ),
        (
            "@  exec:\n    - {name: x}\n",
            "7, column 8",
            &["the key `path` is missing"],
        ),
        (
            "@  exec:\n    - {path: \"/\\x01\"}\n",
            "7, column 7",
            &["canonical form"],
        ),
        (
            "@  exec:\n    - path: /x\n      origin: UPPER_LAYR\n",
            "8, column 15",
            &["did you mean `UPPER_LAYER`", "MEMFD"],
        ),
        (
            "@  files:\n    - {operation: CREAT, path: /x}\n",
            "7, column 19",
            &["did you mean `CREATE`"],
        ),
        (
            "@  files:\n    - {operation: CREATE, path: /x}\n    - {operation: CREATE, path: /x, by: /y}\n",
            "8, column 7",
            &["has no `by`"],
        ),
        (
            "@  files:\n    - {operation: CREATE, pattern: /x}\n",
            "7, column 7",
            &["write it as a `path`"],
        ),
        (
            "@  egress:\n    - {protocol: TCP, domain: X.y, port: 1}\n",
            "7, column 7",
            &["small letters"],
        ),
        (
            "@  egress:\n    - {protocol: TCP, domain: x.y, port: eighty}\n",
            "7, column 42",
            &["a whole number from 0"],
        ),
        (
            "@  listen:\n    - {protocol: TCP, port: 80, loopback: maybe}\n",
            "7, column 43",
            &["`true` or `false`"],
        ),
        (
            "@  dns:\n    - {name: a.b, type: a}\n",
            "7, column 7",
            &["like A or AAAA"],
        ),
        (
            "@  privileges:\n    - {operation: PTRACE, detail: \"\\u202e\"}\n",
            "7, column 7",
            &["canonical form"],
        ),
        (
            "@status:\n  seen:\n    - {exec: {path: /x}, first: yesterday}\n",
            "8, column 33",
            &[],
        ),
        (
            "@status:\n  seen:\n    - {count: 1}\n",
            "8, column 7",
            &["one of `exec`"],
        ),
        (
            "@status:\n  refused:\n    - {exec: {path: /x}, samples: zz}\n",
            "8, column 7",
            &["eight hexadecimal digits"],
        ),
        (
            "@status:\n  learned:\n    - {file: {operation: CREATE, path: /etc/x, by: /y}}\n",
            "8, column 7",
            &["has no `by`"],
        ),
        (
            "@status:\n  evidence: {version: 9}\n",
            "7, column 13",
            &["learned anew"],
        ),
        (
            "@status:\n  versions:\n    - {repository: web, digest: \"sha256:0\", number: 1, first: \"2026-11-23T10:00:00Z\"}\n",
            "8, column 7",
            &["a line of `versions`", "64 small hexadecimal digits"],
        ),
        (
            "@status:\n  versions:\n    - {repository: web, digest: \"sha256:DIGEST\", number: 1, first: \"2026-11-23T10:00:00Z\"}\n    - {repository: web, digest: \"sha256:DIGEST\", number: 2, first: \"2026-11-23T10:00:00Z\"}\n",
            "9, column 7",
            &["stands there twice"],
        ),
        (
            "apiVersion: lapwing.dev/v2\nkind: BehaviorProfile\nspec: {colour: red}\n",
            "1, column 13",
            &["this version reads"],
        ),
        (
            "apiVersion: v1\nkind: Pod\nspec: {}\n",
            "2, column 7",
            &["it is a Pod"],
        ),
        (
            "kind: BehaviorProfile\nspec: {workload: {name: w}, mode: Learning}\n",
            "2, column 1",
            &["`apiVersion` is missing"],
        ),
    ] {
        let text = text.replace('@', HEAD).replace("DIGEST", &"0".repeat(64));
        let error = Profile::from_yaml(&text).unwrap_err().to_string();
        if place.is_empty() {
            assert!(error.contains(": line "), "{text}: {error}");
        } else {
            let wanted = format!("not a profile: line {place}: ");
            assert!(error.starts_with(&wanted), "{text}: {error}");
        }
        for word in words {
            assert!(error.contains(word), "{text}: no {word} in {error}");
        }
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}
