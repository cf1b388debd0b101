//! Certificates of an authority of the tests' own, as files.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    SanType,
};
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a certificate and its key.
pub struct Pair {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Who vouches.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
    name: String,
}

impl Authority {
    /// A new one, which has its files in a folder.
    pub fn new(folder: &Path, name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(vec![])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let authority = Self {
            issuer,
            folder: folder.to_path_buf(),
            name: name.to_owned(),
        };
        fs::write(authority.file("ca.pem"), authority.issuer.pem())?;
        Ok(authority)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}-{name}", self.name))
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// For a server with an address or a name.
    pub fn server(&self, address: &str) -> Result<Pair> {
        self.issue("server", &CertificateParams::new(vec![address.to_owned()])?)
    }

    /// For a client with a URI.
    pub fn client(&self, uri: &str) -> Result<Pair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
        let file: String = uri.chars().filter(char::is_ascii_alphanumeric).collect();
        self.issue(&file, &params)
    }

    /// For one that is server and client, with these names: addresses, URIs or DNS names.
    pub fn member(&self, file: &str, names: &[&str]) -> Result<Pair> {
        let (uris, others): (Vec<&str>, Vec<&str>) =
            names.iter().partition(|name| name.contains("://"));
        let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(others)?;
        params.distinguished_name = DistinguishedName::new();
        for uri in uris {
            params.subject_alt_names.push(SanType::URI(uri.try_into()?));
        }
        self.issue(file, &params)
    }

    fn issue(&self, file: &str, params: &CertificateParams) -> Result<Pair> {
        let key = KeyPair::generate()?;
        let pair = Pair {
            certificate: self.file(&format!("{file}.pem")),
            key: self.file(&format!("{file}.key")),
        };
        let certificate = params.signed_by(&key, &self.issuer)?;
        fs::write(&pair.certificate, certificate.pem())?;
        fs::write(&pair.key, key.serialize_pem())?;
        Ok(pair)
    }
}
