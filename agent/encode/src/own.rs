//! What no schema has a word for, in the words of `lapwing.v1`: under `unmapped.lapwing` in OCSF,
//! under `lapwing` in ECS.

use crate::report::{Detail, Kind, Report, operation};
use crate::text::{Object, rfc3339, texts};
use lapwing_proto::v1::{Mode, Violation, violation};

/// All of them.
pub(crate) fn fields(report: &Report<'_>) -> Object {
    let mut own = Object::default();
    own.text("cluster", report.cluster)
        .put("subject", report.detail.subject());
    if report.mode != Mode::Unspecified {
        own.put("mode", report.mode.as_str_name());
    }
    if let Some(workload) = report.workload {
        let mut out = Object::default();
        out.text("namespace", &workload.namespace)
            .text("kind", &workload.kind)
            .text("name", &workload.name)
            .text("container", &workload.container);
        own.object("workload", out);
    }
    if let Some(container) = report.container {
        own.text("pod", &container.pod)
            .text("pod_uid", &container.pod_uid);
        if container.cgroup_id != 0 {
            own.put("cgroup_id", container.cgroup_id.to_string());
        }
    }
    if let Some(process) = report.process {
        own.put("phase", process.phase().as_str_name())
            .put("effective_uid", process.effective_uid)
            .put("effective_gid", process.effective_gid)
            .list("capabilities", texts(&process.capabilities));
    }
    if let Some(violation) = report.violation() {
        decisions(&mut own, violation);
    }
    if let Kind::Behaviour(behaviour) = report.kind {
        own.put("outcome", behaviour.outcome().as_str_name());
    }
    own.object("detail", detail(report.detail));
    own
}

fn decisions(own: &mut Object, violation: &Violation) {
    own.text("fingerprint", &violation.fingerprint)
        .put("revision", violation.revision)
        .put("count", violation.count)
        .put(
            "severity",
            violation::Severity::as_str_name(&violation.severity()),
        )
        .put("pending", violation.pending)
        .put("provisional", violation.provisional)
        .put("new_in_version", violation.new_in_version)
        .put("after_gap", violation.after_gap)
        .text("nearest", &violation.nearest)
        .text("patch", &violation.patch);
}

/// The detail in the words of `lapwing.v1`, empty fields left out.
pub(crate) fn detail(detail: Detail<'_>) -> Object {
    let mut out = Object::default();
    match detail {
        Detail::Exec(exec) => {
            out.text("path", &exec.path)
                .text("name", &exec.name)
                .text("script", &exec.script)
                .put("origin", exec.origin().as_str_name())
                .text("parent", &exec.parent)
                .text("sha256", &exec.sha256);
        }
        Detail::File(file) => {
            out.text("operation", &operation(file).to_ascii_uppercase())
                .text("path", &file.path)
                .text("target", &file.target)
                .put("mount", file.mount().as_str_name())
                .put("path_from_caller", file.path_from_caller)
                .text("mode", &file.mode)
                .put("set_id", file.set_id().as_str_name())
                .text("by", &file.by);
        }
        Detail::Egress(egress) => {
            out.put("protocol", egress.protocol().as_str_name())
                .text("address", &egress.address)
                .put("port", egress.port)
                .text("domain", &egress.domain)
                .text("service", &egress.service)
                .put("number", egress.number)
                .put("socket", egress.socket().as_str_name());
        }
        Detail::Listen(listen) => {
            out.put("protocol", listen.protocol().as_str_name())
                .text("address", &listen.address)
                .put("port", listen.port)
                .put("number", listen.number);
        }
        Detail::Dns(dns) => {
            out.text("name", &dns.name).text("type", &dns.r#type);
        }
        Detail::Privilege(privilege) => {
            out.put("operation", privilege.operation().as_str_name())
                .text("detail", &privilege.detail);
        }
        Detail::Gap(gap) => {
            out.text("reason", &gap.reason)
                .put("count", gap.count)
                .maybe("from", gap.from.as_ref().map(rfc3339))
                .maybe("to", gap.to.as_ref().map(rfc3339))
                .text("scope", &gap.scope);
        }
        Detail::Degraded(degraded) => {
            out.text("reason", &degraded.reason)
                .text("detail", &degraded.detail);
        }
        Detail::Nothing => {}
    }
    out
}
