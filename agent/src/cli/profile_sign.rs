//! Signatures of profiles in files.

use super::args::Output;
use super::profile_file as file;
use super::{Code, Failure, Outcome};
use anyhow::{Context, anyhow};
use lapwing_profile::envelope::{Private, Public};
use lapwing_profile::file::object::{Object, SIGNATURE};
use lapwing_profile::signature::{self, SignatureError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Stands behind the name of a profile's file in that of its signature.
const SUFFIX: &str = ".sig.json";

/// The name of what belongs to a file and lies beside it.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn failed(error: anyhow::Error) -> Failure {
    Failure::new(Code::Failed, error)
}

/// Reads a private key.
pub(super) fn private(path: &Path) -> Result<Private, Failure> {
    Private::from_pem(&text(path)?)
        .with_context(|| path.display().to_string())
        .map_err(failed)
}

/// Reads public keys.
pub(super) fn publics(paths: &[PathBuf]) -> Result<Vec<Public>, Failure> {
    let one = |path: &PathBuf| {
        Public::from_pem(&text(path)?)
            .with_context(|| path.display().to_string())
            .map_err(failed)
    };
    paths.iter().map(one).collect()
}

pub(super) fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(failed)
}

/// The signature that belongs to a profile's file, with its text: the given one, or what stands beside the file,
/// or in it as an annotation, or nothing.
pub fn of(path: &Path, object: &Object, signature: Option<PathBuf>) -> Result<String, Failure> {
    match signature {
        Some(file) => text(&file),
        None if beside(path, SUFFIX).is_file() => text(&beside(path, SUFFIX)),
        None => Ok(within(path, object)?.unwrap_or_default()),
    }
}

/// The one in a file.
fn within(path: &Path, object: &Object) -> Result<Option<String>, Failure> {
    let metadata = object.metadata().unwrap_or_default();
    let envelope = metadata.annotations.get(SIGNATURE);
    { envelope.map(|envelope| signature::attach(&object.profile, envelope.as_bytes())) }
        .transpose()
        .with_context(|| format!("{}: its annotation {SIGNATURE}", path.display()))
        .map_err(failed)
}

/// What stands where an envelope goes, if anything does.
pub(super) fn before(to: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(to) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let error = anyhow!(error).context(format!("cannot read {}", to.display()));
            Err(failed(error))
        }
    }
}

/// Where an envelope of a profile is: where it is said to be, or beside the profile's file.
pub(super) fn place(
    given: Option<PathBuf>,
    name: &str,
    suffix: &str,
    option: &str,
) -> Result<PathBuf, Failure> {
    let beside = || file::named(name).map(|path| beside(path, suffix));
    given.or_else(beside).ok_or_else(|| {
        let error = anyhow!("{name} is no file: say with {option} where that is");
        Failure::new(Code::Usage, error)
    })
}

/// Signs a file.
pub fn sign(output: Output, path: &Path, key: &Path, signature: Option<PathBuf>) -> Outcome {
    let profile = file::read(path)?;
    let key = private(key)?;
    let to = signature.unwrap_or_else(|| beside(path, SUFFIX));
    let before = before(&to)?;
    let envelope = signature::sign(&profile, &key, before.as_deref()).map_err(|error| {
        // Of both it may be: what is to be signed, or what stands where the signature goes.
        let of = match error {
            SignatureError::Envelope(_) => &to,
            SignatureError::Unfinished(_) | SignatureError::Changed(_) => path,
        };
        let place = of.display().to_string();
        failed(anyhow!(error).context(place))
    })?;
    file::write(&to, &envelope)?;
    let name = key.public().id();
    let mut out = anstream::stdout().lock();
    match output {
        Output::Text => writeln!(out, "signed by {name}: {}", to.display())?,
        Output::Json => {
            let value = serde_json::json!({"key": name, "file": to.display().to_string()});
            writeln!(out, "{value}")?;
        }
    }
    Ok(())
}

/// Checks the signature of a profile.
pub fn verify(
    output: Output,
    object: &Object,
    name: &str,
    keys: &[PathBuf],
    signature: Option<PathBuf>,
) -> Outcome {
    let profile = &object.profile;
    let is_given = signature.is_some();
    let from = place(signature, name, SUFFIX, "--signature")?;
    let keys = publics(keys)?;
    let inner = match file::named(name) {
        Some(path) if !is_given && !from.is_file() => within(path, object)?,
        _ => None,
    };
    let (envelope, from) = match inner {
        Some(envelope) => (envelope, format!("{name}: its annotation {SIGNATURE}")),
        None => (text(&from)?, from.display().to_string()),
    };
    let signers = signature::verify(profile, envelope.as_bytes(), &keys)
        .context(from)
        .map_err(failed)?;
    let mut out = anstream::stdout().lock();
    match output {
        Output::Text => writeln!(
            out,
            "{} is as signed by {}",
            profile.workload,
            signers.join(", ")
        )?,
        Output::Json => writeln!(out, "{}", serde_json::json!({"signedBy": signers}))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::profile::{Mode, Profile};
    use lapwing_profile::workload::Workload;

    /// Of RFC 8410, section 10.3 and 10.1.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn the_signature_lies_beside_the_file_and_is_found_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("key.pem"), PRIVATE).unwrap();
        std::fs::write(at("key.pub"), PUBLIC).unwrap();
        let profile = Profile::new(Workload::default(), Mode::Monitoring);
        let path = at("web.yaml");
        file::write(&path, &profile.to_yaml()).unwrap();
        let name = path.display().to_string();
        let check = |keys: &[PathBuf], name: &str, signature: Option<PathBuf>| {
            let object = Object::plain(profile.clone());
            verify(Output::Json, &object, name, keys, signature).map_err(|failure| failure.code)
        };
        let keys = [at("key.pub")];
        assert_eq!(check(&keys, &name, None), Err(Code::Failed), "none there");
        sign(Output::Json, &path, &at("key.pem"), None).unwrap();
        assert!(at("web.yaml.sig.json").is_file());
        assert_eq!(check(&keys, &name, None), Ok(()));
        let signature = Some(at("web.yaml.sig.json"));
        assert_eq!(check(&keys, "a/profile", signature), Ok(()));
        assert_eq!(check(&keys, "a/profile", None), Err(Code::Usage));
        assert_eq!(check(&[at("key.pem")], &name, None), Err(Code::Failed));
        // What is there and is none is not replaced.
        std::fs::write(at("web.yaml.sig.json"), "precious").unwrap();
        let why = |path: &Path| {
            let failure = sign(Output::Json, path, &at("key.pem"), None).unwrap_err();
            failure.to_string()
        };
        assert!(
            why(&path).starts_with(&format!("{name}.sig.json: ")),
            "{}",
            why(&path)
        );
        // What cannot be signed is the profile, and not where the signature would go.
        let learning = at("learning.yaml");
        let profile = Profile::new(Workload::default(), Mode::Learning);
        file::write(&learning, &profile.to_yaml()).unwrap();
        let place = format!("{}: ", learning.display());
        assert!(why(&learning).starts_with(&place), "{}", why(&learning));
        assert_eq!(std::fs::read(at("web.yaml.sig.json")).unwrap(), b"precious");
    }
}
