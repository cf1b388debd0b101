//! Versions of images and provisional entries, as people read them.

use super::text::{BOLD, DIM, styled};
use lapwing_profile::evidence::settings::missing;
use lapwing_profile::text::visible;
use lapwing_proto::{nanoseconds, v1};
use std::io::{Result, Write};

/// A version in a sentence, at `now`, in nanoseconds since the Unix epoch.
fn sentence(version: &v1::Version, now: i64) -> String {
    let name = format!("{}@{}", version.repository, version.digest);
    let first = version.first_seen.as_ref().map_or_else(
        || "at an unknown time".to_owned(),
        |time| lapwing_profile::file::time(nanoseconds(time)),
    );
    let left = (version.grace_until.as_ref()).map(|until| nanoseconds(until).saturating_sub(now));
    let what = match (version.known, left) {
        (true, _) => format!("is described by the profile, first seen {first}"),
        (false, None) => format!("came later, first seen {first}"),
        (false, Some(left @ 1..)) => format!(
            "is new since {first}: for {} yet, what only it does is reported as new in this version",
            missing(left)
        ),
        (false, Some(_)) => format!("came later, first seen {first}; its grace is over"),
    };
    format!("{} {what}", visible(&name))
}

/// All versions of a profile, the newest last.
pub(super) fn write_all(out: &mut impl Write, versions: &[v1::Version], now: i64) -> Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", styled(BOLD, "versions of the image"))?;
    for version in versions {
        writeln!(out, "  {}", sentence(version, now))?;
    }
    Ok(())
}

/// What is to be said of a profile in a list: versions that have grace, and, of one that is
/// compared with, entries that one instance alone may have taught. While it learns, its evidence
/// says the latter.
pub(super) fn write_notes(
    out: &mut impl Write,
    profile: &v1::ProfileSummary,
    now: i64,
) -> Result<()> {
    let in_grace = |version: &&v1::Version| {
        let until = version.grace_until.as_ref();
        until.is_some_and(|until| nanoseconds(until) > now)
    };
    let mut notes: Vec<String> = (profile.versions.iter().filter(in_grace))
        .map(|version| sentence(version, now))
        .collect();
    if profile.mode() == v1::Mode::Monitoring && profile.provisional > 0 {
        notes.push(format!(
            "entries seen in a minority of the instances, to be looked at: {}; `lapwing profile show {}` marks them",
            profile.provisional, profile.name
        ));
    }
    if notes.is_empty() {
        return Ok(());
    }
    if profile.learning.is_none() {
        writeln!(out, "\n{}", styled(BOLD, &visible(&profile.name)))?;
    }
    for note in notes {
        writeln!(out, "  {}", styled(DIM, &visible(&note)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::timestamp;

    const HOUR: i64 = 3_600_000_000_000;

    fn plain(write: impl FnOnce(&mut anstream::StripStream<Vec<u8>>) -> Result<()>) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    fn version(name: &str, known: bool, until: Option<i64>) -> v1::Version {
        v1::Version {
            repository: name.into(),
            digest: "sha256:00".into(),
            first_seen: Some(timestamp(0)),
            known,
            grace_until: until.map(timestamp),
        }
    }

    #[test]
    fn versions_and_what_is_left_of_their_grace_are_said_in_sentences() {
        let versions = [
            version("a", true, None),
            version("b", false, Some(5 * HOUR)),
            version("c", false, Some(24 * HOUR - 1)),
            version("d\u{1b}", false, None),
        ];
        let text = plain(|out| write_all(out, &versions, 5 * HOUR));
        let wanted = "\nversions of the image\n  \
            a@sha256:00 is described by the profile, first seen 1970-01-01T00:00:00Z\n  \
            b@sha256:00 came later, first seen 1970-01-01T00:00:00Z; its grace is over\n  \
            c@sha256:00 is new since 1970-01-01T00:00:00Z: for 19 h yet, what only it does is reported as new in this version\n  \
            d\\x1b@sha256:00 came later, first seen 1970-01-01T00:00:00Z\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_list_says_what_needs_somebody() {
        let profile = v1::ProfileSummary {
            name: "/Workload/web/".into(),
            mode: v1::Mode::Monitoring.into(),
            versions: vec![
                version("a", true, None),
                version("b", false, Some(6 * HOUR)),
            ],
            provisional: 2,
            ..v1::ProfileSummary::default()
        };
        let text = plain(|out| write_notes(out, &profile, 5 * HOUR));
        assert!(
            text.starts_with("\n/Workload/web/\n  b@sha256:00 is new since")
                && text.contains("for 1 h yet")
                && text.contains("to be looked at: 2; `lapwing profile show /Workload/web/`"),
            "{text}"
        );
        assert!(!text.contains("a@sha256"), "{text}");
        let quiet = v1::ProfileSummary {
            provisional: 0,
            ..profile
        };
        assert_eq!(plain(|out| write_notes(out, &quiet, 7 * HOUR)), "");
    }
}
