//! Manifests: what is read of them, and what is refused.

mod common;

use common::{advise, web};
use lapwing_advise::document::{Target, patch};
use lapwing_advise::manifest::{List, Pod};
use lapwing_advise::policy::{left_by_cilium, left_by_kubernetes};
use lapwing_advise::{Advice, Given};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn a_container_is_found_in_both_lists_and_by_its_name_alone() {
    let text = "{kind: Pod, spec: {initContainers: [{name: setup, volumeMounts: [{mountPath: /data}]}], \
        containers: [{name: app}]}}";
    let pod = Pod::read(text.as_bytes(), None, "setup").unwrap();
    assert_eq!((pod.list, &*pod.container), (List::Init, "setup"));
    assert_eq!(pod.mounts, ["/data"]);
    let own = Target {
        shape: pod.shape,
        list: pod.list,
        container: pod.container,
        keeps_seccomp: false,
        localhost: None,
        volumes: BTreeSet::new(),
    };
    let patch = &patch(&advise(&web()), &own)["spec"];
    assert_eq!(patch["initContainers"][0]["name"], "setup");
    assert_eq!(patch["containers"], Value::Null);
    let other = Pod::read(text.as_bytes(), Some("app"), "setup").unwrap();
    assert_eq!(other.list, List::Containers);
    // Two, of which the profile names none.
    let error = Pod::read(text.as_bytes(), None, "")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("several") && error.contains("app, setup"),
        "{error}"
    );
    // Only one, but another.
    let text = "{kind: Pod, spec: {containers: [{name: side}]}}";
    let error = Pod::read(text.as_bytes(), None, "app")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`app`") && error.contains("--container: side"),
        "{error}"
    );
    assert_eq!(
        Pod::read(text.as_bytes(), None, "").unwrap().container,
        "side"
    );
}

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, creationTimestamp: null}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true
      securityContext: {runAsUser: 0, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: app
          image: web:1
          securityContext:
            privileged: false
            capabilities: {drop: [ALL], add: [NET_BIND_SERVICE, SYS_PTRACE]}
          volumeMounts:
            - {name: cache, mountPath: /var/cache/web}
        - name: side
";

#[test]
fn what_the_pod_has_is_compared_part_by_part() {
    let pod = Pod::read(MANIFEST.as_bytes(), None, "app").unwrap();
    let given = Given {
        pod: Some(&pod),
        ..Given::default()
    };
    let advice = Advice::of(&web(), &given);
    let folders: Vec<_> = advice.root.folders.iter().map(|it| &*it.path).collect();
    assert_eq!(folders, ["/run"], "what is mounted needs no emptyDir");
    assert_eq!(advice.root.mounted, 1);
    let score = advice.score.unwrap();
    let had: Vec<_> = (score.parts.iter())
        .map(|part| (part.is_applied, part.is_advised))
        .collect();
    let expected = [
        (false, true),
        // Root was seen.
        (false, false),
        (true, true),
        // One is added that was not used.
        (false, true),
        (false, true),
        (true, true),
        // The host's network.
        (false, false),
    ];
    assert_eq!(had, expected);
    assert_eq!((score.applied, score.advised, score.of), (20, 65, 100));
    // And such a pod no policy holds.
    for left in [left_by_kubernetes, left_by_cilium] {
        let of = |network| {
            left(network)
                .iter()
                .filter(|it| it.contains("hostNetwork"))
                .count()
        };
        assert_eq!((of(&advice.network), of(&advise(&web()).network)), (1, 0));
    }
    let side = Pod::read(MANIFEST.as_bytes(), Some("side"), "app").unwrap();
    assert!(side.mounts.is_empty() && side.applied.drop.is_empty());
}

#[test]
fn a_user_counts_as_the_kubelet_takes_it() {
    for (security, had) in [
        ("{runAsNonRoot: true}", true),
        ("{runAsUser: 33}", true),
        ("{runAsNonRoot: false, runAsUser: 33}", true),
        ("{runAsNonRoot: true, runAsUser: 33}", true),
        ("{runAsNonRoot: true, runAsUser: 0}", false),
        ("{runAsNonRoot: false}", false),
        ("{}", false),
    ] {
        let text = format!(
            "{{kind: Pod, spec: {{containers: [{{name: app, securityContext: {security}}}]}}}}"
        );
        let pod = Pod::read(text.as_bytes(), None, "app").unwrap();
        let given = Given {
            pod: Some(&pod),
            ..Given::default()
        };
        let score = Advice::of(&web(), &given).score.unwrap();
        let part = &score.parts[1];
        assert_eq!(part.is_applied, had, "{security}: {part:?}");
        let is_refused = part.applied.contains("the kubelet does not start it");
        assert_eq!(
            is_refused,
            security.ends_with("true, runAsUser: 0}"),
            "{part:?}"
        );
    }
}

#[test]
fn a_bad_manifest_is_refused_with_place_and_remedy() {
    let changed = |from: &str, to: &str| MANIFEST.replace(from, to);
    for (text, container, words) in [
        (
            changed("kind: Deployment", "kind: Service"),
            None,
            &["line 2", "`Service`", "Deployment"][..],
        ),
        (
            changed("kind: Deployment", "king: Deployment"),
            None,
            &["kind", "one manifest"],
        ),
        (
            changed("hostNetwork: true", "hostNetwork: [1]"),
            None,
            &["line 8", "kubectl get -o yaml"],
        ),
        (changed("containers:", "pods:"), None, &["containers"]),
        (changed("drop: [ALL]", "drop: ALL"), None, &["line 15"]),
        (
            MANIFEST.to_owned(),
            Some("no\u{1b}"),
            &["no\\x1b", "--container", "app, side", "line 11"],
        ),
        (
            changed("name: app", "name: other"),
            None,
            &["no container `app`, which the profile is of", "other, side"],
        ),
        (
            format!("{MANIFEST}---\n{MANIFEST}"),
            None,
            &["one manifest"],
        ),
        ("\u{1}".to_owned(), None, &["one manifest"]),
        ("[".repeat(10_000), None, &["one manifest"]),
    ] {
        let error = Pod::read(text.as_bytes(), container, "app")
            .unwrap_err()
            .to_string();
        for word in words {
            assert!(error.contains(word), "no `{word}` in {error}");
        }
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}
