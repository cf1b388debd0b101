//! The one text of untrusted bytes.
//!
//! Paths, arguments and names come from containers and may hold anything. Their
//! canonical text is valid UTF-8 as it is, with every other byte and every
//! control character as `\xNN` and the backslash doubled. Two different byte
//! strings never share a text, so the same text serves YAML, JSON, matching and
//! terminals.

use std::fmt::Write;

/// Whether a terminal or a log must not get this character raw: the controls, and what
/// reorders or breaks lines unseen (Unicode Standard Annex 9, section 2; Annex 14, class BK).
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
}

/// The canonical text of any bytes.
#[must_use]
pub fn canonical(bytes: &[u8]) -> String {
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

    proptest! {
        #[test]
        fn every_byte_string_survives(input in prop::collection::vec(any::<u8>(), 0..64)) {
            let text = canonical(&input);
            prop_assert!(!text.chars().any(hidden));
            prop_assert_eq!(bytes(&text), Some(input));
        }
    }
}
