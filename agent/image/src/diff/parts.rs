//! Layers, packages and secrets of two images.

use super::{Changes, Layers, Package, Packages, growth};
use crate::Image;
use crate::found::Identity;
use crate::report::{self, First, Layer, Secret, Sum};
use crate::waste::LISTED_MAX;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Versions of one package that are listed.
const VERSIONS_MAX: usize = 10;

/// How often each digest is in some layers.
fn count(layers: &[Layer]) -> HashMap<&str, u64> {
    let mut counts = HashMap::new();
    for id in layers.iter().filter_map(|layer| layer.diff_id.as_deref()) {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

/// Parts some layers from those that others have as often; one without a digest is in no other image. Answers their
/// bytes too, and those of these that later layers hide.
fn only<'a>(
    of: &'a [Layer],
    others: &'a [Layer],
    mut shared: impl FnMut(&Layer),
) -> (First<Layer>, u64, u64) {
    let mut there = count(others);
    let mut only = First::default();
    let (mut bytes, mut hidden) = (0_u64, 0_u64);
    for layer in of {
        let left = layer.diff_id.as_deref().and_then(|id| there.get_mut(id));
        match left.filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                shared(layer);
            }
            None => {
                bytes = bytes.saturating_add(layer.bytes);
                hidden = hidden.saturating_add(layer.hidden);
                only.take(LISTED_MAX, || layer.clone());
            }
        }
    }
    (only, bytes, hidden)
}

pub(super) fn layers(old: &[Layer], new: &[Layer]) -> Layers {
    let mut sum = Sum::default();
    let (added, added_bytes, added_hidden) = only(new, old, |layer| sum.take(layer.bytes));
    let (removed, removed_bytes, _) = only(old, new, |_| {});
    Layers {
        shared: sum,
        added,
        added_bytes,
        added_hidden,
        removed,
        removed_bytes,
    }
}

/// Versions and bytes of all that goes by one kind and name.
#[derive(Default)]
struct Group<'a> {
    versions: Vec<&'a str>,
    bytes: u64,
}

impl<'a> Group<'a> {
    fn take(&mut self, package: &'a report::Package) {
        self.versions.push(&package.version);
        self.bytes = self.bytes.saturating_add(package.bytes);
    }

    fn listed(&self) -> First<String> {
        let mut listed = First::default();
        for version in &self.versions {
            listed.take(VERSIONS_MAX, || (*version).to_owned());
        }
        listed
    }
}

pub(super) fn packages(old: &[report::Package], new: &[report::Package]) -> Packages {
    let mut groups: BTreeMap<(&str, &'static str), (Group<'_>, Group<'_>)> = BTreeMap::new();
    for package in old {
        let key = (&*package.name, package.kind);
        groups.entry(key).or_default().0.take(package);
    }
    for package in new {
        let key = (&*package.name, package.kind);
        groups.entry(key).or_default().1.take(package);
    }
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for ((name, kind), (mut before, mut after)) in groups {
        before.versions.sort_unstable();
        after.versions.sort_unstable();
        if before.versions == after.versions {
            continue;
        }
        let list = match (before.versions.is_empty(), after.versions.is_empty()) {
            (true, _) => &mut added,
            (_, true) => &mut removed,
            _ => &mut changed,
        };
        list.push(Package {
            kind,
            name: name.to_owned(),
            before: before.listed(),
            after: after.listed(),
            bytes_before: before.bytes,
            bytes_after: after.bytes,
        });
    }
    // They are by name: the sort keeps that where sizes are equal.
    added.sort_by_key(|one| Reverse(one.bytes_after));
    removed.sort_by_key(|one| Reverse(one.bytes_before));
    changed.sort_by_key(|one| Reverse(growth(one.bytes_before, one.bytes_after)));
    Packages {
        added: First::of(added, LISTED_MAX),
        removed: First::of(removed, LISTED_MAX),
        changed: First::of(changed, LISTED_MAX),
    }
}

/// Secrets of one image that another has not.
fn without(of: &Image, other: &Image) -> First<Secret> {
    let there: BTreeSet<&Identity> = other.known_by.iter().collect();
    let all = of.report.secrets.first.iter().zip(&of.known_by);
    let only = all.filter(|(_, known_by)| !there.contains(known_by));
    let mut first = First::default();
    for (secret, _) in only {
        first.take(LISTED_MAX, || secret.clone());
    }
    first
}

pub(super) fn secrets(old: &Image, new: &Image) -> Changes<Secret> {
    Changes {
        old: old.report.secrets.count(),
        new: new.report.secrets.count(),
        added: without(new, old),
        removed: without(old, new),
    }
}
