//! Who a client is: names that its authority put into its certificate.
//!
//! Identities are of three kinds, and a text is of one only, so that no name of one kind passes for
//! another: URIs (which have a colon behind their scheme), DNS names (in small letters), and, where a
//! certificate has neither, `CN=` and the common name of its subject. The certificate was verified
//! before it is read here.

use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Longest identity, in bytes. SPIFFE allows 2,048, and a record of who decided has 256.
pub const IDENTITY_MAX: usize = 200;
/// Most identities of one certificate that are looked at.
const IDENTITIES_MAX: usize = 16;
/// `id-at-commonName`, RFC 5280 appendix A.1.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Its identities, URIs first.
    pub identities: Vec<String>,
    /// When it expires, since the Unix epoch.
    pub expires: Duration,
}

/// Reads a certificate. Names that are too long, or hold what such names cannot, are left out.
///
/// # Errors
/// When it is no certificate.
pub fn read(certificate: &[u8]) -> Result<Presented, String> {
    let certificate = Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let body = &certificate.tbs_certificate;
    let names = body
        .get::<SubjectAltName>()
        .map_err(|error| format!("its subjectAltName cannot be read: {error}"))?
        .map(|(_, names)| names.0)
        .unwrap_or_default();
    let of = |wanted: fn(&GeneralName) -> Option<String>| names.iter().filter_map(wanted);
    let uris = of(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
        _ => None,
    });
    let hosts = of(|name| match name {
        GeneralName::DnsName(host) => Some(host.as_str().to_ascii_lowercase()),
        _ => None,
    });
    let named = uris.filter(|uri| is_uri(uri));
    let named = named.chain(hosts.filter(|host| is_host(host)));
    let mut identities: Vec<_> = named.take(IDENTITIES_MAX).collect();
    // A certificate that has names of other kinds has a common name for people to read alone.
    if names.is_empty() {
        let parts = body.subject.0.iter().flat_map(|part| part.0.iter());
        let mut common = parts
            .filter(|part| part.oid == COMMON_NAME)
            .filter_map(|part| {
                let text = match part.value.tag() {
                    Tag::Utf8String => part.value.decode_as::<Utf8StringRef>().ok()?.as_str(),
                    Tag::PrintableString => {
                        part.value.decode_as::<PrintableStringRef>().ok()?.as_str()
                    }
                    _ => return None,
                };
                Some(format!("CN={text}")).filter(|name| is_common(name))
            });
        identities.extend(common.next());
    }
    let expires = body.validity.not_after.to_unix_duration();
    Ok(Presented {
        identities,
        expires,
    })
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    text.len() <= IDENTITY_MAX
        && text.len() > scheme.len() + 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && (scheme.bytes()).all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_host(text: &str) -> bool {
    let of_these = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    (1..=IDENTITY_MAX).contains(&text.len()) && text.bytes().all(of_these)
}

fn is_common(text: &str) -> bool {
    let name = text.strip_prefix("CN=").unwrap_or_default();
    !name.trim().is_empty() && text.len() <= IDENTITY_MAX && !name.chars().any(char::is_control)
}

/// Which identities an entry of the configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// Whether all that begin so are meant; the text ends with a slash then.
    is_beginning: bool,
}

impl Pattern {
    /// Checks one. A star is sound only behind a slash of a URI's path: what comes before is then
    /// whole names of the path, under an authority that is said in full. DNS names grow at the other
    /// end.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn new(text: &str) -> Result<Self, String> {
        let shown = lapwing_profile::text::canonical(text.as_bytes());
        if let Some(start) = text.strip_suffix('*') {
            let path = start.split_once("://").and_then(|(_, rest)| {
                let (host, _) = rest.split_once('/')?;
                (!host.is_empty()).then_some(())
            });
            if path.is_none() || !start.ends_with('/') || start.contains('*') || !is_uri(start) {
                return Err(format!(
                    "the star of `{shown}` may only stand behind a slash of a URI's path, as in \
                     spiffe://example.org/ns/security/*"
                ));
            }
            return Ok(Self {
                text: start.to_owned(),
                is_beginning: true,
            });
        }
        let host = text.to_ascii_lowercase();
        let text = match text {
            _ if text.contains('*') => None,
            _ if text.starts_with("CN=") => is_common(text).then(|| text.to_owned()),
            _ if text.contains(':') => is_uri(text).then(|| text.to_owned()),
            _ => is_host(&host).then_some(host),
        };
        let Some(text) = text else {
            return Err(format!(
                "`{shown}` is no identity: take a URI as spiffe://example.org/siem, a DNS name, or \
                 CN= and a common name, of at most {IDENTITY_MAX} bytes"
            ));
        };
        Ok(Self {
            text,
            is_beginning: false,
        })
    }

    /// Whether an identity is among them.
    #[must_use]
    pub fn names(&self, identity: &str) -> bool {
        if !self.is_beginning {
            return self.text == identity;
        }
        // What a reader of the path could take for a name above this one begins elsewhere.
        let is_plain = |rest: &str| {
            !rest.contains(['%', '?', '#', '\\'])
                && !rest.split('/').any(|name| matches!(name, "" | "." | ".."))
        };
        identity.strip_prefix(&self.text).is_some_and(is_plain)
    }
}

/// Tells identities apart in names of files: 16 hexadecimal digits of their SHA-256.
#[must_use]
pub fn digest(identity: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, identity.as_bytes());
    let digits = hash.as_ref().iter().take(8);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(names: Vec<SanType>, common: Option<&str>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.not_after = rcgen::date_time_ymd(2040, 1, 2);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn names_of_one_kind_never_pass_for_another() {
        let uri = |text: &str| SanType::URI(text.try_into().unwrap());
        let host = |text: &str| SanType::DnsName(text.try_into().unwrap());
        for (names, common, expected) in [
            (
                vec![host("SIEM.example.org"), uri("spiffe://e.org/a")],
                Some("x"),
                &["spiffe://e.org/a", "siem.example.org"][..],
            ),
            (vec![], Some("siem one"), &["CN=siem one"]),
            // A common name that looks like a URI is a common name.
            (vec![], Some("spiffe://e.org/a"), &["CN=spiffe://e.org/a"]),
            (vec![], Some("a\nb"), &[]),
            (vec![], None, &[]),
            // A certificate with other names has no common name to go by.
            (
                vec![SanType::Rfc822Name("a@e.org".try_into().unwrap())],
                Some("siem"),
                &[],
            ),
            (
                vec![uri("no-scheme"), host("*.e.org"), host("CN=a")],
                Some("siem"),
                &[],
            ),
        ] {
            let found = read(&certificate(names, common)).unwrap();
            assert_eq!(found.identities, expected);
            assert_eq!(found.expires.as_secs(), 2_209_075_200);
        }
        assert!(read(b"\x30\x03\x02\x01\x01").is_err());
    }

    #[test]
    fn a_star_covers_whole_names_below() {
        for (pattern, identity, is_named) in [
            ("siem.example.org", "siem.example.org", true),
            ("SIEM.example.org", "siem.example.org", true),
            ("siem.example.org", "CN=siem.example.org", false),
            ("CN=siem", "CN=siem", true),
            ("spiffe://e.org/ns/a/*", "spiffe://e.org/ns/a/sa/b", true),
            ("spiffe://e.org/ns/a/*", "spiffe://e.org/ns/a/", false),
            ("spiffe://e.org/ns/a/*", "spiffe://e.org/ns/ab", false),
            ("spiffe://e.org/ns/a/*", "spiffe://e.org/ns/a/../b", false),
            (
                "spiffe://e.org/ns/a/*",
                "spiffe://e.org/ns/a/%2e%2e/b",
                false,
            ),
            ("spiffe://e.org/*", "spiffe://e.org.evil/a", false),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.names(identity), is_named, "{pattern:?} {identity}");
        }
        for wrong in [
            "",
            "*",
            "a*",
            "*.e.org",
            "a*b",
            "spiffe://*",
            "spiffe:///*",
            "spiffe://e.org*",
            "spiffe://e.org/a*",
            "spiffe://e.org/*/*",
            "CN=",
            "CN=*",
            "a b",
            "spiffe://e.org/a b",
        ] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }
}
