//! How much of what will happen was seen: the coverage estimate of Chao and Jost.
//!
//! A. Chao and L. Jost, "Coverage-based rarefaction and extrapolation: standardizing samples by
//! completeness rather than size", Ecology 93 (2012), 2533-2547, in the form for incidences
//! (their appendix; Chao et al., Ecological Monographs 84 (2014), equation 12). Of `m` samples
//! with `U` incidences, of which `Q1` behaviours are in exactly one sample and `Q2` in two,
//!
//! ```text
//!            Q1       (m - 1) Q1
//! C  =  1  - -- * ---------------------        and for Q2 = 0, bias-corrected:
//!            U     (m - 1) Q1 + 2 Q2
//!
//!            Q1     (m - 1) (Q1 - 1)
//! C  =  1  - -- * -------------------------
//!            U     (m - 1) (Q1 - 1) + 2
//! ```
//!
//! estimates the chance that the next incidence is of a behaviour that was seen. What was never
//! seen shows itself by what was seen only once: that is Turing's idea; Q2 says how much further
//! than the singletons the unseen goes.
//!
//! Two things are not as the paper has them; `docs/how-lapwing-learns.md` shows what they are
//! worth.
//!
//! **Two strata.** Start-ups and later samples are estimated apart, each with its own `m` and `U`,
//! but a behaviour is known wherever it was seen. Turing's argument is to leave one incidence out
//! and to ask whether its behaviour would still be known; so what was seen in the other stratum
//! too is no singleton. Otherwise whatever a service happens to do in its first five minutes
//! counts as start-up, stays a singleton there until many restarts later, and learning never ends.
//!
//! **Bursts.** Samples of one instance are not independent: what happens for twenty minutes is in
//! four samples, and no singleton, though it happened once. So the same argument leaves out a whole
//! burst: a behaviour whose sightings all lie within [`BURST`] slots, and in no second start, was
//! seen at one time only. `Q1` counts these, and in `Q1 / U` stand their incidences, [`lone`]. In
//! samples that are independent both are the paper's `Q1`.
//!
//! [`lone`]: Sampled::lone
//! [`BURST`]: super::settings::BURST
//!
//! A lone singleton (`Q1 = 1`, `Q2 = 0`) counts as covered by the second form. That is meant: one
//! thing that happened once, long ago, says nothing of a second one, and would else stand in the
//! way for ever; while it is fresh, the quiet period does.

/// What a class shows in one stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// `m`: samples.
    pub samples: u64,
    /// `S`: distinct behaviours.
    pub distinct: u64,
    /// `U`: incidences, a behaviour once in each sample.
    pub incidences: u64,
    /// `Q1`: behaviours that were seen at one time only, of all strata.
    pub once: u64,
    /// Incidences of these.
    pub lone: u64,
    /// `Q2`: behaviours that are in exactly two, at two times.
    pub twice: u64,
}

impl Sampled {
    /// The estimate, from 0 to 1; `None` where nothing was seen, or there is one sample, of
    /// which nothing can be said.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        if self.incidences == 0 || self.samples < 2 {
            return None;
        }
        let [m, u, q1, q2, lone] = [
            self.samples,
            self.incidences,
            self.once,
            self.twice,
            self.lone,
        ]
        .map(|n| n as f64);
        let further = if self.twice > 0 {
            (m - 1.0) * q1 / ((m - 1.0) * q1 + 2.0 * q2)
        } else if self.once > 0 {
            (m - 1.0) * (q1 - 1.0) / ((m - 1.0) * (q1 - 1.0) + 2.0)
        } else {
            0.0
        };
        Some((1.0 - lone / u * further).clamp(0.0, 1.0))
    }

    /// Unknown behaviours that the next sample is expected to show: the incidences of a sample,
    /// times the share of them that is not covered.
    #[must_use]
    pub fn news(&self) -> f64 {
        match self.coverage() {
            Some(coverage) => (1.0 - coverage) * self.incidences as f64 / self.samples as f64,
            None => 0.0,
        }
    }

    /// How many more samples like these, in which only what recurs is seen, until the estimate is
    /// `wanted`; `None` if that is very many.
    #[must_use]
    pub fn needed(&self, wanted: f64) -> Option<u64> {
        const MOST: u64 = 1 << 20;
        let recurring = self.incidences.saturating_sub(self.lone);
        let reaches = |more: u64| {
            let grown = (u128::from(recurring) * u128::from(more))
                .div_euclid(u128::from(self.samples.max(1)));
            let later = Self {
                samples: self.samples + more,
                incidences: self.incidences + grown as u64,
                ..*self
            };
            later.coverage().is_none_or(|coverage| coverage >= wanted)
        };
        let (mut too_few, mut enough) = (0, 1);
        while !reaches(enough) {
            too_few = enough;
            enough *= 2;
            if enough > MOST {
                return None;
            }
        }
        while enough - too_few > 1 {
            let middle = too_few.midpoint(enough);
            match reaches(middle) {
                true => enough = middle,
                false => too_few = middle,
            }
        }
        Some(enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(samples: u64, incidences: u64, once: u64, twice: u64) -> Sampled {
        Sampled {
            samples,
            distinct: once + twice,
            incidences,
            once,
            lone: once,
            twice,
        }
    }

    #[test]
    fn the_estimate_is_the_formula_s() {
        // Worked by hand.
        for (of, wanted) in [
            (sampled(10, 100, 5, 2), 1.0 - 0.05 * 45.0 / 49.0),
            (sampled(10, 100, 5, 0), 1.0 - 0.05 * 36.0 / 38.0),
            (sampled(10, 100, 0, 3), 1.0),
            (sampled(10, 100, 1, 0), 1.0),
            (sampled(2, 2, 2, 0), 1.0 - 1.0 / 3.0),
        ] {
            let found = of.coverage().unwrap();
            assert!((found - wanted).abs() < 1e-12, "{of:?}: {found}");
        }
        assert_eq!(sampled(10, 0, 0, 0).coverage(), None, "none seen");
        assert_eq!(sampled(1, 5, 5, 0).coverage(), None, "one sample");
    }

    #[test]
    fn a_burst_weighs_as_much_as_it_has_incidences() {
        let single = sampled(10, 100, 5, 2);
        let burst = Sampled { lone: 15, ..single };
        let missing = |of: Sampled| 1.0 - of.coverage().unwrap();
        assert!((missing(burst) - 3.0 * missing(single)).abs() < 1e-12);
    }

    #[test]
    fn what_is_needed_is_enough_and_one_less_is_not() {
        let now = sampled(20, 41, 3, 1);
        assert!(now.coverage().unwrap() < 0.99);
        let needed = now.needed(0.99).unwrap();
        let later = |more: u64| Sampled {
            samples: 20 + more,
            incidences: 41 + 38 * more / 20,
            ..now
        };
        assert!(later(needed).coverage().unwrap() >= 0.99);
        assert!(later(needed - 1).coverage().unwrap() < 0.99);
        // Two things that happened once, and nothing else ever: no number of samples will do.
        assert_eq!(sampled(100, 2, 2, 0).needed(0.99), None);
    }

    #[test]
    fn expected_news_are_the_uncovered_incidences_of_a_sample() {
        let of = sampled(10, 100, 5, 2);
        let wanted = 10.0 * 0.05 * 45.0 / 49.0;
        assert!((of.news() - wanted).abs() < 1e-12);
    }
}
