//! Waits that are not the same everywhere: agents of many nodes lose the same peer at the same moment.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// From a half of it to all of it, so that the agents of many nodes do not come back together.
pub fn jitter(wait: Duration, chance: u32) -> Duration {
    let half = wait / 2;
    half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

/// Some number.
pub fn chance() -> u32 {
    // Each has keys of its own, of the system's randomness.
    (RandomState::new().hash_one(0_u8) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_varies() {
        let first = chance();
        assert!((0..100).any(|_| chance() != first));
        let wait = Duration::from_secs(2);
        assert_eq!(jitter(wait, 0), wait / 2);
        assert_eq!(jitter(wait, u32::MAX), wait);
    }
}
