//! What each metric says of a snapshot.

use super::Snapshot;
use super::families::Family;
use super::text::{Number, Sample};
use crate::judge::report;
use crate::kernel::fill::Fill;
use crate::pipeline::{UserLoss, hides_behaviours};
use lapwing_abi::ids::Loss;
use lapwing_profile::rule::Rule;
use lapwing_proto::Timestamp;
use lapwing_proto::v1::behaviour::Outcome;
use lapwing_proto::v1::get_status_response::identity::source::State as SourceState;
use lapwing_proto::v1::get_status_response::sink::State as SinkState;
use lapwing_proto::v1::get_status_response::{
    Feed, Held, Hook, Identity, Sink, Sizes, Table, Watch, identity::Source,
};
use lapwing_proto::v1::{GetStatusResponse, Mode};
use std::collections::BTreeMap;

const MODES: [(Mode, &str); 3] = [
    (Mode::Learning, "learning"),
    (Mode::Review, "review"),
    (Mode::Monitoring, "monitoring"),
];
const VERDICTS: [(Outcome, &str); 5] = [
    (Outcome::Known, "known"),
    (Outcome::Learned, "learned"),
    (Outcome::Deviation, "deviation"),
    (Outcome::RefusedFull, "refused_full"),
    (Outcome::Unspecified, "unnamed"),
];
/// In place of a hook, of what the agent found out by itself.
const BY_ITSELF: &str = "agent";
const SINK_STATES: [(SinkState, &str); 3] = [
    (SinkState::Delivering, "delivering"),
    (SinkState::Retrying, "retrying"),
    (SinkState::Blocked, "blocked"),
];
const SOURCE_STATES: [(SourceState, &str); 4] = [
    (SourceState::Connected, "connected"),
    (SourceState::Retrying, "retrying"),
    (SourceState::Absent, "absent"),
    (SourceState::Unsuitable, "unsuitable"),
];

/// The samples of a family; none where nothing is known of it.
pub fn of(family: Family, snapshot: &Snapshot) -> Vec<Sample> {
    let process = &snapshot.process;
    match family {
        Family::Ready => plain(snapshot.ready),
        Family::PipelineQuiet => plain(Number::Real(snapshot.quiet.as_secs_f64())),
        Family::HttpRefused => plain(snapshot.refused),
        Family::RingWaiting => rings(snapshot, |fill| fill.waiting),
        Family::RingHighest => rings(snapshot, |fill| fill.highest),
        Family::RingSize => rings(snapshot, |fill| fill.size),
        Family::CpuSeconds => plain(Number::Real(process.cpu)),
        Family::Memory => plain(process.memory),
        Family::OpenFiles => optional(process.files),
        Family::MaxFiles => optional(process.files_max),
        _ => match &snapshot.status {
            Some(status) if status.fleet.is_none() || is_shared(family) => {
                of_status(family, status)
            }
            Some(_) | None => Vec::new(),
        },
    }
}

/// What a controller has too; the rest is of a sensor.
const fn is_shared(family: Family) -> bool {
    use Family::{
        BuildInfo, FeedItems, FeedSubscribers, ListenerConnections, ListenerDenied, ListenerExpiry,
        ListenerListens, ListenerRefused, StartTime, WatchHeard, WatchLeftOut, WatchSynced,
    };
    super::fleet::is_of(family)
        || matches!(
            family,
            BuildInfo
                | FeedItems
                | FeedSubscribers
                | ListenerConnections
                | ListenerDenied
                | ListenerExpiry
                | ListenerListens
                | ListenerRefused
                | StartTime
                | WatchHeard
                | WatchLeftOut
                | WatchSynced
        )
}

fn of_status(family: Family, status: &GetStatusResponse) -> Vec<Sample> {
    let feed = |read: fn(&Feed) -> Number| optional(status.feed.as_ref().map(read));
    let spool = |read: fn(&lapwing_proto::v1::get_status_response::Spool) -> u64| {
        let spool = status.feed.as_ref().and_then(|feed| feed.spool.as_ref());
        optional(spool.map(read))
    };
    let sizes = |read: fn(&Sizes) -> u32| optional(status.sizes.as_ref().map(read));
    let held = |read: fn(&Held) -> Number| optional(status.held.as_ref().map(read));
    let identity = |read: fn(&Identity) -> Number| optional(status.identity.as_ref().map(read));
    let api = status.listener.as_ref();
    let pods = { status.identity.iter().flat_map(|it| &it.sources) }
        .find(|source| source.protocol == "kubernetes");
    if let Some(fleet) = &status.fleet
        && super::fleet::is_of(family)
    {
        return super::fleet::of(family, fleet);
    }
    match family {
        Family::BuildInfo => vec![sample([&status.version, &status.kernel], 1u64)],
        Family::StartTime => time(status.start_time.as_ref()),
        Family::HookAttached => { status.hooks.iter() }
            .map(|hook| match hook.tier.as_str() {
                "" => sample([&*hook.row, "none"], false),
                tier => sample([&*hook.row, tier], true),
            })
            .collect(),
        Family::HookEvents => hooks(status, |hook| hook.hits),
        Family::HookRecalled => hooks(status, |hook| hook.recalled),
        Family::Records => plain(status.records),
        Family::Judged => judged(status),
        Family::Repeats => held(|held| held.repeats.into()),
        Family::Violations => violations(status),
        Family::ViolationsEndedEarly => plain(status.violations_ended_early),
        Family::ViolationsForgotten => plain(status.violations_forgotten),
        Family::Lost => lost(status),
        Family::Profiles => MODES
            .map(|(mode, word)| {
                let of_mode = status.profiles.iter().filter(|it| it.mode() == mode);
                sample([word], of_mode.count() as u64)
            })
            .into(),
        Family::EntriesPending => {
            let pending = status.profiles.iter().map(|it| u64::from(it.pending));
            plain(pending.sum::<u64>())
        }
        Family::Containers => plain(status.containers),
        Family::Processes => plain(status.processes),
        Family::MapEntries => tables(status, |table| table.entries),
        Family::MapEntriesMax => tables(status, |table| table.entries_max),
        Family::SeenContainers => held(|held| held.containers.into()),
        Family::SeenBehaviours => held(|held| held.behaviours.into()),
        Family::SeenBehavioursMax => sizes(|sizes| sizes.behaviours),
        Family::SeenRefused => held(|held| held.refused.into()),
        // The first has the number 1.
        Family::FeedItems => feed(|feed| feed.next.saturating_sub(1).into()),
        Family::FeedBytes => spool(|spool| spool.bytes),
        Family::FeedSegments => spool(|spool| spool.segments),
        Family::FeedWritten => spool(|spool| spool.written_bytes),
        Family::FeedHealthy => feed(|feed| feed.trouble.is_empty().into()),
        Family::FeedSubscribers => feed(|feed| feed.subscribers.into()),
        Family::FeedConsumers => feed(|feed| (feed.consumers.len() as u64).into()),
        Family::FeedConsumerBehind => feed(|feed| {
            let behind = feed.consumers.iter().map(|consumer| consumer.behind);
            behind.max().unwrap_or_default().into()
        }),
        Family::SinkState => { status.sinks.iter() }
            .flat_map(|sink| {
                let now = sink.state();
                SINK_STATES.map(|(state, word)| sample([&*sink.name, word], state == now))
            })
            .collect(),
        Family::SinkDelivered => sinks(status, |sink| sink.delivered),
        Family::SinkDeliveredBytes => sinks(status, |sink| sink.bytes),
        Family::SinkRetried => sinks(status, |sink| sink.retried),
        Family::SinkRefused => { status.sinks.iter() }
            .flat_map(|sink| {
                let each = sink.refused.iter();
                each.map(|loss| sample([&*sink.name, &loss.reason], loss.count))
            })
            .collect(),
        Family::SinkBehind => sinks(status, |sink| sink.behind),
        Family::SinkError => sink_times(status, |sink| sink.last_error_time.as_ref()),
        Family::SinkSuccess => sink_times(status, |sink| sink.last_delivered.as_ref()),
        Family::SourceState => { status.identity.iter().flat_map(|it| &it.sources) }
            .flat_map(|source| {
                let now = source.state();
                SOURCE_STATES.map(|(state, word)| {
                    sample([&*source.protocol, &source.path, word], state == now)
                })
            })
            .collect(),
        Family::SourceTold => sources(status, |source| source.told),
        Family::SourceFailed => sources(status, |source| source.failed),
        Family::IdentityAsked => { status.identity.iter() }
            .flat_map(|it| {
                [
                    ("told", it.told),
                    ("unknown", it.unknown),
                    ("refused", it.refused),
                ]
                .map(|(answer, count)| sample([answer], count))
            })
            .collect(),
        Family::IdentityWaiting => identity(|it| it.waiting.into()),
        Family::IdentityLate => identity(|it| it.late.into()),
        Family::WatchSynced => watches(status, |it| {
            Some((it.state() == SourceState::Connected).into())
        }),
        Family::WatchHeard => watches(status, |it| it.heard_time.as_ref().map(seconds)),
        Family::WatchLeftOut => watches(status, |it| Some(it.left_out.into())),
        Family::PodWatchPods => optional(pods.map(|it| it.pods)),
        Family::PodWatchBefore => optional(pods.map(|it| it.told_before)),
        Family::ProfilesGaveWay => {
            optional({ status.cluster_profiles.as_ref() }.map(|profiles| profiles.gave_way))
        }
        Family::ListenerListens => optional(api.map(|api| !api.waiting)),
        Family::ListenerConnections => optional(api.map(|api| api.connections)),
        Family::ListenerRefused => optional(api.map(|api| api.refused)),
        Family::ListenerDenied => optional(api.map(|api| api.denied)),
        Family::ListenerExpiry => time(api.and_then(|api| api.certificate_expires.as_ref())),
        // Known without the pipeline.
        Family::Ready
        | Family::PipelineQuiet
        | Family::HttpRefused
        | Family::RingWaiting
        | Family::RingHighest
        | Family::RingSize
        | Family::CpuSeconds
        | Family::Memory
        | Family::OpenFiles
        | Family::MaxFiles => Vec::new(),
        // Of a controller.
        Family::ControllerLeads
        | Family::ControllerAgents
        | Family::ControllerSilent
        | Family::ControllerRelayed
        | Family::ControllerLag
        | Family::ControllerLost
        | Family::LearnedProfiles
        | Family::LearnedProfilesMax
        | Family::LearnedBytes
        | Family::LearnedMaxBytes
        | Family::LearnedNodes
        | Family::LearnedReports
        | Family::LearnedRefused
        | Family::LearnedUnwritten
        | Family::LearnedFailing
        | Family::Standing
        | Family::StandingRefused
        | Family::StandingNodes
        | Family::StandingUnwritten
        | Family::StandingFailing
        | Family::ApiRequests
        | Family::ApiWritten => Vec::new(),
    }
}

/// Every hook that is attached, and the agent, with every verdict, so that a rise from nothing is
/// seen as one.
fn judged(status: &GetStatusResponse) -> Vec<Sample> {
    let attached = status.hooks.iter().filter(|hook| !hook.tier.is_empty());
    let hooks = attached.map(|hook| hook.row.as_str()).chain([""]);
    hooks
        .flat_map(|hook| {
            VERDICTS.map(|(outcome, word)| {
                let of_hook = { status.judged.iter() }
                    .filter(|it| it.hook == hook && it.outcome() == outcome);
                let label = if hook.is_empty() { BY_ITSELF } else { hook };
                sample([label, word], of_hook.map(|it| it.count).sum::<u64>())
            })
        })
        .collect()
}

/// Every rule at its own severity, and what was reported of others.
fn violations(status: &GetStatusResponse) -> Vec<Sample> {
    let zeros = Rule::ALL.iter().map(|rule| {
        let severity = report::severity(rule.severity());
        ((rule.id(), severity.as_str_name()), 0)
    });
    let mut counts: BTreeMap<_, u64> = zeros.collect();
    for reported in &status.reported {
        let key = (reported.rule.as_str(), reported.severity().as_str_name());
        *counts.entry(key).or_default() += reported.count;
    }
    { counts.into_iter() }
        .map(|((rule, severity), count)| sample([rule, &severity.to_lowercase()], count))
        .collect()
}

/// Every reason, so that a rise from nothing is seen as one.
fn lost(status: &GetStatusResponse) -> Vec<Sample> {
    let count = |name: &str| {
        let loss = status.losses.iter().find(|loss| loss.reason == name);
        loss.map_or(0, |loss| loss.count)
    };
    let kernel = Loss::ALL.iter().map(|reason| ("kernel", reason.name()));
    let agent = UserLoss::ALL.iter().map(|reason| ("agent", reason.name()));
    let mut lost: Vec<Sample> = { kernel.chain(agent) }
        .map(|(stage, name)| {
            let hides = if hides_behaviours(name) {
                "true"
            } else {
                "false"
            };
            sample([stage, name, hides], count(name))
        })
        .collect();
    let feed = status.feed.as_ref().map_or(0, |feed| feed.lost);
    lost.push(sample(["feed", "not-written", "true"], feed));
    lost
}

fn hooks(status: &GetStatusResponse, read: fn(&Hook) -> u64) -> Vec<Sample> {
    let each = status.hooks.iter();
    each.map(|hook| sample([&*hook.row], read(hook))).collect()
}

fn tables(status: &GetStatusResponse, read: fn(&Table) -> u32) -> Vec<Sample> {
    let each = status.tables.iter();
    each.map(|table| sample([&*table.name], read(table)))
        .collect()
}

fn rings(snapshot: &Snapshot, read: fn(&Fill) -> u64) -> Vec<Sample> {
    let each = snapshot.rings.iter();
    each.map(|fill| sample([fill.ring], read(fill))).collect()
}

fn sinks(status: &GetStatusResponse, read: fn(&Sink) -> u64) -> Vec<Sample> {
    let each = status.sinks.iter();
    each.map(|sink| sample([&*sink.name], read(sink))).collect()
}

fn sink_times(status: &GetStatusResponse, read: fn(&Sink) -> Option<&Timestamp>) -> Vec<Sample> {
    let each = status.sinks.iter();
    each.filter_map(|sink| Some(sample([&*sink.name], seconds(read(sink)?))))
        .collect()
}

fn watches(status: &GetStatusResponse, read: fn(&Watch) -> Option<Number>) -> Vec<Sample> {
    let each = status.watches.iter();
    each.filter_map(|watch| Some(sample([&*watch.what], read(watch)?)))
        .collect()
}

fn sources(status: &GetStatusResponse, read: fn(&Source) -> u64) -> Vec<Sample> {
    { status.identity.iter().flat_map(|it| &it.sources) }
        .map(|source| sample([&*source.protocol, &source.path], read(source)))
        .collect()
}

pub(super) fn sample<const LABELS: usize, Label: AsRef<str>>(
    labels: [Label; LABELS],
    value: impl Into<Number>,
) -> Sample {
    Sample {
        labels: labels.map(|label| label.as_ref().to_owned()).into(),
        value: value.into(),
    }
}

pub(super) fn plain(value: impl Into<Number>) -> Vec<Sample> {
    vec![sample::<0, &str>([], value)]
}

pub(super) fn optional(value: Option<impl Into<Number>>) -> Vec<Sample> {
    value.map(plain).unwrap_or_default()
}

fn time(at: Option<&Timestamp>) -> Vec<Sample> {
    optional(at.map(seconds))
}

/// Since the Unix epoch.
fn seconds(at: &Timestamp) -> Number {
    Number::Real(at.seconds as f64 + f64::from(at.nanos) / 1e9)
}
