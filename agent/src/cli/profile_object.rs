//! A profile in a file as an object for a cluster.

use super::args::Output;
use super::profile_file as file;
use super::profile_sign as sign;
use super::{Code, Failure, Outcome};
use crate::cluster::object::{SIGNATURE, names_one};
use crate::container::identity::pods::is_name;
use anyhow::{Context, anyhow};
use lapwing_profile::profile::Profile;
use lapwing_profile::signature;
use lapwing_profile::workload::Workload;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Longest name of an object.
const NAME_MAX: usize = 253;

/// Writes the object of a file.
pub fn object(
    output: Output,
    path: &Path,
    name: Option<String>,
    signature: Option<PathBuf>,
) -> Outcome {
    let profile = file::read(path)?;
    let envelope = sign::of(path, signature)?;
    let text = manifest(&profile, name, &envelope).with_context(|| path.display().to_string());
    let text = text.map_err(|error| Failure::new(Code::Failed, error))?;
    let mut out = anstream::stdout().lock();
    match output {
        Output::Text => out.write_all(text.as_bytes())?,
        Output::Json => {
            let value = serde_saphyr::from_str::<serde_json::Value>(&text);
            let value = value.map_err(|error| Failure::new(Code::Failed, anyhow!("{error}")))?;
            writeln!(out, "{value}")?;
        }
    }
    Ok(())
}

/// The object as YAML, with what belongs to people alone.
pub(crate) fn manifest(
    profile: &Profile,
    name: Option<String>,
    envelope: &str,
) -> anyhow::Result<String> {
    let workload = &profile.workload;
    let namespace = &workload.namespace;
    if !is_name(namespace) {
        return Err(anyhow!(
            "`{namespace}` is no namespace: write that of the cluster it is for into `spec.workload.namespace`, \
             before it is signed"
        ));
    }
    names_one(workload).map_err(|why| anyhow!(why))?;
    let name = name.unwrap_or_else(|| name_of(workload));
    if !is_name(&name) {
        return Err(anyhow!(
            "`{}` is no name of an object: give it one of small letters, digits and dashes by --name",
            lapwing_profile::text::visible(&name)
        ));
    }
    let mut metadata = format!("metadata:\n  name: \"{name}\"\n  namespace: \"{namespace}\"\n");
    if !envelope.is_empty() {
        let beside = signature::detach(profile, envelope.as_bytes())?;
        let quoted = beside.replace('\'', "''");
        metadata.push_str(&format!("  annotations:\n    {SIGNATURE}: '{quoted}'\n"));
    }
    let text = profile.to_spec();
    let spec = text.find("spec:").context("a profile without `spec`")?;
    let (head, spec) = text.split_at(spec);
    Ok(format!("{head}{metadata}{spec}"))
}

/// A name for the object of a workload, as far as one can be made.
fn name_of(workload: &Workload) -> String {
    let parts = [&workload.kind, &workload.name, &workload.container];
    let parts: Vec<&str> = { parts.into_iter() }
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    let mut name = parts.join("-").to_lowercase();
    name.truncate(name.floor_char_boundary(NAME_MAX));
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::object;
    use crate::judge::signed::Signatures;
    use lapwing_profile::decide::By;
    use lapwing_profile::entry::Entry;
    use lapwing_profile::envelope::Private;
    use lapwing_profile::profile::Mode;

    fn profile() -> Profile {
        let workload = Workload {
            namespace: "shop".into(),
            kind: "Deployment".into(),
            name: "web".into(),
            container: "app".into(),
            ..Workload::default()
        };
        let by = By {
            actor: "ann",
            reason: "reviewed",
            at: 7,
        };
        let mut profile = Profile::new(workload, Mode::Learning);
        for entry in [
            "exec: {path: \"/opt/it's a \\\"test\\\"\", parent: runtime}",
            "file: {operation: CREATE, pattern: \"/data/{digits}\"}",
            "egress: {protocol: TCP, domain: a.example, port: 443}",
        ] {
            profile.approve(&Entry::parse(entry).unwrap(), by).unwrap();
        }
        profile.promote(by).unwrap();
        profile
    }

    /// What is written is what an agent obeys, signature and all.
    #[test]
    fn an_agent_reads_what_is_written() {
        let key = Private::from_pem(crate::cluster::tests::PRIVATE).unwrap();
        let signatures = Signatures {
            require: true,
            keys: vec![key.public()],
        };
        let terms = object::Terms::new(signatures, "");
        let profile = profile();
        let envelope = signature::sign(&profile, &key, None).unwrap();
        for (name, expected) in [
            (None, "deployment-web-app"),
            (Some("web".to_owned()), "web"),
        ] {
            let text = manifest(&profile, name, &envelope).unwrap();
            let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
            assert!(value.get("status").is_none());
            let raw = serde_json::value::to_raw_value(&value).unwrap();
            let read = object::read(&raw, &terms).unwrap();
            assert_eq!((&*read.key.namespace, &*read.key.name), ("shop", expected));
            assert_eq!(&*read.said.unwrap().text, profile.to_spec());
        }
    }

    #[test]
    fn what_no_cluster_takes_is_not_written() {
        let error = |profile: &Profile, name: &str, envelope: &str| {
            let name = (!name.is_empty()).then(|| name.to_owned());
            manifest(profile, name, envelope).unwrap_err().to_string()
        };
        let mut nowhere = profile();
        nowhere.workload.namespace.clear();
        assert!(error(&nowhere, "", "").contains("spec.workload.namespace"));
        for part in ["kind", "container"] {
            let mut nobodys = profile();
            match part {
                "kind" => nobodys.workload.kind.clear(),
                _ => nobodys.workload.container.clear(),
            }
            let why = error(&nobodys, "", "");
            assert!(
                why.contains(&format!("`spec.workload.{part}` is empty")),
                "{why}"
            );
        }
        assert!(error(&profile(), "A\u{1b}", "").contains("--name"));
        let mut image = profile();
        image.workload.name = "team/web".into();
        assert!(error(&image, "", "").contains("--name"));
        assert!(error(&profile(), "", "{}").contains("not a signature"));
        let key = Private::from_pem(crate::cluster::tests::PRIVATE).unwrap();
        let stale = signature::sign(&nowhere, &key, None).unwrap();
        assert!(error(&profile(), "", &stale).contains("it was signed for"));
    }
}
