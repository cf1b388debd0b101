//! Taking up what is stored: a file that is no profile, or not the one that its name says, must
//! not cost the others.
//!
//! Such a file is set aside, whole, in the folder `damaged` of the state folder, where the next
//! profile of its workload does not overwrite it; the agent reports it as `sensor.degraded` and goes
//! on without. Its workload starts anew, as one that was never seen, so the report is the only trace
//! of what was decided of it: it says how to put the file back.
//!
//! A file that is there and cannot be read (a failing disk, no memory, too many open files) is not
//! damaged: the agent does not start. Else a fault that passes would cost all that was decided. Nor is
//! one that another version of this program wrote: a step back to an older version would cost as much.
//!
//! The cluster is a name of the place, not of the workload: profiles that were stored under another
//! one are taken over under the name in the configuration, because a changed name must not throw
//! away what people decided. Of two files of one workload that name its present cluster counts.

use super::store::{Store, StoreError};
use lapwing_profile::file::{TEXT_MAX, other_version};
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Where it was.
    pub path: PathBuf,
    /// Where it is now.
    pub now: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// The signature that belongs to it, if there is one. It stays where it is: what was signed is
    /// put in force from it where signatures are required.
    pub signature: Option<PathBuf>,
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, now, why) = (self.path.display(), self.now.display(), &self.why);
        write!(
            f,
            "{path}: {why}; it was set aside as {now}, and its workload "
        )?;
        match &self.signature {
            None => write!(
                f,
                "starts without a profile: repair it, and take it up by `lapwing profile import {now}`"
            ),
            Some(signature) => write!(
                f,
                "starts with what was signed if `signatures.require` is set, and else without a profile: \
                 repair it, and take it up by `lapwing profile import {now} --signature {}`",
                signature.display()
            ),
        }
    }
}

/// A profile that was taken up.
pub(super) struct Taken {
    pub(super) workload: Workload,
    pub(super) profile: Profile,
    /// Whether it was stored under the name of another cluster.
    pub(super) moved: bool,
}

/// The stored profiles, and the files that are none.
pub(super) fn take_up(
    store: &Store,
    cluster: &str,
) -> Result<(Vec<Taken>, Vec<Aside>), StoreError> {
    let mut found: BTreeMap<Workload, (PathBuf, Profile)> = BTreeMap::new();
    let mut aside = Vec::new();
    let mut set_aside = |path: PathBuf, why: String| -> Result<(), StoreError> {
        let now = store.set_aside(&path)?;
        let one = Aside {
            signature: Some(Store::signature_of(&path)).filter(|path| path.exists()),
            path,
            now,
            why,
        };
        tracing::error!("{}", visible(&one.to_string()));
        aside.push(one);
        Ok(())
    };
    for path in store.profiles()? {
        let profile = match read(store, &path)? {
            Ok(profile) => profile,
            Err(why) => {
                set_aside(path, why)?;
                continue;
            }
        };
        let mut workload = profile.workload.clone();
        let stored = store.profile_path(&workload.file_name());
        cluster.clone_into(&mut workload.cluster);
        let wanted = store.profile_path(&workload.file_name());
        // After a crash while it was taken over, a file has its new name already.
        if path != stored && path != wanted {
            let why = format!(
                "it holds the profile of {workload}, whose file is named {}",
                stored.file_name().unwrap_or_default().display()
            );
            set_aside(path, why)?;
            continue;
        }
        let both = |path: &Path| {
            let path = path.display();
            format!("{path} is of {workload} as well, and of this cluster")
        };
        match found.get(&workload) {
            Some((first, _)) if *first == wanted => set_aside(path, both(first))?,
            Some((first, _)) => {
                set_aside(first.clone(), both(&path))?;
                found.insert(workload, (path, profile));
            }
            None => {
                found.insert(workload, (path, profile));
            }
        }
    }
    let mut taken = Vec::new();
    for (workload, (path, mut profile)) in found {
        let wanted = store.profile_path(&workload.file_name());
        let moved = profile.workload.cluster != workload.cluster;
        if path != wanted {
            // First, so that the profile is never found without.
            let (from, to) = (Store::signature_of(&path), Store::signature_of(&wanted));
            if from.exists() && !to.exists() {
                store.rename(&from, &to)?;
            }
            store.rename(&path, &wanted)?;
        }
        if moved {
            tracing::info!(
                "the profile of {workload} is taken over from the cluster `{}`",
                visible(&profile.workload.cluster)
            );
            profile.workload.clone_from(&workload);
        }
        taken.push(Taken {
            workload,
            profile,
            moved,
        });
    }
    Ok((taken, aside))
}

/// Answers with the profile, or with why there is none in the file.
fn read(store: &Store, path: &Path) -> Result<Result<Profile, String>, StoreError> {
    let bytes = match store.read(path, TEXT_MAX) {
        Ok(bytes) => bytes,
        Err(StoreError::Io { source, path, .. }) => {
            return match source.kind() {
                // Too large, a folder, or a link to nothing: whenever it is read, it is no profile.
                ErrorKind::FileTooLarge | ErrorKind::IsADirectory | ErrorKind::NotFound => {
                    Ok(Err(format!("it cannot be read: {source}")))
                }
                _ => Err(StoreError::Unreadable { path, source }),
            };
        }
        Err(error) => return Err(error),
    };
    match Profile::from_yaml(&bytes) {
        Ok(profile) => Ok(Ok(profile)),
        Err(error) => match other_version(&bytes) {
            Some(version) => Err(StoreError::Foreign {
                path: path.to_path_buf(),
                version,
            }),
            None => Ok(Err(error.to_string())),
        },
    }
}
