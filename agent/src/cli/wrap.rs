//! Texts that are longer than a line.

use lapwing_profile::text::visible;
use std::io::{Result, Write};

/// Columns where nobody says how many there are.
const COLUMNS: usize = 80;
/// Columns that are used at most: longer lines are hard to read.
const COLUMNS_MAX: usize = 120;
const COLUMNS_MIN: usize = 40;

/// How wide a text may be: as the shell says in `COLUMNS`, if it exports it.
#[must_use]
pub fn width() -> usize {
    let told = std::env::var("COLUMNS").ok();
    told.and_then(|text| text.parse().ok())
        .unwrap_or(COLUMNS)
        .clamp(COLUMNS_MIN, COLUMNS_MAX)
}

/// Writes a text in lines of at most `width` columns: the first begins with `first`, the others
/// with as many blanks. A word that is longer than a line has one of its own.
pub fn wrapped(out: &mut impl Write, first: &str, text: &str, width: usize) -> Result<()> {
    let indent = first.chars().count();
    let text = visible(text);
    let mut line = first.to_owned();
    let mut used = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        let begins = used == indent;
        if !begins && used + 1 + length > width {
            writeln!(out, "{line}")?;
            line = " ".repeat(indent);
            used = indent;
        } else if !begins {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    writeln!(out, "{line}")
}

/// Collects what is said of several rows in the same words, in the order of their first row.
pub fn grouped<'a, K: PartialEq>(
    said: impl IntoIterator<Item = (K, &'a str)>,
) -> Vec<(K, Vec<&'a str>)> {
    let mut groups: Vec<(K, Vec<&str>)> = Vec::new();
    for (key, row) in said {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(first: &str, text: &str, width: usize) -> Vec<String> {
        let mut out = Vec::new();
        wrapped(&mut out, first, text, width).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn no_line_is_longer_than_asked_but_for_a_long_word() {
        assert_eq!(
            lines("- ", "one two three four", 11),
            ["- one two", "  three", "  four"]
        );
        assert_eq!(lines("", "a unbreakable b", 4), ["a", "unbreakable", "b"]);
        assert_eq!(lines("x: ", "", 9), ["x: "]);
        assert_eq!(
            lines("", "caf\u{e9} caf\u{e9}", 9).len(),
            1,
            "columns, not bytes"
        );
    }

    #[test]
    fn rows_of_which_the_same_is_said_stand_together() {
        let said = [("x", "a"), ("y", "b"), ("x", "c")];
        assert_eq!(grouped(said), [("x", vec!["a", "c"]), ("y", vec!["b"])]);
    }
}
