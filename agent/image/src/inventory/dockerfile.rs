//! The build that has what was used alone.
//!
//! Folders and links are made by a stage of BusyBox, which every stage of copies begins with: `COPY` puts files
//! into folders that are there and leaves these as they are. Names are quoted for a shell by quotes alone, for
//! [`is_plain`](super::copy::is_plain) lets nothing through that means anything in them.

use super::copy::{Copy, InFolder, Link, Made};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Instructions of one stage: a stage of more layers cannot be run everywhere.
const STAGE_MAX: usize = 100;
/// Words of one instruction or command.
const WORDS_MAX: usize = 200;

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

impl Copy {
    /// The build that has these alone, of an image by its name; it can be given another by the argument
    /// `IMAGE`, and where the stage of BusyBox comes from by `BUSYBOX`.
    #[must_use]
    pub fn dockerfile(&self, image: &str) -> String {
        let copies = self.copies();
        let made = self.commands();
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "ARG IMAGE={image}\nARG BUSYBOX=busybox");
        let _ = writeln!(out, "FROM ${{IMAGE}} AS full\n");
        let base = match made.is_empty() {
            true => "FROM scratch",
            false => {
                let _ = writeln!(out, "FROM ${{BUSYBOX}} AS made\nUSER 0\nRUN mkdir /out");
                for made in made.chunks(WORDS_MAX) {
                    let _ = writeln!(out, "RUN {}", made.join(" && \\\n    "));
                }
                out.push('\n');
                "FROM scratch\nCOPY --from=made /out/ /"
            }
        };
        let mut stages = Vec::new();
        for (number, copies) in (1..).zip(copies.chunks(STAGE_MAX - 1)) {
            let base = base.replacen("scratch", &format!("scratch AS used{number}"), 1);
            let _ = writeln!(out, "{base}\n{}\n", copies.join("\n"));
            stages.push(format!("COPY --from=used{number} / /"));
        }
        match stages.is_empty() {
            true => out.push_str(base),
            false => {
                let _ = write!(out, "FROM scratch\n{}", stages.join("\n"));
            }
        }
        out.push('\n');
        for setting in &self.settings {
            let _ = writeln!(out, "{setting}");
        }
        for path in &self.unnamed {
            let _ = writeln!(out, "# copy by hand, its name has a meaning here: {path}");
        }
        out
    }

    fn copies(&self) -> Vec<String> {
        let mut copies = Vec::new();
        for folder in &self.folders {
            let folder = quoted(&below(folder));
            copies.push(format!("COPY --from=full [{folder}, {folder}]"));
        }
        for InFolder { folder, names } in &self.files {
            for names in names.chunks(WORDS_MAX) {
                let mut words: Vec<String> = names
                    .iter()
                    .map(|name| quoted(&format!("{}{name}", below(folder))))
                    .collect();
                words.push(quoted(&below(folder)));
                copies.push(format!("COPY --from=full [{}]", words.join(", ")));
            }
        }
        copies
    }

    /// What makes folders and links below `/out`.
    fn commands(&self) -> Vec<String> {
        let mut commands = Vec::new();
        let mut each = |command: &str, paths: &[String]| {
            for paths in paths.chunks(WORDS_MAX) {
                commands.push(format!("{command} {}", paths.join(" ")));
            }
        };
        let mut owners: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
        let mut modes: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        let mut all = Vec::new();
        for made in &self.made {
            let Made {
                mode, user, group, ..
            } = *made;
            let path = quoted(&format!("/out{}", made.path));
            if (user, group) != (0, 0) {
                owners.entry((user, group)).or_default().push(path.clone());
            }
            if mode != 0o755 {
                modes.entry(mode).or_default().push(path.clone());
            }
            all.push(path);
        }
        each("mkdir", &all);
        for ((user, group), paths) in &owners {
            each(&format!("chown {user}:{group}"), paths);
        }
        for (mode, paths) in &modes {
            each(&format!("chmod {mode:04o}"), paths);
        }
        let links = self.links.iter();
        commands.extend(links.map(|Link { path, target }| {
            format!(
                "ln -s -- {} {}",
                quoted(target),
                quoted(&format!("/out{path}"))
            )
        }));
        commands
    }
}
