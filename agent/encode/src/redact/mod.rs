//! Hiding secrets in what leaves the process.
//!
//! Arguments are the one place where people put secrets that a report repeats; environments are
//! never collected. A rule is a regular expression, searched for in the arguments of a process
//! joined by single spaces, as people write them; line feeds and tabs in them are searched as spaces.
//! What its group says is replaced by [`MARK`]:
//!
//! - group `secret`: exactly that;
//! - group `value`: that, at most to the end of its argument; exactly to there where it begins its
//!   argument (`--password` and `two words` after it) or the match does, and the value follows
//!   without a space (`--password=two words`), so that inside of `sh -c '...'` the rest stays, also
//!   that of a script that begins with it;
//! - without such a group the whole match.
//!
//! Paths, names, addresses, the entry that would approve a violation and everything else that
//! makes two behaviours the same stay as they are: a redacted violation can be approved. Expressions
//! have no backtracking; one that matches more than [`MOST`] times has the rest of the arguments
//! hidden, so time grows with the length of the arguments and not faster.

mod defaults;

use lapwing_proto::v1::{Degraded, Process, WatchResponse, violation, watch_response::Item};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use thiserror::Error;

pub use defaults::rules as default_rules;

/// Stands for what was hidden.
pub const MARK: &str = "[redacted]";
/// So many matches of a rule in the arguments of one process are hidden one by one.
pub const MOST: usize = 1000;
/// Most bytes of a compiled expression, and of what searching with it keeps.
const COMPILED: usize = 1 << 20;
const CACHE: usize = 128 << 10;

/// What to hide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For messages.
    pub name: String,
    /// A regular expression of the crate `regex`.
    pub pattern: String,
}

/// A rule cannot be used.
#[derive(Debug, Error)]
pub enum RuleError {
    /// No regular expression, or too large a one.
    #[error("redaction rule `{name}`: {source}")]
    Pattern {
        /// Of the rule.
        name: String,
        /// Where and why.
        source: Box<regex::Error>,
    },
    /// It matches nothing at all, which is everywhere.
    #[error(
        "redaction rule `{name}` matches the empty text: it would hide nothing, at every place"
    )]
    Empty {
        /// Of the rule.
        name: String,
    },
}

/// Rules, ready to use.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    rules: Vec<Compiled>,
}

#[derive(Clone, Debug)]
struct Compiled {
    pattern: Regex,
    secret: Option<usize>,
    value: Option<usize>,
}

impl Redaction {
    /// Compiles rules; they are used in their order.
    ///
    /// # Errors
    /// The first rule that cannot be used.
    pub fn compile(rules: &[Rule]) -> Result<Self, RuleError> {
        let compile = |rule: &Rule| {
            let name = || rule.name.clone();
            let pattern = RegexBuilder::new(&rule.pattern)
                .size_limit(COMPILED)
                .dfa_size_limit(CACHE)
                .build()
                .map_err(|source| RuleError::Pattern {
                    name: name(),
                    source: Box::new(source),
                })?;
            if pattern.is_match("") {
                return Err(RuleError::Empty { name: name() });
            }
            let group = |wanted| {
                pattern
                    .capture_names()
                    .position(|name| name == Some(wanted))
            };
            Ok(Compiled {
                secret: group("secret"),
                value: group("value"),
                pattern,
            })
        };
        Ok(Self {
            rules: rules.iter().map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// The default rules.
    #[must_use]
    pub fn standard() -> Self {
        // A test compiles them.
        Self::compile(&default_rules()).unwrap_or_default()
    }

    /// Hides what the rules say in an item. Answers how many places it hid.
    pub fn apply(&self, item: &mut WatchResponse) -> usize {
        let (process, degraded) = match item.item.as_mut() {
            Some(Item::Violation(violation)) => (
                violation.process.as_mut(),
                match violation.detail.as_mut() {
                    Some(violation::Detail::Degraded(degraded)) => Some(degraded),
                    _ => None,
                },
            ),
            Some(Item::Behaviour(behaviour)) => (behaviour.process.as_mut(), None),
            Some(Item::Gap(_) | Item::Heartbeat(_)) | None => (None, None),
        };
        let in_process = process.map_or(0, |Process { args, .. }| self.arguments(args));
        // The sensor's own words may quote what a container did.
        let in_words = degraded.map_or(0, |Degraded { detail, .. }| {
            self.arguments(std::slice::from_mut(detail))
        });
        in_process + in_words
    }

    /// Hides what the rules say in the arguments of one process. Answers how many places it hid.
    pub fn arguments(&self, args: &mut [String]) -> usize {
        let mut hidden = 0;
        // Most arguments have no secret, and are put together once for all rules.
        let mut line = None;
        for rule in &self.rules {
            let whole = line.get_or_insert_with(|| Line::of(args));
            let spans = rule.spans(whole);
            hidden += spans.len();
            if !spans.is_empty() {
                hide(args, whole, &spans);
                line = None;
            }
        }
        hidden
    }
}

/// Arguments as one text, and where each lies in it.
struct Line {
    text: String,
    /// The same for rules to search, as long and byte for byte in the same places: see [`plain`].
    searched: String,
    places: Vec<Range<usize>>,
}

/// Canonical text as a shell reads it, byte for byte in the same places. An escape `\xNN` of white
/// space (a line feed in a script, a tab) is as many spaces, and so is a line feed with the backslash
/// before it that continues the line; any other escape is as many U+0001. Left as they are, their
/// last digit would belong to the word behind them, and no rule would find where that begins.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        out.push_str(&rest[..place]);
        rest = &rest[place..];
        let (taken, shown) = match rest.as_bytes() {
            // A backslash itself is two of them.
            [b'\\', b'\\', b'\\', b'x', b'0', b'a', ..] => (6, "      "),
            [b'\\', b'\\', ..] => (2, r"\\"),
            [b'\\', b'x', b'0', b'9' | b'a'..=b'd', ..] => (4, "    "),
            [b'\\', b'x', one, two, ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => {
                (4, "\u{1}\u{1}\u{1}\u{1}")
            }
            _ => (1, r"\"),
        };
        out.push_str(shown);
        rest = &rest[taken..];
    }
    out + rest
}

impl Line {
    fn of(args: &[String]) -> Self {
        let mut text = String::new();
        let mut places = Vec::with_capacity(args.len());
        for arg in args {
            if !places.is_empty() {
                text.push(' ');
            }
            let start = text.len();
            text.push_str(arg);
            places.push(start..text.len());
        }
        let searched = plain(&text);
        Self {
            text,
            searched,
            places,
        }
    }

    /// The argument in which a place lies, or behind which.
    fn at(&self, place: usize) -> Option<&Range<usize>> {
        let after = self.places.partition_point(|range| range.start <= place);
        self.places.get(after.checked_sub(1)?)
    }

    /// What of a value is hidden, by where its match began.
    fn value(&self, start: usize, value: &Range<usize>) -> Range<usize> {
        let end = self.at(value.start).map_or(value.end, |range| range.end);
        let begins = |place| self.at(place).is_some_and(|range| range.start == place);
        let before = &self.searched[start..value.start];
        let led = before.trim_start();
        let place = value.start - led.len();
        let whole = begins(value.start)
            || (begins(place) && !led.contains(char::is_whitespace) && !self.is_script(place));
        value.start..if whole { end } else { value.end.min(end) }
    }
}

impl Line {
    /// Whether the argument that begins there is a script for a shell: behind `-c`, `-ec`, `-lc`.
    fn is_script(&self, place: usize) -> bool {
        let before = self.text[..place].trim_end_matches(' ');
        let flag = before.rsplit_once(' ').map_or(before, |(_, flag)| flag);
        flag.len() <= 4 && flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c')
    }
}

impl Compiled {
    /// What to hide: in order, without overlap.
    fn spans(&self, line: &Line) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for (count, captures) in self.pattern.captures_iter(&line.searched).enumerate() {
            let Some(whole) = captures.get(0) else {
                continue;
            };
            // A value that went on to the end of its argument may reach over this one.
            let free = spans.last().map_or(0, |last| last.end);
            if count == MOST {
                spans.push(whole.start().max(free)..line.text.len());
                break;
            }
            let get = |group: Option<usize>| captures.get(group?);
            let span = match (get(self.secret), get(self.value)) {
                (Some(secret), _) => secret.range(),
                (None, Some(value)) => line.value(whole.start(), &value.range()),
                // Its groups had no part in this match.
                (None, None) if self.secret.or(self.value).is_some() => continue,
                (None, None) => whole.range(),
            };
            let span = span.start.max(free)..span.end;
            if span.start < span.end && line.text[span.clone()] != *MARK {
                spans.push(span);
            }
        }
        spans
    }
}

/// Puts the mark in the place of each span, argument by argument.
fn hide(args: &mut [String], line: &Line, spans: &[Range<usize>]) {
    let mut first = 0;
    for (arg, place) in args.iter_mut().zip(&line.places) {
        while spans.get(first).is_some_and(|span| span.end <= place.start) {
            first += 1;
        }
        let mut out = String::new();
        let mut from = place.start;
        for span in spans[first..]
            .iter()
            .take_while(|span| span.start < place.end)
        {
            let start = span.start.max(place.start);
            out.push_str(&line.text[from..start]);
            out.push_str(MARK);
            from = span.end.min(place.end);
        }
        if from != place.start || !out.is_empty() {
            out.push_str(&line.text[from..place.end]);
            *arg = out;
        }
    }
}

#[cfg(test)]
mod tests;
