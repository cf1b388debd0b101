//! Messages of RFC 5424 around a record, and their framing over a stream.
//!
//! Every part is made valid whatever it is given: names keep to printable ASCII and to their length,
//! values of structured data are escaped (section 6.3.3), the body begins with the byte order mark
//! that section 6.4 asks of UTF-8, and holds no control character if it comes from an
//! [`crate::Encoder`].
//!
//! The structured data stands under `lapwing@NUMBER`, where the number has to be an enterprise
//! number of IANA (section 7.2.2). Lapwing has none registered: the default is 32473, which RFC 5612
//! reserves for documentation; who has a number of their own may set it.

use crate::Encoder;
use crate::report::{Level, Report};
use crate::text::{bounded, clean, instant_micro};
use lapwing_proto::v1::WatchResponse;
use serde::{Deserialize, Serialize};

/// The enterprise number of RFC 5612.
pub const EXAMPLE_ENTERPRISE: u32 = 32_473;
/// What section 6.1 of RFC 5424, and RFC 5425, say that every receiver should take, in bytes.
pub const RECEIVERS_TAKE: usize = 8192;
/// What is left of the structured data of a message that is too long stays below this: no limit
/// may be smaller.
pub const LEAST: usize = 1024;
/// The mark of UTF-8.
const MARK: &str = "\u{feff}";
/// Most bytes of a value of the structured data, before it is escaped.
const VALUE: usize = 1024;

macro_rules! facilities {
    ($($name:ident = $code:literal, $word:literal;)+) => {
        /// Which part of a system speaks, by RFC 5424, table 1.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Facility { $(#[serde(rename = $word)] $name,)+ #[default] #[serde(rename = "audit")] Audit }
        impl Facility {
            /// Its number.
            #[must_use]
            pub const fn code(self) -> u8 { match self { $(Self::$name => $code,)+ Self::Audit => 13 } }
        }
    };
}

facilities! {
    User = 1, "user";
    Daemon = 3, "daemon";
    Auth = 4, "auth";
    Syslog = 5, "syslog";
    AuthPriv = 10, "authpriv";
    Alert = 14, "alert";
    Local0 = 16, "local0";
    Local1 = 17, "local1";
    Local2 = 18, "local2";
    Local3 = 19, "local3";
    Local4 = 20, "local4";
    Local5 = 21, "local5";
    Local6 = 22, "local6";
    Local7 = 23, "local7";
}

/// What messages have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Of the log of audits, by default.
    pub facility: Facility,
    /// The enterprise number of the structured data.
    pub enterprise: u32,
    /// Who speaks where an item names no node; empty if nobody knows.
    pub hostname: String,
    /// `lapwing`, by default.
    pub app_name: String,
    /// The number of the process; empty if nobody knows.
    pub procid: String,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            facility: Facility::default(),
            enterprise: EXAMPLE_ENTERPRISE,
            hostname: String::new(),
            app_name: "lapwing".to_owned(),
            procid: String::new(),
        }
    }
}

/// A message, before it has its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// See [`Header`].
    pub facility: Facility,
    /// 0 is the worst, 7 the least.
    pub severity: u8,
    /// Nanoseconds since the Unix epoch; a message has microseconds of it. Nothing where it has none.
    pub timestamp: Option<i64>,
    /// Up to 255 characters.
    pub hostname: String,
    /// Up to 48 characters.
    pub app_name: String,
    /// Up to 128 characters.
    pub procid: String,
    /// The rule, up to 32 characters.
    pub msgid: String,
    /// Name of the structured data: see [`Header`].
    pub enterprise: u32,
    /// Its parameters, the most important first; names are ASCII letters.
    pub data: Vec<(&'static str, String)>,
    /// The record.
    pub body: String,
    /// Whether texts of the record were cut.
    pub truncated: bool,
}

impl Message {
    /// The message of an item around its record. `None` for what has no record.
    #[must_use]
    pub fn of(item: &WatchResponse, body: String, header: &Header) -> Option<Self> {
        let report = Report::of(item)?;
        let hostname = if report.node.is_empty() {
            &header.hostname
        } else {
            report.node
        };
        Some(Self {
            facility: header.facility,
            severity: severity(report.level),
            timestamp: (report.time != 0).then_some(report.time),
            hostname: hostname.to_owned(),
            app_name: header.app_name.clone(),
            procid: header.procid.clone(),
            enterprise: header.enterprise,
            data: data(&report),
            msgid: report.rule,
            body,
            truncated: false,
        })
    }

    /// The same in at most so many bytes, by cutting the texts of a record of JSON, so that it stays
    /// JSON, and leaving out the last parameters where even that takes too much. What then is still too
    /// long, which takes a limit below [`RECEIVERS_TAKE`], [`Message::to_bytes`] cuts.
    #[must_use]
    pub fn within(mut self, item: &WatchResponse, encoder: &Encoder, limit: usize) -> Self {
        let limit = limit.max(LEAST);
        let whole = self.head(self.data.len(), false).len() + MARK.len() + self.body.len();
        if whole <= limit || !encoder.encoding().is_json() {
            return self;
        }
        let room = |count| limit.checked_sub(self.head(count, true).len() + MARK.len());
        // Each text as short as can be: what is needed at least.
        let least = encoder
            .encode_within(item, 0)
            .map_or(0, |(body, _)| body.len());
        let fits = (0..=self.data.len()).rev().find_map(|count| {
            let room = room(count).filter(|room| *room >= least)?;
            Some((count, room))
        });
        if let Some((count, room)) = fits
            && let Some((body, _)) = encoder.encode_within(item, room)
        {
            self.data.truncate(count);
            self.body = body;
            self.truncated = true;
        }
        self
    }

    /// Its bytes, at most `limit` of them, or [`LEAST`] if that is more. Of one that is too long the
    /// body is cut between characters, and ends with an ellipsis; if there is no room for any of it,
    /// the structured data loses its last parameters. Both are marked there by `truncated="1"`.
    #[must_use]
    pub fn to_bytes(&self, limit: usize) -> Vec<u8> {
        let limit = limit.max(LEAST);
        let whole = self.head(self.data.len(), self.truncated) + MARK + &self.body;
        if whole.len() <= limit {
            return whole.into_bytes();
        }
        for count in (0..=self.data.len()).rev() {
            let mut head = self.head(count, true) + MARK;
            // Something of the body has to have room, else it says nothing.
            if head.len() + LEAST / 4 <= limit || count == 0 {
                head.push_str(&bounded(&self.body, limit.saturating_sub(head.len())));
                return head.into_bytes();
            }
        }
        Vec::new()
    }

    /// All before the body, with so many parameters.
    fn head(&self, parameters: usize, truncated: bool) -> String {
        let priority = u32::from(self.facility.code()) * 8 + u32::from(self.severity.min(7));
        let time = self.timestamp.map_or_else(|| "-".to_owned(), instant_micro);
        let mut head = format!(
            "<{priority}>1 {time} {} {} {} {} [lapwing@{}",
            hostname(&self.hostname),
            ascii(&self.app_name, 48),
            ascii(&self.procid, 128),
            ascii(&self.msgid, 32),
            self.enterprise
        );
        if truncated {
            head.push_str(" truncated=\"1\"");
        }
        for (name, value) in self.data.iter().take(parameters) {
            head.push(' ');
            head.push_str(name);
            head.push_str("=\"");
            for c in bounded(&clean(value), VALUE).chars() {
                if matches!(c, '"' | '\\' | ']') {
                    head.push('\\');
                }
                head.push(c);
            }
            head.push('"');
        }
        head.push_str("] ");
        head
    }
}

/// A name of the header: printable ASCII, others as `?`; `-` if there is none.
fn ascii(text: &str, limit: usize) -> String {
    let name: String = text
        .chars()
        .take(limit)
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect();
    if name.is_empty() {
        "-".to_owned()
    } else {
        name
    }
}

/// The same for a host; receivers that know older forms take a colon at the end for one of those.
fn hostname(text: &str) -> String {
    let mut name = ascii(text, 255);
    if name.ends_with(':') {
        name.pop();
        name.push('?');
    }
    name
}

/// The words of RFC 5424, table 2.
const fn severity(level: Level) -> u8 {
    match level {
        Level::Informational => 6,
        Level::Low => 5,
        Level::Medium => 4,
        Level::High => 3,
        Level::Critical => 2,
    }
}

/// What receivers filter by without reading the body.
fn data(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |name, value: &str| {
        if !value.is_empty() {
            out.push((name, value.to_owned()));
        }
    };
    add("id", &report.document_id);
    add("rule", &report.rule);
    add("subject", report.detail.subject());
    if let Some(violation) = report.violation() {
        add("severity", violation.severity().as_str_name());
        add("fingerprint", &violation.fingerprint);
        add("attack", &violation.attack.join(","));
        add("count", &violation.count.to_string());
    }
    add("cluster", report.cluster);
    if let Some(workload) = report.workload {
        add("namespace", &workload.namespace);
        add("kind", &workload.kind);
        add("workload", &workload.name);
    }
    if let Some(container) = report.container {
        add("container", &container.name);
        add("containerId", &container.id);
        add("pod", &container.pod);
        add("image", &container.image);
    }
    if let Some(process) = report.process {
        add("exe", &process.exe);
    }
    out
}

/// A message as RFC 5425 and RFC 6587 (section 3.4.1) put it into a stream: its length, a space, and
/// it.
#[must_use]
pub fn octet_counted(message: &[u8]) -> Vec<u8> {
    let mut out = format!("{} ", message.len()).into_bytes();
    out.extend_from_slice(message);
    out
}
