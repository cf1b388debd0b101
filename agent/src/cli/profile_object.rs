//! A profile in a file as an object for a cluster.

use super::args::{ObjectArgs, Output};
use super::profile_file as file;
use super::profile_sign as sign;
use super::{Code, Failure, Outcome};
use crate::cluster::object::names_one;
use crate::container::identity::pods::is_name;
use anyhow::{Context, anyhow};
use lapwing_profile::file::object::{ACTOR, Metadata, REASON, SIGNATURE, name_of};
use lapwing_profile::profile::Profile;
use lapwing_profile::signature;
use std::io::Write;

/// Writes the object of a file.
pub fn object(output: Output, args: ObjectArgs) -> Outcome {
    let path = &*args.file;
    let object = file::open(path)?;
    let envelope = sign::of(path, &object, args.signature)?;
    let mut metadata = object.metadata().unwrap_or_default();
    metadata.name = args.name.unwrap_or(metadata.name);
    // What stood there was of an earlier change.
    for (key, said) in [(ACTOR, args.actor), (REASON, args.reason)] {
        match said.filter(|said| !said.is_empty()) {
            Some(said) => metadata.annotations.insert(key.to_owned(), said),
            None => metadata.annotations.remove(key),
        };
    }
    let text = manifest(&object.profile, metadata, &envelope);
    let text = { text.with_context(|| path.display().to_string()) }
        .map_err(|error| Failure::new(Code::Failed, error))?;
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

/// The object as YAML, with what belongs to people alone. Without a name it has that of the workload.
pub(crate) fn manifest(
    profile: &Profile,
    mut metadata: Metadata,
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
    if metadata.name.is_empty() {
        metadata.name = name_of(workload);
    }
    if !is_name(&metadata.name) {
        return Err(anyhow!(
            "`{}` is no name of an object: give it one of small letters, digits and dashes by --name",
            lapwing_profile::text::visible(&metadata.name)
        ));
    }
    metadata.namespace.clone_from(namespace);
    if !envelope.is_empty() {
        let beside = signature::detach(profile, envelope.as_bytes())?;
        metadata.annotations.insert(SIGNATURE.to_owned(), beside);
    }
    Ok(metadata.put_into(&profile.to_spec()))
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
    use lapwing_profile::workload::Workload;

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

    fn named(name: &str) -> Metadata {
        Metadata {
            name: name.to_owned(),
            ..Metadata::default()
        }
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
        for (name, expected) in [("", "deployment-web-app"), ("web", "web")] {
            let text = manifest(&profile, named(name), &envelope).unwrap();
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
            manifest(profile, named(name), envelope)
                .unwrap_err()
                .to_string()
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
