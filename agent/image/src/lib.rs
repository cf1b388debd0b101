//! What a container image holds: layers, bytes wasted, packages, what is notable, likely secrets; and
//! with a profile, which of its programs were seen to run.
//!
//! An image is a `docker save` tar or an OCI layout, as a folder or a tar. Its layers are streamed and
//! looked at on the way, one file after another, and only names and figures are kept. Nothing is
//! written to a disk, and no name of the image is ever opened on the host: blobs are found by the
//! image's own documents, beneath the folder or within the tar ([`Error`] otherwise), and checked
//! against their digests.
//!
//! All that is in an image is another's word. Work and memory are bounded ([`Limits`]). Names that lead
//! upwards are taken as containerd takes them, below the root; what no runtime would unpack is left out.
//! Both are told in [`Report::notes`].
#![forbid(unsafe_code)]

mod capture;
mod error;
mod execution;
mod found;
mod history;
mod layout;
mod notable;
mod packages;
mod read;
mod reference;
pub mod report;
mod savings;
mod secrets;
mod store;
mod tarball;
mod tree;
mod unpack;
mod walk;
mod waste;

pub use error::{Error, Limits};
pub use layout::Wanted;
pub use report::Report;
pub use tree::How;

use lapwing_profile::profile::Profile;
use lapwing_profile::text::canonical;
use layout::Layout;
use packages::Packages;
use read::Contents;
use report::{Size, Waste};
use std::path::Path;
use store::Store;
use tree::{Kind, Tree};

/// How an image is read.
pub struct Options<'a> {
    /// Which of several.
    pub wanted: Wanted,
    /// How much at most.
    pub limits: Limits,
    /// Hides secrets in a command that made a layer; answers how many it hid.
    pub hide: &'a dyn Fn(&mut String) -> usize,
    /// What was seen to run.
    pub profile: Option<&'a Profile>,
}

/// Reads an image.
///
/// # Errors
/// When it is none, is damaged, is none of those that are wanted, or exceeds a limit.
pub fn read(path: &Path, options: &Options<'_>) -> Result<Report, Error> {
    let store = Store::open(path)?;
    let layout = Layout::find(&store, &options.wanted)?;
    let contents = Contents::read(&store, &layout, options.limits)?;
    Ok(report(&layout, &contents, options))
}

fn report(layout: &Layout, contents: &Contents, options: &Options<'_>) -> Report {
    let tree = &contents.tree;
    let waste = Waste::of(tree);
    let mut notes = contents.notes();
    let layers = history::layers(layout, contents, options, &mut notes);
    let mut size = Size {
        packed: layers.iter().map(|layer| layer.packed).sum(),
        bytes: layers
            .iter()
            .map(|layer| layer.bytes)
            .fold(0, u64::saturating_add),
        ..Size::default()
    };
    for inode in tree
        .inodes
        .iter()
        .filter(|it| it.links > 0 && it.kind == Kind::File)
    {
        size.visible = size.visible.saturating_add(inode.size);
        size.files += 1;
    }
    let mut packages = Packages::of(tree);
    // Both are called the digest of an image, by one runtime or another.
    let digests: Vec<&str> = layout
        .digest
        .as_deref()
        .into_iter()
        .chain([&*layout.id])
        .collect();
    let ran =
        (options.profile).map(|profile| execution::of(tree, &mut packages, profile, &digests));
    let (notable, owners) = notable::of(tree, &packages);
    let Packages {
        mut all, not_read, ..
    } = packages;
    let compilers = savings::compilers(&all, &owners);
    all.sort_by(|one, other| (other.bytes, &one.name).cmp(&(one.bytes, &other.name)));
    let of_packages = ran.as_ref().and_then(|ran| execution::saving(&all, ran));
    let savings = savings::of(&waste, &notable.bulk, compilers, of_packages);
    Report {
        schema: report::SCHEMA,
        name: layout.name.as_ref().map(|name| canonical(name.as_bytes())),
        digest: layout.digest.clone(),
        id: layout.id.clone(),
        platform: layout.config.platform(),
        system: system(tree),
        size,
        layers,
        waste,
        packages: all,
        packages_not_read: not_read,
        notable,
        secrets: found::secrets(layout, contents, options),
        not_searched: contents.unsearched,
        savings,
        ran,
        notes,
    }
}

/// What the system calls itself.
fn system(tree: &Tree) -> Option<String> {
    let id = tree.find(b"/etc/os-release", true)?;
    let text = tree.inode(id).content.as_deref()?;
    let mut lines = text.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(b"PRETTY_NAME="))?;
    let value = value.trim_ascii();
    let quoted = |quote: &[u8]| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = quoted(b"\"").or_else(|| quoted(b"'")).unwrap_or(value);
    Some(canonical(&value[..value.len().min(200)]))
}
