//! The table as a document: `tests/COVERAGE.md`.

use super::steps::STEPS;
use super::{AREAS, ELSEWHERE, name};
use std::fmt::Write as _;

const HEAD: &str = "\
<!-- Made by `lapwing-tests --coverage` from tests/src/coverage/; a test proves it fresh. -->
# Coverage

Every technique below is done in a real container by exactly known system calls, and the report
that comes of it is compared field by field. The tiers are those that can see it: `base` is the same
on every kernel; of `A1` (trampolines), `A2` (kprobes) and `B` (exit of system calls) a row gets the
best that the running kernel allows, and `lapwing doctor` says which. The test is run with the best
tier, and as `tier-a2.TEST` and `tier-b.TEST` with that tier forced.
";

/// The document.
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    for (area, acts) in AREAS.iter().filter(|(_, acts)| !acts.is_empty()) {
        let _ = write!(
            text,
            "\n## {area}\n\n| technique | row | tiers | test |\n|---|---|---|---|\n"
        );
        for act in acts.iter().copied().flatten() {
            let tiers: Vec<_> = act.tiers.names().collect();
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | `{}` |",
                act.what,
                act.row.id(),
                tiers.join(", "),
                name(act)
            );
        }
    }
    text += "\nWhat takes more than one act, an agent that ends, a flood or two containers is a case of its own.\n";
    for (area, steps) in STEPS {
        let _ = write!(
            text,
            "\n## {area}, in several steps\n\n| technique | test |\n|---|---|\n"
        );
        for (what, case) in *steps {
            let _ = writeln!(text, "| {what} | `{case}` |");
        }
    }
    text += "\n## Rows that no single act can prove\n\n| row | why | test |\n|---|---|---|\n";
    for (row, case, why) in ELSEWHERE {
        let _ = writeln!(text, "| `{}` | {why} | `{case}` |", row.id());
    }
    text
}
