//! How bad violations are in somebody's own view, rule by rule.
//!
//! A rule has a severity where nothing more is known, and some of what falls under it is worse by
//! its kind: a change of `/etc/passwd` is critical, that of any other unknown file is not. What
//! people set is the former. The latter is never lowered by it, for who finds unknown files noisy
//! does not mean `/etc/passwd`. No severity hides anything: a rule cannot be switched off.

use super::{Rule, Severity};
use std::collections::BTreeMap;

/// Severities that stand for those of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Severities(BTreeMap<Rule, Severity>);

impl Severities {
    /// Sets that of a rule.
    pub fn set(&mut self, rule: Rule, severity: Severity) {
        self.0.insert(rule, severity);
    }

    /// How bad something is that falls under a rule, and is `severity` by its kind.
    #[must_use]
    pub fn of(&self, rule: Rule, severity: Severity) -> Severity {
        match self.0.get(&rule) {
            None => severity,
            Some(own) if severity > rule.severity() => severity.max(*own),
            Some(own) => *own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Severity::{Critical, High, Low, Medium};

    #[test]
    fn what_is_worse_by_its_kind_is_never_lowered() {
        let mut own = Severities::default();
        own.set(Rule::FileUnknown, Low);
        own.set(Rule::DnsUnknown, Critical);
        own.set(Rule::FileBinaryDir, Critical);
        for (rule, by_kind, expected) in [
            (Rule::FileUnknown, Medium, Low),
            (Rule::FileUnknown, High, High),
            (Rule::FileUnknown, Critical, Critical),
            (Rule::DnsUnknown, Medium, Critical),
            // Less bad by its kind than its rule.
            (Rule::FileBinaryDir, Medium, Critical),
            (Rule::ExecUnknown, High, High),
        ] {
            assert_eq!(own.of(rule, by_kind), expected, "{rule:?} {by_kind:?}");
        }
    }

    #[test]
    fn without_any_all_is_as_the_rules_say() {
        for rule in Rule::ALL {
            for severity in Severity::ALL {
                assert_eq!(Severities::default().of(*rule, *severity), *severity);
            }
        }
    }
}
