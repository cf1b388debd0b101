//! The report for people: a table that is narrow, and below it, once for all rows that share it,
//! what is not seen and why it is not better.

use super::{Lack, Report};
use crate::cli::wrap::{grouped, wrapped};
use crate::cli::{BOLD, DIM, styled, table};
use std::io::{Result, Write};

/// Writes it in lines of at most `width` columns, but for names that are longer.
pub fn write(out: &mut impl Write, report: &Report, width: usize) -> Result<()> {
    writeln!(
        out,
        "lapwing {}, kernel {}, {}",
        report.version, report.kernel, report.architecture
    )?;
    if !report.able {
        // The problem, with its remedy, ends the command.
        return Ok(());
    }
    let hierarchy = if report.cgroups.controller.is_empty() {
        "cgroup v2".to_owned()
    } else {
        format!("cgroup v1 ({})", report.cgroups.controller)
    };
    let place = match report.cgroups.egress.as_str() {
        "" => "nowhere",
        place => place,
    };
    let told_apart = format!("{hierarchy} at {}", report.cgroups.root);
    wrapped(out, "containers are told apart by ", &told_apart, width)?;
    wrapped(out, "egress is traced at ", place, width)?;
    for (what, because) in [("open", &report.walks), ("exec", &report.walks_execs)] {
        if because.is_empty() {
            let text = "by their names, without a walk of the path";
            let before = format!("{what}s judged lately are known again ");
            wrapped(out, &before, text, width)?;
        } else {
            let before = format!("the path of each {what} is walked: ");
            wrapped(out, &before, because, width)?;
        }
    }
    writeln!(out)?;
    let rows: Vec<Vec<String>> = report
        .hooks
        .iter()
        .map(|row| {
            let tier = if row.tier.is_empty() {
                "none"
            } else {
                row.tier
            };
            vec![row.row.to_owned(), tier.to_owned(), row.target.clone()]
        })
        .collect();
    table(out, &["HOOK", "TIER", "ON"], &rows)?;
    misses(out, report, width)?;
    lacks(out, report, width)?;
    let seen = report
        .hooks
        .iter()
        .filter(|row| !row.tier.is_empty())
        .count();
    writeln!(
        out,
        "\nthe sensor can run here, with {seen} of {} hooks",
        report.hooks.len()
    )
}

fn misses(out: &mut impl Write, report: &Report, width: usize) -> Result<()> {
    let missing = report
        .hooks
        .iter()
        .filter(|row| !row.misses.is_empty())
        .map(|row| (row.misses, row.row));
    let groups = grouped(missing);
    if !groups.is_empty() {
        writeln!(out, "\n{}", styled(BOLD, "what is not seen"))?;
    }
    for (misses, rows) in groups {
        wrapped(out, "  ", &rows.join(", "), width)?;
        for part in misses.split("; ") {
            wrapped(out, "    - ", part, width)?;
        }
    }
    Ok(())
}

fn lacks(out: &mut impl Write, report: &Report, width: usize) -> Result<()> {
    // Tier by tier: rows that lack the same of one tier may differ in another.
    let lacking = report
        .hooks
        .iter()
        .flat_map(|row| row.lacks.iter().map(move |lack| (lack, row.row)));
    let mut groups: Vec<(&Lack, Vec<&str>)> = grouped(lacking);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", styled(BOLD, "why not better"))?;
    // Under one remedy all that it helps.
    groups.sort_by_key(|(lack, _)| (lack.tier, lack.cause));
    for part in groups.chunk_by(|a, b| (a.0.tier, a.0.cause) == (b.0.tier, b.0.cause)) {
        for (lack, rows) in part {
            wrapped(out, &format!("  tier {}: ", lack.tier), &lack.reason, width)?;
            wrapped(out, "    ", &rows.join(", "), width)?;
        }
        if let Some((lack, _)) = part.first() {
            remedy(out, lack.remedy, width)?;
        }
    }
    Ok(())
}

fn remedy(out: &mut impl Write, text: &str, width: usize) -> Result<()> {
    let mut plain = Vec::new();
    wrapped(&mut plain, "    remedy: ", text, width)?;
    for line in String::from_utf8_lossy(&plain).lines() {
        writeln!(out, "{}", styled(DIM, line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
