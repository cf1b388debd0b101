//! What is wrong with a document, in the words of who writes it: the place first, as editors jump
//! to it, then what was found, then what would be right.

use crate::text;
use serde_saphyr::localizer::Localizer;
use serde_saphyr::{
    Error, Location, MessageFormatter, RenderOptions, SnippetMode, UserMessageFormatter,
};
use std::borrow::Cow;

/// The likeness of two words from which on one is suggested for the other.
const ALIKE: f64 = 0.5;

/// One line about an error of the parser.
pub(super) fn line(error: &Error) -> String {
    let mut options = RenderOptions::new(&Words);
    options.snippets = SnippetMode::Off;
    let message = error.render_with_options(options);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    text::visible(&message).into_owned()
}

/// `line 3, column 7`.
pub(super) fn place(at: Location) -> String {
    format!("line {}, column {}", at.line(), at.column())
}

/// The known word that looks most like this one, if any comes near.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|known| {
            let likeness = strsim::normalized_damerau_levenshtein(&word, &known.to_lowercase());
            (likeness, *known)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

/// What is wanted where another thing stands.
fn wanted(expected: &str) -> &str {
    match expected {
        "sequence start" => "a list is wanted here: `[]`, or lines that begin with a dash",
        "mapping start" => "keys with values are wanted here, as `{key: value}`",
        "string scalar" | "scalar" => "a single value is wanted here, no list and no keys",
        other => other,
    }
}

/// Numbers and truth by the names that the parser gives them.
fn scalar(kind: &str) -> Option<&'static str> {
    match kind {
        "u8" => Some("a whole number from 0 to 255 is wanted here"),
        "u16" => Some("a whole number from 0 to 65535 is wanted here"),
        "u32" => Some("a whole number from 0 to 4294967295 is wanted here"),
        "u64" | "usize" => Some("a whole number, 0 or more, is wanted here"),
        "i32" | "i64" => Some("a whole number is wanted here"),
        "floating point" => Some("a number is wanted here"),
        "bool" | "boolean" => Some("`true` or `false` is wanted here"),
        _ => None,
    }
}

struct Words;

impl MessageFormatter for Words {
    fn localizer(&self) -> &dyn Localizer {
        &Places
    }

    fn format_message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        let message = match error {
            Error::SerdeUnknownField {
                field, expected, ..
            } => match nearest(field, expected) {
                Some(near) => format!("unknown key `{field}`: did you mean `{near}`?"),
                None => format!(
                    "unknown key `{field}`: those that are known here are {}",
                    expected.join(", ")
                ),
            },
            Error::SerdeUnknownVariant {
                variant, expected, ..
            } => {
                let near = nearest(variant, expected);
                let near = near.map(|near| format!("did you mean `{near}`? It is "));
                format!(
                    "unknown value `{variant}`: {}one of {}",
                    near.unwrap_or_default(),
                    expected.join(", ")
                )
            }
            Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
            Error::SerdeInvalidType {
                unexpected,
                expected,
                ..
            } => format!("{expected} is wanted here, not {unexpected}"),
            Error::DuplicateMappingKey { key, .. } => format!(
                "the key{} stands here a second time: keep one",
                key.as_ref()
                    .map_or_else(String::new, |key| format!(" `{key}`"))
            ),
            Error::Unexpected { expected, .. } => wanted(expected).to_owned(),
            Error::InvalidScalar { ty, .. } => match scalar(ty) {
                Some(words) => words.to_owned(),
                None => return UserMessageFormatter.format_message(error),
            },
            Error::InvalidBooleanStrict { .. } => "`true` or `false` is wanted here".to_owned(),
            Error::Eof { location } if location.line() <= 1 => "there is nothing in it".to_owned(),
            Error::MultipleDocuments { .. } => {
                "several documents: keep one, and take out the lines `---`".to_owned()
            }
            _ => return UserMessageFormatter.format_message(error),
        };
        Cow::Owned(message)
    }
}

struct Places;

impl Localizer for Places {
    fn attach_location<'a>(&self, base: Cow<'a, str>, at: Location) -> Cow<'a, str> {
        match at == Location::UNKNOWN {
            true => base,
            false => Cow::Owned(format!("{}: {base}", place(at))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested_and_none_that_is_far() {
        let known = ["path", "name", "script", "origin", "phase"];
        assert_eq!(nearest("orign", &known), Some("origin"));
        assert_eq!(nearest("Path", &known), Some("path"));
        assert_eq!(nearest("zzzz", &known), None);
    }
}
