//! A root folder of a list of files.
//!
//! Names are those that the kernel told of a container, so they may be anything. Each is looked up as
//! the container's kernel would, one component after another, links being followed within the root:
//! what is copied are the folders on the way, the links, and the file at the end. Nothing outside is
//! ever opened, for each step is taken from a folder that was seen to be one.

use super::copy::Copier;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Links that are followed for one name, as many as the kernel follows.
const LINKS_MAX: usize = 40;

/// What came of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Slim {
    /// Names that the image does not have, or has in a circle of links; their number, and the first.
    pub missing: usize,
    pub first_missing: Option<PathBuf>,
}

/// Fills a folder with files of an image. Names are bytes from the root on, in any order; a folder is
/// copied without what it holds.
///
/// # Errors
///
/// A name that is not whole, or something that cannot be copied.
pub fn slim(image: &Path, names: &[Vec<u8>], to: &Path) -> Result<Slim> {
    let mut root = Root {
        image,
        to,
        copier: Copier::default(),
        there: BTreeSet::new(),
    };
    let mut slim = Slim::default();
    for name in names {
        let name = PathBuf::from(OsString::from_vec(name.clone()));
        ensure!(name.has_root(), "no whole path: {}", name.display());
        if !root.take(&name)? {
            slim.missing += 1;
            slim.first_missing.get_or_insert(name);
        }
    }
    Ok(slim)
}

struct Root<'a> {
    image: &'a Path,
    to: &'a Path,
    copier: Copier,
    /// Names that were copied, from the root on.
    there: BTreeSet<PathBuf>,
}

impl Root<'_> {
    /// Copies what a name leads to, and all on the way; answers whether it leads to something.
    fn take(&mut self, name: &Path) -> Result<bool> {
        let mut at = PathBuf::new();
        let mut waiting = Vec::new();
        push(&mut waiting, name);
        let mut links = 0;
        while let Some(part) = waiting.pop() {
            if part == ".." {
                // Above the root is the root.
                at.pop();
                continue;
            }
            let next = at.join(&part);
            let from = self.image.join(&next);
            // A file in the midst has no names below it, and one too long is none.
            let Ok(metadata) = fs::symlink_metadata(&from) else {
                return Ok(false);
            };
            if !self.there.contains(&next) {
                if !(metadata.is_dir() || metadata.is_file() || metadata.is_symlink()) {
                    return Ok(false);
                }
                self.copier.copy(&from, &metadata, &self.to.join(&next))?;
                self.there.insert(next.clone());
            }
            if !metadata.is_symlink() {
                if !metadata.is_dir() && !waiting.is_empty() {
                    return Ok(false);
                }
                at = next;
                continue;
            }
            links += 1;
            if links > LINKS_MAX {
                return Ok(false);
            }
            let target = fs::read_link(&from)?;
            if target.has_root() {
                at.clear();
            }
            push(&mut waiting, &target);
        }
        Ok(true)
    }
}

/// Puts the components of a path before those that wait, the first on top.
fn push(waiting: &mut Vec<OsString>, path: &Path) {
    for part in path.components().rev() {
        match part {
            Component::Normal(name) => waiting.push(name.to_owned()),
            Component::ParentDir => waiting.push(OsString::from_vec(b"..".to_vec())),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    /// An image and an empty root; removed when dropped.
    struct Made(PathBuf);

    impl Made {
        fn new(name: &str) -> Self {
            let folder = format!("lapwing-slim-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            let _ = fs::remove_dir_all(&folder);
            for root in ["image", "slim"] {
                fs::create_dir_all(folder.join(root)).unwrap();
            }
            Self(folder)
        }

        fn image(&self) -> PathBuf {
            self.0.join("image")
        }

        fn put(&self, path: &[u8], text: &str) {
            let path = self
                .image()
                .join(Path::new(std::ffi::OsStr::from_bytes(path)));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn link(&self, path: &str, to: &str) {
            let path = self.image().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(to, path).unwrap();
        }

        fn slim(&self, names: &[&[u8]]) -> Slim {
            let names: Vec<_> = names.iter().map(|name| name.to_vec()).collect();
            slim(&self.image(), &names, &self.0.join("slim")).unwrap()
        }

        /// What the root has, in order.
        fn has(&self) -> Vec<String> {
            let root = self.0.join("slim");
            let mut all = Vec::new();
            super::super::each(&root, &mut |path, _| {
                let below = path.strip_prefix(&root)?.as_os_str().as_bytes();
                all.push(lapwing_profile::text::canonical(below));
                Ok(())
            })
            .unwrap();
            all.sort_unstable();
            all
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn links_are_followed_within_the_root_and_kept() {
        let made = Made::new("links");
        made.put(b"usr/lib/libx.so.1.2", "x");
        made.put(b"usr/lib/unused", "x");
        made.link("lib", "usr/lib");
        made.link("usr/lib/libx.so.1", "libx.so.1.2");
        made.link("etc/alternatives/x", "/lib/libx.so.1");
        made.link("usr/bin/x", "../../../../etc/alternatives/x");
        assert_eq!(
            made.slim(&[b"/usr/bin/x", b"/usr/bin//./x", b"/usr/lib"]),
            Slim::default()
        );
        assert_eq!(
            made.has(),
            [
                "etc",
                "etc/alternatives",
                "etc/alternatives/x",
                "lib",
                "usr",
                "usr/bin",
                "usr/bin/x",
                "usr/lib",
                "usr/lib/libx.so.1",
                "usr/lib/libx.so.1.2",
            ]
        );
        // It is a root of its own: the links lead nowhere else.
        let link = fs::read_link(made.0.join("slim/etc/alternatives/x")).unwrap();
        assert_eq!(link, Path::new("/lib/libx.so.1"));
    }

    #[test]
    fn no_name_leads_out_of_the_root() {
        let made = Made::new("out");
        fs::write(made.0.join("outside"), "secret").unwrap();
        made.put(b"a", "x");
        made.put(b"folder/b", "x");
        let outside = made.0.join("outside");
        made.link("absolute", outside.to_str().unwrap());
        made.link("upwards", "../outside");
        made.link("folder/up", "../../folder");
        made.link("circle", "circle");
        made.link("rest", "a/b");
        let slim = made.slim(&[
            b"/../outside",
            b"/absolute",
            b"/upwards",
            b"/circle",
            b"/a/b",
            b"/a/..",
            b"/rest",
            b"/folder/up/up/up/b",
            b"/../../a",
            b"/",
            b"/..",
            b"/nul\0",
            &[b"/", &[b'x'; 5000][..]].concat(),
        ]);
        assert_eq!(slim.missing, 9);
        assert_eq!(
            slim.first_missing.as_deref(),
            Some(Path::new("/../outside"))
        );
        // Links that lead to nothing are there, as in the image, and what they seem to name is not.
        assert_eq!(
            made.has(),
            [
                "a",
                "absolute",
                "circle",
                "folder",
                "folder/b",
                "folder/up",
                "rest",
                "upwards"
            ]
        );
    }

    #[test]
    fn names_may_be_any_bytes_and_pipes_are_no_files() {
        let made = Made::new("bytes");
        made.put(b"new\nline/-rf \xff$(x)", "x");
        let pipe = made.image().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        let slim = made.slim(&[b"/new\nline/-rf \xff$(x)", b"/pipe"]);
        assert_eq!(slim.first_missing.as_deref(), Some(Path::new("/pipe")));
        assert_eq!(made.has(), ["new\\x0aline", "new\\x0aline/-rf \\xff$(x)"]);
        let relative = vec![b"etc/passwd".to_vec()];
        let error = super::slim(&made.image(), &relative, &made.0.join("slim")).unwrap_err();
        assert_eq!(error.to_string(), "no whole path: etc/passwd");
    }

    #[test]
    fn what_a_program_sees_of_a_file_stays() {
        let made = Made::new("same");
        made.put(b"bin/a", "text");
        let (a, b) = (made.image().join("bin/a"), made.image().join("b"));
        fs::set_permissions(&a, fs::Permissions::from_mode(0o4751)).unwrap();
        fs::set_permissions(made.image().join("bin"), fs::Permissions::from_mode(0o1777)).unwrap();
        let old = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 7);
        fs::File::open(&a).unwrap().set_modified(old).unwrap();
        fs::hard_link(&a, b).unwrap();
        assert_eq!(made.slim(&[b"/bin/a", b"/b", b"/bin/a"]), Slim::default());
        let of = |path: &str| fs::metadata(made.0.join("slim").join(path)).unwrap();
        assert_eq!(of("bin/a").mode() & 0o7777, 0o4751);
        assert_eq!(of("bin").mode() & 0o7777, 0o1777);
        assert_eq!(of("bin/a").modified().unwrap(), old);
        assert_eq!(of("bin/a").ino(), of("b").ino());
        assert_eq!(fs::read_to_string(made.0.join("slim/b")).unwrap(), "text");
    }
}
