//! Reports as they are sent.

use super::Origin;
use crate::config::sinks::{Encoding, Kind, Sink};
use lapwing_encode::Product;
use lapwing_proto::nanoseconds;
use lapwing_proto::v1::WatchResponse;
use lapwing_proto::v1::watch_response::Item;

/// One report, written.
#[derive(Clone, Debug)]
pub struct Record {
    /// In the sink's encoding, without a line feed.
    pub body: String,
    /// The same for the same report, whenever it is sent, and for no other.
    pub id: String,
    /// When it happened, in nanoseconds since the Unix epoch.
    pub time: i64,
    /// The report itself.
    pub response: WatchResponse,
}

/// Writes reports for one sink.
pub struct Encoder {
    encoder: lapwing_encode::Encoder,
    kinds: Vec<Kind>,
    origin: Origin,
}

impl Encoder {
    /// As configured, for an agent.
    pub fn new(config: &Sink, origin: &Origin) -> Self {
        let product = Product::lapwing(env!("CARGO_PKG_VERSION"));
        // Requests of OTLP are made of the reports themselves; what they are measured by is this.
        let encoding = match config.otlp {
            Some(_) => Encoding::Ocsf,
            None => config.encoding,
        };
        Self {
            encoder: lapwing_encode::Encoder::new(encoding, product),
            kinds: config.kinds.clone(),
            origin: origin.clone(),
        }
    }

    /// Whether the sink wants it. Gaps of the stream itself always come.
    pub fn wants(&self, response: &WatchResponse) -> bool {
        let kind = match &response.item {
            Some(Item::Violation(_)) => Kind::Violation,
            Some(Item::Gap(gap)) if gap.reason == crate::feed::BEHAVIOURS_DROPPED => {
                Kind::Behaviour
            }
            Some(Item::Gap(gap)) if gap.scope == crate::feed::STREAM => return true,
            Some(Item::Gap(_)) => Kind::Gap,
            Some(Item::Behaviour(_)) => Kind::Behaviour,
            // No encoding has a form for it: who holds no stream learns nothing by one.
            Some(Item::Heartbeat(_)) | None => return false,
        };
        self.kinds.contains(&kind)
    }

    /// Writes it; none where there is no form for it.
    pub fn record(&self, mut response: WatchResponse) -> Option<Record> {
        // A receiver has gaps of many agents, and a gap of a stream does not say whose it is.
        if let Some(Item::Gap(gap)) = &mut response.item {
            gap.cluster.clone_from(&self.origin.cluster);
            gap.node.clone_from(&self.origin.node);
        }
        Some(Record {
            body: self.encoder.encode(&response)?,
            id: lapwing_encode::document_id(&response).unwrap_or_else(|| response.cursor.clone()),
            time: time(&response),
            response,
        })
    }
}

/// When it happened: of what was updated, the last time.
fn time(response: &WatchResponse) -> i64 {
    let time = match &response.item {
        Some(Item::Violation(it)) => it.last_seen.as_ref().or(it.time.as_ref()),
        Some(Item::Gap(it)) => it.to.as_ref(),
        Some(Item::Behaviour(it)) => it.time.as_ref(),
        Some(Item::Heartbeat(it)) => it.time.as_ref(),
        None => None,
    };
    time.map_or_else(crate::clock::now, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_encode::Encoding;
    use lapwing_proto::v1::Gap;

    #[test]
    fn a_gap_says_whose_it_is_in_every_encoding() {
        let origin = Origin {
            cluster: "prod-eu".to_owned(),
            node: "node-7".to_owned(),
        };
        for encoding in Encoding::ALL {
            let config = Sink {
                encoding,
                ..Sink::default()
            };
            let gap = WatchResponse {
                cursor: "c".to_owned(),
                item: Some(Item::Gap(Gap::default())),
            };
            let record = Encoder::new(&config, &origin).record(gap).unwrap();
            let (node, cluster) = match encoding {
                Encoding::Native => (r#""node":"node-7""#, r#""cluster":"prod-eu""#),
                Encoding::Ocsf => (r#""hostname":"node-7""#, r#""cluster":"prod-eu""#),
                Encoding::Ecs => (r#""hostname":"node-7""#, r#""cluster":{"name":"prod-eu"}"#),
                Encoding::Cef => ("dvchost=node-7", "flexString2=prod-eu"),
            };
            for words in [node, cluster] {
                assert!(record.body.contains(words), "{words}: {}", record.body);
            }
        }
    }
}
