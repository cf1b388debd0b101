//! Peers of the network that were judged lately.
//!
//! The key of such a behaviour is a hash of a few words and of nothing else, so what
//! stands here can never be wrong: all those words, and the key they gave. Comparing them
//! costs a tenth of the hash, and no record has to be built. Whether the behaviour may be
//! held back is asked of [`seen`] each time, and it is counted there.

use super::guard::{self, Guard};
use crate::maps::{self, RECALLED};
use crate::{kernel, news, process, seen};
use lapwing_abi::ids::{Family, Kind};
use lapwing_abi::record::Header;
use lapwing_abi::state::{Process, cgroup_state};

/// A peer of a program.
#[repr(C)]
pub struct Peer {
    guard: Guard,
    image: u64,
    who: Contacted,
    key: u64,
}

/// What is asked for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Contacted {
    /// The family, the protocol, and the port.
    pub how: u64,
    /// The address.
    pub address: [u64; 2],
}

impl Contacted {
    /// Port in the machine's order.
    #[inline(always)]
    pub fn new(family: Family, protocol: u8, port: u16, address: [u64; 2]) -> Self {
        let how = u64::from(family.raw()) | u64::from(protocol) << 8 | u64::from(port) << 16;
        Self { how, address }
    }

    #[inline(always)]
    fn with(self, process: *const Process) -> (u64, u64) {
        // SAFETY: the map gave the pointer.
        let (image, phase) = unsafe {
            (
                (&raw const (*process).image).read_volatile(),
                (&raw const (*process).phase).read_volatile(),
            )
        };
        (image, self.how | u64::from(phase) << 32)
    }
}

/// Where it stands, if it does: a factor without a pattern spreads what differs over the top bits.
#[inline(always)]
fn entry(image: u64, how: u64, address: [u64; 2]) -> Option<*mut Peer> {
    let mixed = (image ^ how ^ address[0] ^ address[1]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    maps::PEERS.get_ptr_mut((mixed >> 40) as u32 & (RECALLED - 1))
}

/// Whether the running process addressed a peer that is no news; it is counted then.
#[inline(always)]
pub fn is_known(who: Contacted) -> bool {
    known(who).is_some()
}

#[inline(always)]
fn known(who: Contacted) -> Option<()> {
    let (pid, _) = kernel::current_ids();
    let process = maps::PROCESSES.get_ptr(&pid)?;
    let (image, how) = who.with(process);
    let entry = entry(image, how, who.address)?;
    let round = guard::round(entry.cast())?;
    // SAFETY: the map gave the pointers.
    let (is_same, key, home) = unsafe {
        (
            (&raw const (*entry).image).read_volatile() == image
                && (&raw const (*entry).who.how).read_volatile() == how
                && (&raw const (*entry).who.address[0]).read_volatile() == who.address[0]
                && (&raw const (*entry).who.address[1]).read_volatile() == who.address[1],
            (&raw const (*entry).key).read_volatile(),
            (&raw const (*process).cgroup).read_volatile(),
        )
    };
    // Of no program that is not known anything is held back.
    if !is_same || image == 0 || !guard::is_still(entry.cast(), round) {
        return None;
    }
    (seen::is_known(home, key, kernel::now()) != 0).then_some(())
}

/// Notes the key of the record that the running task just sent, which was about this peer.
#[inline(always)]
pub fn keep(who: Contacted) -> Option<()> {
    let header: *const Header = news::last()?;
    // SAFETY: it lies in a map's value; another task may take the buffer, which is asked below.
    let (kind, phase, key, home) = unsafe {
        (
            (&raw const (*header).kind).read_volatile(),
            (&raw const (*header).phase).read_volatile(),
            (&raw const (*header).key).read_volatile(),
            (&raw const (*header).cgroup).read_volatile(),
        )
    };
    news::last()?;
    // Of what is not a container yet, the phase in the record may not be that of the process.
    if kind != Kind::Egress.raw()
        || key == 0
        || process::cgroup(home).state != cgroup_state::CONTAINER
    {
        return None;
    }
    let (pid, _) = kernel::current_ids();
    let process = maps::PROCESSES.get_ptr(&pid)?;
    let (image, how) = who.with(process);
    if how >> 32 != u64::from(phase) {
        return None;
    }
    let entry = entry(image, how, who.address)?;
    guard::write(entry.cast(), || {
        let who = Contacted { how, ..who };
        // SAFETY: the map gave the pointer.
        unsafe {
            (&raw mut (*entry).image).write_volatile(image);
            (&raw mut (*entry).who).write_volatile(who);
            (&raw mut (*entry).key).write_volatile(key);
        }
    });
    Some(())
}
