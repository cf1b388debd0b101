//! What programs outside the image hold.
//!
//! A program of the image is what its digest says. One on a volume, or written after the container
//! started and approved all the same, is whatever somebody puts there under its name. So a profile
//! says of such a file what it may hold:
//!
//! ```text
//! exec:
//!   - {path: /srv/plugin, origin: VOLUME, sha256: 9f86d081...}
//!   - {path: /srv/plugin, origin: VOLUME, parent: /bin/app}
//! ```
//!
//! The first line says nothing of who executes the file, the second nothing of what it holds. As
//! soon as one content is approved of a file the file is *bound*: another one is `exec.drift`,
//! whoever executes it. A file without such a line is bound to nothing, as all are in profiles from
//! before there were any, so to take the last one out makes a profile wider, and
//! [`crate::diff`] says so.
//!
//! # Why a line of its own, and no part of the line that executes
//!
//! - **Times do not multiply.** One file executed by five programs is five lines and one content, not
//!   five contents that change together.
//! - **Nothing waits for it.** To hash a large file takes longer than a report may. Who executes
//!   what is judged at once; what it held is judged as soon as it is known, and a container that
//!   ended meanwhile, or a file that nobody may read, leaves only that open.
//! - **It merges and is decided as all else**: a line is learned, waits, is approved, refused, seen
//!   in one instance of ten, and names who did it, by the same code.
//!
//! Acceptance grows when profiles merge, as ever: each accepts its own contents in the whole. A file
//! that is bound in one of two is bound in the whole; that the other said nothing of what it holds
//! was no approval of everything.
//!
//! # What learns
//!
//! A content is learned where the program is: from a volume, in the course of the container's own
//! work. What was written after the start, memory files and removed files are never learned; a
//! person who approves of such a report binds the file to what it held then. There is no grace for new
//! versions of the image: the file is none of it.
//!
//! Bound is the file that the kernel executes. Of a script that is its interpreter; what the script
//! holds is not compared.

use crate::behaviour::{Behaviour, Exec, Origin, Parent};
use crate::entry::Entry;
use crate::profile::Profile;

/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// Whether what a program of this origin holds says nothing yet of what it will hold, so that it is
/// looked at.
#[must_use]
pub const fn is_open(origin: Origin) -> bool {
    match origin {
        Origin::Volume | Origin::UpperLayer | Origin::Memfd | Origin::Unlinked => true,
        // Where nobody can say it may well be the image.
        Origin::Image | Origin::Unknown => false,
    }
}

/// The line that says what the program of an exec holds; `None` where that is no matter, or no exec.
#[must_use]
pub fn line(of: &Entry, sha256: &str) -> Option<Entry> {
    let Behaviour::Exec(exec) = &of.behaviour else {
        return None;
    };
    is_open(exec.origin).then(|| Entry {
        behaviour: Exec {
            path: exec.path.clone(),
            name: None,
            script: None,
            origin: exec.origin,
            parent: Parent::Any,
            sha256: Some(sha256.to_owned()),
        }
        .into(),
        phase: of.phase,
    })
}

/// The exec of an entry that says what a file holds.
pub(crate) fn of(entry: &Entry) -> Option<&Exec> {
    match &entry.behaviour {
        Behaviour::Exec(exec) if exec.sha256.is_some() => Some(exec),
        _ => None,
    }
}

/// What makes a file the same.
pub(crate) fn file(exec: &Exec) -> (&str, Origin) {
    (&exec.path, exec.origin)
}

/// Whether two lines say what one file holds.
pub(crate) fn is_of_one_file(a: &Exec, b: &Exec) -> bool {
    a.sha256.is_some() && b.sha256.is_some() && file(a) == file(b)
}

/// Says what is wrong with a line that says what a file holds.
pub(crate) fn check(exec: &Exec) -> Result<(), String> {
    let Some(sha256) = &exec.sha256 else {
        return Ok(());
    };
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if sha256.len() != DIGITS || !sha256.bytes().all(is_digit) {
        return Err(format!(
            "`sha256` has {DIGITS} hexadecimal digits, in small letters, as sha256sum writes them"
        ));
    }
    if !is_open(exec.origin) {
        return Err(
            "`sha256` is of programs that are not from the image: `origin` has to be VOLUME, \
             UPPER_LAYER, MEMFD or UNLINKED"
                .to_owned(),
        );
    }
    if exec.name.is_some() || exec.script.is_some() || exec.parent != Parent::Any {
        return Err(
            "a line with `sha256` says what a file holds, whoever executes it: `name`, `script` and \
             `parent` belong on a line without one"
                .to_owned(),
        );
    }
    Ok(())
}

impl Profile {
    /// Whether something is approved of what the program in an entry may hold.
    #[must_use]
    pub fn is_bound(&self, entry: &Entry) -> bool {
        match &entry.behaviour {
            Behaviour::Exec(exec) => self.matcher.has_content(exec, entry.phase),
            _ => false,
        }
    }

    /// Whether an entry says what a file holds that the profile does not bind to anything, and that
    /// nobody refused: there is nothing to compare it with.
    #[must_use]
    pub fn leaves_content_open(&self, entry: &Entry) -> bool {
        of(entry).is_some() && !self.is_bound(entry) && !self.is_refused(entry)
    }

    /// Whether the profile lets the file of an entry be executed, whoever does it.
    pub(crate) fn executes(&self, entry: &Entry) -> bool {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return false;
        };
        let mut lines = crate::compare::programs(self, exec);
        lines.any(|(known, other)| file(other) == file(exec) && known.phase == entry.phase)
    }
}

#[cfg(test)]
mod tests;
