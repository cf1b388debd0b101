//! What is known of the workload's image, by whoever read it: what mounts would hide, and the user it names.
//!
//! Advice does no I/O, so somebody else reads the image and answers ([`Contents`]). An image is another's word; and it
//! may be another than the one that was learned of, which [`About::same_image`] tells.

use serde::Serialize;
use std::fmt::{self, Debug};

/// Names of one folder that are told; the others are counted.
pub const EXAMPLES_MAX: usize = 8;
/// Of these, those in a text.
const SAID_MAX: usize = 3;

/// An image that was read.
pub trait Contents: Debug {
    /// Which it is.
    fn about(&self) -> &About;

    /// What it has below each of these folders, in canonical text, by their order; what lies below another of them
    /// counts for that one. Links that lead to them are followed, as runtimes do.
    fn below(&self, folders: &[&str]) -> Vec<Below>;

    /// Whether it surely has nothing of this name, in canonical text.
    fn lacks(&self, path: &str) -> bool;
}

/// Which image it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// What it is called, in canonical text; `None` where nobody says.
    pub name: Option<String>,
    /// Its digest.
    pub digest: Option<String>,
    /// Whether the profile learned of it; `None` where one of both has no digest.
    pub same_image: Option<bool>,
    /// The user that it names; `None` where its configuration is not known, as of a running container's layers.
    pub user: Option<Configured>,
    /// What of it was left out, and what is odd.
    pub notes: Vec<String>,
}

/// The user that an image names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configured {
    /// In words.
    pub text: String,
    /// Its id; `None` where the image's `/etc/passwd` does not have its name, or runtimes differ.
    pub uid: Option<u32>,
    /// The id of its group; `None` where that is not known.
    pub gid: Option<u32>,
    /// The group that runtimes take where the id of the user alone is given: of `/etc/passwd`, or root's.
    pub usual_gid: u32,
    /// Whether it is a name, of which the kubelet does not know whether it is root.
    pub named: bool,
}

/// What lies below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Below {
    /// Files, devices among them.
    pub files: u64,
    /// Bytes of the files; of one with several names once.
    pub bytes: u64,
    /// Symbolic links.
    pub links: u64,
    /// Folders.
    pub folders: u64,
    /// Some of these: the largest files, then links and folders in the order of their names.
    pub first: Vec<Example>,
    /// How many there are besides.
    pub more: u64,
    /// Whether the folder is something else in the image, where nothing can be mounted then.
    pub no_folder: bool,
}

/// Something that lies below a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// Its path in the image, in canonical text, without links in it.
    pub path: String,
    /// Bytes of a file; `None` of others.
    pub bytes: Option<u64>,
}

impl About {
    /// Whether what it says is of the image that the profile learned of, as far as anybody knows.
    #[must_use]
    pub fn is_of_profile(&self) -> bool {
        self.same_image != Some(false)
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = [&self.name, &self.digest]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        match names.is_empty() {
            true => write!(f, "image without a name")?,
            false => write!(f, "image {}", names.join(" "))?,
        }
        match self.same_image {
            Some(true) => write!(f, ", which the profile learned of")?,
            Some(false) => write!(
                f,
                ", WHICH IS NONE OF THOSE THAT THE PROFILE LEARNED OF: what was seen is of another"
            )?,
            None => write!(f, "; whether the profile learned of it is not known")?,
        }
        match &self.user {
            Some(user) => write!(f, "; its USER: {}", user.text),
            None => write!(f, "; its USER is not known"),
        }
    }
}

impl Below {
    /// Whether nothing is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.files == 0 && self.links == 0 && self.folders == 0 && !self.no_folder
    }

    /// Takes what lies below another folder.
    pub(crate) fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.links += other.links;
        self.folders += other.folders;
    }

    /// How much it is: `12 files (3.4 MB), 2 links`.
    pub(crate) fn amount(&self) -> String {
        let count = |count: u64, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {one}s")),
        };
        let files = count(self.files, "file").map(|it| format!("{it} ({})", size(self.bytes)));
        let parts = [
            files,
            count(self.links, "link"),
            count(self.folders, "folder"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }

    /// What is to be looked at before the folder becomes a mount.
    pub(crate) fn warning(&self) -> Option<String> {
        if self.no_folder {
            return Some(
                "the image has something else than a folder here: nothing can be mounted on it"
                    .to_owned(),
            );
        }
        if self.is_empty() {
            return None;
        }
        let said = self.first.iter().take(SAID_MAX);
        let said: Vec<String> = said
            .map(|one| match one.bytes {
                Some(bytes) => format!("{} ({})", one.path, size(bytes)),
                None => one.path.clone(),
            })
            .collect();
        let more = (self.first.len() - said.len()) as u64 + self.more;
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "hides of the image {}: {}{more}",
            self.amount(),
            said.join(", ")
        ))
    }
}

/// Bytes as people read them, rounded up.
fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..100_000 => format!("{bytes} bytes"),
        _ => {
            let tenths = bytes.div_ceil(100_000);
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}
