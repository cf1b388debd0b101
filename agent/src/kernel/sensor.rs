//! Loading and attaching.
//!
//! For each row of the hook table the variants are tried in order, best first,
//! and the first that this kernel really loads and attaches is kept. Versions
//! are never asked: distributions carry features back, and locked-down kernels
//! refuse what their version promises.

use super::btf::Btf;
use super::budget::Budgets;
use super::dispatcher::{self, Call};
use super::egress::EgressCgroup;
use super::offsets::Offsets;
use super::programs::{self, Wanted};
use super::refusal::{Because, Cause, Refusal, because, explain, joined};
use super::spares::{self, Spares};
use crate::credentials::Credentials;
use anyhow::{Context, Result, anyhow, bail};
use aya::maps::Array;
use aya::programs::{ProgramFd, RawTracePoint, RawTracePointRunOptions, TestRun};
use aya::{Ebpf, EbpfLoader};
use lapwing_abi::ABI_VERSION;
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::{Attach, BASE_FIELDS, Hook, Row, Tier, Variant, hooks};
use lapwing_abi::spares::DISPATCHER;
use lapwing_abi::state::CredentialName;
use lapwing_abi::syscalls::Syscall;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

/// Where the kernel describes its types.
pub const SYSTEM_BTF: &str = "/sys/kernel/btf/vmlinux";

/// What is there where the kernel has kprobes: how one is made, since Linux 4.17.
const KPROBES: &str = "/sys/bus/event_source/devices/kprobe/type";

/// Rows without which nothing can be attributed.
const ESSENTIAL: &[Row] = &[
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
    /// Whether this is a trial: programs that act on a whole cgroup are loaded, not attached.
    pub trial: bool,
}

impl Settings<'_> {
    /// Where programs of a cgroup are attached; none in a trial.
    fn cgroup(&self) -> Result<Option<&OwnedFd>, Because> {
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
        let direct = can_load_directly(&btf, &offsets);
        let (mut ebpf, mut spares) = kernel.load(needed, direct)?;
        // What one verifier takes another may not.
        if direct && !Attacher::new(&kernel, &mut ebpf, 0).takes(Row::FileOpen) {
            (ebpf, spares) = kernel.load(needed, false)?;
        }
        acquaint(&mut ebpf, settings.host_root)?;
        list(&mut ebpf, settings.credentials)?;
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
        let spares = Spares::begin(&ebpf, links);
        Ok(Self {
            spares,
            ebpf,
            hooks,
        })
    }
}

/// What trampolines load without helpers, beside what all hooks need: see `recall` in the kernel
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
/// The helper that gives them the running task, as the kernel's own types name it.
const TASK_HELPER: &str = "BPF_FUNC_get_current_task_btf";

/// Whether the programs of this kernel can do without helpers what every open needs.
fn can_load_directly(btf: &Btf, offsets: &Offsets) -> bool {
    btf.enum_value(TASK_HELPER).is_some() && offsets.lack(DIRECT_FIELDS).is_none()
}

/// Under which keys of behaviours are made: unlike at every other start.
fn secret() -> std::io::Result<[u64; 2]> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let number = u128::from_le_bytes(bytes);
    Ok([number as u64, (number >> 64) as u64])
}

/// What is known of the kernel, and wanted of it.
struct Kernel<'a> {
    settings: &'a Settings<'a>,
    btf: &'a Btf,
    aya_btf: &'a aya::Btf,
    offsets: &'a Offsets,
}

impl Kernel<'_> {
    /// Loads the object, with those of the twins that are needed which are possible here: which
    /// these are is answered beside it.
    fn load(&self, needed: u32, direct: bool) -> Result<(Ebpf, u32)> {
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
    let arch: u32 = if cfg!(target_arch = "x86_64") { 0 } else { 1 };
    let secret = secret().context("cannot draw a secret from /dev/urandom")?;
    let budgets = Budgets::of_ring(settings.ring_bytes);
    let mut loader = EbpfLoader::new();
    if spares == 0 {
        // Nobody looks at them.
        loader.map_max_entries("MARKS", 1);
    }
    loader
        // Else it reads the kernel's own once more.
        .btf(Some(aya_btf))
        .override_global("SPARES", &spares, true)
        .override_global("SECRET", &secret, true)
        .override_global("RING_BYTES", &u64::from(settings.ring_bytes), true)
        .override_global("BUDGET_COST", &budgets.cost, true)
        .override_global("BUDGET_BURST", &budgets.burst, true)
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

pub(super) const FOREIGN_OBJECT: &str = "the kernel programs in this binary were built from other sources than the agent: build both anew";

/// Has the programs say which version they are, and learn which directory is the host's root.
fn acquaint(ebpf: &mut Ebpf, path: &Path) -> Result<()> {
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
fn list(ebpf: &mut Ebpf, credentials: &Credentials) -> Result<()> {
    let map = ebpf.map_mut("CREDENTIALS").context(FOREIGN_OBJECT)?;
    let mut names = aya::maps::HashMap::<_, CredentialName, u8>::try_from(map)?;
    for name in credentials.names() {
        names.insert(name, 1, 0)?;
    }
    Ok(())
}

struct Attacher<'a> {
    ebpf: &'a mut Ebpf,
    btf: &'a Btf,
    aya_btf: &'a aya::Btf,
    offsets: &'a Offsets,
    settings: &'a Settings<'a>,
    /// Which programs have twins.
    spares: u32,
    /// The loaded twins, by their programs.
    twins: HashMap<String, Vec<ProgramFd>>,
    /// By which those that are not called by others are attached.
    links: Vec<OwnedFd>,
    /// Programs that serve several rows are attached once.
    attached: HashSet<&'static str>,
    /// Programs that were refused, and why: rows that share one are told the same.
    failed: HashMap<&'static str, Because>,
    /// Programs for the exits of system calls.
    calls: Vec<Call>,
}

impl<'a> Attacher<'a> {
    fn new(kernel: &Kernel<'a>, ebpf: &'a mut Ebpf, spares: u32) -> Self {
        Self {
            ebpf,
            btf: kernel.btf,
            aya_btf: kernel.aya_btf,
            offsets: kernel.offsets,
            settings: kernel.settings,
            spares,
            twins: HashMap::new(),
            links: Vec::new(),
            attached: HashSet::new(),
            failed: HashMap::new(),
            calls: Vec::new(),
        }
    }

    /// Whether the verifier takes the trampoline of a row, where there are trampolines.
    fn takes(mut self, row: Row) -> bool {
        let trampolines = hooks()
            .filter(|hook| hook.row == row)
            .flat_map(|hook| hook.variants)
            .filter(|variant| variant.tier == Tier::A1);
        self.preload(trampolines);
        !self
            .failed
            .values()
            .any(|because| because.is(Cause::Verifier))
    }

    /// Fills the rows: all by their best variants first, then those that are left by the next.
    fn fill(&mut self) -> Vec<HookState> {
        let all: Vec<&'static Hook> = hooks().collect();
        let mut states: Vec<HookState> = all
            .iter()
            .map(|hook| HookState {
                row: hook.row,
                tier: None,
                target: String::new(),
                misses: "",
                refused: Vec::new(),
            })
            .collect();
        for round in 0.. {
            let open: Vec<(&Variant, &mut HookState)> = all
                .iter()
                .zip(&mut states)
                .filter(|(_, state)| state.tier.is_none())
                .filter_map(|(hook, state)| Some((hook.variants.get(round)?, state)))
                .collect();
            if open.is_empty() {
                break;
            }
            self.preload(open.iter().map(|(variant, _)| *variant));
            for (variant, state) in open {
                match self.attach(variant) {
                    Ok(target) => {
                        state.tier = Some(variant.tier);
                        state.target = target;
                        state.misses = variant.misses;
                    }
                    Err(error) => state.refused.push(Refusal::new(variant, &error)),
                }
            }
        }
        states
    }

    /// Loads the programs of these variants, as far as they may work here.
    fn preload<'v>(&mut self, variants: impl Iterator<Item = &'v Variant>) {
        let mut wanted = HashMap::new();
        let mut names = HashMap::new();
        for variant in variants {
            // Loading it anew would detach it: rows share programs.
            if self.twins.contains_key(variant.program) {
                continue;
            }
            if let Ok(target) = self.target(variant) {
                let attach = variant.attach;
                if matches!(attach, Attach::SyscallExit(_)) {
                    let target = target.clone();
                    if !self.twins.contains_key(DISPATCHER) {
                        wanted.insert(DISPATCHER, Wanted { attach, target });
                    }
                }
                names.insert(variant.program, attach);
                wanted.insert(variant.program, Wanted { attach, target });
            }
        }
        let loaded = programs::preload(self.ebpf, &wanted, self.aya_btf, self.spares);
        for (program, attach) in names {
            if let Some(error) = loaded.failed.get(program) {
                self.failed.insert(program, explain(Some(attach), error));
            }
        }
        self.twins.extend(loaded.twins);
    }

    /// What a variant would be attached to; an error where it cannot work.
    fn target(&self, variant: &Variant) -> Result<String, Because> {
        if let Some(error) = self.offsets.lack(variant.needs) {
            return Err(because(Cause::NoField, error.to_string()));
        }
        let best = self.settings.best;
        if variant.tier != Tier::Base && rank(variant.tier) < rank(best) {
            return Err(because(
                Cause::LeftOut,
                format!("left out: no better tier than {} is wanted", best.name()),
            ));
        }
        if matches!(variant.attach, Attach::Kprobe(_) | Attach::Kretprobe(_))
            && !Path::new(KPROBES).exists()
        {
            return Err(because(
                Cause::NoKprobes,
                format!("the kernel has no kprobes: there is no {KPROBES}"),
            ));
        }
        if is_of_cgroup(variant.attach) {
            self.settings.cgroup()?;
        }
        Ok(match variant.attach {
            Attach::RawTracepoint(name) => name.to_owned(),
            Attach::CgroupSockAddr => "cgroup socket address".to_owned(),
            Attach::CgroupEgress => "cgroup packets sent".to_owned(),
            Attach::CgroupIngress => "cgroup packets received".to_owned(),
            Attach::SyscallExit(_) => "sys_exit".to_owned(),
            Attach::Fentry(functions)
            | Attach::Fexit(functions)
            | Attach::Kprobe(functions)
            | Attach::Kretprobe(functions) => {
                match functions.iter().find(|name| self.btf.has_function(name)) {
                    Some(name) => (*name).to_owned(),
                    None => {
                        return Err(because(
                            Cause::NoFunction,
                            format!("the kernel has no function {}", functions.join(" or ")),
                        ));
                    }
                }
            }
        })
    }

    fn attach(&mut self, variant: &Variant) -> Result<String> {
        let target = self.target(variant)?;
        if self.attached.contains(variant.program) {
            if let Attach::SyscallExit(calls) = variant.attach {
                self.register(variant.program, calls)?;
            }
            return Ok(target);
        }
        if let Some(because) = self.failed.get(variant.program) {
            return Err(because.clone().into());
        }
        if matches!(variant.attach, Attach::SyscallExit(_)) && !self.attached.contains(DISPATCHER) {
            let program = self.ebpf.program_mut(DISPATCHER).context(FOREIGN_OBJECT)?;
            programs::load(program, variant.attach, &target, self.aya_btf)
                .map_err(|error| explain(None, &error))?;
            self.attached.insert(DISPATCHER);
        }
        let program = self.ebpf.program_mut(variant.program).ok_or_else(|| {
            anyhow!(
                "the object has no program {}: it was built from other sources",
                variant.program
            )
        })?;
        let cgroup = match is_of_cgroup(variant.attach) {
            true => self.settings.cgroup()?,
            false => None,
        };
        let attach = variant.attach;
        let twins = self
            .twins
            .get(variant.program)
            .map_or(&[][..], Vec::as_slice);
        match programs::load(program, attach, &target, self.aya_btf)
            .and_then(|()| programs::attach_all(program, twins, attach, &target, cgroup))
        {
            Ok(links) => self.links.extend(links),
            Err(error) => {
                let because = explain(Some(attach), &error);
                self.failed.insert(variant.program, because.clone());
                return Err(because.into());
            }
        }
        if let Attach::SyscallExit(calls) = variant.attach {
            self.register(variant.program, calls)?;
        }
        self.attached.insert(variant.program);
        Ok(target)
    }

    /// Notes a loaded program for the exits of these system calls.
    fn register(&mut self, program: &str, calls: &[Syscall]) -> Result<()> {
        let loaded = self.ebpf.program(program).context(FOREIGN_OBJECT)?;
        let loaded: &RawTracePoint = loaded.try_into()?;
        let twins = self.twins.get(program).map_or(&[][..], Vec::as_slice);
        for call in calls {
            self.calls.push(Call {
                name: *call,
                program: loaded.fd()?.try_clone()?,
                twins: twins
                    .iter()
                    .map(ProgramFd::try_clone)
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(())
    }
}

/// Whether it acts on all processes of a cgroup.
const fn is_of_cgroup(attach: Attach) -> bool {
    matches!(
        attach,
        Attach::CgroupSockAddr | Attach::CgroupEgress | Attach::CgroupIngress
    )
}

/// The better, the lower; what is the same on every kernel is never left out.
const fn rank(tier: Tier) -> u8 {
    match tier {
        Tier::Base => 0,
        Tier::A1 => 1,
        Tier::A2 => 2,
        Tier::B => 3,
    }
}
