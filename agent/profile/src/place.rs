//! What a profile has of an entry, looked up once: whether it accepts it, and where a sighting of
//! it is counted.
//!
//! A sighting that is known is nothing but a count, so finding where it belongs is all of its
//! cost. [`Profile::find`] does that once; what follows (counting it, noting in which sample it
//! was, what is kept of it elsewhere) goes by what was found. That may be used as long as nothing
//! but counts changed: where more did, it is counted where it was found or, if that is gone,
//! not at all.

use crate::behaviour::{Behaviour, Operation};
use crate::entry::Entry;
use crate::entry::keyed::Keyed;
use crate::entry::packed::Packed;
use crate::evidence::window::Incidence;
use crate::lineage;
use crate::matcher::{Exact, Program};
use crate::profile::{Profile, Record, Verdict};
use crate::rule;
use crate::sorted::Spot;

/// Where a sighting is counted.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the record of the entry itself.
    Own,
    /// In what was learned under its own name.
    Learned(Spot),
    /// In the record of this pattern, or range of addresses.
    Pattern(Entry),
    /// In what was learned under this pattern.
    LearnedPattern(Packed, Spot),
    /// In the record of this entry, which is the line without `parent` of a program.
    Parentless(Entry),
}

impl Place {
    /// The entry there, if that is another one.
    pub(crate) fn other(&self) -> Option<Entry> {
        match self {
            Self::Own | Self::Learned(_) => None,
            Self::Pattern(entry) | Self::Parentless(entry) => Some(entry.clone()),
            Self::LearnedPattern(pattern, _) => Some(pattern.entry()),
        }
    }

    /// The keyed hash of the entry there.
    pub(crate) fn hash(&self, keyed: &Keyed<'_>) -> u64 {
        match self {
            Self::Own | Self::Learned(_) => keyed.hash(),
            Self::Pattern(entry) | Self::Parentless(entry) => Keyed::of(entry).hash(),
            Self::LearnedPattern(pattern, _) => pattern.hash(),
        }
    }
}

/// What a sighting changes in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// It was seen, in nanoseconds since the Unix epoch.
    Seen(i64),
    /// It was seen so often, at last then.
    Repeated(u64, i64),
    /// It was seen in an instance, and maybe in a sample for the first time. If another entry
    /// implied it, then at last then.
    Witnessed(u32, Option<Incidence>, Option<i64>),
}

impl Record {
    /// Makes a change.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Seen(at) => {
                self.first = Some(self.first.map_or(at, |first| first.min(at)));
                self.last = self.last.max(Some(at));
                self.count = self.count.saturating_add(1);
            }
            Change::Repeated(count, last) => {
                self.last = self.last.max(Some(last));
                self.count = self.count.saturating_add(count);
            }
            Change::Witnessed(instance, incidence, last) => {
                self.last = self.last.max(last);
                self.evidence.witness(instance, incidence);
            }
        }
    }
}

/// What a profile has of an entry.
#[derive(Clone, Debug)]
pub struct Found {
    /// By its own name.
    pub(crate) exact: Option<Exact>,
    is_accepted: bool,
    pub(crate) place: Option<Place>,
    /// The accepted entry that implies it, and where that is counted.
    pub(crate) implying: Option<(Entry, Option<Place>)>,
}

impl Found {
    /// Whether the profile approves of the entry.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    /// Whether it stands in the profile by its own name, and not only by what excuses it.
    #[must_use]
    pub const fn names_itself(&self) -> bool {
        self.exact.is_some()
    }
}

/// The entry that would imply another.
pub(crate) fn made(entry: &Entry) -> Option<Entry> {
    let Behaviour::File(file) = &entry.behaviour else {
        return None;
    };
    if file.operation != Operation::OpenWrite || !rule::classify(&entry.behaviour).learnable {
        return None;
    }
    let mut made = entry.clone();
    if let Behaviour::File(file) = &mut made.behaviour {
        file.operation = Operation::Create;
    }
    Some(made)
}

impl Profile {
    /// Looks an entry up.
    #[must_use]
    pub fn find(&self, keyed: &Keyed<'_>) -> Found {
        let entry = keyed.entry();
        let exact = self.matcher.exact(keyed);
        let is_ruled_out = self.matcher.refuses(entry);
        let place = self.place(keyed, exact, is_ruled_out);
        let is_excused = || {
            matches!(place, Some(Place::Pattern(_) | Place::LearnedPattern(..)))
                || self.knows_parent(entry)
        };
        let mut is_accepted = match exact {
            Some(Exact::Approved) => true,
            Some(Exact::Refused) => false,
            Some(Exact::Learned) => !is_ruled_out,
            None => !is_ruled_out && is_excused(),
        };
        let may_be_implied = exact.is_none() && !is_ruled_out && !is_accepted;
        let implying = match may_be_implied || place.is_none() {
            true => self.implying(entry),
            false => None,
        };
        is_accepted |= may_be_implied && implying.is_some();
        Found {
            exact,
            is_accepted,
            place,
            implying,
        }
    }

    /// The accepted entry that implies another, and where it is counted.
    fn implying(&self, entry: &Entry) -> Option<(Entry, Option<Place>)> {
        let made = made(entry)?;
        let found = self.find(&Keyed::of(&made));
        found.is_accepted.then_some((made, found.place))
    }

    /// Where a sighting is counted: by its own name, or with the pattern that excuses it, even if
    /// its name waited for a decision before there was one. `None` if nothing is known of it, or
    /// another entry implies it.
    fn place(&self, keyed: &Keyed<'_>, exact: Option<Exact>, is_ruled_out: bool) -> Option<Place> {
        let entry = keyed.entry();
        let own = self.records.get(entry).map(|it| (it.verdict, it.revision));
        let here = || own.map(|_| Place::Own);
        let is_decided = matches!(own, Some((Verdict::Approved | Verdict::Refused, _)));
        if is_decided || is_ruled_out {
            return here();
        }
        // Whatever was learned is compiled (and so are names that a pattern replaced), so that all
        // else need not be looked for.
        if exact.is_some()
            && own.is_none_or(|(_, revision)| revision == 0)
            && let Some(spot) = self.learned.spot(keyed.bytes())
        {
            return Some(Place::Learned(spot));
        }
        if own.is_none_or(|(verdict, _)| verdict == Verdict::Pending)
            && self.matcher.program(entry).is_some_and(Program::allows_any)
            && let Some(line) = lineage::parentless(entry)
        {
            return Some(Place::Parentless(line));
        }
        match self.matcher.excuse(entry) {
            Some(pattern) => Some(match self.learned.spot(Some(pattern.bytes())) {
                Some(spot) => Place::LearnedPattern(pattern.clone(), spot),
                None => Place::Pattern(pattern.entry()),
            }),
            None => match self.matcher.excusing_range(entry) {
                Some(range) => Some(Place::Pattern(range)),
                None => here(),
            },
        }
    }

    /// Changes the record in which a sighting is counted. Answers whether there is one.
    pub(crate) fn count_found(&mut self, keyed: &Keyed<'_>, found: &Found, change: Change) -> bool {
        let place = found.place.as_ref();
        place.is_some_and(|place| self.count_at(keyed, place, change))
    }

    /// The same, at a place.
    pub(crate) fn count_at(&mut self, keyed: &Keyed<'_>, place: &Place, change: Change) -> bool {
        let (room, name) = (self.room(), keyed.entry());
        let own = match place {
            Place::Own => name,
            Place::Pattern(entry) | Place::Parentless(entry) => entry,
            Place::Learned(spot) => {
                let bytes = keyed.bytes();
                return bytes.is_some_and(|at| self.learned.see((*spot, at), name, room, change));
            }
            Place::LearnedPattern(pattern, spot) => {
                let at = (*spot, pattern.bytes());
                return self.learned.see(at, name, room, change);
            }
        };
        let record = self.records.get_mut(own);
        record.map(|record| record.apply(change)).is_some()
    }

    /// A file change that was learned under its own name, as it is kept: who keeps it too needs no
    /// room for it.
    #[must_use]
    pub fn leaf(&self, keyed: &Keyed<'_>, found: &Found) -> Option<&Packed> {
        // What was decided of is counted elsewhere.
        found.exact?;
        match found.place {
            Some(Place::Learned(spot)) => self.learned.leaf(spot, keyed.bytes()?),
            _ => self.learned.packed(keyed.bytes()?),
        }
    }
}
