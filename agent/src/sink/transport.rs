//! What carries reports.

use super::Origin;
use super::bulk::Bulk;
use super::file::Rotated;
use super::hec::Hec;
use super::http::Client;
use super::otlp::Otlp;
use super::outcome::Outcome;
use super::place::Place;
use super::record::Record;
use super::stdout;
use super::syslog::Syslog;
use super::webhook::Webhook;
use crate::config::sinks::{self, Demand, OtlpOver, Sink};
use std::sync::Arc;

/// One of them, with its connection.
pub enum Transport {
    /// A file.
    File(Arc<Rotated>),
    /// Standard output.
    Stdout,
    /// A webhook.
    Webhook(Client, Webhook),
    /// Splunk.
    Hec(Client, Hec),
    /// Elasticsearch and OpenSearch.
    Bulk(Client, Bulk),
    /// Syslog.
    Syslog(Box<Syslog>),
    /// OpenTelemetry.
    Otlp(Box<Otlp>),
}

/// Where it leads to, for people; without secrets.
pub fn target(transport: &sinks::Transport<'_>) -> String {
    match transport {
        sinks::Transport::File(it) => it.path.display().to_string(),
        sinks::Transport::Stdout(_) => "-".to_owned(),
        sinks::Transport::Webhook(it) => webhook(it).shown(),
        sinks::Transport::SplunkHec(it) => hec(it).shown(),
        sinks::Transport::Elasticsearch(it) | sinks::Transport::Opensearch(it) => bulk(it).shown(),
        sinks::Transport::Syslog(it) => it.address.clone(),
        sinks::Transport::Otlp(it) => otlp(it).shown(),
    }
}

/// Where a webhook is.
pub(super) fn webhook(it: &sinks::Webhook) -> Place {
    Place::new(&it.url, it.allow_plaintext, Demand::Any)
}

/// Where a collector of Splunk's is.
pub(super) fn hec(it: &sinks::SplunkHec) -> Place {
    let place = Place::new(&it.url, it.allow_plaintext, Demand::Any);
    place.with(|url| url.or_path(super::hec::PATH))
}

/// Where `_bulk` is.
pub(super) fn bulk(it: &sinks::Bulk) -> Place {
    let (place, path) = (
        Place::new(&it.url, it.allow_plaintext, Demand::NoQuery),
        Bulk::path(it),
    );
    place.with(move |url| url.below(&path))
}

/// Where a collector is.
pub(super) fn otlp(it: &sinks::Otlp) -> Place {
    let place = Place::new(&it.url, it.allow_plaintext, it.demand());
    match it.over {
        OtlpOver::Http => place.with(super::otlp::place),
        OtlpOver::Grpc => place,
    }
}

impl Transport {
    /// Of a configuration that was checked. Nothing is opened yet.
    pub fn new(sink: &Sink, origin: &Origin) -> Self {
        let timeout = sink.timeout.duration();
        let transport = match sink.transport() {
            Ok(transport) => transport,
            Err((key, message)) => unreachable!("it was checked: {key} {message}"),
        };
        match transport {
            sinks::Transport::File(it) => Self::File(Arc::new(Rotated::new(it.clone()))),
            sinks::Transport::Stdout(_) => Self::Stdout,
            sinks::Transport::Webhook(it) => {
                let client = Client::new(webhook(it), &it.tls, timeout);
                Self::Webhook(client, Webhook::new(it))
            }
            sinks::Transport::SplunkHec(it) => {
                let client = Client::new(hec(it), &it.tls, timeout);
                Self::Hec(client, Hec::new(it, sink.encoding, origin))
            }
            sinks::Transport::Elasticsearch(it) | sinks::Transport::Opensearch(it) => {
                let client = Client::new(bulk(it), &it.tls, timeout);
                Self::Bulk(client, Bulk::new(it, sink.encoding))
            }
            sinks::Transport::Syslog(it) => {
                Self::Syslog(Box::new(Syslog::new(it, sink.encoding, origin, timeout)))
            }
            sinks::Transport::Otlp(it) => Self::Otlp(Box::new(Otlp::new(it, origin, timeout))),
        }
    }

    /// Sends them, once, and says what became of them. Some are given.
    pub async fn send(&mut self, records: &[Record]) -> Outcome {
        match self {
            Self::File(file) => file.send(records).await,
            Self::Stdout => stdout::send(records).await,
            Self::Webhook(client, it) => it.send(client, records).await,
            Self::Hec(client, it) => it.send(client, records).await,
            Self::Bulk(client, it) => it.send(client, records).await,
            Self::Syslog(it) => it.send(records).await,
            Self::Otlp(it) => it.send(records).await,
        }
    }
}
