//! Elastic Common Schema.
//!
//! What ECS has no field for stands under `lapwing`: a field set of one's own under a proper name,
//! as the guidelines of ECS want it.

use crate::Product;
use crate::own;
use crate::report::{
    Detail, Kind, Level, Report, image_digest, image_name, operation, process_name,
    protocol_number, transport, word,
};
use crate::text::{Object, basename, command_line, instant, rfc3339, texts};
use lapwing_proto::v1::{Egress, File, Process, egress, file, privilege};
use serde_json::{Value, json};
use std::net::IpAddr;

/// The version of ECS whose fields these are.
pub const VERSION: &str = "9.4.0";

/// The document of an item.
pub(crate) fn document(report: &Report<'_>, product: &Product) -> Value {
    let mut document = Object::default();
    document
        .put("@timestamp", instant(report.time))
        .put("ecs", json!({"version": VERSION}))
        .text("message", &report.summary())
        .object("event", event(report))
        .object("rule", rule(report))
        .object("threat", threat(report))
        .object("observer", observer(product))
        .object("host", host(report))
        .object("container", container(report))
        .object("orchestrator", orchestrator(report))
        .object("process", process(report));
    subject(&mut document, report.detail);
    document.object("lapwing", own::fields(report));
    document.value()
}

fn event(report: &Report<'_>) -> Object {
    let (kind, dataset) = match report.kind {
        Kind::Violation(_) => ("alert", "lapwing.violation"),
        Kind::Gap => ("alert", "lapwing.gap"),
        Kind::Behaviour(_) => ("event", "lapwing.behaviour"),
    };
    let (category, kinds) = category(report.detail);
    let mut event = Object::default();
    event
        .put("kind", kind)
        .put("category", category)
        .put("type", kinds)
        .text("action", &action(report.detail))
        .put("module", "lapwing")
        .put("dataset", dataset)
        .put("provider", "lapwing")
        .text("id", &report.document_id)
        .text("code", &report.rule)
        .put("severity", severity(report.level));
    if let Some(violation) = report.violation() {
        event
            .maybe("start", violation.first_seen.as_ref().map(rfc3339))
            .maybe("end", violation.last_seen.as_ref().map(rfc3339));
        event.text("reason", &report.title());
    }
    if let Detail::Gap(gap) = report.detail {
        event
            .maybe("start", gap.from.as_ref().map(rfc3339))
            .maybe("end", gap.to.as_ref().map(rfc3339));
    }
    event
}

/// The scores that Elastic's own rules have for these words.
const fn severity(level: Level) -> u32 {
    match level {
        Level::Informational => 0,
        Level::Low => 21,
        Level::Medium => 47,
        Level::High => 73,
        Level::Critical => 99,
    }
}

fn category(detail: Detail<'_>) -> (Value, Value) {
    use file::Operation as OnFile;
    match detail {
        Detail::Exec(_) => (json!(["process"]), json!(["start"])),
        Detail::File(file) => {
            let kind = match file.operation() {
                OnFile::Create | OnFile::Mkdir | OnFile::Mknod | OnFile::Symlink | OnFile::Link => {
                    "creation"
                }
                OnFile::Delete => "deletion",
                OnFile::OpenRead => "access",
                OnFile::OpenWrite
                | OnFile::Rename
                | OnFile::Truncate
                | OnFile::Chmod
                | OnFile::Chown
                | OnFile::Setxattr => "change",
                OnFile::Unspecified => "info",
            };
            (json!(["file"]), json!([kind]))
        }
        Detail::Egress(_) => (json!(["network"]), json!(["connection", "start"])),
        Detail::Listen(_) => (json!(["network"]), json!(["start"])),
        Detail::Dns(_) => (json!(["network"]), json!(["protocol", "info"])),
        Detail::Privilege(privilege) => match privilege.operation() {
            privilege::Operation::Module => (json!(["driver"]), json!(["start"])),
            privilege::Operation::ExecMapping => (json!(["library"]), json!(["start"])),
            privilege::Operation::Ptrace
            | privilege::Operation::ProcessVmWrite
            | privilege::Operation::ProcMem => (json!(["process"]), json!(["access"])),
            privilege::Operation::Unspecified
            | privilege::Operation::Mount
            | privilege::Operation::Umount
            | privilege::Operation::PivotRoot
            | privilege::Operation::Setns
            | privilege::Operation::Unshare
            | privilege::Operation::Bpf
            | privilege::Operation::IoUring
            | privilege::Operation::Capability
            | privilege::Operation::Escape => (json!(["process"]), json!(["info"])),
        },
        Detail::Gap(_) | Detail::Degraded(_) | Detail::Nothing => {
            (json!(["host"]), json!(["info"]))
        }
    }
}

/// What was done, in a word.
pub(crate) fn action(detail: Detail<'_>) -> String {
    match detail {
        Detail::Exec(_) => "exec".to_owned(),
        Detail::File(file) => format!("file-{}", operation(file).replace('_', "-")),
        Detail::Egress(egress) if egress.socket() != egress::Socket::None => "socket".to_owned(),
        Detail::Egress(_) => "connect".to_owned(),
        Detail::Listen(_) => "listen".to_owned(),
        Detail::Dns(_) => "dns-query".to_owned(),
        Detail::Privilege(privilege) => word(privilege.operation().as_str_name()).replace('_', "-"),
        Detail::Gap(_) => "events-lost".to_owned(),
        Detail::Degraded(_) => "sensor-degraded".to_owned(),
        Detail::Nothing => "unknown".to_owned(),
    }
}

fn rule(report: &Report<'_>) -> Object {
    let mut rule = Object::default();
    if let Kind::Behaviour(_) = report.kind {
        return rule;
    }
    rule.text("id", &report.rule)
        .text("name", &report.rule)
        .text("description", &report.title())
        .text("category", report.detail.subject())
        .put("ruleset", "lapwing");
    if let Some(violation) = report.violation() {
        rule.text("uuid", &violation.fingerprint);
    }
    rule
}

fn threat(report: &Report<'_>) -> Object {
    let mut threat = Object::default();
    let attack = report.attack();
    if attack.is_empty() {
        return threat;
    }
    let mut techniques: Vec<&str> = attack
        .iter()
        .map(|id| {
            id.split_once('.')
                .map_or(id.as_str(), |(technique, _)| technique)
        })
        .collect();
    techniques.dedup();
    let below: Vec<Value> = attack
        .iter()
        .filter(|id| id.contains('.'))
        .map(|id| Value::from(id.as_str()))
        .collect();
    let mut technique = Object::default();
    technique.put("id", techniques);
    let mut subtechnique = Object::default();
    subtechnique.list("id", below);
    technique.object("subtechnique", subtechnique);
    threat
        .put("framework", "MITRE ATT&CK")
        .object("technique", technique);
    threat
}

fn observer(product: &Product) -> Object {
    let mut observer = Object::default();
    observer
        .put("type", "sensor")
        .text("vendor", &product.vendor)
        .text("product", &product.name)
        .text("version", &product.version);
    observer
}

fn host(report: &Report<'_>) -> Object {
    let mut host = Object::default();
    host.text("name", report.node).text("hostname", report.node);
    if !host.is_empty() {
        host.put("os", json!({"type": "linux"}));
    }
    host
}

fn container(report: &Report<'_>) -> Object {
    let mut out = Object::default();
    let Some(container) = report.container else {
        return out;
    };
    let (name, tag) = image_name(container);
    let mut image = Object::default();
    image
        .text("name", name)
        .list("tag", tag.into_iter().map(Value::from).collect());
    let digest = image_digest(container);
    if !digest.is_empty() {
        image.put("hash", json!({"all": [digest]}));
    }
    out.text("id", &container.id)
        .text("name", &container.name)
        .text("runtime", &container.runtime)
        .object("image", image);
    out
}

fn orchestrator(report: &Report<'_>) -> Object {
    let mut out = Object::default();
    if !report.cluster.is_empty() {
        let mut cluster = Object::default();
        cluster.text("name", report.cluster);
        out.object("cluster", cluster);
    }
    let Some(workload) = report.workload else {
        return out;
    };
    if !workload.namespace.is_empty() {
        out.put("type", "kubernetes");
    }
    let mut parent = Object::default();
    parent.text("type", &workload.kind);
    let mut resource = Object::default();
    match report.container.map(|container| container.pod.as_str()) {
        Some(pod) if !pod.is_empty() => {
            resource
                .put("type", "Pod")
                .text("name", pod)
                .object("parent", parent);
        }
        _ => {
            resource
                .text("type", &workload.kind)
                .text("name", &workload.name);
        }
    }
    out.text("namespace", &workload.namespace)
        .object("resource", resource);
    out
}

fn process(report: &Report<'_>) -> Object {
    let mut out = Object::default();
    let Some(process) = report.process else {
        return out;
    };
    out.put("pid", process.pid)
        .text("name", process_name(process, report.detail))
        .text("executable", &process.exe)
        .list("args", texts(&process.args))
        .put("args_count", process.args.len())
        .text("command_line", &command_line(&process.args))
        .text("working_directory", &process.cwd)
        .maybe("start", process.start_time.as_ref().map(rfc3339));
    identity(&mut out, process);
    if let Some(parent) = process.ancestors.first() {
        let mut object = Object::default();
        object
            .put("pid", parent.pid)
            .text("name", basename(&parent.exe))
            .text("executable", &parent.exe);
        out.object("parent", object);
    }
    out
}

/// As whom it acts; real ones are apart.
fn identity(out: &mut Object, process: &Process) {
    let id = |id: u32| json!({"id": id.to_string()});
    out.put("user", id(process.effective_uid))
        .put("group", id(process.effective_gid))
        .put("real_user", id(process.uid))
        .put("real_group", id(process.gid));
    if !process.capabilities.is_empty() {
        out.put(
            "thread",
            json!({"capabilities": {"effective": texts(&process.capabilities)}}),
        );
    }
}

/// The field set of the subject.
fn subject(document: &mut Object, detail: Detail<'_>) {
    match detail {
        Detail::Exec(exec) => {
            let mut file = path(&exec.path);
            if !exec.sha256.is_empty() {
                file.put("hash", json!({"sha256": exec.sha256}));
            }
            document.object("file", file);
        }
        Detail::File(one) => {
            document.object("file", file(one));
        }
        Detail::Egress(egress) => {
            document.object("destination", peer(egress)).object(
                "network",
                network(egress.protocol(), egress.number, &egress.address, "egress"),
            );
        }
        Detail::Listen(listen) => {
            document
                .object("server", end(&listen.address, listen.port))
                .object(
                    "network",
                    network(listen.protocol(), listen.number, &listen.address, "ingress"),
                );
        }
        Detail::Dns(dns) => {
            let mut question = Object::default();
            question.text("name", &dns.name).text("type", &dns.r#type);
            let mut out = Object::default();
            out.put("type", "query").object("question", question);
            document
                .object("dns", out)
                .put("network", json!({"protocol": "dns"}));
        }
        Detail::Privilege(_) | Detail::Gap(_) | Detail::Degraded(_) | Detail::Nothing => {}
    }
}

fn path(path: &str) -> Object {
    let mut out = Object::default();
    if path.is_empty() {
        return out;
    }
    out.text("path", path).text("name", basename(path));
    if let Some((folder, _)) = path.rsplit_once('/') {
        out.text("directory", if folder.is_empty() { "/" } else { folder });
    }
    out
}

fn file(file: &File) -> Object {
    let mut out = path(&file.path);
    out.text("mode", &file.mode);
    match file.operation() {
        file::Operation::Symlink => out.put("type", "symlink").text("target_path", &file.target),
        file::Operation::Mkdir => out.put("type", "dir"),
        file::Operation::Unspecified
        | file::Operation::OpenWrite
        | file::Operation::Create
        | file::Operation::Delete
        | file::Operation::Rename
        | file::Operation::OpenRead
        | file::Operation::Link
        | file::Operation::Mknod
        | file::Operation::Truncate
        | file::Operation::Chmod
        | file::Operation::Chown
        | file::Operation::Setxattr => &mut out,
    };
    out
}

fn peer(egress: &Egress) -> Object {
    let mut out = end(&egress.address, egress.port);
    out.text("domain", &egress.domain);
    out
}

fn end(address: &str, port: u32) -> Object {
    let mut out = Object::default();
    out.text("address", address);
    if let Ok(ip) = address.parse::<IpAddr>() {
        out.put("ip", ip.to_string());
    }
    if port != 0 {
        out.put("port", port);
    }
    out
}

fn network(protocol: egress::Protocol, number: u32, address: &str, direction: &str) -> Object {
    let mut out = Object::default();
    out.text("transport", &transport(protocol, number))
        .put("direction", direction)
        .maybe(
            "iana_number",
            protocol_number(protocol, number).map(|number| number.to_string()),
        );
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => out.put("type", "ipv4"),
        Ok(IpAddr::V6(_)) => out.put("type", "ipv6"),
        Err(_) => &mut out,
    };
    out
}
