//! What can be saved, and how.

use crate::report::{Bulk, Package, Saving, Waste};
use crate::tree::How;
use std::collections::BTreeSet;

/// Less is not worth a line.
const LEAST: u64 = 10_000;

/// The packages of compilers, by their numbers and not by their names, which others may have too.
pub(crate) fn compilers(packages: &[Package], owners: &BTreeSet<usize>) -> Saving {
    let mut owned: Vec<&Package> = (owners.iter())
        .filter_map(|number| packages.get(*number))
        .collect();
    owned.sort_by(|one, other| (other.bytes, &one.name).cmp(&(one.bytes, &other.name)));
    let names: Vec<&str> = owned.iter().map(|package| &*package.name).collect();
    Saving {
        bytes: (owned.iter())
            .map(|package| package.bytes)
            .fold(0, u64::saturating_add),
        what: format!("packages of compilers: {}", names.join(", ")),
        remedy: "compile in another stage, and COPY --from what comes of it".to_owned(),
    }
}

/// All that is worth a line, the most first.
pub(crate) fn of(
    waste: &Waste,
    bulk: &[Bulk],
    compilers: Saving,
    more: Vec<Saving>,
) -> Vec<Saving> {
    let mut all = more;
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
    all.push(compilers);
    all.retain(|saving| saving.bytes >= LEAST);
    all.sort_by_key(|saving| std::cmp::Reverse(saving.bytes));
    all
}
