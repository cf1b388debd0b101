//! Names for peers: messages of the name service go to [`Dns`], contacts come back with names.
//!
//! What a container asks is a behaviour; what it is told names the addresses that it
//! contacts from then on, for itself alone. Which resolvers it may believe is read once,
//! with its first record, from its own /etc/resolv.conf: a change after that is a
//! change of a file, and no reason to believe another. What the kernel side was told of
//! a contact holds only as long as the names it was judged by.

use super::loss::UserLoss;
use super::{Line, SECOND};
use crate::container::Instance;
use crate::dns::{Direction, Dns, Packet, Refusal, Settings, Transport, resolv};
use crate::judge::sighting;
use lapwing_abi::decode::{Body, Peer, Record};
use lapwing_abi::ids::{self, Class, Contact, flags};
use lapwing_abi::state::verdict;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// Most that is read of a container's /etc/resolv.conf, in bytes.
const RESOLV_CONF_MAX: u64 = 64 << 10;
/// Contacts whose names are followed, of all containers.
const CONTACTS_MAX: usize = 262_144;
/// And of one.
const CONTACTS_OF_ONE: usize = 16_384;
/// Time between two looks at the node's own addresses.
const NODE_EVERY: u64 = 60 * SECOND;

/// What is known of names.
pub(super) struct Names {
    dns: Dns,
    /// Containers whose resolvers were read.
    asked: HashSet<u64>,
    /// What the kernel side was told of contacts, by container and address.
    contacts: HashMap<(u64, IpAddr), HashSet<u64>>,
    /// How many that are, in all and by container.
    len: usize,
    of: HashMap<u64, usize>,
    /// When the node's addresses were read last, since boot in nanoseconds.
    looked: Option<u64>,
    /// Messages of containers for which there was no room, as far as they were counted.
    unread: u64,
}

impl Names {
    /// Nothing is known yet.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            dns: Dns::new(settings),
            asked: HashSet::new(),
            contacts: HashMap::new(),
            len: 0,
            of: HashMap::new(),
            looked: None,
            unread: 0,
        }
    }

    /// The names of a contact's peer; none where it must stand for itself.
    fn of(&self, home: u64, record: &Record<'_>) -> Vec<Arc<str>> {
        match contact(record) {
            Some(address) => match self.dns.names(home, address, record.header.time) {
                // A private address is another one tomorrow, in another's hands.
                Some(names) if !names.private => names.names,
                _ => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    /// Remembers what the kernel side was told of a contact. Answers whether there was room.
    fn note(&mut self, home: u64, address: IpAddr, key: u64) -> bool {
        let of = self.contacts.entry((home, address)).or_default();
        if of.contains(&key) {
            return true;
        }
        let own = self.of.entry(home).or_default();
        if self.len >= CONTACTS_MAX || *own >= CONTACTS_OF_ONE {
            return false;
        }
        self.len += 1;
        *own += 1;
        of.insert(key)
    }

    /// Takes out all contacts of a container: there are too many to follow.
    fn drop_contacts(&mut self, home: u64) -> Vec<u64> {
        let mut keys = Vec::new();
        self.contacts.retain(|(of, _), held| {
            let own = *of == home;
            if own {
                keys.extend(held.drain());
            }
            !own
        });
        self.len -= keys.len();
        self.of.remove(&home);
        keys
    }

    /// A container is gone.
    pub(super) fn gone(&mut self, home: u64) {
        self.dns.forget(home);
        self.asked.remove(&home);
        self.drop_contacts(home);
    }
}

/// The address that a record says was contacted.
fn contact(record: &Record<'_>) -> Option<IpAddr> {
    match record.body {
        Body::Egress {
            contact: Contact::Peer,
            peer: Peer::Ip(address, _),
            ..
        } => Some(address),
        _ => None,
    }
}

impl Line {
    /// The names of the peer that a record tells of.
    pub(super) fn names_of(&self, instance: &Instance, record: &Record<'_>) -> Vec<Arc<str>> {
        self.names.of(instance.home, record)
    }

    /// Reads which resolvers a container is to ask, with its first record: as the runtime left
    /// it, before the container could change it. Where the process has ended already, the next
    /// record's will do; until then what is told is kept and not believed.
    pub(super) fn learn_resolvers(&mut self, home: u64, pid: u32) {
        if !self.names.asked.contains(&home)
            && let Ok(file) = resolv_conf(pid)
        {
            self.names.asked.insert(home);
            let resolvers = resolv::nameservers(&file);
            self.names.dns.set_resolvers(home, &resolvers);
        }
    }

    /// Takes a message of the name service. Answers what was asked by it.
    pub(super) fn message(&mut self, home: u64, record: &Record<'_>) -> Vec<sighting::Seen> {
        let Body::Dns {
            direction,
            protocol,
            address,
            port,
            local_port,
            sequence,
            begins,
            ends,
            looped,
            payload,
        } = record.body
        else {
            return Vec::new();
        };
        let asked = self.names.dns.observe(&Packet {
            container: home,
            direction: match direction {
                ids::Direction::Query => Direction::Query,
                ids::Direction::Answer => Direction::Answer,
            },
            transport: match protocol {
                6 => Transport::Tcp {
                    sequence,
                    syn: begins,
                    end: ends,
                },
                _ => Transport::Udp,
            },
            peer: SocketAddr::new(address, port),
            port: local_port,
            looped,
            time: record.header.time,
            payload,
            cut: record.header.flags & flags::PAYLOAD_TRUNCATED != 0,
        });
        asked.into_iter().map(sighting::asked).collect()
    }

    /// Notes under which name a contact was judged, so that the verdict falls with it.
    pub(super) fn note_contact(&mut self, home: u64, record: &Record<'_>) {
        let key = record.header.key;
        if key != 0
            && let Some(address) = contact(record)
            && !self.names.note(home, address, key)
        {
            // It cannot be taken back later, so it must not be held back at all; nor need the
            // older ones, which begin anew.
            for key in self.names.drop_contacts(home).into_iter().chain([key]) {
                let _ = self.tables.seen.judge(home, key, verdict::RETIRED);
            }
        }
    }

    /// Counts what was not read of names: of each container, and of those for which there was no room.
    pub(super) fn count_unread(&mut self) {
        for (home, count) in self.names.dns.take_unread() {
            self.lose_of(home, UserLoss::NamesUnread, Class::Dns, count);
        }
        let unread = self.names.dns.refused().get(Refusal::ContainersFull);
        let known = std::mem::replace(&mut self.names.unread, unread);
        self.lose(UserLoss::NamesUnread, unread.saturating_sub(known));
    }

    /// What was judged by names that have changed is judged anew.
    pub(super) fn follow_names(&mut self, now: u64) {
        let due = |at: u64| now.saturating_sub(at) >= NODE_EVERY;
        if self.names.looked.is_none_or(due) {
            self.names.looked = Some(now);
            self.names.dns.set_node_addresses(node_addresses());
        }
        for (home, address) in self.names.dns.changed(now) {
            let keys = self.names.contacts.remove(&(home, address));
            let keys = keys.unwrap_or_default();
            self.names.len -= keys.len();
            if let Some(own) = self.names.of.get_mut(&home) {
                *own -= keys.len();
            }
            for key in keys {
                let _ = self.tables.seen.judge(home, key, verdict::RETIRED);
            }
        }
    }
}

/// What the process sees as /etc/resolv.conf; nothing if there is none. An error if the process
/// is gone. Links lead where they do inside, never to a file of the host.
fn resolv_conf(pid: u32) -> rustix::io::Result<Vec<u8>> {
    use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, open, openat2};
    let root = format!("/proc/{pid}/root");
    let root = open(&*root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let file = openat2(
        root,
        "etc/resolv.conf",
        // One that is a pipe must not keep us waiting, one that is a terminal not become ours.
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    );
    let mut text = Vec::new();
    if let Ok(file) = file
        && rustix::fs::fstat(&file)
            .is_ok_and(|file| FileType::from_raw_mode(file.st_mode).is_file())
    {
        // What was read until an error is what the container's own resolver would see.
        let _ = std::fs::File::from(file)
            .take(RESOLV_CONF_MAX)
            .read_to_end(&mut text);
    }
    Ok(text)
}

/// The addresses of the host's devices, as the kernel lists them for its own tables.
fn node_addresses() -> Vec<IpAddr> {
    let mut addresses = v6_addresses(&read("/proc/1/net/if_inet6"));
    addresses.extend(v4_addresses(&read("/proc/1/net/fib_trie")));
    addresses
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(path)).unwrap_or_default()
}

/// From `/proc/net/if_inet6`: 32 hexadecimal digits begin each line.
fn v6_addresses(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| {
            let digits = line.split_whitespace().next()?;
            let number = u128::from_str_radix(digits, 16).ok()?;
            Some(std::net::Ipv6Addr::from(number).into())
        })
        .collect()
}

/// From `/proc/net/fib_trie`: an address stands in the line before `host LOCAL`.
fn v4_addresses(text: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut last: Option<IpAddr> = None;
    for line in text.lines() {
        if line.contains("host LOCAL") {
            found.extend(last);
        }
        last = line
            .split_once("|-- ")
            .and_then(|(_, address)| address.trim().parse().ok());
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_s_addresses_are_those_that_the_kernel_calls_local() {
        let trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
            +-- 10.1.0.0/16 2 0 2\n        |-- 10.1.0.0\n           /16 link UNICAST\n        |-- 10.1.0.7\n           \
            /32 host LOCAL\n        |-- 10.1.255.255\n           /32 link BROADCAST\n";
        assert_eq!(v4_addresses(trie), ["10.1.0.7".parse::<IpAddr>().unwrap()]);
        let devices = "fe80000000000000000000000000000a 02 40 20 80     eth0\n\
            00000000000000000000000000000001 01 80 10 80       lo\n";
        let expected: Vec<IpAddr> = ["fe80::a", "::1"].map(|a| a.parse().unwrap()).into();
        assert_eq!(v6_addresses(devices), expected);
    }

    #[test]
    fn contacts_are_bounded_and_go_with_their_container() {
        let mut names = Names::new(Settings::default());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(names.note(1, address, 7) && names.note(1, address, 7));
        assert!(names.note(2, address, 7));
        assert_eq!(names.len, 2);
        names.gone(1);
        assert_eq!(names.len, 1);
        names.len = CONTACTS_MAX;
        assert!(!names.note(3, address, 1));
        names.len = 1;
        names.of.insert(2, CONTACTS_OF_ONE);
        assert!(!names.note(2, address, 8));
        assert_eq!(names.drop_contacts(2), [7]);
        assert!(names.note(2, address, 8) && names.len == 1);
    }
}
