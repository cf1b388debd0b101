//! How much of an image an inventory has in use.

use super::percent;
use crate::inventory::{self, InUse};
use crate::report::Sum;
use lapwing_profile::inventory::export::Learning;
use serde::Serialize;

/// Files of an image by an inventory of use, with what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfInventory {
    /// Whose inventory it is.
    pub workload: String,
    /// Since when the workload was observed, and until when something new was seen; `None` for never.
    pub since: Option<String>,
    /// See `since`.
    pub until: Option<String>,
    /// Instances that were observed.
    pub instances: u64,
    /// How far its profile had come with learning; `None` where nobody said.
    pub learning: Option<Learning>,
    /// Why more may have been used, in words; empty where nothing is known to be missing.
    pub incomplete: Vec<String>,
    /// Those of these that the inventory lacks; empty where nothing is known to be lost.
    pub losses: Vec<String>,
    /// What nobody should take it for.
    pub caution: &'static str,
    /// Whether it says something of this image.
    pub says: bool,
    /// Whether it was made under this image, by digest; `None` where nobody knows.
    pub same_image: Option<bool>,
    /// Files that were used.
    pub used: Sum,
    /// Files that were not seen to be used.
    pub not_seen: Sum,
    /// Files of which nothing is known.
    pub unknown: Sum,
    /// Of the bytes that a container sees, those of files that were used, in percent.
    pub used_percent: f64,
    /// Those of files that were not seen to be used.
    pub not_seen_percent: f64,
    /// All others.
    pub unknown_percent: f64,
}

impl OfInventory {
    /// What it rests on, in a line.
    #[must_use]
    pub fn rests(&self) -> String {
        let span = (self.since.as_deref(), self.until.as_deref());
        inventory::rests(span, self.instances, self.learning.as_ref(), &self.losses)
    }

    pub(super) fn of(of: &InUse) -> Self {
        let all = [of.used, of.not_seen, of.unknown];
        let all = all
            .iter()
            .fold(0_u64, |all, sum| all.saturating_add(sum.bytes));
        Self {
            workload: of.workload.clone(),
            since: of.since.clone(),
            until: of.until.clone(),
            instances: of.instances,
            learning: of.learning.clone(),
            incomplete: of.incomplete.clone(),
            losses: of.losses.clone(),
            caution: of.caution,
            says: of.says,
            same_image: of.same_image,
            used: of.used,
            not_seen: of.not_seen,
            unknown: of.unknown,
            used_percent: percent(of.used.bytes, all),
            not_seen_percent: percent(of.not_seen.bytes, all),
            unknown_percent: percent(of.unknown.bytes, all),
        }
    }
}
