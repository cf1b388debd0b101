//! The phase of what a record tells of: how the process came to be that did it.
//!
//! The kernel side tells what descends from a container's first program from what entered later. A
//! probe or a hook of the pod enters as a person does by `kubectl exec`; it is told by its command
//! ([`crate::container::commands`]), and with it all that descends from it. Nothing of the command is
//! in the key under which the kernel side asks for a verdict ([`lapwing_abi::key`]). So of what enters
//! a container of a pod nothing is said there, or a probe's verdict would stand for a person's shell:
//! the program that enters is always sent, and what it does is sent once a second.

use super::Scene;
use lapwing_abi::decode::Record;
use lapwing_abi::ids::Phase as Wire;
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::learn;
use lapwing_profile::profile::Profile;
use lapwing_proto::v1::process::Phase as Told;

/// Of a record; `None` for the runtime's own steps, which are nobody's behaviour.
pub fn of(record: &Record<'_>, scene: Scene<'_>) -> Option<Phase> {
    let phase = learn::phase(record.phase)?;
    let details = &scene.instance.details;
    if phase == Phase::Exec
        && details.may_be_commanded()
        && let Some(first) = scene.images.entered_by(record.header.exec)
        && details.is_commanded(&first.args, &first.entered)
    {
        return Some(Phase::Probe);
    }
    Some(details.phase(phase))
}

/// Whether what the kernel side knows of the phase does not tell which one it is.
pub fn is_open(record: &Record<'_>, scene: Scene<'_>) -> bool {
    record.phase == Wire::Exec && scene.instance.details.may_be_commanded()
}

/// The line that approves of an entry of a probe for whoever enters; `None` where the profile has
/// none, or one for probes. Before there were any, people wrote such lines for them.
pub fn approved_for_all(entry: &Entry, profile: &Profile) -> Option<Entry> {
    if entry.phase != Phase::Probe || profile.accepts(entry) || profile.is_refused(entry) {
        return None;
    }
    let entered = Entry {
        behaviour: entry.behaviour.clone(),
        phase: Phase::Exec,
    };
    profile.accepts(&entered).then_some(entered)
}

/// As it is reported.
pub const fn told(wire: Wire, phase: Phase) -> Told {
    match (wire, phase) {
        (_, Phase::Probe) => Told::Probe,
        (Wire::Unknown, _) => Told::Unspecified,
        (Wire::Runtime, _) => Told::Runtime,
        (Wire::Main, _) => Told::Main,
        (Wire::Exec, _) => Told::Exec,
        (Wire::Escaped, _) => Told::Escaped,
    }
}
