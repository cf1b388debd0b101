//! Finding out whose a container is, and refusing names that are another's.

use super::layout::{Named, Runtime};
use super::registry::Registry;
use super::workload::{self, Details};
use super::{Effect, NAME_AFTER, Proof, Search, Told};

/// What is known of a container's name.
enum Word {
    /// The runtime's file names this cgroup.
    Confirmed(Named, Details),
    /// The path names it, a file describes it, and nothing speaks against it.
    Claimed(Details),
    /// The same without a file, by what was said alone: one may come.
    Said(Details),
    /// The name is another container's.
    Denied,
    /// Nothing yet.
    Nothing,
}

impl Registry {
    /// Whether runc's files, or what it was told, name an undecided cgroup.
    pub(super) fn ask_runc(&mut self, id: u64, path: &str, now: u64) -> Option<Vec<Effect>> {
        self.look();
        let named = match self.states.by_cgroup(path) {
            Some(state) => Named {
                runtime: state.runtime,
                id: state.id.clone(),
            },
            None => self.by_order(id, path)?.0,
        };
        let mut effects = self.open(id, &named, now);
        effects.extend(self.name(id, now));
        Some(effects)
    }

    /// Reads what is new of runc's files, once in each call from outside.
    fn look(&mut self) {
        if !self.fresh {
            self.states.refresh();
            self.fresh = true;
        }
    }

    /// Looks for the name of a container that has none yet.
    pub(super) fn name(&mut self, home: u64, now: u64) -> Vec<Effect> {
        let Some(instance) = self.instances.get(&home) else {
            return Vec::new();
        };
        let (search, since) = (instance.search, instance.since);
        let awaited = instance.is_awaited();
        self.stop_waiting(home, now);
        if search == Search::Over {
            self.rearm(home, None);
            return self.news(home, awaited);
        }
        self.look();
        match self.word(home) {
            Word::Confirmed(named, details) => {
                self.deny_others(home, &named);
                self.settle(home, named, details, Proof::Confirmed);
            }
            Word::Claimed(details) => {
                self.settle(home, self.claim(home), details, Proof::Claimed);
            }
            Word::Said(details) => {
                self.settle(home, self.claim(home), details, Proof::Claimed);
                self.look_on(home, search);
            }
            Word::Denied => self.deny(home),
            Word::Nothing => {}
        }
        let waited = match search {
            Search::Sought(Some(needed)) => now.saturating_sub(needed) >= NAME_AFTER,
            Search::Sought(None) | Search::Said | Search::Late | Search::Over => false,
        };
        if waited {
            self.give_up(home);
        }
        match self.instances[&home].search {
            Search::Sought(Some(needed)) => {
                self.look_again(home, needed, Some(needed + NAME_AFTER), now);
            }
            Search::Said | Search::Late => self.look_again(home, since, None, now),
            // Nothing asks for it.
            Search::Sought(None) | Search::Over => self.rearm(home, None),
        }
        let mut effects: Vec<Effect> = self.ask(home, now).into_iter().collect();
        effects.extend(self.news(home, awaited));
        effects
    }

    /// That the records of a container that was awaited can go on, if they can.
    pub(super) fn news(&self, home: u64, awaited: bool) -> Vec<Effect> {
        let instance = self.instances.get(&home);
        match awaited && instance.is_some_and(|instance| !instance.is_awaited()) {
            true => vec![Effect::Decided],
            false => Vec::new(),
        }
    }

    /// What the runtime was told to run in a cgroup.
    fn by_order(&self, id: u64, path: &str) -> Option<(Named, Details)> {
        let order = self.entries.get(&id)?.order.as_ref()?;
        order.confirm(&self.options.host_root, path)
    }

    /// The word of a runtime for a cgroup, with what the daemon above it says.
    fn confirmed(&self, claim: Named, own: Named, said: &Details) -> Word {
        // CRI-O and Podman, among others, run runc as if there were nobody above it.
        let named = match own.runtime {
            Runtime::Runc if claim.id == own.id => claim,
            _ => own.clone(),
        };
        match self.sources.details(&named) {
            Some(mut details) => {
                for (key, value) in &said.labels {
                    let label = details.labels.entry(key.clone());
                    label.or_insert_with(|| value.clone());
                }
                Word::Confirmed(named, details)
            }
            None => Word::Confirmed(own, said.clone()),
        }
    }

    fn word(&self, home: u64) -> Word {
        let instance = &self.instances[&home];
        let claim = self.claim(home);
        if let Some(state) = self.states.by_cgroup(&instance.path) {
            let own = Named {
                runtime: state.runtime,
                id: state.id.clone(),
            };
            return self.confirmed(claim, own, &state.details);
        }
        if let Some((own, details)) = self.by_order(home, &instance.path) {
            return self.confirmed(claim, own, &details);
        }
        if instance.proof == Proof::Denied || claim.runtime == Runtime::Unknown {
            return Word::Nothing;
        }
        // Who came first keeps a name that nothing proves.
        let twin = self.instances.values().any(|other| {
            let first = match other.proof {
                Proof::Confirmed => true,
                Proof::Claimed => (other.since, other.home) < (instance.since, home),
                Proof::Denied => false,
            };
            first
                && other.home != home
                && other.removed.is_none()
                && (other.runtime, &other.id) == (claim.runtime, &claim.id)
        });
        if twin
            || self
                .states
                .is_elsewhere(claim.runtime, &claim.id, &instance.path)
        {
            return Word::Denied;
        }
        match (self.sources.details(&claim), instance.told.said()) {
            (Some(details), _) => Word::Claimed(details),
            (None, Some(said)) => Word::Said(said.clone()),
            (None, None) => Word::Nothing,
        }
    }

    /// What a container is called so far.
    fn claim(&self, home: u64) -> Named {
        let instance = &self.instances[&home];
        Named {
            runtime: instance.runtime,
            id: instance.id.clone(),
        }
    }

    /// What was taken up is no file's word: the search goes on where it would be over, from how far it was before.
    /// An answer may come before the file of the runtime, which tells more of the image, and has the last word.
    pub(super) fn look_on(&mut self, home: u64, before: Search) {
        if let Some(instance) = self.instances.get_mut(&home)
            && instance.search == Search::Over
        {
            instance.search = match before {
                Search::Sought(None) | Search::Said => Search::Said,
                Search::Sought(Some(_)) | Search::Late => Search::Late,
                Search::Over => Search::Over,
            };
        }
    }

    /// Takes up what was found. The search is over if that tells the container from strangers, or
    /// is all there will be.
    pub(super) fn settle(&mut self, home: u64, named: Named, details: Details, proof: Proof) {
        let cluster = &self.options.cluster;
        let Some(instance) = self.instances.get_mut(&home) else {
            return;
        };
        let (named, details) = instance.taught(named, details);
        let workload =
            workload::workload(cluster, named.runtime, &named.id, &instance.path, &details);
        instance.named = workload.is_some();
        // Of runc alone nobody else will ever say more.
        let all = proof == Proof::Confirmed && named.runtime == Runtime::Runc;
        if instance.named || all {
            instance.search = Search::Over;
        }
        instance.workload = workload.unwrap_or_else(|| workload::unnamed(cluster, named.runtime));
        instance.runtime = named.runtime;
        instance.id = named.id;
        instance.details = details;
        instance.proof = proof;
    }

    /// Records wait no longer. What the path says has to do, until more is found.
    pub(super) fn give_up(&mut self, home: u64) {
        let cluster = &self.options.cluster;
        let Some(instance) = self.instances.get_mut(&home) else {
            return;
        };
        if instance.search == Search::Over {
            return;
        }
        instance.search = Search::Late;
        if instance.proof == Proof::Denied {
            return;
        }
        let workload = workload::workload(
            cluster,
            instance.runtime,
            &instance.id,
            &instance.path,
            &instance.details,
        );
        if let Some(workload) = workload {
            instance.workload = workload;
            instance.named = true;
        }
        // No file will ever say more of these.
        if instance.named && matches!(instance.runtime, Runtime::Unknown | Runtime::Lxc) {
            instance.search = Search::Over;
        }
    }

    /// The name is another's: a container of its own, by no name that it could share.
    fn deny(&mut self, home: u64) {
        let cluster = &self.options.cluster;
        if let Some(instance) = self.instances.get_mut(&home) {
            tracing::warn!(
                cgroup = instance.path,
                "bears the name of another container, {}: it is traced as one without a name",
                instance.id
            );
            instance.runtime = Runtime::Unknown;
            instance.id = format!("cgroup-{home}");
            instance.workload = workload::unnamed(cluster, Runtime::Unknown);
            instance.details = Details::default();
            instance.told = Told::Nothing;
            instance.named = false;
            instance.proof = Proof::Denied;
            if matches!(instance.search, Search::Said | Search::Over) {
                instance.search = Search::Late;
            }
        }
    }

    /// Whoever bore the name of a confirmed container before it had no right to.
    fn deny_others(&mut self, home: u64, named: &Named) {
        let others: Vec<u64> = self
            .instances
            .values()
            .filter(|other| {
                other.home != home
                    && other.removed.is_none()
                    && other.proof == Proof::Claimed
                    && (other.runtime, &other.id) == (named.runtime, &named.id)
            })
            .map(|other| other.home)
            .collect();
        for other in others {
            self.deny(other);
        }
    }
}
