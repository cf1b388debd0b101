//! `lapwing certificates`: those by which a controller, agents and clients know each other.
//!
//! One authority vouches for three: `agent`, which all agents share, as the controller knows them by one
//! name; `controller`, a server to clients and a client to agents; and `client`, for a person or a SIEM. Its
//! key is thrown away, unless a job in the cluster is to [renew](apply) them. What is to live longer, or to be apart for each client, is for cert-manager or another
//! authority.

pub mod apply;

use super::args::CertificatesArgs;
use super::{Code, Failure, Outcome};
use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Who the controller is to agents.
pub const CONTROLLER: &str = "spiffe://lapwing.internal/controller";
/// Who the client is to the controller.
pub const CLIENT: &str = "spiffe://lapwing.internal/client";
/// How far clocks may be behind.
const BEFORE: Duration = Duration::from_secs(3600);

/// One certificate and its key, in PEM.
pub(super) struct Pair {
    kind: Kind,
    certificate: String,
    key: String,
}

/// Whose a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Agent,
    Controller,
    Client,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Agent, Self::Controller, Self::Client];

    const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Controller => "controller",
            Self::Client => "client",
        }
    }

    /// The names in its certificate: URIs, and DNS names.
    fn names(self, args: &CertificatesArgs) -> Vec<String> {
        let service = format!("{}-controller", args.name);
        let namespace = &args.namespace;
        match self {
            Self::Agent => vec![args.server_name.clone()],
            Self::Controller => vec![
                CONTROLLER.to_owned(),
                service.clone(),
                format!("{service}.{namespace}"),
                format!("{service}.{namespace}.svc"),
                format!("{service}.{namespace}.svc.cluster.local"),
                // Through `kubectl port-forward`.
                "localhost".to_owned(),
            ],
            Self::Client => vec![CLIENT.to_owned()],
        }
    }

    fn usages(self) -> Vec<ExtendedKeyUsagePurpose> {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        match self {
            Self::Agent => vec![ServerAuth],
            Self::Controller => vec![ServerAuth, ClientAuth],
            Self::Client => vec![ClientAuth],
        }
    }
}

impl CertificatesArgs {
    /// The name of a Secret.
    fn secret(&self, kind: Kind) -> String {
        let given = match kind {
            Kind::Agent => &self.agent_secret,
            Kind::Controller => &self.controller_secret,
            Kind::Client => &None,
        };
        let known = || format!("{}-{}-tls", self.name, kind.name());
        given.clone().unwrap_or_else(known)
    }
}

/// Who vouches for all.
pub(super) struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn make(days: u32) -> Result<Self> {
        let key = KeyPair::generate()?;
        let params = valid(params_of_authority(), days);
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    fn issue(&self, kind: Kind, names: &[String], days: u32) -> Result<Pair> {
        let mut params = valid(params(&format!("Lapwing {}", kind.name())), days);
        for name in names {
            params.subject_alt_names.push(match name.contains("://") {
                true => SanType::URI(name.as_str().try_into()?),
                false => SanType::DnsName(name.as_str().try_into()?),
            });
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = kind.usages();
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair {
            kind,
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// Prints them, or writes them into a folder.
pub fn run(args: &CertificatesArgs) -> Outcome {
    check(args)?;
    let failed = |error| Failure::new(Code::Failed, error);
    let (authority, pairs) = make(args).map_err(failed)?;
    match &args.folder {
        Some(folder) => write(folder, &authority, &pairs).map_err(failed),
        None => {
            let mut out = std::io::stdout().lock();
            for pair in &pairs {
                print(&mut out, args, &authority, pair)?;
            }
            Ok(out.flush()?)
        }
    }
}

fn check(args: &CertificatesArgs) -> Outcome {
    let is_name = crate::container::identity::pods::is_name;
    let wrong = |text: &str| Err(Failure::new(Code::Usage, anyhow!("{text}")));
    let given = [&args.agent_secret, &args.controller_secret];
    let given = given.into_iter().flatten();
    if !given
        .chain([&args.namespace, &args.name])
        .all(|it| is_name(it))
    {
        return wrong(
            "--namespace, --name and the names of Secrets must be names as Kubernetes has them, as `lapwing`",
        );
    }
    if rustls::pki_types::DnsName::try_from(args.server_name.as_str()).is_err() {
        return wrong("--server-name must be a DNS name, as `agent.lapwing.internal`");
    }
    Ok(())
}

fn make(args: &CertificatesArgs) -> Result<(String, Vec<Pair>)> {
    let authority = Authority::make(args.days)?;
    let pairs = Kind::ALL.map(|kind| authority.issue(kind, &kind.names(args), args.days));
    let pairs = pairs.into_iter().collect::<Result<Vec<_>>>()?;
    Ok((authority.certificate, pairs))
}

fn params_of_authority() -> CertificateParams {
    let mut params = params("Lapwing authority");
    params.use_authority_key_identifier_extension = true;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// From now on, for so many days.
fn valid(mut params: CertificateParams, days: u32) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + Duration::from_secs(u64::from(days) * 86_400)).into();
    params
}

fn print(
    out: &mut impl Write,
    args: &CertificatesArgs,
    authority: &str,
    pair: &Pair,
) -> std::io::Result<()> {
    let encoded = |text: &str| BASE64_STANDARD.encode(text);
    writeln!(
        out,
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {}\n  namespace: {}\n\
         type: kubernetes.io/tls\ndata:\n  ca.crt: {}\n  tls.crt: {}\n  tls.key: {}",
        args.secret(pair.kind),
        args.namespace,
        encoded(authority),
        encoded(&pair.certificate),
        encoded(&pair.key),
    )
}

fn write(folder: &Path, authority: &str, pairs: &[Pair]) -> Result<()> {
    let shown = folder.display();
    // Keys of before are not written over.
    let made = DirBuilder::new().mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {shown}, which must not be there yet"))?;
    for pair in pairs {
        let of = folder.join(pair.kind.name());
        DirBuilder::new().mode(0o700).create(&of)?;
        fs::write(of.join("ca.crt"), authority)?;
        fs::write(of.join("tls.crt"), &pair.certificate)?;
        let key = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(of.join("tls.key"));
        key?.write_all(pair.key.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::identity;
    use crate::api::network::Material;
    use crate::config::Files;
    use std::os::unix::fs::MetadataExt;

    fn args(folder: Option<&Path>) -> CertificatesArgs {
        CertificatesArgs {
            namespace: "security".to_owned(),
            name: "lapwing".to_owned(),
            days: 30,
            folder: folder.map(Path::to_path_buf),
            apply: false,
            kubeconfig: None,
            server_name: "agent.lapwing.internal".to_owned(),
            agent_secret: None,
            controller_secret: None,
        }
    }

    #[test]
    fn what_is_written_is_what_agents_and_controller_take() {
        let folder = tempfile::tempdir().unwrap();
        let tls = folder.path().join("tls");
        run(&args(Some(&tls))).unwrap();
        for (name, names) in [
            ("agent", vec!["agent.lapwing.internal"]),
            (
                "controller",
                vec![
                    CONTROLLER,
                    "lapwing-controller",
                    "lapwing-controller.security",
                    "lapwing-controller.security.svc",
                    "lapwing-controller.security.svc.cluster.local",
                    "localhost",
                ],
            ),
            ("client", vec![CLIENT]),
        ] {
            let files = Files {
                certificate: tls.join(name).join("tls.crt"),
                key: tls.join(name).join("tls.key"),
                client_authority: tls.join(name).join("ca.crt"),
            };
            assert!(Material::load(&files).is_ok(), "{name}");
            assert_eq!(fs::metadata(&files.key).unwrap().mode() & 0o777, 0o600);
            let chain = crate::tls::certificates(&files.certificate).unwrap();
            let presented = identity::read(&chain[0]).unwrap();
            assert_eq!(presented.identities, names);
            let left =
                presented.expires.as_secs() - SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
            assert!((29 * 86_400..=30 * 86_400).contains(&left), "{left}");
        }
        // A second time it writes over nothing.
        let error = run(&args(Some(&tls))).unwrap_err().to_string();
        assert!(error.contains("must not be there yet"), "{error}");
    }

    #[test]
    fn what_is_printed_are_secrets() {
        let (authority, pairs) = make(&args(None)).unwrap();
        let mut out = Vec::new();
        for pair in &pairs {
            print(&mut out, &args(None), &authority, pair).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        let secrets: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).unwrap();
        let names: Vec<_> = secrets
            .iter()
            .map(|it| it["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "lapwing-agent-tls",
                "lapwing-controller-tls",
                "lapwing-client-tls"
            ]
        );
        for secret in &secrets {
            assert_eq!(secret["metadata"]["namespace"], "security");
            for key in ["ca.crt", "tls.crt", "tls.key"] {
                let bytes = BASE64_STANDARD
                    .decode(secret["data"][key].as_str().unwrap())
                    .unwrap();
                assert!(bytes.starts_with(b"-----BEGIN "), "{key}");
            }
        }
        let wrong = CertificatesArgs {
            namespace: "a\nb".to_owned(),
            ..args(None)
        };
        assert_eq!(run(&wrong).unwrap_err().code, Code::Usage);
    }
}
