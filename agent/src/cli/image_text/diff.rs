//! What differs between two images, as people read it.

mod fit;
mod sums;

use super::{COMMAND_MAX, LISTED_MAX, dim, files, head, line, ran, size};
use crate::cli::text::table;
use fit::{short, wrapped};
use lapwing_image::budget::{Judgement, Verdict};
use lapwing_image::diff::{Changes, Diff, File, OfInventory, Package, Side, Used, growth};
use lapwing_image::report::{Capable, First, Layer, Program, Secret, SetId};
use std::io::{Result, Write};

/// Columns of a name, in lines that have something beside it.
const NAME_MAX: usize = 64;

/// All of it.
pub(in crate::cli) fn write(
    out: &mut impl Write,
    diff: &Diff,
    judgement: Option<&Judgement>,
) -> Result<()> {
    sums::write(out, diff)?;
    used(out, diff)?;
    let mut same = Vec::new();
    layers(out, &mut same, diff)?;
    of_files(out, &mut same, diff)?;
    packages(out, &mut same, diff)?;
    changes(out, &mut same, "shells", &diff.shells, program)?;
    let managers = &diff.package_managers;
    changes(out, &mut same, "package managers", managers, program)?;
    changes(out, &mut same, "compilers", &diff.compilers, program)?;
    changes(out, &mut same, "set-id programs", &diff.set_id, set_id)?;
    let capable = &diff.file_capabilities;
    changes(
        out,
        &mut same,
        "files with capabilities",
        capable,
        capabilities,
    )?;
    let writable = &diff.world_writable;
    let title = "folders that all may write to";
    changes(out, &mut same, title, writable, |path| {
        short(path, NAME_MAX)
    })?;
    changes(out, &mut same, "likely secrets", &diff.secrets, secret)?;
    if diff.secrets_not_compared > 0 {
        let count = diff.secrets_not_compared;
        wrapped(
            out,
            2,
            &format!("! {count} more likely secrets were not compared"),
        )?;
    }
    score(out, &mut same, diff)?;
    if !same.is_empty() {
        head(out, "unchanged", "")?;
        wrapped(out, 2, &same.join("; "))?;
    }
    notes(out, diff)?;
    judgement.map_or(Ok(()), |judgement| budget(out, judgement))
}

/// A change of bytes.
fn change(bytes: i64) -> String {
    let text = size(bytes.unsigned_abs());
    match bytes {
        0 => "same".to_owned(),
        1.. => format!("+{text}"),
        _ => format!("-{text}"),
    }
}

fn used(out: &mut impl Write, diff: &Diff) -> Result<()> {
    head(out, "used share", "")?;
    for (which, side) in [("old", &diff.old), ("new", &diff.new)] {
        if side.used.is_none() && side.in_use.is_none() {
            let text = format!(
                "{which}  not known: no profile or inventory of it (--{which}-profile, --{which}-use)"
            );
            dim(out, 2, &text)?;
        }
        if let Some(of) = &side.used {
            used_of(out, which, of)?;
        }
        if let Some(of) = &side.in_use {
            in_use(out, which, of)?;
        }
    }
    Ok(())
}

fn in_use(out: &mut impl Write, which: &str, of: &OfInventory) -> Result<()> {
    let text = format!(
        "{which}  used {:.1} %, not seen to be used {:.1} %, unknown {:.1} % of what a container sees",
        of.used_percent, of.not_seen_percent, of.unknown_percent
    );
    line(out, 2, &text)?;
    let text = format!("by the inventory of use of {}: {}", of.workload, of.rests());
    wrapped(out, 7, &text)?;
    for reason in &of.incomplete {
        wrapped(out, 7, &format!("incomplete: {reason}"))?;
    }
    match of.same_image {
        Some(true) => {}
        Some(false) => line(out, 7, "! it was made under other images, not this one")?,
        None => line(out, 7, "! under which image it was made is not known")?,
    }
    if !of.says {
        let text = "! too few of its files are in this image, so what was not used is not told";
        line(out, 7, text)?;
    }
    wrapped(out, 7, of.caution)
}

fn used_of(out: &mut impl Write, which: &str, used: &Used) -> Result<()> {
    let text = format!(
        "{which}  ran {:.1} %, not seen to run {:.1} %, unknown {:.1} % of what a container sees",
        used.ran_percent, used.not_seen_percent, used.unknown_percent
    );
    line(out, 2, &text)?;
    if let Some(share) = used.programs_not_seen_percent {
        let text = format!("of the bytes of programs, {share:.1} % were not seen to run");
        line(out, 7, &text)?;
    }
    let text = format!(
        "by the profile of {}: {}",
        used.workload,
        ran::rests(&used.basis)
    );
    wrapped(out, 7, &text)?;
    for reason in &used.basis.reasons {
        wrapped(out, 7, &format!("incomplete: {reason}"))?;
    }
    match used.same_image {
        Some(true) => {}
        Some(false) => line(out, 7, "! it learned of other images, and not of this one")?,
        None => line(out, 7, "! of which image it learned is not known")?,
    }
    if !used.says {
        let text = "! too few of its programs are in this image, so what did not run is not told";
        line(out, 7, text)?;
    }
    wrapped(out, 7, used.caution)
}

/// How many there are beyond those that are printed.
const fn unlisted<T>(all: &First<T>) -> u64 {
    all.more + all.first.len().saturating_sub(LISTED_MAX) as u64
}

/// The first, marked, and how many there are besides.
fn marked<T>(
    out: &mut impl Write,
    mark: &str,
    all: &First<T>,
    text: impl Fn(&T) -> String,
) -> Result<()> {
    for one in all.first.iter().take(LISTED_MAX) {
        wrapped(out, 2, &format!("{mark} {}", text(one)))?;
    }
    match unlisted(all) {
        0 => Ok(()),
        more => dim(out, 2, &format!("{mark} and {more} more (-o json)")),
    }
}

fn layers(out: &mut impl Write, same: &mut Vec<String>, diff: &Diff) -> Result<()> {
    let layers = &diff.layers;
    let shared = format!(
        "{} shared of {}",
        layers.shared.count,
        size(layers.shared.bytes)
    );
    if layers.added.is_empty() && layers.removed.is_empty() {
        same.push(format!("layers ({shared})"));
        return Ok(());
    }
    let text = format!(
        "{shared}, {} added of {}, {} removed of {}",
        layers.added.count(),
        size(layers.added_bytes),
        layers.removed.count(),
        size(layers.removed_bytes)
    );
    head(out, "layers", &text)?;
    let layer = |layer: &Layer| {
        let command = layer.command.as_deref().unwrap_or("-");
        let room = COMMAND_MAX - 24;
        format!(
            "{:>3}  {:>8}  {}",
            layer.number,
            size(layer.bytes),
            short(command, room)
        )
    };
    marked(out, "+", &layers.added, layer)?;
    marked(out, "-", &layers.removed, layer)
}

fn of(package: Option<&String>) -> String {
    let text = package.map(|package| format!("  ({})", short(package, 20)));
    text.unwrap_or_default()
}

fn file(file: &File) -> String {
    let what = match (file.before, file.after) {
        (None, _) => "new",
        (_, None) => "gone",
        _ => "",
    };
    format!(
        "{:>9} {what:<4}  {}{}",
        change(file.growth()),
        short(&file.path, NAME_MAX - 8),
        of(file.package.as_ref())
    )
}

fn of_files(out: &mut impl Write, same: &mut Vec<String>, diff: &Diff) -> Result<()> {
    let all = &diff.files;
    if (all.added.count, all.removed.count, all.changed.count) == (0, 0, 0) {
        same.push("files".to_owned());
        return Ok(());
    }
    let text = format!(
        "{} added of {}, {} removed of {}, {} changed ({})",
        all.added.count,
        size(all.added.bytes),
        all.removed.count,
        size(all.removed.bytes),
        all.changed.count,
        change(all.changed_growth)
    );
    head(out, "files", &text)?;
    for (title, list) in [
        ("largest growth:", &all.grown),
        ("largest loss:", &all.shrunk),
    ] {
        if !list.is_empty() {
            line(out, 2, title)?;
            for one in list.first.iter().take(LISTED_MAX) {
                wrapped(out, 2, &file(one))?;
            }
        }
        match unlisted(list) {
            0 => {}
            more => dim(out, 4, &format!("and {more} more (-o json)"))?,
        }
    }
    Ok(())
}

/// Versions in so many columns.
fn versions(all: &First<String>, most: usize) -> String {
    let first: Vec<&str> = all.first.iter().take(3).map(String::as_str).collect();
    let text = match all.count() - first.len() as u64 {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    };
    short(&text, most)
}

fn packages(out: &mut impl Write, same: &mut Vec<String>, diff: &Diff) -> Result<()> {
    let all = &diff.packages;
    let is_same = all.added.is_empty() && all.removed.is_empty() && all.changed.is_empty();
    match is_same {
        true => same.push("packages".to_owned()),
        false => {
            let text = format!(
                "{} added, {} removed, {} of another version",
                all.added.count(),
                all.removed.count(),
                all.changed.count()
            );
            head(out, "packages", &text)?;
        }
    }
    let one = |bytes: String, package: &Package, versions: String| {
        let name = short(&package.name, 30);
        format!("{bytes:>9}  {:<6} {name}  {versions}", package.kind)
    };
    marked(out, "+", &all.added, |package| {
        one(
            size(package.bytes_after),
            package,
            versions(&package.after, 42),
        )
    })?;
    marked(out, "-", &all.removed, |package| {
        one(
            size(package.bytes_before),
            package,
            versions(&package.before, 42),
        )
    })?;
    marked(out, "~", &all.changed, |package| {
        let bytes = change(growth(package.bytes_before, package.bytes_after));
        let text = format!(
            "{} -> {}",
            versions(&package.before, 20),
            versions(&package.after, 20)
        );
        one(bytes, package, text)
    })?;
    let mut told: Vec<&String> = Vec::new();
    for text in [&diff.old, &diff.new].map(|side| &side.packages_not_read) {
        told.extend(text);
    }
    told.sort();
    told.dedup();
    // Where nothing else is said of packages, they need a heading of their own.
    if is_same && !told.is_empty() {
        head(out, "packages", "not compared in full")?;
    }
    for text in told {
        wrapped(out, 2, &format!("! {text}"))?;
    }
    Ok(())
}

/// What only one has of a kind, or its title for the end.
fn changes<T>(
    out: &mut impl Write,
    same: &mut Vec<String>,
    title: &'static str,
    all: &Changes<T>,
    text: impl Fn(&T) -> String,
) -> Result<()> {
    if all.is_empty() {
        same.push(format!("{title} ({})", all.new));
        return Ok(());
    }
    head(out, title, &format!("{} -> {}", all.old, all.new))?;
    marked(out, "+", &all.added, &text)?;
    marked(out, "-", &all.removed, &text)
}

fn program(one: &Program) -> String {
    let target = one.target.as_ref();
    let target = target.map(|target| format!(" -> {}", short(target, 20)));
    let path = short(&one.path, NAME_MAX - 20);
    format!(
        "{path}{}{}",
        target.unwrap_or_default(),
        of(one.package.as_ref())
    )
}

fn set_id(one: &SetId) -> String {
    let path = short(&one.path, NAME_MAX);
    format!("{}  {path}{}", one.mode, of(one.package.as_ref()))
}

fn capabilities(one: &Capable) -> String {
    let path = short(&one.path, NAME_MAX - 20);
    let names = short(&one.capabilities.join(", "), 24);
    format!("{path}  {names}{}", of(one.package.as_ref()))
}

fn secret(one: &Secret) -> String {
    let layer = match (one.layer, one.hidden_by) {
        (Some(layer), Some(by)) => format!(", layer {layer}, hidden by layer {by}"),
        (Some(layer), None) => format!(", layer {layer}"),
        (None, _) => String::new(),
    };
    let place = short(&one.place, NAME_MAX - 24);
    format!("{place}: {}{layer}", one.kind)
}

fn score(out: &mut impl Write, same: &mut Vec<String>, diff: &Diff) -> Result<()> {
    let (old, new) = (&diff.old.score, &diff.new.score);
    let sum = format!("{} of {}", new.points, new.of);
    let pairs: Vec<_> = old.parts.iter().zip(&new.parts).collect();
    if pairs.iter().all(|(old, new)| old.is_met == new.is_met) {
        same.push(format!("hardening score ({sum})"));
        return Ok(());
    }
    head(out, "hardening score", &format!("{} -> {sum}", old.points))?;
    let has = |is_met| if is_met { "yes" } else { "no" };
    let row = |(old, new): &(&lapwing_image::score::Part, &lapwing_image::score::Part)| {
        vec![
            new.part.to_owned(),
            new.points.to_string(),
            has(old.is_met).to_owned(),
            has(new.is_met).to_owned(),
            short(&new.found, 44),
        ]
    };
    let rows: Vec<Vec<String>> = pairs.iter().map(row).collect();
    table(
        out,
        &["PART", "POINTS", "OLD", "NEW", "FOUND IN NEW"],
        &rows,
    )
}

fn notes(out: &mut impl Write, diff: &Diff) -> Result<()> {
    let of = |side: &Side| {
        let searched = (side.not_searched > 0).then(|| {
            let count = files(side.not_searched);
            format!("{count} not searched for secrets to the end")
        });
        searched.into_iter().chain(side.notes.clone()).collect()
    };
    let all: [(&str, Vec<String>); 2] = [("old", of(&diff.old)), ("new", of(&diff.new))];
    if all.iter().all(|(_, notes)| notes.is_empty()) {
        return Ok(());
    }
    head(out, "notes", "")?;
    for (which, notes) in &all {
        for note in notes {
            wrapped(out, 2, &format!("{which}  {note}"))?;
        }
    }
    Ok(())
}

fn budget(out: &mut impl Write, judgement: &Judgement) -> Result<()> {
    let count = judgement.lines.len();
    let is_kept = |line: &&lapwing_image::budget::Line| line.verdict == Verdict::Kept;
    let kept = judgement.lines.iter().filter(is_kept).count();
    let verdict = match judgement.within {
        true => "within it".to_owned(),
        false => format!("not within it, {kept} of {count} kept"),
    };
    head(out, "budget", &verdict)?;
    for one in &judgement.lines {
        let mark = match one.verdict {
            Verdict::Kept => "ok",
            Verdict::Exceeded => "!!",
            Verdict::CannotBeJudged => "??",
        };
        wrapped(out, 2, &format!("{mark}  {}", one.text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
