//! One look at all kinds of items, which every encoder starts from.

use crate::text::basename;
use lapwing_profile::rule::Rule;
use lapwing_proto::nanoseconds;
use lapwing_proto::v1::{
    Behaviour, Container, Degraded, Dns, Egress, Exec, File, Gap, Listen, Mode, Privilege, Process,
    Violation, WatchResponse, Workload, behaviour, egress, violation, watch_response::Item,
};

/// Of gaps of the stream itself; those of a container are violations with this rule.
const GAP_RULE: &str = "sensor.gap";

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// Which kind of item, with what only it has.
#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    Violation(&'a Violation),
    Behaviour(&'a Behaviour),
    Gap,
}

/// What it is about.
#[derive(Clone, Copy)]
pub(crate) enum Detail<'a> {
    Exec(&'a Exec),
    File(&'a File),
    Egress(&'a Egress),
    Listen(&'a Listen),
    Dns(&'a Dns),
    Privilege(&'a Privilege),
    Gap(&'a Gap),
    Degraded(&'a Degraded),
    Nothing,
}

/// An item with a record.
pub(crate) struct Report<'a> {
    pub kind: Kind<'a>,
    /// As [`crate::document_id`]; may be empty.
    pub document_id: String,
    /// Nanoseconds since the Unix epoch: of an update, when it happened last; of a gap, its end.
    pub time: i64,
    pub cluster: &'a str,
    pub node: &'a str,
    /// A rule's name; of a behaviour `behaviour.` and its subject.
    pub rule: String,
    pub level: Level,
    pub mode: Mode,
    pub workload: Option<&'a Workload>,
    pub container: Option<&'a Container>,
    pub process: Option<&'a Process>,
    pub detail: Detail<'a>,
}

impl<'a> Report<'a> {
    /// `None` for heartbeats, and for items without content.
    pub fn of(item: &'a WatchResponse) -> Option<Self> {
        let document_id = crate::document_id(item).unwrap_or_default();
        match item.item.as_ref()? {
            Item::Violation(violation) => Some(Self::of_violation(violation, document_id)),
            Item::Behaviour(behaviour) => Some(Self::of_behaviour(behaviour, document_id)),
            Item::Gap(gap) => Some(Self {
                kind: Kind::Gap,
                document_id,
                time: nanos(gap.to.as_ref().or(gap.from.as_ref())),
                cluster: &gap.cluster,
                node: &gap.node,
                rule: GAP_RULE.to_owned(),
                level: Level::High,
                mode: Mode::Unspecified,
                workload: None,
                container: None,
                process: None,
                detail: Detail::Gap(gap),
            }),
            Item::Heartbeat(_) => None,
        }
    }

    fn of_violation(violation: &'a Violation, document_id: String) -> Self {
        let updated = (violation.revision > 1).then_some(violation.last_seen.as_ref());
        Self {
            kind: Kind::Violation(violation),
            document_id,
            time: nanos(updated.flatten().or(violation.time.as_ref())),
            cluster: &violation.cluster,
            node: &violation.node,
            rule: if violation.rule.is_empty() {
                "unknown".to_owned()
            } else {
                violation.rule.clone()
            },
            level: level(violation.severity()),
            mode: violation.mode(),
            workload: violation.workload.as_ref(),
            container: violation.container.as_ref(),
            process: violation.process.as_ref(),
            detail: of_violation(violation.detail.as_ref()),
        }
    }

    fn of_behaviour(behaviour: &'a Behaviour, document_id: String) -> Self {
        let detail = of_behaviour(behaviour.detail.as_ref());
        Self {
            kind: Kind::Behaviour(behaviour),
            document_id,
            time: nanos(behaviour.time.as_ref()),
            cluster: &behaviour.cluster,
            node: &behaviour.node,
            rule: format!("behaviour.{}", detail.subject()),
            level: Level::Informational,
            mode: behaviour.mode(),
            workload: behaviour.workload.as_ref(),
            container: behaviour.container.as_ref(),
            process: behaviour.process.as_ref(),
            detail,
        }
    }

    /// What the rule says, for people; the same for all that it reports.
    pub fn title(&self) -> String {
        if let Kind::Behaviour(_) = self.kind {
            return format!("A container did something new: {}.", self.detail.subject());
        }
        if let Kind::Gap = self.kind {
            return "Events or reports were lost: what happened then is not known.".to_owned();
        }
        Rule::ALL
            .iter()
            .find(|rule| rule.id() == self.rule)
            .map_or_else(|| self.rule.clone(), |rule| rule.doc().to_owned())
    }

    /// This one in a line: what, by whom, where. Not yet cleaned.
    pub fn summary(&self) -> String {
        let mut line = format!("{}: {}", self.rule, self.detail.line());
        if let Some(process) = self.process {
            let program = match self.detail {
                // The program is the subject.
                Detail::Exec(exec) => exec.parent.as_str(),
                _ => process.exe.as_str(),
            };
            if !program.is_empty() {
                line.push_str(" by ");
                line.push_str(program);
            }
        }
        let place = self.place();
        if !place.is_empty() {
            line.push_str(" in ");
            line.push_str(&place);
        }
        line
    }

    /// The workload as `namespace/kind/name/container`, without what is empty.
    pub fn place(&self) -> String {
        let Some(workload) = self.workload else {
            return String::new();
        };
        [
            &workload.namespace,
            &workload.kind,
            &workload.name,
            &workload.container,
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("/")
    }

    /// The violation, where it is one.
    pub fn violation(&self) -> Option<&'a Violation> {
        match self.kind {
            Kind::Violation(violation) => Some(violation),
            Kind::Behaviour(_) | Kind::Gap => None,
        }
    }

    /// Techniques of MITRE ATT&CK.
    pub fn attack(&self) -> &'a [String] {
        self.violation()
            .map_or(&[], |violation| violation.attack.as_slice())
    }
}

impl Detail<'_> {
    /// What it is about, in a word.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::File(_) => "file",
            Self::Egress(_) => "egress",
            Self::Listen(_) => "listen",
            Self::Dns(_) => "dns",
            Self::Privilege(_) => "privilege",
            Self::Gap(_) => "gap",
            Self::Degraded(_) => "degraded",
            Self::Nothing => "unknown",
        }
    }

    fn line(self) -> String {
        match self {
            Self::Exec(exec) => {
                let mut line = exec.path.clone();
                if !exec.name.is_empty() {
                    line.push_str(&format!(" ({})", exec.name));
                }
                if !exec.script.is_empty() {
                    line.push_str(&format!(" script {}", exec.script));
                }
                if !exec.sha256.is_empty() {
                    line.push_str(&format!(" sha256 {}", exec.sha256));
                }
                line
            }
            Self::File(file) => {
                let target = if file.target.is_empty() {
                    String::new()
                } else {
                    format!(" -> {}", file.target)
                };
                format!("{} {}{target}", operation(file), file.path)
            }
            Self::Egress(egress) => {
                let end = end(&egress.address, egress.port);
                let name = if egress.domain.is_empty() {
                    &egress.service
                } else {
                    &egress.domain
                };
                let name = if name.is_empty() {
                    String::new()
                } else {
                    format!(" ({name})")
                };
                format!(
                    "{} {end}{name}",
                    transport(egress.protocol(), egress.number)
                )
            }
            Self::Listen(listen) => format!(
                "{} {}",
                transport(listen.protocol(), listen.number),
                end(&listen.address, listen.port)
            ),
            Self::Dns(dns) => format!("{} {}", dns.r#type, dns.name),
            Self::Privilege(privilege) => format!(
                "{} {}",
                word(privilege.operation().as_str_name()),
                privilege.detail
            )
            .trim_end()
            .to_owned(),
            Self::Gap(gap) => {
                let count = if gap.count == 0 {
                    "an unknown number".to_owned()
                } else {
                    gap.count.to_string()
                };
                format!("{count} lost of {} ({})", gap.scope, gap.reason)
            }
            Self::Degraded(degraded) => format!("{} {}", degraded.reason, degraded.detail),
            Self::Nothing => String::new(),
        }
    }
}

/// The name of an operation on a file, in small letters.
pub(crate) fn operation(file: &File) -> String {
    word(file.operation().as_str_name())
}

/// A word of the API as receivers spell such words.
pub(crate) fn word(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Address and port, as people write them.
pub(crate) fn end(address: &str, port: u32) -> String {
    match (address.is_empty(), port) {
        (_, 0) => address.to_owned(),
        (true, _) => format!(":{port}"),
        (false, _) if address.contains(':') => format!("[{address}]:{port}"),
        (false, _) => format!("{address}:{port}"),
    }
}

/// The protocol in small letters; `ip-NUMBER` where there is no word for it.
pub(crate) fn transport(protocol: egress::Protocol, number: u32) -> String {
    match protocol {
        egress::Protocol::Other => format!("ip-{number}"),
        egress::Protocol::Unspecified => "unknown".to_owned(),
        known => word(known.as_str_name()),
    }
}

/// The protocol's number at IANA, where it has one.
pub(crate) fn protocol_number(protocol: egress::Protocol, number: u32) -> Option<u32> {
    match protocol {
        egress::Protocol::Icmp => Some(1),
        egress::Protocol::Tcp => Some(6),
        egress::Protocol::Udp => Some(17),
        egress::Protocol::Icmpv6 => Some(58),
        egress::Protocol::Sctp => Some(132),
        egress::Protocol::Other => Some(number),
        egress::Protocol::Unspecified
        | egress::Protocol::Unix
        | egress::Protocol::Packet
        | egress::Protocol::Vsock
        | egress::Protocol::Xdp => None,
    }
}

/// What a process is called: the invoked name, else the last part of its path.
pub(crate) fn process_name<'p>(process: &'p Process, detail: Detail<'p>) -> &'p str {
    match detail {
        Detail::Exec(exec) if !exec.name.is_empty() => &exec.name,
        _ => basename(&process.exe),
    }
}

/// The digest of the container's image, `sha256:` and digits: of the image's own field, else of
/// its name.
pub(crate) fn image_digest(container: &Container) -> &str {
    if !container.image_digest.is_empty() {
        return &container.image_digest;
    }
    container
        .image
        .split_once('@')
        .map_or("", |(_, digest)| digest)
}

/// An image's name without digest, and its tag.
pub(crate) fn image_name(container: &Container) -> (&str, Option<&str>) {
    let name = container
        .image
        .split_once('@')
        .map_or(container.image.as_str(), |(name, _)| name);
    // A colon before the last slash is of a port.
    match name.rsplit_once(':') {
        Some((base, tag)) if !tag.contains('/') && !base.is_empty() => (base, Some(tag)),
        _ => (name, None),
    }
}

fn nanos(time: Option<&lapwing_proto::Timestamp>) -> i64 {
    time.map_or(0, nanoseconds)
}

const fn level(severity: violation::Severity) -> Level {
    match severity {
        // What an older program has no word for is not taken lightly.
        violation::Severity::Unspecified | violation::Severity::High => Level::High,
        violation::Severity::Low => Level::Low,
        violation::Severity::Medium => Level::Medium,
        violation::Severity::Critical => Level::Critical,
    }
}

const fn of_violation(detail: Option<&violation::Detail>) -> Detail<'_> {
    match detail {
        Some(violation::Detail::Exec(one)) => Detail::Exec(one),
        Some(violation::Detail::File(one)) => Detail::File(one),
        Some(violation::Detail::Egress(one)) => Detail::Egress(one),
        Some(violation::Detail::Listen(one)) => Detail::Listen(one),
        Some(violation::Detail::Dns(one)) => Detail::Dns(one),
        Some(violation::Detail::Privilege(one)) => Detail::Privilege(one),
        Some(violation::Detail::Gap(one)) => Detail::Gap(one),
        Some(violation::Detail::Degraded(one)) => Detail::Degraded(one),
        None => Detail::Nothing,
    }
}

const fn of_behaviour(detail: Option<&behaviour::Detail>) -> Detail<'_> {
    match detail {
        Some(behaviour::Detail::Exec(one)) => Detail::Exec(one),
        Some(behaviour::Detail::File(one)) => Detail::File(one),
        Some(behaviour::Detail::Egress(one)) => Detail::Egress(one),
        Some(behaviour::Detail::Listen(one)) => Detail::Listen(one),
        Some(behaviour::Detail::Dns(one)) => Detail::Dns(one),
        Some(behaviour::Detail::Privilege(one)) => Detail::Privilege(one),
        None => Detail::Nothing,
    }
}
