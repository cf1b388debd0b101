//! Building a record; [`news`] sends it, or counts why not.

use crate::kernel::{self, Kptr};
use crate::maps::{self, SCRATCH_REACH, Scratch};
use crate::news;
use aya_ebpf::bindings::BPF_RB_NO_WAKEUP;
use aya_ebpf::helpers;
use aya_ebpf::maps::RingBuf;
use core::hint::black_box;
use lapwing_abi::ABI_VERSION;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Kind, Loss};
use lapwing_abi::record::{HEADER_LEN, Header, SECTIONS};
use lapwing_abi::state::Process;

/// Counts a loss.
#[inline(always)]
pub fn lost(reason: Loss) {
    if let Some(count) = maps::LOSSES.get_ptr_mut(reason.raw()) {
        // SAFETY: the slot belongs to this CPU; a count that a preempting task overwrites is
        // off by one at worst.
        unsafe { *count += 1 };
    }
}

/// Counts that a row fired for a traced process.
#[inline(always)]
pub fn hit(row: Row) {
    if let Some(counts) = maps::HITS.get_ptr_mut(row as u32) {
        // SAFETY: as in `lost`.
        unsafe { (*counts)[0] += 1 };
    }
}

/// Counts the same, and that the behaviour was known again.
#[inline(always)]
pub fn recalled(row: Row) {
    if let Some(counts) = maps::HITS.get_ptr_mut(row as u32) {
        // SAFETY: as in `lost`.
        unsafe {
            (*counts)[0] += 1;
            (*counts)[1] += 1;
        }
    }
}

/// Counts that a behaviour was known again, of which it was counted that the row fired.
#[inline(always)]
pub fn again(row: Row) {
    if let Some(counts) = maps::HITS.get_ptr_mut(row as u32) {
        // SAFETY: as in `lost`.
        unsafe { (*counts)[1] += 1 };
    }
}

/// A header with what is the same for all kinds, of the hook that sends it. Until it is sent, its key is the program that
/// acts; who acts, beyond that, is filled in when it is news.
#[inline(always)]
pub fn header(row: Row, kind: Kind, process: &Process, flags: u32) -> Header {
    let (pid, tid) = kernel::current_ids();
    Header {
        abi: ABI_VERSION,
        hook: row.raw(),
        kind: kind.raw(),
        phase: process.phase as u8,
        flags,
        time: kernel::now(),
        cgroup: process.cgroup,
        exec: process.exec,
        issuer: process.issuer,
        start: process.start,
        pid,
        tid,
        container_pid: process.container_pid,
        parent_pid: process.parent_pid,
        key: process.image,
        ..Header::default()
    }
}

/// Sends a record that has no sections, if it is news. Answers whether it was sent, or need not be.
#[inline(always)]
pub fn send(header: &Header) -> bool {
    match Builder::new() {
        Some(builder) => {
            builder.write(header);
            news::deliver_plain(slot(builder.owner))
        }
        None => {
            lost(Loss::ScratchTaken);
            false
        }
    }
}

/// A record with sections, built in a buffer of this CPU.
///
/// On kernels that preempt programs, two tasks can meet in one buffer. The
/// later one takes it over; the earlier one finds another owner when it is done,
/// takes the ownership away (so that the later one knows that its bytes may be
/// mixed) and counts its own record as lost.
pub struct Builder {
    scratch: *mut Scratch,
    owner: u64,
    section: usize,
    begun: usize,
    sections: [u16; SECTIONS],
}

impl Builder {
    /// Takes a buffer.
    #[inline(always)]
    pub fn new() -> Option<Self> {
        let owner = helpers::bpf_get_current_pid_tgid();
        let scratch = maps::SCRATCH.get_ptr_mut(slot(owner))?;
        // SAFETY: the map gave the pointer; writes stay inside the value.
        unsafe { (&raw mut (*scratch).owner).write_volatile(owner) };
        // SAFETY: as above.
        unsafe { (&raw mut (*scratch).len).write_volatile(HEADER_LEN as u64) };
        Some(Self {
            scratch,
            owner,
            section: 0,
            begun: HEADER_LEN,
            sections: [0; SECTIONS],
        })
    }

    /// The buffer that this task has taken already, for a function that is called while a record
    /// is built: what such a one appends, the caller finds in the buffer.
    #[inline(always)]
    pub fn resume() -> Option<Self> {
        let owner = helpers::bpf_get_current_pid_tgid();
        let scratch = maps::SCRATCH.get_ptr_mut(slot(owner))?;
        Some(Self {
            scratch,
            owner,
            section: 0,
            begun: HEADER_LEN,
            sections: [0; SECTIONS],
        })
    }

    /// Bytes used so far, header included.
    #[inline(always)]
    pub fn len(&self) -> usize {
        // SAFETY: as in `new`.
        unsafe { (&raw const (*self.scratch).len).read_volatile() as usize }
    }

    /// Lets `write` put up to READ_MAX bytes at the end; it answers how many, or an error
    /// below 0, upon which nothing is appended.
    #[inline(always)]
    pub fn append(&mut self, write: impl FnOnce(*mut u8) -> i64) -> i64 {
        // The mask must stand in the code, for the verifier: hide from the compiler that
        // the length is in range already.
        let len = self.len();
        let at = black_box(len) & (SCRATCH_REACH - 1);
        // SAFETY: `at` is below SCRATCH_REACH, and READ_MAX bytes follow that.
        let written = write(unsafe { (&raw mut (*self.scratch).bytes).cast::<u8>().add(at) });
        // Nothing if negative: the sign bit, spread over the word, masks it out without a branch.
        let added = written & !black_box(written >> 63);
        // SAFETY: as in `new`.
        unsafe { (&raw mut (*self.scratch).len).write_volatile(len as u64 + added as u64) };
        written
    }

    /// Nothing covers the place that a walk has reached: it has a name.
    #[inline(always)]
    pub fn uncover(&mut self) {
        // SAFETY: as in `new`.
        unsafe { (&raw mut (*self.scratch).cover).write_volatile(0) };
    }

    /// A walk has reached the root of a mount, which covers what it is mounted on, unless a mount
    /// on top of it does.
    #[inline(always)]
    pub fn cover(&mut self, mnt: Kptr) {
        let known = self.covering().0;
        // All ones if there is one: a choice without a branch, for the verifier.
        let is_known = black_box(((known | known.wrapping_neg()) as i64 >> 63) as u64);
        let cover = known | mnt.0 & !is_known;
        // SAFETY: as in `new`.
        unsafe { (&raw mut (*self.scratch).cover).write_volatile(cover) };
    }

    /// The mount whose root covers the place that a walk has reached.
    #[inline(always)]
    pub fn covering(&self) -> Kptr {
        // SAFETY: as in `new`.
        Kptr(unsafe { (&raw const (*self.scratch).cover).read_volatile() })
    }

    /// The same value, of which the verifier no longer knows what it is: where branches gave it
    /// different constants, what follows is checked once instead of once for each.
    #[inline(always)]
    pub fn forget(&mut self, value: u32) -> u32 {
        // SAFETY: as in `new`.
        unsafe {
            (&raw mut (*self.scratch).value).write_volatile(value);
            (&raw const (*self.scratch).value).read_volatile()
        }
    }

    /// Ends the section that is being written; its bytes are all since the last call.
    #[inline(always)]
    pub fn end_section(&mut self) {
        if self.section < SECTIONS {
            self.sections[self.section] = (self.len() - self.begun) as u16;
        }
        self.section += 1;
        self.begun = self.len();
    }

    /// Writes the header. Written there and completed there: another copy on the stack would not
    /// fit.
    #[inline(always)]
    fn write(&self, header: &Header) {
        // SAFETY: the value is larger than a header and aligned to 8, the bytes follow an u64.
        unsafe {
            let to = (&raw mut (*self.scratch).bytes).cast::<Header>();
            to.write(*header);
            (&raw mut (*to).sections).write(self.sections);
        }
    }

    /// Puts what was appended into a ring of its own, behind a head of three words instead of a
    /// record's. Answers whether it is there: not if there is no room, or another task took the buffer.
    #[inline(always)]
    pub fn put(self, head: [u64; 3], ring: &RingBuf) -> bool {
        const START: usize = HEADER_LEN - size_of::<[u64; 3]>();
        // SAFETY: as in `new`.
        if unsafe { (&raw const (*self.scratch).owner).read_volatile() } != self.owner {
            // SAFETY: as above.
            unsafe { (&raw mut (*self.scratch).owner).write_volatile(0) };
            return false;
        }
        let len = black_box(self.len() - START) & (SCRATCH_REACH - 1);
        // SAFETY: the head stands before the bytes that were appended, aligned to 8; `len` is below
        // SCRATCH_REACH, and READ_MAX bytes follow that inside the value.
        let record = unsafe {
            let at = (&raw mut (*self.scratch).bytes).cast::<u8>().add(START);
            at.cast::<[u64; 3]>().write(head);
            core::slice::from_raw_parts(at, len)
        };
        ring.output::<[u8]>(record, u64::from(BPF_RB_NO_WAKEUP))
            .is_ok()
    }

    /// Sends the record, if it is news.
    #[inline(always)]
    pub fn send(self, header: &Header) {
        news::deliver(self.finish(header));
    }

    /// Ends the record. Answers which buffer it is in.
    #[inline(always)]
    pub fn finish(self, header: &Header) -> u32 {
        self.write(header);
        slot(self.owner)
    }
}

/// Which buffer a task takes, by its pid/tgid pair.
#[inline(always)]
pub fn slot(owner: u64) -> u32 {
    owner as u32 & (maps::SCRATCH_SLOTS - 1)
}

/// Reads `len` bytes (at most `max`, a power of two) from the caller's memory to the end.
/// Answers how many there were, or an error below 0.
#[inline(always)]
pub fn append_user(builder: &mut Builder, from: Kptr, len: u64, max: u64) -> i64 {
    builder.append(|at| {
        let len = black_box(if len < max { len } else { max - 1 }) & (max - 1);
        // SAFETY: at most READ_MAX bytes, checked by the mask; the helper checks the address.
        let failed = unsafe {
            helpers::generated::bpf_probe_read_user(at.cast(), len as u32, from.0 as *const _)
        };
        if failed < 0 { failed } else { len as i64 }
    })
}
