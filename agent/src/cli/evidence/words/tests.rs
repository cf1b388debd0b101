//! The policy that is offered: what it is, of whatever pod.

use super::{quarantine, readme};
use crate::cli::evidence::bundle::{Agent, Manifest, Subject};
use crate::cli::evidence::changes::Changes;
use crate::cli::evidence::processes::Now;
use crate::cli::evidence::timeline::Timeline;
use crate::cli::evidence::{Found, files};
use lapwing_proto::v1;
use proptest::prelude::*;
use serde_json::{Value, json};

fn of(namespace: &str, pod: &str) -> v1::Container {
    v1::Container {
        pod_namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        ..v1::Container::default()
    }
}

fn wanted(namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "lapwing-quarantine", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"lapwing.dev/quarantine": "true"}},
            "policyTypes": ["Ingress", "Egress"],
        },
    })
}

/// `cargo xtask chart --check` holds the same file against the schemas of Kubernetes.
#[test]
fn the_policy_is_as_it_was() {
    let now = quarantine(&of("shop", "web-5d8f"));
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/cli/evidence/words/quarantine.yaml"
    );
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        kept, now,
        "LAPWING_REGENERATE=1 cargo test -p lapwing-agent --lib words renews it"
    );
    assert_eq!(
        serde_saphyr::from_str::<Value>(&now).unwrap(),
        wanted("shop")
    );
    assert!(
        now.starts_with("# Cuts a pod off, once it has the label. Nothing of this was applied.\n")
    );
}

proptest! {
    #[test]
    fn no_name_changes_what_it_is(
        namespace in "[a'\"\n\r#:{}\\\\$; \u{2028}\u{85}\u{202e}\u{1b}-]{0,12}",
        pod in "[a'\"\n\r#:{}\\\\$`; \u{2028}\u{85}\u{1b}.-]{0,12}",
    ) {
        let text = quarantine(&of(&namespace, &pod));
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        prop_assert_eq!(read, wanted(&namespace));
        // Nothing hidden reaches who reads it, and nothing but a name goes into a command.
        let line = text.replace('\n', "");
        prop_assert_eq!(lapwing_profile::text::visible(&line), line.as_str());
        let own = ["-f", "-n", "app-"];
        for command in text.lines().filter(|line| line.starts_with("#   kubectl")) {
            let command = command.trim_start_matches('#').split(" # ").next().unwrap_or_default();
            let mut words = command.split_whitespace();
            prop_assert!(words.all(|word| !word.starts_with(['-', '.']) || own.contains(&word)), "{}", command);
            prop_assert!(!command.contains(['\'', '"', '$', '`', ';', '\\', '{']), "{}", command);
        }
    }
}

fn manifest() -> Manifest {
    Manifest {
        api_version: String::new(),
        kind: String::new(),
        created: String::new(),
        tool: String::new(),
        agent: Agent::default(),
        subject: Subject::default(),
        incomplete: Vec::new(),
        files: Vec::new(),
    }
}

/// The agent keeps no older one.
#[test]
fn the_profile_is_said_to_be_of_when_the_bundle_was_made() {
    let text = readme(&manifest());
    let line = "known to do when this was made, not when it happened\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn it_is_there_of_pods_alone() {
    let made = |container: v1::Container| {
        let found = Found {
            container,
            workload: v1::Workload::default(),
            violation: String::new(),
            traced: None,
        };
        let manifest = manifest();
        let all = files(
            &found,
            &Timeline::default(),
            &Now::default(),
            &Changes::default(),
            String::new(),
            &v1::GetStatusResponse::default(),
            &manifest,
        );
        let names = all.unwrap().into_iter().map(|(name, _)| name);
        names.collect::<Vec<_>>()
    };
    assert!(made(of("shop", "web-5d8f")).contains(&"quarantine.yaml"));
    let without = made(of("", ""));
    assert!(without.contains(&"container.json") && !without.contains(&"quarantine.yaml"));
}
