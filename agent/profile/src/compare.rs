//! The approved entry that looks most like an unknown one: the first thing a
//! person wants to know of a violation.
//!
//! A flood of deviations must not make a full profile slow, so not every entry is
//! looked at: those that stand beside the unknown one in the order of the file
//! share its path or address, and the first of its kind are looked at besides.
//! Where a profile holds no more than that of a kind, the answer is exact.

use crate::behaviour::{Behaviour, Egress, Exec, FileChange, Operation, Origin, Protocol};
use crate::entry::{Entry, Phase};
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
    let before = profile.records.range(..entry).rev().take(BESIDE);
    let after = profile.records.range(entry..).take(BESIDE);
    let first = profile.records.range(least(&entry.behaviour)..).take(FIRST);
    before
        .chain(after)
        .chain(first)
        .filter(|(_, record)| record.verdict == Verdict::Approved)
        .filter_map(|(known, _)| {
            let likeness = likeness(&known.behaviour, &entry.behaviour)?;
            Some((likeness, known))
        })
        // Of the equally alike the first in the order of the file, so that the answer is stable.
        .max_by(|(a, first), (b, second)| a.cmp(b).then_with(|| second.cmp(first)))
        .map(|(_, known)| describe(&known.behaviour))
}

/// The first entry that a profile could hold of the same kind.
fn least(of: &Behaviour) -> Entry {
    let behaviour = match of {
        Behaviour::Exec(_) => Behaviour::Exec(Exec {
            path: String::new(),
            name: None,
            script: None,
            origin: Origin::Image,
        }),
        Behaviour::File(_) => Behaviour::File(FileChange {
            operation: Operation::OpenWrite,
            path: String::new(),
            target: None,
        }),
        Behaviour::Egress(_) => Behaviour::Egress(Egress {
            protocol: Protocol::Tcp,
            address: Ipv4Addr::UNSPECIFIED.into(),
            port: 0,
        }),
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
            path, name, script, ..
        }) => match (name, script) {
            (Some(name), _) => format!("{path} ({name})"),
            (None, Some(script)) => format!("{path} {script}"),
            (None, None) => path.clone(),
        },
        Behaviour::File(file) => match &file.target {
            Some(target) => format!("{} {} -> {target}", file.operation.word(), file.path),
            None => format!("{} {}", file.operation.word(), file.path),
        },
        Behaviour::Egress(egress) => peer(egress),
    }
}

fn peer(egress: &Egress) -> String {
    format!(
        "{} {}",
        egress.protocol.word(),
        std::net::SocketAddr::new(egress.address, egress.port)
    )
}

/// How alike two behaviours are; `None` for not at all.
fn likeness(known: &Behaviour, unknown: &Behaviour) -> Option<(usize, usize)> {
    let score = match (known, unknown) {
        (Behaviour::Exec(a), Behaviour::Exec(b)) => (
            usize::from(a.path == b.path) * 2
                + usize::from(a.name.is_some() && a.name == b.name)
                + usize::from(basename(&a.path) == basename(&b.path)),
            shared_folders(&a.path, &b.path),
        ),
        (Behaviour::File(a), Behaviour::File(b)) => (
            shared_folders(&a.path, &b.path) * 2 + usize::from(a.path == b.path) * 2,
            usize::from(a.operation == b.operation),
        ),
        (Behaviour::Egress(a), Behaviour::Egress(b)) => (
            usize::from(a.address == b.address) * 2 + usize::from(a.port == b.port),
            usize::from(a.protocol == b.protocol),
        ),
        _ => return None,
    };
    (score.0 > 0 || matches!(known, Behaviour::Exec(_)) && score.1 > 0).then_some(score)
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
    fn the_nearest_is_what_a_person_would_name() {
        let known = profile(&[
            "exec: {path: /usr/sbin/nginx}",
            "exec: {path: /bin/busybox, name: sleep}",
            "file: {operation: CREATE, path: /data/cache/a}",
            "file: {operation: CREATE, path: /var/log/x}",
            "egress: {protocol: TCP, address: 10.0.0.1, port: 5432}",
            "egress: {protocol: TCP, address: 10.0.0.2, port: 80}",
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
        ] {
            let entry = Entry::parse(entry).unwrap();
            assert_eq!(nearest(&known, &entry).as_deref(), expected, "{entry}");
        }
    }
}
