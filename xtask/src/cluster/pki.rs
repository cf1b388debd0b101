//! The cluster's certificates, made by OpenSSL, and how its parts reach the API server.

use super::node::{ADDRESS, NAME, SERVICE};
use crate::shell::{self, quiet};
use anyhow::Result;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who has a kubeconfig.
const CLIENTS: &[(&str, &str)] = &[
    ("admin", "/O=system:masters/CN=admin"),
    ("manager", "/CN=system:kube-controller-manager"),
    ("scheduler", "/CN=system:kube-scheduler"),
];

/// Makes all of them.
pub fn make(folder: &Path) -> Result<()> {
    shell::folder(folder)?;
    let openssl = |words: &[&str]| quiet(Command::new("openssl").current_dir(folder).args(words));
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-days",
        "2",
        "-subj",
        "/CN=kube-ca",
    ])?;
    let certificate = |name: &str, subject: &str, extensions: &str| -> Result<()> {
        let at = |ending: &str| format!("{name}.{ending}");
        let (key, request, text) = (at("key"), at("csr"), at("ext"));
        fs::write(folder.join(&text), extensions)?;
        openssl(&[
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj",
            subject,
        ])?;
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-out",
            &at("crt"),
            "-extfile",
            &text,
        ])
    };
    let both = "extendedKeyUsage=serverAuth,clientAuth";
    let client = "extendedKeyUsage=clientAuth";
    let server = format!(
        "subjectAltName=IP:{ADDRESS},IP:{SERVICE},IP:127.0.0.1,DNS:kubernetes.default.svc\n{both}"
    );
    certificate("apiserver", "/CN=kube-apiserver", &server)?;
    for (name, subject) in CLIENTS {
        certificate(name, subject, client)?;
        configure(folder, name)?;
    }
    let kubelet = format!("subjectAltName=IP:{ADDRESS},DNS:{NAME}\n{both}");
    let subject = format!("/O=system:nodes/CN=system:node:{NAME}");
    certificate("kubelet", &subject, &kubelet)?;
    configure(folder, "kubelet")?;
    let subject = "/O=system:masters/CN=kube-apiserver-kubelet-client";
    certificate("to-kubelet", subject, client)?;
    openssl(&["genrsa", "-out", "accounts.key", "2048"])?;
    openssl(&[
        "rsa",
        "-in",
        "accounts.key",
        "-pubout",
        "-out",
        "accounts.pub",
    ])
}

/// Where somebody's kubeconfig is.
pub fn kubeconfig(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.conf"))
}

fn configure(folder: &Path, name: &str) -> Result<()> {
    let at = |file: &str| folder.join(file);
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "k", "cluster": {
            "server": format!("https://{ADDRESS}:443"), "certificate-authority": at("ca.crt"),
        }}],
        "users": [{"name": "u", "user": {
            "client-certificate": at(&format!("{name}.crt")), "client-key": at(&format!("{name}.key")),
        }}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    });
    Ok(fs::write(kubeconfig(folder, name), config.to_string())?)
}
