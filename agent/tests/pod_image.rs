//! `lapwing advise pod` with the real binary: what mounts hide of an image in each form, images that are none, and a
//! manifest that comes by a pipe.

mod saved;

use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use saved::{lapwing, save, tar_of};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// A profile that writes to `/data`.
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        let workload = Workload {
            name: "web".into(),
            container: "app".into(),
            ..Workload::default()
        };
        let mut profile = Profile::new(workload, Mode::Learning);
        profile.observe(&Sighting {
            entry: Entry::parse("file: {operation: CREATE, path: /data/x}").unwrap(),
            at: 1_790_000_000_000_000_000,
        });
        fs::write(folder.path("web.yaml"), profile.to_yaml()).unwrap();
        let layer = |bytes: usize| {
            tar_of(&[
                (b"data/seed.db", 0o644, vec![b'x'; bytes]),
                (b"data/\x1b[2J", 0o644, b"1".to_vec()),
            ])
        };
        let images = [
            ("shop:1", &[layer(10)][..]),
            ("shop:2", &[layer(2_000_000)]),
        ];
        save(&folder.path("both.tar"), &images);
        save(&folder.path("one.tar"), &images[..1]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Code, output and error of the command with this image.
    fn advise(&self, image: &str, more: &str) -> (i32, String, String) {
        self.run(&format!("--image {image} {more}"))
    }

    fn run(&self, line: &str) -> (i32, String, String) {
        lapwing(self.0.path(), &format!("advise pod --file web.yaml {line}"))
    }
}

#[test]
fn each_form_names_what_the_image_has_below_a_mount() {
    let folder = Folder::new();
    let (code, out, _) = folder.advise("one.tar", "-o json");
    assert_eq!(code, 0);
    let advice: Value = serde_json::from_str(&out).unwrap();
    let below = &advice["root"]["folders"][0]["image"];
    assert_eq!(
        (&below["files"], &below["bytes"]),
        (&2.into(), &11.into()),
        "{advice}"
    );
    assert_eq!(below["first"][0]["path"], "/data/seed.db");
    assert_eq!(advice["image"]["name"], "shop:1");
    assert_eq!(advice["image"]["sameImage"], Value::Null);
    assert_eq!(advice["image"]["user"]["uid"], 0);
    // One of several, by its name; every form says it, and shows no control character.
    let says =
        "hides of the image 2 files (2.1 MB): /data/seed.db (2.0 MB), /data/\\x1b[2J (1 byte)";
    for form in ["text", "patch", "compose"] {
        let more = format!("--image-name shop:2 -o {form}");
        let (code, out, error) = folder.advise("both.tar", &more);
        assert_eq!(code, 0, "{error}");
        let begins = match form {
            "text" => "    ! hides",
            _ => "# mount at /data: ",
        };
        let mut lines = out.lines();
        let is_there = lines.any(|line| line.starts_with(begins) && line.contains(says));
        assert!(is_there, "no `{says}` in {out}");
        assert!(!out.contains('\u{1b}'), "{out}");
    }
}

#[test]
fn an_image_that_is_none_is_a_clear_error_and_no_advice() {
    let folder = Folder::new();
    let bad = |name: &'static str, bytes: &[u8]| {
        fs::write(folder.path(name), bytes).unwrap();
        name
    };
    let mut damaged = fs::read(folder.path("one.tar")).unwrap();
    let at = damaged
        .windows(10)
        .position(|part| part == b"xxxxxxxxxx")
        .unwrap();
    damaged[at] = b'y';
    fs::create_dir(folder.path("empty")).unwrap();
    let upwards = tar_of(&[(
        b"manifest.json",
        0o644,
        br#"[{"Config":"../../etc/passwd","RepoTags":["x"],"Layers":["/etc/shadow"]}]"#.to_vec(),
    )]);
    for (image, code, words) in [
        (
            "nothing.tar",
            1,
            "nothing.tar: No such file or directory (os error 2); the image of a container that runs here is read \
             with --image-container",
        ),
        (bad("text.tar", b"not a tar"), 1, "text.tar: "),
        (bad("zero.tar", b""), 1, "zero.tar: "),
        (bad("damaged.tar", &damaged), 1, "sha256:"),
        (bad("upwards.tar", &upwards), 1, "upwards.tar: "),
        (
            "empty",
            1,
            "neither an index.json (OCI layout) nor a manifest.json (docker save)",
        ),
        ("both.tar", 2, "shop:1"),
    ] {
        let (found, out, error) = folder.advise(image, "");
        assert_eq!((out.as_str(), found), ("", code), "{image}: {error}");
        assert!(
            error.contains("the image, ") && error.contains(words),
            "no `{words}` in {error}"
        );
    }
    for (more, code, words) in [
        ("--platform linux/arm64", 2, "no image for linux/arm64"),
        ("--image-name shop:9", 2, "shop:9"),
        ("--max-entries 1", 1, "--max-entries"),
        ("--image-container x", 2, "cannot be used with"),
    ] {
        let (found, out, error) = folder.advise("one.tar", more);
        assert_eq!((out.as_str(), found), ("", code), "{more}: {error}");
        assert!(error.contains(words), "no `{words}` in {error}");
    }
    // What has no image to choose from says so.
    let (code, _, error) = folder.run("--image-name shop:1");
    assert_eq!(code, 2);
    assert!(error.contains("--image <PATH>"), "{error}");
}

#[test]
fn a_manifest_may_come_by_a_pipe() {
    let folder = Folder::new();
    let line = "advise pod --file web.yaml -o yaml --pod /dev/stdin";
    let mut child = Command::new(env!("CARGO_BIN_EXE_lapwing"))
        .args(line.split(' '))
        .current_dir(folder.0.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let manifest = b"{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: app}]}}";
    child.stdin.take().unwrap().write_all(manifest).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("kind: Pod") && text.contains("kind: NetworkPolicy"),
        "{text}"
    );
}
