//! Hashes that stay the same wherever and whenever the same thing is reported.

use crate::behaviour::{Behaviour, Egress, Peer};
use crate::rule::Rule;
use crate::workload::Workload;
use sha2::{Digest, Sha256};

/// SHA-256 over parts, each led by its length so that no two lists of parts look alike, cut to
/// 128 bits, in hexadecimal.
#[must_use]
pub fn hex(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Names a deviation: the same for every occurrence, on every node, in every instance.
#[must_use]
pub fn of(workload: &Workload, rule: Rule, entry: &crate::entry::Entry) -> String {
    let mut parts: Vec<String> = vec![
        workload.cluster.clone(),
        workload.namespace.clone(),
        workload.kind.clone(),
        workload.name.clone(),
        workload.container.clone(),
        rule.id().to_owned(),
        entry.phase.word().to_owned(),
    ];
    match &entry.behaviour {
        Behaviour::Exec(exec) => {
            parts.extend([
                exec.path.clone(),
                format!("{:?}", exec.name),
                format!("{:?}", exec.script),
                exec.origin.word().to_owned(),
            ]);
            parts.extend(exec.parent.text().map(ToOwned::to_owned));
            parts.extend(exec.sha256.clone());
        }
        Behaviour::File(file) => {
            parts.extend([
                file.operation.word().to_owned(),
                file.path.clone(),
                format!("{:?}", file.target),
            ]);
            parts.extend(file.set_id.map(|set_id| set_id.word().to_owned()));
            parts.extend(file.by.clone());
            // Two more parts than any literal has.
            if file.pattern {
                parts.extend(["pattern".to_owned(), String::new(), String::new()]);
            }
        }
        Behaviour::Egress(Egress {
            protocol,
            peer: Peer::Address(address),
            port,
        }) => parts.extend([protocol.text(), address.to_string(), port.to_string()]),
        // Their line is their key: canonical, and one for each meaning.
        Behaviour::Egress(_)
        | Behaviour::Listen(_)
        | Behaviour::Dns(_)
        | Behaviour::Privilege(_) => parts.extend([entry.kind().to_owned(), entry.fields()]),
    }
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    hex(&parts)
}

/// Names one episode of a deviation in one instance. `start` is in nanoseconds since the Unix
/// epoch.
#[must_use]
pub fn violation(fingerprint: &str, instance: &str, start: i64) -> String {
    hex(&[
        fingerprint.as_bytes(),
        instance.as_bytes(),
        &start.to_le_bytes(),
    ])
}
