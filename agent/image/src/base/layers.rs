//! Which layers are the base: as far as the history says it.
//!
//! Nothing in an image says it for sure. A Dockerfile ends, as a rule, with one CMD, so each CMD that a layer
//! follows is the end of an image that was built upon; images of Bazel and apko name their tool. Where the
//! history says nothing, the lowest layer is the base if a system lies in it.

use crate::layout::{History, Layout};
use crate::tree::Tree;
use serde::Serialize;

/// Names of files that a system has, and programs of their own have not.
const OF_SYSTEM: &[&str] = &[
    "alpine-release",
    "apk",
    "busybox",
    "dash",
    "debian_version",
    "dpkg",
    "libc.so.6",
    "os-release",
    "redhat-release",
    "status.d",
];

/// The layers that are the base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseLayers {
    /// So many, from the lowest on; 0 where none is known to be.
    pub count: u32,
    /// How that is known.
    pub by: By,
    /// The same in words.
    pub why: &'static str,
}

/// How base layers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// By the steps of the history.
    History,
    /// The lowest layer has a system in it, and no more is known.
    FirstLayer,
    /// There is none.
    None,
}

/// A step without what the classic builder writes before it.
fn step(one: &History) -> &str {
    let text = one.created_by.as_deref().unwrap_or_default();
    let text = text.strip_prefix("/bin/sh -c #(nop)").unwrap_or(text);
    text.trim_start()
}

/// Layers up to the last CMD that a layer follows, or those that Bazel or apko made below others.
fn by_history(steps: &[History], layers: usize) -> Option<(usize, &'static str)> {
    if steps.iter().filter(|one| !one.empty_layer).count() != layers {
        return None;
    }
    let tool = |one: &&History| {
        let text = step(one);
        ["bazel build", "apko"]
            .iter()
            .any(|tool| text.starts_with(tool))
    };
    let made = { steps.iter().filter(|one| !one.empty_layer) }
        .take_while(tool)
        .count();
    if (1..layers).contains(&made) {
        return Some((
            made,
            "they were made by Bazel or apko, as bases are, and what follows was not",
        ));
    }
    let (mut below, mut found) = (0, None);
    for one in steps {
        let is_command = one.empty_layer && step(one).starts_with("CMD");
        if is_command && (1..layers).contains(&below) {
            found = Some(below);
        }
        below += usize::from(!one.empty_layer);
    }
    let why =
        "the history has a CMD behind them, with which the Dockerfile of an image ends as a rule";
    found.map(|count| (count, why))
}

impl BaseLayers {
    pub(super) fn of(layout: &Layout, tree: &Tree) -> Self {
        let layers = layout.layers.len();
        if let Some((count, why)) = by_history(layout.history(), layers) {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            return Self {
                count,
                by: By::History,
                why,
            };
        }
        let mut has_system = false;
        tree.visit(|id, inode| {
            let name = &*tree.nodes[id as usize].name;
            let is_one = OF_SYSTEM.iter().any(|one| one.as_bytes() == name);
            has_system |= inode.layer == 0 && is_one && id != crate::tree::ROOT;
        });
        match (has_system, layers) {
            (true, 1) => Self {
                count: 1,
                by: By::FirstLayer,
                why: "it is the only layer, so what is the base in it and what is not is not known",
            },
            (true, _) => Self {
                count: 1,
                by: By::FirstLayer,
                why: "there is a system in the first layer, and the history does not say where the base ends",
            },
            (false, _) => Self {
                count: 0,
                by: By::None,
                why: "no system is known to be in the first layer: it may be built from scratch",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(all: &[&str]) -> Vec<History> {
        let step = |text: &&str| History {
            created_by: Some((*text).to_owned()),
            empty_layer: ["CMD", "ENV", "/bin/sh -c #(nop)  CMD", "LABEL"]
                .iter()
                .any(|start| text.starts_with(start)),
        };
        all.iter().map(step).collect()
    }

    #[test]
    fn each_command_that_a_layer_follows_ends_a_base() {
        let count =
            |all: &[&str], layers| by_history(&history(all), layers).map(|(count, _)| count);
        let classic = [
            "/bin/sh -c #(nop) ADD file:1 in / ",
            "/bin/sh -c #(nop)  CMD [\"bash\"]",
            "COPY app /app # buildkit",
            "CMD [\"/app\"]",
        ];
        assert_eq!(count(&classic, 2), Some(1));
        let python = [
            "# debian.sh --arch 'amd64'",
            "CMD [\"bash\"]",
            "RUN /bin/sh -c apt-get install",
            "RUN /bin/sh -c build python",
            "CMD [\"python3\"]",
            "COPY . /app",
            "RUN pip install",
            "CMD [\"python3\", \"app.py\"]",
        ];
        assert_eq!(count(&python, 5), Some(3));
        let distroless = ["bazel build //a", "bazel build //b", "COPY app /"];
        assert_eq!(count(&distroless, 3), Some(2));
        // Only the image's own, of another number of layers, or nothing at all.
        assert_eq!(count(&["ADD / /", "COPY a /a", "CMD [\"/a\"]"], 2), None);
        assert_eq!(count(&classic, 3), None);
        assert_eq!(count(&[], 0), None);
        assert_eq!(count(&["CMD", "CMD", "COPY a /a", "CMD"], 1), None);
        assert_eq!(count(&["bazel build //a"], 1), None);
    }
}
