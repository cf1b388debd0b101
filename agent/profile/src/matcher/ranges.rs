//! Ranges of addresses that a person wrote, by what must be the same besides the address.
//!
//! A profile may have thousands of ranges, but of a few lengths: an address is cut to each of these,
//! the longest first, and looked up.

use crate::address::stands_for;
use crate::behaviour::{Behaviour, Cidr, Egress, Peer, Protocol};
use crate::entry::{Entry, Phase};
use std::collections::{BTreeSet, HashSet};

/// A range, and what must be the same besides.
type Key = (Protocol, u32, Phase, Cidr);

/// Ranges.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    all: HashSet<Key>,
    /// Their lengths, by family.
    lengths: BTreeSet<(bool, u8)>,
}

impl Ranges {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Bytes that it has room for.
    pub(super) fn bytes(&self) -> usize {
        super::table_bytes::<Key>(self.all.capacity())
            + self.lengths.len() * size_of::<(bool, u8)>()
    }

    /// Takes up an entry if it is a range.
    pub(super) fn add(&mut self, entry: &Entry) {
        let Behaviour::Egress(egress) = &entry.behaviour else {
            return;
        };
        let Peer::Cidr(range) = egress.peer else {
            return;
        };
        self.all
            .insert((egress.protocol, egress.port, entry.phase, range));
        self.lengths.insert((range.is_v6(), range.prefix()));
    }

    /// The narrowest range that an address, or another range, is in.
    pub(super) fn find(&self, entry: &Entry) -> Option<Entry> {
        let (egress, range) = self.narrowest(entry)?;
        Some(written(egress, range, entry.phase))
    }

    /// The same, if it stands for the entry: see [`crate::address`]. Where the narrowest does not,
    /// no other does.
    pub(super) fn find_standing(&self, entry: &Entry) -> Option<Entry> {
        let (egress, range) = self.narrowest(entry)?;
        stands_for(range, &egress.peer).then(|| written(egress, range, entry.phase))
    }

    fn narrowest<'a>(&self, entry: &'a Entry) -> Option<(&'a Egress, Cidr)> {
        if self.is_empty() {
            return None;
        }
        let Behaviour::Egress(egress) = &entry.behaviour else {
            return None;
        };
        let is_v6 = match egress.peer {
            Peer::Address(address) => address.to_canonical().is_ipv6(),
            Peer::Cidr(range) => range.is_v6(),
            Peer::Domain(_) | Peer::Path(_) | Peer::Cid(_) | Peer::Socket(_) => return None,
        };
        let cut = |prefix: u8| match egress.peer {
            Peer::Address(address) => Cidr::around(address, prefix),
            Peer::Cidr(range) => range.widened(prefix),
            Peer::Domain(_) | Peer::Path(_) | Peer::Cid(_) | Peer::Socket(_) => None,
        };
        let lengths = self.lengths.range((is_v6, 0)..=(is_v6, u8::MAX)).rev();
        let mut ranges = lengths.filter_map(|(_, prefix)| cut(*prefix));
        let range = ranges.find(|range| {
            self.all
                .contains(&(egress.protocol, egress.port, entry.phase, *range))
        })?;
        Some((egress, range))
    }
}

/// The entry of a range that something is in.
fn written(egress: &Egress, range: Cidr, phase: Phase) -> Entry {
    Entry {
        behaviour: Egress {
            protocol: egress.protocol,
            peer: Peer::Cidr(range),
            port: egress.port,
        }
        .into(),
        phase,
    }
}
