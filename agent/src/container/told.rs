//! What the runtimes say of a container when they are asked, see [`super::identity`].
//!
//! The pipeline carries the question out and brings the answer in. Until then the container's
//! records wait, from its first behaviour on, in the same bounds as for its name; then they go
//! out with what the files say, and the answer counts from when it comes.

use super::commands::Commands;
use super::identity::{Answer, Identity, Question, Reply, Seat};
use super::layout::{Named, Runtime, is_generated, pod_of};
use super::registry::Registry;
use super::workload::Details;
use super::{Effect, Instance, Proof, Search};

/// How far that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nobody was asked.
    Unasked,
    /// Records wait for the answer: until this time, from the first behaviour on.
    Awaited(Option<u64>),
    /// It may still come, and nothing waits for it.
    Asked,
    /// This was said, by this runtime.
    Said(Box<Details>, Runtime),
    /// Nobody knows it.
    Nothing,
    /// Nobody answered who may know it.
    Away,
}

impl Told {
    /// What was said.
    pub(super) fn said(&self) -> Option<&Details> {
        match self {
            Self::Said(details, _) => Some(details),
            Self::Unasked | Self::Awaited(_) | Self::Asked | Self::Nothing | Self::Away => None,
        }
    }

    /// When records wait no longer.
    pub(super) const fn deadline(&self) -> Option<u64> {
        match self {
            Self::Awaited(until) => *until,
            Self::Unasked | Self::Asked | Self::Said(..) | Self::Nothing | Self::Away => None,
        }
    }
}

/// Whose cgroup it is in, by the path.
fn seat(instance: &Instance) -> Option<Seat> {
    pod_of(&instance.path).map(|pod| Seat {
        pod,
        runtime: instance.runtime,
    })
}

impl Instance {
    /// What was found of it, with what was said of it.
    pub(super) fn taught(&mut self, named: Named, details: Details) -> (Named, Details) {
        if named.id != self.id {
            // It is not the one that was asked for.
            self.told = Told::Unasked;
        }
        match &self.told {
            Told::Said(said, runtime) => {
                let known = !matches!(named.runtime, Runtime::Runc | Runtime::Unknown);
                let runtime = if known { named.runtime } else { *runtime };
                (Named { runtime, ..named }, details.completed(said))
            }
            // A container of runc alone is no daemon's, unless its cgroup is laid out by one that
            // hides behind runc, or it is said to be in a pod.
            Told::Awaited(_)
                if named.runtime == Runtime::Runc
                    && self.runtime != Runtime::CriO
                    && details.pod.is_empty() =>
            {
                self.told = Told::Asked;
                (named, details)
            }
            Told::Unasked | Told::Awaited(_) | Told::Asked | Told::Nothing | Told::Away => {
                (named, details)
            }
        }
    }
}

impl Registry {
    /// So that the runtimes are asked for what they know, and records wait for the answer for so
    /// many nanoseconds.
    #[must_use]
    pub const fn asking(mut self, patience: u64) -> Self {
        self.patience = Some(patience);
        self
    }

    /// So that the API of the cluster is asked anew for pods of which it did not say whose they are.
    #[must_use]
    pub const fn with_owners(mut self) -> Self {
        self.owners = true;
        self
    }

    /// Containers whose records went out before the runtimes had answered.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// Asks for a container, once, if there is anybody to ask and its id is one that runtimes give.
    pub(super) fn ask(&mut self, home: u64, now: u64) -> Option<Effect> {
        let patience = self.patience?;
        let instance = self.instances.get_mut(&home)?;
        let by_a_daemon = match instance.runtime {
            Runtime::Docker
            | Runtime::Containerd
            | Runtime::CriO
            | Runtime::Podman
            | Runtime::Runc
            | Runtime::Unknown => true,
            Runtime::Lxc | Runtime::Host => false,
        };
        if instance.told != Told::Unasked
            || !by_a_daemon
            || !is_generated(&instance.id)
            || instance.proof == Proof::Denied
        {
            return None;
        }
        instance.told = match instance.search {
            // Nothing waits for it before it is known that somebody may answer.
            Search::Sought(needed) => Told::Awaited(needed.map(|_| now.saturating_add(patience))),
            Search::Said | Search::Late | Search::Over => Told::Asked,
        };
        Some(Effect::Ask(Question {
            home,
            id: instance.id.clone(),
            seat: seat(instance),
        }))
    }

    /// A runtime, or the API of the cluster, answers that did not: asks anew for the containers that
    /// nobody answered for, and for those of whose pods nobody said whose they are.
    pub fn ask_anew(&mut self, now: u64) -> Vec<Effect> {
        let half_told = self.running().filter(|one| {
            let said = one.told.said();
            said.is_some_and(|said| {
                !said.pod.is_empty() && (said.in_pod.is_none() || said.is_told_before())
            })
        });
        let half_told = half_told.filter(|_| self.owners);
        // What was said of them stays so until then.
        let asked = half_told.map(|one| {
            Effect::Ask(Question {
                home: one.home,
                id: one.id.clone(),
                seat: seat(one),
            })
        });
        let mut effects: Vec<Effect> = asked.collect();
        let away = self.instances.values_mut();
        let away = away.filter(|one| one.told == Told::Away && one.removed.is_none());
        let homes: Vec<u64> = away
            .map(|instance| {
                instance.told = Told::Unasked;
                instance.home
            })
            .collect();
        effects.extend(homes.into_iter().filter_map(|home| self.ask(home, now)));
        effects
    }

    /// A container behaves: from now on its records wait for the answer.
    pub(super) fn begin_to_wait(&mut self, home: u64, now: u64) {
        let Some(patience) = self.patience else {
            return;
        };
        let Some(instance) = self.instances.get_mut(&home) else {
            return;
        };
        if instance.told == Told::Awaited(None) {
            let until = now.saturating_add(patience);
            instance.told = Told::Awaited(Some(until));
            // One that looks for its name is looked at before that in any case.
            let timer = self.entries.get(&home).map_or(0, |entry| entry.timer);
            if timer == 0 || timer > until {
                self.schedule(home, until);
            }
        }
    }

    /// The wait for the answer is over, if its time is.
    pub(super) fn stop_waiting(&mut self, home: u64, now: u64) {
        let Some(instance) = self.instances.get_mut(&home) else {
            return;
        };
        if let Told::Awaited(Some(until)) = instance.told
            && now >= until
        {
            instance.told = Told::Asked;
            self.late += 1;
        }
    }

    /// Takes in the next reply, if there is one, as [`Self::told`] does. One may come long after its container
    /// went: then nothing of it is kept, for nobody would have it forgotten.
    pub fn hear(&mut self, identity: &Identity, now: u64) -> Option<Vec<Effect>> {
        let reply = identity.reply()?;
        if !self.instances.contains_key(&reply.question.home) {
            identity.gone(reply.question.home);
        }
        Some(self.told(reply, now))
    }

    /// The runtimes were asked for a container, and this became of it.
    pub fn told(&mut self, reply: Reply, now: u64) -> Vec<Effect> {
        self.fresh = false;
        let Question { home, id, .. } = reply.question;
        let Some(instance) = self.instances.get_mut(&home) else {
            return Vec::new();
        };
        let waits = match &instance.told {
            Told::Awaited(_) | Told::Asked => reply.answer != Answer::Open,
            // The API of the cluster says more later.
            Told::Said(said, _) => match reply.answer {
                Answer::Said(..) => true,
                // Nobody says any more what was known from before.
                Answer::Nothing | Answer::Away | Answer::Open => said.is_told_before(),
                Answer::Later => false,
            },
            Told::Unasked | Told::Nothing | Told::Away => false,
        };
        // It may have turned out to be another's name, or another's cgroup.
        if instance.id != id || !waits {
            return Vec::new();
        }
        let awaited = instance.is_awaited();
        instance.told = match reply.answer {
            Answer::Said(details, runtime) => Told::Said(details, runtime),
            Answer::Later | Answer::Open => Told::Asked,
            Answer::Nothing => Told::Nothing,
            Answer::Away => Told::Away,
        };
        // What counted until the API answers gives way to what it answers, be it nothing.
        let is_over = instance.details.is_told_before();
        if is_over {
            instance.details.in_pod = None;
            instance.details.commands = Commands::default();
        }
        let is_said = instance.told.said().is_some();
        let (search, proof) = (instance.search, instance.proof);
        let named = Named {
            runtime: instance.runtime,
            id,
        };
        let details = instance.details.clone();
        match search {
            Search::Over if is_said || is_over => {
                self.settle(home, named, details, proof);
                self.rearm(home, None);
            }
            Search::Sought(_) | Search::Said | Search::Late if is_said || is_over => {
                // What was confirmed may have no file any more to say it again.
                if proof == Proof::Confirmed || is_over {
                    self.settle(home, named, details, proof);
                    if proof != Proof::Confirmed {
                        self.look_on(home, search);
                    }
                }
                let mut effects = self.name(home, now);
                effects.extend(self.news(home, awaited));
                return effects;
            }
            Search::Over => self.rearm(home, None),
            Search::Sought(_) | Search::Said | Search::Late => {}
        }
        self.news(home, awaited)
    }
}
