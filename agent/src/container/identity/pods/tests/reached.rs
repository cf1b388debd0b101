//! By a file, over TLS: as an agent beside the cluster does it.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Serves the cluster on loopback; answers with the address and the authority to trust.
async fn serve(cluster: &Cluster) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let chain = vec![certificate.der().clone()];
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(crate::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cluster = cluster.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, cluster) = (acceptor.clone(), cluster.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    cluster.serve(stream).await;
                }
            });
        }
    });
    (format!("https://{address}"), certificate.pem())
}

fn kubeconfig(folder: &Path, url: &str, authority: &str) -> PathBuf {
    let path = folder.join("config");
    let authority_file = folder.join("ca.crt");
    std::fs::write(&authority_file, authority).unwrap();
    let mut file = std::fs::File::create(&path).unwrap();
    let authority = authority_file.display();
    write!(
        file,
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: k, cluster: {{server: '{url}', certificate-authority: '{authority}'}}}}]\n\
         users: [{{name: u, user: {{token: sesame}}}}]\n\
         contexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n"
    )
    .unwrap();
    path
}

#[tokio::test]
async fn a_file_says_how_the_api_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = with_pod();
    let (url, authority) = serve(&cluster).await;
    let file = kubeconfig(folder.path(), &url, &authority);
    let pods = open(
        &Access::File(file),
        NODE,
        Duration::from_secs(60),
        folder.path(),
    )
    .unwrap();
    let (changes, mut changed) = channel::channel(0);
    let work = tokio::spawn(Arc::clone(&pods).watch(changes));
    let known = changed.wait_for(|_| matches!(pods.fact(ID, None), Fact::Known(..)));
    let known = tokio::time::timeout(Duration::from_secs(60), known).await;
    assert!(known.is_ok(), "{:?}", pods.status());
    assert_eq!(pods.status().path, url);
    assert!(
        cluster
            .tokens()
            .iter()
            .all(|token| token == "Bearer sesame")
    );
    work.abort();
}

#[tokio::test]
async fn a_file_that_is_wrong_says_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = serve(&Cluster::new()).await;
    let (_, other) = serve(&Cluster::new()).await;
    let stranger = kubeconfig(folder.path(), &url, &other);
    let missing = folder.path().join("none");
    for (file, why) in [(missing, "none"), (stranger, "certificate")] {
        let pods = open(
            &Access::File(file),
            NODE,
            Duration::from_secs(60),
            folder.path(),
        )
        .unwrap();
        let (changes, mut changed) = channel::channel(0);
        let work = tokio::spawn(Arc::clone(&pods).watch(changes));
        let failed = changed.wait_for(|_| pods.state() == State::Retrying);
        let failed = tokio::time::timeout(Duration::from_secs(60), failed).await;
        assert!(failed.is_ok(), "{:?}", pods.status());
        let text = pods.status().last_error;
        assert!(text.contains(why), "{text}");
        work.abort();
    }
}

/// A program for credentials that does not end keeps nobody from anything, and is told of.
#[tokio::test]
async fn a_program_for_credentials_that_hangs_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = with_pod();
    let (url, authority) = serve(&cluster).await;
    let file = kubeconfig(folder.path(), &url, &authority);
    // It reads what nobody writes.
    let pipe = folder.path().join("credentials");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let text = std::fs::read_to_string(&file).unwrap();
    let pipe_shown = pipe.display();
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: cat, args: ['{pipe_shown}'], interactiveMode: Never}}}}"
    );
    std::fs::write(&file, text.replace("{token: sesame}", &exec)).unwrap();
    let pods = open(
        &Access::File(file),
        NODE,
        Duration::from_secs(1),
        folder.path(),
    )
    .unwrap();
    let (changes, mut changed) = channel::channel(0);
    let work = tokio::spawn(Arc::clone(&pods).watch(changes));
    let failed = changed.wait_for(|_| pods.state() == State::Retrying);
    let failed = tokio::time::timeout(Duration::from_secs(60), failed).await;
    // What it answers with is a lock.
    let has_failed = failed.is_ok();
    drop(failed);
    let text = pods.status().last_error;
    // What it would have read, and its end.
    let answer = json!({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "status": {"token": "sesame"}});
    let whole = folder.path().join("whole");
    std::fs::write(&whole, answer.to_string()).unwrap();
    let both = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe);
    std::fs::rename(&whole, &pipe).unwrap();
    drop(both);
    assert!(has_failed && text.contains("exec"), "{text}");
    let known = changed.wait_for(|_| matches!(pods.fact(ID, None), Fact::Known(..)));
    let known = tokio::time::timeout(Duration::from_secs(60), known).await;
    assert!(known.is_ok(), "{:?}", pods.status());
    let tokens = cluster.tokens();
    assert!(
        tokens.iter().all(|token| token == "Bearer sesame"),
        "{tokens:?}"
    );
    work.abort();
}
