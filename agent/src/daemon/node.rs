//! What this node is called.

use crate::config::Config;
use crate::container::identity::Access;
use crate::status;

/// Names the node, for reports and as the cluster knows it: by the configuration, by the environment,
/// or else by the host; in a cluster never by that, which is the pod's there.
pub fn name(config: &mut Config, variable: impl Fn(&str) -> Option<String>) {
    let variables = ["LAPWING_NODE_NAME", "NODE_NAME"]
        .into_iter()
        .filter_map(variable);
    let told = variables
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>();
    let given = [&config.node].into_iter().filter(|name| !name.is_empty());
    let known = told.iter().chain(given).next().cloned();
    if config.identity.node_name.is_empty() {
        config.identity.node_name = match (&known, &config.identity.kubernetes) {
            (Some(name), _) => name.clone(),
            // As kubelets do.
            (None, Access::File(_)) => status::host_name().to_ascii_lowercase(),
            (None, Access::Auto | Access::Off) => String::new(),
        };
    }
    if config.node.is_empty() {
        config.node = known.unwrap_or_else(status::host_name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_node_has_the_name_that_the_cluster_knows() {
        let text = |kubernetes, node, own| {
            format!("node: '{node}'\nidentity: {{kubernetes: {kubernetes}, nodeName: '{own}'}}\n")
        };
        let host = status::host_name();
        for (yaml, variables, node, own) in [
            (text("auto", "", ""), &[("NODE_NAME", "n1")][..], "n1", "n1"),
            (
                text("auto", "", ""),
                &[("NODE_NAME", "n1"), ("LAPWING_NODE_NAME", "n2")],
                "n2",
                "n2",
            ),
            (
                text("auto", "mine", ""),
                &[("NODE_NAME", "n1")],
                "mine",
                "n1",
            ),
            (text("auto", "mine", ""), &[], "mine", "mine"),
            (
                text("auto", "mine", "n3"),
                &[("NODE_NAME", "n1")],
                "mine",
                "n3",
            ),
            // The host name of a pod is none of a node.
            (text("auto", "", ""), &[("NODE_NAME", "")], &*host, ""),
            (text("/k", "", ""), &[], &host, &host.to_ascii_lowercase()),
        ] {
            let mut config = Config::parse(Path::new("x"), yaml.as_bytes()).unwrap();
            let variable = |wanted: &str| {
                let found = variables.iter().find(|(name, _)| *name == wanted);
                found.map(|(_, value)| (*value).to_owned())
            };
            name(&mut config, variable);
            assert_eq!((&*config.node, &*config.identity.node_name), (node, own));
        }
    }
}
