//! The sample that `lapwing sink test` sends: a violation that nobody takes for one.

use super::Origin;
use lapwing_proto::timestamp;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Container, Degraded, Mode, Violation, WatchResponse, Workload, violation};

/// What stands for the reason, and for all names.
pub const MARK: &str = "lapwing-sink-test";

/// The sample.
pub fn sample(origin: &Origin, now: i64) -> WatchResponse {
    let id = format!("{MARK}-{now:x}");
    WatchResponse {
        cursor: id.clone(),
        item: Some(Item::Violation(Violation {
            fingerprint: MARK.to_owned(),
            id,
            revision: 1,
            time: Some(timestamp(now)),
            first_seen: Some(timestamp(now)),
            last_seen: Some(timestamp(now)),
            cluster: origin.cluster.clone(),
            node: origin.node.clone(),
            rule: "sensor.degraded".to_owned(),
            severity: violation::Severity::Low.into(),
            mode: Mode::Monitoring.into(),
            count: 1,
            workload: Some(Workload {
                namespace: MARK.to_owned(),
                kind: "Test".to_owned(),
                name: MARK.to_owned(),
                container: MARK.to_owned(),
            }),
            container: Some(Container {
                name: MARK.to_owned(),
                ..Container::default()
            }),
            detail: Some(violation::Detail::Degraded(Degraded {
                reason: MARK.to_owned(),
                detail: "a sample that `lapwing sink test` sent: nothing has happened".to_owned(),
            })),
            ..Violation::default()
        })),
    }
}

/// Its id.
pub fn id(sample: &WatchResponse) -> String {
    sample.cursor.clone()
}
