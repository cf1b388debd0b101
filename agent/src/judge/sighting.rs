//! From a record to a behaviour, in the words of the container.

use crate::credentials;
use crate::dns::budget::Spelled;
use crate::process::{Entered, File, Image, Images};
use lapwing_abi::decode::{Body, Location, Peer, Record, join, path_from_components};
use lapwing_abi::ids::{Contact, Origin as Wire, flags};
use lapwing_profile::behaviour::{
    ABSTRACT, Behaviour, Dns, Egress, Exec, FileChange, Listen, Operation, Parent, Peer as End,
    Privilege, Privileged, Protocol, Reach, SetId, SocketType, Target, listen_port, privilege,
};
use lapwing_profile::name::invoked_name;
use lapwing_profile::text::{CUT, DETACHED, canonical};
use std::net::IpAddr;
use std::sync::Arc;

/// What a record says, in canonical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The behaviour.
    pub behaviour: Behaviour,
    /// What is reported besides, and makes no other behaviour of it.
    pub aside: Aside,
}

/// What is reported of a behaviour and is no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aside {
    /// For files: what they lie on.
    pub mount: Option<lapwing_abi::ids::Mount>,
    /// For files: whether the path is the caller's words.
    pub path_from_caller: bool,
    /// For changes of mode: the new one.
    pub mode: Option<u32>,
    /// For contacts that go by a name: at which address.
    pub address: Option<IpAddr>,
    /// For listening: at which address and port, folded in no way.
    pub at: Option<(IpAddr, u16)>,
}

/// Arguments, each ended by NUL, as canonical texts.
#[must_use]
pub fn arguments(args: &[u8]) -> Vec<String> {
    let args = args.strip_suffix(b"\0").unwrap_or(args);
    if args.is_empty() {
        return Vec::new();
    }
    args.split(|byte| *byte == 0).map(canonical).collect()
}

/// Flags that say of a path that it is not a whole path of the container.
#[derive(Clone, Copy)]
struct Marks {
    cut: u32,
    detached: u32,
}

/// Of the first path of a record.
const PATH: Marks = Marks {
    cut: flags::PATH_TRUNCATED | flags::USER_PATH_TRUNCATED,
    detached: flags::PATH_DETACHED,
};
/// Of the second.
const TARGET: Marks = Marks {
    cut: flags::TARGET_TRUNCATED | flags::USER_PATH_TRUNCATED,
    detached: flags::TARGET_DETACHED,
};
/// Of the working directory; one flag says both.
const CWD: Marks = Marks {
    cut: flags::CWD_PARTIAL,
    detached: 0,
};

/// A path as text, marked as the record's flags say.
fn marked(record: &Record<'_>, marks: Marks, path: &[u8]) -> String {
    let set = |bits| record.header.flags & bits != 0;
    if !set(marks.cut | marks.detached) {
        return canonical(path);
    }
    let cut = if set(marks.cut) { CUT } else { "" };
    let detached = if set(marks.detached) { DETACHED } else { "" };
    format!("{detached}{cut}{}", canonical(path))
}

/// The script that an exec record tells of, which its interpreter runs.
fn script(record: &Record<'_>, filename: &[u8], cwd: &[u8]) -> Option<String> {
    let flag = |bit| record.header.flags & bit != 0;
    flag(flags::SCRIPT).then(|| {
        if flag(flags::SCRIPT_RESOLVED) {
            return marked(record, TARGET, &path_from_components(filename));
        }
        let passed = filename.strip_suffix(b"\0").unwrap_or(filename);
        if passed.starts_with(b"/") {
            canonical(passed)
        } else {
            marked(record, CWD, &join(&path_from_components(cwd), passed))
        }
    })
}

/// The image that an exec record makes.
#[must_use]
pub fn image(record: &Record<'_>) -> Option<Image> {
    match record.body {
        Body::Exec {
            path,
            filename,
            args,
            cwd,
            origin,
        } => Some(Image {
            file: match origin {
                // It may have been removed since, as an update does it.
                Wire::Unlinked if record.header.flags & flags::ORIGIN_UNSURE != 0 => File::Unsure,
                Wire::UpperLayer | Wire::Memfd | Wire::Unlinked => File::Drifted,
                Wire::Image | Wire::Volume | Wire::Unknown => File::Named,
            },
            exe: marked(record, PATH, &path_from_components(path)),
            args: {
                let mut args = arguments(args);
                if record.header.flags & flags::ARGS_UNREADABLE != 0 {
                    args.push(CUT.to_owned());
                } else if record.header.flags & flags::ARGS_TRUNCATED != 0 {
                    // On the argument that is cut: what is left of it must not pass for whole.
                    match args.last_mut() {
                        Some(last) => last.push_str(CUT),
                        None => args.push(CUT.to_owned()),
                    }
                }
                args
            },
            cwd: marked(record, CWD, &path_from_components(cwd)),
            pid: record.header.pid,
            issuer: record.header.issuer,
            entered: match record.header.flags & flags::FROM_RUNTIME {
                0 => Entered::Not,
                _ => script(record, filename, cwd).map_or(Entered::Program, Entered::Script),
            },
        }),
        Body::File { .. }
        | Body::Egress { .. }
        | Body::Listen { .. }
        | Body::Dns { .. }
        | Body::Privilege { .. } => None,
    }
}

/// Who executed the program in a record, as far as it is known: see [`lapwing_profile::lineage`].
#[must_use]
pub fn parent(record: &Record<'_>, images: &Images) -> Parent {
    let flag = |bit| record.header.flags & bit != 0;
    if flag(flags::FROM_RUNTIME) {
        return Parent::Runtime;
    }
    match images.get(record.header.issuer) {
        Some(image) if !flag(flags::PROCESS_UNKNOWN) => image.as_parent(),
        Some(_) | None => Parent::Unknown,
    }
}

/// The behaviour in a record; `None` where a record is none by itself. `image` is the one that
/// acts; for an exec, the new one, whose [`parent`] the record alone does not tell.
#[must_use]
pub fn seen(record: &Record<'_>, image: Option<&Image>) -> Option<Seen> {
    let flag = |bit| record.header.flags & bit != 0;
    let mut aside = Aside::default();
    let behaviour = match record.body {
        Body::Exec {
            path,
            filename,
            args,
            cwd,
            origin,
        } => {
            let path = marked(record, PATH, &path_from_components(path));
            let args = image.map_or_else(|| arguments(args), |image| image.args.clone());
            let script = script(record, filename, cwd);
            let name = invoked_name(&path, &args);
            Exec {
                path,
                name,
                script,
                origin: origin.into(),
                parent: Parent::Unknown,
                sha256: None,
            }
            .into()
        }
        Body::File {
            operation,
            mount,
            path,
            target,
        } => {
            aside.mount = Some(mount);
            aside.path_from_caller = flag(flags::PATH_FROM_USER);
            if operation == lapwing_abi::ids::Operation::Chmod {
                aside.mode = Some((record.header.argument & 0o7777) as u32);
            }
            file(record, operation.into(), mount, path, target, image)
        }
        Body::Egress {
            contact,
            protocol,
            peer,
        } => egress(record, contact, protocol, peer),
        Body::Listen { protocol, at } => {
            if let Peer::Ip(address, port) = at {
                aside.at = Some((address, port));
            }
            listen(record, protocol, at)
        }
        // A message is not yet a behaviour: whether it is a query of a name that the container
        // has not asked for before, only the one who follows its questions and answers knows.
        Body::Dns { .. } => return None,
        Body::Privilege {
            operation,
            argument,
            path,
            name,
        } => {
            let path = marked(record, PATH, &path.path());
            Privilege {
                operation: operation.into(),
                detail: privilege::detail(operation, argument, &path, name),
            }
            .into()
        }
    };
    Some(Seen { behaviour, aside })
}

/// A name that was asked of the name service, as a sighting.
#[must_use]
pub fn asked(spelled: Spelled) -> Seen {
    let dns = Dns {
        name: spelled.name,
        record: spelled.kind,
    };
    Seen {
        behaviour: dns.into(),
        aside: Aside::default(),
    }
}

/// A contact, by each of the names under which its address is known; the last is the newest.
#[must_use]
pub fn by_name(contact: &Behaviour, aside: &Aside, names: &[Arc<str>]) -> Vec<Seen> {
    let Behaviour::Egress(egress) = contact else {
        return Vec::new();
    };
    let End::Address(address) = egress.peer else {
        return Vec::new();
    };
    names
        .iter()
        .map(|name| Seen {
            behaviour: Egress {
                peer: End::Domain(name.to_string()),
                ..egress.clone()
            }
            .into(),
            aside: Aside {
                address: Some(address),
                ..aside.clone()
            },
        })
        .collect()
}

fn file(
    record: &Record<'_>,
    operation: Operation,
    mount: lapwing_abi::ids::Mount,
    path: Location<'_>,
    target: Location<'_>,
    image: Option<&Image>,
) -> Behaviour {
    let mut path = marked(record, PATH, &path.path());
    if operation == Operation::OpenRead {
        path = credentials::stable(&path);
    }
    let writes = match operation {
        Operation::OpenWrite | Operation::Create => true,
        Operation::Delete
        | Operation::Rename
        | Operation::OpenRead
        | Operation::Link
        | Operation::Symlink
        | Operation::Mkdir
        | Operation::Mknod
        | Operation::Truncate
        | Operation::Chmod
        | Operation::Chown
        | Operation::Setxattr => false,
    };
    if writes
        && mount == lapwing_abi::ids::Mount::ProcSys
        && is_memory_of_another(&path, record.header.container_pid)
    {
        return Privilege {
            operation: Privileged::ProcMem,
            detail: String::new(),
        }
        .into();
    }
    FileChange {
        operation,
        path,
        pattern: false,
        target: match operation.target() {
            Target::None => None,
            Target::Path => Some(marked(record, TARGET, &target.path())),
            // The caller's bytes, which no folder and no `..` changes.
            Target::Words => {
                let words = target.passed;
                let words = canonical(words.strip_suffix(b"\0").unwrap_or(words));
                let cut = record.header.flags & TARGET.cut != 0;
                Some(if cut { words + CUT } else { words })
            }
        },
        set_id: match operation {
            Operation::Chmod => SetId::from_mode(record.header.argument),
            _ => None,
        },
        by: (operation == Operation::OpenRead)
            .then(|| image.map_or_else(|| CUT.to_owned(), |image| image.exe.clone())),
    }
    .into()
}

/// Whether a path of the proc file system is the memory of another process: `/proc/N/mem`, or the
/// same of a thread, `/proc/N/task/M/mem`. Below any other folder than `/proc` the numbers are
/// those of another namespace, of which the process's own number there is not known.
fn is_memory_of_another(path: &str, own: u32) -> bool {
    let Some(folder) = path.strip_suffix("/mem") else {
        return false;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten()
    };
    let Some((before, last)) = folder.rsplit_once('/') else {
        return false;
    };
    let Some(mut process) = number(last) else {
        return false;
    };
    let mut root = before;
    if let Some((above, group)) = before
        .strip_suffix("/task")
        .and_then(|folder| folder.rsplit_once('/'))
        && let Some(group) = number(group)
    {
        (process, root) = (group, above);
    }
    root != "/proc" || process != own
}

/// Where a socket of this machine is: its path, or its name behind a mark.
fn local(record: &Record<'_>, peer: Peer<'_>) -> Option<String> {
    match peer {
        Peer::Unix(path) => Some(marked(record, PATH, &path.path())),
        Peer::Abstract(name) => Some(format!("{ABSTRACT}{}", canonical(name))),
        Peer::Ip(..) | Peer::Vsock(..) | Peer::Packet | Peer::Xdp => None,
    }
}

fn protocol_of(number: u8, peer: Peer<'_>) -> Protocol {
    match peer {
        Peer::Ip(..) => Protocol::from_number(number),
        Peer::Unix(_) | Peer::Abstract(_) => Protocol::Unix,
        Peer::Vsock(..) => Protocol::Vsock,
        Peer::Packet => Protocol::Packet,
        Peer::Xdp => Protocol::Xdp,
    }
}

fn egress(record: &Record<'_>, contact: Contact, number: u8, peer: Peer<'_>) -> Behaviour {
    let made = End::Socket(SocketType::from_number(record.header.argument));
    let (with, port) = match (contact, peer) {
        (Contact::Socket, _) => (made, 0),
        (Contact::Peer, Peer::Ip(address, port)) => (End::Address(address), u32::from(port)),
        (Contact::Peer, Peer::Vsock(cid, port)) => (End::Cid(cid), port),
        (Contact::Peer, Peer::Unix(_) | Peer::Abstract(_) | Peer::Packet | Peer::Xdp) => {
            match local(record, peer) {
                Some(path) => (End::Path(path), 0),
                // Frames have no peer that is known: of such a socket no more is said.
                None => (End::Socket(SocketType::Unknown), 0),
            }
        }
    };
    let protocol = protocol_of(number, peer);
    Egress {
        protocol,
        peer: with,
        port: if protocol.has_ports() == Some(false) {
            0
        } else {
            port
        },
    }
    .into()
}

fn listen(record: &Record<'_>, number: u8, at: Peer<'_>) -> Behaviour {
    let (reach, port) = match at {
        Peer::Ip(address, port) if address.is_loopback() => (Reach::Loopback, listen_port(port)),
        Peer::Ip(_, port) => (Reach::Network, listen_port(port)),
        Peer::Vsock(_, port) => (Reach::Network, port),
        Peer::Unix(_) | Peer::Abstract(_) | Peer::Packet | Peer::Xdp => {
            (local(record, at).map_or(Reach::Network, Reach::Path), 0)
        }
    };
    let protocol = protocol_of(number, at);
    Listen {
        protocol,
        reach,
        port: if protocol.has_ports() == Some(false) {
            0
        } else {
            port
        },
    }
    .into()
}

#[cfg(test)]
mod tests;
