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
mod tests {
    use super::*;
    use clap::Parser;
    use lapwing_profile::inventory::{Inventory, Sight, uses};
    use lapwing_profile::inventory::export::Export;
    use serde_json::{Value, json as value};
    use std::ffi::OsStr;
    use std::fs;
    use tempfile::TempDir;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ImageArgs,
    }

    /// A layout of one layer and a configuration, for which that is made.
    fn layout(layer: &[u8], config: impl FnOnce(&str) -> Value) -> TempDir {
        let folder = TempDir::new().unwrap();
        let blobs = folder.path().join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let put = |bytes: &[u8]| {
            let sum = ring::digest::digest(&ring::digest::SHA256, bytes);
            let digits: String = (sum.as_ref().iter())
                .map(|byte| format!("{byte:02x}"))
                .collect();
            fs::write(blobs.join(&digits), bytes).unwrap();
            format!("sha256:{digits}")
        };
        let layer = put(layer);
        let config = put(config(&layer).to_string().as_bytes());
        let manifest = value!({"config": {"digest": config}, "layers": [{"digest": layer}]});
        let manifest = put(manifest.to_string().as_bytes());
        let index = value!({"manifests": [{"digest": manifest}]}).to_string();
        fs::write(folder.path().join("index.json"), index).unwrap();
        folder
    }

    /// A tar of one program.
    fn layer_of(path: &str) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(4);
        tar.append_data(&mut header, path, &b"\x7fELF"[..]).unwrap();
        tar.into_inner().unwrap()
    }

    /// An inventory of one file that was executed.
    fn inventory_of(folder: &Path, path: &str) -> PathBuf {
        let mut known = Inventory::default();
        known.begin("c1", true);
        known.see(Sight {
            path: path.as_bytes(),
            how: uses::EXEC,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
        let file = folder.join("use.json");
        fs::write(&file, serde_json::to_vec(&Export::of("web", &known)).unwrap()).unwrap();
        file
    }

    #[test]
    fn no_build_is_written_where_the_inventory_says_nothing_of_the_image() {
        let folder = layout(
            &layer_of("usr/bin/web"),
            |layer| value!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [layer]}}),
        );
        let build = |used: &str| {
            let inventory = inventory_of(folder.path(), used);
            let line: [&OsStr; 6] = [
                "x".as_ref(),
                folder.path().as_os_str(),
                "--use".as_ref(),
                inventory.as_os_str(),
                "-o".as_ref(),
                "dockerfile".as_ref(),
            ];
            let args = Line::parse_from(line).args;
            let known = Known::of_files(None, args.inventory.as_deref(), None)?;
            let image = given_image(&args, folder.path(), &known)?;
            let mut out = Vec::new();
            let ended = write(&mut out, &args, image, None);
            Ok::<_, Failure>((ended, String::from_utf8(out).unwrap()))
        };
        let (ended, out) = build("/usr/bin/web").unwrap();
        assert!(ended.is_ok() && out.contains("COPY --from=full"), "{out}");
        let (ended, out) = build("/usr/bin/other").unwrap();
        let failure = ended.unwrap_err();
        let said = failure.error.to_string();
        assert_eq!((failure.code, &*out), (Code::Failed, ""));
        assert!(said.contains("too few of the files that the inventory of web has"), "{said}");
    }

    #[test]
    fn packages_of_an_sbom_are_in_each_form_and_one_that_is_none_is_bad_usage() {
        let folder = layout(
            b"",
            |layer| value!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [layer]}}),
        );
        let sbom = folder.path().join("sbom.json");
        let form = |form: &str| {
            let line = [
                "x".as_ref(),
                folder.path().as_os_str(),
                "--sbom".as_ref(),
                sbom.as_os_str(),
                "-o".as_ref(),
                form.as_ref(),
            ];
            let mut out = Vec::new();
            let args = Line::parse_from(line).args;
            let known = Known::of_files(None, None, args.sbom.as_deref())?;
            let image = given_image(&args, folder.path(), &known)?;
            write(&mut out, &args, image, None)?;
            Ok::<_, Failure>(String::from_utf8(out).unwrap())
        };
        let purl = "pkg:rpm/redhat/bash@5.1-1?arch=x86_64";
        let artifact = value!({"name": "bash", "version": "5.1-1", "type": "rpm", "purl": purl});
        let image = value!({"type": "image", "metadata": {"imageID": format!("sha256:{}", "0".repeat(64))}});
        let document = value!({"artifacts": [artifact], "source": image}).to_string();
        fs::write(&sbom, document).unwrap();
        for (name, part) in [
            ("text", "  1 rpm\n"),
            ("text", "(Syft, OF ANOTHER IMAGE): 1 package,"),
            ("text", "it is of another image"),
            ("html", "<td>bash</td><td>5.1-1</td><td>rpm</td>"),
            ("html", "(Syft, OF ANOTHER IMAGE): 1 package,"),
            ("json", "\"sameImage\":false"),
            ("cyclonedx", purl),
        ] {
            let text = form(name).unwrap();
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        fs::write(&sbom, "<bom/>").unwrap();
        let failure = form("text").unwrap_err();
        let said = format!("{:#}", failure.error);
        assert_eq!(failure.code, Code::Usage);
        assert!(said.contains("sbom.json: it is XML: taken are"), "{said}");
    }

    #[test]
    fn findings_are_split_by_an_inventory_alone_and_have_no_place_in_an_sbom() {
        let folder = layout(
            b"",
            |layer| value!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [layer]}}),
        );
        let inventory = folder.path().join("use.json");
        let export = serde_json::to_vec(&Export::of("web", &Inventory::default())).unwrap();
        fs::write(&inventory, export).unwrap();
        let findings = folder.path().join("grype.json");
        let finding = value!({"vulnerability": {"id": "CVE-1", "severity": "High"},
            "artifact": {"name": "perl", "version": "1", "type": "deb"}});
        fs::write(&findings, value!({"matches": [finding]}).to_string()).unwrap();
        let form = |form: &str, with_use: bool| {
            let mut line: Vec<&OsStr> = vec!["x".as_ref(), folder.path().as_os_str()];
            line.push("--vulnerabilities".as_ref());
            line.push(findings.as_os_str());
            line.push("-o".as_ref());
            line.push(form.as_ref());
            if with_use {
                line.push("--use".as_ref());
                line.push(inventory.as_os_str());
            }
            let args = Line::parse_from(line).args;
            check(&args)?;
            let known = Known::of_files(None, args.inventory.as_deref(), None)?;
            let image = given_image(&args, folder.path(), &known)?;
            let mut out = Vec::new();
            write(&mut out, &args, image, given(&args)?.as_deref())?;
            Ok::<_, Failure>(String::from_utf8(out).unwrap())
        };
        let text = form("text", true).unwrap();
        for part in [
            "  1 in the report of grype\n",
            "  by the inventory of use of web:\n",
            "  INCOMPLETE: no instance was observed\n",
            "  unknown:\n    high        CVE-1  perl 1\n",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        assert!(
            form("json", true)
                .unwrap()
                .contains("\"scanner\":\"grype\"")
        );
        for (name, with_use, part) in [
            ("text", false, "--profile FILE, --use FILE, or both"),
            ("cyclonedx", true, "and no findings"),
        ] {
            let failure = form(name, with_use).unwrap_err();
            assert_eq!(failure.code, Code::Usage);
            let said = failure.error.to_string();
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn secrets_of_the_configuration_are_in_no_form_of_the_output() {
        // Cut at 2000 bytes, it would end within the password.
        let begin = "RUN curl https://user:Tr0ub4";
        let begin = begin.replace("curl", &"c".repeat(4 + 2000 - begin.len()));
        assert_eq!(begin.len(), 2000);
        let token = format!("ghp_{}", "aB3".repeat(12));
        let folder = layout(&layer_of("usr/bin/web"), |layer| {
            value!({
                "os": "linux",
                "architecture": "amd64",
                "config": {
                    "Env": [token, "API_TOKEN=Tr0ub4dor"],
                    "Entrypoint": ["/usr/bin/web", "--token", token],
                    "Cmd": ["--password=Tr0ub4dor"],
                    "Labels": {"api_key": token},
                },
                "history": [{"created_by": format!("{begin}dor@example.com/ # and more")}],
                "rootfs": {"diff_ids": [layer]},
            })
        });

        let inventory = inventory_of(folder.path(), "/usr/bin/web");
        let form = |form: &str| {
            let mut line: Vec<&OsStr> = vec!["x".as_ref(), folder.path().as_os_str()];
            line.extend(["--use".as_ref(), inventory.as_os_str(), "-o".as_ref()]);
            line.push(form.as_ref());
            let mut out = Vec::new();
            let args = Line::parse_from(line).args;
            let known = Known::of_files(None, args.inventory.as_deref(), None).unwrap();
            let image = given_image(&args, folder.path(), &known).unwrap();
            write(&mut out, &args, image, None).unwrap();
            String::from_utf8(out).unwrap()
        };
        let text = form("text");
        for part in [
            "environment variable number 1",
            "environment variable API_TOKEN",
            "ENTRYPOINT of the configuration",
            "CMD of the configuration",
            "label api_key",
            "step 1 of the history",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        // The page has the steps and the places, the build says that variables were left out.
        for (name, part) in [
            ("json", "https://user:[redac\u{2026}"),
            ("html", "https://user:[redac\u{2026}"),
            ("html", "environment variable API_TOKEN"),
            ("dockerfile", "API_TOKEN"),
            ("cyclonedx", "\"specVersion\""),
        ] {
            let text = form(name);
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        for form in AdviceForm::value_variants().iter().map(|it| {
            let value = it.to_possible_value().unwrap();
            form(value.get_name())
        }) {
            assert!(!form.contains("Tr0u") && !form.contains("ghp_"), "{form}");
        }
    }
}
