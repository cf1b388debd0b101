//! What was not used, by reason.

/// Why a message, or a part of it, was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Refusal {
    /// It is no DNS message, or one whose names or records are malformed.
    Malformed,
    /// An answer where a question should be, or the reverse.
    Direction,
    /// From, or to, another than a configured resolver.
    Resolver,
    /// Over the loopback device, but from an address that is not this host's: forged.
    Forged,
    /// Nobody asked: no question waits that has its number, port, name, type and resolver. Late
    /// and repeated answers are such too.
    Unsolicited,
    /// Too many questions wait: this one's answer will not be believed.
    QueriesFull,
    /// There is no room for a name.
    NamesFull,
    /// There are too many connections to follow this one.
    StreamsFull,
    /// A connection cannot be followed further.
    StreamGap,
    /// There are too many containers.
    ContainersFull,
}

impl Refusal {
    /// Every reason, in order.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::Direction,
        Self::Resolver,
        Self::Forged,
        Self::Unsolicited,
        Self::QueriesFull,
        Self::NamesFull,
        Self::StreamsFull,
        Self::StreamGap,
        Self::ContainersFull,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Direction => "direction",
            Self::Resolver => "resolver",
            Self::Forged => "forged",
            Self::Unsolicited => "unsolicited",
            Self::QueriesFull => "queries-full",
            Self::NamesFull => "names-full",
            Self::StreamsFull => "streams-full",
            Self::StreamGap => "stream-gap",
            Self::ContainersFull => "containers-full",
        }
    }
}

/// Counts of refusals, one for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals([u64; Refusal::ALL.len()]);

impl Refusals {
    /// How many there were for this reason.
    #[must_use]
    pub const fn get(&self, refusal: Refusal) -> u64 {
        self.0[refusal as usize]
    }

    /// What was not read of one container for want of room, or because a part was missing.
    #[must_use]
    pub fn unread(&self) -> u64 {
        [
            Refusal::StreamGap,
            Refusal::StreamsFull,
            Refusal::QueriesFull,
            Refusal::NamesFull,
        ]
        .into_iter()
        .map(|refusal| self.get(refusal))
        .sum()
    }

    pub(super) fn add(&mut self, refusal: Refusal) {
        self.0[refusal as usize] += 1;
    }
}
