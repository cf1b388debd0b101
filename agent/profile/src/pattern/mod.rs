//! Patterns of file paths: the language, and what matches.
//!
//! A pattern is the path of a file with wildcards in it. It stands in a profile under a
//! key of its own, `pattern`, where a literal path stands under `path`; so nothing that
//! a container calls a file is ever read as a pattern, and no path needs another text
//! than it has everywhere else. In a pattern all characters stand for themselves, in
//! the canonical text of [`crate::text`], but these:
//!
//! | text | stands for |
//! |---|---|
//! | `{digits:N}`, `{digits}` | exactly N digits; one digit or more |
//! | `{pid}` | one to seven digits: Linux gives processes no larger ids (`PID_MAX_LIMIT`) |
//! | `{hex:N}`, `{hex}` | exactly N hexadecimal digits; 8 or more |
//! | `{random:N}`, `{random}` | exactly N letters, digits and underscores; 6 or more. Where a segment is nothing else, they must look random: digits between letters, or letters between digits |
//! | `{uuid}` | a UUID with its dashes |
//! | `{date}` | a date, or a date and a time, in digits: `2026-11-23`, `20261123`, `2026-11-23T10:00:00` |
//! | `*` | any characters within a segment; a whole segment `*` is any name |
//! | `**` | as a whole segment: one segment or more, whatever they are |
//! | `\x2a`, `\x7b` | a star and a brace that mean themselves |
//!
//! No wildcard matches a slash, and none matches half of an escaped byte: they match what
//! the bytes are, not how they are written. `*` and `**` never match the segments `.` and
//! `..`. A machine writes only what stands in braces and has one form (see
//! [`crate::generalise`]); `*` and `**` are people's.
//!
//! A pattern has one text: escapes are canonical, and a pattern without a wildcard is
//! refused, because it is a path. So two entries are the same exactly if their texts are.

mod class;
mod segment;

pub(crate) use class::own_id;
pub use class::{class, unique};
pub(crate) use segment::Segment;

use crate::text;
use std::fmt::Write;

/// `**` that one pattern has at most: matching takes time for each.
const DEEP_MAX: usize = 2;
/// Separates the two paths of a rename or a link where segments of both stand in one list. No
/// segment holds it.
pub(crate) const AND: &str = "/";

/// The segments of a path below the root, as they stand between slashes; `None` where the text is
/// no whole path of a container with names between its slashes.
pub(crate) fn segments(path: &str) -> Option<impl Iterator<Item = &str>> {
    let rest = path.strip_prefix('/')?;
    split(rest)
        .all(|segment| !matches!(segment, "" | "." | ".."))
        .then(|| split(rest))
}

/// What stands between slashes. Names are short, and that of [`str::split`] has its price for each.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(at) = text.bytes().position(|byte| byte == b'/') else {
            return Some(text);
        };
        rest = Some(&text[at + 1..]);
        Some(&text[..at])
    })
}

/// Says what is wrong with the text of a pattern. Answers whether it has a wildcard.
pub(crate) fn check(pattern: &str) -> Result<bool, String> {
    let wrong = |what: &str| Err(format!("the pattern `{}` {what}", text::visible(pattern)));
    let Some(parts) = segments(pattern) else {
        return wrong(
            "is no whole path: it begins with a slash, and has no empty or dotted segment",
        );
    };
    let (mut wild, mut deep) = (false, 0);
    for part in parts {
        match Segment::parse(part) {
            Ok(Segment::Literal(_)) => {}
            Ok(Segment::Deep) => (wild, deep) = (true, deep + 1),
            Ok(Segment::Wild(_)) => wild = true,
            Err(what) => return wrong(&what),
        }
    }
    if deep > DEEP_MAX {
        return wrong("has more than two `**`");
    }
    Ok(wild)
}

/// Whether a checked pattern has no other wildcards than those that a machine writes.
pub(crate) fn is_typed(pattern: &str) -> bool {
    !pattern.contains('*')
}

/// How much a checked pattern leaves open: the sum over its wildcards of 1 for one of a fixed form
/// (`{uuid}`, `{date}`, `{hex:N}`, `{digits:N}`), 2 for `{digits}` and `{pid}`, 3 for other tokens, 5 for `*` beside other
/// text, 10 for a whole `*`, and 50 for `**`.
#[must_use]
pub fn breadth(pattern: &str) -> u32 {
    let parts = segments(pattern).into_iter().flatten();
    parts
        .filter_map(|part| Segment::parse(part).ok())
        .map(|segment| segment.breadth())
        .sum()
}

/// The text of a pattern that matches this canonical text alone.
#[must_use]
pub fn escape(literal: &str) -> String {
    let mut out = String::with_capacity(literal.len());
    for c in literal.chars() {
        match c {
            '*' | '{' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// The number of bytes of the first character of a canonical text, an escape being one.
pub(crate) fn atom(text: &[u8]) -> usize {
    match text {
        [] => 0,
        [b'\\', b'x', ..] => text.len().min(4),
        [b'\\', ..] => text.len().min(2),
        [byte, ..] => match byte {
            0..=0xbf => 1,
            0xc0..=0xdf => text.len().min(2),
            0xe0..=0xef => text.len().min(3),
            0xf0..=0xff => text.len().min(4),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_text() {
        for (pattern, wild) in [
            ("/a/{digits}", Ok(true)),
            ("/a/x-{hex:12}.log", Ok(true)),
            ("/**/x", Ok(true)),
            ("/a/b*c", Ok(true)),
            ("/a/\\x2a\\x7bdigits}", Ok(false)),
            ("/a/\\xff\\\\", Ok(false)),
            ("/a/\\x41", Err("canonical")),
            ("/a/{digit}", Err("{digit}")),
            ("/a/{hex:0}", Err("{hex:0}")),
            ("/a/{hex:08}", Err("{hex:08}")),
            ("/a/{uuid:3}", Err("{uuid:3}")),
            ("/a/{pid}", Ok(true)),
            ("/a/{pid:3}", Err("{pid:3}")),
            ("/a/{digits", Err("ends within")),
            ("/a/**x", Err("`**`")),
            ("/a/***", Err("`**`")),
            ("/**/**/**/x", Err("two")),
            ("a/*", Err("whole path")),
            ("/a//*", Err("whole path")),
            ("/a/../*", Err("whole path")),
            ("/a/\u{1b}*", Err("canonical")),
        ] {
            match (check(pattern), wild) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{pattern}"),
                (Err(text), Err(word)) => assert!(text.contains(word), "{pattern}: {text}"),
                (found, _) => panic!("{pattern}: {found:?}"),
            }
        }
    }

    #[test]
    fn paths_part_at_slashes() {
        for text in ["", "a", "/", "a/", "/a", "a//b", "é/\u{1f980}/x", "a/b/c/"] {
            assert!(split(text).eq(text.split('/')), "{text}");
        }
    }

    #[test]
    fn breadth_adds_up() {
        for (pattern, expected) in [
            ("/a/{uuid}/{digits}", 3),
            ("/a/x.{pid}", 2),
            ("/a/*.log", 5),
            ("/a/*", 10),
            ("/a/**", 50),
            ("/a/tmp{random:8}", 3),
            ("/a/{hex:8}-{hex}", 4),
        ] {
            assert_eq!(breadth(pattern), expected, "{pattern}");
        }
    }
}
