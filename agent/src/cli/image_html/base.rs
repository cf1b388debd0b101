//! Which kind of base would do, on the page.

use super::escape::Text;
use super::tables::{NAMES_MAX, begin};
use crate::cli::image_text::{now, size, source};
use lapwing_image::base::{Base, Need};
use std::fmt::Write;

fn list(out: &mut String, title: &str, all: impl Iterator<Item = String>) {
    let mut all = all.peekable();
    if all.peek().is_none() {
        return;
    }
    let _ = write!(out, "<p>{title}</p>\n<ul>\n");
    for text in all {
        let _ = writeln!(out, "<li>{}</li>", Text(&text));
    }
    out.push_str("</ul>\n");
}

/// The kind, what keeps it from a smaller one, and what has to be checked.
pub(super) fn write(out: &mut String, base: &Base) {
    begin(out, "base", "A smaller base");
    match base.why_unknown {
        Some(why) => {
            let _ = writeln!(out, "<p class=\"warn\">Unknown: {}.</p>", Text(why));
        }
        None => {
            let _ = writeln!(
                out,
                "<p>By {} one of the kind <b>{}</b> has what programs and libraries in use ask for: {}. Known as: {}.</p>",
                source(base),
                base.kind.word(),
                Text(base.contains),
                Text(&base.known)
            );
        }
    }
    for why in &base.incomplete {
        let _ = writeln!(out, "<p class=\"warn\">INCOMPLETE: {}</p>", Text(why));
    }
    list(out, "The base that it has:", now(base).into_iter());
    let needs = |decides: bool| {
        { base.requirements.iter() }
            .filter(move |one| one.decides == decides)
            .map(Need::text)
    };
    if let Some(next) = base.next_smaller {
        let title = format!("What keeps it from the kind <b>{}</b>:", next.word());
        list(out, &title, needs(true));
    }
    list(out, "Needed besides:", needs(false));
    let brought = { base.bring.first.iter().take(NAMES_MAX) }
        .map(|one| format!("{} ({})", one.path, size(one.bytes)));
    let more = base.bring.count().saturating_sub(NAMES_MAX as u64);
    let more = (more > 0).then(|| format!("and {more} more (-o json)"));
    list(
        out,
        "In use, and to be brought along, as such a base may lack it:",
        brought.chain(more),
    );
    list(out, "What the image itself says:", base.facts().into_iter());
    list(out, "To be checked:", base.check.iter().cloned());
    if !base.check.is_empty() {
        let _ = writeln!(out, "<p class=\"soft small\">{}.</p>", Text(base.caution));
    }
    out.push_str("</section>\n");
}
