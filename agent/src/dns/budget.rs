//! A budget of new names: a tunnel through DNS is one behaviour, not a million.
//!
//! Data is carried out in names that nobody asked for before, thousands of one zone, whose owner
//! reads them at his name server. Each would be a behaviour of its own: a flood in the stream, and
//! a profile that grows without end if it happens while learning. So a container may ask for so
//! many new names of a zone in an interval by name; the others are reported as one, `*.zone`, which
//! is marked and says what happens better than they would. More new zones than fit are reported
//! as `*`. Nothing that is asked goes unreported.
//!
//! A type of records counts as part of a name, since it carries data too.

use super::name::Name;
use lapwing_profile::behaviour::{ANY_OTHER_TYPE, record_type};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// How much of what is new gets a name.
#[derive(Clone, Copy, Debug)]
pub struct BudgetSettings {
    /// New names per zone and interval.
    pub names: usize,
    /// Zones that are kept track of.
    pub zones: usize,
    /// Names that are kept track of, of all zones.
    pub known: usize,
    /// The interval in nanoseconds.
    pub interval: u64,
}

impl Default for BudgetSettings {
    /// A hundred new names of a zone in an hour: a service has that many peers when it starts and
    /// few new ones later; a tunnel needs a new name for each 150 bytes or so, and gets 15 kB.
    fn default() -> Self {
        Self {
            names: 100,
            zones: 512,
            known: 8192,
            interval: 3600 * super::SECOND,
        }
    }
}

#[derive(Default)]
struct Zone {
    /// Hashes of names and types.
    known: HashSet<u64>,
    /// How many of them are new in this interval.
    new: usize,
    used: bool,
}

/// The names one container asked for.
#[derive(Default)]
pub struct Budget {
    zones: HashMap<String, Zone>,
    known: usize,
    start: u64,
}

/// How a question is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    /// The name; `*.zone` or `*` where the budget is spent.
    pub name: String,
    /// The type of records as a word; where the budget is spent, `TYPE*` for all that have none.
    pub kind: String,
    /// Whether the budget is spent, and this stands for many.
    pub many: bool,
}

impl Budget {
    /// How to report a question. Hashes are keyed with `state`, so that nobody can choose names
    /// that share one.
    pub fn spell(
        &mut self,
        name: &Name,
        kind: u16,
        now: u64,
        state: &RandomState,
        settings: &BudgetSettings,
    ) -> Spelled {
        if now.saturating_sub(self.start) >= settings.interval {
            self.renew(now, settings);
        }
        let zone_name = name.zone();
        if self.zones.len() >= settings.zones && !self.zones.contains_key(&zone_name) {
            return many("*".to_owned(), kind);
        }
        let hash = state.hash_one((name, kind));
        let zone = self.zones.entry(zone_name.clone()).or_default();
        zone.used = true;
        if !zone.known.contains(&hash) {
            if zone.new >= settings.names || self.known >= settings.known {
                return many(format!("*.{zone_name}"), kind);
            }
            zone.known.insert(hash);
            zone.new += 1;
            self.known += 1;
        }
        Spelled {
            name: name.text(),
            kind: record_type(kind),
            many: false,
        }
    }

    /// Begins an interval. What was not asked in the last one is forgotten, and all names where
    /// they take more than half of the room.
    fn renew(&mut self, now: u64, settings: &BudgetSettings) {
        self.start = now;
        self.zones.retain(|_, zone| zone.used);
        self.known = self.zones.values().map(|zone| zone.known.len()).sum();
        let clear = self.known > settings.known / 2;
        for zone in self.zones.values_mut() {
            zone.used = false;
            zone.new = 0;
            if clear {
                zone.known = HashSet::new();
            }
        }
        if clear {
            self.known = 0;
        }
    }
}

fn many(name: String, kind: u16) -> Spelled {
    let word = record_type(kind);
    Spelled {
        name,
        kind: if word.starts_with("TYPE") {
            ANY_OTHER_TYPE.to_owned()
        } else {
            word
        },
        many: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: BudgetSettings = BudgetSettings {
        names: 3,
        zones: 4,
        known: 8,
        interval: 100,
    };

    fn name(text: &str) -> Name {
        let mut name = Name::default();
        for label in text.split('.') {
            name.push(label.as_bytes()).unwrap();
        }
        name
    }

    struct Asker {
        budget: Budget,
        state: RandomState,
    }

    impl Asker {
        fn new() -> Self {
            Self {
                budget: Budget::default(),
                state: RandomState::new(),
            }
        }
        fn ask(&mut self, text: &str, kind: u16, now: u64) -> String {
            let spelled = self
                .budget
                .spell(&name(text), kind, now, &self.state, &SMALL);
            assert_eq!(spelled.many, spelled.name.starts_with('*'));
            format!("{} {}", spelled.name, spelled.kind)
        }
    }

    #[test]
    fn names_beyond_the_budget_of_a_zone_are_one() {
        let mut asker = Asker::new();
        for text in ["a.evil.com", "b.evil.com", "c.x.evil.com"] {
            assert_eq!(asker.ask(text, 1, 0), format!("{text} A"));
        }
        assert_eq!(asker.ask("d.evil.com", 1, 0), "*.evil.com A");
        assert_eq!(asker.ask("e.evil.com", 65_280, 0), "*.evil.com TYPE*");
        // A type is a carrier too.
        assert_eq!(asker.ask("a.evil.com", 16, 0), "*.evil.com TXT");
        // What is known keeps its name, and another zone has a budget of its own.
        assert_eq!(asker.ask("b.evil.com", 1, 0), "b.evil.com A");
        assert_eq!(asker.ask("www.good.com", 28, 0), "www.good.com AAAA");
        // A new interval, a new budget; what is known is no news.
        assert_eq!(asker.ask("d.evil.com", 1, 100), "d.evil.com A");
        assert_eq!(asker.ask("a.evil.com", 1, 100), "a.evil.com A");
    }

    #[test]
    fn zones_and_names_are_bounded_in_all() {
        let mut asker = Asker::new();
        for zone in 0..4 {
            let text = format!("x.z{zone}.com");
            assert_eq!(asker.ask(&text, 1, 0), format!("{text} A"));
        }
        assert_eq!(asker.ask("x.z4.com", 1, 0), "* A");
        for index in 0..100 {
            asker.ask(&format!("n{index}.z{}.com", index % 7), 1, 50);
            assert!(asker.budget.known <= SMALL.known && asker.budget.zones.len() <= SMALL.zones);
        }
        // Two intervals later nothing is left of the zones that nobody asks for any more.
        asker.ask("x.z0.com", 1, 100);
        assert_eq!(asker.ask("x.z4.com", 1, 200), "x.z4.com A");
        assert_eq!(
            asker.budget.known,
            asker
                .budget
                .zones
                .values()
                .map(|z| z.known.len())
                .sum::<usize>()
        );
    }
}
