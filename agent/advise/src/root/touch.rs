//! One name that is written.

use super::folders::literal;
use crate::evidence::Fact;
use lapwing_profile::behaviour::{FileChange, Operation};

/// What a change has to do with whether its name is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The name is there because of it, and was not before.
    Makes,
    /// Something is renamed onto it, whether it was there before or not.
    Onto,
    /// It has to be there.
    Needs,
}

/// One name that is written.
pub(super) struct Touch<'a> {
    pub(super) fact: &'a Fact,
    pub(super) file: &'a FileChange,
    /// The path or the pattern.
    pub(super) text: &'a str,
    /// The path, or the literal beginning of a pattern.
    pub(super) path: String,
    /// Whether `path` is the beginning of a pattern, and so a folder itself.
    pub(super) is_stem: bool,
    pub(super) role: Role,
}

impl<'a> Touch<'a> {
    pub(super) fn new(
        fact: &'a Fact,
        file: &'a FileChange,
        text: &'a str,
        is_target: bool,
    ) -> Self {
        let role = match file.operation {
            Operation::Create | Operation::Mkdir | Operation::Mknod | Operation::Symlink => {
                Role::Makes
            }
            // link(2) fails where the name is there.
            Operation::Link if is_target => Role::Makes,
            Operation::Rename if is_target => Role::Onto,
            Operation::Rename
            | Operation::Link
            | Operation::OpenWrite
            | Operation::Delete
            | Operation::OpenRead
            | Operation::Truncate
            | Operation::Chmod
            | Operation::Chown
            | Operation::Setxattr => Role::Needs,
        };
        let (path, is_stem) = match file.pattern {
            true => literal(text),
            false => (text.to_owned(), false),
        };
        Self {
            fact,
            file,
            text,
            path,
            is_stem,
            role,
        }
    }

    /// Whether it changes attributes alone, for which a folder that is a mount already is enough.
    pub(super) const fn is_of_attributes(&self) -> bool {
        match self.file.operation {
            Operation::Chmod | Operation::Chown | Operation::Setxattr => true,
            Operation::OpenWrite
            | Operation::Create
            | Operation::Delete
            | Operation::Rename
            | Operation::OpenRead
            | Operation::Link
            | Operation::Symlink
            | Operation::Mkdir
            | Operation::Mknod
            | Operation::Truncate => false,
        }
    }

    pub(super) fn makes_folder(&self) -> bool {
        self.file.operation == Operation::Mkdir && !self.is_stem
    }

    /// Whether it takes the name away, or puts something else than a folder there: neither can be
    /// done to a mount.
    pub(super) fn replaces(&self) -> bool {
        match self.file.operation {
            Operation::Delete | Operation::Rename => true,
            Operation::Create | Operation::Link | Operation::Symlink | Operation::Mknod => {
                self.role == Role::Makes
            }
            Operation::OpenWrite
            | Operation::OpenRead
            | Operation::Mkdir
            | Operation::Truncate
            | Operation::Chmod
            | Operation::Chown
            | Operation::Setxattr => false,
        }
    }

    /// Whether a folder that has others in it goes away with it.
    pub(super) const fn takes_away(&self) -> bool {
        matches!(self.file.operation, Operation::Delete | Operation::Rename)
    }
}
