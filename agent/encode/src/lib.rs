//! What Lapwing reports, in the forms that SIEM teams load without writing a parser.
//!
//! Pure: items of the stream in, text out; no I/O, no clock, no runtime. An item first goes
//! through [`redact`], then an [`Encoder`] makes one record of it, and a sink frames that:
//! [`syslog`] for RFC 5424, a batch of lines for HTTP, [`otlp`] for OpenTelemetry.
//!
//! A record is one line. No control character, and nothing that reorders a line unseen, stands raw
//! in it: JSON has such a character as `\uNNNN`, everything else as `\xNN`, the agent's own text
//! for bytes that are no text. A single text of more than [`TEXT_LIMIT`] bytes is cut and ends
//! with an ellipsis, but for [`Encoding::Native`], which leaves nothing out. `docs/formats.md` has
//! which field goes where.
#![forbid(unsafe_code)]

mod cef;
mod ecs;
mod ocsf;
pub mod otlp;
mod own;

pub mod redact;
mod report;
mod shrink;
pub mod syslog;
mod text;

use lapwing_proto::v1::{WatchResponse, watch_response::Item};
use report::Report;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

pub use ecs::VERSION as ECS_VERSION;
pub use ocsf::VERSION as OCSF_VERSION;
pub use text::LIMIT as TEXT_LIMIT;

/// A form of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The JSON of proto3, as `lapwing watch -o json` prints it.
    Native,
    /// Open Cybersecurity Schema Framework, version [`OCSF_VERSION`].
    Ocsf,
    /// Elastic Common Schema, version [`ECS_VERSION`].
    Ecs,
    /// ArcSight's Common Event Format, version 0.
    Cef,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Native, Self::Ocsf, Self::Ecs, Self::Cef];

    /// Its name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ocsf => "ocsf",
            Self::Ecs => "ecs",
            Self::Cef => "cef",
        }
    }

    /// Whether a record is a JSON object.
    #[must_use]
    pub const fn is_json(self) -> bool {
        match self {
            Self::Native | Self::Ocsf | Self::Ecs => true,
            Self::Cef => false,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No such encoding.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no encoding: use native, ocsf, ecs or cef")]
pub struct UnknownEncoding(pub String);

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|encoding| encoding.name() == name)
            .ok_or_else(|| UnknownEncoding(name.to_owned()))
    }
}

/// What reports, in the words of receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Product {
    /// Lapwing of a version.
    #[must_use]
    pub fn lapwing(version: impl Into<String>) -> Self {
        Self {
            vendor: "Lapwing".to_owned(),
            name: "Lapwing".to_owned(),
            version: version.into(),
        }
    }
}

/// Makes records of one encoding.
#[derive(Clone, Debug)]
pub struct Encoder {
    encoding: Encoding,
    product: Product,
}

impl Encoder {
    /// For an encoding.
    #[must_use]
    pub const fn new(encoding: Encoding, product: Product) -> Self {
        Self { encoding, product }
    }

    /// Which encoding.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The record of an item: one line, without its end. `None` for a heartbeat, which says to
    /// whoever holds a stream that it is one, and for an item without content; everything else has
    /// a form in every encoding.
    #[must_use]
    pub fn encode(&self, item: &WatchResponse) -> Option<String> {
        let report = Report::of(item)?;
        Some(match self.encoding {
            Encoding::Native => text::json_line(item),
            Encoding::Ocsf => text::json_line(&ocsf::event(&report, &self.product)),
            Encoding::Ecs => text::json_line(&ecs::document(&report, &self.product)),
            Encoding::Cef => cef::record(&report, &self.product),
        })
    }
}

impl Encoder {
    /// The same in at most so many bytes, for receivers that take no more: an item whose record is
    /// longer is encoded again with its longest texts cut, each ending with an ellipsis, so that JSON
    /// stays JSON. The second answer is whether that was done. 8192 bytes are always enough; a record
    /// that is too long even so for fewer is given as it is.
    #[must_use]
    pub fn encode_within(&self, item: &WatchResponse, bytes: usize) -> Option<(String, bool)> {
        let record = self.encode(item)?;
        if record.len() <= bytes {
            return Some((record, false));
        }
        let mut smaller = item.clone();
        let mut record = record;
        for limit in shrink::LIMITS {
            shrink::texts(&mut smaller, limit);
            record = self.encode(&smaller)?;
            if record.len() <= bytes {
                break;
            }
        }
        Some((record, true))
    }
}

/// What names an item for receivers that keep each once: `ID:REVISION` of a violation, kind and
/// cursor of a behaviour and a gap, without the cursor's era: that is of when it was given out, and
/// another one when the item is sent again after a boot. Log, number and time are of the item.
/// `None` for what has no record, or no name.
#[must_use]
pub fn document_id(item: &WatchResponse) -> Option<String> {
    let of_cursor = |kind: &str| {
        let (epoch, place) = item.cursor.split_at(item.cursor.find('-').unwrap_or(0));
        let log = epoch.split('.').next().unwrap_or_default();
        (!item.cursor.is_empty()).then(|| text::clean(&format!("{kind}:{log}{place}")).into_owned())
    };
    match item.item.as_ref()? {
        Item::Violation(violation) if violation.id.is_empty() => None,
        Item::Violation(violation) => {
            Some(text::clean(&format!("{}:{}", violation.id, violation.revision)).into_owned())
        }
        Item::Behaviour(_) => of_cursor("behaviour"),
        Item::Gap(_) => of_cursor("gap"),
        Item::Heartbeat(_) => None,
    }
}
