//! What lies in the folder of the profiles and is none.

use super::*;
use crate::judge::store::check_versions;

fn workload(cluster: &str, name: &str) -> Workload {
    Workload {
        cluster: cluster.into(),
        name: name.into(),
        ..Workload::default()
    }
}

/// A profile's file, its mode a mark by which it is known again.
fn text(cluster: &str, name: &str, mode: Mode) -> Vec<u8> {
    Profile::new(workload(cluster, name), mode)
        .to_yaml()
        .into_bytes()
}

fn details(items: &[Item]) -> Vec<(String, String)> {
    violations(items)
        .iter()
        .map(|violation| match &violation.detail {
            Some(v1::violation::Detail::Degraded(degraded)) => {
                assert_eq!(violation.rule, "sensor.degraded");
                (degraded.reason.clone(), degraded.detail.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn what_is_no_profile_is_set_aside_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), "c1").unwrap());
    let file = |name: &str| folder.path().join("profiles").join(format!("{name}.yaml"));
    let aside = |name: &str| folder.path().join("damaged").join(format!("{name}.yaml"));
    let (ours, theirs) = (
        workload("c1", "web").file_name(),
        workload("c2", "web").file_name(),
    );
    let good = workload("c1", "good");
    fs::write(
        file(&good.file_name()),
        text("c1", "good", Mode::Monitoring),
    )
    .unwrap();
    let huge = vec![b'#'; lapwing_profile::file::TEXT_MAX + 1];
    let learning = text("c1", "web", Mode::Learning);
    let foreign = text("c2", "web", Mode::Learning);
    for (bad, bytes, other, words) in [
        ("web", learning, None, vec![&*ours, "whose file is named"]),
        (
            &*theirs,
            foreign,
            Some((&*ours, text("c1", "web", Mode::Monitoring))),
            vec![&*ours, "as well"],
        ),
        (
            &*ours,
            b"kind: \xff".to_vec(),
            None,
            vec!["line 1, byte 7: not UTF-8"],
        ),
        (
            &*ours,
            b"kind: [\nspec: }\n".to_vec(),
            None,
            vec!["line 1, column 7"],
        ),
        (&*ours, huge, None, vec!["more than"]),
        (&*ours, Vec::new(), None, vec!["not a profile"]),
    ] {
        fs::write(file(bad), &bytes).unwrap();
        if let Some((name, bytes)) = &other {
            fs::write(file(name), bytes).unwrap();
        }
        let mut judge = open(folder.path(), "c1").unwrap();
        let (summary, _) = judge.profile(&good.to_string()).unwrap();
        assert_eq!(summary.mode(), v1::Mode::Monitoring);
        let web = judge.profile(&workload("", "web").to_string());
        assert_eq!(
            web.ok().map(|(summary, _)| summary.mode()),
            other.is_some().then_some(v1::Mode::Monitoring),
            "{words:?}"
        );
        let said = details(&judge.set_aside(Moment::default()));
        assert_eq!(said.len(), 1, "{said:?}");
        let (reason, detail) = &said[0];
        assert_eq!(reason, "profile-damaged");
        assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
        let remedy = format!("lapwing profile import {}", aside(bad).display());
        assert!(detail.contains(&remedy), "{detail}");
        assert!(judge.set_aside(Moment::default()).is_empty(), "said twice");
        drop(judge);
        assert!(!file(bad).exists());
        assert_eq!(fs::read(aside(bad)).unwrap(), bytes);
        let mut judge = open(folder.path(), "c1").unwrap();
        assert!(judge.set_aside(Moment::default()).is_empty());
        drop(judge);
        fs::remove_file(aside(bad)).unwrap();
        if let Some((name, _)) = &other {
            fs::remove_file(file(name)).unwrap();
        }
    }
}

#[test]
fn what_was_set_aside_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), "c1").unwrap());
    let name = format!("{}.yaml", workload("c1", "web").file_name());
    for text in ["one", "two", "three"] {
        fs::write(folder.path().join("profiles").join(&name), text).unwrap();
        let mut judge = open(folder.path(), "c1").unwrap();
        assert_eq!(judge.set_aside(Moment::default()).len(), 1);
    }
    let damaged = folder.path().join("damaged");
    for (path, text) in [
        (damaged.join(&name), "one"),
        (damaged.join("2").join(&name), "two"),
        (damaged.join("3").join(&name), "three"),
    ] {
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
}

#[test]
fn what_cannot_be_read_ends_the_start_and_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), "c1").unwrap());
    let file = |name: &str| {
        let name = workload("c1", name).file_name();
        folder.path().join("profiles").join(format!("{name}.yaml"))
    };
    // Nothing is mapped at address 0: reading there is an error of input (EIO).
    std::os::unix::fs::symlink("/proc/self/mem", file("web")).unwrap();
    let error = open(folder.path(), "c1").err().unwrap().to_string();
    let path = file("web").display().to_string();
    assert!(
        error.contains(&path) && error.contains("(os error 5)") && error.contains("Start it again"),
        "{error}"
    );
    assert!(file("web").is_symlink() && !folder.path().join("damaged").exists());
    fs::remove_file(file("web")).unwrap();
    // These never become profiles.
    std::os::unix::fs::symlink("/nowhere", file("web")).unwrap();
    fs::create_dir(file("db")).unwrap();
    let mut judge = open(folder.path(), "c1").unwrap();
    assert_eq!(judge.set_aside(Moment::default()).len(), 2);
}

#[test]
fn what_another_version_wrote_is_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), "c1").unwrap());
    check_versions(folder.path()).unwrap();
    let name = workload("c1", "web").file_name();
    let file = folder.path().join("profiles").join(format!("{name}.yaml"));
    let old = String::from_utf8(text("c1", "web", Mode::Monitoring)).unwrap();
    // With what is not known here; and one that is as it is here but for the version.
    for more in ["  colour: red\n", ""] {
        let new = old.replace("v1alpha1", "v1beta1") + more;
        fs::write(&file, &new).unwrap();
        for error in [
            check_versions(folder.path()).unwrap_err().to_string(),
            open(folder.path(), "c1").err().unwrap().to_string(),
        ] {
            assert!(error.contains("lapwing.dev/v1beta1"), "{error}");
            assert!(error.contains(&file.display().to_string()), "{error}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), new);
    }
    // Another's file is no profile of ours.
    fs::write(&file, "apiVersion: v1\nkind: Pod\nspec: {}\n").unwrap();
    check_versions(folder.path()).unwrap();
}
