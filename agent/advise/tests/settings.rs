//! User, capabilities, escalation and network: what is advised of which evidence.

mod common;

use common::{advise, advise_seeing, approve, profile, see};
use lapwing_advise::manifest::Pod;
use lapwing_advise::policy::{
    Selects, cilium, kubernetes, left_by_cilium, left_by_kubernetes, of_services,
};
use lapwing_advise::{Advice, Given};
use lapwing_profile::profile::Profile;
use lapwing_profile::provenance::mounts::Mount;
use serde_json::json;

const FILE: &str = "file: {operation: CREATE, path: /data/x}";

fn capability(name: &str) -> String {
    format!("privilege: {{operation: CAPABILITY, detail: {name}}}")
}

#[test]
fn the_user_follows_from_the_ids_that_were_seen() {
    for (uids, non_root, run_as, word) in [
        (&[][..], false, None, "not observed"),
        (&[33], true, Some(33), "user 33 alone"),
        (&[33, 1000], false, None, "USER by a name"),
        (&[0], false, None, "blocked"),
        (&[0, 33], false, None, "and others"),
        (&[165_536], false, None, "unknown"),
    ] {
        let mut profile = profile();
        approve(&mut profile, FILE);
        for uid in uids {
            see(&mut profile, FILE, Some(Mount::Image), *uid);
        }
        let user = advise(&profile).user;
        assert_eq!((user.non_root, user.run_as), (non_root, run_as), "{uids:?}");
        assert!(user.why.contains(word), "{}", user.why);
        // Nobody tells whether there is a user namespace.
        let warns = user
            .note
            .is_some_and(|note| note.contains("user namespaces"));
        assert_eq!(warns, non_root, "{uids:?}");
    }
}

#[test]
fn several_users_need_the_number_that_the_pod_has() {
    let mut profile = profile();
    for uid in [33, 1000] {
        see(&mut profile, FILE, Some(Mount::Image), uid);
    }
    for (security, non_root) in [
        ("{}", false),
        ("{runAsUser: 0}", false),
        ("{runAsUser: 33}", true),
    ] {
        let text = format!(
            "{{kind: Pod, spec: {{securityContext: {security}, containers: [{{name: app}}]}}}}"
        );
        let pod = Pod::read(text.as_bytes(), None, "app").unwrap();
        let given = Given {
            pod: Some(&pod),
            ..Given::default()
        };
        let user = Advice::of(&profile, &given).user;
        assert_eq!((user.non_root, user.run_as), (non_root, None), "{security}");
        assert!(user.why.contains("33, 1000"), "{}", user.why);
    }
}

#[test]
fn nothing_is_dropped_where_nobody_knows_whether_uses_are_seen() {
    let mut profile = profile();
    see(&mut profile, "exec: {path: /bin/ls}", None, 33);
    let drops = |sees, profile: &Profile| {
        let given = Given {
            sees_capabilities: sees,
            ..Given::default()
        };
        let advice = Advice::of(profile, &given);
        (advice.capabilities.drop_all, advice.escalation.forbid)
    };
    assert_eq!(drops(None, &profile), (false, false));
    assert_eq!(drops(Some(false), &profile), (false, false));
    assert_eq!(drops(Some(true), &profile), (true, true));
    let note = advise(&profile).capabilities.note;
    assert!(note.is_some_and(|it| it.contains("none is dropped")));
    // One that was seen says that they are.
    see(&mut profile, &capability("CAP_CHOWN"), None, 0);
    assert!(drops(None, &profile).0);
}

#[test]
fn programs_with_set_id_bits_are_known_by_both_their_names() {
    for fields in [
        "path: /usr/sbin/exim4",
        "path: /usr/sbin/exim4, name: sendmail",
        "path: /usr/bin/x, name: postdrop",
        "path: /bin/busybox, name: su",
        "path: /bin/bbsuid, name: other",
        "path: /opt/app/chrome-sandbox",
        "path: /usr/bin/bwrap, name: sandbox",
        "path: /bin/ping",
    ] {
        let mut profile = profile();
        see(&mut profile, &format!("exec: {{{fields}}}"), None, 33);
        let escalation = advise_seeing(&profile).escalation;
        assert!(!escalation.forbid, "{fields}");
        assert_eq!(escalation.because.len(), 1);
    }
    // And who sets these bits.
    let mut profile = profile();
    let line = "file: {operation: CHMOD, path: /data/x, setId: USER}";
    see(&mut profile, line, None, 0);
    assert!(!advise_seeing(&profile).escalation.forbid);
}

#[test]
fn capabilities_are_those_in_use_with_who_and_when() {
    let mut profile = profile();
    for name in ["CAP_NET_BIND_SERVICE", "CAP_CHOWN", "CAP_63"] {
        see(&mut profile, &capability(name), None, 0);
    }
    approve(&mut profile, &capability("\"CAP_X: y\""));
    let advice = advise(&profile);
    let capabilities = &advice.capabilities;
    assert_eq!(capabilities.names(), ["CHOWN", "NET_BIND_SERVICE"]);
    assert_eq!(capabilities.unnamed.len(), 2);
    let seen = &capabilities.add[0].because.first[0];
    assert_eq!((seen.count, &seen.uids[..]), (1, &[0][..]));
    assert_eq!(seen.by, ["/usr/sbin/web"]);
    assert!(
        seen.last
            .as_deref()
            .is_some_and(|last| last.starts_with("2026-"))
    );
    assert!(
        capabilities.add[1]
            .note
            .is_some_and(|it| it.contains("ip_unprivileged_port_start"))
    );
    assert_eq!(advice.user.as_root.len(), 3);
}

#[test]
fn escalation_is_forbidden_unless_something_may_have_gained_by_it() {
    let exec = "exec: {path: /bin/ls}".to_owned();
    for (lines, forbid, word) in [
        (&[(&exec, 33)][..], true, "never seen"),
        (&[(&exec, 0)], true, "only root"),
        (&[(&exec, 0), (&exec, 33)], false, "nobody used SETUID"),
        (
            &[(&exec, 0), (&exec, 33), (&capability("CAP_SETUID"), 0)],
            true,
            "by SETUID",
        ),
        (
            &[(&exec, 33), (&capability("CAP_NET_RAW"), 33)],
            false,
            "others than root",
        ),
        // Root's use of the same says nothing of the other's.
        (
            &[
                (&capability("CAP_NET_RAW"), 0),
                (&capability("CAP_NET_RAW"), 33),
                (&capability("CAP_SETUID"), 0),
            ],
            false,
            "others than root",
        ),
        (&[(&capability("CAP_SYS_ADMIN"), 0)], false, "SYS_ADMIN"),
        // In a user namespace, 1000 may be root.
        (&[(&exec, 1000), (&exec, 100_033)], false, "user namespace"),
        // An exec probe that became root by a program of the image.
        (
            &[
                (&exec, 33),
                (&"exec: {path: /bin/ls, phase: exec}".to_owned(), 0),
            ],
            false,
            "nobody used SETUID",
        ),
        (
            &[(&"exec: {path: /usr/bin/sudo}".to_owned(), 33)],
            false,
            "set-id",
        ),
    ] {
        let mut profile = profile();
        for (line, uid) in lines {
            approve(&mut profile, line);
            see(&mut profile, line, None, *uid);
        }
        let escalation = advise_seeing(&profile).escalation;
        assert_eq!(escalation.forbid, forbid, "{lines:?}");
        assert!(
            escalation.why.contains(word),
            "{lines:?}: {}",
            escalation.why
        );
    }
    let mut profile = profile();
    approve(&mut profile, &exec);
    let escalation = advise_seeing(&profile).escalation;
    assert!(!escalation.forbid && escalation.why.contains("unknown"));
}

#[test]
fn peers_become_rules_or_are_listed() {
    let mut profile = profile();
    for line in [
        "egress: {protocol: TCP, address: 192.0.2.7, port: 443}",
        "egress: {protocol: TCP, address: 192.0.2.7, port: 80}",
        "egress: {protocol: TCP, address: 127.0.0.1, port: 1}",
        "egress: {protocol: UDP, address: \"2001:db8::1\", port: 123}",
        "egress: {protocol: TCP, cidr: 10.0.0.0/8, port: 5432}",
        "egress: {protocol: TCP, domain: api.example.com, port: 443}",
        "egress: {protocol: ICMP, address: 192.0.2.8}",
        "egress: {protocol: UNIX, path: /run/x.sock}",
        "listen: {protocol: TCP, port: 8080}",
        "listen: {protocol: UDP, port: 0}",
        "listen: {protocol: TCP, port: 9000, loopback: true}",
        "dns: {name: api.example.com, type: A}",
    ] {
        approve(&mut profile, line);
    }
    let advice = advise(&profile);
    let selects = Selects {
        name: "web-app-lapwing".into(),
        namespace: "shop".into(),
        labels: [("app".to_owned(), "web".to_owned())].into(),
    };
    let policy = kubernetes(&advice, &selects);
    let ingress = json!([{"ports": [
        {"protocol": "TCP", "port": 8080},
        {"protocol": "UDP", "port": 32768, "endPort": 60999},
    ]}]);
    assert_eq!(policy["spec"]["ingress"], ingress);
    let egress = policy["spec"]["egress"].as_array().unwrap();
    let cidrs: Vec<_> = (egress.iter())
        .filter_map(|rule| rule["to"][0]["ipBlock"]["cidr"].as_str())
        .collect();
    assert_eq!(cidrs, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::1/128"]);
    assert_eq!(egress[1]["ports"].as_array().unwrap().len(), 2);
    assert_eq!(egress.len(), 4, "and one for names");
    let left = left_by_kubernetes(&advice.network);
    assert_eq!(left.len(), 2, "{left:?}");
    let told = policy["metadata"]["annotations"]["lapwing.dev/not-covered"].as_str();
    assert!(
        told.is_some_and(|it| it.contains("domain: api.example.com")),
        "{policy}"
    );

    let policy = cilium(&advice, &selects);
    let egress = policy["spec"]["egress"].as_array().unwrap();
    assert_eq!(
        egress[0]["toPorts"][0]["rules"],
        json!({"dns": [{"matchName": "api.example.com"}]})
    );
    assert_eq!(
        egress[1],
        json!({
            "toFQDNs": [{"matchName": "api.example.com"}],
            "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
        })
    );
    assert_eq!(left_by_cilium(&advice.network).len(), 1);

    // Who does nothing is let to do nothing.
    let quiet = advise(&common::profile());
    let policy = kubernetes(&quiet, &selects);
    assert_eq!(
        (&policy["spec"]["ingress"], &policy["spec"]["egress"]),
        (&json!([]), &json!([]))
    );
    let policy = cilium(&quiet, &selects);
    assert_eq!(
        (&policy["spec"]["ingress"], &policy["spec"]["egress"]),
        (&json!([{}]), &json!([{}]))
    );
}

#[test]
fn services_of_the_cluster_are_no_domains() {
    let mut profile = profile();
    for (name, port) in [
        ("db.shop.svc.cluster.local", 5432),
        ("db-0.db.shop.svc.cluster.local", 5433),
        ("cache.shop.svc", 6379),
        ("mail.shop.svc.example.com", 25),
        ("kubernetes.default.svc.cluster.local", 443),
        ("10-0-0-7.shop.pod.cluster.local", 80),
        ("api.svc.example.com", 443),
    ] {
        approve(
            &mut profile,
            &format!("egress: {{protocol: TCP, domain: {name}, port: {port}}}"),
        );
    }
    let advice = advise(&profile);
    let selects = Selects {
        name: "web-app-lapwing".into(),
        namespace: "shop".into(),
        labels: [("app".to_owned(), "web".to_owned())].into(),
    };
    let policy = cilium(&advice, &selects);
    let egress = policy["spec"]["egress"].as_array().unwrap();
    let ports = |port: u32| json!([{"ports": [{"port": port.to_string(), "protocol": "TCP"}]}]);
    let service = |name: &str, port: u32| {
        let one = json!({"serviceName": name, "namespace": "shop"});
        json!({"toServices": [{"k8sService": one}], "toPorts": ports(port)})
    };
    let domain =
        |name: &str, port| json!({"toFQDNs": [{"matchName": name}], "toPorts": ports(port)});
    assert_eq!(
        egress[1..],
        [
            domain("api.svc.example.com", 443),
            service("cache", 6379),
            service("db", 5433),
            service("db", 5432),
            json!({"toEntities": ["kube-apiserver"], "toPorts": ports(443)}),
            // A cluster's zone may be any.
            service("mail", 25),
            domain("mail.shop.svc.example.com", 25),
        ]
    );
    let left = left_by_cilium(&advice.network);
    assert!(
        left.len() == 1 && left[0].contains("10-0-0-7.shop.pod.cluster.local"),
        "{left:?}"
    );
    let left = left_by_kubernetes(&advice.network);
    let of = |word: &str| left.iter().filter(|it| it.contains(word)).count();
    assert_eq!(
        (of("cannot name services"), of("cannot name domains")),
        (5, 1)
    );
    assert!(of_services(&advice.network)[0].contains("1.17"));
    assert!(of_services(&advise(&common::profile()).network).is_empty());
}

#[test]
fn what_is_missing_is_said() {
    let mut profile = profile();
    see(
        &mut profile,
        "file: {operation: CREATE, path: /etc/passwd}",
        Some(Mount::Image),
        0,
    );
    let basis = advise(&profile).basis;
    assert!(!basis.complete);
    for word in [
        "still learns",
        "no evidence",
        "that wait for a decision",
        "/etc/passwd",
    ] {
        assert!(
            basis.reasons.iter().any(|it| it.contains(word)),
            "{word}: {basis:?}"
        );
    }
    profile.gap(common::AT);
    let basis = advise(&profile).basis;
    assert!(basis.last_loss.is_some());
}
