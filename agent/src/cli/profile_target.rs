//! What a profile is of in the cluster that it is for.

use super::args::Target;
use crate::container::identity::pods::is_name;
use anyhow::bail;
use lapwing_profile::behaviour::{Behaviour, Peer};
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::text::visible;

/// Longest name of a namespace (RFC 1123, a label), in bytes.
const NAMESPACE_MAX: usize = 63;
/// Longest name of a cluster, in bytes.
const CLUSTER_MAX: usize = 253;

/// Writes it into a profile. Answers with what a person should know: what in it still means the namespace that
/// it came from.
///
/// # Errors
/// When a name is none; the profile is as it was then.
pub fn write(profile: &mut Profile, target: Target) -> anyhow::Result<Option<String>> {
    let Target {
        to_cluster,
        to_namespace,
        to_name,
    } = target;
    if let Some(cluster) = &to_cluster
        && (cluster.len() > CLUSTER_MAX
            || cluster.trim() != cluster
            || visible(cluster) != *cluster)
    {
        bail!(
            "--to-cluster: `{}` is no name of a cluster: give what `cluster` of the agents' configuration is there, \
             of at most {CLUSTER_MAX} bytes, or '' for a signature that holds in all",
            visible(cluster)
        );
    }
    if let Some(namespace) = &to_namespace
        && (namespace.len() > NAMESPACE_MAX || namespace.contains('.') || !is_name(namespace))
    {
        bail!(
            "--to-namespace: `{}` is no namespace: small letters, digits and dashes, of which none stands first or \
             last, at most {NAMESPACE_MAX} of them",
            visible(namespace)
        );
    }
    if let Some(name) = &to_name
        && !is_name(name)
    {
        bail!(
            "--to-name: `{}` is no name of a workload: small letters, digits, dashes and dots, at most 253 of them, \
             without the namespace and the kind",
            visible(name)
        );
    }
    let note = { to_namespace.as_ref() }.and_then(|namespace| left(profile, namespace));
    let workload = &mut profile.workload;
    for (part, to) in [
        (&mut workload.cluster, to_cluster),
        (&mut workload.namespace, to_namespace),
        (&mut workload.name, to_name),
    ] {
        if let Some(to) = to {
            *part = to;
        }
    }
    Ok(note)
}

/// Approved entries with names in the namespace that the profile is of so far.
fn left(profile: &Profile, to: &str) -> Option<String> {
    let from = &profile.workload.namespace;
    if from.is_empty() || from == to {
        return None;
    }
    let approved = profile.entries(Verdict::Approved);
    let mut named = { approved.keys() }.filter(|entry| is_in(entry, from));
    let first = named.next()?;
    Some(format!(
        "entries with names in the namespace `{from}`, which they keep: {}. Approve of those in `{to}` in their place. \
         The first is\n  {}",
        named.count() + 1,
        visible(&first.to_string())
    ))
}

/// Whether an entry has a name of a service or a pod of a namespace (`db.shop.svc.cluster.local`).
fn is_in(entry: &Entry, namespace: &str) -> bool {
    let name = match &entry.behaviour {
        Behaviour::Dns(dns) => &dns.name,
        Behaviour::Egress(egress) => match &egress.peer {
            Peer::Domain(domain) => domain,
            _ => return false,
        },
        _ => return false,
    };
    let labels: Vec<&str> = name.split('.').collect();
    labels
        .windows(2)
        .any(|two| two[0] == namespace && matches!(two[1], "svc" | "pod"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::decide::By;
    use lapwing_profile::envelope::Private;
    use lapwing_profile::profile::Mode;
    use lapwing_profile::signature;
    use lapwing_profile::workload::Workload;

    const BY: By<'_> = By {
        actor: "ann",
        reason: "reviewed",
        at: 7,
    };

    fn profile() -> Profile {
        let workload = Workload {
            cluster: "staging".into(),
            namespace: "shop-staging".into(),
            kind: "Deployment".into(),
            name: "web".into(),
            container: "app".into(),
        };
        let mut profile = Profile::new(workload, Mode::Learning);
        for entry in [
            "exec: {path: /bin/web, parent: runtime}",
            "egress: {protocol: TCP, domain: db.shop-staging.svc.cluster.local, port: 5432}",
            "dns: {name: db.shop-staging.svc.cluster.local, type: A}",
            "dns: {name: shop-staging.example.org, type: A}",
            "dns: {name: db.pay.svc.cluster.local, type: A}",
        ] {
            profile.approve(&Entry::parse(entry).unwrap(), BY).unwrap();
        }
        profile.promote(BY).unwrap();
        profile
    }

    fn target(cluster: &str, namespace: &str, name: &str) -> Target {
        let given = |text: &str| (text != "-").then(|| text.to_owned());
        Target {
            to_cluster: given(cluster),
            to_namespace: given(namespace),
            to_name: given(name),
        }
    }

    /// What is exported, reviewed and signed is what production obeys.
    #[test]
    fn the_target_is_what_is_signed() {
        let mut mapped = profile();
        let note = write(&mut mapped, target("production", "shop", "web-eu")).unwrap();
        let yaml = mapped.to_yaml();
        let read = Profile::from_yaml(&yaml).unwrap();
        let workload = Workload {
            cluster: "production".into(),
            namespace: "shop".into(),
            name: "web-eu".into(),
            ..profile().workload
        };
        assert_eq!(read.workload, workload);
        let approved = |profile: &Profile| profile.entries(Verdict::Approved);
        assert_eq!(approved(&read), approved(&profile()));
        let key = Private::from_pem(crate::cluster::tests::PRIVATE).unwrap();
        let envelope = signature::sign(&read, &key, None).unwrap();
        let keys = [key.public()];
        assert!(signature::verify(&read, envelope.as_bytes(), &keys).is_ok());
        // What was signed for staging does not hold there, nor the reverse.
        assert!(signature::verify(&profile(), envelope.as_bytes(), &keys).is_err());
        let envelope = signature::sign(&profile(), &key, None).unwrap();
        assert!(signature::verify(&read, envelope.as_bytes(), &keys).is_err());
        // Names of the other namespace are told of, and no others.
        let note = note.unwrap();
        assert!(note.contains("which they keep: 2."), "{note}");
        assert!(
            note.contains("`shop-staging`") && note.contains("`shop`"),
            "{note}"
        );
        assert!(note.contains("db.shop-staging.svc"), "{note}");
    }

    #[test]
    fn what_is_not_given_stays() {
        let mut same = profile();
        assert_eq!(write(&mut same, Target::default()).unwrap(), None);
        assert_eq!(same.to_yaml(), profile().to_yaml());
        // The namespace that it has, and a signature that holds in all clusters.
        let note = write(&mut same, target("", "shop-staging", "-")).unwrap();
        assert_eq!(note, None);
        assert_eq!(same.workload.cluster, "");
        assert_eq!(same.workload.name, "web");
        assert!(!same.to_spec().contains("cluster:"), "{}", same.to_spec());
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_flag_and_changes_nothing() {
        let long = "a".repeat(300);
        for (flag, to) in [
            ("--to-namespace", target("-", "", "-")),
            ("--to-namespace", target("good", "Shop", "-")),
            ("--to-namespace", target("-", "shop.eu", "good")),
            ("--to-namespace", target("-", "shop/web", "-")),
            ("--to-namespace", target("-", "-shop", "-")),
            ("--to-namespace", target("-", &long[..64], "-")),
            ("--to-namespace", target("-", "a\u{1b}[2J", "-")),
            ("--to-name", target("good", "good", "")),
            ("--to-name", target("-", "-", "shop/Deployment/web/app")),
            ("--to-name", target("-", "-", "Web")),
            ("--to-name", target("-", "-", &long)),
            ("--to-cluster", target(&long, "good", "good")),
            ("--to-cluster", target(" prod", "-", "-")),
            ("--to-cluster", target("prod\n", "-", "-")),
            ("--to-cluster", target("prod\u{202e}x", "-", "-")),
        ] {
            let mut unchanged = profile();
            let error = write(&mut unchanged, to).unwrap_err().to_string();
            assert!(error.starts_with(flag), "{error}");
            assert!(
                !error.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{error:?}"
            );
            assert_eq!(unchanged.workload, profile().workload, "{error}");
        }
    }
}
