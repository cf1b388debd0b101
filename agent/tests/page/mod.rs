//! The page for SIEM teams, whose configurations the tests with real receivers use.
#![allow(dead_code)]

const PAGE: &str = include_str!("../../../docs/siem.md");

/// The block of the page, in a language or in none, that has a line beginning so.
pub fn documented(language: &str, line: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = PAGE.split(&fence).skip(1);
    let mut blocks = blocks.map(|part| part.split("```").next().unwrap_or_default());
    let found = blocks.find(|block| block.lines().any(|it| it.starts_with(line)));
    found
        .unwrap_or_else(|| panic!("docs/siem.md has no {language} with {line:?}"))
        .to_owned()
}

/// A text with other words in place of some, each of which must be there.
pub fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (word, other) in changes {
        assert!(text.contains(word), "no {word:?} in {text}");
        text = text.replace(word, other);
    }
    text
}
