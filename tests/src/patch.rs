//! A patch of `lapwing advise pod`, applied to the configuration of a container of runc, as the kubelet
//! and its runtime apply it to a container of a pod.
//!
//! What is not understood is an error, never left out: a setting that was not applied proves nothing.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Of the five sets of OCI those that the kubelet's runtimes fill; runc raises none that it is not told.
const SETS: [&str; 3] = ["bounding", "effective", "permitted"];
/// What came of a patch, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What the container has of it.
    pub done: Vec<String>,
    /// What this runtime has no form for, and why.
    pub left: Vec<String>,
    /// Folders of the bundle that have to be made, empty and for anybody to write to, as the kubelet
    /// makes those of an `emptyDir`. No tmpfs: runc gives one that is mounted on a folder of the image
    /// that folder's mode, and root.
    pub folders: Vec<Empty>,
}

/// A folder of the bundle for an `emptyDir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Empty {
    /// Its name.
    pub name: String,
    /// The most MiB that may be in it, where there is a limit: what is more finds no room, where a pod
    /// would be evicted.
    pub limit_mi: Option<u64>,
}

/// Applies a patch of one container to an OCI configuration. A seccomp profile of `Localhost` is
/// `seccomp`, whatever its name.
///
/// # Errors
///
/// Something in the patch that is not understood, with its key; a user that contradicts
/// `runAsNonRoot`; a mount where there is one already.
pub fn apply(config: &mut Value, patch: &Value, seccomp: Option<&Value>) -> Result<Applied> {
    let pod = pod(patch)?;
    let mut applied = Applied::default();
    let mut volumes = BTreeMap::new();
    let mut container = None;
    for (key, value) in pod {
        match key.as_str() {
            "volumes" => volumes = empty_folders(value)?,
            "containers" | "initContainers" => {
                let list = list(value, key)?;
                ensure!(
                    container.is_none() && list.len() == 1,
                    "a patch of one container has several"
                );
                container = list.first();
            }
            _ => bail!("the patch sets {key} of the pod, which is not understood"),
        }
    }
    let container = object(
        container.context("the patch has no container")?,
        "container",
    )?;
    let mut mounts = &[][..];
    for (key, value) in container {
        match key.as_str() {
            "name" => {}
            "securityContext" => {
                secure(config, object(value, key)?, seccomp, &mut applied)?;
            }
            "volumeMounts" => mounts = list(value, key)?,
            _ => bail!("the patch sets {key} of the container, which is not understood"),
        }
    }
    mount(config, mounts, &volumes, &mut applied)?;
    Ok(applied)
}

/// The pod's specification, however deep it lies.
fn pod(patch: &Value) -> Result<&Map<String, Value>> {
    let spec = &patch["spec"];
    let job = &spec["jobTemplate"]["spec"]["template"]["spec"];
    let all = [job, &spec["template"]["spec"], spec];
    let pod = all.into_iter().find(|spec| !spec.is_null());
    object(pod.context("the patch has no spec")?, "spec")
}

fn object<'v>(value: &'v Value, key: &str) -> Result<&'v Map<String, Value>> {
    value
        .as_object()
        .with_context(|| format!("{key} is no object: {value}"))
}

fn list<'v>(value: &'v Value, key: &str) -> Result<&'v [Value]> {
    let list = value.as_array().map(Vec::as_slice);
    list.with_context(|| format!("{key} is no list: {value}"))
}

fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str> {
    value
        .as_str()
        .with_context(|| format!("{key} is no text: {value}"))
}

fn truth(value: &Value, key: &str) -> Result<bool> {
    value
        .as_bool()
        .with_context(|| format!("{key} is neither true nor false: {value}"))
}

/// Names of volumes that are empty folders, with their limits in MiB.
fn empty_folders(value: &Value) -> Result<BTreeMap<String, Option<u64>>> {
    let mut names = BTreeMap::new();
    for volume in list(value, "volumes")? {
        let of = object(volume, "volume")?;
        let name = text(&volume["name"], "name of a volume")?;
        let limit = limit(&volume["emptyDir"]).filter(|_| of.len() == 2);
        let limit =
            limit.with_context(|| format!("the volume {name} is no plain emptyDir: {volume}"))?;
        names.insert(name.to_owned(), limit);
    }
    Ok(names)
}

/// The limit of an `emptyDir` in MiB, if it has one; `None` if it has anything else.
fn limit(of: &Value) -> Option<Option<u64>> {
    let of = of.as_object()?;
    match (of.len(), of.get("sizeLimit")) {
        (0, _) => Some(None),
        (1, Some(limit)) => Some(Some(limit.as_str()?.strip_suffix("Mi")?.parse().ok()?)),
        _ => None,
    }
}

fn secure(
    config: &mut Value,
    context: &Map<String, Value>,
    seccomp: Option<&Value>,
    applied: &mut Applied,
) -> Result<()> {
    for (key, value) in context {
        match key.as_str() {
            "capabilities" => capabilities(config, value, applied)?,
            "privileged" => ensure!(!truth(value, key)?, "advice makes a container privileged"),
            "allowPrivilegeEscalation" => {
                let forbids = !truth(value, key)?;
                config["process"]["noNewPrivileges"] = forbids.into();
                if forbids {
                    applied.done.push("no_new_privs".to_owned());
                }
            }
            "runAsUser" => {
                let user = value.as_u64().and_then(|user| u32::try_from(user).ok());
                let user = user.with_context(|| format!("runAsUser is no user: {value}"))?;
                config["process"]["user"]["uid"] = user.into();
                applied.done.push(format!("user {user}"));
            }
            "runAsNonRoot" => truth(value, key).map(|_| ())?,
            "readOnlyRootFilesystem" => {
                let read_only = truth(value, key)?;
                config["root"]["readonly"] = read_only.into();
                if read_only {
                    applied.done.push("read-only root".to_owned());
                }
            }
            "seccompProfile" => filter(config, value, seccomp, applied)?,
            _ => bail!("the patch sets {key} of securityContext, which is not understood"),
        }
    }
    // Only now, since the user may stand behind it.
    let forbids_root = context.get("runAsNonRoot") == Some(&json!(true));
    let user = &config["process"]["user"]["uid"];
    ensure!(
        !forbids_root || user.as_u64().is_some_and(|user| user > 0),
        "runAsNonRoot, and the user is {user}"
    );
    Ok(())
}

fn capabilities(config: &mut Value, value: &Value, applied: &mut Applied) -> Result<()> {
    let of = object(value, "capabilities")?;
    let known = of.keys().all(|key| key == "drop" || key == "add");
    ensure!(
        known && value["drop"] == json!(["ALL"]),
        "capabilities that do not drop ALL: {value}"
    );
    let add = match of.get("add") {
        None => &[][..],
        Some(add) => list(add, "add")?,
    };
    let names: Vec<&str> =
        (add.iter().map(|name| text(name, "a capability"))).collect::<Result<_>>()?;
    let full: Vec<String> = names.iter().map(|name| format!("CAP_{name}")).collect();
    config["process"]["capabilities"] = SETS.iter().map(|set| (*set, full.clone())).collect();
    applied.done.push(match names.is_empty() {
        true => "no capabilities".to_owned(),
        false => format!("capabilities {}", names.join(", ")),
    });
    Ok(())
}

fn filter(
    config: &mut Value,
    value: &Value,
    profile: Option<&Value>,
    applied: &mut Applied,
) -> Result<()> {
    match text(&value["type"], "type of seccompProfile")? {
        "RuntimeDefault" => applied.left.push(
            "seccomp RuntimeDefault: runc alone has no default profile, Docker and containerd bring theirs"
                .to_owned(),
        ),
        "Localhost" => {
            let name = text(&value["localhostProfile"], "localhostProfile")?;
            // What the API takes, of which the kubelet reads a file below its folder.
            let is_below = !name.starts_with('/') && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
            ensure!(is_below, "no file below the kubelet's folder: {name}");
            let profile =
                profile.with_context(|| format!("no seccomp profile was given for {name}"))?;
            let calls = profile["syscalls"].as_array().into_iter().flatten();
            let calls: usize = calls
                .filter_map(|rule| Some(rule["names"].as_array()?.len()))
                .sum();
            config["linux"]["seccomp"] = profile.clone();
            applied.done.push(format!("seccomp, {calls} system calls"));
        }
        other => bail!("seccompProfile of type {other} is not understood"),
    }
    Ok(())
}

fn mount(
    config: &mut Value,
    mounts: &[Value],
    volumes: &BTreeMap<String, Option<u64>>,
    applied: &mut Applied,
) -> Result<()> {
    let mut unused: Vec<&String> = volumes.keys().collect();
    let mut paths = Vec::new();
    for mount in mounts {
        let of = object(mount, "volumeMount")?;
        let path = text(&mount["mountPath"], "mountPath")?;
        let name = text(&mount["name"], "name of a volumeMount")?;
        ensure!(of.len() == 2, "more than a name and a path: {mount}");
        let limit_mi = *volumes
            .get(name)
            .with_context(|| format!("{path} has no volume {name}"))?;
        let whole = path.starts_with('/') && !path.split('/').any(|part| part == "..");
        ensure!(whole, "a mount at {path:?}, which is no whole path");
        unused.retain(|other| *other != name);
        paths.push((path, limit_mi));
    }
    ensure!(unused.is_empty(), "volumes that nothing mounts: {unused:?}");
    // Mounts in mounts come behind them.
    paths.sort_unstable();
    let all = config["mounts"].as_array_mut();
    let all = all.context("the configuration has no mounts")?;
    for (number, (path, limit_mi)) in paths.iter().enumerate() {
        let is_there = all.iter().any(|mount| mount["destination"] == *path);
        ensure!(!is_there, "there is a mount at {path} already");
        let name = format!("empty-dir-{number}");
        all.push(json!({
            "destination": path, "type": "bind", "source": name, "options": ["rbind", "rw"],
        }));
        applied.folders.push(Empty {
            name,
            limit_mi: *limit_mi,
        });
    }
    if !paths.is_empty() {
        let words = paths.iter().map(|(path, limit)| match limit {
            Some(limit) => format!("{path} ({limit}Mi)"),
            None => (*path).to_owned(),
        });
        let paths = words.collect::<Vec<_>>().join(", ");
        applied.done.push(format!("emptyDir at {paths}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Value {
        json!({
            "process": {"user": {"uid": 0, "gid": 7}, "noNewPrivileges": false,
                        "capabilities": {"bounding": ["CAP_KILL"], "inheritable": ["CAP_KILL"]}},
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {},
        })
    }

    fn of(security: &Value, mounts: &Value, volumes: &Value) -> Value {
        json!({"spec": {"template": {"spec": {
            "containers": [{"name": "app", "securityContext": security, "volumeMounts": mounts}],
            "volumes": volumes,
        }}}})
    }

    #[test]
    fn everything_that_is_advised_is_in_the_configuration() {
        let security = json!({
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "SETUID"]},
            "privileged": false, "allowPrivilegeEscalation": false,
            "runAsNonRoot": true, "runAsUser": 101, "readOnlyRootFilesystem": true,
            "seccompProfile": {"type": "Localhost", "localhostProfile": "lapwing/shop/a.json"},
        });
        let mounts = json!([{"name": "b", "mountPath": "/a/${HOME} \"b\""}, {"name": "a", "mountPath": "/a"}]);
        let volumes = json!([{"name": "a", "emptyDir": {"sizeLimit": "32Mi"}}, {"name": "b", "emptyDir": {}}]);
        let profile = json!({"defaultAction": "SCMP_ACT_ERRNO",
            "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}]});
        let mut config = config();
        let applied = apply(
            &mut config,
            &of(&security, &mounts, &volumes),
            Some(&profile),
        )
        .unwrap();
        let caps = json!(["CAP_CHOWN", "CAP_SETUID"]);
        assert_eq!(
            config["process"],
            json!({"user": {"uid": 101, "gid": 7}, "noNewPrivileges": true,
                "capabilities": {"bounding": caps, "effective": caps, "permitted": caps}})
        );
        assert_eq!(config["root"]["readonly"], true);
        assert_eq!(config["linux"]["seccomp"], profile);
        // The outer one first, or it would hide the inner one.
        let places = config["mounts"].as_array().unwrap().iter();
        let places: Vec<_> = places.map(|mount| mount["destination"].as_str()).collect();
        assert_eq!(
            places,
            [Some("/proc"), Some("/a"), Some("/a/${HOME} \"b\"")]
        );
        assert_eq!(
            applied.done,
            [
                "no_new_privs",
                "capabilities CHOWN, SETUID",
                "read-only root",
                "user 101",
                "seccomp, 2 system calls",
                "emptyDir at /a (32Mi), /a/${HOME} \"b\""
            ]
            .map(str::to_owned)
        );
        assert_eq!(applied.left, [""; 0]);
        let folders = [("empty-dir-0", Some(32)), ("empty-dir-1", None)];
        let folders = folders.map(|(name, limit_mi)| Empty {
            name: name.to_owned(),
            limit_mi,
        });
        assert_eq!(applied.folders, folders);
    }

    #[test]
    fn what_blocked_advice_leaves_out_stays_as_it_was() {
        for spec in [
            json!({"containers": [{"name": "app", "securityContext": {"privileged": false}}]}),
            json!({"initContainers": [{"name": "app"}]}),
        ] {
            let job = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}});
            for patch in [json!({"spec": spec}), job] {
                let mut changed = config();
                let applied = apply(&mut changed, &patch, None).unwrap();
                assert_eq!((changed, applied), (config(), Applied::default()));
            }
        }
        let default = json!({"seccompProfile": {"type": "RuntimeDefault"}});
        let applied = apply(&mut config(), &of(&default, &json!([]), &json!([])), None).unwrap();
        assert_eq!((applied.done.len(), applied.left.len()), (0, 1));
    }

    #[test]
    fn nothing_is_left_out_in_silence() {
        let empty = || json!([]);
        let volume = || json!([{"name": "a", "emptyDir": {}}]);
        let at = |path: &str| json!([{"name": "a", "mountPath": path}]);
        for (patch, says) in [
            (
                of(&json!({"procMount": "Unmasked"}), &empty(), &empty()),
                "procMount",
            ),
            (
                of(&json!({"privileged": true}), &empty(), &empty()),
                "privileged",
            ),
            (
                of(&json!({"runAsNonRoot": true}), &empty(), &empty()),
                "the user is 0",
            ),
            (of(&json!({"runAsUser": -1}), &empty(), &empty()), "no user"),
            (
                of(&json!({"runAsUser": "0"}), &empty(), &empty()),
                "no user",
            ),
            (
                of(
                    &json!({"capabilities": {"add": ["CHOWN"]}}),
                    &empty(),
                    &empty(),
                ),
                "drop ALL",
            ),
            (
                of(&json!({"readOnlyRootFilesystem": 1}), &empty(), &empty()),
                "neither",
            ),
            (
                of(
                    &json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}}),
                    &empty(),
                    &empty(),
                ),
                "no seccomp profile",
            ),
            (
                of(
                    &json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "lapwing/../x"}}),
                    &empty(),
                    &empty(),
                ),
                "no file below",
            ),
            (
                of(
                    &json!({"seccompProfile": {"type": "Unconfined"}}),
                    &empty(),
                    &empty(),
                ),
                "Unconfined",
            ),
            (of(&json!({}), &at("/proc"), &volume()), "already"),
            (of(&json!({}), &at("a"), &volume()), "no whole path"),
            (
                of(&json!({}), &at("/a/../proc"), &volume()),
                "no whole path",
            ),
            (of(&json!({}), &at("/a"), &empty()), "no volume"),
            (of(&json!({}), &empty(), &volume()), "nothing mounts"),
            (
                of(
                    &json!({}),
                    &at("/a"),
                    &json!([{"name": "a", "hostPath": {"path": "/"}}]),
                ),
                "no plain emptyDir",
            ),
            (
                of(
                    &json!({}),
                    &at("/a"),
                    &json!([{"name": "a", "emptyDir": {"sizeLimit": "1G"}}]),
                ),
                "no plain emptyDir",
            ),
            (json!({"spec": {"hostNetwork": true}}), "hostNetwork"),
            (json!({"spec": {"containers": [{}, {}]}}), "several"),
            (
                json!({"spec": {"containers": [{"command": ["sh"]}]}}),
                "command",
            ),
            (json!({"spec": {}}), "no container"),
            (json!([]), "no spec"),
        ] {
            let error = apply(&mut config(), &patch, None).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(says), "{error} of {patch}");
        }
    }
}
