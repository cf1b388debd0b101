//! The files of mutual TLS: read when they have changed, and waited for where they are not there yet.
//!
//! Files that are missing when an agent starts do not keep it from its work: in Kubernetes they come with a
//! Secret that something else makes, and what containers do until then is worth seeing. Files that are there
//! and cannot be used are a mistake that the start tells.

use crate::api::identity;
use crate::config::Files;
use crate::{clock, tls};
use anyhow::{Result, anyhow};
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Who makes the files.
const MAKERS: &str = "In Kubernetes the agents' Secret brings them, a minute or so after it is made: by the Job of \
                      the chart (`kubectl get jobs,pods -A -l app.kubernetes.io/component=certificates` says how \
                      that went), by cert-manager, or by you with `lapwing certificates`";

/// What TLS needs, as it was read.
pub struct Material {
    config: Arc<ServerConfig>,
    /// When the agent's certificate expires, since the Unix epoch.
    expires: Duration,
}

impl Material {
    /// Reads the files.
    ///
    /// # Errors
    /// The key of the file that is wrong, and what would be right.
    pub fn load(files: &Files) -> Result<Self, (&'static str, String)> {
        let [certificate, key, authority] = files.all().map(|(key, path)| {
            move |error: String| {
                let what = match key {
                    "listen.key" => "a private key",
                    "listen.clientAuthority" => "certificates of authorities",
                    _ => "certificates",
                };
                let path = path.display();
                let told = match error.contains(&*path.to_string()) {
                    true => error,
                    false => format!("{path}: {error}"),
                };
                let remedy = "in PEM, readable for the agent's user";
                (key, format!("{told}; it names a file of {what} {remedy}"))
            }
        });
        let chain = tls::certificates(&files.certificate).map_err(&certificate)?;
        let presented = identity::read(&chain[0]).map_err(&certificate)?;
        let private = tls::private_key(&files.key).map_err(&key)?;
        let roots = tls::authorities(&files.client_authority).map_err(&authority)?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider())
                .build()
                .map_err(|error| authority(error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| certificate(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, private)
            .map_err(|error| {
                let (file, of) = (files.key.display(), files.certificate.display());
                let message =
                    format!("{file} and the first certificate in {of} do not go together: {error}");
                ("listen.key", message)
            })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config: Arc::new(config),
            expires: presented.expires,
        })
    }

    fn has_expired(&self) -> bool {
        i64::try_from(self.expires.as_nanos()).is_ok_and(|expires| expires <= clock::now())
    }
}

/// By what it is seen that a file is another one: its file system, number, size and time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    let (second, nano) = (file.mtime(), file.mtime_nsec());
    Some((file.dev(), file.ino(), file.size(), second, nano))
}

/// The files, and what was read of them last that could be used.
pub(super) struct Held {
    files: Files,
    stamps: [Stamp; 3],
    /// None until all were there.
    material: Option<Material>,
    trouble: String,
}

impl Held {
    /// Reads the files.
    ///
    /// # Errors
    /// When one is missing, or cannot be used.
    pub(super) fn new(files: Files) -> Result<Self> {
        // Before they are read: a change in between is seen at the next look.
        let stamps = files.all().map(|(_, path)| stamp(path));
        let material =
            Material::load(&files).map_err(|(key, message)| anyhow!("`{key}`: {message}"))?;
        let held = Self {
            files,
            stamps,
            material: Some(material),
            trouble: String::new(),
        };
        if held.has_expired() {
            tracing::error!("{}", held.trouble());
        }
        Ok(held)
    }

    /// The same, but files that are missing may come later.
    ///
    /// # Errors
    /// When all are there, and one cannot be used.
    pub(super) fn awaited(files: Files) -> Result<Self> {
        let stamps = files.all().map(|(_, path)| stamp(path));
        let missing = files.missing();
        if missing.is_empty() {
            return Self::new(files);
        }
        let trouble = awaits(&missing);
        Ok(Self {
            files,
            stamps,
            material: None,
            trouble,
        })
    }

    /// What clients are to be met with; none until the files were there.
    pub(super) fn config(&self) -> Option<Arc<ServerConfig>> {
        let material = self.material.as_ref();
        material.map(|material| Arc::clone(&material.config))
    }

    /// Until when the certificate is valid, since the Unix epoch.
    pub(super) fn expires(&self) -> Option<Duration> {
        self.material.as_ref().map(|material| material.expires)
    }

    fn has_expired(&self) -> bool {
        self.material.as_ref().is_some_and(Material::has_expired)
    }

    /// Reads the files if they have changed.
    pub(super) fn look(&mut self) {
        let stamps = self.files.all().map(|(_, path)| stamp(path));
        if stamps == self.stamps {
            return;
        }
        self.stamps = stamps;
        if self.material.is_none() {
            let missing = self.files.missing();
            if !missing.is_empty() {
                self.trouble = awaits(&missing);
                return;
            }
        }
        let read = Material::load(&self.files)
            .map_err(|(key, message)| format!("`{key}`: {message}"))
            .and_then(|new| {
                let is_older = self.material.as_ref().is_some_and(|it| !it.has_expired());
                match new.has_expired() && is_older {
                    true => Err(format!(
                        "`listen.certificate`: {} has expired already",
                        self.files.certificate.display()
                    )),
                    false => Ok(new),
                }
            });
        match read {
            Ok(material) => {
                self.material = Some(material);
                self.trouble.clear();
                tracing::info!("the certificates of the API over TCP were read anew");
            }
            Err(error) => {
                let until = match self.material {
                    Some(_) => "until that is mended those from before are used",
                    None => "until that is mended the API does not listen on the network",
                };
                self.trouble = format!("{error}; {until}");
                tracing::error!("{}", self.trouble);
            }
        }
    }

    /// What is wrong with the files; empty if nothing is.
    pub(super) fn trouble(&self) -> String {
        match self.trouble.is_empty() && self.has_expired() {
            true => format!(
                "`listen.certificate`: {} has expired, and no client will connect: renew it; it is \
                 read without a restart",
                self.files.certificate.display()
            ),
            false => self.trouble.clone(),
        }
    }
}

/// What is said while files are waited for.
fn awaits(missing: &[(&str, &Path)]) -> String {
    let named = missing.iter();
    let named: Vec<String> = named
        .map(|(key, path)| format!("{} (`{key}`)", path.display()))
        .collect();
    let named = named.join(", ");
    format!("missing: {named}. It begins to when they are there, without a restart. {MAKERS}")
}
