//! How much the kernel side holds, by the memory of the machine.
//!
//! What is asked for in the configuration is taken; what is not follows the machine: a node of a
//! gibibyte shall not give a hundredth of it to tables that it cannot fill, and one of hundreds
//! of gibibytes runs more processes than a usual one. Steps of two and not a proportion,
//! because rings have sizes of powers of two, and because a machine's memory is always a bit
//! less than it is called: each step begins well below the size that it is meant for.
//!
//! The table of cgroups does not grow beyond its usual size: so many are known to the agent's own
//! register.

use super::Config;
use lapwing_abi::state::{CGROUPS_MAX, PROCESSES_MAX};

/// Bytes of a gibibyte.
const GIB: u64 = 1 << 30;

/// How much the kernel side holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of the ring for behaviours: a power of two.
    pub ring_bytes: u32,
    /// Behaviours of each container that are no news.
    pub behaviours: u32,
    /// Processes of all containers at a time.
    pub processes: u32,
    /// Cgroups at a time.
    pub cgroups: u32,
}

impl Sizes {
    /// Of usual machines, from 3 GiB on.
    const USUAL: Self = Self {
        ring_bytes: 8 << 20,
        behaviours: 2_048,
        processes: PROCESSES_MAX,
        cgroups: CGROUPS_MAX,
    };

    /// For a machine with so many bytes of memory.
    #[must_use]
    pub const fn of_memory(bytes: u64) -> Self {
        let usual = Self::USUAL;
        if bytes < 3 * GIB / 2 {
            Self {
                ring_bytes: usual.ring_bytes / 4,
                behaviours: usual.behaviours / 2,
                processes: usual.processes / 4,
                cgroups: usual.cgroups / 4,
            }
        } else if bytes < 3 * GIB {
            Self {
                ring_bytes: usual.ring_bytes / 2,
                behaviours: usual.behaviours / 2,
                processes: usual.processes / 2,
                cgroups: usual.cgroups / 2,
            }
        } else if bytes < 48 * GIB {
            usual
        } else if bytes < 192 * GIB {
            Self {
                ring_bytes: usual.ring_bytes * 2,
                processes: usual.processes * 2,
                ..usual
            }
        } else {
            Self {
                ring_bytes: usual.ring_bytes * 4,
                behaviours: usual.behaviours * 2,
                processes: usual.processes * 4,
                ..usual
            }
        }
    }
}

impl Config {
    /// How much the kernel side holds: what is configured, and the rest for a machine with so
    /// many bytes of memory.
    #[must_use]
    pub fn sizes(&self, memory: u64) -> Sizes {
        let usual = Sizes::of_memory(memory);
        Sizes {
            ring_bytes: self.ring.bytes.unwrap_or(usual.ring_bytes),
            behaviours: self.tables.behaviours.unwrap_or(usual.behaviours),
            processes: self.tables.processes.unwrap_or(usual.processes),
            cgroups: self.tables.cgroups.unwrap_or(usual.cgroups),
        }
    }
}

/// Bytes of memory that this machine has, as MemTotal in /proc/meminfo.
#[must_use]
pub fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    info.totalram.saturating_mul(u64::from(info.mem_unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What a machine of so many GiB says that it has.
    fn called(gib: u64) -> Sizes {
        Sizes::of_memory(gib * GIB / 100 * 95)
    }

    #[test]
    fn usual_machines_have_the_usual_sizes() {
        for gib in [4, 8, 16, 32] {
            assert_eq!(called(gib), Sizes::USUAL, "{gib}");
        }
    }

    #[test]
    fn small_and_large_machines_have_others() {
        let one = called(1);
        assert_eq!(
            (one.ring_bytes, one.behaviours, one.processes, one.cgroups),
            (2 << 20, 1_024, 8_192, 4_096)
        );
        assert_eq!(Sizes::of_memory(0), one);
        let large = called(256);
        assert_eq!(
            (
                large.ring_bytes,
                large.behaviours,
                large.processes,
                large.cgroups
            ),
            (32 << 20, 4_096, 131_072, 16_384)
        );
        assert_eq!(Sizes::of_memory(u64::MAX), large);
    }

    #[test]
    fn more_memory_never_means_less_and_all_are_allowed() {
        let mut last = called(0);
        for gib in 0..600 {
            let sizes = called(gib);
            assert!(
                sizes.ring_bytes >= last.ring_bytes
                    && sizes.behaviours >= last.behaviours
                    && sizes.processes >= last.processes
                    && sizes.cgroups >= last.cgroups,
                "{gib}"
            );
            assert!(sizes.ring_bytes.is_power_of_two() && sizes.cgroups <= CGROUPS_MAX);
            last = sizes;
        }
    }

    #[test]
    fn what_is_configured_is_taken() {
        let text = b"ring: {bytes: 65536}\ntables: {processes: 100, cgroups: 200, behaviours: 300}";
        let config = Config::parse(Path::new("lapwing.yaml"), text).unwrap();
        let sizes = Sizes {
            ring_bytes: 65_536,
            behaviours: 300,
            processes: 100,
            cgroups: 200,
        };
        for memory in [0, 8 * GIB, u64::MAX] {
            assert_eq!(config.sizes(memory), sizes);
        }
        let config = Config::parse(Path::new("lapwing.yaml"), b"ring: {bytes: 65536}").unwrap();
        let others = Sizes {
            ring_bytes: 65_536,
            ..called(1)
        };
        assert_eq!(config.sizes(GIB), others);
    }
}
