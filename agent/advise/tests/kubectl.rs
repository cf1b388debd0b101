//! A real `kubectl`, where the machine has one, reads each document by the types of the API, and merges the patch to what
//! `-o yaml` prints. None of it needs a cluster. Without `kubectl` the test says so as a skipped one.

mod common;

use common::{DEPLOYMENT, advise_seeing, selects, target, web};
use lapwing_advise::document::patch_text;
use lapwing_advise::manifest::Manifest;
use lapwing_advise::whole::yaml_text;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use tempfile::TempDir;

const NAME: &str = "kubectl_merges_the_patch_to_what_is_printed";

fn main() -> ExitCode {
    // Lists of tests are asked for by other runners.
    if std::env::args().any(|arg| arg == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test");
    let there = Command::new("kubectl")
        .args(["version", "--client"])
        .output();
    let (passed, ignored) = match there {
        Ok(output) if output.status.success() => {
            check();
            println!("test {NAME} ... ok");
            (1, 0)
        }
        _ => {
            println!("test {NAME} ... ignored, there is no kubectl here");
            (0, 1)
        }
    };
    println!(
        "\ntest result: ok. {passed} passed; 0 failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
    ExitCode::SUCCESS
}

/// What `kubectl patch` makes of a file of one object, lists that have keys in the order of these.
fn patched(folder: &Path, object: &str, patch: &str) -> Value {
    let [file, by] = ["object.yaml", "patch.yaml"].map(|name| folder.join(name));
    fs::write(&file, object).unwrap();
    fs::write(&by, patch).unwrap();
    let mut command = Command::new("kubectl");
    command
        .env("HOME", folder)
        .env("KUBECONFIG", folder.join("none"));
    command
        .args(["patch", "--local", "-o", "json", "-f"])
        .arg(file);
    let output = command.arg("--patch-file").arg(by).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}: {object}");
    let mut object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pod = &mut object["spec"]["template"]["spec"];
    for list in [
        "/containers",
        "/volumes",
        "/containers/0/volumeMounts",
        "/containers/1/volumeMounts",
    ] {
        if let Some(Value::Array(all)) = pod.pointer_mut(list) {
            all.sort_by_key(|it| it["name"].as_str().map(ToOwned::to_owned));
        }
    }
    object
}

fn check() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let advice = advise_seeing(&web());
    let nothing = "{}";
    // What a server writes into an object is none of the manifest, nor of what is compared.
    let own = DEPLOYMENT.lines().filter(|line| {
        let server = [
            "uid:",
            "resourceVersion:",
            "kubectl.kubernetes.io",
            "status:",
        ];
        !server.iter().any(|key| line.trim_start().starts_with(key))
    });
    let own: String = own.map(|line| format!("{line}\n")).collect();
    let wanted = patched(folder, &own, &patch_text(&advice, &target()));
    assert_eq!(
        wanted.pointer("/spec/template/spec/volumes/0/secret/defaultMode"),
        Some(&Value::from(0o440))
    );
    assert_ne!(wanted, patched(folder, &own, nothing));
    let manifest = Manifest::read(DEPLOYMENT.as_bytes()).unwrap();
    let text = yaml_text(&advice, &target(), &selects(), Some(&manifest));
    let mut documents = text.split("---\n");
    assert_eq!(patched(folder, documents.next().unwrap(), nothing), wanted);
    let policy = patched(folder, documents.next().unwrap(), nothing);
    assert_eq!(policy["kind"], "NetworkPolicy");
    assert_eq!(policy["spec"]["egress"].as_array().map(Vec::len), Some(2));
    assert_eq!(documents.next(), None);
}
