//! Which system calls a workload made, where that was recorded.
//!
//! Numbers and not names: a number means the same for ever, and the table of names is needed only where
//! somebody reads them. In a profile's `status`:
//!
//! ```yaml
//! syscalls:
//!   first: "2026-11-23T10:00:00Z"   # recorded from then
//!   last: "2026-11-24T10:00:00Z"    # to then
//!   newest: "2026-11-23T10:00:09Z"  # when a call was last new
//!   gap: "2026-11-23T10:00:00Z"     # until then a call may have been missed
//!   fromStart: true                 # a container was recorded from its first program
//!   partial: false                  # one was not
//!   calls:
//!     - {table: x86_64, numbers: "0-5 9 257"}
//!     - {table: i386, entered: true, numbers: "3 4"}
//! ```
//!
//! Recordings join by union, so nodes may bring theirs together in any order.

use crate::file::{nanoseconds, time};
use crate::yaml::Flow;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Largest number that is kept.
pub const NUMBER_MAX: u16 = 1_023;
/// Nodes of all of it: seven pairs, and a mapping of three pairs for each set.
pub(crate) const NODES: usize = 2 + 14 + 2 + 2 * Table::ALL.len() * 7;

crate::behaviour::words! {
    /// Which table a number is of.
    #[derive(Default)]
    Table {
        /// Of x86_64.
        #[default]
        X86_64 = "x86_64",
        /// Of 32-bit programs on it.
        I386 = "i386",
        /// Of programs with 32-bit addresses on it.
        X32 = "x32",
        /// Of arm64.
        Aarch64 = "aarch64",
        /// Of 32-bit programs on it.
        Arm = "arm",
    }
}

/// A set of calls: by table, and whether processes made them that entered the container.
pub type Sets = BTreeMap<(Table, bool), BTreeSet<u16>>;

/// What was recorded of a workload's system calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// When recording began, in nanoseconds since the Unix epoch; `None` if nothing was recorded.
    pub first: Option<i64>,
    /// Until when it is known that nothing else was called.
    pub last: Option<i64>,
    /// When a call was last new.
    pub newest: Option<i64>,
    /// Until when something may have been missed; `None` if never, as far as is known.
    pub gap: Option<i64>,
    /// Whether a container was recorded from its first program.
    pub from_start: bool,
    /// Whether one was not: it ran before the agent, or there was no room for it.
    pub partial: bool,
    /// The calls.
    pub sets: Sets,
}

impl Calls {
    /// Whether nothing was recorded.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The numbers of a table; those of processes that entered the container are `entered`.
    pub fn numbers(&self, table: Table, entered: bool) -> impl Iterator<Item = u16> {
        self.sets
            .get(&(table, entered))
            .into_iter()
            .flatten()
            .copied()
    }

    /// Takes in what a container had called at a time, in nanoseconds since the Unix epoch. Answers
    /// whether any of it is new.
    pub fn take(&mut self, sets: &Sets, from_start: bool, at: i64) -> bool {
        let mut other = Self {
            first: Some(at),
            last: Some(at),
            newest: None,
            gap: None,
            from_start,
            partial: !from_start,
            sets: Sets::new(),
        };
        let known = |key, number: &u16| {
            let own: Option<&BTreeSet<u16>> = self.sets.get(key);
            own.is_some_and(|own| own.contains(number))
        };
        for (key, numbers) in sets {
            let fresh = numbers
                .iter()
                .filter(|it| !known(key, it) && **it <= NUMBER_MAX);
            let fresh: BTreeSet<u16> = fresh.copied().collect();
            if !fresh.is_empty() {
                other.sets.insert(*key, fresh);
            }
        }
        let is_new = !other.sets.is_empty();
        other.newest = is_new.then_some(at);
        let (whole, part) = (self.from_start, self.partial);
        let began = self.is_empty();
        self.join(&other);
        is_new || began || (whole, part) != (self.from_start, self.partial)
    }

    /// Something may have been missed until now, in nanoseconds since the Unix epoch.
    pub fn missed(&mut self, at: i64) {
        self.gap = self.gap.max(Some(at));
    }

    /// Takes in what another recorded.
    pub fn join(&mut self, other: &Self) {
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last = self.last.max(other.last);
        self.newest = self.newest.max(other.newest);
        self.gap = self.gap.max(other.gap);
        self.from_start |= other.from_start;
        self.partial |= other.partial;
        for (key, numbers) in &other.sets {
            self.sets.entry(*key).or_default().extend(numbers);
        }
    }

    /// Its part of a file; nothing where nothing was recorded.
    pub(crate) fn write(&self, out: &mut String) {
        let Some(first) = self.first else {
            return;
        };
        let mut put = |line: &str| {
            out.push_str("    ");
            out.push_str(line);
            out.push('\n');
        };
        let quoted = |key: &str, at: i64| format!("{key}: \"{}\"", time(at));
        put(&quoted("first", first));
        for (key, at) in [
            ("last", self.last),
            ("newest", self.newest),
            ("gap", self.gap),
        ] {
            if let Some(at) = at {
                put(&quoted(key, at));
            }
        }
        put(&format!("fromStart: {}", self.from_start));
        put(&format!("partial: {}", self.partial));
        let mut sets = self
            .sets
            .iter()
            .filter(|(_, numbers)| !numbers.is_empty())
            .peekable();
        put(if sets.peek().is_some() {
            "calls:"
        } else {
            "calls: []"
        });
        for ((table, entered), numbers) in sets {
            let mut map = Flow::default();
            map.text("table", table.word());
            if *entered {
                map.number("entered", true);
            }
            map.text("numbers", &ranges(numbers));
            put(&format!("  - {}", map.finish()));
        }
    }
}

/// Numbers as text, in which those in a row are a range.
fn ranges(numbers: &BTreeSet<u16>) -> String {
    let mut spans: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match spans.last_mut() {
            Some((_, end)) if *end + 1 == *number => *end = *number,
            _ => spans.push((*number, *number)),
        }
    }
    let text = spans.into_iter().map(|(from, to)| match from == to {
        true => from.to_string(),
        false => format!("{from}-{to}"),
    });
    text.collect::<Vec<_>>().join(" ")
}

fn read_ranges(text: &str) -> Result<BTreeSet<u16>, String> {
    let mut numbers = BTreeSet::new();
    for part in text.split_ascii_whitespace() {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.parse::<u16>().ok().filter(|it| *it <= NUMBER_MAX);
        match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => numbers.extend(from..=to),
            _ => {
                return Err(format!(
                    "`numbers` are written as `0-5 9`, and none is above {NUMBER_MAX}: not `{}`",
                    crate::text::canonical(part.as_bytes())
                ));
            }
        }
    }
    Ok(numbers)
}

/// As it stands in a file.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CallsLine {
    first: jiff::Timestamp,
    #[serde(default)]
    last: Option<jiff::Timestamp>,
    #[serde(default)]
    newest: Option<jiff::Timestamp>,
    #[serde(default)]
    gap: Option<jiff::Timestamp>,
    #[serde(default)]
    from_start: bool,
    #[serde(default)]
    partial: bool,
    #[serde(default)]
    calls: Vec<SetLine>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct SetLine {
    table: Table,
    #[serde(default)]
    entered: bool,
    numbers: String,
}

impl CallsLine {
    /// Takes it up. Says what is wrong with it.
    pub(crate) fn read(self) -> Result<Calls, String> {
        let mut sets = Sets::new();
        for line in self.calls {
            let numbers = read_ranges(&line.numbers)?;
            if sets.insert((line.table, line.entered), numbers).is_some() {
                return Err(format!(
                    "the table {} stands there twice",
                    line.table.word()
                ));
            }
        }
        Ok(Calls {
            first: Some(nanoseconds(self.first)),
            last: self.last.map(nanoseconds),
            newest: self.newest.map(nanoseconds),
            gap: self.gap.map(nanoseconds),
            from_start: self.from_start,
            partial: self.partial,
            sets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Mode, Profile};
    use crate::workload::Workload;
    use proptest::prelude::*;

    fn sets(numbers: &[u16]) -> Sets {
        [((Table::X86_64, false), numbers.iter().copied().collect())].into()
    }

    fn calls() -> impl Strategy<Value = Calls> {
        let numbers = proptest::collection::btree_set(0..=NUMBER_MAX, 0..20);
        let tables = proptest::sample::select(Table::ALL);
        let sets = proptest::collection::btree_map((tables, any::<bool>()), numbers, 0..4);
        (sets, any::<[u16; 2]>(), any::<[bool; 2]>()).prop_map(|(sets, times, [start, part])| {
            let mut calls = Calls::default();
            calls.take(&sets, start, times[0].into());
            calls.take(&Sets::new(), part, times[1].into());
            calls
        })
    }

    proptest! {
        #[test]
        fn recordings_join_in_any_order_and_survive_a_file(a in calls(), b in calls(), c in calls()) {
            let join = |x: &Calls, y: &Calls| {
                let mut joined = x.clone();
                joined.join(y);
                joined
            };
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&a, &a), a.clone());
            let mut profile = Profile::new(Workload { name: "web".into(), ..Workload::default() }, Mode::Learning);
            profile.calls = join(&a, &b);
            let read = Profile::from_yaml(profile.to_yaml()).unwrap();
            prop_assert_eq!(read, profile);
        }
    }

    #[test]
    fn what_is_new_is_told_once() {
        let mut calls = Calls::default();
        assert!(calls.take(&sets(&[0, 1, 59]), false, 5));
        assert!(!calls.take(&sets(&[1]), false, 7));
        assert_eq!(
            (calls.first, calls.last, calls.newest),
            (Some(5), Some(7), Some(5))
        );
        assert!(
            calls.take(&Sets::new(), true, 8),
            "one from its start is news"
        );
        assert!(calls.take(&sets(&[2]), true, 9));
        assert_eq!(
            (calls.newest, calls.from_start, calls.partial),
            (Some(9), true, true)
        );
        let mut text = String::new();
        calls.write(&mut text);
        assert!(text.contains("numbers: \"0-2 59\"}"), "{text}");
    }

    #[test]
    fn files_that_lie_are_refused_with_the_place() {
        let file = |calls: &str| {
            format!(
                "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec: {{workload: {{name: web}}, mode: Learning}}\n\
                 status: {{syscalls: {{first: \"2026-11-23T10:00:00Z\", calls: [{calls}]}}}}\n"
            )
        };
        assert!(Profile::from_yaml(file("{table: arm, numbers: '0-3'}")).is_ok());
        for (calls, word) in [
            ("{table: arm, numbers: '0-99999999'}", "none is above 1023"),
            ("{table: arm, numbers: '1024'}", "none is above 1023"),
            ("{table: arm, numbers: '9-3'}", "9-3"),
            ("{table: arm, numbers: \"\\e[31m\"}", "\\x1b[31m"),
            (
                "{table: arm, numbers: ''}, {table: arm, numbers: ''}",
                "twice",
            ),
            ("{table: vax, numbers: ''}", "vax"),
        ] {
            let error = Profile::from_yaml(file(calls)).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\u{1b}'), "{error}");
        }
    }
}
