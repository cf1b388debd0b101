//! What became of what was sent.

use lapwing_profile::text::canonical;
use std::time::Duration;

/// Longest part of an answer that is shown, in characters.
const SHOWN_MAX: usize = 300;
/// What is behind this many bytes of an answer is never shown.
pub const CUT: usize = 4 * SHOWN_MAX;

/// What became of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has all of it; what it said.
    Taken(String),
    /// Not the same for all: in order, as many as were sent. Those to be sent again wait for what the
    /// problem says, if there is one.
    Each(Vec<Verdict>, Option<Problem>),
    /// So many of them were refused, for a reason, and the others were taken; which, nobody says.
    Partly(usize, String),
    /// None of it was taken, as far as is known.
    Not(Problem),
}

/// What became of one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Taken,
    /// It will never take it.
    Refused(String),
    /// It may take it next time.
    Again,
}

/// Why something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of what kind it is, which says what to do.
    pub kind: Kind,
    /// In words, without control characters.
    pub detail: String,
    /// What a person could do.
    pub remedy: String,
    /// When the receiver wants to be asked again.
    pub after: Option<Duration>,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No connection, no answer, or half an answer: tried again.
    Unreachable,
    /// The receiver says that it cannot now: tried again.
    Busy,
    /// It does not let the agent in: tried again, slowly.
    Unauthorised,
    /// It is not what the configuration says it is: tried again, slowly.
    Misconfigured,
    /// Too much at once: half of it may do.
    TooLarge,
    /// It refuses something of it: the half without that may do.
    Refused,
}

impl Kind {
    /// The word of metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Unauthorised => "unauthorised",
            Self::Misconfigured => "misconfigured",
            Self::TooLarge => "too-large",
            Self::Refused => "refused",
        }
    }
}

/// Somebody else's words, as they may be shown.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let text = canonical(&bytes[..bytes.len().min(CUT)]);
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

impl Problem {
    /// Of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            remedy: remedy.into(),
            after: None,
        }
    }
}

impl Outcome {
    /// All of it.
    pub fn taken(answer: impl Into<String>) -> Self {
        Self::Taken(answer.into())
    }

    /// For a person: whether everything was taken, what was answered, and what could be done.
    #[must_use]
    pub fn told(self) -> (bool, String, String) {
        const REMEDY: &str = "the receiver does not want this report: see its own log for why";
        match self {
            Self::Taken(answer) => (true, answer, String::new()),
            Self::Partly(_, why) => (false, why, REMEDY.to_owned()),
            Self::Not(problem) | Self::Each(_, Some(problem)) => {
                (false, problem.detail, problem.remedy)
            }
            Self::Each(verdicts, None) => {
                let refusal = verdicts.into_iter().find_map(|verdict| match verdict {
                    Verdict::Refused(why) => Some(why),
                    Verdict::Taken | Verdict::Again => None,
                });
                match refusal {
                    Some(why) => (false, why, REMEDY.to_owned()),
                    None => (true, "taken".to_owned(), String::new()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_else_s_words_are_short_and_plain() {
        assert_eq!(shown(b"no\x1b[31m\n"), "no\\x1b[31m\\x0a");
        let long = shown("\u{e9}".repeat(5_000).as_bytes());
        assert_eq!(long.chars().count(), SHOWN_MAX + 3);
        // A letter that the cut goes through.
        let cut = format!("{}\u{e9}", "a".repeat(4 * SHOWN_MAX - 1));
        assert!(shown(cut.as_bytes()).ends_with("..."));
    }
}
