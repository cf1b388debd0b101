//! The files whose reading is a behaviour: credentials.
//!
//! A pattern is a whole path. The kernel side knows the last names alone, in a table
//! that every open for reading is looked up in; whether the rest of the path fits is
//! told here. So a last name must be a plain one.

use lapwing_abi::decode::{Body, Record};
use lapwing_abi::ids::{Operation, flags};
use lapwing_abi::state::{CREDENTIALS_MAX, CredentialName, credential_key};
use lapwing_profile::text::canonical;
use std::collections::BTreeSet;

/// Longest name in a folder, in bytes.
const NAME_MAX: usize = 255;

/// What is on the list unless the configuration says otherwise.
pub const DEFAULT: &[&str] = &[
    "/run/secrets/kubernetes.io/serviceaccount/**/token",
    "/var/run/secrets/kubernetes.io/serviceaccount/**/token",
    "/run/secrets/eks.amazonaws.com/serviceaccount/**/token",
    "/var/run/secrets/eks.amazonaws.com/serviceaccount/**/token",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/krb5.keytab",
    "/etc/kubernetes/admin.conf",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssh/ssh_host_rsa_key",
    "**/.ssh/id_dsa",
    "**/.ssh/id_ecdsa",
    "**/.ssh/id_ed25519",
    "**/.ssh/id_rsa",
    "**/.aws/credentials",
    "**/.azure/accessTokens.json",
    "**/.azure/msal_token_cache.bin",
    "**/.azure/msal_token_cache.json",
    "**/.azure/service_principal_entries.bin",
    "**/.azure/service_principal_entries.json",
    "**/.config/gcloud/access_tokens.db",
    "**/.config/gcloud/application_default_credentials.json",
    "**/.config/gcloud/credentials.db",
    "**/.config/containers/auth.json",
    "**/.docker/config.json",
    "**/.kube/config",
    "**/.git-credentials",
    "**/.netrc",
    "**/.pgpass",
    "**/.vault-token",
];

/// The checked list.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    patterns: Vec<Vec<String>>,
}

impl Credentials {
    /// Checks patterns: `*` stands for any letters of one name, `**` for any number of names.
    ///
    /// # Errors
    /// Names the pattern, and what would be right.
    pub fn parse<T: AsRef<str>>(patterns: &[T]) -> Result<Self, String> {
        let patterns = patterns
            .iter()
            .map(|pattern| parse(pattern.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        let list = Self { patterns };
        let names = list.names().len();
        if names > CREDENTIALS_MAX as usize {
            return Err(format!(
                "{names} different last names, of which the kernel side holds {CREDENTIALS_MAX}: leave some out"
            ));
        }
        Ok(list)
    }

    /// The last names, as the kernel side keeps them.
    #[must_use]
    pub fn names(&self) -> BTreeSet<CredentialName> {
        self.keys().map(|(key, _)| key).collect()
    }

    /// Which lengths they have, one bit each.
    #[must_use]
    pub fn lengths(&self) -> u64 {
        self.keys().fold(0, |bits, (_, bit)| bits | bit)
    }

    /// Which first letters they have, one bit each for the lower six bits of a letter.
    #[must_use]
    pub fn letters(&self) -> u64 {
        self.keys()
            .fold(0, |bits, (key, _)| bits | 1 << (key[0] & 63))
    }

    fn keys(&self) -> impl Iterator<Item = (CredentialName, u64)> {
        self.patterns
            .iter()
            .filter_map(|parts| Some(credential_key(parts.last()?.as_bytes())))
    }

    /// Whether a record is wanted: all are but those of reads of other files that have the last
    /// name of a credential. Of a path that is not whole no more than that name is known, and it
    /// is wanted.
    #[must_use]
    pub fn wants(&self, record: &Record<'_>) -> bool {
        const PARTIAL: u32 = flags::PATH_TRUNCATED | flags::PATH_DETACHED;
        match record.body {
            Body::File {
                operation: Operation::OpenRead,
                path,
                ..
            } => record.header.flags & PARTIAL != 0 || self.matches(&canonical(&path.path())),
            _ => true,
        }
    }

    /// Whether a path, in canonical text, is on the list.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let names: Vec<&str> = path.split('/').collect();
        self.patterns.iter().any(|parts| fits(parts, &names))
    }
}

/// The parts of a pattern, between slashes.
fn parse(pattern: &str) -> Result<Vec<String>, String> {
    let wrong = |what: &str| Err(format!("`{pattern}` {what}"));
    let path = match pattern.strip_prefix('/') {
        Some(path) => path,
        None if pattern.starts_with("**/") => pattern,
        None => return wrong("must start with a slash, or with `**/` for any folder"),
    };
    let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    for part in &parts {
        match part.as_str() {
            "" => return wrong("has an empty name: two slashes in a row, or one at the end"),
            "." | ".." => return wrong("must be a path without `.` and `..`"),
            part if part.len() > NAME_MAX => {
                return wrong("has a name that is longer than 255 bytes");
            }
            part if part.contains("**") && part != "**" => {
                return wrong("has `**` beside other letters: it stands for whole names");
            }
            _ => {}
        }
    }
    match parts.last() {
        Some(last) if last.contains('*') => {
            wrong("must end with a plain name, by which the kernel side knows it")
        }
        _ => Ok(parts),
    }
}

/// Whether names fit the parts of a pattern.
fn fits(parts: &[String], names: &[&str]) -> bool {
    match parts.split_first() {
        None => names.is_empty(),
        Some((part, rest)) if part == "**" => {
            (0..=names.len()).any(|skipped| fits(rest, &names[skipped..]))
        }
        Some((part, rest)) => match names.split_first() {
            Some((name, others)) => like(part.as_bytes(), name.as_bytes()) && fits(rest, others),
            None => false,
        },
    }
}

/// Whether a name is like one part: `*` stands for any letters, or none.
fn like(part: &[u8], name: &[u8]) -> bool {
    match part.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skipped| like(rest, &name[skipped..])),
        Some((letter, rest)) => name
            .split_first()
            .is_some_and(|(first, others)| first == letter && like(rest, others)),
    }
}

/// A credential's path by a name that stays: Kubernetes keeps a volume's files in a folder named
/// by the time (`..2026_11_25_22_26_40.123456789`), to which `..data` links until the next change
/// of any of them.
#[must_use]
pub fn stable(path: &str) -> String {
    let names: Vec<&str> = path
        .split('/')
        .map(|name| if is_time(name) { "..data" } else { name })
        .collect();
    names.join("/")
}

/// Whether a name is one that Kubernetes makes of a time.
fn is_time(name: &str) -> bool {
    const FORM: &[u8] = b"..0000_00_00_00_00_00.";
    name.len() > FORM.len()
        && name
            .bytes()
            .enumerate()
            .all(|(at, byte)| match FORM.get(at) {
                Some(b'0') | None => byte.is_ascii_digit(),
                Some(letter) => byte == *letter,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(patterns: &[&str]) -> Credentials {
        Credentials::parse(patterns).expect("patterns")
    }

    #[test]
    fn the_default_list_is_one() {
        let list = list(DEFAULT);
        for path in [
            "/run/secrets/kubernetes.io/serviceaccount/token",
            "/var/run/secrets/kubernetes.io/serviceaccount/..2026_11_25_22_26_40.1/token",
            "/etc/shadow",
            "/root/.ssh/id_rsa",
            "/home/me/.config/gcloud/application_default_credentials.json",
            "/.kube/config",
        ] {
            assert!(list.matches(path), "{path}");
        }
        for path in [
            "/run/secrets/token",
            "/data/etc/shadow",
            "/etc/shadow/x",
            "/root/.kube/config.json",
            "/root/.docker/config",
            "/app/config.json",
            "",
            "shadow",
        ] {
            assert!(!list.matches(path), "{path}");
        }
    }

    #[test]
    fn stars_stand_for_letters_and_for_names() {
        let list = list(&["/home/*/key", "/s/**/k*y/token", "**/x"]);
        for (path, is_on) in [
            ("/home/a/key", true),
            ("/home/key", false),
            ("/home/a/b/key", false),
            ("/s/ky/token", true),
            ("/s/a/b/kitty/token", true),
            ("/s/a/b/kitten/token", false),
            ("/x", true),
            ("/a/b/x", true),
        ] {
            assert_eq!(list.matches(path), is_on, "{path}");
        }
    }

    #[test]
    fn the_kernel_side_gets_the_last_names() {
        let long = "n".repeat(40);
        let list = list(&["/etc/shadow", "/x/shadow", &format!("**/{long}")]);
        assert_eq!(list.lengths(), 1 << 6 | 1 << 31);
        assert_eq!(list.letters(), 1 << (b's' & 63) | 1 << (b'n' & 63));
        let names: Vec<_> = list.names().into_iter().collect();
        assert_eq!(names.len(), 2);
        assert!(names[0].starts_with(b"nnn") && names[0][30] == b'n' && names[0][31] == 0);
        assert!(names[1].starts_with(b"shadow\0"));
        assert_eq!(Credentials::default().lengths(), 0);
    }

    #[test]
    fn patterns_are_checked() {
        for (pattern, words) in [
            ("etc/shadow", "must start with a slash"),
            ("", "must start with a slash"),
            ("/", "empty name"),
            ("/etc//shadow", "empty name"),
            ("/etc/shadow/", "empty name"),
            ("/etc/../shadow", "without `.` and `..`"),
            ("/etc/id_*", "plain name"),
            ("**/**", "plain name"),
            ("/a**b/c", "stands for whole names"),
            (&format!("/{}", "n".repeat(256)), "longer than 255"),
        ] {
            let error = Credentials::parse(&[pattern]).expect_err(pattern);
            assert!(error.contains(words), "{pattern}: {error}");
            assert!(error.starts_with(&format!("`{pattern}`")), "{error}");
        }
        let many: Vec<String> = (0..257).map(|number| format!("/{number}")).collect();
        let error = Credentials::parse(&many).expect_err("too many");
        assert!(error.contains("257 different last names"), "{error}");
    }

    #[test]
    fn a_volume_of_kubernetes_keeps_its_name() {
        for (path, expected) in [
            (
                "/s/..2026_11_25_22_26_40.123456789/token",
                "/s/..data/token",
            ),
            (
                "/s/..2026_11_25_22_26_40./token",
                "/s/..2026_11_25_22_26_40./token",
            ),
            ("/s/..2026_11_25/token", "/s/..2026_11_25/token"),
            ("/etc/shadow", "/etc/shadow"),
        ] {
            assert_eq!(stable(path), expected);
        }
    }
}
