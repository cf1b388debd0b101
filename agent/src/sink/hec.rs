//! The HTTP Event Collector of Splunk.
//!
//! Each report is an event with its own time. The collector's `code` says what became of them, as
//! Splunk documents under "Troubleshoot HTTP Event Collector"; one that refuses an event says which
//! (`invalid-event-number`, from 0), and has taken those before it.

use super::Origin;
use super::http::{Answer, Client, Header};
use super::outcome::{Kind, Outcome, Problem, Verdict};
use super::record::Record;
use super::secret;
use super::webhook::secret_header;
use crate::config::sinks::{Encoding, SplunkHec};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The path of a collector.
pub const PATH: &str = "/services/collector/event";

/// What stands around reports.
pub struct Hec {
    config: SplunkHec,
    encoding: Encoding,
    host: String,
}

#[derive(Serialize)]
struct Event<'a> {
    time: Box<RawValue>,
    host: &'a str,
    source: &'a str,
    sourcetype: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    index: &'a str,
    event: &'a RawValue,
}

#[derive(Debug, Deserialize)]
struct Said {
    code: u32,
    #[serde(default)]
    text: String,
    #[serde(rename = "invalid-event-number")]
    invalid: Option<usize>,
}

impl Hec {
    /// As configured.
    pub fn new(config: &SplunkHec, encoding: Encoding, origin: &Origin) -> Self {
        Self {
            config: config.clone(),
            encoding,
            host: origin.node.clone(),
        }
    }

    /// Sends them.
    pub async fn send(&self, client: &mut Client, records: &[Record]) -> Outcome {
        let sent = async {
            let token = secret::read(self.config.token.as_ref().unwrap_or(&NONE))?;
            let headers: [Header; 2] = [
                (AUTHORIZATION, secret_header(format!("Splunk {token}"))?),
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            ];
            client.post(&headers, self.body(records)?).await
        };
        match sent.await {
            Ok(answer) => judge(&answer, records.len()),
            Err(problem) => Outcome::Not(problem),
        }
    }

    fn body(&self, records: &[Record]) -> Result<Vec<u8>, Problem> {
        let mut body = Vec::new();
        for record in records {
            self.event(&mut body, record).map_err(|error| {
                Problem::new(Kind::Refused, format!("no JSON of a report: {error}"), "")
            })?;
            body.push(b'\n');
        }
        Ok(body)
    }

    fn event(&self, body: &mut Vec<u8>, record: &Record) -> serde_json::Result<()> {
        let microseconds = record.time.max(0) / 1_000;
        let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
        let text;
        let event = match self.encoding.is_json() {
            true => record.body.as_str(),
            false => {
                text = serde_json::to_string(&record.body)?;
                text.as_str()
            }
        };
        let event = Event {
            time: RawValue::from_string(format!("{seconds}.{rest:06}"))?,
            host: &self.host,
            source: &self.config.source,
            sourcetype: &self.config.sourcetype,
            index: &self.config.index,
            event: serde_json::from_str(event)?,
        };
        serde_json::to_writer(body, &event)
    }
}

/// Stands for a token that the check of the configuration has found missing.
const NONE: crate::config::sinks::Secret = crate::config::sinks::Secret {
    file: None,
    env: None,
};

/// What an answer says of so many events.
fn judge(answer: &Answer, count: usize) -> Outcome {
    let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
    let Some(said) = said else {
        if answer.is_success() {
            return Outcome::Not(Problem::new(
                Kind::Misconfigured,
                format!("no answer of a collector: {}", answer.shown(&answer.body)),
                "check `url`: the collector has a port of its own, 8088 as a rule",
            ));
        }
        return Outcome::Not(answer.problem("the collector"));
    };
    let text = answer.shown(said.text.as_bytes());
    let (kind, remedy) = match said.code {
        0 if answer.is_success() => return Outcome::taken(format!("{text} (code 0)")),
        1..=4 => (
            Kind::Unauthorised,
            "check the token, and whether it is enabled",
        ),
        7 => (
            Kind::Misconfigured,
            "set `index` to one that exists and that the token may write to",
        ),
        10 | 11 => (
            Kind::Misconfigured,
            "switch off indexer acknowledgement for this token",
        ),
        8 => (Kind::Busy, "see the receiver's log for why"),
        9 => (Kind::Busy, "the receiver is overloaded"),
        5 | 6 | 12 | 13 | 15 => (Kind::Refused, "see the receiver's log for why"),
        _ => {
            let problem = answer.problem("the collector");
            (problem.kind, "see the receiver's log for why")
        }
    };
    let detail = format!(
        "the collector answered {}: {text} (code {})",
        answer.status, said.code
    );
    match said.invalid {
        Some(at) if kind == Kind::Refused && at < count => {
            let verdict = |event: usize| match event.cmp(&at) {
                std::cmp::Ordering::Less => Verdict::Taken,
                std::cmp::Ordering::Equal => Verdict::Refused(detail.clone()),
                std::cmp::Ordering::Greater => Verdict::Again,
            };
            Outcome::Each((0..count).map(verdict).collect(), None)
        }
        _ => Outcome::Not(Problem {
            after: answer.after,
            ..Problem::new(kind, detail, remedy)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::veil::Veil;
    use super::*;

    fn judged(status: u16, body: &str) -> Outcome {
        let answer = Answer {
            status,
            after: None,
            body: body.to_owned().into(),
            veil: Veil::default(),
        };
        judge(&answer, 3)
    }

    #[test]
    fn the_code_says_what_became_of_events() {
        let taken = judged(200, r#"{"text":"Success","code":0}"#);
        assert_eq!(taken, Outcome::taken("Success (code 0)"));
        for (status, body, kind) in [
            (200, "<html>log in</html>", Kind::Misconfigured),
            (
                403,
                r#"{"text":"Invalid token","code":4}"#,
                Kind::Unauthorised,
            ),
            (
                400,
                r#"{"text":"Incorrect index","code":7}"#,
                Kind::Misconfigured,
            ),
            (503, r#"{"text":"Server is busy","code":9}"#, Kind::Busy),
            (
                400,
                r#"{"text":"Invalid data format","code":6}"#,
                Kind::Refused,
            ),
            (429, r#"{"text":"slow down","code":99}"#, Kind::Busy),
            (503, "", Kind::Busy),
        ] {
            match judged(status, body) {
                Outcome::Not(problem) => assert_eq!(problem.kind, kind, "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn its_words_show_no_path() {
        let url = super::super::address::Url::parse("https://h/t0ken/1").unwrap();
        for (status, body) in [
            (200, "POST /t0ken/1"),
            (404, "POST /t0ken/1"),
            (400, r#"{"text":"POST \/t0ken\/1","code":6}"#),
        ] {
            let answer = Answer {
                status,
                after: None,
                body: body.into(),
                veil: Veil::of(&url),
            };
            let Outcome::Not(problem) = judge(&answer, 1) else {
                panic!("{body}")
            };
            assert!(problem.detail.contains("POST …"), "{problem:?}");
        }
    }

    #[test]
    fn what_stands_before_a_refused_event_was_taken() {
        let body = r#"{"text":"Invalid data format","code":6,"invalid-event-number":1}"#;
        let Outcome::Each(verdicts, None) = judged(400, body) else {
            panic!("not of each")
        };
        assert!(matches!(
            verdicts.as_slice(),
            [Verdict::Taken, Verdict::Refused(_), Verdict::Again]
        ));
    }
}
