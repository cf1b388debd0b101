//! The build that has what was used alone.
//!
//! Folders and links are made by a stage of BusyBox, which every stage of copies begins with: `COPY` puts files
//! into folders that are there and leaves these as they are. Names are quoted for a shell by quotes alone, for
//! [`is_plain`](super::copy::is_plain) lets nothing through that means anything in them.

use super::copy::{Copy, InFolder, Link, Made};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Instructions of one stage that make a layer: overlayfs stacks 128 at most in some builders and runtimes.
const STAGE_MAX: usize = 100;
/// Bytes of one line: builders refuse those from 65,535.
const LINE_MAX: usize = 16 << 10;
/// Bytes of what one `RUN` gives to its shell: Linux takes no argument from 131,072 (`MAX_ARG_STRLEN`).
const RUN_MAX: usize = 64 << 10;
/// Between two commands of a `RUN`.
const NEXT: &str = " && \\\n    ";

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// A folder as one that is copied, or copied into.
fn below(folder: &str) -> String {
    match folder {
        "/" => "/".to_owned(),
        folder => format!("{folder}/"),
    }
}

/// Lines of a head, as many words as have room, and a tail. A word is a path or two, so that one always has.
fn lines(
    (head, between, tail): (&str, &str, &str),
    words: impl Iterator<Item = String>,
    mut each: impl FnMut(&str),
) {
    let most = LINE_MAX - NEXT.len() - tail.len();
    let mut line = String::new();
    for word in words {
        if !line.is_empty() && line.len() + between.len() + word.len() > most {
            line.push_str(tail);
            each(&line);
            line.clear();
        }
        line.push_str(if line.is_empty() { head } else { between });
        line.push_str(&word);
    }
    if !line.is_empty() {
        line.push_str(tail);
        each(&line);
    }
}

/// Stages that are written one after another, each of so many instructions at most.
struct Stages<'o> {
    out: &'o mut String,
    /// What they are called, but for a number.
    stem: &'static str,
    /// How many there are.
    count: usize,
    /// Instructions of the last.
    instructions: usize,
}

impl<'o> Stages<'o> {
    fn of(out: &'o mut String, stem: &'static str) -> Self {
        Self {
            out,
            stem,
            count: 0,
            instructions: STAGE_MAX,
        }
    }

    fn name(&self, number: usize) -> String {
        format!("{}{number}", self.stem)
    }

    /// Makes room for one more instruction. `first` are those of a new stage, by its number.
    fn make_room(&mut self, base: &str, first: impl FnOnce(usize) -> Vec<String>) {
        if self.instructions == STAGE_MAX {
            self.count += 1;
            let end = if self.count > 1 { "\n" } else { "" };
            let first = first(self.count);
            // Writing to a String cannot fail.
            let _ = write!(self.out, "{end}FROM {base} AS {}", self.name(self.count));
            for line in &first {
                let _ = write!(self.out, "\n{line}");
            }
            self.out.push('\n');
            self.instructions = first.len();
        }
        self.instructions += 1;
    }
}

impl Copy {
    /// The build that has these alone, of an image by its name; it can be given another by the argument
    /// `IMAGE`, and where the stage of BusyBox comes from by `BUSYBOX`. `notes` are lines of text, which come
    /// as comments.
    #[must_use]
    pub fn dockerfile(&self, image: &str, notes: &[String]) -> String {
        let mut out = String::new();
        for warning in &self.warnings {
            let _ = writeln!(out, "# WARNING: {warning}");
        }
        for note in notes {
            let _ = writeln!(out, "# {note}");
        }
        let _ = writeln!(out, "ARG IMAGE={image}\nARG BUSYBOX=busybox");
        let _ = writeln!(out, "FROM ${{IMAGE}} AS full\n");
        let made = self.make(&mut out);
        let made = made.map(|made| format!("COPY --from={made} /out/ /"));
        let mut used = self.copy(&mut out, made.as_ref());
        // A stage of stages, as often as it takes.
        let mut joined = Stages::of(&mut out, "joined");
        while used.len() > STAGE_MAX {
            let mut above = Vec::new();
            for used in used.chunks(STAGE_MAX) {
                joined.instructions = STAGE_MAX;
                for used in used {
                    joined.make_room("scratch", |_| Vec::new());
                    let _ = writeln!(joined.out, "COPY --from={used} / /");
                }
                above.push(joined.name(joined.count));
            }
            used = above;
        }
        if joined.count > 0 {
            out.push('\n');
        }
        out.push_str("FROM scratch\n");
        for used in &used {
            let _ = writeln!(out, "COPY --from={used} / /");
        }
        if let Some(made) = made.filter(|_| used.is_empty()) {
            let _ = writeln!(out, "{made}");
        }
        for setting in &self.settings {
            let _ = writeln!(out, "{setting}");
        }
        for path in &self.unnamed {
            let _ = writeln!(out, "# copy by hand, its name has a meaning here: {path}");
        }
        if let Some(beyond) = self.said_beyond() {
            let _ = writeln!(out, "# THIS IS NOT ALL: {beyond}");
        }
        out
    }

    /// What found no room, in words.
    pub(crate) fn said_beyond(&self) -> Option<String> {
        (self.beyond > 0).then(|| {
            format!(
                "{} folders, files and links of what was used are not copied, for names of 16 MiB are kept",
                self.beyond
            )
        })
    }

    /// Writes the stages that copy; answers what they are called.
    fn copy(&self, out: &mut String, made: Option<&String>) -> Vec<String> {
        let mut stages = Stages::of(out, "used");
        let mut each = |copy: &str| {
            stages.make_room("scratch", |_| made.cloned().into_iter().collect());
            let _ = writeln!(stages.out, "{copy}");
        };
        for folder in &self.folders {
            let folder = quoted(&below(folder));
            each(&format!("COPY --from=full [{folder}, {folder}]"));
        }
        for InFolder { folder, names } in &self.files {
            let folder = below(folder);
            let words = names.iter().map(|name| quoted(&format!("{folder}{name}")));
            let tail = format!(", {}]", quoted(&folder));
            lines(("COPY --from=full [", ", ", &tail), words, &mut each);
        }
        let names = (1..=stages.count).map(|number| stages.name(number));
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            out.push('\n');
        }
        names
    }

    /// Writes the stages that make folders and links below `/out`, each of which begins with what the one before
    /// it made; answers what the last is called, if there is any.
    fn make(&self, out: &mut String) -> Option<String> {
        let mut stages = Stages::of(out, "made");
        let mut run = 0;
        self.commands(&mut |command| {
            if run > 0 && run + NEXT.len() + command.len() <= RUN_MAX {
                run += NEXT.len() + command.len();
                let _ = write!(stages.out, "{NEXT}{command}");
                return;
            }
            if run > 0 {
                stages.out.push('\n');
            }
            run = command.len();
            stages.make_room("${BUSYBOX}", |number| {
                let before = match number {
                    1 => "RUN mkdir /out".to_owned(),
                    _ => format!("COPY --from=made{} /out/ /out/", number - 1),
                };
                vec!["USER 0".to_owned(), before]
            });
            let _ = write!(stages.out, "RUN {command}");
        });
        let last = (stages.count > 0).then(|| stages.name(stages.count));
        if last.is_some() {
            out.push_str("\n\n");
        }
        last
    }

    /// What makes folders and links, line by line.
    fn commands(&self, each: &mut dyn FnMut(&str)) {
        let out = |made: &Made| quoted(&format!("/out{}", made.path));
        let mut owners: BTreeMap<(u32, u32), Vec<&Made>> = BTreeMap::new();
        let mut modes: BTreeMap<u32, Vec<&Made>> = BTreeMap::new();
        for made in &self.made {
            if (made.user, made.group) != (0, 0) {
                let owner = (made.user, made.group);
                owners.entry(owner).or_default().push(made);
            }
            if made.mode != 0o755 {
                modes.entry(made.mode).or_default().push(made);
            }
        }
        lines(("mkdir ", " ", ""), self.made.iter().map(out), &mut *each);
        for ((user, group), made) in owners {
            let head = format!("chown {user}:{group} ");
            lines((&head, " ", ""), made.into_iter().map(out), &mut *each);
        }
        for (mode, made) in modes {
            let head = format!("chmod {mode:04o} ");
            lines((&head, " ", ""), made.into_iter().map(out), &mut *each);
        }
        for Link { path, target } in &self.links {
            let path = quoted(&format!("/out{path}"));
            each(&format!("ln -s -- {} {path}", quoted(target)));
        }
    }
}
