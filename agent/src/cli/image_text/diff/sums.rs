//! Which images, and their sums side by side.

use super::fit::{short, wrapped};
use super::{change, line, size};
use crate::cli::text::{BOLD, styled, table};
use lapwing_image::diff::{Diff, Side, growth};
use lapwing_profile::text::visible;
use std::io::{Result, Write};

/// The heading, and a table.
pub(super) fn write(out: &mut impl Write, diff: &Diff) -> Result<()> {
    let (old, new) = (&diff.old, &diff.new);
    let name = |side: &Side| match &side.name {
        Some(name) => short(name, 38),
        None => "an image without a name".to_owned(),
    };
    writeln!(
        out,
        "{}  {}",
        styled(BOLD, &format!("{} -> {}", name(old), name(new))),
        visible(&short(&new.platform, 16))
    )?;
    for (which, side) in [("old", old), ("new", new)] {
        let digest = match (&side.digest, &side.id) {
            (Some(digest), _) => digest.clone(),
            (None, Some(id)) => format!("image id {id}"),
            (None, None) => "of no known digest".to_owned(),
        };
        line(out, 0, &format!("{which}  {}", short(&digest, 90)))?;
        if let Some(system) = &side.system {
            line(out, 5, &short(system, 90))?;
        }
    }
    if old.id.is_some() && old.id == new.id {
        line(out, 0, "both are the same image")?;
    }
    if old.platform != new.platform {
        let text = format!(
            "! they are for different platforms, {} and {}: choose one with --platform",
            old.platform, new.platform
        );
        wrapped(out, 0, &text)?;
    }
    writeln!(out)?;
    table(out, &["", "OLD", "NEW", "CHANGE"], &rows(old, new))
}

fn rows(old: &Side, new: &Side) -> Vec<Vec<String>> {
    let bytes = |what: &str, old: u64, new: u64| {
        let grown = growth(old, new);
        let share = match (grown, old) {
            (0, _) | (_, 0) => String::new(),
            // Exact enough: it is printed with one digit.
            _ => format!(" ({:+.1} %)", grown as f64 * 100.0 / old as f64),
        };
        vec![
            what.to_owned(),
            size(old),
            size(new),
            format!("{}{share}", change(grown)),
        ]
    };
    let count = |what: &str, old: u64, new: u64| {
        let grown = match growth(old, new) {
            0 => "same".to_owned(),
            grown => format!("{grown:+}"),
        };
        vec![what.to_owned(), old.to_string(), new.to_string(), grown]
    };
    let points = |side: &Side| u64::from(side.score.points);
    vec![
        bytes("files of all layers", old.size.bytes, new.size.bytes),
        bytes("layers in the file", old.size.packed, new.size.packed),
        bytes("a container sees", old.size.visible, new.size.visible),
        count("in files", old.size.files, new.size.files),
        bytes("hidden by later layers", old.hidden, new.hidden),
        bytes("copies", old.duplicate, new.duplicate),
        count("layers", old.layers, new.layers),
        count("packages", old.packages, new.packages),
        count("hardening score, of 100", points(old), points(new)),
    ]
}
