//! Violations and gaps as Detection Findings.

use super::{Class, base, objects};
use crate::Product;
use crate::report::{Detail, Kind, Report};
use crate::text::Object;
use serde_json::Value;

/// `finding_info.analytic.type_id`.
const BEHAVIORAL: u32 = 2;

/// The finding. A first report creates it, later revisions update it.
pub(super) fn event(report: &Report<'_>, product: &Product) -> Value {
    let updates = report
        .violation()
        .is_some_and(|violation| violation.revision > 1);
    let (activity, activity_name) = if updates {
        (2, "Update")
    } else {
        (1, "Create")
    };
    let class = Class {
        uid: 2004,
        name: "Detection Finding",
        category: 2,
        category_name: "Findings",
        activity,
        activity_name: activity_name.to_owned(),
    };
    let mut event = base(report, product, &class);
    event
        .object("finding_info", info(report))
        .put("is_alert", true)
        .put("status_id", 1)
        .put("status", "New")
        .list("evidences", evidences(report))
        .list("resources", objects::resources(report))
        .object("unmapped", objects::unmapped(report));
    match report.kind {
        Kind::Violation(violation) => {
            let (confidence, word) = confidence(violation);
            event
                .put("count", violation.count)
                .put("confidence_id", confidence)
                .put("confidence", word)
                .maybe("start_time", objects::time(violation.first_seen.as_ref()))
                .maybe("end_time", objects::time(violation.last_seen.as_ref()));
        }
        Kind::Behaviour(_) | Kind::Gap => {
            if let Detail::Gap(gap) = report.detail {
                event
                    .put("confidence_id", 3)
                    .put("confidence", "High")
                    .maybe("start_time", objects::time(gap.from.as_ref()))
                    .maybe("end_time", objects::time(gap.to.as_ref()));
                // 0 is for what nobody can know.
                if gap.count != 0 {
                    event.put("count", gap.count);
                }
            }
        }
    }
    event.value()
}

/// How sure it is that this is news of the workload: less where few instances were seen, where a
/// person has yet to say what belongs to the profile, and where the profile may lack what was lost.
const fn confidence(violation: &lapwing_proto::v1::Violation) -> (u32, &'static str) {
    if violation.provisional || violation.after_gap {
        (1, "Low")
    } else if violation.pending || violation.new_in_version {
        (2, "Medium")
    } else {
        (3, "High")
    }
}

fn info(report: &Report<'_>) -> Object {
    let mut analytic = Object::default();
    analytic
        .text("uid", &report.rule)
        .text("name", &report.rule)
        .text("desc", &report.title())
        .put("type_id", BEHAVIORAL)
        .put("type", "Behavioral");
    let mut info = Object::default();
    let uid = report
        .violation()
        .map_or(report.document_id.as_str(), |violation| &violation.id);
    info.text("uid", if uid.is_empty() { "unknown" } else { uid })
        .text("title", &report.title())
        .text("desc", &report.summary())
        .object("analytic", analytic)
        .list(
            "attacks",
            report.attack().iter().map(|id| attack(id)).collect(),
        )
        .list("types", vec![report.detail.subject().into()]);
    if let Some(violation) = report.violation() {
        info.maybe("created_time", objects::time(violation.first_seen.as_ref()))
            .maybe(
                "first_seen_time",
                objects::time(violation.first_seen.as_ref()),
            )
            .maybe(
                "last_seen_time",
                objects::time(violation.last_seen.as_ref()),
            );
        if violation.revision > 1 {
            info.put("modified_time", objects::milliseconds(report.time));
        }
    }
    info
}

/// A technique of MITRE ATT&CK, or one below it.
fn attack(id: &str) -> Value {
    let identified = |uid: &str| {
        let mut out = Object::default();
        out.text("uid", uid);
        out
    };
    let mut out = Object::default();
    match id.split_once('.') {
        Some((technique, _)) => out
            .object("technique", identified(technique))
            .object("sub_technique", identified(id)),
        None => out.object("technique", identified(id)),
    };
    out.value()
}

/// What was seen: one evidence, of the form that its subject has.
fn evidences(report: &Report<'_>) -> Vec<Value> {
    let mut out = Object::default();
    let process = objects::process(report);
    let act = |out: &mut Object, process: Object| {
        let mut actor = Object::default();
        actor.object("process", process);
        out.object("actor", actor);
    };
    match report.detail {
        Detail::Exec(exec) => {
            out.object("process", process)
                .object("file", objects::hashed(&exec.path, &exec.sha256));
        }
        Detail::File(file) => {
            act(&mut out, process);
            out.object("file", objects::file(file));
        }
        Detail::Egress(egress) => {
            act(&mut out, process);
            out.object("src_endpoint", objects::own_end(report))
                .object("dst_endpoint", objects::peer(egress))
                .object(
                    "connection_info",
                    objects::connection(egress.protocol(), egress.number, &egress.address, true),
                );
        }
        Detail::Listen(listen) => {
            act(&mut out, process);
            out.object("src_endpoint", objects::end(&listen.address, listen.port))
                .object(
                    "connection_info",
                    objects::connection(listen.protocol(), listen.number, &listen.address, false),
                );
        }
        Detail::Dns(dns) => {
            act(&mut out, process);
            out.object("query", super::activity::query(dns));
        }
        Detail::Privilege(_) | Detail::Gap(_) | Detail::Degraded(_) => {
            act(&mut out, process);
            out.object("data", crate::own::detail(report.detail));
        }
        Detail::Nothing => act(&mut out, process),
    }
    if out.is_empty() {
        return Vec::new();
    }
    out.object("container", objects::container(report));
    vec![out.value()]
}
