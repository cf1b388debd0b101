//! The one table of rules, and which of them a behaviour falls under.

mod file;
mod network;
mod privilege;
mod severities;

use crate::behaviour::{Behaviour, Exec, Origin, words};
use crate::text::{CUT, DETACHED, basename};
pub use severities::Severities;

words! {
    /// How bad a violation is.
    Severity {
        /// Worth knowing.
        Low = "LOW",
        /// Worth a look.
        Medium = "MEDIUM",
        /// Worth a look now.
        High = "HIGH",
        /// An attack, unless somebody can say why not.
        Critical = "CRITICAL",
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $severity:ident, [$($attack:literal),*], $doc:literal;)+) => {
        /// Why a violation is reported.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule { $(#[doc = $doc] $name,)+ }
        impl Rule {
            /// Every rule, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
            /// The name in output.
            #[must_use]
            pub const fn id(self) -> &'static str { match self { $(Self::$name => $id,)+ } }
            /// How bad it is where nothing more is known.
            #[must_use]
            pub const fn severity(self) -> Severity { match self { $(Self::$name => Severity::$severity,)+ } }
            /// Techniques of MITRE ATT&CK.
            #[must_use]
            pub const fn attack(self) -> &'static [&'static str] { match self { $(Self::$name => &[$($attack),*],)+ } }
            /// One line for people.
            #[must_use]
            pub const fn doc(self) -> &'static str { match self { $(Self::$name => $doc,)+ } }
        }
    };
}

rules! {
    ExecUnknown = "exec.unknown", High, ["T1059"], "A program was executed that the profile does not know.";
    ExecLineage = "exec.lineage", Medium, ["T1059"], "A program that the profile knows was executed by one that it does not know to execute it.";
    ExecDrift = "exec.drift", Critical, ["T1105"], "A program was executed that is not from the image: it was written after the container started, or holds something else than was approved.";
    ExecFileless = "exec.fileless", Critical, ["T1620"], "A program was executed that has no file: a memory file, or one already removed.";
    FileUnknown = "file.unknown", Medium, ["T1565.001"], "A file was changed that the profile does not know.";
    FileBinaryDir = "file.binary_dir", High, ["T1554"], "A file was changed in a folder of programs or libraries.";
    FileCredential = "file.credential", High, ["T1552.001"], "A credential was read by a program that the profile does not know to read it.";
    EgressUnknown = "egress.unknown", High, ["T1071"], "A peer was contacted that the profile does not know.";
    EgressImds = "egress.imds", High, ["T1552.005"], "The cloud's metadata service was contacted, which hands out credentials.";
    EgressRaw = "egress.raw", High, ["T1095", "T1040"], "A socket was made that reads or writes packets as they are, or reaches beside the network.";
    EgressUnix = "egress.unix", Critical, ["T1611", "T1610"], "The socket of a container runtime was contacted, which commands the host.";
    ListenUnknown = "listen.unknown", High, ["T1571"], "Connections are waited for where the profile knows of none.";
    DnsUnknown = "dns.unknown", Medium, ["T1071.004"], "A name was asked for that the profile does not know.";
    PrivilegePtrace = "privilege.ptrace", High, ["T1055.008"], "Another process was commanded, or its memory written.";
    PrivilegeMount = "privilege.mount", High, ["T1611"], "A file system was mounted or unmounted, or a mount changed.";
    PrivilegeModule = "privilege.module", Critical, ["T1547.006"], "A kernel module was loaded.";
    PrivilegeBpf = "privilege.bpf", High, ["T1014"], "bpf(2) was called, which loads programs into the kernel.";
    PrivilegeNamespace = "privilege.namespace", High, ["T1611"], "Namespaces were made or entered.";
    PrivilegeIoUring = "privilege.io_uring", Medium, ["T1562.001"], "An io_uring was made, whose work passes by most sensors and filters of system calls.";
    PrivilegeExecMapping = "privilege.exec_mapping", High, ["T1620", "T1574.006"], "Code was mapped that is not from the image: a file written after the start, or memory.";
    PrivilegeCapability = "privilege.capability", Medium, ["T1548"], "A capability was used for the first time.";
    PrivilegeEscape = "privilege.escape", Critical, ["T1611"], "A process left its container.";
    SensorGap = "sensor.gap", High, ["T1562.006"], "Events of the container were lost: what it did then is not known.";
    SensorDegraded = "sensor.degraded", High, ["T1562.006"], "The sensor sees, stores or decides less than it should.";
}

impl Rule {
    /// Whether a new version of the image is given time for what falls under it, where it may be
    /// learned at all (see [`crate::version`]): what programs do in the course of their work.
    #[must_use]
    pub const fn has_grace(self) -> bool {
        match self {
            Self::ExecUnknown
            | Self::ExecLineage
            | Self::FileUnknown
            | Self::EgressUnknown
            | Self::ListenUnknown
            | Self::DnsUnknown
            | Self::PrivilegeNamespace
            | Self::PrivilegeIoUring
            | Self::PrivilegeCapability => true,
            Self::ExecDrift
            | Self::ExecFileless
            | Self::FileBinaryDir
            | Self::FileCredential
            | Self::EgressImds
            | Self::EgressRaw
            | Self::EgressUnix
            | Self::PrivilegePtrace
            | Self::PrivilegeMount
            | Self::PrivilegeModule
            | Self::PrivilegeBpf
            | Self::PrivilegeExecMapping
            | Self::PrivilegeEscape
            | Self::SensorGap
            | Self::SensorDegraded => false,
        }
    }
}

impl Severity {
    /// One step less; the least stays.
    #[must_use]
    pub const fn lower(self) -> Self {
        match self {
            Self::Low | Self::Medium => Self::Low,
            Self::High => Self::Medium,
            Self::Critical => Self::High,
        }
    }
}

/// What the rules say of a behaviour, whatever the profile knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The rule it falls under if the profile does not know it.
    pub rule: Rule,
    /// How bad that is.
    pub severity: Severity,
    /// Techniques of MITRE ATT&CK.
    pub attack: &'static [&'static str],
    /// Whether learning may take it up without a person's decision.
    pub learnable: bool,
}

/// Which rule a behaviour falls under.
#[must_use]
pub fn classify(behaviour: &Behaviour) -> Class {
    match behaviour {
        Behaviour::Exec(exec) => exec_class(exec),
        Behaviour::File(file) => file::class(file),
        Behaviour::Egress(egress) => network::egress(egress),
        Behaviour::Listen(listen) => network::listen(listen),
        Behaviour::Dns(_) => common(Rule::DnsUnknown),
        Behaviour::Privilege(privilege) => privilege::class(privilege),
    }
}

const fn common(rule: Rule) -> Class {
    Class {
        rule,
        severity: rule.severity(),
        attack: rule.attack(),
        learnable: true,
    }
}

const fn never(rule: Rule, severity: Severity) -> Class {
    Class {
        rule,
        severity,
        attack: rule.attack(),
        learnable: false,
    }
}

/// Interpreters of commands, by the technique of MITRE ATT&CK.
const INTERPRETERS: &[(&[&str], &[&str])] = &[
    (
        &[
            "sh", "ash", "bash", "csh", "dash", "fish", "hush", "ksh", "lash", "mksh", "rbash",
            "tcsh", "zsh",
        ],
        &["T1059.004"],
    ),
    (&["python", "python2", "python3"], &["T1059.006"]),
    (&["node", "nodejs"], &["T1059.007"]),
];

fn exec_class(exec: &Exec) -> Class {
    if exec.sha256.is_some() {
        return Class {
            rule: Rule::ExecDrift,
            severity: Severity::High,
            attack: &["T1105", "T1554"],
            learnable: exec.origin == Origin::Volume,
        };
    }
    if exec.path.starts_with(DETACHED) {
        return never(Rule::ExecFileless, Severity::Critical);
    }
    match exec.origin {
        Origin::UpperLayer => never(Rule::ExecDrift, Severity::Critical),
        Origin::Memfd | Origin::Unlinked => never(Rule::ExecFileless, Severity::Critical),
        Origin::Image | Origin::Volume | Origin::Unknown => {
            let program = exec.name.as_deref().unwrap_or_else(|| basename(&exec.path));
            let attack = INTERPRETERS
                .iter()
                .find(|(names, _)| names.contains(&program))
                .map_or(Rule::ExecUnknown.attack(), |(_, attack)| attack);
            Class {
                attack,
                // An unknown name stands for every program in the file. What a program does that
                // nobody may learn to execute is not learned either.
                learnable: exec.name.as_deref() != Some(CUT) && exec.parent.is_learnable(),
                ..common(Rule::ExecUnknown)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Parent;

    fn exec(path: &str, name: Option<&str>, origin: Origin) -> Class {
        classify(&Behaviour::Exec(Exec {
            path: path.into(),
            name: name.map(Into::into),
            script: None,
            origin,
            parent: Parent::Any,
            sha256: None,
        }))
    }

    #[test]
    fn what_is_not_from_the_image_is_never_learned() {
        for (origin, rule, learnable) in [
            (Origin::Image, Rule::ExecUnknown, true),
            (Origin::Volume, Rule::ExecUnknown, true),
            (Origin::Unknown, Rule::ExecUnknown, true),
            (Origin::UpperLayer, Rule::ExecDrift, false),
            (Origin::Memfd, Rule::ExecFileless, false),
            (Origin::Unlinked, Rule::ExecFileless, false),
        ] {
            let class = exec("/x", None, origin);
            assert_eq!(
                (class.rule, class.learnable),
                (rule, learnable),
                "{origin:?}"
            );
        }
    }

    #[test]
    fn an_unknown_name_is_never_learned() {
        assert!(!exec("/bin/busybox", Some(CUT), Origin::Image).learnable);
        assert!(exec("/bin/worker", Some("job\u{2026}"), Origin::Image).learnable);
    }

    #[test]
    fn shells_have_a_technique_of_their_own() {
        for (path, name, attack) in [
            ("/bin/sh", None, "T1059.004"),
            ("/bin/busybox", Some("ash"), "T1059.004"),
            ("/usr/bin/python3.11", Some("python3"), "T1059.006"),
            ("/usr/bin/curl", None, "T1059"),
        ] {
            assert_eq!(exec(path, name, Origin::Image).attack, [attack], "{path}");
        }
        assert_eq!(exec("/bin/sh", None, Origin::UpperLayer).attack, ["T1105"]);
    }

    #[test]
    fn ids_are_unique_and_documented() {
        let mut ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Rule::ALL.len());
        assert!(
            Rule::ALL
                .iter()
                .all(|rule| rule.doc().ends_with('.') && !rule.attack().is_empty())
        );
    }
}
