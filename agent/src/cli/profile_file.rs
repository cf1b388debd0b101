//! Profiles in files: read, summed up, decided of without an agent.

use super::args::Decider;
use super::{Code, Failure};
use crate::judge::report;
use crate::judge::store::replace;
use anyhow::{Context, anyhow};
use lapwing_profile::comments;
use lapwing_profile::decide::By;
use lapwing_profile::file::object::Object;
use lapwing_profile::profile::Profile;
use lapwing_proto::v1;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The file that a NAME means, if it means one: it has a slash and exists, or ends in `.yaml`.
/// Names of workloads have slashes too, and a file in the current folder must not take the place
/// of a profile.
pub fn named(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let is_file = name.ends_with(".yaml") || name.contains('/') && path.is_file();
    is_file.then_some(path)
}

/// Reads one, whatever its form.
pub fn read(path: &Path) -> Result<Profile, Failure> {
    Ok(open(path)?.profile)
}

/// Reads one with what stands around the profile.
pub fn open(path: &Path) -> Result<Object, Failure> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(|error| Failure::new(Code::Failed, error))?;
    Object::from_yaml(&bytes)
        .with_context(|| path.display().to_string())
        .map_err(|error| Failure::new(Code::Usage, error))
}

/// Replaces a file whole, so that nobody meets half of it. It keeps its permissions.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mode = std::fs::metadata(path).map_or(0o666, |file| file.mode() & 0o777);
    replace(path, text.as_bytes(), mode)
        .map_err(|error| anyhow!("cannot write {}: {}", path.display(), error.cause()))
        .map_err(|error| Failure::new(Code::Failed, error))
}

/// The text of what was read there, with what people wrote into it.
pub fn text(path: &Path, object: &Object) -> String {
    // It was text when it was read.
    let old = std::fs::read_to_string(path).unwrap_or_default();
    comments::carry(&old, &object.to_yaml())
}

/// Who decides.
pub fn decider(given: Decider) -> v1::Decider {
    let user = || {
        std::env::var("SUDO_USER")
            .or_else(|_| std::env::var("USER"))
            .unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()))
    };
    v1::Decider {
        actor: given.actor.unwrap_or_else(user),
        reason: given.reason,
    }
}

/// Decides of a file, as the agent does of its profiles.
pub fn change<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    decider: &v1::Decider,
    change: impl FnOnce(&mut Profile, By<'_>) -> Result<(), E>,
) -> Result<v1::ProfileSummary, Failure> {
    let mut object = open(path)?;
    let by = By {
        actor: &decider.actor,
        reason: &decider.reason,
        at: crate::clock::now(),
    };
    change(&mut object.profile, by)
        .with_context(|| path.display().to_string())
        .map_err(|error| Failure::new(Code::Failed, error))?;
    write(path, &text(path, &object))?;
    Ok(summary(&object.profile))
}

/// A profile in short, as the agent sums up its own.
pub fn summary(profile: &Profile) -> v1::ProfileSummary {
    report::summary(profile, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::entry::Entry;
    use lapwing_profile::profile::{Mode, Verdict};
    use lapwing_profile::workload::Workload;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_what_looks_like_a_file_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("web");
        std::fs::write(&there, "x").unwrap();
        assert!(named(there.to_str().unwrap()).is_some());
        assert!(named("web.yaml").is_some(), "to be told that it is missing");
        // The folder of this crate holds files and folders of these names.
        for name in [
            "src",
            "Cargo.toml",
            "shop/Deployment/web/app",
            "/Image/web/",
            "team/web",
        ] {
            assert!(named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_file_is_decided_of_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yaml");
        let workload = Workload {
            name: "web".into(),
            ..Workload::default()
        };
        write(&path, &Profile::new(workload, Mode::Learning).to_yaml()).unwrap();
        let readable = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&path, readable).unwrap();
        let ann = v1::Decider {
            actor: "ann".into(),
            reason: "reviewed".into(),
        };
        let entry = Entry::parse("exec: {path: /bin/ls}").unwrap();
        let summary = change(&path, &ann, |profile, by| {
            profile.approve(&entry, by)?;
            profile.promote(by)
        })
        .unwrap();
        assert_eq!((summary.exec, summary.mode()), (1, v1::Mode::Monitoring));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
        let before = std::fs::read(&path).unwrap();
        let failure = change(&path, &ann, |profile, by| {
            profile.refuse(&entry, by)?;
            profile.promote(by)
        });
        assert_eq!(failure.unwrap_err().code, Code::Failed);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let read = read(&path).unwrap();
        assert_eq!(read.entries(Verdict::Approved).len(), 1);
        assert_eq!(read.decisions().last().unwrap().actor, "ann");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
