//! Where reports are delivered: the section `sinks`, one entry for each receiver by its name.
//!
//! An entry has one transport, as the section of that name below it; everything else of it is the
//! same for all transports. Secrets are never written here: only the file or the variable of
//! the environment that holds one.

use crate::config::Length;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

mod check;
mod destination;
pub(super) use check::check;
pub use check::{Demand, Transport, local, usable};
pub use destination::Destination;
pub use lapwing_encode::Encoding;
pub use lapwing_encode::otlp::Body;
pub use lapwing_encode::syslog::Facility;
use lapwing_encode::syslog::{EXAMPLE_ENTERPRISE, RECEIVERS_TAKE};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;

/// The sinks by their names.
pub type Sinks = BTreeMap<String, Sink>;

section! {
    /// One receiver. Of the transports exactly one is there.
    Sink {
        /// A file that is rotated.
        file "file": Option<File> = None,
        /// The agent's standard output.
        stdout "stdout": Option<Stdout> = None,
        /// NDJSON by HTTP POST, signed.
        webhook "webhook": Option<Webhook> = None,
        /// The HTTP Event Collector of Splunk.
        splunk_hec "splunkHec": Option<SplunkHec> = None,
        /// `_bulk` of Elasticsearch.
        elasticsearch "elasticsearch": Option<Bulk> = None,
        /// `_bulk` of OpenSearch.
        opensearch "opensearch": Option<Bulk> = None,
        /// Syslog, RFC 5424.
        syslog "syslog": Option<Syslog> = None,
        /// The OpenTelemetry protocol.
        otlp "otlp": Option<Otlp> = None,
        /// How a report is written.
        encoding "encoding": Encoding = Encoding::Native,
        /// Which reports.
        kinds "kinds": Vec<Kind> = vec![Kind::Violation, Kind::Gap],
        /// What is sent at once.
        batch "batch": Batch = Batch::default(),
        /// When what failed is tried again.
        retry "retry": Retry = Retry::default(),
        /// How long a connection, and the answer to what was sent, may take.
        timeout "timeout": Length = Length(30 * SECOND),
    }
}

/// Which reports.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What should not have happened.
    Violation,
    /// Where events were lost.
    Gap,
    /// What a container did for the first time.
    Behaviour,
}

section! {
    /// What is sent at once; whichever is reached first.
    Batch {
        /// Reports.
        items "items": usize = 500,
        /// Bytes of them as they are written. One report alone may be longer.
        bytes "bytes": usize = 1 << 20,
        /// How long the first of them waits for others.
        wait "wait": Length = Length(SECOND),
    }
}

section! {
    /// When what failed is tried again: each time after twice as long, by chance up to a half less.
    Retry {
        /// For the first time.
        first "first": Length = Length(SECOND / 2),
        /// And at the longest.
        longest "longest": Length = Length(MINUTE),
        /// Where only a person can help: a wrong token, a wrong URL.
        blocked "blocked": Length = Length(MINUTE),
    }
}

section! {
    /// A file that is rotated. The agent's own user reads and writes it, its group reads it.
    File {
        /// The file.
        path "path": PathBuf = PathBuf::new(),
        /// When it is moved away, and how many are kept.
        rotate "rotate": Rotate = Rotate::default(),
    }
}

section! {
    /// When a file is moved away to `PATH.1`, what was there to `PATH.2`, and so on.
    Rotate {
        /// When it is as large as this, in bytes.
        bytes "bytes": u64 = 100 << 20,
        /// When it is as old as this.
        age "age": Length = Length(24 * 60 * MINUTE),
        /// How many are kept besides the one that is written.
        files "files": u32 = 5,
    }
}

/// The agent's standard output, where nothing else is written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stdout {}

section! {
    /// NDJSON by HTTP POST.
    Webhook {
        /// Where to.
        url "url": Destination = Destination::default(),
        /// The key of the signature (HMAC-SHA256); none for no signature.
        signing_key "signingKey": Option<Secret> = None,
        /// Sent as `Authorization: Bearer`; none for no such header.
        token "token": Option<Secret> = None,
        /// Further headers, for nothing secret.
        headers "headers": BTreeMap<String, String> = BTreeMap::new(),
        /// How the receiver is known, and who it lets in.
        tls "tls": Tls = Tls::default(),
        /// Whether `http://` may leave the host.
        allow_plaintext "allowPlaintext": bool = false,
    }
}

section! {
    /// The HTTP Event Collector of Splunk.
    SplunkHec {
        /// The collector, as `https://splunk:8088`; the path is `/services/collector/event` where
        /// none is given.
        url "url": Destination = Destination::default(),
        /// Its token.
        token "token": Option<Secret> = None,
        /// Where it files events; the token's own where empty.
        index "index": String = String::new(),
        /// What kind of data it is.
        sourcetype "sourcetype": String = "lapwing:report".to_owned(),
        /// Where it comes from.
        source "source": String = "lapwing".to_owned(),
        /// How the receiver is known, and who it lets in.
        tls "tls": Tls = Tls::default(),
        /// Whether `http://` may leave the host.
        allow_plaintext "allowPlaintext": bool = false,
    }
}

section! {
    /// `_bulk` of Elasticsearch or OpenSearch.
    Bulk {
        /// The server, as `https://elastic:9200`.
        url "url": Destination = Destination::default(),
        /// The data stream or index.
        index "index": String = "logs-lapwing-default".to_owned(),
        /// An API key as it was given out, in base64.
        api_key "apiKey": Option<Secret> = None,
        /// Else a user,
        username "username": String = String::new(),
        /// and the user's password.
        password "password": Option<Secret> = None,
        /// How the receiver is known, and who it lets in.
        tls "tls": Tls = Tls::default(),
        /// Whether `http://` may leave the host.
        allow_plaintext "allowPlaintext": bool = false,
    }
}

section! {
    /// Syslog, RFC 5424.
    Syslog {
        /// Host and port, as `siem.example.org:6514` or `[2001:db8::1]:6514`.
        address "address": String = String::new(),
        /// Over what.
        over "over": Over = Over::Tls,
        /// Where messages end, over TCP and TLS.
        framing "framing": Framing = Framing::OctetCounting,
        /// Longest message, in bytes: of what is longer the end is cut, and the message says so.
        max_bytes "maxBytes": usize = RECEIVERS_TAKE,
        /// The enterprise number of the structured data.
        enterprise "enterprise": u32 = EXAMPLE_ENTERPRISE,
        /// The facility, by its name.
        facility "facility": Facility = Facility::Local0,
        /// How the receiver is known, and who it lets in.
        tls "tls": Tls = Tls::default(),
    }
}

/// What carries syslog.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// RFC 5425.
    #[default]
    Tls,
    /// RFC 6587.
    Tcp,
    /// RFC 5426: nothing says what was lost.
    Udp,
}

/// Where a message of syslog ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum Framing {
    /// Its length stands before it.
    #[default]
    #[serde(rename = "octet-counting")]
    OctetCounting,
    /// A line feed stands behind it.
    #[serde(rename = "newline")]
    Newline,
}

section! {
    /// Logs by the OpenTelemetry protocol.
    Otlp {
        /// The collector, as `https://collector:4318` for HTTP, where the path is `/v1/logs` if none is
        /// given, and `https://collector:4317` for gRPC, which has none.
        url "url": Destination = Destination::default(),
        /// Over what.
        over "over": OtlpOver = OtlpOver::Http,
        /// What the body of a record is; its attributes are the same.
        body "body": Body = Body::Ocsf,
        /// Sent as `Authorization: Bearer`; none for no such header.
        token "token": Option<Secret> = None,
        /// Further headers, for nothing secret; over gRPC as metadata.
        headers "headers": BTreeMap<String, String> = BTreeMap::new(),
        /// And those whose values are secret.
        secret_headers "secretHeaders": BTreeMap<String, Secret> = BTreeMap::new(),
        /// How the receiver is known, and who it lets in.
        tls "tls": Tls = Tls::default(),
        /// Whether `http://` may leave the host.
        allow_plaintext "allowPlaintext": bool = false,
    }
}

/// What carries OTLP.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum OtlpOver {
    /// Protocol buffers by HTTP/1.1 POST.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

section! {
    /// Where a secret is. It is read anew each time it is needed.
    Secret {
        /// A file that holds it; white space at its ends does not count.
        file "file": Option<PathBuf> = None,
        /// Or a variable of the agent's environment.
        env "env": Option<String> = None,
    }
}

section! {
    /// How the receiver is known, and who it lets in.
    Tls {
        /// Certificates of authorities that may vouch for it, in PEM, in place of the system's.
        ca "ca": Option<PathBuf> = None,
        /// The certificate that it wants of the agent, in PEM, with those that lead to its
        /// authority,
        certificate "certificate": Option<PathBuf> = None,
        /// and its private key, in PEM.
        key "key": Option<PathBuf> = None,
        /// The name in the receiver's certificate, where it is not that of the address.
        server_name "serverName": Option<String> = None,
    }
}

#[cfg(test)]
mod tests;
