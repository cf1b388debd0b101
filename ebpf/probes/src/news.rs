//! The way of a record out of the kernel, if it is news.
//!
//! In this order: its key is made ([`identity`]); if the behaviour was judged already it
//! is counted and goes no further ([`seen`]; of an exec the record is kept for whoever asks,
//! [`images`]); the container's allowance and the room in the ring are asked ([`budget`]);
//! what only a reader needs is filled in; and once the record is in the ring, that is noted
//! under its key.
//!
//! Each step is a function of its own that takes a number and reads the rest from the
//! buffer. The verifier follows such a global function once for each program (since Linux
//! 5.6), where it would follow inlined code once for each of the many ways in which the
//! walk of a path can end.

use crate::kernel::{self, Kptr};
use crate::maps::{self, SCRATCH_REACH, Scratch};
use crate::{budget, class, identity, images, process, seen};
use aya_ebpf::helpers;
use core::hint::black_box;
use lapwing_abi::fields::Field;
use lapwing_abi::ids::{Class, Kind, Loss};
use lapwing_abi::record::Header;
use lapwing_abi::state::verdict;

/// Bytes that the ring puts before each record, and rounds it up by.
const RING_HEADER: u64 = 16;

/// Puts a record into the ring, if the container may send it. With a `patience` of
/// [`budget::PATIENT`] instead of 0 it may wait there. Answers whether it is there; if not, that is
/// counted.
#[inline(always)]
pub fn put(home: u64, class: Class, patience: u32, now: u64, record: &[u8]) -> bool {
    let len = record.len() as u64 + RING_HEADER;
    let flags = budget::admit(home, class.raw() | patience, len, now);
    if flags == budget::REFUSED {
        return false;
    }
    if maps::BEHAVIOUR.output::<[u8]>(record, flags).is_err() {
        budget::lost_of(home, Loss::BehaviourRingFull, class);
        return false;
    }
    true
}

/// What a step answers of a record that is no news.
const KNOWN: u32 = u32::MAX;

/// Sends the record that the running task has built in a buffer of this processor, if it is news.
/// Answers whether it is sent, or need not be; what is lost is counted.
///
/// In steps one after the other and not one inside the other: all that are open at a time share
/// 512 bytes of stack with the caller.
#[inline(always)]
pub fn deliver(slot: u32) -> bool {
    identify(slot);
    noted(slot, ship(slot))
}

/// As [`deliver`], of a record that has its key.
#[inline(always)]
pub fn deliver_identified(slot: u32) -> bool {
    noted(slot, ship(slot))
}

/// As [`deliver`], of a record without sections.
#[inline(always)]
pub fn deliver_plain(slot: u32) -> bool {
    noted(slot, ship_plain(slot))
}

#[inline(always)]
fn noted(slot: u32, sent: u32) -> bool {
    if sent != 0 && sent != KNOWN {
        note(slot, sent - 1);
    }
    sent != 0
}

#[inline(always)]
fn built(slot: u32) -> Option<(Built, &'static mut Header)> {
    let scratch = maps::SCRATCH.get_ptr_mut(slot & (maps::SCRATCH_SLOTS - 1))?;
    // SAFETY: the map gave the pointer; the bytes are longer than a header, aligned to 8, and any
    // bytes are a valid one.
    let header = unsafe { &mut *(&raw mut (*scratch).bytes).cast::<Header>() };
    Some((Built { scratch, slot }, header))
}

/// Makes the record's key. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn identify(slot: u32) -> u32 {
    if let Some((built, header)) = built(slot) {
        header.key = identity::of(built, header);
    }
    0
}

/// Sends the record. Answers its class and one if it is in the ring, [`KNOWN`], or 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn ship(slot: u32) -> u32 {
    match built(slot) {
        Some((built, header)) => built.ship(header, class::of(built, header)),
        None => 0,
    }
}

/// As [`ship`], of a record without sections, whose key it makes.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn ship_plain(slot: u32) -> u32 {
    match built(slot) {
        Some((built, header)) => {
            header.key = identity::plain(header);
            built.ship(header, class::plain(header))
        }
        None => 0,
    }
}

/// Notes that the record is in the ring, unless another task took the buffer meanwhile: then it is
/// sent once more. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn note(slot: u32, class: u32) -> u32 {
    if let Some((built, header)) = built(slot)
        && header.key != 0
        && built.is_ours()
    {
        let class = Class::from_raw(class).unwrap_or(Class::File);
        seen::sent(header.cgroup, header.key, header.time, class);
    }
    0
}

/// The header of the record that the running task has sent last, unless another task took the
/// buffer.
#[inline(always)]
pub fn last() -> Option<&'static mut Header> {
    let slot = crate::emit::slot(helpers::bpf_get_current_pid_tgid());
    let scratch = maps::SCRATCH.get_ptr_mut(slot)?;
    if !(Built { scratch, slot }).is_ours() {
        return None;
    }
    // SAFETY: as above.
    Some(unsafe { &mut *(&raw mut (*scratch).bytes).cast::<Header>() })
}

/// A record in a buffer, whole but for what is filled in last.
#[derive(Clone, Copy)]
pub struct Built {
    scratch: *mut Scratch,
    /// Which buffer it is.
    pub slot: u32,
}

impl Built {
    #[inline(always)]
    fn ship(self, header: &mut Header, class: Class) -> u32 {
        let (home, now, is_exec) = (header.cgroup, header.time, header.kind == Kind::Exec.raw());
        // A key of mixed bytes could be another behaviour's.
        if !self.is_ours() {
            if is_exec {
                process::runs(header.pid, 0);
            }
            budget::lost_of(home, Loss::ScratchTaken, class);
            return 0;
        }
        let key = header.key;
        let mut patience = 0;
        if is_exec {
            // Kept first: what is counted must not be sent.
            if key != 0 && images::keep(self.scratch, self.len(), header, class) {
                if seen::is_known(home, key, now) != 0 {
                    return KNOWN;
                }
                images::forget(header.exec, home);
            } else if key != 0 && seen::says(home, key) == verdict::KNOWN {
                patience = budget::PATIENT;
            }
        } else {
            if key != 0 && seen::is_known(home, key, now) != 0 {
                return KNOWN;
            }
            images::want(header.exec);
        }
        complete(header);
        let len = self.len() & (SCRATCH_REACH - 1);
        // SAFETY: `len` is below SCRATCH_REACH, inside the value.
        let bytes = unsafe {
            core::slice::from_raw_parts((&raw const (*self.scratch).bytes).cast::<u8>(), len)
        };
        if put(home, class, patience, now, bytes) {
            class.raw() + 1
        } else {
            0
        }
    }

    /// Notes how many bytes of an exec's arguments tell the invoked name.
    #[inline(always)]
    pub fn tells(self, bytes: u32) {
        // SAFETY: the map gave the pointer.
        unsafe { (&raw mut (*self.scratch).told).write_volatile(bytes.into()) };
    }

    /// Bytes of the record.
    #[inline(always)]
    pub fn len(self) -> usize {
        // SAFETY: the map gave the pointer.
        unsafe { (&raw const (*self.scratch).len).read_volatile() as usize }
    }

    /// The address of a byte. READ_MAX bytes follow it, whatever the place.
    #[inline(always)]
    pub fn at(self, at: usize) -> *mut u8 {
        let at = black_box(at) & (SCRATCH_REACH - 1);
        // SAFETY: `at` is below SCRATCH_REACH, and READ_MAX bytes follow that.
        unsafe { (&raw mut (*self.scratch).bytes).cast::<u8>().add(at) }
    }

    /// The last eight bytes of a section; zeros stand before a shorter one.
    #[inline(always)]
    pub fn end_of(self, start: usize, len: usize) -> u64 {
        let word: u64 = Kptr(self.at(start + len - 8) as u64).read();
        match len {
            0 => 0,
            1..8 => {
                let missing = 8 * (8 - len as u32);
                word >> missing << missing
            }
            _ => word,
        }
    }

    /// The first eight bytes of a section.
    #[inline(always)]
    pub fn start_of(self, start: usize) -> u64 {
        Kptr(self.at(start) as u64).read()
    }

    /// Whether the bytes are still those of this task's record. If not, who took the buffer is told
    /// that its bytes may be mixed.
    #[inline(always)]
    fn is_ours(self) -> bool {
        // SAFETY: the map gave the pointer.
        let owner = unsafe { (&raw const (*self.scratch).owner).read_volatile() };
        if owner == helpers::bpf_get_current_pid_tgid() {
            return true;
        }
        // SAFETY: as above.
        unsafe { (&raw mut (*self.scratch).owner).write_volatile(0) };
        false
    }
}

/// Fills in what only a reader needs.
#[inline(always)]
pub fn complete(header: &mut Header) {
    let user = helpers::bpf_get_current_uid_gid();
    let credentials = kernel::current_task().follow(Field::TaskCred);
    header.uid = user as u32;
    header.gid = (user >> 32) as u32;
    header.euid = credentials.get(Field::CredEuid);
    header.egid = credentials.get(Field::CredEgid);
    header.capabilities = credentials.get(Field::CredCapabilities);
}
