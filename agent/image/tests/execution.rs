//! What a profile says of an image, and what it does not.

mod common;

use common::{Image, Layer, read_with};
use lapwing_image::report::{Execution, Report};
use lapwing_image::{Limits, Wanted};
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::version::Version;
use lapwing_profile::workload::Workload;

const AT: i64 = 1_790_000_000_000_000_000;

fn image() -> Image {
    let elf = |size| [b"\x7fELF", &vec![1; size][..]].concat();
    let paragraph =
        |name: &str| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
    let status: String = ["web", "tools", "lib", "py", "doc"].map(paragraph).concat();
    Image::of(vec![
        Layer::default()
            .symlink("bin", "usr/bin")
            .program("usr/sbin/web", elf(100_000))
            .program("usr/bin/tool", elf(50_000))
            .program("usr/bin/other", "#!/bin/sh\n")
            .program("usr/lib/liblib.so.1", elf(70_000))
            .program("usr/bin/python3.11", elf(10_000))
            .symlink("usr/bin/python3", "python3.11")
            .program("app/run.py", "#!/usr/bin/python3\n")
            .program("usr/share/doc/x", "text")
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/web.list", "/usr/sbin/web\n")
            .file(
                "var/lib/dpkg/info/tools.list",
                "/bin/tool\n/usr/bin/other\n",
            )
            .file("var/lib/dpkg/info/lib.list", "/usr/lib/liblib.so.1\n")
            .file("var/lib/dpkg/info/py.list", "/usr/bin/python3.11\n")
            .file("var/lib/dpkg/info/doc.list", "/usr/share/doc/x\n"),
    ])
}

fn profile(lines: &[&str]) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for line in lines {
        let entry = Entry::parse(line).unwrap();
        profile.observe(&Sighting { entry, at: AT });
    }
    profile
}

fn read(image: &Image, profile: &Profile) -> Report {
    let report = read_with(
        image.path(),
        Wanted::default(),
        Limits::default(),
        Some(profile),
    );
    report.unwrap()
}

fn executions(report: &Report) -> Vec<(&str, Execution)> {
    let mut all: Vec<_> = (report.packages.iter())
        .map(|package| (&*package.name, package.execution.unwrap()))
        .collect();
    all.sort_by_key(|(name, _)| *name);
    all
}

#[test]
fn what_ran_is_told_from_what_was_not_seen_and_what_is_unknown() {
    let image = image();
    let mut profile = profile(&[
        "exec: {path: /usr/sbin/web, parent: runtime}",
        "exec: {path: /usr/bin/python3, script: /app/run.py, parent: /usr/sbin/web}",
        "exec: {path: /tmp/dropped, origin: UPPER_LAYER}",
        "exec: {path: /usr/bin/other, origin: VOLUME}",
        "exec: {path: /usr/bin/gone}",
        "exec: {path: /usr/bin/tool, phase: escaped}",
    ]);
    let report = read(&image, &profile);
    let ran = report.ran.as_ref().unwrap();
    let executed: Vec<_> = ran
        .executed
        .first
        .iter()
        .map(|it| (&*it.path, it.package.as_deref()))
        .collect();
    assert_eq!(
        executed,
        [
            ("/app/run.py", None),
            ("/usr/bin/python3.11", Some("py")),
            ("/usr/sbin/web", Some("web")),
        ]
    );
    assert_eq!(ran.missing.first, ["/usr/bin/gone"]);
    assert_eq!(
        executions(&report),
        [
            ("doc", Execution::Unknown),
            ("lib", Execution::Unknown),
            ("py", Execution::Ran),
            ("tools", Execution::NotSeenToRun),
            ("web", Execution::Ran),
        ]
    );
    assert!(!ran.basis.complete && ran.basis.reasons[0].contains("still learns"));
    assert_eq!(
        (ran.packages_not_seen.count, ran.packages_not_seen.bytes),
        (1, 50_014)
    );
    assert_eq!(
        (ran.programs_not_seen.count, ran.programs_ran.count),
        (2, 3)
    );
    let saving = &report.savings[0];
    let what = "packages without libraries, of which no program was seen to run, by a profile that is \
        incomplete: 1 of them, the largest tools";
    assert_eq!((saving.bytes, &*saving.what), (50_014, what));
    assert_eq!(ran.same_image, None);

    // What a person approved of and nobody saw is neither.
    let tool = Entry::parse("exec: {path: /usr/bin/tool}").unwrap();
    let by = By {
        actor: "ann",
        reason: "",
        at: AT,
    };
    profile.approve(&tool, by).unwrap();
    let report = read(&image, &profile);
    assert!(executions(&report).contains(&("tools", Execution::Unknown)));
    assert_eq!(report.ran.unwrap().programs_not_seen.count, 1);

    // What a person refused ran all the same.
    let sighting = Sighting {
        entry: tool.clone(),
        at: AT,
    };
    profile.observe(&sighting);
    let by = By {
        actor: "ann",
        reason: "",
        at: AT,
    };
    profile.refuse(&tool, by).unwrap();
    let report = read(&image, &profile);
    assert!(executions(&report).contains(&("tools", Execution::Ran)));
}

#[test]
fn a_profile_of_another_image_says_nothing() {
    let image = image();
    let mut other = profile(&[
        "exec: {path: /usr/bin/java}",
        "file: {operation: CREATE, path: /x}",
    ]);
    let report = read(&image, &other);
    let ran = report.ran.as_ref().unwrap();
    assert!(!ran.says);
    assert!(
        executions(&report)
            .iter()
            .all(|(_, is)| *is == Execution::Unknown)
    );
    assert_eq!(
        (ran.packages_not_seen.count, ran.programs_not_seen.count),
        (0, 0)
    );
    assert!(
        report
            .savings
            .iter()
            .all(|saving| !saving.what.contains("seen to run"))
    );
    // Nor does an empty one.
    assert!(!read(&image, &profile(&[])).ran.unwrap().says);

    // Nor one that shares no more than a shell.
    let sh = "exec: {path: /usr/bin/tool}";
    let mut shell = profile(&[sh, "exec: {path: /usr/bin/java}"]);
    let digest = format!("sha256:{}", "0".repeat(64));
    for same in [None, Some(false)] {
        let report = read(&image, &shell);
        let ran = report.ran.as_ref().unwrap();
        assert_eq!((ran.same_image, ran.says), (same, false));
        let known: Vec<_> = (executions(&report).into_iter())
            .filter(|(_, is)| *is != Execution::Unknown)
            .collect();
        assert_eq!(known, [("tools", Execution::Ran)]);
        let mut savings = report.savings.iter();
        assert!(savings.all(|saving| !saving.what.contains("seen to run")));
        shell.sight(&Version::new("shop", &digest).unwrap(), AT);
    }
    // One of whose programs most are here does, and says of which it is.
    let mut near = profile(&["exec: {path: /usr/sbin/web}"]);
    near.sight(&Version::new("shop", &digest).unwrap(), AT);
    let report = read(&image, &near);
    assert!(executions(&report).contains(&("tools", Execution::NotSeenToRun)));
    let what = &report.savings[0].what;
    let by = "no program was seen to run, by a profile of another image, which is incomplete:";
    assert!(what.contains(by), "{what}");
    // And what learned of this image says so of one.
    shell.sight(
        &Version::new("shop", report.digest.as_ref().unwrap()).unwrap(),
        AT,
    );
    assert!(read(&image, &shell).ran.unwrap().says);

    other.sight(&Version::new("shop", &digest).unwrap(), AT);
    let ran = read(&image, &other).ran.unwrap();
    assert_eq!(
        (ran.same_image, ran.learned_of),
        (Some(false), vec![format!("shop@{digest}")])
    );
    let own = report.digest.unwrap();
    other.sight(&Version::new("shop", &own).unwrap(), AT);
    assert_eq!(read(&image, &other).ran.unwrap().same_image, Some(true));
}
