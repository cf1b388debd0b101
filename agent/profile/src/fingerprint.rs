//! Hashes that stay the same wherever and whenever the same thing is reported.

use crate::behaviour::Behaviour;
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
        Behaviour::Exec(exec) => parts.extend([
            exec.path.clone(),
            format!("{:?}", exec.name),
            format!("{:?}", exec.script),
            exec.origin.word().to_owned(),
        ]),
        Behaviour::File(file) => parts.extend([
            file.operation.word().to_owned(),
            file.path.clone(),
            format!("{:?}", file.target),
        ]),
        Behaviour::Egress(egress) => parts.extend([
            egress.protocol.word().to_owned(),
            egress.address.to_string(),
            egress.port.to_string(),
        ]),
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
