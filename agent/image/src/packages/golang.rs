//! Modules that Go programs were built of, by what the programs say of themselves.
//!
//! The module of a program is the package of its file, unless one of the system is. What is linked into it has no
//! files of its own, and is in use where one of the programs is. The text is that of `runtime/debug.BuildInfo`:
//! lines of words between tabs.

use super::{Damaged, Packages, told};
use crate::golang::Built;
use crate::tree::{Id, Tree};
use std::collections::{BTreeSet, HashMap};

/// A kind of packages.
pub(super) const KIND: &str = "golang";
/// What scanners call what comes with Go itself.
const STANDARD: &[u8] = b"stdlib";

/// A module in one version.
type Module<'a> = (&'a [u8], &'a [u8]);

/// What a program was built of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Modules<'a> {
    go: &'a [u8],
    main: Option<Module<'a>>,
    linked: Vec<Module<'a>>,
    /// Whether it was built of modules: else what is linked is not said.
    is_whole: bool,
}

/// A version as it is released: that of a folder is none.
fn released(version: &[u8]) -> &[u8] {
    match version {
        b"(devel)" => b"",
        version => version,
    }
}

impl<'a> Modules<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut modules = Self::default();
        let mut path = None;
        // Whose replacement the next line may be.
        let mut last = None;
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let mut words = line.split(|byte| *byte == b'\t');
            let key = words.next().unwrap_or_default();
            let (name, version) = (words.next(), words.next().unwrap_or_default());
            let module = name.filter(|name| !name.is_empty());
            let module = module.map(|name| (name, released(version)));
            match (key, module) {
                (go, _) if number == 0 => modules.go = go,
                (b"path", Some((name, _))) => path = Some(name),
                (b"mod", Some(module)) => {
                    modules.main = Some(module);
                    modules.is_whole = true;
                }
                (b"dep", Some(module)) => {
                    modules.linked.push(module);
                    modules.is_whole = true;
                    last = Some(modules.linked.len() - 1);
                    continue;
                }
                (b"=>", Some((by, version))) => {
                    if let Some(one) = last.and_then(|last: usize| modules.linked.get_mut(last)) {
                        // Of a folder, the version that it stands for says nothing.
                        *one = if version.is_empty() {
                            (one.0, b"")
                        } else {
                            (by, version)
                        };
                    }
                }
                _ => {}
            }
            last = None;
        }
        let usual = path.filter(|path| *path != b"command-line-arguments");
        modules.main = modules.main.or(usual.map(|path| (path, &b""[..])));
        modules
    }
}

pub(super) fn go(tree: &Tree, packages: &mut Packages) {
    let mut programs: Vec<(Id, &Built)> = Vec::new();
    let mut seen = BTreeSet::new();
    tree.visit(|id, inode| {
        if let Some(built) = &inode.built
            && seen.insert(tree.nodes[id as usize].inode)
        {
            programs.push((id, built));
        }
    });
    let (mut old, mut bare) = (Damaged::default(), Damaged::default());
    let mut known: HashMap<Module<'_>, usize> = HashMap::new();
    // What is a program of its own is so also where another has it linked in, so these come first.
    for (id, built) in &programs {
        let text = match built {
            Built::Known(text) => text,
            Built::Old => {
                old.take(&tree.path(*id));
                continue;
            }
        };
        let modules = Modules::of(text);
        if !modules.is_whole {
            bare.take(&tree.path(*id));
        }
        if let Some(module) = modules.main {
            let within = packages.name(tree, *id);
            let Some(number) = packages.module(&mut known, module, within) else {
                break;
            };
            packages.take(tree, number, *id);
            // A package of the system owns it, and another program of the module is its own: one that was met already.
            if packages.owner_number(tree, *id) != Some(number) {
                packages.link(tree, number, *id);
            }
        }
    }
    for (id, built) in programs {
        let Built::Known(text) = built else { continue };
        let modules = Modules::of(text);
        let own = modules.main.and_then(|main| known.get(&main));
        let own = own.map(|number| packages.all[*number].name.clone());
        let standard = (
            STANDARD,
            modules
                .go
                .split(|byte| *byte == b' ')
                .next()
                .unwrap_or_default(),
        );
        let within = own.or_else(|| packages.name(tree, id));
        let within = within.or_else(|| Some(told(&tree.path(id))));
        for module in modules.linked.into_iter().chain([standard]) {
            let Some(number) = packages.module(&mut known, module, within.clone()) else {
                break;
            };
            packages.link(tree, number, id);
        }
    }
    old.list(
        packages,
        "Go program",
        "of before Go 1.18, whose build information is not read",
    );
    bare.list(
        packages,
        "Go program",
        "without a word of modules, so that what is linked in is not known",
    );
}

impl Packages {
    /// The package of a module, which may be in several programs.
    fn module<'a>(
        &mut self,
        known: &mut HashMap<Module<'a>, usize>,
        module: Module<'a>,
        within: Option<String>,
    ) -> Option<usize> {
        if let Some(number) = known.get(&module) {
            return Some(*number);
        }
        let number = self.add(KIND, module.0, module.1, within)?;
        known.insert(module, number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_modules_are_read_with_their_replacements() {
        let text = b"go1.22.1\npath\ta.b/c/cmd/d\nmod\ta.b/c\t(devel)\t\ndep\tx/y\tv1.0.0\th1:q\ndep\tx/z\tv2.0.0\n\
            =>\tf/z\tv2.1.0\th1:r\ndep\tx/w\tv0.1.0\n=>\t../w\t\nbuild\t-ldflags=-X p=hunter2\n=>\tq\tv9\n";
        let modules = Modules::of(text);
        let expected: [Module<'_>; 3] = [(b"x/y", b"v1.0.0"), (b"f/z", b"v2.1.0"), (b"x/w", b"")];
        assert_eq!(modules.linked, expected);
        assert_eq!((modules.go, modules.is_whole), (&b"go1.22.1"[..], true));
        assert_eq!(modules.main, Some((&b"a.b/c"[..], &b""[..])));
        // As Debian builds them, and as one of a folder without a module.
        let bare =
            Modules::of(b"go1.19.8\npath\tgithub.com/opencontainers/runc\nbuild\tGOOS=linux\n");
        assert_eq!(
            bare.main,
            Some((&b"github.com/opencontainers/runc"[..], &b""[..]))
        );
        assert!(!bare.is_whole && bare.linked.is_empty());
        assert_eq!(
            Modules::of(b"go1\npath\tcommand-line-arguments\n").main,
            None
        );
    }
}
