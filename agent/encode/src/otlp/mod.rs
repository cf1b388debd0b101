//! Items as log records of the OpenTelemetry protocol.
//!
//! The resource is the agent on its node. A record is an event, `lapwing.violation`,
//! `lapwing.behaviour` or `lapwing.gap`; its attributes have the names of the semantic conventions
//! where there are such, else names below `lapwing.`; its body is the item as OCSF, or its summary
//! as text. What has no record otherwise has none here. A request keeps the order of its items.

mod attributes;

use crate::report::{Kind, Level, Report};
use crate::{Encoder, Encoding, Product, text};
use attributes::Attributes;
use lapwing_proto::opentelemetry::proto::collector::logs::v1::ExportLogsServiceRequest;
use lapwing_proto::opentelemetry::proto::common::v1::{
    AnyValue, InstrumentationScope, any_value::Value,
};
use lapwing_proto::opentelemetry::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use lapwing_proto::opentelemetry::proto::resource::v1::Resource;
use lapwing_proto::v1::WatchResponse;
use serde::{Deserialize, Serialize};

/// Who made the records, in their scope.
const SCOPE: &str = "lapwing";

/// What the body of a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// The event of OCSF, as JSON.
    #[default]
    Ocsf,
    /// One line for people.
    Text,
}

/// Makes requests.
#[derive(Clone, Debug)]
pub struct Mapper {
    product: Product,
    cluster: String,
    node: String,
    encoder: Encoder,
    body: Body,
}

impl Mapper {
    /// With the cluster and the node of items that do not say theirs, as gaps; either may be empty.
    #[must_use]
    pub fn new(product: Product, cluster: String, node: String, body: Body) -> Self {
        Self {
            encoder: Encoder::new(Encoding::Ocsf, product.clone()),
            product,
            cluster,
            node,
            body,
        }
    }

    /// The record of an item.
    #[must_use]
    pub fn record(&self, item: &WatchResponse) -> Option<LogRecord> {
        let report = Report::of(item)?;
        let (severity_number, word) = severity(report.level);
        let severity_text = report
            .violation()
            .map_or(word, |violation| violation.severity().as_str_name());
        let name = match report.kind {
            Kind::Violation(_) => "lapwing.violation",
            Kind::Behaviour(_) => "lapwing.behaviour",
            Kind::Gap => "lapwing.gap",
        };
        let body = match self.body {
            Body::Ocsf => self.encoder.encode(item)?,
            Body::Text => text::clean(&report.summary()).into_owned(),
        };
        // Times before 1970 are none.
        let time = u64::try_from(report.time).unwrap_or_default();
        Some(LogRecord {
            time_unix_nano: time,
            observed_time_unix_nano: time,
            severity_number,
            severity_text: severity_text.to_owned(),
            body: Some(AnyValue {
                value: Some(Value::StringValue(body)),
            }),
            attributes: attributes::of(&report, &self.product),
            event_name: name.to_owned(),
            ..LogRecord::default()
        })
    }

    /// A request with the records of items, in their order. It has no resources if none of them has
    /// a record.
    #[must_use]
    pub fn request<'i>(
        &self,
        items: impl IntoIterator<Item = &'i WatchResponse>,
    ) -> ExportLogsServiceRequest {
        let mut request = ExportLogsServiceRequest::default();
        let mut last: Option<(&str, &str)> = None;
        for item in items {
            let (Some(report), Some(record)) = (Report::of(item), self.record(item)) else {
                continue;
            };
            let place = (
                or(report.cluster, &self.cluster),
                or(report.node, &self.node),
            );
            if last != Some(place) {
                request.resource_logs.push(self.resource(place.0, place.1));
                last = Some(place);
            }
            let scopes = request
                .resource_logs
                .last_mut()
                .map(|logs| &mut logs.scope_logs);
            if let Some(scope) = scopes.and_then(|scopes| scopes.last_mut()) {
                scope.log_records.push(record);
            }
        }
        request
    }

    fn resource(&self, cluster: &str, node: &str) -> ResourceLogs {
        let mut attributes = Attributes::default();
        attributes
            .text("service.name", SCOPE)
            .text("service.version", &self.product.version)
            .text("host.name", node)
            .text("k8s.cluster.name", cluster);
        if !cluster.is_empty() {
            attributes.text("k8s.node.name", node);
        }
        ResourceLogs {
            resource: Some(Resource {
                attributes: attributes.done(),
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: SCOPE.to_owned(),
                    version: self.product.version.clone(),
                    ..InstrumentationScope::default()
                }),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }
    }
}

fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}

/// A request as the body of OTLP/HTTP with `application/json`: one line.
#[must_use]
pub fn json(request: &ExportLogsServiceRequest) -> String {
    text::json_line(request)
}

/// How many records a request has.
#[must_use]
pub fn count(request: &ExportLogsServiceRequest) -> usize {
    let scopes = request
        .resource_logs
        .iter()
        .flat_map(|logs| &logs.scope_logs);
    scopes.map(|scope| scope.log_records.len()).sum()
}

/// By the table of the specification's data model for syslog: notice, warning, error and alert.
const fn severity(level: Level) -> (i32, &'static str) {
    match level {
        Level::Informational => (9, "INFO"),
        Level::Low => (10, "LOW"),
        Level::Medium => (13, "MEDIUM"),
        Level::High => (17, "HIGH"),
        Level::Critical => (19, "CRITICAL"),
    }
}
