//! Texts that leave the process: bounded, visible, and built into JSON without empty fields.

use lapwing_profile::text::{CUT, visible, visible_json};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Most bytes of one text in a record. A path has at most 4096; arguments may have any number.
/// Elasticsearch and OpenSearch refuse a whole document for one term of more than 32,766.
pub const LIMIT: usize = 32_000;

/// At most so many bytes of a text, cut between characters; what is cut ends with an ellipsis,
/// which counts.
pub(crate) fn bounded(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(limit.saturating_sub(CUT.len()));
    Cow::Owned(format!("{}{CUT}", &text[..end]))
}

/// Bounded, and nothing in it hidden.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    match bounded(text, LIMIT) {
        Cow::Borrowed(text) => visible(text),
        Cow::Owned(text) => Cow::Owned(visible(&text).into_owned()),
    }
}

/// JSON on one line in which nothing is hidden.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    // What can fail is a time or a word that this version does not have, which comes from no agent
    // of it: the record then says so, as an object, so that no receiver of lines stumbles over it.
    let line = serde_json::to_string(value).unwrap_or_else(|error| {
        serde_json::json!({"error": format!("this item has no JSON form: {error}")}).to_string()
    });
    match visible_json(&line) {
        Cow::Borrowed(_) => line,
        Cow::Owned(line) => line,
    }
}

/// A time as RFC 3339 has it.
pub(crate) fn rfc3339(time: &lapwing_proto::Timestamp) -> String {
    instant(lapwing_proto::nanoseconds(time))
}

/// The same of nanoseconds since the Unix epoch: all of them fit the years of RFC 3339.
pub(crate) fn instant(nanoseconds: i64) -> String {
    jiff::Timestamp::from_nanosecond(nanoseconds.into())
        .map_or_else(|_| String::new(), |time| format!("{time:.9}"))
}

/// The same with the digits that RFC 5424 allows.
pub(crate) fn instant_micro(nanoseconds: i64) -> String {
    jiff::Timestamp::from_nanosecond(nanoseconds.into()).map_or_else(
        |_| "-".to_owned(),
        |time| {
            let whole = nanoseconds.rem_euclid(1000);
            let down = jiff::Timestamp::from_nanosecond((nanoseconds - whole).into());
            format!("{:.6}", down.unwrap_or(time))
        },
    )
}

/// The part of a path behind its last slash, unless that is nothing.
pub(crate) fn basename(path: &str) -> &str {
    let name = lapwing_profile::text::basename(path);
    if name.is_empty() { path } else { name }
}

/// Arguments as one line, each quoted as a shell wants it where a reader could not tell where it
/// ends. Bounded.
pub(crate) fn command_line(args: &[String]) -> String {
    let mut line = String::new();
    for arg in args {
        if line.len() > LIMIT {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let plain = !arg.is_empty()
            && !arg
                .chars()
                .any(|c| c.is_whitespace() || matches!(c, '\'' | '"'));
        if plain {
            line.push_str(arg);
        } else {
            line.push('\'');
            line.push_str(&arg.replace('\'', "'\\''"));
            line.push('\'');
        }
    }
    bounded(&line, LIMIT).into_owned()
}

/// Arguments one by one, [`LIMIT`] bytes in all; what follows is an ellipsis.
pub(crate) fn bounded_list(list: &[String]) -> Vec<String> {
    let mut room = LIMIT;
    let mut out = Vec::new();
    for text in list {
        // An empty one takes room too.
        if room < text.len() + 1 {
            out.push(bounded(text, room.max(CUT.len())).into_owned());
            break;
        }
        room -= text.len() + 1;
        out.push(text.clone());
    }
    out
}

/// A JSON object in the making: what is empty is left out.
#[derive(Default)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// A text, bounded; not an empty one.
    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        if !text.is_empty() {
            self.put(key, bounded(text, LIMIT).into_owned());
        }
        self
    }

    /// Any value.
    pub fn put(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// A value that may be missing.
    pub fn maybe(&mut self, key: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.put(key, value);
        }
        self
    }

    /// An object, unless it has no fields.
    pub fn object(&mut self, key: &str, object: Self) -> &mut Self {
        if !object.0.is_empty() {
            self.put(key, Value::Object(object.0));
        }
        self
    }

    /// A list, unless it is empty.
    pub fn list(&mut self, key: &str, list: Vec<Value>) -> &mut Self {
        if !list.is_empty() {
            self.put(key, list);
        }
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object.
    pub fn value(self) -> Value {
        Value::Object(self.0)
    }
}

/// The words in a row of fields.
pub(crate) fn texts(list: &[String]) -> Vec<Value> {
    bounded_list(list).into_iter().map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so_and_stays_text() {
        assert_eq!(bounded("abcdef", 6), "abcdef");
        assert_eq!(bounded("abcdefg", 6), "abc\u{2026}");
        assert_eq!(bounded("ab\u{e9}\u{e9}\u{e9}", 6), "ab\u{2026}");
        assert_eq!(clean(&"x".repeat(LIMIT + 1)).len(), LIMIT);
        assert_eq!(clean("a\nb"), "a\\x0ab");
    }

    #[test]
    fn a_command_line_shows_where_arguments_end() {
        let args = ["sh", "-c", "echo 'a' b", ""].map(str::to_owned);
        assert_eq!(command_line(&args), "sh -c 'echo '\\''a'\\'' b' ''");
        let many = vec!["x".repeat(1000); 1000];
        assert_eq!(command_line(&many).len(), LIMIT);
        let list = bounded_list(&many);
        assert!(
            list.len() == 32 && list[31].ends_with(CUT),
            "{}",
            list.len()
        );
    }
}
