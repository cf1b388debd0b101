//! `lapwing watch`.

use super::args::{Form, Kind, Severity, WatchArgs};
use super::client::Endpoint;
use super::profile_text::json;
use super::{Code, Failure, Outcome, client, text};
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::violation::Severity as Wire;
use lapwing_proto::v1::{AckRequest, WatchRequest, watch_request, watch_response::Item};
use ratatui::crossterm::terminal;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// Least time between two acknowledgements.
const ACK: Duration = Duration::from_secs(1);

/// Follows the stream.
pub async fn run(endpoint: &Endpoint, args: WatchArgs) -> Outcome {
    let since = args.since.as_deref().map(since).transpose()?;
    let mut client = client::connect(endpoint).await?;
    let mut acks = Acks::new(client.clone(), &args.consumer);
    let (kinds, subjects) = kinds(&args.kind);
    let beats = kinds.is_empty() || kinds.contains(&watch_request::Kind::Heartbeat.into());
    let request = WatchRequest {
        since,
        kinds,
        workload: args.workload,
        subjects,
        consumer: args.consumer,
        rules: args.rule,
        severity: args.severity.map_or(Wire::Unspecified, severity).into(),
        namespace: args.namespace,
        container: args.container,
        image_digest: args.image,
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
        // Those always come, with the place of what was passed over.
        let is_beat = matches!(response.item, Some(Item::Heartbeat(_)));
        if beats || !is_beat {
            match args.output {
                Form::Text => text::item(&mut out, &response)?,
                Form::Line => text::line(&mut out, &response, columns())?,
                Form::Json => writeln!(out, "{}", json(&response)?)?,
            }
            out.flush()?;
            seen += 1;
        }
        cursor = response.cursor;
        acks.printed(&cursor);
        if args.count == Some(seen) {
            acks.end(&cursor).await;
            return Ok(());
        }
    }
}

/// How wide the terminal is, if the output goes to one. It may change at any time.
fn columns() -> Option<usize> {
    let is_terminal = std::io::stdout().is_terminal();
    let (columns, _) = is_terminal.then(terminal::size)?.ok()?;
    Some(columns.into())
}

/// Acknowledges what was printed, beside the printing.
struct Acks {
    client: AgentClient<Channel>,
    consumer: String,
    last: Instant,
    under_way: Option<JoinHandle<()>>,
}

impl Acks {
    fn new(client: AgentClient<Channel>, consumer: &str) -> Self {
        Self {
            client,
            consumer: consumer.to_owned(),
            last: Instant::now(),
            under_way: None,
        }
    }

    fn printed(&mut self, cursor: &str) {
        let busy = self
            .under_way
            .as_ref()
            .is_some_and(|one| !one.is_finished());
        if self.consumer.is_empty() || busy || self.last.elapsed() < ACK {
            return;
        }
        self.last = Instant::now();
        let sent = ack(
            self.client.clone(),
            self.consumer.clone(),
            cursor.to_owned(),
        );
        self.under_way = Some(tokio::spawn(sent));
    }

    async fn end(self, cursor: &str) {
        if self.consumer.is_empty() {
            return;
        }
        if let Some(under_way) = self.under_way {
            // It said itself what went wrong.
            let _ = under_way.await;
        }
        ack(self.client, self.consumer, cursor.to_owned()).await;
    }
}

async fn ack(mut client: AgentClient<Channel>, consumer: String, cursor: String) {
    let request = AckRequest { consumer, cursor };
    if let Err(status) = client.ack(request).await {
        // What was printed may come again: no reason to end.
        let _ = writeln!(
            anstream::stderr(),
            "lapwing: what was printed is not acknowledged: {}",
            status.message()
        );
    }
}

const fn severity(severity: Severity) -> Wire {
    match severity {
        Severity::Low => Wire::Low,
        Severity::Medium => Wire::Medium,
        Severity::High => Wire::High,
        Severity::Critical => Wire::Critical,
    }
}

fn ended(endpoint: &Endpoint, cursor: &str, why: &str) -> Failure {
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
pub(super) fn since(text: &str) -> Result<watch_request::Since, Failure> {
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
