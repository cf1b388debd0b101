//! Which system calls a container made: the value of the map `CALLS_MADE`, by the container's cgroup.
//!
//! A byte for each call that can be told apart, and not a bit: a byte is set by a plain store, whatever
//! other processors do at the same moment, where bits would need an atomic instruction that kernels
//! before 5.12 have not.

/// Numbers of one way of calling: none of the kernel's reaches [`BEYOND`].
pub const NUMBERS: u32 = 512;
/// Stands for every number that is no system call's, of the architecture's own and of 32-bit calls.
pub const BEYOND: u32 = NUMBERS - 1;
/// Numbers of x32, of which some lie behind the others.
pub const NUMBERS_X32: u32 = 1_024;
/// The same for those of x32.
pub const BEYOND_X32: u32 = NUMBERS_X32 - 1;
/// `__X32_SYSCALL_BIT`, arch/x86/include/uapi/asm/unistd.h.
pub const X32_BIT: u64 = 0x4000_0000;

/// Bytes for one kind of process.
pub const CALLS: u32 = 2 * NUMBERS + NUMBERS_X32;
/// Bytes for processes of the container, and behind them for those that entered it.
pub const BYTES: usize = 2 * CALLS as usize;

/// What is known of one container's calls.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Not 0 where nobody wants to know.
    pub off: u64,
    /// Not 0 for each call that was made, by [`index`].
    pub calls: [u8; BYTES],
}

/// Words of 64 bits of a [`Used`].
pub const WORDS: usize = size_of::<Used>() / 8;

/// How a call was made: which table its number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// By the architecture's own way.
    Native,
    /// By a 32-bit program.
    Compat,
    /// By a program with 32-bit addresses on x86_64.
    X32,
}

impl Entry {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Native, Self::Compat, Self::X32];

    /// Where its bytes begin, and how many there are.
    #[must_use]
    #[inline(always)]
    pub const fn range(self) -> (u32, u32) {
        match self {
            Self::Native => (0, NUMBERS),
            Self::Compat => (NUMBERS, NUMBERS),
            Self::X32 => (2 * NUMBERS, NUMBERS_X32),
        }
    }
}

/// Where the byte of a call stands, of a process that entered the container or of another.
#[must_use]
#[inline(always)]
pub const fn index(entry: Entry, number: u64, entered: bool) -> u32 {
    let (base, len) = entry.range();
    let number = if number < len as u64 {
        number as u32
    } else {
        len - 1
    };
    let kind = if entered { CALLS } else { 0 };
    kind + base + number
}

const _: () = assert!(size_of::<Used>() == 8 + BYTES && BYTES.is_power_of_two());
