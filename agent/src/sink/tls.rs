//! How a receiver is known, and who it lets in.
//!
//! The files are read for each connection, so renewed certificates need no restart. There is no
//! switch that accepts any certificate: whoever can answer in the receiver's place would get
//! every report, and could say that it has them.

use super::outcome::{Kind, Problem};
use crate::config::sinks::Tls;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;

fn wrong(detail: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem::new(Kind::Misconfigured, detail, remedy)
}

/// What a connection needs that may speak these protocols (ALPN), or whatever where there are none.
///
/// # Errors
/// Names the file, and what would be right.
pub fn client(tls: &Tls, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, Problem> {
    let builder = ClientConfig::builder_with_provider(crate::tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string(), ""))?
        .with_root_certificates(authorities(tls.ca.as_deref())?);
    let mut config =
        match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let private = crate::tls::private_key(key).map_err(|error| {
                    wrong(
                        error,
                        "`tls.key` names a file of one in PEM, readable for the agent's user",
                    )
                })?;
                builder.with_client_auth_cert(chain, private).map_err(|error| {
                let (certificate, key) = (certificate.display(), key.display());
                wrong(
                    format!("{certificate} and {key} do not go together: {error}"),
                    "`tls.key` must be the key of the first certificate in `tls.certificate`",
                )
            })?
            }
            _ => builder.with_no_client_auth(),
        };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// The name that the receiver's certificate must have.
///
/// # Errors
/// When the host of the address can be in no certificate.
pub fn server_name(tls: &Tls, host: &str) -> Result<ServerName<'static>, Problem> {
    let name = tls.server_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned()).map_err(|_| {
        wrong(
            format!("`{name}` can be in no certificate"),
            "set `tls.serverName` to a name that is",
        )
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
    crate::tls::certificates(path).map_err(|error| {
        wrong(
            error,
            "it must be a file of them in PEM, readable for the agent's user",
        )
    })
}

fn authorities(given: Option<&Path>) -> Result<RootCertStore, Problem> {
    let path = match given {
        Some(path) => path.to_path_buf(),
        None => crate::tls::system().ok_or_else(|| {
            wrong(
                "this system has no file of authorities",
                "name one in `tls.ca`, or install the package ca-certificates",
            )
        })?,
    };
    crate::tls::authorities(&path).map_err(|error| {
        wrong(
            error,
            "`tls.ca` must hold certificates of authorities in PEM, readable for the agent's user",
        )
    })
}

/// Whether it is TLS that failed, not what is below it.
#[must_use]
pub fn is_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some()
}

/// Why a connection with TLS failed, and what could be done.
#[must_use]
pub fn problem(error: &io::Error, tls: &Tls) -> Problem {
    use rustls::{AlertDescription as Alert, Error};
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let Some(inner) = inner else {
        return Problem::new(
            Kind::Unreachable,
            format!("the connection broke while it was encrypted: {error}"),
            "does the receiver speak TLS there?",
        );
    };
    let authorities = match &tls.ca {
        Some(path) => path.display().to_string(),
        None => "the system's authorities".to_owned(),
    };
    let remedy = match inner {
        Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "nobody in {authorities} vouches for the receiver: is it the right one? \
                 Then put its authority's certificate into the file of `tls.ca`"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "set `tls.serverName` to a name in the receiver's certificate, if it is the right one"
                    .to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the receiver needs a new certificate; or this host's clock is wrong".to_owned()
            }
            _ => "the receiver needs another certificate".to_owned(),
        },
        Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnknownCA
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate
            | Alert::AccessDenied
            | Alert::HandshakeFailure,
        ) => match &tls.certificate {
            Some(path) => format!("the receiver does not let {} in", path.display()),
            None => "the receiver wants a certificate: `tls.certificate` and `tls.key`".to_owned(),
        },
        Error::InvalidMessage(_) => "does the receiver speak TLS there?".to_owned(),
        _ => String::new(),
    };
    Problem::new(Kind::Misconfigured, format!("TLS: {inner}"), remedy)
}
