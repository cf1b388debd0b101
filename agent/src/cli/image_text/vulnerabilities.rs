//! A vulnerability report, split by what ran and was used.

use super::{head, line, list, ran, used};
use crate::cli::text::table;
use lapwing_image::report::{First, Report};
use lapwing_image::vulnerabilities::{Finding, Vulnerabilities};
use std::io::{Result, Write};

/// Counts by severity, what they rest on, and the worst of each part.
pub(super) fn write(out: &mut impl Write, split: &Vulnerabilities, of: &Report) -> Result<()> {
    let all = split.ran.count() + split.not_seen.count() + split.unknown.count();
    let text = format!("{all} in the report of {}", split.scanner);
    head(out, "vulnerabilities", &text)?;
    match split.same_image {
        Some(true) => {}
        Some(false) => line(out, 2, "! the report is of another image than this one")?,
        None => line(out, 2, "! of which image the report is is not known")?,
    }
    if let Some(ran) = &of.ran {
        let rests = ran::rests(&ran.basis);
        let text = format!("by the profile of {}: {rests}", ran.workload);
        line(out, 2, &text)?;
        if !ran.basis.complete {
            line(out, 2, "it is incomplete, see above: more may have run")?;
        }
    }
    if let Some(inventory) = &of.used {
        let text = format!("by the inventory of use of {}:", inventory.workload);
        line(out, 2, &text)?;
        used::rests(out, inventory)?;
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
        let titles = ["SEVERITY", "RAN OR USED", "NOT SEEN", "UNKNOWN"];
        table(out, &titles, &rows)?;
    }
    part(out, "its package ran or was used:", &split.ran)?;
    part(out, "present, not seen in use:", &split.not_seen)?;
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
