//! What is left as it is because something approved speaks against it: privileged, and the runtime's default
//! seccomp profile; and that policies say whom else they hold.

mod common;

use common::{profile, see};
use lapwing_advise::document::{Target, compose_text, patch, patch_text, policy_text};
use lapwing_advise::manifest::{List, Pod, Shape};
use lapwing_advise::policy::{Selects, left_by_cilium, left_by_kubernetes};
use lapwing_advise::{Advice, Given};
use lapwing_profile::profile::Profile;
use lapwing_profile::provenance::mounts::Mount;
use serde_json::Value;
use std::collections::BTreeSet;

const TUNES: &str = "file: {operation: OPEN_WRITE, path: /proc/sys/vm/max_map_count}";

fn target() -> Target {
    Target {
        shape: Shape::Pod,
        container: "app".into(),
        list: List::Init,
        keeps_seccomp: false,
        localhost: None,
        volumes: BTreeSet::new(),
    }
}

fn selects() -> Selects {
    Selects {
        name: "web".into(),
        namespace: "shop".into(),
        labels: [("app".to_owned(), "web".to_owned())].into(),
    }
}

/// A pod of three containers, with this as the security context of the one that is advised of.
fn pod(security: &str) -> Pod {
    let text = format!(
        "kind: Pod\nspec: {{containers: [{{name: web}}, {{name: proxy}}], initContainers: [{{name: app, \
         securityContext: {security}}}]}}"
    );
    Pod::read(text.as_bytes(), Some("app"), "").unwrap()
}

fn advise(profile: &Profile, pod: Option<&Pod>) -> Advice {
    let given = Given {
        pod,
        sees_capabilities: Some(true),
        ..Given::default()
    };
    Advice::of(profile, &given)
}

fn settings(advice: &Advice) -> Value {
    patch(advice, &target())["spec"]["initContainers"][0]["securityContext"].clone()
}

#[test]
fn who_writes_the_kernels_settings_stays_privileged() {
    let mut profile = profile();
    see(&mut profile, TUNES, Some(Mount::Kernel), 0);
    for (security, forbid) in [
        (None, false),
        (Some("{privileged: true}"), false),
        // It wrote there without.
        (Some("{procMount: Unmasked}"), true),
    ] {
        let pod = security.map(pod);
        let advice = advise(&profile, pod.as_ref());
        assert_eq!(advice.privileged.forbid, forbid, "{security:?}");
        let text = patch_text(&advice, &target());
        let policy = policy_text(&advice, &target(), &selects());
        let compose = compose_text(&advice, "web", None);
        let said = "# privileged: left as it is: it writes where";
        for (text, setting) in [
            (&text, "privileged: false"),
            (&policy, "privileged must be false"),
            (&compose, "privileged: false"),
        ] {
            assert_eq!(text.contains(setting), forbid, "{text}");
            assert_eq!(text.contains(said), !forbid, "{text}");
            assert_eq!(text.contains("max_map_count"), !forbid, "{text}");
        }
        // The API takes the one only with the other.
        let settings = settings(&advice);
        assert_eq!(settings["privileged"].is_null(), !forbid);
        if !forbid {
            assert!(settings["allowPrivilegeEscalation"].is_null(), "{settings}");
            assert!(!policy.contains("allowPrivilegeEscalation must"));
        }
    }
    let pod = pod("{privileged: true, capabilities: {drop: [ALL]}}");
    let score = advise(&profile, Some(&pod)).score.unwrap();
    for setting in [
        "privileged, namespaces of the host",
        "allowPrivilegeEscalation",
        "capabilities.drop",
        "seccompProfile",
    ] {
        let part = score.parts.iter().find(|part| part.setting == setting);
        assert!(part.is_some_and(|part| !part.is_advised), "{setting}");
    }
}

#[test]
fn others_are_kept_from_being_privileged() {
    for (line, mount) in [
        // Of its own process, as each may.
        (
            "file: {operation: OPEN_WRITE, pattern: /proc/*/oom_score_adj}",
            Some(Mount::Kernel),
        ),
        // A volume there.
        (TUNES, Some(Mount::Volume)),
        ("file: {operation: CREATE, path: /system/x}", None),
    ] {
        let mut profile = profile();
        see(&mut profile, line, mount, 0);
        let advice = advise(&profile, None);
        assert!(advice.privileged.forbid, "{line}");
        assert_eq!(settings(&advice)["privileged"], false);
    }
    // Where nobody told what it lay on, the place does.
    let mut untold = profile();
    see(&mut untold, TUNES, None, 0);
    assert!(!advise(&untold, None).privileged.forbid);
}

#[test]
fn what_the_default_profile_may_refuse_keeps_it_from_being_advised() {
    let admin = "privilege: {operation: CAPABILITY, detail: CAP_SYS_ADMIN}";
    for (line, with, default) in [
        ("privilege: {operation: IO_URING}", None, false),
        ("privilege: {operation: IO_URING}", Some(admin), false),
        ("privilege: {operation: UNSHARE, detail: user}", None, false),
        (
            "privilege: {operation: UNSHARE, detail: user}",
            Some(admin),
            true,
        ),
        ("privilege: {operation: PTRACE, detail: READ}", None, true),
    ] {
        let mut profile = profile();
        see(&mut profile, line, None, 0);
        if let Some(with) = with {
            see(&mut profile, with, None, 0);
        }
        let advice = advise(&profile, None);
        assert_eq!(advice.seccomp.default, default, "{line} {with:?}");
        let settings = settings(&advice);
        assert_eq!(settings["seccompProfile"].is_null(), !default, "{settings}");
        let policy = policy_text(&advice, &target(), &selects());
        assert_eq!(policy.contains("seccompProfile must"), default, "{policy}");
        let said = policy.contains("# seccomp: left as it is") && policy.contains(line);
        assert_eq!(said, !default, "{policy}");

        // Under a profile it was not refused.
        let confined = pod("{seccompProfile: {type: RuntimeDefault}}");
        assert!(advise(&profile, Some(&confined)).seccomp.default);
        // One that is made of what was recorded is asked for all the same.
        let target = Target {
            localhost: Some("lapwing/web.json".into()),
            ..target()
        };
        let own = patch(&advice, &target);
        let own = &own["spec"]["initContainers"][0]["securityContext"]["seccompProfile"];
        assert_eq!(own["type"], "Localhost");
    }
    let mut profile = profile();
    see(&mut profile, "privilege: {operation: IO_URING}", None, 0);
    let open = pod("{}");
    let score = advise(&profile, Some(&open)).score.unwrap();
    let part = score
        .parts
        .iter()
        .find(|part| part.setting == "seccompProfile")
        .unwrap();
    assert_eq!((&*part.advised, part.is_advised), ("left as it is", false));
}

#[test]
fn policies_name_the_other_containers_that_they_hold() {
    let advice = advise(&profile(), Some(&pod("{}")));
    let said = "what other containers of the pod need, which it holds too: web, proxy";
    for left in [
        left_by_kubernetes(&advice.network),
        left_by_cilium(&advice.network),
    ] {
        assert_eq!(left, [said]);
    }
    assert!(left_by_kubernetes(&advise(&profile(), None).network).is_empty());
}
