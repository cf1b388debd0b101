//! What is said of an image, as people read it.

mod base;
mod diff;
mod ran;
mod score;
mod used;
mod vulnerabilities;

pub(super) use base::{now, source};
pub(super) use diff::write as write_diff;
pub(super) use used::write_dockerfile;

use super::text::{BOLD, DIM, styled, table};
use lapwing_image::report::{
    Execution, First, FromContainer, Layer, Notable, Package, Program, Report, Saving, Waste,
};
use lapwing_image::sbom::Told;
use lapwing_image::{How, counted};
use lapwing_profile::text::visible;
use std::collections::BTreeMap;
use std::io::{Result, Write};

/// Lines of one list.
const LISTED_MAX: usize = 10;
/// Letters of a command.
const COMMAND_MAX: usize = 100;

/// All of it.
pub(super) fn write(out: &mut impl Write, report: &Report) -> Result<()> {
    heading(out, report)?;
    if let Some(of) = &report.ran {
        ran::write(out, of, &report.packages)?;
    }
    if let Some(split) = &report.vulnerabilities {
        vulnerabilities::write(out, split, report)?;
    }
    if let Some(of) = &report.used {
        used::write(out, of)?;
    }
    savings(out, &report.savings)?;
    base::write(out, &report.base)?;
    layers(out, &report.layers)?;
    waste(out, &report.waste)?;
    packages(out, report)?;
    notable(out, &report.notable)?;
    secrets(out, report)?;
    score::write(out, &report.score)?;
    if !report.notes.is_empty() {
        head(out, "notes", "")?;
        for note in &report.notes {
            line(out, 2, note)?;
        }
    }
    Ok(())
}

/// What is said of use rests on it, and what nobody should take it for, line by line: empty where there is
/// neither a profile nor an inventory.
pub(super) fn evidence(report: &Report) -> Result<Vec<String>> {
    let mut text = Vec::new();
    if let Some(of) = &report.ran {
        writeln!(text, "by the profile of {}:", visible(&of.workload))?;
        ran::evidence(&mut text, of)?;
    }
    if let Some(of) = &report.used {
        writeln!(text, "by the inventory of {}:", visible(&of.workload))?;
        used::rests(&mut text, of)?;
    }
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().map(|line| line.trim().to_owned()).collect())
}

/// Bytes as people say them, in units of 1000 as registries do.
pub(super) fn size(bytes: u64) -> String {
    // Exact enough: it is printed with one digit.
    let bytes_f = bytes as f64;
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes_f / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes_f / 1e6),
        _ => format!("{:.2} GB", bytes_f / 1e9),
    }
}

pub(super) fn files(count: u64) -> String {
    counted(count, "file")
}

fn head(out: &mut impl Write, title: &str, verdict: &str) -> Result<()> {
    writeln!(
        out,
        "\n{}",
        format!("{}  {}", styled(BOLD, title), visible(verdict)).trim_end()
    )
}

fn line(out: &mut impl Write, indent: usize, text: &str) -> Result<()> {
    writeln!(out, "{:indent$}{}", "", visible(text))
}

fn dim(out: &mut impl Write, indent: usize, text: &str) -> Result<()> {
    writeln!(out, "{:indent$}{}", "", styled(DIM, &visible(text)))
}

/// Lists the first, and says how many there are besides.
fn list<T>(
    out: &mut impl Write,
    all: &First<T>,
    indent: usize,
    text: impl Fn(&T) -> String,
) -> Result<()> {
    for one in all.first.iter().take(LISTED_MAX) {
        line(out, indent, &text(one))?;
    }
    match all.first.len().saturating_sub(LISTED_MAX) as u64 + all.more {
        0 => Ok(()),
        more => dim(out, indent, &format!("and {more} more (-o json)")),
    }
}

/// How many there are of a list beyond the lines of one.
fn beyond(out: &mut impl Write, indent: usize, count: usize) -> Result<()> {
    match count.saturating_sub(LISTED_MAX) {
        0 => Ok(()),
        more => dim(out, indent, &format!("and {more} more (-o json)")),
    }
}

fn heading(out: &mut impl Write, report: &Report) -> Result<()> {
    let name = report.name.as_deref().unwrap_or("an image without a name");
    writeln!(
        out,
        "{}  {}",
        styled(BOLD, &visible(name)),
        visible(&report.platform)
    )?;
    match (&report.digest, &report.id) {
        (Some(digest), _) => line(out, 0, digest)?,
        (None, Some(id)) => line(out, 0, &format!("image id {id}"))?,
        (None, None) => line(out, 0, "digest unknown")?,
    }
    if let Some(of) = &report.container {
        for text in from_container(of) {
            line(out, 0, &text)?;
        }
    }
    if let Some(system) = &report.system {
        line(out, 0, system)?;
    }
    let sum = &report.size;
    line(
        out,
        0,
        &format!(
            "{} of files in {}, {} {}; a container sees {} in {}",
            size(sum.bytes),
            counted(report.layers.len() as u64, "layer"),
            size(sum.packed),
            match report.container {
                Some(_) => "on the disk",
                None => "in the file",
            },
            size(sum.visible),
            files(sum.files)
        ),
    )
}

/// Whose layers were read, and what it wrote itself: a line each.
pub(super) fn from_container(of: &FromContainer) -> Vec<String> {
    let written = of.written.as_ref().map(|written| {
        let least = match written.is_incomplete {
            true => "at least ",
            false => "",
        };
        format!(
            "it wrote {least}{} in {} to its own layer, which is no part of the image",
            size(written.bytes),
            files(written.files)
        )
    });
    let whose = format!("by the layers of the container {}", of.id);
    [whose].into_iter().chain(written).collect()
}

fn layers(out: &mut impl Write, layers: &[Layer]) -> Result<()> {
    head(out, "layers", "")?;
    let rows: Vec<Vec<String>> = (layers.iter())
        .map(|layer| {
            let made = layer.command.as_deref();
            let command = made.or(layer.folder.as_deref()).unwrap_or("-");
            let mut shown: String = command.chars().take(COMMAND_MAX).collect();
            if shown.len() < command.len() {
                shown.push('\u{2026}');
            }
            vec![
                layer.number.to_string(),
                size(layer.bytes),
                layer.files.to_string(),
                match layer.hidden {
                    0 => "-".to_owned(),
                    hidden => size(hidden),
                },
                shown,
            ]
        })
        .collect();
    let made = match layers.iter().any(|layer| layer.folder.is_some()) {
        true => "LIES IN",
        false => "MADE BY",
    };
    table(out, &["LAYER", "SIZE", "FILES", "HIDDEN", made], &rows)
}

fn how(how: How) -> &'static str {
    match how {
        How::Deleted => "deleted",
        How::Overwritten => "overwritten",
        How::SameContents => "copied with the same contents",
    }
}

fn waste(out: &mut impl Write, waste: &Waste) -> Result<()> {
    if waste.hidden > 0 {
        let text = format!("{} in files that later layers hide", size(waste.hidden));
        head(out, "wasted", &text)?;
        for one in waste.by_layer.iter().take(LISTED_MAX) {
            let text = format!(
                "{} of layer {} in {}: {} by layer {}",
                size(one.bytes),
                one.layer,
                files(one.files),
                how(one.how),
                one.by
            );
            line(out, 2, &text)?;
        }
        beyond(out, 2, waste.by_layer.len())?;
        line(out, 2, "the largest:")?;
        list(out, &waste.files, 4, |file| {
            let times = match file.times {
                1 => String::new(),
                times => format!(", {times} times"),
            };
            format!(
                "{}  {}{times} ({})",
                size(file.bytes),
                file.path,
                how(file.how)
            )
        })?;
    }
    if waste.duplicate > 0 {
        let text = format!(
            "{} beyond the first of the same contents",
            size(waste.duplicate)
        );
        head(out, "duplicates", &text)?;
        list(out, &waste.duplicates, 2, |group| {
            let count = group.paths.first.len() as u64 + group.paths.more;
            let mut paths: Vec<&str> = group.paths.first.iter().map(String::as_str).collect();
            paths.truncate(3);
            let more = match count.saturating_sub(paths.len() as u64) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "{}  {count} of {}: {}{more}",
                size(group.bytes),
                size(group.each),
                paths.join(", ")
            )
        })?;
    }
    Ok(())
}

fn savings(out: &mut impl Write, savings: &[Saving]) -> Result<()> {
    if savings.is_empty() {
        return Ok(());
    }
    head(out, "what can be saved", "")?;
    for saving in savings.iter().take(LISTED_MAX) {
        line(
            out,
            2,
            &format!("{:>8}  {}", size(saving.bytes), saving.what),
        )?;
        dim(out, 12, &saving.remedy)?;
    }
    beyond(out, 2, savings.len())?;
    dim(out, 2, "they overlap: do not add them up")
}

fn packages(out: &mut impl Write, report: &Report) -> Result<()> {
    let mut kinds = BTreeMap::<&str, u64>::new();
    for package in &report.packages {
        *kinds.entry(package.kind).or_default() += 1;
    }
    let counts: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let text = match counts.is_empty() {
        true => "none that is known".to_owned(),
        false => counts.join(", "),
    };
    head(out, "packages", &text)?;
    if !report.packages.is_empty() {
        package_table(out, report.packages.iter().take(LISTED_MAX))?;
    }
    beyond(out, 0, report.packages.len())?;
    if let Some(of) = &report.sbom {
        line(out, 2, &sbom(of))?;
    }
    for text in &report.packages_not_read {
        line(out, 2, &format!("! {text}"))?;
    }
    Ok(())
}

/// What came of an SBOM, in one line.
pub(super) fn sbom(of: &Told) -> String {
    let same = match of.same_image {
        Some(true) => "of this image",
        Some(false) => "OF ANOTHER IMAGE",
        None => "of which image it does not say",
    };
    format!(
        "by the SBOM ({}, {same}): {}, {} of them known without it or named again; {} without a file that \
         is here, whose use is unknown; {} of its files are not here",
        of.form,
        counted(of.packages, "package"),
        of.merged,
        of.without_files,
        of.missing_files
    )
}

fn of(package: Option<&String>) -> String {
    package
        .map(|package| format!("  ({package})"))
        .unwrap_or_default()
}

/// A list of one kind, or its title for the end.
fn kind<T>(
    out: &mut impl Write,
    none: &mut Vec<&'static str>,
    title: &'static str,
    all: &First<T>,
    text: impl Fn(&T) -> String,
) -> Result<()> {
    match all.first.len() as u64 + all.more {
        0 => {
            none.push(title);
            Ok(())
        }
        count => {
            head(out, title, &count.to_string())?;
            list(out, all, 2, text)
        }
    }
}

fn program(one: &Program) -> String {
    let target = one.target.as_ref().map(|target| format!(" -> {target}"));
    format!(
        "{}{}{}",
        one.path,
        target.unwrap_or_default(),
        of(one.package.as_ref())
    )
}

fn notable(out: &mut impl Write, notable: &Notable) -> Result<()> {
    let mut none = Vec::new();
    kind(out, &mut none, "shells", &notable.shells, program)?;
    kind(
        out,
        &mut none,
        "package managers",
        &notable.package_managers,
        program,
    )?;
    kind(out, &mut none, "compilers", &notable.compilers, program)?;
    kind(out, &mut none, "set-id programs", &notable.set_id, |one| {
        format!("{}  {}{}", one.mode, one.path, of(one.package.as_ref()))
    })?;
    let capable = &notable.file_capabilities;
    kind(out, &mut none, "files with capabilities", capable, |one| {
        let names = one.capabilities.join(", ");
        format!("{}  {names}{}", one.path, of(one.package.as_ref()))
    })?;
    let writable = &notable.world_writable;
    let title = "folders that all may write to, without a sticky bit";
    kind(out, &mut none, title, writable, String::clone)?;
    match none.is_empty() {
        true => Ok(()),
        false => head(out, "none", &none.join("; ")),
    }
}

fn secrets(out: &mut impl Write, report: &Report) -> Result<()> {
    let all = &report.secrets;
    let text = match all.first.len() as u64 + all.more {
        0 => "none found".to_owned(),
        count => count.to_string(),
    };
    head(out, "likely secrets", &text)?;
    list(out, all, 2, |one| {
        let layer = one.layer.map(|layer| format!(", layer {layer}"));
        let hidden = one
            .hidden_by
            .map(|by| format!("; hidden by layer {by}, and still in the image"));
        format!(
            "{}: {}{}{}",
            one.place,
            one.kind,
            layer.unwrap_or_default(),
            hidden.unwrap_or_default()
        )
    })?;
    dim(
        out,
        2,
        &format!(
            "by patterns, so some may be none, and others may be missed; {} not searched to the end, \
             being larger than 1 MiB or full of what secrets begin with",
            files(report.not_searched)
        ),
    )
}

fn package_table<'a>(
    out: &mut impl Write,
    packages: impl Iterator<Item = &'a Package>,
) -> Result<()> {
    let rows: Vec<Vec<String>> = packages
        .map(|package| {
            let within = package
                .within
                .as_ref()
                .map(|within| format!(" (in {within})"));
            vec![
                size(package.bytes),
                package.files.to_string(),
                package.kind.to_owned(),
                format!("{}{}", package.name, within.unwrap_or_default()),
                package.version.clone(),
                match package.execution {
                    None => String::new(),
                    Some(Execution::Ran) => "ran".to_owned(),
                    Some(Execution::NotSeenToRun) => match package.libraries {
                        0 => "not seen to run".to_owned(),
                        count => format!("not seen to run; libraries unknown: {count}"),
                    },
                    Some(Execution::Unknown) => "unknown".to_owned(),
                },
            ]
        })
        .collect();
    let has_last = rows.iter().any(|row| !row[5].is_empty());
    let last = if has_last { "PROGRAMS" } else { "" };
    table(
        out,
        &["SIZE", "FILES", "KIND", "PACKAGE", "VERSION", last],
        &rows,
    )
}

#[cfg(test)]
mod tests;
