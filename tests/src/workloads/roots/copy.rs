//! One name from a root folder to another, with all that a program can see of it.

use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

/// Copies names, and remembers which of them are one file.
#[derive(Default)]
pub(super) struct Copier(BTreeMap<(u64, u64), PathBuf>);

impl Copier {
    /// Copies a folder without what it holds, a regular file or a symbolic link; the folder that it
    /// belongs in has to be there.
    ///
    /// # Errors
    ///
    /// Anything else: images of packages have no devices, sockets or pipes that a program needs.
    pub(super) fn copy(&mut self, from: &Path, metadata: &Metadata, to: &Path) -> Result<()> {
        self.try_copy(from, metadata, to)
            .with_context(|| format!("cannot copy {}", from.display()))
    }

    fn try_copy(&mut self, from: &Path, metadata: &Metadata, to: &Path) -> Result<()> {
        let kind = metadata.file_type();
        if kind.is_symlink() {
            symlink(fs::read_link(from)?, to)?;
            lchown(to, Some(metadata.uid()), Some(metadata.gid()))?;
            return Ok(());
        }
        if kind.is_dir() {
            fs::create_dir(to)?;
        } else if kind.is_file() {
            let id = (metadata.dev(), metadata.ino());
            if let Some(first) = self.0.get(&id) {
                return Ok(fs::hard_link(first, to)?);
            }
            fs::copy(from, to)?;
            if metadata.nlink() > 1 {
                self.0.insert(id, to.to_path_buf());
            }
        } else {
            bail!("it is neither file, folder nor symbolic link");
        }
        lchown(to, Some(metadata.uid()), Some(metadata.gid()))?;
        // Behind that, which takes set-id bits away.
        fs::set_permissions(to, fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
        if kind.is_file() {
            // Python compiles anew what is younger than it says.
            let omit = Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            };
            let times = Timestamps {
                last_access: omit,
                last_modification: Timespec {
                    tv_sec: metadata.mtime(),
                    tv_nsec: metadata.mtime_nsec(),
                },
            };
            utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }
}
