//! Text on the screen: cut to its columns, in its colours.

use lapwing_proto::v1::Mode;
use lapwing_proto::v1::violation::Severity;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// As it comes.
pub const PLAIN: Style = Style::new();
/// Headings.
pub const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// What is said beside.
pub const DIM: Style = Style::new().add_modifier(Modifier::DIM);
/// What is selected.
pub const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);
/// What somebody has to look at.
pub const ALARM: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
/// What somebody may want to look at.
pub const NOTE: Style = Style::new().fg(Color::Yellow);

/// A part of a line.
pub type Part = (String, Style);

/// The word for a severity, and its style.
pub const fn severity(severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Unspecified => ("?", PLAIN),
        Severity::Low => ("LOW", Style::new().fg(Color::Cyan)),
        Severity::Medium => ("MEDIUM", Style::new().fg(Color::Yellow)),
        Severity::High => ("HIGH", Style::new().fg(Color::Red)),
        Severity::Critical => ("CRITICAL", ALARM),
    }
}

/// The style of a mode.
pub const fn mode(mode: Option<Mode>) -> Style {
    match mode {
        Some(Mode::Learning) => Style::new().fg(Color::Cyan),
        Some(Mode::Review) => NOTE,
        Some(Mode::Monitoring) => Style::new().fg(Color::Green),
        Some(Mode::Unspecified) | None => PLAIN,
    }
}

/// As much of a text as so many columns hold, with an ellipsis where something is missing.
pub fn fit(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or_default();
        if used + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// Draws within the columns of a line.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    is_colored: bool,
}

impl<'a> Pen<'a> {
    /// On a screen.
    pub const fn new(buffer: &'a mut Buffer, is_colored: bool) -> Self {
        Self { buffer, is_colored }
    }

    /// A text at a place, in at most so many columns. Answers how many it took.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let width = width.min(area.right() - x);
        let style = match self.is_colored {
            true => style,
            false => Style {
                fg: None,
                bg: None,
                ..style
            },
        };
        let text = fit(text, usize::from(width));
        let (end, _) = (self.buffer).set_stringn(x, y, &text, usize::from(width), style);
        end - x
    }

    /// The same, at the end of the columns.
    pub fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) {
        let text = fit(text, usize::from(width));
        let used = u16::try_from(text.width()).unwrap_or(width).min(width);
        self.put(x + width - used, y, used, &text, style);
    }

    /// Parts of a line, one behind the other.
    pub fn parts(&mut self, x: u16, y: u16, width: u16, parts: &[Part]) {
        let mut used = 0;
        for (text, style) in parts {
            if used >= width {
                return;
            }
            used += self.put(x + used, y, width - used, text, *style);
        }
    }

    /// Marks a whole line.
    pub fn mark(&mut self, x: u16, y: u16, width: u16, style: Style) {
        let line = ratatui::layout::Rect::new(x, y, width, 1);
        let line = line.intersection(self.buffer.area);
        self.buffer.set_style(line, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_columns() {
        for (text, width, cut) in [
            ("shop", 4, "shop"),
            ("shop", 3, "sh…"),
            ("shop", 1, "…"),
            ("shop", 0, ""),
            // Two columns each.
            ("商店商店", 8, "商店商店"),
            ("商店商店", 7, "商店商…"),
            ("商店商店", 6, "商店…"),
            // None of its own.
            ("e\u{301}e\u{301}", 2, "e\u{301}e\u{301}"),
        ] {
            assert_eq!(fit(text, width), cut);
            assert!(fit(text, width).width() <= width);
        }
    }
}
