//! What came of advice, for people: on a terminal, and as a table for the documentation.

use super::proof::{Proof, Trial};
use super::roots::Contents;
use super::user::OTHER;
use lapwing_profile::text::visible;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes in the MB that people are told.
const MB: f64 = 1e6;

fn megabytes(contents: &Contents) -> String {
    format!("{:.1}", contents.bytes as f64 / MB)
}

fn whole(contents: &Contents) -> String {
    let Contents {
        files, packages, ..
    } = contents;
    let mb = megabytes(contents);
    format!("{mb} MB, {files} files, {packages} packages")
}

/// One program, with all that the table has no room for.
pub fn text(proof: &Proof) -> String {
    let mut text = format!("  advice on {}\n", proof.name);
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "    {key:<13} {}", visible(value));
    };
    if let Trial::Worked(run) = &proof.with {
        run.applied.done.iter().for_each(|it| line("applied", it));
    }
    proof.left.iter().for_each(|it| line("not applied", it));
    trial(&proof.with, &mut line);
    let [applied, advised, of] = proof.score;
    line(
        "score",
        &format!("{applied} before, {advised} with the advice, of {of}"),
    );
    for one in &proof.without {
        line("without it", &one.line());
    }
    line("image", &whole(&proof.before));
    if let Some(other) = &proof.other {
        line("another user", &format!("{OTHER}, tried beside the advice"));
        trial(other, &mut line);
    }
    if let Some(slim) = &proof.slim {
        line("in use", &whole(&slim.after));
        let made = match slim.is_built {
            true => "the Dockerfile of `lapwing advise image`, built",
            false => "copied from the inventory: there is no buildah to build the Dockerfile with",
        };
        line("made by", made);
        if slim.sources > 0 {
            let sources = slim.sources;
            line(
                "beside them",
                &format!("{sources} sources of compiled Python modules"),
            );
        }
        slim.incomplete.iter().for_each(|it| line("incomplete", it));
        for path in &slim.missing {
            line("not in image", &path.display().to_string());
        }
        trial(&slim.run, &mut line);
    }
    text
}

/// What came of a run.
fn trial(trial: &Trial, line: &mut impl FnMut(&str, &str)) {
    match trial {
        Trial::Worked(run) => {
            let seconds = run.taken.as_secs_f64();
            line(
                "works",
                &format!("yes: {} done in {seconds:.0} s", run.done),
            );
            line("kernel says", &run.view.line());
            for one in &run.reported {
                line("violation", &one.line());
            }
        }
        Trial::Failed(why) => why.lines().for_each(|it| line("DOES NOT WORK", it)),
    }
}

/// All programs, a row each, in Markdown.
pub fn markdown(proofs: &[Proof]) -> String {
    let mut text = String::from(
        "| program | works with it | and on what was in use alone | violations | applied | score | MB | packages |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for proof in proofs {
        let applied = match &proof.with {
            Trial::Worked(run) => run.applied.done.join("; "),
            Trial::Failed(_) => "none of it".to_owned(),
        };
        let [before, after, of] = proof.score;
        let slim = proof.slim.as_ref();
        let change = |of: fn(&Contents) -> String| {
            let after = slim.map_or_else(|| "not tried".to_owned(), |slim| of(&slim.after));
            format!("{} to {after}", of(&proof.before))
        };
        let cells = [
            proof.name.to_owned(),
            works(&proof.with),
            slim.map_or_else(|| "not tried".to_owned(), |slim| works(&slim.run)),
            violations(proof),
            applied,
            format!("{before} to {after} of {of}"),
            change(megabytes),
            change(|contents| contents.packages.to_string()),
        ];
        let _ = writeln!(text, "| {} |", cells.map(|it| cell(&it)).join(" | "));
        for one in &proof.left {
            left.entry(one).or_default().push(proof.name);
        }
    }
    if !left.is_empty() {
        let _ = writeln!(text, "\n| not applied | of | why |\n|---|---|---|");
    }
    for (what, of) in left {
        let (what, why) = what.split_once(": ").unwrap_or((what, ""));
        let cells = [what, &of.join(", "), why].map(cell);
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    let others = proofs
        .iter()
        .filter_map(|it| Some((it, it.other.as_ref()?)));
    for (number, (proof, other)) in others.enumerate() {
        if number == 0 {
            let head = format!("| as user {OTHER} | works with the advice | violations |");
            let _ = writeln!(text, "\n{head}\n|---|---|---|");
        }
        let news = other.news(&proof.without).len().to_string();
        let cells = [proof.name, &works(other), &news].map(cell);
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn cell(text: &str) -> String {
    visible(text).replace('|', "\\|")
}

fn works(trial: &Trial) -> String {
    match trial {
        Trial::Worked(run) => format!("yes, {} done", run.done),
        Trial::Failed(why) => format!("does not work: {}", reason(why)),
    }
}

/// The line that says why, of what a program said last: the last that it calls an error, as `dpkg: error: ...`; else
/// the last that `apt` does, which only repeats that another program failed; else the last.
fn reason(why: &str) -> &str {
    let lines = || why.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = |is: fn(&str) -> bool| lines().rfind(|line| is(line));
    last(|line| line.to_ascii_lowercase().contains("error:"))
        .or_else(|| last(|line| line.starts_with("E: ")))
        .or_else(|| last(|_| true))
        .unwrap_or_default()
}

/// Those of both runs that are not of the program without the advice as well, and how many are.
fn violations(proof: &Proof) -> String {
    let runs = [Some(&proof.with), proof.slim.as_ref().map(|slim| &slim.run)];
    let (mut all, mut new) = (0, 0);
    for run in runs.into_iter().flatten() {
        new += run.news(&proof.without).len();
        all += match run {
            Trial::Worked(run) => run.reported.len(),
            Trial::Failed(_) => 0,
        };
    }
    match all - new {
        0 => new.to_string(),
        same => format!("{new}, and {same} as without the advice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_why_stands_in_the_table() {
        let dpkg = "it ended by itself: ed (1.20) ...\ndpkg: warning: 'diff' not found in PATH or not executable\n\
                    dpkg: error: 3 expected programs not found in PATH or not executable\nNote: root's PATH should have /sbin\n\
                    E: Sub-process /usr/bin/dpkg returned an error code (2)\n\n";
        let apt = "ing lists...\nE: Unable to locate package x\nW: some\n";
        for (why, wanted) in [
            (
                dpkg,
                "dpkg: error: 3 expected programs not found in PATH or not executable",
            ),
            (apt, "E: Unable to locate package x"),
            ("cut off li\n  cannot open /x  \n\n", "cannot open /x"),
            ("\n", ""),
        ] {
            let failed = works(&Trial::Failed(why.to_owned()));
            assert_eq!(failed, format!("does not work: {wanted}"));
        }
    }
}
