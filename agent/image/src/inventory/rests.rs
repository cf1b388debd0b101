//! What figures by an inventory rest on, in words.

use super::InUse;
use lapwing_profile::inventory::export::Learning;

impl InUse {
    /// What it rests on, in a line.
    #[must_use]
    pub fn rests(&self) -> String {
        let span = (self.since.as_deref(), self.until.as_deref());
        rests(span, self.instances, self.learning.as_ref(), &self.losses)
    }
}

/// What an inventory rests on, in a line: when something new was seen first and last, instances, how far its profile
/// had come, and whether anything is known to be lost.
pub(crate) fn rests(
    span: (Option<&str>, Option<&str>),
    instances: u64,
    learning: Option<&Learning>,
    losses: &[String],
) -> String {
    let span = match span {
        (Some(since), Some(until)) => format!("first use {since}, last new one {until}, "),
        _ => String::new(),
    };
    let learning = match learning {
        Some(learning) => format!(
            "observed for {}, coverage {}, mode: {}",
            learning.observed,
            match learning.coverage {
                // Never rounded up to all.
                Some(share) => format!("at least {:.3}", (share * 1_000.0).floor() / 1_000.0),
                None => "unknown".to_owned(),
            },
            learning.mode
        ),
        None => "coverage unknown".to_owned(),
    };
    let losses = match losses {
        [] => "nothing known to be lost",
        _ => "some of it lost or not seen",
    };
    format!("{span}instances: {instances}, {learning}, {losses}")
}
