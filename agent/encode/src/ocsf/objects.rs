//! The objects that events share.

use crate::own;
use crate::report::{Report, image_digest, image_name, process_name, protocol_number, transport};
use crate::text::{Object, basename, command_line};
use lapwing_proto::v1::{Container, Egress, File, Process, egress, file};
use lapwing_proto::{nanoseconds, v1};
use serde_json::{Value, json};
use std::net::IpAddr;

/// `device.type_id`: a server.
const SERVER: u32 = 1;
/// `os.type_id`.
const LINUX: u32 = 200;
/// `file.type_id`.
const UNKNOWN_FILE: u32 = 0;
const REGULAR: u32 = 1;
const FOLDER: u32 = 2;
const SYMBOLIC_LINK: u32 = 7;
const EXECUTABLE: u32 = 8;
/// `resource_details.role_id`.
const AFFECTED: u32 = 3;

/// Nanoseconds as OCSF has times.
pub(super) const fn milliseconds(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(1_000_000)
}

/// The same of a message.
pub(super) fn time(time: Option<&lapwing_proto::Timestamp>) -> Option<i64> {
    time.map(|time| milliseconds(nanoseconds(time)))
}

/// The node. It has to have a name, also where the item does not say it.
pub(super) fn device(report: &Report<'_>) -> Object {
    let mut os = Object::default();
    os.put("name", "Linux")
        .put("type", "Linux")
        .put("type_id", LINUX);
    let name = if report.node.is_empty() {
        "unknown"
    } else {
        report.node
    };
    let mut device = Object::default();
    device
        .text("hostname", name)
        .put("type", "Server")
        .put("type_id", SERVER)
        .object("os", os);
    device
}

/// The container; empty where it has neither id nor name.
pub(super) fn container(report: &Report<'_>) -> Object {
    let Some(container) = report.container else {
        return Object::default();
    };
    let mut out = Object::default();
    if container.id.is_empty() && container.name.is_empty() {
        return out;
    }
    out.text("uid", &container.id)
        .text("name", &container.name)
        .text("runtime", &container.runtime)
        .object("image", image(container));
    if in_cluster(report) {
        out.put("orchestrator", "Kubernetes");
    }
    out
}

fn in_cluster(report: &Report<'_>) -> bool {
    report
        .workload
        .is_some_and(|workload| !workload.namespace.is_empty())
}

/// An image has to have a uid: its digest, else its name.
fn image(container: &Container) -> Object {
    let (name, tag) = image_name(container);
    let digest = image_digest(container);
    let mut image = Object::default();
    image
        .text(
            "uid",
            if digest.is_empty() {
                &container.image
            } else {
                digest
            },
        )
        .text("name", name)
        .text("tag", tag.unwrap_or_default());
    if image.is_empty() {
        Object::default()
    } else {
        image
    }
}

/// The process of a report, with its container.
pub(super) fn process(report: &Report<'_>) -> Object {
    let Some(process) = report.process else {
        return Object::default();
    };
    let mut out = Object::default();
    out.put("pid", process.pid)
        .text("name", process_name(process, report.detail))
        .text("path", &process.exe)
        .text("cmd_line", &command_line(&process.args))
        .text("working_directory", &process.cwd)
        .maybe("created_time", time(process.start_time.as_ref()))
        .object("file", executable(&process.exe))
        .object("user", user(process))
        .object("container", container(report));
    if process.container_pid != 0 {
        out.put("namespace_pid", process.container_pid);
    }
    let ancestry: Vec<Value> = process
        .ancestors
        .iter()
        .map(|ancestor| ancestor_of(ancestor).value())
        .collect();
    if let Some(parent) = process.ancestors.first() {
        out.object("parent_process", ancestor_of(parent));
    }
    out.list("ancestry", ancestry);
    out
}

fn ancestor_of(ancestor: &v1::process::Ancestor) -> Object {
    let mut out = Object::default();
    out.put("pid", ancestor.pid)
        .text("name", basename(&ancestor.exe))
        .text("path", &ancestor.exe);
    out
}

fn user(process: &Process) -> Object {
    let mut user = Object::default();
    user.put("uid", process.uid.to_string())
        .put("groups", json!([{"uid": process.gid.to_string()}]));
    user
}

/// A program's file, with the SHA-256 of what it holds where that is known.
pub(super) fn hashed(path: &str, sha256: &str) -> Object {
    let mut out = executable(path);
    if !sha256.is_empty() {
        // 3: SHA-256.
        let hash = json!({"algorithm": "SHA-256", "algorithm_id": 3, "value": sha256});
        out.put("hashes", json!([hash]));
    }
    out
}

/// A program's file.
pub(super) fn executable(path: &str) -> Object {
    named_file(path, EXECUTABLE, "Executable File")
}

fn named_file(path: &str, kind: u32, word: &str) -> Object {
    let mut out = Object::default();
    if path.is_empty() {
        return out;
    }
    out.text("name", basename(path))
        .text("path", path)
        .put("type_id", kind)
        .put("type", word);
    if let Some((folder, _)) = path.rsplit_once('/') {
        out.text(
            "parent_folder",
            if folder.is_empty() { "/" } else { folder },
        );
    }
    out
}

/// The file that something was done to.
pub(super) fn file(file: &File) -> Object {
    // Of other operations nobody asked what it is.
    let (kind, word) = match file.operation() {
        file::Operation::Mkdir => (FOLDER, "Folder"),
        file::Operation::Symlink => (SYMBOLIC_LINK, "Symbolic Link"),
        file::Operation::OpenRead
        | file::Operation::OpenWrite
        | file::Operation::Create
        | file::Operation::Truncate => (REGULAR, "Regular File"),
        file::Operation::Unspecified
        | file::Operation::Delete
        | file::Operation::Rename
        | file::Operation::Link
        | file::Operation::Mknod
        | file::Operation::Chmod
        | file::Operation::Chown
        | file::Operation::Setxattr => (UNKNOWN_FILE, "Unknown"),
    };
    let path = if file.path.is_empty() {
        "unknown"
    } else {
        &file.path
    };
    named_file(path, kind, word)
}

/// The other end.
pub(super) fn peer(egress: &Egress) -> Object {
    let mut out = end(&egress.address, egress.port);
    out.text("domain", &egress.domain)
        .text("svc_name", &egress.service);
    if out.is_empty() {
        // A socket without a peer: its type is all there is.
        out.text(
            "name",
            &format!("{} socket", transport(egress.protocol(), egress.number)),
        );
    }
    out
}

/// An end by its address: what is no IP address is a name. Without an address there is no port.
pub(super) fn end(address: &str, port: u32) -> Object {
    let mut out = Object::default();
    match address.parse::<IpAddr>() {
        Ok(ip) => out.text("ip", &ip.to_string()),
        Err(_) => out.text("name", address),
    };
    // A port of VSOCK may be any number of 32 bits.
    if !out.is_empty() && port != 0 && port <= u32::from(u16::MAX) {
        out.put("port", port);
    }
    out
}

/// The container's own end: what an event of the network has to have.
pub(super) fn own_end(report: &Report<'_>) -> Object {
    let mut out = Object::default();
    let name = match report.container {
        Some(container) if !container.pod.is_empty() => &container.pod,
        Some(container) if !container.name.is_empty() => &container.name,
        Some(container) => &container.id,
        None => report.node,
    };
    out.text("name", if name.is_empty() { "unknown" } else { name })
        .object("container", container(report));
    out
}

/// Protocol and direction.
pub(super) fn connection(
    protocol: egress::Protocol,
    number: u32,
    address: &str,
    out: bool,
) -> Object {
    let (direction, word) = match (protocol, out) {
        (egress::Protocol::Unix, _) => (4, "Local"),
        (_, true) => (2, "Outbound"),
        (_, false) => (1, "Inbound"),
    };
    let mut info = Object::default();
    info.put("direction_id", direction)
        .put("direction", word)
        .text("protocol_name", &transport(protocol, number))
        .maybe("protocol_num", protocol_number(protocol, number));
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => info.put("protocol_ver_id", 4),
        Ok(IpAddr::V6(_)) => info.put("protocol_ver_id", 6),
        Err(_) => &mut info,
    };
    info
}

/// What a finding is about: the workload, the pod, the container.
pub(super) fn resources(report: &Report<'_>) -> Vec<Value> {
    let mut out = Vec::new();
    let mut add = |kind: &str, uid: &str, name: &str| {
        if uid.is_empty() && name.is_empty() {
            return;
        }
        let mut resource = Object::default();
        resource
            .text("type", kind)
            .text("uid", uid)
            .text("name", name)
            .text(
                "namespace",
                report
                    .workload
                    .map_or("", |workload| workload.namespace.as_str()),
            )
            .put("role_id", AFFECTED)
            .put("role", "Affected");
        if !report.cluster.is_empty() {
            let mut cluster = Object::default();
            cluster.text("cluster", report.cluster);
            resource.object("data", cluster);
        }
        out.push(resource.value());
    };
    if let Some(workload) = report.workload {
        let kind = if workload.kind.is_empty() {
            "Workload"
        } else {
            &workload.kind
        };
        add(kind, "", &workload.name);
    }
    if let Some(container) = report.container {
        add("Pod", "", &container.pod);
        add("Container", &container.id, &container.name);
    }
    out
}

/// What OCSF has no word for.
pub(super) fn unmapped(report: &Report<'_>) -> Object {
    let mut out = Object::default();
    out.object("lapwing", own::fields(report));
    out
}
