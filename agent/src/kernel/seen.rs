//! The maps of what is no news, one for each container: see `seen` in the kernel programs.
//!
//! The outer map refers to them by the container's cgroup. When one is taken out or put
//! in the place of another, the kernel waits until no program uses the old one
//! (`maybe_wait_bpf_programs`, kernel/bpf/syscall.c, since Linux 4.18): what is read of it
//! afterwards is final. They may have another size than the one in the object since
//! Linux 5.10 (commit 134fede4eecf).

use super::sys;
use super::tables::take;
use anyhow::{Context, Result};
use aya::Ebpf;
use aya::maps::{HashMap, HashOfMaps, IterableMap, MapData, MapError};
use aya::programs::{ProgramFd, RawTracePoint};
use lapwing_abi::key::FIRST_KEY;
use lapwing_abi::state::{
    BUDGET_WORDS, CAPABILITIES_MAX, CLASSES, CapabilityUser, DEVIATIONS, Seen, task,
};
use rustix::fd::AsFd;

type Inner = HashMap<MapData, u64, [u64; 4]>;

/// No cgroup's id.
const NOBODY: u64 = 0;

/// Makes a map for a container and puts it in, in the place of the one it may have.
fn put(
    outer: &mut HashOfMaps<MapData, u64, Inner>,
    home: u64,
    behaviours: u32,
) -> Result<Inner, MapError> {
    let mut inner = Inner::create(behaviours, 0)?;
    inner.insert(DEVIATIONS, [0; 4], 0)?;
    outer.insert(home, &inner, 0)?;
    Ok(inner)
}

/// What was remembered of one container.
pub type Entries = Vec<(u64, Seen)>;

/// The maps, and the program that changes them.
pub struct SeenMaps {
    outer: HashOfMaps<MapData, u64, Inner>,
    inner: std::collections::HashMap<u64, Inner>,
    pub(super) budgets: HashMap<MapData, u64, [u64; BUDGET_WORDS]>,
    capabilities: HashMap<MapData, CapabilityUser, u64>,
    program: ProgramFd,
    behaviours: u32,
}

impl SeenMaps {
    /// Takes them out of a loaded object.
    ///
    /// # Errors
    /// When the object lacks one, or the kernel refuses the program.
    pub fn take(ebpf: &mut Ebpf, behaviours: u32) -> Result<Self> {
        let outer = take(ebpf, "SEEN")?.try_into()?;
        let budgets = take(ebpf, "BUDGETS")?.try_into()?;
        let capabilities = take(ebpf, "CAPABILITIES")?.try_into()?;
        let mut outer: HashOfMaps<MapData, u64, Inner> = outer;
        // Else it would only be noticed by what it costs.
        if let Err(error) = put(&mut outer, NOBODY, behaviours) {
            tracing::warn!(
                "the kernel refuses maps for what is known of containers, so all that they do is sent each time: {:#}",
                anyhow::Error::from(error)
            );
        }
        let _ = outer.remove(&NOBODY);
        let program: &mut RawTracePoint = ebpf
            .program_mut("judged")
            .context("the object has no program judged: it was built from other sources")?
            .try_into()?;
        program
            .load()
            .context("the kernel refuses the program that takes verdicts")?;
        Ok(Self {
            outer,
            inner: std::collections::HashMap::new(),
            budgets,
            capabilities,
            program: program.fd()?.try_clone()?,
            behaviours,
        })
    }

    /// Behaviours that are remembered of each container at most.
    #[must_use]
    pub const fn behaviours(&self) -> u32 {
        self.behaviours
    }

    /// Containers that have a map.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The containers that have a map.
    pub fn homes(&self) -> impl Iterator<Item = u64> {
        self.inner.keys().copied()
    }

    /// Whether a container has a map.
    #[must_use]
    pub fn has(&self, home: u64) -> bool {
        self.inner.contains_key(&home)
    }

    /// Gives a container a map, empty and in the place of the one it may have. Answers what that
    /// one held in the end.
    ///
    /// # Errors
    /// When there is no room or memory; then the container has none, and all it does is sent.
    pub fn renew(&mut self, home: u64) -> Result<Entries> {
        let made = put(&mut self.outer, home, self.behaviours);
        self.forget_capabilities(home);
        match made {
            Ok(inner) => {
                let old = self.inner.insert(home, inner);
                Ok(old.map(|old| read(&old)).unwrap_or_default())
            }
            Err(error) => {
                let entries = self.close(home);
                if entries.is_empty() {
                    return Err(error).context("no room for what a container is known for");
                }
                Ok(entries)
            }
        }
    }

    /// What was in nobody's budget yet is none of ours: its allowance makes room.
    pub fn leave(&mut self, home: u64) {
        // Most never had one.
        let _ = self.budgets.remove(&home);
    }

    /// A container is gone. Answers what its map held in the end.
    pub fn close(&mut self, home: u64) -> Entries {
        let _ = self.outer.remove(&home);
        let _ = self.budgets.remove(&home);
        self.forget_capabilities(home);
        let old = self.inner.remove(&home);
        old.map(|old| read(&old)).unwrap_or_default()
    }

    /// Uses of capabilities are news again.
    fn forget_capabilities(&mut self, home: u64) {
        // A key that goes while they are gone through has it begin anew, which tells some twice.
        let keys = self.capabilities.keys().take(2 * CAPABILITIES_MAX as usize);
        let keys = keys.flatten();
        let ours: Vec<_> = keys.filter(|[cgroup, ..]| *cgroup == home).collect();
        for key in ours {
            let _ = self.capabilities.remove(&key);
        }
    }

    /// What is known of a container's behaviours now.
    #[must_use]
    pub fn entries(&self, home: u64) -> Entries {
        self.inner.get(&home).map(read).unwrap_or_default()
    }

    /// How often deviations of a container were held back.
    #[must_use]
    pub fn deviations(&self, home: u64) -> u64 {
        let inner = self.inner.get(&home);
        inner
            .and_then(|inner| inner.get(&DEVIATIONS, 0).ok())
            .map_or(0, |words| Seen::from_words(words).count)
    }

    /// Says what a behaviour is. Answers whether there was room for it.
    #[must_use]
    pub fn judge(&self, home: u64, key: u64, verdict: u64) -> bool {
        self.run([task::JUDGE, home, key, verdict])
    }

    /// Takes out an entry that was retired, unless it is news again.
    #[must_use]
    pub fn forget(&self, home: u64, key: u64) -> bool {
        self.run([task::FORGET, home, key, 0])
    }

    /// Says whether a container is compared with its profile.
    #[must_use]
    pub fn watch(&self, home: u64, watched: bool) -> bool {
        self.run([task::WATCH, home, u64::from(watched), 0])
    }

    /// How many uses of files of a container were sent, and shed.
    #[must_use]
    pub fn uses(&self, home: u64) -> (u64, u64) {
        let words = self.budgets.get(&home, 0).unwrap_or([0; BUDGET_WORDS]);
        // Behind `watched`, `spent` and until when the allowance is spent.
        (words[2 + CLASSES], words[3 + CLASSES])
    }

    pub(super) fn run(&self, arguments: [u64; 4]) -> bool {
        sys::run(self.program.as_fd(), &arguments).is_ok_and(|answer| answer == task::DONE)
    }
}

/// What a map holds, its own counters aside.
fn read(map: &Inner) -> Entries {
    // What cannot be read counts nothing; it is there the next time.
    let entries = sys::entries::<_, 4>(map.map().fd().as_fd()).unwrap_or_default();
    entries
        .into_iter()
        .filter(|(key, _)| *key >= FIRST_KEY)
        .map(|(key, words)| (key, Seen::from_words(words)))
        .collect()
}
