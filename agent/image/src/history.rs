//! Layers and what made them.

use crate::Options;
use crate::layout::Layout;
use crate::read::Contents;
use crate::report::Layer;
use lapwing_profile::text::canonical;

/// Bytes of a command that are kept.
const COMMAND_MAX: usize = 2000;

/// The command that made a layer, as people wrote it.
fn command(text: &str, options: &Options<'_>) -> String {
    // What the classic builder writes before it.
    let text = text.strip_prefix("/bin/sh -c #(nop)").unwrap_or(text);
    let text = text.strip_suffix("# buildkit").unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut text = canonical(words.join(" ").as_bytes());
    // Before it is cut: half a secret is none to the rules, as a password without its `@`.
    (options.hide)(&mut text);
    let mut end = text.len().min(COMMAND_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end < text.len() {
        text.truncate(end);
        text.push('\u{2026}');
    }
    text
}

pub(crate) fn layers(
    layout: &Layout,
    contents: &Contents,
    options: &Options<'_>,
    notes: &mut Vec<String>,
) -> Vec<Layer> {
    let steps: Vec<_> = layout
        .history()
        .iter()
        .filter(|step| !step.empty_layer)
        .collect();
    let fits = steps.len() == contents.layers.len();
    if !fits && !steps.is_empty() {
        notes.push(format!(
            "the history has {} steps that made layers, and there are {} layers: which made which is \
             not known",
            steps.len(),
            contents.layers.len()
        ));
    }
    let mut hidden = vec![0_u64; contents.layers.len()];
    for one in &contents.tree.hidden {
        if let Some(sum) = hidden.get_mut(one.layer as usize) {
            *sum = sum.saturating_add(one.bytes);
        }
    }
    let all = (1..).zip(&contents.layers).zip(&layout.layers).zip(hidden);
    all.map(|(((number, figures), blob), hidden)| {
        let step = steps.get(number as usize - 1).filter(|_| fits);
        let made = step.and_then(|step| step.created_by.as_deref());
        Layer {
            number,
            diff_id: blob.diff_id.clone(),
            folder: (layout.config.is_none()).then(|| canonical(blob.name.as_bytes())),
            packed: figures.packed,
            bytes: figures.bytes,
            files: figures.files,
            deletions: figures.deletions,
            hidden,
            command: made
                .filter(|made| !made.is_empty())
                .map(|made| command(made, options)),
        }
    })
    .collect()
}
