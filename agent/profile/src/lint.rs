//! What a reviewer should look at first: entries that a profile is better without.
//!
//! A profile is only as good as what it refuses. A shell, a package manager or a
//! downloader that is approved is what an intruder needs first, and no violation
//! will ever tell of it; so is a folder of programs that the workload itself may
//! write into. None of this is wrong by itself: an entry may be there for a reason,
//! which is a person's to know.

use crate::behaviour::{Behaviour, Exec, FileChange, Operation, Origin, Parent};
use crate::content;
use crate::entry::{Entry, Phase};
use crate::generalise::breadth;
use crate::profile::{Mode, Profile, Verdict};
use crate::rule;
use crate::text::basename;
use std::collections::BTreeSet;
use std::fmt;

/// What is found wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Nothing is compared yet.
    Learning,
    /// An interpreter of commands that people type.
    Shell,
    /// A program that brings others into the image.
    PackageManager,
    /// A program that carries data in or out.
    Transfer,
    /// A program that makes programs.
    Compiler,
    /// A program that the workload can replace.
    WritableProgram,
    /// A program outside the image that may hold anything.
    UnboundProgram,
    /// A pattern that leaves more open than the form of a name.
    Wildcard,
    /// A range of addresses of which many are somebody else's.
    Range,
    /// What learning takes up in no case, so that a person must have approved it.
    Dangerous,
}

impl Check {
    /// The name in output.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Shell => "shell",
            Self::PackageManager => "package-manager",
            Self::Transfer => "transfer",
            Self::Compiler => "compiler",
            Self::WritableProgram => "writable-program",
            Self::UnboundProgram => "unbound-program",
            Self::Wildcard => "wildcard",
            Self::Range => "range",
            Self::Dangerous => "dangerous",
        }
    }

    /// Why it matters, and what to do.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Learning => {
                "nothing is compared: `lapwing profile promote` makes deviations violations"
            }
            Self::Shell => {
                "a shell runs whatever an intruder types; start programs without one, and leave it out of the image"
            }
            Self::PackageManager => {
                "a package manager brings in what the image leaves out; install while building"
            }
            Self::Transfer => {
                "it carries files in and data out; use the service's own client, or leave it out of the image"
            }
            Self::Compiler => "it makes programs out of text; build in another stage",
            Self::WritableProgram => {
                "the workload may write where it executes: what is put there runs unreported; keep programs in the image"
            }
            Self::UnboundProgram => {
                "it is not of the image, and whatever is put in its place runs unreported; approve of its `sha256`, or keep it in the image"
            }
            Self::Wildcard => {
                "it stands for names of any form; a token like {digits}, or more text beside it, leaves less open"
            }
            Self::Range => {
                "its addresses are approved, whoever has them; a longer prefix, or the peers by name, leave less open"
            }
            Self::Dangerous => "learning never takes it up: somebody approved it",
        }
    }
}

/// Programs by what they are good for, whatever folder they lie in.
const PROGRAMS: &[(Check, &[&str])] = &[
    (
        Check::Shell,
        &[
            "ash", "bash", "csh", "dash", "fish", "hush", "ksh", "lash", "mksh", "rbash", "sh",
            "tcsh", "zsh",
        ],
    ),
    (
        Check::PackageManager,
        &[
            "apk", "apt", "apt-get", "aptitude", "cargo", "composer", "conda", "dnf", "dpkg",
            "gem", "microdnf", "npm", "opkg", "pacman", "pip", "pip3", "pnpm", "rpm", "snap",
            "yarn", "yum", "zypper",
        ],
    ),
    (
        Check::Transfer,
        &[
            "curl", "ftp", "ftpget", "ftpput", "nc", "ncat", "netcat", "rsync", "scp", "sftp",
            "socat", "ssh", "telnet", "tftp", "wget",
        ],
    ),
    (
        Check::Compiler,
        &[
            "as", "c++", "cc", "clang", "cpp", "g++", "gcc", "go", "ld", "make", "rustc", "tcc",
        ],
    ),
];

/// The breadth from which on a pattern has a star, see [`crate::pattern`].
const BROAD: u32 = 5;

/// Bits that a range may leave open, of IPv4 and IPv6: those of one network of hosts.
const OPEN: [u8; 2] = [8, 64];

/// Folders that every process may write in, in most images.
const SHARED: &[&str] = &["/tmp/", "/var/tmp/", "/dev/shm/"];

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The approved entry; none where it is about the profile as a whole.
    pub entry: Option<Entry>,
    /// What is found.
    pub check: Check,
    /// What of it, in a few words; may be empty.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self
            .entry
            .as_ref()
            .map_or_else(|| "the profile".to_owned(), ToString::to_string);
        write!(f, "{}: {entry}: {}", self.check.id(), self.check.doc())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

/// All that is found, in the order of the file.
#[must_use]
pub fn lint(profile: &Profile) -> Vec<Finding> {
    let whole = (profile.mode() != Mode::Monitoring).then(|| Finding {
        entry: None,
        check: Check::Learning,
        detail: format!("it is {}", profile.mode().word()),
    });
    let approved = profile.entries(Verdict::Approved);
    let written: BTreeSet<&str> = approved
        .keys()
        .filter_map(|entry| match &entry.behaviour {
            Behaviour::File(file) => written(file),
            _ => None,
        })
        .filter_map(folder)
        .collect();
    let of_entries = approved.keys().flat_map(|entry| {
        found(profile, entry, &written)
            .into_iter()
            .map(move |(check, detail)| Finding {
                entry: Some(entry.clone()),
                check,
                detail,
            })
    });
    whole.into_iter().chain(of_entries).collect()
}

/// What is found of one entry.
fn found(profile: &Profile, entry: &Entry, written: &BTreeSet<&str>) -> Vec<(Check, String)> {
    let mut all = Vec::new();
    if content::of(entry).is_some() {
        return all; // What speaks against the program stands with who executes it.
    }
    if let Behaviour::Exec(exec) = &entry.behaviour {
        let program = exec.name.as_deref().unwrap_or_else(|| basename(&exec.path));
        if let Some(check) = by_name(program)
            // Of a script it is known what it says.
            && !(check == Check::Shell && exec.script.is_some())
        {
            all.push((check, by_whom(exec, entry.phase)));
        }
        let folder = replaceable(profile, exec, entry.phase, written);
        match folder {
            Some(folder) => all.push((Check::WritableProgram, folder)),
            None if content::is_open(exec.origin) && !profile.is_bound(entry) => {
                all.push((Check::UnboundProgram, String::new()));
            }
            None => {}
        }
    }
    let breadth = breadth(entry);
    match &entry.behaviour {
        Behaviour::Egress(egress) => {
            let range = egress
                .range()
                .filter(|range| range.open() > OPEN[usize::from(range.is_v6())]);
            all.extend(range.map(|_| (Check::Range, format!("breadth {breadth}"))));
        }
        _ if breadth >= BROAD => all.push((Check::Wildcard, format!("breadth {breadth}"))),
        _ => {}
    }
    let class = rule::classify(&entry.behaviour);
    if !class.learnable {
        let detail = format!("else {}, {}", class.rule.id(), class.severity.word());
        all.push((Check::Dangerous, detail));
    }
    all
}

/// For whom such a program is approved, where that is not one of the image's.
fn by_whom(exec: &Exec, phase: Phase) -> String {
    let entered = match phase {
        Phase::Main => None,
        Phase::Exec => Some("for whoever enters the container"),
        Phase::Probe => Some("for the pod's probes and hooks"),
        Phase::Escaped => Some("for whoever leaves the container"),
    };
    let parent = match exec.parent {
        Parent::Any => Some("whoever executes it"),
        Parent::Unknown => Some("it is not known who executed it"),
        Parent::Runtime | Parent::Program(_) => None,
    };
    let words: Vec<&str> = parent.into_iter().chain(entered).collect();
    words.join(", ")
}

/// What a program of this name is good for. Versions are no part of a name: `gcc-12` is `gcc`.
fn by_name(program: &str) -> Option<Check> {
    let plain = program.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    PROGRAMS
        .iter()
        .find(|(_, names)| names.contains(&program) || names.contains(&plain))
        .map(|(check, _)| *check)
}

/// The folder of a program, or of its script, that the workload may write into: others there, or, by
/// a pattern, just this file.
fn replaceable(
    profile: &Profile,
    exec: &Exec,
    phase: Phase,
    written: &BTreeSet<&str>,
) -> Option<String> {
    // Others are never learned.
    if !matches!(
        exec.origin,
        Origin::Image | Origin::Volume | Origin::Unknown
    ) {
        return None;
    }
    let may_be_made = |path: &str| {
        profile.accepts(&Entry {
            behaviour: FileChange::new(Operation::Create, path).into(),
            phase: Phase::Main,
        })
    };
    // What is put in the place of a file that is bound is reported.
    let is_bound = profile.matcher.has_content(exec, phase);
    let path = (!is_bound).then_some(exec.path.as_str());
    [path, exec.script.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(|path| Some((path, folder(path)?)))
        .find(|(path, folder)| {
            written.contains(folder)
                || SHARED.iter().any(|shared| folder.starts_with(shared))
                || may_be_made(path)
        })
        .map(|(_, folder)| folder.to_owned())
}

/// Where a change puts a file's content.
fn written(file: &FileChange) -> Option<&str> {
    match file.operation {
        Operation::OpenWrite | Operation::Create | Operation::Truncate | Operation::Symlink => {
            Some(&file.path)
        }
        Operation::Rename | Operation::Link => file.target.as_deref(),
        Operation::Delete
        | Operation::OpenRead
        | Operation::Mkdir
        | Operation::Mknod
        | Operation::Chmod
        | Operation::Chown
        | Operation::Setxattr => None,
    }
}

/// The folder of a path, with its slash.
fn folder(path: &str) -> Option<&str> {
    path.rfind('/').map(|at| &path[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    fn profile(mode: Mode, lines: &[&str]) -> Profile {
        let mut profile = Profile::new(Workload::default(), mode);
        for line in lines {
            profile.set(&Entry::parse(line).unwrap(), Verdict::Approved, 0);
        }
        profile
    }

    fn checks(profile: &Profile) -> Vec<(Check, String)> {
        let findings = lint(profile).into_iter();
        findings
            .map(|finding| {
                (
                    finding.check,
                    finding
                        .entry
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                )
            })
            .collect()
    }

    #[test]
    fn each_check_finds_its_own_and_nothing_else() {
        for (check, lines, at) in [
            (
                Check::Shell,
                &["exec: {path: /bin/busybox, name: ash}"][..],
                0,
            ),
            (Check::Shell, &["exec: {path: /bin/bash, phase: exec}"], 0),
            (
                Check::PackageManager,
                &["exec: {path: /usr/bin/apt-get}"],
                0,
            ),
            (Check::Transfer, &["exec: {path: /usr/bin/curl}"], 0),
            (Check::Compiler, &["exec: {path: /usr/bin/gcc-12}"], 0),
            (Check::WritableProgram, &["exec: {path: /var/tmp/x/run}"], 0),
            (
                Check::WritableProgram,
                &[
                    "exec: {path: /opt/app/bin/server}",
                    "file: {operation: RENAME, path: /opt/app/new, target: /opt/app/bin/new}",
                ],
                0,
            ),
            (
                Check::WritableProgram,
                &[
                    "exec: {path: /bin/sh, script: /opt/hooks/run}",
                    "file: {operation: CREATE, path: /opt/hooks/x}",
                ],
                0,
            ),
            (
                Check::Wildcard,
                &["file: {operation: CREATE, pattern: \"/srv/*.tmp\"}"],
                0,
            ),
            (
                Check::Range,
                &["egress: {protocol: TCP, cidr: \"10.0.0.0/8\", port: 443}"],
                0,
            ),
            (Check::Dangerous, &["privilege: {operation: BPF}"], 0),
            (
                Check::Dangerous,
                &["file: {operation: CREATE, path: /usr/bin/new}"],
                0,
            ),
        ] {
            let profile = profile(Mode::Monitoring, lines);
            assert_eq!(
                checks(&profile),
                [(check, lines[at].to_owned())],
                "{lines:?}"
            );
        }
    }

    #[test]
    fn who_may_execute_it_is_said_where_it_is_not_one_program() {
        for (rest, expected) in [
            (", parent: /bin/entry", ""),
            ("", "whoever executes it"),
            (", parent: unknown", "it is not known who executed it"),
            (
                ", phase: exec",
                "whoever executes it, for whoever enters the container",
            ),
        ] {
            let line = format!("exec: {{path: /bin/sh{rest}}}");
            let profile = profile(Mode::Monitoring, &[&line]);
            assert_eq!(lint(&profile)[0].detail, expected, "{line}");
        }
        let line = "exec: {path: /srv/x, parent: \"drifted:/tmp/x\"}";
        let found = checks(&profile(Mode::Monitoring, &[line]));
        assert_eq!(found, [(Check::Dangerous, line.to_owned())]);
    }

    #[test]
    fn a_pattern_that_stands_for_a_program_makes_it_writable() {
        let lines = [
            "exec: {path: /srv/app/bin/run}",
            "file: {operation: CREATE, pattern: \"/srv/**\"}",
        ];
        let found = checks(&profile(Mode::Monitoring, &lines));
        let found: Vec<Check> = found.into_iter().map(|(check, _)| check).collect();
        assert_eq!(found, [Check::WritableProgram, Check::Wildcard]);
    }

    #[test]
    fn what_is_fine_is_not_found() {
        let lines = [
            "exec: {path: /usr/sbin/nginx}",
            "exec: {path: /bin/sh, script: /docker-entrypoint.sh}",
            "exec: {path: /usr/bin/assh}",
            "file: {operation: CREATE, path: /var/log/nginx/access.log}",
            "file: {operation: CREATE, pattern: \"/data/temp-{digits}.rdb\"}",
            "egress: {protocol: TCP, domain: api.example.com, port: 443}",
            "egress: {protocol: TCP, cidr: 10.1.2.0/24, port: 443}",
            "egress: {protocol: TCP, cidr: \"fd00:1::/64\", port: 443}",
            "listen: {protocol: TCP, port: 8080}",
        ];
        assert_eq!(checks(&profile(Mode::Monitoring, &lines)), []);
        let learning = profile(Mode::Learning, &lines);
        assert_eq!(checks(&learning), [(Check::Learning, String::new())]);
        let words = lint(&learning)[0].to_string();
        assert!(words.starts_with("learning: the profile: "), "{words}");
        assert!(words.ends_with("(it is Learning)"), "{words}");
    }

    #[test]
    fn only_what_is_approved_counts() {
        let mut profile = profile(Mode::Monitoring, &[]);
        let shell = Entry::parse("exec: {path: /bin/sh}").unwrap();
        profile.set(&shell, Verdict::Pending, 0);
        assert_eq!(checks(&profile), []);
    }
}
