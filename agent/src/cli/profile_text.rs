//! Profiles as people and programs read them.

use super::learning;
use super::provenance;
use super::text::{BOLD, DIM, styled, table};
use super::versions;
use super::{Code, Failure};
use crate::judge::report;
use lapwing_advise::seccomp;
use lapwing_profile::entry::Entry;
use lapwing_profile::generalise;
use lapwing_profile::profile::{Profile, Record, Verdict};
use lapwing_profile::text::visible_json;
use lapwing_proto::v1;
use std::io::Write;

/// One line of JSON, in which nothing is hidden.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::new(Code::Failed, error))?;
    Ok(visible_json(&text).into_owned())
}

/// The mode in a word.
pub(super) fn mode(mode: v1::Mode) -> &'static str {
    match mode {
        v1::Mode::Unspecified => "?",
        v1::Mode::Learning => "learning",
        v1::Mode::Review => "review",
        v1::Mode::Monitoring => "monitoring",
    }
}

/// How long ago the last new behaviour was.
fn quiet(profile: &v1::ProfileSummary) -> String {
    profile.last_learned.as_ref().map_or_else(
        || "-".to_owned(),
        |time| {
            let seconds = (crate::clock::now() - lapwing_proto::nanoseconds(time)) / 1_000_000_000;
            match seconds {
                ..60 => format!("{seconds} s ago"),
                60..7200 => format!("{} min ago", seconds / 60),
                7200.. => format!("{} h ago", seconds / 3600),
            }
        },
    )
}

/// Profiles as a table.
pub(super) fn write_list(
    out: &mut impl Write,
    profiles: &[v1::ProfileSummary],
) -> std::io::Result<()> {
    if profiles.is_empty() {
        return writeln!(
            out,
            "no profiles yet: the first program of a container starts one"
        );
    }
    let rows: Vec<Vec<String>> = profiles
        .iter()
        .map(|profile| {
            vec![
                profile.name.clone(),
                mode(profile.mode()).to_owned(),
                profile.exec.to_string(),
                profile.file.to_string(),
                profile.egress.to_string(),
                profile.listen.to_string(),
                profile.dns.to_string(),
                profile.privilege.to_string(),
                profile.pending.to_string(),
                profile
                    .instances
                    .map_or_else(|| "-".to_owned(), |count| count.to_string()),
                quiet(profile),
            ]
        })
        .collect();
    let head = [
        "PROFILE",
        "MODE",
        "EXEC",
        "FILE",
        "EGRESS",
        "LISTEN",
        "DNS",
        "PRIVILEGE",
        "PENDING",
        "RUNNING",
        "LAST LEARNED",
    ];
    table(out, &head, &rows)?;
    for profile in profiles {
        if let Some(learning) = &profile.learning {
            writeln!(
                out,
                "\n{} {}",
                styled(BOLD, &profile.name),
                learning::headline(profile.mode(), learning)
            )?;
            learning::write_unmet(out, learning)?;
        }
        versions::write_notes(out, profile, crate::clock::now())?;
    }
    Ok(())
}

/// What a profile approves, what waits, what was decided. Of a file, `learning` is what its
/// evidence says under the default conditions.
pub(super) fn write_profile(
    out: &mut impl Write,
    profile: &Profile,
    learning: Option<&v1::Learning>,
) -> std::io::Result<()> {
    writeln!(
        out,
        "{}  {}",
        styled(BOLD, &profile.workload.to_string()),
        profile.mode().word()
    )?;
    if let Some(learning) = learning {
        writeln!(
            out,
            "{}",
            learning::headline(report::mode(profile.mode()), learning)
        )?;
        learning::write_unmet(out, learning)?;
        let hint = format!("lapwing profile promote {}", profile.workload);
        writeln!(
            out,
            "{}",
            styled(DIM, &format!("what is new is learned; `{hint}` ends that"))
        )?;
        learning::write_classes(out, learning)?;
    }
    for (title, verdict) in [
        ("approved", Verdict::Approved),
        ("waiting for a decision", Verdict::Pending),
        ("refused", Verdict::Refused),
    ] {
        let entries = profile.entries(verdict);
        if entries.is_empty() {
            continue;
        }
        writeln!(
            out,
            "\n{} {}",
            styled(BOLD, title),
            styled(DIM, &format!("({})", entries.len()))
        )?;
        for (entry, record) in entries {
            writeln!(
                out,
                "  {entry}  {}{}",
                styled(DIM, &seen(profile, &entry, &record)),
                learning::provisional(profile, &entry),
            )?;
            if let Some(why) = why(profile, &entry) {
                writeln!(out, "    {}", styled(DIM, &why))?;
            }
            provenance::write(out, profile, &entry)?;
        }
    }
    if profile.widened().len() > 0 {
        let all = format!("(breadth of all patterns: {})", profile.breadth());
        writeln!(
            out,
            "\n{} {}",
            styled(BOLD, "made wider"),
            styled(DIM, &all)
        )?;
        for one in profile.widened().rev() {
            let (time, breadth) = (second(one.at), generalise::breadth(&one.entry));
            let breadth = styled(DIM, &format!("breadth {breadth}"));
            writeln!(out, "  {time}  {}  {breadth}", one.entry)?;
        }
    }
    write_calls(out, profile)?;
    write_written(out, profile)?;
    if profile.overflow() > 0 {
        writeln!(
            out,
            "\n{} more were seen and not kept: the profile is full",
            profile.overflow()
        )?;
    }
    if profile.decisions().len() > 0 {
        writeln!(out, "\n{}", styled(BOLD, "decisions"))?;
        for decision in profile.decisions() {
            let time = second(decision.at);
            let text = [
                &decision.actor,
                &decision.action,
                &decision.entry,
                &decision.reason,
            ]
            .map(|part| lapwing_profile::text::canonical(part.as_bytes()))
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("  ");
            writeln!(
                out,
                "  {:>3}  {time}  {}",
                decision.revision,
                text.trim_end()
            )?;
        }
    }
    Ok(())
}

/// System calls that were recorded, by name.
fn write_calls(out: &mut impl Write, profile: &Profile) -> std::io::Result<()> {
    let calls = &profile.calls;
    let Some(first) = calls.first else {
        return Ok(());
    };
    let mut basis = format!("from {}", second(first));
    for (word, at) in [
        ("to", calls.last),
        ("last new", calls.newest),
        ("skipped until", calls.gap),
    ] {
        if let Some(at) = at {
            basis.push_str(&format!("  {word} {}", second(at)));
        }
    }
    if !calls.from_start {
        basis.push_str("  of no container from its first program");
    } else if calls.partial {
        basis.push_str("  of some containers not, or not from their first program");
    }
    writeln!(
        out,
        "\n{} {}",
        styled(BOLD, "system calls"),
        styled(DIM, &format!("({basis})"))
    )?;
    for ((table, entered), numbers) in &calls.sets {
        let name = |number: &u16| {
            let name = seccomp::name(*table, *number);
            name.map_or_else(|| number.to_string(), str::to_owned)
        };
        let names: Vec<String> = numbers.iter().map(name).collect();
        let who = if *entered { ", of what entered" } else { "" };
        let head = format!("{}{who} ({}):", table.word(), names.len());
        writeln!(out, "  {} {}", styled(DIM, &head), names.join(" "))?;
    }
    Ok(())
}

/// How much there was in folders that are written in.
fn write_written(out: &mut impl Write, profile: &Profile) -> std::io::Result<()> {
    if profile.written.is_empty() {
        return Ok(());
    }
    let note = "(the most allocated bytes that were seen)";
    writeln!(out, "\n{} {}", styled(BOLD, "written"), styled(DIM, note))?;
    for (path, peak) in profile.written.all() {
        let mut text = format!(
            "{} bytes, {} files, at {}, looks {}",
            peak.most.bytes,
            peak.most.files,
            second(peak.at),
            peak.looks
        );
        for (is_so, word) in [
            (peak.most.bound, ", not all was looked at"),
            (peak.most.unread, ", not all could be read"),
        ] {
            if is_so {
                text.push_str(word);
            }
        }
        writeln!(out, "  {path}  {}", styled(DIM, &text))?;
    }
    Ok(())
}

/// How often an entry was seen, when first and last, and in how many instances where there were several.
fn seen(profile: &Profile, entry: &Entry, record: &Record) -> String {
    let mut text = format!("x{}", record.count);
    for (word, at) in [("first", record.first), ("last", record.last)] {
        if let Some(at) = at {
            text.push_str(&format!("  {word} {}", second(at)));
        }
    }
    let spread = profile.spread(entry).filter(|it| it.of > 1);
    if let Some(spread) = spread.filter(|_| !profile.is_provisional(entry)) {
        text.push_str(&format!("  in {} of {} instances", spread.shown, spread.of));
    }
    text
}

/// A time as people read it: the second it was in.
fn second(at: i64) -> String {
    lapwing_profile::file::time(at - at.rem_euclid(1_000_000_000))
}

/// Why there is a wildcard, and how much it leaves open.
fn why(profile: &Profile, entry: &Entry) -> Option<String> {
    let breadth = generalise::breadth(entry);
    if breadth == 0 {
        return None;
    }
    let because = profile.names(entry).map_or_else(
        || "because a person wrote it".to_owned(),
        |names| format!("because {}", names.because(entry)),
    );
    Some(format!("{because}; breadth {breadth}"))
}
