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
    let request = WatchRequest {
        since,
        kinds: kinds(&args.kind),
        workload: args.workload,
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

fn kinds(kinds: &[Kind]) -> Vec<i32> {
    use watch_request::Kind as Wire;
    if kinds.contains(&Kind::All) {
        return Vec::new();
    }
    kinds
        .iter()
        .map(|kind| {
            match kind {
                Kind::Violation => Wire::Violation,
                Kind::Behaviour => Wire::Behaviour,
                Kind::Gap => Wire::Gap,
                Kind::Heartbeat => Wire::Heartbeat,
                Kind::All => Wire::Unspecified,
            }
            .into()
        })
        .collect()
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
