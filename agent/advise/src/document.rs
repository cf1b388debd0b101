//! The documents: patch, Compose service, admission policy.
//!
//! They are values, and the YAML library writes them. What readers of YAML 1.1 would take for something
//! else than text (`yes`, `017`, `1e3`) it quotes. Above them stand comments,
//! of which each is one line in which nothing is hidden.

use crate::Advice;
use crate::admission;
use crate::evidence::Named;
use crate::manifest::{List, Shape};
use crate::names;
use crate::policy::Selects;
use crate::privileged::WRITES;
use crate::root::{EVICTED, Folder};
use lapwing_profile::text::visible;
use serde::Serialize;
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;
use std::collections::{BTreeMap, BTreeSet};

/// Which container a document is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How deep the pod lies in what is patched.
    pub shape: Shape,
    /// The container's name.
    pub container: String,
    /// Which list of the pod it stands in.
    pub list: List,
    /// Whether the seccomp profile that is there already stays, because it is a narrower one.
    pub keeps_seccomp: bool,
    /// The file of the profile that was made of the recorded calls, below the kubelet's folder for them;
    /// none for the runtime's own profile.
    pub localhost: Option<String>,
    /// Names of volumes that the pod has already.
    pub volumes: BTreeSet<String>,
}

/// A strategic merge patch of what makes the pod, for `kubectl patch --patch-file`.
#[must_use]
pub fn patch(advice: &Advice, target: &Target) -> Value {
    let mut security = Map::new();
    let mut set = |key: &str, value: Value| security.insert(key.to_owned(), value);
    if advice.capabilities.drop_all {
        let add = advice.capabilities.names();
        set("capabilities", json!({"drop": ["ALL"], "add": add}));
    }
    if advice.privileged.forbid {
        set("privileged", false.into());
    }
    if advice.escalation.forbid {
        set("allowPrivilegeEscalation", false.into());
    }
    if advice.user.non_root {
        set("runAsNonRoot", true.into());
        if let Some(user) = advice.user.run_as {
            set("runAsUser", user.into());
        }
    }
    if let Some(file) = &target.localhost {
        set(
            "seccompProfile",
            json!({"type": "Localhost", "localhostProfile": file}),
        );
    } else if advice.seccomp.default && !target.keeps_seccomp {
        set("seccompProfile", json!({"type": "RuntimeDefault"}));
    }
    if advice.root.read_only {
        set("readOnlyRootFilesystem", true.into());
    }
    let mut container = json!({"name": target.container, "securityContext": security});
    let mut pod = Map::new();
    if advice.root.read_only && !advice.root.folders.is_empty() {
        let mut named: Vec<(String, &Folder)> = Vec::new();
        for folder in &advice.root.folders {
            let is_taken = |name: &str| {
                target.volumes.contains(name) || named.iter().any(|(other, _)| other == name)
            };
            let name = names::volume(&target.container, &folder.path, is_taken);
            named.push((name, folder));
        }
        let mount =
            |(name, folder): &(String, &Folder)| json!({"name": name, "mountPath": folder.path});
        let volume = |(name, folder): &(String, &Folder)| {
            let limit = folder.size.quantity();
            let limit: Map<_, _> = (limit.into_iter())
                .map(|limit| ("sizeLimit".to_owned(), limit.into()))
                .collect();
            json!({"name": name, "emptyDir": limit})
        };
        container["volumeMounts"] = named.iter().map(mount).collect();
        pod.insert("volumes".to_owned(), named.iter().map(volume).collect());
    }
    pod.insert(target.list.key().to_owned(), json!([container]));
    let spec = json!({"spec": pod});
    match target.shape {
        Shape::Pod => spec,
        Shape::Template => json!({"spec": {"template": spec}}),
        Shape::CronJob => json!({"spec": {"jobTemplate": {"spec": {"template": spec}}}}),
    }
}

/// A text of Compose, in which a dollar would begin a variable.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// A fragment for Docker Compose: the service with what is advised of it, and with a seccomp profile in
/// `seccomp`, a file relative to the project's folder. Lists of a service that is there stay, and these are
/// put behind them, but for `cap_add`: see [`compose_text`].
#[must_use]
pub fn compose(advice: &Advice, service: &str, seccomp: Option<&str>) -> Value {
    let mut of = Map::new();
    let mut set = |key: &str, value: Value| of.insert(key.to_owned(), value);
    if advice.privileged.forbid {
        set("privileged", false.into());
    }
    if advice.capabilities.drop_all {
        set("cap_drop", json!(["ALL"]));
        set(ADD, json!(advice.capabilities.names()));
    }
    // Of several of one kind Docker takes the last; others, as AppArmor's, are to stay.
    let escalation = (advice.escalation.forbid).then(|| NO_NEW_PRIVILEGES.to_owned());
    let seccomp = seccomp.map(|file| format!("seccomp={}", literal(file)));
    let options: Vec<String> = escalation.into_iter().chain(seccomp).collect();
    if !options.is_empty() {
        set("security_opt", json!(options));
    }
    if let (true, Some(user)) = (advice.user.non_root, advice.user.run_as) {
        let group = advice.user.group.map(|group| format!(":{group}"));
        set(
            "user",
            format!("{user}{}", group.unwrap_or_default()).into(),
        );
    }
    if advice.root.read_only {
        set("read_only", true.into());
        // Docker mounts such a one without the right to execute; and one on a folder of the image has
        // that folder's mode and root as its owner, whatever mode is asked for.
        let user = (advice.user.non_root)
            .then_some(advice.user.run_as)
            .flatten();
        let tmpfs = advice.root.folders.iter().map(|folder| {
            let exec = folder.executed.then(|| "exec".to_owned());
            let owner = user.map(|user| format!("uid={user}"));
            let size = (folder.size.limit_mi).map(|limit| format!("size={limit}m"));
            let options: Vec<String> = exec.into_iter().chain(owner).chain(size).collect();
            match options.is_empty() {
                true => literal(&folder.path),
                false => format!("{}:{}", literal(&folder.path), options.join(",")),
            }
        });
        let tmpfs: Vec<String> = tmpfs.collect();
        if !tmpfs.is_empty() {
            set("tmpfs", json!(tmpfs));
        }
    }
    json!({"services": {service: of}})
}

/// Capabilities that are added: the list is instead of that of a service that is there.
const ADD: &str = "cap_add";

/// As hardly anybody writes it: Compose takes no list that has an option twice (`security_opt array items must be
/// unique`), so `no-new-privileges:true` over a service with the same would make all of it an error. Docker and Podman read the value as
/// Go's `strconv.ParseBool` does.
const NO_NEW_PRIVILEGES: &str = "no-new-privileges=1";

/// What is said of lists, each of which but one is added to.
const LISTS: &str = "lists are put behind those that the service has, and Compose may take none with the same entry twice";
/// What is said of capabilities.
const INSTEAD: &str = "cap_add is instead of the list that is there (!override, !reset), which takes Docker Compose 2.24.4 or later";
/// What is said of mounts.
const TWICE: &str = "tmpfs: of two lines of `tmpfs` for one folder Docker takes the last, but it starts no container that has a volume there \
     as well, also one of the type tmpfs: leave out the one or the other";

/// What is said of how a fragment is laid over a service.
fn over(advice: &Advice) -> Vec<String> {
    let mut lines = vec![LISTS.to_owned()];
    if advice.capabilities.drop_all {
        lines.push(INSTEAD.to_owned());
    }
    if let (true, Some(user), None) = (advice.user.non_root, advice.user.run_as, advice.user.group)
    {
        lines.push(format!(
            "user: it is instead of what the service or the image has, and a group there is lost: then it is the one that \
             /etc/passwd has for {user}, or root's: write {user}:GROUP where it has another"
        ));
    }
    if advice.root.read_only && !advice.root.folders.is_empty() {
        lines.push(TWICE.to_owned());
    }
    lines
}

/// What is said where no seccomp profile is advised.
const DEFAULT_SECCOMP: &str = "seccomp: Docker's default profile holds unless security_opt has another: take seccomp=unconfined out there";

/// What is said of a setting that something speaks against; nothing of others.
fn left(setting: &str, why: &str, because: &Named) -> Vec<String> {
    if because.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("{setting}: {why}")];
    lines.extend(because.first.iter().map(|seen| format!("  {seen}")));
    if because.more > 0 {
        lines.push(format!("  and {} more", because.more));
    }
    lines
}

/// What is said where what Docker does by itself is not advised.
const LEFT_SECCOMP: &str = "seccomp: Docker's default profile holds unless security_opt has another, and may refuse what is approved";

/// What every document says of its basis, for people.
#[must_use]
pub fn header(advice: &Advice) -> Vec<String> {
    let basis = &advice.basis;
    let mut lines = vec![
        format!("advice of Lapwing for {}", advice.workload.title()),
        basis.line(),
    ];
    match basis.complete {
        true => lines.push("complete by its evidence; what was never done is not known".to_owned()),
        false => lines.extend(basis.reasons.iter().map(|it| format!("incomplete: {it}"))),
    }
    if let Some(image) = &advice.image {
        lines.push(image.to_string());
        lines.extend(image.notes.iter().map(|note| format!("image: {note}")));
    }
    for blocked in &advice.root.blocked {
        lines.push(format!(
            "readOnlyRootFilesystem is blocked by {}: {}",
            blocked.path, blocked.why
        ));
    }
    if advice.root.read_only {
        // Where it is not, no folder is part of a document.
        lines.extend(
            advice
                .root
                .hides
                .iter()
                .map(|hides| format!("mounts: {hides}")),
        );
        for folder in &advice.root.folders {
            let Folder {
                text,
                warnings,
                size,
                ..
            } = folder;
            if !warnings.is_empty() {
                lines.push(format!("mount at {text}: {}", warnings.join("; ")));
            }
            lines.push(format!("mount at {text}: {size}"));
        }
        if advice.root.has_limits() {
            lines.push(EVICTED.to_owned());
        }
    }
    lines.push(format!("user: {}", advice.user.why));
    lines.extend(advice.user.note.map(|note| format!("user: {note}")));
    lines.extend((advice.user.group_note.iter()).map(|note| format!("user: {note}")));
    lines.extend(
        advice
            .capabilities
            .note
            .map(|note| format!("capabilities: {note}")),
    );
    lines.extend(
        (advice.capabilities.unnamed.iter())
            .map(|seen| format!("capabilities: no manifest can name this one: {seen}")),
    );
    if let Some(recorded) = &advice.seccomp.recorded {
        lines.push(format!("seccomp: {}", recorded.basis()));
        lines.push(
            "seccomp: calls of behaviours that nobody approved are among them, for a call does not say which it was of"
                .to_owned(),
        );
        lines.extend(
            advice
                .seccomp
                .incomplete
                .iter()
                .map(|it| format!("seccomp: incomplete: {it}")),
        );
    }
    lines.extend(left(
        "privileged: left as it is",
        WRITES,
        &advice.privileged.because,
    ));
    let seccomp = &advice.seccomp;
    lines.extend(left(
        "seccomp: left as it is",
        seccomp.why,
        &seccomp.because,
    ));
    if !advice.escalation.forbid {
        lines.push(format!("escalation: {}", advice.escalation.why));
    }
    lines
}

/// Comments and a document.
#[must_use]
pub fn commented(comments: &[String], document: &impl Serialize) -> String {
    let mut out = String::new();
    for line in comments {
        out.push_str("# ");
        out.push_str(&visible(line));
        out.push('\n');
    }
    out + &yaml(document)
}

/// A value as YAML.
#[must_use]
pub fn yaml(value: &impl Serialize) -> String {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    // A value of JSON is always YAML.
    serde_saphyr::to_string_with_options(value, options).unwrap_or_default()
}

/// Where the seccomp profile has to be that the patch names.
pub(crate) fn placed(target: &Target) -> Option<String> {
    let file = target.localhost.as_ref()?;
    Some(format!(
        "seccomp: put what `-o seccomp --seccomp` prints at {file}, below the kubelet's folder (/var/lib/kubelet/seccomp), on each \
         node before the pod comes"
    ))
}

/// The patch as text.
#[must_use]
pub fn patch_text(advice: &Advice, target: &Target) -> String {
    let mut comments = header(advice);
    comments.extend(placed(target));
    commented(&comments, &patch(advice, target))
}

/// The Compose fragment as text, with the tags that say what is instead of what a service has.
#[must_use]
pub fn compose_text(advice: &Advice, service: &str, seccomp: Option<&str>) -> String {
    let mut comments = header(advice);
    comments.extend(over(advice));
    comments.push(match seccomp {
        Some(file) => format!(
            "seccomp: put what `-o seccomp --seccomp` prints at {file}, from the folder of the first Compose file"
        ),
        None if advice.seccomp.default => DEFAULT_SECCOMP.to_owned(),
        None => LEFT_SECCOMP.to_owned(),
    });
    let document = compose(advice, service, seccomp);
    let settings = document["services"][service].as_object();
    let settings: BTreeMap<&String, Tagged<&Value>> = (settings.into_iter().flatten())
        .map(|(key, value)| {
            let tag = match value.as_array() {
                Some(list) if key == ADD && list.is_empty() => Some("!reset"),
                Some(_) if key == ADD => Some("!override"),
                _ => None,
            };
            (key, Tagged(value, tag.map(ToOwned::to_owned)))
        })
        .collect();
    let document = BTreeMap::from([("services", BTreeMap::from([(service, settings)]))]);
    commented(&comments, &document)
}

/// The admission policy and its binding, as one text of two documents.
#[must_use]
pub fn policy_text(advice: &Advice, target: &Target, selects: &Selects) -> String {
    let mut comments = header(advice);
    comments.extend(admission::COMMENTS.iter().map(ToString::to_string));
    comments.extend(placed(target));
    let [policy, binding] = admission::objects(advice, target, selects);
    [commented(&comments, &policy), yaml(&binding)].join("---\n")
}
