//! What a profile saw run of an image.

use super::{LISTED_MAX, dim, head, line, list, of, package_table, size};
use lapwing_advise::basis::Basis;
use lapwing_image::report::{Execution, Package, Ran, Sum};
use std::io::{Result, Write};

/// What it rests on.
pub(super) fn rests(basis: &Basis) -> String {
    let coverage = match basis.coverage {
        // Never rounded up to all.
        Some(share) => format!(
            "at least {:.3}{}",
            (share * 1_000.0).floor() / 1_000.0,
            basis.without()
        ),
        None => "unknown".to_owned(),
    };
    let losses = match &basis.last_loss {
        Some(last) => format!("events were lost, last at {last}"),
        None if basis.has_evidence => "no losses known".to_owned(),
        None => "losses unknown".to_owned(),
    };
    format!(
        "observed for {}, instances: {}, coverage {coverage}, {losses}, mode: {}",
        basis.observed, basis.instances, basis.mode
    )
}

/// What it rests on, what is missing, and what nobody should take it for.
pub(super) fn evidence(out: &mut impl Write, ran: &Ran) -> Result<()> {
    let basis = &ran.basis;
    line(out, 2, &rests(basis))?;
    for reason in &basis.reasons {
        line(out, 2, &format!("incomplete: {reason}"))?;
    }
    match ran.same_image {
        Some(true) => line(out, 2, "it learned of this image")?,
        Some(false) => {
            line(out, 2, "! it learned of other images, and not of this one:")?;
            for image in ran.learned_of.iter().take(LISTED_MAX) {
                line(out, 4, image)?;
            }
        }
        None => line(out, 2, "! of which image it learned is not known")?,
    }
    if !ran.says {
        line(
            out,
            2,
            "! too few of its programs are in this image, so what did not run is not told",
        )?;
    }
    line(out, 2, ran.caution)
}

/// What ran, with what that rests on first.
pub(super) fn write(out: &mut impl Write, ran: &Ran, packages: &[Package]) -> Result<()> {
    head(
        out,
        "what was seen to run",
        &format!("by the profile of {}", ran.workload),
    )?;
    evidence(out, ran)?;
    let sum = |sum: Sum| format!("{} in {}", size(sum.bytes), sum.count);
    for (what, programs, of_packages) in [
        ("ran", Some(ran.programs_ran), ran.packages_ran),
        (
            "not seen to run",
            Some(ran.programs_not_seen),
            ran.packages_not_seen,
        ),
        ("unknown", None, ran.packages_unknown),
    ] {
        let of_programs = match programs {
            Some(programs) => format!("programs {}", sum(programs)),
            None => format!("other files {}", sum(ran.other_files)),
        };
        let text = format!("{what:<16} {of_programs:<32} packages {}", sum(of_packages));
        line(out, 2, text.trim_end())?;
    }
    line(out, 2, "ran:")?;
    list(out, &ran.executed, 4, |one| {
        format!("{}{}", one.path, of(one.package.as_ref()))
    })?;
    if !ran.missing.first.is_empty() {
        line(out, 2, "! ran from an image, and not in this one:")?;
        list(out, &ran.missing, 4, String::clone)?;
    }
    let is = |package: &&Package| package.execution == Some(Execution::NotSeenToRun);
    let not_seen: Vec<&Package> = packages.iter().filter(is).collect();
    if !not_seen.is_empty() {
        line(
            out,
            2,
            "packages of which no program was seen to run, the largest:",
        )?;
        package_table(out, not_seen.iter().take(LISTED_MAX).copied())?;
        if not_seen.len() > LISTED_MAX {
            dim(
                out,
                2,
                &format!("and {} more (-o json)", not_seen.len() - LISTED_MAX),
            )?;
        }
    }
    Ok(())
}
