//! What `lapwing profile replay` prints.

use super::text::{BOLD, DIM, severity, styled};
use super::{Code, Failure};
use anyhow::anyhow;
use lapwing_profile::text::visible;
use lapwing_proto::Timestamp;
use lapwing_proto::v1::ReplayProfileResponse;
use std::io::{Result, Write};

/// A duration, in milliseconds.
pub(super) fn age(text: &str) -> std::result::Result<u64, Failure> {
    milliseconds("--since", text)
}

/// A length of time that was given by a flag, in milliseconds.
pub(super) fn milliseconds(flag: &str, text: &str) -> std::result::Result<u64, Failure> {
    let span = text.parse::<jiff::SignedDuration>().ok();
    span.and_then(|span| u64::try_from(span.as_millis()).ok())
        .filter(|milliseconds| *milliseconds > 0)
        .ok_or_else(|| {
            let text = visible(text);
            let error = anyhow!("{flag} {text}: write a duration like 90s, 10m or 2h");
            Failure::new(Code::Usage, error)
        })
}

/// A time, to the second.
pub(super) fn time(at: Option<&Timestamp>) -> String {
    at.and_then(|at| jiff::Timestamp::new(at.seconds, 0).ok())
        .map_or_else(|| "?".to_owned(), |at| at.to_string())
}

/// The answer as a person reads it.
pub(super) fn write(out: &mut impl Write, answer: &ReplayProfileResponse) -> Result<()> {
    for one in &answer.reported {
        let (level, style) = severity(one.severity());
        writeln!(
            out,
            "{}  {}  {}",
            styled(style, &format!("{level:<8}")),
            styled(BOLD, &format!("{:<16}", visible(&one.rule))),
            visible(&one.entry)
        )?;
        let count = match one.count {
            0 => String::new(),
            1 => "once, ".to_owned(),
            count => format!("{count} times, "),
        };
        let first = match &one.first_seen {
            Some(first) if one.count > 1 => format!("first at {}, ", time(Some(first))),
            _ => String::new(),
        };
        let last = time(one.last_seen.as_ref());
        let nearest = match one.nearest.as_str() {
            "" => String::new(),
            nearest => format!("; the nearest it knows: {}", visible(nearest)),
        };
        let version = match one.new_in_version {
            true => ", of a new version of the image",
            false => "",
        };
        let text = format!("{:10}{count}{first}last at {last}{version}{nearest}", "");
        writeln!(out, "{}", styled(DIM, &text))?;
    }
    for pattern in &answer.open {
        writeln!(
            out,
            "not known  {}: it is not in the candidate, which accepts what is known of it; all is since {}",
            visible(pattern),
            time(answer.names_since.as_ref())
        )?;
    }
    for entry in &answer.provisional {
        writeln!(
            out,
            "provisional  {}: one instance alone taught it; others that do it are reported until you approve of it",
            visible(entry)
        )?;
    }
    writeln!(
        out,
        "{}: {} of {} behaviours would have been reported",
        visible(&answer.name),
        answer.reported.len(),
        answer.seen
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::timestamp;
    use lapwing_proto::v1::replay_profile_response::Reported;
    use lapwing_proto::v1::violation::Severity;

    #[test]
    fn what_would_have_been_reported_is_told_in_lines() {
        let mut answer = ReplayProfileResponse {
            name: "/Workload/web/".to_owned(),
            seen: 7,
            names_since: Some(timestamp(0)),
            ..ReplayProfileResponse::default()
        };
        let text = |answer: &ReplayProfileResponse| {
            let mut out = Vec::new();
            write(&mut out, answer).unwrap();
            anstream::adapter::strip_bytes(&out).into_vec()
        };
        assert_eq!(
            text(&answer),
            b"/Workload/web/: 0 of 7 behaviours would have been reported\n"
        );
        answer.reported.push(Reported {
            entry: "exec: {path: /bin/sh}".to_owned(),
            rule: "exec.unknown".to_owned(),
            severity: Severity::High.into(),
            first_seen: Some(timestamp(0)),
            last_seen: Some(timestamp(60_000_000_000)),
            count: 3,
            nearest: "/bin/ls".to_owned(),
            ..Reported::default()
        });
        answer
            .open
            .push("file: {operation: CREATE, pattern: \"/d/*\"}".to_owned());
        answer.provisional.push("exec: {path: /tmp/x}".to_owned());
        let text = String::from_utf8(text(&answer)).unwrap();
        for line in [
            "HIGH      exec.unknown      exec: {path: /bin/sh}\n",
            "3 times, first at 1970-01-01T00:00:00Z, last at 1970-01-01T00:01:00Z; the nearest it knows: /bin/ls\n",
            "not known  file: {operation: CREATE, pattern: \"/d/*\"}: ",
            "provisional  exec: {path: /tmp/x}: one instance alone",
            "1 of 7 behaviours",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_duration_is_wanted() {
        assert_eq!(age("10m").unwrap(), 600_000);
        for text in ["soon", "0s", "-5m", "18f-7"] {
            assert_eq!(age(text).unwrap_err().code, Code::Usage, "{text}");
        }
    }
}
