//! The skips that were looked at and accepted: `tests/expected-skips.txt`.
//!
//! The tests in containers judge skips of single cases themselves. Here stand the stages that
//! cannot run at all: a line `LABEL * REASON` accepts that. Without it, a
//! machine on which nothing could be tested would look like one on which all
//! is well. So would one that lacks the real receivers and the schema: a test of `cargo test` that
//! is ignored needs a line `unit NAME REASON`.

use anyhow::{Result, bail};

/// What the tests read too.
const LIST: &str = include_str!("../../tests/expected-skips.txt");

/// The note of a stage that does not run, if that is on the list.
pub fn stage(label: &str, reason: &str) -> Result<String> {
    if !is_listed(LIST, label) {
        bail!(
            "not run: {reason}\nthis is not an expected skip: a line `{label} * REASON` in \
             tests/expected-skips.txt would make it one"
        );
    }
    Ok(format!("not run: {reason}"))
}

fn is_listed(list: &str, label: &str) -> bool {
    listed(list, label).any(|name| name == "*")
}

/// The names that stand behind a label, with a reason.
fn listed<'l>(list: &'l str, label: &str) -> impl Iterator<Item = &'l str> {
    list.lines().filter_map(move |line| {
        let mut words = line.split_whitespace();
        let (on, name, _reason) = (words.next()?, words.next()?, words.next()?);
        (on == label).then_some(name)
    })
}

/// The label of what `cargo test` runs.
const UNIT: &str = "unit";
/// The label of the same, of what is there for x86_64 alone, on other machines.
const UNIT_NOT_X86_64: &str = "unit-not-x86_64";

/// Tests of `cargo test` that were ignored, each with its reason.
#[derive(Debug, Default)]
pub struct Ignored(Vec<(String, String)>);

impl Ignored {
    /// Takes a line of the output: `test NAME ... ignored, REASON`. Tests of documentation have names
    /// of several words; here and in the list `_` stands between them.
    pub fn add(&mut self, line: &str) {
        let told = line.trim().strip_prefix("test ");
        let told = told.and_then(|rest| rest.split_once(" ... ignored"));
        if let Some((name, reason)) = told {
            let reason = reason.trim_start_matches([',', ' ']);
            self.0.push((name.replace(' ', "_"), reason.to_owned()));
        }
    }

    /// # Errors
    /// Names those that no line of the list accepts.
    pub fn check(&self) -> Result<()> {
        self.check_with(LIST, std::env::consts::ARCH)
    }

    fn check_with(&self, list: &str, machine: &str) -> Result<()> {
        let others = (machine != "x86_64").then_some(UNIT_NOT_X86_64);
        let labels = [Some(UNIT), others];
        let known = |name: &str| {
            let mut all = { labels.iter().flatten() }.flat_map(|label| listed(list, label));
            all.any(|entry| entry == name)
        };
        let news: Vec<String> = { self.0.iter() }
            .filter(|(name, _)| !known(name))
            .map(|(name, reason)| format!("  {name}: {reason}"))
            .collect();
        if !news.is_empty() {
            bail!(
                "ignored, but not an expected skip:\n{}\nmake them run (`cargo xtask setup` gets receivers, \
                 schemas and Syft, and says what it could not get and why); a line `{UNIT} NAME REASON` in tests/expected-skips.txt would accept one",
                news.join("\n")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn only_a_whole_stage_with_a_reason_is_listed() {
        let list = "# host * a remark\nhost a.case a reason\n6.12 * a reason\n5.10 *\n";
        assert!(is_listed(list, "6.12"));
        assert!(!is_listed(list, "host"), "a single case is no stage");
        assert!(!is_listed(list, "5.10"), "no reason");
        assert!(!is_listed(list, "6.1"));
        assert!(stage("no such label", "why").is_err());
    }

    /// Ignored tests of the sources, each by the name that the test runner gives it: all of it for a
    /// test beside a crate, and at least its end for one of a module.
    fn ignored(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ignored(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let marked = text.split("\n#[ignore").skip(1);
                let name =
                    |rest: &str| Some(rest.split_once("fn ")?.1.split_once('(')?.0.to_owned());
                let beside = { path.parent() }.is_some_and(|folder| {
                    folder.ends_with("tests") && folder.with_file_name("Cargo.toml").exists()
                });
                let module = if beside { "" } else { "::" };
                found.extend(
                    marked
                        .filter_map(name)
                        .map(|name| format!("{module}{name}")),
                );
            }
        }
    }

    #[test]
    fn each_ignored_test_is_listed_by_its_whole_name() {
        let mut found = Vec::new();
        for folder in ["agent", "proto", "tests", "xtask"] {
            ignored(&crate::root().join(folder), &mut found);
        }
        assert!(found.len() >= 6, "{found:?}");
        for name in found {
            let known =
                |entry: &str| entry == name || name.starts_with("::") && entry.ends_with(&name);
            assert!(
                listed(LIST, UNIT).any(known),
                "tests/expected-skips.txt has no line for {name}"
            );
        }
    }

    #[test]
    fn who_is_ignored_needs_a_line_with_a_reason() {
        let mut ignored = Ignored::default();
        for line in [
            "test rsyslog_reads ... ok",
            "test rsyslog_writes ... FAILED",
            "test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured",
        ] {
            ignored.add(line);
        }
        ignored.check_with("", "x86_64").unwrap();
        ignored.add("test rotel_hands_on ... ignored, no rotel here");
        ignored.add("test src/lib.rs - it (line 3) ... ignored");
        let list = "unit rotel_hands_on a reason\nhost src/lib.rs_-_it_(line_3) a reason\n";
        let told = ignored.check_with(list, "x86_64").unwrap_err().to_string();
        assert!(
            !told.contains("rotel") && told.contains("src/lib.rs_-_it_(line_3)"),
            "{told}"
        );
        let list = "unit rotel_hands_on a reason\nunit src/lib.rs_-_it_(line_3) a reason\n";
        ignored.check_with(list, "x86_64").unwrap();
        for list in [
            "",
            "unit rotel_hands_on",
            "unit * all of them",
            "# unit rotel_hands_on a b",
        ] {
            let told = ignored.check_with(list, "x86_64").unwrap_err().to_string();
            assert!(
                told.contains("rotel_hands_on: no rotel here"),
                "{list}: {told}"
            );
        }
    }

    #[test]
    fn what_is_there_for_one_machine_may_be_ignored_on_others_alone() {
        let mut ignored = Ignored::default();
        ignored.add("test syft_names_what_package_managers_name ... ignored, no syft: run cargo xtask setup");
        let told = ignored.check_with(LIST, "x86_64").unwrap_err().to_string();
        assert!(
            told.contains("no syft") && told.contains("cargo xtask setup"),
            "{told}"
        );
        ignored.check_with(LIST, "aarch64").unwrap();
    }
}
