//! Names for addresses: what a container asked its resolver, and what it was told.
//!
//! [`Dns::observe`] takes packets from and to port 53 as the kernel's side hands them over, and
//! answers which names were asked: behaviours. [`Dns::names`] says under which of these names an
//! address is known to a container. Here is no clock and no I/O.
//!
//! # What is believed
//! An answer counts if it comes from a resolver that the container is configured to ask
//! ([`resolv`]), for a question that waits: same transport, resolver, port, number, name and type.
//! Each question is answered once, and waits for [`Settings::wait`]. The name is that of the
//! question; aliases are followed from there ([`message`]). Which addresses a name cannot stand
//! for is said in [`lapwing_profile::address`].
//!
//! Until the resolvers of a container are known (it has just started) every answer to a waiting
//! question is kept, and none is told; with [`Dns::set_resolvers`] those of others are dropped.
//! The caller reads `/etc/resolv.conf` as the runtime made it: a container that may write it can
//! choose its resolver, and the change is a file behaviour, not a reason to believe another one.
//!
//! # What it cannot do
//! A process in the container that may send raw packets, or bind the address of a resolver on
//! the container's own loopback device, can answer the container's questions. Raw sockets are
//! reported as such. What comes over the loopback device from an address that is not this host's
//! is refused. Where the configured resolver *is* a loopback address, as with Docker's own, its
//! answers are worth as much as the container's processes.
//! A name that is resolved by other means (DNS over TLS, HTTPS or QUIC, a hosts file, hints in
//! HTTPS records) is not seen, and its address has none.
//!
//! # How long
//! A binding holds for its time to live, at least [`Settings::floor`] and at most
//! [`Settings::ceiling`], and then for [`Settings::grace`] more. Clients connect late: resolvers
//! in libraries keep names of zero seconds for some seconds, pools connect again to the address
//! they have. The floor of a minute and the grace of two cover these; a client that keeps an
//! address for longer is reported by address. Addresses of clouds pass to other tenants within
//! minutes, which is why neither is longer. A day is what resolvers themselves keep at most
//! (`cache-max-ttl` of Unbound).

pub mod budget;
pub mod message;
pub mod name;
pub mod outstanding;
pub mod packet;
pub mod refusal;
pub mod resolv;
pub mod settings;
pub mod stream;
pub mod table;

use budget::{Budget, Spelled};
use lapwing_profile::address::Class;
use message::Message;
use outstanding::{Outstanding, Query};
pub use packet::{Direction, Packet, Transport};
pub use refusal::{Refusal, Refusals};
pub use settings::Settings;
use std::collections::{HashMap, HashSet};
use std::hash::RandomState;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use stream::Stream;
use table::{Binding, Table};

/// A second in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;
const PORT: u16 = 53;
const QUERY: u8 = 0;
const INTERNET: u16 = 1;

/// The names of an address in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The names in their canonical text, in the order they became known; at least one.
    pub names: Vec<Arc<str>>,
    /// The address is a private one: a name counts only where the profile has learned the two
    /// together.
    pub private: bool,
}

type StreamKey = (Direction, u16, SocketAddr);

#[derive(Default)]
struct Container {
    /// `None` until they are known.
    resolvers: Option<Vec<IpAddr>>,
    outstanding: Outstanding,
    streams: HashMap<StreamKey, Stream>,
    budget: Budget,
    refused: Refusals,
    /// How much of what was not read was told.
    told: u64,
    /// When a packet of it was last seen.
    last: u64,
}

impl Container {
    fn resolves(&self, address: IpAddr) -> bool {
        self.resolvers
            .as_ref()
            .is_none_or(|known| known.contains(&address))
    }
}

/// Names for addresses, of all containers.
pub struct Dns {
    settings: Settings,
    containers: HashMap<u64, Container>,
    node: HashSet<IpAddr>,
    table: Table,
    refused: Refusals,
    /// What was not read of containers that are gone, and not told.
    left: Vec<(u64, u64)>,
    hash: RandomState,
    /// Questions and connections of all containers.
    waiting: usize,
    streams: usize,
    /// When all containers were last looked through for room.
    cleared: u64,
}

impl Dns {
    /// Nothing known yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            containers: HashMap::new(),
            node: HashSet::new(),
            table: Table::default(),
            refused: Refusals::default(),
            left: Vec::new(),
            hash: RandomState::new(),
            waiting: 0,
            streams: 0,
            cleared: 0,
        }
    }

    /// Says which resolvers a container is configured to ask ([`resolv::nameservers`]).
    pub fn set_resolvers(&mut self, container: u64, resolvers: &[IpAddr]) {
        let resolvers: Vec<IpAddr> = resolvers.iter().map(IpAddr::to_canonical).collect();
        let Some(own) = self.container(container) else {
            return;
        };
        if own.resolvers.as_ref() == Some(&resolvers) {
            return;
        }
        own.resolvers = Some(resolvers.clone());
        self.table.keep(container, &resolvers);
    }

    /// Says which addresses are the node's own.
    pub fn set_node_addresses(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        let fresh: HashSet<IpAddr> = addresses.into_iter().map(|a| a.to_canonical()).collect();
        self.table.touch(fresh.symmetric_difference(&self.node));
        self.node = fresh;
    }

    /// Takes a packet, and answers what the container asked with it.
    pub fn observe(&mut self, packet: &Packet<'_>) -> Vec<Spelled> {
        let Some(own) = self.container(packet.container) else {
            return Vec::new();
        };
        own.last = own.last.max(packet.time);
        let mut asked = Vec::new();
        match packet.transport {
            Transport::Udp => self.message(packet, packet.payload, packet.cut, &mut asked),
            Transport::Tcp { sequence, syn, end } => {
                for (message, cut) in self.segment(packet, sequence, syn, end) {
                    self.message(packet, &message, cut, &mut asked);
                }
            }
        }
        asked
    }

    /// The names under which an address is known to a container; `None` if it has none, or is one
    /// for which no name can stand.
    #[must_use]
    pub fn names(&self, container: u64, address: IpAddr, now: u64) -> Option<Names> {
        let address = address.to_canonical();
        let class = Class::of(address);
        if class == Class::Nameless || self.node.contains(&address) {
            return None;
        }
        let resolvers = self.containers.get(&container)?.resolvers.as_ref()?;
        let mut names: Vec<Arc<str>> = Vec::new();
        for binding in self.table.bindings(container, address) {
            let told = binding.expires > now && resolvers.contains(&binding.resolver);
            if told && !names.contains(&binding.name) {
                names.push(Arc::clone(&binding.name));
            }
        }
        (!names.is_empty()).then_some(Names {
            names,
            private: class == Class::Private,
        })
    }

    /// The addresses whose names may be others than at the last call, by container: by an answer,
    /// by expiry until `now`, by other resolvers or other addresses of the node. To be called about
    /// once a second; verdicts that were made with the old names are to be dropped.
    pub fn changed(&mut self, now: u64) -> Vec<(u64, IpAddr)> {
        self.table.expire(now);
        if now.saturating_sub(self.cleared) >= self.settings.idle {
            self.clear(now);
        }
        self.table.changed()
    }

    /// Forgets a container that is gone.
    pub fn forget(&mut self, container: u64) {
        if let Some(own) = self.containers.remove(&container) {
            self.waiting -= own.outstanding.len();
            self.streams -= own.streams.len();
            let left = own.refused.unread() - own.told;
            if left > 0 {
                self.left.push((container, left));
            }
        }
        self.table.forget(container);
    }

    /// How much was not read of each container since the last call ([`Refusals::unread`]), for those
    /// of which that is something.
    pub fn take_unread(&mut self) -> Vec<(u64, u64)> {
        let mut unread = std::mem::take(&mut self.left);
        for (container, own) in &mut self.containers {
            let all = own.refused.unread();
            let before = std::mem::replace(&mut own.told, all);
            if all > before {
                unread.push((*container, all - before));
            }
        }
        unread
    }

    /// What was not used since the start, in all.
    #[must_use]
    pub fn refused(&self) -> Refusals {
        self.refused
    }

    /// What was not used of a container that is there.
    #[must_use]
    pub fn refused_of(&self, container: u64) -> Option<Refusals> {
        Some(self.containers.get(&container)?.refused)
    }

    fn refuse(&mut self, container: u64, refusal: Refusal) {
        self.refused.add(refusal);
        if let Some(own) = self.containers.get_mut(&container) {
            own.refused.add(refusal);
        }
    }

    /// The state of a container, made if it is new and there is room.
    fn container(&mut self, container: u64) -> Option<&mut Container> {
        if self.containers.len() >= self.settings.containers
            && !self.containers.contains_key(&container)
        {
            self.refused.add(Refusal::ContainersFull);
            return None;
        }
        Some(self.containers.entry(container).or_default())
    }

    /// Makes room: questions that waited too long, connections that are idle, and containers of
    /// which nobody ever said that they are there (packets that came after their end).
    fn clear(&mut self, now: u64) {
        self.cleared = now;
        let idle = self.settings.idle;
        let mut ghosts = Vec::new();
        let (mut waiting, mut streams) = (0, 0);
        for (key, own) in &mut self.containers {
            own.outstanding.expire(now);
            own.streams
                .retain(|_, stream| now.saturating_sub(stream.last) < idle);
            if own.resolvers.is_none() && now.saturating_sub(own.last) >= 4 * idle {
                ghosts.push(*key);
            }
            waiting += own.outstanding.len();
            streams += own.streams.len();
        }
        (self.waiting, self.streams) = (waiting, streams);
        for ghost in ghosts {
            self.forget(ghost);
        }
    }

    /// Makes room if there is none, at most once a second: it costs a look at all containers.
    fn clear_if(&mut self, full: bool, now: u64) {
        if full && now.saturating_sub(self.cleared) >= SECOND {
            self.clear(now);
        }
    }

    /// The messages that are whole with this segment, and for each whether its end is missing.
    fn segment(
        &mut self,
        packet: &Packet<'_>,
        sequence: u32,
        syn: bool,
        end: bool,
    ) -> Vec<(Vec<u8>, bool)> {
        let key = (packet.direction, packet.port, packet.peer);
        let first = sequence.wrapping_add(u32::from(syn));
        let settings = self.settings;
        self.clear_if(self.streams >= settings.streams, packet.time);
        let all = self.streams;
        let Some(own) = self.containers.get_mut(&packet.container) else {
            return Vec::new();
        };
        let before = own.streams.len();
        let mut messages = Vec::new();
        let mut refusal = None;
        if syn && own.streams.get(&key).is_some_and(|old| !old.began(first)) {
            own.streams.remove(&key);
        }
        if !own.streams.contains_key(&key) && (syn || !packet.payload.is_empty()) {
            if own.streams.len() >= settings.container_streams {
                own.streams
                    .retain(|_, stream| packet.time.saturating_sub(stream.last) < settings.idle);
            }
            if own.streams.len() >= settings.container_streams
                || all + own.streams.len() - before >= settings.streams
            {
                refusal = Some(Refusal::StreamsFull);
            } else {
                own.streams.insert(key, Stream::new(first, packet.time));
            }
        }
        if let Some(stream) = own.streams.get_mut(&key) {
            stream.last = packet.time;
            let result = stream.push(first, packet.payload, packet.cut, |message, cut| {
                messages.push((message.to_vec(), cut));
            });
            if result.is_err() {
                refusal = Some(Refusal::StreamGap);
            }
            if result.is_err() || end {
                own.streams.remove(&key);
            }
        }
        self.streams = all + own.streams.len() - before;
        if let Some(refusal) = refusal {
            self.refuse(packet.container, refusal);
        }
        messages
    }

    fn message(&mut self, packet: &Packet<'_>, bytes: &[u8], cut: bool, asked: &mut Vec<Spelled>) {
        let result = match (Message::read(bytes, cut), packet.direction) {
            (None, _) => Err(Refusal::Malformed),
            (Some(message), Direction::Query) if !message.response => {
                self.query(packet, message, asked)
            }
            (Some(message), Direction::Answer) if message.response => self.answer(packet, &message),
            (Some(_), Direction::Query | Direction::Answer) => Err(Refusal::Direction),
        };
        if let Err(refusal) = result {
            self.refuse(packet.container, refusal);
        }
    }

    fn query(
        &mut self,
        packet: &Packet<'_>,
        mut message: Message,
        asked: &mut Vec<Spelled>,
    ) -> Result<(), Refusal> {
        self.clear_if(self.waiting >= self.settings.queries, packet.time);
        let all = self.waiting;
        let Some(own) = self.containers.get_mut(&packet.container) else {
            return Ok(());
        };
        asked.extend(message.questions.iter().map(|question| {
            own.budget.spell(
                &question.name,
                question.kind,
                packet.time,
                &self.hash,
                &self.settings.budget,
            )
        }));
        let usual = message.opcode == QUERY && message.counted == 1;
        let Some(question) = message
            .questions
            .pop()
            .filter(|q| usual && q.class == INTERNET)
        else {
            return Ok(());
        };
        let resolver = packet.peer.ip().to_canonical();
        if !own.resolves(resolver) {
            return Err(Refusal::Resolver);
        }
        let before = own.outstanding.len();
        own.outstanding.expire(packet.time);
        let query = Query {
            tcp: packet.transport != Transport::Udp,
            resolver,
            port: packet.port,
            id: message.id,
            question,
        };
        let count = own.outstanding.len();
        let full = count >= self.settings.container_queries
            || all + count - before >= self.settings.queries;
        if !full {
            own.outstanding
                .add(query, packet.time.saturating_add(self.settings.wait));
        }
        self.waiting = all + own.outstanding.len() - before;
        if full {
            Err(Refusal::QueriesFull)
        } else {
            Ok(())
        }
    }

    fn answer(&mut self, packet: &Packet<'_>, message: &Message) -> Result<(), Refusal> {
        let settings = self.settings;
        let Some(own) = self.containers.get_mut(&packet.container) else {
            return Ok(());
        };
        let resolver = packet.peer.ip().to_canonical();
        if packet.looped && !resolver.is_loopback() && !self.node.contains(&resolver) {
            return Err(Refusal::Forged);
        }
        if packet.peer.port() != PORT || !own.resolves(resolver) {
            return Err(Refusal::Resolver);
        }
        let [question] = &message.questions[..] else {
            return Err(Refusal::Unsolicited);
        };
        let query = Query {
            tcp: packet.transport != Transport::Udp,
            resolver,
            port: packet.port,
            id: message.id,
            question: question.clone(),
        };
        if !own.outstanding.answer(&query, packet.time) {
            return Err(Refusal::Unsolicited);
        }
        self.waiting -= 1;
        if message.code != 0 {
            return Ok(());
        }
        let name: Arc<str> = question.name.text().into();
        let mut result = Ok(());
        for (address, ttl) in message.addresses() {
            if Class::of(address) == Class::Nameless {
                continue;
            }
            let binding = Binding {
                name: Arc::clone(&name),
                resolver,
                expires: packet.time.saturating_add(settings.holds(ttl)),
            };
            let bound = self.table.bind(
                packet.container,
                address,
                binding,
                packet.time,
                &settings.table,
            );
            if bound.is_err() {
                result = Err(Refusal::NamesFull);
            }
        }
        result
    }

    /// Asserts what must hold after any packet: for tests and fuzz targets.
    ///
    /// # Panics
    /// If it does not hold.
    pub fn check(&self) {
        let sum = |of: fn(&Container) -> usize| self.containers.values().map(of).sum::<usize>();
        assert_eq!(self.waiting, sum(|own| own.outstanding.len()));
        assert_eq!(self.streams, sum(|own| own.streams.len()));
        assert!(self.waiting <= self.settings.queries);
        assert!(self.streams <= self.settings.streams);
        assert!(self.containers.len() <= self.settings.containers);
        self.table.check(&self.settings.table);
    }
}

#[cfg(test)]
mod tests;
