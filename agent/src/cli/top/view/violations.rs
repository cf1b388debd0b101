//! The pane of violations and gaps: one a line, the latest first.

use super::pen::{BOLD, CHOSEN, DIM, NOTE, PLAIN, Part, Pen, severity};
use super::{Scene, first, time};
use crate::cli::text::detail::of_violation;
use crate::cli::top::figures::count;
use crate::cli::top::model::Model;
use crate::cli::top::reports::Report;
use crate::cli::top::rows::{is_of_node, label};
use crate::cli::top::ui::{Pane, Ui};
use lapwing_profile::text::visible;
use lapwing_proto::v1::{Gap, Process, Violation};
use ratatui::layout::Rect;

/// Widths from which on a workload, and who did it, have columns of their own.
const WIDE: u16 = 60;
const WIDEST: u16 = 110;

/// Draws them.
pub fn draw(
    pen: &mut Pen<'_>,
    room: Rect,
    reports: &[(u64, &Report)],
    model: &Model,
    ui: &Ui,
    scene: Scene<'_>,
) {
    let mark = if ui.printed { 0 } else { 2 };
    let has_focus = ui.focus == Pane::Violations && !ui.printed;
    let head = if has_focus { BOLD } else { DIM };
    let held = match model.reports.dropped() {
        0 => format!("LATEST VIOLATIONS AND GAPS: {}", reports.len()),
        dropped => format!(
            "LATEST VIOLATIONS AND GAPS: {}, older ones not held: {}",
            reports.len(),
            count(dropped)
        ),
    };
    pen.put(mark, room.y, room.width.saturating_sub(mark), &held, head);
    let lines = usize::from(room.height.saturating_sub(1));
    if reports.is_empty() && lines > 0 {
        let text = match ui.filter.as_str() {
            "" => "none since then; `--since` begins earlier",
            _ => "none has that in its workload, rule or reason",
        };
        pen.put(mark, room.y + 1, room.width, text, DIM);
        return;
    }
    let chosen = ui.place(reports);
    let shown = (reports.iter().enumerate()).skip(first(chosen, lines));
    for (y, (place, (_, report))) in (room.y + 1..).zip(shown.take(lines)) {
        let width = room.width.saturating_sub(mark);
        let parts = match report {
            Report::Violation(violation) => violation_line(violation, width, scene),
            Report::Gap(gap) => gap_line(gap, report.last(), scene),
        };
        pen.parts(mark, y, width, &parts);
        if has_focus && place == chosen {
            pen.put(0, y, 1, ">", BOLD);
            pen.mark(0, y, room.width, CHOSEN);
        }
    }
}

fn column(text: &str, width: u16) -> String {
    use unicode_width::UnicodeWidthStr;
    let width = usize::from(width);
    let text = super::pen::fit(text, width);
    let blanks = width.saturating_sub(text.width()) + 1;
    format!("{text}{}", " ".repeat(blanks))
}

/// When, how bad, which rule, whose, what, and by whom.
fn violation_line(violation: &Violation, width: u16, scene: Scene<'_>) -> Vec<Part> {
    let (word, style) = severity(violation.severity());
    let seen = violation.last_seen.as_ref().or(violation.time.as_ref());
    let seen = seen.map(lapwing_proto::nanoseconds).unwrap_or_default();
    let mut parts = vec![
        (column(&time(seen, scene), 8), DIM),
        (column(word, 8), style),
        (column(&visible(&violation.rule), 16), BOLD),
    ];
    let rest = width.saturating_sub(35);
    let whose = match &violation.workload {
        Some(workload) if !is_of_node(violation) => label(workload),
        _ => "node".to_owned(),
    };
    let what = what(violation);
    match width {
        WIDEST.. => {
            let share = rest / 4;
            parts.push((column(&whose, share), PLAIN));
            parts.push((column(&what, rest - 2 * share - 2), PLAIN));
            let by = violation.process.as_ref().map(line_of).unwrap_or_default();
            parts.push((by, DIM));
        }
        WIDE..WIDEST => {
            parts.push((column(&whose, (rest / 3).max(12)), PLAIN));
            parts.push((what, PLAIN));
        }
        _ => parts.push((format!("{whose} {what}"), PLAIN)),
    }
    parts
}

/// What was done and how often, with what is to be known of it.
pub fn what(violation: &Violation) -> String {
    let mut text = match violation.count {
        0 | 1 => String::new(),
        times => format!("x{} ", count(times)),
    };
    if let Some((_, what)) = violation.detail.as_ref().and_then(of_violation) {
        text.push_str(&what);
    }
    for (holds, note) in [
        (violation.new_in_version, " (new in version)"),
        (
            violation.pending && !violation.new_in_version,
            " (still learning)",
        ),
        (violation.provisional, " (provisional)"),
        (violation.after_gap, " (after a gap)"),
    ] {
        if holds {
            text.push_str(note);
        }
    }
    text
}

/// What a process was executed as.
pub fn line_of(process: &Process) -> String {
    let line = match process.args.is_empty() {
        true => process.exe.clone(),
        false => process.args.join(" "),
    };
    visible(&line).into_owned()
}

fn gap_line(gap: &Gap, last: i64, scene: Scene<'_>) -> Vec<Part> {
    let lost = match gap.count {
        0 => "an unknown number of events".to_owned(),
        number => format!("{number} events"),
    };
    vec![
        (column(&time(last, scene), 8), DIM),
        (column("GAP", 8), NOTE),
        (column(&visible(&gap.reason), 16), BOLD),
        (format!("{lost} lost of {}", visible(&gap.scope)), PLAIN),
    ]
}
