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
    /// Whether the root is a mount at all: a root by chroot(2) alone is none.
    root: bool,
}

impl Mounts {
    /// Reads them; none where the process has ended.
    pub fn read(process: &Path) -> Self {
        use std::io::Read;
        let mut bytes = Vec::new();
        if let Ok(file) = std::fs::File::open(process.join("mountinfo")) {
            // What was read until then is right.
            let _ = file.take(TABLE_BYTES).read_to_end(&mut bytes);
        }
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        let mut mounts = Self::default();
        for line in text.lines() {
            mounts.take(line);
        }
        mounts
    }

    /// `id parent major:minor root point options … - type source options`, proc(5); blanks,
    /// newlines and backslashes in them are octal.
    fn take(&mut self, line: &str) -> Option<()> {
        let (front, back) = line.split_once(" - ")?;
        let mut words = front.split(' ');
        let id = words.next()?.parse().ok()?;
        let (major, minor) = words.nth(1)?.split_once(':')?;
        let device = (major.parse().ok()?, minor.parse().ok()?);
        let point = words.nth(1)?;
        let kind = back.split(' ').next()?;
        // As the kernel side tells them apart.
        let mount = match kind {
            "proc" | "sysfs" | "cgroup" | "cgroup2" => Mount::ProcSys,
            _ if point == "/" => Mount::Image,
            "tmpfs" | "ramfs" | "devtmpfs" => Mount::Tmpfs,
            _ => Mount::Volume,
        };
        if point == "/" {
            // Mounts on top of one another: the last one is seen.
            self.root = true;
            self.overlay = kind == "overlay";
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
            None if !self.root => Some(Mount::Image),
            known => known.copied(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

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
