//! `lapwing certificates`: those by which a controller, agents and clients know each other.
//!
//! One authority vouches for three: `agent`, which all agents share, as the controller knows them by one
//! name; `controller`, a server to clients and a client to agents; and `client`, for a person or a SIEM. Its
//! key is thrown away. What is to live longer, or to be apart for each client, is for cert-manager or another
//! authority.

use super::args::CertificatesArgs;
use super::{Code, Failure, Outcome};
use crate::config::controller::Agents;
use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
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

/// One certificate, its key, and who vouches for it, in PEM.
struct Pair {
    name: &'static str,
    certificate: String,
    key: String,
}

/// Prints them, or writes them into a folder.
pub fn run(args: &CertificatesArgs) -> Outcome {
    let is_name = crate::container::identity::pods::is_name;
    if !is_name(&args.namespace) || !is_name(&args.name) {
        let error =
            anyhow!("--namespace and --name must be names as Kubernetes has them, as `lapwing`");
        return Err(Failure::new(Code::Usage, error));
    }
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

fn make(args: &CertificatesArgs) -> Result<(String, Vec<Pair>)> {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let mut params = params("Lapwing authority", args.days)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let dns = |name: &str| -> Result<SanType> { Ok(SanType::DnsName(name.try_into()?)) };
    let uri = |name: &str| -> Result<SanType> { Ok(SanType::URI(name.try_into()?)) };
    let service = format!("{}-controller", args.name);
    let namespace = &args.namespace;
    let controller = vec![
        uri(CONTROLLER)?,
        dns(&service)?,
        dns(&format!("{service}.{namespace}"))?,
        dns(&format!("{service}.{namespace}.svc"))?,
        dns(&format!("{service}.{namespace}.svc.cluster.local"))?,
        // Through `kubectl port-forward`.
        dns("localhost")?,
    ];
    let issue = |name, names, usages: &[ExtendedKeyUsagePurpose]| -> Result<Pair> {
        let mut params = self::params(&format!("Lapwing {name}"), args.days)?;
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages.to_vec();
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        Ok(Pair {
            name,
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    };
    let agent = Agents::default().server_name;
    let pairs = vec![
        issue("agent", vec![dns(&agent)?], &[ServerAuth])?,
        issue("controller", controller, &[ServerAuth, ClientAuth])?,
        issue("client", vec![uri(CLIENT)?], &[ClientAuth])?,
    ];
    Ok((authority.pem(), pairs))
}

fn params(name: &str, days: u32) -> Result<CertificateParams> {
    let now = SystemTime::now();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + Duration::from_secs(u64::from(days) * 86_400)).into();
    Ok(params)
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
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {}-{}-tls\n  namespace: {}\n\
         type: kubernetes.io/tls\ndata:\n  ca.crt: {}\n  tls.crt: {}\n  tls.key: {}",
        args.name,
        pair.name,
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
        let of = folder.join(pair.name);
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
