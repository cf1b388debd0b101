use super::*;
use clap::Parser;
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
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
    fs::write(
        &file,
        serde_json::to_vec(&Export::of("web", &known)).unwrap(),
    )
    .unwrap();
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
    assert!(
        said.contains("too few of the files that the inventory of web has"),
        "{said}"
    );
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
    let image =
        value!({"type": "image", "metadata": {"imageID": format!("sha256:{}", "0".repeat(64))}});
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
