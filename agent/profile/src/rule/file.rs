//! Rules about files.

use super::{Class, Rule, Severity, common, never};
use crate::behaviour::{FileChange, Operation, Target};
use crate::text::{CUT, DETACHED};

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
/// The extended attribute that gives a file's capabilities to whoever executes it.
const FILE_CAPABILITIES: &str = "security.capability";

pub(super) fn class(file: &FileChange) -> Class {
    // Outside the container's root the same names are as bad.
    let touched = |test: fn(&str) -> bool| {
        paths(file).any(|path| test(path.strip_prefix(DETACHED).unwrap_or(path)))
    };
    if file.operation == Operation::OpenRead {
        return credential(file);
    }
    if touched(guarded) {
        return never(Rule::FileUnknown, Severity::Critical);
    }
    if file.set_id.is_some() || grants_capabilities(file) {
        return Class {
            attack: &["T1548.001"],
            ..never(Rule::FileUnknown, Severity::High)
        };
    }
    if touched(|path| lies_in(path, BINARY_FOLDERS)) {
        return never(Rule::FileBinaryDir, weight(file.operation));
    }
    if paths(file).any(|path| path.starts_with(DETACHED)) {
        return never(Rule::FileUnknown, Severity::High);
    }
    common(Rule::FileUnknown)
}

/// The files that are touched. What a symbolic link says and the name of an attribute are none.
fn paths(file: &FileChange) -> impl Iterator<Item = &str> {
    let target = match file.operation.target() {
        Target::Path => file.target.as_deref(),
        Target::None | Target::Words => None,
    };
    std::iter::once(&*file.path).chain(target)
}

fn grants_capabilities(file: &FileChange) -> bool {
    file.operation == Operation::Setxattr && file.target.as_deref() == Some(FILE_CAPABILITIES)
}

/// Learnable, since that is what credentials are for; but not where it is not known who reads.
fn credential(file: &FileChange) -> Class {
    let known = file
        .by
        .as_deref()
        .is_some_and(|by| !by.starts_with(CUT) && !by.starts_with(DETACHED));
    Class {
        learnable: known && !file.path.starts_with(DETACHED),
        ..common(Rule::FileCredential)
    }
}

/// How bad a change in a folder of programs is: what puts something there, or changes what is
/// there, is worse than what takes it away.
const fn weight(operation: Operation) -> Severity {
    match operation {
        Operation::OpenWrite
        | Operation::Create
        | Operation::Rename
        | Operation::Link
        | Operation::Symlink
        | Operation::Mknod
        | Operation::Truncate
        | Operation::Chmod
        | Operation::Chown
        | Operation::Setxattr => Severity::High,
        Operation::Delete | Operation::Mkdir | Operation::OpenRead => Severity::Medium,
    }
}

/// Whether a path begins as one of these folders. Nearly all do not, as their first letter says:
/// this is asked of every file that is changed.
fn lies_in(path: &str, folders: &[&str]) -> bool {
    let first = path.as_bytes().get(1);
    let may_be = |folder: &&str| folder.as_bytes().get(1) == first;
    let mut alike = folders.iter().copied().filter(may_be);
    alike.any(|folder| path.starts_with(folder))
}

fn guarded(path: &str) -> bool {
    GUARDED_FILES.contains(&path)
        || lies_in(path, GUARDED_FOLDERS)
        || path.ends_with("/.ssh/authorized_keys")
        || path.ends_with("/.ssh/authorized_keys2")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::SetId;

    fn file(operation: Operation, path: &str, target: Option<&str>) -> Class {
        class(&FileChange {
            target: target.map(Into::into),
            ..FileChange::new(operation, path)
        })
    }

    #[test]
    fn dangerous_files_are_never_learned() {
        for path in ["/etc/passwd", "/root/.ssh/authorized_keys", "/etc/cron.d/x"] {
            for operation in [Operation::OpenWrite, Operation::Truncate, Operation::Chmod] {
                assert_eq!(
                    file(operation, path, None),
                    never(Rule::FileUnknown, Severity::Critical),
                    "{path}"
                );
            }
        }
        for operation in [Operation::Rename, Operation::Link] {
            assert!(!file(operation, "/tmp/x", Some("/etc/shadow")).learnable);
        }
        // It names a file, and touches none.
        assert!(file(Operation::Symlink, "/tmp/x", Some("/etc/shadow")).learnable);
        assert_eq!(
            file(Operation::Create, "/usr/bin/x", None).rule,
            Rule::FileBinaryDir
        );
        assert!(file(Operation::Create, "/data/etc/passwd", None).learnable);
        assert!(file(Operation::Create, "/etc/passwd.d/x", None).learnable);
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
    }

    #[test]
    fn what_gives_an_identity_is_never_learned() {
        let chmod = |set_id| {
            class(&FileChange {
                set_id,
                ..FileChange::new(Operation::Chmod, "/data/x")
            })
        };
        assert!(chmod(None).learnable);
        for set_id in SetId::ALL {
            let class = chmod(Some(*set_id));
            assert_eq!((class.severity, class.learnable), (Severity::High, false));
        }
        let capable = file(Operation::Setxattr, "/data/x", Some(FILE_CAPABILITIES));
        assert_eq!(
            (capable.severity, capable.learnable),
            (Severity::High, false)
        );
        assert!(file(Operation::Setxattr, "/data/x", Some("user.x")).learnable);
    }

    #[test]
    fn credentials_are_learned_of_readers_that_are_known() {
        for (by, learnable) in [
            (Some("/bin/login"), true),
            (Some("\u{2026}"), false),
            (Some("detached:/memfd:x"), false),
            (None, false),
        ] {
            let class = class(&FileChange {
                by: by.map(Into::into),
                ..FileChange::new(Operation::OpenRead, "/etc/shadow")
            });
            assert_eq!(
                (class.rule, class.learnable),
                (Rule::FileCredential, learnable)
            );
        }
    }
}
