//! The key of a record that is built, and the identity of a program that is executed: see
//! [`lapwing_abi::key`].
//!
//! The record's bytes are hashed where they stand, eight at a time; the sections that
//! count are its first ones. Of an exec that are the file, the name as passed, and the
//! arguments as far as they tell the invoked name; a script may be named from the working
//! directory, which then counts too and is copied to where it can be read by words.

use crate::news::Built;
use crate::kernel::setting;
use crate::maps::{READ_MAX, SCRATCH_REACH};
use crate::process;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use core::hint::black_box;
use lapwing_abi::ids::{Kind, flags};
use lapwing_abi::key::{self, Sip, WORD_MAX};
use lapwing_abi::record::{HEADER_LEN, Header, NAME_MAX, PATH_MAX};

/// More than the words of the sections that count, of a record of two locations.
const WORDS: usize = 2_048;
/// Most words of a working directory.
const CWD_WORDS: usize = PATH_MAX / 8;

/// The secret.
#[inline(always)]
pub fn secret() -> [u64; 2] {
    setting!(SECRET)
}

/// The key of a record, in whose place stands the program that acts. An exec changes the program of
/// its process.
#[inline(always)]
pub fn of(built: Built, header: &Header) -> u64 {
    let mut taken = header.sections;
    let mut cwd = 0;
    if header.kind == Kind::Exec.raw() {
        let [path, name, args, folder] = header.sections;
        let at = HEADER_LEN + usize::from(path) + usize::from(name);
        taken[2] = name_bytes(built, at, args);
        if header.flags & flags::SCRIPT == 0 {
            taken[3] = 0;
        } else {
            cwd = usize::from(folder);
        }
    }
    let [a, b, c, d] = taken.map(usize::from);
    let mut sip = key::content(secret(), header, taken);
    let first = if header.kind == Kind::Exec.raw() { a + b + c } else { a + b + c + d };
    words::<WORDS>(built.sections().cast(), first, &mut sip);
    if cwd != 0 {
        let at = copy_cwd(built, cwd);
        words::<CWD_WORDS>(built.at(at).cast_const().cast(), cwd, &mut sip);
    }
    let content = sip.finish();
    if header.kind == Kind::Exec.raw() {
        process::runs(header.pid, content);
    }
    key::key(secret(), header, header.key, content)
}

/// Copies the last section of a record behind it, to a multiple of eight.
#[inline(always)]
fn copy_cwd(built: Built, len: usize) -> usize {
    let end = built.len();
    let to = (end + 7) & !7;
    let from = built.at(end - len);
    let to_address = built.at(to);
    let len = black_box(len) & (2 * PATH_MAX - 1);
    let len = if len > PATH_MAX { PATH_MAX } else { len };
    // SAFETY: READ_MAX bytes follow each place that `at` answers, and len is at most that.
    unsafe { bpf_probe_read_kernel(to_address.cast(), len as u32, from.cast_const().cast()) };
    to
}

/// As [`key::name_bytes`]: how many bytes of the arguments, which start at `at`, tell the invoked
/// name.
#[inline(always)]
fn name_bytes(built: Built, at: usize, len: u16) -> u16 {
    let first = word(built, at, len, true);
    if first == 0 {
        return len;
    }
    if !launches(built, at) {
        return first;
    }
    let second = word(built, at + usize::from(first), len - first, false);
    if second == 0 || launches(built, at + usize::from(first)) {
        return len;
    }
    first + second
}

/// Length of the argument at `at` with its NUL, 0 if there is none; notes where its last part
/// starts.
#[inline(always)]
fn word(built: Built, at: usize, len: u16, is_first: bool) -> u16 {
    let text = built.at(at);
    // SAFETY: READ_MAX bytes follow.
    let lead = unsafe { (text.read_volatile(), text.add(1).read_volatile()) };
    built.set_part(u32::from(is_first && lead.0 == b'-' && lead.1 != b'-'));
    let mut end = 0;
    for index in 0..WORD_MAX as u16 {
        if index >= len {
            break;
        }
        // SAFETY: as above.
        let letter = unsafe { text.add(usize::from(index)).read_volatile() };
        if letter == 0 {
            end = index + 1;
            break;
        }
        if letter == b'/' {
            built.set_part(u32::from(index) + 1);
        }
    }
    built.forget(u32::from(end)) as u16
}

/// Whether the last part of the argument at `at` may name a launcher.
#[inline(always)]
fn launches(built: Built, at: usize) -> bool {
    let part = built.part() as usize & (WORD_MAX * 2 - 1);
    let text = built.at(at);
    // SAFETY: READ_MAX bytes follow.
    let start = unsafe {
        let text = text.add(part);
        [
            text.read_volatile(),
            text.add(1).read_volatile(),
            text.add(2).read_volatile(),
        ]
    };
    key::may_launch(start)
}

/// Takes `len` bytes from `base`, at most MOST words (a power of two), all of which can be read.
#[inline(always)]
fn words<const MOST: usize>(base: *const u64, len: usize, sip: &mut Sip) {
    let whole = len / 8;
    for index in 0..MOST {
        if index >= whole {
            break;
        }
        // SAFETY: the caller says that so many words are there.
        sip.word(unsafe { base.add(index).read_volatile() });
    }
    if len % 8 != 0 {
        let last = black_box(whole) & (MOST - 1);
        // SAFETY: as above.
        let word = unsafe { base.add(last).read_volatile() };
        // The bytes behind the end are whatever stood there before.
        sip.word(word & u64::MAX >> (64 - 8 * (len % 8) as u32));
    }
}

const _: () = assert!(HEADER_LEN % 8 == 0 && 2 * (PATH_MAX + NAME_MAX) < 8 * WORDS);
const _: () = assert!(HEADER_LEN + 8 * WORDS <= SCRATCH_REACH + READ_MAX);
const _: () = assert!(8 * CWD_WORDS <= READ_MAX);
