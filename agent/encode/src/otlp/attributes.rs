//! The attributes of a record.

use crate::Product;
use crate::report::{Detail, Kind, Report, image_digest, image_name, process_name, transport};
use crate::text::{LIMIT, basename, bounded, command_line, rfc3339};
use lapwing_proto::opentelemetry::proto::common::v1::{
    AnyValue, ArrayValue, KeyValue, any_value::Value,
};
use lapwing_proto::v1::{Container, Egress, File, Process, Workload, egress, file};
use std::net::IpAddr;

/// Kinds of workloads that have an attribute for their name.
const KINDS: &[(&str, &str)] = &[
    ("Deployment", "k8s.deployment.name"),
    ("ReplicaSet", "k8s.replicaset.name"),
    ("StatefulSet", "k8s.statefulset.name"),
    ("DaemonSet", "k8s.daemonset.name"),
    ("Job", "k8s.job.name"),
    ("CronJob", "k8s.cronjob.name"),
];

/// Attributes in the making: what is empty is left out.
#[derive(Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn put(&mut self, key: &str, value: Value) -> &mut Self {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
        });
        self
    }

    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        self.put(key, string(text))
    }

    fn number(&mut self, key: &str, number: impl Into<i64>) -> &mut Self {
        self.put(key, Value::IntValue(number.into()))
    }

    fn flag(&mut self, key: &str, flag: bool) -> &mut Self {
        self.put(key, Value::BoolValue(flag))
    }

    fn texts(&mut self, key: &str, texts: &[String]) -> &mut Self {
        if texts.is_empty() {
            return self;
        }
        let values = crate::text::bounded_list(texts)
            .iter()
            .map(|text| AnyValue {
                value: Some(string(text)),
            })
            .collect();
        self.put(key, Value::ArrayValue(ArrayValue { values }))
    }

    pub fn done(self) -> Vec<KeyValue> {
        self.0
    }
}

fn string(text: &str) -> Value {
    Value::StringValue(bounded(text, LIMIT).into_owned())
}

/// All of an item.
pub(super) fn of(report: &Report<'_>, product: &Product) -> Vec<KeyValue> {
    let mut out = Attributes::default();
    out.text("log.record.uid", &report.document_id);
    if !matches!(report.kind, Kind::Behaviour(_)) {
        out.text("security_rule.name", &report.rule)
            .text("security_rule.category", report.detail.subject())
            .text("security_rule.description", &report.title())
            .text("security_rule.ruleset.name", "lapwing")
            .text("security_rule.version", &product.version);
    }
    out.text("lapwing.subject", report.detail.subject());
    if let Some(workload) = report.workload {
        workload_of(&mut out, workload);
    }
    if let Some(container) = report.container {
        container_of(&mut out, container, report.workload);
    }
    if let Some(process) = report.process {
        process_of(&mut out, process, report.detail);
    }
    subject(&mut out, report.detail);
    state(&mut out, report);
    out.done()
}

fn workload_of(out: &mut Attributes, workload: &Workload) {
    out.text("lapwing.workload.kind", &workload.kind)
        .text("lapwing.workload.name", &workload.name);
    // What has no namespace is not of a cluster.
    if workload.namespace.is_empty() {
        return;
    }
    out.text("k8s.namespace.name", &workload.namespace);
    if let Some((_, key)) = KINDS.iter().find(|(kind, _)| *kind == workload.kind) {
        out.text(key, &workload.name);
    }
}

fn container_of(out: &mut Attributes, container: &Container, workload: Option<&Workload>) {
    let (name, tag) = image_name(container);
    out.text("container.id", &container.id)
        .text("container.name", &container.name)
        .text("container.runtime.name", &container.runtime)
        .text("container.image.name", name)
        .texts(
            "container.image.tags",
            &tag.map(str::to_owned).into_iter().collect::<Vec<_>>(),
        );
    let digest = image_digest(container);
    if !digest.is_empty() {
        out.text("container.image.id", digest);
    }
    if workload.is_some_and(|workload| !workload.namespace.is_empty()) {
        out.text("k8s.pod.name", &container.pod)
            .text("k8s.pod.uid", &container.pod_uid)
            .text("k8s.container.name", &container.name);
    }
}

fn process_of(out: &mut Attributes, process: &Process, detail: Detail<'_>) {
    out.number("process.pid", process.pid)
        .text("process.executable.name", process_name(process, detail))
        .text("process.executable.path", &process.exe)
        .texts("process.command_args", &process.args)
        .text("process.command_line", &command_line(&process.args))
        .text("process.working_directory", &process.cwd)
        .number("process.user.id", process.effective_uid)
        .number("process.real_user.id", process.uid);
    if let Some(time) = &process.start_time {
        out.text("process.creation.time", &rfc3339(time));
    }
    if let Some(parent) = process.ancestors.first() {
        out.number("process.parent_pid", parent.pid)
            .text("lapwing.process.parent.executable.path", &parent.exe);
    }
}

fn subject(out: &mut Attributes, detail: Detail<'_>) {
    match detail {
        Detail::Exec(exec) => {
            path(out, &exec.path);
            out.text("lapwing.exec.origin", exec.origin().as_str_name())
                .text("lapwing.exec.script", &exec.script)
                .text("lapwing.exec.parent", &exec.parent);
        }
        Detail::File(one) => file(out, one),
        Detail::Egress(egress) => peer(out, egress),
        Detail::Listen(listen) => {
            end(out, "server", &listen.address, listen.port);
            network(out, listen.protocol(), listen.number, &listen.address);
        }
        Detail::Dns(dns) => {
            out.text("dns.question.name", &dns.name)
                .text("lapwing.dns.question.type", &dns.r#type);
        }
        Detail::Privilege(privilege) => {
            out.text(
                "lapwing.privilege.operation",
                privilege.operation().as_str_name(),
            )
            .text("lapwing.privilege.detail", &privilege.detail);
        }
        Detail::Gap(gap) => {
            out.text("lapwing.gap.reason", &gap.reason)
                .text("lapwing.gap.scope", &gap.scope)
                .number(
                    "lapwing.gap.count",
                    i64::try_from(gap.count).unwrap_or(i64::MAX),
                );
            for (key, time) in [("lapwing.gap.from", &gap.from), ("lapwing.gap.to", &gap.to)] {
                if let Some(time) = time {
                    out.text(key, &rfc3339(time));
                }
            }
        }
        Detail::Degraded(degraded) => {
            out.text("lapwing.degraded.reason", &degraded.reason)
                .text("lapwing.degraded.detail", &degraded.detail);
        }
        Detail::Nothing => {}
    }
}

fn path(out: &mut Attributes, path: &str) {
    if path.is_empty() {
        return;
    }
    out.text("file.path", path)
        .text("file.name", basename(path));
    if let Some((folder, _)) = path.rsplit_once('/') {
        out.text(
            "file.directory",
            if folder.is_empty() { "/" } else { folder },
        );
    }
}

fn file(out: &mut Attributes, file: &File) {
    path(out, &file.path);
    out.text("file.mode", &file.mode)
        .text("lapwing.file.operation", file.operation().as_str_name())
        .text("lapwing.file.mount", file.mount().as_str_name());
    let key = if file.operation() == file::Operation::Symlink {
        "file.symbolic_link.target_path"
    } else {
        "lapwing.file.target"
    };
    out.text(key, &file.target);
}

fn peer(out: &mut Attributes, egress: &Egress) {
    // The name is an address too, where one is known; the number then is the peer's.
    if egress.domain.is_empty() {
        end(out, "destination", &egress.address, egress.port);
    } else {
        end(out, "destination", &egress.domain, egress.port);
        out.text("network.peer.address", &egress.address);
    }
    out.text("lapwing.destination.service", &egress.service);
    if egress.socket() != egress::Socket::None {
        out.text("lapwing.socket", egress.socket().as_str_name());
    }
    network(out, egress.protocol(), egress.number, &egress.address);
}

fn end(out: &mut Attributes, whose: &str, address: &str, port: u32) {
    out.text(&format!("{whose}.address"), address);
    if port != 0 {
        out.number(&format!("{whose}.port"), port);
    }
}

fn network(out: &mut Attributes, protocol: egress::Protocol, number: u32, address: &str) {
    out.text("network.transport", &transport(protocol, number));
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => out.text("network.type", "ipv4"),
        Ok(IpAddr::V6(_)) => out.text("network.type", "ipv6"),
        Err(_) => out,
    };
}

fn state(out: &mut Attributes, report: &Report<'_>) {
    match report.kind {
        Kind::Violation(violation) => {
            out.text("lapwing.id", &violation.id)
                .text("lapwing.fingerprint", &violation.fingerprint)
                .number("lapwing.revision", violation.revision)
                .number(
                    "lapwing.count",
                    i64::try_from(violation.count).unwrap_or(i64::MAX),
                )
                .text("lapwing.mode", violation.mode().as_str_name())
                .texts("lapwing.attack", &violation.attack)
                .flag("lapwing.pending", violation.pending)
                .flag("lapwing.provisional", violation.provisional)
                .flag("lapwing.new_in_version", violation.new_in_version)
                .flag("lapwing.after_gap", violation.after_gap)
                .text("lapwing.nearest", &violation.nearest)
                .text("lapwing.patch", &violation.patch);
            for (key, time) in [
                ("lapwing.first_seen", &violation.first_seen),
                ("lapwing.last_seen", &violation.last_seen),
            ] {
                if let Some(time) = time {
                    out.text(key, &rfc3339(time));
                }
            }
        }
        Kind::Behaviour(behaviour) => {
            out.text("lapwing.outcome", behaviour.outcome().as_str_name())
                .text("lapwing.mode", behaviour.mode().as_str_name());
        }
        Kind::Gap => {}
    }
}
