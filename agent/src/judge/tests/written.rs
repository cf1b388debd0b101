//! How much was written, and where it is looked for.

use super::*;
use crate::container::Instance;
use lapwing_profile::written::Found;
use std::collections::BTreeMap;

fn instance(bench: &Bench) -> Instance {
    match bench.registry.resolve(HOME) {
        Resolution::Instance(instance) => instance.clone(),
        other => panic!("{other:?}"),
    }
}

fn counted(bytes: u64) -> BTreeMap<String, Found> {
    let found = Found {
        bytes,
        files: 1,
        ..Found::default()
    };
    [("/tmp".to_owned(), found)].into()
}

#[test]
fn what_was_written_is_taken_until_the_profile_is_promoted() {
    let mut bench = Bench::new();
    bench.exec("ls");
    let one = instance(&bench);
    assert!(bench.judge.wants_written(&one));
    assert!(bench.judge.written_folders(&one).is_empty());
    bench.judge.take_written(&one, &counted(5 << 20), 7);
    bench.judge.take_written(&one, &counted(1 << 20), 8);
    let peak = |bench: &mut Bench| {
        let workload = bench.workload();
        let kept = bench.judge.keeper.known(&workload).expect("a profile");
        let peak = *kept.profile.written.get("/tmp").expect("a folder");
        (peak.most.bytes, peak.at, peak.looks)
    };
    assert_eq!(peak(&mut bench), (5 << 20, 7, 2));
    bench.promote().unwrap();
    let one = instance(&bench);
    assert!(!bench.judge.wants_written(&one));
    // An answer that was on its way.
    bench.judge.take_written(&one, &counted(9 << 20), 9);
    assert_eq!(peak(&mut bench), (5 << 20, 7, 2));
}
