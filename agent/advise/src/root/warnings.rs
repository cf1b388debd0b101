//! What to look at before a folder becomes a mount.

use super::folders::{real, within};
use super::made::{Known, Made};
use super::touch::Touch;
use super::{Folder, Size, UNTOLD};
use crate::evidence::{Facts, NAMED_MAX};
use crate::image::{Below, Contents};
use lapwing_profile::behaviour::{Behaviour, Origin};
use lapwing_profile::inventory::Inventory;
use std::collections::BTreeSet;

/// What is said of a folder that is made.
const MAKES: &str =
    "the container makes this folder: as a mount it is there beforehand, and mkdir(2) says so";
/// What is said of others where nobody knows which files are used.
const UNKNOWN: &str = "unknown: image contents were not looked at (--image says what is there, --use which files are in use)";
/// What is said where the image was read, and nobody knows its use.
const UNUSED_UNKNOWN: &str =
    "whether any of it is in use is not known (--use FILE says which files are)";
/// What is said of them where that is known: a folder that holds such a file is no mount.
const UNUSED: &str = "none of the files there was seen in use";
/// Uses are of the files that links lead to, wherever the links are.
const LINKS: &str = "links are in no inventory, so one that is followed may be hidden as well";

/// What mounts hide of the image: of all folders in which it has something or, where it was not read, that the
/// container does not make itself.
pub(super) fn of_image(
    folders: &[Folder],
    made: &Made,
    used: Option<&Inventory>,
) -> Option<String> {
    let texts: Vec<&str> = (folders.iter())
        .filter(|folder| match &folder.image {
            // One that stands on a file hides nothing: it cannot be mounted, which its own warning says.
            Some(below) => !below.is_empty() && !below.no_folder,
            None => !made.is_folder(&folder.text),
        })
        .map(|folder| folder.text.as_str())
        .collect();
    if texts.is_empty() {
        return None;
    }
    let mut named = texts[..texts.len().min(NAMED_MAX)].join(", ");
    if texts.len() > NAMED_MAX {
        named.push_str(&format!(" and {} more", texts.len() - NAMED_MAX));
    }
    let mut all: Option<Below> = None;
    for below in folders.iter().filter_map(|folder| folder.image.as_ref()) {
        all.get_or_insert_default().add(below);
    }
    let known = match used.map(Inventory::incomplete) {
        None if all.is_some() => UNUSED_UNKNOWN.to_owned(),
        None => UNKNOWN.to_owned(),
        Some(missing) => match missing.first() {
            None => format!("{UNUSED}; {LINKS}"),
            Some(why) => format!("{UNUSED}, but not all uses were seen: {why}; {LINKS}"),
        },
    };
    Some(match all {
        Some(all) => format!(
            "of the image {} at {named} would be hidden; {known}",
            all.amount()
        ),
        None => format!("what the image has at {named} would be hidden; {known}"),
    })
}

/// A folder, with what is written below it.
pub(super) fn folder(
    text: String,
    touches: &[Touch<'_>],
    below: &BTreeSet<usize>,
    made: &Made,
    (facts, image): (&Facts, Option<&dyn Contents>),
) -> Folder {
    // Of another image it says nothing that what was seen there could be.
    let image = image.filter(|image| image.about().is_of_profile());
    let mut warnings = Vec::new();
    if made.is_folder(&text) {
        warnings.push(MAKES.to_owned());
    }
    let mut hidden = BTreeSet::new();
    let mut because = Vec::new();
    for touch in below.iter().map(|at| &touches[*at]) {
        let seen = &touch.fact.seen;
        if because.last() != Some(seen) {
            because.push(seen.clone());
        }
        let is_mount = touch.path == text && !touch.is_stem;
        match hides(touch, made, image) {
            _ if is_mount && touch.is_of_attributes() => warnings.push(format!(
                "{} of the mount itself: works for its owner, which is root",
                touch.file.operation.word()
            )),
            Some(hides) if !is_mount => {
                if hidden.insert(hides.clone()) && hidden.len() <= NAMED_MAX {
                    warnings.push(hides);
                }
            }
            Some(_) | None => {}
        }
        if let (true, Some((form, Known::Some))) = (touch.is_stem, made.open(touch)) {
            warnings.push(format!(
                "may hide folders {form}: some of these were seen to be made, and whether all are is not known"
            ));
        }
        if touch.fact.mounts.all().next().is_none() {
            warnings.push(UNTOLD.to_owned());
        }
    }
    if hidden.len() > NAMED_MAX {
        let more = hidden.len() - NAMED_MAX;
        warnings.push(format!("hides {more} files besides"));
    }
    dedup(&mut warnings);
    let executed = executed(facts, &text);
    if let Some(path) = &executed {
        warnings.push(format!(
            "{path} is executed from there: an origin that the profile does not know, VOLUME, will be reported"
        ));
    }
    Folder {
        path: real(&text).unwrap_or_else(|| text.clone()),
        text,
        because: because.into_iter().collect(),
        size: Size::default(),
        image: None,
        warnings,
        executed: executed.is_some(),
    }
}

/// What is said where a change is to something that nobody was seen to make, and that the image may have.
fn hides(touch: &Touch<'_>, made: &Made, image: Option<&dyn Contents>) -> Option<String> {
    let text = touch.text;
    if !touch.is_stem && !touch.file.pattern && image.is_some_and(|image| image.lacks(text)) {
        return None;
    }
    match (made.has(touch), made.may_have(touch)) {
        (true, _) => None,
        (false, true) => Some(format!(
            "may hide {text}: it is renamed onto, which does not say that it was not there before"
        )),
        (false, false) => Some(format!(
            "hides {text}: it was there before anybody was seen to make it; have an init container copy it"
        )),
    }
}

/// Keeps the first of each, and as many as are read.
fn dedup(warnings: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    warnings.retain(|one| known.insert(one.clone()));
    let all = warnings.len();
    if all > 2 * NAMED_MAX {
        warnings.truncate(2 * NAMED_MAX);
        warnings.push(format!("{} more of these", all - 2 * NAMED_MAX));
    }
}

/// What is executed from a folder and was written after the start.
fn executed(facts: &Facts, folder: &str) -> Option<String> {
    facts
        .all
        .iter()
        .find_map(|fact| match &fact.entry.behaviour {
            Behaviour::Exec(exec) if exec.origin != Origin::Image => {
                within(&exec.path, folder).then(|| exec.path.clone())
            }
            _ => None,
        })
}
