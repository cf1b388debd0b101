//! Who executes what, from a record to a report and to what the kernel side is told.

use super::*;
use crate::process::{File, Image};
use lapwing_abi::state::verdict;

const KEY: u64 = 77;

fn image(exe: &str, file: File) -> Image {
    Image {
        exe: exe.to_owned(),
        file,
        ..Image::default()
    }
}

/// The container executes `/bin/sh`: what is reported, and what the kernel side is told.
fn shell(bench: &mut Bench, issuer: u64, bits: u32) -> (Vec<v1::Violation>, Option<u64>) {
    bench.now += SECOND;
    let record = Record {
        header: Header {
            time: bench.now,
            cgroup: HOME,
            key: KEY,
            issuer,
            flags: bits,
            ..Header::default()
        },
        phase: Phase::Main,
        body: Body::Exec {
            path: b"sh\0bin\0",
            filename: b"",
            args: b"sh\0",
            cwd: b"",
            origin: Origin::Image,
        },
    };
    let items = bench.take(&record);
    let reports = violations(&items).into_iter().cloned().collect();
    (reports, bench.judge.take_said().map(|said| said.verdict))
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    for (id, image) in [
        (1, image("/bin/entry", File::Named)),
        (2, image("/usr/sbin/nginx", File::Named)),
        (3, image("/usr/sbin/nginx (deleted)", File::Unsure)),
        (4, image("/bin/entry", File::Drifted)),
    ] {
        bench.images.insert(id, image);
    }
    bench
}

#[test]
fn a_known_program_under_another_parent_is_reported_until_it_is_approved() {
    let mut bench = bench();
    assert_eq!(shell(&mut bench, 1, 0), (vec![], Some(verdict::KNOWN)));
    bench.promote().unwrap();
    assert_eq!(shell(&mut bench, 1, 0), (vec![], Some(verdict::KNOWN)));
    let (reports, said) = shell(&mut bench, 2, 0);
    assert_eq!(said, Some(verdict::DEVIATION));
    let [report] = &*reports else {
        panic!("{reports:?}")
    };
    assert_eq!(
        (report.rule.as_str(), report.severity()),
        ("exec.lineage", v1::violation::Severity::High)
    );
    assert_eq!(report.nearest, "/bin/sh executed by /bin/entry");
    assert_eq!(
        report.patch,
        "- exec: {path: /bin/sh, parent: /usr/sbin/nginx}"
    );
    let Some(v1::violation::Detail::Exec(exec)) = &report.detail else {
        panic!("{report:?}")
    };
    assert_eq!(exec.parent, "/usr/sbin/nginx");
    // Others are others' violations.
    for (issuer, bits, parent) in [
        (0, flags::FROM_RUNTIME, "runtime"),
        (1, flags::FROM_RUNTIME, "runtime"),
        (4, 0, "\"drifted:/bin/entry\""),
    ] {
        let (other, _) = shell(&mut bench, issuer, bits);
        let known = other.first().is_none_or(|other| other.id != report.id);
        assert!(known, "{parent}: {other:?}");
        if issuer != 1 {
            let patch = format!("- exec: {{path: /bin/sh, parent: {parent}}}");
            assert_eq!(other[0].patch, patch);
        }
    }
    approve(&mut bench.judge, &report.id).unwrap();
    assert_eq!(shell(&mut bench, 2, 0), (vec![], Some(verdict::KNOWN)));
    // It is over with the decision: refused, it is another violation.
    let entries = [report.patch.clone()];
    let name = bench.name();
    answer(&mut bench.judge, |judge, done| {
        judge.decide(Verdict::Refuse, &name, &entries, ANN, done);
    })
    .unwrap();
    let (again, _) = shell(&mut bench, 2, 0);
    assert_eq!((again[0].revision, &*again[0].rule), (1, "exec.lineage"));
    assert_ne!(again[0].id, report.id);
}

#[test]
fn of_an_unknown_parent_nothing_is_reported_and_nothing_is_held_back() {
    let mut bench = bench();
    shell(&mut bench, 1, 0);
    bench.promote().unwrap();
    // An image that is not known; one that was removed before the agent came; a guess.
    for (issuer, bits) in [(9, 0), (0, 0), (3, 0), (2, flags::PROCESS_UNKNOWN)] {
        assert_eq!(shell(&mut bench, issuer, bits), (vec![], None), "{issuer}");
    }
    // As of a program that nobody knows: it is reported, and its next may tell who executes it.
    let mut bench = Bench::new();
    bench.promote().unwrap_err();
    bench.exec("ls");
    bench.promote().unwrap();
    let (reports, said) = shell(&mut bench, 9, 0);
    assert_eq!((reports[0].rule.as_str(), said), ("exec.unknown", None));
    assert_eq!(reports[0].patch, "- exec: {path: /bin/sh, parent: unknown}");
}
