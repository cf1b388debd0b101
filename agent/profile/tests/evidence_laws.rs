//! Evidence merges in any order.

use lapwing_profile::evidence::observed::{INSTANCES_MAX, Observed, Watched};
use lapwing_profile::evidence::window;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn watched() -> impl Strategy<Value = Watched> {
    let counts = || prop::array::uniform6(0..5_u32);
    (
        any::<bool>(),
        0..9_i64,
        0..9_i64,
        0..9_i64,
        0..5_u32,
        0..16_u32,
        counts(),
        counts(),
    )
        .prop_map(
            |(from_start, first, last, watched, samples, hours, startup, running)| Watched {
                node: 1,
                from_start,
                first,
                last,
                watched,
                samples,
                hours,
                startup,
                running,
            },
        )
}

/// More instances than are kept, now and then.
fn observed() -> impl Strategy<Value = Observed> {
    prop::collection::vec((0..100_u32, watched()), 0..90).prop_map(|all| {
        let mut observed = Observed::default();
        for (id, watched) in all {
            observed.take(id.wrapping_mul(0x9e37_79b9), &watched);
        }
        observed
    })
}

fn joined(a: &Observed, b: &Observed) -> Observed {
    let mut joined = a.clone();
    joined.join(b);
    joined
}

proptest! {
    #[test]
    fn observations_are_a_semilattice(a in observed(), b in observed(), c in observed()) {
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert_eq!(&joined(&a, &a), &a);
        prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
    }

    /// Nodes that each saw a part, merged in any order, know what one that saw all would.
    #[test]
    fn parts_make_the_whole(seed in any::<u32>(), count in 1..300_u32, nodes in 1..5_usize) {
        let mut whole = Observed::default();
        let mut parts = vec![Observed::default(); nodes];
        for number in 0..count {
            let id = window::id(&[&seed.to_le_bytes(), &number.to_le_bytes()]);
            let watched = Watched {
                node: number % 7,
                from_start: true,
                first: 0,
                last: 100 * SECOND,
                watched: 100,
                samples: 10,
                hours: 1,
                startup: [1; 6],
                running: [3; 6],
            };
            whole.take(id, &watched);
            parts[number as usize % nodes].take(id, &watched);
        }
        parts.rotate_left(seed as usize % nodes);
        let merged = parts.iter().fold(Observed::default(), |all, part| joined(&all, part));
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(merged.several(), count > 2);
        if (count as usize) < INSTANCES_MAX {
            prop_assert_eq!(merged.samples(), u64::from(count) * 10);
        } else {
            // Six standard errors of the estimate, which leans to the right: four are exceeded now and then.
            let error = (merged.count() as f64 / f64::from(count) - 1.0).abs();
            prop_assert!(error < 6.0 / (INSTANCES_MAX as f64 - 2.0).sqrt(), "{} of {count}", merged.count());
        }
    }
}
