//! HTTP/1.1, one request at a time over a connection that is kept.
//!
//! A sink never has two requests under way, or reports would overtake each other, so a pool of
//! connections would hold one. A kept connection that the server has closed in the meantime is no
//! failure: the request goes once more over a new one. What may thereby come twice is the same by
//! its ids.

use super::address::Url;
use super::connection::connect;
use super::outcome::{Kind, Problem};
use super::place::Place;
use super::veil::Veil;
use crate::config::sinks::Tls;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::time::Duration;

/// Longest answer that is read, in bytes: `_bulk` says something of each of 10,000 reports.
const ANSWER_MAX: usize = 8 << 20;

/// A server and the connection to it.
pub struct Client {
    place: Place,
    tls: Tls,
    timeout: Duration,
    /// And where it leads to.
    kept: Option<(Url, SendRequest<Full<Bytes>>)>,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// When it wants to be asked again.
    pub after: Option<Duration>,
    /// The whole body. What of it is shown, [`Answer::shown`] says.
    pub body: Bytes,
    /// What of it is not.
    pub veil: Veil,
}

/// A header and its value.
pub type Header = (HeaderName, HeaderValue);

impl Client {
    /// Of a configuration that was checked.
    pub fn new(place: Place, tls: &Tls, timeout: Duration) -> Self {
        Self {
            place,
            tls: tls.clone(),
            timeout,
            kept: None,
        }
    }

    /// Sends a body, and reads the whole answer.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn post(&mut self, headers: &[Header], body: Vec<u8>) -> Result<Answer, Problem> {
        let body = Bytes::from(body);
        let timeout = self.timeout;
        let url = self.place.url()?;
        let answer = tokio::time::timeout(timeout, async {
            // A connection that ends before it answers anything had ended before it was asked.
            if let Some((to, kept)) = self.kept.take()
                && to == url
                && !kept.is_closed()
                && let Ok((kept, response)) = self.ask(&url, kept, headers, &body).await
            {
                return self.whole(&url, kept, response).await;
            }
            let fresh = self.connect(&url).await?;
            let (sender, response) = self.ask(&url, fresh, headers, &body).await?;
            self.whole(&url, sender, response).await
        })
        .await;
        answer.unwrap_or_else(|_| {
            self.kept = None;
            Err(Problem::new(
                Kind::Unreachable,
                format!("no answer of {url} in {} ms", timeout.as_millis()),
                "is the receiver overloaded? Else give it more `timeout`",
            ))
        })
    }

    /// Sends a request; the connection is given back with the beginning of the answer.
    async fn ask(
        &self,
        url: &Url,
        mut sender: SendRequest<Full<Bytes>>,
        headers: &[Header],
        body: &Bytes,
    ) -> Result<(SendRequest<Full<Bytes>>, Response<Incoming>), Problem> {
        let unusable = |error: &dyn std::error::Error| {
            let detail = format!("{url} can be asked nothing: {error}");
            Problem::new(Kind::Misconfigured, detail, "check `url`")
        };
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = (url.path.parse()).map_err(|error| unusable(&error))?;
        let host = url.address.to_string();
        let all = request.headers_mut();
        all.insert(
            HOST,
            HeaderValue::try_from(host).map_err(|error| unusable(&error))?,
        );
        all.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("lapwing/", env!("CARGO_PKG_VERSION"))),
        );
        all.extend(headers.iter().cloned());
        sender
            .ready()
            .await
            .map_err(|error| self.broken(url, &error))?;
        let response = sender.send_request(request).await;
        response
            .map(|response| (sender, response))
            .map_err(|error| self.broken(url, &error))
    }

    /// Reads an answer to its end, and keeps the connection.
    async fn whole(
        &mut self,
        url: &Url,
        sender: SendRequest<Full<Bytes>>,
        response: Response<Incoming>,
    ) -> Result<Answer, Problem> {
        let status = response.status().as_u16();
        let after = after(response.headers(), jiff::Timestamp::now());
        let body = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await
            .map_err(|error| self.broken(url, error.as_ref()))?
            .to_bytes();
        self.kept = Some((url.clone(), sender));
        Ok(Answer {
            status,
            after,
            body,
            veil: Veil::of(url),
        })
    }

    fn broken(&self, url: &Url, error: &(dyn std::error::Error + 'static)) -> Problem {
        broken(error, url, &self.tls)
    }

    async fn connect(&self, url: &Url) -> Result<SendRequest<Full<Bytes>>, Problem> {
        let stream = connect(&url.address, url.tls.then_some(&self.tls)).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(url, &error))?;
        // It ends with the sender; what it fails with comes back by the request.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// A connection that broke: in TLS 1.3 a client's certificate is refused only here.
pub fn broken(error: &(dyn std::error::Error + 'static), url: &Url, tls: &Tls) -> Problem {
    let mut cause = error;
    loop {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && super::tls::is_tls(io)
        {
            return super::tls::problem(io, tls);
        }
        match cause.source() {
            Some(source) => cause = source,
            None => break,
        }
    }
    Problem::new(
        Kind::Unreachable,
        format!("{url} closed without a whole answer: {cause}"),
        "see the receiver's log for why",
    )
}

/// `Retry-After`: seconds, or a date.
fn after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Duration::try_from(date.duration_since(now)).ok()
}

impl Answer {
    /// Words of it, as they may be shown: without the path and the query that it answers.
    #[must_use]
    pub fn shown(&self, words: &[u8]) -> String {
        self.veil.shown(words)
    }

    /// What a status means where the body says no more.
    #[must_use]
    pub fn problem(&self, who: &str) -> Problem {
        let (kind, remedy) = match self.status {
            408 | 429 | 502 | 503 | 504 => (Kind::Busy, "the receiver is overloaded or restarts"),
            401 | 403 => (
                Kind::Unauthorised,
                "check what lets the agent in: token, key or user, and what that one may do",
            ),
            413 => (Kind::TooLarge, "lower `batch.bytes`"),
            400 | 422 => (Kind::Refused, "see the receiver's log for why"),
            404 | 405 => (
                Kind::Misconfigured,
                "check `url`: is this the receiver's path?",
            ),
            _ => (Kind::Misconfigured, "check `url`, and the receiver's log"),
        };
        let words = match self.body.is_empty() {
            true => String::new(),
            false => format!(": {}", self.shown(&self.body)),
        };
        Problem {
            after: self.after,
            ..Problem::new(
                kind,
                format!("{who} answered {}{words}", self.status),
                remedy,
            )
        }
    }

    /// Whether the request as a whole was taken.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_when_in_seconds_or_by_a_date() {
        let now = "2026-11-26T10:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Thu, 26 Nov 2026 10:01:00 GMT", Some(60)),
            ("Thu, 26 Nov 2026 09:00:00 GMT", None),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let found = after(&headers, now);
            assert_eq!(found, seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn only_what_may_change_by_itself_is_tried_again_soon() {
        for (status, kind) in [
            (429, Kind::Busy),
            (502, Kind::Busy),
            (503, Kind::Busy),
            (504, Kind::Busy),
            (401, Kind::Unauthorised),
            (403, Kind::Unauthorised),
            (400, Kind::Refused),
            (413, Kind::TooLarge),
            (404, Kind::Misconfigured),
            (301, Kind::Misconfigured),
            (500, Kind::Misconfigured),
        ] {
            let answer = Answer {
                status,
                after: None,
                body: Bytes::from_static(b"\x1bno"),
                veil: Veil::default(),
            };
            let problem = answer.problem("it");
            assert_eq!(problem.kind, kind, "{status}");
            assert_eq!(problem.detail, format!("it answered {status}: \\x1bno"));
        }
    }
}
