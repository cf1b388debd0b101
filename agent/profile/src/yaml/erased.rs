//! Reading through one type, whatever is read.
//!
//! A reader of serde is compiled anew for each type that it reads and for each visitor in it,
//! and one of YAML is long: it was a quarter of the agent's code. Here the reader sees one
//! visitor, and the types see one reader; between the two stand trait objects. What a type
//! refuses becomes an error of the reader where the call returns to it, so that the reader
//! still says where in the text it was.

mod library;
mod types;

use super::fault::Fault;
use library::Once;
use serde::{Deserialize, Deserializer};
use std::fmt;
use types::Reader;

/// A part of a document that is read without the reader being compiled for it.
pub(super) struct Erased<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Erased<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut once = Once::new(deserializer);
        T::deserialize(Reader(&mut once))
            .map(Self)
            .map_err(|fault| fault.raise(once.error))
    }
}

/// What a type asks a reader for.
#[derive(Clone, Copy)]
enum Wanted {
    Any,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    String,
    Bytes,
    ByteBuf,
    Option,
    Unit,
    UnitStruct(&'static str),
    Newtype(&'static str),
    Seq,
    Tuple(usize),
    TupleStruct(&'static str, usize),
    Map,
    Struct(&'static str, Names),
    Enum(&'static str, Names),
    Identifier,
    Ignored,
}

type Names = &'static [&'static str];

/// What a reader answers with. What visitors take as one of these by default is not kept apart:
/// smaller numbers, characters, borrowed text and bytes. Numbers of 128 bits are refused.
enum Given<'a, 'de> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Str(&'a str),
    String(String),
    Bytes(&'a [u8]),
    None,
    Some(&'a mut dyn Source<'de>),
    Unit,
    Newtype(&'a mut dyn Source<'de>),
    Seq(&'a mut dyn Items<'de>),
    Map(&'a mut dyn Entries<'de>),
    Enum(&'a mut dyn Choice<'de>),
}

/// A reader.
trait Source<'de> {
    fn give(&mut self, wanted: Wanted, target: &mut dyn Target<'de>) -> Result<(), Fault>;
}

/// A visitor.
trait Target<'de> {
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn take(&mut self, given: Given<'_, 'de>) -> Result<(), Fault>;
}

/// What becomes of a part.
trait Seed<'de> {
    fn grow(&mut self, source: &mut dyn Source<'de>) -> Result<(), Fault>;
}

/// A list.
trait Items<'de> {
    fn next(&mut self, seed: &mut dyn Seed<'de>) -> Result<bool, Fault>;
    fn hint(&self) -> Option<usize>;
}

/// A mapping.
trait Entries<'de> {
    fn key(&mut self, seed: &mut dyn Seed<'de>) -> Result<bool, Fault>;
    fn value(&mut self, seed: &mut dyn Seed<'de>) -> Result<(), Fault>;
    fn hint(&self) -> Option<usize>;
}

/// One of several: first which, then what is in it.
trait Choice<'de> {
    fn variant(&mut self, seed: &mut dyn Seed<'de>) -> Result<(), Fault>;
    fn unit(&mut self) -> Result<(), Fault>;
    fn newtype(&mut self, seed: &mut dyn Seed<'de>) -> Result<(), Fault>;
    fn tuple(&mut self, len: usize, target: &mut dyn Target<'de>) -> Result<(), Fault>;
    fn fields(&mut self, names: Names, target: &mut dyn Target<'de>) -> Result<(), Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "compared as it is shown")]
    struct Whole {
        flag: bool,
        small: u8,
        signed: i64,
        real: f64,
        letter: char,
        text: String,
        maybe: Option<String>,
        unit: (),
        new: New,
        list: Vec<u16>,
        pair: (u8, String),
        map: BTreeMap<String, i32>,
        which: Which,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "compared as it is shown")]
    struct New(u32);

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "compared as it is shown")]
    enum Which {
        Unit,
        Newtype(u8),
        Tuple(u8, u8),
        Struct { a: u8 },
    }

    const KEYS: [(&str, &str); 13] = [
        ("flag", "true"),
        ("small", "7"),
        ("signed", "-9"),
        ("real", "1.5"),
        ("letter", "\"x\""),
        ("text", "\"words\\n\""),
        ("maybe", "\"there\""),
        ("unit", "null"),
        ("new", "4"),
        ("list", "[1, 2]"),
        ("pair", "[1, \"b\"]"),
        ("map", "{\"k\": 3}"),
        ("which", "\"Unit\""),
    ];

    const VALUES: [&str; 17] = [
        "null",
        "false",
        "300",
        "-1",
        "0.5",
        "\"long\"",
        "\"Nothing\"",
        "[]",
        "[1]",
        "[[1], {}]",
        "{}",
        "{\"k\": null}",
        "{\"Newtype\": 1}",
        "{\"Tuple\": [1, 2]}",
        "{\"Tuple\": [1]}",
        "{\"Struct\": {\"a\": 1}}",
        "{\"Struct\": {\"b\": 1}}",
    ];

    /// Each text with one value in the place of another, or a key less, twice, or unknown.
    fn texts() -> Vec<String> {
        let text = |entries: &[(&str, &str)]| {
            let lines: Vec<_> = (entries.iter())
                .map(|(key, value)| format!("\"{key}\": {value}"))
                .collect();
            format!("{{{}}}", lines.join(",\n"))
        };
        let mut texts = vec![text(&KEYS), "[]".to_owned(), "1".to_owned(), String::new()];
        for at in 0..KEYS.len() {
            let mut entries = KEYS.to_vec();
            entries.remove(at);
            texts.push(text(&entries));
            entries.push(("unknown", "1"));
            texts.push(text(&entries));
            entries.extend([KEYS[at], KEYS[at]]);
            texts.push(text(&entries));
            for value in VALUES {
                let mut entries = KEYS;
                entries[at].1 = value;
                texts.push(text(&entries));
            }
        }
        texts
    }

    #[test]
    fn reads_and_refuses_as_without_it() {
        let mut read = 0;
        for text in texts() {
            let plain = serde_json::from_str::<Whole>(&text);
            read += usize::from(plain.is_ok());
            let erased = serde_json::from_str::<Erased<Whole>>(&text).map(|Erased(whole)| whole);
            assert_eq!(format!("{erased:?}"), format!("{plain:?}"), "JSON: {text}");
            let plain = serde_saphyr::from_str::<Whole>(&text);
            let erased = serde_saphyr::from_str::<Erased<Whole>>(&text).map(|Erased(whole)| whole);
            assert_eq!(format!("{erased:?}"), format!("{plain:?}"), "YAML: {text}");
        }
        assert!(read > 20, "{read} of the texts could be read");
    }
}
