//! The approved entry that looks most like an unknown one: the first thing a
//! person wants to know of a violation.
//!
//! A flood of deviations must not make a full profile slow, so not every entry is
//! looked at: those that stand beside the unknown one in the order of the file
//! share its path or address, and the first of its kind are looked at besides.
//! Where a profile holds no more than that of a kind, the answer is exact.

use crate::behaviour::{
    Behaviour, Dns, Egress, Exec, FileChange, Listen, Operation, Origin, Parent, Peer, Privilege,
    Privileged, Protocol, Reach, SetId,
};
use crate::content;
use crate::entry::{Entry, Phase};
use crate::lineage;
use crate::profile::{Profile, Verdict};
use crate::text::basename;
use std::net::Ipv4Addr;

/// Entries that are looked at on each side.
const BESIDE: usize = 32;
/// Entries of the same kind that are looked at besides.
const FIRST: usize = 256;

/// Describes the nearest approved entry of the same kind; `None` if nothing is alike.
#[must_use]
pub fn nearest(profile: &Profile, entry: &Entry) -> Option<String> {
    let least = least(&entry.behaviour);
    let before = profile.records.before(entry).take(BESIDE);
    let after = profile.records.from(entry).take(BESIDE);
    let first = profile.records.from(&least).take(FIRST);
    let records = before
        .chain(after)
        .chain(first)
        .filter(|(known, record)| {
            record.verdict == Verdict::Approved && !profile.is_overruled(known, record)
        })
        .map(|(known, _)| known.clone());
    let learned = (profile.learned.before(entry, BESIDE).into_iter())
        .chain(profile.learned.from(entry, BESIDE))
        .chain(profile.learned.from(&least, FIRST))
        .filter(|known| profile.stands(known));
    records
        .chain(learned)
        .filter_map(|known| {
            let likeness = likeness(&known.behaviour, &entry.behaviour)?;
            Some(((likeness, known.phase == entry.phase), known))
        })
        // Of the equally alike the first in the order of the file, so that the answer is stable.
        .max_by(|(a, first), (b, second)| a.cmp(b).then_with(|| second.cmp(first)))
        .map(|(_, known)| match lineage::parent_beside(&known, entry) {
            Some(parent) => format!("{} executed by {parent}", describe(&known.behaviour)),
            None => describe(&known.behaviour),
        })
}

/// The approved entries that execute the same file as a program, in the order of the file.
pub fn programs<'a>(
    profile: &'a Profile,
    of: &Exec,
) -> impl Iterator<Item = (&'a Entry, &'a Exec)> {
    let mut from = least(&of.clone().into());
    if let Behaviour::Exec(exec) = &mut from.behaviour {
        exec.path.clone_from(&of.path);
    }
    let path = of.path.clone();
    profile
        .records
        .from(&from)
        .map_while(move |(known, record)| match &known.behaviour {
            Behaviour::Exec(exec) if exec.path == path => Some((known, exec, record)),
            _ => None,
        })
        .filter(|(_, exec, record)| record.verdict == Verdict::Approved && exec.sha256.is_none())
        .map(|(known, exec, _)| (known, exec))
}

/// The first entry that a profile could hold of the same kind.
fn least(of: &Behaviour) -> Entry {
    let behaviour = match of {
        Behaviour::Exec(_) => Exec {
            path: String::new(),
            name: None,
            script: None,
            origin: Origin::Image,
            parent: Parent::Any,
            sha256: None,
        }
        .into(),
        Behaviour::File(_) => FileChange::new(Operation::OpenWrite, "").into(),
        Behaviour::Egress(_) => Egress {
            protocol: Protocol::Tcp,
            peer: Peer::Address(Ipv4Addr::UNSPECIFIED.into()),
            port: 0,
        }
        .into(),
        Behaviour::Listen(_) => Listen {
            protocol: Protocol::Tcp,
            reach: Reach::Network,
            port: 0,
        }
        .into(),
        Behaviour::Dns(_) => Dns {
            name: String::new(),
            record: String::new(),
        }
        .into(),
        Behaviour::Privilege(_) => Privilege {
            operation: Privileged::Ptrace,
            detail: String::new(),
        }
        .into(),
    };
    Entry {
        behaviour,
        phase: Phase::Main,
    }
}

/// A behaviour in a few words.
#[must_use]
pub fn describe(behaviour: &Behaviour) -> String {
    match behaviour {
        Behaviour::Exec(Exec {
            path,
            name,
            script,
            sha256,
            ..
        }) => match (name, script, sha256) {
            (Some(name), ..) => format!("{path} ({name})"),
            (None, Some(script), _) => format!("{path} {script}"),
            (None, None, Some(sha256)) => format!("{path} of sha256 {sha256}"),
            (None, None, None) => path.clone(),
        },
        Behaviour::File(file) => {
            let mut text = format!("{} {}", file.operation.word(), file.path);
            for (lead, more) in [
                (" -> ", file.target.as_deref()),
                (" set-id ", file.set_id.map(SetId::word)),
                (" by ", file.by.as_deref()),
            ] {
                if let Some(more) = more {
                    text.push_str(lead);
                    text.push_str(more);
                }
            }
            text
        }
        Behaviour::Egress(egress) => format!("{} {}", egress.protocol.text(), peer(egress)),
        Behaviour::Listen(listen) => {
            let at = match &listen.reach {
                Reach::Network => format!("port {}", listen.port),
                Reach::Loopback => format!("port {} on loopback", listen.port),
                Reach::Path(path) => path.clone(),
            };
            format!("{} {at}", listen.protocol.text())
        }
        Behaviour::Dns(dns) => format!("{} {}", dns.record, dns.name),
        Behaviour::Privilege(privilege) => {
            let text = format!("{} {}", privilege.operation.word(), privilege.detail);
            text.trim_end().to_owned()
        }
    }
}

fn peer(egress: &Egress) -> String {
    let port = egress.port;
    match &egress.peer {
        Peer::Address(address) => match u16::try_from(port) {
            Ok(port) if port != 0 => std::net::SocketAddr::new(*address, port).to_string(),
            _ => address.to_string(),
        },
        Peer::Cidr(range) if port == 0 => range.to_string(),
        Peer::Cidr(range) => format!("{range} port {port}"),
        Peer::Domain(domain) if port == 0 => domain.clone(),
        Peer::Domain(domain) => format!("{domain}:{port}"),
        Peer::Path(path) => path.clone(),
        Peer::Cid(cid) => format!("{cid}:{port}"),
        Peer::Socket(kind) => format!("socket {}", kind.word()),
    }
}

/// How alike two behaviours are; `None` for not at all.
fn likeness(known: &Behaviour, unknown: &Behaviour) -> Option<(usize, usize)> {
    let score = match (known, unknown) {
        // What a file holds is like what it held, and like nothing else.
        (Behaviour::Exec(a), Behaviour::Exec(b)) if a.sha256.is_some() || b.sha256.is_some() => {
            let is_same = content::is_of_one_file(a, b);
            (2 * usize::from(is_same), 0)
        }
        (Behaviour::Exec(a), Behaviour::Exec(b)) => (
            usize::from(a.path == b.path) * 2
                + usize::from(a.name.is_some() && a.name == b.name)
                + usize::from(basename(&a.path) == basename(&b.path)),
            shared_folders(&a.path, &b.path),
        ),
        (Behaviour::File(a), Behaviour::File(b)) => (
            shared_folders(&a.path, &b.path) * 2
                + usize::from(a.path == b.path) * 2
                + usize::from(a.by.is_some() && a.by == b.by),
            usize::from(a.operation == b.operation),
        ),
        (Behaviour::Egress(a), Behaviour::Egress(b)) => (
            usize::from(a.peer == b.peer) * 2
                + usize::from(a.port != 0 && a.port == b.port)
                + shared_peers(&a.peer, &b.peer),
            usize::from(a.protocol == b.protocol),
        ),
        (Behaviour::Listen(a), Behaviour::Listen(b)) => (
            usize::from(a.port == b.port && a.reach == b.reach) * 2
                + usize::from(a.port != 0 && a.port == b.port)
                + match (&a.reach, &b.reach) {
                    (Reach::Path(a), Reach::Path(b)) => shared_folders(a, b),
                    _ => 0,
                },
            usize::from(a.protocol == b.protocol),
        ),
        (Behaviour::Dns(a), Behaviour::Dns(b)) => (
            shared_labels(&a.name, &b.name).saturating_sub(1),
            usize::from(a.record == b.record),
        ),
        (Behaviour::Privilege(a), Behaviour::Privilege(b)) => (
            usize::from(a.operation == b.operation) * 2,
            usize::from(a.detail == b.detail),
        ),
        (
            Behaviour::Exec(_)
            | Behaviour::File(_)
            | Behaviour::Egress(_)
            | Behaviour::Listen(_)
            | Behaviour::Dns(_)
            | Behaviour::Privilege(_),
            _,
        ) => return None,
    };
    (score.0 > 0 || matches!(known, Behaviour::Exec(_)) && score.1 > 0).then_some(score)
}

/// What two different peers share: folders of a path, more of a domain than its last label, or the
/// range of an address.
fn shared_peers(a: &Peer, b: &Peer) -> usize {
    match (a, b) {
        (Peer::Path(a), Peer::Path(b)) => shared_folders(a, b),
        (Peer::Domain(a), Peer::Domain(b)) => shared_labels(a, b).saturating_sub(1),
        (Peer::Cidr(range), Peer::Address(address)) => 2 * usize::from(range.contains(*address)),
        _ => 0,
    }
}

/// Number of labels that two names share, from the last on.
fn shared_labels(a: &str, b: &str) -> usize {
    a.rsplit('.')
        .zip(b.rsplit('.'))
        .take_while(|(a, b)| a == b)
        .count()
}

/// Number of leading folders that two paths share, the root not counted.
fn shared_folders(a: &str, b: &str) -> usize {
    let folders = |path: &str| -> usize { path.matches('/').count() };
    a.split('/')
        .zip(b.split('/'))
        .skip(1)
        .take(folders(a).min(folders(b)).saturating_sub(1))
        .take_while(|(a, b)| a == b)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Mode;
    use crate::workload::Workload;

    fn profile(entries: &[&str]) -> Profile {
        let mut profile = Profile::new(Workload::default(), Mode::Monitoring);
        for entry in entries {
            profile.set(&Entry::parse(entry).unwrap(), Verdict::Approved, 0);
        }
        profile
    }

    #[test]
    fn programs_are_those_of_one_file() {
        let mut known = profile(&[
            "exec: {path: /bin/s}",
            "exec: {path: /bin/sh}",
            "exec: {path: /bin/sh, name: ash, phase: exec}",
            "exec: {path: /bin/sh, script: /a, origin: VOLUME}",
            "exec: {path: /bin/sha}",
            "listen: {protocol: TCP, port: 8080}",
        ]);
        let refused = Entry::parse("exec: {path: /bin/sh, name: hush}").unwrap();
        known.set(&refused, Verdict::Refused, 0);
        let Behaviour::Exec(of) = &refused.behaviour else {
            panic!("another kind")
        };
        let names: Vec<_> = programs(&known, of)
            .map(|(_, exec)| exec.name.as_deref().or(exec.script.as_deref()))
            .collect();
        assert_eq!(names, [None, Some("/a"), Some("ash")]);
        assert_eq!(programs(&profile(&[]), of).count(), 0);
    }

    #[test]
    fn the_nearest_is_what_a_person_would_name() {
        let known = profile(&[
            "exec: {path: /usr/sbin/nginx}",
            "exec: {path: /bin/busybox, name: sleep}",
            "exec: {path: /sbin/toybox, name: id, parent: /bin/a}",
            "exec: {path: /sbin/toybox, name: id, parent: /bin/b, phase: exec}",
            "file: {operation: CREATE, path: /data/cache/a}",
            "file: {operation: CREATE, path: /var/log/x}",
            "egress: {protocol: TCP, address: 10.0.0.1, port: 5432}",
            "egress: {protocol: TCP, address: 10.0.0.2, port: 80}",
            "egress: {protocol: TCP, domain: api.example.com, port: 443}",
            "egress: {protocol: UNIX, path: /run/app/a.sock}",
            "file: {operation: OPEN_READ, path: /run/secrets/token, by: /bin/app}",
            "listen: {protocol: TCP, port: 8080}",
            "dns: {name: api.example.com, type: A}",
            "privilege: {operation: CAPABILITY, detail: CAP_CHOWN}",
        ]);
        for (entry, expected) in [
            (
                "exec: {path: /bin/busybox, name: sh}",
                Some("/bin/busybox (sleep)"),
            ),
            (
                "exec: {path: /usr/local/sbin/nginx}",
                Some("/usr/sbin/nginx"),
            ),
            (
                "exec: {path: /sbin/toybox, name: id, parent: /bin/c}",
                Some("/sbin/toybox (id) executed by /bin/a"),
            ),
            (
                "exec: {path: /sbin/toybox, name: id, parent: /bin/c, phase: exec}",
                Some("/sbin/toybox (id) executed by /bin/b"),
            ),
            ("exec: {path: /opt/x}", None),
            (
                "file: {operation: DELETE, path: /data/cache/b}",
                Some("CREATE /data/cache/a"),
            ),
            ("file: {operation: CREATE, path: /etc/passwd}", None),
            (
                "egress: {protocol: TCP, address: 10.0.0.1, port: 22}",
                Some("TCP 10.0.0.1:5432"),
            ),
            (
                "egress: {protocol: TCP, address: 8.8.8.8, port: 80}",
                Some("TCP 10.0.0.2:80"),
            ),
            ("egress: {protocol: UDP, address: 8.8.8.8, port: 53}", None),
            (
                "egress: {protocol: TCP, domain: evil.example.com, port: 1}",
                Some("TCP api.example.com:443"),
            ),
            (
                "egress: {protocol: TCP, domain: example.org, port: 1}",
                None,
            ),
            (
                "egress: {protocol: UNIX, path: /run/app/b.sock}",
                Some("UNIX /run/app/a.sock"),
            ),
            ("egress: {protocol: ICMP, socket: RAW}", None),
            (
                "file: {operation: OPEN_READ, path: /root/key, by: /bin/app}",
                Some("OPEN_READ /run/secrets/token by /bin/app"),
            ),
            (
                "listen: {protocol: TCP, port: 8080, loopback: true}",
                Some("TCP port 8080"),
            ),
            ("listen: {protocol: TCP, port: 4444}", None),
            (
                "dns: {name: api.example.com, type: TXT}",
                Some("A api.example.com"),
            ),
            ("dns: {name: evil.com, type: A}", None),
            (
                "privilege: {operation: CAPABILITY, detail: CAP_SYS_ADMIN}",
                Some("CAPABILITY CAP_CHOWN"),
            ),
            ("privilege: {operation: BPF}", None),
        ] {
            let entry = Entry::parse(entry).unwrap();
            assert_eq!(nearest(&known, &entry).as_deref(), expected, "{entry}");
        }
    }
}
