//! Acts in other namespaces and cgroups than the container's own.

use super::privilege::{nest, setns, unshare};
use super::{number, syscall};
use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString, c_int};
use std::fs::File;
use std::path::Path;

/// Does one; answers whether there is such an act.
pub fn act(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        // Several acts, one after the other.
        ("each", words) => each(words)?,
        // Makes cgroups and goes there, as a runtime would with a container of its own; then a child
        // with namespaces of these kinds acts.
        ("nested", [folders, kinds, rest @ ..]) => {
            let folders = folders.to_str().context("folders")?;
            for folder in folders.split(':') {
                nest(Path::new(folder))?;
            }
            unshare(number(kinds)? as c_int)?;
            syscall::in_child(|| each(rest))?;
        }
        // Acts in namespaces of another process, by their files in a folder.
        ("inside", [folder, names, rest @ ..]) => {
            let names = names.to_str().context("names")?;
            // All at first: behind the first the folder may be another.
            let files: Vec<File> = names
                .split(',')
                .map(|name| {
                    let path = Path::new(folder).join(name);
                    File::open(&path).with_context(|| format!("cannot open {}", path.display()))
                })
                .collect::<Result<_>>()?;
            for file in &files {
                setns(file, 0)?;
            }
            each(rest)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Acts with `and` between them.
fn each(words: &[&OsStr]) -> Result<()> {
    for act in words.split(|word| *word == "and") {
        let act: Vec<OsString> = act.iter().map(|word| (*word).to_owned()).collect();
        super::act(&act)?;
    }
    Ok(())
}
