//! What the user has chosen to see.

use super::model::Model;
use super::reports::Report;
use super::rows::{self, Row, Sort};

/// A part of the screen that has a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The workloads.
    #[default]
    Workloads,
    /// The latest violations.
    Violations,
}

/// What lies over the panes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// Nothing.
    #[default]
    Nothing,
    /// The keys.
    Help,
    /// A workload, by the name of its profile.
    Workload(String),
    /// A violation, by its id.
    Violation(String),
}

/// What is chosen.
#[derive(Clone, Debug, Default)]
pub struct Ui {
    /// Where keys go.
    pub focus: Pane,
    /// The selected workload, by the name of its profile: it stays selected where it moves to.
    pub workload: Option<String>,
    /// The selected report, by its number.
    pub report: Option<u64>,
    /// The order of workloads.
    pub sort: Sort,
    /// Part of the names that are shown.
    pub filter: String,
    /// What `filter` was before it was typed at; nothing while nobody types.
    pub typing: Option<String>,
    /// What lies over it.
    pub over: Over,
    /// Lines of that above the screen.
    pub scroll: usize,
    /// What was known when the screen was halted.
    pub frozen: Option<Box<Model>>,
    /// Whether it is printed, not shown: no selection and no keys.
    pub printed: bool,
}

impl Ui {
    /// What is shown: what was known when it was halted, or is now.
    pub fn shown<'a>(&'a self, now: &'a Model) -> &'a Model {
        self.frozen.as_deref().unwrap_or(now)
    }

    /// The workloads.
    pub fn rows(&self, model: &Model) -> Vec<Row> {
        rows::rows(model, self.sort, &self.filter)
    }

    /// The reports, the latest first.
    pub fn reports<'a>(&self, model: &'a Model) -> Vec<(u64, &'a Report)> {
        let wanted = |report: &Report| match report {
            Report::Violation(violation) => {
                let (label, name) = match &violation.workload {
                    Some(workload) => (rows::label(workload), crate::judge::name_of(workload)),
                    None => (String::new(), String::new()),
                };
                rows::has(&self.filter, &[&label, &name, &violation.rule])
            }
            Report::Gap(gap) => rows::has(&self.filter, &[&gap.reason, &gap.scope]),
        };
        let latest = model.reports.latest();
        latest.filter(|(_, report)| wanted(report)).collect()
    }

    /// Which row is selected: the first where the selected one is gone.
    pub fn row(&self, rows: &[Row]) -> usize {
        let name = self.workload.as_deref();
        let place = rows.iter().position(|row| Some(row.name.as_str()) == name);
        place.unwrap_or_default()
    }

    /// Which report is selected: the latest where the selected one is gone.
    pub fn place(&self, reports: &[(u64, &Report)]) -> usize {
        let place = (reports.iter()).position(|(number, _)| Some(*number) == self.report);
        place.unwrap_or_default()
    }
}
