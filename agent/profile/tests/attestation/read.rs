//! Statements and envelopes of strangers: what the specification lets pass, and what nobody should.

use super::{PRIVATE, attest, payload, private, profile, public, version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lapwing_profile::attestation::{AttestError, Attested, ENVELOPE_MAX, verify};
use lapwing_profile::envelope::{self, EnvelopeError, Private};
use serde_json::{Value, json};

/// Another key: of RFC 8410 all but the last 32 bytes.
fn stranger() -> Private {
    let mut der = BASE64.decode(PRIVATE.lines().nth(1).unwrap()).unwrap();
    der.splice(16.., [8; 32]);
    let text = BASE64.encode(der);
    Private::from_pem(&format!(
        "-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
    ))
    .unwrap()
}

fn sealed(statement: &str) -> String {
    sealed_as("application/vnd.in-toto+json", statement)
}

fn sealed_as(media_type: &'static str, statement: &str) -> String {
    let kind = envelope::Kind {
        media_type,
        what: "a statement",
    };
    envelope::seal(kind, statement, &private(), None).unwrap()
}

/// What is in a statement that is signed so.
fn read(statement: &str) -> Result<Attested, AttestError> {
    verify(sealed(statement).as_bytes(), &[public()], None)
}

/// Why it is no trace.
fn refused(statement: &str) -> String {
    let error = read(statement).unwrap_err();
    assert!(matches!(error, AttestError::NoTrace(_)), "{error}");
    error.to_string()
}

/// Others may sign statements of their own with the same key.
#[test]
fn statements_of_other_kinds_are_no_traces() {
    let good = payload(&attest(&profile(), None, &private(), None).unwrap());
    let broken = |change: fn(&mut Value)| {
        let mut statement = good.clone();
        change(&mut statement);
        refused(&statement.to_string())
    };
    // Of another kind the rest may look like anything.
    let why = broken(|it| {
        it["predicateType"] = json!("https://slsa.dev/provenance/v1");
        it["predicate"] = json!({"buildDefinition": {}});
    });
    assert!(why.contains("slsa.dev/provenance"), "{why}");
    broken(|it| it["_type"] = json!("https://in-toto.io/Statement/v0.1"));
    broken(|it| it["predicate"]["monitorLog"] = json!([]));
    broken(|it| *it = json!("text"));
    let why = broken(|it| it["subject"] = json!([]));
    assert!(why.contains("0 subjects"), "{why}");
    let why = broken(|it| {
        let one = it["subject"][0].clone();
        it["subject"] = json!([one.clone(), one]);
    });
    assert!(why.contains("2 subjects"), "{why}");
}

/// "Fields marked optional may be unset or null"; those that are not known are ignored (parsing rules of the
/// specification).
#[test]
fn what_is_absent_null_or_not_known_is_no_error() {
    let good = payload(&attest(&profile(), None, &private(), None).unwrap());
    let with = |change: fn(&mut Value)| {
        let mut statement = good.clone();
        change(&mut statement);
        read(&statement.to_string()).unwrap()
    };
    let whole = with(|_| {});
    let bare = with(|it| {
        let predicate = &mut it["predicate"];
        predicate["metadata"] = Value::Null;
        predicate["evidence"] = Value::Null;
        predicate["monitor"]["tracePolicy"] = Value::Null;
        predicate["monitorLog"]["network"] = Value::Null;
        predicate["later"] = json!({"x": 1});
        it["subject"][0]["annotations"] = json!({"x": [1]});
        it["later"] = json!([]);
    });
    assert_eq!((bare.first, bare.last, bare.evidence), (None, None, None));
    let left: Vec<_> = { whole.counts.iter() }
        .filter(|(list, _)| list != "network")
        .cloned()
        .collect();
    assert_eq!(bare.counts, left);
    let absent = with(|it| {
        let predicate = it["predicate"].as_object_mut().unwrap();
        predicate.remove("metadata");
        predicate.remove("evidence");
        predicate["monitorLog"] = json!({"process": [{}, [], null, "x", 1.5]});
    });
    assert_eq!(absent.counts, [("process".to_owned(), 5)]);
    let half = with(|it| it["predicate"]["metadata"] = json!({"buildFinishedOn": "x"}));
    assert_eq!((half.first, half.last.as_deref()), (None, Some("x")));
    // What is added beside the lists of the specification has any form.
    let more = with(|it| {
        let log = &mut it["predicate"]["monitorLog"];
        log["summary"] = json!({"deep": [{"x": [1, {"y": null}]}]});
        for (name, value) in [
            ("a", json!(true)),
            ("b", json!(-1)),
            ("c", json!(1)),
            ("d", json!(0.5)),
            ("e", json!("text")),
        ] {
            log[name] = value;
        }
    });
    assert_eq!(more.counts, whole.counts);
    // Other monitors mean something else by a name that is ours.
    let other = with(|it| {
        it["predicate"]["monitor"]["type"] = json!("https://example.org/another");
        it["predicate"]["evidence"] = json!("s3://bucket/log");
    });
    assert_eq!((other.evidence, other.counts), (None, whole.counts));
}

#[test]
fn a_subject_is_an_image_by_a_digest_that_is_worth_something() {
    let good = payload(&attest(&profile(), None, &private(), None).unwrap());
    let with = |subject: Value| {
        let mut statement = good.clone();
        statement["subject"] = json!([subject]);
        statement.to_string()
    };
    let newest = version(2);
    let hash = &newest.digest()["sha256:".len()..];
    for digest in [
        json!({}),
        Value::Null,
        json!({"md5": "00112233445566778899aabbccddeeff"}),
        json!({"sha256": ""}),
        json!({"sha256": &hash[1..]}),
        json!({"sha256": hash.replace('0', "\u{1b}")}),
        json!({"": hash}),
    ] {
        let why = refused(&with(json!({"name": "web", "digest": digest})));
        assert!(why.contains("of no image"), "{digest}: {why}");
    }
    let why = refused(&with(json!({"name": "web"})));
    assert!(why.contains("of no image"), "{why}");
    // What is not known is ignored, and a subject needs no name.
    let two = json!({"md5": "00", "sha256": hash, "sha512": hash.repeat(2)});
    let read = |subject: Value| read(&with(subject)).unwrap().image;
    let both = format!("web@sha256:{hash}, web@sha512:{hash}{hash}");
    assert_eq!(read(json!({"name": "web", "digest": two})), both);
    for name in [Value::Null, json!(""), json!("_")] {
        let image = read(json!({"name": name, "digest": {"sha256": hash}}));
        assert_eq!(image, version(2).digest());
    }
}

/// One reader takes the first, another the last: nobody can say what was signed.
#[test]
fn what_stands_twice_is_refused() {
    let good = payload(&attest(&profile(), None, &private(), None).unwrap()).to_string();
    let newest = version(2);
    let hash = &newest.digest()["sha256:".len()..];
    let other = "1".repeat(64);
    for (from, to) in [
        (
            format!("\"sha256\":\"{hash}\""),
            format!("\"sha256\":\"{hash}\",\"sha256\":\"{other}\""),
        ),
        (
            "\"monitorLog\":{".to_owned(),
            "\"monitorLog\":{\"process\":[],".to_owned(),
        ),
        (
            "\"subject\":".to_owned(),
            "\"subject\":[],\"subject\":".to_owned(),
        ),
        (
            "\"predicate\":".to_owned(),
            "\"predicate\":{},\"predicate\":".to_owned(),
        ),
        (
            "\"predicateType\":".to_owned(),
            "\"predicateType\":\"\",\"predicateType\":".to_owned(),
        ),
    ] {
        let twice = good.replacen(&from, &to, 1);
        assert_ne!(twice, good, "{from}");
        refused(&twice);
    }
    let envelope = sealed(&good);
    let twice = envelope.replacen('{', "{\"payload\": \"\",", 1);
    no_envelope(&twice);
}

fn no_envelope(envelope: &str) -> String {
    let error = verify(envelope.as_bytes(), &[public()], None).unwrap_err();
    let is_none = matches!(error, AttestError::Envelope(EnvelopeError::NoEnvelope(..)));
    assert!(is_none, "{error}");
    error.to_string()
}

#[test]
fn what_stands_behind_the_end_is_refused() {
    let envelope = attest(&profile(), None, &private(), None).unwrap();
    for behind in ["x", "{}", &envelope, "\0"] {
        no_envelope(&format!("{envelope}{behind}"));
    }
    let statement = payload(&envelope).to_string();
    read(&format!("{statement}\n ")).unwrap();
    for behind in ["x", "{}", &statement, "\0"] {
        refused(&format!("{statement}{behind}"));
    }
}

#[test]
fn an_envelope_is_believed_by_a_signature_of_a_trusted_key_over_its_own_kind() {
    let profile = profile();
    let envelope = attest(&profile, None, &private(), None).unwrap();
    // Somebody else's key, on either side.
    let strange = attest(&profile, None, &stranger(), None).unwrap();
    for (envelope, key) in [(&strange, public()), (&envelope, stranger().public())] {
        let error = verify(envelope.as_bytes(), &[key], None).unwrap_err();
        let is_strange = matches!(
            error,
            AttestError::Envelope(EnvelopeError::Untrusted { .. })
        );
        assert!(is_strange, "{error}");
    }
    // Who calls somebody else's signature ours has none of ours.
    let renamed = strange.replace(&stranger().public().id(), &public().id());
    let error = verify(renamed.as_bytes(), &[public()], None).unwrap_err();
    let is_forged = matches!(error, AttestError::Envelope(EnvelopeError::Forged(_)));
    assert!(is_forged, "{error}");
    // Nobody's.
    let mut unsigned: Value = serde_json::from_str(&envelope).unwrap();
    unsigned["signatures"] = json!([]);
    let why = no_envelope(&unsigned.to_string());
    assert!(why.contains("0 signatures"), "{why}");
    // The same text, well signed as another kind of it, and under a wrong name.
    let text = payload(&envelope).to_string();
    let why = no_envelope(&sealed_as("application/json", &text));
    assert!(why.contains("application/json"), "{why}");
    let mut named: Value = serde_json::from_str(&envelope).unwrap();
    named["payloadType"] = json!("application/json");
    no_envelope(&named.to_string());
    let renamed = sealed_as("application/json", &text)
        .replace("application/json", "application/vnd.in-toto+json");
    let error = verify(renamed.as_bytes(), &[public()], None).unwrap_err();
    let is_forged = matches!(error, AttestError::Envelope(EnvelopeError::Forged(_)));
    assert!(is_forged, "{error}");
}

#[test]
fn what_is_hostile_ends_in_an_error_or_in_little() {
    let good = payload(&attest(&profile(), None, &private(), None).unwrap()).to_string();
    let with = |list: &str| {
        let many = format!("\"monitorLog\":{{\"more\":{list},");
        good.replacen("\"monitorLog\":{", &many, 1)
    };
    // Counted, and not kept.
    let flat = with(&format!("[{}0]", "0,".repeat(99_999)));
    let counts = read(&flat).unwrap().counts;
    assert!(counts.contains(&("more".to_owned(), 100_000)), "{counts:?}");
    refused(&with(&"[".repeat(1_000_000)));
    refused(&with(&"{\"x\":".repeat(100_000)));
    let control = refused(&with("\u{1b}[2J"));
    assert!(!control.contains('\u{1b}'), "{control:?}");
    let long = vec![b' '; ENVELOPE_MAX + 1];
    let error = verify(&long, &[public()], None).unwrap_err();
    assert!(error.to_string().contains("134217728"), "{error}");
}
