//! The user that an image says its containers run as.

use crate::tree::Tree;
use lapwing_advise::image::Configured;
use lapwing_profile::text::canonical;
use std::collections::BTreeSet;

/// Bytes of a name that are told.
const TEXT_MAX: usize = 100;

/// The user of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Whether it is known to be another than root.
    pub is_other: bool,
    /// What the image says, in words.
    pub text: String,
    /// Ids; `None` where the configuration is not known.
    pub(crate) configured: Option<Configured>,
}

impl User {
    /// Of a container's layers, which do not say it.
    pub(crate) fn unknown() -> Self {
        Self {
            is_other: false,
            text: "unknown: it stands in the image's configuration, which a container's layers come without"
                .to_owned(),
            configured: None,
        }
    }

    /// By the configuration's `User`, which is `name`, `uid`, `name:group` or `uid:gid`. Names are looked
    /// up in the image's `/etc/passwd` and `/etc/group`, as runtimes do. One that reads as a number may be a name too,
    /// and runtimes differ: it is root if either is.
    pub(crate) fn of(tree: &Tree, said: &str) -> Self {
        let (name, group) = match said.split_once(':') {
            Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
            None => (said, None),
        };
        let told = canonical(&name.as_bytes()[..name.len().min(TEXT_MAX)]);
        let number = name.parse::<u32>().ok();
        let lines = passwd(tree);
        let mut ids: BTreeSet<u32> = match name.is_empty() {
            true => [0].into(),
            false => named(&lines, name.as_bytes()).map(|[uid, _]| uid).collect(),
        };
        ids.extend(number);
        let text = match (ids.first(), number) {
            _ if name.is_empty() => "none is set: root".to_owned(),
            (None, _) => format!("{told}, whom /etc/passwd does not have"),
            (Some(_), Some(_)) => format!("uid {told}"),
            (Some(id), None) => format!("{told}, uid {id}"),
        };
        let uid = ids.first().copied().filter(|_| ids.len() == 1);
        let usual_gid = (uid.and_then(|uid| lines.iter().find(|line| line.ids[0] == uid)))
            .map_or(0, |line| line.ids[1]);
        let gid = match group {
            Some(group) => of_group(tree, group),
            // Of a name it is that of its line, of a number that of the first line with it.
            None if number.is_some() || name.is_empty() => Some(usual_gid),
            None => named(&lines, name.as_bytes()).next().map(|[_, gid]| gid),
        };
        Self {
            is_other: !name.is_empty() && !ids.is_empty() && !ids.contains(&0),
            configured: Some(Configured {
                text: match name.is_empty() {
                    true => "root, for none is set".to_owned(),
                    false => text.clone(),
                },
                uid,
                gid,
                usual_gid,
                named: number.is_none() && !name.is_empty(),
            }),
            text,
        }
    }
}

/// A line of `/etc/passwd`.
struct Line<'a> {
    name: &'a [u8],
    /// Of the user and its group.
    ids: [u32; 2],
}

/// A number of a field.
fn number(field: Option<&[u8]>) -> Option<u32> {
    str::from_utf8(field?).ok()?.parse().ok()
}

/// Lines of a file of users or groups, in fields.
fn fields<'a>(tree: &'a Tree, path: &[u8]) -> impl Iterator<Item = Vec<&'a [u8]>> {
    let content = (tree.find(path, true)).and_then(|id| tree.inode(id).text());
    let lines = content.unwrap_or_default().split(|byte| *byte == b'\n');
    // There are seven fields at most.
    lines.map(|line| line.splitn(8, |byte| *byte == b':').collect())
}

fn passwd(tree: &Tree) -> Vec<Line<'_>> {
    let line = |fields: Vec<_>| {
        let uid = number(fields.get(2).copied())?;
        // A line without a group names a user all the same.
        let gid = number(fields.get(3).copied()).unwrap_or(0);
        let ids = [uid, gid];
        fields.first().map(|name| Line { name, ids })
    };
    fields(tree, b"/etc/passwd").filter_map(line).collect()
}

/// The ids that `/etc/passwd` has for a name.
fn named<'a>(lines: &'a [Line<'_>], name: &'a [u8]) -> impl Iterator<Item = [u32; 2]> + 'a {
    let lines = lines.iter().filter(move |line| line.name == name);
    lines.map(|line| line.ids)
}

/// The id of a group, which is a number or a name of `/etc/group`; `None` where these differ.
fn of_group(tree: &Tree, group: &str) -> Option<u32> {
    let listed =
        fields(tree, b"/etc/group").filter(|fields| fields.first() == Some(&group.as_bytes()));
    let mut ids: BTreeSet<u32> = listed
        .filter_map(|fields| number(fields.get(2).copied()))
        .collect();
    ids.extend(group.parse::<u32>().ok());
    ids.first().copied().filter(|_| ids.len() == 1)
}
