//! Putting a report together: who, where, what.

use super::sighting::Aside;
use crate::clock::Clock;
use crate::container::Instance;
use crate::container::pod::{Evidence, Kind};
use crate::process::Images;
use lapwing_abi::ids::Mount;
use lapwing_abi::record::Header;
use lapwing_profile::behaviour::{
    Behaviour, Egress, Operation, Origin, Peer, Privileged, Protocol, Reach, SetId, SocketType,
    privilege,
};
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::rule::{Rule, Severity};
use lapwing_profile::version::Remembered;
use lapwing_profile::workload::Workload;
use lapwing_proto::{timestamp, v1};

macro_rules! details {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// What a behaviour is, in the API's words; both kinds of reports carry it.
        pub enum Detail { $($(#[$meta])* $name(v1::$name),)+ }

        impl From<Detail> for v1::violation::Detail {
            fn from(detail: Detail) -> Self {
                match detail { $(Detail::$name(one) => Self::$name(one),)+ }
            }
        }

        impl From<Detail> for v1::behaviour::Detail {
            fn from(detail: Detail) -> Self {
                match detail { $(Detail::$name(one) => Self::$name(one),)+ }
            }
        }
    };
}

details! {
    /// A program.
    Exec,
    /// A file.
    File,
    /// A peer, or a socket.
    Egress,
    /// A socket that waits.
    Listen,
    /// A name.
    Dns,
    /// A privilege.
    Privilege,
}

impl Detail {
    /// From a sighting.
    #[must_use]
    pub fn of(behaviour: &Behaviour, aside: &Aside) -> Self {
        match behaviour {
            Behaviour::Exec(exec) => Self::Exec(v1::Exec {
                path: exec.path.clone(),
                name: exec.name.clone().unwrap_or_default(),
                script: exec.script.clone().unwrap_or_default(),
                origin: origin(exec.origin).into(),
                parent: exec.parent.text().unwrap_or_default().to_owned(),
                sha256: exec.sha256.clone().unwrap_or_default(),
            }),
            Behaviour::File(file) => Self::File(v1::File {
                operation: operation(file.operation).into(),
                path: file.path.clone(),
                target: file.target.clone().unwrap_or_default(),
                mount: mount(aside.mount).into(),
                path_from_caller: aside.path_from_caller,
                mode: aside
                    .mode
                    .map(|mode| format!("{mode:o}"))
                    .unwrap_or_default(),
                set_id: file.set_id.map_or(v1::file::SetId::None, set_id).into(),
                by: file.by.clone().unwrap_or_default(),
            }),
            Behaviour::Egress(egress) => {
                let mut report = self::egress(egress);
                if let Some(address) = aside.address {
                    report.address = address.to_string();
                }
                Self::Egress(report)
            }
            Behaviour::Listen(listen) => {
                let (address, port) = match (aside.at, &listen.reach) {
                    (Some((address, port)), _) => (address.to_string(), u32::from(port)),
                    (None, Reach::Path(path)) => (path.clone(), 0),
                    (None, Reach::Network | Reach::Loopback) => (String::new(), listen.port),
                };
                Self::Listen(v1::Listen {
                    protocol: protocol(listen.protocol).into(),
                    address,
                    port,
                    number: number(listen.protocol),
                })
            }
            Behaviour::Dns(dns) => Self::Dns(v1::Dns {
                name: dns.name.clone(),
                r#type: dns.record.clone(),
            }),
            Behaviour::Privilege(privilege) => Self::Privilege(v1::Privilege {
                operation: privileged(privilege.operation).into(),
                detail: privilege.detail.clone(),
            }),
        }
    }
}

fn egress(egress: &Egress) -> v1::Egress {
    let mut report = v1::Egress {
        protocol: protocol(egress.protocol).into(),
        number: number(egress.protocol),
        port: egress.port,
        ..v1::Egress::default()
    };
    match &egress.peer {
        Peer::Address(address) => report.address = address.to_string(),
        Peer::Domain(domain) => report.domain.clone_from(domain),
        Peer::Path(path) => report.address.clone_from(path),
        Peer::Cid(cid) => report.address = cid.to_string(),
        Peer::Cidr(range) => report.address = range.to_string(),
        Peer::Socket(kind) => report.socket = socket(*kind).into(),
    }
    report
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
        Operation::OpenRead => v1::file::Operation::OpenRead,
        Operation::Link => v1::file::Operation::Link,
        Operation::Symlink => v1::file::Operation::Symlink,
        Operation::Mkdir => v1::file::Operation::Mkdir,
        Operation::Mknod => v1::file::Operation::Mknod,
        Operation::Truncate => v1::file::Operation::Truncate,
        Operation::Chmod => v1::file::Operation::Chmod,
        Operation::Chown => v1::file::Operation::Chown,
        Operation::Setxattr => v1::file::Operation::Setxattr,
    }
}

const fn set_id(set_id: SetId) -> v1::file::SetId {
    match set_id {
        SetId::User => v1::file::SetId::User,
        SetId::Group => v1::file::SetId::Group,
        SetId::UserAndGroup => v1::file::SetId::UserAndGroup,
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
        Protocol::Icmp => v1::egress::Protocol::Icmp,
        Protocol::Icmpv6 => v1::egress::Protocol::Icmpv6,
        Protocol::Unix => v1::egress::Protocol::Unix,
        Protocol::Packet => v1::egress::Protocol::Packet,
        Protocol::Vsock => v1::egress::Protocol::Vsock,
        Protocol::Xdp => v1::egress::Protocol::Xdp,
        Protocol::Other(_) => v1::egress::Protocol::Other,
    }
}

fn number(protocol: Protocol) -> u32 {
    protocol.number().map_or(0, u32::from)
}

const fn socket(kind: SocketType) -> v1::egress::Socket {
    match kind {
        SocketType::Stream => v1::egress::Socket::Stream,
        SocketType::Dgram => v1::egress::Socket::Dgram,
        SocketType::Raw => v1::egress::Socket::Raw,
        SocketType::Rdm => v1::egress::Socket::Rdm,
        SocketType::Seqpacket => v1::egress::Socket::Seqpacket,
        SocketType::Unknown => v1::egress::Socket::Unknown,
    }
}

const fn privileged(operation: Privileged) -> v1::privilege::Operation {
    use v1::privilege::Operation;
    match operation {
        Privileged::Ptrace => Operation::Ptrace,
        Privileged::ProcessVmWrite => Operation::ProcessVmWrite,
        Privileged::Mount => Operation::Mount,
        Privileged::Umount => Operation::Umount,
        Privileged::PivotRoot => Operation::PivotRoot,
        Privileged::Setns => Operation::Setns,
        Privileged::Unshare => Operation::Unshare,
        Privileged::Module => Operation::Module,
        Privileged::Bpf => Operation::Bpf,
        Privileged::IoUring => Operation::IoUring,
        Privileged::ExecMapping => Operation::ExecMapping,
        Privileged::Capability => Operation::Capability,
        Privileged::ProcMem => Operation::ProcMem,
        Privileged::Escape => Operation::Escape,
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
    let [exec, file, egress, listen, dns, privilege] =
        profile.approved_by_kind().map(|count| count as u32);
    v1::ProfileSummary {
        name: profile.workload.to_string(),
        workload: Some(workload(&profile.workload)),
        mode: mode(profile.mode()).into(),
        exec,
        file,
        egress,
        listen,
        dns,
        privilege,
        pending: profile.pending_len() as u32,
        revision: profile.revision(),
        instances,
        last_learned: profile.last_learned().map(timestamp),
        learning: None,
        versions: profile.versions().iter().map(version).collect(),
        provisional: profile.provisional_len() as u32,
        object: String::new(),
    }
}

fn version(remembered: &Remembered<'_>) -> v1::Version {
    v1::Version {
        repository: remembered.version.repository().to_owned(),
        digest: remembered.version.digest().to_owned(),
        first_seen: Some(timestamp(remembered.sight.first())),
        known: remembered.known,
        grace_until: None,
    }
}

/// How far learning is; `None` while the profile is compared with.
#[must_use]
pub fn learning(profile: &Profile, settings: &Settings) -> Option<v1::Learning> {
    if profile.mode() == Mode::Monitoring {
        return None;
    }
    let progress = profile.progress(settings);
    let seconds = |nanoseconds: i64| nanoseconds.unsigned_abs() / 1_000_000_000;
    let classes = progress.classes.iter().map(|class| v1::Coverage {
        kind: class.kind.word().to_owned(),
        startup: class.startup,
        samples: class.sampled.samples,
        behaviours: class.sampled.distinct,
        incidences: class.sampled.incidences,
        once: class.sampled.once,
        twice: class.sampled.twice,
        coverage: class.sampled.coverage(),
        covered: class.covered,
    });
    Some(v1::Learning {
        complete: progress.is_complete(),
        incomplete: profile.is_incomplete(),
        unmet: progress.unmet.iter().map(ToString::to_string).collect(),
        classes: classes.collect(),
        observed_seconds: seconds(progress.observed),
        quiet_seconds: seconds(progress.quiet),
        instances: progress.instances,
        hours_unseen: (0..24)
            .filter(|hour| progress.hours_unseen & 1 << hour != 0)
            .collect(),
        provisional: progress.provisional as u32,
        note: progress.note().unwrap_or_default(),
    })
}

/// When learning is over.
#[must_use]
pub fn conditions(settings: &Settings) -> v1::LearningConditions {
    let milliseconds = |nanoseconds: i64| nanoseconds.unsigned_abs() / 1_000_000;
    v1::LearningConditions {
        slot_milliseconds: milliseconds(settings.slot),
        coverage: settings.coverage,
        news_per_day: settings.news_per_day,
        quiet_milliseconds: milliseconds(settings.quiet),
        observed_milliseconds: milliseconds(settings.observed),
        instances: settings.instances,
        restarts: settings.restarts,
        whole_day: settings.whole_day,
    }
}

/// The same, as they were told. Of what is no condition of learning, as who promotes, they say nothing.
#[must_use]
pub fn settings(told: &v1::LearningConditions) -> Settings {
    let nanoseconds = |milliseconds: u64| {
        let all = milliseconds.saturating_mul(1_000_000);
        i64::try_from(all).unwrap_or(i64::MAX)
    };
    Settings {
        // Within what a configuration may say: it is reckoned with.
        slot: nanoseconds(told.slot_milliseconds.clamp(1_000, 3_600_000)),
        coverage: told.coverage,
        news_per_day: told.news_per_day,
        quiet: nanoseconds(told.quiet_milliseconds),
        observed: nanoseconds(told.observed_milliseconds),
        instances: told.instances,
        restarts: told.restarts,
        whole_day: told.whole_day,
        ..Settings::default()
    }
}

/// The container.
#[must_use]
pub fn container(instance: &Instance) -> v1::Container {
    let told = instance.details.in_pod.as_deref();
    let owner = told.and_then(|told| told.owner.as_ref());
    let kind = match told.and_then(|told| told.kind) {
        None => v1::container::Kind::Unspecified,
        Some(Kind::Main) => v1::container::Kind::Main,
        Some(Kind::Init) => v1::container::Kind::Init,
        Some(Kind::Sidecar) => v1::container::Kind::Sidecar,
        Some(Kind::Ephemeral) => v1::container::Kind::Ephemeral,
    };
    let evidence = match owner.map(|owner| owner.evidence) {
        None => v1::container::OwnerEvidence::Unspecified,
        Some(Evidence::Verified) => v1::container::OwnerEvidence::Verified,
        Some(Evidence::Unverified) => v1::container::OwnerEvidence::Unverified,
        Some(Evidence::Refuted) => v1::container::OwnerEvidence::Refuted,
        Some(Evidence::Unowned) => v1::container::OwnerEvidence::Unowned,
    };
    v1::Container {
        id: instance.id.clone(),
        name: instance.details.name.clone(),
        image: instance.details.image.clone(),
        pod: instance.details.pod.clone(),
        cgroup_id: instance.home,
        runtime: instance.runtime.name().to_owned(),
        image_digest: instance.details.digest.clone(),
        pod_uid: instance.details.pod_uid.clone(),
        pod_namespace: instance.details.namespace.clone(),
        kind: kind.into(),
        owner_evidence: evidence.into(),
    }
}

/// The process that acts, and what led to it.
#[must_use]
pub fn process(
    header: &Header,
    phase: v1::process::Phase,
    images: &Images,
    clock: Clock,
) -> v1::Process {
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
        effective_uid: header.euid,
        effective_gid: header.egid,
        capabilities: privilege::capabilities(header.capabilities),
        phase: phase.into(),
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
