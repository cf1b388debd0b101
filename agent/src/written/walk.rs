//! How much lies in folders of a container, counted within bounds.
//!
//! What is there is hostile. Every name is opened by itself, below the folder that it stands in, and neither a link nor
//! a mount is followed: one whose files a program serves could keep the thread waiting for ever. A file counts
//! by the blocks that it has, once however many names it has, and only if it was changed since the container
//! began: then its inode is newer, which no program can deny by setting times. What an image brings is older, on
//! whatever its layers lie.

use lapwing_profile::written::Found;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2};
use rustix::io::Errno;
use std::collections::{BTreeMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of a block of `st_blocks`, stat(2).
const BLOCK: u64 = 512;
const NANOSECONDS: i64 = 1_000_000_000;
/// Names between two looks at the clock.
const CLOCK_EVERY: usize = 256;

/// What one look may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Names.
    pub(super) names: usize,
    /// Folders in one another, below one that is asked for. As many are open.
    pub(super) depth: usize,
    /// Time.
    pub(super) time: Duration,
}

/// What was found in each folder that is there, or could be: what lies on another mount is left out.
pub(super) type Counted = BTreeMap<String, Found>;

/// Counts what was changed since a time, in nanoseconds since the Unix epoch, in folders below a root: pairs of
/// their names in a profile and of their paths.
pub(super) fn count(
    root: BorrowedFd<'_>,
    folders: &[(String, Vec<u8>)],
    since: i64,
    bounds: Bounds,
) -> Counted {
    let paths = folders.iter();
    let mut walk = Walk {
        wanted: paths.map(|(name, path)| (path.clone(), name)).collect(),
        since,
        bounds,
        began: Instant::now(),
        names: 0,
        linked: HashSet::new(),
        counted: Counted::new(),
    };
    for (name, path) in folders {
        // One in another was counted with it, if it is there and no mount.
        if !walk.counted.contains_key(name) {
            walk.top(root, name, path);
        }
    }
    walk.counted
}

struct Walk<'a> {
    wanted: BTreeMap<Vec<u8>, &'a String>,
    since: i64,
    bounds: Bounds,
    began: Instant,
    names: usize,
    /// Files of several names that were counted.
    linked: HashSet<(u64, u64)>,
    counted: Counted,
}

impl Walk<'_> {
    /// A folder below the root, its links being followed there.
    fn top(&mut self, root: BorrowedFd<'_>, name: &str, path: &[u8]) {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let found = match openat2(root, path, FOLDER, Mode::empty(), resolve) {
            Ok(folder) => {
                self.linked.clear();
                let own = fstat(&folder).map(|is| self.own(&is)).unwrap_or_default();
                let mut at = path.to_vec();
                add(self.below(folder, &mut at, 0), own)
            }
            // It was removed, or is not made yet.
            Err(Errno::NOENT) => Found::default(),
            Err(Errno::ACCESS | Errno::PERM) => Found {
                unread: true,
                ..Found::default()
            },
            // On another mount, or no folder any more.
            Err(_) => return,
        };
        self.counted.insert(name.to_owned(), found);
    }

    /// What is in a folder, which is the one with this path.
    fn below(&mut self, folder: OwnedFd, path: &mut Vec<u8>, depth: usize) -> Found {
        let mut total = Found::default();
        match Dir::new(folder) {
            Ok(mut entries) => {
                while let Some(entry) = entries.read() {
                    let (Ok(entry), Ok(folder)) = (entry, entries.fd()) else {
                        total.unread = true;
                        break;
                    };
                    let name = entry.file_name().to_bytes();
                    if name == b"." || name == b".." {
                        continue;
                    }
                    if self.is_over() {
                        total.bound = true;
                        break;
                    }
                    total = add(total, self.one(folder, name, path, depth));
                }
            }
            Err(_) => total.unread = true,
        }
        if let Some(name) = self.wanted.get(&path[..]) {
            self.counted.insert((*name).clone(), total);
        }
        total
    }

    fn is_over(&mut self) -> bool {
        self.names += 1;
        let is_late =
            self.names.is_multiple_of(CLOCK_EVERY) && self.began.elapsed() >= self.bounds.time;
        if is_late {
            self.bounds.names = 0;
        }
        self.names > self.bounds.names
    }

    /// What a name in a folder stands for.
    fn one(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Found {
        let unread = Found {
            unread: true,
            ..Found::default()
        };
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        let open = |flags: OFlags| openat2(folder, name, flags, Mode::empty(), HERE);
        let file = match open(OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC) {
            Ok(file) => file,
            // Gone meanwhile, or a mount, which is no part of this.
            Err(Errno::NOENT | Errno::XDEV) => return Found::default(),
            Err(_) => return unread,
        };
        let Ok(is) = fstat(&file) else {
            return unread;
        };
        // So many are open as folders lie in one another.
        drop(file);
        let own = self.own(&is);
        if !is_folder(&is) {
            return own;
        }
        if depth + 1 >= self.bounds.depth {
            return Found { bound: true, ..own };
        }
        let inside = match open(FOLDER) {
            Ok(inside) => inside,
            Err(Errno::NOENT | Errno::XDEV | Errno::NOTDIR | Errno::LOOP) => return own,
            Err(_) => return add(own, unread),
        };
        let length = path.len();
        if path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend(name.as_os_str().as_bytes());
        let below = self.below(inside, path, depth + 1);
        path.truncate(length);
        add(own, below)
    }

    /// What a file or folder has by itself.
    fn own(&mut self, is: &Stat) -> Found {
        let is_new = changed(is) >= self.since;
        let has_names = !is_folder(is) && is.st_nlink > 1;
        if !is_new || has_names && !self.linked.insert((is.st_dev, is.st_ino)) {
            return Found::default();
        }
        Found {
            bytes: u64::try_from(is.st_blocks).unwrap_or_default() * BLOCK,
            files: 1,
            ..Found::default()
        }
    }
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

const HERE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// When an inode was changed last, in nanoseconds since the Unix epoch.
#[expect(
    clippy::unnecessary_cast,
    reason = "the types differ between architectures"
)]
fn changed(is: &Stat) -> i64 {
    (is.st_ctime as i64)
        .saturating_mul(NANOSECONDS)
        .saturating_add(is.st_ctime_nsec as i64)
}

fn is_folder(is: &Stat) -> bool {
    FileType::from_raw_mode(is.st_mode).is_dir()
}

const fn add(a: Found, b: Found) -> Found {
    Found {
        bytes: a.bytes.saturating_add(b.bytes),
        files: a.files.saturating_add(b.files),
        bound: a.bound || b.bound,
        unread: a.unread || b.unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::AsFd;
    use rustix::thread::CapabilitySet;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const BOUNDS: Bounds = Bounds {
        names: 1_000,
        depth: 8,
        time: Duration::from_secs(60),
    };

    fn counted(root: &Path, folders: &[&str], since: i64, bounds: Bounds) -> Counted {
        let root = fs::File::open(root).unwrap();
        let folders: Vec<_> = (folders.iter())
            .map(|it| ((*it).to_owned(), it.as_bytes().to_vec()))
            .collect();
        count(root.as_fd(), &folders, since, bounds)
    }

    fn allocated(path: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt;
        fs::symlink_metadata(path).unwrap().blocks() * BLOCK
    }

    #[test]
    fn blocks_count_once_and_holes_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("data/in")).unwrap();
        let big = root.join("data/in/big");
        fs::write(&big, vec![1; 3 << 20]).unwrap();
        fs::hard_link(&big, root.join("data/again")).unwrap();
        let sparse = fs::File::create(root.join("data/sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        let all = counted(root, &["/data", "/data/in", "/none"], 0, BOUNDS);
        let own = |path: &str| allocated(&root.join(path));
        let inside = own("data/in/big");
        assert!(inside >= 3 << 20);
        let sum = inside + own("data/in") + own("data") + own("data/sparse");
        assert_eq!((all["/data"].bytes, all["/data"].files), (sum, 4));
        assert_eq!(all["/none"], Found::default());
        // It was counted with the folder above, where the other name may have come first.
        assert!(all["/data/in"].bytes <= inside && all.len() == 3);
        let alone = counted(root, &["/data/in"], 0, BOUNDS);
        assert_eq!(alone["/data/in"].bytes, inside + own("data/in"));
    }

    #[test]
    fn what_is_older_than_the_container_is_the_image_s() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("app")).unwrap();
        fs::write(root.join("app/old"), vec![1; 1 << 20]).unwrap();
        use std::os::unix::fs::MetadataExt;
        let is = fs::metadata(root.join("app/old")).unwrap();
        let since = is.ctime() * NANOSECONDS + is.ctime_nsec() + 1;
        // The clock of files is a coarse one.
        while counted(root, &["/app"], since, BOUNDS)["/app"].files == 0 {
            fs::write(root.join("app/new"), vec![1; 2 << 20]).unwrap();
        }
        // Times that a program sets are others.
        let new = fs::File::open(root.join("app/new")).unwrap();
        new.set_modified(std::time::UNIX_EPOCH).unwrap();
        let bytes = counted(root, &["/app"], since, BOUNDS)["/app"].bytes;
        assert!((2 << 20..3 << 20).contains(&bytes), "{bytes}");
    }

    #[test]
    fn nothing_leads_out_of_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let root = folder.path().join("root");
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(root.join("data")).unwrap();
        fs::create_dir_all(root.join("real")).unwrap();
        fs::write(outside.join("big"), vec![1; 4 << 20]).unwrap();
        fs::write(root.join("real/some"), vec![1; 1 << 20]).unwrap();
        symlink(&outside, root.join("data/link")).unwrap();
        symlink(outside.join("big"), root.join("data/file")).unwrap();
        symlink("../../outside", root.join("up")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        symlink("/real", root.join("alias")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let asked = ["/data", "/up", "/magic", "/alias", "/loop", "/../outside"];
        let all = counted(&root, &asked, 0, BOUNDS);
        assert!(all["/data"].bytes < 1 << 20, "{all:?}");
        for name in ["/up", "/magic", "/../outside"] {
            let found = all.get(name).copied().unwrap_or_default();
            assert_eq!(found, Found::default(), "{name}");
        }
        // Nor are links that are asked for themselves; what is above them leads no further than the root.
        assert!(!all.contains_key("/loop") && !all.contains_key("/alias"));
        fs::create_dir(root.join("real/in")).unwrap();
        let asked = ["/alias/in", "/up/real", "/../real"];
        let all = counted(&root, &asked, 0, BOUNDS);
        assert_eq!((all["/alias/in"].files, all["/../real"].files), (1, 3));
        assert_eq!(all["/up/real"], Found::default());
        // Other mounts are not entered: /proc is one.
        let host = counted(Path::new("/"), &["/proc/self", "/proc"], 0, BOUNDS);
        assert_eq!(host, Counted::new());
    }

    #[test]
    fn each_bound_is_said_and_none_is_passed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("many")).unwrap();
        for number in 0..300 {
            fs::write(root.join(format!("many/{number}")), "x").unwrap();
        }
        let deep: std::path::PathBuf = std::iter::repeat_n("d", 200).collect();
        fs::create_dir_all(root.join(&deep)).unwrap();
        let many = |bounds| counted(root, &["/many"], 0, bounds)["/many"];
        let all = many(BOUNDS);
        assert_eq!((all.files, all.bound), (301, false));
        let some = many(Bounds {
            names: 100,
            ..BOUNDS
        });
        assert_eq!((some.files, some.bound), (101, true));
        let late = many(Bounds {
            time: Duration::ZERO,
            ..BOUNDS
        });
        assert!(late.bound && late.files as usize <= CLOCK_EVERY, "{late:?}");
        let found = counted(root, &["/d"], 0, BOUNDS)["/d"];
        assert_eq!(
            (found.files as usize, found.bound),
            (BOUNDS.depth + 1, true)
        );
        // What is beyond the end of one is beyond that of all that come later.
        let both = counted(
            root,
            &["/many", "/d"],
            0,
            Bounds {
                names: 100,
                ..BOUNDS
            },
        );
        assert!(both["/many"].bound && both["/d"].bound, "{both:?}");
    }

    #[test]
    fn what_may_not_be_read_is_said() {
        let thread = std::thread::spawn(|| {
            // Nothing is kept from root, unless its thread has not these.
            let mut own = rustix::thread::capabilities(None).unwrap();
            own.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
            rustix::thread::set_capabilities(None, own).unwrap();
            what_is_shut_is_said();
        });
        thread.join().unwrap();
    }

    fn what_is_shut_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let shut = folder.path().join("data/shut");
        fs::create_dir_all(&shut).unwrap();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        let found = counted(folder.path(), &["/data", "/data/shut"], 0, BOUNDS);
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(
            found["/data"].unread && found["/data/shut"].unread,
            "{found:?}"
        );
    }
}
