//! What came of advice, for people: on a terminal, and as a table for the documentation.

use super::proof::{Proof, Trial};
use super::report::FalsePositive;
use super::roots::Contents;
use lapwing_profile::text::visible;
use std::fmt::Write;

/// Bytes in the MB that people are told.
const MB: f64 = 1e6;

fn megabytes(contents: &Contents) -> String {
    format!("{:.1}", contents.bytes as f64 / MB)
}

/// One program, with all that the table has no room for.
pub fn text(proof: &Proof) -> String {
    let mut text = format!("  advice on {}\n", proof.name);
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "    {key:<12} {}", visible(value));
    };
    match &proof.with {
        Trial::Worked(run) => {
            for done in &run.applied.done {
                line("applied", done);
            }
            line(
                "works",
                &format!("yes: {} done in {:.0} s", run.done, run.taken.as_secs_f64()),
            );
        }
        Trial::Failed(why) => {
            for part in why.lines() {
                line("DOES NOT WORK", part);
            }
        }
    }
    for left in &proof.left {
        line("not applied", left);
    }
    let [applied, advised, of] = proof.score;
    line(
        "score",
        &format!("{applied} before, {advised} with the advice, of {of}"),
    );
    for (key, some) in [
        ("without it", &proof.without[..]),
        ("violation", reported(&proof.with)),
    ] {
        for one in some {
            line(key, &one.line());
        }
    }
    let before = proof.before;
    line(
        "image",
        &format!(
            "{} MB, {} files, {} packages",
            megabytes(&before),
            before.files,
            before.packages
        ),
    );
    text
}

fn reported(trial: &Trial) -> &[FalsePositive] {
    match trial {
        Trial::Worked(run) => &run.reported,
        Trial::Failed(_) => &[],
    }
}

/// All programs, a row each, in Markdown.
pub fn markdown(proofs: &[Proof]) -> String {
    let mut text = String::from(
        "| program | works | applied | not applied | score | violations | MB | packages |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for proof in proofs {
        let (works, applied) = match &proof.with {
            Trial::Worked(run) => (
                format!("yes, {} done", run.done),
                run.applied.done.join("; "),
            ),
            Trial::Failed(why) => {
                let first = why.lines().next().unwrap_or_default();
                (format!("does not work: {first}"), String::new())
            }
        };
        let [before, after, of] = proof.score;
        let cells = [
            proof.name.to_owned(),
            works,
            applied,
            proof.left.join("; "),
            format!("{before} to {after} of {of}"),
            violations(proof),
            megabytes(&proof.before),
            proof.before.packages.to_string(),
        ];
        let cells = cells.map(|cell| visible(&cell).replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn violations(proof: &Proof) -> String {
    let all = reported(&proof.with).len();
    let new = proof.with.news(&proof.without).len();
    match all - new {
        0 => new.to_string(),
        same => format!("{new}, and {same} as without the advice"),
    }
}
