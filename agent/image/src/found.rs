//! Likely secrets of files and of the configuration, as they are told.

use crate::Options;
use crate::layout::Layout;
use crate::read::Contents;
use crate::report::{First, Secret};
use crate::secrets;
use lapwing_profile::text::canonical;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// Whether it looks like the name of a variable.
fn is_name(text: &str) -> bool {
    let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    text.len() <= 200 && text.bytes().all(is)
}

/// What makes two secrets of different images the same one, without telling it: the place and kind of
/// one in a file or a named variable, and the text of any other, whose number may change.
pub(crate) type Identity = [u8; 32];

fn identity(of: &str, text: &[u8]) -> Identity {
    Sha256::digest([of.as_bytes(), b"\0", text].concat()).into()
}

/// Whether a variable holds a likely secret: the name under which it may be told, if that is none.
pub(crate) fn variable(text: &str, options: &Options<'_>) -> Option<Option<String>> {
    if (options.hide)(&mut canonical(text.as_bytes())) == 0 {
        return None;
    }
    let name = text.split_once('=').map(|(name, _)| name);
    let mut name = name.map(|name| canonical(name.as_bytes()));
    // Without a value, or with a secret in it, the name may be the secret; and an address may be
    // parted where its password has an equals sign.
    let is_told = (name.as_mut()).is_some_and(|name| is_name(name) && (options.hide)(name) == 0);
    Some(name.filter(|_| is_told))
}

/// The first of them as they are told, and what each is known by.
pub(crate) fn secrets(
    layout: &Layout,
    contents: &Contents,
    options: &Options<'_>,
) -> (First<Secret>, Vec<Identity>) {
    let tree = &contents.tree;
    let number = |id: u32| tree.nodes[id as usize].inode;
    // By the file and not by its name, of which it may have several.
    let hidden: HashMap<u32, u32> = tree
        .hidden
        .iter()
        .map(|one| (number(one.node), one.by))
        .collect();
    let in_files = contents.secrets.iter().map(|(id, kind)| {
        let place = canonical(&tree.path(*id));
        let same = identity(kind.text(), place.as_bytes());
        let secret = Secret {
            place,
            kind: kind.text(),
            layer: Some(tree.inode(*id).layer + 1),
            hidden_by: hidden.get(&number(*id)).map(|by| by + 1),
        };
        (secret, same)
    });
    let in_config = |place: String| Secret {
        place,
        kind: "a value called or formed like a secret",
        layer: None,
        hidden_by: None,
    };
    let is_secret = |text: &str| (options.hide)(&mut canonical(text.as_bytes())) > 0;
    let run = layout.run();
    let variables = run.and_then(|run| run.env.as_deref()).unwrap_or_default();
    let in_variables = (1..).zip(variables).filter_map(|(number, text)| {
        let secret = match variable(text, options)? {
            Some(name) => {
                let same = identity("variable", name.as_bytes());
                (in_config(format!("environment variable {name}")), same)
            }
            None => {
                let secret = in_config(format!("environment variable number {number}"));
                (secret, identity("text", text.as_bytes()))
            }
        };
        Some(secret)
    });
    let in_steps = (1..).zip(layout.history()).filter_map(|(number, step)| {
        let command = step.created_by.as_deref()?;
        let secret = || in_config(format!("step {number} of the history"));
        is_secret(command).then(|| (secret(), identity("step", command.as_bytes())))
    });
    let labels = (1..).zip({ run.iter() }.flat_map(|run| run.labels()));
    let in_labels = labels.filter_map(|(number, text): (u32, String)| {
        let secret = match variable(&text, options)? {
            Some(name) => {
                let same = identity("label", name.as_bytes());
                (in_config(format!("label {name}")), same)
            }
            None => {
                let place = format!("label number {number} in the order of their names");
                (in_config(place), identity("text", text.as_bytes()))
            }
        };
        Some(secret)
    });
    let texts = { run.iter() }.flat_map(|run| run.texts());
    let in_texts = texts.filter(|(_, text)| is_secret(text));
    let in_texts = in_texts.map(|(place, text)| {
        let same = identity("text", text.as_bytes());
        (in_config(format!("{place} of the configuration")), same)
    });
    let in_run = in_variables.chain(in_texts).chain(in_labels);
    let all = in_run.chain(in_steps).chain(in_files);
    let (all, mut known_by): (Vec<_>, Vec<_>) = all.unzip();
    let mut first = First::of(all, secrets::MOST);
    known_by.truncate(secrets::MOST);
    first.more += contents.more_secrets;
    (first, known_by)
}
