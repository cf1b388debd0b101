//! Package URLs, as far as they say of which kind, name and version a package is (purl-spec), and when two such
//! are the same package.

/// What others call the kinds of packages, and what they are called here.
const KINDS: &[(&str, &str)] = &[
    ("alpm", "alpm"),
    ("apk", "apk"),
    ("bitnami", "bitnami"),
    ("cargo", "cargo"),
    ("cocoapods", "cocoapods"),
    ("composer", "composer"),
    ("conan", "conan"),
    ("conda", "conda"),
    ("cran", "cran"),
    ("deb", "deb"),
    ("docker", IMAGE),
    ("gem", "gem"),
    ("generic", "generic"),
    ("github", "github"),
    ("golang", "golang"),
    ("hackage", "hackage"),
    ("hex", "hex"),
    ("luarocks", "luarocks"),
    ("maven", "maven"),
    ("npm", "node"),
    ("nuget", "nuget"),
    ("oci", IMAGE),
    ("opam", "opam"),
    ("pub", "pub"),
    ("pypi", "python"),
    ("rpm", "rpm"),
    ("swift", "swift"),
    // Syft's, where it gives no URL.
    ("alpine", "apk"),
    ("binary", "generic"),
    ("dart-pub", "pub"),
    ("dotnet", "nuget"),
    ("go-module", "golang"),
    ("java-archive", "maven"),
    ("php-composer", "composer"),
    ("python", "python"),
    ("rust-crate", "cargo"),
];

/// The kind of what is an image and no package.
pub(crate) const IMAGE: &str = "image";
/// Of all kinds that are not known.
pub(crate) const OTHER: &str = "other";

/// How a kind is called here.
pub(crate) fn kind(of: &str) -> &'static str {
    let found = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(of));
    found.map_or(OTHER, |(_, kind)| kind)
}

/// Kinds whose packages a system installs, and lists in a database.
pub(crate) fn is_of_system(kind: &str) -> bool {
    matches!(kind, "deb" | "apk" | "rpm" | "alpm")
}

/// What a package URL says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PackageUrl {
    pub kind: &'static str,
    /// As the database of the kind has it, with what stands before it.
    pub name: String,
    /// With the epoch; empty where there is none.
    pub version: String,
    pub architecture: String,
    /// What stands behind `#`: of Go a folder of the module, or the end of its name.
    pub subpath: String,
}

/// Without its percent signs; `None` where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        out.push(match byte {
            b'%' => (digit(bytes.next())? << 4 | digit(bytes.next())?) as u8,
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

impl PackageUrl {
    /// Reads one; `None` where it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
        let (rest, subpath) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (of, path) = rest.split_once('/')?;
        let path = path.trim_matches('/');
        let last = path.rfind('/').map_or(0, |slash| slash + 1);
        // Some write the sign of a scope as it is.
        let at = path.rfind('@').filter(|at| *at > last);
        let (path, version) = at.map_or((path, ""), |at| (&path[..at], &path[at + 1..]));
        let qualifier = |key: &str| {
            let mut all = qualifiers.split('&').filter_map(|it| it.split_once('='));
            let (_, value) = all.find(|(name, _)| name.eq_ignore_ascii_case(key))?;
            decoded(value)
        };
        let path = decoded(path)?;
        let name = path.rsplit('/').next()?;
        if name.is_empty() {
            return None;
        }
        let kind = kind(of);
        let name = match (kind, path.rsplit_once('/')) {
            ("maven", Some((group, name))) => format!("{group}:{name}"),
            (kind, Some((_, name))) if is_of_system(kind) => name.to_owned(),
            _ => path,
        };
        let mut version = decoded(version)?;
        if let Some(epoch) = qualifier("epoch").filter(|epoch| epoch != "0")
            && !version.contains(':')
        {
            version = format!("{epoch}:{version}");
        }
        Some(Self {
            kind,
            name,
            version,
            architecture: qualifier("arch").unwrap_or_default(),
            subpath: decoded(subpath)?,
        })
    }
}

/// A package's name as its registry compares it.
pub(crate) fn plain_name(kind: &str, name: &str) -> String {
    match kind {
        // PEP 503.
        "python" => {
            let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
        }
        // Proxies of modules tell letters apart, and package URLs do not.
        "golang" => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    }
}

/// A version as it is compared: those of Go are written with and without what they begin with.
pub(crate) fn plain_version<'a>(kind: &str, version: &'a str) -> &'a str {
    match kind {
        "golang" => {
            let bare = version.strip_prefix("go").or(version.strip_prefix('v'));
            bare.unwrap_or(version)
        }
        "rpm" => version.strip_prefix("0:").unwrap_or(version),
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_kind_name_and_version() {
        let read = |text: &str| {
            let url = PackageUrl::read(text)?;
            Some((url.kind, url.name, url.version, url.architecture))
        };
        let is = |text: &str, kind: &'static str, name: &str, version: &str, architecture: &str| {
            let all = (kind, name.into(), version.into(), architecture.into());
            assert_eq!(read(text), Some(all), "{text}");
        };
        let bash = "pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&epoch=1&distro=rhel-9.4";
        is(bash, "rpm", "bash", "1:5.1.8-9.el9", "x86_64");
        let gcc = "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64";
        is(gcc, "deb", "libstdc++6", "12.2.0-14", "amd64");
        is("pkg:npm/%40a/b@1.0.0", "node", "@a/b", "1.0.0", "");
        is("pkg:npm/@a/b", "node", "@a/b", "", "");
        is(
            "pkg:golang/github.com/a/b@v1.0.0#c/d",
            "golang",
            "github.com/a/b",
            "v1.0.0",
            "",
        );
        let subpath = |text: &str| PackageUrl::read(text).map(|url| url.subpath);
        assert_eq!(subpath("pkg:golang/x@v1?a=b#c%2Fd").as_deref(), Some("c/d"));
        assert_eq!(subpath("pkg:golang/x@v1").as_deref(), Some(""));
        is("pkg:maven/org.x/y@1", "maven", "org.x:y", "1", "");
        is("pkg://PyPI/a_b@1%2Bx", "python", "a_b", "1+x", "");
        is("pkg:novel/x@1", "other", "x", "1", "");
        for none in [
            "",
            "a-purl-1",
            "pkg:",
            "pkg:deb",
            "pkg:deb/",
            "pkg:deb/%zz",
            "pkg:deb/a%ff",
            "pkg:golang/a#%ff",
            "pkg:deb/x/@1",
        ] {
            let url = read(none);
            assert!(url.is_none() || none == "pkg:deb/x/@1", "{none}: {url:?}");
        }
    }

    #[test]
    fn the_same_package_is_written_in_several_ways() {
        assert_eq!(plain_name("python", "Flask_Login.x"), "flask-login-x");
        assert_eq!(
            plain_name("golang", "github.com/Azure/x"),
            "github.com/azure/x"
        );
        assert_eq!(plain_name("deb", "X_y"), "X_y");
        for version in ["go1.2", "v1.2", "1.2"] {
            assert_eq!(plain_version("golang", version), "1.2");
        }
        assert_eq!(plain_version("rpm", "0:1"), "1");
        assert_eq!(plain_version("deb", "0:1"), "0:1");
    }
}
