//! The parent of an exec: the program whose process executed another.

use crate::text::{CUT, DETACHED, DRIFTED};

/// The word for [`Parent::Runtime`].
const RUNTIME: &str = "runtime";
/// The word for [`Parent::Unknown`].
const UNKNOWN: &str = "unknown";

/// Who executed a program: the image that issued the exec, as the sensor's own process tree has
/// it. [`crate::lineage`] says what follows from each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parent {
    /// Of a line: it does not matter. No sighting has it.
    #[default]
    Any,
    /// The container's runtime, whose program is none of the container's.
    Runtime,
    /// Of a sighting: the sensor does not know.
    Unknown,
    /// A program, by its path as the container names it, marked as [`crate::text`] says.
    Program(String),
}

impl Parent {
    /// From its text in a line. Both words are none that a path could be: paths begin with a slash
    /// or a mark.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        match text.as_str() {
            RUNTIME => Self::Runtime,
            UNKNOWN => Self::Unknown,
            _ => Self::Program(text),
        }
    }

    /// Its text in a line; `None` where there is none.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Runtime => Some(RUNTIME),
            Self::Unknown => Some(UNKNOWN),
            Self::Program(path) => Some(path),
        }
    }

    /// Whether it is a program by a path, whole or marked.
    pub(crate) fn is_path(&self) -> bool {
        match self {
            Self::Any | Self::Runtime | Self::Unknown => false,
            Self::Program(path) => ["/", CUT, DETACHED, DRIFTED]
                .iter()
                .any(|lead| path.starts_with(lead)),
        }
    }

    /// Whether learning may take up what it executes. A program that is not from the image is
    /// itself for people to decide; of a path that is cut it is not known which program it is.
    #[must_use]
    pub fn is_learnable(&self) -> bool {
        match self {
            Self::Any | Self::Runtime | Self::Unknown => true,
            Self::Program(path) => path.starts_with('/'),
        }
    }
}
