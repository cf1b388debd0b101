use super::base::tests::{base, unknown};
use super::*;
use lapwing_advise::basis::Basis;
use lapwing_image::inventory::copy::Copy;
use lapwing_image::inventory::{CAUTION, InUse, LargeFile, OfLayer, OfPackage, Split, Verdict};
use lapwing_image::report::{
    Capable, Duplicate, HiddenBy, HiddenFile, Ran, RanProgram, SCHEMA, Secret, SetId, Size, Sum,
};
use lapwing_image::score::{Part, Score};
use lapwing_image::vulnerabilities::{Count, Finding, Severity, Vulnerabilities};
use lapwing_profile::inventory::export::Learning;

pub(super) fn hostile() -> String {
    "/x\u{1b}[2J\u{202e}".to_owned()
}

pub(super) fn first<T>(first: Vec<T>) -> First<T> {
    First { first, more: 3 }
}

fn package(name: String) -> Package {
    Package {
        kind: "deb",
        version: name.clone(),
        within: Some(name.clone()),
        name,
        bytes: 1,
        files: 2,
        libraries: 3,
        execution: Some(Execution::NotSeenToRun),
        architecture: None,
        by_sbom: false,
        purl: None,
        in_use: None,
        by_use: None,
    }
}

fn program(name: String) -> Program {
    Program {
        target: Some(name.clone()),
        package: Some(name.clone()),
        path: name,
        bytes: 1,
    }
}

pub(super) fn basis() -> Basis {
    Basis {
        complete: false,
        reasons: vec![hostile()],
        notes: vec![hostile()],
        mode: "learning",
        observed_seconds: 60,
        observed: "1 min".into(),
        instances: 1,
        starts: 1,
        coverage: Some(0.9999),
        coverage_unknown: 2,
        last_loss: Some(hostile()),
        has_evidence: true,
        overflow: 0,
        agent_losses: None,
        entries: 1,
        without_provenance: 0,
    }
}

fn ran() -> Ran {
    let sum = Sum { count: 1, bytes: 2 };
    Ran {
        workload: hostile(),
        basis: basis(),
        caution: "caution",
        says: false,
        same_image: Some(false),
        learned_of: vec![hostile()],
        executed: first(vec![RanProgram {
            path: hostile(),
            package: Some(hostile()),
        }]),
        missing: first(vec![hostile()]),
        programs_ran: sum,
        programs_not_seen: sum,
        other_files: sum,
        packages_ran: sum,
        packages_not_seen: sum,
        packages_unknown: sum,
    }
}

pub(super) fn score() -> Score {
    let part = |is_met| Part {
        part: "no shell",
        points: 15,
        is_met,
        found: hostile(),
        why: "because",
    };
    Score {
        points: 15,
        of: 30,
        parts: vec![part(true), part(false)],
    }
}

fn vulnerabilities() -> Vulnerabilities {
    let finding = || Finding {
        id: hostile(),
        severity: Severity::Critical,
        package: hostile(),
        version: hostile(),
        fixed: Some(hostile()),
        why: "because",
    };
    Vulnerabilities {
        scanner: "grype",
        same_image: Some(false),
        caution: "nothing is said",
        severities: vec![Count {
            severity: Severity::Critical,
            ran: 1,
            not_seen: 2,
            unknown: 3,
        }],
        ran: first(vec![finding()]),
        not_seen: first(vec![finding()]),
        unknown: first(vec![finding()]),
    }
}

fn used() -> InUse {
    let sum = |count| Sum {
        count,
        bytes: 2_000 * count,
    };
    let files = Split {
        used: sum(1),
        not_seen: sum(3),
        unknown: sum(0),
    };
    InUse {
        workload: hostile(),
        since: Some(hostile()),
        until: Some(hostile()),
        instances: 2,
        learning: Some(Learning {
            mode: hostile(),
            observed: hostile(),
            coverage: Some(0.999_9),
            incomplete: Vec::new(),
        }),
        incomplete: vec![hostile()],
        losses: Vec::new(),
        caution: CAUTION,
        says: true,
        same_image: Some(false),
        made_under: vec![hostile()],
        used: files.used,
        not_seen: files.not_seen,
        unknown: files.unknown,
        layers: vec![OfLayer { number: 1, files }],
        packages: first(vec![OfPackage {
            kind: "deb",
            name: hostile(),
            version: hostile(),
            verdict: Verdict::NotSeen,
            files,
        }]),
        no_package: Split::default(),
        large: first(vec![LargeFile {
            path: hostile(),
            bytes: 5_000_000,
            package: Some(hostile()),
        }]),
        large_bytes: 5_000_000,
        missing: first(vec![hostile()]),
        copy: Copy {
            unnamed: vec![hostile()],
            ..Copy::default()
        },
    }
}

/// With what hides in every text that is not canonical by itself.
fn report() -> Report {
    Report {
        schema: SCHEMA,
        name: Some(hostile()),
        digest: None,
        id: Some("sha256:00".into()),
        container: None,
        platform: hostile(),
        system: Some(hostile()),
        distro: Some(hostile()),
        size: Size::default(),
        layers: vec![Layer {
            number: 1,
            diff_id: None,
            folder: None,
            packed: 1,
            bytes: 1_234_567,
            files: 1,
            deletions: 0,
            hidden: 999,
            command: Some(hostile()),
        }],
        waste: Waste {
            hidden: 999,
            by_layer: vec![HiddenBy {
                layer: 1,
                by: 2,
                how: How::Deleted,
                bytes: 999,
                files: 1,
            }],
            files: First {
                first: vec![HiddenFile {
                    path: hostile(),
                    bytes: 999,
                    times: 2,
                    layer: 1,
                    by: 2,
                    how: How::Deleted,
                }],
                more: 0,
            },
            duplicate: 5,
            duplicates: First {
                first: vec![Duplicate {
                    bytes: 5,
                    each: 5,
                    paths: first(vec![hostile(), hostile()]),
                }],
                more: 0,
            },
        },
        packages: vec![package(hostile())],
        packages_not_read: vec![hostile()],
        sbom: Some(Told {
            form: hostile(),
            same_image: Some(false),
            packages: 5,
            merged: 2,
            without_files: 1,
            missing_files: 3,
            damaged: 0,
        }),
        notable: Notable {
            shells: first(vec![program(hostile())]),
            package_managers: first(vec![program(hostile())]),
            compilers: first(vec![program(hostile())]),
            set_id: first(vec![SetId {
                path: hostile(),
                mode: "4755".into(),
                package: Some(hostile()),
            }]),
            file_capabilities: first(vec![Capable {
                path: hostile(),
                capabilities: vec!["CAP_CHOWN".into()],
                package: Some(hostile()),
            }]),
            world_writable: first((0..12).map(|_| hostile()).collect()),
            bulk: Vec::new(),
        },
        secrets: First {
            first: vec![Secret {
                place: hostile(),
                kind: "private key (PEM)",
                layer: Some(1),
                hidden_by: Some(2),
            }],
            more: 0,
        },
        not_searched: 1,
        user: hostile(),
        score: score(),
        savings: vec![Saving {
            bytes: 1_500_000_000,
            what: hostile(),
            remedy: "do".into(),
        }],
        base: base(),
        used: Some(used()),
        ran: Some(ran()),
        vulnerabilities: Some(vulnerabilities()),
        notes: vec![hostile()],
    }
}

#[test]
fn an_image_reads_well_and_hides_nothing() {
    let mut out = anstream::StripStream::new(Vec::new());
    write(&mut out, &report()).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    let name = "/x\\x1b[2J\\xe2\\x80\\xae";
    for part in [
        &format!("{name}  {name}\nimage id sha256:00\n{name}\n"),
        &format!("what can be saved\n   1.50 GB  {name}\n            do\n"),
        "a smaller base  one of the kind `slim` has what programs and libraries in use ask for\n",
        &format!("\n1      1.2 MB  1      999 B   {name}\n"),
        "wasted  999 B in files that later layers hide\n  999 B of layer 1 in 1 file: deleted by layer 2\n",
        &format!("    999 B  {name}, 2 times (deleted)\n"),
        &format!("  5 B  5 of 5 B: {name}, {name} and 3 more\n"),
        "packages  1 deb\n",
        &format!(
            "1 B   2      deb   {name} (in {name})  {name}  not seen to run; libraries unknown: 3\n"
        ),
        &format!("shells  4\n  {name} -> {name}  ({name})\n"),
        &format!("package managers  4\n  {name} -> {name}  ({name})\n"),
        &format!("compilers  4\n  {name} -> {name}  ({name})\n"),
        &format!("set-id programs  4\n  4755  {name}  ({name})\n"),
        &format!("files with capabilities  4\n  {name}  CAP_CHOWN  ({name})\n"),
        &format!("what was seen to run  by the profile of {name}\n"),
        &format!("what was seen to be used  by the inventory of {name}\n"),
        &format!(
            "instances: 2, observed for {name}, coverage at least 0.999, mode: {name}, nothing known to be lost\n"
        ),
        &format!("  INCOMPLETE: {name}\n"),
        &format!("! it was made under other images, and not under this one:\n    {name}\n"),
        "    layer  used         not seen     unknown   #used .not seen ?unknown\n",
        "    1      2.0 kB in 1  6.0 kB in 3  0 B in 0  #####...............\n",
        &format!("    5.0 MB  {name}  ({name})\n    and 3 more (-o json)\n"),
        &format!(
            "coverage at least 0.999 (unknown for 2 classes), events were lost, last at {name}, mode: learning\n"
        ),
        &format!("  incomplete: {name}\n"),
        &format!("! it learned of other images, and not of this one:\n    {name}\n"),
        "! too few of its programs are in this image, so what did not run is not told\n",
        &format!("  ran:\n    {name}  ({name})\n    and 3 more (-o json)\n"),
        &format!("! ran from an image, and not in this one:\n    {name}\n"),
        "vulnerabilities  12 in the report of grype\n  ! the report is of another image than this one\n",
        &format!(
            "  by the profile of {name}: observed for 1 min, instances: 1, coverage at least 0.999 (unknown for 2 classes), "
        ),
        "  it is incomplete, see above: more may have run\n",
        &format!("  by the inventory of use of {name}:\n  first use {name}"),
        "  nothing is said\n",
        "critical  1            2         3\n  its package ran or was used:\n",
        &format!(
            "  present, not seen in use:\n    critical    {name}  {name} {name}, fixed in {name}\n    and 3 more"
        ),
        "sticky bit  15\n",
        "  and 5 more (-o json)\n",
        &format!(
            "likely secrets  1\n  {name}: private key (PEM), layer 1; hidden by layer 2, and still in the image\n"
        ),
        &format!(
            "hardening score  15 of 30\n  15 of 15  no shell: {name}\n   0 of 15  no shell: {name}\n            \
             because\n"
        ),
        "1 file not searched to the end, being larger than 1 MiB or full of what secrets begin with\n",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.contains(hidden), "{text:?}");
}

#[test]
fn what_an_image_has_not_is_told_too() {
    let mut out = anstream::StripStream::new(Vec::new());
    let report = Report {
        packages: Vec::new(),
        notable: Notable::default(),
        used: None,
        ran: None,
        base: unknown(),
        ..report()
    };
    write(&mut out, &report).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    for part in [
        "packages  none that is known\n",
        "a smaller base  unknown\n  nothing was given\n",
        "none  shells; package managers; compilers; set-id programs; files with capabilities; folders",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("seen to run"), "{text}");
}

#[test]
fn lists_that_end_before_all_is_told_say_how_much_more_there_is() {
    let mut report = report();
    let saving = report.savings[0].clone();
    report.savings = vec![saving; 13];
    let one = report.waste.by_layer[0].clone();
    report.waste.by_layer = vec![one; 12];
    let mut out = anstream::StripStream::new(Vec::new());
    write(&mut out, &report).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    for part in [
        "            do\n  and 3 more (-o json)\n  they overlap",
        "deleted by layer 2\n  and 2 more (-o json)\n  the largest:\n",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

#[test]
fn what_nobody_knows_has_a_column_and_is_in_the_legend() {
    let mut used = used();
    used.layers[0].files = Split {
        unknown: Sum {
            count: 2,
            bytes: 5_000,
        },
        ..Split::default()
    };
    let mut out = anstream::StripStream::new(Vec::new());
    used::write(&mut out, &used).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    let row = "    1      0 B in 0  0 B in 0  5.0 kB in 2  ????????????????????\n";
    assert!(text.contains(row), "no `{row}` in {text}");
    assert!(text.contains("#used .not seen ?unknown\n"), "{text}");
}
