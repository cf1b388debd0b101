//! OCSF 1.8.0: violations and gaps as Detection Findings (2004), behaviours as the activity they
//! are: Process (1007), File System (1001), Network (4001), DNS (4003).
//!
//! The profiles are `container` and `host`. With them, a process and an endpoint have a `container`,
//! an event has none at its top. What OCSF has no word for stands under `unmapped.lapwing` in the
//! words of `lapwing.v1`. `tests/ocsf_schema.rs` holds every kind against the published schema.

mod activity;
mod finding;
mod objects;

use crate::Product;
use crate::report::{Kind, Level, Report};
use crate::text::Object;
use serde_json::{Value, json};

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

/// A class of events and what happened of it.
struct Class {
    uid: u32,
    name: &'static str,
    category: u32,
    category_name: &'static str,
    activity: u32,
    activity_name: String,
}

/// The event of an item.
pub(crate) fn event(report: &Report<'_>, product: &Product) -> Value {
    match report.kind {
        Kind::Violation(_) | Kind::Gap => finding::event(report, product),
        Kind::Behaviour(_) => activity::event(report, product),
    }
}

/// What every event has.
fn base(report: &Report<'_>, product: &Product, class: &Class) -> Object {
    let (severity, severity_name) = severity(report.level);
    let mut event = Object::default();
    event
        .put("category_uid", class.category)
        .put("category_name", class.category_name)
        .put("class_uid", class.uid)
        .put("class_name", class.name)
        .put("activity_id", class.activity)
        .text("activity_name", &class.activity_name)
        .put("type_uid", class.uid * 100 + class.activity)
        .text(
            "type_name",
            &format!("{}: {}", class.name, class.activity_name),
        )
        .put("severity_id", severity)
        .put("severity", severity_name)
        .put("time", objects::milliseconds(report.time))
        .text("message", &report.summary())
        .object("metadata", metadata(report, product))
        .object("device", objects::device(report));
    event
}

fn metadata(report: &Report<'_>, product: &Product) -> Object {
    let mut own = Object::default();
    own.text("name", &product.name)
        .text("vendor_name", &product.vendor)
        .text("version", &product.version);
    let mut metadata = Object::default();
    metadata
        .put("version", VERSION)
        .object("product", own)
        .put("profiles", json!(["container", "host"]))
        .text("uid", &report.document_id)
        .text("event_code", &report.rule);
    if let Some(violation) = report.violation() {
        metadata.text("correlation_uid", &violation.fingerprint);
    }
    metadata
}

const fn severity(level: Level) -> (u32, &'static str) {
    match level {
        Level::Informational => (1, "Informational"),
        Level::Low => (2, "Low"),
        Level::Medium => (3, "Medium"),
        Level::High => (4, "High"),
        Level::Critical => (5, "Critical"),
    }
}
