//! The pane of workloads: one a line.

use super::first;
use super::pen::{ALARM, BOLD, CHOSEN, DIM, PLAIN, Pen, mode, severity};
use crate::cli::profile_text;
use crate::cli::top::figures::{count, rate, short_span};
use crate::cli::top::rows::Row;
use crate::cli::top::ui::{Pane, Ui};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// A column behind the name.
pub struct Column {
    /// Its heading.
    pub head: &'static str,
    /// What stands in it.
    pub means: &'static str,
    width: u16,
    is_number: bool,
    /// The lower, the longer it stays where there is little room.
    rank: u8,
    cell: fn(&Row, i64) -> (String, Style),
}

/// All of them. What learning lacks stands behind them, where there is room.
pub const COLUMNS: &[Column] = &[
    Column {
        head: "MODE",
        means: "learning, review or monitoring; - where there is no profile",
        width: 10,
        is_number: false,
        rank: 1,
        cell: |row, _| {
            let word = row.mode.map_or("-", profile_text::mode);
            (word.to_owned(), mode(row.mode))
        },
    },
    Column {
        head: "EVIDENCE",
        means: "of learning: covered classes, of all, and the least coverage",
        width: 11,
        is_number: false,
        rank: 3,
        cell: |row, _| (row.evidence.clone(), PLAIN),
    },
    Column {
        head: "RUN",
        means: "containers that run",
        width: 4,
        is_number: true,
        rank: 4,
        cell: |row, _| (count(row.running.into()), PLAIN),
    },
    Column {
        head: "NEW/s",
        means: "records read a second: behaviours new to a container",
        width: 5,
        is_number: true,
        rank: 6,
        cell: |row, _| (rate(row.new), PLAIN),
    },
    Column {
        head: "VIOL",
        means: "violations that are held here, in the colour of the worst",
        width: 5,
        is_number: true,
        rank: 0,
        cell: |row, _| {
            let (_, style) = severity(row.worst);
            (count(row.violations as u64), style)
        },
    },
    Column {
        head: "LATEST",
        means: "how long ago the last of them was seen",
        width: 6,
        is_number: true,
        rank: 2,
        cell: |row, now| {
            let ago = row.latest.map(|time| short_span(now.saturating_sub(time)));
            (ago.unwrap_or_else(|| "-".to_owned()), PLAIN)
        },
    },
    Column {
        head: "LOST",
        means: "events that were lost of its containers that run",
        width: 5,
        is_number: true,
        rank: 5,
        cell: |row, _| {
            let style = if row.lost > 0 { ALARM } else { PLAIN };
            (count(row.lost), style)
        },
    },
];

/// The name keeps so much, and no more than so much where there is something behind the columns.
const NAME_MIN: u16 = 16;
const NAME_MAX: u16 = 44;
/// Columns that what learning lacks is worth.
const LACKS_MIN: u16 = 24;
/// What stands before each row.
const MARK: u16 = 2;

/// Draws them.
pub fn draw(pen: &mut Pen<'_>, room: Rect, rows: &[Row], ui: &Ui, now: i64) {
    let mark = if ui.printed { 0 } else { MARK };
    let columns = columns(room.width.saturating_sub(mark));
    let taken: u16 = columns.iter().map(|column| column.width + 1).sum();
    let rest = room.width.saturating_sub(mark + taken);
    let longest = rows.iter().map(|row| row.label.chars().count()).max();
    let longest = u16::try_from(longest.unwrap_or_default()).unwrap_or(u16::MAX);
    let (name, lacks) = match rest.checked_sub(longest.clamp(NAME_MIN, NAME_MAX) + 1) {
        Some(left @ LACKS_MIN..) => (rest - left - 1, left),
        _ => (rest, 0),
    };
    let has_focus = ui.focus == Pane::Workloads && !ui.printed;
    let head = if has_focus { BOLD } else { DIM };
    pen.put(mark, room.y, name, "WORKLOAD", head);
    let mut x = mark + name + 1;
    for column in &columns {
        match column.is_number {
            true => pen.put_right(x, room.y, column.width, column.head, head),
            false => drop(pen.put(x, room.y, column.width, column.head, head)),
        }
        x += column.width + 1;
    }
    if lacks > 0 {
        pen.put(x, room.y, lacks, "LEARNING LACKS", head);
    }
    let lines = usize::from(room.height.saturating_sub(1));
    if rows.is_empty() && lines > 0 {
        let text = match ui.filter.as_str() {
            "" => "no workloads yet: the first program of a container starts one",
            _ => "no workload has that in its name",
        };
        pen.put(mark, room.y + 1, room.width, text, DIM);
        return;
    }
    let chosen = ui.row(rows);
    for (y, (place, row)) in (room.y + 1..).zip(
        (rows.iter().enumerate())
            .skip(first(chosen, lines))
            .take(lines),
    ) {
        pen.put(mark, y, name, &row.label, PLAIN);
        let mut x = mark + name + 1;
        for column in &columns {
            let (text, style) = (column.cell)(row, now);
            match column.is_number {
                true => pen.put_right(x, y, column.width, &text, style),
                false => drop(pen.put(x, y, column.width, &text, style)),
            }
            x += column.width + 1;
        }
        pen.put(x, y, lacks, &row.lacks, DIM);
        if has_focus && place == chosen {
            pen.put(0, y, 1, ">", BOLD);
            pen.mark(0, y, room.width, CHOSEN);
        }
    }
}

/// As many as leave the name its columns, in their order.
fn columns(width: u16) -> Vec<&'static Column> {
    let mut ranked: Vec<&Column> = COLUMNS.iter().collect();
    ranked.sort_by_key(|column| column.rank);
    let mut left = width.saturating_sub(NAME_MIN);
    let mut rank = None;
    for column in ranked {
        let Some(less) = left.checked_sub(column.width + 1) else {
            break;
        };
        left = less;
        rank = Some(column.rank);
    }
    let stays = |column: &&Column| rank.is_some_and(|rank| column.rank <= rank);
    COLUMNS.iter().filter(stays).collect()
}
