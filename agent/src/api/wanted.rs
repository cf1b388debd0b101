//! What of the stream a client asked for.

use lapwing_proto::v1::watch_request::{Kind, Subject};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{WatchRequest, behaviour, violation};

/// Whether a client asked for an item. Gaps of the stream itself always come.
pub(super) fn wanted(request: &WatchRequest, item: &Item) -> bool {
    let (kind, workload, subject) = match item {
        Item::Violation(violation) => (
            Kind::Violation,
            violation.workload.as_ref(),
            violation.detail.as_ref().map(of_violation),
        ),
        Item::Behaviour(behaviour) => (
            Kind::Behaviour,
            behaviour.workload.as_ref(),
            behaviour.detail.as_ref().map(of_behaviour),
        ),
        Item::Gap(gap) if gap.scope == crate::feed::STREAM => return true,
        Item::Gap(_) => (Kind::Gap, None, None),
        Item::Heartbeat(_) => (Kind::Heartbeat, None, None),
    };
    let of_kind = request.kinds.is_empty() || request.kinds().any(|wanted| wanted == kind);
    let of_workload = request.workload.is_empty()
        || workload
            .is_none_or(|workload| crate::judge::workload_of(workload).is_like(&request.workload));
    // Gaps and heartbeats have no subject, and come as before.
    let of_subject = request.subjects.is_empty()
        || subject.is_none_or(|subject| request.subjects().any(|wanted| wanted == subject));
    of_kind && of_workload && of_subject
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
    use lapwing_proto::v1::{Behaviour, Degraded, Gap, Listen, Violation};

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
            let found = [&listen, &seen, &degraded, &gap].map(|item| wanted(&request, item));
            assert_eq!(found, expected, "{request:?}");
        }
    }
}
