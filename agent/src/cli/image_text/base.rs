//! Which kind of base would do.

use super::{LISTED_MAX, dim, files as count, head, line, list, of, size};
use lapwing_image::base::{Base, Kind};
use std::io::{Result, Write};

/// Which would do, why, and what has to be checked: all beside what that rests on.
pub(super) fn write(out: &mut impl Write, base: &Base) -> Result<()> {
    let verdict = match base.why_unknown {
        None => format!(
            "one of the kind `{}` has what programs and libraries in use ask for",
            base.kind.word()
        ),
        Some(_) => Kind::Unknown.word().to_owned(),
    };
    head(out, "a smaller base", &verdict)?;
    match base.why_unknown {
        Some(why) => line(out, 2, why)?,
        None => {
            line(out, 2, &format!("it has {}", base.contains))?;
            line(out, 2, &format!("as {}", base.known))?;
            line(out, 2, &format!("by {}", source(base)))?;
        }
    }
    for why in &base.incomplete {
        line(out, 2, &format!("INCOMPLETE: {why}"))?;
    }
    for text in now(base) {
        line(out, 2, &text)?;
    }
    let needs =
        |decides: bool| { base.requirements.iter() }.filter(move |one| one.decides == decides);
    if let Some(next) = base.next_smaller {
        line(
            out,
            2,
            &format!("what keeps it from the kind `{}`:", next.word()),
        )?;
        for one in needs(true).take(LISTED_MAX) {
            line(out, 4, &one.text())?;
        }
    }
    if needs(false).next().is_some() {
        line(out, 2, "needed besides:")?;
        for one in needs(false).take(LISTED_MAX) {
            line(out, 4, &format!("{} ({})", one.text(), one.base.word()))?;
        }
    }
    if !base.bring.is_empty() {
        line(
            out,
            2,
            "in use, and to be brought along, as such a base may lack it:",
        )?;
        list(out, &base.bring, 4, |one| {
            format!(
                "{:>10}  {}{}",
                size(one.bytes),
                one.path,
                of(one.package.as_ref())
            )
        })?;
    }
    for text in base.facts() {
        line(out, 2, &text)?;
    }
    if base.check.is_empty() {
        return Ok(());
    }
    line(out, 2, "to be checked:")?;
    for text in &base.check {
        line(out, 4, text)?;
    }
    dim(out, 2, base.caution)
}

/// What it follows from, in words.
pub(in crate::cli) fn source(base: &Base) -> &'static str {
    match base.by {
        "inventory" => "the inventory of use",
        "profile" => "the profile alone",
        "inventory+profile" => "the inventory of use and the profile",
        _ => "nothing",
    }
}

/// The base that the image has now, and what of it goes: a line each.
pub(in crate::cli) fn now(base: &Base) -> Vec<String> {
    let files = &base.files;
    let of = &base.layers;
    let mut all = vec![format!("its base now: {}; {}", of.text(), of.why)];
    if of.count > 0 {
        all.push(format!(
            "of that used {} in {}, not seen to be used {} in {}, unknown {} in {}",
            size(files.used.bytes),
            count(files.used.count),
            size(files.not_seen.bytes),
            count(files.not_seen.count),
            size(files.unknown.bytes),
            count(files.unknown.count)
        ));
        all.push(match base.saves {
            Some(saves) => format!(
                "at least {} in {} of that would go, being in packages that such a base has not and not seen \
                 in use",
                size(saves.bytes),
                count(saves.count)
            ),
            None => "how much of that would go is not known".to_owned(),
        });
    }
    all
}

#[cfg(test)]
pub(super) mod tests;
