//! The OpenTelemetry protocol: logs to a collector, over HTTP or gRPC.
//!
//! A collector answers for a request as a whole, or says how many of its records it rejected and
//! not which. Those are given up by their number, as the specification wants it: sent again, the
//! others would come twice.

mod grpc;
mod status;
mod watched;

use super::Origin;
use super::address::Url;
use super::http::{self, Answer, Header};
use super::outcome::{Kind, Outcome, Problem};
use super::record::Record;
use super::secret;
use super::transport;
use super::veil::Veil;
use super::webhook::secret_header;
use crate::config::sinks::{self, OtlpOver};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use lapwing_encode::Product;
use lapwing_encode::otlp::Mapper;
use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use std::time::Duration;

/// Where collectors take logs over HTTP.
const PATH: &str = "/v1/logs";
/// What a request over HTTP is.
const PROTOBUF: &str = "application/x-protobuf";

/// Where logs go over HTTP.
pub fn place(url: Url) -> Url {
    url.or_path(PATH)
}

/// A collector.
pub struct Otlp {
    config: sinks::Otlp,
    mapper: Mapper,
    carrier: Carrier,
}

enum Carrier {
    Http(http::Client),
    Grpc(grpc::Client),
}

impl Otlp {
    /// As configured.
    pub fn new(config: &sinks::Otlp, origin: &Origin, timeout: Duration) -> Self {
        let place = transport::otlp(config);
        let carrier = match config.over {
            OtlpOver::Http => Carrier::Http(http::Client::new(place, &config.tls, timeout)),
            OtlpOver::Grpc => Carrier::Grpc(grpc::Client::new(place, &config.tls, timeout)),
        };
        let product = Product::lapwing(env!("CARGO_PKG_VERSION"));
        let (cluster, node) = (origin.cluster.clone(), origin.node.clone());
        Self {
            config: config.clone(),
            mapper: Mapper::new(product, cluster, node, config.body),
            carrier,
        }
    }

    /// Sends them.
    pub async fn send(&mut self, records: &[Record]) -> Outcome {
        let request = (self.mapper).request(records.iter().map(|record| &record.response));
        let headers = self.headers();
        let sent = async {
            let mut headers = headers?;
            match &mut self.carrier {
                Carrier::Http(client) => {
                    headers.push((CONTENT_TYPE, HeaderValue::from_static(PROTOBUF)));
                    let answer = client.post(&headers, request.encode_to_vec()).await?;
                    response(&answer).map(|response| (response, answer.veil))
                }
                // It is told no path.
                Carrier::Grpc(client) => (client.export(headers, request).await)
                    .map(|response| (response, Veil::default())),
            }
        };
        match sent.await {
            Ok((response, veil)) => judge(response, &veil, records.len()),
            Err(problem) => Outcome::Not(problem),
        }
    }

    fn headers(&self) -> Result<Vec<Header>, Problem> {
        let mut headers = Vec::new();
        // Names and values were checked.
        for (name, value) in &self.config.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                headers.push((name, value));
            }
        }
        for (name, value) in &self.config.secret_headers {
            if let Ok(name) = name.parse::<HeaderName>() {
                headers.push((name, secret_header(secret::read(value)?)?));
            }
        }
        if let Some(token) = &self.config.token {
            let token = secret::read(token)?;
            headers.push((AUTHORIZATION, secret_header(format!("Bearer {token}"))?));
        }
        Ok(headers)
    }
}

/// What an answer over HTTP says.
fn response(answer: &Answer) -> Result<ExportLogsServiceResponse, Problem> {
    const WHO: &str = "the collector";
    if !answer.is_success() {
        // Why stands in a message of its own, where the collector itself answers.
        let words = status::message(&answer.body);
        let plain = words.map(|words| Answer {
            body: words.into(),
            ..answer.clone()
        });
        return Err(plain.as_ref().unwrap_or(answer).problem(WHO));
    }
    // Some answer in JSON, whatever they were sent. Who answers neither is no collector.
    ExportLogsServiceResponse::decode(&*answer.body)
        .ok()
        .or_else(|| serde_json::from_slice(&answer.body).ok())
        .ok_or_else(|| {
            let detail = format!(
                "{WHO} answered {} with what is no answer of OTLP: {}",
                answer.status,
                answer.shown(&answer.body)
            );
            Problem::new(
                Kind::Misconfigured,
                detail,
                "check `url`: is it a collector?",
            )
        })
}

/// What became of so many records.
fn judge(response: ExportLogsServiceResponse, veil: &Veil, count: usize) -> Outcome {
    let said = response.partial_success.unwrap_or_default();
    let words = veil.shown(said.error_message.as_bytes());
    match usize::try_from(said.rejected_log_records) {
        Ok(rejected @ 1..) => {
            let rejected = rejected.min(count);
            let why = format!("the collector rejected {rejected} of {count} records: {words}");
            Outcome::Partly(rejected, why)
        }
        Ok(0) | Err(_) if words.is_empty() => Outcome::taken("the collector took it"),
        Ok(0) | Err(_) => Outcome::taken(format!("the collector took it, and warns: {words}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsPartialSuccess;

    fn answer(status: u16, body: impl Into<bytes::Bytes>) -> Answer {
        Answer {
            status,
            after: None,
            body: body.into(),
            veil: Veil::default(),
        }
    }

    fn said(rejected: i64, message: &str) -> ExportLogsServiceResponse {
        ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess {
                rejected_log_records: rejected,
                error_message: message.to_owned(),
            }),
        }
    }

    #[test]
    fn rejected_records_are_never_more_than_there_were() {
        for (rejected, expected) in [
            (1, Some(1)),
            (3, Some(3)),
            (9, Some(3)),
            (0, None),
            (-1, None),
        ] {
            let found = match judge(said(rejected, "too old"), &Veil::default(), 3) {
                Outcome::Partly(count, why) => {
                    assert!(
                        why.ends_with(&format!("{count} of 3 records: too old")),
                        "{why}"
                    );
                    Some(count)
                }
                Outcome::Taken(words) => {
                    assert_eq!(words, "the collector took it, and warns: too old");
                    None
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{rejected}");
        }
    }

    #[test]
    fn its_words_show_no_path() {
        let veil = Veil::of(&Url::parse("https://h/t0ken/1").unwrap());
        let told = judge(said(1, "POST /t0ken/1"), &veil, 1).told().1;
        assert!(told.ends_with("POST …"), "{told}");
        // The second is google.rpc.Status {code: 3, message: "POST /t0ken/1"}.
        for (status, body) in [
            (200, &b"POST /t0ken/1"[..]),
            (400, b"\x08\x03\x12\x0dPOST /t0ken/1"),
        ] {
            let answer = Answer {
                veil: veil.clone(),
                ..answer(status, body.to_vec())
            };
            let problem = response(&answer).unwrap_err();
            assert!(problem.detail.ends_with("POST …"), "{problem:?}");
        }
    }

    #[test]
    fn only_a_collector_s_answer_is_delivery() {
        let partial = said(2, "no");
        for body in [
            partial.encode_to_vec(),
            br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}"#.to_vec(),
        ] {
            assert_eq!(response(&answer(200, body)).unwrap(), partial);
        }
        assert_eq!(
            response(&answer(200, "")).unwrap(),
            ExportLogsServiceResponse::default()
        );
        for body in ["OK", "<html></html>", "[]"] {
            let problem = response(&answer(200, body)).unwrap_err();
            assert_eq!(problem.kind, Kind::Misconfigured, "{body}");
        }
        // google.rpc.Status {code: 3, message: "bad"}, then what a proxy says.
        for (body, words) in [
            (&b"\x08\x03\x12\x03bad"[..], "answered 400: bad"),
            (b"no such page", "answered 400: no such page"),
        ] {
            let problem = response(&answer(400, body.to_vec())).unwrap_err();
            assert_eq!(problem.kind, Kind::Refused);
            assert!(problem.detail.ends_with(words), "{problem:?}");
        }
    }
}
