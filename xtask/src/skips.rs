//! The skips that were looked at and accepted: `tests/expected-skips.txt`.
//!
//! The tests themselves judge skips of single cases. Here stand the stages that
//! cannot run at all: a line `LABEL * REASON` accepts that. Without it, a
//! machine on which nothing could be tested would look like one on which all
//! is well.

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
    list.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(label) && words.next() == Some("*") && words.next().is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_stage_with_a_reason_is_listed() {
        let list = "# host * a remark\nhost a.case a reason\n6.12 * a reason\n5.10 *\n";
        assert!(is_listed(list, "6.12"));
        assert!(!is_listed(list, "host"), "a single case is no stage");
        assert!(!is_listed(list, "5.10"), "no reason");
        assert!(!is_listed(list, "6.1"));
        assert!(stage("no such label", "why").is_err());
    }
}
