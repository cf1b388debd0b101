//! Which cases are chosen by their names.

/// Texts of which a name has to contain one, not from within a word: `file.` is not in `profile.x`.
/// Without any, every name is taken.
#[derive(Clone, Debug, Default)]
pub struct Filter(pub Vec<String>);

impl Filter {
    /// Whether a case is chosen.
    pub fn takes(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|text| contains(name, text))
    }
}

fn contains(name: &str, text: &str) -> bool {
    name.match_indices(text)
        .any(|(at, _)| !name[..at].ends_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_texts_one_is_enough() {
        let filter = Filter(vec!["file.".to_owned(), "egress.".to_owned()]);
        assert!(filter.takes("tier-b.file.open"));
        assert!(filter.takes("egress.connect4"));
        assert!(!filter.takes("process.exec"));
        assert!(!filter.takes("profile.approve"));
        assert!(filter.takes("profile.file.open"));
        assert!(Filter::default().takes("process.exec"));
    }
}
