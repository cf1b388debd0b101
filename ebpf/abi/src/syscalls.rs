//! Numbers of the system calls that tier B looks at.
//!
//! One table for the four ways into the kernel: a program at the exit of system
//! calls is found by number and entry, and learns which call it was by [`Syscall`],
//! so it knows of no architecture. From arch/x86/entry/syscalls/syscall_64.tbl and
//! syscall_32.tbl, include/uapi/asm-generic/unistd.h (arm64) and
//! arch/arm/tools/syscall.tbl (32-bit callers on arm64).

/// A call that an entry does not have.
const NONE: u16 = u16::MAX;
/// Numbers below this are looked at; all calls have lower ones.
pub const NUMBERS: u32 = 512;
/// Slots of the map `SYSCALLS`: native calls, then those of 32-bit callers.
pub const SLOTS: u32 = 2 * NUMBERS;

macro_rules! syscalls {
    ($($name:ident = $x86_64:expr, $arm64:expr, $i386:expr, $arm:expr;)+) => {
        /// A system call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        #[expect(missing_docs, reason = "each is the name of a call, see its manual page")]
        pub enum Syscall { $($name,)+ }

        impl Syscall {
            /// Every call, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The call with this number, counted from 0 in the order of [`Self::ALL`].
            #[must_use]
            pub fn from_raw(raw: u32) -> Option<Self> {
                $(if raw == Self::$name as u32 {
                    return Some(Self::$name);
                })+
                None
            }

            /// Its slots in the map `SYSCALLS`, on x86_64 or arm64: native and by 32-bit callers.
            pub fn slots(self, is_arm: bool) -> impl Iterator<Item = u32> {
                let (native, compat) = match (self, is_arm) {
                    $((Self::$name, false) => ($x86_64, $i386), (Self::$name, true) => ($arm64, $arm),)+
                };
                [(native, 0), (compat, NUMBERS)]
                    .into_iter()
                    .filter(|(number, _)| *number != NONE)
                    .map(|(number, base)| u32::from(number) + base)
            }
        }
    };
}

//                   x86_64 arm64 i386 arm
syscalls! {
    Open           =      2, NONE,   5,   5;
    Creat          =     85, NONE,   8,   8;
    Openat         =    257,   56, 295, 322;
    Openat2        =    437,  437, 437, 437;
    OpenByHandleAt =    304,  265, 342, 371;
    Unlink         =     87, NONE,  10,  10;
    Unlinkat       =    263,   35, 301, 328;
    Rmdir          =     84, NONE,  40,  40;
    Rename         =     82, NONE,  38,  38;
    Renameat       =    264,   38, 302, 329;
    Renameat2      =    316,  276, 353, 382;
    Socket         =     41,  198, 359, 281;
    Connect        =     42,  203, 362, 283;
    Sendto         =     44,  206, 369, 290;
    Sendmsg        =     46,  211, 370, 296;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_calls_share_a_slot() {
        extern crate std;
        for is_arm in [false, true] {
            let mut seen = std::collections::HashSet::new();
            for call in Syscall::ALL {
                for slot in call.slots(is_arm) {
                    assert!(slot < SLOTS && seen.insert(slot), "{call:?} {slot}");
                }
            }
        }
    }

    #[test]
    fn raw_numbers_are_positions() {
        for (index, call) in Syscall::ALL.iter().enumerate() {
            assert_eq!(Syscall::from_raw(index as u32), Some(*call));
        }
        assert_eq!(Syscall::from_raw(Syscall::ALL.len() as u32), None);
    }
}
