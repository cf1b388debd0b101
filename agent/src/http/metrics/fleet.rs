//! What the metrics of a controller say.

use super::families::Family;
use super::samples::{optional, plain, sample};
use super::text::{Number, Sample};
use lapwing_proto::v1::get_status_response::Fleet;
use lapwing_proto::v1::get_status_response::fleet::{Agent, Learned, Profiles, agent::Link};

const LINKS: [(Link, &str); 3] = [
    (Link::Connected, "connected"),
    (Link::Away, "away"),
    (Link::Unspecified, "new"),
];

/// Whether a controller alone has it.
pub const fn is_of(family: Family) -> bool {
    use Family::{
        ApiRequests, ApiWritten, ControllerAgents, ControllerLag, ControllerLeads, ControllerLost,
        ControllerRelayed, ControllerSilent, LearnedBytes, LearnedFailing, LearnedMaxBytes,
        LearnedNodes, LearnedProfiles, LearnedProfilesMax, LearnedRefused, LearnedReports,
        LearnedUnwritten, Standing, StandingFailing, StandingNodes, StandingRefused,
        StandingUnwritten,
    };
    matches!(
        family,
        ApiRequests
            | ApiWritten
            | ControllerAgents
            | ControllerLag
            | ControllerLeads
            | ControllerLost
            | ControllerRelayed
            | ControllerSilent
            | LearnedBytes
            | LearnedFailing
            | LearnedMaxBytes
            | LearnedNodes
            | LearnedProfiles
            | LearnedProfilesMax
            | LearnedRefused
            | LearnedReports
            | LearnedUnwritten
            | Standing
            | StandingFailing
            | StandingNodes
            | StandingRefused
            | StandingUnwritten
    )
}

/// The samples of one of these; of a replica that stands by few.
pub fn of(family: Family, fleet: &Fleet) -> Vec<Sample> {
    match family {
        Family::ControllerLeads => plain(fleet.leads),
        Family::ApiRequests => { fleet.requests.iter() }
            .map(|one| sample([&one.verb, &one.result], one.count))
            .collect(),
        Family::ApiWritten => plain(fleet.written_bytes),
        _ if fleet.leads => of_leader(family, fleet),
        _ => Vec::new(),
    }
}

/// Of the agents, as the leader knows them.
fn of_leader(family: Family, fleet: &Fleet) -> Vec<Sample> {
    let sum = |read: fn(&Agent) -> u64| plain(fleet.agents.iter().map(read).sum::<u64>());
    let learned = |read: fn(&Learned) -> u64| optional(fleet.learned.as_ref().map(read));
    let profiles = |read: fn(&Profiles) -> u32| {
        let count = fleet.profiles.as_ref().map(read);
        optional(count.map(u64::from))
    };
    match family {
        Family::ControllerAgents => LINKS
            .map(|(link, word)| {
                let so = fleet.agents.iter().filter(|agent| agent.link() == link);
                sample([word], so.count() as u64)
            })
            .into(),
        Family::ControllerSilent => plain(fleet.silent.len() as u64),
        Family::ControllerRelayed => sum(|agent| agent.relayed),
        Family::ControllerLost => sum(|agent| agent.lost),
        Family::ControllerLag => {
            let connected = { fleet.agents.iter() }.filter(|agent| agent.link() == Link::Connected);
            let lag = connected
                .map(|agent| agent.lag_milliseconds)
                .max()
                .unwrap_or_default();
            plain(Number::Real(lag.max(0) as f64 / 1000.0))
        }
        Family::LearnedProfiles => { fleet.learned.iter() }
            .flat_map(|it| {
                [
                    ("learning", it.learning),
                    ("ready", it.ready),
                    ("promoted", it.promoted),
                ]
                .map(|(phase, count)| sample([phase], count))
            })
            .collect(),
        Family::LearnedProfilesMax => learned(|it| it.workloads_max.into()),
        Family::LearnedBytes => learned(|it| it.bytes),
        Family::LearnedMaxBytes => learned(|it| it.bytes_max),
        Family::LearnedNodes => learned(|it| it.nodes.into()),
        Family::LearnedReports => learned(|it| it.taken),
        Family::LearnedRefused => { fleet.learned.iter().flat_map(|it| &it.refused) }
            .map(|one| sample([&one.reason], one.count))
            .collect(),
        Family::LearnedUnwritten => learned(|it| it.unwritten.into()),
        Family::LearnedFailing => learned(|it| it.failing.into()),
        Family::Standing => { fleet.profiles.iter() }
            .flat_map(|it| {
                [
                    ("in_force", it.in_force),
                    ("not_in_force", it.not_in_force),
                    ("not_running", it.not_running),
                ]
                .map(|(state, count)| sample([state], count))
            })
            .collect(),
        Family::StandingRefused => profiles(|it| it.refused),
        Family::StandingNodes => profiles(|it| it.nodes),
        Family::StandingUnwritten => profiles(|it| it.unwritten),
        Family::StandingFailing => profiles(|it| it.failing),
        _ => Vec::new(),
    }
}
