//! `lapwing watch`.

use super::args::{Kind, Output, WatchArgs};
use super::profile_text::json;
use super::{Code, Failure, Outcome, client, text};
use anyhow::anyhow;
use lapwing_proto::v1::{WatchRequest, watch_request};
use std::io::Write;

/// Follows the stream.
pub async fn run(endpoint: &str, args: WatchArgs) -> Outcome {
    let since = args.since.as_deref().map(since).transpose()?;
    let mut client = client::connect(endpoint).await?;
    let (kinds, subjects) = kinds(&args.kind);
    let request = WatchRequest {
        since,
        kinds,
        workload: args.workload,
        subjects,
    };
    let mut stream = client
        .watch(request)
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let mut out = anstream::stdout().lock();
    let mut cursor = String::new();
    let mut seen = 0;
    loop {
        let response = match stream.message().await {
            Ok(Some(response)) => response,
            Ok(None) => return Err(ended(endpoint, &cursor, "the agent ended")),
            Err(status) => return Err(ended(endpoint, &cursor, status.message())),
        };
        match args.output {
            Output::Text => text::item(&mut out, &response)?,
            Output::Json => writeln!(out, "{}", json(&response)?)?,
        }
        out.flush()?;
        cursor = response.cursor;
        seen += 1;
        if args.count == Some(seen) {
            return Ok(());
        }
    }
}

fn ended(endpoint: &str, cursor: &str, why: &str) -> Failure {
    let resume = if cursor.is_empty() {
        String::new()
    } else {
        format!("; go on with --since {cursor}")
    };
    Failure::new(
        Code::Connection,
        anyhow!("the stream of {endpoint} ended: {why}{resume}"),
    )
}

/// Which items, and about what: the one word list of the command line is two lists of the API.
/// What is not said of either is its default.
fn kinds(words: &[Kind]) -> (Vec<i32>, Vec<i32>) {
    use watch_request::{Kind as Wire, Subject};
    let (mut kinds, mut subjects) = (Vec::new(), Vec::new());
    for word in words {
        match word {
            Kind::Violation => kinds.push(Wire::Violation.into()),
            Kind::Behaviour => kinds.push(Wire::Behaviour.into()),
            Kind::Gap => kinds.push(Wire::Gap.into()),
            Kind::Heartbeat => kinds.push(Wire::Heartbeat.into()),
            Kind::All => {}
            Kind::Exec => subjects.push(Subject::Exec.into()),
            Kind::File => subjects.push(Subject::File.into()),
            Kind::Egress => subjects.push(Subject::Egress.into()),
            Kind::Listen => subjects.push(Subject::Listen.into()),
            Kind::Dns => subjects.push(Subject::Dns.into()),
            Kind::Privilege => subjects.push(Subject::Privilege.into()),
            Kind::Sensor => subjects.push(Subject::Sensor.into()),
        }
    }
    if words.contains(&Kind::All) {
        // None is all.
        kinds.clear();
    } else if kinds.is_empty() {
        kinds = vec![Wire::Violation.into(), Wire::Gap.into()];
    }
    (kinds, subjects)
}

/// A duration, or else a cursor: a cursor always has a dash and no duration has one.
fn since(text: &str) -> Result<watch_request::Since, Failure> {
    if text.contains('-') {
        return Ok(watch_request::Since::Cursor(text.to_owned()));
    }
    let wrong = || {
        let error = anyhow!(
            "--since {text}: write a duration like 90s, 10m or 2h, or a cursor from the JSON output"
        );
        Failure::new(Code::Usage, error)
    };
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let age = u64::try_from(span.as_millis()).map_err(|_| wrong())?;
    Ok(watch_request::Since::AgeMilliseconds(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_which_items_and_about_what() {
        use watch_request::{Kind as Wire, Subject};
        let default = vec![i32::from(Wire::Violation), Wire::Gap.into()];
        for (words, expected) in [
            (&[][..], (default.clone(), vec![])),
            (&[Kind::Dns], (default, vec![Subject::Dns.into()])),
            (
                &[Kind::Behaviour, Kind::Listen],
                (vec![Wire::Behaviour.into()], vec![Subject::Listen.into()]),
            ),
            (
                &[Kind::Gap, Kind::All, Kind::Sensor],
                (vec![], vec![Subject::Sensor.into()]),
            ),
        ] {
            assert_eq!(kinds(words), expected, "{words:?}");
        }
    }

    #[test]
    fn durations_and_cursors() {
        for (text, milliseconds) in [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000)] {
            assert_eq!(
                since(text).unwrap(),
                watch_request::Since::AgeMilliseconds(milliseconds)
            );
        }
        assert_eq!(
            since("18f-7").unwrap(),
            watch_request::Since::Cursor("18f-7".into())
        );
        assert_eq!(since("soon").unwrap_err().code, Code::Usage);
    }
}
