//! What was proved where: row by kernel by tier.
//!
//! The tests say for each row of the table of hooks, and for each tier that an
//! agent was held to, whether it was proved: a line `row ROW TIER ok`, or
//! `FAILED`, or `skipped` where the kernel has no such tier for the row. The
//! lines of all kernels make one table.

use std::collections::BTreeMap;

/// What became of the proof of a row in a tier. Of several, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It cannot be on this kernel.
    Skipped,
    Ok,
    Failed,
}

/// One line of the tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    row: String,
    tier: String,
    outcome: Outcome,
}

impl Proof {
    /// Reads a line, if it is such a one.
    pub fn of(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (Some("row"), Some(row), Some(tier), Some(outcome), None) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            return None;
        };
        let outcome = match outcome {
            "ok" => Outcome::Ok,
            "FAILED" => Outcome::Failed,
            "skipped" => Outcome::Skipped,
            _ => return None,
        };
        Some(Self {
            row: row.to_owned(),
            tier: tier.to_owned(),
            outcome,
        })
    }
}

/// The tiers of a row on a kernel.
type Tiers = BTreeMap<String, Outcome>;

/// The proofs of all kernels.
#[derive(Default)]
pub struct Matrix {
    /// In the order in which they ran.
    kernels: Vec<String>,
    /// Rows in the order in which they were named first, each with its kernels.
    rows: Vec<(String, BTreeMap<String, Tiers>)>,
}

impl Matrix {
    /// Adds what a kernel's tests said. One that said nothing has a column nevertheless.
    pub fn add(&mut self, kernel: &str, proofs: &[Proof]) {
        if !self.kernels.iter().any(|known| known == kernel) {
            self.kernels.push(kernel.to_owned());
        }
        for proof in proofs {
            let known = self.rows.iter().position(|(row, _)| *row == proof.row);
            let at = known.unwrap_or_else(|| {
                self.rows.push((proof.row.clone(), BTreeMap::new()));
                self.rows.len() - 1
            });
            self.rows[at]
                .1
                .entry(kernel.to_owned())
                .or_default()
                .entry(proof.tier.clone())
                .and_modify(|outcome| *outcome = proof.outcome.max(*outcome))
                .or_insert(proof.outcome);
        }
    }

    /// How many proofs failed.
    pub fn failures(&self) -> usize {
        self.rows
            .iter()
            .flat_map(|(_, kernels)| kernels.values())
            .flat_map(Tiers::values)
            .filter(|outcome| **outcome == Outcome::Failed)
            .count()
    }

    /// How many rows were not tried on a kernel on which others were.
    pub fn untried(&self) -> usize {
        let tried = |kernels: &BTreeMap<_, _>| {
            let known = self.kernels.iter();
            known.filter(|kernel| kernels.contains_key(*kernel)).count()
        };
        self.rows
            .iter()
            .map(|(_, kernels)| self.kernels.len() - tried(kernels))
            .sum()
    }

    /// The table; nothing where there are no proofs.
    pub fn lines(&self) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let head = std::iter::once("row".to_owned()).chain(self.kernels.iter().cloned());
        let mut table: Vec<Vec<String>> = vec![head.collect()];
        for (row, kernels) in &self.rows {
            let cells = self.kernels.iter().map(|kernel| cell(kernels.get(kernel)));
            table.push(std::iter::once(row.clone()).chain(cells).collect());
        }
        let width = |column: usize| table.iter().map(|line| line[column].len()).max();
        let widths: Vec<usize> = (0..=self.kernels.len())
            .map(|column| width(column).unwrap_or_default())
            .collect();
        let mut lines: Vec<String> = table
            .iter()
            .map(|line| {
                let cells = line.iter().zip(&widths);
                let cells: Vec<String> = cells
                    .map(|(cell, width)| format!("{cell:<width$}"))
                    .collect();
                cells.join("  ").trim_end().to_owned()
            })
            .collect();
        lines.push(
            "base one way only, A1 trampolines, A2 kprobes, B exits of system calls; - not possible there, \
             ! failed, ? not tried"
                .to_owned(),
        );
        lines
    }
}

/// The tiers that were proved, and those that should have been.
fn cell(tiers: Option<&Tiers>) -> String {
    let Some(tiers) = tiers else {
        return "?".to_owned();
    };
    let shown: Vec<String> = tiers
        .iter()
        .filter_map(|(tier, outcome)| match outcome {
            Outcome::Ok => Some(tier.clone()),
            Outcome::Failed => Some(format!("{tier}!")),
            Outcome::Skipped => None,
        })
        .collect();
    if shown.is_empty() {
        "-".to_owned()
    } else {
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs(lines: &[&str]) -> Vec<Proof> {
        lines.iter().filter_map(|line| Proof::of(line)).collect()
    }

    #[test]
    fn only_whole_lines_are_proofs() {
        assert_eq!(
            Proof::of("row file.open A1 ok"),
            Some(Proof {
                row: "file.open".to_owned(),
                tier: "A1".to_owned(),
                outcome: Outcome::Ok
            })
        );
        for line in [
            "row file.open A1",
            "row file.open A1 ok, says somebody",
            "row file.open A1 perhaps",
            "rows file.open A1 ok",
            "   1.00 s  passed   coverage.file.open",
            "",
        ] {
            assert_eq!(Proof::of(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_table_has_a_cell_for_each_row_and_kernel() {
        let mut matrix = Matrix::default();
        matrix.add(
            "6.12",
            &proofs(&[
                "row process.exec B ok",
                "row file.open A1 ok",
                "row file.open B ok",
                "row file.open A2 ok",
            ]),
        );
        matrix.add(
            "host",
            &proofs(&[
                "row file.open A1 skipped",
                "row file.open A2 skipped",
                "row file.open B FAILED",
                "row file.xattr A1 skipped",
            ]),
        );
        matrix.add("7.2", &[]);
        assert_eq!(matrix.failures(), 1);
        assert_eq!(matrix.untried(), 5, "the question marks");
        let lines = matrix.lines();
        assert_eq!(
            lines[..4],
            [
                "row           6.12     host  7.2",
                "process.exec  B        ?     ?",
                "file.open     A1 A2 B  B!    ?",
                "file.xattr    ?        -     ?",
            ]
        );
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn a_failure_outweighs_what_was_proved_besides() {
        let outcomes = ["FAILED", "ok", "skipped"];
        for (at, expected) in [(0, "A1!"), (1, "A1"), (2, "-")] {
            // The rest of the outcomes in both orders.
            let mut lines: Vec<String> = outcomes[at..]
                .iter()
                .map(|word| format!("row r A1 {word}"))
                .collect();
            for _ in 0..2 {
                let mut matrix = Matrix::default();
                let words: Vec<&str> = lines.iter().map(String::as_str).collect();
                matrix.add("k", &proofs(&words));
                assert_eq!(matrix.lines()[1], format!("r    {expected}"));
                lines.reverse();
            }
        }
    }

    #[test]
    fn without_proofs_there_is_no_table() {
        let mut matrix = Matrix::default();
        matrix.add("host", &[]);
        assert!(matrix.lines().is_empty());
        assert_eq!((matrix.failures(), matrix.untried()), (0, 0));
    }
}
