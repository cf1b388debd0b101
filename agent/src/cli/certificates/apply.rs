//! `lapwing certificates --apply`: the Secrets made, and renewed in time, by a job in the cluster.
//!
//! Here the authority stays, in a Secret of its own: so one certificate can be renewed without the others, and
//! who has a copy of `ca.crt` or of a client's certificate goes on. Who may read it may be anybody to agents and
//! controller; but so may who reads the controller's own Secret, beside it.
//!
//! A certificate is renewed when a third of its time is left. The authority, of ten years, is when it would not
//! outlive a new certificate. Then the next stands beside it in `ca.crt`, while what the former vouched for
//! goes on: all have the next long before one shows a certificate of it.
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
    let (authority, ca) = match standing(&own, now, 2 * days) {
        Some(authority) => (authority, own.text("ca.crt")),
        None => {
            let made = Authority::make(AUTHORITY_DAYS)?;
            // What the former vouched for goes on until it is renewed.
            let former = certificates(&own.text("tls.crt"));
            let is_valid = former.first().is_some_and(|it| expires(it) > now.as_secs());
            let ca = match is_valid {
                true => made.certificate.clone() + &own.text("tls.crt"),
                false => made.certificate.clone(),
            };
            let pair = (&*made.certificate, &*made.issuer.key().serialize_pem());
            own.write(api, args, &ca, pair).await?;
            done.push(format!("a new authority is in the Secret {}", own.name));
            (made, ca)
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
        } = authority.issue(kind, &names, args.days)?;
        secret.write(api, args, &ca, (&certificate, &key)).await?;
        done.push(format!(
            "the certificate in the Secret {} is new",
            secret.name
        ));
    }
    Ok(done)
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
mod tests {
    use super::*;
    use crate::kubernetes::double::Cluster;

    const FOLDER: &str = "/api/v1/namespaces/security/secrets/";

    fn args() -> CertificatesArgs {
        CertificatesArgs {
            namespace: "security".to_owned(),
            name: "lapwing".to_owned(),
            days: 90,
            folder: None,
            apply: true,
            kubeconfig: None,
            server_name: "agent.lapwing.internal".to_owned(),
            agent_secret: Some("agents".to_owned()),
            controller_secret: None,
        }
    }

    async fn api(cluster: &Cluster) -> Api {
        let api = Api::new(cluster.reach(), Duration::from_secs(5));
        api.connect().await.unwrap();
        api
    }

    fn later(days: u32) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs()) + DAY * days)
    }

    fn text(cluster: &Cluster, name: &str, key: &str) -> String {
        let object = cluster.object(&format!("{FOLDER}{name}"));
        Secret {
            path: String::new(),
            name: String::new(),
            object,
        }
        .text(key)
    }

    const ALL: [&str; 3] = ["agents", "lapwing-controller-tls", "lapwing-client-tls"];

    fn all(cluster: &Cluster, key: &str) -> Vec<String> {
        ALL.iter().map(|name| text(cluster, name, key)).collect()
    }

    #[tokio::test]
    async fn secrets_are_made_once_and_renewed_in_time_by_the_same_authority() {
        let cluster = Cluster::new();
        let api = api(&cluster).await;
        let done = renew(&api, &args(), later(0)).await.unwrap();
        assert_eq!(done.len(), 4, "{done:?}");
        let (ca, first) = (
            text(&cluster, "lapwing-authority", "ca.crt"),
            all(&cluster, "tls.crt"),
        );
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            let pair = (&*first[number], &*text(&cluster, ALL[number], "tls.key"));
            assert!(
                is_good(kind, pair, &ca, &kind.names(&args()), later(89)),
                "{kind:?}"
            );
            assert!(
                !is_good(kind, pair, &ca, &kind.names(&args()), later(91)),
                "{kind:?}"
            );
            assert_eq!(text(&cluster, ALL[number], "ca.crt"), ca);
        }
        cluster.written();
        for days in [0, 59] {
            assert!(renew(&api, &args(), later(days)).await.unwrap().is_empty());
        }
        assert_eq!(cluster.written().all, 0);
        let done = renew(&api, &args(), later(61)).await.unwrap();
        assert_eq!(done.len(), 3, "{done:?}");
        let second = all(&cluster, "tls.crt");
        assert!(
            first
                .iter()
                .zip(&second)
                .all(|(first, second)| first != second)
        );
        assert_eq!(text(&cluster, "lapwing-authority", "ca.crt"), ca);
        // What is spoilt, goes with another key, or has other names is made anew, and nothing else.
        let of = |name: &str| cluster.object(&format!("{FOLDER}{name}")).unwrap();
        let mut spoilt = of("agents");
        spoilt["data"]["tls.key"] = of("lapwing-client-tls")["data"]["tls.key"].clone();
        cluster.own(&format!("{FOLDER}agents"), spoilt);
        let done = renew(&api, &args(), later(0)).await.unwrap();
        assert_eq!(done, ["the certificate in the Secret agents is new"]);
        let other = CertificatesArgs {
            server_name: "agents.e.org".to_owned(),
            ..args()
        };
        assert_eq!(renew(&api, &other, later(0)).await.unwrap(), done);
    }

    #[tokio::test]
    async fn the_next_authority_comes_before_what_it_vouches_for() {
        let cluster = Cluster::new();
        let api = api(&cluster).await;
        let short = Authority::make(100).unwrap();
        renew(&api, &args(), later(0)).await.unwrap();
        // One that ends in a hundred days, by which all are.
        let path = format!("{FOLDER}lapwing-authority");
        let mut object = cluster.object(&path).unwrap();
        let encoded = |text: &str| json!(BASE64_STANDARD.encode(text));
        object["data"]["tls.crt"] = encoded(&short.certificate);
        object["data"]["ca.crt"] = encoded(&short.certificate);
        object["data"]["tls.key"] = encoded(&short.issuer.key().serialize_pem());
        cluster.own(&path, object);
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            let path = format!("{FOLDER}{}", ALL[number]);
            let pair = short.issue(kind, &kind.names(&args()), 90).unwrap();
            let mut object = cluster.object(&path).unwrap();
            object["data"]["tls.crt"] = encoded(&pair.certificate);
            object["data"]["tls.key"] = encoded(&pair.key);
            object["data"]["ca.crt"] = encoded(&short.certificate);
            cluster.own(&path, object);
        }
        let before = all(&cluster, "tls.crt");
        let done = renew(&api, &args(), later(0)).await.unwrap();
        assert_eq!(done.len(), 4, "{done:?}");
        assert_eq!(all(&cluster, "tls.crt"), before, "{done:?}");
        for ca in all(&cluster, "ca.crt") {
            assert_eq!(certificates(&ca).len(), 2);
            assert!(ca.ends_with(&short.certificate));
        }
        let done = renew(&api, &args(), later(61)).await.unwrap();
        assert_eq!(done.len(), 3, "{done:?}");
        let ca = text(&cluster, "lapwing-authority", "tls.crt");
        let pair = (
            &*text(&cluster, "agents", "tls.crt"),
            &*text(&cluster, "agents", "tls.key"),
        );
        assert!(is_good(
            Kind::Agent,
            pair,
            &ca,
            &Kind::Agent.names(&args()),
            later(1)
        ));
    }

    #[tokio::test]
    async fn what_somebody_else_made_stays() {
        let cluster = Cluster::new();
        let api = api(&cluster).await;
        let mine = json!({"metadata": {"name": "agents", "resourceVersion": "1"}, "data": {}});
        cluster.own(&format!("{FOLDER}agents"), mine);
        let error = renew(&api, &args(), later(0))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("security/agents was not made") && error.contains("mode: secrets"),
            "{error}"
        );
        assert_eq!(cluster.written().all, 0);
        cluster.disown(&format!("{FOLDER}agents"));
        // One that is refused after some were made is tried again, with the authority that there is by then.
        cluster.refuse_writes(503, 1);
        let error = renew(&api, &args(), later(0))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot write the Secret security/lapwing-authority"),
            "{error}"
        );
        cluster.forbid("secrets");
        let error = renew(&api, &args(), later(0))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot read the Secret") && error.contains("403"),
            "{error}"
        );
        cluster.allow();
        assert_eq!(renew(&api, &args(), later(0)).await.unwrap().len(), 4);
        let wrong = CertificatesArgs {
            days: 3_000,
            ..args()
        };
        assert_eq!(run(&wrong).await.unwrap_err().code, Code::Usage);
        // No cluster is here.
        let error = run(&args()).await.unwrap_err();
        assert!(error.to_string().contains("--kubeconfig"), "{error}");
    }
}
