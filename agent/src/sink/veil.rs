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
/// How often what a server repeats may have been written anew: a URL in HTML in JSON.
const LAYERS: usize = 4;
/// So much of a receiver's words is looked at, in bytes; no more than [`CUT`] of it is shown.
const MOST: usize = 64 << 10;
/// Names of HTML, and what they stand for.
const NAMED: [(&[u8], u8); 5] = [
    (b"&amp;", b'&'),
    (b"&quot;", b'"'),
    (b"&apos;", b'\''),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
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
    /// however a server writes them. A path of `/` hides nothing.
    pub fn of(url: &Url) -> Self {
        let whole = url.given.as_str();
        let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
        let inner = path.trim_matches('/');
        let parts = [inner].into_iter();
        let parts = parts.chain(inner.split('/')).chain(query.split(['&', '=']));
        let mut plain: Vec<&str> = parts.filter(|part| part.len() >= PART_MIN).collect();
        plain.extend([whole, path, path.trim_end_matches('/'), query]);
        plain.retain(|it| !it.trim_matches(['/', '?']).is_empty());
        let read = |it: &&str| read(it.as_bytes()).iter().map(|unit| unit.byte).collect();
        let mut hidden: Vec<Vec<u8>> = plain.iter().map(read).collect();
        hidden.sort_by(|one, other| (other.len(), one).cmp(&(one.len(), other)));
        hidden.dedup();
        Self { hidden }
    }

    /// Somebody else's words, as they may be shown.
    pub fn shown(&self, words: &[u8]) -> String {
        let words = &words[..words.len().min(MOST)];
        let units = read(words);
        let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
        let mut out = Vec::new();
        // Up to where it was copied or hidden.
        let (mut at, mut upto) = (0, 0);
        while let Some(unit) = units.get(at)
            && out.len() < CUT
        {
            let begins = |hidden: &&Vec<u8>| {
                let here = bytes.get(at..at + hidden.len());
                here.is_some_and(|it| it.eq_ignore_ascii_case(hidden))
            };
            match self.hidden.iter().find(begins) {
                Some(hidden) => {
                    out.extend_from_slice(INSTEAD.as_bytes());
                    at += hidden.len();
                    upto = units[at - 1].end;
                }
                None => {
                    // Several bytes may stand for one character that was written in another way.
                    out.extend_from_slice(&words[unit.start.max(upto)..unit.end.max(upto)]);
                    upto = upto.max(unit.end);
                    at += 1;
                }
            }
        }
        shown(&out)
    }
}

/// A byte that is meant, and where it is written.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    start: usize,
    end: usize,
}

/// What is meant by words in which characters may be written as URLs, JSON and HTML write them.
fn read(words: &[u8]) -> Vec<Unit> {
    let each = words.iter().enumerate();
    let mut units: Vec<Unit> = each
        .map(|(start, byte)| Unit {
            byte: *byte,
            start,
            end: start + 1,
        })
        .collect();
    for _ in 0..LAYERS {
        let before = units.len();
        units = layer(&units);
        if units.len() == before {
            break;
        }
    }
    units
}

fn layer(units: &[Unit]) -> Vec<Unit> {
    let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
    let mut out = Vec::with_capacity(units.len());
    let mut at = 0;
    while let Some(unit) = units.get(at) {
        let (length, meant) = escape(&bytes[at..]).unwrap_or((1, Meant::Byte(unit.byte)));
        let (start, end) = (unit.start, units[at + length - 1].end);
        let mut push = |byte: u8| out.push(Unit { byte, start, end });
        match meant {
            Meant::Byte(byte) => push(byte),
            Meant::Char(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(push),
        }
        at += length;
    }
    out
}

enum Meant {
    Byte(u8),
    Char(char),
}

/// What the escape at the beginning stands for, and how long it is: one of URLs (RFC 3986, 2.1), of
/// JSON (RFC 8259, 7) or of HTML.
fn escape(bytes: &[u8]) -> Option<(usize, Meant)> {
    let number = |digits: &[u8], radix: u32| {
        let digits = digits
            .iter()
            .map(|digit| char::from(*digit).to_digit(radix));
        let digits: Option<Vec<u32>> = digits.collect();
        let digits = digits.filter(|digits| (1..=8).contains(&digits.len()))?;
        digits.iter().try_fold(0_u32, |sum, digit| {
            sum.checked_mul(radix)?.checked_add(*digit)
        })
    };
    let character = |number: u32| char::from_u32(number).map(Meant::Char);
    match bytes {
        [b'%', high, low, ..] => {
            let byte = u8::try_from(number(&[*high, *low], 16)?).ok()?;
            Some((3, Meant::Byte(byte)))
        }
        [b'\\', b'/', ..] => Some((2, Meant::Byte(b'/'))),
        [b'\\', b'u', rest @ ..] => Some((6, character(number(rest.get(..4)?, 16)?)?)),
        [b'&', b'#', rest @ ..] => {
            let length = rest.iter().take(10).position(|byte| *byte == b';')?;
            let meant = match &rest[..length] {
                [b'x' | b'X', digits @ ..] => number(digits, 16)?,
                digits => number(digits, 10)?,
            };
            Some((length + 3, character(meant)?))
        }
        [b'&', ..] => {
            let (name, byte) = { NAMED.iter() }.find(|(name, _)| bytes.starts_with(name))?;
            Some((name.len(), Meant::Byte(*byte)))
        }
        _ => None,
    }
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
            // Written anew, once and again, all of it or a character here and there.
            ("at &#47;in&#47;s3cret%2Fkey&#x21;?", "at …?"),
            (r"\u002fin\u002Fs3cret\/key\u0021", "…"),
            ("/in/s3cret%252Fkey%2521", "…"),
            (
                "%2Fin%2Fs3cret%252Fkey%2521%3Fk%3Da%2520b%26sig%3D0123456789.",
                "….",
            ),
            (
                r#"{"html":"<b>s3cret\u0026#47;key&amp;#33;<\/b>"}"#,
                r#"{"html":"<b>…<\\/b>"}"#,
            ),
            ("0%3123456789", "…"),
            // What is no secret stays as it was written.
            (
                r"caf\u00e9 &amp; %41 &#; &#x110000; \u12 %",
                r"caf\\u00e9 &amp; %41 &#; &#x110000; \\u12 %",
            ),
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
