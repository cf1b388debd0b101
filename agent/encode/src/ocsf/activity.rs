//! Behaviours as the activities they are.

use super::{Class, base, objects};
use crate::Product;
use crate::report::{Detail, Report, word};
use crate::text::Object;
use lapwing_proto::v1::{Dns, egress, file, privilege};
use serde_json::Value;

const SYSTEM: (u32, &str) = (1, "System Activity");
const NETWORK: (u32, &str) = (4, "Network Activity");
/// The activity that a class has no word for; its name says what it is.
const OTHER: u32 = 99;

/// The event.
pub(super) fn event(report: &Report<'_>, product: &Product) -> Value {
    let class = class(report.detail);
    let mut event = base(report, product, &class);
    let mut actor = Object::default();
    actor.object("process", objects::process(report));
    if actor.is_empty() {
        // Who did it is not known, and the class wants to be told.
        actor.put("app_name", "unknown");
    }
    match report.detail {
        Detail::Exec(_) => {
            let mut process = objects::process(report);
            if process.is_empty() {
                process.put("uid", "unknown");
            }
            event
                .object("actor", issuer(report))
                .object("process", process);
        }
        Detail::Privilege(_) | Detail::Gap(_) | Detail::Degraded(_) | Detail::Nothing => {
            let mut process = objects::process(report);
            if process.is_empty() {
                process.put("uid", "unknown");
            }
            event.object("actor", actor).object("process", process);
        }
        Detail::File(file) => {
            event
                .object("actor", actor)
                .object("file", objects::file(file));
            if matches!(
                file.operation(),
                file::Operation::Rename | file::Operation::Link
            ) && !file.target.is_empty()
            {
                let renamed = lapwing_proto::v1::File {
                    path: file.target.clone(),
                    ..file.clone()
                };
                event.object("file_result", objects::file(&renamed));
            }
        }
        Detail::Egress(egress) => {
            event
                .object("actor", actor)
                .object("src_endpoint", objects::own_end(report))
                .object("dst_endpoint", objects::peer(egress))
                .object(
                    "connection_info",
                    objects::connection(egress.protocol(), egress.number, &egress.address, true),
                );
        }
        Detail::Listen(listen) => {
            let mut own = objects::end(&listen.address, listen.port);
            if own.is_empty() {
                own = objects::own_end(report);
            } else {
                own.object("container", objects::container(report));
            }
            event
                .object("actor", actor)
                .object("src_endpoint", own)
                .object(
                    "connection_info",
                    objects::connection(listen.protocol(), listen.number, &listen.address, false),
                );
        }
        Detail::Dns(dns) => {
            event
                .object("actor", actor)
                .object("src_endpoint", objects::own_end(report))
                .object("query", query(dns));
        }
    }
    event.object("unmapped", objects::unmapped(report));
    event.value()
}

/// Who executed the program: its parent, by what the sensor recorded.
fn issuer(report: &Report<'_>) -> Object {
    let mut actor = Object::default();
    let parent = report.process.and_then(|process| process.ancestors.first());
    let Detail::Exec(exec) = report.detail else {
        return actor;
    };
    if let Some(parent) = parent {
        let mut process = Object::default();
        process
            .put("pid", parent.pid)
            .text("path", &parent.exe)
            .text("name", crate::text::basename(&parent.exe))
            .object("container", objects::container(report));
        actor.object("process", process);
    } else {
        actor.text(
            "app_name",
            if exec.parent.is_empty() {
                "unknown"
            } else {
                &exec.parent
            },
        );
    }
    actor
}

/// The question of a query.
pub(super) fn query(dns: &Dns) -> Object {
    let mut query = Object::default();
    // The class wants a name; the root has none.
    query
        .text(
            "hostname",
            if dns.name.is_empty() { "." } else { &dns.name },
        )
        .text("type", &dns.r#type);
    query
}

fn class(detail: Detail<'_>) -> Class {
    let of =
        |uid, name, (category, category_name), (activity, activity_name): (u32, String)| Class {
            uid,
            name,
            category,
            category_name,
            activity,
            activity_name,
        };
    match detail {
        Detail::Exec(_) => of(1007, "Process Activity", SYSTEM, (1, "Launch".to_owned())),
        Detail::File(file) => of(
            1001,
            "File System Activity",
            SYSTEM,
            on_file(file.operation()),
        ),
        Detail::Egress(egress) => {
            // A socket was made, and talks to nobody yet.
            let activity = if egress.socket() == egress::Socket::None {
                (1, "Open".to_owned())
            } else {
                (OTHER, "socket".to_owned())
            };
            of(4001, "Network Activity", NETWORK, activity)
        }
        Detail::Listen(_) => of(4001, "Network Activity", NETWORK, (7, "Listen".to_owned())),
        Detail::Dns(_) => of(4003, "DNS Activity", NETWORK, (1, "Query".to_owned())),
        Detail::Privilege(privilege) => of(
            1007,
            "Process Activity",
            SYSTEM,
            with_privilege(privilege.operation()),
        ),
        Detail::Gap(_) | Detail::Degraded(_) | Detail::Nothing => {
            of(1007, "Process Activity", SYSTEM, (0, "Unknown".to_owned()))
        }
    }
}

fn on_file(operation: file::Operation) -> (u32, String) {
    use file::Operation;
    let (activity, name) = match operation {
        Operation::Create | Operation::Mkdir | Operation::Mknod | Operation::Symlink => {
            (1, "Create")
        }
        Operation::OpenRead => (2, "Read"),
        Operation::Truncate => (3, "Update"),
        Operation::Delete => (4, "Delete"),
        Operation::Rename => (5, "Rename"),
        Operation::Chmod | Operation::Setxattr => (6, "Set Attributes"),
        Operation::Chown => (7, "Set Security"),
        Operation::OpenWrite => (14, "Open"),
        Operation::Link => return (OTHER, word(operation.as_str_name())),
        Operation::Unspecified => (0, "Unknown"),
    };
    (activity, name.to_owned())
}

fn with_privilege(operation: privilege::Operation) -> (u32, String) {
    use privilege::Operation;
    match operation {
        Operation::ProcessVmWrite | Operation::ProcMem => (4, "Inject".to_owned()),
        Operation::Unspecified => (0, "Unknown".to_owned()),
        Operation::Ptrace
        | Operation::Mount
        | Operation::Umount
        | Operation::PivotRoot
        | Operation::Setns
        | Operation::Unshare
        | Operation::Module
        | Operation::Bpf
        | Operation::IoUring
        | Operation::ExecMapping
        | Operation::Capability
        | Operation::Escape => (OTHER, word(operation.as_str_name())),
    }
}
