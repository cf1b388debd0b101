//! The mounts that a process sees, from `/proc/PID/mountinfo`.

use lapwing_abi::ids::Mount;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Bytes of a table that are read.
const TABLE_BYTES: u64 = 16 << 20;

/// Its mounts.
#[derive(Clone, Debug, Default)]
pub struct Mounts {
    by_id: HashMap<u32, Mount>,
    /// Those whose files are served by a program (FUSE): it may keep a question waiting.
    asking: HashSet<u32>,
    /// By the number of the file system's device; `None` where what lies on it is no file.
    by_device: HashMap<(u32, u32), Option<Mount>>,
    /// Whether the root is an overlay, whose files may be told with another device's number.
    overlay: bool,
    /// The mount at the root. A root by chroot(2) alone is none.
    root: Option<Root>,
}

/// The mount at the root.
#[derive(Clone, Debug)]
struct Root {
    id: u32,
    device: (u32, u32),
    layer: Layer,
}

/// What a mount is to programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The root, of one file system.
    Plain,
    /// The root, of layers.
    Overlay {
        /// Where what is written goes: the folder, as whoever mounted it called it, and where in
        /// it the root begins. `None` where nothing can be written.
        upper: Option<(Vec<u8>, Vec<u8>)>,
    },
    /// Not the root.
    Volume,
}

/// One mount, as `id parent major:minor root point options … - type source options` tells it, proc(5); blanks,
/// newlines and backslashes in the words are octal.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its id.
    pub id: u32,
    /// The number of the file system's device.
    pub device: (u32, u32),
    /// Where in the file system it begins.
    pub top: &'a str,
    /// Where it is mounted.
    pub point: &'a str,
    /// The kind of file system.
    pub kind: &'a str,
    /// The file system's own options.
    pub options: &'a str,
}

impl<'a> Line<'a> {
    /// `None` of what is no such line.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (front, back) = line.split_once(" - ")?;
        let mut words = front.split(' ');
        let id = words.next()?.parse().ok()?;
        let (major, minor) = words.nth(1)?.split_once(':')?;
        let device = (major.parse().ok()?, minor.parse().ok()?);
        let (top, point) = (words.next()?, words.next()?);
        let mut back = back.split(' ');
        let kind = back.next()?;
        Some(Self {
            id,
            device,
            top,
            point,
            kind,
            options: back.nth(1).unwrap_or_default(),
        })
    }
}

/// The table of a process, from its `/proc/PID` folder; empty where it has ended.
pub fn table(process: &Path) -> String {
    use std::io::Read;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(process.join("mountinfo")) {
        // What was read until then is right.
        let _ = file.take(TABLE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Mounts {
    /// Reads them; none where the process has ended.
    pub fn read(process: &Path) -> Self {
        Self::parse(&table(process))
    }

    pub(super) fn parse(text: &str) -> Self {
        let mut mounts = Self::default();
        for line in text.lines() {
            mounts.take(line);
        }
        mounts
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let Line {
            id,
            device,
            top,
            point,
            kind,
            options,
        } = Line::parse(line)?;
        // As the kernel side tells them apart.
        let mount = match kind {
            "proc" | "sysfs" | "cgroup" | "cgroup2" => Mount::ProcSys,
            _ if point == "/" => Mount::Image,
            "tmpfs" | "ramfs" | "devtmpfs" => Mount::Tmpfs,
            _ => Mount::Volume,
        };
        if point == "/" {
            // Mounts on top of one another: the last one is seen.
            self.overlay = kind == "overlay";
            self.root = Some(Root {
                id,
                device,
                layer: match self.overlay {
                    true => overlay(top, options),
                    false => Layer::Plain,
                },
            });
        }
        self.by_id.insert(id, mount);
        if kind.starts_with("fuse") {
            self.asking.insert(id);
        }
        let files = (point != "/dev").then_some(mount);
        self.by_device.entry(device).or_insert(files);
        Some(())
    }

    /// What the mount with this id is; `None` for one that the process does not see.
    pub fn of_id(&self, id: u32) -> Option<Mount> {
        match self.by_id.get(&id) {
            // Below a root that is no mount, the mount that has it is not listed.
            None if self.root.is_none() => Some(Mount::Image),
            known => known.copied(),
        }
    }

    /// Whether the process sees the mount with this id.
    pub fn is_listed(&self, id: u32) -> bool {
        self.by_id.contains_key(&id)
    }

    /// What the mount with this id is to programs; `None` for one that the process does not see, or
    /// that is covered at the root by another.
    pub fn layer(&self, id: u32) -> Option<Layer> {
        match &self.root {
            Some(root) if root.id == id => Some(root.layer.clone()),
            _ if self.by_id.get(&id)? == &Mount::Image => None,
            _ => Some(Layer::Volume),
        }
    }

    /// The id of the mount at the root, if there is one.
    pub fn root_id(&self) -> Option<u32> {
        self.root.as_ref().map(|root| root.id)
    }

    /// The number of the device of the file system at the root, if one is mounted there.
    pub fn root_device(&self) -> Option<(u32, u32)> {
        self.root.as_ref().map(|root| root.device)
    }

    /// Whether a file system with this device is mounted.
    pub fn has_device(&self, device: (u32, u32)) -> bool {
        self.by_device.contains_key(&device)
    }

    /// Whether a program may serve the files at the root.
    pub fn is_root_asking(&self) -> bool {
        self.root
            .as_ref()
            .is_none_or(|root| self.is_asking(root.id))
    }

    /// Whether a program serves the files of the mount with this id.
    pub fn is_asking(&self, id: u32) -> bool {
        self.asking.contains(&id)
    }

    /// What the file system with this device's number is; `None` for one that the process does
    /// not see.
    pub fn of_device(&self, device: (u32, u32)) -> Option<Mount> {
        match self.by_device.get(&device) {
            None if self.overlay => Some(Mount::Image),
            None => None,
            Some(known) => *known,
        }
    }
}

/// The layers of an overlay whose part below `top` is mounted, from its options.
fn overlay(top: &str, options: &str) -> Layer {
    let upper = options
        .split(',')
        .find_map(|option| option.strip_prefix("upperdir="));
    Layer::Overlay {
        upper: upper.map(|upper| (unescape(upper), unescape(top))),
    }
}

/// Blanks, commas and the like in octal, as `\\040`.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|_| *first == b'\\');
        let number = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match number {
            Some(byte) => {
                out.push(byte);
                rest = &tail[3..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_layer_is_where_what_is_written_goes() {
        let mounts = Mounts::parse(
            "600 500 0:50 /in\\040side / rw - overlay overlay rw,lowerdir=/l:/m,upperdir=/u\\054\\040x,workdir=/w\n\
             601 600 0:51 / /v rw - overlay overlay rw,lowerdir=/l,upperdir=/v\n",
        );
        let upper = Some((b"/u, x".to_vec(), b"/in side".to_vec()));
        assert_eq!(mounts.layer(600), Some(Layer::Overlay { upper }));
        assert_eq!(mounts.layer(601), Some(Layer::Volume));
        assert_eq!(mounts.layer(602), None);
        assert_eq!(mounts.root_id(), Some(600));
        let covered = Mounts::parse("1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / / rw - ext4 b rw\n");
        assert_eq!(covered.layer(2), Some(Layer::Plain));
        assert_eq!(covered.layer(1), None, "covered");
        let mounts = Mounts::parse("600 500 0:50 / / ro - overlay overlay ro,lowerdir=/l\n");
        assert_eq!(mounts.layer(600), Some(Layer::Overlay { upper: None }));
    }

    const TABLE: &str = "\
600 500 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l
601 600 0:51 / /proc rw - proc proc rw
602 600 0:52 / /dev rw - tmpfs tmpfs rw
603 602 0:53 / /dev/shm rw - tmpfs shm rw
605 600 0:60 / /f rw - fuse.sshfs a@b:/ rw
604 600 8:1 /v\\040-\\0402 /a\\012b rw - ext4 /dev/sda1 rw
not a mount - at all
";

    #[test]
    fn mounts_are_what_the_kernel_side_calls_them() {
        let mounts = Mounts::parse(TABLE);
        for (id, mount) in [
            (600, Some(Mount::Image)),
            (601, Some(Mount::ProcSys)),
            (603, Some(Mount::Tmpfs)),
            (604, Some(Mount::Volume)),
            (7, None),
        ] {
            assert_eq!(mounts.of_id(id), mount, "{id}");
        }
        assert!(mounts.is_asking(605) && !mounts.is_asking(604));
        assert_eq!(mounts.of_device((0, 53)), Some(Mount::Tmpfs));
        assert_eq!(mounts.of_device((0, 52)), None, "devices");
        assert_eq!(mounts.of_device((9, 9)), Some(Mount::Image), "a layer");
    }

    #[test]
    fn a_root_that_is_no_mount_has_files_all_the_same() {
        let mounts = Mounts::parse("601 600 0:51 / /proc rw - proc proc rw\n");
        assert_eq!(mounts.of_id(24), Some(Mount::Image));
        assert_eq!(mounts.of_device((9, 9)), None);
        assert_eq!(Mounts::parse("").of_id(1), Some(Mount::Image));
    }
}
