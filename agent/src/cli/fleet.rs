//! The agents of a cluster, as a controller knows them, in the text of `lapwing status`.

use super::show::write_listener;
use super::text::{BOLD, styled, table};
use lapwing_profile::text::visible;
use lapwing_proto::v1::GetStatusResponse;
use lapwing_proto::v1::get_status_response::Fleet;
use lapwing_proto::v1::get_status_response::fleet::agent::Link;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::io::{self, Write};

fn time(at: Option<&lapwing_proto::Timestamp>) -> String {
    let at = at.and_then(|at| jiff::Timestamp::from_second(at.seconds).ok());
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

/// Which agents there are, by node, and which are silent.
pub fn write_fleet(
    out: &mut impl Write,
    status: &GetStatusResponse,
    fleet: &Fleet,
) -> io::Result<()> {
    let (name, replica) = (styled(BOLD, "lapwing controller"), visible(&status.node));
    writeln!(out, "{name} {}, replica {replica}", status.version)?;
    if !fleet.leads {
        return match fleet.leader.as_str() {
            "" => writeln!(out, "stands by; no replica is known to lead"),
            leader => writeln!(
                out,
                "stands by; {} leads, and knows the agents",
                visible(leader)
            ),
        };
    }
    let connected = fleet
        .agents
        .iter()
        .filter(|agent| agent.link() == Link::Connected)
        .count();
    writeln!(
        out,
        "leads since {}; {connected} of {} agents are connected, {} nodes are silent; {:.1} MiB of memory\n",
        time(fleet.lead_time.as_ref()),
        fleet.agents.len(),
        fleet.silent.len(),
        status.memory_bytes as f64 / f64::from(1 << 20),
    )?;
    for silent in &fleet.silent {
        let (node, since) = (visible(&silent.node), time(silent.since.as_ref()));
        writeln!(
            out,
            "SILENT since {since}: {node}: {}",
            visible(&silent.detail)
        )?;
    }
    let mut agents: Vec<_> = fleet.agents.iter().collect();
    // Those that need somebody come first.
    agents.sort_by_key(|agent| agent.link() == Link::Connected);
    let rows: Vec<Vec<String>> = agents
        .iter()
        .map(|agent| {
            let link = match agent.link() {
                Link::Unspecified => "new",
                Link::Connected => "connected",
                Link::Away => "away",
            };
            vec![
                agent.node.clone(),
                agent.pod.clone(),
                format!("{link} since {}", time(agent.since.as_ref())),
                time(agent.heard_time.as_ref()),
                format!("{} ms", agent.lag_milliseconds),
                agent.relayed.to_string(),
                agent.lost.to_string(),
            ]
        })
        .collect();
    let head = ["NODE", "POD", "LINK", "HEARD", "LAG", "RELAYED", "LOST"];
    table(out, &head, &rows)?;
    for agent in agents
        .iter()
        .filter(|agent| agent.link() != Link::Connected)
    {
        if !agent.last_error.is_empty() {
            writeln!(
                out,
                "{}: {}",
                visible(&agent.node),
                visible(&agent.last_error)
            )?;
        }
    }
    if fleet.state() != State::Connected && !fleet.last_error.is_empty() {
        let error = visible(&fleet.last_error);
        writeln!(
            out,
            "\nnew agents are not found, as the API of the cluster does not answer: {error}"
        )?;
    }
    if let Some(profiles) = &fleet.profiles {
        writeln!(
            out,
            "\nBehaviorProfiles: {} in force wherever their workloads run, {} not, {} of workloads that run nowhere",
            profiles.in_force, profiles.not_in_force, profiles.not_running
        )?;
        if profiles.refused > 0 {
            writeln!(
                out,
                "{} of them are REFUSED by nodes: `kubectl get bp -A -o wide` says which, and the condition \
                 Refused of each why",
                profiles.refused
            )?;
        }
    }
    if let Some(feed) = &status.feed {
        let (held, following) = (feed.next.saturating_sub(feed.first), feed.subscribers);
        writeln!(
            out,
            "\n{held} reports are held in memory; {following} clients follow"
        )?;
    }
    if let Some(listener) = &status.listener {
        writeln!(out)?;
        write_listener(out, listener)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::get_status_response::fleet::{Agent, Profiles, Silent};

    fn text(fleet: &Fleet) -> String {
        let status = GetStatusResponse {
            version: "0.1.0".to_owned(),
            node: "controller-1".to_owned(),
            ..GetStatusResponse::default()
        };
        let mut out = Vec::new();
        write_fleet(&mut out, &status, fleet).unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
    }

    #[test]
    fn who_leads_knows_each_agent() {
        let agent = |node: &str, link: Link, error: &str| Agent {
            node: node.to_owned(),
            pod: format!("agent-{node}"),
            link: link.into(),
            lag_milliseconds: 12,
            relayed: 345,
            last_error: error.to_owned(),
            ..Agent::default()
        };
        let told = text(&Fleet {
            leader: "controller-1".to_owned(),
            leads: true,
            agents: vec![
                agent("n1", Link::Connected, "what was once"),
                agent("n2", Link::Away, "refused\u{1b}[2J"),
            ],
            silent: vec![Silent {
                node: "n2".to_owned(),
                detail: "not heard of".to_owned(),
                ..Silent::default()
            }],
            profiles: Some(Profiles {
                in_force: 7,
                not_in_force: 2,
                refused: 1,
                ..Profiles::default()
            }),
            ..Fleet::default()
        });
        for part in [
            "lapwing controller 0.1.0, replica controller-1",
            "1 of 2 agents are connected, 1 nodes are silent",
            "SILENT since never: n2: not heard of",
            "n2: refused\\x1b[2J",
            "345",
            "7 in force wherever their workloads run, 2 not, 0 of workloads",
            "1 of them are REFUSED",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!told.contains("what was once"), "{told}");
        let (away, connected) = (told.find("agent-n2"), told.find("agent-n1"));
        assert!(away < connected, "{told}");
    }

    #[test]
    fn who_does_not_lead_says_who_does() {
        assert!(text(&Fleet::default()).contains("no replica is known to lead"));
        let other = Fleet {
            leader: "controller-2".to_owned(),
            ..Fleet::default()
        };
        assert!(text(&other).contains("stands by; controller-2 leads"));
    }
}
