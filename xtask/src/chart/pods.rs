//! What the chart's pods may do: no more than their program needs. What that is for an agent the program says where it
//! lacks, and a test in containers proves that it is enough (`deploy.least-capabilities`); the controller
//! and the job for certificates need nothing of their node.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// What an agent needs.
const AGENT: [&str; 4] = ["BPF", "PERFMON", "NET_ADMIN", "SYS_PTRACE"];
/// What it needs besides on old kernels, with the value that says so.
const OLD: &str = "SYS_RESOURCE";
/// Folders of the node that an agent may only read.
const CGROUPS: &str = "/sys/fs/cgroup";

/// What is wrong with the pods of one rendering.
pub fn check(objects: &[Value]) -> Result<()> {
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        let pod = match kind {
            "DaemonSet" | "Deployment" | "Job" => &object["spec"]["template"]["spec"],
            "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
            _ => continue,
        };
        check_pod(pod, kind == "DaemonSet").with_context(|| format!("the pod of the {kind}"))?;
    }
    Ok(())
}

fn check_pod(pod: &Value, is_agent: bool) -> Result<()> {
    ensure!(
        pod["hostNetwork"].is_null() && pod["hostIPC"].is_null() && pod["hostUsers"].is_null(),
        "it is not apart from its node"
    );
    ensure!(
        match is_agent {
            true => pod["hostPID"] == true,
            false => pod["hostPID"].is_null(),
        },
        "hostPID is {}",
        pod["hostPID"]
    );
    let container = match pod["containers"].as_array().map(Vec::as_slice) {
        Some([one]) if pod["initContainers"].is_null() => one,
        _ => bail!("it is not of one container"),
    };
    let rights = &container["securityContext"];
    let of_all = &pod["securityContext"];
    for (setting, safe) in [
        ("privileged", false),
        ("allowPrivilegeEscalation", false),
        ("readOnlyRootFilesystem", true),
    ] {
        ensure!(rights[setting] == safe, "{setting} is {}", rights[setting]);
    }
    let capabilities = &rights["capabilities"];
    if is_agent {
        let without_old: Vec<&str> = { capabilities["add"].as_array().into_iter().flatten() }
            .filter_map(Value::as_str)
            .filter(|name| *name != OLD)
            .collect();
        ensure!(
            capabilities["drop"] == json!(["ALL"]) && without_old == AGENT,
            "its capabilities are {capabilities}"
        );
        ensure!(
            rights["runAsUser"] == 0 && rights["runAsGroup"] == 0,
            "its user is another than root"
        );
        let seccomp = &rights["seccompProfile"]["type"];
        ensure!(
            *seccomp == "RuntimeDefault" || *seccomp == "Localhost",
            "seccomp is {seccomp}"
        );
    } else {
        ensure!(
            *capabilities == json!({"drop": ["ALL"]}),
            "its capabilities are {capabilities}"
        );
        let is_nobody = of_all["runAsUser"].as_u64().is_some_and(|user| user > 0)
            && of_all["runAsNonRoot"] == true
            && rights["runAsUser"].is_null()
            && rights["runAsNonRoot"].is_null();
        ensure!(is_nobody, "it may be root: {of_all} {rights}");
        ensure!(
            of_all["seccompProfile"]["type"] == "RuntimeDefault"
                && rights["seccompProfile"].is_null(),
            "seccomp is {}",
            of_all["seccompProfile"]
        );
    }
    check_mounts(pod, container, is_agent)
}

/// Of the node an agent has its own folder and, to read, the cgroups; all else that is mounted is for reading, but for
/// what ends with the pod. Certificates are for the owner and a group alone.
fn check_mounts(pod: &Value, container: &Value, is_agent: bool) -> Result<()> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let volumes = list(&pod["volumes"]);
    for mount in list(&container["volumeMounts"]) {
        let name = &mount["name"];
        let volume = volumes.iter().find(|volume| volume["name"] == *name);
        let volume = volume.with_context(|| format!("no volume {name}"))?;
        let may_write = match volume["hostPath"]["path"].as_str() {
            Some(path) => {
                ensure!(is_agent, "it has {path} of its node");
                ensure!(
                    path == CGROUPS || *name == "state",
                    "it has {path} of its node"
                );
                path != CGROUPS
            }
            None => volume["emptyDir"].is_object(),
        };
        ensure!(
            (mount["readOnly"] == true) != may_write && mount["subPath"].is_null(),
            "{name} is mounted so: {mount}"
        );
        if *name == "tls" && mount["mountPath"] == super::TLS {
            let secret = &volume["secret"];
            let mode = if is_agent { 0o400 } else { 0o440 };
            ensure!(
                secret["defaultMode"].as_u64() == Some(mode),
                "others may read {secret}"
            );
            // What an agent sees does not hang on who makes certificates; a controller has nothing to do without.
            ensure!(
                (secret["optional"] == true) == is_agent,
                "who waits for {secret}?"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::plain::{AGENTS, Plain, WHOLE};

    fn objects(plain: &Plain) -> Vec<Value> {
        let text = std::fs::read_to_string(plain.path()).unwrap();
        serde_saphyr::from_multiple(&text).unwrap()
    }

    /// The pod of the first object of a kind.
    fn pod<'o>(objects: &'o mut [Value], kind: &str) -> &'o mut Value {
        let is_it = |object: &&mut Value| object["kind"] == kind;
        let object = objects.iter_mut().find(is_it).unwrap();
        match kind {
            "CronJob" => &mut object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
            _ => &mut object["spec"]["template"]["spec"],
        }
    }

    const PODS: [&str; 4] = ["DaemonSet", "Deployment", "Job", "CronJob"];

    #[test]
    fn an_agent_s_pod_has_what_the_program_says_that_it_needs() {
        let path = crate::root().join("agent/src/doctor.rs");
        let text = std::fs::read_to_string(path).unwrap();
        // The sentence goes over lines.
        let words: Vec<&str> = text.split([' ', '\n', '\\']).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let (last, others) = AGENT.split_last().unwrap();
        let said = format!(
            "or as root with the capabilities {} and {last} (before Linux 5.11 also {OLD},",
            others.join(", ")
        );
        assert!(words.join(" ").contains(&said), "{said}");
    }

    #[test]
    fn the_pods_of_the_manifests_may_do_what_they_need() {
        check(&objects(&AGENTS)).unwrap();
        let mut whole = objects(&WHOLE);
        check(&whole).unwrap();
        for kind in PODS {
            assert_eq!(pod(&mut whole, kind)["containers"][0]["name"].as_str(), {
                Some(match kind {
                    "DaemonSet" => "agent",
                    "Deployment" => "controller",
                    _ => "certificates",
                })
            });
        }
    }

    #[test]
    fn a_pod_that_may_do_more_is_found() {
        let all = objects(&WHOLE);
        check(&all).unwrap();
        for kind in PODS {
            let of_pod = [
                ("/hostNetwork", json!(true)),
                ("/hostIPC", json!(true)),
                ("/initContainers", json!([{"name": "more"}])),
                ("/containers/0/securityContext/privileged", json!(true)),
                (
                    "/containers/0/securityContext/allowPrivilegeEscalation",
                    Value::Null,
                ),
                (
                    "/containers/0/securityContext/readOnlyRootFilesystem",
                    json!(false),
                ),
                ("/containers/0/securityContext/capabilities/drop", json!([])),
                (
                    "/containers/0/securityContext/capabilities/add",
                    json!(["SYS_ADMIN"]),
                ),
                (
                    "/containers/0/securityContext/seccompProfile",
                    json!({"type": "Unconfined"}),
                ),
            ];
            let of_agent = [
                ("/hostPID", Value::Null),
                ("/volumes/1/hostPath/path", json!("/sys/fs/cgroup")),
                ("/containers/0/volumeMounts/3/readOnly", json!(false)),
                ("/volumes/4/secret/optional", Value::Null),
                ("/volumes/4/secret/defaultMode", json!(0o444)),
            ];
            let of_others = [
                ("/hostPID", json!(true)),
                ("/securityContext/runAsNonRoot", json!(false)),
                ("/securityContext/runAsUser", json!(0)),
                ("/securityContext/seccompProfile", Value::Null),
                ("/containers/0/securityContext/runAsUser", json!(0)),
            ];
            let more: &[_] = match kind {
                "DaemonSet" => &of_agent,
                _ => &of_others,
            };
            for (path, value) in of_pod.iter().chain(more) {
                let mut wrong = all.clone();
                let (parent, key) = path.rsplit_once('/').unwrap();
                let pod = pod(&mut wrong, kind);
                pod.pointer_mut(parent).expect(path)[key] = value.clone();
                assert!(check(&wrong).is_err(), "{kind}: {path} = {value}");
            }
        }
        let mut wrong = all.clone();
        let volumes = pod(&mut wrong, "Deployment")["volumes"].as_array_mut();
        volumes.unwrap()[0] = json!({"name": "config", "hostPath": {"path": "/etc"}});
        assert!(check(&wrong).is_err());
    }

    /// As kubeadm makes a cluster of one node.
    #[test]
    fn all_that_a_cluster_of_one_node_needs_runs_on_its_control_plane() {
        let mut all = objects(&WHOLE);
        for kind in PODS {
            let tolerations = pod(&mut all, kind)["tolerations"].clone();
            let tolerations = tolerations.as_array().expect(kind);
            let lets = |one: &Value| {
                let fits = |key: &str, value: &str| one[key].is_null() || one[key] == value;
                one["operator"] == "Exists"
                    && fits("key", "node-role.kubernetes.io/control-plane")
                    && fits("effect", "NoSchedule")
            };
            assert!(tolerations.iter().any(lets), "{kind}: {tolerations:?}");
        }
    }
}
