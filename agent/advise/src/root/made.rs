//! What the container was seen to make: that, and only that, it makes again on an empty mount.
//!
//! A name that was there before anybody was seen to make it is the image's, for all that is known, and
//! an empty mount above it hides it: a file that is opened is gone, and so is a folder that something
//! is made in. A rename onto a name does not say that the name was not there before; onto the name of a
//! folder it does, for there it may only replace an empty one (rename(2), `ENOTEMPTY`).

use super::folders::{parent, within};
use super::touch::{Role, Touch};
use lapwing_profile::behaviour::{FileChange, Operation};
use lapwing_profile::decide::By;
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use std::collections::BTreeSet;

/// Folders that are renamed one after another, as far as they are followed.
const RENAMES_MAX: usize = 16;

/// Patterns of paths, compared as a profile compares them.
struct Forms {
    texts: BTreeSet<String>,
    profile: Profile,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            texts: BTreeSet::new(),
            profile: Profile::new(Workload::default(), Mode::Monitoring),
        }
    }
}

/// An entry that stands for a path alone.
fn entry(path: &str, pattern: bool) -> Entry {
    let mut file = FileChange::new(Operation::Create, path);
    file.pattern = pattern;
    Entry {
        behaviour: file.into(),
        phase: Phase::Main,
    }
}

impl Forms {
    fn one(pattern: &str) -> Self {
        let mut forms = Self::default();
        forms.add(pattern);
        forms
    }

    fn add(&mut self, pattern: &str) {
        let by = By {
            actor: "advice",
            reason: "",
            at: 0,
        };
        // One that finds no room matches nothing, and less counts as made.
        if self.profile.approve(&entry(pattern, true), by).is_ok() {
            self.texts.insert(pattern.to_owned());
        }
    }

    /// Whether one of them matches a path.
    fn have(&self, path: &str) -> bool {
        !self.texts.is_empty() && self.profile.accepts(&entry(path, false))
    }
}

/// Whether a pattern matches a path.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    Forms::one(pattern).have(path)
}

/// Whether folders of a form are there on an empty mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All were seen to be made.
    All,
    /// Some were.
    Some,
    /// None was.
    None,
}

/// Names that were seen to be made.
#[derive(Default)]
pub(super) struct Made {
    names: BTreeSet<String>,
    name_forms: Forms,
    folders: BTreeSet<String>,
    folder_forms: Forms,
    /// What something is renamed onto, paths and patterns.
    onto: BTreeSet<String>,
}

impl Made {
    /// Of all that is done on the root, and pairs of the two paths of one rename.
    pub(super) fn of(touches: &[Touch<'_>], renames: &[(usize, usize)]) -> Self {
        let mut made = Self::default();
        for touch in touches {
            if touch.role == Role::Makes {
                match touch.is_stem {
                    true => made.name_forms.add(touch.text),
                    false => _ = made.names.insert(touch.path.clone()),
                }
            }
            if touch.role == Role::Onto {
                made.onto.insert(touch.text.to_owned());
            }
            if touch.file.operation == Operation::Mkdir {
                made.add_folder(touch);
            }
        }
        for _ in 0..RENAMES_MAX {
            let mut is_new = false;
            for (from, to) in renames {
                if made.has_folder(&touches[*from]) && !made.has_folder(&touches[*to]) {
                    made.add_folder(&touches[*to]);
                    is_new |= made.has_folder(&touches[*to]);
                }
            }
            if !is_new {
                break;
            }
        }
        made
    }

    fn add_folder(&mut self, touch: &Touch<'_>) {
        match touch.is_stem {
            true => self.folder_forms.add(touch.text),
            false => _ = self.folders.insert(touch.path.clone()),
        }
    }

    fn has_folder(&self, touch: &Touch<'_>) -> bool {
        match touch.is_stem {
            true => self.folder_forms.texts.contains(touch.text),
            false => self.is_folder(&touch.path),
        }
    }

    /// Whether a folder was seen to be made.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        path != "/" && (self.folders.contains(path) || self.folder_forms.have(path))
    }

    /// Whether what is changed was seen to be made.
    pub(super) fn has(&self, touch: &Touch<'_>) -> bool {
        if touch.role == Role::Makes || self.has_folder(touch) {
            return true;
        }
        match touch.is_stem {
            true => self.name_forms.texts.contains(touch.text),
            false => self.names.contains(&touch.path) || self.name_forms.have(&touch.path),
        }
    }

    /// Whether a name was seen to be made, or something to be renamed onto it.
    pub(super) fn has_name(&self, path: &str) -> bool {
        self.names.contains(path) || self.onto.contains(path) || self.name_forms.have(path)
    }

    /// Whether something is renamed onto what is changed, and so it may have been made by that.
    pub(super) fn may_have(&self, touch: &Touch<'_>) -> bool {
        self.onto.contains(touch.text)
    }

    /// Of a pattern: the first form of a folder in it, behind its literal beginning, of which not all
    /// were seen to be made.
    pub(super) fn open<'a>(&self, touch: &Touch<'a>) -> Option<(&'a str, Known)> {
        let open = folder_forms(touch.text).map(|form| (form, self.known(form, &touch.path)));
        open.filter(|(_, known)| *known != Known::All)
            .max_by_key(|(_, known)| *known == Known::None)
    }

    fn known(&self, form: &str, stem: &str) -> Known {
        // A star of another pattern matches what stands in braces too.
        if self.folder_forms.texts.contains(form) || self.folder_forms.have(form) {
            return Known::All;
        }
        let mut below = self.folders.iter().filter(|path| within(path, stem));
        let one = Forms::one(form);
        match below.any(|path| one.have(path)) {
            true => Known::Some,
            false => Known::None,
        }
    }

    /// The folder that is one of these and has another below it, all between being made in it; or is
    /// it.
    pub(super) fn cover(&self, mounts: &BTreeSet<String>, folder: &str) -> Option<String> {
        let mut at = folder.to_owned();
        while !mounts.contains(&at) {
            if !self.is_folder(&at) {
                return None;
            }
            at = parent(&at);
        }
        Some(at)
    }

    /// The folder between two, the upper one left out, that nobody was seen to make.
    pub(super) fn unmade(&self, folder: &str, above: &str) -> Option<String> {
        let mut at = folder.to_owned();
        while at != above && at != "/" {
            if !self.is_folder(&at) {
                return Some(at);
            }
            at = parent(&at);
        }
        None
    }
}

/// Forms of the folders of a pattern, from the first wildcard on.
fn folder_forms(pattern: &str) -> impl Iterator<Item = &str> {
    let is_wild = |text: &str| text.contains(['*', '{']);
    let ends = pattern.match_indices('/').map(|(at, _)| at).skip(1);
    // Behind `**` there is no telling which is the last.
    let deep = pattern.ends_with("/**").then_some(pattern.len());
    ends.chain(deep)
        .map(|end| &pattern[..end])
        .filter(move |form| is_wild(form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_patterns_have_forms() {
        for (pattern, forms) in [
            (
                "/a/{digits}/b/{hex}/c",
                &["/a/{digits}", "/a/{digits}/b", "/a/{digits}/b/{hex}"][..],
            ),
            ("/a/x-*", &[]),
            ("/a/**", &["/a/**"]),
            ("/a/\\x2a/*", &[]),
        ] {
            assert!(folder_forms(pattern).eq(forms.iter().copied()), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_matches_what_it_stands_for_and_nothing_beside() {
        assert!(matches("/data/tmp-{digits}", "/data/tmp-7"));
        assert!(!matches("/data/tmp-{digits}", "/data/config"));
        assert!(!matches("/data/tmp-{digits}", "/data/tmp-7/x"));
        assert!(matches("/data/*", "/data/{digits}"));
    }
}
