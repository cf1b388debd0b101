//! Programs that are attached more than once.
//!
//! The kernel does not run a tracing program again on a processor where a run of it
//! is going on: it counts a miss (`recursion_misses`) and goes on. Where programs
//! can be preempted, that run may be another task's, and what this one does would
//! not be seen. So twins are attached behind each program that can be preempted: each
//! looks whether one before it ran for the event at hand, and does the work if not. Nothing is
//! missed unless as many tasks are preempted inside them on one processor as there are.
//!
//! A twin is the same program, loaded once more: the kernel guards each by itself. It may not
//! be the very same one, attached twice or called by another: the kernel gives a program one stack
//! for each processor (since Linux 6.13), and trusts that no two runs of it meet there. It
//! knows that it is a twin by the cookie of its link, and what others did by a mark that they leave
//! for the running task.

use crate::hooks::{AREAS, Attach, Hook, Variant};

/// Marks of each program: a power of two. Which one a task has depends on its id.
pub const MARKS: u32 = 1024;

/// In the setting that says which programs have twins: those on tracepoints, and what they call.
pub const TRACEPOINTS: u32 = 1;
/// As above: those on functions.
pub const FUNCTIONS: u32 = 2;

/// How many twins programs of a sort have, [`TRACEPOINTS`] or [`FUNCTIONS`]. The cookies of their
/// links are the numbers from 1 to that; the program's own has none, which is 0.
///
/// Functions get one: in the tests of Linux 7.2 programs there were skipped some dozen times, and
/// their twins never. Every system call of the machine passes a program on a tracepoint: that was
/// skipped some hundred times, and its first twin once.
#[must_use]
pub const fn twins(sort: u32) -> u32 {
    if sort == TRACEPOINTS { 2 } else { 1 }
}

/// The most that a program has.
pub const TWINS_MAX: u32 = twins(TRACEPOINTS);

/// The program at the exit of all system calls: the hooks there are served by it.
pub const DISPATCHER: &str = "sys_exit";

/// How many programs have marks, at most.
pub const PLACES: u32 = 1 + count();

/// Where a program has its marks: below [`PLACES`].
///
/// # Panics
/// When no hook has a program of this name that can have a twin: while compiling, where that is
/// asked in a constant.
#[must_use]
pub const fn place(program: &str) -> u32 {
    if same(program, DISPATCHER) {
        return 0;
    }
    let mut before = 1;
    let mut area = 0;
    while area < AREAS.len() {
        let mut hook = 0;
        while hook < AREAS[area].len() {
            let Hook { variants, .. } = &AREAS[area][hook];
            let mut variant = 0;
            while variant < variants.len() {
                if can_have_twin(&variants[variant]) {
                    if same(program, variants[variant].program) {
                        return before;
                    }
                    before += 1;
                }
                variant += 1;
            }
            hook += 1;
        }
        area += 1;
    }
    panic!("no hook has this program")
}

/// Variants whose programs can have twins. Those that share one count apart.
const fn count() -> u32 {
    let mut count = 0;
    let mut area = 0;
    while area < AREAS.len() {
        let mut hook = 0;
        while hook < AREAS[area].len() {
            let mut variant = 0;
            while variant < AREAS[area][hook].variants.len() {
                count += can_have_twin(&AREAS[area][hook].variants[variant]) as u32;
                variant += 1;
            }
            hook += 1;
        }
        area += 1;
    }
    count
}

/// Whether the kernel may preempt the variant's program, and skips it then. Kprobes run with
/// preemption off; for programs of cgroups there is no guard.
const fn can_have_twin(variant: &Variant) -> bool {
    matches!(
        variant.attach,
        Attach::RawTracepoint(_) | Attach::Fentry(_) | Attach::Fexit(_)
    )
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::hooks::hooks;
    use std::collections::HashMap;

    #[test]
    fn every_program_that_can_have_a_twin_has_marks_of_its_own() {
        let programs = hooks()
            .flat_map(|hook| hook.variants)
            .filter(|variant| can_have_twin(variant))
            .map(|variant| variant.program);
        let mut owners = HashMap::from([(place(DISPATCHER), DISPATCHER)]);
        for program in programs {
            let place = place(program);
            assert!(place < PLACES, "{program}");
            assert_eq!(*owners.entry(place).or_insert(program), program);
        }
        assert!(owners.len() > 40);
    }

    #[test]
    #[should_panic(expected = "no hook has this program")]
    fn a_program_that_runs_with_preemption_off_has_none() {
        let _ = place("file_open_kprobe");
    }
}
