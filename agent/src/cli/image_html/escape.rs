//! Texts of others in HTML.

use lapwing_profile::text::visible;
use std::fmt::{Display, Formatter, Result};

/// A text as HTML shows it, in an element or a quoted attribute: nothing of it is markup, and what is
/// hidden or reorders a line is made visible.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let text = visible(self.0);
        let mut rest = &*text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            out.write_str(&rest[..at])?;
            out.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        out.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_and_nothing_is_hidden() {
        let told = Text("a<b>&\"'\n\u{202e}\u{e9}\0").to_string();
        assert_eq!(
            told,
            "a&lt;b&gt;&amp;&quot;&#39;\\x0a\\xe2\\x80\\xae\u{e9}\\x00"
        );
        assert_eq!(Text("").to_string(), "");
    }
}
