//! Capabilities that were used, and whether an exec may give more.

use crate::evidence::{Fact, Facts, Named, Seen};
use crate::set_id::SET_ID;
use crate::user::User;
use lapwing_profile::behaviour::{Behaviour, Privileged};
use lapwing_profile::text::basename;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is said where a port below 1024 is all that a capability is for.
const PORTS: &str = "not needed where the sysctl net.ipv4.ip_unprivileged_port_start is 0, which Kubernetes counts as safe";
/// What is said of the capability that makes others pointless.
const ADMIN: &str = "with SYS_ADMIN a container can do nearly all that root of the host can; \
                     Kubernetes gives such a container allowPrivilegeEscalation whatever is asked for";

/// What is said where the sensor shows none.
pub const UNSEEN: &str = "the agent's kernel shows no uses of capabilities (`lapwing doctor` says why): which are needed is \
                          not known, and none is dropped";
/// What is said where nobody knows whether it would have shown any.
const UNSURE: &str = "none was seen in use, and a file does not say whether the sensor could see uses (`lapwing doctor` \
                      says it of a kernel): which are needed is not known, and none is dropped; ask the agent instead";

/// Capabilities: all are dropped, and these added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Whether `drop: [ALL]` is advised: if uses are seen, or one was.
    pub drop_all: bool,
    /// What to know of it.
    pub note: Option<&'static str>,
    /// Those that were used, in order.
    pub add: Vec<Capability>,
    /// Those that have no name that a manifest knows.
    pub unnamed: Vec<Seen>,
}

/// A capability that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// Its name as manifests have it, without `CAP_`.
    pub name: String,
    /// Who used it, when, how often.
    pub because: Named,
    /// What to know of it.
    pub note: Option<&'static str>,
}

/// The capability in an entry, as manifests name it; an error where they have no name for it.
fn used(fact: &Fact) -> Option<Result<String, ()>> {
    match &fact.entry.behaviour {
        Behaviour::Privilege(it) if it.operation == Privileged::Capability => {
            let name = it.detail.strip_prefix("CAP_").unwrap_or_default();
            let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
            let named = !name.is_empty() && name.bytes().all(plain);
            Some(if named { Ok(name.to_owned()) } else { Err(()) })
        }
        _ => None,
    }
}

impl Capabilities {
    pub(crate) fn of(facts: &Facts, sees: Option<bool>) -> Self {
        let mut add: BTreeMap<String, Named> = BTreeMap::new();
        let mut unnamed = Vec::new();
        for fact in &facts.all {
            match used(fact) {
                Some(Ok(name)) => add.entry(name).or_default().push(fact.seen.clone()),
                Some(Err(())) => unnamed.push(fact.seen.clone()),
                None => {}
            }
        }
        let add = add.into_iter().map(|(name, because)| Capability {
            note: match &*name {
                "NET_BIND_SERVICE" => Some(PORTS),
                "SYS_ADMIN" => Some(ADMIN),
                _ => None,
            },
            name,
            because,
        });
        let add: Vec<Capability> = add.collect();
        let is_seen = !add.is_empty() || !unnamed.is_empty();
        Self {
            drop_all: sees.unwrap_or(is_seen),
            note: match sees {
                Some(false) => Some(UNSEEN),
                None if !is_seen => Some(UNSURE),
                Some(true) | None => None,
            },
            add,
            unnamed,
        }
    }

    /// The names that are added.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.add.iter().map(|one| &*one.name).collect()
    }
}

/// Whether an exec may give rights that the caller does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Escalation {
    /// Whether `allowPrivilegeEscalation: false` is advised.
    pub forbid: bool,
    /// Why.
    pub why: String,
    /// What speaks against it.
    pub because: Named,
}

impl Escalation {
    /// Of a container that is left privileged.
    pub(crate) fn of_privileged() -> Self {
        Self {
            forbid: false,
            why: "the API takes it of no container that is privileged, and this one is left so"
                .to_owned(),
            because: Named::default(),
        }
    }

    pub(crate) fn of(facts: &Facts, user: &User, capabilities: &Capabilities) -> Self {
        let no = |why: &str, because: Named| Self {
            forbid: false,
            why: why.to_owned(),
            because,
        };
        let set_id: Named = (facts.all.iter())
            .filter(|fact| is_set_id(fact))
            .map(|fact| fact.seen.clone())
            .collect();
        if !set_id.is_empty() {
            return no(
                "programs were executed that distributions install with set-id bits or with capabilities of their files, \
                 or such bits were set: neither has an effect then",
                set_id,
            );
        }
        if !capabilities.drop_all {
            return no(
                "unknown: whether uses of capabilities, which a file may give, would have been seen is not known, or they are not",
                Named::default(),
            );
        }
        // Root has capabilities by being root; another has them by an exec, or kept them.
        let by_others: Named = (facts.all.iter())
            .filter(|fact| used(fact).is_some())
            .filter(|fact| fact.seen.uids.iter().any(|uid| *uid != 0))
            .map(|fact| fact.seen.clone())
            .collect();
        if !by_others.is_empty() {
            return no(
                "capabilities were used by others than root: a file may have given them, which it cannot then",
                by_others,
            );
        }
        let admin = capabilities.names().contains(&"SYS_ADMIN");
        if admin {
            return no(ADMIN, Named::default());
        }
        if let ([_, .., last], true) = (&user.uids[..], user.is_namespaced()) {
            let why = format!(
                "unknown: ids up to {last} may be of a user namespace, in which one of them is root"
            );
            return no(&why, Named::default());
        }
        // Those that entered the container too: an exec probe may become root as well.
        let root = |fact: &Fact| fact.seen.uids.contains(&0);
        let other = |fact: &Fact| fact.seen.uids.iter().any(|uid| *uid != 0);
        let (some_root, some_other) = facts.all.iter().fold((false, false), |(a, b), fact| {
            (a || root(fact), b || other(fact))
        });
        let drops = capabilities.names().contains(&"SETUID");
        let why = match (&user.uids[..], some_root && some_other) {
            ([], _) => {
                return no(
                    "unknown: the profile tells no user ids, nor which programs have set-id bits",
                    Named::default(),
                );
            }
            (_, true) if !drops => {
                return no(
                    "root and others were seen, and nobody used SETUID to become another: one may have \
                     become root by a set-id program",
                    Named::default(),
                );
            }
            (_, true) => "root became another user by SETUID, and nothing points to the reverse",
            (_, false) if some_root => "only root was seen, to whom an exec gives nothing more",
            (_, false) => "root was never seen, so nobody became root by an exec",
        };
        Self {
            forbid: true,
            why: format!(
                "{why}; no program was executed that usually has set-id bits (the bits themselves are not recorded)"
            ),
            because: Named::default(),
        }
    }
}

/// Whether a program is executed by a name, or from a file, that usually has set-id bits; or such bits
/// are set.
fn is_set_id(fact: &Fact) -> bool {
    match &fact.entry.behaviour {
        Behaviour::Exec(exec) => {
            let name = exec.name.as_deref();
            let mut names = name.into_iter().chain([basename(&exec.path)]);
            names.any(|name| SET_ID.contains(&name))
        }
        Behaviour::File(file) => file.set_id.is_some(),
        Behaviour::Egress(_)
        | Behaviour::Listen(_)
        | Behaviour::Dns(_)
        | Behaviour::Privilege(_) => false,
    }
}
