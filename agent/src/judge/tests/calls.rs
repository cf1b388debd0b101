//! System calls that were recorded, and what is said where some were not.

use super::*;
use crate::container::Instance;
use lapwing_profile::syscalls::{Sets, Table};

fn instance(bench: &Bench) -> Instance {
    match bench.registry.resolve(HOME) {
        Resolution::Instance(instance) => instance.clone(),
        other => panic!("{other:?}"),
    }
}

fn profile(bench: &mut Bench) -> Profile {
    let workload = bench.workload();
    let kept = bench.judge.keeper.known(&workload);
    kept.expect("a profile").profile.clone()
}

#[test]
fn a_container_without_room_is_no_recording_and_a_skip_before_the_first_call_is_a_gap() {
    let mut bench = Bench::new();
    bench.exec("ls");
    let one = instance(&bench);
    bench.judge.no_room_for_calls(&one);
    bench.judge.missed_calls(5);
    let calls = profile(&mut bench).calls;
    assert!(calls.is_empty() && calls.partial && calls.gap.is_none());
    assert!(!profile(&mut bench).to_yaml().contains("syscalls:"));
    bench.judge.missed_first_calls(&one, 6);
    let sets: Sets = [((Table::X86_64, false), [59].into())].into();
    bench.judge.take_calls(&one, &sets, 7);
    let calls = profile(&mut bench).calls;
    assert_eq!(
        (calls.first, calls.gap, calls.partial),
        (Some(7), Some(6), true)
    );
    bench.judge.missed_calls(8);
    assert_eq!(profile(&mut bench).calls.gap, Some(8));
}
