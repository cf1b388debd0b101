//! Which names an address has in a container, and until when.
//!
//! What changes is noted: a verdict that the kernel keeps for an address was made with its names.
//!
//! Every binding is charged to its container and to the whole, by the length of its name, so that
//! no container can take the room of others, nor all together more than is set.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What a binding costs beside its name, in bytes: its place in the tables.
const BINDING: usize = 160;

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub struct TableSettings {
    /// Bytes per container.
    pub container_bytes: usize,
    /// Bytes in all.
    pub bytes: usize,
    /// Names of one address; of more, those that expire first give way.
    pub names: usize,
}

impl Default for TableSettings {
    fn default() -> Self {
        Self {
            container_bytes: 512 << 10,
            bytes: 8 << 20,
            names: 8,
        }
    }
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// A name that a resolver gave an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: Arc<str>,
    /// Who said so.
    pub resolver: IpAddr,
    /// Until when, time since boot in nanoseconds.
    pub expires: u64,
}

impl Binding {
    /// Whether both are the same word of the same resolver.
    fn same(&self, other: &Self) -> bool {
        self.name == other.name && self.resolver == other.resolver
    }
}

#[derive(Default)]
struct Container {
    addresses: HashMap<IpAddr, Vec<Binding>>,
    bytes: usize,
}

/// The names of all containers.
#[derive(Default)]
pub struct Table {
    containers: HashMap<u64, Container>,
    bytes: usize,
    /// When the first binding of each address expires.
    deadlines: BTreeSet<(u64, u64, IpAddr)>,
    changed: HashSet<(u64, IpAddr)>,
}

fn cost(binding: &Binding) -> usize {
    binding.name.len() + BINDING
}

fn deadline(bindings: &[Binding]) -> Option<u64> {
    bindings.iter().map(|binding| binding.expires).min()
}

impl Table {
    /// Binds a name to an address, or prolongs what binds them already.
    ///
    /// # Errors
    /// [`Full`] if there is no room.
    pub fn bind(
        &mut self,
        key: u64,
        address: IpAddr,
        binding: Binding,
        now: u64,
        settings: &TableSettings,
    ) -> Result<(), Full> {
        let price = cost(&binding);
        let room = |table: &Self| {
            let own = table.containers.get(&key).map_or(0, |own| own.bytes);
            own + price <= settings.container_bytes && table.bytes + price <= settings.bytes
        };
        let known = self
            .bindings(key, address)
            .iter()
            .any(|old| old.same(&binding));
        if !known && !room(self) {
            self.expire(now);
            if !room(self) {
                return Err(Full);
            }
        }
        self.edit(key, address, |bindings| {
            if let Some(old) = bindings.iter_mut().find(|old| old.same(&binding)) {
                let expired = old.expires <= now;
                old.expires = old.expires.max(binding.expires);
                return expired;
            }
            while bindings.len() >= settings.names.max(1) {
                let first = deadline(bindings);
                if let Some(index) = bindings.iter().position(|old| Some(old.expires) == first) {
                    bindings.remove(index);
                }
            }
            bindings.push(binding);
            true
        });
        Ok(())
    }

    /// What was bound to an address, in the order it became known, whether expired or not.
    #[must_use]
    pub fn bindings(&self, key: u64, address: IpAddr) -> &[Binding] {
        self.containers
            .get(&key)
            .and_then(|own| own.addresses.get(&address))
            .map_or(&[], Vec::as_slice)
    }

    /// Changes the bindings of an address, with all that is counted by them. `change` answers
    /// whether its names are others now.
    fn edit(&mut self, key: u64, address: IpAddr, change: impl FnOnce(&mut Vec<Binding>) -> bool) {
        let own = self.containers.entry(key).or_default();
        let bindings = own.addresses.entry(address).or_default();
        let sum = |bindings: &[Binding]| bindings.iter().map(cost).sum::<usize>();
        let (before, first) = (sum(bindings), deadline(bindings));
        if change(bindings) {
            self.changed.insert((key, address));
        }
        let (after, next) = (sum(bindings), deadline(bindings));
        own.bytes = own.bytes - before + after;
        self.bytes = self.bytes - before + after;
        if first != next {
            if let Some(first) = first {
                self.deadlines.remove(&(first, key, address));
            }
            if let Some(next) = next {
                self.deadlines.insert((next, key, address));
            }
        }
        if bindings.is_empty() {
            own.addresses.remove(&address);
        }
        if own.addresses.is_empty() {
            self.containers.remove(&key);
        }
    }

    /// Takes out what has expired.
    pub fn expire(&mut self, now: u64) {
        while let Some(&(first, key, address)) = self.deadlines.first() {
            if first > now {
                break;
            }
            self.edit(key, address, |bindings| {
                bindings.retain(|binding| binding.expires > now);
                true
            });
        }
    }

    /// Of a container, keeps only what these resolvers said, and notes all its addresses as changed.
    pub fn keep(&mut self, key: u64, resolvers: &[IpAddr]) {
        let Some(own) = self.containers.get(&key) else {
            return;
        };
        for address in own.addresses.keys().copied().collect::<Vec<_>>() {
            self.edit(key, address, |bindings| {
                bindings.retain(|binding| resolvers.contains(&binding.resolver));
                true
            });
        }
    }

    /// Notes these addresses as changed in every container where they have names.
    pub fn touch<'a>(&mut self, addresses: impl Iterator<Item = &'a IpAddr>) {
        for address in addresses {
            let keys = self
                .containers
                .iter()
                .filter(|(_, own)| own.addresses.contains_key(address));
            self.changed.extend(keys.map(|(key, _)| (*key, *address)));
        }
    }

    /// Forgets a container, and what changed in it.
    pub fn forget(&mut self, key: u64) {
        if let Some(own) = self.containers.remove(&key) {
            self.bytes -= own.bytes;
            for (address, bindings) in own.addresses {
                if let Some(first) = deadline(&bindings) {
                    self.deadlines.remove(&(first, key, address));
                }
            }
        }
        self.changed.retain(|(changed, _)| *changed != key);
    }

    /// The addresses whose names are others than at the last call.
    pub fn changed(&mut self) -> Vec<(u64, IpAddr)> {
        self.changed.drain().collect()
    }

    /// How many bytes all bindings are charged.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Asserts that what the counters say is what is there: for tests and fuzz targets.
    ///
    /// # Panics
    /// If it is not.
    pub fn check(&self, settings: &TableSettings) {
        let mut all = 0;
        let mut deadlines = BTreeSet::new();
        for (key, own) in &self.containers {
            assert!(!own.addresses.is_empty());
            let bytes: usize = own.addresses.values().flatten().map(cost).sum();
            assert_eq!(bytes, own.bytes);
            assert!(bytes <= settings.container_bytes);
            all += bytes;
            for (address, bindings) in &own.addresses {
                assert!((1..=settings.names).contains(&bindings.len()));
                deadlines.extend(deadline(bindings).map(|first| (first, *key, *address)));
            }
        }
        assert_eq!(all, self.bytes);
        assert!(all <= settings.bytes);
        assert_eq!(deadlines, self.deadlines);
    }
}
