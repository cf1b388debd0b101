//! What of the stream a client asked for.

use crate::container::digest::Digits;
use crate::feed::{BEHAVIOURS_DROPPED, STREAM};
use lapwing_profile::rule::Rule;
use lapwing_proto::v1::violation::Severity;
use lapwing_proto::v1::watch_request::{Kind, Subject};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Container, WatchRequest, Workload, behaviour, violation};

/// What a client asked for, checked.
pub(crate) struct Wanted {
    request: WatchRequest,
    image: Option<Digits>,
}

impl Wanted {
    /// Checks what is asked for. Says what is wrong.
    pub(crate) fn new(request: &WatchRequest) -> Result<Self, String> {
        for pattern in &request.rules {
            if !Rule::ALL.iter().any(|rule| is_like(rule.id(), pattern)) {
                return Err(format!(
                    "no rule is `{}`: take names as `exec.unknown`, or their beginning and a star as \
                     `exec.*`",
                    lapwing_profile::text::canonical(pattern.as_bytes())
                ));
            }
        }
        if Severity::try_from(request.severity).is_err() {
            return Err(format!("{} is no severity", request.severity));
        }
        let image = match request.image_digest.as_str() {
            "" => None,
            text => Some(Digits::parse(text)?),
        };
        Ok(Self {
            request: request.clone(),
            image,
        })
    }

    /// Whether an item is among it. Gaps of the stream itself and heartbeats always are.
    pub(crate) fn wants(&self, item: &Item) -> bool {
        let request = &self.request;
        match item {
            Item::Violation(violation) => {
                self.wants_kind(Kind::Violation)
                    && self.wants_subject(violation.detail.as_ref().map(of_violation))
                    && self.wants_rule(&violation.rule)
                    && violation.severity >= request.severity
                    && self.wants_owner(violation.workload.as_ref(), violation.container.as_ref())
            }
            Item::Behaviour(behaviour) => {
                self.wants_kind(Kind::Behaviour)
                    && self.wants_subject(behaviour.detail.as_ref().map(of_behaviour))
                    && self.wants_owner(behaviour.workload.as_ref(), behaviour.container.as_ref())
            }
            Item::Gap(gap) if gap.reason == BEHAVIOURS_DROPPED => self.wants_kind(Kind::Behaviour),
            Item::Gap(gap) => gap.scope == STREAM || self.wants_kind(Kind::Gap),
            Item::Heartbeat(_) => true,
        }
    }

    fn wants_kind(&self, kind: Kind) -> bool {
        let mut kinds = self.request.kinds();
        self.request.kinds.is_empty() || kinds.any(|wanted| wanted == kind)
    }

    fn wants_subject(&self, subject: Option<Subject>) -> bool {
        self.request.subjects.is_empty()
            || subject.is_none_or(|subject| self.request.subjects().any(|wanted| wanted == subject))
    }

    fn wants_rule(&self, rule: &str) -> bool {
        let rules = &self.request.rules;
        rules.is_empty() || rules.iter().any(|pattern| is_like(rule, pattern))
    }

    /// What concerns the node has neither workload nor container, and is wanted.
    fn wants_owner(&self, workload: Option<&Workload>, container: Option<&Container>) -> bool {
        let request = &self.request;
        let of_workload = workload.is_none_or(|workload| {
            (request.namespace.is_empty() || workload.namespace == request.namespace)
                && (request.workload.is_empty()
                    || crate::judge::workload_of(workload).is_like(&request.workload))
        });
        let of_container = container.is_none_or(|container| {
            request.container.is_empty()
                || container.id.starts_with(&request.container)
                || container.name == request.container
        });
        let of_image = container.is_none_or(|container| {
            let image = self.image.as_ref();
            // Of what nobody told the digest it may be.
            image.is_none_or(|digits| digits.fit(&container.image_digest) != Some(false))
        });
        of_workload && of_container && of_image
    }
}

/// Whether a rule's name is a pattern's: the same, or what is before a star at its end.
fn is_like(rule: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => rule.starts_with(start),
        None => rule == pattern,
    }
}

fn of_violation(detail: &violation::Detail) -> Subject {
    use violation::Detail;
    match detail {
        Detail::Exec(_) => Subject::Exec,
        Detail::File(_) => Subject::File,
        Detail::Egress(_) => Subject::Egress,
        Detail::Listen(_) => Subject::Listen,
        Detail::Dns(_) => Subject::Dns,
        Detail::Privilege(_) => Subject::Privilege,
        Detail::Gap(_) | Detail::Degraded(_) => Subject::Sensor,
    }
}

fn of_behaviour(detail: &behaviour::Detail) -> Subject {
    use behaviour::Detail;
    match detail {
        Detail::Exec(_) => Subject::Exec,
        Detail::File(_) => Subject::File,
        Detail::Egress(_) => Subject::Egress,
        Detail::Listen(_) => Subject::Listen,
        Detail::Dns(_) => Subject::Dns,
        Detail::Privilege(_) => Subject::Privilege,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::{Behaviour, Degraded, Gap, Heartbeat, Listen, Violation};

    #[test]
    fn subjects_narrow_violations_and_behaviours_alone() {
        let listen = Item::Violation(Violation {
            detail: Some(violation::Detail::Listen(Listen::default())),
            ..Violation::default()
        });
        let seen = Item::Behaviour(Behaviour {
            detail: Some(behaviour::Detail::Listen(Listen::default())),
            ..Behaviour::default()
        });
        let degraded = Item::Violation(Violation {
            detail: Some(violation::Detail::Degraded(Degraded::default())),
            ..Violation::default()
        });
        let gap = Item::Gap(Gap::default());
        for (subjects, kinds, expected) in [
            (&[][..], &[][..], [true, true, true, true]),
            (&[Subject::Listen], &[], [true, true, false, true]),
            (
                &[Subject::Listen],
                &[Kind::Violation],
                [true, false, false, false],
            ),
            (
                &[Subject::Sensor, Subject::Dns],
                &[],
                [false, false, true, true],
            ),
        ] {
            let request = WatchRequest {
                subjects: subjects.iter().map(|it| (*it).into()).collect(),
                kinds: kinds.iter().map(|it| (*it).into()).collect(),
                ..WatchRequest::default()
            };
            let wanted = Wanted::new(&request).unwrap();
            let found = [&listen, &seen, &degraded, &gap].map(|item| wanted.wants(item));
            assert_eq!(found, expected, "{request:?}");
        }
    }

    #[test]
    fn rules_severities_and_owners_narrow() {
        let violation = |rule: &str, severity: Severity, namespace: &str, id: &str| {
            Item::Violation(Violation {
                rule: rule.to_owned(),
                severity: severity.into(),
                workload: Some(Workload {
                    namespace: namespace.to_owned(),
                    ..Workload::default()
                }),
                container: Some(Container {
                    id: id.to_owned(),
                    name: "app".to_owned(),
                    image_digest: format!("sha256:{id}{id}"),
                    ..Container::default()
                }),
                ..Violation::default()
            })
        };
        let items = [
            violation("exec.unknown", Severity::High, "shop", "cafe01"),
            violation("exec.drift", Severity::Critical, "shop", "beef01"),
            violation("file.unknown", Severity::Low, "pay", "cafe02"),
            // Of the node.
            Item::Violation(Violation {
                rule: "sensor.degraded".to_owned(),
                severity: Severity::Medium.into(),
                ..Violation::default()
            }),
        ];
        let none = WatchRequest::default;
        let rules = |rules: &[&str]| WatchRequest {
            rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
            ..none()
        };
        for (request, expected) in [
            (rules(&["exec.unknown"]), [true, false, false, false]),
            (rules(&["exec.*", "sensor.*"]), [true, true, false, true]),
            (rules(&["*"]), [true; 4]),
            (
                WatchRequest {
                    severity: Severity::High.into(),
                    ..none()
                },
                [true, true, false, false],
            ),
            (
                WatchRequest {
                    namespace: "pay".to_owned(),
                    ..none()
                },
                [false, false, true, true],
            ),
            (
                WatchRequest {
                    container: "cafe".to_owned(),
                    ..none()
                },
                [true, false, true, true],
            ),
            (
                WatchRequest {
                    image_digest: "sha256:CAFE01CA".to_owned(),
                    ..none()
                },
                [true, false, false, true],
            ),
            (
                WatchRequest {
                    container: "app".to_owned(),
                    kinds: vec![Kind::Violation.into()],
                    ..none()
                },
                [true; 4],
            ),
        ] {
            let wanted = Wanted::new(&request).unwrap();
            let found: Vec<_> = items.iter().map(|item| wanted.wants(item)).collect();
            assert_eq!(found, expected, "{request:?}");
            assert!(wanted.wants(&Item::Heartbeat(Heartbeat::default())));
        }
        let by_image = WatchRequest {
            image_digest: "cafe01ca".to_owned(),
            ..none()
        };
        let untold = Violation {
            container: Some(Container::default()),
            ..Violation::default()
        };
        let by_image = Wanted::new(&by_image).unwrap();
        assert!(by_image.wants(&Item::Violation(untold)));
        for wrong in [
            rules(&["exec.unknwon"]),
            rules(&["exec.*n"]),
            rules(&[""]),
            WatchRequest {
                image_digest: "cafe".to_owned(),
                ..none()
            },
            WatchRequest {
                severity: 9,
                ..none()
            },
        ] {
            assert!(Wanted::new(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn gaps_of_the_stream_come_where_what_is_missing_was_asked_for() {
        let gap = |reason: &str, scope: &str| {
            Item::Gap(Gap {
                reason: reason.to_owned(),
                scope: scope.to_owned(),
                ..Gap::default()
            })
        };
        let gaps = [
            gap(crate::feed::SUBSCRIBER_SLOW, STREAM),
            gap(BEHAVIOURS_DROPPED, STREAM),
            gap("agent-down", "node"),
        ];
        for (kinds, expected) in [
            (vec![], [true, true, true]),
            (vec![Kind::Violation.into()], [true, false, false]),
            (vec![Kind::Behaviour.into()], [true, true, false]),
            (vec![Kind::Gap.into()], [true, false, true]),
        ] {
            let request = WatchRequest {
                kinds,
                ..WatchRequest::default()
            };
            let wanted = Wanted::new(&request).unwrap();
            let found: Vec<_> = gaps.iter().map(|item| wanted.wants(item)).collect();
            assert_eq!(found, expected, "{request:?}");
        }
    }
}
