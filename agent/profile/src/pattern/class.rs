//! To which class a name belongs: the pattern of all names of the same form.
//!
//! Classes part all names: each name has one class or none, and which one depends on
//! the name alone. That is what makes generalising independent of order. A class is
//! narrower than what its pattern matches: `tmpabcdefgh` matches `tmp{random:8}`, but
//! nobody who reads the name could say that it is not a word, so it is no evidence
//! that random names are made there.
//!
//! Letters that form no token stand for themselves. So alphabetic names never have a
//! class, and no class is a bare `*`.

use super::{atom, escape};

/// Hexadecimal digits that are more than a word by chance.
pub(super) const HEX_MIN: usize = 8;
/// Letters and digits that can be a suffix as mkstemp(3) makes it.
pub(super) const RANDOM_MIN: usize = 6;
/// Digits of a number that is no count of anything: a time, an address, a serial number that is
/// filled up with zeros.
pub(super) const LONG_DIGITS: usize = 10;
/// More digits than a number of 64 bits has: hexadecimal ones that happen to have no letter.
const HEX_DIGITS: usize = 21;
/// Hexadecimal digits that do not come twice by chance: 64 bits.
const HEX_UNIQUE: usize = 16;
/// A name with more tokens is no form of anything.
pub(super) const TOKENS_MAX: usize = 8;
/// Digits of the largest id of a process (`PID_MAX_LIMIT`, include/linux/threads.h: 4,194,304).
pub(super) const PID_DIGITS: usize = 7;
/// The smallest id of a process that a name is known by: smaller numbers are in many names.
const PID_MIN: u32 = 10;
/// What Python's `tempfile` puts behind `tmp`.
const PYTHON_RANDOM: usize = 8;

/// The class of a name, as the text of a pattern's segment; `None` where it has no token
/// or too many.
#[must_use]
pub fn class(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    if matches!(bytes, [a, b] if is_hex(&[*a, *b]) && mixed(&[*a, *b])) {
        // Folders that spread files by the first byte of a hash.
        return Some("{hex:2}".to_owned());
    }
    let mut out = String::with_capacity(name.len() + 16);
    let mut at = 0;
    let mut tokens = 0;
    if let Some(len) = python_temporary(bytes) {
        out.push_str("tmp{random:8}");
        (at, tokens) = (len, 1);
    }
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            let len = atom(&bytes[at..]);
            out.push_str(&escape(&name[at..at + len]));
            at += len;
            continue;
        }
        let (token, len) = match (uuid(&bytes[at..]), date(&bytes[at..])) {
            (Some(len), _) => ("{uuid}".to_owned(), len),
            (None, Some(len)) => ("{date}".to_owned(), len),
            (None, None) => run(&name[at..]),
        };
        tokens += token.matches('{').count();
        out.push_str(&token);
        at += len;
    }
    (1..=TOKENS_MAX).contains(&tokens).then_some(out)
}

/// How many names of a class are enough, whatever else lies beside them; `None` for a class whose
/// names can be a small set for good, like `worker1` to `worker8`.
///
/// A name that holds a UUID, a date, a long number or a long hash is made anew each time: two of
/// one form say so. What looks random can also be a word with numbers in it (`x86p64`), and what
/// calls itself temporary can be a few (`temp1`, `temp2`), so that three have to.
#[must_use]
pub fn unique(class: &str) -> Option<usize> {
    let tokens = class.split('{').skip(1);
    let tokens = tokens.filter_map(|rest| rest.split_once('}').map(|(token, _)| token));
    let enough = tokens.filter_map(|token| match token.split_once(':') {
        None => match token {
            "pid" => Some(1),
            _ => matches!(token, "uuid" | "date").then_some(2),
        },
        Some(("hex", len)) => (len.parse::<usize>().ok()? >= HEX_UNIQUE).then_some(2),
        Some(("digits", _)) => Some(2),
        Some(("random", _)) => Some(3),
        Some(_) => None,
    });
    let temporary = says_temporary(class) && class.contains("{digits}");
    enough.chain(temporary.then_some(3)).min()
}

/// The pattern of a name that holds the id of the process which uses it, as that process has it in
/// its container: `pg_internal.init.{pid}`. `None` of any other name.
///
/// Such a name is made anew by each process, so one is enough, and what it is a pattern of is no
/// [`class`]: the name alone does not say it. The number has to be the only token of the name and
/// not the whole of it, as numbers by themselves are mostly others; and names of a class that is
/// [`unique`] anyhow need no such evidence.
pub(crate) fn own_id(name: &str, pid: u32) -> Option<String> {
    const NUMBER: &str = "{digits}";
    let class = class(name)?;
    if pid < PID_MIN || class == NUMBER || unique(&class).is_some() {
        return None;
    }
    let (before, behind) = class.split_once(NUMBER)?;
    if before.contains('{') || behind.contains('{') {
        return None;
    }
    let number = name.strip_prefix(before)?.strip_suffix(behind)?;
    (number == pid.to_string()).then(|| format!("{before}{{pid}}{behind}"))
}

/// Whether a name calls itself temporary: `xlogtemp.{digits}`, `temp-{digits}.rdb`, `tmp{digits}`, but
/// not `attempt{digits}` or `template{digits}`.
fn says_temporary(class: &str) -> bool {
    ["temp", "tmp"].iter().any(|word| {
        class
            .match_indices(word)
            .any(|(at, _)| !class[at + word.len()..].starts_with(|c: char| c.is_ascii_alphabetic()))
    })
}

/// What stands for the letters and digits at the beginning of a text, and how many they are.
fn run(text: &str) -> (String, usize) {
    let bytes = text.as_bytes();
    let len = count(bytes, u8::is_ascii_alphanumeric);
    let run = &bytes[..len];
    if is_hex(run) && (len >= HEX_MIN && mixed(run) || len >= HEX_DIGITS) {
        return (format!("{{hex:{len}}}"), len);
    }
    let word = count(run, u8::is_ascii_alphabetic);
    if looks_random(run) && date(&bytes[word..]).is_none() {
        return (format!("{{random:{len}}}"), len);
    }
    let mut out = String::new();
    let mut at = 0;
    while at < len {
        if let Some(more) = date(&bytes[at..]) {
            out.push_str("{date}");
            // A time behind it may lie beyond these letters and digits.
            at += more;
            continue;
        }
        let digits = count(&run[at..], u8::is_ascii_digit);
        if digits >= LONG_DIGITS {
            out.push_str(&format!("{{digits:{digits}}}"));
        } else if digits > 0 {
            out.push_str("{digits}");
        }
        if digits > 0 {
            at += digits;
            continue;
        }
        let letters = count(&run[at..], u8::is_ascii_alphabetic);
        out.push_str(&text[at..at + letters]);
        at += letters;
    }
    (out, at)
}

fn count(bytes: &[u8], is: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is(byte)).count()
}

fn is_hex(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_hexdigit)
}

/// Whether there are both letters and digits.
fn mixed(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_digit) && bytes.iter().any(u8::is_ascii_alphabetic)
}

/// Whether letters and digits alternate more than in a word with a number.
pub(super) fn looks_random(run: &[u8]) -> bool {
    let switches = run
        .windows(2)
        .filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit())
        .count();
    run.len() >= RANDOM_MIN && switches >= 2
}

/// The length of `tmp` and what Python puts behind it, where it cannot be a word.
fn python_temporary(name: &[u8]) -> Option<usize> {
    let rest = name.strip_prefix(b"tmp")?;
    let len = count(rest, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_'
    });
    let random = rest.get(..PYTHON_RANDOM)?;
    let ends = len == PYTHON_RANDOM && matches!(rest.get(len), None | Some(b'.'));
    let no_word = random.iter().any(|byte| !byte.is_ascii_alphabetic())
        // A counter is none either.
        && random.iter().any(u8::is_ascii_alphabetic);
    (ends && no_word).then_some(3 + PYTHON_RANDOM)
}

/// The length of the UUID that a text begins with.
pub(super) fn uuid(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, len) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            (text.get(at) == Some(&b'-')).then_some(())?;
            at += 1;
        }
        is_hex(text.get(at..at + len)?).then_some(())?;
        at += len;
    }
    let ends = text
        .get(at)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric());
    ends.then_some(at)
}

/// The length of the date that a text begins with, and of the time behind it.
pub(super) fn date(text: &[u8]) -> Option<usize> {
    let digits = count(text, u8::is_ascii_digit);
    match digits {
        14 => {
            is_day(&text[..4], &text[4..6], &text[6..8]).then_some(())?;
            is_time(&text[8..14]).then_some(14)
        }
        8 => {
            is_day(&text[..4], &text[4..6], &text[6..8]).then_some(())?;
            Some(8 + time(&text[8..]))
        }
        4 => {
            let &[y1, y2, y3, y4, a, m1, m2, b, d1, d2, ref rest @ ..] = text else {
                return None;
            };
            let parts = a == b && matches!(a, b'-' | b'_' | b'.');
            let ends = rest.first().is_none_or(|byte| !byte.is_ascii_digit());
            (parts && ends && is_day(&[y1, y2, y3, y4], &[m1, m2], &[d1, d2])).then_some(())?;
            Some(10 + time(rest))
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        Some(number * 10 + digit)
    })
}

fn is_day(year: &[u8], month: &[u8], day: &[u8]) -> bool {
    matches!(
        (number(year), number(month), number(day)),
        (Some(1970..=2099), Some(1..=12), Some(1..=31))
    )
}

/// Hours, minutes and seconds in six digits.
fn is_time(digits: &[u8]) -> bool {
    let part = |at: usize| number(&digits[at..at + 2]);
    matches!(
        (part(0), part(2), part(4)),
        (Some(0..=23), Some(0..=59), Some(0..=60))
    )
}

/// The length of the time that follows a date, and of what joins them; 0 if none does.
fn time(text: &[u8]) -> usize {
    let Some((b'T' | b't' | b'-' | b'_' | b'.' | b' ', rest)) = text.split_first() else {
        return 0;
    };
    match count(rest, u8::is_ascii_digit) {
        6 if is_time(&rest[..6]) => 7,
        2 => {
            let &[h1, h2, a, m1, m2, b, s1, s2, ref rest @ ..] = rest else {
                return 0;
            };
            let parts = a == b && matches!(a, b':' | b'-' | b'.' | b'_');
            let ends = rest.first().is_none_or(|byte| !byte.is_ascii_digit());
            if parts && ends && is_time(&[h1, h2, m1, m2, s1, s2]) {
                9
            } else {
                0
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Segment;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_the_class_that_people_would_see() {
        for (name, expected) in [
            ("access.log", None),
            ("access.log.1", Some("access.log.{digits}")),
            ("access-2026-11-23.log", Some("access-{date}.log")),
            ("backup20261123T101500.tar", Some("backup{date}.tar")),
            ("20261123", Some("{date}")),
            ("20269923", Some("{digits}")),
            ("2026-11-23_10-15-00", Some("{date}")),
            ("0000000001", Some("{digits:10}")),
            ("000000010000000000000001", Some("{hex:24}")),
            ("app.1699999999.log", Some("app.{digits:10}.log")),
            ("16384_fsm", Some("{digits}_fsm")),
            ("pgsql_tmp4711.0", Some("pgsql_tmp{digits}.{digits}")),
            ("00000001000000000000000A", Some("{hex:24}")),
            ("b7f54b2df7773722d382f4809d65029c", Some("{hex:32}")),
            ("deadbeef", None),
            ("0f", Some("{hex:2}")),
            ("ab", None),
            ("12", Some("{digits}")),
            ("tmpa1b2c_d3", Some("tmp{random:8}")),
            ("tmpabcdefgh", None),
            ("tmp12345678", Some("tmp{digits}")),
            ("tmp.Ab1xY2zQ9w", Some("tmp.{random:10}")),
            ("sess_0k3j9x2m1", Some("sess_{random:9}")),
            ("worker12", Some("worker{digits}")),
            ("CamelCaseName", None),
            ("app.cpython-311.pyc", Some("app.cpython-{digits}.pyc")),
            (
                "123e4567-e89b-12d3-a456-426614174000.json",
                Some("{uuid}.json"),
            ),
            ("*{digits}1", Some("\\x2a\\x7bdigits}{digits}")),
            ("\\x0a\\\\", None),
            ("\\xff1", Some("\\xff{digits}")),
            ("caf\u{e9}", None),
            ("caf\u{e9}7", Some("caf\u{e9}{digits}")),
        ] {
            assert_eq!(class(name).as_deref(), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_class_matches_its_names(bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 1..24),
            "[0-9a-fT_.-]{1,40}".prop_map(String::into_bytes),
            "(tmp)?[0-9a-z_*{}\\\\-]{1,24}".prop_map(String::into_bytes),
        ]) {
            let name = crate::text::canonical(&bytes).replace('/', "+");
            let Some(text) = class(&name) else { return Ok(()) };
            let Ok(Segment::Wild(parts)) = Segment::parse(&text) else {
                return Err(TestCaseError::fail(format!("{name}: {text}")));
            };
            prop_assert!(parts.matches(&name), "{} {}", name, text);
            prop_assert!(super::super::is_typed(&text));
        }
    }
}
