//! The commands by which a kubelet enters a container: exec probes, and the hooks after its start and
//! before its end.
//!
//! A kubelet enters as a person does by `kubectl exec`: what the API has of the pod alone tells them
//! apart. Compared are the whole arguments of the first program. So whoever runs just that command by
//! hand passes for the probe, and does just what the probe does.

use crate::process::Entered;
use lapwing_abi::record::ARGS_MAX;
use lapwing_profile::text::{CUT, canonical};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the commands of all containers of a pod may take, in bytes. A pod is as long as its author
/// likes.
pub const BYTES_MAX: usize = 32 << 10;

/// Where a program without a path is looked for, as far as the pod says nothing else of it.
const FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Those of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Commands {
    /// Canonical texts, which have no NUL; each is ended by one.
    all: Arc<[Box<str>]>,
    /// The `PATH` that the pod sets, in canonical text.
    folders: Option<Box<str>>,
    left_out: usize,
}

/// The same, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Stored {
    all: Vec<Box<str>>,
    folders: Option<Box<str>>,
    left_out: usize,
}

impl From<Commands> for Stored {
    fn from(commands: Commands) -> Self {
        Self {
            all: commands.all.to_vec(),
            folders: commands.folders,
            left_out: commands.left_out,
        }
    }
}

impl TryFrom<Stored> for Commands {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let texts = stored.all.iter().chain(&stored.folders);
        let bytes: usize = texts.map(|text| text.len()).sum();
        if bytes > BYTES_MAX {
            return Err("commands of more bytes than a pod may have");
        }
        // None without a last argument: nothing would be all of its arguments.
        if !stored.all.iter().all(|command| command.ends_with('\0')) {
            return Err("a command that does not end");
        }
        Ok(Self {
            all: stored.all.into(),
            folders: stored.folders,
            left_out: stored.left_out,
        })
    }
}

impl Commands {
    /// Takes those that can be known again: the kernel side tells so many bytes of a program's
    /// arguments and no more. `room` is what is left for them, in bytes, and is what is left
    /// afterwards.
    #[must_use]
    pub fn new(commands: impl Iterator<Item = Vec<String>>, room: &mut usize) -> Self {
        let mut all: Vec<Box<str>> = Vec::new();
        let mut left_out = 0;
        for command in commands.filter(|command| !command.is_empty()) {
            let bytes: usize = command.iter().map(|arg| arg.len() + 1).sum();
            let is_whole = bytes < ARGS_MAX;
            let text: String = { command.iter().filter(|_| is_whole) }
                .flat_map(|arg| [canonical(arg.as_bytes()), "\0".to_owned()])
                .collect();
            if all.iter().any(|one| **one == *text) {
                continue; // Most have one command for more than one probe.
            }
            match room.checked_sub(text.len()).filter(|_| is_whole) {
                Some(left) => {
                    *room = left;
                    all.push(text.into());
                }
                None => left_out += 1,
            }
        }
        Self {
            all: all.into(),
            folders: None,
            left_out,
        }
    }

    /// With what the pod sets `PATH` to. One that is too long for what is left of `room` has no folders.
    #[must_use]
    pub fn found_in(mut self, path: &str, room: &mut usize) -> Self {
        if self.all.is_empty() {
            return self; // None is looked for.
        }
        let text = (path.len() <= *room).then(|| canonical(path.as_bytes()));
        let text = (text.filter(|text| text.len() <= *room)).unwrap_or_default();
        *room -= text.len();
        self.folders = Some(text.into());
        self
    }

    /// How many are too long to be known again.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether a program that entered so, with these arguments in canonical text, is one of them.
    #[must_use]
    pub fn has(&self, args: &[String], entered: &Entered) -> bool {
        // Whatever stands behind what is cut, or instead of it.
        if args.last().is_some_and(|last| last.ends_with(CUT)) {
            return false;
        }
        self.all.iter().any(|command| match entered {
            Entered::Not => false,
            Entered::Program => command.split_terminator('\0').eq(args),
            Entered::Script(path) => self.is_interpreted(command, args, path),
        })
    }

    /// Whether these are the arguments that the kernel makes of a command that is a script: its
    /// interpreter, at most one argument of that, and the file in place of the name
    /// (`script_load_binary` in `fs/binfmt_script.c`). `script` is the file that was found, without links.
    ///
    /// Who writes a script says what its interpreter's argument is, and who runs it what its own are. So
    /// either could stand where the file of another script is looked for. Where one has a slash, as a file
    /// has, it has to be the file that was found.
    fn is_interpreted(&self, command: &str, args: &[String], script: &str) -> bool {
        let mut words = command.split_terminator('\0');
        let Some(name) = words.next() else {
            return false;
        };
        let (other, file, rest) = match (args.len()).checked_sub(words.clone().count()) {
            Some(2) => (args.get(2), &args[1], &args[2..]),
            Some(3) => (Some(&args[1]), &args[2], &args[3..]),
            _ => return false,
        };
        let is_sure = other.is_none_or(|other| !other.contains('/') || file == script);
        self.is_called(name, file) && is_sure && words.eq(rest)
    }

    /// Whether a file is what is run by a name: that, or what the runtime finds in a folder of `PATH`.
    fn is_called(&self, name: &str, file: &str) -> bool {
        if name.contains('/') {
            return file == name;
        }
        let mut folders = self.folders.as_deref().unwrap_or(FOLDERS).split(':');
        file.rsplit_once('/').is_some_and(|(folder, last)| {
            last == name
                && folders.any(|one| one.starts_with('/') && one.trim_end_matches('/') == folder)
        })
    }
}

/// A text of a probe's command with the variables in it replaced as a kubelet replaces them: `$(NAME)`
/// by the value that the container's specification has for it (a variable that is taken from
/// elsewhere is empty there), `$$` by `$`; what nobody knows stays. It stops where it is longer than
/// what can be known again.
#[must_use]
pub fn expanded<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$')
        && out.len() < ARGS_MAX
    {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('(').and_then(|name| name.split_once(')'));
        match name {
            Some((name, after)) => {
                match value(name) {
                    Some(value) => out.push_str(value),
                    None => out.extend(["$(", name, ")"]),
                }
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn commands(all: &[&[&str]]) -> Commands {
        let all = all.iter().map(|one| one.iter().map(ToString::to_string));
        Commands::new(all.map(Iterator::collect), &mut BYTES_MAX.clone())
    }

    fn script(path: &str) -> Entered {
        Entered::Script(path.to_owned())
    }

    #[test]
    fn a_command_is_known_by_all_of_its_arguments() {
        let shell = ["sh", "-c", "wget -q localhost:80/health || exit 1\n"];
        let all = commands(&[&shell, &["/bin/ready", "", "--fast"], &["pg_isready"]]);
        let has = |args: &[&str]| {
            let args: Vec<String> = args.iter().map(|arg| canonical(arg.as_bytes())).collect();
            all.has(&args, &Entered::Program)
        };
        assert!(has(&shell) && has(&["/bin/ready", "", "--fast"]) && has(&["pg_isready"]));
        for other in [
            &["sh"][..],
            &["sh", "-c"],
            &["sh", "-c", "wget -q localhost:80/health || exit 1"],
            &["sh", "-c", "id"],
            &["/bin/sh", "-c", shell[2]],
            &["sh", "-c", shell[2], "more"],
            &["/bin/ready", "--fast"],
            &["/bin/ready", "", "--fast", ""],
            &["/usr/bin/pg_isready"],
            &["pg_isready", ""],
            &[],
        ] {
            assert!(!has(other), "{other:?}");
        }
        assert!(!Commands::default().has(&words("pg_isready"), &Entered::Program));
    }

    #[test]
    fn a_script_is_known_behind_its_interpreter() {
        let all = commands(&[&["/app/check.sh", "-v"], &["ready"], &["./here.sh"]]);
        for (args, path, expected) in [
            ("/bin/sh /app/check.sh -v", "/app/check.sh", true),
            ("/bin/sh -e /app/check.sh -v", "/app/check.sh", true),
            // A link to the file.
            ("/bin/sh -e /app/check.sh -v", "/srv/check-1.sh", true),
            (
                "/usr/bin/env bash /usr/local/bin/ready",
                "/usr/local/bin/ready",
                true,
            ),
            ("/bin/sh ./here.sh", "/srv/here.sh", true),
            ("/bin/sh /x=/y /usr/bin/ready", "/usr/bin/ready", true),
            ("/bin/sh /app/check.sh", "/app/check.sh", false),
            ("/bin/sh /app/check.sh -v -v", "/app/check.sh", false),
            ("/bin/sh /app/other.sh -v", "/app/other.sh", false),
            ("/bin/sh ready", "/ready", false),
            ("/bin/sh", "/bin/sh", false),
            // Another script, with the name of that one as its argument.
            ("/bin/sh /tmp/x /app/check.sh -v", "/tmp/x", false),
            ("/bin/sh /tmp/x /usr/bin/ready", "/tmp/x", false),
            // Of the same name, elsewhere.
            ("/bin/sh /tmp/ready", "/tmp/ready", false),
            ("/bin/sh -e /usr/bin/../../tmp/ready", "/tmp/ready", false),
            ("/bin/sh /ready", "/ready", false),
        ] {
            assert_eq!(all.has(&words(args), &script(path)), expected, "{args}");
            // A program is run with arguments that look like it.
            assert!(!all.has(&words(args), &Entered::Program), "{args}");
        }
        // How one that ran before the agent entered nobody saw: it may have written its arguments itself.
        for args in ["/bin/sh /app/check.sh -v", "/app/check.sh -v", "ready"] {
            assert!(!all.has(&words(args), &Entered::Not), "{args}");
        }
    }

    #[test]
    fn the_argument_of_an_interpreter_does_not_pass_for_the_script() {
        let all = commands(&[
            &["/app/check.sh", "/app/health"],
            &["/app/check.sh", "8080"],
        ]);
        for (args, path, expected) in [
            ("/bin/sh /app/check.sh /app/health", "/app/check.sh", true),
            (
                "/bin/sh -e /app/check.sh /app/health",
                "/srv/check-1.sh",
                true,
            ),
            // A file of a volume is a link.
            ("/bin/sh /app/check.sh 8080", "/app/..1/check.sh", true),
            // `/app/health`, or a link of that name, begins with `#!/tmp/evil /app/check.sh`.
            ("/tmp/evil /app/check.sh /app/health", "/app/health", false),
            ("/tmp/evil /app/check.sh /app/health", "/tmp/x", false),
        ] {
            assert_eq!(all.has(&words(args), &script(path)), expected, "{args}");
        }
    }

    #[test]
    fn a_bare_name_is_looked_for_where_the_pod_says() {
        let within = |path: &str, room: &mut usize| commands(&[&["ready"]]).found_in(path, room);
        let has = |all: &Commands, file: &str| {
            let args = ["/bin/sh".to_owned(), file.to_owned()];
            all.has(&args, &script(file))
        };
        let mut room = BYTES_MAX;
        let all = within("/opt/bin/::.:bin:/usr/bin", &mut room);
        assert_eq!(room, BYTES_MAX - "/opt/bin/::.:bin:/usr/bin".len());
        assert!(has(&all, "/opt/bin/ready") && has(&all, "/usr/bin/ready"));
        for other in ["/bin/ready", "bin/ready", "./ready", "/ready", "/tmp/ready"] {
            assert!(!has(&all, other), "{other}");
        }
        // It comes from elsewhere, or is too long.
        assert!(!has(&within("", &mut room), "/usr/bin/ready"));
        let long = "/usr/bin:".repeat(BYTES_MAX);
        assert!(!has(&within(&long, &mut room), "/usr/bin/ready"));
        let escaped = format!("/usr/bin:{}", "\n".repeat(room - 9));
        assert!(!has(&within(&escaped, &mut room), "/usr/bin/ready"));
        assert!(has(&commands(&[&["ready"]]), "/usr/bin/ready"));
    }

    #[test]
    fn what_is_too_long_to_be_known_again_is_left_out_and_counted() {
        let fits = "x".repeat(ARGS_MAX - "sh\0-c\0\0".len() - 1);
        let longer = format!("{fits}x");
        let all = commands(&[&["sh", "-c", &fits], &["sh", "-c", &longer], &[]]);
        assert_eq!((all.all.len(), all.left_out()), (1, 1));
        assert!(all.has(&["sh".into(), "-c".into(), fits], &Entered::Program));
        // However many a pod has, and whatever has to be escaped in them.
        let many = (0..10_000).map(|one| vec![format!("{one}{}", "\n".repeat(1_000))]);
        let mut room = BYTES_MAX;
        let all = Commands::new(many, &mut room);
        let kept: usize = all.all.iter().map(|one| one.len()).sum();
        assert_eq!(kept + room, BYTES_MAX);
        assert_eq!(all.all.len() + all.left_out(), 10_000);
        // The interpreter's name is cut off of the end of a script's arguments: a probe may end just there.
        let cut = format!("{}{CUT}", "x".repeat(1_000));
        let all = commands(&[&["/a/check.sh", &cut], &[CUT]]);
        assert_eq!((all.all.len(), all.left_out()), (2, 0));
        let args = ["/bin/sh", "/a/check.sh", &cut].map(str::to_owned);
        assert!(!all.has(&args, &script("/a/check.sh")));
        assert!(!all.has(&[CUT.to_owned()], &Entered::Program));
        let same = commands(&[&["a"], &["a"]]);
        assert_eq!((same.all.len(), same.left_out()), (1, 0));
    }

    #[test]
    fn variables_are_replaced_as_a_kubelet_does() {
        let long = "x".repeat(ARGS_MAX);
        let value = |name: &str| match name {
            "PORT" => Some("80"),
            "SECRET" => Some(""),
            "LONG" => Some(&*long),
            _ => None,
        };
        for (text, expected) in [
            ("a", "a"),
            (":$(PORT)/$(PORT)", ":80/80"),
            ("$$(PORT) $$$(PORT)", "$(PORT) $80"),
            ("$(SECRET)$(NONE)$()", "$(NONE)$()"),
            ("$(PORT", "$(PORT"),
            ("$PORT ${PORT} $", "$PORT ${PORT} $"),
            ("\u{e9}$\u{e9}", "\u{e9}$\u{e9}"),
        ] {
            assert_eq!(expanded(text, value), expected, "{text}");
        }
        let hostile = "$(LONG)".repeat(10_000);
        assert!(expanded(&hostile, value).len() < ARGS_MAX + hostile.len());
    }
}
