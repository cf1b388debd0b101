//! Names of what the documents make, where those of several containers meet.

mod common;

use common::{advise, created, profile};
use lapwing_advise::document::{Target, patch};
use lapwing_advise::manifest::{List, Pod, Shape};
use lapwing_advise::names::{localhost, slug};
use lapwing_advise::policy::{self, Selects};
use lapwing_advise::{Advice, Given, admission};
use lapwing_profile::workload::Workload;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn target(container: &str, volumes: BTreeSet<String>) -> Target {
    Target {
        shape: Shape::Pod,
        container: container.into(),
        list: List::Containers,
        keeps_seccomp: false,
        localhost: None,
        volumes,
    }
}

/// Names of the volumes of a patch, which its mounts have too, by the paths that they are mounted at.
fn volumes(advice: &Advice, container: &str, taken: &[&str]) -> Vec<(String, String)> {
    let taken = taken.iter().map(|name| (*name).to_owned()).collect();
    let pod = &patch(advice, &target(container, taken))["spec"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let all = pod["volumes"].as_array().unwrap().iter().zip(mounts);
    all.map(|(volume, mount)| {
        assert_eq!(volume["name"], mount["name"]);
        (text(&mount["mountPath"]), text(&volume["name"]))
    })
    .collect()
}

fn names(of: &[(String, String)]) -> Vec<&str> {
    of.iter().map(|(_, name)| name.as_str()).collect()
}

/// A label of RFC 1123.
fn is_label(name: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=63).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn workload(kind: &str, name: &str) -> Workload {
    Workload {
        kind: kind.into(),
        name: name.into(),
        ..Workload::default()
    }
}

#[test]
fn two_containers_of_one_pod_share_nothing() {
    let advice = advise(&created(&["/tmp/x", "/run/x"]));
    let (app, log) = (volumes(&advice, "app", &[]), volumes(&advice, "log", &[]));
    assert_eq!(names(&app), ["lapwing-app-run", "lapwing-app-tmp"]);
    assert_eq!(names(&log), ["lapwing-log-run", "lapwing-log-tmp"]);
    let web = workload("Deployment", "web");
    assert_eq!(policy::name(&web, "app"), "web-app-lapwing");
    assert_eq!(policy::name(&web, "log"), "web-log-lapwing");
}

#[test]
fn what_could_be_another_name_has_a_hash() {
    let paths = ["/a/b/x", "/a-b/x", "/A/B/x", "/\u{e9}/x", "/-/x"];
    let made = volumes(&advise(&created(&paths)), "app", &[]);
    let hashed = |name: &&str| name.starts_with("lapwing-app-") && name.len() >= 20;
    let by_path: BTreeMap<_, _> = made.iter().cloned().collect();
    assert_eq!(by_path["/a/b"], "lapwing-app-a-b");
    assert_eq!(names(&made).iter().filter(|it| hashed(it)).count(), 4);
    // Which split of a name is meant.
    let advice = advise(&created(&["/c/x", "/b/c/x"]));
    let (a, ab) = (volumes(&advice, "a", &[]), volumes(&advice, "a-b", &[]));
    let all: BTreeSet<&str> = names(&a).into_iter().chain(names(&ab)).collect();
    assert_eq!(all.len(), 4, "{all:?}");
    let one = policy::name(&workload("", "web"), "app-log");
    assert_ne!(one, policy::name(&workload("", "web-app"), "log"));
    let set = policy::name(&workload("StatefulSet", "web"), "app");
    assert_ne!(set, policy::name(&workload("Deployment", "web"), "app"));
    assert!([one, set].iter().all(|name| is_label(name)));
}

#[test]
fn names_that_the_pod_has_are_left_to_it() {
    let text = "{kind: Pod, spec: {volumes: [{name: lapwing-app-tmp, hostPath: {path: /srv}}], \
        containers: [{name: app, volumeMounts: [{name: lapwing-app-tmp, mountPath: /srv}]}]}}";
    let pod = Pod::read(text.as_bytes(), None, "app").unwrap();
    let given = Given {
        pod: Some(&pod),
        ..Given::default()
    };
    let advice = Advice::of(&created(&["/tmp/x"]), &given);
    let patch = patch(&advice, &target("app", pod.volumes));
    let name = patch["spec"]["volumes"][0]["name"].as_str().unwrap();
    assert_ne!(name, "lapwing-app-tmp");
    assert!(is_label(name), "{name}");
}

#[test]
fn slugs_are_cut_between_words() {
    assert_eq!(slug("A_b--c.", 3), "a-b");
    assert_eq!(slug("a-b", 2), "a");
}

#[test]
fn each_container_of_each_namespace_has_a_seccomp_profile_of_its_own() {
    let web = workload("Deployment", "web");
    assert_eq!(localhost("shop", &web, "app"), "lapwing/shop/web-app.json");
    assert_eq!(localhost("", &web, "app"), "lapwing/web-app.json");
    let all = [
        localhost("shop", &web, "app"),
        localhost("test", &web, "app"),
        localhost("shop", &web, "log"),
        localhost("shop", &workload("StatefulSet", "web"), "app"),
        // Which split of a name is meant.
        localhost("shop", &workload("", "web-app"), "log"),
        localhost("shop", &workload("", "web"), "app-log"),
        localhost("shop", &workload("", "WEB"), "app"),
    ];
    assert_eq!(BTreeSet::from(all.clone()).len(), all.len(), "{all:?}");
    for text in [
        "../../etc",
        "/",
        "a/b",
        "..",
        ".",
        "A",
        "a\0b",
        &"a".repeat(64),
    ] {
        let path = localhost(text, &workload(text, text), text);
        let [folder, file] = path.split('/').collect::<Vec<_>>()[..] else {
            panic!("{text}: {path}");
        };
        assert_eq!(folder, "lapwing");
        assert!(is_label(file.strip_suffix(".json").unwrap()), "{path}");
    }
}

fn admission_name(workload: &Workload, container: &str) -> String {
    let mut profile = profile();
    profile.workload = workload.clone();
    let selects = Selects {
        name: policy::name(workload, container),
        namespace: "shop".into(),
        labels: BTreeMap::new(),
    };
    let target = target(container, BTreeSet::new());
    let [policy, binding] = admission::objects(&advise(&profile), &target, &selects);
    assert_eq!(policy["metadata"], binding["metadata"]);
    policy["metadata"]["name"].as_str().unwrap().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn all_names_are_labels_and_differ(
        start in "[a-c-]{0,70}",
        containers in prop::collection::btree_set("[ab]{0,2}-?[ab]{0,2}[ab]{0,60}", 1..4),
        // No digits of hexadecimal numbers, which profiles take for patterns.
        folders in prop::collection::btree_set("[op]{1,2}[-/]?[op]{1,2}[op]{0,80}", 1..4),
    ) {
        let containers: Vec<String> = containers.iter().map(|name| format!("c{name}")).collect();
        let paths: Vec<String> = folders.iter().map(|folder| format!("/data/{folder}/x")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let advice = advise(&created(&paths));
        let mut all = BTreeSet::new();
        for container in &containers {
            for (path, name) in volumes(&advice, container, &[]) {
                prop_assert!(is_label(&name), "{}", name);
                prop_assert!(all.insert(name), "{} {}", container, path);
            }
        }
        let mut policies = BTreeSet::new();
        for container in &containers {
            let workload = workload("Deployment", &format!("w{start}"));
            for name in [policy::name(&workload, container), admission_name(&workload, container)] {
                prop_assert!(is_label(&name), "{}", name);
                prop_assert!(policies.insert(name));
            }
        }
    }
}
