//! How hardened an image is: a sum of parts, of 100.
//!
//! A part is had or not. What somebody who breaks in can use at once weighs most: a secret (20), then a
//! shell, a package manager, set-id programs and running as root (15 each), a compiler (10), capabilities
//! of files and folders that all may write to (5 each). The score is of what the image holds and says
//! about its user, not of how it is run: `lapwing advise pod` scores that. Nothing is guessed: tools go by
//! their names, secrets by patterns, as in the rest of the report.

use crate::report::{First, Notable, Program, Secret};
use crate::user::User;
use serde::Serialize;

/// Offenders that a part names.
const NAMED_MAX: usize = 3;

/// Points, and what they come of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Points that the image has.
    pub points: u32,
    /// Points that there are: 100.
    pub of: u32,
    /// The parts, always the same ones in the same order.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// What is wanted, as `no shell`.
    pub part: &'static str,
    /// What it is worth.
    pub points: u32,
    /// Whether the image has it.
    pub is_met: bool,
    /// What was found.
    pub found: String,
    /// Why it is a part.
    pub why: &'static str,
}

/// How many, and the first of them.
fn told<T>(all: &First<T>, name: impl Fn(&T) -> &str) -> (u64, String) {
    let count = all.count();
    let first: Vec<&str> = all.first.iter().take(NAMED_MAX).map(name).collect();
    let more = match count - first.len() as u64 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match count {
        0 => (0, "none found".to_owned()),
        _ => (count, format!("{count}: {}{more}", first.join(", "))),
    }
}

impl Score {
    /// Of what was found in an image, and the user that it names.
    #[must_use]
    pub fn of(notable: &Notable, secrets: &First<Secret>, not_searched: u64, user: &User) -> Self {
        let part = |part, points, (count, found): (u64, String), why| Part {
            part,
            points,
            is_met: count == 0,
            found,
            why,
        };
        let path = |all: &First<Program>| told(all, |one| &one.path);
        let (count, mut found) = told(secrets, |one| &one.place);
        if not_searched > 0 {
            found += &format!("; files not searched to the end: {not_searched}");
        }
        let parts = vec![
            part(
                "no likely secret",
                20,
                (count, found),
                "whoever has the image has it, also where a later layer deletes it",
            ),
            part(
                "no shell",
                15,
                path(&notable.shells),
                "most attacks on programs end in running one",
            ),
            part(
                "no package manager",
                15,
                path(&notable.package_managers),
                "it fetches and installs tools for whoever breaks in",
            ),
            part(
                "no set-id program",
                15,
                told(&notable.set_id, |one| &one.path),
                "it runs with the rights of its owner, whoever starts it",
            ),
            part(
                "a user other than root",
                15,
                (u64::from(!user.is_other), user.text.clone()),
                "root of a container is root of the host for each flaw of the kernel or the runtime",
            ),
            part(
                "no compiler",
                10,
                path(&notable.compilers),
                "it makes programs where none can be brought",
            ),
            part(
                "no file capabilities",
                5,
                told(&notable.file_capabilities, |one| &one.path),
                "they give rights to whoever starts the file",
            ),
            part(
                "no folder that all may write to",
                5,
                told(&notable.world_writable, String::as_str),
                "without a sticky bit anybody may replace what others have there",
            ),
        ];
        Self {
            points: (parts.iter().filter(|part| part.is_met))
                .map(|part| part.points)
                .sum(),
            of: parts.iter().map(|part| part.points).sum(),
            parts,
        }
    }
}
