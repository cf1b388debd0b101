//! [`Evidence`] as it is kept of each entry: most were seen in few samples of few instances.

use super::{Evidence, INSTANCES_KEPT, SAMPLES_KEPT};
use crate::evidence::sketch::Bottom;
use crate::evidence::window::Incidence;

/// Ids that are kept in place: those of one instance with its start-up and later samples, or of
/// two.
const FEW: usize = 1 + 1 + SAMPLES_KEPT;

/// Evidence in 24 bytes, or in a box where it is much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// So few that they stand in place.
    Few {
        /// How many instances, starts and samples there are.
        counts: [u8; 3],
        /// Their ids, one behind the other.
        ids: [u32; FEW],
    },
    /// More than find room.
    Many(Box<Evidence>),
}

impl Default for Packed {
    fn default() -> Self {
        Self::Few {
            counts: [0; 3],
            ids: [0; FEW],
        }
    }
}

impl Packed {
    /// Packs it.
    #[must_use]
    pub fn of(evidence: Evidence) -> Self {
        let parts = [
            evidence.instances.ids(),
            evidence.starts.ids(),
            evidence.samples.ids(),
        ];
        let counts = parts.map(|part| part.len() as u8);
        if parts.iter().map(|part| part.len()).sum::<usize>() > FEW {
            return Self::Many(Box::new(evidence));
        }
        let mut ids = [0; FEW];
        let all = parts.into_iter().flatten();
        ids.iter_mut().zip(all).for_each(|(id, of)| *id = *of);
        Self::Few { counts, ids }
    }

    /// Sets it, in the box that it has if it has one and needs one.
    fn set(&mut self, evidence: Evidence) {
        match (self, Self::of(evidence)) {
            (Self::Many(kept), Self::Many(_)) => **kept = evidence,
            (own, other) => *own = other,
        }
    }

    /// Whether an instance is among those that are kept.
    fn has(&self, instance: u32) -> bool {
        match self {
            Self::Few { counts, ids } => ids[..usize::from(counts[0])].contains(&instance),
            Self::Many(evidence) => evidence.instances.ids().contains(&instance),
        }
    }

    /// The join of two.
    #[must_use]
    pub(crate) fn join(self, other: &Self) -> Self {
        match self == *other {
            true => self,
            false => Self::of(self.evidence().join(&other.evidence())),
        }
    }

    /// It was seen in an instance, and maybe in a sample for the first time.
    pub(crate) fn witness(&mut self, instance: u32, incidence: Option<Incidence>) {
        if incidence.is_none() && self.has(instance) {
            return;
        }
        let mut evidence = self.evidence();
        evidence.instances.insert(instance);
        match incidence {
            Some(Incidence::Start(instance)) => evidence.starts.insert(instance),
            Some(Incidence::Sample(sample)) => evidence.samples.insert(sample),
            None => {}
        }
        self.set(evidence);
    }

    /// What was packed.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::Many(evidence) => **evidence,
            Self::Few { counts, ids } => {
                let (instances, rest) = ids.split_at(usize::from(counts[0]));
                let (starts, rest) = rest.split_at(usize::from(counts[1]));
                let samples = &rest[..usize::from(counts[2])];
                Evidence {
                    instances: bottom::<INSTANCES_KEPT>(instances),
                    starts: bottom::<SAMPLES_KEPT>(starts),
                    samples: bottom::<SAMPLES_KEPT>(samples),
                }
            }
        }
    }
}

fn bottom<const K: usize>(ids: &[u32]) -> Bottom<K> {
    let mut sketch = Bottom::default();
    ids.iter().for_each(|id| sketch.insert(*id));
    sketch
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(0..50_u32, 0..9)
    }

    fn evidence(instances: &[u32], starts: &[u32], samples: &[u32]) -> Evidence {
        Evidence {
            instances: bottom(instances),
            starts: bottom(starts),
            samples: bottom(samples),
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_what_comes_out(
            (a, b, c) in (ids(), ids(), ids()), (d, e, f) in (ids(), ids(), ids()),
        ) {
            let (first, second) = (evidence(&a, &b, &c), evidence(&d, &e, &f));
            let mut packed = Packed::of(first);
            prop_assert_eq!(packed.evidence(), first);
            packed.set(second);
            prop_assert_eq!(packed.evidence(), second);
            prop_assert_eq!(&packed, &Packed::of(second));
        }
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Packed>(), 24);
    }
}
