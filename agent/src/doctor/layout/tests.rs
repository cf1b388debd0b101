use super::*;
use crate::doctor::{Cgroups, Row};
use crate::kernel::refusal::{Cause, Refusal};
use lapwing_abi::hooks::{Attach, Tier, hooks};

/// A host that gives every row its worst variant, and every second one none: with the words of
/// the table of hooks as it is.
fn worst() -> Report {
    let rows = hooks().enumerate().map(|(at, hook)| {
        let last = hook.variants.len() - 1;
        let none = at % 2 == 1 && last > 0;
        let tried = if none {
            hook.variants
        } else {
            &hook.variants[..last]
        };
        let refused: Vec<Refusal> = tried
            .iter()
            .map(|variant| Refusal {
                tier: variant.tier,
                cause: match variant.attach {
                    Attach::Fentry(_) | Attach::Fexit(_) => Cause::NoTrampolines,
                    _ => Cause::NoKprobes,
                },
                text: format!(
                    "refused: /sys/bus/event_source/devices/kprobe/type: {}",
                    variant.tier.name()
                ),
            })
            .collect();
        let variant = &hook.variants[last];
        Row {
            row: hook.row.id(),
            tier: if none { "" } else { variant.tier.name() },
            target: "a_rather_long_function_name".to_owned(),
            misses: if none { "" } else { variant.misses },
            refused: refused.iter().map(ToString::to_string).collect(),
            lacks: refused.iter().map(Lack::from).collect(),
        }
    });
    Report {
        version: "0.1.0",
        kernel: "6.1.0-31-cloud-amd64".to_owned(),
        architecture: "x86_64",
        able: true,
        problem: String::new(),
        cgroups: Cgroups {
            root: "/sys/fs/cgroup/pids".to_owned(),
            controller: "pids".to_owned(),
            egress: String::new(),
        },
        walks: "the kernel has no trampolines".to_owned(),
        walks_execs: String::new(),
        hooks: rows.collect(),
    }
}

fn text(report: &Report, width: usize) -> String {
    let mut out = Vec::new();
    write(&mut out, report, width).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

#[test]
fn every_line_fits_and_nothing_is_left_out() {
    let report = worst();
    for width in [80, 100, 120] {
        let text = text(&report, width);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let joined = words(&text);
        for row in &report.hooks {
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{} ", row.row)));
            let line = line.expect("a line of the table");
            let tier = if row.tier.is_empty() {
                "none"
            } else {
                row.tier
            };
            assert_eq!(line.split_whitespace().nth(1), Some(tier), "{line}");
            for part in row.misses.split("; ").filter(|part| !part.is_empty()) {
                assert!(joined.contains(&words(part)), "{part}");
            }
            for lack in &row.lacks {
                for part in [lack.reason.as_str(), lack.remedy] {
                    assert!(joined.contains(&words(part)), "{part}");
                }
            }
        }
    }
}

#[test]
fn what_rows_share_is_said_once() {
    let text = text(&worst(), 100);
    for sentence in [Cause::NoTrampolines.remedy(), Cause::NoKprobes.remedy()] {
        let start: Vec<&str> = sentence.split(' ').take(4).collect();
        let times = text
            .matches(&format!("remedy: {}", start.join(" ")))
            .count();
        assert!((1..=3).contains(&times), "{times} times: {text}");
    }
    // The tables of all kernels of today stay readable: about as many lines as rows, and as many
    // again for what is to be said of them.
    let rows = hooks().count();
    assert!(
        text.lines().count() < 5 * rows,
        "{} lines for {rows} rows",
        text.lines().count()
    );
}

#[test]
fn a_host_that_lacks_nothing_is_told_so_in_short() {
    let mut report = worst();
    for row in &mut report.hooks {
        row.tier = Tier::A1.name();
        row.misses = "";
        row.refused.clear();
        row.lacks.clear();
    }
    let text = text(&report, 80);
    assert!(
        !text.contains("not seen") && !text.contains("better"),
        "{text}"
    );
    let all = report.hooks.len();
    assert!(
        text.ends_with(&format!("with {all} of {all} hooks\n")),
        "{text}"
    );
}

#[test]
fn json_says_of_each_row_what_lacks_and_what_would_help() {
    let report = worst();
    let json = serde_json::to_value(&report).unwrap();
    for (row, hook) in report.hooks.iter().zip(json["hooks"].as_array().unwrap()) {
        assert_eq!(hook["row"], row.row);
        assert_eq!(hook["misses"], row.misses);
        assert_eq!(hook["refused"].as_array().unwrap().len(), row.lacks.len());
        for (lack, told) in row.lacks.iter().zip(hook["lacks"].as_array().unwrap()) {
            assert_eq!(told["remedy"], lack.remedy);
            assert_eq!(told["reason"], lack.reason.as_str());
            assert_eq!(
                (&told["tier"], &told["cause"]),
                (&lack.tier.into(), &lack.cause.into())
            );
        }
    }
}
