use super::*;
use crate::container::pod::Owner;

fn details(name: &str, image: &str, labels: &[(&str, &str)]) -> Details {
    Details {
        name: name.into(),
        image: image.into(),
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ..Details::default()
    }
}

fn name(runtime: Runtime, id: &str, details: &Details) -> String {
    workload("", runtime, id, "/odd/box", details)
        .map_or_else(|| "-".to_owned(), |workload| workload.to_string())
}

#[test]
fn repositories() {
    for (image, expected) in [
        ("nginx", "nginx"),
        ("nginx:1.2", "nginx"),
        ("host:5000/team/web", "host:5000/team/web"),
        ("host:5000/team/web:v1@sha256:00", "host:5000/team/web"),
        ("web@sha256:00", "web"),
        ("", ""),
    ] {
        assert_eq!(repository(image), expected);
    }
}

#[test]
fn digests() {
    let hash = "0a".repeat(32);
    let whole = format!("sha256:{hash}");
    for (image, expected) in [
        (format!("host:5000/team/web:v1@{whole}"), &*whole),
        (whole.clone(), &whole),
        (hash.clone(), &whole),
        ("web".into(), ""),
        ("web:1".into(), ""),
        (format!("web@{hash}"), ""),
        (format!("web:{hash}"), ""),
        (format!("web@sha256:{}", hash.to_uppercase()), ""),
        (String::new(), ""),
    ] {
        assert_eq!(digest(&image), expected, "{image}");
    }
}

#[test]
fn a_version_needs_a_repository_and_a_digest() {
    let whole = format!("sha256:{}", "0a".repeat(32));
    for (image, digest, is_one) in [
        ("team/web:1", &*whole, true),
        ("team/web:1", "", false),
        (&whole, &whole, false),
        ("", &whole, false),
    ] {
        let details = Details {
            digest: digest.into(),
            ..details("", image, &[])
        };
        assert_eq!(details.version().is_some(), is_one, "{image} {digest}");
    }
}

#[test]
fn the_most_telling_name_wins() {
    let generated = "f".repeat(64);
    let labelled = details(
        "x",
        "nginx",
        &[
            (WORKLOAD_LABEL, "shop"),
            ("com.docker.compose.service", "web"),
        ],
    );
    assert_eq!(
        name(Runtime::Docker, &generated, &labelled),
        "/Workload/shop/"
    );
    let compose = details(
        "x",
        "nginx",
        &[
            ("com.docker.compose.service", "web"),
            ("com.docker.compose.project", "shop"),
        ],
    );
    assert_eq!(
        name(Runtime::Docker, &generated, &compose),
        "shop/Service/web/"
    );
    assert_eq!(
        name(
            Runtime::Docker,
            &generated,
            &details("happy_bohr", "team/web:1", &[])
        ),
        "/Image/team%2Fweb/"
    );
    let pod = Details {
        pod: "web-6d-x".into(),
        namespace: "shop".into(),
        ..details("app", "team/web:1", &[])
    };
    assert_eq!(
        name(Runtime::Containerd, &generated, &pod),
        "shop/Image/team%2Fweb/app"
    );
    let bundle = Details {
        bundle: "/srv/shop".into(),
        ..Details::default()
    };
    assert_eq!(name(Runtime::Runc, "c1", &bundle), "/Bundle/%2Fsrv%2Fshop/");
    assert_eq!(
        name(Runtime::Containerd, "web", &Details::default()),
        "/Container/web/"
    );
    assert_eq!(
        name(Runtime::Containerd, &generated, &Details::default()),
        "-"
    );
    assert_eq!(
        name(
            Runtime::Docker,
            &generated,
            // The name that Docker makes up.
            &details("happy_bohr", &format!("sha256:{generated}"), &[])
        ),
        "-"
    );
    let bundle = Details {
        bundle: format!("/data/docker/moby/{generated}"),
        ..Details::default()
    };
    assert_eq!(name(Runtime::Docker, &generated, &bundle), "-");
    assert_eq!(
        name(Runtime::Unknown, "box", &Details::default()),
        "/Cgroup/odd%2Fbox/"
    );
    let path = format!("/odd/{generated}");
    let found = workload("", Runtime::Unknown, &generated, &path, &Details::default());
    assert_eq!(found, None);
}

/// Whoever may label a pod would have it taken for one of any namespace.
#[test]
fn labels_of_compose_take_no_pod_out_of_its_namespace() {
    let compose = [(SERVICE_LABEL, "web"), (PROJECT_LABEL, "prod")];
    let pod = |labels: &[(&str, &str)]| Details {
        pod: "web-6d-x".into(),
        namespace: "dev".into(),
        ..details("app", "team/web:1", labels)
    };
    let found = |labels: &[(&str, &str)]| name(Runtime::Containerd, "", &pod(labels));
    assert_eq!(found(&compose), "dev/Image/team%2Fweb/app");
    let labelled = [compose[0], compose[1], (WORKLOAD_LABEL, "shop")];
    assert_eq!(found(&labelled), "dev/Workload/shop/app");
}

#[test]
fn an_owner_beats_labels_and_a_pod_of_nobody_does_not() {
    let pod = |labels: &[(&str, &str)], evidence| Details {
        pod: "web-6d-x".into(),
        namespace: "shop".into(),
        in_pod: Some(Box::new(InPod {
            owner: Some(Owner {
                kind: "Deployment".into(),
                name: "web".into(),
                evidence,
            }),
            ..InPod::default()
        })),
        ..details("app", "team/web:1", labels)
    };
    let label = [(WORKLOAD_LABEL, "other")];
    for (labels, evidence, expected) in [
        (&label[..], Evidence::Verified, "shop/Deployment/web/app"),
        (&label, Evidence::Unverified, "shop/Deployment/web/app"),
        (&label, Evidence::Refuted, "shop/Deployment/web/app"),
        (&label, Evidence::Unowned, "shop/Workload/other/app"),
        (&[], Evidence::Unowned, "shop/Deployment/web/app"),
    ] {
        let found = name(Runtime::Containerd, "", &pod(labels, evidence));
        assert_eq!(found, expected, "{evidence:?}");
    }
    let nobody = Details {
        in_pod: Some(Box::default()),
        ..pod(&[], Evidence::Verified)
    };
    let found = name(Runtime::Containerd, "", &nobody);
    assert_eq!(found, "shop/Image/team%2Fweb/app");
}

/// `kubectl debug` makes up a name for each.
#[test]
fn ephemeral_containers_of_a_workload_have_one_name() {
    let debugger = |name: &str, owner: Option<&str>, image: &str| Details {
        pod: "web-6d-x".into(),
        namespace: "shop".into(),
        in_pod: Some(Box::new(InPod {
            kind: Some(Kind::Ephemeral),
            owner: owner.map(|name| Owner {
                kind: "Deployment".into(),
                name: name.into(),
                evidence: Evidence::Verified,
            }),
            ..InPod::default()
        })),
        ..details(name, image, &[])
    };
    for (owner, image, expected) in [
        (Some("web"), "busybox:1", "shop/Deployment/web/EPHEMERAL"),
        (None, "busybox:1", "shop/Image/busybox/EPHEMERAL"),
        (None, "", "-"),
    ] {
        for made in ["debugger-abcde", "debugger-x7k2p"] {
            let found = debugger(made, owner, image);
            let id = "f".repeat(64);
            assert_eq!(name(Runtime::Containerd, &id, &found), expected);
        }
    }
}

#[test]
fn nothing_of_an_ephemeral_container_is_learned() {
    for (kind, phase, expected) in [
        (Kind::Ephemeral, Phase::Main, Phase::Exec),
        (Kind::Ephemeral, Phase::Escaped, Phase::Escaped),
        (Kind::Sidecar, Phase::Main, Phase::Main),
    ] {
        let kind = Some(kind);
        let told = Details {
            in_pod: Some(Box::new(InPod {
                kind,
                ..InPod::default()
            })),
            ..Details::default()
        };
        assert_eq!(told.phase(phase), expected);
    }
    assert_eq!(Details::default().phase(Phase::Main), Phase::Main);
}

#[test]
fn texts_from_files_are_bounded_and_canonical() {
    let found = clean(&"a\n".repeat(10_000));
    assert!(found.len() <= 4 * TEXT_MAX && !found.contains('\n'));
    assert_eq!(clean("\\x2d"), "\\\\x2d");
}

#[test]
fn only_labels_that_are_asked_for_are_kept() {
    let found = details("", "", &[(WORKLOAD_LABEL, "shop"), ("other", "x")]).trimmed();
    assert_eq!(found.labels.len(), 1);
    assert_eq!(found.labels[WORKLOAD_LABEL], "shop");
}
