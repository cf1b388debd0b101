//! Building a record and sending it, or counting why it was not sent.
//!
//! A record on its way out passes, in this order: its key is made ([`identity`]); if
//! the behaviour was judged already it is counted and goes no further ([`seen`]); the
//! container's allowance and the room in the ring are asked ([`budget`]); what only a
//! reader needs is filled in; and once it is in the ring, that is noted under its key.

use crate::class;
use crate::kernel::{self, Kptr};
use crate::maps::{self, SCRATCH_REACH, Scratch};
use crate::{budget, identity, seen};
use aya_ebpf::helpers;
use core::hint::black_box;
use lapwing_abi::ABI_VERSION;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Class, Kind, Loss};
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
    if let Some(count) = maps::HITS.get_ptr_mut(row as u32) {
        // SAFETY: as in `lost`.
        unsafe { *count += 1 };
    }
}

/// A header with what is the same for all kinds. Until it is sent, its key is the program that
/// acts; who acts, beyond that, is filled in when it is news.
#[inline(always)]
pub fn header(kind: Kind, process: &Process, flags: u32) -> Header {
    let (pid, tid) = kernel::current_ids();
    Header {
        abi: ABI_VERSION,
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

/// Fills in what only a reader needs.
#[inline(always)]
fn complete(header: &mut Header) {
    let user = helpers::bpf_get_current_uid_gid();
    let credentials = kernel::current_task().follow(Field::TaskCred);
    header.uid = user as u32;
    header.gid = (user >> 32) as u32;
    header.euid = credentials.get(Field::CredEuid);
    header.egid = credentials.get(Field::CredEgid);
    header.capabilities = credentials.get(Field::CredCapabilities);
}

/// Puts a record into the ring, and notes that.
#[inline(always)]
fn deliver(header: &Header, class: Class, bytes: &[u8], flags: u64) {
    if maps::BEHAVIOUR.output::<[u8]>(bytes, flags).is_err() {
        budget::lost_of(header.cgroup, Loss::BehaviourRingFull, class);
    } else if header.key != 0 {
        seen::sent(header.cgroup, header.key, header.time, class);
    }
}

/// Sends a record that has no sections, if it is news.
#[inline(always)]
pub fn send(header: &Header) {
    let mut header = *header;
    header.key = identity::plain(&header, header.key);
    if header.key != 0 && seen::is_known(header.cgroup, header.key, header.time) {
        return;
    }
    let class = class::plain(&header);
    let len = HEADER_LEN as u64 + RING_HEADER;
    let Some(flags) = budget::admit(header.cgroup, class, len, header.time) else {
        return;
    };
    complete(&mut header);
    // SAFETY: a Header is plain integers without padding, alive for the call.
    let bytes = unsafe {
        core::slice::from_raw_parts(core::ptr::from_ref(&header).cast::<u8>(), HEADER_LEN)
    };
    deliver(&header, class, bytes, flags);
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
        let scratch = maps::SCRATCH.get_ptr_mut(owner as u32 & (maps::SCRATCH_SLOTS - 1))?;
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

    /// The address of a byte. READ_MAX bytes follow it, whatever the place.
    #[inline(always)]
    pub fn at(&mut self, at: usize) -> *mut u8 {
        let at = black_box(at) & (SCRATCH_REACH - 1);
        // SAFETY: `at` is below SCRATCH_REACH, and READ_MAX bytes follow that.
        unsafe { (&raw mut (*self.scratch).bytes).cast::<u8>().add(at) }
    }

    /// The address of the first section.
    #[inline(always)]
    pub fn sections(&self) -> *const u8 {
        // SAFETY: the value is longer than a header.
        unsafe { (&raw const (*self.scratch).bytes).cast::<u8>().add(HEADER_LEN) }
    }

    /// The last eight bytes of a section; zeros stand before a shorter one.
    #[inline(always)]
    pub fn end_of(&mut self, start: usize, len: usize) -> u64 {
        let word: u64 = Kptr(self.at(start + len - 8) as u64).read();
        let missing = if len < 8 { 8 * (8 - len as u32) } else { 0 };
        // More than 63 is no shift.
        if len == 0 { 0 } else { word >> missing << missing }
    }

    /// The first eight bytes of a section.
    #[inline(always)]
    pub fn start_of(&mut self, start: usize) -> u64 {
        Kptr(self.at(start) as u64).read()
    }

    /// Notes where the last part of an argument starts.
    #[inline(always)]
    pub fn set_part(&mut self, part: u32) {
        // SAFETY: as in `new`.
        unsafe { (&raw mut (*self.scratch).part).write_volatile(part) };
    }

    /// Where that is.
    #[inline(always)]
    pub fn part(&self) -> u32 {
        // SAFETY: as in `new`.
        unsafe { (&raw const (*self.scratch).part).read_volatile() }
    }

    /// Whether the bytes are still those of this record. If not, who took the buffer is told that
    /// its bytes may be mixed.
    #[inline(always)]
    fn is_ours(&self) -> bool {
        // SAFETY: as in `new`.
        if unsafe { (&raw const (*self.scratch).owner).read_volatile() } == self.owner {
            return true;
        }
        // SAFETY: as in `new`.
        unsafe { (&raw mut (*self.scratch).owner).write_volatile(0) };
        false
    }

    /// Sends the record, if it is news.
    #[inline(always)]
    pub fn send(mut self, header: &Header) {
        let image = header.key;
        let mut header = Header {
            sections: self.sections,
            ..*header
        };
        header.key = identity::of(&mut self, &header, image);
        let class = class::of(&mut self, &header);
        // A key of mixed bytes could be another behaviour's.
        if !self.is_ours() {
            if header.kind == Kind::Exec.raw() {
                crate::process::runs(header.pid, 0);
            }
            budget::lost_of(header.cgroup, Loss::ScratchTaken, class);
            return;
        }
        if header.key != 0
            && header.kind != Kind::Exec.raw()
            && seen::is_known(header.cgroup, header.key, header.time)
        {
            return;
        }
        let len = black_box(self.len()) & (SCRATCH_REACH - 1);
        let room = len as u64 + RING_HEADER;
        let Some(flags) = budget::admit(header.cgroup, class, room, header.time) else {
            return;
        };
        complete(&mut header);
        // SAFETY: the value is larger than a header and aligned to 8, the bytes follow an u64.
        unsafe {
            (&raw mut (*self.scratch).bytes)
                .cast::<Header>()
                .write(header);
        };
        if !self.is_ours() {
            budget::lost_of(header.cgroup, Loss::ScratchTaken, class);
            return;
        }
        // SAFETY: `len` is below SCRATCH_REACH, inside the value.
        let bytes = unsafe {
            core::slice::from_raw_parts((&raw const (*self.scratch).bytes).cast::<u8>(), len)
        };
        deliver(&header, class, bytes, flags);
    }
}

/// Bytes that the ring puts before each record, and rounds it up by.
const RING_HEADER: u64 = 16;

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
