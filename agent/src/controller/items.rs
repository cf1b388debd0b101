//! What agents say, as the controller has it.

use super::fleet::{Agent, Link};
use crate::feed::STREAM;
use lapwing_proto::timestamp;
use lapwing_proto::v1::WatchRequest;
use lapwing_proto::v1::get_status_response as status;
use lapwing_proto::v1::watch_request::Kind;
use lapwing_proto::v1::watch_response::Item;

/// From nanoseconds.
pub const fn milliseconds(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(1_000_000)
}

/// Asks for what is in logs.
#[must_use]
pub fn records() -> WatchRequest {
    WatchRequest {
        kinds: vec![Kind::Violation.into(), Kind::Gap.into()],
        ..WatchRequest::default()
    }
}

/// An item of an agent as it is in the stream; none where it is none of that.
#[must_use]
pub fn whose(agent: &Agent, cluster: &str, item: Item) -> Option<Item> {
    let of = |named: &mut String, node: &mut String| {
        agent.node.clone_into(node);
        if !cluster.is_empty() {
            cluster.clone_into(named);
        }
    };
    match item {
        Item::Violation(mut violation) => {
            of(&mut violation.cluster, &mut violation.node);
            Some(Item::Violation(violation))
        }
        Item::Gap(mut gap) => {
            of(&mut gap.cluster, &mut gap.node);
            // What the relay missed of an agent, its clients do: it is of that node.
            if gap.scope == STREAM {
                "node".clone_into(&mut gap.scope);
            }
            Some(Item::Gap(gap))
        }
        Item::Behaviour(_) | Item::Heartbeat(_) => None,
    }
}

/// How an agent is, for `lapwing status`.
#[must_use]
pub fn status_of(agent: &Agent) -> status::fleet::Agent {
    use status::fleet::agent::Link as Wire;
    let state = agent.state();
    let heard = agent.heard();
    status::fleet::Agent {
        node: agent.node.clone(),
        pod: agent.pod.clone(),
        address: state.address.map(|at| at.to_string()).unwrap_or_default(),
        link: match state.link {
            Link::New => Wire::Unspecified,
            Link::Connected => Wire::Connected,
            Link::Away => Wire::Away,
        }
        .into(),
        since: Some(timestamp(state.since)),
        heard_time: (heard != 0).then(|| timestamp(heard)),
        lag_milliseconds: if heard == 0 {
            0
        } else {
            milliseconds(heard.saturating_sub(agent.said()))
        },
        relayed: agent.relayed(),
        lost: agent.lost(),
        last_error: state.error,
    }
}
