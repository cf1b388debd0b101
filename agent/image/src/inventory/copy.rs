//! What a build has to copy to have what was used, folded to whole folders.
//!
//! A folder is copied as a whole where every file in it, at any depth, is wanted. Symbolic links are wanted
//! where they lead to something that is, or to a folder above it. `COPY` follows a link that it is given by
//! name, so those that do not lie in a folder that is copied as a whole are made anew. Python looks for the
//! source of a compiled module and opens only the latter: the source is wanted with it.

use super::Nodes;
use crate::report::Sum;
use crate::tree::{Id, Kind, ROOT, Tree};
use lapwing_profile::text::canonical;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Instructions of one stage: a stage of more layers cannot be run everywhere.
const STAGE_MAX: usize = 100;
/// Words of one instruction.
const WORDS_MAX: usize = 200;

/// What is to be copied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copy {
    /// Folders that are copied as a whole.
    pub folders: Vec<String>,
    /// Files that are copied, by the folder they lie in.
    pub files: Vec<InFolder>,
    /// Symbolic links that are made anew.
    pub links: Vec<Link>,
    /// Folders that were listed, and of which nothing else is copied: made anew.
    pub empty: Vec<String>,
    /// What has a name that no `COPY` can say for sure.
    pub unnamed: Vec<String>,
    /// How many files that brings, and their bytes.
    pub brings: Sum,
}

/// Files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InFolder {
    /// The folder.
    pub folder: String,
    /// Their names in it.
    pub names: Vec<String>,
}

/// A symbolic link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Its path.
    pub path: String,
    /// What it says.
    pub target: String,
}

/// Whether a name means itself in a Dockerfile and in a shell: no pattern, no variable, no quote.
fn is_plain(text: &str) -> bool {
    let is = |c: char| c.is_alphanumeric() || "/._-+@:,=%~ #".contains(c);
    text.chars().all(is)
}

impl Copy {
    pub(crate) fn of(tree: &Tree, nodes: &Nodes) -> Self {
        let mut wanted = nodes.files.clone();
        let mut above = vec![false; tree.nodes.len()];
        let mark = |above: &mut Vec<bool>, mut id: Id| {
            while !above[id as usize] {
                above[id as usize] = true;
                id = tree.nodes[id as usize].parent;
            }
        };
        above[ROOT as usize] = true;
        let mut links = Vec::new();
        tree.visit(|id, inode| {
            if wanted[id as usize] || nodes.listed[id as usize] {
                mark(&mut above, id);
            }
            if inode.kind == Kind::Symlink {
                links.push(id);
            }
        });
        for source in sources(tree, &nodes.files) {
            wanted[source as usize] = true;
            mark(&mut above, source);
        }
        // A link may lead over others, and to a folder that only now is above something: each round takes
        // one link at least, and steps over all of the image are bounded.
        let mut is_settled = false;
        while !is_settled {
            is_settled = true;
            for id in &links {
                let leads = |id| {
                    let path = tree.path(id);
                    (!tree.is_exhausted())
                        .then(|| tree.find(&path, true))
                        .flatten()
                };
                if !wanted[*id as usize]
                    && leads(*id).is_some_and(|to| to != ROOT && above[to as usize])
                {
                    wanted[*id as usize] = true;
                    mark(&mut above, *id);
                    is_settled = false;
                }
            }
        }
        let whole = whole(tree, &wanted);
        let mut result = Self::default();
        result.collect(tree, nodes, (&wanted, &above, &whole));
        result
    }

    fn collect(
        &mut self,
        tree: &Tree,
        nodes: &Nodes,
        (wanted, above, whole): (&[bool], &[bool], &[bool]),
    ) {
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut counted = vec![false; tree.inodes.len()];
        tree.visit(|id, inode| {
            let at = id as usize;
            let parent = tree.nodes[at].parent as usize;
            let folded = id != ROOT && whole[parent];
            if inode.kind == Kind::File
                && wanted[at]
                && !std::mem::replace(&mut counted[tree.nodes[at].inode as usize], true)
            {
                self.brings.take(inode.size);
            }
            if folded {
                return;
            }
            let path = canonical(&tree.path(id));
            let folder = canonical(&tree.path(tree.nodes[at].parent));
            let mut unnamed = |path: String| self.unnamed.push(path);
            match inode.kind {
                Kind::Folder if whole[at] && is_plain(&path) => self.folders.push(path),
                Kind::Folder if whole[at] => unnamed(path),
                Kind::Folder if nodes.listed[at] && !has_wanted(tree, id, above, wanted) => {
                    match is_plain(&path) {
                        true => self.empty.push(path),
                        false => unnamed(path),
                    }
                }
                Kind::Symlink if wanted[at] => {
                    let target = canonical(inode.target.as_deref().unwrap_or_default());
                    match is_plain(&path) && is_plain(&target) {
                        true => self.links.push(Link { path, target }),
                        false => unnamed(path),
                    }
                }
                Kind::File if wanted[at] => match is_plain(&path) {
                    true => {
                        let name = canonical(&tree.nodes[at].name);
                        files.entry(folder).or_default().push(name);
                    }
                    false => unnamed(path),
                },
                _ => {}
            }
        });
        self.files = { files.into_iter() }
            .map(|(folder, names)| InFolder { folder, names })
            .collect();
    }

    /// The build that has these alone, of an image by its name.
    #[must_use]
    pub fn dockerfile(&self, image: &str) -> String {
        let mut copies: Vec<String> = Vec::new();
        let quoted = |text: &str| format!("\"{text}\"");
        let below = |folder: &str| match folder {
            "/" => "/".to_owned(),
            folder => format!("{folder}/"),
        };
        for folder in &self.folders {
            let folder = quoted(&below(folder));
            copies.push(format!("COPY --from=full [{folder}, {folder}]"));
        }
        for InFolder { folder, names } in &self.files {
            for names in names.chunks(WORDS_MAX) {
                let mut words: Vec<String> = names
                    .iter()
                    .map(|name| quoted(&format!("{}{name}", below(folder))))
                    .collect();
                words.push(quoted(&below(folder)));
                copies.push(format!("COPY --from=full [{}]", words.join(", ")));
            }
        }
        let mut made: Vec<String> = { self.empty.iter() }
            .map(|folder| format!("mkdir -p \"/out{folder}\""))
            .collect();
        for Link { path, target } in &self.links {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            made.push(format!(
                "mkdir -p \"/out{folder}\" && ln -s -- \"{target}\" \"/out{path}\""
            ));
        }
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "FROM {image} AS full\n");
        if !made.is_empty() {
            let _ = writeln!(out, "FROM busybox AS made");
            for made in made.chunks(WORDS_MAX) {
                let _ = writeln!(out, "RUN {}", made.join(" && \\\n    "));
            }
            out.push('\n');
        }
        let stages = copies.chunks(STAGE_MAX).len();
        for (number, copies) in (1..).zip(copies.chunks(STAGE_MAX)) {
            let _ = writeln!(out, "FROM scratch AS used{number}\n{}\n", copies.join("\n"));
        }
        out.push_str("FROM scratch\n");
        // Links first: what lies behind one is copied under its own name.
        if !made.is_empty() {
            out.push_str("COPY --from=made /out/ /\n");
        }
        for number in 1..=stages {
            let _ = writeln!(out, "COPY --from=used{number} / /");
        }
        for path in &self.unnamed {
            let _ = writeln!(out, "# copy by hand, its name has a meaning here: {path}");
        }
        out
    }
}

/// The sources of compiled modules of Python that were used: `a.py` beside the folder of
/// `__pycache__/a.cpython-313.pyc`.
fn sources(tree: &Tree, used: &[bool]) -> Vec<Id> {
    let mut sources = Vec::new();
    tree.visit(|id, inode| {
        let node = &tree.nodes[id as usize];
        if !used[id as usize] || inode.kind != Kind::File || !node.name.ends_with(b".pyc") {
            return;
        }
        let folder = &tree.nodes[node.parent as usize];
        let Some(module) = node.name.split(|byte| *byte == b'.').next() else {
            return;
        };
        if *folder.name != *b"__pycache__" || module.is_empty() {
            return;
        }
        let source = [module, b".py"].concat();
        let beside = &tree.nodes[folder.parent as usize].children;
        sources.extend(beside.get(&source[..]));
    });
    sources
}

/// Which folders hold nothing but what is wanted, and something of it.
fn whole(tree: &Tree, wanted: &[bool]) -> Vec<bool> {
    let mut order = Vec::new();
    tree.visit(|id, inode| order.push((id, inode.kind)));
    let mut whole = vec![false; tree.nodes.len()];
    for (id, kind) in order.into_iter().rev() {
        if kind == Kind::Folder && id != ROOT {
            let children = &tree.nodes[id as usize].children;
            let is = |child: &Id| match tree.inode(*child).kind {
                Kind::Folder => whole[*child as usize],
                _ => wanted[*child as usize],
            };
            whole[id as usize] = !children.is_empty() && children.values().all(is);
        }
    }
    whole
}

/// Whether something in a folder is copied or made.
fn has_wanted(tree: &Tree, folder: Id, above: &[bool], wanted: &[bool]) -> bool {
    let mut children = tree.nodes[folder as usize].children.values();
    children.any(|child| above[*child as usize] || wanted[*child as usize])
}
