//! Who did what: tells profiles the provenance of their entries.
//!
//! Most records are of behaviours that are known, from sources that are known too. A table of fixed
//! size remembers which were told, by the kernel side's key of the behaviour, which covers the program
//! that acts, and the container and the user ids. Another behaviour may take the
//! place of one, which is then told again and is no news. Decisions may change what a profile
//! counts where, so after each of them all is told anew.

use super::keep::Kept;
use super::sighting::Aside;
use super::{Judge, Scene};
use crate::process::Image;
use lapwing_abi::decode::{Body, Record};
use lapwing_profile::behaviour::Behaviour;
use lapwing_profile::entry::Entry;
use lapwing_profile::provenance::Source;
use std::hash::{BuildHasher, RandomState};

/// Sources that are remembered, of all containers.
const TOLD_MAX: usize = 4_096;

/// What was told.
pub(super) struct Attribution {
    key: RandomState,
    /// By the low bits of each.
    told: Box<[u64]>,
}

impl Default for Attribution {
    fn default() -> Self {
        Self {
            key: RandomState::new(),
            told: vec![0; TOLD_MAX].into_boxed_slice(),
        }
    }
}

impl Attribution {
    /// What a record's source is remembered by. A key does not tell it from others where a message of
    /// the name service asks for many names, or a peer is known under several.
    fn tag(&self, record: &Record<'_>, (aside, entry): (&Aside, &Entry), scene: &Scene<'_>) -> u64 {
        let header = &record.header;
        let is_told =
            header.key != 0 && scene.names.is_empty() && !matches!(record.body, Body::Dns { .. });
        let behaviour = match is_told {
            true => header.key,
            false => self.key.hash_one((entry, aside.address, header.exec)),
        };
        // Who is not known yet may be the next time.
        let is_known = u64::from(scene.images.get(header.exec).is_some());
        let users = u64::from(header.uid) << 32 | u64::from(header.euid);
        // A keyed hash already: this only keeps its bits apart from the others'.
        let mut tag = behaviour ^ scene.instance.home.rotate_left(48);
        for part in [users, is_known] {
            tag = (tag ^ part ^ tag >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        // None is 0, which is what stands where nothing was told.
        (tag ^ tag >> 29) | 1 << 63
    }

    /// A record was taken to a profile as this entry, which stands for what was seen.
    pub(super) fn tell(
        &mut self,
        record: &Record<'_>,
        (seen, aside, entry): (&Behaviour, &Aside, &Entry),
        scene: Scene<'_>,
        kept: &mut Kept,
    ) {
        let tag = self.tag(record, (aside, entry), &scene);
        let place = tag as usize % TOLD_MAX;
        if self.told[place] == tag {
            return;
        }
        let header = &record.header;
        let actor = match seen {
            Behaviour::Exec(exec) => Some(exec.parent.clone()),
            _ => scene.images.get(header.exec).map(Image::as_parent),
        };
        let version = scene.instance.details.version();
        kept.sight(scene.instance, scene.clock.wall(header.time));
        let source = Source {
            executable: actor.as_ref().and_then(|actor| actor.text()),
            uids: [header.uid, header.euid],
            address: aside.address,
            version: version.as_ref(),
            mount: aside.mount.map(Into::into),
        };
        if kept.profile.attribute(entry, &source) {
            self.told[place] = tag;
        }
    }

    fn clear(&mut self) {
        self.told.fill(0);
    }
}

impl Judge {
    /// What was told of sources holds no longer.
    pub(super) fn attribute_anew(&mut self) {
        self.attribution.clear();
    }
}
