use super::*;
use crate::cli::Code;
use crate::cli::args::Output;
use crate::cli::image_where::WhereArgs;
use crate::container::digest::Digits;
use lapwing_proto::timestamp;
use lapwing_proto::v1::violation::Severity;
use lapwing_proto::v1::{self, GetStatusResponse, ProfileSummary, Violation, Workload};

const DIGEST: &str = "sha256:1234567890";

fn args(digest: &str, wait: &str) -> WhereArgs {
    WhereArgs {
        digest: digest.to_owned(),
        since: "24h".to_owned(),
        wait: wait.to_owned(),
        output: Output::Text,
    }
}

fn workload() -> Workload {
    Workload {
        name: "web\u{1b}".to_owned(),
        ..Workload::default()
    }
}

fn profile(digest: &str, known: bool) -> ProfileSummary {
    ProfileSummary {
        name: crate::judge::name_of(&workload()),
        mode: v1::Mode::Monitoring.into(),
        versions: vec![Version {
            digest: digest.to_owned(),
            first_seen: Some(timestamp(0)),
            known,
            ..Version::default()
        }],
        ..ProfileSummary::default()
    }
}

fn violation(id: &str, digest: &str, revision: u32, count: u64) -> Violation {
    Violation {
        id: id.to_owned(),
        fingerprint: "f".to_owned(),
        node: format!("n{id}\u{1b}"),
        revision,
        rule: "exec.drift".to_owned(),
        severity: Severity::Critical.into(),
        count,
        first_seen: Some(timestamp(1_000_000_000)),
        last_seen: Some(timestamp(2_000_000_000)),
        workload: Some(workload()),
        container: Some(v1::Container {
            image_digest: digest.to_owned(),
            ..v1::Container::default()
        }),
        patch: "exec: {path: /tmp/x}".to_owned(),
        ..Violation::default()
    }
}

/// What one agent says, and what a controller would.
fn found(is_cluster: bool) -> Found {
    let mut found = Found::begin(&GetStatusResponse {
        node: "n1".to_owned(),
        fleet: is_cluster.then(Default::default),
        ..GetStatusResponse::default()
    });
    let digits = Digits::parse("12345678").unwrap();
    found
        .places
        .know(&profile("sha256:99999999", true), &digits);
    assert!(found.places.all.is_empty(), "another image");
    found.places.know(&profile(DIGEST, true), &digits);
    for (id, digest, revision, count) in [
        // The same one later, and what came before that comes after it.
        ("a", DIGEST, 1, 1),
        ("a", DIGEST, 3, 3),
        ("a", DIGEST, 2, 2),
        ("b", DIGEST, 1, 2),
        ("c", "sha256:99999999", 1, 7),
    ] {
        let one = violation(id, digest, revision, count);
        found.places.deviated(one, &digits);
    }
    found
}

fn words(found: &Found) -> (String, Value) {
    let args = args("12345678", "1s");
    let question = Question::new(&args).unwrap();
    let mut out = anstream::StripStream::new(Vec::new());
    text(&mut out, &question, found).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    let mut out = Vec::new();
    json(&mut out, &question, found).unwrap();
    assert!(!text.contains('\u{1b}') && !out.contains(&0x1b), "{text:?}");
    (text, serde_json::from_slice(&out).unwrap())
}

#[test]
fn what_is_asked_for_is_checked() {
    for (digest, wait) in [("latest", "1s"), ("12345678", "soon")] {
        let args = args(digest, wait);
        let failure = Question::new(&args).err().unwrap();
        assert_eq!(failure.code, Code::Usage, "{failure}");
    }
}

#[test]
fn what_ran_and_deviated_on_a_node_is_told_by_workload() {
    let (text, value) = words(&found(false));
    assert_eq!(
        (&value["node"], &value["since"]),
        (&json!("n1"), &json!("24h"))
    );
    let one = &value["workloads"][0];
    let deviation = &one["deviations"][0];
    assert_eq!(deviation["count"], 5, "{one}");
    assert_eq!(deviation["ids"], json!(["a", "b"]));
    assert_eq!(deviation["lastSeen"], "1970-01-01T00:00:02Z");
    assert_eq!(
        (&one["known"], &one["firstSeen"]),
        (&json!(true), &json!("1970-01-01T00:00:00Z"))
    );
    for part in [
        "  monitoring  on n1\n  first seen 1970-01-01T00:00:00Z, described by the profile\n",
        "  does not run now\n",
        "CRITICAL  exec.drift        x5  exec: {path: /tmp/x}\n",
        "last 1970-01-01T00:00:02Z; violations a, b; lapwing evidence a\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("answered"), "{text}");
}

#[test]
fn a_controller_s_answer_says_where() {
    let mut found = found(true);
    let other = "sha256:12345678ffff";
    let both = ProfileSummary {
        versions: [profile(DIGEST, true), profile(other, false)]
            .into_iter()
            .flat_map(|it| it.versions)
            .collect(),
        ..profile(DIGEST, true)
    };
    found
        .places
        .know(&both, &Digits::parse("12345678").unwrap());
    found.answered = 7;
    found.incomplete.push("n2\u{1b}[2J".to_owned());
    let (text, value) = words(&found);
    assert_eq!(
        (&value["node"], &value["answered"]),
        (&Value::Null, &json!(7))
    );
    let one = &value["workloads"][0];
    assert_eq!(one["nodes"].as_array().unwrap().len(), 2, "{one}");
    assert_eq!(one["versions"][1]["digest"], other);
    for part in [
        "  on 2 nodes: ",
        "  does not run now on the nodes that answered\n",
        "  sha256:12345678ffff: first seen 1970-01-01T00:00:00Z, came after what the profile describes\n",
        "; violations a, b; lapwing evidence a on ",
        "7 nodes answered\nincomplete: n2",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let none = Found {
        places: Default::default(),
        ..found
    };
    let (text, _) = words(&none);
    assert!(
        text.starts_with("nobody on the 7 nodes that answered: no container"),
        "{text}"
    );
}
