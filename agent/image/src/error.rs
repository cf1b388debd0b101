//! Why an image cannot be read.

use std::io;
use thiserror::Error;

/// Why an image cannot be read. Names from the image are canonical text in all of them.
#[derive(Debug, Error)]
pub enum Error {
    /// The host refuses.
    #[error("cannot read {what}")]
    Io {
        /// What was read.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// It is no image, or a broken one.
    #[error("{what}: {why}")]
    Format {
        /// Which part of it.
        what: String,
        /// What is wrong, and the remedy.
        why: String,
    },
    /// A blob is not what its name says.
    #[error(
        "{what}: its digest is {found} and not {said}: it is damaged or was changed; save or pull the \
         image again"
    )]
    Digest {
        /// Which blob.
        what: String,
        /// The digest that the image gives.
        said: String,
        /// The digest of the bytes.
        found: String,
    },
    /// It is larger than what is read.
    #[error("{what}: more than {limit} {of}; if you trust the image, raise it with {option}")]
    Limit {
        /// Which part of it.
        what: String,
        /// How much is read at most.
        limit: u64,
        /// Of what.
        of: &'static str,
        /// The option that raises it.
        option: &'static str,
    },
    /// There are several, or none that fits.
    #[error("{why}; there are: {there}")]
    Choice {
        /// What to choose by.
        why: String,
        /// What there is.
        there: String,
    },
}

impl Error {
    pub(crate) fn format(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Format {
            what: what.into(),
            why: why.into(),
        }
    }

    /// From what a reader said, which may carry one of these.
    pub(crate) fn io(what: &str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return Self::format(what, "it ends too early: the file is cut off");
        }
        match source.downcast::<Self>() {
            Ok(own) => own,
            Err(source) => Self::Io {
                what: what.to_owned(),
                source,
            },
        }
    }
}

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all layers together, unpacked; and as many of them as they lie in the image.
    pub bytes: u64,
    /// Files, folders and links of all layers together.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            entries: 1_000_000,
        }
    }
}

impl Limits {
    /// Option of the command line that raises [`Self::bytes`].
    pub const BYTES_OPTION: &str = "--max-mib";
    /// Option of the command line that raises [`Self::entries`].
    pub const ENTRIES_OPTION: &str = "--max-entries";
}
