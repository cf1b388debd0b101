//! YAML 1.2, written and read.
//!
//! Written with one entry a line, in flow style, so that `git diff` of a profile
//! reads like the list of what changed. Read by a library, in bounds that the
//! caller gives, because its own are below what a full profile holds; what is
//! wrong is said in one line, because the text around a mistake may be hostile
//! and long.

mod erased;
mod fault;
mod wrong;

use crate::text;
use erased::Erased;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

/// Most that is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Scalars, lists and mappings.
    pub nodes: usize,
}

/// Reads a document. What is wrong with it is said in one line that begins with line and column.
///
/// # Errors
/// When the bytes are no text, exceed the limits, or are not what is wanted.
pub fn read<T: DeserializeOwned>(bytes: &[u8], limits: Limits) -> Result<T, String> {
    read_with(bytes, limits, false)
}

/// As [`read()`], with the numbers of YAML 1.1, which Kubernetes reads: `0644` is 420.
///
/// # Errors
/// As those of [`read()`].
pub fn read_1_1<T: DeserializeOwned>(bytes: &[u8], limits: Limits) -> Result<T, String> {
    read_with(bytes, limits, true)
}

fn read_with<T: DeserializeOwned>(bytes: &[u8], limits: Limits, octal: bool) -> Result<T, String> {
    if bytes.len() > limits.bytes {
        return Err(format!(
            "{} bytes are more than the {} that are read",
            bytes.len(),
            limits.bytes
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = valid
            .rsplit(|byte| *byte == b'\n')
            .next()
            .map_or(0, <[u8]>::len)
            + 1;
        format!("line {line}, byte {column}: not UTF-8 text")
    })?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: limits.nodes,
            // Each list and mapping also ends, and the document begins and ends.
            max_events: limits.nodes * 2 + 16,
            max_total_scalar_bytes: limits.bytes,
            max_documents: 1,
        },
        legacy_octal_numbers: octal,
    };
    let read: Result<Erased<T>, _> = serde_saphyr::from_str_with_options(text, options);
    read.map(|Erased(value)| value)
        .map_err(|error| wrong::line(&error))
}

/// A part of a document that knows its place.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    at: serde_saphyr::Location,
}

impl<T> Placed<T> {
    /// What is wrong with it, behind its place.
    pub(crate) fn wrong(&self, why: impl Display) -> String {
        format!("{}: {why}", wrong::place(self.at))
    }

    /// The part, and its place with nothing in it.
    pub(crate) fn split(self) -> (T, Placed<()>) {
        let Self { value, at } = self;
        (value, Placed { value: (), at })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Erased<T>>::deserialize(deserializer)?;
        Ok(Self {
            value: spanned.value.0,
            at: spanned.referenced,
        })
    }
}

/// Where the value of a key stands, as `line 3, column 7`; keys within keys are separated by dots.
#[must_use]
pub fn place_of(bytes: &[u8], limits: Limits, key: &str) -> Option<String> {
    let mut node: Placed<Node> = read(bytes, limits).ok()?;
    for part in key.split('.') {
        node = node.value.0.remove(part)?;
    }
    Some(wrong::place(node.at))
}

/// The keys of a document, of which values are not looked at.
#[derive(Default)]
struct Node(BTreeMap<String, Placed<Node>>);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut node = Node::default();
        while let Some((key, value)) = map.next_entry()? {
            node.0.insert(key, value);
        }
        Ok(node)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::default())
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::default())
    }
}

/// Words that YAML 1.1 or 1.2 readers take for something else than text.
const WORDS: &[&str] = &[
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf",
];

/// A scalar: plain where no reader can take it for anything else, quoted otherwise.
pub(crate) fn scalar(text: &str) -> String {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@%=".contains(&byte))
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'/')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            // Canonical text has none of the first; names from elsewhere may. The last two are
            // not printable by the YAML specification, section 5.1.
            c if text::hidden(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A mapping in braces.
#[derive(Default)]
pub(crate) struct Flow {
    body: String,
}

impl Flow {
    fn raw(&mut self, key: &str, value: &str) {
        if !self.body.is_empty() {
            self.body.push_str(", ");
        }
        self.body.push_str(key);
        self.body.push_str(": ");
        self.body.push_str(value);
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.raw(key, &scalar(value));
    }

    pub(crate) fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    pub(crate) fn number(&mut self, key: &str, value: impl Display) {
        self.raw(key, &value.to_string());
    }

    /// A value that is YAML already.
    pub(crate) fn nested(&mut self, key: &str, value: &str) {
        self.raw(key, value);
    }

    pub(crate) fn finish(self) -> String {
        format!("{{{}}}", self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_where_it_is_safe() {
        for (text, written) in [
            ("/usr/bin/x-1", "/usr/bin/x-1"),
            ("sleep", "sleep"),
            ("yes", "\"yes\""),
            ("1", "\"1\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("a\\x0ab", "\"a\\\\x0ab\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    proptest! {
        #[test]
        fn readers_get_back_what_was_written(text: String) {
            let line = format!("{{key: {}}}", scalar(&text));
            let read: BTreeMap<String, String> = serde_saphyr::from_str(&line).unwrap();
            prop_assert_eq!(&read["key"], &text);
        }
    }
}
