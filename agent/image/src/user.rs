//! The user that an image says its containers run as.

use crate::tree::Tree;
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
}

impl User {
    /// Of a container's layers, which do not say it.
    pub(crate) fn unknown() -> Self {
        Self {
            is_other: false,
            text: "unknown: it stands in the image's configuration, which a container's layers come without"
                .to_owned(),
        }
    }

    /// By the configuration's `User`, which is `name`, `uid`, `name:group` or `uid:gid`. Names are looked
    /// up in the image's `/etc/passwd`, as runtimes do. One that reads as a number may be a name too, and
    /// runtimes differ: it is root if either is.
    pub(crate) fn of(tree: &Tree, said: &str) -> Self {
        let name = said.split(':').next().unwrap_or_default();
        let told = canonical(&name.as_bytes()[..name.len().min(TEXT_MAX)]);
        if name.is_empty() {
            return Self {
                is_other: false,
                text: "none is set: root".to_owned(),
            };
        }
        let number = name.parse::<u32>().ok();
        let mut ids = listed(tree, name.as_bytes());
        ids.extend(number);
        let text = match (ids.first(), number) {
            (None, _) => format!("{told}, whom /etc/passwd does not have"),
            (Some(_), Some(_)) => format!("uid {told}"),
            (Some(id), None) => format!("{told}, uid {id}"),
        };
        Self {
            is_other: !ids.is_empty() && !ids.contains(&0),
            text,
        }
    }
}

/// The user ids that `/etc/passwd` has for a name.
fn listed(tree: &Tree, name: &[u8]) -> BTreeSet<u32> {
    let content = (tree.find(b"/etc/passwd", true)).and_then(|id| tree.inode(id).text());
    let lines = content.unwrap_or_default().split(|byte| *byte == b'\n');
    let id = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b':');
        let is_one = fields.next() == Some(name);
        let id = str::from_utf8(fields.nth(1)?).ok()?.parse().ok();
        id.filter(|_| is_one)
    };
    lines.filter_map(id).collect()
}
