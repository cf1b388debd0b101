//! A read-only root, and the folders that stay writable.
//!
//! Each change to a file on the container's own root (not on a volume, in memory or in proc) needs a
//! writable mount above it. The folder that the name stands in is the narrowest that can be one, and
//! no wider one is taken without need: a wider one covers more of the image, of which nothing may be known here.
//! An empty mount has nothing in it. So of these folders one that lies in another is left out only if it and
//! all folders between were seen to be made ([`made`]): else it would be gone, and is a mount in the
//! mount. A rename or a hard link needs one mount for both its paths; the folder above both is taken for
//! them where that hides no folder that has to be there, and else the root cannot be read-only. The list
//! depends on no order, and every folder names the entries that made it.
//!
//! A folder cannot be one (`folders::forbids`) if the image surely has files there that the
//! container needs: the system's own folders, those that hold a program it executes, and all below
//! `/etc`, `/usr`, `/opt` and their like, where configuration is edited in place. If something
//! is written right there, the root cannot be read-only, and that file is named with what to do.
//! The one exception is a folder that the container makes in such a place: it can be a mount itself.
//! Where it is known which files of the image are used, a folder that holds one of them is such a place too,
//! unless the container makes that file.

mod candidates;
pub(crate) mod folders;
mod made;
mod mounts;
mod size;
pub(crate) mod told;
mod touch;
mod warnings;

pub use candidates::{CANDIDATES_MAX, candidates};
pub use size::{EVICTED, Looked, Size};

use crate::Given;
use crate::evidence::{Fact, Facts, Named, Seen};
use crate::image::Below;
use folders::{Taken, within};
use lapwing_profile::behaviour::{Behaviour, FileChange, Operation, Origin, Target};
use lapwing_profile::inventory::{Inventory, uses};
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::text::canonical;
use lapwing_profile::written::Written;
use made::Made;
use mounts::Mounts;
use serde::Serialize;
use std::collections::BTreeMap;
use told::Told;
use touch::Touch;

/// What is said where nobody told what a file lay on.
const UNTOLD: &str =
    "on what kind of mount files here lay was not recorded: see that no volume is mounted there";

/// Whether the root can be read-only, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Root {
    /// Whether `readOnlyRootFilesystem: true` is advised.
    pub read_only: bool,
    /// Folders to mount an `emptyDir` (in Compose a tmpfs) on, in order. Where the root cannot be
    /// read-only these would be needed besides.
    pub folders: Vec<Folder>,
    /// What these hide of the image, as far as is known; `None` where the container makes all of them, or the
    /// image was read and has nothing there.
    pub hides: Option<String>,
    /// What keeps the root from being read-only.
    pub blocked: Vec<Blocked>,
    /// Settings of the kernel that are written: they need no mount.
    pub kernel: Named,
    /// Changes on volumes and in memory, which need none either.
    pub elsewhere: usize,
    /// Changes below what the pod mounts already.
    pub mounted: usize,
}

/// A folder that has to be writable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Folder {
    /// As the profile writes it.
    pub text: String,
    /// As the kernel has it.
    pub path: String,
    /// What is written there.
    pub because: Named,
    /// How large it may be.
    pub size: Size,
    /// What the image has there, which it would hide; `None` where no image was read.
    pub image: Option<Below>,
    /// What to look at before it is applied.
    pub warnings: Vec<String>,
    /// Whether something written there is executed from there.
    pub executed: bool,
}

/// A change that no mount can take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    /// The file, as the profile writes it.
    pub path: String,
    /// Why no folder above it can be a mount.
    pub why: String,
    /// What to do.
    pub remedy: String,
    /// The entry.
    pub seen: Seen,
}

impl Root {
    pub(crate) fn of(
        facts: &Facts,
        mounted: &[String],
        given: &Given<'_>,
        written: &Written,
    ) -> Self {
        let used = given.used;
        let mut root = Self::default();
        let (mut touches, mut pairs) = (Vec::new(), Vec::new());
        let told = Told::of(facts);
        for fact in &facts.all {
            if let Behaviour::File(file) = &fact.entry.behaviour {
                let first = touches.len();
                root.sort(fact, file, mounted, &told, &mut touches);
                if touches.len() == first + 2 {
                    pairs.push((first, first + 1));
                }
            }
        }
        let is_rename = |(from, _): &&(usize, usize)| {
            let touch: &Touch<'_> = &touches[*from];
            touch.file.operation == Operation::Rename
        };
        let renames: Vec<_> = pairs.iter().filter(is_rename).copied().collect();
        let made = Made::of(&touches, &renames);
        let mut needed = needed(facts);
        for path in used.into_iter().flat_map(of_image) {
            if !made.has_name(&path) {
                needed.entry(path).or_insert("was seen in use");
            }
        }
        let mounts = Mounts::of(&touches, &pairs, &needed, &made);
        for (at, (why, remedy)) in mounts.blocked {
            root.blocked.push(Blocked {
                path: touches[at].path.clone(),
                why,
                remedy,
                seen: touches[at].fact.seen.clone(),
            });
        }
        root.folders = (mounts.of.into_iter())
            .map(|(text, below)| {
                let size = Size::of(&text, written);
                Folder {
                    size,
                    ..warnings::folder(text, &touches, &below, &made, (facts, given.image))
                }
            })
            .collect();
        if let Some(image) = given.image {
            let folders: Vec<&str> = root.folders.iter().map(|it| &*it.text).collect();
            let below = image.below(&folders);
            for (folder, below) in root.folders.iter_mut().zip(below) {
                folder.warnings.extend(below.warning());
                folder.image = Some(below);
            }
        }
        root.hides = warnings::of_image(&root.folders, &made, used);
        root.read_only = root.blocked.is_empty();
        root
    }

    /// Whether any folder is advised a limit.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        let mut folders = self.folders.iter();
        folders.any(|folder| folder.size.limit_mi.is_some())
    }

    /// Where a change belongs; those on the container's root go on.
    fn sort<'a>(
        &mut self,
        fact: &'a Fact,
        file: &'a FileChange,
        mounted: &[String],
        told: &Told<'_>,
        touches: &mut Vec<Touch<'a>>,
    ) {
        if file.operation == Operation::OpenRead {
            return;
        }
        let is_told = told::is_told(fact.mounts);
        // By the place alone where nobody told: every runtime mounts these.
        let below = |folder: &str| !is_told && within(&file.path, folder);
        let on_root = fact.mounts.has(Mount::Image) || fact.mounts.has(Mount::Unknown);
        if fact.mounts.has(Mount::Kernel) && !on_root || below("/proc") || below("/sys") {
            self.kernel.push(fact.seen.clone());
            return;
        }
        let is_inferred = !is_told && told.is_elsewhere(&file.path);
        if is_told && !on_root || below("/dev") || is_inferred {
            self.elsewhere += 1;
            return;
        }
        if !is_told && told.is_alias(&file.path) {
            return;
        }
        let target = match file.operation.target() {
            Target::Path => file.target.as_deref(),
            Target::None | Target::Words => None,
        };
        let paths = [Some((&*file.path, false)), target.map(|path| (path, true))];
        let is_mounted = |path: &str| mounted.iter().any(|mount| within(path, mount));
        let (inside, outside): (Vec<_>, Vec<_>) =
            (paths.into_iter().flatten()).partition(|(path, _)| is_mounted(path));
        self.mounted += inside.len();
        if let ([(inside, _)], [(outside, _)]) = (&inside[..], &outside[..]) {
            self.blocked.push(Blocked {
                path: (*outside).to_owned(),
                why: format!(
                    "{} of {inside}, which lies below a mount of the pod, and of it works within one mount alone",
                    file.operation.word()
                ),
                remedy: "have that mount hold both, or have it copy".to_owned(),
                seen: fact.seen.clone(),
            });
        }
        for (path, is_target) in outside {
            touches.push(Touch::new(fact, file, path, is_target));
        }
    }
}

/// Files that were seen in use, and that no container had made or changed by then; no folders.
fn of_image(used: &Inventory) -> impl Iterator<Item = String> {
    let files = used.files.iter();
    files
        .filter(|(_, used)| !used.changed && used.how != uses::LIST)
        .map(|(path, _)| canonical(path))
}

/// Files of the image that the container is known to need, and what for.
fn needed(facts: &Facts) -> Taken {
    let mut needed = BTreeMap::new();
    for fact in &facts.all {
        match &fact.entry.behaviour {
            Behaviour::Exec(exec) => {
                if exec.origin == Origin::Image {
                    needed.insert(exec.path.clone(), "is executed");
                }
                if let Some(script) = &exec.script {
                    needed.insert(script.clone(), "is a script that is executed");
                }
            }
            Behaviour::File(file) => {
                let on_root = fact.mounts.has(Mount::Image);
                if file.operation == Operation::OpenRead && !file.pattern && on_root {
                    needed.insert(file.path.clone(), "is a credential that is read");
                }
            }
            Behaviour::Egress(_)
            | Behaviour::Listen(_)
            | Behaviour::Dns(_)
            | Behaviour::Privilege(_) => {}
        }
    }
    needed
}
