//! Certificates, keys and authorities as files in PEM hold them, and the one provider of
//! cryptography. Errors say what is wrong with a file; who uses it knows the remedy.

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where systems keep the authorities that they trust, all in one file: Debian, Alpine and Arch;
/// Fedora and Red Hat, old and new; SUSE.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The provider, given explicitly everywhere: no process-wide default is set or needed.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The authorities that this system trusts, if it has them in one file.
#[must_use]
pub fn system() -> Option<PathBuf> {
    let mut known = SYSTEM.iter().map(PathBuf::from);
    known.find(|path| path.exists())
}

/// All certificates of a file, at least one.
///
/// # Errors
/// What is wrong with the file.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err("it holds none".to_owned()),
        Err(error) => Err(error.to_string()),
    }
    .map_err(|why| format!("no certificates in {}: {why}", path.display()))
}

/// The first private key of a file.
///
/// # Errors
/// What is wrong with the file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| format!("no private key in {}: {error}", path.display()))
}

/// The authorities of a file, at least one.
///
/// # Errors
/// What is wrong with the file.
pub fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(certificates(path)?);
    match taken {
        0 => Err(format!(
            "none of the certificates in {} can be used",
            path.display()
        )),
        _ => Ok(roots),
    }
}
