//! The section `listen`, right and wrong.

use crate::config::Config;
use crate::config::controller::Controller;
use std::path::{Path, PathBuf};

const CLIENTS: &str = "clients: [{identity: a.example.org, verbs: [read], namespaces: ['*']}]";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("lapwing.yaml"), text.as_bytes()).map_err(|error| error.to_string())
}

/// An authority, a certificate and its key, as keys of the section.
fn files(folder: &Path) -> [(&'static str, PathBuf); 3] {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let write = |name, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        (name, path)
    };
    [
        write("certificate", certificate.pem()),
        write("key", key.serialize_pem()),
        write("clientAuthority", certificate.pem()),
    ]
}

fn section(files: &[(&str, PathBuf)], more: &str) -> String {
    let files = files.iter();
    let keys: String = files
        .map(|(key, path)| format!("{key}: {}, ", path.display()))
        .collect();
    format!("listen: {{address: '0.0.0.0:7443', {keys}{more}}}")
}

#[test]
fn there_is_no_tcp_without_certificates_unless_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let config = parse(&section(&files, CLIENTS)).unwrap();
    assert!(!config.listen.is_open());
    let anonymous =
        "insecure: true, clients: [{identity: anonymous, verbs: [read], namespaces: ['*']}]";
    let open = parse(&section(&[], anonymous)).unwrap();
    assert!(open.listen.is_open());
    assert!(open.listen.warning().contains("EVERYBODY"));
    for (text, words) in [
        (
            section(&[], CLIENTS),
            &[
                "`listen.address`",
                "clientAuthority",
                "`listen.insecure: true`",
            ][..],
        ),
        (
            section(&files[..2], CLIENTS),
            &["`listen.clientAuthority`", "is missing"],
        ),
        (
            section(&files[1..], CLIENTS),
            &["`listen.certificate`", "is missing"],
        ),
        (
            section(&files[..1], CLIENTS),
            &["`listen.key`", "is missing"],
        ),
        (
            section(&files, anonymous),
            &["`listen.insecure`", "excludes"],
        ),
        (
            section(&[], &format!("insecure: true, {CLIENTS}")),
            &["`listen.clients`", "`anonymous`"],
        ),
        (
            section(&files, "clients: []"),
            &["`listen.clients`", "is empty"],
        ),
    ] {
        let error = parse(&text).unwrap_err();
        for word in words {
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = files(folder.path());
    let junk = folder.path().join("junk");
    std::fs::write(&junk, "junk").unwrap();
    for (index, path, words) in [
        (
            0,
            junk.to_str().unwrap(),
            &["`listen.certificate`", "certificates in PEM"],
        ),
        (
            1,
            junk.to_str().unwrap(),
            &["`listen.key`", "a private key in PEM"],
        ),
        (
            2,
            junk.to_str().unwrap(),
            &["`listen.clientAuthority`", "authorities in PEM"],
        ),
    ] {
        let mut files = good.clone();
        files[index].1 = path.into();
        let error = parse(&section(&files, CLIENTS)).unwrap_err();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    }
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(&good[1].1, other).unwrap();
    let error = parse(&section(&good, CLIENTS)).unwrap_err();
    assert!(error.contains("do not go together"), "{error}");
}

#[test]
fn files_that_are_missing_may_come_and_who_asks_is_told_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files(folder.path());
    parse(&section(&files, CLIENTS))
        .unwrap()
        .listen
        .look()
        .unwrap();
    files[0].1 = "/nonexistent/a".into();
    let listen = parse(&section(&files, CLIENTS)).unwrap().listen;
    let missing = listen.files().unwrap().unwrap();
    let missing = missing.missing();
    assert_eq!(
        missing,
        [("listen.certificate", Path::new("/nonexistent/a"))]
    );
    let (key, message) = listen.look().unwrap_err();
    assert_eq!(key, "listen.certificate");
    assert!(message.contains("/nonexistent/a"), "{message}");
    // A controller is nothing without.
    let text = section(&files, CLIENTS);
    let error = Controller::parse(Path::new("c.yaml"), text.as_bytes()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("`listen.certificate`"), "{error}");
    // Nothing listens, so nothing is looked for.
    parse("{}").unwrap().listen.look().unwrap();
}

#[test]
fn clients_are_checked_also_where_nothing_listens_yet() {
    for (client, word) in [
        ("{verbs: [read], namespaces: [a]}", "is no identity"),
        (
            "{identity: 'spiffe://*', verbs: [read], namespaces: [a]}",
            "behind a slash",
        ),
        (
            "{identity: '*', verbs: [read], namespaces: [a]}",
            "behind a slash",
        ),
        ("{identity: a, namespaces: [a]}", "may do nothing"),
        ("{identity: a, verbs: [read]}", "has no namespaces"),
        (
            "{identity: a, verbs: [write], namespaces: [a]}",
            "one of read, operate",
        ),
        (
            "{identity: anonymous, verbs: [read], namespaces: [a]}",
            "insecure: true",
        ),
        (
            "{identity: a, verbs: [read], namespace: [a]}",
            "did you mean `namespaces`",
        ),
    ] {
        let error = parse(&format!("listen: {{clients: [{client}]}}")).unwrap_err();
        assert!(error.contains(word), "{client}: {error}");
    }
    for (key, word) in [
        ("address: 'node1:7443'", "`listen.address`"),
        ("address: '7443'", "0.0.0.0:7443"),
        ("connections: 0", "`listen.connections`"),
        ("handshakeTimeout: 1ms", "`listen.handshakeTimeout`"),
    ] {
        let error = parse(&format!("listen: {{{key}}}")).unwrap_err();
        assert!(error.contains(word), "{key}: {error}");
    }
}
