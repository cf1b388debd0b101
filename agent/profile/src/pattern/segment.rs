//! One segment of a pattern.

use super::class::{HEX_MIN, PID_DIGITS, RANDOM_MIN, TOKENS_MAX, date, looks_random, uuid};
use super::{atom, escape};
use crate::text;

/// Wildcards and texts between them that one segment has at most.
const PARTS_MAX: usize = 2 * TOKENS_MAX + 1;
/// The longest name that is compared with wildcards, in bytes of canonical text, plus one: 255
/// bytes (`NAME_MAX`), each escaped.
const POSITIONS: usize = 1088;

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A name, in canonical text.
    Literal(String),
    /// A name with wildcards in it.
    Wild(Parts),
    /// One segment or more.
    Deep,
}

/// What a segment with wildcards is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    parts: Vec<Part>,
    /// Whether it is nothing but one token.
    bare: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Canonical text.
    Literal(String),
    Star,
    Digits(Option<usize>),
    Pid,
    Uuid,
    Date,
    Hex(Option<usize>),
    Random(Option<usize>),
}

impl Segment {
    /// Reads one; says what is wrong with it.
    pub(crate) fn parse(segment: &str) -> Result<Self, String> {
        if segment == "**" {
            return Ok(Self::Deep);
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = segment;
        while let Some(first) = rest.chars().next() {
            let part = match first {
                '*' => {
                    rest = &rest[1..];
                    if rest.starts_with('*') {
                        return Err("has `**` beside other text: it is a whole segment".to_owned());
                    }
                    Part::Star
                }
                '{' => {
                    let (token, behind) = rest[1..]
                        .split_once('}')
                        .ok_or("ends within a brace; one that means itself is written \\x7b")?;
                    rest = behind;
                    Part::token(token)?
                }
                _ => {
                    let len = atom(rest.as_bytes());
                    let (one, behind) = rest.split_at(len);
                    literal.push_str(match one {
                        "\\x2a" => "*",
                        "\\x7b" => "{",
                        one => one,
                    });
                    rest = behind;
                    continue;
                }
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let canonical = parts.iter().all(|part| match part {
            Part::Literal(text) => text::is_canonical(text),
            _ => true,
        });
        if !canonical {
            return Err(
                "is not in canonical form: control characters, bytes that are not UTF-8, and \
                 stars and braces that mean themselves are written \\xNN, a backslash is doubled"
                    .to_owned(),
            );
        }
        if parts.len() > PARTS_MAX {
            return Err("has too many wildcards in one segment".to_owned());
        }
        if let [Part::Literal(text)] = &mut *parts {
            return Ok(Self::Literal(std::mem::take(text)));
        }
        let bare = parts.len() == 1;
        Ok(Self::Wild(Parts { parts, bare }))
    }

    pub(super) fn breadth(&self) -> u32 {
        match self {
            Self::Literal(_) => 0,
            Self::Deep => 50,
            Self::Wild(parts) => parts
                .parts
                .iter()
                .map(|part| part.breadth(parts.bare))
                .sum(),
        }
    }
}

impl Part {
    fn token(token: &str) -> Result<Self, String> {
        let unknown = || {
            let token = escape(&text::visible(token));
            Err(format!(
                "has {{{token}}}, which is none: there are {{digits}}, {{digits:N}}, {{hex}}, {{hex:N}}, {{random}}, {{random:N}}, \
                 {{pid}}, {{uuid}} and {{date}}; a brace that means itself is written \\x7b"
            ))
        };
        let (name, len) = match token.split_once(':') {
            None => (token, None),
            Some((name, digits)) => match digits.parse::<usize>() {
                Ok(len @ 1..=255) if len.to_string() == digits => (name, Some(len)),
                _ => return unknown(),
            },
        };
        match (name, len) {
            ("digits", len) => Ok(Self::Digits(len)),
            ("pid", None) => Ok(Self::Pid),
            ("uuid", None) => Ok(Self::Uuid),
            ("date", None) => Ok(Self::Date),
            ("hex", len) => Ok(Self::Hex(len)),
            ("random", len) => Ok(Self::Random(len)),
            _ => unknown(),
        }
    }

    const fn breadth(&self, bare: bool) -> u32 {
        match self {
            Self::Literal(_) => 0,
            Self::Uuid | Self::Date | Self::Hex(Some(_)) | Self::Digits(Some(_)) => 1,
            Self::Digits(None) | Self::Pid => 2,
            Self::Hex(None) | Self::Random(_) => 3,
            Self::Star if bare => 10,
            Self::Star => 5,
        }
    }
}

/// Positions in a name that a match may have come to.
#[derive(Clone, Copy)]
struct Positions([u64; POSITIONS / 64]);

impl Positions {
    const NONE: Self = Self([0; POSITIONS / 64]);

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    const fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }
}

impl Parts {
    /// Whether it stands for a name. Takes time that grows with the length of the name and the
    /// number of wildcards, whatever they are.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let bytes = name.as_bytes();
        if bytes.len() >= POSITIONS || matches!(name, "." | "..") {
            return false;
        }
        if let [part] = &*self.parts {
            return match part {
                Part::Star => !bytes.is_empty(),
                Part::Random(_) => part.ends(bytes, bytes.len()) && looks_random(bytes),
                _ => part.ends(bytes, bytes.len()),
            };
        }
        // What must stand at the beginning tells most names apart.
        if let [Part::Literal(first), ..] = &*self.parts
            && !name.starts_with(first.as_str())
        {
            return false;
        }
        // Most patterns are one token between two texts, of which neither needs a search.
        if let [Part::Literal(first), token, rest @ ..] = &*self.parts
            && !matches!(token, Part::Star)
            && let Some(last) = match rest {
                [] => Some(""),
                [Part::Literal(last)] => Some(last.as_str()),
                _ => None,
            }
        {
            let behind = name.strip_prefix(first.as_str());
            let middle = behind.and_then(|behind| behind.strip_suffix(last));
            return middle.is_some_and(|middle| token.ends(middle.as_bytes(), middle.len()));
        }
        let mut here = Positions::NONE;
        here.add(0);
        for part in &self.parts {
            let mut next = Positions::NONE;
            let mut any = false;
            let mut at = 0;
            // Positions lie between characters, an escape being one.
            while at <= bytes.len() {
                if here.has(at) {
                    any |= part.step(bytes, at, &mut next);
                    if matches!(part, Part::Star) {
                        break; // All that follow were added.
                    }
                }
                at += atom(&bytes[at..]).max(1);
            }
            if !any {
                return false;
            }
            here = next;
        }
        here.has(bytes.len())
    }
}

impl Part {
    /// Adds where a match may come to from a position; answers whether it may.
    fn step(&self, name: &[u8], at: usize, next: &mut Positions) -> bool {
        let rest = &name[at..];
        match self {
            Self::Star => {
                let mut to = at;
                while to < name.len() {
                    next.add(to);
                    to += atom(&name[to..]);
                }
                next.add(name.len());
                true
            }
            _ => {
                let (least, most) = self.lengths(rest);
                (least..=most).for_each(|len| next.add(at + len));
                least <= most
            }
        }
    }

    /// Whether it stands for the whole of a text.
    fn ends(&self, text: &[u8], len: usize) -> bool {
        let (least, most) = self.lengths(text);
        (least..=most).contains(&len)
    }

    /// How many bytes of a text it may stand for, from and to; an empty range if for none.
    fn lengths(&self, text: &[u8]) -> (usize, usize) {
        const NONE: (usize, usize) = (1, 0);
        let exactly = |len: Option<usize>| len.map_or(NONE, |len| (len, len));
        let of = |is: fn(&u8) -> bool, wanted: Option<usize>, least: usize| {
            let run = text.iter().take_while(|byte| is(byte)).count();
            match wanted {
                None => (least, run),
                Some(len) if len <= run => (len, len),
                Some(_) => NONE,
            }
        };
        match self {
            Self::Literal(literal) => exactly(
                text.starts_with(literal.as_bytes())
                    .then_some(literal.len()),
            ),
            Self::Digits(len) => of(u8::is_ascii_digit, *len, 1),
            Self::Pid => {
                let (least, most) = of(u8::is_ascii_digit, None, 1);
                (least, most.min(PID_DIGITS))
            }
            Self::Hex(len) => of(u8::is_ascii_hexdigit, *len, HEX_MIN),
            Self::Random(len) => of(
                |byte| byte.is_ascii_alphanumeric() || *byte == b'_',
                *len,
                RANDOM_MIN,
            ),
            Self::Uuid => exactly(uuid(text)),
            Self::Date => exactly(date(text)),
            Self::Star => (0, text.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        match Segment::parse(pattern).unwrap() {
            Segment::Literal(literal) => literal == name,
            Segment::Wild(parts) => parts.matches(name),
            Segment::Deep => unreachable!(),
        }
    }

    #[test]
    fn wildcards_stand_for_what_they_say() {
        for (pattern, name, expected) in [
            ("*.log", "a.log", true),
            ("*.log", ".log", true),
            ("*.log", "a.logs", false),
            ("a*b*c", "axbxbc", true),
            ("a*b*c", "axbxb", false),
            ("*", "", false),
            ("*", "..", false),
            ("*", "\\xff", true),
            ("*1b", "\\x1b", false),
            ("*1b", "\\xff1b", true),
            ("x{digits}", "x12", true),
            ("x{digits}", "x", false),
            ("x{digits}", "x1a", false),
            ("x{digits:3}", "x123", true),
            ("x{digits:3}", "x1234", false),
            ("{digits}{digits}", "1", false),
            ("{digits}{digits}", "12", true),
            ("x.{pid}", "x.4194304", true),
            ("x.{pid}", "x.12345678", false),
            ("x.{pid}", "x.", false),
            ("{hex:8}", "deadbeef", true),
            ("{hex:8}", "deadbee", false),
            ("{hex}", "deadbeef01", true),
            ("{hex}", "dead", false),
            ("{random:8}", "password", false),
            ("{random:8}", "pas5w0rd", true),
            ("tmp{random:8}", "tmpabcdefgh", true),
            ("tmp{random:8}", "tmpabcdefghi", false),
            ("{date}.gz", "2026-11-23.gz", true),
            ("{date}.gz", "2026-13-23.gz", false),
            ("{uuid}", "123e4567-e89b-12d3-a456-426614174000", true),
            ("{uuid}", "123e4567-e89b-12d3-a456-42661417400", false),
            ("\\x2a{digits}", "*1", true),
            ("\\x2a{digits}", "a1", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn no_name_makes_matching_slow() {
        let pattern = "*a".repeat(7) + "*b";
        let name = "a".repeat(1_000);
        assert!(!matches(&pattern, &name));
        assert!(!matches("*x", &"a".repeat(5_000)));
    }
}
