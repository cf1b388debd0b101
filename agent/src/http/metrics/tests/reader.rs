//! A reader of the text format that refuses whatever its specification does not have.

use std::collections::{BTreeMap, HashSet};

/// Labels in their order.
pub type Labels = Vec<(String, String)>;
/// Samples by name and labels.
pub type Read = BTreeMap<(String, Labels), f64>;

pub fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic() || it == '_')
        && letters.all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// Reads the text as the specification of version 0.0.4 has it, and refuses whatever it does not.
pub fn read(text: &str) -> Result<Read, String> {
    let mut read = Read::new();
    let mut described = HashSet::new();
    let mut family: Option<(String, Option<String>)> = None;
    let body = text.strip_suffix('\n').ok_or("no line feed at the end")?;
    for line in body.split('\n') {
        let wrong = |why: &str| Err(format!("{why}: {line:?}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            if !described.insert(name.to_owned()) {
                return wrong("a family in two places");
            }
            let escapes: Vec<char> = help
                .split('\\')
                .skip(1)
                .filter_map(|it| it.chars().next())
                .collect();
            if escapes.iter().any(|it| *it != 'n') {
                return wrong("an escape that there is not");
            }
            family = Some((name.to_owned(), None));
            continue;
        }
        let Some((name, kind)) = &mut family else {
            return wrong("no help");
        };
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            match rest.split_once(' ') {
                Some((of, word @ ("counter" | "gauge"))) if of == name && kind.is_none() => {
                    *kind = Some(word.to_owned());
                    continue;
                }
                _ => return wrong("a type"),
            }
        }
        let Some(rest) = line.strip_prefix(name.as_str()) else {
            return wrong("another family's");
        };
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest).map_err(|why| format!("{why}: {line:?}"))?,
            None => (Vec::new(), rest),
        };
        let value: f64 = match value.strip_prefix(' ').map(str::parse) {
            Some(Ok(value)) => value,
            _ => return wrong("no number"),
        };
        if kind.as_deref() == Some("counter") && (!value.is_finite() || value < 0.0) {
            return wrong("a counter below zero");
        }
        if read.insert((name.clone(), labels), value).is_some() {
            return wrong("twice");
        }
    }
    Ok(read)
}

/// Labels up to the brace, and what is behind it.
fn labels(mut rest: &str) -> Result<(Labels, &str), String> {
    let mut labels = Vec::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").ok_or("no value")?;
        if !is_name(name) || labels.iter().any(|(other, _)| other == name) {
            return Err(format!("a label {name:?}"));
        }
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next().ok_or("an open quote")? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, it @ ('\\' | '"'))) => it,
                    other => return Err(format!("an escape {other:?}")),
                }),
                (_, it) => value.push(it),
            }
        };
        labels.push((name.to_owned(), value));
        rest = &quoted[end + 1..];
        match rest.split_at_checked(1) {
            Some((",", more)) => rest = more,
            Some(("}", more)) => return Ok((labels, more)),
            _ => return Err("no end".to_owned()),
        }
    }
}

pub fn value(read: &Read, name: &str, labels: &[(&str, &str)]) -> f64 {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let key = (name.to_owned(), labels.iter().map(own).collect());
    *read.get(&key).unwrap_or_else(|| panic!("no {key:?}"))
}

/// That it would find what is wrong.
#[test]
fn the_reader_refuses_what_the_format_does() {
    let head = "# HELP a b\n# TYPE a gauge\n";
    assert_eq!(
        read(&format!("{head}a{{x=\"\\\\\\n\\\"\"}} 1\n"))
            .unwrap()
            .len(),
        1
    );
    for wrong in [
        "a 1",
        "a x\n",
        "b 1\n",
        "a{x=\"1} 1\n",
        "a{x=\"\\t\"} 1\n",
        "a{x=\"1\"}1\n",
        "a{1=\"\"} 1\n",
        "a 1\na 1\n",
    ] {
        assert!(read(&format!("{head}{wrong}")).is_err(), "{wrong:?}");
    }
}
