//! Lines that fit a terminal of 100 columns.

use lapwing_profile::text::visible;
use std::io::{Result, Write};

/// Columns.
const WIDTH: usize = 100;

/// Text of so many letters at most: of a longer one the middle is left out, for both ends of a path say
/// something.
pub(super) fn short(text: &str, most: usize) -> String {
    let text = visible(text);
    let count = text.chars().count();
    if count <= most {
        return text.into_owned();
    }
    let (begin, end) = (most / 3, most - most / 3 - 1);
    let begin: String = text.chars().take(begin).collect();
    let end: String = text.chars().skip(count - end).collect();
    format!("{begin}\u{2026}{end}")
}

/// A sentence over as many lines as it takes, the later ones further in.
pub(super) fn wrapped(out: &mut impl Write, indent: usize, text: &str) -> Result<()> {
    let hang = indent + 4;
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    // Blanks at its beginning, as behind a mark, are kept.
    for word in visible(text).split(' ') {
        let word = short(word, WIDTH - hang);
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(hang);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += &word;
        is_empty = false;
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_fits() {
        assert_eq!(short("/usr/lib/x", 10), "/usr/lib/x");
        assert_eq!(short("/usr/lib/long/name.so", 10), "/us\u{2026}ame.so");
        assert_eq!(short("a\u{1b}b", 10), "a\\x1bb");
        let mut out = Vec::new();
        let text = format!("!!  maxLayers: {} /{}", "word ".repeat(40), "x".repeat(300));
        wrapped(&mut out, 2, &text).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("  !!  maxLayers: word"), "{out}");
        assert!(out.lines().count() >= 4, "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
        assert_eq!(out.matches("word").count(), 40);
        let hangs = out.lines().skip(1).all(|line| line.starts_with("      "));
        assert!(hangs, "{out}");
    }
}
