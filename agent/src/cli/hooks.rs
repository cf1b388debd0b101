//! The hooks in `lapwing status`: what fired, and in short what did not.

use super::text::{BOLD, styled, table};
use super::wrap::{grouped, wrapped};
use lapwing_proto::v1::get_status_response::Hook;
use std::io::{Result, Write};

/// Writes how many are attached by which tier, those that fired with their counts (and how many
/// of that were known again without a walk or a hash), and the names
/// of the others. `lapwing doctor` and `-o json` say more of each.
pub fn write_hooks(out: &mut impl Write, hooks: &[Hook], width: usize) -> Result<()> {
    let attached: Vec<&Hook> = hooks.iter().filter(|hook| !hook.tier.is_empty()).collect();
    let tiers: Vec<String> = grouped(
        attached
            .iter()
            .map(|hook| (hook.tier.as_str(), hook.row.as_str())),
    )
    .iter()
    .map(|(tier, rows)| format!("{} by tier {tier}", rows.len()))
    .collect();
    let count = format!("{} of {} hooks are attached: ", attached.len(), hooks.len());
    wrapped(out, "", &(count + &tiers.join(", ")), width)?;
    let rows: Vec<Vec<String>> = attached
        .iter()
        .filter(|hook| hook.hits > 0)
        .map(|hook| {
            let counts = [hook.hits, hook.recalled].map(|count| count.to_string());
            [vec![hook.row.clone(), hook.tier.clone()], counts.to_vec()].concat()
        })
        .collect();
    if !rows.is_empty() {
        table(out, &["HOOK", "TIER", "FIRED", "KNOWN AGAIN"], &rows)?;
    }
    let names = |hooks: Vec<&Hook>| -> String {
        let names: Vec<&str> = hooks.iter().map(|hook| hook.row.as_str()).collect();
        names.join(", ")
    };
    let silent = names(attached.into_iter().filter(|hook| hook.hits == 0).collect());
    if !silent.is_empty() {
        wrapped(out, "not fired: ", &silent, width)?;
    }
    let missing = names(hooks.iter().filter(|hook| hook.tier.is_empty()).collect());
    if !missing.is_empty() {
        writeln!(
            out,
            "{}",
            styled(BOLD, "not attached, `lapwing doctor` says why:")
        )?;
        wrapped(out, "  ", &missing, width)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_abi::hooks::Row;

    fn text(hooks: &[Hook], width: usize) -> String {
        let mut out = Vec::new();
        write_hooks(&mut out, hooks, width).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    /// All rows; every third one fired, every seventh one is not attached.
    fn hooks() -> Vec<Hook> {
        Row::ALL
            .iter()
            .enumerate()
            .map(|(at, row)| Hook {
                row: row.id().to_owned(),
                tier: if at % 7 == 0 { "" } else { "A1" }.to_owned(),
                hits: if at % 3 == 0 { 1_000_000_007 } else { 0 },
                ..Hook::default()
            })
            .collect()
    }

    #[test]
    fn every_row_is_named_once_in_few_lines() {
        for width in [80, 120] {
            let text = text(&hooks(), width);
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{line}");
            }
            for row in Row::ALL {
                let is_name = |word: &&str| word.trim_end_matches(',') == row.id();
                let times = text.split_whitespace().filter(is_name).count();
                assert_eq!(times, 1, "{} in {text}", row.id());
            }
            assert!(text.lines().count() < Row::ALL.len() / 3 + 16, "{text}");
        }
    }

    #[test]
    fn what_is_all_well_is_said_in_short() {
        let mut hooks = hooks();
        for hook in &mut hooks {
            (hook.tier, hook.hits) = ("A1".to_owned(), 1);
        }
        hooks[0].tier = "base".to_owned();
        let text = text(&hooks, 80);
        let all = hooks.len();
        let first = format!(
            "{all} of {all} hooks are attached: 1 by tier base, {} by tier A1",
            all - 1
        );
        assert_eq!(text.lines().next(), Some(first.as_str()));
        assert!(!text.contains("not "), "{text}");
    }
}
