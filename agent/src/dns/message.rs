//! Reading DNS messages (RFC 1035, section 4): as far as names and addresses go.
//!
//! Why not a library: what is read here is hostile and may be cut. The kernel hands over the
//! first 1,500 bytes or so, and what stands in these is to be used, record for record. Of the
//! two that are well kept, simple-dns 0.13 (two crates) and hickory-proto 0.26 (sixty, with the
//! tables of Unicode), both read a message as a whole or not at all: a cut answer would give no
//! name, and so would one odd record of a type that nobody here asks about. Both allocate for
//! every record of every section. What is needed is the header, the question and three types of
//! records, and fits below. simple-dns is the oracle of the tests: whatever it reads, this reads
//! the same.
//!
//! Bounds: a name is at most 255 bytes; a compression pointer must lead to before the place
//! where the name, or the part that is being read, began, as RFC 1035 has it ("a prior
//! occurrence"), so every jump goes back and none can repeat; a record needs 11 bytes, so there
//! are no more than the bytes allow, whatever the header counts.

use super::name::Name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const HEADER: usize = 12;
const CLASS_INTERNET: u16 = 1;
pub(super) const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
pub(super) const TYPE_AAAA: u16 = 28;
pub(super) const TYPE_ANY: u16 = 255;
/// Longest chain of aliases that is followed. BIND 9 and Unbound follow 11 to 17.
const CHAIN: usize = 16;
/// How many questions of a query are read. Servers refuse more than one, but a name has been
/// sent all the same.
const QUESTIONS: u16 = 4;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// Number of the type of records.
    pub kind: u16,
    /// Number of the class; 1 is the Internet's.
    pub class: u16,
}

/// The part of a record that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Data {
    Address(IpAddr),
    Alias(Name),
}

#[derive(Clone, Debug)]
struct Record {
    owner: Name,
    ttl: u32,
    data: Data,
}

/// A message, read as far as it goes.
#[derive(Debug)]
pub struct Message {
    /// Chosen by the client.
    pub id: u16,
    /// Whether it calls itself an answer.
    pub response: bool,
    /// What is to be done; 0 is a query.
    pub opcode: u8,
    /// How it went; 0 is well.
    pub code: u8,
    /// How many questions the header counts.
    pub counted: u16,
    /// The questions, at most [`QUESTIONS`].
    pub questions: Vec<Question>,
    records: Vec<Record>,
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A name, and past it.
    fn name(&mut self) -> Option<Name> {
        let mut name = Name::default();
        // Where the part that is being read began: pointers lead to before it.
        let mut began = self.at;
        let mut at = self.at;
        let mut behind = None;
        loop {
            let length = *self.message.get(at)?;
            match length >> 6 {
                0 if length == 0 => break,
                0 => {
                    let start = at + 1;
                    let end = start + usize::from(length);
                    name.push(self.message.get(start..end)?)?;
                    at = end;
                }
                3 => {
                    let low = *self.message.get(at + 1)?;
                    let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                    if target >= began {
                        return None;
                    }
                    behind.get_or_insert(at + 2);
                    (began, at) = (target, target);
                }
                // Two kinds of labels that were never put to use (RFC 6891, section 5).
                _ => return None,
            }
        }
        self.at = behind.unwrap_or(at + 1);
        Some(name)
    }

    fn question(&mut self) -> Option<Question> {
        Some(Question {
            name: self.name()?,
            kind: self.u16()?,
            class: self.u16()?,
        })
    }

    /// A record; `Some(None)` if it is one that does not matter.
    fn record(&mut self) -> Option<Option<Record>> {
        let owner = self.name()?;
        let kind = self.u16()?;
        let class = self.u16()?;
        // The highest bit makes it 0 (RFC 2181, section 8).
        let ttl = self.u32().map(|ttl| if ttl >> 31 == 0 { ttl } else { 0 })?;
        let len = usize::from(self.u16()?);
        let start = self.at;
        let bytes = self.take(len)?;
        if class != CLASS_INTERNET {
            return Some(None);
        }
        let data = match kind {
            TYPE_A => Data::Address(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
            TYPE_AAAA => Data::Address(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
            TYPE_CNAME => {
                let mut inner = Reader {
                    message: &self.message[..start + len],
                    at: start,
                };
                let alias = inner.name()?;
                if inner.at != start + len {
                    return None;
                }
                Data::Alias(alias)
            }
            _ => return Some(None),
        };
        Some(Some(Record { owner, ttl, data }))
    }
}

impl Message {
    /// Reads a message, of which the end may be missing if it is `cut`.
    ///
    /// `None` if it is not one: too short, a name or a record that is malformed, or an end that
    /// is missing though it is not cut. The sections behind the answers are not read.
    #[must_use]
    pub fn read(bytes: &[u8], cut: bool) -> Option<Self> {
        let mut reader = Reader {
            message: bytes,
            at: 0,
        };
        let header = reader.take(HEADER)?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let counted = word(4);
        let mut message = Self {
            id: word(0),
            response: header[2] & 0x80 != 0,
            opcode: (header[2] >> 3) & 0xf,
            code: header[3] & 0xf,
            counted,
            questions: Vec::new(),
            records: Vec::new(),
        };
        for _ in 0..counted.min(QUESTIONS) {
            match reader.question() {
                Some(question) => message.questions.push(question),
                None if cut && !message.questions.is_empty() => return Some(message),
                None => return None,
            }
        }
        if !message.response || counted != 1 {
            return Some(message);
        }
        for _ in 0..word(6) {
            match reader.record() {
                Some(record) => message.records.extend(record),
                None if cut => break,
                None => return None,
            }
        }
        Some(message)
    }

    /// The addresses that the answers give to the name in question, each with the smallest time
    /// to live on the way there, in seconds.
    ///
    /// From the name in question aliases are followed, and only the name at their end counts:
    /// records about anything else say nothing that was asked. So does an address of a type that
    /// was not asked for.
    #[must_use]
    pub fn addresses(&self) -> Vec<(IpAddr, u32)> {
        let [question] = &self.questions[..] else {
            return Vec::new();
        };
        let mut name = &question.name;
        let mut least = u32::MAX;
        for _ in 0..CHAIN {
            let alias = self.records.iter().find_map(|record| match &record.data {
                Data::Alias(alias) if record.owner == *name => Some((alias, record.ttl)),
                _ => None,
            });
            let Some((alias, ttl)) = alias else { break };
            name = alias;
            least = least.min(ttl);
        }
        self.records
            .iter()
            .filter(|record| record.owner == *name)
            .filter_map(|record| match record.data {
                Data::Address(address) => {
                    let kind = if address.is_ipv4() { TYPE_A } else { TYPE_AAAA };
                    [kind, TYPE_ANY]
                        .contains(&question.kind)
                        .then(|| (address.to_canonical(), record.ttl.min(least)))
                }
                Data::Alias(_) => None,
            })
            .collect()
    }
}
