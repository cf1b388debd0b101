//! What the registry of containers wants done, and what it wants to hear.

use super::Line;
use super::loss::UserLoss;
use crate::clock;
use crate::cluster::Profiles;
use crate::container::identity::{Answer, Identity, Question, Reply};
use crate::container::{Effect, Resolution};
use lapwing_abi::state::cgroup_state;

/// News of the cluster in one turn of the loop: for each a profile may be read, and meanwhile nobody reads the
/// rings.
const NEWS_MAX: usize = 32;

impl Line {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut decided = false;
        for effect in effects {
            match effect {
                Effect::Set(id, mut cgroup) => {
                    if cgroup.state == cgroup_state::IGNORED {
                        self.tables.seen.leave(id);
                    }
                    // The kernel side sets this one; it must not be taken back.
                    cgroup.started |= self.tables.cgroup(id).map_or(0, |known| known.started);
                    if self.tables.set_cgroup(id, cgroup).is_err() {
                        self.lose(UserLoss::NoRoom, 1);
                    }
                }
                Effect::Forget(id) => {
                    self.tables.remove_cgroup(id);
                    self.tables.seen.leave(id);
                    self.forget_lost(id);
                }
                Effect::Decided => decided = true,
                Effect::Gone(id) => {
                    self.uses_end(id);
                    self.close(id);
                    self.forget_calls(id);
                    self.count_unread();
                    self.forget_lost(id);
                    self.names.gone(id);
                    self.judge.gone(id);
                    if let Some(identity) = &self.identity {
                        identity.gone(id);
                    }
                }
                Effect::Ask(question) => self.ask_for(question),
                Effect::NoRoom(_) => self.lose(UserLoss::NoRoom, 1),
                Effect::Refused(home) => {
                    if !self.tables.refuse_cgroup(home) {
                        self.lose(UserLoss::NoRoom, 1);
                    }
                }
            }
        }
        if decided {
            self.release();
        }
    }

    /// Asks the runtimes for a container; where nobody will answer soon, its records do not wait.
    fn ask_for(&mut self, question: Question) {
        let identity = self.identity.as_ref();
        if !identity.is_some_and(|identity| identity.ask(question.clone())) {
            let answer = Answer::Later;
            let effects = (self.registry).told(Reply { question, answer }, clock::since_boot());
            self.carry_out(effects);
        }
    }

    /// Takes in what the runtimes answered.
    pub(super) fn hear(&mut self, now: u64) {
        let is_back = self.identity.as_ref().is_some_and(Identity::is_back);
        while let Some(identity) = &self.identity
            && let Some(effects) = self.registry.hear(identity, now)
        {
            self.carry_out(effects);
        }
        if is_back {
            let effects = self.registry.ask_anew(now);
            self.carry_out(effects);
        }
    }

    /// Takes in what namespaces ask for.
    fn hear_namespaces(&mut self) {
        let Some(namespaces) = &self.said.namespaces else {
            return;
        };
        if let Some(labels) = namespaces.news() {
            self.judge.labelled(labels);
        }
        if self.judge.is_unweighed() {
            self.weigh();
        }
    }

    /// A container that was not weighed yet is, before anything of it is judged.
    pub(super) fn weigh_first(&mut self, home: u64) {
        if self.said.namespaces.is_some()
            && let Resolution::Instance(instance) = self.registry.resolve(home)
            && !self.judge.is_weighed(instance)
        {
            self.weigh();
            self.decided();
        }
    }

    /// Weighs anew what namespaces and pods ask for.
    pub(super) fn weigh(&mut self) {
        if self.said.namespaces.is_none() {
            return;
        }
        let asked = self.identity.as_ref().map(Identity::asked_modes);
        let moment = self.moment();
        let known = self.registry.known();
        let items = (self.judge).weigh(known, &asked.unwrap_or_default(), moment);
        for item in items {
            self.feed.publish(moment.wall, item);
        }
    }

    /// Takes in what the cluster says of profiles, and what namespaces ask for; answers whether there may be more.
    pub(super) fn hear_cluster(&mut self) -> bool {
        for _ in 0..NEWS_MAX {
            let Some(news) = { self.said.profiles.as_ref() }.and_then(Profiles::next) else {
                self.hear_namespaces();
                return false;
            };
            let moment = self.moment();
            for item in self.judge.cluster(news, moment) {
                self.feed.publish(moment.wall, item);
            }
        }
        true
    }
}
