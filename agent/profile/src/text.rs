//! The one text of untrusted bytes.
//!
//! Paths, arguments and names come from containers and may hold anything. Their
//! canonical text is valid UTF-8 as it is, with every other byte and every
//! control character as `\xNN` and the backslash doubled. Two different byte
//! strings never share a text, so the same text serves YAML, JSON, matching and
//! terminals.
//!
//! Two marks stand before a path that is not a whole path of the container. All
//! whole paths start with a slash, so no marked path equals one:
//! [`CUT`] where a part at the side of the root is missing, [`DETACHED`] where
//! the file does not lie below the container's root at all (a memory file, a
//! descriptor that leaked in, a detached mount). A third, [`DRIFTED`], stands before the path of
//! a parent that is not the image's file of that name.

use std::borrow::Cow;
use std::fmt::Write;

/// Stands before a path of which a part is missing, and for arguments that are missing.
pub const CUT: &str = "\u{2026}";
/// Stands before the path of a file outside the container's root.
pub const DETACHED: &str = "detached:";
/// Stands before the path of a parent that was written or changed after the container started, or
/// removed: another may lie there by now.
pub const DRIFTED: &str = "drifted:";

/// Whether a terminal or a log must not get this character raw: the controls, and what
/// reorders or breaks lines unseen (Unicode Standard Annex 9, section 2; Annex 14, class BK).
pub(crate) fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
}

/// The canonical text of any bytes.
#[must_use]
pub fn canonical(bytes: &[u8]) -> String {
    // Nearly all names are of such letters alone, and are their own text.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
    if let (true, Ok(text)) = (bytes.iter().all(is_plain), str::from_utf8(bytes)) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' {
                text.push_str("\\\\");
            } else if hidden(c) {
                escape(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(c);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// The bytes of a canonical text; `None` if it is not one.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.split_first()? {
            (b'\\', tail) => {
                out.push(b'\\');
                rest = tail;
            }
            (b'x', tail) => {
                let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &tail[2..];
            }
            _ => return None,
        }
    }
    (canonical(&out) == text).then_some(out)
}

/// Whether a text is the canonical one of some bytes.
#[must_use]
pub fn is_canonical(text: &str) -> bool {
    bytes(text).is_some()
}

/// A text for people in which nothing is hidden: control characters and what reorders lines as
/// `\xNN`, everything else as it is. Canonical text stays the same. Not injective: for messages,
/// not for names.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            escape(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// JSON that may be printed raw: strings are the only place of other than ASCII, and of DEL.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(hidden) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hidden(c) {
            // All of them lie in the basic plane.
            let _ = write!(out, "\\u{:04x}", c as u32);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The part of a path behind its last slash.
#[must_use]
pub fn basename(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        for (input, text) in [
            (&b"/usr/bin/caf\xc3\xa9"[..], "/usr/bin/caf\u{e9}"),
            (b"a\nb\x1b[0m\x7f", "a\\x0ab\\x1b[0m\\x7f"),
            (b"\xff\\x41", "\\xff\\\\x41"),
            ("\u{202e}x\u{85}".as_bytes(), "\\xe2\\x80\\xaex\\xc2\\x85"),
            (b"", ""),
        ] {
            assert_eq!(canonical(input), text);
            assert_eq!(bytes(text).as_deref(), Some(input));
        }
    }

    #[test]
    fn what_is_no_canonical_text_has_no_bytes() {
        for text in ["\\", "\\x4", "\\x41", "\\n", "a\nb", "\\xC3"] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }

    #[test]
    fn nothing_hidden_reaches_a_reader() {
        let hostile = "a\u{7f}b\u{9b}2J\u{202e}c\u{2066}\u{1b}\\";
        assert_eq!(
            visible(hostile),
            "a\\x7fb\\xc2\\x9b2J\\xe2\\x80\\xaec\\xe2\\x81\\xa6\\x1b\\"
        );
        assert_eq!(visible("caf\u{e9} \\x1b"), "caf\u{e9} \\x1b");
        assert_eq!(
            visible_json("{\"a\":\"\u{9b}\u{7f}\"}"),
            "{\"a\":\"\\u009b\\u007f\"}"
        );
        assert!(!is_canonical("/bin/\u{1b}[2J") && is_canonical("/bin/\\x1b[2J"));
    }

    proptest! {
        #[test]
        fn every_byte_string_survives(input in prop::collection::vec(any::<u8>(), 0..64)) {
            let text = canonical(&input);
            prop_assert!(!text.chars().any(hidden));
            prop_assert_eq!(bytes(&text), Some(input));
        }
    }
}
