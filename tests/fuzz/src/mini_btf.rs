//! Small BTF that is real: cut from this kernel's.
//!
//! A whole kernel's BTF has megabytes, and a fuzzer would mutate what nobody asks for.
//! What is kept here are the structs and functions that the sensor asks about, and of their
//! members those, with the anonymous ones between; the types of named members and of parameters
//! are all left as `void`.

use std::collections::{BTreeMap, BTreeSet};

const STRUCT: u32 = 4;
const UNION: u32 = 5;
const FUNCTION: u32 = 12;
const PROTOTYPE: u32 = 13;

/// What is kept, by name.
pub struct Kept<'a> {
    /// Structs and unions.
    pub structs: &'a [&'a str],
    /// Members, of whichever of them.
    pub members: &'a [&'a str],
    /// Functions, with all their parameters.
    pub functions: &'a [&'a str],
}

fn is_among(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|wanted| wanted.as_bytes() == name)
}

struct Whole<'a> {
    bytes: &'a [u8],
    /// Where each type stands; the first is `void`.
    types: Vec<usize>,
    strings: usize,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'a> Whole<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = word(bytes, 4)? as usize;
        let mut at = header + word(bytes, 8)? as usize;
        let end = at + word(bytes, 12)? as usize;
        let mut types = vec![0];
        while at < end {
            types.push(at);
            let info = word(bytes, at + 4)?;
            let count = (info & 0xffff) as usize;
            at += 12
                + match (info >> 24) & 0x1f {
                    1 | 14 | 17 => 4,
                    3 => 12,
                    4 | 5 | 15 | 19 => count * 12,
                    6 | 13 => count * 8,
                    _ => 0,
                };
        }
        let strings = header + word(bytes, 16)? as usize;
        Some(Self {
            bytes,
            types,
            strings,
        })
    }

    fn string(&self, offset: u32) -> &'a [u8] {
        let tail = self
            .bytes
            .get(self.strings + offset as usize..)
            .unwrap_or_default();
        &tail[..tail.iter().position(|&b| b == 0).unwrap_or(0)]
    }

    /// The kind of a type.
    fn kind(&self, id: u32) -> Option<u32> {
        let at = *self.types.get(id as usize).filter(|&&at| at != 0)?;
        Some((word(self.bytes, at + 4)? >> 24) & 0x1f)
    }

    fn is_composite(&self, id: u32) -> bool {
        matches!(self.kind(id), Some(STRUCT | UNION))
    }

    /// Name, info word, and size or type.
    fn common(&self, id: u32) -> Option<[u32; 3]> {
        let at = *self.types.get(id as usize).filter(|&&at| at != 0)?;
        Some([
            word(self.bytes, at)?,
            word(self.bytes, at + 4)?,
            word(self.bytes, at + 8)?,
        ])
    }

    /// The entries behind the common part, of `N` words each: members, parameters.
    fn entries<const N: usize>(&self, id: u32) -> Option<Vec<[u32; N]>> {
        let [_, info, _] = self.common(id)?;
        let at = self.types[id as usize] + 12;
        let mut entries = vec![[0; N]; (info & 0xffff) as usize];
        for (index, value) in entries.iter_mut().flatten().enumerate() {
            *value = word(self.bytes, at + index * 4)?;
        }
        Some(entries)
    }

    /// The members of a struct or union that are kept: name, type, offset.
    fn members(&self, id: u32, kept: &Kept<'_>) -> Option<Vec<[u32; 3]>> {
        let mut members = self.entries(id)?;
        members.retain(|[name, member, _]| {
            let name = self.string(*name);
            is_among(kept.members, name) || name.is_empty() && self.is_composite(*member)
        });
        Some(members)
    }
}

/// BTF of what is kept of `bytes`; `None` if `bytes` are not BTF.
#[must_use]
pub fn cut(bytes: &[u8], kept: &Kept<'_>) -> Option<Vec<u8>> {
    let whole = Whole::read(bytes)?;
    let mut wanted = BTreeSet::new();
    let mut queue = Vec::new();
    for id in 1..whole.types.len() as u32 {
        let [name, _, prototype] = whole.common(id)?;
        let name = whole.string(name);
        if whole.is_composite(id) && is_among(kept.structs, name) {
            wanted.insert(id);
            queue.push(id);
        } else if whole.kind(id)? == FUNCTION && is_among(kept.functions, name) {
            wanted.extend([id, prototype]);
        }
    }
    while let Some(id) = queue.pop() {
        for [name, member, _] in whole.members(id, kept)? {
            if whole.string(name).is_empty() && wanted.insert(member) {
                queue.push(member);
            }
        }
    }
    let renumbered: BTreeMap<u32, u32> = wanted.iter().copied().zip(1..).collect();
    let (mut types, mut strings) = (Vec::new(), vec![0]);
    let mut known: BTreeMap<&[u8], u32> = BTreeMap::from([(&b""[..], 0)]);
    let mut text = |offset: u32| {
        let name = whole.string(offset);
        *known.entry(name).or_insert_with(|| {
            let at = strings.len() as u32;
            strings.extend_from_slice(name);
            strings.push(0);
            at
        })
    };
    let new = |id: u32| renumbered.get(&id).copied().unwrap_or(0);
    for &id in &wanted {
        let [name, info, rest] = whole.common(id)?;
        let name = text(name);
        let mut words = Vec::new();
        match whole.kind(id)? {
            FUNCTION => words.extend([name, info, new(rest)]),
            PROTOTYPE => {
                words.extend([name, info, 0]);
                for [name, _] in whole.entries(id)? {
                    words.extend([text(name), 0]);
                }
            }
            _ => {
                let members = whole.members(id, kept)?;
                words.extend([name, info & !0xffff | members.len() as u32, rest]);
                for [name, member, offset] in members {
                    words.extend([text(name), new(member), offset]);
                }
            }
        }
        types.extend(words.into_iter().flat_map(u32::to_le_bytes));
    }
    let mut out = vec![0x9f, 0xeb, 1, 0];
    let len = types.len() as u32;
    for word in [24, 0, len, len, strings.len() as u32] {
        out.extend(word.to_le_bytes());
    }
    out.extend(types);
    out.extend(strings);
    Some(out)
}
