//! The screen, as a function of what is known, what is chosen, the size and the time.
//!
//! Where there is little room, what matters most stays: the title, then the pane that has the
//! focus, then the keys, then the other pane and the lines of the header. Columns go from the right.
//! All texts of others are made visible before they come here, so none is a control sequence.

mod details;
mod header;
mod pen;
mod violations;
mod workloads;

use super::figures::clock;
use super::input::KEYS;
use super::model::{Link, Model};
use super::ui::{Over, Pane, Ui};
use jiff::tz::TimeZone;
use pen::{ALARM, BOLD, CHOSEN, DIM, PLAIN, Part, Pen};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What the screen depends on beside.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// In nanoseconds since the Unix epoch.
    pub now: i64,
    /// Of the times of day.
    pub zone: &'a TimeZone,
    /// Whether colours may be used.
    pub is_colored: bool,
}

/// What was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Rows that a page of the focus has.
    pub page: usize,
    /// Lines that really are above the screen.
    pub scroll: usize,
}

/// Heights from which on all lines of the header are shown, or the two of figures.
const TALL: u16 = 14;
const LOW: u16 = 8;

/// Draws all of it.
pub fn draw(buffer: &mut Buffer, model: &Model, ui: &Ui, scene: Scene<'_>) -> Drawn {
    let area = buffer.area;
    let mut pen = Pen::new(buffer, scene.is_colored);
    let shown = ui.shown(model);
    header::title(&mut pen, area, shown, ui, scene);
    let mut top = 1;
    // Whether it is there is of now, also where the rest is halted.
    if let Link::Lost { since, why } = &model.link {
        let text = header::lost(*since, why, scene);
        pen.put(0, top, area.width, &text, ALARM);
        top += 1;
    }
    let lines = match area.height {
        TALL.. => 3,
        LOW..TALL => 1,
        _ => 0,
    };
    for line in header::lines(shown)
        .iter()
        .skip(usize::from(lines == 1))
        .take(lines)
    {
        pen.parts(0, top, area.width, line);
        top += 1;
    }
    let has_foot = !ui.printed && area.height > 3;
    let bottom = area.height - u16::from(has_foot);
    if has_foot {
        foot(&mut pen, area, ui);
    }
    // A line without anything, where there is room for it.
    top += u16::from(area.height >= TALL);
    let room = Rect::new(0, top.min(bottom), area.width, bottom.saturating_sub(top));
    match &ui.over {
        Over::Nothing => panes(&mut pen, room, shown, ui, scene),
        Over::Help => details::draw(&mut pen, room, &help(), ui.scroll),
        Over::Workload(name) => {
            let lines = details::workload(shown, name, scene);
            details::draw(&mut pen, room, &lines, ui.scroll)
        }
        Over::Violation(id) => {
            let lines = details::violation(shown, id, scene);
            details::draw(&mut pen, room, &lines, ui.scroll)
        }
    }
}

/// How high the screen must be to show all workloads, and some reports.
pub fn height(model: &Model, ui: &Ui, reports_max: usize) -> u16 {
    let is_lost = usize::from(model.link != Link::Up);
    let (rows, reports) = (ui.rows(model).len(), ui.reports(model).len());
    let all = 5 + is_lost + 1 + rows.max(1) + 2 + reports.clamp(1, reports_max);
    u16::try_from(all).unwrap_or(u16::MAX).max(TALL)
}

/// Both panes, or the one that has the focus.
fn panes(pen: &mut Pen<'_>, room: Rect, model: &Model, ui: &Ui, scene: Scene<'_>) -> Drawn {
    const LEAST: u16 = 8;
    let rows = ui.rows(model);
    let reports = ui.reports(model);
    let (over, below) = match (room.height < LEAST, ui.focus) {
        (true, Pane::Workloads) => (room.height, 0),
        (true, Pane::Violations) => (0, room.height),
        (false, _) => {
            // Each with its heading, and a line between them.
            let needs = |count: usize| u16::try_from(count.max(1) + 1).unwrap_or(u16::MAX);
            let room = room.height - 1;
            let fair = room - room * 2 / 5;
            let below =
                needs(reports.len()).min((room - fair).max(room.saturating_sub(needs(rows.len()))));
            let over = needs(rows.len()).min(room - below);
            (over, room - over)
        }
    };
    let above = Rect {
        height: over,
        ..room
    };
    let beneath = Rect {
        y: room.bottom() - below,
        height: below,
        ..room
    };
    if over > 0 {
        workloads::draw(pen, above, &rows, ui, scene.now);
    }
    if below > 0 {
        violations::draw(pen, beneath, &reports, model, ui, scene);
    }
    let focus = match ui.focus {
        Pane::Workloads => over,
        Pane::Violations => below,
    };
    Drawn {
        page: usize::from(focus.saturating_sub(1)).max(1),
        scroll: 0,
    }
}

/// The first row that is shown, where `chosen` of them is to be seen.
fn first(chosen: usize, room: usize) -> usize {
    (chosen + 1).saturating_sub(room)
}

fn foot(pen: &mut Pen<'_>, area: Rect, ui: &Ui) {
    let y = area.height - 1;
    if ui.typing.is_some() {
        let filter = lapwing_profile::text::visible(&ui.filter);
        let parts = [
            ("/".to_owned(), BOLD),
            (filter.into_owned(), PLAIN),
            (" ".to_owned(), CHOSEN),
            ("  Enter keeps it, Esc takes it back".to_owned(), DIM),
        ];
        pen.parts(0, y, area.width, &parts);
        return;
    }
    let key = |key: &str, does: &str| [(key.to_owned(), BOLD), (format!(" {does}  "), DIM)];
    let mut parts: Vec<Part> = Vec::new();
    if ui.over != Over::Nothing {
        parts.extend(key("Esc", "back"));
        parts.extend(key("j k", "scroll"));
        parts.extend(key("p", "pause"));
        parts.extend(key("Ctrl-C", "end"));
    } else {
        parts.extend(key("q", "end"));
        parts.extend(key("?", "help"));
        parts.extend(key("Tab", "pane"));
        parts.extend(key("Enter", "details"));
        parts.extend(key("s", &format!("sort: {}", ui.sort.word())));
        parts.extend(key("p", "pause"));
        let filter = match ui.filter.as_str() {
            "" => "filter".to_owned(),
            filter => format!("filter: {}", lapwing_profile::text::visible(filter)),
        };
        parts.extend(key("/", &filter));
    }
    pen.parts(0, y, area.width, &parts);
}

fn help() -> Vec<Part> {
    let mut lines = vec![("keys".to_owned(), BOLD)];
    lines.extend((KEYS.iter()).map(|(keys, does)| (format!("  {keys:<29}{does}"), PLAIN)));
    lines.push((String::new(), PLAIN));
    lines.push(("columns".to_owned(), BOLD));
    lines.extend(
        (workloads::COLUMNS.iter())
            .map(|column| (format!("  {:<12}{}", column.head, column.means), PLAIN)),
    );
    lines
}

fn time(time: i64, scene: Scene<'_>) -> String {
    match time {
        0 => "?".to_owned(),
        time => clock(time, scene.zone),
    }
}
