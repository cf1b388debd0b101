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
    PidfdGetfd     =    438,  438, 438, 438;
    Link           =     86, NONE,   9,   9;
    Linkat         =    265,   37, 303, 330;
    Symlink        =     88, NONE,  83,  83;
    Symlinkat      =    266,   36, 304, 331;
    Mkdir          =     83, NONE,  39,  39;
    Mkdirat        =    258,   34, 296, 323;
    Mknod          =    133, NONE,  14,  14;
    Mknodat        =    259,   33, 297, 324;
    Truncate       =     76,   45,  92,  92;
    Truncate64     =   NONE, NONE, 193, 193;
    Chmod          =     90, NONE,  15,  15;
    Fchmod         =     91,   52,  94,  94;
    Fchmodat       =    268,   53, 306, 333;
    Fchmodat2      =    452,  452, 452, 452;
    Chown          =     92, NONE, 182, 182;
    Lchown         =     94, NONE,  16,  16;
    Fchown         =     93,   55,  95,  95;
    Chown32        =   NONE, NONE, 212, 212;
    Lchown32       =   NONE, NONE, 198, 198;
    Fchown32       =   NONE, NONE, 207, 207;
    Fchownat       =    260,   54, 298, 325;
    Setxattr       =    188,    5, 226, 226;
    Lsetxattr      =    189,    6, 227, 227;
    Fsetxattr      =    190,    7, 228, 228;
    Setxattrat     =    463,  463, 463, 463;
    Removexattr    =    197,   14, 235, 235;
    Lremovexattr   =    198,   15, 236, 236;
    Fremovexattr   =    199,   16, 237, 237;
    Removexattrat  =    466,  466, 466, 466;
    Mmap           =      9,  222, 192, 192;
    OldMmap        =   NONE, NONE,  90, NONE;
    Ptrace         =    101,  117,  26,  26;
    PivotRoot      =    155,   41, 217, 218;
    Chroot         =    161,   51,  61,  61;
    Mount          =    165,   40,  21,  21;
    Umount2        =    166,   39,  52,  52;
    Umount         =   NONE, NONE,  22, NONE;
    Unshare        =    272,   97, 310, 337;
    Setns          =    308,  268, 346, 375;
    ProcessVmWritev =   311,  271, 348, 377;
    Bpf            =    321,  280, 357, 386;
    MoveMount      =    429,  429, 429, 429;
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
