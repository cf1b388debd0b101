//! The object into the kernel: its maps and what its programs are told before they run.

use super::btf::Btf;
use super::budget::Budgets;
use super::offsets::Offsets;
use super::refusal::explain;
use super::sensor::Settings;
use super::spares;
use super::used;
use crate::credentials::Credentials;
use anyhow::{Context, Result, anyhow, bail};
use aya::maps::Array;
use aya::programs::{RawTracePoint, RawTracePointRunOptions, TestRun};
use aya::{Ebpf, EbpfLoader};
use lapwing_abi::ABI_VERSION;
use lapwing_abi::fields::{Field, MISSING};
use lapwing_abi::inventory::{USES_RING, USES_RING_OFF};
use lapwing_abi::state::{CredentialName, budgets_of};
use rustix::fd::AsRawFd;
use rustix::fs::{Mode, OFlags, open};
use std::io::Read;
use std::path::Path;

/// Under which keys of behaviours are made: unlike at every other start.
fn secret() -> std::io::Result<[u64; 2]> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let number = u128::from_le_bytes(bytes);
    Ok([number as u64, (number >> 64) as u64])
}

/// What is known of the kernel, and wanted of it.
pub struct Kernel<'a> {
    /// What the programs must know.
    pub settings: &'a Settings<'a>,
    /// The kernel's types.
    pub btf: &'a Btf,
    /// The same, as the loader wants them.
    pub aya_btf: &'a aya::Btf,
    /// Where fields are.
    pub offsets: &'a Offsets,
}

impl Kernel<'_> {
    /// Loads the object, with those of the twins that are needed which are possible here: which
    /// these are is answered beside it.
    ///
    /// # Errors
    /// When the kernel refuses the maps, or the object does not fit.
    pub fn load(&self, needed: u32, direct: bool) -> Result<(Ebpf, u32)> {
        let mut ebpf = load(self, needed, direct)?;
        let spares = spares::possible(needed, &mut ebpf, self.aya_btf);
        if spares != needed {
            ebpf = load(self, spares, direct)?;
        }
        Ok((ebpf, spares))
    }
}

fn load(kernel: &Kernel<'_>, spares: u32, direct: bool) -> Result<Ebpf> {
    let Kernel {
        settings,
        btf,
        aya_btf,
        offsets,
    } = *kernel;
    let subsys = match settings.cgroup_subsys {
        None => u32::MAX,
        Some(controller) => btf
            .enum_value(&format!("{controller}_cgrp_id"))
            .ok_or_else(|| {
                anyhow!("the kernel does not know the cgroup controller {controller}")
            })?,
    };
    let direct = u32::from(direct);
    let inventories = u32::from(settings.inventory && tells_files_apart(offsets));
    let arch: u32 = if cfg!(target_arch = "x86_64") { 0 } else { 1 };
    let secret = secret().context("cannot draw a secret from /dev/urandom")?;
    let budgets = Budgets::of_ring(settings.ring_bytes);
    let mut loader = EbpfLoader::new();
    if spares == 0 {
        // Nobody looks at them.
        loader.map_max_entries("MARKS", 1);
    }
    let uses_ring = match settings.inventory {
        true => USES_RING,
        false => {
            // Nothing stands in it.
            loader.map_max_entries("USED", 1_024);
            loader.map_max_entries("USED_BEYOND", 1_024);
            USES_RING_OFF
        }
    };
    loader
        .override_global("INVENTORIES", &inventories, true)
        .map_max_entries("USES", uses_ring)
        // Else it reads the kernel's own once more.
        .btf(Some(aya_btf))
        .override_global("SPARES", &spares, true)
        .override_global("SECRET", &secret, true)
        .override_global("RING_BYTES", &u64::from(settings.ring_bytes), true)
        .override_global("BUDGET_COST", &budgets.cost, true)
        .override_global("BUDGET_BURST", &budgets.burst, true)
        .override_global("SHARES", &settings.shares().words(), true)
        .override_global("OFFSETS", offsets.values(), true)
        .override_global("CGROUP_SUBSYS", &subsys, true)
        .override_global("CGROUP_HIERARCHY", &settings.cgroup_hierarchy, true)
        .override_global("ARCH", &arch, true)
        .override_global("DIRECT", &direct, true)
        .override_global("CREDENTIAL_LENGTHS", &settings.credentials.lengths(), true)
        .override_global("CREDENTIAL_LETTERS", &settings.credentials.letters(), true)
        .map_max_entries("BEHAVIOUR", settings.ring_bytes)
        .map_max_entries("PROCESSES", settings.processes)
        .map_max_entries("CGROUPS", settings.cgroups)
        .map_max_entries("BUDGETS", budgets_of(settings.cgroups))
        .map_max_entries("CALLS_MADE", used::containers(settings))
        .load(settings.object)
        .with_context(|| {
            use rustix::process::{Resource, getrlimit};
            let bound = getrlimit(Resource::Memlock).current;
            let remedy = match bound {
                None => String::new(),
                Some(bytes) => format!(
                    ": before Linux 5.11 they count as locked memory, of which {bytes} bytes are allowed; run the \
                     agent with CAP_SYS_RESOURCE, or with `LimitMEMLOCK=infinity` (`ulimit -l unlimited`)"
                ),
            };
            format!("the kernel refuses the sensor's maps{remedy}")
        })
}

/// Whether uses of files can be noted: where a file cannot be told from others, one would be taken for another
/// that was.
#[must_use]
pub fn tells_files_apart(offsets: &Offsets) -> bool {
    [
        Field::QstrHash,
        Field::InodeNumber,
        Field::InodeMode,
        Field::FileMode,
        Field::FileFlags,
    ]
    .iter()
    .all(|field| offsets.values()[*field as usize] != MISSING)
}

/// Why a program or map is not in the object that must be.
pub const FOREIGN_OBJECT: &str = "the kernel programs in this binary were built from other sources than the agent: build both anew";

/// Has the programs say which version they are, and learn which directory is the host's root.
///
/// # Errors
/// When they are of another version than the agent, or cannot be run.
pub fn acquaint(ebpf: &mut Ebpf, path: &Path) -> Result<()> {
    let root = open(
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .with_context(|| format!("cannot look at the host's root {}", path.display()))?;
    let program: &mut RawTracePoint = ebpf
        .program_mut("host_root")
        .context(FOREIGN_OBJECT)?
        .try_into()?;
    program.load().map_err(|error| explain(None, &error))?;
    let mut options = RawTracePointRunOptions::new();
    options.args[0] = root.as_raw_fd() as u64;
    program
        .test_run(options)
        .context("the kernel does not run programs on request: Linux 5.10 is needed")?;
    let map = ebpf.map("ABI").context(FOREIGN_OBJECT)?;
    let version = Array::<_, u32>::try_from(map)?.get(&0, 0)?;
    if version != u32::from(ABI_VERSION) {
        bail!("{FOREIGN_OBJECT}: it speaks version {version}, this agent {ABI_VERSION}");
    }
    let map = ebpf.map("HOST_ROOT").context(FOREIGN_OBJECT)?;
    if Array::<_, u64>::try_from(map)?.get(&0, 0)? == 0 {
        bail!("the sensor cannot find the host's root {}", path.display());
    }
    Ok(())
}

/// Tells the programs the last names of credentials.
///
/// # Errors
/// When the map does not take them.
pub fn list(ebpf: &mut Ebpf, credentials: &Credentials) -> Result<()> {
    let map = ebpf.map_mut("CREDENTIALS").context(FOREIGN_OBJECT)?;
    let mut names = aya::maps::HashMap::<_, CredentialName, u8>::try_from(map)?;
    for name in credentials.names() {
        names.insert(name, 1, 0)?;
    }
    Ok(())
}
