//! What is wrong with a sink, and what would be right.

use super::{
    Body, Bulk, Destination, Encoding, File, Otlp, OtlpOver, Over, Secret, Sink, Sinks, SplunkHec,
    Stdout, Syslog, Tls, Webhook,
};
use crate::config::Length;
use crate::feed::positions::check_name;
use crate::sink::address::{Address, Url};
use lapwing_encode::syslog::LEAST;
use lapwing_profile::text::canonical;
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most sinks of an agent.
const SINKS_MAX: usize = 32;

/// The one transport of a sink.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Transport<'a> {
    File(&'a File),
    Stdout(&'a Stdout),
    Webhook(&'a Webhook),
    SplunkHec(&'a SplunkHec),
    Elasticsearch(&'a Bulk),
    Opensearch(&'a Bulk),
    Syslog(&'a Syslog),
    Otlp(&'a Otlp),
}

impl Transport<'_> {
    /// The names of all, as in the file.
    pub const WORDS: &'static [&'static str] = &[
        "file",
        "stdout",
        "webhook",
        "splunkHec",
        "elasticsearch",
        "opensearch",
        "syslog",
        "otlp",
    ];

    /// As in the file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Stdout(_) => "stdout",
            Self::Webhook(_) => "webhook",
            Self::SplunkHec(_) => "splunkHec",
            Self::Elasticsearch(_) => "elasticsearch",
            Self::Opensearch(_) => "opensearch",
            Self::Syslog(_) => "syslog",
            Self::Otlp(_) => "otlp",
        }
    }

    /// How it writes reports, in a word.
    #[must_use]
    pub const fn form(&self, sink: &Sink) -> &'static str {
        match self {
            Self::Otlp(it) => match it.body {
                Body::Ocsf => "ocsf",
                Body::Text => "text",
            },
            Self::File(_)
            | Self::Stdout(_)
            | Self::Webhook(_)
            | Self::SplunkHec(_)
            | Self::Elasticsearch(_)
            | Self::Opensearch(_)
            | Self::Syslog(_) => sink.encoding.name(),
        }
    }
}

/// A key below that of a sink, and what is wrong with it.
type Wrong = (String, String);

fn wrong<T>(key: &str, message: impl Into<String>) -> Result<T, Wrong> {
    Err((key.to_owned(), message.into()))
}

/// Checks all of them. Says the key, with its parents, and what would be right.
pub(in crate::config) fn check(sinks: &Sinks) -> Result<(), (String, String)> {
    if sinks.len() > SINKS_MAX {
        let message = format!("{} are too many: at most {SINKS_MAX}", sinks.len());
        return Err(("sinks".to_owned(), message));
    }
    let mut out = None;
    let mut files = Vec::new();
    for (name, sink) in sinks {
        if let Err(error) = check_name(name) {
            return Err(("sinks".to_owned(), error.to_string()));
        }
        let place = |(key, message): Wrong| match key.as_str() {
            "" => (format!("sinks.{name}"), message),
            key => (format!("sinks.{name}.{key}"), message),
        };
        sink.check().map_err(place)?;
        match sink.transport().map_err(place)? {
            Transport::Stdout(_) => {
                if let Some(other) = out.replace(name) {
                    let message = format!("`{other}` writes there already: one sink may");
                    return Err((format!("sinks.{name}.stdout"), message));
                }
            }
            Transport::File(file) => {
                if files.contains(&&file.path) {
                    let message = format!("another sink writes {} too", file.path.display());
                    return Err((format!("sinks.{name}.file.path"), message));
                }
                files.push(&file.path);
            }
            Transport::Webhook(_)
            | Transport::SplunkHec(_)
            | Transport::Elasticsearch(_)
            | Transport::Opensearch(_)
            | Transport::Syslog(_)
            | Transport::Otlp(_) => {}
        }
    }
    Ok(())
}

impl Sink {
    /// Its transport.
    ///
    /// # Errors
    /// When there is none, or more than one: a key below that of the sink, and what would be right.
    pub fn transport(&self) -> Result<Transport<'_>, (String, String)> {
        let mut found = [
            self.file.as_ref().map(Transport::File),
            self.stdout.as_ref().map(Transport::Stdout),
            self.webhook.as_ref().map(Transport::Webhook),
            self.splunk_hec.as_ref().map(Transport::SplunkHec),
            self.elasticsearch.as_ref().map(Transport::Elasticsearch),
            self.opensearch.as_ref().map(Transport::Opensearch),
            self.syslog.as_ref().map(Transport::Syslog),
            self.otlp.as_ref().map(Transport::Otlp),
        ]
        .into_iter()
        .flatten();
        let Some(one) = found.next() else {
            let words = Transport::WORDS.join(", ");
            return wrong("", format!("says not where to: add one of {words}"));
        };
        match found.next() {
            None => Ok(one),
            Some(other) => wrong(
                "",
                format!(
                    "has both `{}` and `{}`: make a sink of each",
                    one.word(),
                    other.word()
                ),
            ),
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.kinds.is_empty() {
            return wrong("kinds", "is empty: leave it out for violations and gaps");
        }
        let batch = &self.batch;
        if !(1..=10_000).contains(&batch.items) {
            return wrong("batch.items", "must be from 1 to 10000");
        }
        if !(1 << 10..=16 << 20).contains(&batch.bytes) {
            return wrong("batch.bytes", "must be from 1024 to 16777216");
        }
        const MILLISECOND: i64 = 1_000_000;
        const HOUR: i64 = 3_600_000 * MILLISECOND;
        let within = |key, length: Length, least: i64, words: &str| {
            if (least..=HOUR).contains(&length.0) {
                return Ok(());
            }
            wrong(key, format!("must be from {words} to 1h"))
        };
        within("batch.wait", batch.wait, 0, "0s")?;
        within("retry.first", self.retry.first, MILLISECOND, "1ms")?;
        within("retry.longest", self.retry.longest, MILLISECOND, "1ms")?;
        within("retry.blocked", self.retry.blocked, MILLISECOND, "1ms")?;
        within("timeout", self.timeout, 10 * MILLISECOND, "10ms")?;
        if self.retry.longest.0 < self.retry.first.0 {
            return wrong("retry.longest", "must not be shorter than `retry.first`");
        }
        match self.transport()? {
            Transport::File(file) => file.check(),
            Transport::Stdout(Stdout {}) => Ok(()),
            Transport::Webhook(it) => it.check(),
            Transport::SplunkHec(it) => it.check(),
            Transport::Elasticsearch(it) => it.check("elasticsearch"),
            Transport::Opensearch(it) => it.check("opensearch"),
            Transport::Syslog(it) => it.check(),
            Transport::Otlp(_) if self.encoding != Encoding::Native => wrong(
                "encoding",
                "is not that of `otlp`: leave it out, `otlp.body` says it",
            ),
            Transport::Otlp(it) => it.check(),
        }
    }
}

impl File {
    fn check(&self) -> Result<(), Wrong> {
        if !self.path.is_absolute() || self.path.file_name().is_none() {
            return wrong("file.path", "must be the path of a file, from / on");
        }
        if self.rotate.bytes < 4 << 10 {
            return wrong("file.rotate.bytes", "must be at least 4096");
        }
        if self.rotate.age.0 < 1_000_000_000 {
            return wrong("file.rotate.age", "must be at least 1s");
        }
        if !(1..=1_000).contains(&self.rotate.files) {
            return wrong("file.rotate.files", "must be from 1 to 1000");
        }
        Ok(())
    }
}

impl Webhook {
    fn check(&self) -> Result<(), Wrong> {
        let encrypted = url("webhook", &self.url, self.allow_plaintext, Demand::Any)?;
        self.tls.check("webhook", encrypted)?;
        optional("webhook.signingKey", self.signing_key.as_ref())?;
        optional("webhook.token", self.token.as_ref())?;
        headers("webhook", &self.headers)
    }
}

impl SplunkHec {
    fn check(&self) -> Result<(), Wrong> {
        let encrypted = url("splunkHec", &self.url, self.allow_plaintext, Demand::Any)?;
        self.tls.check("splunkHec", encrypted)?;
        if self.token.is_none() {
            return wrong(
                "splunkHec.token",
                "is missing: `{file: PATH}` or `{env: NAME}` of the collector's token",
            );
        }
        optional("splunkHec.token", self.token.as_ref())
    }
}

impl Bulk {
    fn check(&self, word: &str) -> Result<(), Wrong> {
        let encrypted = url(word, &self.url, self.allow_plaintext, Demand::NoQuery)?;
        self.tls.check(word, encrypted)?;
        let legal = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        };
        if !self.index.bytes().all(legal) || !self.index.starts_with(|c: char| c.is_alphanumeric())
        {
            let message = "must be of the letters a-z, 0-9, -, _ and ., the first of the former";
            return wrong(&format!("{word}.index"), message);
        }
        optional(&format!("{word}.apiKey"), self.api_key.as_ref())?;
        optional(&format!("{word}.password"), self.password.as_ref())?;
        if self.api_key.is_some() && (self.password.is_some() || !self.username.is_empty()) {
            let message =
                "stands beside a user: one of both lets the agent in, leave out the other";
            return wrong(&format!("{word}.apiKey"), message);
        }
        if self.password.is_some() == self.username.is_empty() {
            let message = "a user and a password need each other";
            return wrong(&format!("{word}.username"), message);
        }
        Ok(())
    }
}

impl Syslog {
    fn check(&self) -> Result<(), Wrong> {
        if let Err(message) = Address::parse(&self.address) {
            return wrong("syslog.address", message);
        }
        // Of RFC 768, less the headers of IPv4.
        let (most, words) = match self.over {
            Over::Udp => (65_507, "a datagram holds 65507"),
            Over::Tcp | Over::Tls => (1 << 20, "no report is longer than 1048576"),
        };
        if !(LEAST..=most).contains(&self.max_bytes) {
            return wrong(
                "syslog.maxBytes",
                format!("must be at least {LEAST}, and {words}"),
            );
        }
        self.tls.check("syslog", self.over == Over::Tls)
    }
}

impl Otlp {
    /// What its URL must not have.
    #[must_use]
    pub fn demand(&self) -> Demand {
        match self.over {
            OtlpOver::Http => Demand::Any,
            OtlpOver::Grpc => Demand::NoPath,
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        let encrypted = url("otlp", &self.url, self.allow_plaintext, self.demand())?;
        self.tls.check("otlp", encrypted)?;
        optional("otlp.token", self.token.as_ref())?;
        for name in self.headers.keys().chain(self.secret_headers.keys()) {
            let lower = name.to_ascii_lowercase();
            if lower.starts_with("grpc-") || lower.ends_with("-bin") {
                let shown = canonical(name.as_bytes());
                return wrong(
                    "otlp.headers",
                    format!("`{shown}` is a name that gRPC keeps"),
                );
            }
        }
        headers("otlp", &self.headers)?;
        for (name, secret) in &self.secret_headers {
            let key = "otlp.secretHeaders";
            header(key, name, "")?;
            if self
                .headers
                .keys()
                .any(|other| other.eq_ignore_ascii_case(name))
            {
                return wrong(key, format!("`{name}` stands in `headers` too"));
            }
            optional(&format!("{key}.{name}"), Some(secret))?;
        }
        Ok(())
    }
}

/// Headers that are nothing special.
fn headers(parent: &str, all: &BTreeMap<String, String>) -> Result<(), Wrong> {
    let key = format!("{parent}.headers");
    (all.iter()).try_for_each(|(name, value)| header(&key, name, value))
}

fn header(key: &str, name: &str, value: &str) -> Result<(), Wrong> {
    let shown = canonical(name.as_bytes());
    if hyper::header::HeaderName::from_bytes(name.as_bytes()).is_err()
        || hyper::header::HeaderValue::from_str(value).is_err()
    {
        return wrong(key, format!("`{shown}` is no header"));
    }
    let known = [
        "authorization",
        "content-type",
        "content-length",
        "host",
        "te",
        "user-agent",
    ];
    if known.contains(&name.to_ascii_lowercase().as_str()) {
        let message = format!("`{shown}` is set by itself: use `token` for a secret");
        return wrong(key, message);
    }
    Ok(())
}

impl Tls {
    fn check(&self, parent: &str, used: bool) -> Result<(), Wrong> {
        let key = |name: &str| format!("{parent}.tls.{name}");
        let any = self.ca.is_some() || self.certificate.is_some() || self.server_name.is_some();
        if !used && (any || self.key.is_some()) {
            let message = "is set, but the connection has no TLS";
            return wrong(&format!("{parent}.tls"), message);
        }
        match (&self.certificate, &self.key) {
            (Some(_), None) => wrong(&key("key"), "is missing: `certificate` needs its key"),
            (None, Some(_)) => wrong(&key("certificate"), "is missing: `key` is for one"),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }?;
        match &self.server_name {
            Some(name) if ServerName::try_from(name.as_str()).is_err() => {
                wrong(&key("serverName"), "is neither a DNS name nor an address")
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn optional(key: &str, secret: Option<&Secret>) -> Result<(), Wrong> {
    match secret {
        None => Ok(()),
        Some(secret) => match (&secret.file, &secret.env) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) | (None, None) => wrong(
                key,
                "says where the secret is, by one of `{file: PATH}` and `{env: NAME}`",
            ),
        },
    }
}

/// Whether the connection is encrypted. Of a URL that is a secret it is not known before it is read.
fn url(
    parent: &str,
    destination: &Destination,
    allow_plaintext: bool,
    demand: Demand,
) -> Result<bool, Wrong> {
    let key = format!("{parent}.url");
    match destination {
        Destination::Plain(text) => usable(text, allow_plaintext, demand)
            .map(|url| url.tls)
            .or_else(|message| wrong(&key, message)),
        Destination::Secret(secret) => optional(&key, Some(secret)).map(|()| true),
    }
}

/// What a URL must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It may have everything.
    Any,
    /// No query.
    NoQuery,
    /// No path.
    NoPath,
}

/// Reads a URL to which reports may be sent.
///
/// # Errors
/// What is wrong with it, and would be right; the URL is not in it.
pub fn usable(text: &str, allow_plaintext: bool, demand: Demand) -> Result<Url, String> {
    let url = Url::parse(text)?;
    let wrong = match demand {
        _ if !url.tls && !allow_plaintext && !local(&url.address.host) => {
            "is not encrypted: write https://, or accept that anybody on the way reads and changes \
             reports and secrets by `allowPlaintext: true`"
        }
        Demand::NoQuery if url.path.contains('?') => "has a query: give that of the server alone",
        Demand::NoPath if url.path != "/" => "has a path: over gRPC there is none",
        Demand::Any | Demand::NoQuery | Demand::NoPath => return Ok(url),
    };
    Err(wrong.to_owned())
}

/// Whether a host is this one.
#[must_use]
pub fn local(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}
