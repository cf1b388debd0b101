//! Comments of people in a profile's file, when the file is written anew.
//!
//! The text of a profile is canonical, and no reader of YAML hands over comments. So they are taken
//! from the old text by line: a comment belongs to the key or the entry below it, or before it on
//! the same line, and stands there again in the new text. With an entry that is gone its comment
//! goes too. What would change the meaning of the new text is left out.

use crate::behaviour::Kind;
use crate::entry::Entry;
use crate::file::object::Object;
use std::collections::BTreeMap;

/// The comments of one key or entry.
#[derive(Default)]
struct Comments<'a> {
    above: Vec<&'a str>,
    beside: Option<&'a str>,
}

/// A line without its comment, and the comment.
fn split(line: &str) -> (&str, Option<&str>) {
    let mut quote = None;
    let mut before = ' ';
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '#' && before.is_whitespace() => {
                return (line[..at].trim_end(), Some(&line[at..]));
            }
            None if (c == '"' || c == '\'') && !before.is_alphanumeric() => quote = Some(c),
            None => {}
        }
        before = c;
    }
    (line.trim_end(), None)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// What a line begins.
enum Begins {
    /// A key or an entry, by which it is found again.
    Named(String),
    /// Nothing: it is a part of what began above.
    Part,
}

/// Goes through a text line by line: with what each begins, and its parts.
fn lines<'a>(text: &'a str, mut each: impl FnMut(Option<Begins>, &'a str, Option<&'a str>)) {
    let all: Vec<&str> = text.lines().collect();
    let (mut top, mut section) = ("", "");
    // Lines that are deeper than this belong to the item above.
    let mut item: Option<usize> = None;
    for (at, line) in all.iter().enumerate() {
        let (content, comment) = split(line);
        let words = content.trim_start();
        if words.is_empty() {
            each(None, content, comment);
            continue;
        }
        let depth = indent(content);
        if item.is_some_and(|item| depth > item) {
            each(Some(Begins::Part), content, comment);
            continue;
        }
        item = None;
        let name = if let Some(first) = words.strip_prefix("- ") {
            item = Some(depth);
            let rest = all[at + 1..].iter().map(|line| split(line).0);
            let rest = rest.take_while(|line| line.trim().is_empty() || indent(line) > depth);
            let mut body = format!("{}  {first}", " ".repeat(depth));
            rest.for_each(|line| {
                body.push('\n');
                body.push_str(line);
            });
            entry(section, &body).unwrap_or_else(|| format!("{top}.{section} {words}"))
        } else {
            let key = words.split(':').next().unwrap_or_default();
            match depth {
                0 => (top, section) = (key, ""),
                _ if section.is_empty() || depth <= 2 => section = key,
                _ => {}
            }
            format!("{top}.{section}.{key}")
        };
        each(Some(Begins::Named(name)), content, comment);
    }
}

/// The entry of a list of `spec`.
fn entry(section: &str, body: &str) -> Option<String> {
    let kind = Kind::ALL.iter().find(|kind| kind.list() == section)?;
    let entry = Entry::parse(&format!("{}:\n{body}", kind.word())).ok()?;
    Some(entry.to_string())
}

/// The new text of a profile with the comments of the old one.
#[must_use]
pub fn carry(old: &str, new: &str) -> String {
    if !old.contains('#') {
        return new.to_owned();
    }
    let mut known: BTreeMap<String, Comments<'_>> = BTreeMap::new();
    let mut waiting = Vec::new();
    let mut last = None;
    lines(old, |begins, _, comment| match begins {
        None => waiting.extend(comment),
        Some(Begins::Part) => {
            let of: &mut Comments<'_> = known.entry(last.clone().unwrap_or_default()).or_default();
            of.above.append(&mut waiting);
            of.above.extend(comment);
        }
        Some(Begins::Named(name)) => {
            let of = known.entry(name.clone()).or_default();
            of.above.append(&mut waiting);
            of.beside = of.beside.or(comment);
            last = Some(name);
        }
    });
    let mut out = String::new();
    lines(new, |begins, content, _| {
        let comments = match begins {
            Some(Begins::Named(name)) => known.remove(&name).unwrap_or_default(),
            Some(Begins::Part) | None => Comments::default(),
        };
        for comment in comments.above {
            out.extend(std::iter::repeat_n(' ', indent(content)));
            out.push_str(comment);
            out.push('\n');
        }
        out.push_str(content);
        if let Some(comment) = comments.beside {
            out.push_str("  ");
            out.push_str(comment);
        }
        out.push('\n');
    });
    for comment in waiting {
        out.push_str(comment);
        out.push('\n');
    }
    let read = |text: &str| Object::from_yaml(text.as_bytes());
    let same = match (read(&out), read(new)) {
        (Ok(carried), Ok(new)) => carried == new,
        _ => false,
    };
    match same {
        true => out,
        false => new.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::By;
    use crate::profile::Profile;

    const OLD: &str = "\
# yaml-language-server: $schema=x
apiVersion: lapwing.dev/v1alpha1
kind: BehaviorProfile
spec:
  workload: {name: web}
  mode: Learning # until Monday
  # Programs.
  exec:
    # The service itself.
    - path: /usr/sbin/nginx
      # of the image
      origin: IMAGE
    - {path: \"/bin/a #b\"}   # quoted
    - {path: /bin/old} # for version 1
  # nothing here
  files: []
# the end
";

    #[test]
    fn comments_stay_with_what_they_are_of() {
        let mut profile = Profile::from_yaml(OLD).unwrap();
        let by = By {
            actor: "a",
            reason: "r",
            at: 0,
        };
        let entry = |text| Entry::parse(text).unwrap();
        profile
            .approve(&entry("exec: {path: /bin/ls}"), by)
            .unwrap();
        profile
            .refuse(&entry("exec: {path: /bin/old}"), by)
            .unwrap();
        let text = carry(OLD, &profile.to_yaml());
        let spec = text.split("  egress").next().unwrap();
        assert_eq!(
            spec,
            "\
# yaml-language-server: $schema=x
apiVersion: lapwing.dev/v1alpha1
kind: BehaviorProfile
spec:
  workload: {name: web}
  mode: Learning  # until Monday
  # Programs.
  exec:
    - {path: \"/bin/a #b\"}  # quoted
    - {path: /bin/ls}
    # The service itself.
    # of the image
    - {path: /usr/sbin/nginx}
  # nothing here
  files: []
"
        );
        assert!(text.ends_with("\n# the end\n"), "{text}");
        assert_eq!(Profile::from_yaml(&text).unwrap(), profile);
        // Once more changes nothing.
        assert_eq!(carry(&text, &profile.to_yaml()), text);
    }

    #[test]
    fn without_comments_it_is_the_canonical_text() {
        let canonical = Profile::from_yaml(OLD).unwrap().to_yaml();
        assert_eq!(carry(&canonical, &canonical), canonical);
        assert_eq!(
            carry("# not: [a profile", &canonical),
            format!("{canonical}# not: [a profile\n")
        );
    }
}
