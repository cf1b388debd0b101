//! The rules without configuration: secrets that programs take as arguments.

use super::Rule;

/// A value as it stands on a command line: quoted, or a word that is no long flag.
const VALUE: &str =
    r#"(?P<value>'[^']*'|"[^"]*"|[^[:space:]-][^[:space:]]*|-[^[:space:]-][^[:space:]]*)"#;
/// The same behind `=` or `:`, where it may begin with anything.
const GIVEN: &str = r#"(?P<value>'[^']*'|"[^"]*"|[^[:space:]]+)"#;
/// The same inside of a query, a list or a JSON object, where more ends it.
const LISTED: &str = r#"(?P<secret>'[^']*'|"[^"]*"|[^[:space:]&;,}]+)"#;
/// What secrets are called; the name ends with it.
const NAMES: &str = "(?:password|passwd|passphrase|passcode|pwd|secret|token|api[_-]?key|\
    access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|auth[_-]?key|encryption[_-]?key|\
    credentials?|connection[_-]?string|sas[_-]?token|webhook[_-]?url)";

/// The rules, in the order in which they are used. What is quoted goes first, so that the quote ends
/// it; a quote that nothing closes is part of the value.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let given = [
        // Before those that would hide its first word, and with that what it is found by.
        (
            "private-key",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<value>.+?)(?:-----END|$)".to_owned(),
        ),
        ("flag", format!(r"(?i)(?:^|[[:space:]])--?[0-9A-Za-z_.-]*{NAMES}(?:=|[[:space:]]+){VALUE}")),
        (
            "assignment",
            format!(r#"(?i)(?:^|[[:space:]'"])[0-9A-Za-z_.-]*{NAMES}={GIVEN}"#),
        ),
        (
            "listed",
            format!(r#"(?i)[0-9A-Za-z_.-]*{NAMES}["']?[[:space:]]*[=:][[:space:]]*{LISTED}"#),
        ),
        (
            "authorization",
            r#"(?i)authorization["']?[[:space:]]*[:=][[:space:]]*["']?(?:(?:bearer|basic|digest|token|negotiate|apikey|aws4-hmac-sha256)[[:space:]]+)?(?P<value>[^'"]+)"#.to_owned(),
        ),
        ("bearer", r"(?i)(?-u:\b)bearer[[:space:]]+(?P<secret>[0-9A-Za-z_.~+/=-]{8,})".to_owned()),
        (
            "cookie",
            format!(r#"(?i)(?:(?-u:\b)(?:set-)?cookie|(?-u:\b)x-[0-9A-Za-z_-]*(?:key|token|secret))["']?[[:space:]]*:[[:space:]]*{GIVEN}"#),
        ),
        // The user may be empty, as Redis has it, the password is up to the last `@` of the host's part.
        (
            "url",
            r#"(?i)(?-u:\b)[a-z][a-z0-9+.-]*://[^[:space:]/?#'":@]*:(?P<secret>[^[:space:]/?#'"]+)@"#.to_owned(),
        ),
        (
            "mysql",
            r"(?-u:\b)(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlcheck|mysqlsh|mariadb[0-9A-Za-z_-]*)(?-u:\b)(?:[[:space:]]+[^[:space:]|;&]+)*?[[:space:]]+-p(?P<value>[^[:space:]-][^[:space:]]*)".to_owned(),
        ),
        (
            "sshpass",
            r"(?-u:\b)sshpass(?-u:\b)(?:[[:space:]]+-[a-oq-zA-Z][^[:space:]]*)*[[:space:]]+-p[[:space:]]*(?P<value>[^[:space:]]+)".to_owned(),
        ),
        (
            "redis",
            r"(?-u:\b)(?:redis-cli|valkey-cli)(?-u:\b)(?:[[:space:]]+[^[:space:]|;&]+)*?[[:space:]]+-a[[:space:]]*(?P<value>[^[:space:]]+)".to_owned(),
        ),
        (
            "user",
            r#"(?i)(?-u:\b)(?:curl|wget|http|https|xh)(?-u:\b)(?:[[:space:]]+[^[:space:]|;&]+)*?[[:space:]]+(?:-u|-U|--user|--proxy-user|-a|--auth)(?:=|[[:space:]]*)["']?[^[:space:]:'"=-][^[:space:]:'"]*:(?P<value>[^[:space:]'"]+)"#.to_owned(),
        ),
        (
            "login",
            r"(?-u:\b)(?:docker|podman|nerdctl|helm|oc|az|skopeo|buildah|crane)(?-u:\b)(?:[[:space:]]+[^[:space:]|;&]+)*?[[:space:]]+login(?-u:\b)(?:[[:space:]]+[^[:space:]|;&]+)*?[[:space:]]+-p(?:=|[[:space:]]*)(?P<value>[^[:space:]]+)".to_owned(),
        ),
        ("openssl", r"(?-u:\b)pass:(?P<value>[^[:space:]]+)".to_owned()),
        (
            "aws",
            r"(?-u:\b)(?P<secret>(?:AKIA|ASIA|AGPA|AROA|AIDA|ANPA|ANVA)[A-Z0-9]{16})(?-u:\b)".to_owned(),
        ),
        (
            "tokens",
            r"(?-u:\b)(?P<secret>(?:gh[pousr]_[0-9A-Za-z_]{20,}|github_pat_[0-9A-Za-z_]{20,}|glpat-[0-9A-Za-z_-]{16,}|xox[abeoprs]-[0-9A-Za-z_-]{10,}|[sr]k_(?:live|test)_[0-9A-Za-z_]{10,}|AIza[0-9A-Za-z_-]{30,}|npm_[0-9A-Za-z_]{30,}|dop_v1_[0-9A-Za-z_]{30,}|hv[sb]\.[0-9A-Za-z_-]{20,}|eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*))".to_owned(),
        ),
    ];
    given
        .into_iter()
        .map(|(name, pattern)| Rule {
            name: name.to_owned(),
            pattern,
        })
        .collect()
}
