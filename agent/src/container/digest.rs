//! Digests of images as people give them: the first digits are enough.

use lapwing_profile::text::visible;

/// Digits that it takes at least, so that not just any image is meant.
const DIGITS_MIN: usize = 8;
/// Those of SHA-512, the longest that images have.
const DIGITS_MAX: usize = 128;

/// The beginning of a digest, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// From `9f86d081`, `sha256:9f86d081` or `repository@sha256:9f86d081`, with as many digits as there are.
    ///
    /// # Errors
    /// When it is none of these, with what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let after = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
        let digits = of_digest(after);
        let is_good = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_good {
            true => Ok(Self(digits.to_ascii_lowercase())),
            false => Err(format!(
                "{} is no digest: give at least {DIGITS_MIN} digits of one, as sha256:9f86d081; \
                 `lapwing containers -o json` has those of what runs, as `imageDigest`",
                visible(text)
            )),
        }
    }

    /// Whether a digest begins so; `None` where nobody told it. One that was kept in part may have fewer digits than
    /// are asked for.
    #[must_use]
    pub fn fit(&self, digest: &str) -> Option<bool> {
        let own = of_digest(digest);
        (!own.is_empty()).then(|| {
            own.len() >= DIGITS_MIN && (own.starts_with(&self.0) || self.0.starts_with(own))
        })
    }

    /// Whether a digest is known, and begins so.
    #[must_use]
    pub fn are_of(&self, digest: &str) -> bool {
        self.fit(digest) == Some(true)
    }

    /// As they are asked for.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Without the name of the function, of those that images have (OCI image specification, "Registered Algorithms").
fn of_digest(text: &str) -> &str {
    let mut names = ["sha256:", "sha384:", "sha512:"].into_iter();
    names
        .find_map(|name| text.strip_prefix(name))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_told_from_what_is_none() {
        let digits = |text: &str| Digits::parse(text);
        let long = format!("web@sha256:{}", "AB".repeat(32));
        assert_eq!(digits(&long).unwrap().text(), "ab".repeat(32));
        let own = digits("12345678").unwrap();
        assert_eq!(digits("sha256:12345678").unwrap(), own);
        let endless = "a".repeat(DIGITS_MAX + 1);
        for bad in [
            "sha256:1234567",
            "web:1",
            "latest",
            "",
            "1234567é",
            &endless,
        ] {
            assert!(digits(bad).unwrap_err().contains("8 digits"), "{bad}");
        }
        let hostile = digits("\u{1b}[2J").unwrap_err();
        assert!(!hostile.contains('\u{1b}'), "{hostile:?}");
        assert!(own.are_of("sha256:123456789abc"));
        let longest = format!("sha512:{}", "ab".repeat(64));
        assert!(digits(&longest).unwrap().are_of(&longest));
        let kept = digits("123456789abc").unwrap();
        assert!(kept.are_of("sha256:12345678"), "kept in part");
        assert_eq!(own.fit("sha256:12345679"), Some(false));
        assert_eq!((own.fit(""), own.fit("sha256:")), (None, None));
    }
}
