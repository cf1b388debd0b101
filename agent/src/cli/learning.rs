//! How far learning is, as people and programs read it.

use super::text::{BOLD, DIM, styled, table};
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::settings::duration;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::text::visible;
use lapwing_proto::v1;
use serde_json::{Value, json};
use std::io::{Result, Write};

fn seconds(seconds: u64) -> String {
    duration(
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000_000),
    )
}

/// In one line.
pub(super) fn headline(mode: v1::Mode, learning: &v1::Learning) -> String {
    let state = match (mode, learning.complete) {
        (v1::Mode::Review, _) if learning.incomplete => {
            "is in review, incomplete: the time was up, and a person decides without"
        }
        (v1::Mode::Review, true) => "is in review: the evidence is complete, and a person decides",
        (v1::Mode::Review, false) => "is in review; since its evidence was complete, this came up",
        (_, true) => "has learned what there is to see",
        (_, false) => "learns; its evidence lacks",
    };
    let observed = format!(
        "(observed for {}, instances: {})",
        seconds(learning.observed_seconds),
        learning.instances
    );
    format!("{state} {}", styled(DIM, &observed))
}

/// The conditions that do not hold, one a line, and what else there is to know.
pub(super) fn write_unmet(out: &mut impl Write, learning: &v1::Learning) -> Result<()> {
    for unmet in &learning.unmet {
        writeln!(out, "  {}", visible(unmet))?;
    }
    if learning.provisional > 0 {
        writeln!(
            out,
            "  entries seen in a minority of the instances, to be looked at: {}",
            learning.provisional
        )?;
    }
    if !learning.note.is_empty() {
        writeln!(out, "  {}", styled(DIM, &visible(&learning.note)))?;
    }
    Ok(())
}

/// What was sampled, class by class.
pub(super) fn write_classes(out: &mut impl Write, learning: &v1::Learning) -> Result<()> {
    if learning.classes.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = learning
        .classes
        .iter()
        .map(|class| {
            vec![
                class.kind.clone(),
                if class.startup { "start-up" } else { "later" }.to_owned(),
                class.samples.to_string(),
                class.behaviours.to_string(),
                class.once.to_string(),
                class.incidences.to_string(),
                // Never rounded up to all.
                (class.coverage).map_or_else(
                    || "-".to_owned(),
                    |share| format!("{:.3}", (share * 1_000.0).floor() / 1_000.0),
                ),
            ]
        })
        .collect();
    writeln!(out, "\n{}", styled(BOLD, "evidence"))?;
    let head = [
        "CLASS",
        "WHEN",
        "SAMPLES",
        "BEHAVIOURS",
        "SEEN ONCE",
        "INCIDENCES",
        "COVERAGE",
    ];
    table(out, &head, &rows)
}

/// What is said beside an entry that a minority of the instances showed.
pub(super) fn provisional(profile: &Profile, entry: &Entry) -> String {
    match profile.spread(entry) {
        Some(spread) if profile.is_provisional(entry) => {
            let lone = match profile.is_lone(entry) {
                true => ", and reported of any other",
                false => "",
            };
            let text = format!(
                "  provisional: seen in {} of {} instances{lone}",
                spread.shown, spread.of
            );
            styled(BOLD, &text)
        }
        _ => String::new(),
    }
}

/// The same for programs: the message of the API, and the entries that are provisional.
pub(super) fn value(profile: &Profile, learning: Option<&v1::Learning>) -> Value {
    let approved = profile.entries(Verdict::Approved);
    let provisional: Vec<Value> = (approved.keys())
        .filter(|entry| profile.is_provisional(entry))
        .filter_map(|entry| {
            let spread = profile.spread(entry)?;
            Some(json!({"entry": entry.to_string(), "instances": spread.shown, "of": spread.of}))
        })
        .collect();
    // A message of ours is always JSON.
    let progress = serde_json::to_value(learning).unwrap_or_default();
    json!({"progress": progress, "provisional": provisional})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(write: impl FnOnce(&mut anstream::StripStream<Vec<u8>>) -> Result<()>) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn what_is_missing_is_told_line_by_line() {
        let learning = v1::Learning {
            unmet: vec!["quiet for 6 min of 15 min; \u{1b}[2J".into()],
            classes: vec![v1::Coverage {
                kind: "egress".into(),
                samples: 7,
                behaviours: 41,
                once: 3,
                incidences: 99,
                coverage: Some(0.9999),
                ..Default::default()
            }],
            observed_seconds: 90 * 60,
            instances: 2,
            provisional: 1,
            note: "observed for less than a day".into(),
            ..Default::default()
        };
        let text = plain(|out| {
            writeln!(out, "{}", headline(v1::Mode::Learning, &learning))?;
            write_unmet(out, &learning)?;
            write_classes(out, &learning)
        });
        let wanted = "learns; its evidence lacks (observed for 1.5 h, instances: 2)\n  \
             quiet for 6 min of 15 min; \\x1b[2J\n  \
             entries seen in a minority of the instances, to be looked at: 1\n  \
             observed for less than a day\n\n\
             evidence\n\
             CLASS   WHEN   SAMPLES  BEHAVIOURS  SEEN ONCE  INCIDENCES  COVERAGE\n\
             egress  later  7        41          3          99          0.999\n";
        assert_eq!(text, wanted);
    }
}
