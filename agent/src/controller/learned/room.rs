//! How much of the room for what nodes tell one of them may have.
//!
//! It is a part of what is *left*, not of all that there is. An eighth of all for each would be filled by eight
//! nodes that lie. Of what is left each takes less than the one before, eight leave two fifths and thirty
//! leave a thirtieth; who has had its part can add nothing as it gets tight, and what is left is for those that have
//! none. Nobody has to be pushed out for that, and nothing has to be known of how many nodes there are.

use super::board::Rules;
use lapwing_profile::decide::Refusal;

/// The part of what is left that one node may have.
const SHARE: usize = 8;

/// Of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    used: usize,
    /// By the reports of the node.
    of_node: usize,
    all: usize,
}

impl Room {
    /// Of which so much is used.
    pub fn new(used: usize, of_node: Option<&usize>, rules: &Rules) -> Self {
        Self {
            used,
            of_node: of_node.copied().unwrap_or_default(),
            all: rules.bytes,
        }
    }

    /// Whether the node may add so many.
    ///
    /// # Errors
    /// When it may not. What adds nothing always fits.
    pub fn fits(self, more: usize) -> Result<(), Refusal> {
        if more == 0 {
            return Ok(());
        }
        let Some(left) = self.all.checked_sub(self.used + more) else {
            return Err(Refusal::Full(format!(
                "all workloads together may take {} KiB (`learned.bytes`)",
                self.all >> 10
            )));
        };
        let share = left / SHARE;
        if self.of_node + more > share {
            return Err(Refusal::Full(format!(
                "the reports of one node may add {} KiB now (an eighth of what is left of `learned.bytes`), and \
                 those of this one would add more",
                share >> 10
            )));
        }
        Ok(())
    }
}

/// Whether a node that told first of so many workloads may tell of another, where so many are known.
///
/// # Errors
/// Why it may not.
pub fn has_place(known: usize, brought: usize, rules: &Rules) -> Result<(), String> {
    let [all, of_one] = rules.workloads;
    let left = all.saturating_sub(known);
    if left == 0 {
        return Err(format!(
            "{all} workloads are known already (`learned.workloads`), and it is another"
        ));
    }
    // The last places are for whoever has none.
    if brought >= of_one.min((left / SHARE).max(1)) {
        return Err(format!(
            "this node told first of {brought} workloads already, and it is another: one may of {of_one} \
             (`learned.workloadsOfNode`), and of an eighth of those for which there is room"
        ));
    }
    Ok(())
}
