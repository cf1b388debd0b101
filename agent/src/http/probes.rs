//! What the probes say.
//!
//! `livez` is about one thing: whether the loop that reads the rings moves. An agent that fails it is
//! of no use, and starting it anew is the remedy. Whatever else may be wrong is for `readyz`: a
//! restart would mend neither a full disk nor an API server that is away, and would lose sight for
//! some time.

use super::latest::{Answer, PATIENCE, Silence};
use crate::kernel::sensor::ESSENTIAL;
use lapwing_proto::v1::GetStatusResponse;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::fmt;
use std::time::Duration;

/// How long the loop may stand still. It turns five times a second; a turn may take a batch of 4,096
/// records and all that is due each second, which on a busy machine is a second or two, or some more
/// while the machine does not let it run. None takes half a minute unless it never ends.
pub const STILL: Duration = Duration::from_secs(30);

/// What a probe says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why not, each a sentence; none for yes.
    pub reasons: Vec<String>,
    /// What is worth knowing all the same, each a sentence.
    pub notes: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reasons.is_empty() {
            formatter.write_str("ok\n")?;
        }
        for line in self.reasons.iter().chain(&self.notes) {
            writeln!(formatter, "{line}")?;
        }
        Ok(())
    }
}

/// Whether the loop moves, of which it is known how long it has not.
pub fn live(quiet: Duration) -> Verdict {
    let mut verdict = Verdict::default();
    if quiet > STILL {
        verdict.reasons.push(format!(
            "the loop that reads the rings has not moved for {} s: nothing that containers do is seen.",
            quiet.as_secs()
        ));
    }
    verdict
}

/// One that stands by is as it should be: another agent watches, and an update may go on to end that one.
pub fn standing_by() -> Verdict {
    Verdict {
        reasons: Vec::new(),
        notes: vec!["this agent stands by while another one watches this node.".to_owned()],
    }
}

/// Whether it sees, knows and keeps what it should.
pub fn ready(quiet: Duration, status: &Answer) -> Verdict {
    let mut verdict = live(quiet);
    let status = match status {
        Ok(status) => status,
        Err(Silence::Ended) => {
            verdict.reasons.push("the agent is ending.".to_owned());
            return verdict;
        }
        Err(Silence::Late) => {
            verdict.reasons.push(format!(
                "the pipeline did not say how it is within {} s.",
                PATIENCE.as_secs()
            ));
            return verdict;
        }
    };
    if let Some(fleet) = &status.fleet {
        // One that stands by is ready too: it passes connections on.
        verdict
            .notes
            .push(match (fleet.leads, fleet.leader.as_str()) {
                (true, _) => "this replica of the controller leads.".to_owned(),
                (false, "") => "no replica of the controller leads.".to_owned(),
                (false, leader) => format!("this replica stands by, {leader} leads."),
            });
        return verdict;
    }
    hooks(status, &mut verdict);
    feed(status, &mut verdict);
    pods(status, &mut verdict);
    profiles(status, &mut verdict);
    listener(status, &mut verdict);
    verdict
}

/// The rows without which nothing is attributed must be attached; others are told of.
fn hooks(status: &GetStatusResponse, verdict: &mut Verdict) {
    for row in ESSENTIAL {
        let attached =
            { status.hooks.iter() }.any(|hook| hook.row == row.id() && !hook.tier.is_empty());
        if !attached {
            let id = row.id();
            let reason = format!("{id} is not attached, without which nothing can be attributed.");
            verdict.reasons.push(reason);
        }
    }
    let blind: Vec<&str> = { status.hooks.iter() }
        .filter(|hook| hook.tier.is_empty())
        .map(|hook| hook.row.as_str())
        .collect();
    if !blind.is_empty() {
        let note = format!("not seen here, see `lapwing status`: {}.", blind.join(", "));
        verdict.notes.push(note);
    }
}

/// The log must be open where it is to be on disk; the details name a folder, and stay in the status.
fn feed(status: &GetStatusResponse, verdict: &mut Verdict) {
    let trouble = { status.feed.as_ref() }.is_some_and(|feed| !feed.trouble.is_empty());
    if trouble {
        let reason = "reports are not written to disk: `lapwing status` says why.".to_owned();
        verdict.reasons.push(reason);
    }
}

/// Until the API of the cluster has answered, or has not, containers may yet get other names.
fn pods(status: &GetStatusResponse, verdict: &mut Verdict) {
    let sources = status.identity.iter().flat_map(|it| &it.sources);
    for source in sources.filter(|source| source.protocol == "kubernetes") {
        match source.state() {
            State::Unspecified => verdict.reasons.push(
                "the API of the cluster has not been asked yet for the pods of this node."
                    .to_owned(),
            ),
            State::Connected => verdict.notes.push(format!(
                "the pods of this node are watched: {} are known.",
                source.pods
            )),
            State::Retrying => verdict.notes.push(
                "the API of the cluster does not answer, and is asked again: new pods go without \
                 their owners."
                    .to_owned(),
            ),
            State::Absent | State::Unsuitable => verdict.notes.push(
                "the API of the cluster is not asked, as `lapwing status` says: pods go without \
                 their owners."
                    .to_owned(),
            ),
        }
    }
}

/// Until the API has answered, a profile of the cluster may yet come in force. Where it does not, what is known from
/// disk is good enough; who knows nothing at all judges by nobody's word, be it that a right or the resource lacks.
fn profiles(status: &GetStatusResponse, verdict: &mut Verdict) {
    let (modes, profiles) = (&status.cluster_modes, &status.cluster_profiles);
    let from_disk =
        { modes.iter() }.any(|it| it.heard_time.is_none() && it.known > 0) || { profiles.iter() }
            .any(|it| it.heard_time.is_none() && it.objects > 0);
    let is_without = |heard: bool, known: u32| !heard && known == 0 && !from_disk;
    if let Some(modes) = modes {
        match modes.state() {
            State::Unspecified => verdict.reasons.push(
                "the API of the cluster has not been asked yet what namespaces ask for.".to_owned(),
            ),
            State::Connected => {}
            State::Retrying | State::Absent | State::Unsuitable => {
                if is_without(modes.heard_time.is_some(), modes.known) {
                    verdict.reasons.push(
                        "what namespaces ask for was never heard, and nothing of it is on disk: \
                         `lapwing status` says why."
                            .to_owned(),
                    );
                }
            }
        }
    }
    let Some(profiles) = profiles else {
        return;
    };
    match profiles.state() {
        State::Unspecified => verdict
            .reasons
            .push("the API of the cluster has not been asked yet for BehaviorProfiles.".to_owned()),
        State::Connected => verdict.notes.push(format!(
            "{} BehaviorProfiles are watched, {} are not obeyed.",
            profiles.objects, profiles.refused
        )),
        State::Retrying | State::Absent | State::Unsuitable => {
            if is_without(profiles.heard_time.is_some(), profiles.objects) {
                verdict.reasons.push(
                    "BehaviorProfiles were never had, and none is on disk: `lapwing status` says why."
                        .to_owned(),
                );
            } else {
                verdict.notes.push(
                    "BehaviorProfiles cannot be had, and are asked for again: what was known stays in \
                     force."
                        .to_owned(),
                );
            }
        }
    }
}

/// One that waits for certificates sees, keeps and delivers what containers do: nobody follows it over TCP yet, and an
/// update that stopped for that would keep other nodes from what is newer.
fn listener(status: &GetStatusResponse, verdict: &mut Verdict) {
    if { status.listener.iter() }.any(|listener| listener.waiting) {
        verdict.notes.push(
            "the API does not listen on the network yet, as files of certificates are missing: `lapwing \
             status` says which."
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::get_status_response::identity::Source;
    use lapwing_proto::v1::get_status_response::{
        ClusterModes, ClusterProfiles, Feed, Hook, Identity, Listener,
    };
    use std::sync::Arc;

    const MOVES: Duration = Duration::from_millis(200);

    fn hook(row: &str, tier: &str) -> Hook {
        Hook {
            row: row.to_owned(),
            tier: tier.to_owned(),
            ..Hook::default()
        }
    }

    fn good() -> GetStatusResponse {
        GetStatusResponse {
            hooks: ESSENTIAL.iter().map(|row| hook(row.id(), "A1")).collect(),
            feed: Some(Feed::default()),
            ..GetStatusResponse::default()
        }
    }

    fn said(status: GetStatusResponse) -> Verdict {
        ready(MOVES, &Ok(Arc::new(status)))
    }

    #[test]
    fn a_loop_that_stands_still_is_not_live() {
        assert_eq!(live(STILL).to_string(), "ok\n");
        let still = live(STILL + Duration::from_secs(2));
        assert_eq!(
            still.to_string(),
            "the loop that reads the rings has not moved for 32 s: nothing that containers do is seen.\n"
        );
        let ready = ready(STILL * 2, &Err(Silence::Late)).to_string();
        assert!(
            ready.contains("60 s") && ready.contains("within 2 s"),
            "{ready}"
        );
    }

    #[test]
    fn each_reason_is_a_line() {
        assert_eq!(said(good()).to_string(), "ok\n");
        let ends = ready(MOVES, &Err(Silence::Ended)).to_string();
        assert_eq!(ends, "the agent is ending.\n");
        let mut status = good();
        status.hooks.remove(0);
        status.hooks[0].tier.clear();
        status.feed = Some(Feed {
            trouble: "/var/lib/lapwing/feed: no space left".to_owned(),
            ..Feed::default()
        });
        let verdict = said(status);
        assert_eq!(verdict.reasons.len(), 3, "{verdict:?}");
        for (reason, part) in { verdict.reasons.iter() }.zip([
            ESSENTIAL[0].id(),
            ESSENTIAL[1].id(),
            "not written to disk",
        ]) {
            assert!(reason.contains(part), "{reason}");
        }
        assert!(!verdict.to_string().contains("/var"), "{verdict}");
    }

    #[test]
    fn a_row_that_may_lack_is_a_note() {
        let mut status = good();
        status.hooks.push(hook("dns.message", ""));
        let verdict = said(status).to_string();
        assert_eq!(
            verdict,
            "ok\nnot seen here, see `lapwing status`: dns.message.\n"
        );
    }

    #[test]
    fn the_watch_of_pods_is_waited_for_until_it_answers_or_does_not() {
        for (state, is_ready, part) in [
            (State::Unspecified, false, "has not been asked yet"),
            (State::Connected, true, "34 are known"),
            (State::Retrying, true, "does not answer"),
            (State::Unsuitable, true, "is not asked"),
        ] {
            let mut status = good();
            let source = Source {
                protocol: "kubernetes".to_owned(),
                state: state.into(),
                pods: 34,
                ..Source::default()
            };
            status.identity = Some(Identity {
                sources: vec![source],
                ..Identity::default()
            });
            let verdict = said(status);
            assert_eq!(verdict.reasons.is_empty(), is_ready, "{state:?}");
            assert!(verdict.to_string().contains(part), "{verdict}");
        }
    }

    #[test]
    fn profiles_of_the_cluster_are_waited_for_until_the_api_answers_or_does_not() {
        for (state, is_ready, part) in [
            (State::Unspecified, false, "has not been asked yet"),
            (
                State::Connected,
                true,
                "12 BehaviorProfiles are watched, 2 are not obeyed",
            ),
            (State::Retrying, true, "stays in force"),
        ] {
            let mut status = good();
            status.cluster_profiles = Some(ClusterProfiles {
                state: state.into(),
                objects: 12,
                refused: 2,
                ..ClusterProfiles::default()
            });
            let verdict = said(status);
            assert_eq!(verdict.reasons.is_empty(), is_ready, "{state:?}");
            assert!(verdict.to_string().contains(part), "{verdict}");
            let mut status = good();
            status.cluster_modes = Some(ClusterModes {
                state: state.into(),
                known: 1,
                ..ClusterModes::default()
            });
            assert_eq!(said(status).reasons.is_empty(), is_ready, "{state:?}");
        }
    }

    #[test]
    fn who_waits_for_certificates_is_ready_and_says_so() {
        let mut status = good();
        status.listener = Some(Listener {
            waiting: true,
            trouble: "missing: /run/secrets/lapwing-tls/tls.crt".to_owned(),
            ..Listener::default()
        });
        let verdict = said(status).to_string();
        assert!(
            verdict.starts_with("ok\nthe API does not listen"),
            "{verdict}"
        );
        assert!(!verdict.contains("/run"), "{verdict}");
        let mut status = good();
        status.listener = Some(Listener::default());
        assert_eq!(said(status).to_string(), "ok\n");
    }

    #[test]
    fn who_never_heard_of_profiles_and_has_none_on_disk_is_not_ready() {
        let heard = |is_heard: bool| is_heard.then(|| lapwing_proto::timestamp(1));
        // Of profiles and of what namespaces ask for: what is known, and whether the API told of it.
        for (profiles, modes, expected) in [
            // An API that is away: from the disk of either, or of none.
            ((0, false), (0, false), 2),
            ((3, false), (0, false), 0),
            ((0, false), (2, false), 0),
            // It was there since the start, and had none.
            ((0, true), (0, true), 0),
            // It has the one and refuses the other.
            ((0, false), (2, true), 1),
            ((0, true), (0, false), 1),
            ((3, true), (0, false), 1),
            // As before the right was taken away.
            ((3, false), (0, true), 0),
        ] {
            let mut status = good();
            status.cluster_profiles = Some(ClusterProfiles {
                state: State::Retrying.into(),
                objects: profiles.0,
                heard_time: heard(profiles.1),
                ..ClusterProfiles::default()
            });
            status.cluster_modes = Some(ClusterModes {
                state: State::Retrying.into(),
                known: modes.0,
                heard_time: heard(modes.1),
                ..ClusterModes::default()
            });
            let verdict = said(status);
            assert_eq!(
                verdict.reasons.len(),
                expected,
                "{profiles:?} {modes:?}: {verdict}"
            );
        }
    }
}
