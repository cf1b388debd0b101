//! The API over TCP: the section `listen`.
//!
//! Nothing of it is lax by default: without an address there is no TCP, with one there is mutual
//! TLS, and a client that no entry names may do nothing.

use super::learning::Length;
use crate::api::access::{ANONYMOUS, Rights};
use crate::api::identity::Pattern;
use crate::api::network::Material;
use serde::Deserialize;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

section! {
    /// The API over TCP.
    Listen {
        /// Address and port, as `0.0.0.0:7443`; empty for no TCP at all.
        address "address": String = String::new(),
        /// The agent's certificate, and those between it and an authority, in PEM.
        certificate "certificate": Option<PathBuf> = None,
        /// Its key.
        key "key": Option<PathBuf> = None,
        /// The authorities that vouch for clients.
        client_authority "clientAuthority": Option<PathBuf> = None,
        /// Whether there is neither TLS nor a name of who calls.
        insecure "insecure": bool = false,
        /// Connections at a time.
        connections "connections": usize = 1024,
        /// How long a client may take until it is known.
        handshake_timeout "handshakeTimeout": Length = Length(10_000_000_000),
        /// Who may do what.
        clients "clients": Vec<Client> = Vec::new(),
    }
}

section! {
    /// What one client, or several, may do.
    Client {
        /// Who: a URI as `spiffe://example.org/siem` (or the beginning of some, up to a slash, and
        /// a star), a DNS name, or `CN=` and a common name.
        identity "identity": String = String::new(),
        /// What.
        verbs "verbs": Vec<Verb> = Vec::new(),
        /// About which namespaces; `*` for all, and for what concerns the node.
        namespaces "namespaces": Vec<String> = Vec::new(),
    }
}

/// What a client may do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Look.
    Read,
    /// Decide.
    Operate,
}

/// The files of mutual TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The agent's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities that vouch for clients.
    pub client_authority: PathBuf,
}

type Wrong = (&'static str, String);

fn wrong<T>(key: &'static str, message: impl Into<String>) -> Result<T, Wrong> {
    Err((key, message.into()))
}

impl Listen {
    /// Where it listens; `None` for no TCP.
    ///
    /// # Errors
    /// When it is no address: its key, and what would be right.
    pub fn address(&self) -> Result<Option<SocketAddr>, (&'static str, String)> {
        match self.address.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).or_else(|_| {
                wrong(
                    "listen.address",
                    format!("`{text}` is no IP address and port as `0.0.0.0:7443` or `[::]:7443`"),
                )
            }),
        }
    }

    /// The files of mutual TLS; `None` where it listens without.
    ///
    /// # Errors
    /// When some are missing: a key, and what would be right.
    pub fn files(&self) -> Result<Option<Files>, (&'static str, String)> {
        match (&self.certificate, &self.key, &self.client_authority) {
            (Some(certificate), Some(key), Some(client_authority)) if !self.insecure => {
                Ok(Some(Files {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    client_authority: client_authority.clone(),
                }))
            }
            (None, None, None) if self.insecure => Ok(None),
            _ if self.insecure => wrong(
                "listen.insecure",
                "excludes `certificate`, `key` and `clientAuthority`: leave it out for mutual TLS",
            ),
            (None, None, None) => wrong(
                "listen.address",
                format!(
                    "whoever reaches {} could read and decide everything: give `listen.certificate`, \
                     `listen.key` and `listen.clientAuthority` for mutual TLS; `listen.insecure: true` \
                     does without, and lets in everybody",
                    self.address
                ),
            ),
            (None, ..) => wrong(
                "listen.certificate",
                "is missing: mutual TLS needs `certificate`, `key` and `clientAuthority`",
            ),
            (_, None, _) => wrong(
                "listen.key",
                "is missing: mutual TLS needs `certificate`, `key` and `clientAuthority`",
            ),
            (.., None) => wrong(
                "listen.clientAuthority",
                "is missing: the file of the authorities that vouch for clients, without which \
                 nobody could be let in",
            ),
            (Some(_), Some(_), Some(_)) => Ok(None),
        }
    }

    /// Who may do what, in order.
    ///
    /// # Errors
    /// What is wrong with an entry: its key, and what would be right.
    pub fn rights(&self) -> Result<Vec<(Pattern, Rights)>, (&'static str, String)> {
        let one = |client: &Client| {
            let identity = &client.identity;
            let pattern =
                Pattern::new(identity).or_else(|message| wrong("listen.clients", message))?;
            if (identity == ANONYMOUS) != self.insecure {
                return wrong(
                    "listen.clients",
                    match self.insecure {
                        true => format!(
                            "with `listen.insecure` nobody is known as `{identity}`: the one entry \
                             is `{ANONYMOUS}`, and says what everybody may"
                        ),
                        false => format!(
                            "`{ANONYMOUS}` is who connects with `listen.insecure: true`; with \
                             mutual TLS every client has a name"
                        ),
                    },
                );
            }
            if client.verbs.is_empty() {
                return wrong(
                    "listen.clients",
                    format!("`{identity}` may do nothing: add `verbs: [read]` or [read, operate]"),
                );
            }
            if client.namespaces.is_empty() {
                return wrong(
                    "listen.clients",
                    format!("`{identity}` has no namespaces: list them, or [\"*\"] for all"),
                );
            }
            Ok((pattern, Rights::new(&client.verbs, &client.namespaces)))
        };
        self.clients.iter().map(one).collect()
    }

    /// What is wrong with a value, or with the files if they are all there: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let rights = self.rights()?;
        if !(1..=65_536).contains(&self.connections) {
            return wrong(
                "listen.connections",
                format!("{} is not between 1 and 65536", self.connections),
            );
        }
        if !(10_000_000..=300_000_000_000).contains(&self.handshake_timeout.0) {
            return wrong("listen.handshakeTimeout", "must be from 10ms to 5m");
        }
        if self.address()?.is_none() {
            return Ok(());
        }
        let files = self.files()?;
        if rights.is_empty() {
            return wrong(
                "listen.clients",
                "is empty, and nobody may do anything: add who may, as {identity: \
                 spiffe://example.org/siem, verbs: [read], namespaces: [\"*\"]}",
            );
        }
        match files {
            // Those that are missing may come later, see `look`.
            Some(files) if files.missing().is_empty() => Material::load(&files).map(drop),
            _ => Ok(()),
        }
    }

    /// Whether the files of mutual TLS are there and can be used.
    ///
    /// # Errors
    /// The key of the first that cannot, and what would be right.
    pub fn look(&self) -> Result<(), (&'static str, String)> {
        match (self.address()?, self.files()) {
            (Some(_), Ok(Some(files))) => Material::load(&files).map(drop),
            _ => Ok(()),
        }
    }

    /// Whether everybody is let in.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.insecure && !self.address.is_empty()
    }

    /// What is said where everybody is let in.
    #[must_use]
    pub fn warning(&self) -> String {
        format!(
            "INSECURE: the API listens on {} without TLS, and lets in EVERYBODY who reaches it \
             (`listen.insecure`); give `listen.certificate`, `listen.key` and \
             `listen.clientAuthority` instead",
            self.address
        )
    }
}

impl Files {
    /// All, with the keys that name them.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &Path); 3] {
        [
            ("listen.certificate", &self.certificate),
            ("listen.key", &self.key),
            ("listen.clientAuthority", &self.client_authority),
        ]
    }

    /// Those that are not there.
    #[must_use]
    pub fn missing(&self) -> Vec<(&'static str, &Path)> {
        let is_missing = |path: &Path| {
            std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
        };
        let all = self.all().into_iter();
        all.filter(|(_, path)| is_missing(path)).collect()
    }
}

#[cfg(test)]
mod tests;
