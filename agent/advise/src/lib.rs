//! From what a container was seen to do to a tighter pod. Pure: a profile in, advice out; no I/O and
//! no clock.
//!
//! # How advice follows from evidence
//!
//! Advice is drawn from the approved entries of a profile, of processes of the container and of those
//! that entered it from outside (an exec probe is one of these). Every piece of it names the entries
//! it follows from ([`evidence::Seen`]), and what it does not follow from it does not say:
//!
//! | setting | follows from | is not advised where |
//! |---|---|---|
//! | `readOnlyRootFilesystem` and `emptyDir`s ([`root`]) | changes to files on the container's own root | one lies in a folder that cannot be covered, or cannot be placed; a rename or link would cross mounts |
//! | `sizeLimit` of these ([`root::Size`]) | the most bytes that were seen in them | nobody looked, or a look did not see all |
//! | `runAsNonRoot`, `runAsUser` ([`user`]) | the user ids of those who did what the entries say | one of them is 0, or none was told; several, and neither the pod has a `runAsUser` nor the image a `USER` of them |
//! | capabilities ([`capability`]) | those that were used | the sensor could not see uses (not every kernel shows them), or nobody knows whether it could |
//! | `allowPrivilegeEscalation` ([`capability`]) | user ids, capabilities and names of programs | something may have gained rights by an exec |
//! | `privileged: false` ([`privileged`]) | changes to the kernel's own files | there are some, where others than privileged ones cannot write |
//! | `seccompProfile` ([`seccomp`]) | system calls, where they were recorded; without, `RuntimeDefault` is every runtime's own | something was done that the latter may refuse |
//! | network policies ([`network`]) | peers and sockets that wait | a peer has no form in a policy: it is listed |
//!
//! A profile says what was seen, not what can happen. So the advice carries [`basis::Basis`]: for how
//! long and in how many instances the workload was observed, what was lost, and why all of it is
//! incomplete where it is. No output leaves that out.
//!
//! Names come from containers and may hold anything. Documents are made as values and written by the
//! YAML library ([`document`]); nothing of a container is ever put into a document as text.
#![forbid(unsafe_code)]

pub mod admission;
pub mod apparmor;
pub mod basis;
pub mod capability;
pub mod document;
pub mod evidence;
pub mod image;
pub mod manifest;
pub mod names;
pub mod network;
pub mod policy;
pub mod privileged;
pub mod root;
pub mod score;
pub mod seccomp;
mod set_id;
pub mod user;
pub mod whole;

use basis::Basis;
use capability::{Capabilities, Escalation};
use evidence::Facts;
use image::{About, Contents};
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::inventory::Inventory;
use lapwing_profile::profile::Profile;
use lapwing_profile::workload::Workload;
use manifest::{HOST_NETWORK, Pod};
use network::Network;
use privileged::Privileged;
use root::Root;
use score::Score;
use seccomp::Seccomp;
use serde::Serialize;
use user::User;

/// What is known beside the profile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The conditions of learning that do not hold, by whoever keeps the profile; where nobody says,
    /// the default ones are asked.
    pub unmet: Option<&'a [String]>,
    /// Whether the sensor sees uses of capabilities; `None` where nobody says.
    pub sees_capabilities: Option<bool>,
    /// What there is already.
    pub pod: Option<&'a Pod>,
    /// Which files of its image the workload was seen to use; `None` where nobody says.
    pub used: Option<&'a Inventory>,
    /// The image that it runs, or is to run; `None` where nobody read one.
    pub image: Option<&'a dyn Contents>,
}

/// Advice for one container.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// Whose profile it follows from.
    pub workload: Workload,
    /// What it rests on.
    pub basis: Basis,
    /// Which image was read; `None` where none was.
    pub image: Option<About>,
    /// The root file system.
    pub root: Root,
    /// The user.
    pub user: User,
    /// Capabilities.
    pub capabilities: Capabilities,
    /// Whether an exec may gain rights.
    pub escalation: Escalation,
    /// Whether it may be kept from being privileged.
    pub privileged: Privileged,
    /// System calls.
    pub seccomp: Seccomp,
    /// Peers.
    pub network: Network,
    /// What the pod has of it; `None` where no manifest was given.
    pub score: Option<Score>,
}

impl Advice {
    /// Advises.
    #[must_use]
    pub fn of(profile: &Profile, given: &Given<'_>) -> Self {
        let progress = profile.progress(&Settings::default());
        let pod = given.pod;
        let facts = Facts::of(profile);
        let root = Root::of(
            &facts,
            pod.map_or(&[][..], |pod| &pod.mounts[..]),
            given,
            &profile.written,
        );
        let about = given.image.map(Contents::about);
        let user = User::of(
            &facts,
            pod.and_then(|pod| pod.applied.user),
            given.sees_capabilities,
            about,
        );
        let capabilities = Capabilities::of(&facts, given.sees_capabilities);
        let applied = pod.map(|pod| &pod.applied);
        let privileged = Privileged::of(&facts, applied);
        let escalation = match privileged.forbid {
            true => Escalation::of(&facts, &user, &capabilities),
            false => Escalation::of_privileged(),
        };
        let seccomp = Seccomp::of(profile, &facts, &capabilities, applied);
        let mut advice = Self {
            workload: profile.workload.clone(),
            basis: Basis::of(profile, &progress, given, &facts),
            image: about.cloned(),
            root,
            user,
            capabilities,
            escalation,
            privileged,
            seccomp,
            network: Network {
                is_host: pod.is_some_and(|pod| pod.applied.host.contains(&HOST_NETWORK)),
                others: pod.map_or_else(Vec::new, |pod| pod.others.clone()),
                ..Network::of(&facts)
            },
            score: None,
        };
        advice.score = pod.map(|pod| Score::of(pod, &advice));
        advice
    }
}
