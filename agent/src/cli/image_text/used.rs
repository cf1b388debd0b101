//! What an inventory of use has of an image.

use super::{LISTED_MAX, dim, files, head, line, list, of, size};
use crate::cli::text::table;
use lapwing_image::counted;
use lapwing_image::inventory::{InUse, Split, Verdict};
use lapwing_image::report::{Report, Sum};
use lapwing_profile::text::visible;
use std::io::{Result, Write};

/// Characters of a bar.
const BAR: u64 = 20;

/// What was used, with what that rests on first.
pub(super) fn write(out: &mut impl Write, used: &InUse) -> Result<()> {
    head(
        out,
        "what was seen to be used",
        &format!("by the inventory of {}", used.workload),
    )?;
    rests(out, used)?;
    let sums = Split {
        used: used.used,
        not_seen: used.not_seen,
        unknown: used.unknown,
    };
    for (what, sum) in [
        ("used", sums.used),
        ("not seen to be used", sums.not_seen),
        ("unknown", sums.unknown),
    ] {
        let text = format!("{what:<20} {:>10} in {}", size(sum.bytes), files(sum.count));
        line(out, 2, &text)?;
    }
    line(out, 2, "by layers:")?;
    let rows = used
        .layers
        .iter()
        .map(|layer| row(&layer.number.to_string(), layer.files));
    rows_of(out, "layer", &rows.collect::<Vec<_>>())?;
    line(out, 2, "by packages, the most that was not seen first:")?;
    let named = used.packages.first.iter().take(LISTED_MAX).map(|package| {
        let mark = match package.verdict {
            Verdict::Used => "",
            Verdict::NotSeen => "  (nothing of it)",
            Verdict::Unknown => "  (unknown)",
        };
        row(&format!("{}{mark}", package.name), package.files)
    });
    let rows = named
        .chain([row("no package", used.no_package)])
        .collect::<Vec<_>>();
    rows_of(out, "package", &rows)?;
    let more = used.packages.count().saturating_sub(LISTED_MAX as u64);
    if more > 0 {
        dim(out, 4, &format!("and {more} more (-o json)"))?;
    }
    if !used.large.is_empty() {
        line(
            out,
            2,
            "data of 1 MB and more that was not seen to be read: for a volume or object storage",
        )?;
        list(out, &used.large, 4, |file| {
            format!(
                "{:>10}  {}{}",
                size(file.bytes),
                file.path,
                of(file.package.as_ref())
            )
        })?;
    }
    if !used.missing.is_empty() {
        line(
            out,
            2,
            "used, and not in this image (made in the container, or another image's):",
        )?;
        list(out, &used.missing, 4, String::clone)?;
    }
    let copy = &used.copy;
    let single: usize = copy.files.iter().map(|folder| folder.names.len()).sum();
    line(
        out,
        2,
        &format!(
            "to copy what was used takes {}{}, {} and {}: {} in {} (-o dockerfile)",
            counted(copy.folders.len() as u64, "folder"),
            match copy.folders.len() {
                0 => "",
                _ => " as a whole",
            },
            files(single as u64),
            counted(copy.links.len() as u64, "link"),
            size(copy.brings.bytes),
            files(copy.brings.count)
        ),
    )
}

/// What it rests on, what is missing, and what nobody should take it for.
pub(super) fn rests(out: &mut impl Write, used: &InUse) -> Result<()> {
    line(out, 2, &used.rests())?;
    for why in &used.incomplete {
        line(out, 2, &format!("INCOMPLETE: {why}"))?;
    }
    match used.same_image {
        Some(true) => line(out, 2, "it was made under this image")?,
        Some(false) => {
            line(
                out,
                2,
                "! it was made under other images, and not under this one:",
            )?;
            for image in used.made_under.iter().take(LISTED_MAX) {
                line(out, 4, image)?;
            }
        }
        None => line(out, 2, "! under which image it was made is not known")?,
    }
    if !used.says {
        line(
            out,
            2,
            "! too few of its files are in this image, so what was not used is not told",
        )?;
    }
    line(out, 2, used.caution)
}

fn row(name: &str, files: Split) -> Vec<String> {
    let sum = |sum: Sum| format!("{} in {}", size(sum.bytes), sum.count);
    let all = [files.used, files.not_seen, files.unknown]
        .iter()
        .fold(0_u64, |all, sum| all.saturating_add(sum.bytes));
    let part = |bytes: u64| {
        let share = u128::from(bytes) * u128::from(BAR) / u128::from(all.max(1));
        share as usize
    };
    let (used, not_seen) = (part(files.used.bytes), part(files.not_seen.bytes));
    let rest = (BAR as usize).saturating_sub(used + not_seen);
    let bar = match all {
        0 => String::new(),
        _ => format!(
            "{}{}{}",
            "#".repeat(used),
            ".".repeat(not_seen),
            "?".repeat(match files.unknown.bytes {
                0 => 0,
                _ => rest,
            })
        ),
    };
    vec![
        visible(name).into_owned(),
        sum(files.used),
        sum(files.not_seen),
        sum(files.unknown),
        bar,
    ]
}

fn rows_of(out: &mut impl Write, what: &str, rows: &[Vec<String>]) -> Result<()> {
    let mut text = Vec::new();
    table(
        &mut text,
        &[
            what,
            "used",
            "not seen",
            "unknown",
            "#used .not seen ?unknown",
        ],
        rows,
    )?;
    for row in String::from_utf8_lossy(&text).lines() {
        writeln!(out, "    {row}")?;
    }
    Ok(())
}

/// The build that has what was used alone, with what that rests on as comments.
pub(in crate::cli) fn write_dockerfile(out: &mut impl Write, report: &Report) -> Result<()> {
    let Some(used) = &report.used else {
        return Ok(());
    };
    let mut notes = Vec::new();
    rests(&mut notes, used)?;
    // Without the digest: builders look for a name with one in registries alone.
    let is = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let name = (report.name.as_deref()).filter(|name| name.chars().all(is));
    let name = name.unwrap_or_else(|| report.told_id());
    let notes = String::from_utf8_lossy(&notes);
    let said = "What was seen to be used, and nothing else but sources of compiled Python, links, and what says who users are. \
                Folders are made with owner and mode: those above what is copied, and those that are empty in the image or \
                somebody else's. LABEL, SHELL and ONBUILD of the image do not come with it; its ONBUILD, where a warning says that \
                there is one, runs while this is built. Another name of the image, as it is called where this is built: \
                --build-arg IMAGE=NAME.";
    let of = match (&report.digest, &report.id, &report.container) {
        (None, None, Some(container)) => {
            format!("Of the layers of the container {}", container.id)
        }
        _ => format!("Of the image {}", report.told_id()),
    };
    let notes: Vec<String> = { [said, &*of].into_iter().chain(notes.lines()) }
        .map(|note| visible(note.trim()).into_owned())
        .collect();
    write!(out, "{}", used.copy.dockerfile(name, &notes))
}
