//! What is hidden in reports: the section `redaction`.

pub use lapwing_encode::redact::Rule;
use lapwing_encode::redact::{self, default_rules};
use serde::Deserialize;

section! {
    /// What is hidden in the arguments of programs.
    Redaction {
        /// Whether the rules that come with Lapwing are used.
        defaults "defaults": bool = true,
        /// Further rules.
        rules "rules": Vec<Rule> = Vec::new(),
    }
}

impl Redaction {
    /// The rules, ready to use: those of Lapwing first.
    ///
    /// # Errors
    /// Says which rule is none, and why.
    pub fn compile(&self) -> Result<redact::Redaction, String> {
        let mut rules = match self.defaults {
            true => default_rules(),
            false => Vec::new(),
        };
        rules.extend(self.rules.iter().cloned());
        // What an expression is wrong in takes lines of its own.
        redact::Redaction::compile(&rules).map_err(|error| {
            error
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_added_to_those_of_lapwing_or_stand_alone() {
        let own = Rule {
            name: "pin".to_owned(),
            pattern: "--pin[ =](?<value>\\S+)".to_owned(),
        };
        for (defaults, password) in [(true, "[redacted]"), (false, "s3cret")] {
            let section = Redaction {
                defaults,
                rules: vec![own.clone()],
            };
            let mut args = ["curl", "--password", "s3cret", "--pin", "1234"].map(str::to_owned);
            section.compile().unwrap().arguments(&mut args);
            assert_eq!(args[2..], [password, "--pin", "[redacted]"]);
        }
    }
}
