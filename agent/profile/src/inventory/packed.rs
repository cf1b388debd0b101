//! The form on disk and on the wire: lines of text, paths in order, each without what it shares with
//! the one before.
//!
//! ```text
//! lapwing-inventory 2 SINCE UNTIL INSTANCES SHED NO_ROOM NOT_FROM_START GAPS LOADERS BEGUN_ANEW BLIND IMAGES FILES
//! latest ID ...
//! image NAME
//! SHARED HOW CHANGED FIRST TOOK IMAGES REST
//! end SHA256
//! ```
//!
//! Times are seconds since the Unix epoch, `FIRST` since `SINCE`, `TOOK` since that. Names are
//! canonical text; so is what is left of a path, of which `SHARED` counts bytes. Version 1, which is read as
//! well, has no `BLIND`.

use super::{BYTES_MAX, FILES_MAX, IMAGES_MAX, Inventory, LATEST_MAX, Missing, Used};
use crate::fingerprint::hex;
use crate::text;
use std::fmt::Write;
use std::str::FromStr;

/// Bytes of a packed inventory at most: paths may be written four times as long as they are.
pub const PACKED_MAX: usize = 4 * BYTES_MAX + 96 * FILES_MAX;

const HEAD: &str = "lapwing-inventory 2 ";
const HEAD1: &str = "lapwing-inventory 1 ";
/// Longest path.
const PATH_MAX: usize = 4_096;

/// The packed form of an inventory.
#[must_use]
pub fn pack(known: &Inventory) -> Vec<u8> {
    let mut out = String::from(HEAD);
    let Missing {
        shed,
        no_room,
        not_from_start,
        gaps,
        loaders,
        begun_anew,
        blind,
    } = known.missing;
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{} {} {} {shed} {no_room} {not_from_start} {gaps} {loaders} {begun_anew} {blind} {} {}",
        known.since,
        known.until,
        known.instances,
        known.images.len(),
        known.files.len()
    );
    out.push_str("latest");
    for id in &known.latest {
        let _ = write!(out, " {id:x}");
    }
    out.push('\n');
    for image in &known.images {
        let _ = writeln!(out, "image {}", text::canonical(image.as_bytes()));
    }
    let mut before: &[u8] = &[];
    for (path, used) in &known.files {
        let shared = path.iter().zip(before).take_while(|(a, b)| a == b).count();
        let rest = text::canonical(&path[shared..]);
        let _ = writeln!(
            out,
            "{shared} {} {} {} {} {} {rest}",
            used.how,
            u8::from(used.changed),
            used.first - known.since,
            used.last - used.first,
            used.images,
        );
        before = path;
    }
    let sum = hex(&[out.as_bytes()]);
    let _ = writeln!(out, "end {sum}");
    out.into_bytes()
}

/// An inventory from its packed form; `None` if it is none, or was changed or cut.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<Inventory> {
    let all = std::str::from_utf8(bytes).ok()?;
    let (text, sum) = all.strip_suffix('\n')?.rsplit_once("end ")?;
    if sum != hex(&[text.as_bytes()]) {
        return None;
    }
    let (is_old, text) = match text.strip_prefix(HEAD1) {
        Some(text) => (true, text),
        None => (false, text.strip_prefix(HEAD)?),
    };
    let mut lines = text.lines();
    let mut words = Words(lines.next()?);
    let mut known = Inventory {
        since: words.next()?,
        until: words.next()?,
        instances: words.next()?,
        missing: Missing {
            shed: words.next()?,
            no_room: words.next()?,
            not_from_start: words.next()?,
            gaps: words.next()?,
            loaders: words.next()?,
            begun_anew: words.next()?,
            blind: if is_old { 0 } else { words.next()? },
        },
        ..Inventory::default()
    };
    let (images, files): (usize, usize) = (words.next()?, words.next()?);
    if images > IMAGES_MAX || files > FILES_MAX {
        return None;
    }
    for id in lines
        .next()?
        .strip_prefix("latest")?
        .split_terminator(' ')
        .skip(1)
    {
        known.latest.push(u64::from_str_radix(id, 16).ok()?);
    }
    if known.latest.len() > LATEST_MAX {
        return None;
    }
    for _ in 0..images {
        let name = text::bytes(lines.next()?.strip_prefix("image ")?)?;
        known.images.push(String::from_utf8(name).ok()?);
    }
    let mut path = Vec::new();
    for _ in 0..files {
        let mut words = Words(lines.next()?);
        let shared: usize = words.next()?;
        let how = words.next()?;
        let changed = words.next::<u8>()? != 0;
        let first = known.since.checked_add(words.next()?)?;
        let last = first.checked_add(words.next()?)?;
        let images = words.next()?;
        if shared > path.len() {
            return None;
        }
        path.truncate(shared);
        path.extend(text::bytes(words.0)?);
        known.bytes += path.len();
        if !path.starts_with(b"/") || path.len() > PATH_MAX || known.bytes > BYTES_MAX {
            return None;
        }
        let used = Used {
            how,
            changed,
            first,
            last,
            images,
        };
        if known.files.insert(path.as_slice().into(), used).is_some() {
            return None;
        }
    }
    lines.next().is_none().then_some(known)
}

/// Words of a line, each ended by a space; the last one may have some.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn next<T: FromStr>(&mut self) -> Option<T> {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest;
        word.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sight, uses};
    use super::*;

    fn some() -> Inventory {
        let mut known = Inventory {
            instances: 3,
            missing: Missing {
                shed: 1,
                no_room: 2,
                not_from_start: 4,
                gaps: 5,
                loaders: 6,
                begun_anew: 7,
                blind: 8,
            },
            ..Inventory::default()
        };
        known.begin("a", true);
        known.begin("b", false);
        let image = known.image("repo/web@sha256:00 \u{202e}");
        let paths: [&[u8]; 6] = [
            b"/",
            b"/usr/lib/a b.so",
            b"/usr/lib/a\nend 00",
            b"/usr/lib/\xff\xfe",
            "/usr/lib/\u{e9}t\u{e9}".as_bytes(),
            b"/usr/lib/\xc3\xa8",
        ];
        for (n, path) in paths.iter().enumerate() {
            known.see(Sight {
                path,
                how: uses::OPEN << (n % 4),
                changed: n % 2 == 1,
                at: 1_700_000_000 + n as i64,
                image: image * (n as u32 % 2),
            });
        }
        known
    }

    #[test]
    fn what_is_packed_comes_back() {
        for known in [Inventory::default(), some()] {
            let packed = pack(&known);
            assert_eq!(unpack(&packed), Some(known));
        }
    }

    #[test]
    fn no_damage_goes_unnoticed() {
        let packed = pack(&some());
        for at in 0..packed.len() {
            assert_eq!(unpack(&packed[..at]), None, "cut at {at}");
            let mut changed = packed.clone();
            changed[at] ^= 1;
            assert_eq!(unpack(&changed), None, "changed at {at}");
        }
    }

    #[test]
    fn what_claims_too_much_is_refused() {
        let sealed = |text: &str| format!("{text}end {}\n", hex(&[text.as_bytes()])).into_bytes();
        let head = |images: usize, files: usize| {
            format!("{HEAD}1 1 1 0 0 0 0 0 0 9 {images} {files}\nlatest 1f 2\n")
        };
        let blind = |text: &str| unpack(&sealed(text)).map(|known| known.missing.blind);
        assert_eq!(blind(&head(0, 0)), Some(9));
        let older = head(0, 0).replace(HEAD, HEAD1).replace(" 9 ", " ");
        assert_eq!(blind(&older), Some(0));
        let line = "0 1 0 0 0 0 /a\n";
        assert!(unpack(&sealed(&(head(0, 1) + line))).is_some());
        for text in [
            head(0, 1),
            head(IMAGES_MAX + 1, 0),
            head(0, FILES_MAX + 1),
            head(0, 1) + "5 1 0 0 0 0 /a\n",
            head(0, 1) + "0 1 0 0 0 0 a\n",
            head(0, 1) + "0 1 0 9223372036854775807 1 0 /a\n",
            head(0, 2) + line + line,
            head(0, 1) + line + line,
            head(0, 1) + "0 256 0 0 0 0 /a\n",
            head(0, 1) + &format!("0 1 0 0 0 0 /{}\n", "a".repeat(PATH_MAX)),
        ] {
            assert_eq!(unpack(&sealed(&text)), None, "{text}");
        }
    }
}
