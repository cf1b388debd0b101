//! Putting a report together: who, where, what.

use super::sighting::Seen;
use crate::clock::Clock;
use crate::container::Instance;
use crate::process::Images;
use lapwing_abi::ids::{Mount, Phase};
use lapwing_abi::record::Header;
use lapwing_profile::behaviour::{Behaviour, Operation, Origin, Protocol};
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::rule::{Rule, Severity};
use lapwing_profile::workload::Workload;
use lapwing_proto::{timestamp, v1};

/// What a behaviour is, in the API's words; both kinds of reports carry it.
pub enum Detail {
    /// A program.
    Exec(v1::Exec),
    /// A file.
    File(v1::File),
    /// A peer.
    Egress(v1::Egress),
}

impl Detail {
    /// From a sighting.
    #[must_use]
    pub fn of(seen: &Seen) -> Self {
        match &seen.behaviour {
            Behaviour::Exec(exec) => Self::Exec(v1::Exec {
                path: exec.path.clone(),
                name: exec.name.clone().unwrap_or_default(),
                script: exec.script.clone().unwrap_or_default(),
                origin: origin(exec.origin).into(),
            }),
            Behaviour::File(file) => Self::File(v1::File {
                operation: operation(file.operation).into(),
                path: file.path.clone(),
                target: file.target.clone().unwrap_or_default(),
                mount: mount(seen.mount).into(),
                path_from_caller: seen.path_from_caller,
            }),
            Behaviour::Egress(egress) => Self::Egress(v1::Egress {
                protocol: protocol(egress.protocol).into(),
                address: egress.address.to_string(),
                port: u32::from(egress.port),
                domain: String::new(),
                service: String::new(),
            }),
        }
    }
}

impl From<Detail> for v1::violation::Detail {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Exec(exec) => Self::Exec(exec),
            Detail::File(file) => Self::File(file),
            Detail::Egress(egress) => Self::Egress(egress),
        }
    }
}

impl From<Detail> for v1::behaviour::Detail {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Exec(exec) => Self::Exec(exec),
            Detail::File(file) => Self::File(file),
            Detail::Egress(egress) => Self::Egress(egress),
        }
    }
}

const fn origin(origin: Origin) -> v1::exec::Origin {
    match origin {
        Origin::Image => v1::exec::Origin::Image,
        Origin::UpperLayer => v1::exec::Origin::UpperLayer,
        Origin::Volume => v1::exec::Origin::Volume,
        Origin::Memfd => v1::exec::Origin::Memfd,
        Origin::Unlinked => v1::exec::Origin::Unlinked,
        Origin::Unknown => v1::exec::Origin::Unknown,
    }
}

const fn operation(operation: Operation) -> v1::file::Operation {
    match operation {
        Operation::OpenWrite => v1::file::Operation::OpenWrite,
        Operation::Create => v1::file::Operation::Create,
        Operation::Delete => v1::file::Operation::Delete,
        Operation::Rename => v1::file::Operation::Rename,
    }
}

const fn mount(mount: Option<Mount>) -> v1::file::Mount {
    match mount {
        Some(Mount::Image) => v1::file::Mount::Image,
        Some(Mount::Volume) => v1::file::Mount::Volume,
        Some(Mount::Tmpfs) => v1::file::Mount::Tmpfs,
        Some(Mount::ProcSys) => v1::file::Mount::ProcSys,
        Some(Mount::Unknown) | None => v1::file::Mount::Unknown,
    }
}

const fn protocol(protocol: Protocol) -> v1::egress::Protocol {
    match protocol {
        Protocol::Tcp => v1::egress::Protocol::Tcp,
        Protocol::Udp => v1::egress::Protocol::Udp,
        Protocol::Sctp => v1::egress::Protocol::Sctp,
        Protocol::Other => v1::egress::Protocol::Other,
    }
}

/// The mode of a profile.
#[must_use]
pub const fn mode(mode: Mode) -> v1::Mode {
    match mode {
        Mode::Learning => v1::Mode::Learning,
        Mode::Review => v1::Mode::Review,
        Mode::Monitoring => v1::Mode::Monitoring,
    }
}

/// How bad a violation is.
#[must_use]
pub const fn severity(severity: Severity) -> v1::violation::Severity {
    match severity {
        Severity::Low => v1::violation::Severity::Low,
        Severity::Medium => v1::violation::Severity::Medium,
        Severity::High => v1::violation::Severity::High,
        Severity::Critical => v1::violation::Severity::Critical,
    }
}

/// The owner of a profile.
#[must_use]
pub fn workload(workload: &Workload) -> v1::Workload {
    v1::Workload {
        namespace: workload.namespace.clone(),
        kind: workload.kind.clone(),
        name: workload.name.clone(),
        container: workload.container.clone(),
    }
}

/// A profile in short, with the number of containers that run where it is known.
#[must_use]
pub fn summary(profile: &Profile, instances: Option<u32>) -> v1::ProfileSummary {
    let [exec, file, egress] = profile.approved_by_kind().map(|(_, count)| count as u32);
    v1::ProfileSummary {
        name: profile.workload.to_string(),
        workload: Some(workload(&profile.workload)),
        mode: mode(profile.mode()).into(),
        exec,
        file,
        egress,
        pending: profile.pending_len() as u32,
        revision: profile.revision(),
        instances,
        last_learned: profile.last_learned().map(timestamp),
    }
}

/// The container.
#[must_use]
pub fn container(instance: &Instance) -> v1::Container {
    v1::Container {
        id: instance.id.clone(),
        name: instance.details.name.clone(),
        image: instance.details.image.clone(),
        pod: instance.details.pod.clone(),
        cgroup_id: instance.home,
        runtime: instance.runtime.name().to_owned(),
    }
}

/// The process that acts, and what led to it.
#[must_use]
pub fn process(header: &Header, phase: Phase, images: &Images, clock: Clock) -> v1::Process {
    let image = images.get(header.exec);
    v1::Process {
        pid: header.pid,
        container_pid: header.container_pid,
        start_time: Some(timestamp(clock.wall(header.start))),
        exe: image.map(|image| image.exe.clone()).unwrap_or_default(),
        args: image.map(|image| image.args.clone()).unwrap_or_default(),
        cwd: image.map(|image| image.cwd.clone()).unwrap_or_default(),
        uid: header.uid,
        gid: header.gid,
        phase: match phase {
            Phase::Unknown => v1::process::Phase::Unspecified,
            Phase::Runtime => v1::process::Phase::Runtime,
            Phase::Main => v1::process::Phase::Main,
            Phase::Exec => v1::process::Phase::Exec,
        }
        .into(),
        ancestors: images
            .ancestors(header.issuer)
            .map(|image| v1::process::Ancestor {
                pid: image.pid,
                exe: image.exe.clone(),
            })
            .collect(),
    }
}

/// What the rules say of it.
pub fn apply_rule(violation: &mut v1::Violation, rule: Rule, level: Severity, attack: &[&str]) {
    rule.id().clone_into(&mut violation.rule);
    violation.severity = severity(level).into();
    violation.attack = attack.iter().map(|&id| id.to_owned()).collect();
}
