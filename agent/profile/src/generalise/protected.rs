//! Folders in which every name counts.

use crate::pattern::segments;

/// Folders below the root: what is configured, what is executed, root's own, and the kernel's.
const FOLDERS: &[&str] = &["etc", "bin", "sbin", "usr", "root", "proc", "sys"];

/// Whether a path lies in a folder whose names are never generalised: `/etc`, `/bin`, `/sbin`,
/// `/usr`, `/lib*`, `/root`, `/home/*/.ssh`, `/var/spool/cron`, `/proc` and `/sys`, and each of
/// these itself.
#[must_use]
pub fn protected(path: &str) -> bool {
    let Some(mut parts) = segments(path) else {
        return false;
    };
    let mut next = || parts.next().unwrap_or_default();
    match next() {
        "home" => {
            next();
            next() == ".ssh"
        }
        "var" => next() == "spool" && next() == "cron",
        first => FOLDERS.contains(&first) || first.starts_with("lib"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_the_list_are_protected_and_their_neighbours_are_not() {
        for (path, expected) in [
            ("/etc", true),
            ("/etc/x/1", true),
            ("/etcd/1", false),
            ("/lib64/x", true),
            ("/usr/share/1", true),
            ("/home/ann/.ssh/1", true),
            ("/home/ann/ssh/1", false),
            ("/home/.ssh/1", false),
            ("/var/spool/cron/x", true),
            ("/var/spool/mail/1", false),
            ("/proc/1/mem", true),
            ("/data/etc/1", false),
        ] {
            assert_eq!(protected(path), expected, "{path}");
        }
    }
}
