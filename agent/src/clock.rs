//! From the kernel's time since boot to the time of day.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of a clock since its own start.
fn nanoseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Nanoseconds since boot, suspend included: the clock of records.
#[must_use]
pub fn since_boot() -> u64 {
    nanoseconds(ClockId::Boottime).unsigned_abs()
}

/// Nanoseconds since the Unix epoch.
#[must_use]
pub fn now() -> i64 {
    nanoseconds(ClockId::Realtime)
}

/// The kernel's id of this boot; zeros where there is none, which never is that of another boot.
#[must_use]
pub fn boot() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).map_or([0; 16], u128::to_be_bytes)
}

/// The difference between the two, as it was at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    offset: i64,
}

impl Clock {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        Self {
            offset: now() - nanoseconds(ClockId::Boottime),
        }
    }

    /// The time of day, in nanoseconds since the Unix epoch, of a time since boot.
    #[must_use]
    pub fn wall(self, since_boot: u64) -> i64 {
        self.offset.saturating_add_unsigned(since_boot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_agree_on_now() {
        let before = now();
        let wall = Clock::read().wall(since_boot());
        let after = now();
        // The clocks are read one after the other.
        assert!(wall >= before - 1_000_000 && wall <= after + 1_000_000_000);
    }
}
