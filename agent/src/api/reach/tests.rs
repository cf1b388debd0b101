//! What a client of some namespaces gets.

use super::*;
use lapwing_proto::v1::{
    Container, Degraded, Gap, GetProfileResponse, Heartbeat, ListContainersResponse, Process,
    ProfileSummary, TracedContainer, Violation, Workload,
};
use std::sync::Arc;

fn shop() -> Namespaces {
    Namespaces::new(&["shop".to_owned()])
}

fn workload(namespace: &str) -> Option<Workload> {
    Some(Workload {
        namespace: namespace.to_owned(),
        ..Workload::default()
    })
}

fn container(id: &str) -> Option<Container> {
    Some(Container {
        id: id.to_owned(),
        ..Container::default()
    })
}

fn gap(scope: &str) -> Gap {
    Gap {
        scope: scope.to_owned(),
        count: 7,
        ..Gap::default()
    }
}

/// A pipeline that knows of two containers.
fn control() -> Control {
    let (control, requests) = Control::new(Arc::new(|| ()));
    std::thread::spawn(move || {
        for request in requests {
            if let Request::Owners(entries, reply) = request {
                let owner = |id: &String| match id.as_str() {
                    "of-shop" => Some("shop/Deployment/web/app".to_owned()),
                    "of-pay" => Some("pay/Deployment/web/app".to_owned()),
                    "of-sensor" => Some(String::new()),
                    _ => None,
                };
                drop(reply.send(entries.iter().map(owner).collect()));
            } else if let Request::Profile(request, reply) = request {
                let answer = match request.name.split_once('/') {
                    Some((namespace, _)) => Ok(GetProfileResponse {
                        summary: Some(ProfileSummary {
                            name: request.name.clone(),
                            workload: workload(namespace),
                            ..ProfileSummary::default()
                        }),
                        ..GetProfileResponse::default()
                    }),
                    None => Err(AskError::NoProfile(request.name)),
                };
                drop(reply.send(answer));
            } else if let Request::Containers(reply) = request {
                let traced = |id, namespace| TracedContainer {
                    container: container(id),
                    workload: workload(namespace),
                    ..TracedContainer::default()
                };
                let containers = vec![traced("s1", "shop"), traced("p1", "pay")];
                drop(reply.send(ListContainersResponse {
                    containers,
                    ..ListContainersResponse::default()
                }));
            }
        }
    });
    control
}

#[tokio::test]
async fn a_gap_names_no_other_s_container() {
    let control = control();
    for (scope, told) in [
        ("node", Some("node")),
        ("stream", Some("stream")),
        ("s1", Some("s1")),
        ("p1", None),
        ("gone", Some("node")),
        ("sink:siem", None),
    ] {
        let item = shop().item(Some(&control), Item::Gap(gap(scope))).await;
        assert_eq!(item, told.map(|told| Item::Gap(gap(told))), "{scope}");
        let item = Namespaces::All
            .item(Some(&control), Item::Gap(gap(scope)))
            .await;
        assert_eq!(item, Some(Item::Gap(gap(scope))));
    }
}

#[tokio::test]
async fn what_concerns_the_node_comes_without_its_words() {
    let control = control();
    let degraded = Violation {
        rule: "sensor.degraded".to_owned(),
        process: Some(Process::default()),
        detail: Some(Detail::Degraded(Degraded {
            reason: "profile-damaged".to_owned(),
            detail: "the file of pay/Deployment/vault".to_owned(),
        })),
        ..Violation::default()
    };
    let bare = Violation {
        process: None,
        detail: Some(Detail::Degraded(Degraded {
            reason: "profile-damaged".to_owned(),
            detail: String::new(),
        })),
        ..degraded.clone()
    };
    let of = |namespace, id| Violation {
        workload: workload(namespace),
        container: container(id),
        ..degraded.clone()
    };
    let unnamed = Violation {
        container: container("x"),
        ..degraded.clone()
    };
    for (violation, told) in [
        (degraded.clone(), Some(bare)),
        (of("shop", "s1"), Some(of("shop", "s1"))),
        (of("pay", "p1"), None),
        (of("", "h"), None),
        (unnamed, None),
    ] {
        let item = Item::Violation(violation.clone());
        let found = shop().item(Some(&control), item).await;
        assert_eq!(found, told.map(Item::Violation), "{violation:?}");
    }
    let beat = Item::Heartbeat(Heartbeat::default());
    assert_eq!(shop().item(Some(&control), beat.clone()).await, Some(beat));
}

#[tokio::test]
async fn nothing_of_another_s_is_decided_by_the_id_of_a_violation() {
    let control = control();
    let shop_s = "shop/Deployment/web/app";
    for (name, entries, may) in [
        ("", &["of-shop"][..], true),
        (shop_s, &["of-shop", "exec: {path: /bin/sh}"], true),
        (shop_s, &["of-shop", "of-pay"], false),
        ("", &["of-pay"], false),
        ("", &["of-sensor"], false),
        ("pay/Deployment/web/app", &["exec: {path: /bin/sh}"], false),
        // The pipeline says itself what is wrong with these.
        ("", &["exec: {path: /bin/sh}"], true),
        ("", &["nothing"], true),
    ] {
        let mut request = DecideEntriesRequest {
            name: name.to_owned(),
            entries: entries.iter().map(|&entry| entry.to_owned()).collect(),
            ..DecideEntriesRequest::default()
        };
        let answer = shop().own_entries(&control, &mut request).await;
        assert_eq!(answer.is_ok(), may, "{name} {entries:?}");
        if let Err(status) = answer {
            assert!(!status.message().contains("listen"), "{status}");
        }
        let answer = Namespaces::All.own_entries(&control, &mut request).await;
        answer.unwrap();
    }
}

#[test]
fn a_star_is_all_and_nothing_is_nothing() {
    let (pay, none) = (workload("pay"), workload(""));
    for (names, expected) in [
        (&["*"][..], [true, true, true]),
        (&["shop", "*"], [true, true, true]),
        (&["pay"], [true, false, false]),
        (&[""], [false, true, false]),
        (&[], [false, false, false]),
    ] {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let namespaces = Namespaces::new(&names);
        let found = [pay.as_ref(), none.as_ref(), None].map(|one| namespaces.has(one));
        assert_eq!(found, expected, "{names:?}");
    }
}
