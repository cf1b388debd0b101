//! The user: whether the container has to be root.
//!
//! A profile knows the user ids of those who did what its entries say, in the host's numbering and of
//! the first times only. Root that was seen is sure; that nobody else was is as sure as the profile.
//! Whether the container has a user namespace nobody tells, and in one of a rootless runtime a person's
//! id is root's inside: so what is advised says whose numbering it is.

use crate::evidence::{Facts, Named};
use crate::image::{About, Configured};
use lapwing_profile::behaviour::{Behaviour, Privileged};
use serde::Serialize;
use std::collections::BTreeSet;

/// Ids from here on may be those of a user namespace, in which 0 is another number outside.
const NAMESPACED: u32 = 1 << 16;

/// What is said where a user is advised.
const NUMBERING: &str = "ids are the host's numbering: with user namespaces (rootless runtimes, hostUsers: false) they are \
                         others inside, where one of these may be root; see `id` in the container before it is applied";
/// Why the one is not advised without the other.
const UNNAMED: &str = "not advised: runAsNonRoot alone keeps a pod from starting where the image names its USER by a name; \
                       give the manifest with a runAsUser (--pod), the image (--image), or set one of these";

/// What is advised of `runAsNonRoot` and `runAsUser`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Whether `runAsNonRoot: true` is advised: with a `runAsUser`, or where the pod has one. Without, the
    /// kubelet starts no container whose image names its user by a name.
    pub non_root: bool,
    /// `runAsUser`, where one user did all, or the image names one of several by a name.
    pub run_as: Option<u32>,
    /// The group of that user, where the image names both and so the container has it already.
    pub group: Option<u32>,
    /// The ids that were seen, real and effective, in the host's numbering.
    pub uids: Vec<u32>,
    /// Whether there were more.
    pub more: bool,
    /// Why.
    pub why: String,
    /// What to look at before it is applied.
    pub note: Option<&'static str>,
    /// What becomes of the group where the user is set without it.
    pub group_note: Option<String>,
    /// What root did that needs root, or a change to work without.
    pub as_root: Named,
}

impl User {
    /// `pods` is the `runAsUser` that the pod has; `sees`, whether uses of capabilities are seen.
    pub(crate) fn of(
        facts: &Facts,
        pods: Option<i64>,
        sees: Option<bool>,
        image: Option<&About>,
    ) -> Self {
        // What another image names says nothing of who was seen.
        let image = { image.filter(|it| it.is_of_profile()) }.and_then(|it| it.user.as_ref());
        let uids: BTreeSet<u32> = (facts.all.iter())
            .flat_map(|fact| fact.seen.uids.iter().copied())
            .collect();
        let more = facts.all.iter().any(|fact| fact.seen.more_uids);
        let untold = (facts.all.iter()).filter(|fact| fact.seen.uids.is_empty());
        let untold = match untold.count() {
            0 => String::new(),
            count => format!("; of {count} entries nobody told the user"),
        };
        let list: Vec<String> = uids.iter().map(u32::to_string).collect();
        let list = list.join(", ");
        let mut user = Self {
            non_root: false,
            run_as: None,
            group: None,
            more,
            why: String::new(),
            note: None,
            group_note: None,
            as_root: Named::default(),
            uids: uids.iter().copied().collect(),
        };
        match &user.uids[..] {
            [] => {
                user.why =
                    "not observed: the profile tells no user ids, and none is guessed".to_owned();
            }
            [0, rest @ ..] => {
                user.as_root = root_does(facts);
                let others = match rest {
                    [] => String::new(),
                    _ => ", and others beside it".to_owned(),
                };
                let next = match user.as_root.is_empty() {
                    true if sees != Some(true) => {
                        "whether root used capabilities, which decides whether another user may do, was not seen"
                    }
                    true => {
                        "no capability was used, so another user may do, if the files are readable and \
                         the folders writable for it: try runAsUser"
                    }
                    false => "what root used capabilities for decides whether another user may do",
                };
                user.why = format!("blocked: user 0 was seen{others} ({list}){untold}; {next}");
            }
            [..] if user.is_namespaced() => {
                user.why = format!(
                    "unknown: ids are the host's ({list}), and those from {NAMESPACED} on may be of a user \
                     namespace, in which one of them is root{untold}"
                );
            }
            [only] if !more => {
                user.non_root = true;
                user.run_as = Some(*only);
                user.why = format!("user {only} alone was seen{untold}");
            }
            _ => {
                user.non_root = pods.is_some_and(|uid| uid > 0);
                let then = match (user.non_root, image) {
                    (true, _) => "runAsUser is left as the pod has it",
                    // The pod says root, whatever was seen.
                    (false, Some(image)) if pods.is_none() => user.by_image(image),
                    (false, _) => UNNAMED,
                };
                user.why = format!("users {list} were seen and root was not{untold}; {then}");
            }
        }
        if let Some(image) = image {
            user.look_at(image);
        }
        user.note = user.non_root.then_some(NUMBERING);
        user
    }

    /// Where several were seen: a container that begins as one of them, by the image, does so with it set.
    fn by_image(&mut self, image: &Configured) -> &'static str {
        match image.uid {
            Some(uid) if self.uids.contains(&uid) => {
                self.non_root = true;
                self.run_as = image.named.then_some(uid);
                match image.named {
                    true => {
                        "the image names one of them as its USER, by a name, and so runAsUser is its id"
                    }
                    false => {
                        "the image names one of them as its USER, by a number, so runAsNonRoot is enough"
                    }
                }
            }
            Some(_) => {
                "not advised: the image names none of them as its USER, so who the container begins as is not known: \
                 give the manifest with a runAsUser (--pod)"
            }
            None => UNNAMED,
        }
    }

    /// What the image's user says of those who were seen.
    fn look_at(&mut self, image: &Configured) {
        let text = &image.text;
        let says = match (image.uid, &self.uids[..]) {
            (_, []) => format!("the image's USER is {text}, where the pod sets no other"),
            (Some(0), [0, ..]) => {
                format!("the image's USER is {text}: to be another, set USER there or runAsUser")
            }
            (Some(uid), [0, ..]) if uid != 0 => format!(
                "the image's USER is {text}: root comes of the pod's runAsUser, of a set-id program or of an exec"
            ),
            (Some(uid), seen) if seen.contains(&uid) => format!("the image's USER is {text}"),
            _ => format!(
                "the image's USER is {text}, which is none of these: the pod or a program chose"
            ),
        };
        self.why.push_str("; ");
        self.why.push_str(&says);
        let (Some(user), Some(gid)) = (self.run_as.filter(|_| self.non_root), image.gid) else {
            return;
        };
        if image.uid == Some(user) {
            self.group = Some(gid);
            self.group_note = (gid != image.usual_gid).then(|| {
                format!(
                    "the image's USER has the group {gid}, and with runAsUser alone it is {}: set runAsGroup: {gid} as \
                     well, unless the pod has one",
                    image.usual_gid
                )
            });
        }
    }

    /// Whether ids were seen that are usually those of a user namespace.
    pub(crate) fn is_namespaced(&self) -> bool {
        self.uids.last().is_some_and(|last| *last >= NAMESPACED)
    }
}

/// Capabilities that root used.
fn root_does(facts: &Facts) -> Named {
    let all = facts.all.iter().filter(|fact| {
        fact.seen.uids.contains(&0)
            && matches!(&fact.entry.behaviour,
                Behaviour::Privilege(it) if it.operation == Privileged::Capability)
    });
    all.map(|fact| fact.seen.clone()).collect()
}
