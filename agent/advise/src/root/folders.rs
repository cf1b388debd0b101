//! Paths, and which of them can be mounts.

use super::made::Made;
use lapwing_profile::text;
use std::collections::BTreeMap;

/// Files that the container needs, and what for.
pub(crate) type Taken = BTreeMap<String, &'static str>;

/// Folders in which the image surely has what the container needs: a mount there would hide it. What
/// lies below them may be a mount, where it is not here as well.
const SYSTEM: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/proc",
    "/sbin",
    "/srv",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/games",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
];

/// Folders in which images keep programs and their configuration, however deep, and all whose names
/// begin with `lib`: nothing below them may be a mount, unless the container makes that very folder.
const KEPT: &[&str] = &["bin", "boot", "etc", "opt", "sbin", "usr"];

/// The folder of [`KEPT`] that a path lies in.
fn kept(path: &str) -> Option<&str> {
    let first = path.split('/').nth(1)?;
    let is_kept = KEPT.contains(&first) || first.starts_with("lib");
    is_kept.then_some(first)
}

/// Whether the image surely has something right in a folder.
pub(super) fn is_system(folder: &str) -> bool {
    SYSTEM.contains(&folder)
}

/// Whether a folder lies where images keep programs.
pub(super) fn is_kept(folder: &str) -> bool {
    kept(folder).is_some()
}

/// Whether a path is a folder or lies in it. Both are canonical texts; what is no whole path lies in
/// none.
pub(crate) fn within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    path.starts_with('/') && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The folder that a name stands in.
pub(crate) fn parent(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

/// The literal beginning of a pattern, and whether something is left out.
pub(crate) fn literal(pattern: &str) -> (String, bool) {
    let mut out = String::new();
    for part in pattern.split('/').skip(1) {
        if part.contains(['*', '{']) {
            return (if out.is_empty() { "/".to_owned() } else { out }, true);
        }
        out.push('/');
        // In a pattern these two mean themselves only so; in a path they never are escaped.
        out.push_str(&unescaped(part));
    }
    (out, false)
}

/// The canonical text of what a literal segment of a pattern matches.
fn unescaped(segment: &str) -> String {
    let mut out = String::new();
    let mut rest = segment;
    while let Some(at) = rest.find('\\') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let (escape, with, tail) = match tail.as_bytes() {
            [b'\\', b'\\', ..] => (&tail[..2], None, &tail[2..]),
            _ => match tail.get(..4) {
                Some("\\x2a") => ("", Some('*'), &tail[4..]),
                Some("\\x7b") => ("", Some('{'), &tail[4..]),
                Some(other) => (other, None, &tail[4..]),
                None => (tail, None, ""),
            },
        };
        out.push_str(escape);
        out.extend(with);
        rest = tail;
    }
    out + rest
}

/// Whether a manifest can name a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It can.
    Nameable,
    /// It cannot: `mountPath` and Compose's `tmpfs` may have no colon, runtimes part options at
    /// commas, and bytes that are no text have no place in YAML. Control characters could, and
    /// would be read by nobody.
    Unnameable,
}

/// Whether a manifest can name a folder, all of its segments being asked.
pub(crate) fn name(folder: &str) -> Place {
    let plain =
        real(folder).is_some_and(|path| path == text::visible(&path) && !path.contains([':', ',']));
    let dotted = folder.split('/').any(|part| part == "." || part == "..");
    match plain && folder.starts_with('/') && !dotted {
        true => Place::Nameable,
        false => Place::Unnameable,
    }
}

/// The path as the kernel has it; `None` where it is no text.
pub(crate) fn real(folder: &str) -> Option<String> {
    String::from_utf8(text::bytes(folder)?).ok()
}

/// Why a folder cannot be a mount.
pub(super) fn forbids(folder: &str, needed: &Taken, made: &Made) -> Option<String> {
    if is_system(folder) {
        return Some(format!(
            "it lies directly in {folder}, and a mount there would hide what the image has in it"
        ));
    }
    if let Some(kept) = kept(folder).filter(|_| !made.is_folder(folder)) {
        return Some(format!(
            "a mount at {folder} would hide what the image has there: images keep programs and their \
             configuration in /{kept}, and nobody was seen to make that folder"
        ));
    }
    let below = format!("{folder}/");
    let inside = needed.range(below.clone()..).next();
    let inside = inside.filter(|(path, _)| path.starts_with(&below));
    let hidden = needed.get_key_value(folder).or(inside);
    hidden.map(|(path, why)| format!("a mount at {folder} would hide {path}, which {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_hold_what_is_below_them_and_nothing_beside() {
        for (path, folder, expected) in [
            ("/a/b", "/a", true),
            ("/a", "/a", true),
            ("/ab", "/a", false),
            ("/a", "/", true),
            ("\u{2026}/a/b", "/a", false),
            ("detached:/a/b", "/", false),
        ] {
            assert_eq!(within(path, folder), expected, "{path} in {folder}");
        }
        assert_eq!(parent("/a"), "/");
        assert_eq!(parent("/a/b"), "/a");
    }

    #[test]
    fn patterns_begin_literally() {
        for (pattern, literal_part, cut) in [
            ("/a/b/{digits}/c", "/a/b", true),
            ("/{digits}", "/", true),
            ("/a/x-*.log", "/a", true),
            ("/a/\\x2a\\x7b\\\\x2a\\xff/*", "/a/*{\\\\x2a\\xff", true),
            ("/a/b", "/a/b", false),
        ] {
            assert_eq!(
                literal(pattern),
                (literal_part.to_owned(), cut),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_a_manifest_cannot_name_is_not_named() {
        for (folder, expected) in [
            ("/var/cache/nginx", Place::Nameable),
            ("/data/${HOME} \"x\" 'y' #z", Place::Nameable),
            ("/a/\\\\b", Place::Nameable),
            ("/a:b/c", Place::Unnameable),
            ("/a,b", Place::Unnameable),
            ("/a\\x0ab", Place::Unnameable),
            ("/a\\xff", Place::Unnameable),
            ("/a/../b", Place::Unnameable),
        ] {
            assert_eq!(name(folder), expected, "{folder}");
        }
        assert_eq!(real("/a/\\\\b").as_deref(), Some("/a/\\b"));
    }
}
