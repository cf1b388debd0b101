//! What a version was seen to do, as an attestation: what stands in it, and who is believed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lapwing_profile::attestation::{AttestError, Evidence, Judgement, Whose, verify};
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::envelope::{EnvelopeError, Private, Public};
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::Source;
use lapwing_profile::version::Version;
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};

mod read;

/// Of RFC 8410, section 10.3, and the public one of it (section 10.1).
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
const OLD: &str = "exec: {path: /usr/bin/old, parent: runtime}";
/// One of each class, and of each kind of peer.
const NEW: &[&str] = &[
    "exec: {path: /usr/sbin/nginx, parent: runtime}",
    "file: {operation: CREATE, path: '/var/cache/a b'}",
    "file: {operation: CREATE, path: 'detached:/x'}",
    "egress: {protocol: TCP, domain: db.example.org, port: 5432}",
    "egress: {protocol: UDP, address: 192.0.2.7, port: 53}",
    "listen: {protocol: TCP, port: 80}",
    "dns: {name: db.example.org, type: A}",
    "privilege: {operation: CAPABILITY, detail: CAP_CHOWN}",
];

fn private() -> Private {
    Private::from_pem(PRIVATE).unwrap()
}

fn public() -> Public {
    Public::from_pem(PUBLIC).unwrap()
}

/// By the default conditions, as of a file.
fn attest(
    profile: &Profile,
    digest: Option<&str>,
    key: &Private,
    before: Option<&[u8]>,
) -> Result<String, AttestError> {
    lapwing_profile::attestation::attest(profile, digest, &Judgement::default(), key, before)
}

fn version(number: u32) -> Version {
    let digest = format!("sha256:{number:08x}{:056x}", 7);
    Version::new("example.org/team/web", &digest).unwrap()
}

/// Second in the file's time.
const SECOND: i64 = 1_000_000_000;

fn see(profile: &mut Profile, line: &str, at: i64, of: Option<&Version>) {
    let entry = Entry::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    profile.observe(&Sighting {
        entry: entry.clone(),
        at: at * SECOND,
    });
    let source = Source {
        executable: Some("/usr/sbin/nginx"),
        version: of,
        ..Source::default()
    };
    assert!(profile.attribute(&entry, &source), "{line}");
}

/// The first version did one thing and the second all others; of one nobody told.
fn profile() -> Profile {
    let workload = Workload {
        cluster: "c 1".into(),
        namespace: "shop".into(),
        kind: "Deployment".into(),
        name: "web".into(),
        container: "nginx".into(),
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    profile.sight(&version(1), SECOND);
    profile.sight(&version(2), 2 * SECOND);
    see(&mut profile, OLD, 1, Some(&version(1)));
    for (line, at) in NEW.iter().zip(10..) {
        see(&mut profile, line, at, Some(&version(2)));
    }
    see(&mut profile, "dns: {name: nobody.told, type: A}", 3, None);
    let by = By {
        actor: "ann",
        reason: "known",
        at: SECOND,
    };
    // Approved, and never seen.
    profile
        .approve(&Entry::parse("exec: {path: /never}").unwrap(), by)
        .unwrap();
    profile
}

fn payload(envelope: &str) -> Value {
    let envelope: Value = serde_json::from_str(envelope).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let text = BASE64
        .decode(envelope["payload"].as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_newest_version_is_attested_with_what_it_did_and_nothing_else() {
    let envelope = attest(&profile(), None, &private(), None).unwrap();
    let statement = payload(&envelope);
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    let hash = version(2).digest()["sha256:".len()..].to_owned();
    let subject = json!([{"name": "example.org/team/web", "digest": {"sha256": hash}}]);
    assert_eq!(statement["subject"], subject);
    let predicate = &statement["predicate"];
    let process = &predicate["monitoredProcess"];
    assert_eq!(process["event"], "shop/Deployment/web/nginx");
    assert_eq!(process["hostID"], "lapwing-cluster:c%201");
    let log = predicate["monitorLog"].as_object().unwrap();
    let lists: Vec<&String> = log.keys().collect();
    let all = [
        "dns",
        "fileAccess",
        "listen",
        "network",
        "privilege",
        "process",
    ];
    assert_eq!(lists, all);
    // Each line is there as it is, and reads back.
    let entry = |value: &Value| match value.get("annotations") {
        Some(annotations) => annotations["entry"].clone(),
        None => value["entry"].clone(),
    };
    let mut told: Vec<String> = log
        .values()
        .flat_map(|list| list.as_array().unwrap())
        .map(|value| entry(value).as_str().unwrap().to_owned())
        .collect();
    let mut wanted: Vec<String> = NEW
        .iter()
        .map(|line| Entry::parse(line).unwrap().to_string())
        .collect();
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted);
    let nginx = &log["process"][0];
    let whole = json!({
        "entry": Entry::parse(NEW[0]).unwrap().to_string(), "phase": "main", "verdict": "approved",
        "firstSeen": "1970-01-01T00:00:10Z", "lastSeen": "1970-01-01T00:00:10Z", "count": 1,
        "path": "/usr/sbin/nginx", "origin": "IMAGE", "parent": "runtime",
    });
    assert_eq!(*nginx, whole);
    let peers = log["network"].as_array().unwrap();
    let peer = |name: &str, value: &str| {
        let found = peers.iter().find(|peer| peer[name] == value);
        found.map(|peer| json!([peer["protocol"], peer["port"]]))
    };
    assert_eq!(
        peer("hostname", "db.example.org"),
        Some(json!(["tcp", 5432]))
    );
    assert_eq!(peer("ip", "192.0.2.7"), Some(json!(["udp", 53])));
    let mut uris: Vec<&str> = (log["fileAccess"].as_array().unwrap().iter())
        .map(|file| file["uri"].as_str().unwrap())
        .collect();
    uris.sort_unstable();
    assert_eq!(
        uris,
        ["file:///var/cache/a%20b", "lapwing-path:detached%3A/x"]
    );
    assert!(nginx.get("inSeveralVersions").is_none());
    // What was seen without a version, and how much all of it is worth.
    let evidence = &predicate["evidence"];
    assert_eq!(evidence["unattributed"], 1);
    assert_eq!(evidence["versions"], 2);
    assert_eq!(evidence["complete"], false);
    assert!(!evidence["lacks"].as_array().unwrap().is_empty());
    let conditions = json!({
        "of": "default", "coverage": 0.99, "newsPerDay": 1.0, "quietMilliseconds": 900_000,
        "observedMilliseconds": 1_800_000, "instances": 1, "restarts": 1, "wholeDay": false,
    });
    assert_eq!(evidence["conditions"], conditions);
    let metadata = json!({"buildStartedOn": "1970-01-01T00:00:02Z", "buildFinishedOn": "1970-01-01T00:00:17Z"});
    assert_eq!(predicate["metadata"], metadata);
}

#[test]
fn it_is_checked_by_who_has_the_key_and_asks_for_the_image() {
    let profile = profile();
    let envelope = attest(&profile, None, &private(), None).unwrap();
    let check = |image: Option<&str>| verify(envelope.as_bytes(), &[public()], image);
    let attested = check(None).unwrap();
    let image = format!("example.org/team/web@{}", version(2).digest());
    assert_eq!(attested.image, image);
    assert_eq!(attested.workload, "shop/Deployment/web/nginx");
    assert_eq!(attested.keys, [public().id()]);
    assert_eq!(attested.evidence.as_ref().unwrap().unattributed, 1);
    assert_eq!(
        attested
            .counts
            .iter()
            .map(|(_, count)| count)
            .sum::<usize>(),
        NEW.len()
    );
    assert_eq!(check(Some(&image)).unwrap(), attested);
    assert_eq!(check(Some(version(2).digest())).unwrap(), attested);
    for other in [
        version(1).digest(),
        "example.org/team/web",
        "sha256:\u{1b}[2J",
    ] {
        let error = check(Some(other)).unwrap_err();
        assert!(matches!(error, AttestError::OtherImage { .. }), "{error}");
        assert!(!error.to_string().chars().any(char::is_control));
        assert!(error.to_string().contains("-f '{{.Id}}'"), "{error}");
    }
    // The other version, asked for by name.
    let first = attest(&profile, Some(version(1).digest()), &private(), None).unwrap();
    let first = verify(first.as_bytes(), &[public()], None).unwrap();
    assert_eq!(first.counts, [("process".to_owned(), 1)]);
}

#[test]
fn what_was_changed_or_is_of_another_kind_is_refused() {
    let envelope = attest(&profile(), None, &private(), None).unwrap();
    let mut forged: Value = serde_json::from_str(&envelope).unwrap();
    let text = payload(&envelope).to_string().replace("nginx", "xmrig");
    forged["payload"] = json!(BASE64.encode(text));
    let error = verify(forged.to_string().as_bytes(), &[public()], None).unwrap_err();
    let is_forged = matches!(error, AttestError::Envelope(EnvelopeError::Forged(_)));
    assert!(is_forged, "{error}");
    // A signature of the profile itself says something else.
    let mut promoted = profile();
    let by = By {
        actor: "ann",
        reason: "reviewed",
        at: SECOND,
    };
    promoted.promote(by).unwrap();
    let signature = lapwing_profile::signature::sign(&promoted, &private(), None).unwrap();
    let error = verify(signature.as_bytes(), &[public()], None).unwrap_err();
    assert!(error.to_string().contains("not an attestation"), "{error}");
    // Nor is one replaced that is another thing.
    assert!(attest(&promoted, None, &private(), Some(signature.as_bytes())).is_err());
}

#[test]
fn a_profile_without_the_version_says_which_it_knows() {
    let nameless = Profile::new(Workload::default(), Mode::Learning);
    let error = attest(&nameless, None, &private(), None).unwrap_err();
    assert!(matches!(error, AttestError::NoVersion), "{error}");
    let digest = version(9).digest().to_owned();
    let error = attest(&profile(), Some(&digest), &private(), None).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&digest), "{text}");
    assert!(text.contains(version(2).digest()), "{text}");
    let mut unseen = Profile::new(Workload::default(), Mode::Learning);
    unseen.sight(&version(1), SECOND);
    let error = attest(&unseen, None, &private(), None).unwrap_err();
    assert!(matches!(error, AttestError::Nothing(_)), "{error}");
}

/// The profile counts for all versions together.
#[test]
fn what_several_versions_did_has_no_figures_of_one() {
    let mut profile = profile();
    see(&mut profile, NEW[0], 500, Some(&version(1)));
    let statement = payload(&attest(&profile, None, &private(), None).unwrap());
    let nginx = &statement["predicate"]["monitorLog"]["process"][0];
    let figures = json!({"firstSeen": "1970-01-01T00:00:10Z", "lastSeen": "1970-01-01T00:08:20Z", "count": 2});
    assert_eq!(nginx["inSeveralVersions"], figures);
    assert_eq!(nginx.get("count"), None);
    let end = &statement["predicate"]["metadata"]["buildFinishedOn"];
    assert_eq!(*end, "1970-01-01T00:00:17Z");
}

/// The profile knows a version by the first digits of its digest.
#[test]
fn a_digest_that_begins_like_another_s_is_attested_of_nothing() {
    let mut profile = profile();
    let like = format!("{}{:056x}", &version(2).digest()[.."sha256:".len() + 8], 8);
    let like = Version::new("example.org/team/web", &like).unwrap();
    profile.sight(&like, 3 * SECOND);
    let error = attest(&profile, Some(like.digest()), &private(), None).unwrap_err();
    assert!(matches!(error, AttestError::Nothing(_)), "{error}");
}

#[test]
fn what_was_refused_or_is_excused_by_now_is_told_all_the_same() {
    let mut profile = profile();
    let by = |reason| By {
        actor: "ann",
        reason,
        at: SECOND,
    };
    // All that execute it, by a line that was never seen.
    let wide = Entry::parse("exec: {path: /usr/sbin/nginx}").unwrap();
    profile.refuse(&wide, by("never")).unwrap();
    let statement = payload(&attest(&profile, None, &private(), None).unwrap());
    let log = &statement["predicate"]["monitorLog"];
    assert_eq!(log["process"][0]["path"], "/usr/sbin/nginx");
    assert_eq!(log["process"][0]["verdict"], "refused");
}

#[test]
fn a_pattern_is_no_file_and_a_list_of_processes_is_always_there() {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    profile.sight(&version(1), SECOND);
    for number in 0..40 {
        let line = format!("file: {{operation: CREATE, path: /data/t-{number:04}}}");
        see(&mut profile, &line, 5, Some(&version(1)));
    }
    let statement = payload(&attest(&profile, None, &private(), None).unwrap());
    let log = &statement["predicate"]["monitorLog"];
    assert_eq!(log["process"], json!([]));
    let files = log["fileAccess"].as_array().unwrap();
    let pattern = files
        .iter()
        .find(|file| file["annotations"]["pattern"] == true);
    let uri = pattern.expect("so many names become a pattern")["uri"].as_str();
    assert_eq!(uri, Some("lapwing-pattern:/data/t-%7Bdigits%7D"));
}

/// Whether evidence is complete depends on what is wanted of it.
#[test]
fn it_says_by_which_conditions_the_evidence_is_judged() {
    let attested = |by: &Judgement| {
        let envelope =
            lapwing_profile::attestation::attest(&profile(), None, by, &private(), None).unwrap();
        let attested = verify(envelope.as_bytes(), &[public()], None).unwrap();
        attested.evidence.unwrap()
    };
    let strict = attested(&Judgement::default());
    assert_eq!(strict.conditions.as_ref().unwrap().of, "default");
    let lacks = |evidence: &Evidence, what: &str| {
        let found = evidence.lacks.iter().any(|lack| lack.contains(what));
        assert!(found, "{what}: {:?}", evidence.lacks);
    };
    lacks(&strict, "restart");
    let all = Settings {
        restarts: 0,
        observed: 90 * SECOND,
        ..Settings::default()
    };
    let configured = |unmet| Judgement {
        of: Whose::Configured,
        settings: all,
        unmet,
    };
    let looser = attested(&configured(None));
    let restarts = { looser.lacks.iter() }.any(|lack| lack.contains("restart"));
    assert!(!restarts, "{:?}", looser.lacks);
    let conditions = looser.conditions.unwrap();
    let told = (&*conditions.of, conditions.observed_milliseconds);
    assert_eq!(told, ("configured", 90_000));
    // A controller knows of nodes besides.
    let nodes = "seen on 1 of the 3 nodes that run it; needs 3".to_owned();
    let told = attested(&configured(Some(vec![nodes.clone()])));
    assert_eq!((told.complete, told.lacks), (false, vec![nodes]));
    let told = attested(&configured(Some(Vec::new())));
    assert!(told.complete && told.lacks.is_empty());
}
