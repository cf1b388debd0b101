//! What differs between two profiles, as people and programs read it.

use super::provenance;
use super::text::{BOLD, DIM, styled};
use lapwing_advise::basis::Basis;
use lapwing_profile::diff::Diff;
use lapwing_profile::entry::Entry;
use lapwing_profile::generalise;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use std::io::Write;

/// What is said of entries that the second has not.
const NOT_APPROVED: &str = "- is what the second does not approve of; whether it is no longer done depends on how long that was observed";

/// What differs, line by line; what a reviewer should see first, first. Above it stands what either
/// profile rests on.
pub(super) fn write_diff(
    out: &mut impl Write,
    diff: &Diff,
    of: [(&str, &Profile); 2],
) -> std::io::Result<()> {
    for (name, profile) in of {
        let line = format!("{name}: {}", Basis::of_profile(profile).line());
        writeln!(out, "{}", styled(DIM, &visible(&line)))?;
    }
    let [_, (_, b)] = of;
    if diff.is_empty() {
        return writeln!(out, "both approve the same");
    }
    if let Some((from, to)) = diff.mode {
        writeln!(out, "mode: {} -> {}", from.word(), to.word())?;
    }
    let green = anstyle::AnsiColor::Green.on_default();
    let red = anstyle::AnsiColor::Red.on_default();
    let review = diff.review(b);
    let rare = review.iter().filter(|one| one.is_rare()).count();
    if rare > 0 {
        let head = format!(
            "{rare} of {} that are new were seen in a minority of the instances:",
            review.len()
        );
        writeln!(out, "{}", styled(BOLD, &head))?;
    }
    for addition in &review {
        let style = if addition.is_rare() {
            green.bold()
        } else {
            green
        };
        let breadth = match generalise::breadth(addition.entry) {
            0 => String::new(),
            breadth => format!("  # a pattern, breadth {breadth}"),
        };
        let line = styled(style, &addition.to_string());
        writeln!(out, "{line}{}", styled(DIM, &breadth))?;
        provenance::write(out, b, addition.entry)?;
    }
    for entry in &diff.bound {
        let line = styled(green, &format!("+ {entry}"));
        writeln!(out, "{line}{}", styled(DIM, "  # narrower: binds the file"))?;
    }
    if !diff.removed.is_empty() {
        writeln!(out, "{}", styled(DIM, NOT_APPROVED))?;
    }
    for entry in &diff.removed {
        let line = match diff.unbound.contains(entry) {
            true => format!("- {entry}  ! whatever the file holds may be executed"),
            false => format!("- {entry}"),
        };
        writeln!(out, "{}", styled(red, &line))?;
    }
    let (from, to) = diff.breadth;
    if from != to {
        writeln!(out, "breadth of all patterns: {from} -> {to}")?;
    }
    Ok(())
}

/// The same for programs. `added` and `review` are in the same order.
pub(super) fn diff_value(diff: &Diff, a: &Profile, b: &Profile) -> serde_json::Value {
    let lines = |all: &[Entry]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mode = diff
        .mode
        .map(|(from, to)| serde_json::json!({"from": from.word(), "to": to.word()}));
    let review = diff.review(b);
    let added: Vec<String> = review.iter().map(|one| one.entry.to_string()).collect();
    let review: Vec<serde_json::Value> = (review.iter())
        .map(|one| {
            serde_json::json!({
                "entry": one.entry.to_string(),
                "rare": one.is_rare(),
                "breadth": generalise::breadth(one.entry),
                "instances": one.spread.map(|it| it.shown),
                "of": one.spread.map(|it| it.of),
                "checks": one.checks.iter().map(|check| check.id()).collect::<Vec<_>>(),
                "provenance": provenance::value(b, one.entry),
                "rule": one.class.rule.id(),
                "severity": one.class.severity.word(),
            })
        })
        .collect();
    serde_json::json!({
        "widens": diff.widens(),
        "basis": {"from": Basis::of_profile(a), "to": Basis::of_profile(b)},
        "mode": mode,
        "breadth": {"from": diff.breadth.0, "to": diff.breadth.1},
        "added": added,
        "removed": lines(&diff.removed),
        "bound": lines(&diff.bound),
        "unbound": lines(&diff.unbound),
        "review": review,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::decide::By;
    use lapwing_profile::profile::Mode;
    use lapwing_profile::workload::Workload;

    #[test]
    fn a_difference_says_what_either_side_rests_on() {
        let by = By {
            actor: "ann",
            reason: "",
            at: 7,
        };
        let mut old = Profile::new(Workload::default(), Mode::Learning);
        let gone = Entry::parse("exec: {path: /bin/gone}").unwrap();
        old.approve(&gone, by).unwrap();
        old.gap(1_790_000_000_000_000_000);
        let new = Profile::new(Workload::default(), Mode::Learning);
        let diff = Diff::between(&old, &new);
        let mut out = anstream::StripStream::new(Vec::new());
        write_diff(&mut out, &diff, [("old\u{1b}", &old), ("new", &new)]).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("old\\x1b: observed for 0 s, instances: 0, ")
                && lines[0].contains("events were lost, last at 2026-"),
            "{text}"
        );
        assert!(
            lines[1].starts_with("new: ") && lines[1].ends_with("losses unknown, entries: 0"),
            "{text}"
        );
        assert_eq!(lines[2], NOT_APPROVED);
        assert!(lines[3].starts_with("- exec: {path: /bin/gone}"), "{text}");
        let value = diff_value(&diff, &old, &new);
        assert_eq!(value["basis"]["to"]["observedSeconds"], 0);
        assert!(value["basis"]["from"]["lastLoss"].is_string(), "{value}");
    }
}
