//! Reading BTF, the kernel's description of its own types.
//!
//! Only what the sensor asks: where a member of a struct lies (through
//! anonymous members), how large a struct is, what number an enum's value has,
//! and whether a function exists. The format is that of
//! `Documentation/bpf/btf.rst`. The bytes come from a file that may be cut or
//! made up, so every read is checked.
//!
//! A kernel may hold several structs of one name. Where they disagree about a
//! member the answer is an error: a guess would read the wrong memory.

use std::collections::HashMap;

const MAGIC: u16 = 0xeb9f;
const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_ENUM64: u32 = 19;

/// How deep anonymous members may nest.
const MAX_DEPTH: u32 = 16;
/// How many members one question may look at. The largest structs have a few hundred; members
/// that are made up may refer to each other, and then depth alone bounds nothing.
const MAX_STEPS: u32 = 10_000;
/// Longest name, in bytes: `KSYM_NAME_LEN` of `include/linux/kallsyms.h`, which is the bound of the
/// kernel's own check, `__btf_name_valid`.
const NAME_MAX: usize = 512;

/// Why BTF could not be read, or a question not be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// The bytes are not BTF.
    #[error("not BTF: {0}")]
    Format(&'static str),
    /// No struct of this name.
    #[error("the kernel has no struct {0}")]
    NoStruct(String),
    /// The struct has none of these members.
    #[error("struct {0} has no member {1}")]
    NoMember(String, String),
    /// No function of this name.
    #[error("the kernel has no function {0}")]
    NoFunction(String),
    /// The function has no such parameter.
    #[error("the kernel's function {0} has no parameter {1}")]
    NoParameter(String, String),
    /// Several structs of this name put the member at different offsets.
    #[error("the kernel has several structs {0}, which disagree about {1}")]
    Ambiguous(String, String),
}

#[derive(Clone, Copy)]
struct Type {
    /// Offset of the entry's own data behind the common part.
    data: usize,
    kind: u32,
    vlen: u32,
    kind_flag: bool,
    size_or_type: u32,
}

/// Parsed BTF.
pub struct Btf {
    bytes: Vec<u8>,
    types: Vec<Type>,
    structs: HashMap<Vec<u8>, Vec<u32>>,
    /// Functions, and the type that lists their parameters.
    functions: HashMap<Vec<u8>, u32>,
    enum_values: HashMap<Vec<u8>, u32>,
    strings: std::ops::Range<usize>,
}

impl Btf {
    /// Parses little-endian BTF.
    ///
    /// # Errors
    /// [`BtfError::Format`] names what does not fit.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        if word16(&bytes, 0) != Some(MAGIC) {
            return Err(BtfError::Format("the magic number is missing"));
        }
        let header = |at| word(&bytes, at).ok_or(BtfError::Format("the header is cut"));
        let header_len = header(4)? as usize;
        let section = |offset: u32, len: u32| {
            let start = header_len.checked_add(offset as usize)?;
            let end = start.checked_add(len as usize)?;
            (end <= bytes.len()).then_some(start..end)
        };
        let types =
            section(header(8)?, header(12)?).ok_or(BtfError::Format("the types are cut"))?;
        let strings =
            section(header(16)?, header(20)?).ok_or(BtfError::Format("the strings are cut"))?;
        let mut btf = Self {
            types: vec![Type {
                data: 0,
                kind: 0,
                vlen: 0,
                kind_flag: false,
                size_or_type: 0,
            }],
            structs: HashMap::new(),
            functions: HashMap::new(),
            enum_values: HashMap::new(),
            strings,
            bytes,
        };
        btf.index(types)?;
        Ok(btf)
    }

    fn index(&mut self, section: std::ops::Range<usize>) -> Result<(), BtfError> {
        const CUT: BtfError = BtfError::Format("a type is cut");
        let mut at = section.start;
        while at < section.end {
            let name = word(&self.bytes, at).ok_or(CUT)?;
            let info = word(&self.bytes, at + 4).ok_or(CUT)?;
            let size_or_type = word(&self.bytes, at + 8).ok_or(CUT)?;
            let entry = Type {
                data: at + 12,
                kind: (info >> 24) & 0x1f,
                vlen: info & 0xffff,
                kind_flag: info >> 31 != 0,
                size_or_type,
            };
            let count = entry.vlen as usize;
            at = entry.data
                + match entry.kind {
                    KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
                    KIND_ARRAY => 12,
                    KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => count * 12,
                    KIND_ENUM | KIND_FUNC_PROTO => count * 8,
                    // Pointers, forward declarations, typedefs, qualifiers, functions, floats, tags.
                    0..=19 => 0,
                    _ => {
                        return Err(BtfError::Format(
                            "a type is of a kind this version does not know",
                        ));
                    }
                };
            if at > section.end {
                return Err(CUT);
            }
            let id = self.types.len() as u32;
            self.types.push(entry);
            let name = self.string(name).to_vec();
            match entry.kind {
                KIND_STRUCT | KIND_UNION if !name.is_empty() => {
                    self.structs.entry(name).or_default().push(id);
                }
                KIND_FUNC => {
                    self.functions.insert(name, entry.size_or_type);
                }
                KIND_ENUM => {
                    for value in 0..count {
                        let at = entry.data + value * 8;
                        let name = self.string(word(&self.bytes, at).ok_or(CUT)?).to_vec();
                        let number = word(&self.bytes, at + 4).ok_or(CUT)?;
                        self.enum_values.entry(name).or_insert(number);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The name at an offset, cut at the longest that the kernel allows: names may overlap, and
    /// would else cost the square of what they take in the file.
    fn string(&self, offset: u32) -> &[u8] {
        let tail = self.text_from(offset);
        let tail = &tail[..tail.len().min(NAME_MAX)];
        &tail[..tail
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(tail.len())]
    }

    /// A name and all that follows it.
    fn text_from(&self, offset: u32) -> &[u8] {
        let all = &self.bytes[self.strings.clone()];
        all.get(offset as usize..).unwrap_or_default()
    }

    /// Byte offset of the first of `members` that `struct_name` has, looked for through
    /// anonymous structs and unions.
    ///
    /// # Errors
    /// Says which struct or member is missing, or that the answer is ambiguous.
    pub fn member_offset(&self, struct_name: &str, members: &[&str]) -> Result<u32, BtfError> {
        let ids = self
            .structs
            .get(struct_name.as_bytes())
            .ok_or_else(|| BtfError::NoStruct(struct_name.to_owned()))?;
        let mut steps = MAX_STEPS;
        for member in members {
            let mut found: Vec<u32> = ids
                .iter()
                .filter_map(|&id| self.find(id, member.as_bytes(), 0, &mut steps))
                .collect();
            found.sort_unstable();
            found.dedup();
            match found[..] {
                [] => {}
                [bits] if bits % 8 == 0 => return Ok(bits / 8),
                _ => {
                    return Err(BtfError::Ambiguous(
                        struct_name.to_owned(),
                        (*member).to_owned(),
                    ));
                }
            }
        }
        Err(BtfError::NoMember(
            struct_name.to_owned(),
            members.join(" or "),
        ))
    }

    /// Offset in bits of a member, looked for in anonymous members too. Nothing is found when no
    /// steps are left.
    fn find(&self, id: u32, wanted: &[u8], depth: u32, steps: &mut u32) -> Option<u32> {
        if depth > MAX_DEPTH {
            return None;
        }
        let entry = self.types.get(id as usize)?;
        if entry.kind != KIND_STRUCT && entry.kind != KIND_UNION {
            return None;
        }
        (0..entry.vlen as usize).find_map(|index| {
            *steps = steps.checked_sub(1)?;
            let at = entry.data + index * 12;
            let name = self.text_from(word(&self.bytes, at)?);
            let mut offset = word(&self.bytes, at + 8)?;
            if entry.kind_flag {
                offset &= 0x00ff_ffff; // The rest is the size of a bit field.
            }
            if is_name(name, wanted) {
                Some(offset)
            } else if is_name(name, b"") {
                let inner = self.find(word(&self.bytes, at + 4)?, wanted, depth + 1, steps)?;
                offset.checked_add(inner)
            } else {
                None
            }
        })
    }

    /// Size of a struct in bytes.
    ///
    /// # Errors
    /// Says that it is missing, or that several of its name differ in size.
    pub fn size_of(&self, struct_name: &str) -> Result<u32, BtfError> {
        let ids = self
            .structs
            .get(struct_name.as_bytes())
            .ok_or_else(|| BtfError::NoStruct(struct_name.to_owned()))?;
        let mut sizes: Vec<u32> = ids
            .iter()
            .filter_map(|&id| Some(self.types.get(id as usize)?.size_or_type))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        match sizes[..] {
            // It would be taken for one that is missing.
            [u32::MAX] => Err(BtfError::Format("a struct is as long as none is")),
            [size] => Ok(size),
            _ => Err(BtfError::Ambiguous(
                struct_name.to_owned(),
                "its size".to_owned(),
            )),
        }
    }

    /// Whether the kernel has a function of this name.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name.as_bytes())
    }

    /// Names of a function's parameters, in order.
    ///
    /// # Errors
    /// Says that the kernel has no such function.
    pub fn parameters(&self, function: &str) -> Result<Vec<&[u8]>, BtfError> {
        let missing = || BtfError::NoFunction(function.to_owned());
        let id = self
            .functions
            .get(function.as_bytes())
            .ok_or_else(missing)?;
        let prototype = self.types.get(*id as usize).ok_or_else(missing)?;
        if prototype.kind != KIND_FUNC_PROTO {
            return Err(missing());
        }
        (0..prototype.vlen as usize)
            .map(|index| {
                let name = word(&self.bytes, prototype.data + index * 8).ok_or_else(missing)?;
                Ok(self.string(name))
            })
            .collect()
    }

    /// Place of a parameter among those of a function, counted from 0.
    ///
    /// # Errors
    /// Says which function or parameter is missing.
    pub fn parameter(&self, function: &str, name: &str) -> Result<u32, BtfError> {
        self.parameters(function)?
            .iter()
            .position(|known| *known == name.as_bytes())
            .map(|index| index as u32)
            .ok_or_else(|| BtfError::NoParameter(function.to_owned(), name.to_owned()))
    }

    /// The number of an enum's value.
    #[must_use]
    pub fn enum_value(&self, name: &str) -> Option<u32> {
        self.enum_values.get(name.as_bytes()).copied()
    }
}

/// Whether a text begins with a name and its end: without looking for the end of another.
fn is_name(text: &[u8], name: &[u8]) -> bool {
    let rest = text.strip_prefix(name);
    rest.is_some_and(|rest| rest.first().is_none_or(|&byte| byte == 0))
}

fn word16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

// With its path, because the fuzz targets take in this file from another folder.
#[cfg(test)]
#[path = "btf/tests.rs"]
mod tests;
