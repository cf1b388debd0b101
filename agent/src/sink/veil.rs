//! What a receiver's words may not show: the path and the query of its URL, which may be secrets.
//!
//! Many servers repeat in an error what they were asked for. Only what is shown is veiled, never what is
//! read for its meaning: with a few bytes replaced it could be another answer, or none.

use super::address::Url;
use super::outcome::{CUT, shown};
use std::fmt;

/// From which length on, in bytes, a part of a path or a query may be a secret by itself. Shorter ones
/// are words of everybody.
const PART_MIN: usize = 8;
/// Stands for what is hidden.
const INSTEAD: &str = "…";
/// How servers write what they repeat, in JSON and HTML: this, for that.
const ESCAPES: [(&str, &str); 4] = [
    ("/", "\\/"),
    ("/", "&#x2F;"),
    ("&", "&amp;"),
    ("&", "\\u0026"),
];

/// Hides parts of a URL.
#[derive(Clone, Default)]
pub struct Veil {
    /// The longest first.
    hidden: Vec<Vec<u8>>,
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Veil({})", self.hidden.len())
    }
}

impl Veil {
    /// Of the path and the query that a person gave: as a whole, each of them, and their longer parts,
    /// as they are and decoded. A path of `/` hides nothing.
    pub fn of(url: &Url) -> Self {
        let whole = url.given.as_str();
        let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
        let inner = path.trim_matches('/');
        let parts = [inner].into_iter();
        let parts = parts.chain(inner.split('/')).chain(query.split(['&', '=']));
        let mut plain: Vec<&str> = parts.filter(|part| part.len() >= PART_MIN).collect();
        plain.extend([whole, path, path.trim_end_matches('/'), query]);
        plain.retain(|it| !it.trim_matches(['/', '?']).is_empty());
        let mut hidden = Vec::new();
        for it in plain {
            for (from, to) in ESCAPES {
                hidden.push(it.replace(from, to).into_bytes());
            }
            hidden.push(decoded(it));
            hidden.push(it.as_bytes().to_vec());
        }
        hidden.sort_by(|one, other| (other.len(), one).cmp(&(one.len(), other)));
        hidden.dedup();
        Self { hidden }
    }

    /// Somebody else's words, as they may be shown.
    pub fn shown(&self, words: &[u8]) -> String {
        let mut out = Vec::new();
        let mut rest = words;
        while let Some(first) = rest.first()
            && out.len() < CUT
        {
            let begins = |hidden: &&Vec<u8>| {
                (rest.get(..hidden.len())).is_some_and(|it| it.eq_ignore_ascii_case(hidden))
            };
            let length = match self.hidden.iter().find(begins) {
                Some(hidden) => {
                    out.extend_from_slice(INSTEAD.as_bytes());
                    hidden.len()
                }
                None => {
                    out.push(*first);
                    1
                }
            };
            rest = &rest[length..];
        }
        shown(&out)
    }
}

/// What percent-encoding stands for (RFC 3986, 2.1).
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let byte = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = &behind[if byte.is_some() { 2 } else { 0 }..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil(path: &str) -> Veil {
        Veil::of(&Url::parse(&format!("https://h{path}")).unwrap())
    }

    #[test]
    fn what_a_server_repeats_of_the_url_is_not_shown() {
        let path = "/in/s3cret%2Fkey%21?k=a%20b&sig=0123456789";
        for (words, told) in [
            (
                "Cannot POST /in/s3cret%2Fkey%21?k=a%20b&sig=0123456789",
                "Cannot POST …",
            ),
            ("/in/s3cret%2fkey%21?", "…?"),
            ("/in/s3cret/key! is none", "… is none"),
            (r#"{"path":"\/in\/s3cret%2Fkey%21"}"#, r#"{"path":"…"}"#),
            ("<p>k=a%20b&amp;sig=0123456789</p>", "<p>…</p>"),
            ("key s3cret/key!", "key …"),
            ("sig was 0123456789 or 01234567", "sig was … or 01234567"),
            ("k=a b&sig=0123456789", "…"),
            ("in it, no key", "in it, no key"),
        ] {
            assert_eq!(veil(path).shown(words.as_bytes()), told, "{words}");
        }
        let debugged = format!("{:?}", veil("/s3cret"));
        assert!(!debugged.contains("s3cret"), "{debugged}");
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for path in ["", "/", "//", "/?"] {
            assert_eq!(veil(path).shown(b"POST //? %2"), "POST //? %2", "{path}");
        }
        // Everybody knows what is put behind it.
        let url = Url::parse("https://h/t0ken")
            .unwrap()
            .below("logs-lapwing-default/_bulk");
        let words = Veil::of(&url).shown(b"no index logs-lapwing-default: /t0ken/_bulk");
        assert_eq!(words, "no index logs-lapwing-default: …/_bulk");
        assert_eq!(veil("/%zz%4").shown(b"/%zz%4%"), "…%");
    }

    #[test]
    fn what_is_long_is_cut_behind_what_is_hidden() {
        let veil = veil("/0123456789abcdef");
        for before in [200, 290, 299] {
            let words = format!("{}0123456789abcdef{}", "x".repeat(before), "y".repeat(CUT));
            let told = veil.shown(words.as_bytes());
            assert!(!told.contains('0') && told.ends_with("..."), "{told}");
        }
    }
}
