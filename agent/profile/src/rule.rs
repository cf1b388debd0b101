//! The one table of rules, and which of them a behaviour falls under.

use crate::behaviour::{Behaviour, Exec, FileChange, Operation, Origin, words};
use crate::text::{CUT, DETACHED, basename};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    ExecDrift = "exec.drift", Critical, ["T1105"], "A program was executed that is not from the image: it was written after the container started.";
    ExecFileless = "exec.fileless", Critical, ["T1620"], "A program was executed that has no file: a memory file, or one already removed.";
    FileUnknown = "file.unknown", Medium, ["T1565.001"], "A file was changed that the profile does not know.";
    FileBinaryDir = "file.binary_dir", High, ["T1554"], "A file was changed in a folder of programs or libraries.";
    EgressUnknown = "egress.unknown", High, ["T1071"], "A peer was contacted that the profile does not know.";
    EgressImds = "egress.imds", High, ["T1552.005"], "The cloud's metadata service was contacted, which hands out credentials.";
    SensorDegraded = "sensor.degraded", High, ["T1562.006"], "The sensor sees, stores or decides less than it should.";
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

/// Files by which one becomes another user or stays for good.
const GUARDED_FILES: &[&str] = &[
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/crontab",
];
/// Folders of such files.
const GUARDED_FOLDERS: &[&str] = &[
    "/etc/sudoers.d/",
    "/etc/ld.so.conf.d/",
    "/etc/pam.d/",
    "/etc/cron.d/",
    "/etc/cron.hourly/",
    "/etc/cron.daily/",
    "/etc/cron.weekly/",
    "/etc/cron.monthly/",
    "/var/spool/cron/",
];
/// Folders of programs and libraries.
const BINARY_FOLDERS: &[&str] = &[
    "/bin/",
    "/sbin/",
    "/lib/",
    "/lib32/",
    "/lib64/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/lib/",
    "/usr/lib32/",
    "/usr/lib64/",
    "/usr/libexec/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
    "/usr/local/lib/",
];
/// Addresses of metadata services: AWS, Azure and Google; AWS over IPv6.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Which rule a behaviour falls under.
#[must_use]
pub fn classify(behaviour: &Behaviour) -> Class {
    match behaviour {
        Behaviour::Exec(exec) => exec_class(exec),
        Behaviour::File(file) => file_class(file),
        Behaviour::Egress(egress) => {
            if METADATA.contains(&egress.address) {
                never(Rule::EgressImds, Severity::High)
            } else {
                common(Rule::EgressUnknown)
            }
        }
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
                // An unknown name stands for every program in the file.
                learnable: exec.name.as_deref() != Some(CUT),
                ..common(Rule::ExecUnknown)
            }
        }
    }
}

fn file_class(file: &FileChange) -> Class {
    let paths = || std::iter::once(&*file.path).chain(file.target.as_deref());
    // Outside the container's root the same names are as bad.
    let touched = |test: fn(&str) -> bool| {
        paths().any(|path| test(path.strip_prefix(DETACHED).unwrap_or(path)))
    };
    if touched(guarded) {
        return never(Rule::FileUnknown, Severity::Critical);
    }
    if touched(|path| BINARY_FOLDERS.iter().any(|folder| path.starts_with(folder))) {
        let severity = match file.operation {
            Operation::OpenWrite | Operation::Create | Operation::Rename => Severity::High,
            Operation::Delete => Severity::Medium,
        };
        return never(Rule::FileBinaryDir, severity);
    }
    if paths().any(|path| path.starts_with(DETACHED)) {
        return never(Rule::FileUnknown, Severity::High);
    }
    common(Rule::FileUnknown)
}

fn guarded(path: &str) -> bool {
    GUARDED_FILES.contains(&path)
        || GUARDED_FOLDERS
            .iter()
            .any(|folder| path.starts_with(folder))
        || path.ends_with("/.ssh/authorized_keys")
        || path.ends_with("/.ssh/authorized_keys2")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::{Egress, Protocol};

    fn file(operation: Operation, path: &str, target: Option<&str>) -> Class {
        classify(&Behaviour::File(FileChange {
            operation,
            path: path.into(),
            target: target.map(Into::into),
        }))
    }

    fn exec(path: &str, name: Option<&str>, origin: Origin) -> Class {
        classify(&Behaviour::Exec(Exec {
            path: path.into(),
            name: name.map(Into::into),
            script: None,
            origin,
        }))
    }

    #[test]
    fn dangerous_files_are_never_learned() {
        for path in ["/etc/passwd", "/root/.ssh/authorized_keys", "/etc/cron.d/x"] {
            let class = file(Operation::OpenWrite, path, None);
            assert_eq!(
                class,
                never(Rule::FileUnknown, Severity::Critical),
                "{path}"
            );
        }
        let swapped = file(Operation::Rename, "/tmp/x", Some("/etc/shadow"));
        assert!(!swapped.learnable);
        assert_eq!(
            file(Operation::Create, "/usr/bin/x", None).rule,
            Rule::FileBinaryDir
        );
        assert!(file(Operation::Create, "/data/etc/passwd", None).learnable);
        assert!(file(Operation::Create, "/etc/passwd.d/x", None).learnable);
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
    fn what_is_outside_the_root_is_never_learned() {
        for (path, rule, severity) in [
            ("detached:/data/x", Rule::FileUnknown, Severity::High),
            (
                "detached:/etc/passwd",
                Rule::FileUnknown,
                Severity::Critical,
            ),
            ("detached:/usr/bin/x", Rule::FileBinaryDir, Severity::High),
        ] {
            assert_eq!(
                file(Operation::OpenWrite, path, None),
                never(rule, severity),
                "{path}"
            );
        }
        let renamed = file(Operation::Rename, "/data/x", Some("detached:/y"));
        assert_eq!(renamed, never(Rule::FileUnknown, Severity::High));
        assert_eq!(
            exec("detached:/memfd:x", None, Origin::Memfd),
            never(Rule::ExecFileless, Severity::Critical)
        );
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
    fn the_metadata_service_is_never_learned() {
        for (address, learnable) in [
            ("169.254.169.254", false),
            ("fd00:ec2::254", false),
            ("10.0.0.1", true),
        ] {
            let class = classify(&Behaviour::Egress(Egress {
                protocol: Protocol::Tcp,
                address: address.parse().unwrap(),
                port: 80,
            }));
            assert_eq!(class.learnable, learnable, "{address}");
        }
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
