//! Domain names: as they stand in a message, as a key, and as text.
//!
//! The text is that of RFC 1035, section 5.1, without the dot at the end: labels with dots
//! between, a dot or a backslash inside a label behind a backslash. Of this, as of every
//! untrusted text, [`lapwing_profile::text::canonical`] makes what people and profiles see.
//! A label that is exactly `*` gets a backslash too: `*.example.com` then always is what
//! [`super::budget`] says for many names, and no container can get that text approved by
//! asking for it. The root is `.`. Different names have different texts.

use lapwing_profile::text::canonical;
use std::fmt;

/// Longest name in a message, with the lengths of its labels (RFC 1035, section 2.3.4).
pub const NAME_MAX: usize = 255;

/// A name: its labels, each behind its length, in lower case, without the empty label of the root.
///
/// Names are compared without regard to the case of ASCII letters (RFC 4343), and some clients
/// mix it on purpose (0x20), so the case is not kept.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Name(Vec<u8>);

impl Name {
    /// Adds a label at the end; `None` if the name gets too long or the label is none.
    pub(super) fn push(&mut self, label: &[u8]) -> Option<()> {
        if label.is_empty() || label.len() > 63 || self.0.len() + label.len() + 2 > NAME_MAX {
            return None;
        }
        self.0.push(label.len() as u8);
        self.0.extend(label.iter().map(u8::to_ascii_lowercase));
        Some(())
    }

    /// The labels, from the left.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (&len, tail) = rest.split_first()?;
            let (label, tail) = tail.split_at_checked(usize::from(len))?;
            rest = tail;
            Some(label)
        })
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        text(self.labels())
    }

    /// The text of the last two labels, or of all if there are fewer: what one owner has, as a
    /// rule. A list of the suffixes that are open to the public would be exact, and outdated
    /// within months; where it would differ (`co.uk`), this zone is the larger one, so that its
    /// budget is spent sooner. That costs detail, and never hides anything.
    #[must_use]
    pub fn zone(&self) -> String {
        text(self.labels().skip(self.labels().count().saturating_sub(2)))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

fn text<'a>(labels: impl Iterator<Item = &'a [u8]>) -> String {
    let mut bytes = Vec::with_capacity(NAME_MAX);
    for label in labels {
        if !bytes.is_empty() {
            bytes.push(b'.');
        }
        if label == b"*" {
            bytes.push(b'\\');
        }
        for &byte in label {
            if matches!(byte, b'.' | b'\\') {
                bytes.push(b'\\');
            }
            bytes.push(byte);
        }
    }
    if bytes.is_empty() {
        bytes.push(b'.');
    }
    canonical(&bytes)
}
