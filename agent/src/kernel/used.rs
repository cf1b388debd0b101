//! The recording of system calls, from this side: see `hooks::used` in the kernel programs.
//!
//! The map is looked at and not listened to, so no call that was seen can be lost on the way. What the
//! kernel may skip is a run of the program while another waits on the same processor, of which it keeps
//! count; a call that is made more than once is not missed by that.

use super::load::{FOREIGN_OBJECT, Kernel};
use super::programs;
use super::refusal::{Because, Cause, because, explain};
use super::sensor::Settings;
use super::sys;
use super::tables::take;
use anyhow::{Context, Result};
use aya::Ebpf;
use aya::maps::{HashMap, IterableMap, MapData};
use aya::programs::{ProgramFd, RawTracePoint};
use lapwing_abi::hooks::used::VARIANT;
use lapwing_abi::used::{BYTES, CALLS, Entry, WORDS};
use lapwing_profile::syscalls::{Sets, Table};
use rustix::fd::AsFd;

/// Of a map: only where there is no such key, include/uapi/linux/bpf.h.
const BPF_NOEXIST: u64 = 1;
/// Containers that are recorded at a time at most: for each the kernel keeps 4 KiB, from the start.
pub const CONTAINERS_MAX: u32 = 1_024;

/// How many are, with such settings: of each the cgroup is known too.
#[must_use]
pub const fn containers(settings: &Settings<'_>) -> u32 {
    if !settings.syscalls || settings.trial {
        return 1;
    }
    let some = settings.cgroups / 4;
    if some < CONTAINERS_MAX {
        some
    } else {
        CONTAINERS_MAX
    }
}

/// What became of the recording.
#[derive(Debug)]
pub enum Recording {
    /// Nobody wants it.
    Off,
    /// Its program is attached; in a trial only loaded.
    On,
    /// The kernel refuses it.
    Refused(Because),
}

/// Loads the program, and attaches it but in a trial.
pub fn start(kernel: &Kernel<'_>, ebpf: &mut Ebpf) -> Recording {
    let mut attach = || -> Result<(), Because> {
        if let Some(error) = kernel.offsets.lack(VARIANT.needs) {
            return Err(because(Cause::NoField, error.to_string()));
        }
        let Some(program) = ebpf.program_mut(VARIANT.program) else {
            return Err(because(Cause::NoField, FOREIGN_OBJECT.to_owned()));
        };
        let target = "sys_enter";
        programs::load(program, VARIANT.attach, target, kernel.aya_btf)
            .and_then(|()| match kernel.settings.trial {
                true => Ok(()),
                false => programs::attach(program, VARIANT.attach, target, None),
            })
            .map_err(|error| explain(Some(VARIANT.attach), &error))
    };
    match attach() {
        Ok(()) => Recording::On,
        Err(because) => Recording::Refused(because),
    }
}

/// The map of an attached recording.
pub struct UsedCalls {
    map: HashMap<MapData, u64, [u64; WORDS]>,
    program: ProgramFd,
    /// Containers that there is room for.
    room: u32,
    /// Runs that the kernel skipped, as far as was told.
    skipped: u64,
}

impl UsedCalls {
    /// Takes it out of an object whose recording is on.
    ///
    /// # Errors
    /// When the object lacks it.
    pub fn take(ebpf: &mut Ebpf) -> Result<Self> {
        let map: HashMap<MapData, u64, [u64; WORDS]> = take(ebpf, "CALLS_MADE")?.try_into()?;
        let room = map.map().info()?.max_entries();
        let program: &mut RawTracePoint = ebpf
            .program_mut(VARIANT.program)
            .context(FOREIGN_OBJECT)?
            .try_into()?;
        Ok(Self {
            map,
            program: program.fd()?.try_clone()?,
            room,
            skipped: 0,
        })
    }

    /// Containers that there is room for.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.room
    }

    /// The containers that have an entry, also of those that nobody wants to know of.
    #[must_use]
    pub fn homes(&self) -> Vec<u64> {
        // What cannot be read is there the next time.
        self.map.keys().filter_map(Result::ok).collect()
    }

    /// What a container called; `None` where it has no entry.
    #[must_use]
    pub fn calls(&self, home: u64) -> Option<Sets> {
        self.map.get(&home, 0).ok().map(|words| sets(&words))
    }

    /// Whether a container is recorded. Answers whether there was room to say so.
    pub fn want(&mut self, home: u64, wanted: bool) -> bool {
        let known = self.map.get(&home, 0);
        let is_off = known.as_ref().is_ok_and(|words| words[0] != 0);
        if known.is_ok() && is_off != wanted {
            return true;
        }
        let mut words = [0; WORDS];
        words[0] = u64::from(!wanted);
        if known.is_ok() {
            return self.map.insert(home, words, 0).is_ok();
        }
        // The kernel side may have made one since, which records.
        self.map.insert(home, words, BPF_NOEXIST).is_ok()
            || wanted && self.map.get(&home, 0).is_ok()
    }

    /// Forgets a container.
    pub fn forget(&mut self, home: u64) {
        // It may have made no call.
        let _ = self.map.remove(&home);
    }

    /// Whether the kernel skipped runs of the program since the last call.
    pub fn take_skipped(&mut self) -> bool {
        let skipped = sys::skipped(self.program.as_fd()).unwrap_or_default();
        std::mem::replace(&mut self.skipped, skipped) < skipped
    }
}

/// The calls that bytes tell of.
fn sets(words: &[u64; WORDS]) -> Sets {
    let bytes: Vec<u8> = words[1..]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let mut sets = Sets::new();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        let entered = at >= BYTES / 2;
        let at = at as u32 % CALLS;
        for entry in Entry::ALL {
            let (base, len) = entry.range();
            if (base..base + len).contains(&at) {
                let key = (table(*entry), entered);
                sets.entry(key).or_default().insert((at - base) as u16);
            }
        }
    }
    sets
}

/// Whose numbers the calls of this machine have.
const fn table(entry: Entry) -> Table {
    let is_arm = cfg!(target_arch = "aarch64");
    match (entry, is_arm) {
        (Entry::Native, false) => Table::X86_64,
        (Entry::Compat, false) => Table::I386,
        (Entry::X32, _) => Table::X32,
        (Entry::Native, true) => Table::Aarch64,
        (Entry::Compat, true) => Table::Arm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_abi::used::{BEYOND, BEYOND_X32, index};

    #[test]
    fn each_byte_is_the_call_that_set_it() {
        let made = [
            (Entry::Native, 0, false, 0),
            (Entry::Native, 511, false, BEYOND),
            (Entry::Native, u64::from(u32::MAX), true, BEYOND),
            (Entry::Compat, 0, false, 0),
            (Entry::Compat, 102, true, 102),
            (Entry::X32, 520, false, 520),
            (Entry::X32, 0x3fff_ffff, true, BEYOND_X32),
        ];
        let mut bytes = [0_u8; BYTES];
        let mut wanted = Sets::new();
        for (entry, number, entered, kept) in made {
            bytes[index(entry, number, entered) as usize] = 1;
            let key = (table(entry), entered);
            wanted.entry(key).or_default().insert(kept as u16);
        }
        let mut words = [0; WORDS];
        for (word, bytes) in words[1..].iter_mut().zip(bytes.chunks(8)) {
            *word = u64::from_le_bytes(bytes.try_into().unwrap());
        }
        assert_eq!(sets(&words), wanted);
    }
}
