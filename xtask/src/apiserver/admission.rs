//! The chart's admission policies, run by the code of the API server: the program in `xtask/admission`.
//!
//! It is asked what the tests of the policies ask of another CEL, which write questions and answers down.

use crate::report::Counts;
use crate::shell::{self, quiet};
use crate::{chart, root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program, by its name in the folder of programs.
pub const PROGRAM: &str = "admission";
/// Beside it, what it was built of: another text has it built anew.
const BUILT_OF: &str = "admission.go";
/// The variable by which the tests know where to write.
const QUESTIONS: &str = "LAPWING_POLICY_QUESTIONS";
const TESTS: &str = "chart::policies::tests::";

/// The folder of its sources.
pub fn sources() -> PathBuf {
    root().join("xtask/admission")
}

/// All of its sources, one behind the other.
fn text() -> Result<String> {
    let folder = sources();
    let entries = fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "go"));
    files.sort_unstable();
    let read = |path: &PathBuf| {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    files.iter().map(read).collect()
}

/// Whether a folder has the program, built of the sources as they are.
pub fn is_in(folder: &Path) -> Result<bool> {
    let of = fs::read_to_string(folder.join(BUILT_OF)).unwrap_or_default();
    Ok(folder.join(PROGRAM).is_file() && of == text()?)
}

/// Notes what the program in a folder was built of.
pub fn note(folder: &Path) -> Result<()> {
    fs::write(folder.join(BUILT_OF), text()?).context("cannot note what was built")
}

/// Asks it all.
pub fn prove(programs: &Path, counts: &mut Counts) -> Result<()> {
    let questions = root().join("target/policy-questions");
    let _ = fs::remove_file(&questions);
    quiet(
        Command::new("cargo")
            .args(["test", "--locked", "-p", "xtask", "--", TESTS])
            .env(QUESTIONS, &questions)
            .current_dir(root()),
    )?;
    let mut command = Command::new(programs.join(PROGRAM));
    command
        .args([chart::policies::kept(), chart::plain::CRDS.path()])
        .arg(&questions);
    let status = shell::follow(&mut command, |line| counts.add(line))?;
    if !status.success() {
        bail!(
            "the API server takes the chart's policies otherwise than the chart's tests: {status}"
        );
    }
    Ok(())
}
