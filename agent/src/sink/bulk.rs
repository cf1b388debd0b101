//! `_bulk` of Elasticsearch and OpenSearch.
//!
//! Reports are created under their own ids, so one that comes twice is there once: the conflict that
//! the second meets (409) is success. The answer is read item by item.

use super::http::{Answer, Client, Header};
use super::outcome::{Kind, Outcome, Problem, Verdict};
use super::record::Record;
use super::secret;
use super::webhook::secret_header;
use crate::config::sinks::{self, Encoding};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

/// What follows the index: only what is read of the answer is sent.
const PATH: &str =
    "_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";

/// What stands before each report.
pub struct Bulk {
    config: sinks::Bulk,
    encoding: Encoding,
}

#[derive(Deserialize)]
struct Said {
    errors: Option<bool>,
    items: Vec<Item>,
}

impl Said {
    /// Whether all documents are there although not each has an item: Tenzir answers with one for
    /// all of a request. `errors` is about all of them, and true where one failed.
    fn is_whole(&self) -> bool {
        let created = |item: &Item| matches!(item.create.status, 200..=299);
        self.errors == Some(false) && !self.items.is_empty() && self.items.iter().all(created)
    }
}

#[derive(Deserialize)]
struct Item {
    create: Created,
}

#[derive(Deserialize)]
struct Created {
    status: u16,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reason: String,
}

impl Bulk {
    /// As configured.
    pub fn new(config: &sinks::Bulk, encoding: Encoding) -> Self {
        Self {
            config: config.clone(),
            encoding,
        }
    }

    /// What stands behind the server's URL.
    pub fn path(config: &sinks::Bulk) -> String {
        format!("{}/{PATH}", config.index)
    }

    /// Sends them.
    pub async fn send(&self, client: &mut Client, records: &[Record]) -> Outcome {
        let sent = async {
            let headers = self.headers()?;
            let body = self.body(records).map_err(|error| {
                Problem::new(Kind::Refused, format!("no JSON of a report: {error}"), "")
            })?;
            client.post(&headers, body).await
        };
        match sent.await {
            Ok(answer) => judge(&answer, records.len()),
            Err(problem) => Outcome::Not(problem),
        }
    }

    fn headers(&self) -> Result<Vec<Header>, Problem> {
        let mut headers = vec![(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-ndjson"),
        )];
        let value = match (&self.config.api_key, &self.config.password) {
            (Some(key), _) => Some(format!("ApiKey {}", secret::read(key)?)),
            (None, Some(password)) => {
                let pair = format!("{}:{}", self.config.username, secret::read(password)?);
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            (None, None) => None,
        };
        if let Some(value) = value {
            headers.push((AUTHORIZATION, secret_header(value)?));
        }
        Ok(headers)
    }

    fn body(&self, records: &[Record]) -> serde_json::Result<Vec<u8>> {
        let mut body = Vec::new();
        for record in records {
            let id = serde_json::to_string(&record.id)?;
            body.extend_from_slice(format!("{{\"create\":{{\"_id\":{id}}}}}\n").as_bytes());
            body.extend_from_slice(self.document(record)?.as_bytes());
            body.push(b'\n');
        }
        Ok(body)
    }

    /// A document: data streams take none without `@timestamp`.
    fn document(&self, record: &Record) -> serde_json::Result<String> {
        let time = jiff::Timestamp::from_nanosecond(i128::from(record.time)).unwrap_or_default();
        Ok(if !self.encoding.is_json() {
            let message = serde_json::to_string(&record.body)?;
            format!("{{\"@timestamp\":\"{time}\",\"message\":{message}}}")
        } else if self.encoding == Encoding::Ecs {
            record.body.clone()
        } else {
            let rest = record.body.strip_prefix('{').unwrap_or_default();
            format!("{{\"@timestamp\":\"{time}\",{rest}")
        })
    }
}

/// What an answer says of so many documents.
fn judge(answer: &Answer, count: usize) -> Outcome {
    if !answer.is_success() {
        return Outcome::Not(answer.problem("the server"));
    }
    let said: Option<Said> = serde_json::from_slice(&answer.body).ok();
    if said
        .as_ref()
        .is_some_and(|it| it.items.len() != count && it.is_whole())
    {
        return Outcome::taken(format!("{count} created, or there already"));
    }
    let Some(items) = said.map(|it| it.items).filter(|items| items.len() == count) else {
        return Outcome::Not(Problem::new(
            Kind::Misconfigured,
            format!("no answer of `_bulk`: {}", answer.shown(&answer.body)),
            "check `url`: it is that of the server, without `_bulk`",
        ));
    };
    let mut problem: Option<Problem> = None;
    let verdicts: Vec<Verdict> = items
        .iter()
        .map(|item| {
            let (kind, remedy) = match item.create.status {
                // 409: it is there already.
                200..=299 | 409 => return Verdict::Taken,
                400 | 413 | 422 => return Verdict::Refused(item.create.words(answer)),
                401 | 403 => (
                    Kind::Unauthorised,
                    "give the key or user the privilege `create_doc` on the index",
                ),
                404 => (
                    Kind::Misconfigured,
                    "make the data stream or index, or allow that it is made",
                ),
                _ => (Kind::Busy, "the receiver is overloaded or restarts"),
            };
            // What needs a person is told before what does not.
            if problem.as_ref().is_none_or(|it| it.kind == Kind::Busy) {
                problem = Some(Problem {
                    after: answer.after,
                    ..Problem::new(kind, item.create.words(answer), remedy)
                });
            }
            Verdict::Again
        })
        .collect();
    match verdicts.iter().all(|verdict| *verdict == Verdict::Taken) {
        true => Outcome::taken(format!("{count} created, or there already")),
        false => Outcome::Each(verdicts, problem),
    }
}

impl Created {
    fn words(&self, answer: &Answer) -> String {
        let (kind, reason) = match &self.error {
            Some(error) => (error.kind.as_str(), error.reason.as_str()),
            None => ("", ""),
        };
        let words = answer.shown(format!("{kind} {reason}").trim().as_bytes());
        format!("the server answered {} for a report: {words}", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::super::veil::Veil;
    use super::*;

    fn judged(items: &[u16]) -> Outcome {
        let items: Vec<String> = items
            .iter()
            .map(|status| {
                format!(r#"{{"create":{{"status":{status},"error":{{"type":"t\u001b","reason":"r"}}}}}}"#)
            })
            .collect();
        let body = format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","));
        let answer = Answer {
            status: 200,
            after: None,
            body: body.into(),
            veil: Veil::default(),
        };
        judge(&answer, items.len())
    }

    #[test]
    fn a_conflict_is_success() {
        assert!(matches!(judged(&[201, 409]), Outcome::Taken(_)));
    }

    #[test]
    fn items_are_judged_one_by_one() {
        let Outcome::Each(verdicts, Some(problem)) = judged(&[201, 429, 400, 409, 403]) else {
            panic!("not of each")
        };
        let refused = "the server answered 400 for a report: t\\x1b r";
        assert_eq!(
            verdicts,
            [
                Verdict::Taken,
                Verdict::Again,
                Verdict::Refused(refused.to_owned()),
                Verdict::Taken,
                Verdict::Again
            ]
        );
        assert_eq!(problem.kind, Kind::Unauthorised);
    }

    #[test]
    fn one_item_stands_for_all_only_where_nothing_failed() {
        for (errors, status, taken) in [
            ("false", 201, true),
            ("true", 201, false),
            ("null", 201, false),
            ("false", 429, false),
        ] {
            let body =
                format!(r#"{{"errors":{errors},"items":[{{"create":{{"status":{status}}}}}]}}"#);
            let answer = Answer {
                status: 200,
                after: None,
                body: body.clone().into(),
                veil: Veil::default(),
            };
            let found = judge(&answer, 3);
            assert_eq!(
                matches!(found, Outcome::Taken(_)),
                taken,
                "{body}: {found:?}"
            );
        }
    }

    #[test]
    fn its_words_show_no_path() {
        let url = super::super::address::Url::parse("https://h/t0ken/1").unwrap();
        let item = r#"{"errors":true,"items":[{"create":{"status":400,"error":{"type":"t","reason":"POST /t0ken/1"}}}]}"#;
        for (status, body) in [(200, "POST /t0ken/1"), (404, "POST /t0ken/1"), (200, item)] {
            let answer = Answer {
                status,
                after: None,
                body: body.into(),
                veil: Veil::of(&url),
            };
            let told = judge(&answer, 1).told().1;
            assert!(told.ends_with("POST …"), "{told}");
        }
    }

    #[test]
    fn what_is_no_answer_of_bulk_delivers_nothing() {
        for body in ["", "{}", r#"{"errors":false,"items":[]}"#, "<html>"] {
            let answer = Answer {
                status: 200,
                after: None,
                body: body.into(),
                veil: Veil::default(),
            };
            let Outcome::Not(problem) = judge(&answer, 1) else {
                panic!("{body}")
            };
            assert_eq!(problem.kind, Kind::Misconfigured);
        }
    }
}
