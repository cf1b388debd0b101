//! Which folders become mounts.
//!
//! Of two rules the first is the one of the narrowest folder: see [`super`]. The second is of renames
//! and hard links, which work within one mount alone (`EXDEV`): where the two paths of one come to lie on two
//! mounts, the folder above both is one instead, if it may be and all between was seen to be made.

use super::folders::{Place, Taken, forbids, name, parent};
use super::made::{Known, Made, matches};
use super::touch::{Role, Touch};
use std::collections::{BTreeMap, BTreeSet};

/// Why a change has no mount, and what to do.
pub(super) type Why = (String, String);

/// Where all changes belong.
#[derive(Default)]
pub(super) struct Mounts {
    /// The folders, and by number what is written below each.
    pub(super) of: BTreeMap<String, BTreeSet<usize>>,
    /// What has none, by number.
    pub(super) blocked: BTreeMap<usize, Why>,
}

impl Mounts {
    /// Of all changes, and pairs of the two paths of one rename or link.
    pub(super) fn of(
        touches: &[Touch<'_>],
        pairs: &[(usize, usize)],
        needed: &Taken,
        made: &Made,
    ) -> Self {
        let mut mounts = Self::default();
        let mut placed: BTreeMap<usize, String> = BTreeMap::new();
        let mut folders = BTreeSet::new();
        let (last, first): (Vec<_>, Vec<_>) =
            (touches.iter().enumerate()).partition(|(_, touch)| touch.is_of_attributes());
        for (at, touch) in first.into_iter().chain(last) {
            let there = match touch.is_of_attributes() {
                true if folders.contains(&touch.path) => Some(touch.path.clone()),
                true => made.cover(&folders, &parent(&touch.path)),
                false => None,
            };
            match there.map_or_else(|| place(touch, needed, made), Ok) {
                Ok(folder) => {
                    folders.insert(folder.clone());
                    placed.insert(at, folder);
                }
                Err(why) => _ = mounts.blocked.insert(at, why),
            }
        }
        // What is brought together stays so when others are, and what is above a pair never changes:
        // the second round is for those that were brought together by others.
        let mut apart = Vec::new();
        for _ in 0..2 {
            apart.clear();
            let mut above = Vec::new();
            for (from, to) in pairs {
                let (Some(a), Some(b)) = (placed.get(from), placed.get(to)) else {
                    continue;
                };
                if top(&folders, made, a) != top(&folders, made, b) {
                    match join(a, b, needed, made) {
                        Ok(folder) => above.push(folder),
                        Err(why) => apart.push((*from, *to, why)),
                    }
                }
            }
            folders.extend(above);
        }
        for (from, to, why) in apart {
            let remedy =
                "mount a volume above both, that holds what is needed there, or have it copy";
            let operation = touches[from].file.operation.word();
            let why = format!(
                "{operation} to {} works within one mount alone, and {why}",
                touches[to].text
            );
            mounts.blocked.insert(from, (why, remedy.to_owned()));
        }
        for (at, folder) in placed {
            let top = top(&folders, made, &folder);
            mounts.of.entry(top).or_default().insert(at);
        }
        mounts.busy(touches);
        mounts
    }

    /// Blocks what takes a mount away, or the folder that one is in.
    fn busy(&mut self, touches: &[Touch<'_>]) {
        for (at, touch) in touches.iter().enumerate() {
            if !touch.replaces() || self.blocked.contains_key(&at) {
                continue;
            }
            let below = format!("{}/", touch.path);
            let mut inside = (self.of.range(below.clone()..))
                .map(|(folder, _)| folder)
                .take_while(|folder| folder.starts_with(&below));
            let mount = match touch.is_stem {
                true => inside.find(|folder| matches(touch.text, folder)),
                false if self.of.contains_key(&touch.path) => Some(&touch.path),
                false => inside.next().filter(|_| touch.takes_away()),
            };
            if let Some(mount) = mount {
                let why = format!(
                    "{mount} has to be a mount, and {} of it, or of what it lies in, fails then",
                    touch.file.operation.word()
                );
                let remedy = "have it keep that folder, or mount a volume above it that holds it";
                self.blocked.insert(at, (why, remedy.to_owned()));
            }
        }
    }
}

/// The uppermost folder that has another below it, all between being made.
fn top(folders: &BTreeSet<String>, made: &Made, folder: &str) -> String {
    let mut top = folder.to_owned();
    while made.is_folder(&top) {
        match made.cover(folders, &parent(&top)) {
            Some(above) => top = above,
            None => break,
        }
    }
    top
}

/// The folder above two, if it can be one mount for both; why not.
fn join(a: &str, b: &str, needed: &Taken, made: &Made) -> Result<String, String> {
    let mut above = a.to_owned();
    while !super::folders::within(b, &above) {
        above = parent(&above);
    }
    if let Some(why) = forbids(&above, needed, made) {
        return Err(format!("no folder above both can be one: {why}"));
    }
    match made.unmade(a, &above).or_else(|| made.unmade(b, &above)) {
        Some(folder) => Err(format!(
            "a mount at {above} would hide {folder}, which nobody was seen to make"
        )),
        None => Ok(above),
    }
}

/// The folder that has to be a mount for a change.
fn place(touch: &Touch<'_>, needed: &Taken, made: &Made) -> Result<String, Why> {
    let path = &touch.path;
    let elsewhere =
        || "have it write elsewhere, or mount a volume that holds the folder".to_owned();
    if !path.starts_with('/') {
        let why = "only a part of its path is known, so nobody can say where it lies";
        let remedy = "see in the container which file that is, and mount a volume there";
        return Err((why.to_owned(), remedy.to_owned()));
    }
    if let (true, Some((form, Known::None))) = (touch.is_stem, made.open(touch)) {
        let why = format!(
            "a mount at {path} would hide the folders {form}, which nobody was seen to make"
        );
        return Err((why, elsewhere()));
    }
    let mut folder = match touch.is_stem {
        true => path.clone(),
        false => parent(path),
    };
    // No manifest can name such a folder; the one above it can, if it is made there.
    while name(&folder) == Place::Unnameable {
        if !made.is_folder(&folder) {
            let why = format!(
                "no manifest can name {folder} as a mount, and one above would hide it: nobody was seen to make it"
            );
            return Err((why, elsewhere()));
        }
        folder = parent(&folder);
    }
    let Some(why) = forbids(&folder, needed, made) else {
        return Ok(folder);
    };
    let may_be_mount = touch.makes_folder() && name(path) == Place::Nameable;
    if may_be_mount && forbids(path, needed, made).is_none() {
        return Ok(path.clone());
    }
    let remedy = match touch.role {
        Role::Makes | Role::Onto => format!(
            "have it write elsewhere, or mount a volume that holds what {folder} has to hold"
        ),
        Role::Needs => {
            "mount that one file from a volume or a ConfigMap (subPath), or have it write elsewhere"
                .to_owned()
        }
    };
    Err((why, remedy))
}
