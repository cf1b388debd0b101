//! Hosts, ports and URLs.

use hyper::Uri;
use hyper::http::uri::Scheme;
use std::fmt;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address; one of version 6 without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Address {
    /// Reads `host:port`.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "must be a host and a port, as siem.example.org:6514".to_owned();
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let bare = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
            None if host.contains(':') => return Err(wrong()),
            None => host,
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if bare.is_empty() || port == 0 || !bare.bytes().all(legal) {
            return Err(wrong());
        }
        Ok(Self {
            host: bare.to_owned(),
            port,
        })
    }
}

/// Where HTTP requests go. Shown without its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether it is `https`.
    pub tls: bool,
    /// The server.
    pub address: Address,
    /// The path with the query; at least `/`.
    pub path: String,
    /// It as it was given, before anything usual was put there or behind it: this may be a secret.
    pub given: String,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Many receivers' paths and queries are their secrets.
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.address)
    }
}

impl Url {
    /// Reads one.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "must be a URL, as https://siem.example.org:8088".to_owned();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) | None => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err(
                "holds a user: secrets stand in files or the environment, never here".to_owned(),
            );
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = (uri.path_and_query()).map_or_else(|| "/".to_owned(), ToString::to_string);
        Ok(Self {
            tls,
            address: Address::parse(&format!("{}:{port}", authority.host()))
                .map_err(|_| wrong())?,
            given: path.clone(),
            path,
        })
    }

    /// With a path in place of none.
    #[must_use]
    pub fn or_path(mut self, path: &str) -> Self {
        if self.path == "/" {
            path.clone_into(&mut self.path);
        }
        self
    }

    /// With a path behind what it has.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        self.path = format!("{}/{path}", self.path.trim_end_matches('/'));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("siem:6514", Some("siem:6514")),
            ("[::1]:514", Some("[::1]:514")),
            ("10.0.0.1:1", Some("10.0.0.1:1")),
            ("siem", None),
            ("siem:0", None),
            (":514", None),
            ("::1:514", None),
            ("a b:514", None),
            ("siem:70000", None),
        ] {
            let found = Address::parse(text).ok().map(|it| it.to_string());
            assert_eq!(found.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn urls() {
        for (text, shown, path) in [
            ("https://h", "https://h:443", "/"),
            ("http://h:1/s3cret?key=1", "http://h:1", "/s3cret?key=1"),
            ("https://[::1]:9/x", "https://[::1]:9", "/x"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.path.as_str()), (shown, path));
        }
        for text in ["h:1", "ftp://h/", "https://", "https://u:p@h/", "//h", ""] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
        let url = Url::parse("https://h/base/").unwrap();
        assert_eq!(url.clone().below("_bulk").path, "/base/_bulk");
        assert_eq!(url.clone().or_path("/x").path, "/base/");
        assert_eq!(url.below("_bulk").given, "/base/");
    }
}
