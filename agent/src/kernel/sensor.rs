//! Loading and attaching.
//!
//! For each row of the hook table the variants are tried in order, best first,
//! and the first that this kernel really loads and attaches is kept. Versions
//! are never asked: distributions carry features back, and locked-down kernels
//! refuse what their version promises.

use super::attacher::Attacher;
use super::btf::Btf;
use super::dispatcher;
use super::egress::EgressCgroup;
use super::load::{self, Kernel};
use super::offsets::Offsets;
use super::refusal::{Because, Cause, Refusal, because, joined};
use super::shares::Shares;
use super::spares::{self, Spares};
use super::used::{self, Recording};
use crate::credentials::Credentials;
use anyhow::{Context, Result, bail};
use aya::Ebpf;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::{Attach, BASE_FIELDS, Row, Tier};
use lapwing_abi::spares::DISPATCHER;
use rustix::fd::OwnedFd;
use std::path::Path;

/// Where the kernel describes its types.
pub const SYSTEM_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Rows without which nothing can be attributed.
pub const ESSENTIAL: &[Row] = &[
    Row::ProcessExec,
    Row::ProcessFork,
    Row::ProcessExit,
    Row::CgroupCreate,
];

/// What the programs must know before they are loaded.
pub struct Settings<'a> {
    /// The compiled programs.
    pub object: &'a [u8],
    /// File with the kernel's BTF.
    pub btf: &'a Path,
    /// Index of the cgroup v1 controller that tells containers apart; `None` on cgroup v2.
    pub cgroup_subsys: Option<&'a str>,
    /// Id of that hierarchy; 0 on cgroup v2.
    pub cgroup_hierarchy: u32,
    /// Folder whose root directory is the host's root.
    pub host_root: &'a Path,
    /// Size of the ring for behaviours in bytes: a power of two and a multiple of the page size.
    pub ring_bytes: u32,
    /// Processes that the tree holds at a time.
    pub processes: u32,
    /// Cgroups that are known at a time.
    pub cgroups: u32,
    /// The best tier that may be used.
    pub best: Tier,
    /// The cgroup v2 folder below which egress is traced, or why there is none.
    pub egress: &'a Result<EgressCgroup>,
    /// The files whose reading is a behaviour.
    pub credentials: &'a Credentials,
    /// Whether it is noted which files of their images containers use, while they learn.
    pub inventory: bool,
    /// Whether system calls are recorded.
    pub syscalls: bool,
    /// Whether this is a trial: programs that act on a whole cgroup are loaded, not attached.
    pub trial: bool,
}

impl Settings<'_> {
    /// What each container may hold of the tables.
    #[must_use]
    pub const fn shares(&self) -> Shares {
        Shares::of(self.processes, self.cgroups)
    }

    /// Where programs of a cgroup are attached; none in a trial.
    pub(super) fn cgroup(&self) -> Result<Option<&OwnedFd>, Because> {
        match self.egress {
            Err(error) => Err(because(Cause::NoCgroup, format!("{error:#}"))),
            Ok(_) if self.trial => Ok(None),
            Ok(cgroup) => Ok(Some(&cgroup.folder)),
        }
    }
}

/// What became of one row.
#[derive(Debug, Clone)]
pub struct HookState {
    /// The row.
    pub row: Row,
    /// The tier it is attached by; `None` where no variant works.
    pub tier: Option<Tier>,
    /// What it is attached to.
    pub target: String,
    /// What the attached variant does not see.
    pub misses: &'static str,
    /// Why the better variants do not work here, in order.
    pub refused: Vec<Refusal>,
}

/// Loaded and attached programs.
pub struct Sensor {
    /// The twins of programs. Before the programs, because they stand in for what is detached.
    pub spares: Spares,
    /// The loaded object; dropping it detaches everything else.
    pub ebpf: Ebpf,
    /// What became of each row, in the order of the table.
    pub hooks: Vec<HookState>,
    /// Why the path of each open is walked; `None` where opens that were judged lately are known
    /// again by their names, see `recall` in the kernel programs.
    pub walks: Option<String>,
    /// The same of each exec, which needs no trampoline.
    pub walks_execs: Option<String>,
    /// What became of the recording of system calls.
    pub recording: Recording,
    /// Whether uses of files are noted where that is wanted: not where the kernel's types do not tell files
    /// apart.
    pub notes_uses: bool,
}

impl Sensor {
    /// Loads the object and attaches every row that this kernel allows.
    ///
    /// # Errors
    /// When the kernel's types cannot be read, the object does not fit this agent, or a row
    /// without which nothing works cannot be attached. The message names the thing and the remedy.
    pub fn start(settings: &Settings<'_>) -> Result<Self> {
        let bytes = std::fs::read(settings.btf).with_context(|| {
            format!(
                "cannot read the kernel's type information at {}: the kernel needs CONFIG_DEBUG_INFO_BTF=y, \
                 or pass a matching BTF file with --btf",
                settings.btf.display()
            )
        })?;
        let aya_btf = aya::Btf::parse(&bytes, aya::Endianness::default())
            .with_context(|| format!("{}", settings.btf.display()))?;
        let btf = Btf::parse(bytes).with_context(|| format!("{}", settings.btf.display()))?;
        let offsets = Offsets::resolve(&btf);
        if let Some(error) = offsets.lack(BASE_FIELDS) {
            bail!(
                "this kernel's types do not fit the sensor: {error}; `lapwing doctor` lists what is missing"
            );
        }

        let needed = if settings.trial {
            0
        } else {
            spares::needed(settings.host_root)
        };
        let kernel = Kernel {
            settings,
            btf: &btf,
            aya_btf: &aya_btf,
            offsets: &offsets,
        };
        let mut walks = lack_of_direct_loads(&btf, &offsets);
        let (mut ebpf, mut spares) = kernel.load(needed, walks.is_none())?;
        // What one verifier takes another may not.
        if walks.is_none()
            && let Some(because) = Attacher::new(&kernel, &mut ebpf, 0).refusal(DIRECT_ROWS)
        {
            walks = Some(because.to_string());
            (ebpf, spares) = kernel.load(needed, false)?;
        }
        let walks_execs = walks.clone();
        load::acquaint(&mut ebpf, settings.host_root)?;
        load::list(&mut ebpf, settings.credentials)?;
        let mut attacher = Attacher::new(&kernel, &mut ebpf, spares);
        let hooks = attacher.fill();
        let (calls, twins, mut links) = (attacher.calls, attacher.twins, attacher.links);
        for state in &hooks {
            if ESSENTIAL.contains(&state.row) && state.tier.is_none() {
                bail!(
                    "the kernel refuses the hook {}: {}",
                    state.row.id(),
                    joined(&state.refused)
                );
            }
        }
        if !calls.is_empty() {
            let rows = hooks
                .iter()
                .filter(|state| state.tier == Some(Tier::B))
                .fold(0, |bits, state| bits | state.row.bit());
            dispatcher::serve(&mut ebpf, rows, &calls)?;
            if let Some(twins) = twins.get(DISPATCHER) {
                let attach = Attach::RawTracepoint(DISPATCHER);
                links.extend(spares::attach(twins, attach, DISPATCHER));
            }
        }
        let opens = hooks.iter().find(|state| state.row == Row::FileOpen);
        if let Some(opens) = opens
            && opens.tier != Some(Tier::A1)
        {
            walks = Some(joined(&opens.refused));
        }
        let recording = match settings.syscalls {
            true => used::start(&kernel, &mut ebpf),
            false => Recording::Off,
        };
        let spares = Spares::begin(&ebpf, links);
        Ok(Self {
            spares,
            ebpf,
            hooks,
            walks,
            walks_execs,
            recording,
            notes_uses: load::tells_files_apart(&offsets),
        })
    }
}

/// What programs load without helpers, beside what all hooks need: see `recall` in the kernel
/// programs.
const DIRECT_FIELDS: &[Field] = &[
    Field::FileMode,
    Field::FileFlags,
    Field::QstrLen,
    Field::DentryShortName,
    Field::TaskNsproxy,
    Field::NsproxyMount,
    Field::NamespaceEvent,
];
/// The rows whose programs do so.
const DIRECT_ROWS: &[Row] = &[
    Row::FileOpen,
    Row::ProcessExec,
    Row::ProcessScript,
    Row::ProcessFork,
    Row::ProcessExit,
    Row::PrivilegeMmap,
    Row::PrivilegeMprotect,
];
/// The helper that gives them the running task, as the kernel's own types name it.
const TASK_HELPER: &str = "BPF_FUNC_get_current_task_btf";

/// Why the programs of this kernel cannot do without helpers what every open needs.
fn lack_of_direct_loads(btf: &Btf, offsets: &Offsets) -> Option<String> {
    if btf.enum_value(TASK_HELPER).is_none() {
        return Some(format!(
            "the kernel has no {TASK_HELPER}, as it is since Linux 5.11"
        ));
    }
    offsets.lack(DIRECT_FIELDS).map(ToString::to_string)
}
