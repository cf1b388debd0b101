//! A root folder of a list of files, as `lapwing inventory` has it.
//!
//! Names are those that the kernel told of a container, so they may be anything. Each is looked up as
//! the container's kernel would, one component after another, links being followed within the root;
//! nothing outside is ever opened, for each step is taken from a folder that was seen to be one. What is
//! only looked for, and not opened, is in no list: so all folders of the image are there, and all its links
//! but those to files that are left out; and the sources of compiled Python modules, for Python opens the
//! one only where it finds the other (PEP 3147).

use super::copy::Copier;
use super::each;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Links that are followed for one name, as many as the kernel follows.
const LINKS_MAX: usize = 40;

/// What came of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Slimmed {
    /// Names that the image does not have.
    pub missing: Vec<PathBuf>,
    /// Sources of compiled modules, which are not in the list.
    pub sources: usize,
}

/// Fills a folder with files of an image. Names are bytes from the root on, in any order.
///
/// # Errors
///
/// A name that is not whole, or something that cannot be copied.
pub fn slim(image: &Path, names: &[Vec<u8>], to: &Path) -> Result<Slimmed> {
    for name in names {
        let text = String::from_utf8_lossy(name);
        ensure!(name.starts_with(b"/"), "no whole path: {text}");
    }
    let mut root = Root {
        image,
        to,
        copier: Copier::default(),
        there: BTreeSet::new(),
    };
    let mut links = Vec::new();
    each(image, &mut |path, metadata| {
        let below = path.strip_prefix(image)?.to_path_buf();
        if metadata.is_dir() {
            root.put(below, metadata)?;
        } else if metadata.is_symlink() {
            links.push((below, metadata.clone()));
        }
        Ok(())
    })?;
    let mut made = Slimmed::default();
    for name in names {
        let name = PathBuf::from(OsString::from_vec(name.clone()));
        match steps(image, &name)? {
            Some(steps) => {
                for (path, metadata) in steps {
                    root.put(path, &metadata)?;
                }
            }
            None => made.missing.push(name),
        }
    }
    let sources: Vec<_> = root.there.iter().filter_map(|it| source(it)).collect();
    for source in sources {
        let metadata = fs::symlink_metadata(image.join(&source));
        if let Some(metadata) = metadata.ok().filter(Metadata::is_file) {
            made.sources += usize::from(!root.there.contains(&source));
            root.put(source, &metadata)?;
        }
    }
    for (link, metadata) in links {
        let end = steps(image, &link)?.and_then(|mut steps| steps.pop());
        let leads_to_nothing =
            |(end, metadata): (PathBuf, Metadata)| !metadata.is_dir() && !root.there.contains(&end);
        if !end.is_some_and(leads_to_nothing) {
            root.put(link, &metadata)?;
        }
    }
    Ok(made)
}

/// The source of a compiled module of Python.
fn source(compiled: &Path) -> Option<PathBuf> {
    let folder = compiled.parent()?;
    let name = compiled.file_name()?.to_str()?.strip_suffix(".pyc")?;
    let module = name.split('.').next()?;
    let is_compiled = folder.file_name()? == "__pycache__" && !module.is_empty();
    is_compiled.then(|| folder.with_file_name(format!("{module}.py")))
}

struct Root<'a> {
    image: &'a Path,
    to: &'a Path,
    copier: Copier,
    /// Names that were copied, from the root on.
    there: BTreeSet<PathBuf>,
}

impl Root<'_> {
    /// Copies a name, once.
    fn put(&mut self, below: PathBuf, metadata: &Metadata) -> Result<()> {
        if !self.there.contains(&below) {
            let (from, to) = (self.image.join(&below), self.to.join(&below));
            self.copier.copy(&from, metadata, &to)?;
            self.there.insert(below);
        }
        Ok(())
    }
}

/// All on the way to what a name leads to, links included; `None` where it leads to nothing, or to no
/// file, folder or link.
fn steps(image: &Path, name: &Path) -> Result<Option<Vec<(PathBuf, Metadata)>>> {
    let mut steps = Vec::new();
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
        let from = image.join(&next);
        // One too long is none, and so is one with a zero.
        let Ok(metadata) = fs::symlink_metadata(&from) else {
            return Ok(None);
        };
        let (is_link, is_folder) = (metadata.is_symlink(), metadata.is_dir());
        let is_known = is_link || is_folder || metadata.is_file();
        let is_in_the_midst = !waiting.is_empty();
        steps.push((next.clone(), metadata));
        if !is_known || is_in_the_midst && !is_link && !is_folder {
            return Ok(None);
        }
        if !is_link {
            at = next;
            continue;
        }
        links += 1;
        if links > LINKS_MAX {
            return Ok(None);
        }
        let target = fs::read_link(&from)?;
        if target.has_root() {
            at.clear();
        }
        push(&mut waiting, &target);
    }
    Ok(Some(steps))
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

        fn slim(&self, names: &[&[u8]]) -> Slimmed {
            let names: Vec<_> = names.iter().map(|name| name.to_vec()).collect();
            slim(&self.image(), &names, &self.0.join("slim")).unwrap()
        }

        /// What the root has, in order.
        fn has(&self) -> Vec<String> {
            let root = self.0.join("slim");
            let mut all = Vec::new();
            each(&root, &mut |path, _| {
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
        made.link("usr/lib/to-unused", "unused");
        made.link("etc/mtab", "../proc/mounts");
        assert_eq!(
            made.slim(&[b"/usr/bin/x", b"/usr/bin//./x", b"/usr/lib"]),
            Slimmed::default()
        );
        assert_eq!(
            made.has(),
            [
                "etc",
                "etc/alternatives",
                "etc/alternatives/x",
                "etc/mtab",
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
        let Slimmed { missing, .. } = made.slim(&[
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
        assert_eq!(missing.len(), 9, "{missing:?}");
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
        let Slimmed { missing, .. } = made.slim(&[b"/new\nline/-rf \xff$(x)", b"/pipe"]);
        assert_eq!(missing, [Path::new("/pipe")]);
        assert_eq!(made.has(), ["new\\x0aline", "new\\x0aline/-rf \\xff$(x)"]);
        let relative = vec![b"etc/passwd".to_vec()];
        let error = slim(&made.image(), &relative, &made.0.join("slim")).unwrap_err();
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
        assert_eq!(
            made.slim(&[b"/bin/a", b"/b", b"/bin/a"]),
            Slimmed::default()
        );
        let of = |path: &str| fs::metadata(made.0.join("slim").join(path)).unwrap();
        assert_eq!(of("bin/a").mode() & 0o7777, 0o4751);
        assert_eq!(of("bin").mode() & 0o7777, 0o1777);
        assert_eq!(of("bin/a").modified().unwrap(), old);
        assert_eq!(of("bin/a").ino(), of("b").ino());
        assert_eq!(fs::read_to_string(made.0.join("slim/b")).unwrap(), "text");
    }

    #[test]
    fn sources_of_compiled_modules_come_along() {
        let made = Made::new("sources");
        for path in [
            &b"lib/__pycache__/os.cpython-311.opt-1.pyc"[..],
            b"lib/os.py",
            b"lib/other.py",
            b"lib/__pycache__/gone.cpython-311.pyc",
            b"lib/__pycache__/.pyc",
            b"lib/plain.pyc",
            b"lib/plain.py",
        ] {
            made.put(path, "x");
        }
        made.link("lib/link.py", "os.py");
        let slimmed = made.slim(&[
            b"/lib/__pycache__/os.cpython-311.opt-1.pyc",
            b"/lib/__pycache__/gone.cpython-311.pyc",
            b"/lib/__pycache__/.pyc",
            b"/lib/plain.pyc",
        ]);
        assert_eq!((slimmed.sources, slimmed.missing.len()), (1, 0));
        let has = made.has();
        assert!(has.contains(&"lib/os.py".to_owned()), "{has:?}");
        assert!(has.contains(&"lib/link.py".to_owned()), "{has:?}");
        for left in ["lib/other.py", "lib/plain.py"] {
            assert!(!has.contains(&left.to_owned()), "{has:?}");
        }
    }
}
