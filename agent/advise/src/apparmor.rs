//! The skeleton of an AppArmor profile: what was seen to be executed, changed, talked by and used.
//!
//! It is one to go on from, and says so: reads and mapped libraries are not recorded, so it lets all be
//! read and shared libraries be mapped where systems keep them, and it begins in complain mode, in which
//! the kernel logs what it would refuse.
//!
//! Names come from containers. A rule is written only of a name whose characters all stand for themselves
//! in AppArmor's language, quoted or not; any other is listed in a comment, in which nothing is hidden.

use crate::Advice;
use crate::document::header;
use crate::evidence::{Fact, Facts};
use crate::names::slug;
use lapwing_profile::behaviour::{
    Behaviour, Exec, FileChange, Operation, Origin, Privileged, Protocol, Target,
};
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use std::collections::BTreeSet;

/// Capabilities that AppArmor 3.0 knows: those of Linux 5.9.
const CAPABILITIES: &[&str] = &[
    "audit_control",
    "audit_read",
    "audit_write",
    "block_suspend",
    "bpf",
    "checkpoint_restore",
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "ipc_lock",
    "ipc_owner",
    "kill",
    "lease",
    "linux_immutable",
    "mac_admin",
    "mac_override",
    "mknod",
    "net_admin",
    "net_bind_service",
    "net_broadcast",
    "net_raw",
    "perfmon",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_admin",
    "sys_boot",
    "sys_chroot",
    "sys_module",
    "sys_nice",
    "sys_pacct",
    "sys_ptrace",
    "sys_rawio",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "syslog",
    "wake_alarm",
];

/// What every container may: what was not recorded, and what the default profiles of runtimes refuse.
const USUAL: &str = "  # not recorded: what is read, and which libraries are mapped
  / r,
  /** r,
  /{,usr/}{,local/}lib{,32,64,x32}/** mr,
  /dev/{null,zero,full,tty,ptmx,console} rw,
  /dev/pts/* rw,
  /dev/shm/** rwk,
  /proc/*/{fd/*,oom_score_adj} rw,
  deny /proc/{sysrq-trigger,kcore,kmem,mem} rwklx,
  deny /sys/{firmware,kernel/security}/** rwklx,
";

/// Rules by their places, and what has none.
#[derive(Default)]
struct Rules {
    programs: BTreeSet<String>,
    files: BTreeSet<String>,
    network: BTreeSet<String>,
    capabilities: BTreeSet<String>,
    left: Vec<String>,
}

/// A path as a rule has it; `None` where one of its characters would mean something else.
fn quoted(path: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+=:,%~@ -".contains(c);
    (path.starts_with('/') && path.chars().all(plain)).then(|| format!("\"{path}\""))
}

/// A pattern of Lapwing's, in which what stands in braces becomes a star.
fn starred(path: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('{') {
        let (_, behind) = behind.split_once('}')?;
        out.push_str(before);
        // Two would mean more than one segment.
        if !out.ends_with('*') {
            out.push('*');
        }
        rest = behind;
    }
    out.push_str(rest);
    let without = out.replace('*', "");
    quoted(&without).map(|_| format!("\"{out}\""))
}

impl Rules {
    fn take(&mut self, fact: &Fact) {
        let covered = match &fact.entry.behaviour {
            Behaviour::Exec(exec) => self.program(exec),
            Behaviour::File(change) => self.file(change),
            Behaviour::Egress(egress) => self.talks(egress.protocol),
            Behaviour::Listen(listen) => self.talks(listen.protocol),
            // What is asked goes by UDP, and by TCP where it is long.
            Behaviour::Dns(_) => self.talks(Protocol::Udp).and(self.talks(Protocol::Tcp)),
            Behaviour::Privilege(it) => match it.operation {
                Privileged::Capability => self.capability(&it.detail),
                _ => None,
            },
        };
        if covered.is_none() {
            self.left.push(fact.entry.to_string());
        }
    }

    fn program(&mut self, exec: &Exec) -> Option<()> {
        match exec.origin {
            Origin::Image | Origin::UpperLayer | Origin::Volume => {}
            Origin::Memfd | Origin::Unlinked | Origin::Unknown => return None,
        }
        let path = quoted(&exec.path)?;
        self.programs.insert(format!("{path} mrix,"));
        Some(())
    }

    fn capability(&mut self, detail: &str) -> Option<()> {
        let name = detail.strip_prefix("CAP_")?.to_ascii_lowercase();
        if !CAPABILITIES.contains(&&*name) {
            return None;
        }
        self.capabilities.insert(format!("capability {name},"));
        Some(())
    }

    fn file(&mut self, change: &FileChange) -> Option<()> {
        let rule = |path: &str| match change.pattern {
            true => starred(path),
            false => quoted(path),
        };
        // The rule of a folder ends with a slash.
        let folder = |path: &str| rule(&format!("{}/", path.trim_end_matches('/')));
        let path = rule(&change.path)?;
        let target = match (change.operation.target(), &change.target) {
            (Target::Path, Some(target)) => Some((rule(target)?, folder(target)?)),
            _ => None,
        };
        let allows = match change.operation {
            Operation::OpenRead => "r",
            Operation::OpenWrite | Operation::Create | Operation::Truncate => "rwk",
            Operation::Link => "rl",
            Operation::Delete
            | Operation::Rename
            | Operation::Symlink
            | Operation::Mkdir
            | Operation::Mknod
            | Operation::Chmod
            | Operation::Chown
            | Operation::Setxattr => "rw",
        };
        let of_folders = matches!(
            change.operation,
            Operation::Mkdir
                | Operation::Delete
                | Operation::Rename
                | Operation::Chmod
                | Operation::Chown
                | Operation::Setxattr
        );
        self.files.insert(format!("{path} {allows},"));
        if of_folders {
            self.files
                .insert(format!("{} {allows},", folder(&change.path)?));
        }
        if let Some((target, of_folder)) = target {
            let allows = if change.operation == Operation::Link {
                "rwl"
            } else {
                "rw"
            };
            self.files.insert(format!("{target} {allows},"));
            if of_folders {
                self.files.insert(format!("{of_folder} {allows},"));
            }
        }
        Some(())
    }

    fn talks(&mut self, protocol: Protocol) -> Option<()> {
        let rules: &[&str] = match protocol {
            Protocol::Tcp => &["network inet stream,", "network inet6 stream,"],
            Protocol::Udp => &["network inet dgram,", "network inet6 dgram,"],
            Protocol::Icmp => &["network inet dgram,", "network inet raw,"],
            Protocol::Icmpv6 => &["network inet6 dgram,", "network inet6 raw,"],
            Protocol::Packet => &["network packet,"],
            Protocol::Vsock => &["network vsock,"],
            Protocol::Unix => &[],
            Protocol::Sctp | Protocol::Xdp | Protocol::Other(_) => return None,
        };
        self.network
            .extend(rules.iter().map(|rule| (*rule).to_owned()));
        Some(())
    }
}

/// The profile as text.
#[must_use]
pub fn text(profile: &Profile, advice: &Advice) -> String {
    let mut rules = Rules::default();
    Facts::of(profile)
        .all
        .iter()
        .for_each(|fact| rules.take(fact));
    let workload = &profile.workload;
    let mut name = format!("lapwing-{}", slug(&workload.name, 63));
    if !workload.container.is_empty() {
        name = format!("{name}-{}", slug(&workload.container, 63));
    }
    let mut out = String::new();
    let mut comments = header(advice);
    comments
        .push("a skeleton: reads and libraries were not recorded, and all are allowed".to_owned());
    comments.push(
        "take `complain` out when the kernel's log has no more of what it would refuse".to_owned(),
    );
    comments.extend(
        rules
            .left
            .iter()
            .map(|entry| format!("not covered: {entry}")),
    );
    for line in comments {
        out.push_str(&format!("# {}\n", visible(&line)));
    }
    out.push_str(&format!(
        "profile {name} flags=(attach_disconnected,mediate_deleted,complain) {{\n{USUAL}"
    ));
    let signals = [
        "signal (receive) peer=unconfined,".to_owned(),
        format!("signal (send, receive) peer={name},"),
        format!("ptrace (read, readby) peer={name},"),
        "unix,".to_owned(),
    ];
    if !advice.capabilities.drop_all {
        rules.capabilities = ["capability,".to_owned()].into();
    }
    for (title, lines) in [
        ("programs", rules.programs.into_iter().collect()),
        (
            "changed files, and credentials that were read",
            rules.files.into_iter().collect(),
        ),
        ("sockets", rules.network.into_iter().collect()),
        ("capabilities", rules.capabilities.into_iter().collect()),
        ("the runtime, and one another", Vec::from(signals)),
    ] {
        if !lines.is_empty() {
            out.push_str(&format!("\n  # {title}\n"));
        }
        for line in lines {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_stand_for_themselves_are_rules() {
        for (path, rule) in [
            ("/usr/bin/[", None),
            ("/a\"b", None),
            ("/a\\x0a", None),
            ("/a*", None),
            ("/a{b,c}", None),
            ("/a^", None),
            ("/a#b", None),
            ("relative", None),
            ("/ü", None),
            ("/a b,c", Some("\"/a b,c\"")),
        ] {
            assert_eq!(quoted(path).as_deref(), rule, "{path}");
        }
        for (path, rule) in [
            ("/log/{date}-{digits:4}.txt", Some("\"/log/*-*.txt\"")),
            ("/log/{hex}{digits}/*", Some("\"/log/*/*\"")),
            ("/var/**", Some("\"/var/**\"")),
            ("/a{digits", None),
            ("/{digits}\\x2a", None),
        ] {
            assert_eq!(starred(path).as_deref(), rule, "{path}");
        }
    }
}
