//! Who may change what is compared with.

use super::*;
use crate::judge::signed::Signatures;
use lapwing_profile::envelope::Private;
use lapwing_profile::signature::sign;

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
    signed_in(folder, "c1")
}

fn signed_in(folder: &Path, cluster: &str) -> Judge {
    let signatures = Signatures {
        require: true,
        keys: vec![Private::from_pem(PRIVATE).unwrap().public()],
    };
    let judge = open(folder, cluster).unwrap();
    judge.with_signatures(signatures, 9).unwrap()
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
                assert_eq!(
                    violation.workload.is_some(),
                    !degraded.detail.contains("without its profile")
                );
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
    let error = answer(&mut judge, |judge, done| judge.promote(&name, ANN, done)).unwrap_err();
    assert!(error.to_string().contains("lapwing profile import"));
    let error = answer(&mut judge, |judge, done| judge.demote(&name, ANN, done)).unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("nobody can sign it") && words.contains("requires no signatures"),
        "{words}"
    );
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

#[test]
fn a_damaged_profile_is_taken_up_with_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = open_signed(folder.path());
    let web = candidate("web");
    let ours = sign(&web, &Private::from_pem(PRIVATE).unwrap(), None).unwrap();
    import_signed(&mut judge, &web, &ours).unwrap();
    let file = judge.store().profiles().unwrap().remove(0);
    drop(judge);
    fs::write(&file, "kind: [").unwrap();
    let mut judge = open_signed(folder.path());
    let items = judge.set_aside(Moment::default());
    let Some(v1::violation::Detail::Degraded(said)) = &violations(&items)[0].detail else {
        panic!("{items:?}")
    };
    // The very command, with the repaired file.
    let (_, command) = said.detail.split_once("profile import ").unwrap();
    let (aside, signature) = command.split_once(" --signature ").unwrap();
    let signature = signature.trim_end_matches('`');
    assert!(Path::new(aside).exists(), "{command}");
    let signature = fs::read_to_string(signature).unwrap();
    let summary = import_signed(&mut judge, &web, &signature).unwrap();
    assert_eq!(summary.mode(), v1::Mode::Monitoring);
}

#[test]
fn a_signature_goes_along_where_the_cluster_has_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = open_signed(folder.path());
    let web = candidate("web");
    let ours = sign(&web, &Private::from_pem(PRIVATE).unwrap(), None).unwrap();
    import_signed(&mut judge, &web, &ours).unwrap();
    drop(judge);
    for _ in 0..2 {
        let mut judge = signed_in(folder.path(), "c2");
        assert_eq!(findings(&mut judge), []);
        judge.end(Moment::default());
    }
}

#[test]
fn what_was_signed_is_in_force_without_the_stored_profile() {
    let folder = tempfile::tempdir().unwrap();
    let mut judge = open_signed(folder.path());
    let web = candidate("web");
    let ours = sign(&web, &Private::from_pem(PRIVATE).unwrap(), None).unwrap();
    let name = import_signed(&mut judge, &web, &ours).unwrap().name;
    let file = judge.store().profiles().unwrap().remove(0);
    drop(judge);
    let remove = || fs::remove_file(&file).unwrap();
    let damage = || fs::write(&file, "kind: [").unwrap();
    let other_cluster = || {
        let (signature, other) = (
            Store::signature_of(&file),
            file.with_file_name("o.sig.json"),
        );
        fs::rename(signature, other).unwrap();
        fs::remove_file(&file).unwrap();
    };
    for (step, aside) in [(&remove as &dyn Fn(), 0), (&damage, 1), (&other_cluster, 0)] {
        step();
        let mut judge = open_signed(folder.path());
        assert_eq!(judge.set_aside(Moment::default()).len(), aside);
        let found = findings(&mut judge);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "profile-changed");
        assert!(
            found[0].1.starts_with("//web/: no whole profile")
                && found[0].1.contains(&file.display().to_string()),
            "{found:?}"
        );
        let (summary, yaml) = judge.profile(&name).unwrap();
        assert_eq!((summary.exec, summary.mode()), (1, v1::Mode::Monitoring));
        assert!(yaml.contains("no whole profile"), "on record: {yaml}");
        judge.end(Moment::default());
        drop(judge);
        let mut judge = open_signed(folder.path());
        assert_eq!(findings(&mut judge), [], "it was stored");
    }
}

#[test]
fn a_signature_that_nothing_can_be_made_of_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_signed(folder.path()));
    let web = candidate("web");
    let path = folder.path().join("profiles").join("web.sig.json");
    let theirs = sign(&web, &Private::from_pem(OTHER).unwrap(), None).unwrap();
    for (text, why) in [("{}", "not a signature"), (&*theirs, "none of the given")] {
        fs::write(&path, text).unwrap();
        let mut judge = open_signed(folder.path());
        let found = findings(&mut judge);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "profile-unsigned");
        assert!(found[0].1.contains(why), "{found:?}");
        assert!(judge.summaries(&HashMap::new()).is_empty());
    }
    // Where nothing is required, nothing is made of it.
    let ours = sign(&web, &Private::from_pem(PRIVATE).unwrap(), None).unwrap();
    fs::write(&path, ours).unwrap();
    let judge = open(folder.path(), "c1").unwrap();
    let judge = judge.with_signatures(Signatures::default(), 9).unwrap();
    assert!(judge.summaries(&HashMap::new()).is_empty());
}
