//! NDJSON by HTTP POST, signed.
//!
//! `Lapwing-Timestamp` holds seconds since the Unix epoch, `Lapwing-Signature` holds `v1=` and the
//! HMAC-SHA256, in hexadecimal, of that time, a dot and the body. Who checks both knows who sent
//! it, that nobody changed it, and how old it is, so that nobody sends it once more.

use super::http::{Client, Header};
use super::outcome::{Kind, Outcome, Problem};
use super::record::Record;
use super::secret;
use super::stdout::lines;
use crate::config::sinks;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use ring::hmac;
use std::fmt::Write;

/// What stands before and behind reports.
pub struct Webhook {
    config: sinks::Webhook,
}

impl Webhook {
    /// As configured.
    pub fn new(config: &sinks::Webhook) -> Self {
        Self {
            config: config.clone(),
        }
    }

    /// Sends them.
    pub async fn send(&self, client: &mut Client, records: &[Record]) -> Outcome {
        let body = lines(records);
        let seconds = crate::clock::now() / 1_000_000_000;
        let headers = match self.headers(&body, seconds) {
            Ok(headers) => headers,
            Err(problem) => return Outcome::Not(problem),
        };
        match client.post(&headers, body).await {
            Ok(answer) if answer.is_success() => {
                Outcome::taken(format!("the webhook answered {}", answer.status))
            }
            Ok(answer) => Outcome::Not(answer.problem("the webhook")),
            Err(problem) => Outcome::Not(problem),
        }
    }

    fn headers(&self, body: &[u8], seconds: i64) -> Result<Vec<Header>, Problem> {
        let mut headers = vec![(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-ndjson"),
        )];
        for (name, value) in &self.config.headers {
            // They were checked.
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                headers.push((name, value));
            }
        }
        if let Some(token) = &self.config.token {
            let token = secret::read(token)?;
            headers.push((AUTHORIZATION, secret_header(format!("Bearer {token}"))?));
        }
        if let Some(key) = &self.config.signing_key {
            let signature = signature(&secret::read(key)?, seconds, body);
            headers.push((
                HeaderName::from_static("lapwing-timestamp"),
                HeaderValue::from(seconds),
            ));
            headers.push((
                HeaderName::from_static("lapwing-signature"),
                secret_header(signature)?,
            ));
        }
        Ok(headers)
    }
}

/// The signature of a body that is sent at a time, in seconds since the Unix epoch.
#[must_use]
pub fn signature(key: &str, seconds: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    let mut text = "v1=".to_owned();
    for byte in context.sign().as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A header that no log shows.
pub fn secret_header(text: String) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        let detail = "a secret that can stand in no header";
        Problem::new(Kind::Misconfigured, detail, "write it in printable ASCII")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_other_implementations() {
        // printf '1700000000.{"a":1}\n' | openssl dgst -sha256 -hmac s3cret
        let found = signature("s3cret", 1_700_000_000, b"{\"a\":1}\n");
        assert_eq!(found, EXPECTED);
    }

    const EXPECTED: &str = "v1=eac365a53cd85d00e88716246d8e08175abad40e8a30e95418816eabe90b0428";
}
