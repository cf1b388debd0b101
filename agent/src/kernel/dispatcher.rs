//! The exit of system calls (tier B): one program at all of them, which finds the others by tables.

use super::load::FOREIGN_OBJECT;
use anyhow::{Context, Result};
use aya::Ebpf;
use aya::maps::{Array, ProgramArray};
use aya::programs::{ProgramFd, RawTracePoint};
use lapwing_abi::spares::DISPATCHER;
use lapwing_abi::syscalls::{SLOTS, Syscall};

/// A loaded program for the exit of a system call.
pub struct Call {
    /// The system call.
    pub name: Syscall,
    /// The program.
    pub program: ProgramFd,
    /// Its twins.
    pub twins: Vec<ProgramFd>,
}

/// Fills the tables by which the program at the exit of all system calls finds those that serve these
/// rows (bits of [`Row`](lapwing_abi::hooks::Row)), then attaches it.
///
/// # Errors
/// When the object lacks a table, or the kernel refuses.
pub fn serve(ebpf: &mut Ebpf, rows: u64, calls: &[Call]) -> Result<()> {
    let map = ebpf.map_mut("SYSCALL_ROWS").context(FOREIGN_OBJECT)?;
    Array::<_, u64>::try_from(map)?.set(0, rows, 0)?;
    let is_arm = cfg!(target_arch = "aarch64");
    let map = ebpf.map_mut("SYSCALL_NAMES").context(FOREIGN_OBJECT)?;
    let mut names = Array::<_, u32>::try_from(map)?;
    for call in Syscall::ALL {
        for slot in call.slots(is_arm) {
            names.set(slot, *call as u32, 0)?;
        }
    }
    let map = ebpf.map_mut("SYSCALLS").context(FOREIGN_OBJECT)?;
    let mut programs = ProgramArray::try_from(map)?;
    for call in calls {
        for slot in call.name.slots(is_arm) {
            programs.set(slot, &call.program, 0)?;
            for (base, twin) in (SLOTS..).step_by(SLOTS as usize).zip(&call.twins) {
                programs.set(base + slot, twin, 0)?;
            }
        }
    }
    let program: &mut RawTracePoint = ebpf
        .program_mut(DISPATCHER)
        .context(FOREIGN_OBJECT)?
        .try_into()?;
    program.attach(DISPATCHER)?;
    Ok(())
}
