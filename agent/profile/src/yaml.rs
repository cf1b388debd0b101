//! Writing YAML 1.2: one entry a line, in flow style, so that `git diff` of a
//! profile reads like the list of what changed. Reading is a library's work.

use std::fmt::{Display, Write};

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
            // Canonical text has none of these; names from elsewhere may.
            c if c.is_control() || !c.is_ascii() && (c as u32) < 0xa0 => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            '\u{2028}' => quoted.push_str("\\L"),
            '\u{2029}' => quoted.push_str("\\P"),
            '\u{feff}' => quoted.push_str("\\uFEFF"),
            // Not printable by the YAML specification, section 5.1.
            '\u{fffe}' | '\u{ffff}' => {
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
            let read: std::collections::BTreeMap<String, String> = serde_saphyr::from_str(&line).unwrap();
            prop_assert_eq!(&read["key"], &text);
        }
    }
}
