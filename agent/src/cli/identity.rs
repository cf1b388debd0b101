//! Who is asked for the names of containers, in the text of `lapwing status`.

use super::text::table;
use lapwing_profile::text::visible;
use lapwing_proto::v1::get_status_response::Identity;
use lapwing_proto::v1::get_status_response::identity::Source;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::io::{self, Write};

/// The sockets of runtimes and the API of the cluster, as a table, with what is wrong below it.
pub fn write_identity(out: &mut impl Write, identity: &Identity) -> io::Result<()> {
    if identity.sources.is_empty() {
        return writeln!(
            out,
            "containers have their names from the runtimes' files: no socket of a runtime is there"
        );
    }
    let rows: Vec<Vec<String>> = identity.sources.iter().map(row).collect();
    table(
        out,
        &["SOURCE", "WHERE", "STATE", "SINCE", "TOLD", "FAILED"],
        &rows,
    )?;
    for source in &identity.sources {
        if !source.last_error.is_empty() {
            let when = match source.state() {
                State::Connected => "last trouble",
                State::Unspecified | State::Retrying | State::Absent | State::Unsuitable => "now",
            };
            let (path, error) = (visible(&source.path), visible(&source.last_error));
            writeln!(out, "  {path} ({when}): {error}")?;
        }
    }
    for source in &identity.sources {
        if source.protocol == "kubernetes" {
            writeln!(out, "  {}", heard(source))?;
            if let Some(time) = &source.told_before_time {
                let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default();
                writeln!(
                    out,
                    "  {} containers are known from disk, as it told at {time} or later, until it tells anew",
                    source.told_before
                )?;
            }
        }
    }
    writeln!(
        out,
        "{} containers asked for: {} told of, {} unknown, {} waiting; {} went on before the answer, {} found no room",
        identity.asked,
        identity.told,
        identity.unknown,
        identity.waiting,
        identity.late,
        identity.refused
    )
}

/// What the API told of this node, and when.
fn heard(source: &Source) -> String {
    let pods = source.pods;
    match &source.heard_time {
        None => "the API of the cluster has not told of any pod yet".to_owned(),
        Some(heard) => {
            let time = jiff::Timestamp::from_second(heard.seconds).unwrap_or_default();
            format!("{pods} pods of this node, as the API of the cluster told at {time}")
        }
    }
}

fn row(source: &Source) -> Vec<String> {
    let state = match source.state() {
        State::Unspecified => "not tried yet",
        State::Connected => "connected",
        State::Retrying => "retrying",
        State::Absent => "absent",
        State::Unsuitable => "unsuitable",
    };
    let since = source.since.as_ref().map(|time| {
        let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default();
        time.to_string()
    });
    vec![
        match source.runtime.as_str() {
            "" => source.protocol.clone(),
            runtime => format!("{} ({})", visible(runtime), source.protocol),
        },
        visible(&source.path).into_owned(),
        state.to_owned(),
        since.unwrap_or_default(),
        source.told.to_string(),
        source.failed.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(identity: &Identity) -> String {
        let mut out = Vec::new();
        write_identity(&mut out, identity).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_socket_in_trouble_says_why() {
        let source = Source {
            protocol: "cri".to_owned(),
            path: "/run/crio/crio.sock".to_owned(),
            state: State::Retrying.into(),
            runtime: "cri-o 1.31.2".to_owned(),
            failed: 3,
            last_error: "no\u{1b} answer".to_owned(),
            ..Source::default()
        };
        let identity = Identity {
            sources: vec![source],
            asked: 5,
            told: 4,
            ..Identity::default()
        };
        let text = text(&identity);
        for part in [
            "cri-o 1.31.2 (cri)",
            "retrying",
            "/run/crio/crio.sock (now): no\\x1b answer",
            "5 containers asked for: 4 told of",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn of_the_api_it_is_said_when_it_was_heard() {
        let mut source = Source {
            protocol: "kubernetes".to_owned(),
            path: "https://10.96.0.1".to_owned(),
            state: State::Retrying.into(),
            ..Source::default()
        };
        let of = |source: &Source| {
            text(&Identity {
                sources: vec![source.clone()],
                ..Identity::default()
            })
        };
        assert!(of(&source).contains("has not told of any pod yet"));
        source.pods = 7;
        source.heard_time = Some(lapwing_proto::timestamp(1_795_687_200_000_000_000));
        let text = of(&source);
        let told = "7 pods of this node, as the API of the cluster told at 2026-11-26T10:00:00Z";
        assert!(text.contains(told), "{text}");
        assert!(!text.contains("from disk"), "{text}");
        source.told_before = 3;
        source.told_before_time = Some(lapwing_proto::timestamp(1_795_687_200_000_000_000));
        let text = of(&source);
        let told =
            "  3 containers are known from disk, as it told at 2026-11-26T10:00:00Z or later,";
        assert!(text.contains(told), "{text}");
    }

    #[test]
    fn without_sockets_the_files_are_named() {
        assert!(text(&Identity::default()).contains("no socket of a runtime"));
    }
}
