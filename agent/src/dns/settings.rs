//! How much and how long.

use super::SECOND;
use super::budget::BudgetSettings;
use super::table::TableSettings;

/// Bounds and times.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a question waits for its answer, in nanoseconds. glibc asks twice, five seconds
    /// apart, and takes an answer to the first as long as it waits.
    pub wait: u64,
    /// Questions that wait, per container.
    pub container_queries: usize,
    /// Questions that wait, in all.
    pub queries: usize,
    /// Connections that are followed (each direction is one), per container.
    pub container_streams: usize,
    /// Connections that are followed, in all.
    pub streams: usize,
    /// How long a connection that is idle is followed if there is no room, in nanoseconds.
    pub idle: u64,
    /// Containers.
    pub containers: usize,
    /// Least time to live of a binding, in seconds.
    pub floor: u32,
    /// Greatest time to live of a binding, in seconds.
    pub ceiling: u32,
    /// How long a binding holds after its time, in seconds.
    pub grace: u32,
    /// Room for names.
    pub table: TableSettings,
    /// Budget of new names.
    pub budget: BudgetSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wait: 15 * SECOND,
            container_queries: 256,
            queries: 8192,
            container_streams: 32,
            streams: 512,
            idle: 30 * SECOND,
            containers: 4096,
            floor: Self::FLOOR,
            ceiling: Self::CEILING,
            grace: Self::GRACE,
            table: TableSettings::default(),
            budget: BudgetSettings::default(),
        }
    }
}

impl Settings {
    /// The floor without configuration, in seconds.
    pub const FLOOR: u32 = 60;
    /// The ceiling without configuration, in seconds.
    pub const CEILING: u32 = 86_400;
    /// The grace without configuration, in seconds.
    pub const GRACE: u32 = 120;

    /// How long a binding holds, in nanoseconds, for a time to live in seconds.
    #[must_use]
    pub fn holds(&self, ttl: u32) -> u64 {
        let ttl = ttl.max(self.floor).min(self.ceiling);
        (u64::from(ttl) + u64::from(self.grace)) * SECOND
    }
}
