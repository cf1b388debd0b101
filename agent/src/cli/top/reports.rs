//! The latest violations and gaps, as many as are held.

use lapwing_proto::nanoseconds;
use lapwing_proto::v1::{Gap, Violation};
use std::collections::{BTreeMap, HashMap};

/// As many are held.
pub const HELD: usize = 1_000;

/// One of them.
#[derive(Clone, Debug)]
pub enum Report {
    /// As its last revision says.
    Violation(Box<Violation>),
    /// Events that were lost.
    Gap(Gap),
}

impl Report {
    /// When it was last seen, in nanoseconds since the Unix epoch; 0 if it does not say.
    pub fn last(&self) -> i64 {
        let time = match self {
            Self::Violation(it) => it.last_seen.as_ref().or(it.time.as_ref()),
            Self::Gap(gap) => gap.to.as_ref().or(gap.from.as_ref()),
        };
        time.map(nanoseconds).unwrap_or_default()
    }
}

/// All of them, by the order of their coming: an update makes a violation the latest again.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    held: BTreeMap<u64, Report>,
    /// Of violations, by their ids.
    places: HashMap<String, u64>,
    next: u64,
    dropped: u64,
}

impl Reports {
    /// Takes a violation, or what became of one.
    pub fn violation(&mut self, violation: Violation) {
        if let Some(place) = self.places.get(&violation.id) {
            let is_older = |held: &Report| matches!(held, Report::Violation(it) if it.revision > violation.revision);
            if self.held.get(place).is_some_and(is_older) {
                return;
            }
            self.held.remove(place);
        }
        self.places.insert(violation.id.clone(), self.next);
        self.push(Report::Violation(Box::new(violation)));
    }

    /// Takes a gap.
    pub fn gap(&mut self, gap: Gap) {
        self.push(Report::Gap(gap));
    }

    fn push(&mut self, report: Report) {
        self.held.insert(self.next, report);
        self.next += 1;
        while self.held.len() > HELD {
            if let Some((_, Report::Violation(old))) = self.held.pop_first() {
                self.places.remove(&old.id);
            }
            self.dropped += 1;
        }
    }

    /// The latest first, each with a number that is its own.
    pub fn latest(&self) -> impl Iterator<Item = (u64, &Report)> {
        self.held
            .iter()
            .rev()
            .map(|(place, report)| (*place, report))
    }

    /// The violations among them, the latest first.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.latest().filter_map(|(_, report)| match report {
            Report::Violation(violation) => Some(&**violation),
            Report::Gap(_) => None,
        })
    }

    /// A violation by its id.
    pub fn find(&self, id: &str) -> Option<&Violation> {
        match self.held.get(self.places.get(id)?)? {
            Report::Violation(violation) => Some(violation),
            Report::Gap(_) => None,
        }
    }

    /// How many are not held any more.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(id: &str, revision: u32) -> Violation {
        Violation {
            id: id.to_owned(),
            revision,
            ..Violation::default()
        }
    }

    fn ids(reports: &Reports) -> Vec<(&str, u32)> {
        (reports.violations())
            .map(|it| (it.id.as_str(), it.revision))
            .collect()
    }

    #[test]
    fn an_update_is_the_latest_and_stands_once() {
        let mut reports = Reports::default();
        for (id, revision) in [("a", 1), ("b", 1), ("a", 2), ("a", 1)] {
            reports.violation(violation(id, revision));
        }
        assert_eq!(ids(&reports), [("a", 2), ("b", 1)]);
        assert_eq!(reports.find("a").unwrap().revision, 2);
        // As after a reconnection that gives the last one again.
        reports.violation(violation("b", 1));
        assert_eq!(ids(&reports), [("b", 1), ("a", 2)]);
    }

    #[test]
    fn the_oldest_go_and_are_counted() {
        let mut reports = Reports::default();
        reports.gap(Gap::default());
        for number in 0..HELD + 2 {
            reports.violation(violation(&number.to_string(), 1));
        }
        assert_eq!(reports.latest().count(), HELD);
        assert_eq!((reports.dropped(), reports.places.len()), (3, HELD));
        assert!(reports.find("1").is_none() && reports.find("2").is_some());
    }
}
