//! The key of a behaviour: what makes two records the same news.
//!
//! The kernel side hashes a record to 64 bits and asks under them whether user
//! space has judged the same before. Two records with one key must therefore be one
//! behaviour to every reader in user space: the key covers every field that a
//! profile or a rule reads, and nothing that only tells *when* or *by which process*
//! something was done (times, process ids, arguments, the working directory), which
//! would make every occurrence news.
//!
//! - **Keyed**: a container chooses the bytes, so it must not be able to find two
//!   behaviours with one key, of which the first excuses the second. SipHash-1-3 under
//!   128 random bits (drawn at each start of the agent, frozen in the programs) is a
//!   pseudo-random function; a multiplicative hash, however it is seeded, has pairs that
//!   collide under every seed.
//! - **Two steps**: [`content`] is the hash of what the sections say; [`key`] adds who
//!   did what. The content of an exec (file, name as passed, invoked name, script,
//!   origin) is at the same time the identity of the program, which the process and its
//!   children carry, so that a behaviour's key tells the programs that do the same
//!   apart. Of an exec that is the program which issued it: whatever a profile reads of
//!   a parent (its path, what marks that, its origin) is in its identity.
//! - **Words**: bytes are taken eight at a time and the last word is filled with zeros;
//!   longer ones are hashed piece by piece ([`CHUNK`]), and the hashes of the pieces
//!   then. The lengths go first, so no two lists of sections give the same words.
//!
//! The arguments of an exec are in the key as far as they tell the invoked name, and no
//! further: see [`name_bytes`].

use crate::ids::{Kind, Privileged, flags};
use crate::record::Header;

/// Keys below are no behaviour's: the kernel side keeps its own counters under them.
pub const FIRST_KEY: u64 = 16;
/// Flags that say nothing of what is done. Who issued an exec is part of its [`key`].
const IDLE: u32 = flags::FOREIGN_ROOT | flags::PROCESS_UNKNOWN | flags::FROM_RUNTIME;

/// SipHash-1-3, by words of 64 bits.
#[derive(Clone, Copy)]
pub struct Sip {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
    words: u64,
}

impl Sip {
    /// Begins under a secret.
    #[inline(always)]
    #[must_use]
    pub const fn new(secret: [u64; 2]) -> Self {
        let [k0, k1] = secret;
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
            words: 0,
        }
    }

    #[inline(always)]
    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }

    /// Takes a word.
    #[inline(always)]
    pub const fn word(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
        self.words += 1;
    }

    /// The hash of all words.
    #[inline(always)]
    #[must_use]
    pub const fn finish(mut self) -> u64 {
        // The length in bytes, in the top byte of the last block.
        let last = (self.words * 8) << 56;
        self.v3 ^= last;
        self.round();
        self.v0 ^= last;
        self.v2 ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

/// The flags of a record that are part of what it says. All are but those that say nothing of the
/// behaviour; whether the working directory is whole matters to a script that is named from it.
#[inline(always)]
#[must_use]
pub const fn telling(bits: u32) -> u32 {
    let idle = if bits & flags::SCRIPT == 0 {
        IDLE | flags::CWD_PARTIAL
    } else {
        IDLE
    };
    bits & !idle
}

/// Bytes that are hashed at once.
pub const CHUNK: usize = 512;

/// The content of a record: `taken` are the lengths of its sections in bytes, as far as they belong
/// to the content; `bytes` and `folder` are hashes of theirs, of a script's working directory
/// apart.
#[inline(always)]
#[must_use]
pub const fn content(
    secret: [u64; 2],
    header: &Header,
    taken: [u16; 4],
    bytes: u64,
    folder: u64,
) -> u64 {
    let mut sip = Sip::new(secret);
    let [a, b, c, d] = taken;
    sip.word(a as u64 | (b as u64) << 16 | (c as u64) << 32 | (d as u64) << 48);
    sip.word(telling(header.flags) as u64 | (header.origin as u64) << 32);
    sip.word(bytes);
    sip.word(folder);
    sip.finish()
}

/// The hash of some bytes. The kernel side hashes the same way; see there for why in pieces.
#[must_use]
pub fn bytes(secret: [u64; 2], bytes: &[u8]) -> u64 {
    let chunk = |bytes: &[u8]| {
        let mut sip = Sip::new(secret);
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(part) {
                *to = *from;
            }
            sip.word(u64::from_le_bytes(word));
        }
        sip.finish()
    };
    if bytes.is_empty() {
        return 0;
    }
    if bytes.len() <= CHUNK {
        return chunk(bytes);
    }
    let mut sip = Sip::new(secret);
    bytes.chunks(CHUNK).for_each(|bytes| sip.word(chunk(bytes)));
    sip.finish()
}

/// The key of a record, from the identity of the program that acts (for an exec, that issued it)
/// and the record's content. 0 where nothing may be held back: of a program that is not known,
/// and of messages of the name service, of which user space needs each.
#[inline(always)]
#[must_use]
pub const fn key(secret: [u64; 2], header: &Header, image: u64, content: u64) -> u64 {
    if image == 0 || header.kind == Kind::Dns.raw() {
        return 0;
    }
    let mut sip = Sip::new(secret);
    sip.word(
        header.kind as u64
            | (header.phase as u64) << 8
            | (header.operation as u64) << 16
            | (header.mount as u64) << 24
            | (header.protocol as u64) << 32
            | (header.family as u64) << 40
            | (header.port as u64) << 48,
    );
    sip.word(image);
    sip.word(content);
    // Only an exec has the flag, and none has an argument. Without it a program of the host's, by
    // which the runtime enters, would be one with the container's own of the same path.
    let mut argument = header.argument | ((header.flags & flags::FROM_RUNTIME) as u64) << 32;
    // Who is not root has a capability by an exec, which advice tells apart.
    if header.kind == Kind::Privilege.raw() && header.operation == Privileged::Capability.raw() {
        argument |= user(header.euid) << 32;
    }
    sip.word(argument);
    let [low, high] = halves(header.address);
    sip.word(low);
    sip.word(high);
    let key = sip.finish();
    if key < FIRST_KEY {
        key + FIRST_KEY
    } else {
        key
    }
}

/// Whether it is root who uses a capability, and no more of the id: whoever may take any id has no more news
/// by that.
#[inline(always)]
#[must_use]
pub const fn user(euid: u32) -> u64 {
    (euid != 0) as u64
}

/// An address as two words.
#[inline(always)]
const fn halves(address: [u8; 16]) -> [u64; 2] {
    let number = u128::from_le_bytes(address);
    [number as u64, (number >> 64) as u64]
}

/// Longest argument that is looked at as a name.
pub const WORD_MAX: usize = 128;

/// Whether a name that starts with these bytes may be that of a launcher: a file of many programs
/// that takes the name from the next argument. More names begin so; they only cost a repeat.
#[inline(always)]
#[must_use]
pub const fn may_launch(start: [u8; 3]) -> bool {
    matches!(
        &start,
        b"bus" | b"toy" | b"cor" | b"uut" | b"box" | b"sba" | b"uba" | b"9ba" | b"bea" | b"dro"
            // `--coreutils-prog=`, whose value may be one.
            | b"--c"
    )
}

/// How many bytes of the arguments tell the invoked name: the first argument; the second, where
/// the first may be a launcher; all, where that may be one too or an argument is too long to say.
/// The kernel side counts the same way.
#[must_use]
pub fn name_bytes(args: &[u8]) -> usize {
    let Some(first) = word(args) else {
        return args.len();
    };
    if !first.launches {
        return first.len;
    }
    match word(&args[first.len..]) {
        Some(second) if !second.launches => first.len + second.len,
        Some(_) | None => args.len(),
    }
}

/// The first argument.
struct Word {
    /// Its length with the NUL.
    len: usize,
    /// Whether its last part may name a launcher.
    launches: bool,
}

fn word(args: &[u8]) -> Option<Word> {
    let len = args.iter().take(WORD_MAX).position(|byte| *byte == 0)? + 1;
    let text = &args[..len - 1];
    let text = text
        .strip_prefix(b"-")
        .filter(|rest| !rest.starts_with(b"-"))
        .unwrap_or(text);
    let start = text
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    let mut letters = [0; 3];
    for (letter, byte) in letters.iter_mut().zip(&text[start..]) {
        *letter = *byte;
    }
    Some(Word {
        len,
        launches: may_launch(letters),
    })
}
