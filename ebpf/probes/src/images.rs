//! Execs that are no news: what user space would have learned from their records.
//!
//! A report about a process tells its program, arguments and working directory, and its
//! ancestors. User space keeps them by the id of the image (one exec of one program), and
//! learns them from the record of the exec; where that is held back, the record waits here
//! under the same id, for whoever asks. Most nobody asks for: user space does so when it reads
//! a record whose image it does not know, and then for the images that led to it.
//!
//! - **By the image's id**, which no two execs since the programs were loaded share: neither the
//!   number of a process that another one has by now nor one that executes again and again can
//!   mix two up.
//! - **Nothing is evicted.** An exec that finds no room, or is too long for an entry, is sent like
//!   any other, whatever is known of it. An old map of the least recently used would lose the
//!   arguments of just those that live longest: the parents. Nor can one container take the room of
//!   others: each has a [`share`], and sends what finds no room in that.
//! - **What nobody can ask for goes with its process**: no record by that image is in the ring, and
//!   no other image was issued by it. That is so of most programs that a shell runs, and user
//!   space never hears of them. As soon as one of the two happens, the entry is [`want`]ed, and
//!   stays when the process ends; user space takes it or takes it out, once a second. That mark
//!   only ever goes from 0 to 1, so two that write it at a time agree.
//!
//! Held back are only execs whose verdict falls by what the key covers alone. A program that is
//! not from the image (the upper layer, a volume, a memory file, a removed file, or nobody can say)
//! is one whose content may be another each time: it is always sent. So is what the runtime
//! does, the exec of a process that has left its container, and a path that is not whole.

use crate::emit::lost;
use crate::maps::{self, Scratch};
use crate::share;
use aya_ebpf::bindings::BPF_NOEXIST;
use core::hint::black_box;
use core::mem::offset_of;
use lapwing_abi::ids::{Class, Loss, Origin, Phase};
use lapwing_abi::record::Header;
use lapwing_abi::share::table;
use lapwing_abi::state::IMAGE_WORDS;

/// One entry: the record of an exec, and behind it whatever.
pub type Image = [u64; IMAGE_WORDS];

/// Keeps the record of an exec, if it may be held back and there is room. Answers whether it did.
#[inline(always)]
pub fn keep(scratch: *const Scratch, len: usize, header: &Header, class: Class) -> bool {
    if header.wanted != 0
        || header.origin != Origin::Image.raw()
        || header.phase <= Phase::Runtime.raw()
        || class.raw() != Class::Exec.raw()
        || len > size_of::<Image>()
    {
        return false;
    }
    let home = black_box(header.cgroup);
    if share::claim(home, table::IMAGES) == 0 {
        return false;
    }
    let id = black_box(header.exec);
    // SAFETY: the buffer is longer than an entry and aligned to 8; any bytes are a valid one.
    let record = unsafe { &*(&raw const (*scratch).bytes).cast::<Image>() };
    if maps::IMAGES
        .insert(&id, record, u64::from(BPF_NOEXIST))
        .is_err()
    {
        share::release(home, table::IMAGES);
        lost(Loss::ImageTableFull);
        return false;
    }
    true
}

/// Takes out what was kept of a container: the record is sent after all.
#[inline(always)]
pub fn forget(id: u64, home: u64) {
    let id = black_box(id);
    if maps::IMAGES.remove(&id).is_ok() {
        share::release(home, table::IMAGES);
    }
}

/// Something refers to an image that will be there when its process is not: a record, or another
/// image.
#[inline(always)]
pub fn want(id: u64) {
    let id = black_box(id);
    if let Some(image) = maps::IMAGES.get_ptr_mut(&id) {
        // SAFETY: the map gave the pointer, an entry is longer than a header, and every writer
        // writes the same.
        unsafe { mark(image).write_volatile(1) };
    }
}

/// A process of a container that ran an image has ended.
#[inline(always)]
pub fn ended(id: u64, home: u64) {
    let id = black_box(id);
    if let Some(image) = maps::IMAGES.get_ptr_mut(&id) {
        // SAFETY: as in `want`.
        if unsafe { mark(image).read_volatile() } == 0 {
            forget(id, home);
        }
    }
}

/// Where an entry says whether it is wanted.
#[inline(always)]
fn mark(image: *mut Image) -> *mut u8 {
    // SAFETY: an entry is longer than a header.
    unsafe { image.cast::<u8>().add(offset_of!(Header, wanted)) }
}

const _: () = assert!(size_of::<Image>() > size_of::<Header>());
const _: () = assert!(offset_of!(Scratch, bytes).is_multiple_of(8));
