//! Limits of what a profile or an inventory has to say: how much of an image is not in use.
//!
//! An inventory knows each file, so by one of this image there is a single share and no bounds.
//! What runs is recorded, and what is read or mapped is not. So unused is something between what was not
//! seen to run and that with all that is unknown, and a limit is kept or exceeded where the whole of that
//! is on one side of it. To observe for longer can only lower what was not seen: an incomplete profile
//! can show that a limit is kept, and never that it is exceeded.

use super::judge::{amount, figure, unknown};
use super::{Line, OFFENDERS_MAX, Verdict};
use crate::diff::{Diff, OfInventory, Used};
use crate::inventory;
use crate::report::{Execution, First, Package, Report};

/// What has to be there before anything can be said.
fn given(diff: &Diff) -> Result<&Used, String> {
    let Some(used) = &diff.new.used else {
        return Err(
            "no profile says what of the new image runs: give one that was learned of it with \
             --new-profile FILE, or for maxUnusedPercent an inventory of its use with --new-use FILE"
                .to_owned(),
        );
    };
    if used.same_image == Some(false) {
        return Err(
            "the profile learned of other images: give one that was learned of this one with \
             --new-profile FILE"
                .to_owned(),
        );
    }
    match used.says {
        true => Ok(used),
        false => Err(
            "too few of the programs that the profile saw are in the new image: give one that was \
             learned of it with --new-profile FILE"
                .to_owned(),
        ),
    }
}

/// What a figure rests on.
fn coverage(used: &Used) -> String {
    let basis = &used.basis;
    let coverage = match basis.coverage {
        // Never rounded up to all.
        Some(share) => format!("at least {:.3}", (share * 1_000.0).floor() / 1_000.0),
        None => "unknown".to_owned(),
    };
    let complete = match basis.complete {
        true => "",
        false => ", incomplete",
    };
    format!(
        "observed for {} in {} instances, coverage {coverage}{complete}",
        basis.observed, basis.instances
    )
}

/// Packages of which nothing was seen to run, the largest first.
fn packages(report: &Report) -> First<String> {
    let is = |one: &&Package| one.execution == Some(Execution::NotSeenToRun);
    let mut first = First::default();
    for package in report.packages.iter().filter(is) {
        first.take(OFFENDERS_MAX, || {
            format!("{} {}", package.name, amount(package.bytes))
        });
    }
    first
}

/// The largest packages in words.
fn named(offenders: &First<String>) -> String {
    if offenders.is_empty() {
        return String::new();
    }
    let first: Vec<&str> = offenders.first.iter().take(3).map(String::as_str).collect();
    let more = match offenders.count() - first.len() as u64 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; packages: {}{more}", first.join(", "))
}

/// Judges a share of which the lowest and the highest value are known, in words for both.
fn judge(
    key: &str,
    (lowest, highest): (f64, f64),
    limit: f64,
    used: &Used,
    report: &Report,
    (all, what, unknowns): (&str, &str, &str),
) -> Line {
    let rests = coverage(used);
    if highest <= limit {
        return Line {
            limit: key.to_owned(),
            verdict: Verdict::Kept,
            figure: Some(highest),
            allowed: limit,
            text: format!(
                "{key}: at most {} % of {all}, of {limit} % that are allowed; {rests}",
                figure(highest, limit)
            ),
            offenders: First::default(),
        };
    }
    if lowest <= limit {
        let why = format!(
            "{} % of {what}, and {:.1} % are unknown, of {limit} % that are allowed: {unknowns}; {rests}",
            figure(lowest, limit),
            highest - lowest
        );
        return unknown(key, Some(lowest), limit, &why);
    }
    if !used.basis.complete {
        let why = format!(
            "{} % of {what}, of {limit} % that are allowed, by a profile that is incomplete ({}): give \
             one that learned for longer with --new-profile FILE; {rests}",
            figure(lowest, limit),
            used.basis.reasons.join("; ")
        );
        return unknown(key, Some(lowest), limit, &why);
    }
    let offenders = packages(report);
    let named = named(&offenders);
    Line {
        limit: key.to_owned(),
        verdict: Verdict::Exceeded,
        figure: Some(lowest),
        allowed: limit,
        text: format!(
            "{key}: {} % of {what}, of {limit} % that are allowed; {rests}{named}",
            figure(lowest, limit)
        ),
        offenders,
    }
}

/// Judges the share of files that were not seen to be used. To observe for longer can only lower it, so an
/// inventory that lacks something can show that a limit is kept, and never that it is exceeded.
fn by_inventory(key: &str, of: &OfInventory, report: &Report, limit: f64) -> Line {
    let share = of.not_seen_percent;
    let text = format!(
        "{} % of the bytes that a container sees are of files that were not seen to be used, of {limit} % that \
         are allowed; by an inventory: {}",
        figure(share, limit),
        of.rests()
    );
    let incomplete = match of.incomplete.is_empty() {
        true => String::new(),
        false => format!("; incomplete: {}", of.incomplete.join("; ")),
    };
    if share <= limit {
        return Line {
            limit: key.to_owned(),
            verdict: Verdict::Kept,
            figure: Some(share),
            allowed: limit,
            text: format!("{key}: {text}{incomplete}"),
            offenders: First::default(),
        };
    }
    if !of.incomplete.is_empty() {
        let why = format!("{text}{incomplete}: give one that lacks nothing");
        return unknown(key, Some(share), limit, &why);
    }
    let mut offenders = First::default();
    let not_seen = |one: &&Package| one.in_use == Some(inventory::Verdict::NotSeen);
    for package in report.packages.iter().filter(not_seen) {
        offenders.take(OFFENDERS_MAX, || {
            format!("{} {}", package.name, amount(package.bytes))
        });
    }
    Line {
        limit: key.to_owned(),
        verdict: Verdict::Exceeded,
        figure: Some(share),
        allowed: limit,
        text: format!("{key}: {text}{}", named(&offenders)),
        offenders,
    }
}

pub(super) fn unused(diff: &Diff, report: &Report, limit: f64) -> Line {
    const KEY: &str = "maxUnusedPercent";
    // One that says nothing of this image leaves it to a profile.
    let of = diff.new.in_use.as_ref();
    if let Some(of) = of.filter(|of| of.says && of.same_image != Some(false)) {
        return by_inventory(KEY, of, report, limit);
    }
    let used = match given(diff) {
        Ok(used) => used,
        Err(why) => return unknown(KEY, None, limit, &why),
    };
    let lowest = used.not_seen_percent;
    judge(
        KEY,
        (lowest, lowest + used.unknown_percent),
        limit,
        used,
        report,
        (
            "the bytes that a container sees are of programs that were not seen to run, or unknown",
            "the bytes that a container sees are of programs that were not seen to run",
            "of libraries and data nobody knows whether they are in use; set \
             maxUnusedProgramsPercent, which is of programs alone",
        ),
    )
}

pub(super) fn unused_programs(diff: &Diff, report: &Report, limit: f64) -> Line {
    const KEY: &str = "maxUnusedProgramsPercent";
    let used = match given(diff) {
        Ok(used) => used,
        Err(why) => return unknown(KEY, None, limit, &why),
    };
    let Some(share) = used.programs_not_seen_percent else {
        let why = "no program of the new image has any bytes: set maxUnusedPercent";
        return unknown(KEY, None, limit, why);
    };
    judge(
        KEY,
        (share, share),
        limit,
        used,
        report,
        (
            "the bytes of programs are of those that were not seen to run",
            "the bytes of programs are of those that were not seen to run",
            "",
        ),
    )
}
