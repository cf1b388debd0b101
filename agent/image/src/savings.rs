//! What can be saved, and how.

use crate::report::{Bulk, First, Package, Program, Saving, Waste};
use crate::tree::How;
use std::collections::BTreeSet;

/// Less is not worth a line.
const LEAST: u64 = 10_000;

pub(crate) fn of(
    waste: &Waste,
    bulk: &[Bulk],
    compilers: &First<Program>,
    packages: &[Package],
    of_packages: Option<Saving>,
) -> Vec<Saving> {
    let mut all: Vec<Saving> = of_packages.into_iter().collect();
    for one in &waste.by_layer {
        let (layer, by) = (one.layer, one.by);
        let (what, remedy) = match one.how {
            How::Deleted => (
                format!("files of layer {layer} that layer {by} deletes"),
                format!("delete them in the step that makes layer {layer}, or make them in another stage"),
            ),
            How::Overwritten if layer == by => (
                format!("files that layer {layer} holds twice"),
                "make the layer again: no usual tool does so".to_owned(),
            ),
            How::Overwritten => (
                format!("files of layer {layer} that layer {by} overwrites"),
                format!("have their last form in layer {layer}, or build from a base without them"),
            ),
            How::SameContents => (
                format!("files of layer {layer} that layer {by} holds again with the same contents"),
                "set owner and mode where they are made (COPY --chown --chmod), not in a later RUN chown \
                 or chmod"
                    .to_owned(),
            ),
        };
        all.push(Saving {
            bytes: one.bytes,
            what,
            remedy,
        });
    }
    all.push(Saving {
        bytes: waste.duplicate,
        what: "files of the same contents beyond the first".to_owned(),
        remedy: "keep one and link to it, where they are yours".to_owned(),
    });
    for one in bulk {
        all.push(Saving {
            bytes: one.bytes,
            what: one.what.to_owned(),
            remedy: one.remedy.to_owned(),
        });
    }
    let owners: BTreeSet<&String> = (compilers.first.iter())
        .filter_map(|program| program.package.as_ref())
        .collect();
    let owned = packages
        .iter()
        .filter(|package| owners.contains(&package.name));
    let names: Vec<&str> = owned.clone().map(|package| &*package.name).collect();
    all.push(Saving {
        bytes: owned
            .map(|package| package.bytes)
            .fold(0, u64::saturating_add),
        what: format!("packages of compilers: {}", names.join(", ")),
        remedy: "compile in another stage, and COPY --from what comes of it".to_owned(),
    });
    all.retain(|saving| saving.bytes >= LEAST);
    all.sort_by_key(|saving| std::cmp::Reverse(saving.bytes));
    all
}
