//! Likely secrets, by patterns: told by path and kind, never printed.
//!
//! One automaton looks for what each kind begins with, and what follows is checked by hand. Many
//! programs and manuals name these beginnings without a secret behind: a private key counts only with
//! a line of its body, a token only in its full length.

use aho_corasick::{AhoCorasick, MatchKind};

/// Secrets that are listed at most.
pub(crate) const MOST: usize = 1000;
/// Beginnings in one file that are looked at.
const CANDIDATES: usize = 10_000;

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $text:literal, [$($begin:literal),+], $check:expr;)+) => {
        /// A kind of secret.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind { $($(#[$meta])* $name,)+ }

        impl Kind {
            /// What it is called.
            pub(crate) const fn text(self) -> &'static str { match self { $(Self::$name => $text,)+ } }
            fn follows(self, rest: &[u8]) -> bool {
                let check: fn(&[u8]) -> bool = match self { $(Self::$name => $check,)+ };
                check(rest)
            }
        }

        /// What each begins with.
        const BEGINNINGS: &[(&str, Kind)] = &[$($(($begin, Kind::$name),)+)+];
    };
}

kinds! {
    PrivateKey = "private key (PEM)", ["-----BEGIN "], is_key;
    Aws = "AWS access key id", ["AKIA", "ASIA"], |rest| token(rest, 16, 16, |b| b.is_ascii_uppercase() || b.is_ascii_digit());
    GitHub = "GitHub token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], |rest| token(rest, 36, 255, |b| b.is_ascii_alphanumeric());
    GitHubFine = "GitHub fine-grained token", ["github_pat_"], |rest| token(rest, 82, 255, is_word);
    GitLab = "GitLab token", ["glpat-"], |rest| token(rest, 20, 300, |b| is_word(b) || b == b'-' || b == b'.');
    Slack = "Slack token", ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-"], |rest| rest.first().is_some_and(u8::is_ascii_digit) && token(rest, 24, 300, |b| b.is_ascii_alphanumeric() || b == b'-');
    Google = "Google API key", ["AIza"], |rest| token(rest, 35, 35, |b| is_word(b) || b == b'-');
    Stripe = "Stripe secret key", ["sk_live_", "rk_live_"], |rest| token(rest, 24, 255, |b| b.is_ascii_alphanumeric());
    Npm = "npm token", ["npm_"], |rest| token(rest, 36, 36, |b| b.is_ascii_alphanumeric());
    Vault = "HashiCorp Vault token", ["hvs."], |rest| token(rest, 90, 400, |b| is_word(b) || b == b'-');
    PyPi = "PyPI token", ["pypi-AgEIcHlwaS5vcmc"], |rest| token(rest, 50, 1000, |b| is_word(b) || b == b'-');
    RegistryLogin = "registry login (base64 in a Docker configuration)", ["\"auth\""], is_login;
    NpmLogin = "npm login", ["_authToken="], |rest| token(rest, 8, 1000, |b| b.is_ascii_graphic() && b != b'$');
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether so many of such bytes follow, and then no more of a word.
fn token(rest: &[u8], least: usize, most: usize, is: impl Fn(u8) -> bool) -> bool {
    let length = rest
        .iter()
        .take(most + 1)
        .take_while(|byte| is(**byte))
        .count();
    (least..=most).contains(&length) && !rest.get(length).copied().is_some_and(is_word)
}

/// Whether the rest of the line names a private key, and a line of it follows.
fn is_key(rest: &[u8]) -> bool {
    const LABEL_MAX: usize = 40;
    let label = &rest[..rest.len().min(LABEL_MAX)];
    let Some(end) = label.windows(5).position(|five| five == b"-----") else {
        return false;
    };
    if !label[..end].ends_with(b"PRIVATE KEY") && !label[..end].ends_with(b"PRIVATE KEY BLOCK") {
        return false;
    }
    // In JSON and in configuration, line feeds are written as two letters.
    let mut body = &rest[end + 5..];
    loop {
        body = match body {
            [b'\r' | b'\n' | b' ' | b'\t', rest @ ..] => rest,
            [b'\\', b'n' | b'r', rest @ ..] => rest,
            _ => break,
        };
    }
    let header = [&b"Proc-Type:"[..], b"Version:", b"Comment:"];
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let length = body
        .iter()
        .take(64)
        .take_while(|byte| is_base64(**byte))
        .count();
    length >= 40 || header.iter().any(|start| body.starts_with(start))
}

fn is_login(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b":") else {
        return false;
    };
    let Some(rest) = rest.trim_ascii_start().strip_prefix(b"\"") else {
        return false;
    };
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let length = rest.iter().take(4096).take_while(is_base64).count();
    length >= 8 && rest.get(length) == Some(&b'"')
}

/// Looks for secrets.
pub(crate) struct Search(Option<AhoCorasick>);

impl Default for Search {
    fn default() -> Self {
        // It is built of constants; a test does so.
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostFirst);
        Self(
            builder
                .build(BEGINNINGS.iter().map(|(begin, _)| begin))
                .ok(),
        )
    }
}

impl Search {
    /// The kinds that a file holds, and whether all of it was searched.
    pub(crate) fn find(&self, name: &[u8], bytes: &[u8]) -> (Vec<Kind>, bool) {
        let mut found = Vec::new();
        let Some(automaton) = &self.0 else {
            return (found, false);
        };
        let mut all = automaton.find_iter(bytes);
        for at in all.by_ref().take(CANDIDATES) {
            let (_, kind) = BEGINNINGS[at.pattern().as_usize()];
            let before = at.start().checked_sub(1).map(|before| bytes[before]);
            let is_begin = !before.is_some_and(is_word);
            // Elsewhere the word is used for many things.
            let is_place = match kind {
                Kind::RegistryLogin => is_docker(name),
                _ => true,
            };
            if is_begin && is_place && !found.contains(&kind) && kind.follows(&bytes[at.end()..]) {
                found.push(kind);
            }
        }
        found.sort_unstable();
        (found, all.next().is_none())
    }
}

fn is_docker(name: &[u8]) -> bool {
    name.ends_with(b".docker/config.json")
        || name.ends_with(b".dockercfg")
        || name.ends_with(b".dockerconfigjson")
        || name.ends_with(b"containers/auth.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str, text: &str) -> Vec<Kind> {
        let (found, is_whole) = Search::default().find(name.as_bytes(), text.as_bytes());
        assert!(is_whole);
        found
    }

    #[test]
    fn secrets_are_told_from_what_speaks_of_them() {
        assert!(Search::default().0.is_some());
        let body = "A".repeat(64);
        let letters = |count| "aB3".chars().cycle().take(count).collect::<String>();
        for (text, kind) in [
            (
                format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n"),
                Kind::PrivateKey,
            ),
            (
                format!("-----BEGIN OPENSSH PRIVATE KEY-----\r\n{body}"),
                Kind::PrivateKey,
            ),
            (
                format!("{{\"key\": \"-----BEGIN PRIVATE KEY-----\\n{body}"),
                Kind::PrivateKey,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED".into(),
                Kind::PrivateKey,
            ),
            ("id=AKIAABCDEFGHIJKLMNOP\n".into(), Kind::Aws),
            (format!("x ghp_{} y", letters(36)), Kind::GitHub),
            (format!("github_pat_{}", letters(82)), Kind::GitHubFine),
            (format!("glpat-{}", letters(20)), Kind::GitLab),
            (format!("xoxb-1{}", letters(40)), Kind::Slack),
            (format!("AIza{}", letters(35)), Kind::Google),
            (format!("sk_live_{}", letters(24)), Kind::Stripe),
            (format!("npm_{}", letters(36)), Kind::Npm),
            (
                format!("//r/:_authToken={}", "0f".repeat(8)),
                Kind::NpmLogin,
            ),
        ] {
            assert_eq!(find("x", &text), [kind], "{text}");
        }
        let login = "{\"auths\": {\"r\": {\"auth\" : \"dXNlcjpwYXNz\"}}}";
        assert_eq!(
            find("root/.docker/config.json", login),
            [Kind::RegistryLogin]
        );
        for text in [
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "AKIAABCDEFGHIJKLMNOPQ",
            "xAKIAABCDEFGHIJKLMNOP",
            "AKIAabcdefghijklmnop",
            "ghp_short",
            "//r/:_authToken=${NPM_TOKEN}",
            login,
            "",
        ] {
            assert_eq!(find("x", text), [], "{text}");
        }
    }

    #[test]
    fn many_beginnings_take_bounded_time_and_are_told() {
        let search = |count| Search::default().find(b"x", "-----BEGIN ".repeat(count).as_bytes());
        assert_eq!(search(10_000), (vec![], true));
        assert_eq!(search(90_000), (vec![], false));
    }
}
