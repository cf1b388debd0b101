//! Build information of Go programs, found while their bytes go by.
//!
//! The linker puts it at a multiple of 16 bytes: 14 bytes of magic, the size of a pointer, flags, and 16 bytes
//! more; from Go 1.18 on the version of Go and the text of the modules follow, each behind its length as a varint
//! (`debug/buildinfo` of Go). Before that there are pointers, which are not followed: a stream does not go back.
//! The headers of ELF that would say where it is may stand at the end of a file, so all of a file is looked
//! through for the magic. Programs that read such information hold the magic as well: what does not decode is
//! passed over.

use memchr::memmem;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGNED: usize = 16;
const HEADER: usize = 32;
/// Set in the flags where the texts follow.
const INLINE: u8 = 2;
/// Bytes of the version of Go, and of the text of the modules.
const VERSION_MAX: usize = 200;
const MODULES_MAX: usize = 1 << 20;
/// Of what stands around the text of the modules, on either side.
const FRAME: usize = 16;
/// Magics of one file that are looked at.
const TRIES: usize = 64;

/// What a file says of how it was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Built {
    /// By a Go before 1.18: no more is known.
    Old,
    /// The version of Go, a line feed, and the text of the modules, which may be empty.
    Known(Box<[u8]>),
}

enum Decoded {
    No,
    /// It goes on beyond these bytes.
    More,
    Yes(Built),
}

/// A number in groups of seven bits, the lowest first, and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    // More would be longer than any text that is taken.
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// A text behind its length, and what follows it.
fn text(bytes: &[u8], most: usize) -> Result<(&[u8], &[u8]), Decoded> {
    let Some((length, taken)) = varint(bytes) else {
        return Err(match bytes.len() < 4 {
            true => Decoded::More,
            false => Decoded::No,
        });
    };
    if length > most {
        return Err(Decoded::No);
    }
    bytes[taken..].split_at_checked(length).ok_or(Decoded::More)
}

fn decode(bytes: &[u8]) -> Decoded {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
        return Decoded::More;
    };
    let (size, flags, pointers) = (header[14], header[15], &header[ALIGNED..]);
    if !matches!(size, 4 | 8) || flags > (INLINE | 1) {
        return Decoded::No;
    }
    let is_empty = pointers.iter().all(|byte| *byte == 0);
    if flags & INLINE == 0 {
        return match is_empty {
            true => Decoded::No,
            false => Decoded::Yes(Built::Old),
        };
    }
    let parts = || {
        let (version, rest) = text(rest, VERSION_MAX)?;
        let (modules, _) = text(rest, MODULES_MAX + 2 * FRAME)?;
        Ok((version, modules))
    };
    let (version, modules) = match parts() {
        Ok(parts) => parts,
        Err(decoded) => return decoded,
    };
    let starts = [&b"go"[..], b"devel"];
    let is_version = starts.iter().any(|start| version.starts_with(start))
        && version.iter().all(|byte| (b' '..=b'~').contains(byte));
    if !is_empty || !is_version {
        return Decoded::No;
    }
    let modules = match modules.len().checked_sub(2 * FRAME) {
        Some(length) if length > 0 => &modules[FRAME..FRAME + length],
        _ => &[],
    };
    Decoded::Yes(Built::Known([version, b"\n", modules].concat().into()))
}

/// A file that goes by.
pub(crate) struct Scan {
    finder: memmem::Finder<'static>,
    /// Bytes that may be part of it, and where in the file they begin.
    window: Vec<u8>,
    offset: usize,
    /// From where in them there is still to look.
    from: usize,
    tries: usize,
    found: Option<Built>,
}

impl Scan {
    pub(crate) fn new() -> Self {
        Self {
            finder: memmem::Finder::new(MAGIC),
            window: Vec::new(),
            offset: 0,
            from: 0,
            tries: 0,
            found: None,
        }
    }

    /// For the next file.
    pub(crate) fn begin(&mut self) {
        self.window.clear();
        (self.offset, self.from, self.tries, self.found) = (0, 0, 0, None);
    }

    const fn is_over(&self) -> bool {
        self.found.is_some() || self.tries >= TRIES
    }

    /// The next bytes of the file.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        if self.is_over() {
            return;
        }
        self.window.extend_from_slice(bytes);
        self.look(false);
        // All but what may be the beginning of more.
        self.window.drain(..self.from);
        self.offset += self.from;
        self.from = 0;
    }

    /// What was found in all of it. What was to go on beyond its end is passed over for what comes after it.
    pub(crate) fn end(&mut self) -> Option<Built> {
        self.look(true);
        self.found.take()
    }

    fn look(&mut self, is_end: bool) {
        while !self.is_over() {
            let Some(at) = self.finder.find(&self.window[self.from..]) else {
                self.from = self
                    .from
                    .max(self.window.len().saturating_sub(MAGIC.len() - 1));
                return;
            };
            let at = self.from + at;
            self.from = at;
            if (self.offset + at).is_multiple_of(ALIGNED) {
                match decode(&self.window[at..]) {
                    Decoded::More if !is_end => return,
                    Decoded::Yes(built) => self.found = Some(built),
                    Decoded::More | Decoded::No => {}
                }
                self.tries += 1;
            }
            self.from += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(version: &str, modules: &str) -> Vec<u8> {
        let mut all = [MAGIC, &[8, INLINE], &[0; 16]].concat();
        let mut text = |text: &[u8]| {
            let mut length = text.len();
            while length >= 0x80 {
                all.push(length as u8 | 0x80);
                length >>= 7;
            }
            all.push(length as u8);
            all.extend_from_slice(text);
        };
        text(version.as_bytes());
        let framed = [&[b'<'; FRAME], modules.as_bytes(), &[b'>'; FRAME]].concat();
        text(if modules.is_empty() { b"" } else { &framed });
        all
    }

    fn known(text: &str) -> Option<Built> {
        Some(Built::Known(text.as_bytes().into()))
    }

    /// In blocks of each size.
    fn scan(file: &[u8]) -> Option<Built> {
        let mut scan = Scan::new();
        let of = |size: usize, scan: &mut Scan| {
            scan.begin();
            file.chunks(size).for_each(|block| scan.take(block));
            scan.end()
        };
        let whole = of(usize::MAX, &mut scan);
        for size in [1, 7, 16, 100, 4096] {
            assert_eq!(of(size, &mut scan), whole, "in blocks of {size}");
        }
        whole
    }

    #[test]
    fn it_is_found_wherever_it_is_and_however_the_bytes_come() {
        let long = format!("path\tx\n{}", "dep\ta/b\tv1.0.0\th1:x\n".repeat(2000));
        for before in [0, 16, 4080, 4096, 65_536 - 16] {
            let file = [&vec![1; before][..], &blob("go1.22.0", &long), &[7; 50]].concat();
            assert_eq!(scan(&file), known(&format!("go1.22.0\n{long}")));
        }
        assert_eq!(scan(&blob("go1.18", "")), known("go1.18\n"));
        assert_eq!(
            scan(&blob("devel go1.23-ab", "")),
            known("devel go1.23-ab\n")
        );
    }

    #[test]
    fn what_only_has_the_magic_is_passed_over() {
        let real = blob("go1.22.0", "path\tx\n");
        let odd = [&[0; 3], &real[..], &[0; 60]].concat();
        assert_eq!(scan(&odd), None);
        let text = [MAGIC, b"is what it begins with"].concat();
        let before = [&text[..], &vec![0; 64 - text.len()], &real].concat();
        assert_eq!(scan(&before), known("go1.22.0\npath\tx\n"));
        // It claims more than there is, and the real one is in that.
        let mut claims = blob("go1.22.0", "");
        claims.pop();
        claims.extend([0x80, 0x80, 0x10]);
        claims.resize(claims.len().next_multiple_of(ALIGNED), 0);
        assert_eq!(
            scan(&[&claims[..], &claims, &real].concat()),
            known("go1.22.0\npath\tx\n")
        );
        // Cut, of a length beyond all bounds, of no version.
        assert_eq!(scan(&real[..real.len() - 1]), None);
        assert_eq!(scan(&[&real[..HEADER], &[0xff; 90]].concat()), None);
        assert_eq!(scan(&blob("rust", "path\tx\n")), None);
        assert_eq!(scan(&blob("go1\u{1b}", "path\tx\n")), None);
    }

    #[test]
    fn pointers_of_older_ones_are_not_followed() {
        let file = [MAGIC, &[8, 0], &[1; 16], b"rest"].concat();
        assert_eq!(scan(&file), Some(Built::Old));
        assert_eq!(scan(&[MAGIC, &[8, 0], &[0; 16]].concat()), None);
    }

    #[test]
    fn many_magics_make_bounded_work() {
        // Each claims a megabyte that is not there in the end.
        let mut one = [MAGIC, &[8, INLINE], &[0; 16]].concat();
        one.extend([2, b'g', b'o', 0x80, 0x80, 0x40]);
        one.resize(48, 0);
        let file = one.repeat(100_000);
        let mut scan = Scan::new();
        for block in file.chunks(64 << 10) {
            scan.take(block);
            assert!(scan.window.len() <= MODULES_MAX + (128 << 10));
        }
        scan.end();
    }
}
