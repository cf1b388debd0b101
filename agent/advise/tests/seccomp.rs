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
    advise(profile).seccomp.recorded.unwrap().document()
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
fn the_runtimes_steps_before_the_user_is_set_are_for_those_who_may_gain_rights() {
    let mut profile = called(&[(Table::X86_64, false, &[0])], true);
    let allows = |profile: &Profile| {
        let allowed = advise(profile).seccomp.recorded.unwrap().allowed();
        RUNTIME_PRIVILEGED.iter().all(|call| allowed.contains(call))
    };
    assert!(advise(&profile).escalation.forbid && !allows(&profile));
    approve(&mut profile, "exec: {path: /usr/bin/sudo}");
    assert!(!advise(&profile).escalation.forbid && allows(&profile));
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
    assert!(!recorded.allowed().contains("ptrace"));
    assert!(recorded.basis().contains("ptrace"), "{}", recorded.basis());
    approve(&mut profile, "exec: {path: /bin/probe, phase: exec}");
    assert!(
        advise(&profile)
            .seccomp
            .recorded
            .unwrap()
            .allowed()
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
    assert!(
        !advise(&profile)
            .seccomp
            .incomplete
            .join("; ")
            .contains("first program")
    );
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
