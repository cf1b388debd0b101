//! Who can be asked something now.

use super::Relay;
use crate::clock;
use crate::controller::fleet::{Fleet, Line, Link};
use crate::controller::silence::Hearing;

/// One node.
#[derive(Clone, Debug)]
pub struct Whom {
    /// Its name.
    pub node: String,
    /// How its agent is asked; none while it is not connected.
    pub line: Option<Line>,
    /// Whether it was heard in time, and is likely to answer.
    pub is_heard: bool,
    /// Why it is not connected, as far as that is known.
    pub detail: String,
}

impl Relay {
    /// All nodes that are known now, by their names.
    #[must_use]
    pub fn all(&self, fleet: &Fleet) -> Vec<Whom> {
        if fleet.is_listed() {
            self.look(&fleet.agents());
        }
        let now = clock::now();
        let nodes = self.nodes();
        let all = nodes.iter().map(|(name, node)| {
            let quiet = self.quiet_of(name, node, now);
            let state = node.agent.state();
            let is_untried = state.link == Link::New && state.address.is_some();
            Whom {
                line: node.line.clone(),
                is_heard: quiet.hearing == Hearing::InTime,
                detail: match is_untried {
                    true => "it was not tried yet".to_owned(),
                    false => quiet.detail,
                },
                node: quiet.node,
            }
        });
        all.collect()
    }
}
