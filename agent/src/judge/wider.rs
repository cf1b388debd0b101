//! Growth of what a profile's patterns leave open, told in the log: see [`lapwing_profile::widened`].

use super::keep::Kept;
use lapwing_profile::generalise::breadth;
use lapwing_profile::learn::Outcome;
use lapwing_profile::profile::Profile;

/// What was learned at a time made these patterns: a sentence for each.
fn learned(profile: &Profile, at: i64) -> Vec<String> {
    let made = profile.widened().filter(|one| one.at == at);
    made.map(|one| {
        let names = profile.names(&one.entry);
        let because = names.map(|names| format!(": {}", names.because(&one.entry)));
        let because = because.unwrap_or_default();
        format!(
            "the profile of {} is wider by {}, of breadth {}{because}",
            profile.workload,
            one.entry,
            breadth(&one.entry)
        )
    })
    .collect()
}

/// What a decision made of the patterns; `None` where they leave no more open than before.
fn decided(before: &Profile, after: &Profile) -> Option<String> {
    let (from, to) = (before.breadth(), after.breadth());
    (to > from).then(|| {
        let workload = &after.workload;
        format!(
            "the profile of {workload} is wider by a decision: the breadth of all its patterns grew from {from} to {to}"
        )
    })
}

impl Kept {
    /// Something was taken to the profile at a time, in nanoseconds since the Unix epoch.
    pub(super) fn say_wider(&self, outcome: Outcome, at: i64) {
        if outcome == Outcome::Learned {
            for text in learned(&self.profile, at) {
                tracing::info!("{text}");
            }
        }
    }

    /// The profile that was is about to become another, by a decision.
    pub(super) fn say_decided(&self, after: &Profile) {
        if let Some(text) = decided(&self.profile, after) {
            tracing::info!("{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::decide::By;
    use lapwing_profile::entry::Entry;
    use lapwing_profile::learn::Sighting;
    use lapwing_profile::profile::Mode;
    use lapwing_profile::workload::Workload;

    #[test]
    fn what_made_it_wider_is_told_once() {
        let workload = Workload {
            name: "db".into(),
            ..Workload::default()
        };
        let mut profile = Profile::new(workload, Mode::Learning);
        let mut said = Vec::new();
        for at in 0..30 {
            let line = format!("file: {{operation: CREATE, path: /data/{at}}}");
            let entry = Entry::parse(&line).unwrap();
            if profile.observe(&Sighting { entry, at }) == Outcome::Learned {
                said.extend(learned(&profile, at));
            }
        }
        let [said] = &said[..] else {
            panic!("{said:?}")
        };
        let words = "//db/ is wider by file: {operation: CREATE, pattern: \"/data/{digits}\"}, of breadth 2: 16 names";
        assert!(said.contains(words), "{said}");

        let by = By {
            actor: "ann",
            reason: "r",
            at: 99,
        };
        let before = profile.clone();
        profile.promote(by).unwrap();
        assert_eq!(decided(&before, &profile), None);
        let wide = Entry::parse("file: {operation: CREATE, pattern: \"/srv/**\"}").unwrap();
        profile.approve(&wide, by).unwrap();
        let said = decided(&before, &profile).unwrap();
        assert!(said.ends_with("grew from 2 to 52"), "{said}");
        assert_eq!(decided(&profile, &before), None);
    }
}
