//! How much each container may send, from the size of the ring.
//!
//! The reader takes records faster than a container can make most of them, so what
//! bounds a container is the room that it can fill before the reader gets to run. Each
//! class has a share of the ring for that, and the same once more each second. All
//! shares of one container but that for files fit into the half that files leave free.

use lapwing_abi::ids::Class;
use lapwing_abi::state::CLASSES;

const SECOND: u64 = 1_000_000_000;
/// Least allowance of a class in bytes: some of the longest records.
const LEAST: u64 = 16 << 10;

/// The allowance of each class, as the kernel programs want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// What a byte costs, in nanoseconds of the allowance.
    pub cost: [u64; CLASSES],
    /// How far ahead it may be spent, in nanoseconds.
    pub burst: [u64; CLASSES],
}

/// The share of the ring that a class of one container may fill at once, and again each second, in
/// parts of 32.
const fn share(class: Class) -> u64 {
    match class {
        Class::File => 8,
        Class::Exec => 4,
        Class::Egress | Class::FileGuarded | Class::Dns => 2,
        Class::ExecGuarded | Class::EgressGuarded | Class::Privilege => 1,
    }
}

impl Budgets {
    /// For a ring of so many bytes.
    #[must_use]
    pub fn of_ring(bytes: u32) -> Self {
        let mut budgets = Self {
            cost: [0; CLASSES],
            burst: [0; CLASSES],
        };
        for class in Class::ALL {
            let allowance = (u64::from(bytes) / 32 * share(*class)).max(LEAST);
            let cost = SECOND / allowance;
            budgets.cost[*class as usize] = cost;
            budgets.burst[*class as usize] = cost * allowance;
        }
        budgets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lasts_for_a_second() {
        for ring in [64 << 10, 8 << 20, 1 << 30] {
            let budgets = Budgets::of_ring(ring);
            for class in Class::ALL {
                let (cost, burst) = (
                    budgets.cost[*class as usize],
                    budgets.burst[*class as usize],
                );
                assert!(cost > 0, "{ring} {class:?}: a byte must cost something");
                assert!(burst <= SECOND && burst > SECOND / 2, "{ring} {class:?}");
            }
        }
    }

    #[test]
    fn noise_in_files_leaves_room_for_all_else() {
        let shares = |class: &Class| share(*class);
        let others: u64 = Class::ALL.iter().map(shares).sum::<u64>() - share(Class::File);
        assert!(share(Class::File) <= 16 && others <= 16);
    }
}
