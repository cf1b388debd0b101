//! Seccomp profiles: what is allowed, and what is said of it.

mod common;

use common::{approve, created};
use lapwing_advise::seccomp::{ALWAYS, RUNTIME, RUNTIME_PRIVILEGED, name};
use lapwing_advise::{Advice, Given};
use lapwing_profile::profile::Profile;
use lapwing_profile::syscalls::{Sets, Table};
use serde_json::{Value, json};

const AT: i64 = common::AT;

fn called(sets: &[(Table, bool, &[u16])], from_start: bool) -> Profile {
    let mut profile = created(&["/data/x"]);
    let sets = sets
        .iter()
        .map(|(table, entered, numbers)| ((*table, *entered), numbers.iter().copied().collect()));
    profile.calls.take(&sets.collect::<Sets>(), from_start, AT);
    profile
}

fn advise(profile: &Profile) -> Advice {
    let given = Given {
        sees_capabilities: Some(true),
        ..Given::default()
    };
    Advice::of(profile, &given)
}

fn document(profile: &Profile) -> Value {
    advise(profile).seccomp.recorded.unwrap().document(true)
}

fn names(rule: &Value) -> Vec<&str> {
    let names = rule["names"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn what_was_called_is_allowed_with_what_everybody_needs_and_the_rest_is_refused() {
    let filter = document(&called(&[(Table::X86_64, false, &[0, 257, 435])], true));
    assert_eq!(filter["defaultAction"], "SCMP_ACT_ERRNO");
    assert_eq!(filter["defaultErrnoRet"], 1);
    assert_eq!(filter["architectures"], json!(["SCMP_ARCH_X86_64"]));
    let [allow, newer] = &filter["syscalls"].as_array().unwrap()[..] else {
        panic!("{filter}");
    };
    let allowed = names(allow);
    for call in [&["read", "openat", "clone3"], RUNTIME, ALWAYS].concat() {
        assert!(allowed.contains(&call), "no {call}");
    }
    for call in ["mount", "ptrace", "mkdir", "setuid"] {
        assert!(!allowed.contains(&call), "{call}");
    }
    assert!(allowed.is_sorted(), "the same profile is the same text");
    assert_eq!(
        (&newer["action"], &newer["errnoRet"]),
        (&json!("SCMP_ACT_ERRNO"), &json!(38))
    );
    let newer = names(newer);
    assert!(
        newer.contains(&"faccessat2") && newer.contains(&"openat2"),
        "{newer:?}"
    );
    assert!(!newer.contains(&"clone3"), "it was called");
}

#[test]
fn the_runtimes_steps_before_the_user_is_set_are_left_out_only_with_no_new_privs() {
    let profile = called(&[(Table::X86_64, false, &[0, 105])], true);
    let recorded = advise(&profile).seccomp.recorded.unwrap();
    let (plain, without) = (recorded.allowed(false), recorded.allowed(true));
    assert!(RUNTIME_PRIVILEGED.iter().all(|call| plain.contains(call)));
    let left: Vec<_> = RUNTIME_PRIVILEGED
        .iter()
        .filter(|it| without.contains(*it))
        .collect();
    assert_eq!(left, [&"setuid"], "it was called");
    assert_eq!(plain.len() - without.len(), RUNTIME_PRIVILEGED.len() - 1);
}

#[test]
fn newer_calls_of_32_bits_are_unknown_where_they_are_listed() {
    let unknown = |filter: &Value| {
        let [_, newer] = &filter["syscalls"].as_array().unwrap()[..] else {
            panic!("{filter}");
        };
        let names = names(newer);
        assert!(names.is_sorted() && names.contains(&"clone3"));
        ["futex_time64", "clock_nanosleep_time64"].map(|name| names.contains(&name))
    };
    let only64 = called(&[(Table::X86_64, false, &[0])], true);
    assert_eq!(unknown(&document(&only64)), [false, false]);
    // 422 is futex_time64.
    let both = called(
        &[
            (Table::X86_64, false, &[0]),
            (Table::I386, false, &[3, 422]),
        ],
        true,
    );
    assert_eq!(unknown(&document(&both)), [false, true]);
    let arm = called(&[(Table::Arm, false, &[3])], true);
    assert_eq!(unknown(&document(&arm)), [true, true]);
    let entered = called(
        &[(Table::X86_64, false, &[0]), (Table::I386, true, &[3])],
        true,
    );
    assert_eq!(unknown(&document(&entered)), [false, false]);
}

#[test]
fn other_ways_to_call_are_listed_only_if_they_were_used() {
    let profile = called(
        &[
            (Table::X86_64, false, &[0]),
            (Table::I386, false, &[102]),
            (Table::X32, false, &[520]),
        ],
        true,
    );
    let filter = document(&profile);
    let all = ["SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"];
    assert_eq!(filter["architectures"], json!(all));
    assert!(names(&filter["syscalls"][0]).contains(&"socketcall"));
    let arm = document(&called(&[(Table::Aarch64, false, &[79])], true));
    assert_eq!(arm["architectures"], json!(["SCMP_ARCH_AARCH64"]));
}

#[test]
fn who_entered_counts_where_the_profile_approves_of_one() {
    let mut profile = called(
        &[
            (Table::X86_64, false, &[0]),
            (Table::X86_64, true, &[0, 101]),
        ],
        true,
    );
    let recorded = advise(&profile).seccomp.recorded.unwrap();
    assert_eq!(recorded.entered.iter().collect::<Vec<_>>(), [&"ptrace"]);
    assert!(!recorded.allowed(true).contains("ptrace"));
    assert!(recorded.basis().contains("ptrace"), "{}", recorded.basis());
    approve(&mut profile, "exec: {path: /bin/probe, phase: exec}");
    assert!(
        advise(&profile)
            .seccomp
            .recorded
            .unwrap()
            .allowed(true)
            .contains("ptrace")
    );
}

#[test]
fn what_is_missing_is_said() {
    assert!(advise(&created(&["/data/x"])).seccomp.recorded.is_none());
    let mut profile = called(&[(Table::X86_64, false, &[0, 511])], false);
    profile.calls.missed(AT);
    let lacks = advise(&profile).seccomp.incomplete.join("; ");
    for word in ["from its first program", "skipped", "x86_64 511"] {
        assert!(lacks.contains(word), "{word}: {lacks}");
    }
    profile.calls.take(&Sets::new(), true, AT);
    let lacks = advise(&profile).seccomp.incomplete.join("; ");
    assert!(!lacks.contains("no container was recorded"), "{lacks}");
    assert!(lacks.contains("there was no room"), "{lacks}");
    // That there was no room for any is no recording.
    let mut none = created(&["/data/x"]);
    none.calls.partial = true;
    assert!(advise(&none).seccomp.recorded.is_none());
}

#[test]
fn numbers_have_the_names_of_their_tables() {
    for (table, number, expected) in [
        (Table::X86_64, 59, Some("execve")),
        (Table::I386, 11, Some("execve")),
        (Table::X32, 520, Some("execve")),
        (Table::X32, 1, Some("write")),
        (Table::X32, 547, Some("pwritev2")),
        (Table::X32, 548, None),
        (Table::Aarch64, 221, Some("execve")),
        (Table::Aarch64, 79, Some("newfstatat")),
        (Table::Arm, 11, Some("execve")),
        (Table::X86_64, 511, None),
        (Table::Arm, 1_023, None),
    ] {
        assert_eq!(name(table, number), expected, "{table:?} {number}");
    }
    // Numbers that all share are called the same everywhere.
    for number in 424..462 {
        let all = [Table::X86_64, Table::I386, Table::Aarch64, Table::Arm]
            .map(|table| name(table, number));
        let known: Vec<_> = all.iter().flatten().collect();
        assert!(
            known.iter().all(|name| *name == known[0]),
            "{number}: {all:?}"
        );
    }
}
