//! Paths: as names of entries, and on their way through the symbolic links of an image.

use crate::tree::{Id, PATH_MAX, ROOT, Refused};
use std::cell::Cell;
use std::rc::Rc;

/// Links that the kernel follows in one path (MAXSYMLINKS), and names in all.
const LINKS_MAX: usize = 40;
const STEPS_MAX: usize = 4096;

/// The name of an entry as containerd takes it: `..` takes away the name before it, whatever that is,
/// and none leads above the root. Answers whether there was one.
pub(crate) fn clean(path: &[u8]) -> (Vec<u8>, bool) {
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut leads_up = false;
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                leads_up = true;
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    (parts.join(&b'/'), leads_up)
}

/// A path on its way through links.
pub(crate) struct Walk {
    /// Names that are left, the next one last.
    left: Vec<Box<[u8]>>,
    links: usize,
    steps: usize,
    total: Rc<Cell<u64>>,
}

impl Walk {
    pub(crate) fn of(names: &[&[u8]], total: &Rc<Cell<u64>>) -> Self {
        total.set(total.get() + names.len() as u64);
        Self {
            left: names.iter().rev().map(|name| Box::from(*name)).collect(),
            links: 0,
            steps: 0,
            total: total.clone(),
        }
    }

    pub(crate) fn take(&mut self, path: &[u8]) -> Result<(), Refused> {
        if path.len() > PATH_MAX {
            return Err(Refused::TooLong);
        }
        let parts = path.split(|byte| *byte == b'/').rev();
        let parts = parts.filter(|part| !matches!(*part, b"" | b"."));
        let before = self.left.len();
        self.left.extend(parts.map(Box::from));
        // Names that are never come to cost as well.
        let taken = self.left.len() - before;
        self.total.set(self.total.get() + taken as u64);
        Ok(())
    }

    pub(crate) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn next(&mut self) -> Result<Option<Box<[u8]>>, Refused> {
        self.steps += 1;
        self.total.set(self.total.get() + 1);
        match self.steps > STEPS_MAX {
            true => Err(Refused::Loop),
            false => Ok(self.left.pop()),
        }
    }

    /// Goes on at the target of a link that lies in a folder; answers from where.
    pub(crate) fn follow(&mut self, folder: Id, target: &[u8]) -> Result<Id, Refused> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Refused::Loop);
        }
        self.take(target)?;
        match target.starts_with(b"/") {
            true => Ok(ROOT),
            false => Ok(folder),
        }
    }
}
