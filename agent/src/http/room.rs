//! Room for connections, in which a newcomer always finds a place.
//!
//! Whoever may connect may hold what it has open, so that a full room which lets nobody in would keep
//! the probes of a kubelet out, and the agent would be started anew for it. Instead the one that has
//! been there longest without a whole request is let go, of the newcomer's own network if that has its
//! share, else of all. A probe says all it has to say at once, and is not among them for long.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Connections at a time, and of one network: a kubelet has three probes under way, a scraper one.
pub const CONNECTIONS: usize = 128;
pub const OF_ONE: usize = 16;

/// Who is counted as one: an address of IPv4, 2^64 of IPv6, as one host has so many.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(all) => Ipv6Addr::from_bits(all.to_bits() & !u128::from(u64::MAX)).into(),
        one @ IpAddr::V4(_) => one,
    }
}

/// One that is in.
struct Guest {
    id: u64,
    network: IpAddr,
    /// Whether its request was whole.
    has_asked: bool,
    /// Dropped to let it go.
    _stays: oneshot::Sender<Infallible>,
}

#[derive(Default)]
struct Guests {
    next: u64,
    /// Whoever came first stands first.
    all: VecDeque<Guest>,
}

impl Guests {
    /// Lets one go of those that are meant. One that has asked goes if all have: it does not take its
    /// answer.
    fn let_go(&mut self, is_meant: impl Fn(&Guest) -> bool) {
        let waits = |guest: &Guest| is_meant(guest) && !guest.has_asked;
        let waiting = self.all.iter().position(waits);
        if let Some(at) = waiting.or_else(|| self.all.iter().position(is_meant)) {
            self.all.remove(at);
        }
    }
}

/// All that are in.
#[derive(Clone, Default)]
pub struct Room(Arc<Mutex<Guests>>);

impl Room {
    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, and whether another connection was let go for it.
    pub fn enter(&self, peer: IpAddr) -> (Place, bool) {
        let network = network(peer);
        let mut guests = self.guests();
        let own = { guests.all.iter() }.filter(|guest| guest.network == network);
        let is_full = if own.count() >= OF_ONE {
            guests.let_go(|guest| guest.network == network);
            true
        } else if guests.all.len() >= CONNECTIONS {
            guests.let_go(|_| true);
            true
        } else {
            false
        };
        let (stays, let_go) = oneshot::channel();
        let id = guests.next;
        guests.next += 1;
        guests.all.push_back(Guest {
            id,
            network,
            has_asked: false,
            _stays: stays,
        });
        let room = self.clone();
        (Place { room, id, let_go }, is_full)
    }

    /// The request of one is whole.
    pub fn has_asked(&self, id: u64) {
        let mut guests = self.guests();
        if let Some(guest) = guests.all.iter_mut().find(|guest| guest.id == id) {
            guest.has_asked = true;
        }
    }
}

/// A connection's place, free again when it is dropped.
pub struct Place {
    room: Room,
    id: u64,
    let_go: oneshot::Receiver<Infallible>,
}

impl Place {
    /// Which it is.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Ends when it has to go.
    pub async fn let_go(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.let_go).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.guests().all.retain(|guest| guest.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_go(place: &mut Place) -> bool {
        place.let_go.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Fills the share of addresses that count as one.
    fn share(room: &Room, addresses: [&str; 2]) -> Vec<Place> {
        (0..OF_ONE)
            .map(|count| room.enter(ip(addresses[count % 2])))
            .map(|(place, is_full)| {
                assert!(!is_full);
                place
            })
            .collect()
    }

    #[test]
    fn who_waits_longest_of_the_same_network_goes() {
        for (same, other) in [
            // The second is the first as a socket of IPv6 sees it.
            (["10.0.0.1", "::ffff:10.0.0.1"], "10.0.0.2"),
            (["2001:db8::1", "2001:db8::ffff:0:0:2"], "2001:db8:0:1::1"),
        ] {
            let room = Room::default();
            let mut held = share(&room, same);
            let (mut theirs, is_full) = room.enter(ip(other));
            assert!(!is_full, "{other} has a share of its own");
            room.has_asked(held[0].id());
            let mut later = Vec::new();
            for gone in [1, 2] {
                let (place, is_full) = room.enter(ip(same[gone % 2]));
                assert!(is_full);
                later.push(place);
                let all: Vec<usize> = (0..OF_ONE).filter(|&at| is_let_go(&mut held[at])).collect();
                assert_eq!(all, (1..=gone).collect::<Vec<_>>());
            }
            assert!(!is_let_go(&mut theirs));
            assert_eq!(room.guests().all.len(), OF_ONE + 1);
            drop((held, later, theirs));
            assert!(room.guests().all.is_empty(), "places are given back");
        }
    }

    #[test]
    fn who_does_not_take_its_answer_goes_too() {
        let room = Room::default();
        let mut held = share(&room, ["10.0.0.1", "10.0.0.1"]);
        for place in &held {
            room.has_asked(place.id());
        }
        let (_newcomer, is_full) = room.enter(ip("10.0.0.1"));
        assert!(is_full && is_let_go(&mut held[0]) && !is_let_go(&mut held[1]));
    }

    #[test]
    fn many_networks_keep_nobody_out() {
        let room = Room::default();
        let mut held: Vec<Place> = (0..CONNECTIONS)
            .map(|count| {
                room.enter(IpAddr::from([10, 0, 1, (count / OF_ONE) as u8]))
                    .0
            })
            .collect();
        let (mut kubelet, is_full) = room.enter(ip("10.0.0.1"));
        assert!(is_full && is_let_go(&mut held[0]) && !is_let_go(&mut held[1]));
        assert!(!is_let_go(&mut kubelet));
        assert_eq!(room.guests().all.len(), CONNECTIONS);
    }
}
