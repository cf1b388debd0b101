//! Whether an image keeps to its budget.

use super::{Budget, Judgement, Line, NAMED_MAX, OFFENDERS_MAX, Unwanted, Verdict, used};
use crate::diff::{Changes, Diff, File, growth, percent};
use crate::report::{Capable, First, Program, Report, Secret, SetId};

const MB: f64 = 1e6;

/// Some of what makes a line so.
fn offenders<T>(all: &[T], more: u64, text: impl Fn(&T) -> String) -> First<String> {
    let first: Vec<String> = all.iter().take(OFFENDERS_MAX).map(text).collect();
    let left = (all.len() - first.len()) as u64;
    First {
        first,
        more: more + left,
    }
}

/// Behind a colon: the first, and how many there are besides.
fn named(all: &First<String>) -> String {
    let first: Vec<&str> = all
        .first
        .iter()
        .take(NAMED_MAX)
        .map(String::as_str)
        .collect();
    match all.count() - first.len() as u64 {
        _ if first.is_empty() => String::new(),
        0 => format!(": {}", first.join(", ")),
        more => format!(": {} and {more} more", first.join(", ")),
    }
}

/// A figure in about three digits, and as many more as show on which side of the limit it is.
pub(super) fn figure(value: f64, limit: f64) -> String {
    let is_told = |text: &String| {
        let told: f64 = text.parse().unwrap_or(value);
        (told > limit) == (value > limit) && (told < limit) == (value < limit)
    };
    let least = match value.abs() {
        ..1.0 => 3,
        ..10.0 => 2,
        _ => 1,
    };
    let texts = (least..=6).map(|digits| format!("{value:.digits$}"));
    { texts }.find(is_told).unwrap_or_else(|| value.to_string())
}

/// Bytes in a unit that they show in.
pub(super) fn amount(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / MB),
    }
}

/// Limits are told in MB and meant in whole bytes.
fn is_beyond(bytes: u64, limit: f64) -> bool {
    bytes as f64 > (limit * MB).round()
}

/// What is exceeded or kept, by a figure.
fn line(
    limit: &str,
    is_exceeded: bool,
    (value, allowed): (f64, f64),
    text: &str,
    offenders: First<String>,
) -> Line {
    let offenders = match is_exceeded {
        true => offenders,
        false => First::default(),
    };
    Line {
        limit: limit.to_owned(),
        verdict: match is_exceeded {
            true => Verdict::Exceeded,
            false => Verdict::Kept,
        },
        figure: Some(value),
        allowed,
        text: format!("{limit}: {text}{}", named(&offenders)),
        offenders,
    }
}

/// What nobody knows.
pub(super) fn unknown(limit: &str, figure: Option<f64>, allowed: f64, why: &str) -> Line {
    Line {
        limit: limit.to_owned(),
        verdict: Verdict::CannotBeJudged,
        figure,
        allowed,
        text: format!("{limit}: cannot be judged: {why}"),
        offenders: First::default(),
    }
}

impl Budget {
    /// Judges a new image by what it has and by what differs from the old one; `report` is that of the
    /// new image.
    #[must_use]
    pub fn judge(&self, diff: &Diff, report: &Report) -> Judgement {
        let growth = growth(diff.old.size.bytes, diff.new.size.bytes);
        let lines: Vec<Line> = [
            self.max_size_mb.map(|limit| size(diff, report, limit)),
            self.max_growth_mb
                .map(|limit| growth_mb(diff, growth, limit)),
            self.max_growth_percent
                .map(|limit| growth_percent(diff, growth, limit)),
            self.max_layers.map(|limit| layers(diff, limit)),
            self.max_unused_percent
                .map(|limit| used::unused(diff, report, limit)),
            self.max_unused_programs_percent
                .map(|limit| used::unused_programs(diff, report, limit)),
            self.max_wasted_mb.map(|limit| wasted(diff, report, limit)),
            self.min_hardening_score.map(|limit| score(diff, limit)),
        ]
        .into_iter()
        .flatten()
        .chain(self.forbid.iter().map(|what| forbidden(*what, report)))
        .chain(
            self.forbid_new
                .iter()
                .map(|what| forbidden_new(*what, diff)),
        )
        .collect();
        Judgement {
            within: lines.iter().all(|line| line.verdict == Verdict::Kept),
            lines,
        }
    }
}

fn size(diff: &Diff, report: &Report, limit: f64) -> Line {
    let bytes = diff.new.size.bytes;
    let value = bytes as f64 / MB;
    let mut layers: Vec<_> = report.layers.iter().collect();
    layers.sort_by_key(|layer| std::cmp::Reverse(layer.bytes));
    let largest = offenders(&layers, 0, |layer| {
        format!("layer {} of {}", layer.number, amount(layer.bytes))
    });
    line(
        "maxSizeMB",
        is_beyond(bytes, limit),
        (value, limit),
        &format!(
            "the layers hold {} MB, of {limit} MB that are allowed",
            figure(value, limit)
        ),
        largest,
    )
}

fn grown(diff: &Diff) -> First<String> {
    let grown = &diff.files.grown;
    offenders(&grown.first, grown.more, |file: &File| {
        let bytes = file.growth().unsigned_abs();
        format!("{} +{}", file.path, amount(bytes))
    })
}

/// What new layers hold and no container sees, which no list of files has. What they hide of layers that both
/// images have is in both, and no growth.
fn hidden(diff: &Diff) -> String {
    match diff.layers.added_hidden {
        0 => String::new(),
        bytes => format!(
            ", {} of the new layers in files that later ones hide",
            amount(bytes)
        ),
    }
}

fn by(value: f64, unit: &str, limit: f64) -> String {
    match value < 0.0 {
        true => format!("the layers shrank by {:.1} {unit}", -value),
        false => format!("the layers grew by {} {unit}", figure(value, limit)),
    }
}

fn growth_mb(diff: &Diff, growth: i64, limit: f64) -> Line {
    let value = growth as f64 / MB;
    let is_exceeded = growth > 0 && is_beyond(growth.unsigned_abs(), limit);
    let hidden = if is_exceeded {
        hidden(diff)
    } else {
        String::new()
    };
    let text = by(value, "MB", limit);
    line(
        "maxGrowthMB",
        is_exceeded,
        (value, limit),
        &format!("{text}, of {limit} MB that are allowed{hidden}"),
        grown(diff),
    )
}

fn growth_percent(diff: &Diff, growth: i64, limit: f64) -> Line {
    const KEY: &str = "maxGrowthPercent";
    let before = diff.old.size.bytes;
    if before == 0 && growth > 0 {
        let why = "the old image holds no bytes that growth could be a part of: set maxGrowthMB";
        return unknown(KEY, None, limit, why);
    }
    let share = percent(growth.unsigned_abs(), before);
    let value = if growth < 0 { -share } else { share };
    let is_exceeded = value > limit;
    let hidden = if is_exceeded {
        hidden(diff)
    } else {
        String::new()
    };
    let text = by(value, "%", limit);
    line(
        KEY,
        is_exceeded,
        (value, limit),
        &format!("{text}, of {limit} % that are allowed{hidden}"),
        grown(diff),
    )
}

fn layers(diff: &Diff, limit: u64) -> Line {
    let added = &diff.layers.added;
    let added = offenders(&added.first, added.more, |layer| {
        format!("new is layer {} of {}", layer.number, amount(layer.bytes))
    });
    line(
        "maxLayers",
        diff.new.layers > limit,
        (diff.new.layers as f64, limit as f64),
        &format!(
            "there are {} layers, of {limit} that are allowed",
            diff.new.layers
        ),
        added,
    )
}

fn wasted(diff: &Diff, report: &Report, limit: f64) -> Line {
    let (hidden, twice) = (diff.new.hidden, diff.new.duplicate);
    let bytes = hidden.saturating_add(twice);
    let value = bytes as f64 / MB;
    let waste = &report.waste;
    let in_hidden = waste.files.first.iter().map(|file| {
        let text = format!("{} hidden {}", file.path, amount(file.bytes));
        (file.bytes, text)
    });
    let in_twice = waste.duplicates.first.iter().map(|group| {
        let path = group.paths.first.first().map_or("", String::as_str);
        let text = format!("copies of {path} {}", amount(group.bytes));
        (group.bytes, text)
    });
    let mut all: Vec<(u64, String)> = in_hidden.chain(in_twice).collect();
    all.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let more = waste.files.more + waste.duplicates.more;
    line(
        "maxWastedMB",
        is_beyond(bytes, limit),
        (value, limit),
        &format!(
            "{} MB are wasted, of {limit} MB that are allowed; {} in files that later layers hide, {} in \
             copies",
            figure(value, limit),
            amount(hidden),
            amount(twice)
        ),
        offenders(&all, more, |(_, text)| text.clone()),
    )
}

fn score(diff: &Diff, limit: f64) -> Line {
    let score = &diff.new.score;
    let missing: Vec<_> = score.parts.iter().filter(|part| !part.is_met).collect();
    line(
        "minHardeningScore",
        f64::from(score.points) < limit,
        (f64::from(score.points), limit),
        &format!(
            "the score is {} of {}, and {limit} is wanted",
            score.points, score.of
        ),
        offenders(&missing, 0, |part| {
            format!("{} ({} points; {})", part.part, part.points, part.found)
        }),
    )
}

fn program(one: &Program) -> String {
    one.path.clone()
}

fn set_id(one: &SetId) -> String {
    format!("{} {}", one.mode, one.path)
}

fn capable(one: &Capable) -> String {
    format!("{} {}", one.path, one.capabilities.join("+"))
}

fn secret(one: &Secret) -> String {
    format!("{} ({})", one.place, one.kind)
}

fn some<T>(all: &First<T>, text: impl Fn(&T) -> String) -> First<String> {
    offenders(&all.first, all.more, text)
}

fn forbidden(what: Unwanted, report: &Report) -> Line {
    let notable = &report.notable;
    let found = match what {
        Unwanted::Shell => some(&notable.shells, program),
        Unwanted::PackageManager => some(&notable.package_managers, program),
        Unwanted::Compiler => some(&notable.compilers, program),
        Unwanted::SetId => some(&notable.set_id, set_id),
        Unwanted::Capability => some(&notable.file_capabilities, capable),
        Unwanted::Secret => some(&report.secrets, secret),
    };
    let searched = match what {
        Unwanted::Secret if report.not_searched > 0 => format!(
            ", files that were not searched to their end: {}",
            report.not_searched
        ),
        _ => String::new(),
    };
    let count = found.count();
    line(
        &format!("forbid: {}", what.key()),
        count > 0,
        (count as f64, 0.0),
        &format!(
            "{} found: {count}, of 0 that are allowed{searched}",
            what.many()
        ),
        found,
    )
}

fn forbidden_new(what: Unwanted, diff: &Diff) -> Line {
    fn added<T>(changes: &Changes<T>, text: impl Fn(&T) -> String) -> First<String> {
        some(&changes.added, text)
    }
    let found = match what {
        Unwanted::Shell => added(&diff.shells, program),
        Unwanted::PackageManager => added(&diff.package_managers, program),
        Unwanted::Compiler => added(&diff.compilers, program),
        Unwanted::SetId => added(&diff.set_id, set_id),
        Unwanted::Capability => added(&diff.file_capabilities, capable),
        Unwanted::Secret => added(&diff.secrets, secret),
    };
    let key = format!("forbidNew: {}", what.key());
    let count = found.count();
    if what == Unwanted::Secret && count == 0 && diff.secrets_not_compared > 0 {
        let why = format!(
            "the images have {} likely secrets beyond those that are kept, which were not compared: \
             remove those that there are, or set `forbid: [secret]`",
            diff.secrets_not_compared
        );
        return unknown(&key, None, 0.0, &why);
    }
    let searched = match what {
        Unwanted::Secret if diff.new.not_searched > 0 => format!(
            ", files that were not searched to their end: {}",
            diff.new.not_searched
        ),
        _ => String::new(),
    };
    line(
        &key,
        count > 0,
        (count as f64, 0.0),
        &format!(
            "new {}: {count}, of 0 that are allowed{searched}",
            what.many()
        ),
        found,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_show_on_which_side_of_a_limit_they_are() {
        for (value, limit, text) in [
            (5.04, 5.0, "5.04"),
            (5.000_001, 5.0, "5.000001"),
            (12.345, 5.0, "12.3"),
            (4.96, 5.0, "4.96"),
            (4.99, 5.0, "4.99"),
            (5.0, 5.0, "5.00"),
            (0.350_58, 0.35, "0.351"),
            (250.24, 100.0, "250.2"),
        ] {
            assert_eq!(figure(value, limit), text);
        }
        // A limit that has no exact form in binary is one of whole bytes all the same.
        assert!(!is_beyond(4_350_000, 4.35) && is_beyond(4_350_001, 4.35));
        assert!(!is_beyond(0, 0.0) && is_beyond(1, 0.0));
    }
}
