//! Who did what an entry says, as people and programs read it.

use super::text::{DIM, styled};
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::provenance::mounts::Mount;
use serde_json::{Value, json};
use std::io::{Result, Write};

/// A line below the entry's, where somebody told.
pub(super) fn write(out: &mut impl Write, profile: &Profile, entry: &Entry) -> Result<()> {
    match profile.provenance(entry) {
        Some(told) => writeln!(out, "    {}", styled(DIM, &told.to_string())),
        None => Ok(()),
    }
}

/// The same for programs; `null` where nobody told.
pub(super) fn value(profile: &Profile, entry: &Entry) -> Value {
    let Some(told) = profile.provenance(entry) else {
        return Value::Null;
    };
    json!({
        "executables": told.executables.all,
        "moreExecutables": told.executables.more,
        "uids": told.uids.all,
        "moreUids": told.uids.more,
        "addresses": told.addresses.all,
        "moreAddresses": told.addresses.more,
        "digests": told.digests,
        "moreDigests": told.share.is_some_and(|share| share.more),
        "versions": told.share.map(|share| share.of),
        "mounts": told.mounts.all().map(Mount::word).collect::<Vec<_>>(),
    })
}

/// Of all entries of a profile.
pub(super) fn values(profile: &Profile) -> Value {
    let all = [Verdict::Approved, Verdict::Pending, Verdict::Refused];
    let entries = all
        .into_iter()
        .flat_map(|it| profile.entries(it).into_keys());
    let told = entries.filter_map(|entry| {
        let value = value(profile, &entry);
        (!value.is_null()).then(|| json!({"entry": entry.to_string(), "from": value}))
    });
    Value::Array(told.collect())
}
