//! Whether the controller's clock can be right.
//!
//! What is learned has the times of nodes, and what is kept of it ends by the controller's clock. A controller that
//! is behind would have everything be seen first at its own time, and for long, as of two times the earlier stays;
//! one that is ahead would forget what nobody has seen for so long by its own time alone.

use lapwing_profile::collected::last_said;
use lapwing_profile::profile::Profile;

pub const MINUTE: i64 = 60_000_000_000;
/// Clocks of nodes may be ahead by so much.
const AHEAD_MAX: i64 = 5 * MINUTE;
/// And behind by so much, with the time that agents take to say something.
const BEHIND_MAX: i64 = 60 * MINUTE;

/// By how much what a node tells of is later than `now`; 0 where that is not too much.
pub fn ahead(profile: &Profile, now: i64) -> i64 {
    let last = last_said(profile).unwrap_or(now);
    let ahead = last.saturating_sub(now);
    if ahead > AHEAD_MAX { ahead } else { 0 }
}

/// Whether it is about `now` by the clocks of most agents, which said last that it is this time by theirs. Where
/// nobody said anything nobody says so.
pub fn agree(said: &[i64], now: i64) -> bool {
    let agrees = |at: &&i64| now.saturating_sub(**at) <= BEHIND_MAX;
    2 * said.iter().filter(agrees).count() > said.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_clocks_have_to_agree() {
        let now = 1_000_000 * MINUTE;
        let (lately, before) = (now - MINUTE, now - 61 * MINUTE);
        assert!(!agree(&[], now));
        assert!(agree(&[lately], now) && !agree(&[before], now));
        assert!(!agree(&[lately, before], now));
        assert!(agree(&[lately, before, lately], now));
    }
}
