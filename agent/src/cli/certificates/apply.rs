//! `lapwing certificates --apply`: the Secrets made, and renewed in time, by a job in the cluster.
//!
//! Here the authority stays, in a Secret of its own: so one certificate can be renewed without the others, and
//! who has a copy of `ca.crt` or of a client's certificate goes on. Who may read it may be anybody to agents and
//! controller; but so may who reads the controller's own Secret, beside it.
//!
//! A certificate is renewed when a third of its time is left. The authority, of ten years, is when it would not
//! outlive a new certificate. Then the next stands beside it in `ca.crt`, while what the former vouched for
//! goes on: all have the next long before one shows a certificate of it. What is due in that same run is vouched
//! for by the former once more, until that ends at the latest; and the next is kept after all have it, so that a
//! run that fails in between is one that never was.
//!
//! Only Secrets that this command made are written ([`MARK`]): others are somebody's, and end it.

use super::{Authority, Kind, Pair, params_of_authority};
use crate::api::identity;
use crate::cli::args::CertificatesArgs;
use crate::cli::{Code, Failure, Outcome};
use crate::kubernetes::Access;
use crate::kubernetes::api::Api;
use crate::tls;
use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Label of what this command made, and its value.
const MARK: (&str, &str) = ("lapwing.dev/made-by", "certificates");
/// How long an authority is valid, in days.
const AUTHORITY_DAYS: u32 = 3_650;
/// How long what it vouches for may be, so that it outlives it by far.
const DAYS_MAX: u32 = AUTHORITY_DAYS / 4;
/// How long an answer of the API may take.
const TIMEOUT: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(86_400);
/// An authority that ends sooner vouches for nothing more: all need two days to have the next.
const FORMER_MIN: Duration = Duration::from_secs(2 * 86_400);

/// Makes what is missing, renews what is due, and says which.
///
/// # Errors
/// What is wrong with the arguments, a Secret, or the API.
pub async fn run(args: &CertificatesArgs) -> Outcome {
    super::check(args)?;
    let usage = |text: String| Err(Failure::new(Code::Usage, anyhow!(text)));
    if args.days > DAYS_MAX {
        return usage(format!("--days must be {DAYS_MAX} or less with --apply"));
    }
    let access = match &args.kubeconfig {
        None => Access::Auto,
        Some(path) => Access::File(path.clone()),
    };
    if !access.is_open() {
        let text = "--apply needs the API of the cluster: run it in a pod with a service account, or add --kubeconfig";
        return usage(text.to_owned());
    }
    let failed = |error| Failure::new(Code::Failed, error);
    let api = Api::new(access.reach(), TIMEOUT);
    let connected = api.connect().await;
    connected.map_err(|failure| failed(anyhow!(failure.text)))?;
    let done = renew(&api, args, UnixTime::now()).await.map_err(failed)?;
    for line in &done {
        println!("{line}");
    }
    if done.is_empty() {
        println!("all certificates are good");
    }
    Ok(())
}

/// A Secret, and what is to be in it.
struct Secret {
    path: String,
    name: String,
    /// As it is; none if there is none.
    object: Option<Value>,
}

impl Secret {
    async fn read(api: &Api, namespace: &str, name: &str) -> Result<Self> {
        let folder = format!("/api/v1/namespaces/{namespace}/secrets");
        let object = match api.get(&format!("{folder}/{name}")).await {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).context("a Secret")?),
            Err(failure) if failure.is_missing() => None,
            Err(failure) => bail!(
                "cannot read the Secret {namespace}/{name}: {}",
                failure.text
            ),
        };
        let secret = Self {
            path: folder,
            name: name.to_owned(),
            object,
        };
        if let Some(object) = &secret.object {
            ensure!(
                object["metadata"]["labels"][MARK.0] == MARK.1,
                "the Secret {namespace}/{name} was not made by this command, and stays as it is: delete it, or keep it \
                 with `controller.certificates.mode: secrets`"
            );
        }
        Ok(secret)
    }

    /// The text under a key; empty if it is none.
    fn text(&self, key: &str) -> String {
        let encoded = self.object.as_ref().and_then(|it| it["data"][key].as_str());
        let bytes = encoded.and_then(|text| BASE64_STANDARD.decode(text).ok());
        bytes
            .and_then(|it| String::from_utf8(it).ok())
            .unwrap_or_default()
    }

    /// Has it hold these.
    async fn write(
        &self,
        api: &Api,
        args: &CertificatesArgs,
        ca: &str,
        pair: (&str, &str),
    ) -> Result<()> {
        let encoded = |text: &str| BASE64_STANDARD.encode(text);
        let data =
            json!({"ca.crt": encoded(ca), "tls.crt": encoded(pair.0), "tls.key": encoded(pair.1)});
        let written = match &self.object {
            None => {
                let object = json!({
                    "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                    "metadata": {"name": self.name, "namespace": args.namespace, "labels": {
                        "app.kubernetes.io/part-of": "lapwing", MARK.0: MARK.1,
                    }},
                    "data": data,
                });
                api.create(&self.path, object.to_string().into_bytes())
                    .await
            }
            Some(object) => {
                let mut object = object.clone();
                object["data"] = data;
                let target = format!("{}/{}", self.path, self.name);
                // If somebody else wrote it meanwhile it is refused, and tried again by whoever ran this.
                api.replace(&target, object.to_string().into_bytes()).await
            }
        };
        let what = |text| {
            anyhow!(
                "cannot write the Secret {}/{}: {text}",
                args.namespace,
                self.name
            )
        };
        written.map(drop).map_err(|failure| what(failure.text))
    }
}

/// Makes what is missing and renews what is due at this time. Answers what was done.
async fn renew(api: &Api, args: &CertificatesArgs, now: UnixTime) -> Result<Vec<String>> {
    let namespace = &args.namespace;
    let own = Secret::read(api, namespace, &format!("{}-authority", args.name)).await?;
    let mut secrets = Vec::new();
    for kind in Kind::ALL {
        // All are looked at before one is written.
        secrets.push((
            kind,
            Secret::read(api, namespace, &args.secret(kind)).await?,
        ));
    }
    let mut done = Vec::new();
    let days = DAY * args.days;
    let mut next = None;
    let (authority, ca, valid) = match standing(&own, now, 2 * days) {
        Some(authority) => (authority, own.text("ca.crt"), args.days),
        None => {
            let made = Authority::make(AUTHORITY_DAYS)?;
            // What the former vouched for goes on until it is renewed.
            let former = certificates(&own.text("tls.crt"));
            let left = former
                .first()
                .map_or(0, expires)
                .saturating_sub(now.as_secs());
            let ca = match left {
                0 => made.certificate.clone(),
                _ => made.certificate.clone() + &own.text("tls.crt"),
            };
            let left = u32::try_from(left / DAY.as_secs()).unwrap_or(u32::MAX);
            match standing(&own, now, FORMER_MIN) {
                Some(former) => {
                    next = Some(made);
                    (former, ca, args.days.min(left))
                }
                // It is that of all from now on: nobody else can vouch.
                None => {
                    keep(api, args, &own, &made, &ca).await?;
                    done.push(kept(&own));
                    (made, ca, args.days)
                }
            }
        }
    };
    let due = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + days / 3);
    for (kind, secret) in secrets {
        let names = kind.names(args);
        let (certificate, key) = (secret.text("tls.crt"), secret.text("tls.key"));
        if is_good(kind, (&certificate, &key), &ca, &names, due) {
            if secret.text("ca.crt") != ca {
                secret.write(api, args, &ca, (&certificate, &key)).await?;
                done.push(format!(
                    "the authority in the Secret {} is another",
                    secret.name
                ));
            }
            continue;
        }
        let Pair {
            certificate, key, ..
        } = authority.issue(kind, &names, valid)?;
        secret.write(api, args, &ca, (&certificate, &key)).await?;
        done.push(format!(
            "the certificate in the Secret {} is new",
            secret.name
        ));
    }
    if let Some(next) = next {
        keep(api, args, &own, &next, &ca).await?;
        done.push(kept(&own));
    }
    Ok(done)
}

fn kept(own: &Secret) -> String {
    format!("a new authority is in the Secret {}", own.name)
}

/// Has the authority of the next runs be this one.
async fn keep(
    api: &Api,
    args: &CertificatesArgs,
    own: &Secret,
    authority: &Authority,
    ca: &str,
) -> Result<()> {
    let key = authority.issuer.key().serialize_pem();
    own.write(api, args, ca, (&authority.certificate, &key))
        .await
}

fn certificates(text: &str) -> Vec<CertificateDer<'static>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    read.unwrap_or_default()
}

/// When it expires, in seconds; 0 for what is none.
fn expires(certificate: &CertificateDer<'_>) -> u64 {
    identity::read(certificate).map_or(0, |it| it.expires.as_secs())
}

/// Whether key and certificate, of which the first counts, go together.
fn go_together(certificate: &str, key: &str) -> bool {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    key.is_ok_and(|key| {
        CertifiedKey::from_der(certificates(certificate), key, &tls::provider()).is_ok()
    })
}

/// The authority of a Secret, if it is one and will be for so long.
fn standing(secret: &Secret, now: UnixTime, long: Duration) -> Option<Authority> {
    let (certificate, key) = (secret.text("tls.crt"), secret.text("tls.key"));
    let until = expires(certificates(&certificate).first()?);
    let stands = until > now.as_secs() + long.as_secs()
        && secret.text("ca.crt").starts_with(&certificate)
        && go_together(&certificate, &key);
    stands
        .then(|| KeyPair::from_pem(&key).ok())
        .flatten()
        .map(|key| Authority {
            certificate,
            issuer: Issuer::new(params_of_authority(), key),
        })
}

/// Whether a certificate is what it should be, and will be at this time.
fn is_good(
    kind: Kind,
    (certificate, key): (&str, &str),
    ca: &str,
    names: &[String],
    at: UnixTime,
) -> bool {
    let chain = certificates(certificate);
    let Some(first) = chain.first() else {
        return false;
    };
    let has_names = identity::read(first).is_ok_and(|it| it.identities == names);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(ca));
    let roots = Arc::new(roots);
    let serves = |name: &str| {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), tls::provider());
        let (Ok(verifier), Ok(name)) = (verifier.build(), ServerName::try_from(name)) else {
            return false;
        };
        verifier
            .verify_server_cert(first, &[], &name, &[], at)
            .is_ok()
    };
    let asks = || {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), tls::provider());
        verifier
            .build()
            .is_ok_and(|it| it.verify_client_cert(first, &[], at).is_ok())
    };
    has_names
        && go_together(certificate, key)
        && match kind {
            Kind::Agent => serves(&names[0]),
            Kind::Controller => serves("localhost") && asks(),
            Kind::Client => asks(),
        }
}

#[cfg(test)]
mod tests;
