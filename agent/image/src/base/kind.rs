//! Kinds of bases, by what they contain.

use serde::Serialize;

/// A kind of base, the smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Nothing at all.
    Scratch,
    /// Certificates, time zones, users and `/tmp`.
    Static,
    /// musl and nothing else: what `Static` has is brought along.
    Musl,
    /// What `Static` has, and glibc.
    Glibc,
    /// These, and OpenSSL's libraries.
    Base,
    /// These, and the libraries of GCC.
    Cc,
    /// These, and the runtime of a language.
    Runtime,
    /// A shell and a package manager.
    Slim,
    /// Nobody knows.
    Unknown,
}

/// A language whose programs need a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Language {
    /// Python.
    Python,
    /// Node.js.
    Node,
    /// Java.
    Java,
    /// .NET.
    Dotnet,
    /// Ruby.
    Ruby,
    /// Perl.
    Perl,
    /// PHP.
    Php,
}

/// Programs, or the beginnings of libraries, that a runtime goes by.
const RUNTIMES: &[(&str, Language)] = &[
    ("python", Language::Python),
    ("pypy", Language::Python),
    ("node", Language::Node),
    ("nodejs", Language::Node),
    ("java", Language::Java),
    ("dotnet", Language::Dotnet),
    ("ruby", Language::Ruby),
    ("perl", Language::Perl),
    ("php", Language::Php),
    ("php-fpm", Language::Php),
    ("php-cgi", Language::Php),
];
const EMBEDDED: &[(&str, Language)] = &[
    ("libpython", Language::Python),
    ("libnode.", Language::Node),
    ("libjvm.", Language::Java),
    ("libcoreclr.", Language::Dotnet),
    ("libruby", Language::Ruby),
    ("libperl.", Language::Perl),
    ("libphp", Language::Php),
];

/// Packages that bases of a kind may have; those of the kinds before it too. A star stands for what follows. With
/// musl that is Alpine's, so what [`Kind::Static`] has is not counted as gone.
const PACKAGES: &[(Kind, &[&str])] = &[
    (
        Kind::Static,
        &[
            "alpine-baselayout*",
            "alpine-keys",
            "alpine-release",
            "base-files",
            "ca-certificates*",
            "media-types",
            "netbase",
            "tzdata*",
            "wolfi-baselayout",
            "wolfi-keys",
        ],
    ),
    (Kind::Musl, &["musl"]),
    (
        Kind::Glibc,
        &[
            "glibc*",
            "ld-linux*",
            "libc-bin",
            "libc6",
            "libcrypt1",
            "libxcrypt",
        ],
    ),
    (
        Kind::Base,
        &["libcrypto*", "libssl*", "libzstd*", "openssl*", "zlib*"],
    ),
    (
        Kind::Cc,
        &["gcc-*-base", "libgcc*", "libgomp*", "libstdc++*"],
    ),
];

/// Libraries by the beginnings of their names, and the smallest base that has them.
const LIBRARIES: &[(Kind, &[&str])] = &[
    (Kind::Musl, &["ld-musl-", "libc.musl-"]),
    (
        Kind::Glibc,
        &[
            "ld-linux",
            "ld64.so",
            "libBrokenLocale.so",
            "libanl.so",
            "libc.so.6",
            "libdl.so.2",
            "libm.so.6",
            "libmvec.so",
            "libnss_compat.so",
            "libnss_dns.so",
            "libnss_files.so",
            "libnss_hesiod.so",
            "libpthread.so.0",
            "libresolv.so.2",
            "librt.so.1",
            "libthread_db.so",
            "libutil.so.1",
        ],
    ),
    (Kind::Base, &["libcrypto.so", "libssl.so"]),
    (Kind::Cc, &["libgcc_s.so", "libgomp.so", "libstdc++.so"]),
];

impl Kind {
    /// As it is called.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Static => "static",
            Self::Musl => "musl",
            Self::Glibc => "glibc",
            Self::Base => "base",
            Self::Cc => "cc",
            Self::Runtime => "runtime",
            Self::Slim => "slim",
            Self::Unknown => "unknown",
        }
    }

    /// What bases of the kind contain.
    #[must_use]
    pub const fn contains(self) -> &'static str {
        match self {
            Self::Scratch => "nothing at all",
            Self::Static => {
                "CA certificates, time zones, /etc/passwd and /tmp; neither a libc nor a shell"
            }
            Self::Musl => {
                "musl alone, which is loader and libc in one: no certificates, time zones, users or /tmp, no shell and no \
                 package manager"
            }
            Self::Glibc => {
                "CA certificates, time zones, /etc/passwd, /tmp and glibc; neither OpenSSL nor a shell"
            }
            Self::Base => {
                "CA certificates, time zones, /etc/passwd, /tmp, glibc and OpenSSL's libraries; no shell"
            }
            Self::Cc => {
                "CA certificates, time zones, /etc/passwd, /tmp, glibc, OpenSSL's libraries, libgcc, libgomp and \
                 libstdc++; no shell"
            }
            Self::Runtime => {
                "the runtime of a language and what that needs; neither a shell nor a package manager"
            }
            Self::Slim => {
                "a shell and the package manager of the distribution, without documentation and most tools"
            }
            Self::Unknown => "not known",
        }
    }

    /// Whether bases of the kind may have a package: if not, it goes.
    pub(super) fn may_have(self, package: &str) -> bool {
        // What a runtime needs differs, and is in libraries and packages of its language.
        if self == Self::Runtime && !package.starts_with("apt") {
            let words = [
                "jdk", "jre", "openjdk", "readline", "ncurses", "sqlite", "expat", "libs",
            ];
            let of_language = RUNTIMES.iter().map(|(word, _)| *word);
            let mut all = words.into_iter().chain(of_language);
            if package.starts_with("lib") || all.any(|word| package.contains(word)) {
                return true;
            }
        }
        let is_one = |one: &&str| match one.split_once('*') {
            Some((start, end)) => package.starts_with(start) && package.ends_with(end),
            None => package == *one,
        };
        // Chainguard's with glibc have GCC's libraries and no OpenSSL, distroless the other way round.
        let has = |kind: Kind| {
            kind <= self || kind == Self::Cc && matches!(self, Self::Glibc | Self::Base)
        };
        { PACKAGES.iter() }
            .filter(|(kind, _)| has(*kind))
            .any(|(_, all)| all.iter().any(is_one))
    }

    /// The smallest base that has a library of a name; `None` where none has.
    pub(super) fn of_library(name: &str) -> Option<Self> {
        let is = |all: &&[&str]| all.iter().any(|start| name.starts_with(start));
        LIBRARIES
            .iter()
            .find(|(_, all)| is(all))
            .map(|(kind, _)| *kind)
    }
}

impl Language {
    /// Of the runtime that a program is, or that a library holds.
    pub(super) fn of(name: &str, is_program: bool) -> Option<Self> {
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        let plain = name.trim_end_matches(digits);
        let found = match is_program {
            true => RUNTIMES.iter().find(|(word, _)| *word == plain),
            false => EMBEDDED.iter().find(|(word, _)| name.starts_with(word)),
        };
        found.map(|(_, language)| *language)
    }

    /// As it is called.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Node => "Node.js",
            Self::Java => "Java",
            Self::Dotnet => ".NET",
            Self::Ruby => "Ruby",
            Self::Perl => "Perl",
            Self::Php => "PHP",
        }
    }

    /// Images of it without a shell, and with one.
    const fn known(self) -> (&'static str, &'static str) {
        match self {
            Self::Python => (
                "distroless `python3`, Chainguard's `python`",
                "`python:*-slim`",
            ),
            Self::Node => ("distroless `nodejs`, Chainguard's `node`", "`node:*-slim`"),
            Self::Java => ("distroless `java`, Chainguard's `jre`", ""),
            Self::Dotnet => ("Chainguard's `dotnet-runtime`, .NET's chiseled images", ""),
            Self::Ruby => ("Chainguard's `ruby`", "`ruby:*-slim`"),
            Self::Perl => ("", "`perl:*-slim`"),
            Self::Php => ("Chainguard's `php`", ""),
        }
    }
}

/// Public images of a kind, by their families; none is promised to have a version.
pub(super) fn known(kind: Kind, languages: &[Language], system: Option<&str>) -> String {
    let of_languages = |slim: bool| -> Vec<&str> {
        let one = |it: &Language| if slim { it.known().1 } else { it.known().0 };
        languages
            .iter()
            .map(one)
            .filter(|it| !it.is_empty())
            .collect()
    };
    match kind {
        Kind::Scratch => "`scratch`".to_owned(),
        Kind::Static => "distroless `static`, Chainguard's `static`".to_owned(),
        Kind::Musl => "`scratch` with musl's loader and the libraries copied into it; Alpine's images have it, and \
                       BusyBox's shell and apk besides"
            .to_owned(),
        Kind::Glibc => "distroless `base-nossl`, Chainguard's `glibc-dynamic`".to_owned(),
        Kind::Base => "distroless `base`".to_owned(),
        Kind::Cc => "distroless `cc`; Chainguard's `glibc-dynamic` where OpenSSL is not needed".to_owned(),
        Kind::Runtime => match of_languages(false).join("; ") {
            none if none.is_empty() => "none that is widely known".to_owned(),
            known => known,
        },
        Kind::Slim => {
            let of_system = match system {
                Some("debian") => "`debian:*-slim`",
                Some("ubuntu") => "Ubuntu's own image, which is as small as a slim one",
                Some("alpine") => "Alpine's own image, which is small already",
                Some("wolfi" | "chainguard") => "`wolfi-base`",
                Some("fedora") => "`fedora-minimal`",
                Some("rhel" | "centos" | "rocky" | "almalinux") => "`ubi-minimal`, `ubi-micro` without a package manager",
                _ => "the smallest image of the same distribution",
            };
            let mut all = match system {
                Some("debian") => of_languages(true),
                _ => Vec::new(),
            };
            all.push(of_system);
            all.join("; ")
        }
        Kind::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_go_by_what_they_contain() {
        for (name, kind) in [
            ("libc.so.6", Some(Kind::Glibc)),
            ("libnss_files.so.2", Some(Kind::Glibc)),
            ("ld-linux-x86-64.so.2", Some(Kind::Glibc)),
            ("ld-musl-x86_64.so.1", Some(Kind::Musl)),
            ("libssl.so.3", Some(Kind::Base)),
            ("libstdc++.so.6", Some(Kind::Cc)),
            ("libz.so.1", None),
            ("libcurl.so.4", None),
        ] {
            assert_eq!(Kind::of_library(name), kind, "{name}");
        }
        for (kind, package, has) in [
            (Kind::Scratch, "base-files", false),
            (Kind::Static, "tzdata-legacy", true),
            (Kind::Static, "libc6", false),
            (Kind::Glibc, "libc6", true),
            (Kind::Glibc, "libssl3", false),
            (Kind::Glibc, "libstdc++6", true),
            (Kind::Base, "libgcc-s1", true),
            (Kind::Static, "libgcc-s1", false),
            (Kind::Musl, "libgcc", false),
            (Kind::Cc, "libssl3t64", true),
            (Kind::Cc, "gcc-12-base", true),
            (Kind::Cc, "gcc-12", false),
            (Kind::Cc, "apt", false),
            (Kind::Runtime, "python3.11-minimal", true),
            (Kind::Runtime, "libffi8", true),
            (Kind::Runtime, "apt", false),
            (Kind::Runtime, "bash", false),
        ] {
            assert_eq!(kind.may_have(package), has, "{kind:?} {package}");
        }
    }

    #[test]
    fn runtimes_go_by_their_programs_and_libraries() {
        for (name, is_program, language) in [
            ("python3.11", true, Some(Language::Python)),
            ("php-fpm8.2", true, Some(Language::Php)),
            ("java", true, Some(Language::Java)),
            ("javac", true, None),
            ("node", true, Some(Language::Node)),
            ("node_exporter", true, None),
            ("libpython3.11.so.1.0", false, Some(Language::Python)),
            ("libjvm.so", false, Some(Language::Java)),
            ("libnodestuff.so", false, None),
        ] {
            assert_eq!(Language::of(name, is_program), language, "{name}");
        }
    }

    #[test]
    fn families_are_named_of_the_system_that_the_image_has() {
        let python = [Language::Python];
        assert_eq!(
            known(Kind::Slim, &python, Some("debian")),
            "`python:*-slim`; `debian:*-slim`"
        );
        assert!(!known(Kind::Slim, &python, Some("alpine")).contains("slim"));
        assert!(known(Kind::Runtime, &python, None).contains("distroless `python3`"));
        assert_eq!(
            known(Kind::Runtime, &[Language::Perl], None),
            "none that is widely known"
        );
    }
}
