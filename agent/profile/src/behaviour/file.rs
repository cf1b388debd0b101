//! What is done to files.

use super::words;

/// A change to a file, or a look into one that holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileChange {
    /// What is done.
    pub operation: Operation,
    /// To which file.
    pub path: String,
    /// Whether `path`, and a `target` that is a path, are patterns in the language of
    /// [`crate::pattern`]. What is seen never is one.
    pub pattern: bool,
    /// The second name, where [`Operation::has_target`].
    pub target: Option<String>,
    /// Of a change of mode: which identity the file gives from then on to whoever executes it.
    /// The other bits of the mode are not part of the behaviour: they vary with the caller's
    /// umask, and none of them gives anybody another identity.
    pub set_id: Option<SetId>,
    /// Of [`Operation::OpenRead`], and only of it: the executable that reads. What may be read
    /// is a matter of who reads it. Which of several programs in one file it is need not be said
    /// here: its execution is a behaviour of its own.
    pub by: Option<String>,
}

impl FileChange {
    /// A change that has no more to it than its operation and path.
    #[must_use]
    pub fn new(operation: Operation, path: impl Into<String>) -> Self {
        Self {
            operation,
            path: path.into(),
            pattern: false,
            target: None,
            set_id: None,
            by: None,
        }
    }
}

words! {
    /// What is done to a file.
    Operation {
        /// Opened so that it can be written.
        OpenWrite = "OPEN_WRITE",
        /// Made by opening it.
        Create = "CREATE",
        /// Removed.
        Delete = "DELETE",
        /// Renamed.
        Rename = "RENAME",
        /// Opened for reading, and on the list of credentials.
        OpenRead = "OPEN_READ",
        /// Given a second name.
        Link = "LINK",
        /// Made as a symbolic link.
        Symlink = "SYMLINK",
        /// Made as a folder.
        Mkdir = "MKDIR",
        /// Made as a device, pipe or socket.
        Mknod = "MKNOD",
        /// Cut to a length.
        Truncate = "TRUNCATE",
        /// Its mode changed.
        Chmod = "CHMOD",
        /// Its owner changed.
        Chown = "CHOWN",
        /// An extended attribute of it set or removed.
        Setxattr = "SETXATTR",
    }
}

/// What the second name of an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// There is none.
    None,
    /// Another path of the container: where a rename or a link leads.
    Path,
    /// Bytes that name no file by themselves: what a symbolic link says, the name of an extended
    /// attribute.
    Words,
}

impl Operation {
    /// What the second name is.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Rename | Self::Link => Target::Path,
            Self::Symlink | Self::Setxattr => Target::Words,
            Self::OpenWrite
            | Self::Create
            | Self::Delete
            | Self::OpenRead
            | Self::Mkdir
            | Self::Mknod
            | Self::Truncate
            | Self::Chmod
            | Self::Chown => Target::None,
        }
    }

    /// Whether there is a second name.
    #[must_use]
    pub const fn has_target(self) -> bool {
        match self.target() {
            Target::None => false,
            Target::Path | Target::Words => true,
        }
    }
}

words! {
    /// Whose identity a program gives to whoever executes it.
    SetId {
        /// Its owner's (`S_ISUID`).
        User = "USER",
        /// Its group's (`S_ISGID`).
        Group = "GROUP",
        /// Both.
        UserAndGroup = "USER_AND_GROUP",
    }
}

impl SetId {
    /// From a mode, as of chmod(2).
    #[must_use]
    pub const fn from_mode(mode: u64) -> Option<Self> {
        match mode & 0o6000 {
            0o4000 => Some(Self::User),
            0o2000 => Some(Self::Group),
            0o6000 => Some(Self::UserAndGroup),
            _ => None,
        }
    }
}

impl From<lapwing_abi::ids::Operation> for Operation {
    fn from(operation: lapwing_abi::ids::Operation) -> Self {
        use lapwing_abi::ids::Operation as Wire;
        match operation {
            Wire::OpenWrite => Self::OpenWrite,
            Wire::Create => Self::Create,
            Wire::Delete => Self::Delete,
            Wire::Rename => Self::Rename,
            Wire::OpenRead => Self::OpenRead,
            Wire::Link => Self::Link,
            Wire::Symlink => Self::Symlink,
            Wire::Mkdir => Self::Mkdir,
            Wire::Mknod => Self::Mknod,
            Wire::Truncate => Self::Truncate,
            Wire::Chmod => Self::Chmod,
            Wire::Chown => Self::Chown,
            Wire::Setxattr => Self::Setxattr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_set_id_bits_of_a_mode_count() {
        for (mode, expected) in [
            (0o100_644, None),
            (0o1777, None),
            (0o4755, Some(SetId::User)),
            (0o102_755, Some(SetId::Group)),
            (0o6711, Some(SetId::UserAndGroup)),
        ] {
            assert_eq!(SetId::from_mode(mode), expected, "{mode:o}");
        }
    }
}
