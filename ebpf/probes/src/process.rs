//! Whose process acts: the process tree and the cgroups, as the kernel side keeps them.
//!
//! Membership is sticky. A process that entered a container belongs to it, with
//! all its descendants, whatever cgroup it moves to later. A cgroup that user
//! space has not judged yet is treated like a container: reported, not suppressed.

use crate::emit::lost;
use crate::kernel::{self, Kptr};
use crate::{maps, share};
use aya_ebpf::bindings::{BPF_ANY, BPF_NOEXIST};
use lapwing_abi::fields::Field;
use lapwing_abi::ids::{Loss, Phase};
use lapwing_abi::share::table;
use lapwing_abi::state::{Cgroup, Process, cgroup_state, process_marks};

/// The entry of a cgroup, or what stands for one that has none.
#[inline(always)]
pub fn cgroup(id: u64) -> Cgroup {
    // SAFETY: the reference is not kept; a concurrent update gives the old or the new words.
    match unsafe { maps::CGROUPS.get(&id) } {
        Some(cgroup) => *cgroup,
        None => Cgroup {
            home: id,
            state: cgroup_state::UNKNOWN,
            started: 0,
        },
    }
}

/// The traced process that runs, if it is one. The second answer is whether the tree knew it.
#[inline(always)]
pub fn current() -> Option<(Process, bool)> {
    let (pid, _) = kernel::current_ids();
    if let Some(process) = known(pid) {
        return Some((process, true));
    }
    let task = kernel::current_task();
    let process = adopt(task, pid)?;
    Some((process, false))
}

/// Whether the process that runs, which the tree does not know, is none of ours: asked without
/// helpers, where [`maps::DIRECT`] says so.
#[inline(always)]
pub fn is_ignored() -> bool {
    let id = kernel::cgroup_typed(kernel::current_task_typed());
    cgroup(id).state == cgroup_state::IGNORED
}

/// The tree's entry of a process, unless its cgroup turned out to be none of ours.
#[inline(always)]
pub fn known(pid: u32) -> Option<Process> {
    let (process, _) = known_in(pid)?;
    Some(process)
}

/// The same, and the state of its cgroup.
#[inline(always)]
pub fn known_in(pid: u32) -> Option<(Process, u32)> {
    // SAFETY: as in `cgroup`.
    let mut process = *unsafe { maps::PROCESSES.get(&pid) }?;
    let state = cgroup(process.cgroup).state;
    if state == cgroup_state::IGNORED {
        forget(pid);
        return None;
    }
    // Before its cgroup was judged it looked like a runtime at work.
    if state == cgroup_state::HOST && process.phase == u32::from(Phase::Runtime.raw()) {
        process.phase = u32::from(Phase::Main.raw());
    }
    Some((process, state))
}

/// Takes a process into the tree because of the cgroup it is in.
///
/// A process that was just moved is in its new cgroup a moment before the tracepoint says so: what
/// still has the host's root there is the runtime.
#[inline(always)]
fn adopt(task: Kptr, pid: u32) -> Option<Process> {
    let cgroup = cgroup(kernel::cgroup_of(task));
    if cgroup.state == cgroup_state::IGNORED {
        return None;
    }
    let process = entering(task, &cgroup, met_phase(task, &cgroup));
    remember(pid, &process);
    Some(process)
}

/// Whether membership holds, whatever cgroup the process is in or goes to. It does not for what
/// has not run a program of the container yet, nor for processes of the host.
#[inline(always)]
pub fn is_settled(process: &Process) -> bool {
    is_settled_in(process, cgroup(process.cgroup).state)
}

/// The same, of one whose cgroup has this state.
#[inline(always)]
pub fn is_settled_in(process: &Process, state: u32) -> bool {
    match state {
        cgroup_state::CONTAINER => true,
        cgroup_state::HOST => false,
        // Not judged yet: the container's program runs, and may move within its cgroups.
        _ => process.phase > u32::from(Phase::Runtime.raw()),
    }
}

/// The phase of a process that is met in a cgroup, with nothing known of how it came there.
#[inline(always)]
pub fn met_phase(task: Kptr, cgroup: &Cgroup) -> Phase {
    if cgroup.state == cgroup_state::HOST {
        Phase::Main
    } else if kernel::is_foreign(kernel::root_of(task).dentry) {
        Phase::Unknown
    } else {
        Phase::Runtime
    }
}

/// The entry of a process that enters a container by a cgroup.
#[inline(always)]
pub fn entering(task: Kptr, cgroup: &Cgroup, phase: Phase) -> Process {
    Process {
        exec: 0,
        issuer: 0,
        cgroup: cgroup.home,
        start: task.follow(Field::TaskGroupLeader).get(Field::TaskStart),
        container_pid: kernel::container_pid(task),
        parent_pid: task.follow(Field::TaskRealParent).get(Field::TaskTgid),
        phase: u32::from(phase.raw()),
        marks: if cgroup.started == 0 {
            0
        } else {
            process_marks::LATE
        },
        image: 0,
    }
}

/// Notes which program a process runs from now on, by its identity; 0 if that is not known.
#[inline(always)]
pub fn runs(pid: u32, image: u64) {
    if let Some(process) = maps::PROCESSES.get_ptr_mut(&pid) {
        // SAFETY: the map gave the pointer; only the process itself writes here.
        unsafe { (&raw mut (*process).image).write_volatile(image) };
    }
}

/// Notes which phase the running process is in from now on.
#[inline(always)]
pub fn enters(phase: Phase) {
    let (pid, _) = kernel::current_ids();
    if let Some(process) = maps::PROCESSES.get_ptr_mut(&pid) {
        // SAFETY: the map gave the pointer; only the process itself writes here.
        unsafe { (&raw mut (*process).phase).write_volatile(u32::from(phase.raw())) };
    }
}

/// Writes the entry of the process that runs: in place, because there mostly is one.
#[inline(always)]
pub fn renew(pid: u32, process: &Process) {
    match maps::PROCESSES.get_ptr_mut(&pid) {
        // SAFETY: the map gave the pointer. Its other threads are gone; user space, which may get
        // words of both programs, only asks which images are in use.
        Some(entry) => unsafe { entry.write(*process) },
        None => remember(pid, process),
    }
}

/// Writes an entry, if the container's share of the table has room for it.
#[inline(always)]
pub fn remember(pid: u32, process: &Process) {
    let flags = make_room(process.cgroup, pid);
    if flags != NO_ROOM && maps::PROCESSES.insert(&pid, process, flags).is_err() {
        found_none(process.cgroup, pid);
    }
}

/// Writes the entry of a process that was just made. Mostly there is none of its number, which is
/// not asked before.
#[inline(always)]
pub fn remember_new(pid: u32, process: &Process) {
    if share::claim(process.cgroup, table::PROCESSES) == 0 {
        // Of one whose end was missed.
        forget(pid);
        return;
    }
    let flags = u64::from(BPF_NOEXIST);
    if maps::PROCESSES.insert(&pid, process, flags).is_err() {
        share::release(process.cgroup, table::PROCESSES);
        remember(pid, process);
    }
}

/// The answer where the container's share is spent.
const NO_ROOM: u64 = u64::MAX;

/// Claims room for the entry of a process in a container. Answers with the flags to insert it with,
/// or [`NO_ROOM`].
///
/// Here and below functions of their own for the verifier, and for their place on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn make_room(home: u64, pid: u32) -> u64 {
    // One that is there already is the process's own, or of one whose end was missed, maybe in
    // another container. What is put in its place needs no room.
    let before = home_of(pid);
    if before == home {
        return u64::from(BPF_ANY);
    }
    if share::claim(home, table::PROCESSES) == 0 {
        forget(pid);
        return NO_ROOM;
    }
    if before != 0 {
        share::release(before, table::PROCESSES);
        return u64::from(BPF_ANY);
    }
    // Another thread of the process may be about to write the same.
    u64::from(BPF_NOEXIST)
}

/// An entry could not be made for which room was claimed. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn found_none(home: u64, pid: u32) -> u32 {
    share::release(home, table::PROCESSES);
    if home_of(pid) == 0 {
        lost(Loss::ProcessTableFull);
    }
    0
}

/// Takes an entry out, if there is one. Answers 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn forget(pid: u32) -> u32 {
    let home = home_of(pid);
    if maps::PROCESSES.remove(&pid).is_ok() {
        share::release(home, table::PROCESSES);
    }
    0
}

/// Takes out the entry of a process that ends, which is a container's.
#[inline(always)]
pub fn leaves(pid: u32, home: u64) {
    if maps::PROCESSES.remove(&pid).is_ok() {
        share::release(home, table::PROCESSES);
    }
}

/// Whose entry the tree has of a process; 0 if it has none.
#[inline(always)]
fn home_of(pid: u32) -> u64 {
    // SAFETY: the reference is not kept.
    unsafe { maps::PROCESSES.get(&pid) }.map_or(0, |process| process.cgroup)
}
