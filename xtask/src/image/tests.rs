use super::*;
use lapwing_image::{Limits, Options, Report, Wanted};
use std::path::Path;

fn origin() -> Origin {
    Origin {
        time: 1_700_000_000,
        revision: Some("0123abc".to_owned()),
    }
}

fn archive(binaries: &[(&str, &[u8])]) -> (Vec<u8>, String) {
    let binaries: Vec<_> = { binaries.iter() }
        .map(|(architecture, bytes)| (*architecture, bytes.to_vec()))
        .collect();
    let mut bytes = Vec::new();
    let digest = write(&mut bytes, &origin(), &binaries).unwrap();
    (bytes, digest)
}

fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        let name = entry.path().unwrap().display().to_string();
        assert!(files.insert(name, bytes).is_none(), "twice the same name");
    }
    files
}

fn read(folder: &Path, bytes: &[u8], platform: &str) -> Result<Report> {
    let file = folder.join("image.tar");
    fs::write(&file, bytes)?;
    let options = Options {
        wanted: Wanted {
            name: None,
            platform: Some(platform.parse()?),
        },
        limits: Limits::default(),
        hide: &|_| 0,
        profile: None,
        inventory: None,
        sbom: None,
    };
    Ok(lapwing_image::read(&file, &options)?)
}

#[test]
fn each_architecture_has_its_binary() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, digest) = archive(&[("amd64", b"one"), ("arm64", b"another")]);
    for (platform, size) in [("linux/amd64", 3), ("linux/arm64", 7)] {
        let report = read(folder.path(), &bytes, platform).unwrap();
        assert_eq!(report.size.files, 1);
        assert_eq!(report.size.visible, size, "{platform}");
        assert!(report.notes.is_empty(), "{:?}", report.notes);
    }
    assert!(read(folder.path(), &bytes, "linux/riscv64").is_err());
    let files = files(&bytes);
    assert!(files.contains_key(&digest.replace(':', "/").replacen("", "blobs/", 1)));
}

/// image-spec 1.1, descriptor.md and image-layout.md: a blob's name is its digest, and each descriptor has the size of
/// what it is for. One that leads nowhere, or to another, no runtime would take.
#[test]
fn all_that_is_pointed_to_is_there_and_nothing_else() {
    for binaries in [
        &[("amd64", &b"one"[..])][..],
        &[("arm64", b"one"), ("amd64", b"two")],
    ] {
        let files = files(&archive(binaries).0);
        let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).unwrap();
        assert_eq!(json("oci-layout")["imageLayoutVersion"], "1.0.0");
        let mut left: Vec<Value> = json("index.json")["manifests"].as_array().unwrap().clone();
        let mut reached = std::collections::BTreeSet::new();
        while let Some(descriptor) = left.pop() {
            let name = path(&descriptor).unwrap();
            let bytes = &files[&name];
            assert_eq!(descriptor["size"], bytes.len());
            assert_eq!(name, format!("blobs/sha256/{}", hex(bytes)));
            if descriptor["mediaType"] != LAYER {
                let document = json(&name);
                let several = ["manifests", "layers"].map(|field| document[field].clone());
                left.extend(
                    several
                        .iter()
                        .filter_map(Value::as_array)
                        .flatten()
                        .cloned(),
                );
                left.extend(
                    document
                        .get("config")
                        .filter(|it| it.get("digest").is_some())
                        .cloned(),
                );
            }
            reached.insert(name);
        }
        let blobs = { files.keys() }.filter(|name| name.starts_with("blobs/"));
        assert!(blobs.eq(&reached));
        let older = &json("manifest.json")[0];
        assert_eq!(older["RepoTags"], json!(["lapwing:0.1.0"]));
        assert_eq!(
            json(older["Config"].as_str().unwrap())["architecture"],
            binaries[0].0
        );
        assert!(reached.contains(older["Layers"][0].as_str().unwrap()));
    }
}

#[test]
fn the_same_makes_the_same() {
    let binaries = [("amd64", &b"one"[..]), ("arm64", b"two")];
    assert_eq!(archive(&binaries), archive(&binaries));
    assert_ne!(archive(&binaries).1, archive(&binaries[..1]).1);
}

/// The Dockerfile and this make one image.
#[test]
fn it_is_what_the_dockerfile_says() {
    let text = include_str!("../../../deploy/Dockerfile");
    let (bytes, _) = archive(&[("amd64", b"one")]);
    let files = files(&bytes);
    let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).unwrap();
    let older = json("manifest.json");
    let config = json(older[0]["Config"].as_str().unwrap());
    let config = &config["config"];
    let labels = config["Labels"].as_object().unwrap();
    for (name, value) in labels {
        // Who builds says these two.
        let said = match name.rsplit_once('.').unwrap().1 {
            "revision" => json!("$REVISION"),
            "created" => json!("$CREATED"),
            _ => value.clone(),
        };
        assert!(text.contains(&format!("{name}={said}")), "{name}={said}");
    }
    assert_eq!(text.matches(LABEL).count(), labels.len());
    let lines: Vec<&str> = text.lines().collect();
    for line in [
        format!("USER {}", config["User"].as_str().unwrap()),
        format!("ENTRYPOINT {}", config["Entrypoint"]),
        format!("CMD {}", config["Cmd"]),
        "COPY --from=build /lapwing /lapwing".to_owned(),
        "FROM scratch".to_owned(),
    ] {
        assert!(lines.contains(&&*line), "{line}");
    }
}

/// The line of a file that begins so, without that.
fn after<'t>(text: &'t str, front: &str) -> &'t str {
    { text.lines() }
        .find_map(|line| line.strip_prefix(front))
        .unwrap_or_else(|| panic!("no line {front}"))
}

#[test]
fn the_dockerfile_builds_what_there_is() {
    use clap::Parser;
    let text = include_str!("../../../deploy/Dockerfile");
    let workspace = include_str!("../../../Cargo.toml");
    let numbers =
        |text: &str| -> Vec<u32> { text.split('.').map(|n| n.parse().unwrap()).collect() };
    let builder = after(text, "ARG BUILDER=docker.io/library/rust:");
    let (compiler, release) = builder.split_once('-').unwrap();
    assert!(numbers(compiler) >= numbers(after(workspace, "rust-version = ").trim_matches('"')));
    // Where the cross compilers and Debian's way to build for another architecture were tried.
    assert_eq!(release, crate::cross::SUITE);
    // What it runs, as this program takes it.
    let command = after(text, "RUN cargo xtask ");
    for machine in [&machine::X86_64, &machine::ARM64] {
        let (words, named) = command.split_once("${TARGETARCH:+").unwrap();
        let named = named.replace("$TARGETARCH}", architecture(machine));
        let words = format!("{words}{named}");
        let words = std::iter::once("xtask").chain(words.split(' '));
        let parsed = crate::Cli::try_parse_from(words).unwrap();
        assert!(matches!(parsed.command, crate::Command::Build(_)));
    }
    let ignored = include_str!("../../../.dockerignore");
    assert!(
        ["/target", "/.git"]
            .iter()
            .all(|line| ignored.lines().any(|it| it == *line))
    );
}

#[test]
fn times_are_those_of_the_calendar() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_709_251_199, "2024-02-29T23:59:59Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(rfc3339(seconds), text);
    }
}
