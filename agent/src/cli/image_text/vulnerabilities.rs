//! A vulnerability report, split by what ran.

use super::{head, line, list, ran};
use crate::cli::text::table;
use lapwing_image::report::{First, Ran};
use lapwing_image::vulnerabilities::{Finding, Vulnerabilities};
use std::io::{Result, Write};

/// Counts by severity, what they rest on, and the worst of each part.
pub(super) fn write(out: &mut impl Write, split: &Vulnerabilities, of: &Ran) -> Result<()> {
    let all = split.ran.count() + split.not_seen.count() + split.unknown.count();
    let text = format!("{all} in the report of {}", split.scanner);
    head(out, "vulnerabilities", &text)?;
    match split.same_image {
        Some(true) => {}
        Some(false) => line(out, 2, "! the report is of another image than this one")?,
        None => line(out, 2, "! of which image the report is is not known")?,
    }
    let text = format!(
        "by the profile of {}: {}",
        of.workload,
        ran::rests(&of.basis)
    );
    line(out, 2, &text)?;
    if !of.basis.complete {
        line(out, 2, "it is incomplete, see above: more may have run")?;
    }
    line(out, 2, split.caution)?;
    let rows: Vec<Vec<String>> = (split.severities.iter())
        .map(|one| {
            let counts = [one.ran, one.not_seen, one.unknown];
            let severity = one.severity.word().to_owned();
            (std::iter::once(severity))
                .chain(counts.iter().map(ToString::to_string))
                .collect()
        })
        .collect();
    if !rows.is_empty() {
        let titles = ["SEVERITY", "ITS PACKAGE RAN", "NOT SEEN TO RUN", "UNKNOWN"];
        table(out, &titles, &rows)?;
    }
    part(out, "its package ran:", &split.ran)?;
    part(out, "present, not seen to run:", &split.not_seen)?;
    part(out, "unknown:", &split.unknown)
}

fn part(out: &mut impl Write, title: &str, all: &First<Finding>) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    line(out, 2, title)?;
    list(out, all, 4, |one| {
        let fixed = one.fixed.as_ref();
        let fixed = fixed.map(|version| format!(", fixed in {version}"));
        format!(
            "{:<10}  {}  {} {}{}",
            one.severity.word(),
            one.id,
            one.package,
            one.version,
            fixed.unwrap_or_default()
        )
    })
}
