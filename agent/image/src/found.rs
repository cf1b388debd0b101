//! Likely secrets of files and of the configuration, as they are told.

use crate::Options;
use crate::layout::Layout;
use crate::read::Contents;
use crate::report::{First, Secret};
use crate::secrets;
use lapwing_profile::text::canonical;
use std::collections::HashMap;

/// Whether it looks like the name of a variable.
fn is_name(text: &str) -> bool {
    let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    text.len() <= 200 && text.bytes().all(is)
}

pub(crate) fn secrets(
    layout: &Layout,
    contents: &Contents,
    options: &Options<'_>,
) -> First<Secret> {
    let tree = &contents.tree;
    let number = |id: u32| tree.nodes[id as usize].inode;
    // By the file and not by its name, of which it may have several.
    let hidden: HashMap<u32, u32> = tree
        .hidden
        .iter()
        .map(|one| (number(one.node), one.by))
        .collect();
    let in_files = contents.secrets.iter().map(|(id, kind)| Secret {
        place: canonical(&tree.path(*id)),
        kind: kind.text(),
        layer: Some(tree.inode(*id).layer + 1),
        hidden_by: hidden.get(&number(*id)).map(|by| by + 1),
    });
    let in_config = |place: String| Secret {
        place,
        kind: "a value called or formed like a secret",
        layer: None,
        hidden_by: None,
    };
    let is_secret = |text: &str| (options.hide)(&mut canonical(text.as_bytes())) > 0;
    let run = layout.config.config.as_ref();
    let variables = run.and_then(|run| run.env.as_deref()).unwrap_or_default();
    let in_variables = (1..).zip(variables).filter(|(_, text)| is_secret(text));
    let in_variables = in_variables.map(|(number, text)| {
        let name = text.split_once('=').map(|(name, _)| name);
        let mut name = name.map(|name| canonical(name.as_bytes()));
        // Without a value, or with a secret in it, the name may be the secret; and an address may be
        // parted where its password has an equals sign.
        let is_told =
            (name.as_mut()).is_some_and(|name| is_name(name) && (options.hide)(name) == 0);
        in_config(match name.filter(|_| is_told) {
            Some(name) => format!("environment variable {name}"),
            None => format!("environment variable number {number}"),
        })
    });
    let history = layout.config.history.as_deref().unwrap_or_default();
    let in_steps = (1..).zip(history).filter_map(|(number, step)| {
        let command = step.created_by.as_deref()?;
        is_secret(command).then(|| in_config(format!("step {number} of the history")))
    });
    let all: Vec<Secret> = in_variables.chain(in_steps).chain(in_files).collect();
    let mut first = First::of(all, secrets::MOST);
    first.more += contents.more_secrets;
    first
}
