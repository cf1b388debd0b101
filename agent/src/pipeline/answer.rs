//! What the pipeline answers to requests of the API, between two batches.

use super::Line;
use crate::api::control::Request;
use crate::cluster::Profiles;
use crate::cluster::namespaces::Namespaces;
use crate::container::identity::Identity;
use crate::{clock, status};
use lapwing_profile::decide::By;
use lapwing_proto::timestamp;
use lapwing_proto::v1;

impl Line {
    pub(super) fn answer(&mut self, request: Request) {
        // A client that went away needs no answer.
        match request {
            Request::Status(reply) => {
                let profiles = self.judge.summaries(&status::instances(&self.registry));
                drop(reply.send(self.status(profiles)));
            }
            Request::Counters(reply) => drop(reply.send(self.status(self.judge.modes()))),
            Request::Containers(reply) => {
                let asked = |home| self.judge.asked_of(home);
                drop(reply.send(status::containers(&self.registry, self.clock, asked)));
            }
            Request::Profiles(reply) => {
                let profiles = self.judge.summaries(&status::instances(&self.registry));
                drop(reply.send(v1::ListProfilesResponse { profiles }));
            }
            Request::Profile(request, reply) => {
                let answer = self.judge.profile(&request.name);
                let answer = answer.map(|(summary, yaml)| v1::GetProfileResponse {
                    summary: Some(summary),
                    yaml,
                    conditions: Some(self.judge.conditions()),
                });
                drop(reply.send(answer));
            }
            Request::Inventory(request, reply) => {
                let answer = self.inventory(&request.name);
                drop(reply.send(answer));
            }
            Request::Changes(after, reply) => {
                drop(reply.send(self.judge.changes(after)));
            }
            Request::Learned(workload, reply) => {
                let running = status::instances(&self.registry);
                let instances = running.get(&workload).copied().unwrap_or_default();
                drop(reply.send(self.judge.learned(&workload, instances)));
            }
            Request::States(reply) => {
                let profiles = self.said.profiles.as_ref();
                let states = profiles.map(|profiles| {
                    let running = status::instances(&self.registry);
                    profiles.states(&self.judge, &running)
                });
                drop(reply.send(states.unwrap_or_default()));
            }
            Request::Promote(request, reply) => {
                let decider = request.decider.unwrap_or_default();
                let judge = &mut self.judge;
                judge.promote(&request.name, by(&decider), |answer| {
                    drop(reply.send(answer.map(|summary| v1::PromoteProfileResponse {
                        summary: Some(summary),
                    })));
                });
            }
            Request::Demote(request, reply) => {
                let decider = request.decider.unwrap_or_default();
                let judge = &mut self.judge;
                judge.demote(&request.name, by(&decider), |answer| {
                    drop(reply.send(answer.map(|summary| v1::DemoteProfileResponse {
                        summary: Some(summary),
                    })));
                });
            }
            Request::Decide(request, reply) => {
                let decider = request.decider.clone().unwrap_or_default();
                let verdict = request.verdict();
                let judge = &mut self.judge;
                let (name, entries) = (&request.name, &request.entries);
                judge.decide(verdict, name, entries, by(&decider), |answer| {
                    let answer = answer
                        .map(|(entries, profiles)| v1::DecideEntriesResponse { entries, profiles });
                    drop(reply.send(answer));
                });
            }
            Request::Owners(entries, reply) => {
                let episodes = self.judge.episodes();
                let owner = |entry: &String| episodes.find(entry).map(|target| target.profile);
                drop(reply.send(entries.iter().map(owner).collect()));
            }
            Request::Snapshot(name, reply) => {
                let snapshot = self.judge.snapshot(&name, self.registry.running());
                drop(reply.send(snapshot.map(Box::new)));
            }
            Request::Import(request, reply) => {
                let decider = request.decider.unwrap_or_default();
                let judge = &mut self.judge;
                judge.import(&request.yaml, &request.signature, by(&decider), |answer| {
                    drop(reply.send(answer.map(|summary| v1::ImportProfileResponse {
                        summary: Some(summary),
                    })));
                });
            }
        }
    }

    fn status(&self, profiles: Vec<v1::ProfileSummary>) -> v1::GetStatusResponse {
        let processes = self.tables.processes().count() as u32;
        v1::GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: self.node.clone(),
            cluster: self.cluster.clone(),
            kernel: status::kernel(),
            start_time: Some(timestamp(self.started)),
            containers: self.registry.running().count() as u32,
            processes,
            records: self.records,
            violations: self.judge.tally().violations(),
            hooks: status::hooks(&self.hooks, &self.tables),
            losses: self
                .losses()
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| v1::get_status_response::Loss {
                    reason: reason.to_owned(),
                    count,
                })
                .collect(),
            profiles,
            feed: Some(status::feed(&self.feed)),
            memory_bytes: status::memory(),
            violations_ended_early: self.judge.episodes().ended_early(),
            violations_forgotten: self.judge.episodes().forgotten(),
            container_losses: self.container_losses(),
            held: Some(v1::get_status_response::Held {
                containers: self.tables.seen.len() as u32,
                behaviours: self.judge.told() as u64,
                repeats: self.judge.repeats(),
                refused: self.unheld,
            }),
            sinks: Vec::new(),
            listener: None,
            identity: (self.identity.as_ref())
                .map(|identity| identity.status(self.registry.late())),
            cluster_profiles: self.said.profiles.as_ref().map(|profiles| {
                let (in_force, since) = self.judge.obeying();
                profiles.status(in_force, since)
            }),
            watches: self.watches(),
            cluster_modes: (self.said.namespaces.as_ref())
                .map(|namespaces| namespaces.status(self.judge.modes_status())),
            sizes: Some(v1::get_status_response::Sizes {
                ring_bytes: self.tables.sizes.ring_bytes,
                behaviours: self.tables.sizes.behaviours,
                processes: self.tables.sizes.processes,
                cgroups: self.tables.sizes.cgroups,
            }),
            tables: self.fills(processes),
            judged: self.judge.tally().by_outcome(),
            reported: self.judge.tally().by_rule(),
            fleet: None,
        }
    }

    /// What is watched in the cluster.
    fn watches(&self) -> Vec<v1::get_status_response::Watch> {
        let pods = { self.identity.as_ref() }.and_then(Identity::watched);
        let profiles = { self.said.profiles.as_ref() }.map(Profiles::watched);
        let namespaces = { self.said.namespaces.as_ref() }.map(Namespaces::watched);
        [pods, profiles, namespaces].into_iter().flatten().collect()
    }
}

fn by(decider: &v1::Decider) -> By<'_> {
    By {
        actor: &decider.actor,
        reason: &decider.reason,
        at: clock::now(),
    }
}
