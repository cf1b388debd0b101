//! `lapwing advise image`.

use super::client::Endpoint;
use super::image::{self, Bounds, Known};
use super::profile_text::json;
use super::{Code, Failure, Outcome, image_container, image_html, image_text};
use anyhow::anyhow;
use clap::{Args, ValueEnum};
use lapwing_image::cyclonedx;
use lapwing_image::vulnerabilities::{BYTES_MAX, Vulnerabilities};

use lapwing_image::{Image, Report, Wanted};
use lapwing_profile::text::visible;
use std::io::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  docker save shop:1 -o shop.tar
  lapwing advise image shop.tar                          what is in it, and what to leave out
  lapwing advise image shop.tar --profile shop.yaml      and which programs and packages were seen to run
  lapwing advise image shop.tar --use use.json --vulnerabilities grype.json
  lapwing advise image shop.tar --sbom sbom.json         and packages that an SBOM names, as those of Java
  lapwing inventory shop -o json > use.json              from the agent that learned it
  lapwing advise image shop.tar --use use.json           and which files were used, and which were not seen to be
  lapwing advise image shop.tar --use use.json -o dockerfile > Dockerfile
  lapwing advise image shop.tar --use use.json -o html > shop.html
  lapwing advise image shop.tar --use use.json -o cyclonedx > shop.cdx.json
  lapwing advise image shop.tar -o json
  lapwing advise image ./layout --platform linux/arm64   a folder with an OCI layout
  sudo lapwing advise image --container shop             by the layers of a container that runs here, with what
                                                         the agent knows of its use";

/// Arguments of `lapwing advise image`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ImageArgs {
    /// The image: a tar of `docker save`, or an OCI layout as a folder or a tar
    #[arg(
        value_name = "PATH",
        required_unless_present = "container",
        conflicts_with = "container"
    )]
    path: Option<PathBuf>,
    /// Instead, the layers of a container that runs on this node: its name, the beginning of its id, or a part
    /// of its workload's name
    ///
    /// Needs root on the node, and the agent, which also says what was seen to run and to be used, unless
    /// --profile and --use do. What stands in the image's configuration alone is unknown: user, program, history.
    #[arg(long, value_name = "CONTAINER", conflicts_with_all = ["image", "platform"])]
    container: Option<String>,
    /// Which image, where the file holds several: its name or digest
    #[arg(long, value_name = "NAME")]
    image: Option<String>,
    /// Which platform, where it is for several [default: this machine's]
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<String>,
    /// A learned profile: marks what of the image was seen to run
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// An inventory of use (`lapwing inventory WORKLOAD -o json`): says which files were used, by layers and
    /// packages, and what to copy to have these alone
    #[arg(long = "use", value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// An SBOM of the image, in JSON of CycloneDX, SPDX (2, 3.0) or Syft (`syft IMAGE -o syft-json`): names packages of
    /// kinds that are not read, as those of Java, and which files they have
    #[arg(long, value_name = "FILE")]
    sbom: Option<PathBuf>,
    /// A report of Grype (`grype IMAGE -o json`) or Trivy (`trivy image -f json IMAGE`), or CycloneDX JSON with
    /// `vulnerabilities`, to be split by what was seen to run and to be used
    ///
    /// Needs --profile, --use, or --container.
    #[arg(long, value_name = "FILE")]
    vulnerabilities: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: AdviceForm,
    /// How much is read
    #[command(flatten)]
    bounds: Bounds,
}

/// Form of the advice on an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AdviceForm {
    /// For people
    #[default]
    Text,
    /// All of it as one JSON object
    Json,
    /// A build that copies what was used, and nothing else; with --use
    Dockerfile,
    /// Its packages as CycloneDX 1.6 JSON, with what is known of their use as properties
    Cyclonedx,
    /// One page with a map of what is used, for a browser; it loads nothing
    Html,
}

/// Form of what is said of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ImageForm {
    /// For people
    #[default]
    Text,
    /// All of it as one JSON object
    Json,
}

/// Reads the image and says what is in it.
pub async fn run(endpoint: &Endpoint, args: &ImageArgs) -> Outcome {
    check(args)?;
    // Before the image, which may take long.
    let known = Known::of_files(
        args.profile.as_deref(),
        args.inventory.as_deref(),
        args.sbom.as_deref(),
    )?;
    let given = given(args)?;
    let image = match (&args.container, &args.path) {
        (Some(target), _) => image_container::read(endpoint, target, args.bounds, known).await?,
        (None, Some(path)) => given_image(args, path, &known)?,
        (None, None) => return Err(usage("give the image's PATH, or --container CONTAINER")),
    };
    write(
        &mut anstream::stdout().lock(),
        args,
        image,
        given.as_deref(),
    )
}

fn usage(text: &str) -> Failure {
    Failure::new(Code::Usage, anyhow!("{text}"))
}

/// What one option needs of the others.
fn check(args: &ImageArgs) -> Outcome {
    if args.vulnerabilities.is_some() && args.output == AdviceForm::Cyclonedx {
        return Err(usage(
            "-o cyclonedx lists packages with their use, and no findings: leave out --vulnerabilities, or take \
             -o json",
        ));
    }
    if args.container.is_some() {
        return Ok(());
    }
    if args.output == AdviceForm::Dockerfile && args.inventory.is_none() {
        return Err(usage(
            "-o dockerfile copies what was used: say which with --use FILE (`lapwing inventory WORKLOAD -o json`)",
        ));
    }
    if args.vulnerabilities.is_some() && args.profile.is_none() && args.inventory.is_none() {
        return Err(usage(
            "--vulnerabilities splits them by what was seen: say what was with --profile FILE, --use FILE, or both",
        ));
    }
    Ok(())
}

/// An image in a file or a folder, and the option that names one of a container instead.
pub(super) fn saved(
    wanted: Wanted,
    bounds: Bounds,
    (path, instead): (&Path, &str),
    known: &Known,
) -> Result<Image, Failure> {
    let read = image::read(wanted, bounds, known, |options| Image::read(path, options));
    read.map_err(|failure| match path.exists() {
        true => failure,
        false => {
            let why = failure.error;
            Failure::new(
                failure.code,
                anyhow!("{why:#}; the image of a container that runs here is read with {instead}"),
            )
        }
    })
}

/// The one that is given.
fn given_image(args: &ImageArgs, path: &Path, known: &Known) -> Result<Image, Failure> {
    let wanted = Wanted {
        name: args.image.clone(),
        platform: args.platform.clone(),
    };
    saved(wanted, args.bounds, (path, "--container CONTAINER"), known)
}

/// The vulnerability report.
fn given(args: &ImageArgs) -> Result<Option<Vec<u8>>, Failure> {
    let given = args.vulnerabilities.as_deref();
    given.map(|path| image::small(path, BYTES_MAX)).transpose()
}

fn write(
    out: &mut impl Write,
    args: &ImageArgs,
    image: Image,
    vulnerabilities: Option<&[u8]>,
) -> Outcome {
    let map = (args.output == AdviceForm::Html).then(|| image.map());
    let mut report = Report::from(image);
    if let (Some(bytes), Some(path)) = (vulnerabilities, &args.vulnerabilities) {
        if report.ran.is_none() && report.used.is_none() {
            let error = anyhow!(
                "--vulnerabilities splits them by what was seen, and the agent has neither a profile nor an inventory \
                 of that: give one with --profile FILE or --use FILE"
            );
            return Err(Failure::new(Code::Failed, error));
        }
        let split = Vulnerabilities::of(bytes, &report).map_err(|why| {
            let error = anyhow!("vulnerabilities {}: {why}", path.display());
            Failure::new(Code::Usage, error)
        })?;
        report.vulnerabilities = Some(split);
    }
    match args.output {
        AdviceForm::Html => {
            let page = image_html::page(&report, &map.unwrap_or_default())?;
            out.write_all(page.as_bytes())?;
        }
        AdviceForm::Text => image_text::write(out, &report)?,
        AdviceForm::Dockerfile if report.used.is_none() => {
            let error = anyhow!(
                "-o dockerfile copies what was used, and the agent has no inventory of that: give one with --use \
                 FILE, or have the agent keep one (`inventory` in its configuration)"
            );
            return Err(Failure::new(Code::Failed, error));
        }
        AdviceForm::Dockerfile => dockerfile(out, &report)?,
        AdviceForm::Cyclonedx => {
            let document = cyclonedx::document(&report, env!("CARGO_PKG_VERSION"));
            out.write_all((json(&document)? + "\n").as_bytes())?;
        }
        AdviceForm::Json => out.write_all((json(&report)? + "\n").as_bytes())?,
    }
    Ok(())
}

/// Writes the build, and on the standard error what has to be known before.
fn dockerfile(out: &mut impl Write, report: &Report) -> Outcome {
    let used = report.used.as_ref();
    if let Some(used) = used.filter(|used| !used.says) {
        let error = anyhow!(
            "no build is written: too few of the files that the inventory of {} has are in this image, so what of it is \
             needed is not known: give one that was made under this image with --use FILE (`lapwing inventory \
             WORKLOAD -o json`)",
            visible(&used.workload)
        );
        return Err(Failure::new(Code::Failed, error));
    }
    for warning in used.iter().flat_map(|used| &used.copy.warnings) {
        writeln!(anstream::stderr().lock(), "! {}", visible(warning))?;
    }
    Ok(image_text::write_dockerfile(out, report)?)
}

#[cfg(test)]
mod tests;
