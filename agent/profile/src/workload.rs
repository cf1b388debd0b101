//! Whose profile it is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The owner of a profile: one container of one workload. Every part may be empty but `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// The cluster.
    #[serde(default)]
    pub cluster: String,
    /// The Kubernetes namespace, or the Compose project.
    #[serde(default)]
    pub namespace: String,
    /// What kind of owner: `Deployment`, `Service` of Compose, `Image` where the image is all
    /// that names it.
    #[serde(default)]
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The container within it.
    #[serde(default)]
    pub container: String,
}

/// Bytes that stand for themselves in an escaped part.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'@')
}

fn escape(part: &str) -> String {
    part.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

impl Workload {
    fn parts(&self) -> [&str; 4] {
        [&self.namespace, &self.kind, &self.name, &self.container]
    }

    /// A name that no other workload shares, fit for a file: at most 200 bytes, without
    /// slashes, never starting with a dot.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut parts = vec![escape(&self.cluster)];
        parts.extend(self.parts().map(escape));
        let name = parts.join("+");
        if name.len() < 200 {
            // The cluster comes first and may be empty: the separator then leads.
            return format!("w{name}");
        }
        let hash = crate::fingerprint::hex(&[name.as_bytes()]);
        format!("w{}+{hash}", &name[..120])
    }
}

impl Workload {
    /// Whether a text is a part of its name, special bytes as `%NN` or as they are.
    #[must_use]
    pub fn is_like(&self, part: &str) -> bool {
        self.to_string().contains(part) || self.parts().join("/").contains(part)
    }

    /// The parts that there are, for people: without Kubernetes some are empty. Not unlike all others', as its whole
    /// name is; as a part of that it finds the workload.
    #[must_use]
    pub fn title(&self) -> String {
        let parts = self.parts().into_iter().filter(|part| !part.is_empty());
        parts.map(escape).collect::<Vec<_>>().join("/")
    }

    /// Whether a text is its whole name, special bytes as `%NN` or as they are.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.to_string() == name || self.parts().join("/") == name
    }
}

/// `namespace/kind/name/container`, each part with slashes and other special bytes as `%NN`.
/// The cluster is left out: a person talks to one.
impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().map(escape).join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_is_readable() {
        let web = Workload {
            namespace: "shop".into(),
            kind: "Deployment".into(),
            name: "web".into(),
            container: "app".into(),
            ..Workload::default()
        };
        assert_eq!(web.to_string(), "shop/Deployment/web/app");
    }

    #[test]
    fn names_are_found_as_they_are_written_and_as_they_are() {
        let image = Workload {
            kind: "Image".into(),
            name: "team/web".into(),
            ..Workload::default()
        };
        assert_eq!(image.to_string(), "/Image/team%2Fweb/");
        for part in ["team/web", "team%2Fweb", "web", "/Image/team/web/"] {
            assert!(image.is_like(part), "{part}");
        }
        assert!(image.is_named("/Image/team/web/") && image.is_named("/Image/team%2Fweb/"));
        assert!(!image.is_named("team/web") && !image.is_like("team-web"));
        assert_eq!(image.title(), "Image/team%2Fweb");
        assert!(image.is_like(&image.title()));
    }

    /// Parts of few bytes, among which the special ones, so that some are alike.
    fn parts() -> [&'static str; 4] {
        ["[a/%+]{0,2}"; 4]
    }

    proptest! {
        #[test]
        fn no_two_share_a_name(a in parts(), b in parts()) {
            let workload = |[namespace, kind, name, container]: [String; 4]| Workload {
                cluster: String::new(), namespace, kind, name, container,
            };
            let (a, b) = (workload(a), workload(b));
            prop_assert_eq!(a.to_string() == b.to_string(), a == b);
        }

        #[test]
        fn file_names_are_safe_and_differ(a: [String; 4], b: [String; 4]) {
            let make = |parts: &[String; 4]| Workload {
                cluster: parts[0].clone(), namespace: parts[1].clone(), kind: String::new(),
                name: parts[2].clone(), container: parts[3].clone(),
            };
            let (first, second) = (make(&a).file_name(), make(&b).file_name());
            prop_assert!(first.len() <= 200 && !first.contains('/') && !first.starts_with('.'));
            prop_assert_eq!(first == second, a == b);
        }
    }
}
