//! What an entry must be, whoever wrote it: something that a sighting can equal.

use crate::behaviour::{
    Behaviour, Dns, Egress, FileChange, Listen, Operation, Parent, Peer, Protocol, Reach, Target,
    is_domain, is_record_type, listen_port,
};
use crate::content;
use crate::pattern;
use crate::text::{is_canonical, visible};

/// Says what is wrong with a behaviour, and what would be right.
pub(super) fn check(behaviour: &Behaviour) -> Result<(), String> {
    match behaviour {
        Behaviour::Exec(exec) => {
            texts(&[
                Some(&exec.path),
                exec.name.as_deref(),
                exec.script.as_deref(),
                exec.parent.text(),
            ])?;
            content::check(exec)?;
            check_parent(&exec.parent)
        }
        Behaviour::File(file) => {
            check_file(file)?;
            let words = match file.operation.target() {
                Target::Path if file.pattern => None,
                Target::Path | Target::None | Target::Words => file.target.as_deref(),
            };
            if !file.pattern {
                return texts(&[Some(&file.path), words, file.by.as_deref()]);
            }
            texts(&[words, file.by.as_deref()])?;
            check_pattern(file)
        }
        Behaviour::Egress(egress) => check_egress(egress),
        Behaviour::Listen(listen) => check_listen(listen),
        Behaviour::Dns(dns) => check_dns(dns),
        Behaviour::Privilege(privilege) => texts(&[Some(&privilege.detail)]),
    }
}

/// Whether texts are canonical, as those of all sightings are: no other would ever match one, and
/// a raw control byte must reach no terminal.
fn texts(texts: &[Option<&str>]) -> Result<(), String> {
    match texts.iter().flatten().find(|text| !is_canonical(text)) {
        None => Ok(()),
        Some(text) => Err(format!(
            "`{}` is not in canonical form: control characters and bytes that are not UTF-8 \
             are written \\xNN, a backslash is doubled",
            visible(text)
        )),
    }
}

/// A parent that is no path could never have executed anything, and might be a word misspelled.
fn check_parent(parent: &Parent) -> Result<(), String> {
    match parent {
        Parent::Program(path) if !parent.is_path() => Err(format!(
            "`parent: {}` is neither a path nor one of the words `runtime` and `unknown`; \
             without `parent` it does not matter who executes the program",
            visible(path)
        )),
        Parent::Any | Parent::Runtime | Parent::Unknown | Parent::Program(_) => Ok(()),
    }
}

fn check_file(file: &FileChange) -> Result<(), String> {
    let word = file.operation.word();
    match (file.operation.has_target(), &file.target) {
        (true, None) => return Err(format!("{word} needs a `target`")),
        (false, Some(_)) => return Err(format!("{word} has no `target`")),
        (true, Some(_)) | (false, None) => {}
    }
    match (file.operation, &file.by) {
        (Operation::OpenRead, None) => {
            return Err(format!("{word} needs `by`: the executable that reads"));
        }
        (Operation::OpenRead, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(format!("{word} has no `by`")),
    }
    if file.set_id.is_some() && file.operation != Operation::Chmod {
        return Err(format!("{word} has no `setId`"));
    }
    Ok(())
}

/// A pattern, and the one behind it where the target is a path too.
fn check_pattern(file: &FileChange) -> Result<(), String> {
    let mut wild = pattern::check(&file.path)?;
    if let (Target::Path, Some(target)) = (file.operation.target(), &file.target) {
        wild |= pattern::check(target)?;
    }
    if wild {
        return Ok(());
    }
    Err(format!(
        "the pattern `{}` has no wildcard: write it as a `path`",
        visible(&file.path)
    ))
}

fn check_egress(egress: &Egress) -> Result<(), String> {
    let protocol = egress.protocol;
    let fits = match (&egress.peer, protocol) {
        (
            Peer::Address(_) | Peer::Domain(_) | Peer::Cidr(_),
            Protocol::Tcp
            | Protocol::Udp
            | Protocol::Sctp
            | Protocol::Icmp
            | Protocol::Icmpv6
            | Protocol::Other(_),
        )
        | (Peer::Path(_), Protocol::Unix)
        | (Peer::Cid(_), Protocol::Vsock)
        | (Peer::Socket(_), _) => true,
        (Peer::Address(_) | Peer::Domain(_) | Peer::Path(_) | Peer::Cid(_) | Peer::Cidr(_), _) => {
            false
        }
    };
    if !fits {
        return Err(format!(
            "{} has no such peer: `path` belongs to UNIX, `cid` to VSOCK, `address`, `domain` and \
             `cidr` to what is above IP",
            protocol.word()
        ));
    }
    match &egress.peer {
        Peer::Address(address) => {
            // Whoever reads a line makes it so.
            if address.to_canonical() != *address {
                return Err(format!("{address} is written {}", address.to_canonical()));
            }
            ip_port(protocol, egress.port)
        }
        Peer::Domain(domain) => {
            named(domain)?;
            ip_port(protocol, egress.port)
        }
        Peer::Cid(_) => Ok(()),
        Peer::Cidr(_) => ip_port(protocol, egress.port),
        Peer::Path(path) => {
            texts(&[Some(path)])?;
            none(egress.port)
        }
        Peer::Socket(_) => none(egress.port),
    }
}

fn check_listen(listen: &Listen) -> Result<(), String> {
    let (local, is_local) = match &listen.reach {
        Reach::Path(path) => {
            texts(&[Some(path)])?;
            none(listen.port)?;
            (true, listen.protocol == Protocol::Unix)
        }
        Reach::Network | Reach::Loopback => (false, listen.protocol == Protocol::Unix),
    };
    if local != is_local {
        return Err("`path` belongs to UNIX, and UNIX needs one".to_owned());
    }
    if listen.protocol == Protocol::Vsock {
        return Ok(());
    }
    ip_port(listen.protocol, listen.port)?;
    let port = u16::try_from(listen.port).unwrap_or_default();
    if listen_port(port) != listen.port {
        return Err(format!(
            "`port: {port}` is one of those that the kernel chooses for who does not: all of \
             32768 to 60999 are one behaviour, written `port: 0`"
        ));
    }
    Ok(())
}

fn check_dns(dns: &Dns) -> Result<(), String> {
    named(&dns.name)?;
    if is_record_type(&dns.record) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no type of record: write it as IANA does, like A or AAAA, or TYPE and a number \
         for one that has no name here",
        visible(&dns.record)
    ))
}

fn named(domain: &str) -> Result<(), String> {
    if is_domain(domain) {
        return Ok(());
    }
    Err(format!(
        "`{}` is not in the form of names here: small letters, no dot at the end",
        visible(domain)
    ))
}

fn ip_port(protocol: Protocol, port: u32) -> Result<(), String> {
    if protocol.has_ports() == Some(false) {
        return none(port);
    }
    match u16::try_from(port) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("`port: {port}` is none: the last is 65535")),
    }
}

fn none(port: u32) -> Result<(), String> {
    match port {
        0 => Ok(()),
        _ => Err("there is no `port` here".to_owned()),
    }
}
