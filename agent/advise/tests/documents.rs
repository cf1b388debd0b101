//! The documents: what they say, and that hostile names change nothing of their form.

mod common;

use common::{DEPLOYMENT, approve, created, profile, see, selects, target, web};
use lapwing_advise::apparmor;
use lapwing_advise::document::{
    Target, compose, compose_text, patch, patch_text, policy_text, yaml,
};
use lapwing_advise::manifest::{Manifest, Shape};
use lapwing_advise::policy::{Selects, cilium, kubernetes};
use lapwing_advise::whole::{cilium_text, yaml_text};
use lapwing_advise::{Advice, Given};
use lapwing_profile::behaviour::{FileChange, Operation};
use lapwing_profile::decide::By;
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::text::canonical;
use lapwing_profile::workload::Workload;
use proptest::prelude::*;
use serde_json::{Value, json};

fn deployment() -> Manifest {
    Manifest::read(DEPLOYMENT.as_bytes()).unwrap()
}

fn advise(profile: &Profile) -> Advice {
    Advice::of(profile, &Given::default())
}

#[test]
fn the_documents_are_as_they_were() {
    let advice = advise(&web());
    let manifest = deployment();
    for (name, now) in [
        ("web.patch.yaml", patch_text(&advice, &target())),
        (
            "web.all.yaml",
            yaml_text(&advice, &target(), &selects(), Some(&manifest)),
        ),
        (
            "web.networkpolicy.yaml",
            yaml_text(&advice, &target(), &selects(), None),
        ),
        ("web.cilium.yaml", cilium_text(&advice, &selects())),
        ("web.compose.yaml", compose_text(&advice, "web", None)),
        ("web.apparmor", apparmor::text(&web(), &advice)),
        (
            "web.policy.yaml",
            policy_text(&advice, &target(), &selects()),
        ),
    ] {
        let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("LAPWING_REGENERATE").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            kept, now,
            "LAPWING_REGENERATE=1 cargo test -p lapwing-advise renews {name}"
        );
    }
}

#[test]
fn a_patch_reaches_the_pod_wherever_it_lies() {
    let advice = advise(&web());
    for (shape, at) in [
        (Shape::Pod, "/spec"),
        (Shape::Template, "/spec/template/spec"),
        (Shape::CronJob, "/spec/jobTemplate/spec/template/spec"),
    ] {
        let patch = patch(&advice, &Target { shape, ..target() });
        let pod = patch.pointer(at).unwrap();
        assert_eq!(pod["containers"][0]["name"], "app");
        let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
        for (mount, volume) in mounts.iter().zip(pod["volumes"].as_array().unwrap()) {
            assert_eq!(mount["name"], volume["name"]);
            let limit = match mount["mountPath"].as_str() {
                Some("/var/cache/web") => json!({"sizeLimit": "32Mi"}),
                _ => json!({}),
            };
            assert_eq!(volume["emptyDir"], limit);
        }
    }
    let own = Target {
        localhost: Some("lapwing/shop/web-app.json".into()),
        ..target()
    };
    for text in [
        patch_text(&advice, &own),
        policy_text(&advice, &own, &selects()),
        yaml_text(&advice, &own, &selects(), Some(&deployment())),
    ] {
        let words = "prints at lapwing/shop/web-app.json, below the kubelet's folder";
        assert_eq!(text.matches(words).count(), 1, "{text}");
        // And it is in the document.
        assert!(
            text.matches("lapwing/shop/web-app.json").count() > 1,
            "{text}"
        );
    }
    let keeps = Target {
        keeps_seccomp: true,
        ..target()
    };
    assert!(!yaml(&patch(&advice, &keeps)).contains("RuntimeDefault"));
}

#[test]
fn what_is_blocked_or_unseen_is_in_no_document() {
    let mut profile = created(&["/etc/x", "/data/y"]);
    see(&mut profile, "exec: {path: /usr/bin/sudo}", None, 33);
    let given = Given {
        sees_capabilities: Some(false),
        ..Given::default()
    };
    let advice = Advice::of(&profile, &given);
    let pod = &patch(&advice, &target())["spec"]["template"]["spec"];
    assert_eq!(
        pod["containers"][0]["securityContext"],
        json!({
            "privileged": false,
            "runAsNonRoot": true,
            "runAsUser": 33,
            "seccompProfile": {"type": "RuntimeDefault"},
        })
    );
    assert_eq!(pod["volumes"], Value::Null);
    assert_eq!(
        compose(&advice, "web", None),
        json!({"services": {"web": {"privileged": false, "user": "33"}}})
    );
    let text = patch_text(&advice, &target());
    for word in [
        "# incomplete: ",
        "is blocked by /etc/x",
        "# escalation: ",
        "no uses of capabilities",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn compose_takes_back_what_the_service_has() {
    let mut profile = created(&["/tmp/x"]);
    let none = see_capability(&mut profile, None);
    assert!(none.contains("cap_add: !reset\n      []\n"), "{none}");
    assert!(
        none.contains("    - no-new-privileges=1\n    - seccomp="),
        "{none}"
    );
    let some = see_capability(&mut profile, Some("CAP_CHOWN"));
    assert!(
        some.contains("cap_add: !override\n      - CHOWN\n"),
        "{some}"
    );
    for text in [&none, &some] {
        for line in [
            "    privileged: false\n",
            "    - seccomp=lapwing/web$$.json\n",
            "# seccomp: put what `-o seccomp --seccomp` prints at lapwing/web$.json",
            "2.24.4",
        ] {
            assert!(text.contains(line), "no `{line}` in {text}");
        }
    }
    // Where nothing is dropped, nothing that the service adds is taken away.
    let unseen = compose_text(&advise(&profile), "web", None);
    assert!(unseen.contains("take seccomp=unconfined out"), "{unseen}");
    let blind = Given {
        sees_capabilities: Some(false),
        ..Given::default()
    };
    let blind = compose_text(&Advice::of(&common::profile(), &blind), "web", None);
    assert!(!blind.contains("cap_"), "{blind}");
}

/// The fragment with a seccomp profile, where this capability was used besides.
fn see_capability(profile: &mut Profile, name: Option<&str>) -> String {
    if let Some(name) = name {
        let line = format!("privilege: {{operation: CAPABILITY, detail: {name}}}");
        see(profile, &line, None, 33);
    }
    let advice = common::advise_seeing(profile);
    compose_text(&advice, "web", Some("lapwing/web$.json"))
}

#[test]
fn warnings_go_with_every_document() {
    let mut profile = created(&["/app/new"]);
    for line in [
        "file: {operation: OPEN_WRITE, path: /app/old}",
        "file: {operation: CREATE, path: /tmp/z}",
        "privilege: {operation: CAPABILITY, detail: CAP_63}",
    ] {
        see(&mut profile, line, Some(Mount::Image), 33);
    }
    let advice = advise(&profile);
    for text in [
        patch_text(&advice, &target()),
        yaml_text(&advice, &target(), &selects(), None),
        yaml_text(&advice, &target(), &selects(), Some(&deployment())),
        cilium_text(&advice, &selects()),
        compose_text(&advice, "web", None),
    ] {
        let one = |words: &[&str]| {
            let has = |line: &&str| words.iter().all(|word| line.contains(word));
            text.lines()
                .filter(|line| line.starts_with("# "))
                .filter(has)
                .count()
        };
        assert_eq!(one(&["mount at /app: ", "hides /app/old"]), 1, "{text}");
        assert_eq!(
            one(&["mounts: what the image has at /app, /tmp", "image contents"]),
            1,
            "{text}"
        );
        assert_eq!(one(&["mount at /tmp: no sizeLimit: "]), 1, "{text}");
        assert_eq!(one(&["mount at /tmp: "]), 1, "{text}");
        assert_eq!(
            one(&["no manifest can name this one", "CAP_63"]),
            1,
            "{text}"
        );
        assert_eq!(one(&["user: user 33 alone"]), 1, "{text}");
        assert_eq!(one(&["user: ids are the host's"]), 1, "{text}");
    }
    // Of what is in no document nothing is said.
    see(
        &mut profile,
        "file: {operation: CREATE, path: /etc/x}",
        Some(Mount::Image),
        33,
    );
    let text = patch_text(&advise(&profile), &target());
    assert!(!text.contains("mount at /app"), "{text}");
}

#[test]
fn a_workload_is_named_by_the_parts_that_there_are() {
    let workload = Workload {
        kind: "Workload".into(),
        name: "postgresql".into(),
        ..Workload::default()
    };
    let advice = advise(&Profile::new(workload, Mode::Learning));
    let text = patch_text(&advice, &target());
    let first = text.lines().next();
    assert_eq!(first, Some("# advice of Lapwing for Workload/postgresql"));
}

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A Compose text as Compose reads it: two dollars are one, and one would begin a variable.
fn interpolated(text: &str) -> String {
    let rest = text.replace("$$", "");
    assert!(!rest.contains('$'), "{text}");
    text.replace("$$", "$")
}

/// Names that YAML, Compose and terminals take for something else.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"yes"[..],
        b"017",
        b"1e3",
        b"~",
        b"- x",
        b"#",
        b"a: b",
        b"a:b",
        b"${HOME}",
        b"$$",
        b"$x",
        b"'",
        b"\"",
        b"\n",
        b"a\nb: c",
        b"---",
        b"{}",
        b"*a",
        b"&a",
        b"!!x",
        b"\x1b[2J",
        b"\xff",
        b" ",
        b"\xe2\x80\xae",
        b"a,b",
        b"\\",
        b"\\x41",
        b"|",
        b">-",
        b"%",
        b"@",
        b"`",
    ]);
    let known = known.prop_map(<[u8]>::to_vec);
    let free = prop::collection::vec(any::<u8>(), 1..8);
    let no_slash = |name: &Vec<u8>| {
        !name.contains(&b'/') && !name.contains(&0) && name != b"." && name != b".."
    };
    prop_oneof![known, free].prop_filter("a name", no_slash)
}

const BY: By<'_> = By {
    actor: "ann",
    reason: "",
    at: common::AT,
};

fn hostile(names: &[Vec<u8>]) -> Profile {
    let mut profile = profile();
    let texts = names.iter().map(|name| canonical(name));
    for name in texts {
        let file = FileChange::new(Operation::Create, format!("/data/{name}/x"));
        let entry = Entry {
            behaviour: file.into(),
            phase: Phase::Main,
        };
        profile.approve(&entry, BY).unwrap();
        let domain = name.to_ascii_lowercase();
        for line in [
            format!(
                "privilege: {{operation: CAPABILITY, detail: {}}}",
                json!(name)
            ),
            format!(
                "egress: {{protocol: TCP, domain: {}, port: 443}}",
                json!(domain)
            ),
        ] {
            // Not every such name can be that of a domain.
            if Entry::parse(&line).is_ok() {
                approve(&mut profile, &line);
            }
        }
    }
    profile
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_names_survive_every_document(names in prop::collection::vec(name(), 1..6)) {
        let mut profile = hostile(&names);
        // What no manifest can name as a mount has to be made in one.
        for blocked in advise(&profile).root.blocked {
            let folder = blocked.path.rsplit_once('/').unwrap().0;
            let entry = Entry {
                behaviour: FileChange::new(Operation::Mkdir, folder).into(),
                phase: Phase::Main,
            };
            profile.approve(&entry, BY).unwrap();
        }
        let advice = advise(&profile);
        prop_assert!(advice.root.read_only);
        let target = Target { container: "a\n- ${x}: 'b\"".into(), ..target() };
        let selects = Selects { labels: [("yes".into(), "1e3\n#".into())].into(), ..selects() };
        let text = patch_text(&advice, &target);
        prop_assert_eq!(&read(&text), &patch(&advice, &target));
        let folders: Vec<_> = advice.root.folders.iter().map(|it| it.path.clone()).collect();

        let text = compose_text(&advice, "web", None);
        let tmpfs = read(&text)["services"]["web"]["tmpfs"].clone();
        let mounts: Vec<String> = (tmpfs.as_array().unwrap().iter())
            .map(|it| interpolated(it.as_str().unwrap()))
            .collect();
        prop_assert_eq!(&mounts, &folders);
        prop_assert!(mounts.iter().all(|it| !it.contains([':', ',', '\n'])));

        let merged = deployment().patched(&patch(&advice, &target), "");
        let text = yaml_text(&advice, &target, &selects, Some(&deployment()));
        let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        prop_assert_eq!(&all[..], &[merged, kubernetes(&advice, &selects)]);
        prop_assert_eq!(&read(&cilium_text(&advice, &selects)), &cilium(&advice, &selects));
        // Nothing hidden reaches who reads it.
        let line = text.replace('\n', "");
        prop_assert_eq!(lapwing_profile::text::visible(&line), line.as_str());

        // And JSON, as programs read it.
        let value = serde_json::to_value(&advice).unwrap();
        prop_assert_eq!(value["root"]["folders"].as_array().map(Vec::len), Some(folders.len()));
    }

    #[test]
    fn texts_stay_texts(text: String) {
        prop_assert_eq!(read(&yaml(&json!({"a": [&text], "b": {&text: &text}}))), json!({"a": [&text], "b": {&text: &text}}));
    }
}
