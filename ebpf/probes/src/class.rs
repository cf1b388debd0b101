//! Which budget a record is on: what matters more must not stand behind noise.
//!
//! The classes follow the rules of user space from outside: whatever is never learned
//! there is guarded here, and more is, because here a look at the name of the folder
//! below the root has to do.

use crate::news::Built;
use lapwing_abi::ids::{Class, Contact, Family, Kind, Origin, flags};
use lapwing_abi::record::{HEADER_LEN, Header};

/// Flags of a path that is not a whole path of the container.
pub const PARTIAL: u32 = flags::PATH_TRUNCATED
    | flags::PATH_DETACHED
    | flags::TARGET_TRUNCATED
    | flags::TARGET_DETACHED
    | flags::USER_PATH_TRUNCATED;

/// The class of a record.
#[inline(always)]
pub fn of(built: Built, header: &Header) -> Class {
    if header.kind == Kind::Exec.raw() {
        let origin = header.origin;
        let known = origin == Origin::Image.raw() || origin == Origin::Volume.raw();
        return if known && header.flags & PARTIAL == 0 {
            Class::Exec
        } else {
            Class::ExecGuarded
        };
    }
    if header.kind == Kind::File.raw() {
        let [path, passed, target, target_passed] = header.sections;
        let [path, passed, target] = [path, passed, target].map(usize::from);
        if header.flags & PARTIAL != 0 {
            return Class::FileGuarded;
        }
        let mut at = HEADER_LEN;
        if is_guarded_folder(built.end_of(at, path)) {
            return Class::FileGuarded;
        }
        at += path;
        if passed != 0 && is_guarded_name(built.start_of(at)) {
            return Class::FileGuarded;
        }
        at += passed;
        if target != 0 && is_guarded_folder(built.end_of(at, target)) {
            return Class::FileGuarded;
        }
        at += target;
        if target_passed != 0 && is_guarded_name(built.start_of(at)) {
            return Class::FileGuarded;
        }
    }
    plain(header)
}

/// The class of a record by its header alone.
#[inline(always)]
pub fn plain(header: &Header) -> Class {
    if header.kind == Kind::Privilege.raw() {
        Class::Privilege
    } else if header.kind == Kind::Dns.raw() {
        Class::Dns
    } else if header.kind == Kind::File.raw() {
        Class::File
    } else if header.kind == Kind::Exec.raw() {
        Class::Exec
    } else if header.kind == Kind::Egress.raw() && is_guarded_peer(header) {
        Class::EgressGuarded
    } else {
        Class::Egress
    }
}

#[inline(always)]
fn is_guarded_peer(header: &Header) -> bool {
    if header.operation == Contact::Socket.raw() {
        return true;
    }
    let number = u128::from_be_bytes(header.address);
    let (high, low) = ((number >> 64) as u64, number as u64);
    if header.family == Family::Ipv4.raw() {
        // 169.254.0.0/16, where metadata services are.
        high >> 48 == 0xa9fe
    } else if header.family == Family::Ipv6.raw() {
        // fe80::/10, fc00::/7 with Amazon's fd00:ec2::254, and IPv4 in IPv6.
        high >> 54 == 0xfe80 >> 6
            || high >> 57 == 0xfc00 >> 9
            || high == 0 && low >> 16 == 0xffff_a9fe
    } else {
        header.family != Family::Unix.raw()
    }
}

/// Letters in the order in which they stand in memory.
const fn letters(text: &[u8]) -> u64 {
    let mut word = 0;
    let mut at = 0;
    while at < text.len() {
        word |= (text[at] as u64) << (at * 8);
        at += 1;
    }
    word
}

/// Whether a list of names ends in a guarded folder below the root. `end` are its last eight bytes,
/// of which the last is a NUL; before the list it is zeros.
#[inline(always)]
fn is_guarded_folder(end: u64) -> bool {
    let (three, four, five) = (end >> 24, end >> 16, end >> 8);
    three == letters(b"\0etc\0")
        || three == letters(b"\0bin\0")
        || three == letters(b"\0usr\0")
        || three == letters(b"\0lib\0")
        || four == letters(b"\0sbin\0")
        || four == letters(b"\0root\0")
        || four == letters(b"\0boot\0")
        || five == letters(b"\0lib32\0")
        || five == letters(b"\0lib64\0")
}

/// Whether a name as passed leads into a guarded folder, or may: it is not followed here.
#[inline(always)]
fn is_guarded_name(start: u64) -> bool {
    const LOW: u64 = u64::MAX;
    let first = |count: u32| start & (LOW >> (64 - 8 * count));
    first(2) == letters(b"..")
        || first(2) == letters(b"./")
        || first(2) == letters(b"//")
        || first(4) == letters(b"/etc")
        || first(4) == letters(b"/bin")
        || first(4) == letters(b"/usr")
        || first(4) == letters(b"/lib")
        || first(5) == letters(b"/sbin")
        || first(5) == letters(b"/root")
        || first(5) == letters(b"/boot")
}
