//! Names of objects and volumes: labels of DNS (RFC 1123), of at most 63 characters.
//!
//! Advice is of one container, and documents of several meet in one pod and one namespace, where two of one
//! name are one thing: a volume that both share, a policy that replaces the other. A name is made of parts, and
//! says by itself which they are only if none is cut or changed, and only one way to split it is left. Any other
//! has a hash of the parts at its end.

use lapwing_profile::fingerprint;
use lapwing_profile::workload::Workload;

/// The most characters of a label.
const MOST: usize = 63;
/// Characters of the hash that a name has.
const HASH: usize = 8;

/// Letters, digits and dashes of a text, as names in Kubernetes have them: at most so many, of which
/// the first and last are no dashes; never empty.
#[must_use]
pub fn slug(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            _ if out.ends_with('-') || out.is_empty() => {}
            _ => out.push('-'),
        }
    }
    out.truncate(most);
    match out.trim_end_matches('-') {
        "" => "x".to_owned(),
        name => name.to_owned(),
    }
}

/// A label of a text that stands for `parts`, with their hash at its end unless it `is_plain`: unless no
/// other parts could have the same text.
pub(crate) fn label(text: &str, parts: &[&str], is_plain: bool) -> String {
    let whole = slug(text, usize::MAX);
    if is_plain && whole == text && text.len() <= MOST {
        return whole;
    }
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let mut hash = fingerprint::hex(&parts);
    hash.truncate(HASH);
    let start = slug(text, MOST - 1 - hash.len());
    format!("{start}-{hash}")
}

/// The file of a container's seccomp profile below the kubelet's folder for them, where a node has those of all
/// namespaces: `lapwing/NAMESPACE/NAME-CONTAINER.json`. Without the folder where no namespace is known, and what is none in
/// Kubernetes is none here: each part is a label, so the path leads nowhere else.
#[must_use]
pub fn localhost(namespace: &str, workload: &Workload, container: &str) -> String {
    let file = of_container(workload, container, "");
    match is_label(namespace) {
        true => format!("lapwing/{namespace}/{file}.json"),
        false => format!("lapwing/{file}.json"),
    }
}

/// Whether a text is a label already.
#[must_use]
pub fn is_label(text: &str) -> bool {
    slug(text, MOST) == text
}

/// What is wrong with a label of Kubernetes, if anything is (`IsQualifiedName` and `IsValidLabelValue` of its
/// `apimachinery`).
#[must_use]
pub fn wrong_label(key: &str, value: &str) -> Option<&'static str> {
    let is_name = |name: &str| {
        let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let bytes = name.as_bytes();
        name.len() <= MOST
            && is_end(bytes.first())
            && is_end(bytes.last())
            && name.bytes().all(plain)
    };
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let is_domain = |prefix: &str| prefix.len() <= 253 && prefix.split('.').all(is_label);
    if !is_name(name) {
        return Some(
            "a key is of 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, behind a domain and `/` if it has one",
        );
    }
    if !prefix.is_none_or(is_domain) {
        return Some("what stands before the `/` of a key is a domain in small letters");
    }
    if !value.is_empty() && !is_name(value) {
        return Some(
            "a value is empty, or of at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
        );
    }
    None
}

/// The name of something of a workload's container.
pub(crate) fn of_container(workload: &Workload, container: &str, ending: &str) -> String {
    let Workload { kind, name, .. } = workload;
    let is_plain = !container.contains('-') && matches!(kind.as_str(), "" | "Deployment");
    let text = format!("{name}-{container}{ending}");
    label(&text, &[kind, name, container], is_plain)
}

/// The name of the volume of a container at a path, unlike those that are there.
pub(crate) fn volume(container: &str, path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let words = path.trim_start_matches('/').replace('/', "-");
    let is_plain = !container.contains('-') && !path.contains('-');
    let name =
        |parts: &[&str], is_plain| label(&format!("lapwing-{container}-{words}"), parts, is_plain);
    let first = name(&[container, path], is_plain);
    let others = (2..).map(|number: u64| name(&[container, path, &number.to_string()], false));
    let mut all = std::iter::once(first.clone()).chain(others);
    // The second is endless.
    all.find(|name| !is_taken(name)).unwrap_or(first)
}
