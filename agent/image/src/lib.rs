//! What a container image holds: layers, bytes wasted, packages, what is notable, likely secrets; and
//! with a profile, which of its programs were seen to run.
//!
//! An image is a `docker save` tar or an OCI layout, as a folder or a tar; or the folders that the root of a
//! running container is laid of ([`Layers`]). Its layers are streamed and
//! looked at on the way, one file after another, and only names and figures are kept. Nothing but a large
//! database of RPM is written to a disk, to a temporary file without a name, and no name of the image is
//! ever opened on the host: blobs are found by the
//! image's own documents, beneath the folder or within the tar ([`Error`] otherwise), and checked
//! against their digests.
//!
//! All that is in an image is another's word. Work and memory are bounded ([`Limits`]). Names that lead
//! upwards are taken as containerd takes them, below the root; what no runtime would unpack is left out.
//! Both are told in [`Report::notes`].
#![forbid(unsafe_code)]

pub mod base;
pub mod budget;
mod capture;
mod counted;
pub mod cyclonedx;
pub mod diff;
mod error;
mod execution;
mod folders;
mod found;
mod golang;
mod history;
pub mod inventory;
mod json;
mod layout;
mod linkage;
pub mod map;
mod notable;
mod package_url;
mod packages;
mod read;
mod reference;
pub mod report;
mod rpmdb;
mod run;
mod saved;
mod savings;
pub mod sbom;
pub mod score;
mod secrets;
mod shown;
mod store;
mod stored;
mod tarball;
mod tree;
mod unpack;
mod user;
pub mod vulnerabilities;
mod walk;
mod waste;

pub use counted::counted;
pub use error::{Error, Limits};
pub use folders::{Folder, Layers, Marks};
pub use layout::Wanted;
pub use report::Report;
pub use shown::Shown;
pub use tree::How;
pub use user::User;

use found::Identity;
use lapwing_advise::image::Configured;
use lapwing_profile::inventory::Inventory;
use lapwing_profile::inventory::export::Export;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::canonical;
use layout::{Config, Layout};
use map::{Area, Use};
use packages::Packages;
use read::Contents;
use report::{Size, Waste};
use sbom::Sbom;
use score::Score;
use std::path::Path;
use store::Store;
use tree::{Kind, Tree};

/// What a build lacks that copies from a container's layers.
const WITHOUT: &str = "made from a container's layers, which come without the image's configuration: ENTRYPOINT, CMD, \
                       ENV, USER, WORKDIR, EXPOSE, VOLUME, STOPSIGNAL and HEALTHCHECK are not known and have to be \
                       added, or save the image to a file and give that instead";

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
    /// Which files were seen to be used.
    pub inventory: Option<(&'a Export, &'a Inventory)>,
    /// Which packages somebody else says that there are.
    pub sbom: Option<&'a Sbom<'a>>,
}

/// Reads an image.
///
/// # Errors
/// When it is none, is damaged, is none of those that are wanted, or exceeds a limit.
pub fn read(path: &Path, options: &Options<'_>) -> Result<Report, Error> {
    Image::read(path, options).map(Report::from)
}

/// An image with all of its names, to be compared with another.
pub struct Image {
    report: Report,
    tree: Tree,
    packages: Packages,
    /// Of the secrets that the report lists.
    known_by: Vec<Identity>,
    /// What is known of the use of each file, by the number of its inode; empty where nothing is.
    uses: Vec<Use>,
    /// The ids of the user that it names, where they are known.
    user: Option<Configured>,
}

impl Image {
    /// Reads one.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(path: &Path, options: &Options<'_>) -> Result<Self, Error> {
        let store = Store::open(path)?;
        let layout = Layout::find(&store, &options.wanted)?;
        let contents = Contents::read(&store, &layout, options.limits)?;
        Ok(Self::of(&layout, contents, options))
    }

    /// Reads the layers of a running container. What stands in an image's configuration alone is unknown then.
    ///
    /// # Errors
    /// When a layer cannot be read, or they exceed a limit.
    pub fn of_container(layers: &Layers, options: &Options<'_>) -> Result<Self, Error> {
        let contents = layers.read(options.limits)?;
        let mut image = Self::of(&layers.layout(), contents, options);
        image.report.container = Some(layers.told(options.limits));
        image.report.notes.extend(layers.notes.iter().cloned());
        Ok(image)
    }

    fn of(layout: &Layout, mut contents: Contents, options: &Options<'_>) -> Self {
        let user = match layout.config {
            Some(_) => {
                let run = layout.run().and_then(|run| run.user.as_deref());
                User::of(&contents.tree, run.unwrap_or_default())
            }
            None => User::unknown(),
        };
        let (report, packages, known_by, uses) = report(layout, &contents, options, &user);
        // Nobody reads databases again.
        for inode in &mut contents.tree.inodes {
            (inode.content, inode.built, inode.linkage) = (None, None, None);
        }
        Self {
            report,
            tree: contents.tree,
            packages,
            known_by,
            uses,
            user: user.configured,
        }
    }

    /// What is said of it.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Where its bytes are.
    #[must_use]
    pub fn map(&self) -> Area {
        map::of(&self.tree, &self.packages, &self.uses)
    }
}

impl From<Image> for Report {
    fn from(image: Image) -> Self {
        image.report
    }
}

fn report(
    layout: &Layout,
    contents: &Contents,
    options: &Options<'_>,
    user: &User,
) -> (Report, Packages, Vec<Identity>, Vec<Use>) {
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
    // Both are called the digest of an image, by one runtime or another.
    let digests: Vec<&str> = [&layout.digest, &layout.id]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    let diff_ids = layout
        .layers
        .iter()
        .filter_map(|blob| blob.diff_id.as_deref());
    let diff_ids: Vec<&str> = diff_ids.collect();
    let sbom = options.sbom;
    let saved = saved::digest(layout, &contents.layers);
    let known: Vec<&str> = digests.iter().copied().chain(saved.as_deref()).collect();
    let sbom = sbom.map(|sbom| (sbom, sbom.is_of(&known, &diff_ids)));
    let (mut packages, sbom) = Packages::of(tree, sbom);
    let ran =
        (options.profile).map(|profile| execution::of(tree, &mut packages, profile, &digests));
    let (ran, by_profile) = ran.unzip();
    let run = layout.run();
    let used = options.inventory.map(|inventory| {
        let of = (&*digests, layers.len());
        let ran = by_profile.as_deref().unwrap_or_default();
        let mut known = inventory::of(tree, &mut packages, inventory, of, (run, ran));
        let copy = &mut known.used.copy;
        match run {
            Some(run) => run.say(copy, options),
            None if layout.config.is_none() => copy.warnings.push(WITHOUT.to_owned()),
            None => {}
        }
        known
    });
    notes.extend(used.as_ref().and_then(|it| it.used.copy.said_beyond()));
    let by_inventory = used.as_ref().map(|it| &*it.uses);
    let says = used.as_ref().filter(|it| it.used.says);
    let base = base::of(&base::Known {
        tree,
        packages: &packages,
        layout,
        uses: by_inventory.or(by_profile.as_deref()).unwrap_or_default(),
        how: says.map(|it| &*it.how),
        inventory: options.inventory.map(|(_, known)| known),
        used: used.as_ref().map(|it| &it.used),
        ran: (by_profile.as_deref()).filter(|_| ran.as_ref().is_some_and(|ran| ran.says)),
        profile: options.profile,
        told: ran.as_ref(),
        system: of_system(tree, "ID").as_deref(),
        user: &user.text,
    });
    let (used, by_inventory) = used.map(|it| (it.used, it.uses)).unzip();
    let uses = by_inventory.or(by_profile).unwrap_or_default();
    let (notable, owners) = notable::of(tree, &packages);
    let compilers = savings::compilers(&packages.all, &owners);
    let mut all = packages.all.clone();
    all.sort_by(|one, other| (other.bytes, &one.name).cmp(&(one.bytes, &other.name)));
    let of_packages = ran.as_ref().and_then(|ran| execution::saving(&all, ran));
    let of_use = used.as_ref().map(|used| inventory::savings(used, &all));
    let of_use = of_use.unwrap_or_default();
    let more = { of_packages.into_iter().chain(of_use) }
        .chain(base.saving())
        .collect();
    let savings = savings::of(&waste, &notable.bulk, compilers, more);
    let (secrets, known_by) = found::secrets(layout, contents, options);
    let score = Score::of(&notable, &secrets, contents.unsearched, user);
    let report = Report {
        schema: report::SCHEMA,
        name: layout.name.as_ref().map(|name| canonical(name.as_bytes())),
        digest: layout.digest.clone(),
        id: layout.id.clone(),
        platform: (layout.config.as_ref()).map_or_else(|| "unknown".to_owned(), Config::platform),
        container: None,
        system: of_system(tree, "PRETTY_NAME"),
        distro: of_system(tree, "ID")
            .zip(of_system(tree, "VERSION_ID"))
            .map(|(id, version)| format!("{id}-{version}")),
        size,
        layers,
        waste,
        packages: all,
        packages_not_read: packages.not_read.clone(),
        sbom,
        notable,
        user: user.text.clone(),
        secrets,
        not_searched: contents.unsearched,
        score,
        savings,
        base,
        ran,
        used,
        vulnerabilities: None,
        notes,
    };
    (report, packages, known_by, uses)
}

/// What the system says of itself.
fn of_system(tree: &Tree, key: &str) -> Option<String> {
    let id = tree.find(b"/etc/os-release", true)?;
    let text = tree.inode(id).text()?;
    let mut lines = text.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(key.as_bytes())?.strip_prefix(b"="))?;
    let value = value.trim_ascii();
    let quoted = |quote: &[u8]| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = quoted(b"\"").or_else(|| quoted(b"'")).unwrap_or(value);
    Some(canonical(&value[..value.len().min(200)]))
}
