//! Small BTF that is real: cut from this kernel's.
//!
//! A whole kernel's BTF has megabytes, and a fuzzer would mutate what nobody asks for.
//! What is kept here are the structs that the sensor asks about, as the kernel has them,
//! with their anonymous members; the types of named members are all left as `void`.

use std::collections::{BTreeMap, BTreeSet};

const STRUCT: u32 = 4;
const UNION: u32 = 5;

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

    /// Name, info word and size of a struct or union, with its members: name, type, offset.
    fn composite(&self, id: u32) -> Option<(u32, u32, u32, Vec<[u32; 3]>)> {
        let at = *self.types.get(id as usize).filter(|&&at| at != 0)?;
        let info = word(self.bytes, at + 4)?;
        if ![STRUCT, UNION].contains(&((info >> 24) & 0x1f)) {
            return None;
        }
        let members = (0..(info & 0xffff) as usize)
            .map(|index| {
                let at = at + 12 + index * 12;
                Some([
                    word(self.bytes, at)?,
                    word(self.bytes, at + 4)?,
                    word(self.bytes, at + 8)?,
                ])
            })
            .collect::<Option<_>>()?;
        Some((
            word(self.bytes, at)?,
            info,
            word(self.bytes, at + 8)?,
            members,
        ))
    }
}

/// BTF of the named structs of `bytes`; `None` if `bytes` are not BTF.
#[must_use]
pub fn cut(bytes: &[u8], names: &[&str]) -> Option<Vec<u8>> {
    let whole = Whole::read(bytes)?;
    let mut wanted: BTreeSet<u32> = (1..whole.types.len() as u32)
        .filter(|&id| {
            whole.composite(id).is_some_and(|(name, ..)| {
                names
                    .iter()
                    .any(|wanted| wanted.as_bytes() == whole.string(name))
            })
        })
        .collect();
    let mut queue: Vec<u32> = wanted.iter().copied().collect();
    while let Some(id) = queue.pop() {
        for [name, member, _] in whole.composite(id)?.3 {
            let anonymous = whole.string(name).is_empty() && whole.composite(member).is_some();
            if anonymous && wanted.insert(member) {
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
    for &id in &wanted {
        let (name, info, size, members) = whole.composite(id)?;
        for word in [text(name), info, size] {
            types.extend(word.to_le_bytes());
        }
        for [name, member, offset] in members {
            let member = renumbered.get(&member).copied().unwrap_or(0);
            for word in [text(name), member, offset] {
                types.extend(word.to_le_bytes());
            }
        }
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
