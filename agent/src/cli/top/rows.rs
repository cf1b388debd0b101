//! Workloads as rows: what the status, the containers and the reports say of each, sorted.

use super::model::{Model, Rates};
use crate::cli::text;
use lapwing_profile::text::visible;
use lapwing_proto::v1::violation::Severity;
use lapwing_proto::v1::{Learning, Mode, Violation, Workload};
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    /// Violations that are shown, most first
    #[default]
    Violations,
    /// The time of the last violation
    Latest,
    /// The name
    Name,
    /// The mode: what learns first
    Mode,
    /// Behaviours a second that were new
    New,
    /// Containers that run
    Running,
    /// Events that were lost
    Lost,
}

impl Sort {
    /// All, in the order in which a key goes through them.
    pub const ALL: [Self; 7] = [
        Self::Violations,
        Self::Latest,
        Self::Name,
        Self::Mode,
        Self::New,
        Self::Running,
        Self::Lost,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Violations => "violations",
            Self::Latest => "latest",
            Self::Name => "name",
            Self::Mode => "mode",
            Self::New => "new",
            Self::Running => "running",
            Self::Lost => "lost",
        }
    }

    /// The next one.
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|sort| *sort == self);
        Self::ALL[(place.unwrap_or_default() + 1) % Self::ALL.len()]
    }
}

/// One workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name of its profile.
    pub name: String,
    /// What is shown of that.
    pub label: String,
    /// Whether it learns; nothing where it has no profile.
    pub mode: Option<Mode>,
    /// How far that is.
    pub evidence: String,
    /// What it lacks first.
    pub lacks: String,
    /// Containers that run.
    pub running: u32,
    /// Behaviours a second that were new to a container.
    pub new: Option<f64>,
    /// Violations that are held.
    pub violations: usize,
    /// The worst of them.
    pub worst: Severity,
    /// When the last of them was seen, in nanoseconds since the Unix epoch.
    pub latest: Option<i64>,
    /// Events that were lost of its containers that run.
    pub lost: u64,
}

/// A workload in short.
pub fn label(workload: &Workload) -> String {
    let text = text::whose(Some(workload), None);
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// Whether a text, or another, has a part that was asked for.
pub fn has(filter: &str, texts: &[&str]) -> bool {
    let filter = filter.to_lowercase();
    (texts.iter()).any(|text| text.to_lowercase().contains(&filter))
}

/// Which violation belongs to no workload, but to the node.
pub fn is_of_node(violation: &Violation) -> bool {
    (violation.workload.as_ref()).is_none_or(|workload| *workload == Workload::default())
}

/// How far learning is: complete, or how many classes are covered, and the least share of what is
/// expected to be seen that was.
pub fn evidence(mode: Mode, learning: &Learning) -> String {
    if learning.complete {
        return "complete".to_owned();
    }
    if mode == Mode::Review && learning.incomplete {
        return "time was up".to_owned();
    }
    let classes = learning.classes.len();
    let covered = learning
        .classes
        .iter()
        .filter(|class| class.covered)
        .count();
    if covered == classes {
        return format!("{} unmet", learning.unmet.len());
    }
    let least = (learning.classes.iter())
        .filter_map(|class| class.coverage)
        .fold(1.0, f64::min);
    // Never rounded up to all.
    format!("{covered}/{classes} {:.2}", (least * 100.0).floor() / 100.0)
}

/// All workloads whose name has the part that is asked for.
pub fn rows(model: &Model, sort: Sort, filter: &str) -> Vec<Row> {
    let rates = model.rates();
    let mut rows: HashMap<String, Row> = HashMap::new();
    let status = model.status.as_ref();
    for profile in status.iter().flat_map(|status| &status.profiles) {
        let label = profile
            .workload
            .as_ref()
            .map_or_else(|| visible(&profile.name).into_owned(), label);
        let row = row_of(&mut rows, &profile.name, label);
        row.mode = Some(profile.mode());
        row.running = profile.instances.unwrap_or_default();
        if let Some(learning) = &profile.learning {
            row.evidence = evidence(profile.mode(), learning);
            row.lacks = learning
                .unmet
                .first()
                .map_or_else(String::new, |unmet| visible(unmet).into_owned());
        }
    }
    let mut unprofiled: HashMap<String, u32> = HashMap::new();
    for container in model.containers.values() {
        if let Some(workload) = &container.workload {
            let name = crate::judge::name_of(workload);
            if row_of(&mut rows, &name, label(workload)).mode.is_none() {
                *unprofiled.entry(name).or_default() += 1;
            }
        }
    }
    for (name, running) in unprofiled {
        if let Some(row) = rows.get_mut(&name) {
            row.running = running;
        }
    }
    for loss in status.iter().flat_map(|status| &status.container_losses) {
        let container = model.containers.get(&loss.container);
        if let Some(workload) = container.and_then(|it| it.workload.as_ref()) {
            let name = crate::judge::name_of(workload);
            let row = row_of(&mut rows, &name, label(workload));
            row.lost = row.lost.saturating_add(loss.count);
        }
    }
    for violation in model.reports.violations() {
        if let Some(workload) = violation
            .workload
            .as_ref()
            .filter(|_| !is_of_node(violation))
        {
            let name = crate::judge::name_of(workload);
            add_violation(row_of(&mut rows, &name, label(workload)), violation);
        }
    }
    let mut rows: Vec<Row> = (rows.into_values())
        .filter(|row| has(filter, &[&row.label, &row.name]))
        .map(|row| with_rate(row, &rates))
        .collect();
    rows.sort_by(|a, b| order(sort, a, b).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn row_of<'a>(rows: &'a mut HashMap<String, Row>, name: &str, label: String) -> &'a mut Row {
    rows.entry(name.to_owned()).or_insert_with(|| Row {
        name: name.to_owned(),
        label,
        mode: None,
        evidence: "-".to_owned(),
        lacks: String::new(),
        running: 0,
        new: None,
        violations: 0,
        worst: Severity::Unspecified,
        latest: None,
        lost: 0,
    })
}

fn add_violation(row: &mut Row, violation: &Violation) {
    row.violations += 1;
    row.worst = row.worst.max(violation.severity());
    let time = violation.last_seen.as_ref().or(violation.time.as_ref());
    row.latest = row.latest.max(time.map(lapwing_proto::nanoseconds));
}

fn with_rate(row: Row, rates: &Rates) -> Row {
    let own = rates.behaviours.get(&row.name).copied();
    let new = rates.records.map(|_| own.unwrap_or_default());
    Row { new, ..row }
}

fn order(sort: Sort, a: &Row, b: &Row) -> Ordering {
    match sort {
        Sort::Violations => Reverse(a.violations).cmp(&Reverse(b.violations)),
        Sort::Latest => Reverse(a.latest).cmp(&Reverse(b.latest)),
        Sort::Name => a.label.cmp(&b.label),
        Sort::Mode => place(a.mode).cmp(&place(b.mode)),
        Sort::New => b
            .new
            .unwrap_or_default()
            .total_cmp(&a.new.unwrap_or_default()),
        Sort::Running => Reverse(a.running).cmp(&Reverse(b.running)),
        Sort::Lost => Reverse(a.lost).cmp(&Reverse(b.lost)),
    }
}

const fn place(mode: Option<Mode>) -> u8 {
    match mode {
        Some(Mode::Learning) => 0,
        Some(Mode::Review) => 1,
        Some(Mode::Monitoring) => 2,
        Some(Mode::Unspecified) | None => 3,
    }
}
