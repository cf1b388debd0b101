//! The invoked name of a program: which of several programs in one file runs.
//!
//! BusyBox, toybox and the single-binary coreutils look at their first argument.
//! Their applets are symbolic links to one file, or hard links to it, in which
//! case the path says `/bin/sleep` and the file is BusyBox all the same; or the
//! file lies under a name of its own. So no list of paths tells which files are
//! many programs, and the rule holds for every file:
//!
//! - The name is the last part of the first argument, without the dash of a login
//!   shell. Where it equals the last part of the path it tells nothing new and is
//!   left out: a hard-linked `/bin/sleep` that runs as `sleep`, `/bin/bash` as
//!   `-bash`.
//! - Where it is the name of a launcher (anything that starts with `busybox`, as
//!   BusyBox itself decides, or one of [`LAUNCHERS`]), the name is the next
//!   argument that is no launcher's: `busybox sh`, `busybox busybox sh`, and
//!   `exec -a busybox /opt/tool sh` are each `sh`.
//! - It is a word of at most [`NAME_MAX`] letters, digits and `._+-[]`, which all
//!   applets have. What is longer or has other characters selects no applet by its
//!   whole text; it is cut there and ends in [`CUT`], which no word does. So a
//!   process title, such as `worker: job 17` or `nginx: master`, is one name
//!   (`worker…`), however its tail varies, and equals no word.
//! - An empty, unreadable or cut argument is the name [`CUT`] alone: not known.
//!   Learning never approves of it, since the end of a long argument decides
//!   (`////sleep/sh`).
//!
//! So `exec -a sh /bin/sleep`, a link named `sh`, `busybox sh` and a BusyBox under
//! any other name differ from `sleep`. The first argument is the caller's to
//! choose; that makes the name a part of the behaviour, never a proof. It is not
//! hidden from by choosing another: the program obeys the same argument.

use crate::text::{CUT, basename};

/// Files that are many programs and take the name from the argument behind their own.
const LAUNCHERS: &[&str] = &[
    "toybox",
    "coreutils",
    "uutils",
    "box",
    "sbase-box",
    "ubase-box",
    "9base",
    "beastbox",
    "dropbearmulti",
];
/// How GNU coreutils in one file are told their name.
const COREUTILS: [&str; 2] = ["--coreutils-prog-shebang=", "--coreutils-prog="];
/// Longest word, in bytes.
pub const NAME_MAX: usize = 64;

fn is_launcher(name: &str) -> bool {
    name.starts_with("busybox") || LAUNCHERS.contains(&name)
}

/// The invoked name, where the path does not tell it. Path and arguments are canonical text.
#[must_use]
pub fn invoked_name(path: &str, args: &[String]) -> Option<String> {
    let first = args.first().map_or("", String::as_str);
    let first = basename(first.strip_prefix('-').unwrap_or(first));
    let called = if is_launcher(first) {
        args.iter()
            .skip(1)
            .map(|arg| {
                let named = COREUTILS.iter().find_map(|lead| arg.strip_prefix(lead));
                basename(named.unwrap_or(arg))
            })
            // The launcher alone only tells what it can do.
            .find(|name| !is_launcher(name))?
    } else {
        first
    };
    if called.ends_with(CUT) {
        return Some(CUT.to_owned());
    }
    (called != basename(path)).then(|| word(called))
}

/// The longest word that a name starts with, marked where that is not all of it.
fn word(name: &str) -> String {
    let end = name
        .bytes()
        .take(NAME_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"._+-[]".contains(byte))
        .count();
    // All bytes before `end` are ASCII.
    let word = &name[..end];
    if word.len() == name.len() && !word.is_empty() {
        word.to_owned()
    } else {
        format!("{word}{CUT}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{canonical, is_canonical};
    use proptest::prelude::*;

    fn name(path: &str, args: &[&str]) -> Option<String> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        invoked_name(path, &args)
    }

    #[test]
    fn every_way_to_a_shell_is_told_from_sleep() {
        assert_eq!(name("/bin/sleep", &["sleep", "1"]), None, "a hard link");
        assert_eq!(
            name("/bin/busybox", &["sleep", "1"]).as_deref(),
            Some("sleep")
        );
        for (path, args) in [
            ("/bin/busybox", &["sh", "-c", "id"][..]),
            ("/bin/busybox", &["/bin/sh", "-c", "id"]),
            ("/bin/busybox", &["-sh"]),
            ("/bin/busybox", &["busybox", "sh"]),
            ("/bin/busybox", &["/bin/busybox", "/bin/sh"]),
            ("/bin/busybox", &["busybox", "busybox", "sh"]),
            ("/bin/sleep", &["sh", "-c", "id"]),
            ("/bin/sleep", &["busybox", "sh"]),
            ("/bin/sleep", &["-busybox-1.36", "sh"]),
            ("/opt/tool", &["sh"]),
            ("/opt/tool", &["busybox", "sh"]),
            ("/opt/tool", &["toybox", "sh"]),
            ("/usr/bin/coreutils", &["coreutils", "--coreutils-prog=sh"]),
        ] {
            assert_eq!(name(path, args).as_deref(), Some("sh"), "{path} {args:?}");
        }
    }

    #[test]
    fn what_tells_nothing_new_is_left_out() {
        for (path, args) in [
            ("/bin/bash", &["-bash"][..]),
            ("/usr/sbin/nginx", &["nginx", "-g", "daemon off;"]),
            ("/usr/sbin/nginx", &["/usr/sbin/nginx"]),
            ("/bin/busybox", &["busybox"]),
            ("/bin/sleep", &["busybox", "sleep"]),
        ] {
            assert_eq!(name(path, args), None, "{path} {args:?}");
        }
    }

    #[test]
    fn titles_are_one_name_and_no_word() {
        for (first, expected) in [
            ("postgres: writer", "postgres:"),
            ("nginx: master process", "nginx:"),
            ("worker 17", "worker"),
            ("worker 18", "worker"),
            ("sh\\x00", "sh"),
        ] {
            let expected = format!("{}{CUT}", expected.trim_end_matches(':'));
            assert_eq!(name("/bin/x", &[first]).as_deref(), Some(&*expected));
        }
        for args in [
            &[][..],
            &[""],
            &["", "sh"],
            &["sh/"],
            &[CUT],
            &["busybox", ""],
        ] {
            assert_eq!(name("/bin/busybox", args).as_deref(), Some(CUT), "{args:?}");
        }
        assert_eq!(
            name("/bin/x", &[&"a".repeat(5000)]),
            Some(format!("{}{CUT}", "a".repeat(NAME_MAX)))
        );
    }

    proptest! {
        #[test]
        fn names_are_bounded_and_canonical(
            path in prop::collection::vec(any::<u8>(), 0..40),
            args in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..4),
        ) {
            let args: Vec<String> = args.iter().map(|arg| canonical(arg)).collect();
            if let Some(name) = invoked_name(&canonical(&path), &args) {
                prop_assert!(is_canonical(&name) && !name.is_empty());
                prop_assert!(name.len() <= NAME_MAX + CUT.len());
            }
        }

        /// Two applets never share a name, whatever the file is called.
        #[test]
        fn applets_are_told_apart(
            path in "/[a-z]{1,8}", a in "[a-z0-9._\\[-]{1,20}", b in "[a-z0-9._\\[-]{1,20}",
            launched: bool,
        ) {
            prop_assume!(a != b && !is_launcher(&a) && !is_launcher(&b));
            let run = |applet: &str| if launched {
                name(&path, &["busybox", applet])
            } else {
                name(&path, &[&format!("/bin/{applet}")])
            };
            prop_assert_ne!(run(&a), run(&b));
        }
    }
}
