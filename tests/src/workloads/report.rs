//! What came of it, for people.

use lapwing_profile::behaviour::Behaviour;
use lapwing_profile::entry::Entry;
use lapwing_profile::generalise::breadth;
use lapwing_profile::profile::{Profile, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A report of a run that was compared.
#[derive(Clone)]
pub struct FalsePositive {
    rule: String,
    entry: String,
    by: String,
    count: String,
}

impl FalsePositive {
    /// From a violation.
    pub fn of(violation: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            rule: text(&violation["rule"]),
            entry: text(&violation["patch"]),
            by: text(&violation["process"]["exe"]),
            count: text(&violation["count"]),
        }
    }

    /// Whether another is of the same program, rule and place: where names are random, no two are the
    /// same.
    pub fn is_like(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.rule.clone(), one.by.clone(), place(&one.entry));
        key(self) == key(other)
    }

    /// All of it.
    pub fn line(&self) -> String {
        let Self {
            rule,
            entry,
            by,
            count,
        } = self;
        format!("{rule:<20} {entry}  x{count}  by {by}")
    }
}

/// What is done to a file and in which folder; of all else the whole entry.
fn place(entry: &str) -> String {
    match Entry::parse(entry).map(|entry| entry.behaviour) {
        Ok(Behaviour::File(file)) => {
            let folder = file.path.rsplit_once('/').map(|(folder, _)| folder);
            format!("{} {}", file.operation.word(), folder.unwrap_or_default())
        }
        _ => entry.to_owned(),
    }
}

/// What three runs of a program came to.
pub struct Report {
    pub name: &'static str,
    /// What each run did, in the client's requests or the package manager's steps.
    pub done: Vec<u64>,
    /// How long the third run took.
    pub hours: f64,
    /// What two runs taught.
    pub learned: Profile,
    /// Records that were sent although they were no news, because a table of the kernel was full.
    pub repeats: u64,
    /// What waited then, and was approved by hand.
    pub by_hand: Vec<String>,
    pub false_positives: Vec<FalsePositive>,
}

impl Report {
    /// Whether nothing was reported that should not be.
    pub fn is_clean(&self) -> bool {
        self.false_positives.is_empty()
    }

    /// Entries by class.
    fn classes(&self) -> BTreeMap<&'static str, usize> {
        let mut classes = BTreeMap::new();
        for entry in self.learned.entries(Verdict::Approved).keys() {
            *classes.entry(entry.kind()).or_default() += 1;
        }
        classes
    }

    fn wildcards(&self) -> Vec<(Entry, u32)> {
        let entries = self.learned.entries(Verdict::Approved);
        let breadths = entries.into_keys().map(|entry| {
            let breadth = breadth(&entry);
            (entry, breadth)
        });
        breadths.filter(|(_, breadth)| *breadth > 0).collect()
    }

    fn per_hour(&self) -> f64 {
        self.false_positives.len() as f64 / self.hours
    }

    /// All of it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "\n{}", self.name);
        let _ = writeln!(text, "  done in each run: {:?}", self.done);
        let classes: Vec<String> = (self.classes().iter())
            .map(|(class, count)| format!("{count} {class}"))
            .collect();
        let _ = writeln!(text, "  approved by class: {}", classes.join(", "));
        let _ = writeln!(text, "  wildcards:");
        for (entry, breadth) in self.wildcards() {
            let names = self.learned.names(&entry);
            let names = names.map_or(0, lapwing_profile::generalise::Names::count);
            let _ = writeln!(text, "    {entry}  breadth {breadth}, of {names} names");
        }
        if self.repeats > 0 {
            let _ = writeln!(
                text,
                "  told again, for want of room in the kernel: {} records",
                self.repeats
            );
        }
        let _ = writeln!(text, "  approved by hand: {}", self.by_hand.len());
        let _ = writeln!(
            text,
            "  false positives: {} in {:.0} s",
            self.false_positives.len(),
            self.hours * 3600.0
        );
        for one in &self.false_positives {
            let _ = writeln!(text, "    {}", one.line());
        }
        text
    }
}

/// All programs, a line each.
pub fn table(reports: &[Report]) -> String {
    let mut text = String::from(
        "\n| program | entries | wildcards (breadth, greatest) | by hand | third run | false positives | per hour |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for report in reports {
        let wildcards = report.wildcards();
        let sum: u32 = wildcards.iter().map(|(_, breadth)| breadth).sum();
        let greatest = wildcards.iter().map(|(_, breadth)| *breadth).max();
        let _ = writeln!(
            text,
            "| {} | {} | {} ({sum}, {}) | {} | {:.0} s | {} | {:.0} |",
            report.name,
            report.learned.approved_len(),
            wildcards.len(),
            greatest.unwrap_or_default(),
            report.by_hand.len(),
            report.hours * 3600.0,
            report.false_positives.len(),
            report.per_hour()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(entry: &str) -> FalsePositive {
        FalsePositive {
            rule: "file.unknown".to_owned(),
            entry: entry.to_owned(),
            by: "/usr/bin/python3".to_owned(),
            count: "1".to_owned(),
        }
    }

    #[test]
    fn reports_of_random_names_in_one_folder_are_alike() {
        let first = one("file: {operation: CREATE, path: /tmp/8980ejdl}");
        assert!(first.is_like(&one("file: {operation: CREATE, path: /tmp/u3zk_1qx}")));
        assert!(!first.is_like(&one("file: {operation: DELETE, path: /tmp/u3zk_1qx}")));
        assert!(!first.is_like(&one("file: {operation: CREATE, path: /srv/u3zk_1qx}")));
        let exec = one("exec: {path: /usr/bin/dash}");
        assert!(exec.is_like(&exec));
        assert!(!exec.is_like(&one("exec: {path: /usr/bin/bash}")));
    }
}
