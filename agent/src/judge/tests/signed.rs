//! Who may change what is compared with.

use super::*;
use crate::judge::signed::Signatures;
use lapwing_profile::signature::{Private, sign};

/// Of RFC 8410, section 10.3.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
/// A key of which nobody knows here: the same with another last byte.
const OTHER: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhD
-----END PRIVATE KEY-----
";

fn open_signed(folder: &Path) -> Judge {
    let signatures = Signatures {
        require: true,
        keys: vec![Private::from_pem(PRIVATE).unwrap().public()],
    };
    open(folder, "c1").unwrap().with_signatures(signatures, 9)
}

fn candidate(name: &str) -> Profile {
    let workload = Workload {
        name: name.into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    let entry = Entry::parse("exec: {path: /bin/ls}").unwrap();
    profile.approve(&entry, ANN).unwrap();
    profile.promote(ANN).unwrap();
    profile
}

fn import_signed(
    judge: &mut Judge,
    profile: &Profile,
    signature: &str,
) -> Result<v1::ProfileSummary, AskError> {
    let yaml = profile.to_yaml();
    answer(judge, |judge, done| {
        judge.import(&yaml, signature, ANN, done);
    })
}

fn findings(judge: &mut Judge) -> Vec<(String, String)> {
    violations(&judge.unsigned(Moment::default()))
        .iter()
        .map(|violation| match &violation.detail {
            Some(v1::violation::Detail::Degraded(degraded)) => {
                assert!(violation.workload.is_some());
                (degraded.reason.clone(), degraded.detail.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn only_what_is_signed_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = open_signed(folder.path());
    let web = candidate("web");
    let error = import_signed(&mut judge, &web, "").unwrap_err().to_string();
    assert!(error.contains("lapwing profile sign"), "{error}");
    let theirs = sign(&web, &Private::from_pem(OTHER).unwrap(), None).unwrap();
    let error = import_signed(&mut judge, &web, &theirs).unwrap_err();
    assert!(matches!(error, AskError::Signature(_)), "{error}");
    let ours = sign(&web, &Private::from_pem(PRIVATE).unwrap(), None).unwrap();
    let mut wider = web.clone();
    let shell = Entry::parse("exec: {path: /bin/sh}").unwrap();
    wider.approve(&shell, ANN).unwrap();
    let error = import_signed(&mut judge, &wider, &ours).unwrap_err();
    assert!(
        error.to_string().contains("+ exec: {path: /bin/sh}"),
        "{error}"
    );
    assert!(judge.summaries(&HashMap::new()).is_empty());
    let summary = import_signed(&mut judge, &web, &ours).unwrap();
    assert_eq!((summary.exec, summary.mode()), (1, v1::Mode::Monitoring));

    // By hand nothing is decided, in any direction.
    let name = summary.name;
    let entries = ["exec: {path: /bin/sh}".to_owned()];
    for verdict in [Verdict::Approve, Verdict::Refuse] {
        let error = answer(&mut judge, |judge, done| {
            judge.decide(verdict, &name, &entries, ANN, done);
        })
        .unwrap_err();
        assert!(matches!(error, AskError::Unsigned(_)), "{error}");
    }
    for turn in [Judge::promote, Judge::demote] {
        let error = answer(&mut judge, |judge, done| turn(judge, &name, ANN, done)).unwrap_err();
        assert!(
            error.to_string().contains("lapwing profile import"),
            "{error}"
        );
    }
    drop(judge);
    let mut judge = open_signed(folder.path());
    assert_eq!(findings(&mut judge), []);
    assert_eq!(judge.profile(&name).unwrap().0.exec, 1);
}

#[test]
fn what_was_signed_wins_over_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = open_signed(folder.path());
    let web = candidate("web");
    let ours = sign(&web, &Private::from_pem(PRIVATE).unwrap(), None).unwrap();
    let name = import_signed(&mut judge, &web, &ours).unwrap().name;
    let file = judge.store().profiles().unwrap().remove(0);
    let stored = fs::read_to_string(&file).unwrap();
    drop(judge);
    let line = "    - {path: /bin/ls}\n";
    let wider = stored.replace(line, &format!("{line}    - {{path: /bin/sh}}\n"));
    let blind = stored.replace("mode: Monitoring", "mode: Learning");
    for (changed, how) in [
        (wider, "+ exec: {path: /bin/sh}"),
        (blind, "mode Monitoring -> Learning"),
    ] {
        fs::write(&file, changed).unwrap();
        let mut judge = open_signed(folder.path());
        let found = findings(&mut judge);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "profile-changed");
        assert!(found[0].1.contains(how), "{found:?}");
        let (summary, yaml) = judge.profile(&name).unwrap();
        assert_eq!(
            (summary.exec, summary.mode()),
            (1, v1::Mode::Monitoring),
            "{yaml}"
        );
        assert!(yaml.contains(how), "on record: {yaml}");
        judge.end(Moment::default());
        drop(judge);
        let mut judge = open_signed(folder.path());
        assert_eq!(findings(&mut judge), [], "it was stored");
    }
}

#[test]
fn what_nobody_signed_stays_and_is_reported_where_it_is_compared_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = open(folder.path(), "c1").unwrap();
    let learning = Workload {
        name: "learns".into(),
        ..Workload::default()
    };
    let learning = Profile::new(learning, Mode::Learning);
    for profile in [&candidate("web"), &learning] {
        import(&mut judge, &profile.to_yaml()).unwrap();
    }
    drop(judge);
    let mut judge = open_signed(folder.path());
    let found = findings(&mut judge);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "profile-unsigned");
    assert!(found[0].1.starts_with("//web/: nobody signed"), "{found:?}");
    assert_eq!(
        judge.profile("//web/").unwrap().0.mode(),
        v1::Mode::Monitoring
    );
    let name = judge.store().profiles().unwrap();
    let name = name
        .iter()
        .find(|path| path.to_string_lossy().contains("web"));
    let signature = name.unwrap().with_extension("sig.json");
    drop(judge);
    fs::write(&signature, "{}").unwrap();
    let mut judge = open_signed(folder.path());
    let found = findings(&mut judge);
    assert!(found[0].1.contains("not a signature"), "{found:?}");
}
