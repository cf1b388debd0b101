//! The key of a record that is built, and the identity of a program that is executed: see
//! [`lapwing_abi::key`].
//!
//! The record's bytes are hashed where they stand, eight at a time; the sections that
//! count are its first ones. Of an exec that are the file, the name as passed, and the
//! arguments as far as they tell the invoked name; a script may be named from the working
//! directory, which then counts too and is copied to where it can be read by words.
//!
//! The loops are functions of their own, which the verifier follows once each and not
//! for every way that leads to them. That is also why long texts are hashed in pieces.

use crate::kernel::{self, setting};
use crate::maps::{self, READ_MAX, SCRATCH_REACH, SCRATCH_SLOTS};
use crate::news::Built;
use crate::process;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use core::hint::black_box;
use lapwing_abi::ids::{Kind, flags};
use lapwing_abi::key::{self, CHUNK, Sip, WORD_MAX};
use lapwing_abi::record::{HEADER_LEN, Header, NAME_MAX, PATH_MAX};

/// The secret.
#[inline(always)]
fn secret() -> [u64; 2] {
    setting!(SECRET)
}

/// The key of a record, in whose place stands the program that acts. An exec changes the program of
/// its process.
#[inline(always)]
pub fn of(built: Built, header: &Header) -> u64 {
    let mut taken = header.sections;
    let [path, name, args, folder] = header.sections.map(u32::from);
    let mut len = path + name + args + folder;
    let mut of_folder = 0;
    if header.kind == Kind::Exec.raw() {
        let at = HEADER_LEN as u32 + path + name;
        let told = name_bytes(built, at, args);
        built.tells(told);
        taken[2] = told as u16;
        len = path + name + told;
        if header.flags & flags::SCRIPT == 0 {
            taken[3] = 0;
        } else if folder != 0 {
            of_folder = bytes(built, copy_folder(built, folder), folder);
        }
    }
    let of_bytes = if len == 0 {
        0
    } else {
        bytes(built, HEADER_LEN as u32, len)
    };
    let content = key::content(secret(), header, taken, of_bytes, of_folder);
    if header.kind == Kind::Exec.raw() {
        // Not the header's: where programs are preempted another may have written into it.
        process::runs(kernel::current_ids().0, content);
    }
    key::key(secret(), header, header.key, content)
}

/// As [`of`], of a record without sections.
#[inline(always)]
pub fn plain(header: &Header) -> u64 {
    let content = key::content(secret(), header, [0; 4], 0, 0);
    key::key(secret(), header, header.key, content)
}

/// Copies the last section of a record behind it, to a multiple of eight.
#[inline(always)]
fn copy_folder(built: Built, len: u32) -> u32 {
    let end = built.len() as u32;
    let to = (end + 7) & !7;
    let (from, target) = (built.at((end - len) as usize), built.at(to as usize));
    let len = black_box(len) & (2 * PATH_MAX as u32 - 1);
    let len = if len > PATH_MAX as u32 {
        PATH_MAX as u32
    } else {
        len
    };
    // SAFETY: READ_MAX bytes follow each place that `at` answers, and len is at most that.
    unsafe { bpf_probe_read_kernel(target.cast(), len, from.cast_const().cast()) };
    to
}

/// Pieces of the longest text.
const CHUNKS: u32 = (2 * (PATH_MAX + NAME_MAX)).div_ceil(CHUNK) as u32;

/// As [`key::bytes`], of the bytes from `at` on, a multiple of eight.
#[inline(always)]
fn bytes(built: Built, at: u32, len: u32) -> u64 {
    const PIECE: u32 = CHUNK as u32;
    if len <= PIECE {
        return chunk(built.slot, at, len);
    }
    long(built.slot, at, len)
}

/// As [`bytes`], of more than one piece.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn long(slot: u32, at: u32, len: u32) -> u64 {
    const PIECE: u32 = CHUNK as u32;
    let mut sip = Sip::new(secret());
    for index in 0..CHUNKS {
        let from = index * PIECE;
        if from >= len {
            break;
        }
        let left = len - from;
        let piece = if left < PIECE { left } else { PIECE };
        sip.word(chunk(slot, at + from, piece));
    }
    sip.finish()
}

/// The hash of one piece.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn chunk(slot: u32, at: u32, len: u32) -> u64 {
    const WORDS: usize = CHUNK / 8;
    let Some(scratch) = maps::SCRATCH.get_ptr_mut(slot & (SCRATCH_SLOTS - 1)) else {
        return 0;
    };
    let at = black_box(at as usize) & (SCRATCH_REACH - 1) & !7;
    // SAFETY: `at` is below SCRATCH_REACH, and READ_MAX bytes follow that.
    let base = unsafe {
        (&raw const (*scratch).bytes)
            .cast::<u8>()
            .add(at)
            .cast::<u64>()
    };
    let mut sip = Sip::new(secret());
    let whole = len as usize / 8;
    for index in 0..WORDS {
        if index >= whole {
            break;
        }
        // SAFETY: READ_MAX bytes follow.
        sip.word(unsafe { base.add(index).read_volatile() });
    }
    if !len.is_multiple_of(8) {
        let last = black_box(whole) & (WORDS - 1);
        // SAFETY: as above.
        let word = unsafe { base.add(last).read_volatile() };
        // The bytes behind the end are whatever stood there before.
        sip.word(word & u64::MAX >> (64 - 8 * (len % 8)));
    }
    sip.finish()
}

/// As [`key::name_bytes`]: how many bytes of the arguments, which start at `at`, tell the invoked
/// name.
#[inline(always)]
fn name_bytes(built: Built, at: u32, len: u32) -> u32 {
    let first = word(built.slot, at, len, 1);
    if first == 0 || first & LAUNCHES == 0 {
        return if first == 0 { len } else { first };
    }
    let first = first & !LAUNCHES;
    let second = word(built.slot, at + first, len - first, 0);
    if second == 0 || second & LAUNCHES != 0 {
        return len;
    }
    first + second
}

/// Marks an argument whose last part may name a launcher.
const LAUNCHES: u32 = 1 << 31;

/// Length of the argument at `at` with its NUL, 0 if there is none; with [`LAUNCHES`]. The dash of
/// a login shell stands before the first one alone.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn word(slot: u32, at: u32, len: u32, is_first: u32) -> u32 {
    let Some(scratch) = maps::SCRATCH.get_ptr_mut(slot & (SCRATCH_SLOTS - 1)) else {
        return 0;
    };
    let at = black_box(at as usize) & (SCRATCH_REACH - 1);
    // SAFETY: `at` is below SCRATCH_REACH, and READ_MAX bytes follow that.
    let text = unsafe { (&raw const (*scratch).bytes).cast::<u8>().add(at) };
    // SAFETY: as above.
    let lead = unsafe { (text.read_volatile(), text.add(1).read_volatile()) };
    // Kept in the map, so that the verifier sees the rounds of the loop as one state.
    // SAFETY: the map gave the pointer.
    let part = unsafe { &raw mut (*scratch).part };
    // SAFETY: as above.
    unsafe { part.write_volatile(u32::from(is_first != 0 && lead.0 == b'-' && lead.1 != b'-')) };
    let mut end = 0;
    for index in 0..WORD_MAX as u32 {
        if index >= len {
            break;
        }
        // SAFETY: READ_MAX bytes follow.
        let letter = unsafe { text.add(index as usize).read_volatile() };
        if letter == 0 {
            end = index + 1;
            break;
        }
        if letter == b'/' {
            // SAFETY: as above.
            unsafe { part.write_volatile(index + 1) };
        }
    }
    if end == 0 {
        return 0;
    }
    // SAFETY: as above.
    let start = unsafe {
        let text = text.add(part.read_volatile() as usize & (2 * WORD_MAX - 1));
        [
            text.read_volatile(),
            text.add(1).read_volatile(),
            text.add(2).read_volatile(),
        ]
    };
    if key::may_launch(start) {
        end | LAUNCHES
    } else {
        end
    }
}

const _: () = assert!(HEADER_LEN.is_multiple_of(8) && CHUNK <= READ_MAX);
