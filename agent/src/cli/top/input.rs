//! What keys do.

use super::model::Model;
use super::reports::Report;
use super::rows::Sort;
use super::ui::{Over, Pane, Ui};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Letters of a filter.
const FILTER_MAX: usize = 64;

/// What a key asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing more.
    Nothing,
    /// To end.
    Quit,
    /// To give the terminal back to the shell for a while.
    Suspend,
}

/// The keys, for people.
pub const KEYS: &[(&str, &str)] = &[
    ("q, Ctrl-C", "end"),
    ("up, down, k, j", "select; scroll what lies over the screen"),
    ("PgUp, PgDn, Home, End, g, G", "the same, further"),
    ("Tab", "to the violations, and back to the workloads"),
    ("Enter", "all that is known of what is selected"),
    ("Esc", "back; without the filter"),
    ("/", "only what contains a text: names, rules, reasons"),
    ("s", "sort by the next of these"),
    ("v, l, n, m", "sort by violations, latest, name, mode"),
    ("r, c, x", "sort by new behaviours, containers, lost"),
    ("p", "halt the screen, or go on; nothing is missed"),
    ("?", "this help"),
];

/// Does what a key says. `page` is how many rows a page has.
pub fn key(ui: &mut Ui, model: &Model, key: KeyEvent, page: usize) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::Nothing;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Action::Quit,
            KeyCode::Char('z') => Action::Suspend,
            _ => Action::Nothing,
        };
    }
    if ui.typing.is_some() {
        typed(ui, key.code);
        return Action::Nothing;
    }
    match key.code {
        KeyCode::Char('q') if ui.over == Over::Nothing => return Action::Quit,
        KeyCode::Esc | KeyCode::Char('q') => back(ui),
        KeyCode::Char('?') => over(ui, Over::Help),
        KeyCode::Char('p' | ' ') => {
            ui.frozen = match ui.frozen {
                None => Some(Box::new(model.clone())),
                Some(_) => None,
            };
        }
        KeyCode::Up | KeyCode::Char('k') => go(ui, model, |place| place.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => go(ui, model, |place| place + 1),
        KeyCode::PageUp => go(ui, model, |place| place.saturating_sub(page)),
        KeyCode::PageDown => go(ui, model, |place| place + page),
        KeyCode::Home | KeyCode::Char('g') => go(ui, model, |_| 0),
        KeyCode::End | KeyCode::Char('G') => go(ui, model, |_| usize::MAX),
        _ if ui.over == Over::Nothing => of_panes(ui, model, key.code),
        _ => {}
    }
    Action::Nothing
}

fn of_panes(ui: &mut Ui, model: &Model, code: KeyCode) {
    match code {
        KeyCode::Tab | KeyCode::BackTab => {
            ui.focus = match ui.focus {
                Pane::Workloads => Pane::Violations,
                Pane::Violations => Pane::Workloads,
            };
        }
        KeyCode::Enter => enter(ui, model),
        KeyCode::Char('/') => ui.typing = Some(ui.filter.clone()),
        KeyCode::Char('s') => ui.sort = ui.sort.next(),
        KeyCode::Char('v') => ui.sort = Sort::Violations,
        KeyCode::Char('l') => ui.sort = Sort::Latest,
        KeyCode::Char('n') => ui.sort = Sort::Name,
        KeyCode::Char('m') => ui.sort = Sort::Mode,
        KeyCode::Char('r') => ui.sort = Sort::New,
        KeyCode::Char('c') => ui.sort = Sort::Running,
        KeyCode::Char('x') => ui.sort = Sort::Lost,
        _ => {}
    }
}

fn typed(ui: &mut Ui, code: KeyCode) {
    match code {
        KeyCode::Enter => ui.typing = None,
        KeyCode::Esc => ui.filter = ui.typing.take().unwrap_or_default(),
        KeyCode::Backspace => drop(ui.filter.pop()),
        KeyCode::Char(c) if ui.filter.chars().count() < FILTER_MAX => ui.filter.push(c),
        _ => {}
    }
}

fn over(ui: &mut Ui, over: Over) {
    ui.over = over;
    ui.scroll = 0;
}

fn back(ui: &mut Ui) {
    if ui.over == Over::Nothing {
        ui.filter.clear();
    }
    over(ui, Over::Nothing);
}

/// Moves the selection, or what lies over it.
fn go(ui: &mut Ui, model: &Model, to: impl Fn(usize) -> usize) {
    if ui.over != Over::Nothing {
        ui.scroll = to(ui.scroll);
        return;
    }
    let shown = ui.shown(model);
    match ui.focus {
        Pane::Workloads => {
            let rows = ui.rows(shown);
            let place = to(ui.row(&rows)).min(rows.len().saturating_sub(1));
            ui.workload = rows.get(place).map(|row| row.name.clone());
        }
        Pane::Violations => {
            let reports = ui.reports(shown);
            let place = to(ui.place(&reports)).min(reports.len().saturating_sub(1));
            let number = reports.get(place).map(|(number, _)| *number);
            // The latest stays the latest.
            ui.report = number.filter(|_| place > 0);
        }
    }
}

fn enter(ui: &mut Ui, model: &Model) {
    let shown = ui.shown(model);
    let chosen = match ui.focus {
        Pane::Workloads => {
            let rows = ui.rows(shown);
            let row = rows.get(ui.row(&rows));
            row.map(|row| Over::Workload(row.name.clone()))
        }
        Pane::Violations => {
            let reports = ui.reports(shown);
            match reports.get(ui.place(&reports)) {
                Some((_, Report::Violation(violation))) => {
                    Some(Over::Violation(violation.id.clone()))
                }
                // Its line says all.
                Some((_, Report::Gap(_))) | None => None,
            }
        }
    };
    if let Some(chosen) = chosen {
        over(ui, chosen);
    }
}
