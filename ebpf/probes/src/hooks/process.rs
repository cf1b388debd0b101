//! Programs, forks and ends of processes.

use super::function::in_array;
use super::privilege;
use crate::emit::{self, Builder, append_user, hit, lost};
use crate::kernel::{self, Kptr, OVERLAYFS_MAGIC, Place, setting};
use crate::path::{self, Walk};
use crate::recall::execs::{Exec, Found};
use crate::recall::place::{self, File};
use crate::{images, inventory, maps, news, process, spare};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use aya_ebpf::macros::{fentry, kprobe, raw_tracepoint};
use aya_ebpf::programs::{FEntryContext, ProbeContext, RawTracePointContext};
use lapwing_abi::fields::Field;
use lapwing_abi::hooks::Row;
use lapwing_abi::ids::{Escape, Kind, Loss, Origin, Phase, flags};
use lapwing_abi::record::{ARGS_MAX, NAME_MAX};
use lapwing_abi::state::{Cgroup, Process, cgroup_state, process_marks};

/// First word of an executable in ELF.
const ELF_MAGIC: u32 = 0x464c_457f;
/// Where it says for which machine it is.
const ELF_MACHINE: u64 = 18;

/// TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm), since Linux 3.4.
#[raw_tracepoint]
fn process_exec(ctx: RawTracePointContext) -> i32 {
    let twin = spare::begin!(ctx, TRACEPOINTS, process_exec);
    exec(&ctx, twin);
    0
}

/// Of the 512 bytes of stack that a program shares with the functions it calls this has 320: some
/// verifiers (that of Linux 6.1) round each function's up to 32, and [`news::deliver`] needs 192 so.
#[inline(always)]
fn exec(ctx: &RawTracePointContext, twin: u32) -> Option<()> {
    let (mut process, known) = process::current()?;
    hit(Row::ProcessExec);
    let mut bits = if known { 0 } else { flags::PROCESS_UNKNOWN };
    // The tracepoint tells of the running task.
    let task = kernel::near_task();
    let root = task.along(Field::TaskFs).at(Field::FsRoot);
    let foreign = kernel::is_foreign(root.along(Field::PathDentry));
    // Whose phase is known has had a root of the container's before.
    let escaped = !foreign
        && process.phase > u32::from(Phase::Runtime.raw())
        && process.marks & process_marks::ESCAPED_ROOT == 0
        && process::is_settled(&process);
    if escaped {
        process.marks |= process_marks::ESCAPED_ROOT;
    }
    let (pid, _) = kernel::current_ids();
    let before = process.phase;
    if process.phase <= u32::from(Phase::Runtime.raw()) {
        process.phase = u32::from(first_phase(&process, foreign).raw());
        // The runtime starts containers in namespaces of their own: the id may be new.
        process.container_pid = kernel::container_pid(task);
    }
    if foreign {
        bits |= flags::FOREIGN_ROOT;
    }
    // What escapes has had its first program before.
    let begins = from_runtime(before, process.phase);
    if foreign && begins != 0 {
        inventory::begins_below(process.cgroup);
    }
    bits |= begins;
    images::want(process.exec);
    process.issuer = process.exec;
    process.exec = next_exec(twin);
    // The identity of the new program stands there once its record is built. Where that fails, what
    // it does must not pass for what the program before it did.
    let issued_by = process.image;
    process.image = 0;
    process::renew(pid, &process);
    process.image = issued_by;
    if escaped {
        privilege::escaped(Row::ProcessExec, (&process, 0), Escape::Root);
        process.phase = u32::from(Phase::Escaped.raw());
    }

    let Some(mut builder) = Builder::new() else {
        lost(Loss::ScratchTaken);
        return None;
    };
    let mm = task.along(Field::TaskMm);
    let file = mm.along(Field::MmExeFile).at(Field::FilePath);
    let exec = recallable(&process, file);
    let found = if exec.is_some() {
        exec.find(&process, File::at(file))
    } else {
        Found::NOTHING
    };
    let mut from = Origin::Image.raw();
    // What was found may have been written over, where programs are preempted.
    let is_copied = found.is_some() && builder.append(|at| found.copy_path(at)) >= 0;
    let found = if is_copied { found } else { Found::NOTHING };
    if !is_copied {
        if exec.is_some() {
            place::note(File::at(file));
        }
        let file = Place::at(file);
        let walk = path::append(&mut builder, file, kernel::root_of(task));
        bits |= walk.end;
        from = origin(file, walk).raw();
    }
    builder.end_section();

    // Asked for late: there is no room to keep the arguments.
    let bprm = Kptr(ctx.arg(2));
    let name = bprm.follow(Field::BprmFilename);
    let is_script = bprm.follow(Field::BprmInterp) != name;
    if is_script {
        bits |= flags::SCRIPT;
    }
    match is_script
        .then(|| script_of(ctx.arg::<u64>(1) as u32, bprm))
        .flatten()
    {
        Some(script) => {
            let end = path::append(&mut builder, script, kernel::root_of(task)).end;
            bits |= flags::SCRIPT_RESOLVED | path::for_target(end);
        }
        None => {
            builder.append(|at| {
                // SAFETY: NAME_MAX is below READ_MAX; the helper checks the address.
                unsafe { bpf_probe_read_kernel_str(at.cast(), NAME_MAX as u32, name.0 as *const _) }
            });
        }
    }
    builder.end_section();

    let args: u64 = mm.near(Field::MmArgStart);
    let args_len = mm.near::<u64>(Field::MmArgEnd).wrapping_sub(args);
    if args_len >= ARGS_MAX as u64 {
        bits |= flags::ARGS_TRUNCATED;
    }
    if append_user(&mut builder, Kptr(args), args_len, ARGS_MAX as u64) < 0 {
        bits |= flags::ARGS_UNREADABLE;
    }
    builder.end_section();

    let cwd = task.along(Field::TaskFs).at(Field::FsPwd);
    let is_top = found.is_some() && {
        let file = mm.along(Field::MmExeFile).at(Field::FilePath);
        found.is_top(File::at(cwd), File::at(file))
    };
    if !is_top
        && path::append(&mut builder, Place::at(cwd), kernel::root_of(task)).end != path::AT_ROOT
    {
        bits |= flags::CWD_PARTIAL;
    }
    builder.end_section();

    let mut header = emit::header(Row::ProcessExec, Kind::Exec, &process, bits);
    header.origin = from;
    // What left its container is told of each time. The record of the escape, which is on its way
    // already, refers to the first. So is what enters a container: only its arguments tell a probe
    // from a person.
    let enters = bits & flags::FROM_RUNTIME != 0 && header.phase == Phase::Exec.raw();
    header.wanted = u8::from(enters || process.marks & process_marks::ESCAPED_ROOT != 0);
    let slot = builder.finish(&header);
    if found.is_some() && exec.is(found) {
        emit::again(Row::ProcessExec);
        news::deliver_identified(slot);
    } else if news::deliver(slot) && exec.is_some() && !found.is_some() {
        exec.keep(&process);
    }
    Some(())
}

/// An exec of the file at the address of a `struct path`, if it may be known again, by a process in
/// whose entry the program that issues it still stands.
#[inline(always)]
fn recallable(process: &Process, file: Kptr) -> Exec {
    let may = setting!(DIRECT) != 0
        && process.image != 0
        && process.phase > u32::from(Phase::Runtime.raw())
        && process.marks & process_marks::ESCAPED_ROOT == 0;
    if may {
        Exec::of(process, File::at(file))
    } else {
        Exec::NONE
    }
}

/// int security_bprm_check(struct linux_binprm *bprm)
///
/// Nearly all that is executed needs no interpreter, and is told by a few loads.
#[fentry]
fn process_script(ctx: FEntryContext) -> i32 {
    spare::begin!(ctx, FUNCTIONS, process_script);
    if setting!(DIRECT) == 0 || !is_program(Kptr(ctx.arg(0))) {
        let _ = checked(Kptr(in_array!(ctx, 0).read()));
    }
    0
}

/// The same.
#[kprobe]
fn process_script_kprobe(ctx: ProbeContext) -> u32 {
    let regs = Kptr(ctx.as_ptr() as u64);
    let _ = checked(Kptr(kernel::function_argument(regs, 0)));
    0
}

/// Whether a file that is about to be executed needs no interpreter, of an address of which the
/// verifier knows the type.
#[inline(always)]
fn is_program(bprm: Kptr) -> bool {
    let first: u32 = bprm.direct(Field::BprmBuf);
    // SAFETY: as in `Kptr::direct`.
    let machine =
        unsafe { (bprm.at(Field::BprmBuf).plus(ELF_MACHINE).0 as *const u16).read_volatile() };
    first == ELF_MAGIC && is_native(machine.into())
}

/// A file is about to be executed: notes it if it needs an interpreter. That comes to be checked
/// later in the same call, and then goes by another name than the file.
#[inline(always)]
fn checked(bprm: Kptr) -> Option<()> {
    if bprm.follow(Field::BprmInterp) != bprm.follow(Field::BprmFilename) {
        return None;
    }
    let first = bprm.at(Field::BprmBuf);
    if first.read::<u32>() == ELF_MAGIC && is_native(first.plus(ELF_MACHINE).read()) {
        return None;
    }
    process::current()?;
    hit(Row::ProcessScript);
    let (_, thread) = kernel::current_ids();
    let file = bprm.follow(Field::BprmFile);
    // Full it can not be: the oldest make room.
    let _ = maps::SCRIPTS.insert(&thread, &[bprm.0, file.0], 0);
    Some(())
}

/// Whether a kernel runs programs of a machine (`e_machine`, and the field behind it) by itself.
#[inline(always)]
fn is_native(machine: u32) -> bool {
    const X86: [u32; 2] = [62, 3];
    const ARM: [u32; 2] = [183, 40];
    let [wide, narrow] = if setting!(ARCH) == 0 { X86 } else { ARM };
    let machine = machine & 0xffff;
    machine == wide || machine == narrow
}

/// The file that needed an interpreter, where a thread executes one.
#[inline(always)]
fn script_of(thread: u32, bprm: Kptr) -> Option<Place> {
    if bprm.follow(Field::BprmInterp) == bprm.follow(Field::BprmFilename) {
        return None;
    }
    // SAFETY: the reference is not kept; only this thread writes the entry.
    let [of, file] = *unsafe { maps::SCRIPTS.get(&thread) }?;
    let _ = maps::SCRIPTS.remove(&thread);
    (of == bprm.0).then(|| Place::at(Kptr(file).at(Field::FilePath)))
}

/// The phase of a process from its first program on.
///
/// Who came before the container's program ran belongs to it, as do the hooks that a runtime runs
/// inside; who came later is a guest. A process that was met in the middle of its life is taken
/// for the container's own.
#[inline(always)]
fn first_phase(process: &Process, foreign: bool) -> Phase {
    let cgroup = process::cgroup(process.cgroup);
    if cgroup.state == cgroup_state::HOST {
        return Phase::Main;
    }
    if !foreign {
        return Phase::Runtime;
    }
    start(process.cgroup);
    if process.marks & process_marks::LATE != 0 && process.phase == u32::from(Phase::Runtime.raw())
    {
        Phase::Exec
    } else {
        Phase::Main
    }
}

/// [`flags::FROM_RUNTIME`] where a process of the runtime becomes one of the container.
#[inline(always)]
fn from_runtime(before: u32, now: u32) -> u32 {
    const RUNTIME: u32 = Phase::Runtime.raw() as u32;
    u32::from(before == RUNTIME && now > RUNTIME) * flags::FROM_RUNTIME
}

/// Notes that a program of the container has run.
#[inline(always)]
fn start(home: u64) {
    if let Some(cgroup) = maps::CGROUPS.get_ptr_mut(&home) {
        // In place: user space may judge the cgroup at the same moment.
        // SAFETY: the map gave the pointer, and every writer writes the same.
        unsafe { (&raw mut (*cgroup).started).write_volatile(1) };
        return;
    }
    let cgroup = Cgroup {
        home,
        state: cgroup_state::UNKNOWN,
        started: 1,
    };
    if maps::CGROUPS.insert(&home, &cgroup, 0).is_err() {
        lost(Loss::CgroupTableFull);
    }
}

/// A new image id, unlike every other since boot. A twin counts by itself: it runs while the
/// program is preempted, maybe here.
#[inline(always)]
fn next_exec(twin: u32) -> u64 {
    // SAFETY: the helper has no preconditions.
    let cpu = u64::from(unsafe { aya_ebpf::helpers::generated::bpf_get_smp_processor_id() });
    match maps::EXEC_SEQUENCE.get_ptr_mut(twin) {
        Some(sequence) => {
            // SAFETY: the slot belongs to this CPU, where no two runs of one program meet.
            let next = unsafe { *sequence + 1 };
            // SAFETY: as above.
            unsafe { *sequence = next };
            ((cpu + 1) << 40) | u64::from(twin) << 38 | (next & ((1 << 38) - 1))
        }
        None => 0,
    }
}

/// Where an executable comes from.
#[inline(always)]
pub(super) fn origin(file: Place, walk: Walk) -> Origin {
    let inode = file.dentry.follow(Field::DentryInode);
    if walk.end == path::DETACHED {
        return Origin::Memfd;
    }
    if inode.get::<u32>(Field::InodeNlink) == 0 {
        return Origin::Unlinked;
    }
    if walk.end == path::TRUNCATED {
        return Origin::Unknown;
    }
    if walk.on_root == 0 {
        return Origin::Volume;
    }
    if is_upper(file) {
        return Origin::UpperLayer;
    }
    Origin::Image
}

/// Whether a file lies in the upper layer of an overlay.
#[inline(always)]
pub(super) fn is_upper(file: Place) -> bool {
    file.magic() == OVERLAYFS_MAGIC
        && kernel::upper_entry(file.dentry.follow(Field::DentryInode)) != 0
}

/// TP_PROTO(struct task_struct *parent, struct task_struct *child), since Linux 2.6.28.
#[raw_tracepoint]
fn process_fork(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, process_fork);
    fork(Kptr(ctx.arg(1)));
    0
}

#[inline(always)]
fn fork(child: Kptr) -> Option<()> {
    // The tracepoint tells of the running task's child.
    let parent = kernel::near_task();
    let (parent_pid, _) = kernel::current_ids();
    let child_pid: u32 = child.get(Field::TaskTgid);
    let is_thread = parent_pid == child_pid;
    privilege::cloned(parent, child, is_thread);
    if is_thread {
        return None;
    }
    let process = match process::known_in(parent_pid) {
        // Membership is sticky.
        Some((process, state)) if process::is_settled_in(&process, state) => process,
        known => {
            let cgroup = process::cgroup(kernel::cgroup_of(child));
            match known {
                Some((process, _)) if process.cgroup == cgroup.home => process,
                // Born into another cgroup by clone3(CLONE_INTO_CGROUP), or of a parent that
                // was not met yet.
                _ if cgroup.state == cgroup_state::IGNORED => {
                    // The number may have been that of a process whose end was missed.
                    process::forget(child_pid);
                    return None;
                }
                _ => {
                    let phase = process::met_phase(child, &cgroup);
                    process::entering(child, &cgroup, phase)
                }
            }
        }
    };
    hit(Row::ProcessFork);
    let process = Process {
        start: child.get(Field::TaskStart),
        // It is the only thread yet.
        container_pid: kernel::container_pid_of_leader(child),
        parent_pid,
        ..process
    };
    process::remember_new(child_pid, &process);
    images::want(process.exec);
    let group = parent.along(Field::TaskCgroups);
    if group != child.follow(Field::TaskCgroups) {
        left_at_birth(parent, child, &process);
    }
    Some(())
}

/// A child has another cgroup than its parent (clone3 with CLONE_INTO_CGROUP): one outside the
/// container's is a way out.
#[inline(always)]
fn left_at_birth(parent: Kptr, child: Kptr, process: &Process) -> Option<()> {
    let home = process::cgroup(kernel::cgroup_of(child)).home;
    let before = process::cgroup(kernel::cgroup_of(parent)).home;
    if home == process.cgroup || home == before {
        return None;
    }
    let (parent, known) = process::current()?;
    let bits = if known { 0 } else { flags::PROCESS_UNKNOWN };
    privilege::escaped(Row::ProcessFork, (&parent, bits), Escape::Cgroup)
}

/// TP_PROTO(struct task_struct *p), with a second argument since Linux 6.16.
#[raw_tracepoint]
fn process_exit(ctx: RawTracePointContext) -> i32 {
    spare::begin!(ctx, TRACEPOINTS, process_exit);
    // The tracepoint tells of the running task.
    if !kernel::is_alive_near(kernel::near_task()) {
        let (pid, _) = kernel::current_ids();
        // SAFETY: the reference is not kept.
        if let Some(process) = unsafe { maps::PROCESSES.get(&pid) } {
            let (image, home) = (process.exec, process.cgroup);
            process::leaves(pid, home);
            images::ended(image, home);
            hit(Row::ProcessExit);
        }
    }
    0
}
