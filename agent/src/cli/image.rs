//! `lapwing image`, and how images are read here.

use super::advise_image::ImageForm;
use super::client::Endpoint;
use super::image_where::{self, WhereArgs};
use super::profile_text::json;
use super::{Code, Failure, Outcome, image_text, profile_file};
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use lapwing_encode::redact::Redaction;
use lapwing_image::budget::{Budget, Judgement, Verdict};
use lapwing_image::diff::Diff;
use lapwing_image::sbom::{self, Sbom};
use lapwing_image::{Error, Image, Limits, Options, Wanted};
use lapwing_profile::inventory::Inventory;
use lapwing_profile::inventory::export::{Export, TEXT_MAX};
use lapwing_profile::profile::Profile;
use serde::Serialize;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The commands of `lapwing image`.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// What a new image has that the old one has not, and whether that is within a budget
    ///
    /// Reads tars of `docker save` or OCI layouts, without an agent and without unpacking anything. Ends
    /// with 1 where a budget is given and not known to be kept, and with 2 where the budget is none.
    Diff(Box<DiffArgs>),
    /// Which workloads of a node run an image or ran it, since when, and what deviated
    ///
    /// By its digest, as when it turns out to be compromised.
    Where(WhereArgs),
}

/// How much of each image is read.
#[derive(Args, Clone, Copy, Debug)]
pub struct Bounds {
    /// MiB of layers that are read at most, unpacked
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().bytes >> 20)]
    max_mib: u64,
    /// Files, folders and links of all layers that are read at most
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().entries)]
    max_entries: u64,
}

const EXAMPLES: &str = "\
Examples:
  docker save shop:1 -o old.tar && docker save shop:2 -o new.tar
  lapwing image diff old.tar new.tar                           what came, went and grew
  lapwing image diff old.tar new.tar --budget budget.yaml      ends with 1 beyond the budget
  lapwing image diff old.tar new.tar --new-profile shop.yaml   and how much of the new one is in use
  lapwing image diff both.tar both.tar --old-image shop:1 --new-image shop:2 -o json

A budget, each line of which may be left out; MB are 1,000,000 bytes:
  maxSizeMB: 120                     of the files of all layers
  maxGrowthMB: 5
  maxGrowthPercent: 10
  maxLayers: 12
  maxWastedMB: 3                     hidden by later layers, and copies
  maxUnusedPercent: 90               needs --new-use, or --new-profile
  maxUnusedProgramsPercent: 50       needs --new-profile
  minHardeningScore: 60
  forbid: [secret, packageManager]   also shell, compiler, setId, capability
  forbidNew: [shell, setId]          what the old image has is let be";

/// Arguments of `lapwing image diff`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// The image that was there: a tar of `docker save`, or an OCI layout as a folder or a tar
    old: PathBuf,
    /// The image that takes its place
    new: PathBuf,
    /// Which image of OLD, where the file holds several: its name or digest
    #[arg(long, value_name = "NAME")]
    old_image: Option<String>,
    /// Which image of NEW
    #[arg(long, value_name = "NAME")]
    new_image: Option<String>,
    /// Which platform, where one is for several [default: this machine's]
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<String>,
    /// A profile that was learned of the old image: says how much of it is in use
    #[arg(long, value_name = "FILE")]
    old_profile: Option<PathBuf>,
    /// A profile that was learned of the new image
    #[arg(long, value_name = "FILE")]
    new_profile: Option<PathBuf>,
    /// An inventory of use of the old image (`lapwing inventory WORKLOAD -o json`): says which of its files are in use
    #[arg(long, value_name = "FILE")]
    old_use: Option<PathBuf>,
    /// An inventory of use of the new image
    #[arg(long, value_name = "FILE")]
    new_use: Option<PathBuf>,
    /// An SBOM of the old image, in JSON of CycloneDX, SPDX (2, 3.0) or Syft: names packages that are not read
    #[arg(long, value_name = "FILE")]
    old_sbom: Option<PathBuf>,
    /// An SBOM of the new image
    #[arg(long, value_name = "FILE")]
    new_sbom: Option<PathBuf>,
    /// Limits for the new image, in YAML
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: ImageForm,
    /// How much of each is read
    #[command(flatten)]
    bounds: Bounds,
}

/// Runs one of the commands.
pub async fn run(endpoint: &Endpoint, command: ImageCommand) -> Outcome {
    match command {
        ImageCommand::Diff(args) => diff(&args),
        ImageCommand::Where(args) => image_where::run(endpoint, &args).await,
    }
}

/// What is known of an image besides itself.
#[derive(Default)]
pub struct Known {
    /// What was seen to run.
    pub profile: Option<Profile>,
    /// Which files were used.
    pub inventory: Option<(Export, Inventory)>,
    /// Which packages it has: the file of an SBOM, and its bytes.
    pub sbom: Option<(PathBuf, Vec<u8>)>,
}

impl Known {
    /// From files.
    pub fn of_files(
        profile: Option<&Path>,
        inventory: Option<&Path>,
        sbom: Option<&Path>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            profile: profile.map(profile_file::read).transpose()?,
            inventory: inventory.map(inventory_of).transpose()?,
            sbom: match sbom {
                Some(path) => Some((path.to_owned(), small(path, sbom::BYTES_MAX)?)),
                None => None,
            },
        })
    }
}

/// Reads an image in one way or another.
pub fn read(
    wanted: Wanted,
    bounds: Bounds,
    known: &Known,
    read: impl FnOnce(&Options<'_>) -> Result<Image, Error>,
) -> Result<Image, Failure> {
    let sbom = known.sbom.as_ref().map(|(path, bytes)| {
        Sbom::read(bytes)
            .map_err(|why| Failure::new(Code::Usage, anyhow!("SBOM {}: {why}", path.display())))
    });
    let sbom = sbom.transpose()?;
    let redaction = Redaction::standard();
    let options = Options {
        wanted,
        limits: Limits {
            bytes: bounds.max_mib.saturating_mul(1 << 20),
            entries: bounds.max_entries,
        },
        hide: &|text| redaction.arguments(std::slice::from_mut(text)),
        profile: known.profile.as_ref(),
        inventory: { known.inventory.as_ref() }.map(|(export, known)| (export, known)),
        sbom: sbom.as_ref(),
    };
    read(&options).map_err(|error| {
        let code = match error {
            Error::Choice { .. } => Code::Usage,
            _ => Code::Failed,
        };
        Failure::new(code, error)
    })
}

/// An inventory of use, as `lapwing inventory -o json` writes it.
pub(super) fn inventory_of(path: &Path) -> Result<(Export, Inventory), Failure> {
    let bytes = small(path, TEXT_MAX)?;
    let read = || {
        if bytes.len() > TEXT_MAX {
            return Err(format!("is longer than {TEXT_MAX} bytes"));
        }
        let export = Export::read(&bytes)?;
        let known = export.inventory()?;
        Ok((export, known))
    };
    read().map_err(|why| Failure::new(Code::Usage, anyhow!("{} {why}", path.display())))
}

/// Reads a file of so many bytes; of a larger one one byte more, by which that is known.
pub fn small(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let read = || {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        file.take(most as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read()
        .map_err(|error: std::io::Error| anyhow!(error))
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(|error| Failure::new(Code::Usage, error))
}

fn budget(path: &Path) -> Result<Budget, Failure> {
    let bytes = small(path, Budget::BYTES_MAX)?;
    Budget::parse(&bytes)
        .map_err(|why| anyhow!("budget {}: {why}", path.display()))
        .map_err(|error| Failure::new(Code::Usage, error))
}

/// All of it as it is printed.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    diff: &'a Diff,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<&'a Judgement>,
}

fn diff(args: &DiffArgs) -> Outcome {
    // What is wrong with it is told before anything long is done.
    let budget = args.budget.as_deref().map(budget).transpose()?;
    let image = |which: &str, path: &Path, name: &Option<String>, known: Known| {
        let wanted = Wanted {
            name: name.clone(),
            platform: args.platform.clone(),
        };
        let image = read(wanted, args.bounds, &known, |options| {
            Image::read(path, options)
        });
        image.map_err(|failure| {
            let place = format!("the {which} image, {}", path.display());
            Failure::new(failure.code, failure.error.context(place))
        })
    };
    let known = |profile: &Option<PathBuf>, inventory: &Option<PathBuf>, sbom: &Option<PathBuf>| {
        Known::of_files(profile.as_deref(), inventory.as_deref(), sbom.as_deref())
    };
    let of = known(&args.old_profile, &args.old_use, &args.old_sbom)?;
    let old = image("old", &args.old, &args.old_image, of)?;
    let of = known(&args.new_profile, &args.new_use, &args.new_sbom)?;
    let new = image("new", &args.new, &args.new_image, of)?;
    let diff = Diff::of(&old, &new);
    let judgement = budget.map(|budget| budget.judge(&diff, new.report()));
    let mut out = anstream::stdout().lock();
    match args.output {
        ImageForm::Text => image_text::write_diff(&mut out, &diff, judgement.as_ref())?,
        ImageForm::Json => {
            let whole = Whole {
                diff: &diff,
                budget: judgement.as_ref(),
            };
            out.write_all((json(&whole)? + "\n").as_bytes())?;
        }
    }
    match (&judgement, &args.budget) {
        (Some(judgement), Some(path)) if !judgement.within => {
            let is = |verdict| {
                let lines = judgement.lines.iter();
                lines.filter(|line| line.verdict == verdict).count()
            };
            let error = anyhow!(
                "not within the budget {}: {} exceeded, {} that cannot be judged, of {}",
                path.display(),
                is(Verdict::Exceeded),
                is(Verdict::CannotBeJudged),
                judgement.lines.len()
            );
            Err(Failure::new(Code::Failed, error))
        }
        _ => Ok(()),
    }
}
