//! Reading BTF, and resolving every field that the sensor knows.
#![no_main]

use lapwing_abi::fields::{FIELDS, MISSING, Source};
use lapwing_fuzz::kernel::{btf::Btf, offsets::Offsets};
use lapwing_fuzz::mini_btf::{self, Kept};
use lapwing_fuzz::seeds;
use libfuzzer_sys::fuzz_target;

/// Where a kernel shows its own BTF.
const KERNEL: &str = "/sys/kernel/btf/vmlinux";

/// The names of the table, each once: structs, members, functions.
fn names() -> [Vec<&'static str>; 3] {
    let (mut structs, mut members, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    for (_, source) in FIELDS {
        match source {
            Source::Member(name, aliases) => {
                structs.push(*name);
                members.extend_from_slice(aliases);
            }
            Source::Size(name) => structs.push(*name),
            Source::Parameter(name, _) | Source::Parameters(name) => functions.push(*name),
        }
    }
    [structs, members, functions].map(|mut names| {
        names.sort_unstable();
        names.dedup();
        names
    })
}

fn write_seeds() {
    let Ok(kernel) = std::fs::read(KERNEL) else {
        // Not every kernel has BTF; the fuzzer then starts from the header alone.
        let mut header = vec![0x9f, 0xeb, 1, 0, 24];
        header.resize(24, 0);
        return seeds(&[header]);
    };
    let [structs, members, functions] = &names();
    let small = Kept {
        structs: &["path", "qstr", "upid", "vfsmount", "fdtable"],
        members,
        functions: &[],
    };
    let all = Kept {
        structs,
        members,
        functions,
    };
    let inputs: Vec<_> = [small, all]
        .iter()
        .filter_map(|kept| mini_btf::cut(&kernel, kept))
        .collect();
    assert_eq!(inputs.len(), 2, "{KERNEL} is not BTF");
    // The small BTF answers what the whole one does, so the seeds are real.
    let resolve = |bytes: &[u8]| -> Vec<u32> {
        let btf = Btf::parse(bytes.to_vec()).expect("BTF");
        Offsets::resolve(&btf).values().to_vec()
    };
    assert_eq!(resolve(&inputs[1]), resolve(&kernel));
    seeds(&inputs);
}

fuzz_target!(init: write_seeds(), |data: &[u8]| {
    let Ok(btf) = Btf::parse(data.to_vec()) else {
        return;
    };
    let offsets = Offsets::resolve(&btf);
    assert_eq!(offsets.values().len(), FIELDS.len());
    for ((field, source), &value) in FIELDS.iter().zip(offsets.values()) {
        // A field is there, or it is said why not; and an answer is the same each time.
        assert_eq!(offsets.lack(&[*field]).is_some(), value == MISSING);
        let again = match source {
            Source::Member(name, members) => btf.member_offset(name, members),
            Source::Size(name) => btf.size_of(name),
            Source::Parameter(function, name) => btf.parameter(function, name),
            Source::Parameters(function) => {
                btf.parameters(function).map(|names| names.len() as u32)
            }
        };
        assert_eq!(again.unwrap_or(MISSING), value);
    }
    let _ = btf.has_function("do_filp_open");
    let _ = btf.enum_value("pids_cgrp_id");
});
