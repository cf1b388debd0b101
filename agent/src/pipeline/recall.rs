//! Programs that were executed without a record: the kernel side holds back an exec that is no
//! news, and keeps its record for whoever asks.
//!
//! Asked is when a record comes whose image is not known here, or which was issued by one that is
//! not, and then for all that led to it. So whatever is judged or held finds its images as if all
//! execs had been sent, also those of processes that have ended meanwhile. Once a second what
//! waits is looked through: what a living process runs or descends from is taken over, so that it
//! leaves its room to others, and what nobody can ask for any more is taken out. That is known
//! when no process led to it at two looks and the ring was empty between: by then every record
//! that refers to it was read.
//!
//! An image that neither is known here nor waits there was lost together with the record of its
//! exec. What /proc says of the process has to do then; where that is nothing either, it is counted.

use super::loss::UserLoss;
use super::{Line, MILLISECOND};
use crate::clock;
use crate::container::scan;
use crate::judge::sighting;
use crate::process::{ANCESTORS_MAX, Image, Images};
use lapwing_abi::decode::{Body, Record};
use lapwing_abi::ids::{Escape, Phase, Privileged};
use lapwing_abi::record::Header;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Time between two sweeps of images while there is little room for them.
const SWEEP: u64 = 250 * MILLISECOND;
/// Images that are remembered as nowhere to be found.
const MISSING_MAX: usize = 4_096;

/// What is known of images that wait.
#[derive(Debug, Default)]
pub(super) struct Recall {
    /// Sought in vain, since the last look.
    missing: HashSet<u64>,
    /// Nobody's at the last look.
    fading: HashSet<u64>,
    /// Whether the ring was empty since.
    emptied: bool,
}

impl Recall {
    /// The ring is empty.
    pub const fn emptied(&mut self) {
        self.emptied = true;
    }

    /// A look at what waits. Answers what nobody can ask for any more: what was nobody's at the
    /// last look either, if every record was read since.
    fn look(&mut self, waiting: impl Iterator<Item = u64>, reached: &HashSet<u64>) -> HashSet<u64> {
        let emptied = std::mem::take(&mut self.emptied);
        let before = std::mem::take(&mut self.fading);
        let nobodys = waiting.filter(|id| !reached.contains(id));
        let (gone, fading) = nobodys.partition(|id| emptied && before.contains(id));
        self.fading = fading;
        gone
    }
}

impl Line {
    /// Keeps the image that an exec made. The runtime's own steps are nobody's ancestors: a
    /// container begins with its program.
    pub(super) fn remember(&mut self, record: &Record<'_>, now: u64) {
        if record.phase == Phase::Runtime {
            return;
        }
        let Some(image) = sighting::image(record) else {
            return;
        };
        self.make_room(now);
        self.images.insert(record.header.exec, image);
        if !self.adopted.is_empty() {
            let pid = record.header.pid;
            let entry = self.tables.process(pid);
            if let Some(process) = self.adopted.overtaken(&record.header, entry)
                && self.tables.set_process(pid, process).is_err()
            {
                self.lose(UserLoss::NoRoom, 1);
            }
        }
    }

    /// Lets go of images that nobody needs, where one more may find no room.
    fn make_room(&mut self, now: u64) {
        if self.images.is_tight() && now.saturating_sub(self.swept) >= SWEEP {
            // What was spared once goes at the second time.
            self.sweep();
            self.sweep();
        }
    }

    /// Sees to it that the image which acts in a record, and those that led to it, are known as
    /// far as they can be.
    pub(super) fn recall(&mut self, record: &Record<'_>, now: u64) {
        if record.phase == Phase::Runtime {
            return;
        }
        let header = &record.header;
        if matches!(record.body, Body::Exec { .. }) {
            // Its own came with it.
            self.ask(header.issuer, now);
        } else if !self.ask(header.exec, now) {
            match self.read_image(header) {
                Some(image) => self.images.insert(header.exec, image),
                None if comes_before_its_exec(record) => {}
                None => self.lose(UserLoss::ImageUnknown, 1),
            }
            self.ask(header.issuer, now);
        }
    }

    /// Asks for an image that is not known, and then for its ancestors. Answers whether it is
    /// known, or was missed before.
    fn ask(&mut self, id: u64, now: u64) -> bool {
        let mut next = id;
        for _ in 0..=ANCESTORS_MAX {
            if next == 0 || self.images.get(next).is_some() || self.recall.missing.contains(&next) {
                return true;
            }
            let Some(kept) = self.tables.images.get(next) else {
                if self.recall.missing.len() < MISSING_MAX {
                    self.recall.missing.insert(next);
                }
                // That an ancestor is missing is no loss of its own: above the container's first
                // program there is none.
                return next != id;
            };
            let Some(image) = image_of(&kept) else {
                self.lose(UserLoss::Undecodable, 1);
                return true;
            };
            let issuer = image.issuer;
            self.make_room(now);
            self.images.insert(next, image);
            next = issuer;
        }
        true
    }

    /// What /proc says of a process that runs still what it ran when it acted.
    fn read_image(&self, header: &Header) -> Option<Image> {
        let proc = Path::new("/proc");
        let image = scan::image(proc, header.pid);
        // Afterwards: by now it may have ended, and the number be another's.
        let entry = self.tables.process(header.pid)?;
        (entry.exec == header.exec && entry.start == header.start).then_some(Image {
            issuer: header.issuer,
            ..image
        })
    }

    /// The images that issued one which waits: whoever asks for that one will ask for them.
    pub(super) fn issuers_of_kept(&self) -> Vec<u64> {
        let kept = self.tables.images.all();
        kept.iter()
            .filter_map(|(_, kept)| Some(Record::decode_first(kept).ok()?.header.issuer))
            .collect()
    }

    /// Looks through what waits.
    pub(super) fn look_through_kept(&mut self) {
        self.recall.missing.clear();
        let kept = self.tables.images.all();
        if kept.is_empty() {
            self.recall.fading.clear();
            return;
        }
        let mut waiting = HashMap::new();
        for (id, bytes) in kept {
            match image_of(&bytes) {
                Some(image) => drop(waiting.insert(id, image)),
                None => {
                    self.tables.images.remove(id);
                    self.lose(UserLoss::Undecodable, 1);
                }
            }
        }
        // Read afterwards: whoever waits has an entry already, or has ended.
        let live = self.tables.processes();
        let live = live.flat_map(|(_, process)| [process.exec, process.issuer]);
        let reached = reached(&waiting, live, &self.images);
        for id in self.recall.look(waiting.keys().copied(), &reached) {
            self.tables.images.remove(id);
        }
        let now = clock::since_boot();
        for (id, image) in waiting {
            if !reached.contains(&id) {
                continue;
            }
            self.make_room(now);
            // Where it stands it has room as well.
            if !self.images.is_tight() {
                self.images.insert(id, image);
                self.tables.images.remove(id);
            }
        }
    }
}

/// Whether the record of the exec that made the image follows: in the same moment it was seen that
/// the process has left its container.
fn comes_before_its_exec(record: &Record<'_>) -> bool {
    matches!(
        record.body,
        Body::Privilege { operation: Privileged::Escape, argument, .. }
            if argument == u64::from(Escape::Root.raw())
    )
}

/// The image that a kept exec made.
fn image_of(kept: &[u8]) -> Option<Image> {
    let record = Record::decode_first(kept).ok()?;
    sighting::image(&record)
}

/// Those that wait and that a living process runs or descends from, within the reported depth.
fn reached(
    waiting: &HashMap<u64, Image>,
    live: impl Iterator<Item = u64>,
    images: &Images,
) -> HashSet<u64> {
    let mut reached = HashSet::new();
    for id in live.collect::<HashSet<u64>>() {
        let mut next = id;
        for _ in 0..=ANCESTORS_MAX {
            let image = match waiting.get(&next) {
                Some(image) => {
                    reached.insert(next);
                    image
                }
                None => match images.get(next) {
                    Some(image) => image,
                    None => break,
                },
            };
            next = image.issuer;
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_abi::encode::{components, encode};
    use lapwing_abi::ids::Kind;

    fn issued_by(issuer: u64) -> Image {
        Image {
            issuer,
            ..Image::default()
        }
    }

    #[test]
    fn who_is_reached_is_told_through_what_is_known_and_what_waits() {
        let mut images = Images::default();
        images.insert(2, issued_by(1));
        let waiting = HashMap::from([
            (1, issued_by(0)),
            (3, issued_by(2)),
            (4, issued_by(3)),
            (5, issued_by(3)),
        ]);
        let all = reached(&waiting, [4].into_iter(), &images);
        assert_eq!(all, HashSet::from([4, 3, 1]));
        assert!(reached(&waiting, [9, 0].into_iter(), &images).is_empty());
        let looped = HashMap::from([(7, issued_by(7))]);
        let all = reached(&looped, [7].into_iter(), &images);
        assert_eq!(all, HashSet::from([7]));
    }

    #[test]
    fn what_is_nobodys_goes_when_all_records_were_read_between_two_looks() {
        let mut recall = Recall::default();
        let none = HashSet::new();
        let mut look = |empty: bool, waiting: &[u64], reached: &HashSet<u64>| {
            if empty {
                recall.emptied();
            }
            recall.look(waiting.iter().copied(), reached)
        };
        assert!(look(true, &[1, 2], &HashSet::from([2])).is_empty());
        assert!(look(false, &[1, 2], &none).is_empty(), "not all was read");
        let gone = look(true, &[1, 2, 3], &HashSet::from([2]));
        assert_eq!(gone, HashSet::from([1]));
        let gone = look(true, &[2, 3], &none);
        assert_eq!(gone, HashSet::from([3]), "2 was somebody's");
        assert_eq!(look(true, &[2], &none), HashSet::from([2]));
    }

    #[test]
    fn what_is_kept_is_an_exec_and_more() {
        let header = Header {
            kind: Kind::Exec.raw(),
            phase: Phase::Main.raw(),
            exec: 9,
            issuer: 8,
            pid: 7,
            origin: 1,
            ..Header::default()
        };
        let record = |sections: [&[u8]; 4]| {
            let lens = sections.map(|bytes| bytes.len() as u16);
            let mut bytes = encode(
                &Header {
                    sections: lens,
                    ..header
                },
                sections,
            );
            bytes.resize(512, 0x55);
            bytes
        };
        let kept = record([&components(b"/bin/sh"), b"sh\0", b"sh\0-c\0id\0", b"tmp\0"]);
        let image = image_of(&kept).unwrap();
        assert_eq!(
            (image.exe.as_str(), image.cwd.as_str()),
            ("/bin/sh", "/tmp")
        );
        assert_eq!(
            (image.args.join(" ").as_str(), image.pid, image.issuer),
            ("sh -c id", 7, 8)
        );
        assert_eq!(image_of(&[0; 512]), None);
        assert_eq!(image_of(&kept[..140]), None);
    }
}
