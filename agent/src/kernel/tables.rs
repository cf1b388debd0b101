//! The maps shared with the programs, typed.

use super::fill::Meter;
use super::images::KeptImages;
use super::load::FOREIGN_OBJECT;
use super::seen::SeenMaps;
use super::shares::Shares;
use super::sys;
use crate::config::Sizes;
use anyhow::{Context, Result, anyhow};
use aya::Ebpf;
use aya::maps::{Array, HashMap, IterableMap, Map, MapData, PerCpuArray, RingBuf};
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::Loss;
use lapwing_abi::state::{Cgroup, LostKey, Process};
use rustix::fd::AsFd;

/// The maps and rings of a loaded object.
pub struct Tables {
    /// Cgroups by id.
    pub(super) cgroups: HashMap<MapData, u64, [u64; 2]>,
    /// The process tree by process id.
    pub(super) processes: HashMap<MapData, u32, [u64; 7]>,
    /// By row: how often, and how often of that known again.
    hits: PerCpuArray<MapData, [u64; 2]>,
    losses: PerCpuArray<MapData, u64>,
    /// By container, reason and class.
    lost: HashMap<MapData, [u64; 2], u64>,
    /// What of each container is no news.
    pub seen: SeenMaps,
    /// Execs that were none.
    pub images: KeptImages,
    /// Whether files that containers open are noted.
    inventory: Array<MapData, u64>,
    /// What each container may hold of the tables.
    pub(super) shares: Shares,
    /// How large they are.
    pub sizes: Sizes,
}

/// The rings.
pub struct Rings {
    /// Cgroups coming and going.
    pub lifecycle: RingBuf<MapData>,
    /// Behaviours.
    pub behaviour: RingBuf<MapData>,
    /// Files that containers use.
    pub uses: RingBuf<MapData>,
    /// How full they are.
    pub meter: Meter,
}

pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .ok_or_else(|| anyhow!("the object has no map {name}: it was built from other sources"))
}

fn data(ring: &Map) -> Result<&MapData> {
    match ring {
        Map::RingBuf(data) => Ok(data),
        _ => Err(anyhow!(FOREIGN_OBJECT)),
    }
}

/// Takes the maps out of an object that was loaded with these sizes.
///
/// # Errors
/// When the object lacks a map.
pub fn take_all(ebpf: &mut Ebpf, sizes: Sizes) -> Result<(Tables, Rings)> {
    let seen = SeenMaps::take(ebpf, sizes.behaviours)?;
    let images = KeptImages::take(ebpf)?;
    let [lifecycle, behaviour, uses] = [
        take(ebpf, "LIFECYCLE")?,
        take(ebpf, "BEHAVIOUR")?,
        take(ebpf, "USES")?,
    ];
    let meter = Meter::of([
        ("lifecycle", data(&lifecycle)?),
        ("behaviour", data(&behaviour)?),
        ("uses", data(&uses)?),
    ])?;
    Ok((
        Tables {
            cgroups: take(ebpf, "CGROUPS")?.try_into()?,
            processes: take(ebpf, "PROCESSES")?.try_into()?,
            hits: take(ebpf, "HITS")?.try_into()?,
            losses: take(ebpf, "LOSSES")?.try_into()?,
            lost: take(ebpf, "LOST")?.try_into()?,
            seen,
            images,
            inventory: take(ebpf, "INVENTORY")?.try_into()?,
            shares: Shares::of(sizes.processes, sizes.cgroups),
            sizes,
        },
        Rings {
            lifecycle: lifecycle.try_into()?,
            behaviour: behaviour.try_into()?,
            uses: uses.try_into()?,
            meter,
        },
    ))
}

impl Tables {
    /// What the kernel side knows of a cgroup.
    #[must_use]
    pub fn cgroup(&self, id: u64) -> Option<Cgroup> {
        self.cgroups.get(&id, 0).ok().map(Cgroup::from_words)
    }

    /// Judges a cgroup.
    ///
    /// # Errors
    /// When the table is full.
    pub fn set_cgroup(&mut self, id: u64, cgroup: Cgroup) -> Result<()> {
        self.cgroups
            .insert(id, cgroup.to_words(), 0)
            .with_context(|| format!("the table of cgroups is full, {id} stays unknown"))
    }

    /// Says whether files that containers open are noted. The kernel side says so itself when a cgroup
    /// is made.
    pub fn note_uses(&mut self, wanted: bool) {
        let is_on = self.inventory.get(&0, 0).is_ok_and(|on| on != 0);
        if is_on != wanted {
            // An array has room for its only entry.
            let _ = self.inventory.set(0, u64::from(wanted), 0);
        }
    }

    /// The cgroups that the kernel side has; what cannot be read of them is there the next time.
    #[must_use]
    pub fn cgroups(&self) -> Vec<u64> {
        let entries: Vec<(u64, [u64; 2])> =
            sys::entries(self.cgroups.map().fd().as_fd()).unwrap_or_default();
        entries.into_iter().map(|(id, _)| id).collect()
    }

    /// Forgets a cgroup that is gone.
    pub fn remove_cgroup(&mut self, id: u64) {
        // It may never have been there.
        let _ = self.cgroups.remove(&id);
    }

    /// Writes the entry of a process.
    ///
    /// # Errors
    /// When the table is full.
    pub fn set_process(&mut self, pid: u32, process: Process) -> Result<()> {
        self.processes
            .insert(pid, process.to_words(), 0)
            .with_context(|| format!("the table of processes is full, {pid} stays unknown"))
    }

    /// Forgets a process that is gone.
    pub fn remove_process(&mut self, pid: u32) {
        // The kernel side may have been faster.
        let _ = self.processes.remove(&pid);
    }

    /// The kernel's entry of a process.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<Process> {
        self.processes.get(&pid, 0).ok().map(Process::from_words)
    }

    /// All processes of the tree.
    pub fn processes(&self) -> impl Iterator<Item = (u32, Process)> {
        // What cannot be read is there the next time.
        let entries = sys::entries(self.processes.map().fd().as_fd()).unwrap_or_default();
        entries
            .into_iter()
            .map(|(pid, words)| (pid, Process::from_words(words)))
    }

    /// How often a row fired for a traced process since the start, and how often of that the
    /// behaviour was known again without a walk or a hash.
    #[must_use]
    pub fn hits(&self, row: Row) -> (u64, u64) {
        let Ok(counts) = self.hits.get(&(row as u32), 0) else {
            return (0, 0);
        };
        counts.iter().fold((0, 0), |(all, again), [one, known]| {
            (all + one, again + known)
        })
    }

    /// What was lost for a reason since the start.
    #[must_use]
    pub fn losses(&self, reason: Loss) -> u64 {
        self.losses
            .get(&reason.raw(), 0)
            .map_or(0, |counts| counts.iter().sum())
    }

    /// What was lost of containers since the start, or since it was [forgotten](Self::forget_lost).
    pub fn lost(&self) -> impl Iterator<Item = (LostKey, u64)> {
        self.lost
            .iter()
            .filter_map(Result::ok)
            .map(|([home, ids], count)| {
                let key = LostKey {
                    home,
                    reason: ids as u32,
                    class: (ids >> 32) as u32,
                };
                (key, count)
            })
    }

    /// Makes room.
    pub fn forget_lost(&mut self, key: LostKey) {
        let ids = u64::from(key.reason) | u64::from(key.class) << 32;
        // It was there a moment ago.
        let _ = self.lost.remove(&[key.home, ids]);
    }
}
