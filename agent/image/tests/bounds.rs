//! What costs much to read and little to write: it ends at a limit, or is gone through once.

mod common;

use common::{Image, Layer, digest, gzip, read, read_as};
use lapwing_image::report::Report;
use lapwing_image::{Error, Limits, Wanted};
use serde_json::json;
use std::fs;

fn bounded(image: &Image, bytes: u64, entries: u64) -> Result<Report, Error> {
    read_as(image.path(), Wanted::default(), Limits { bytes, entries })
}

#[test]
fn the_same_whiteout_again_makes_no_work() {
    // Each looks at 20,000 names, of which 40,002 entries may not look at 400 million.
    for whiteout in ["d/.wh..wh..opq", ".wh.d"] {
        let tar = (0..20_000).fold(Layer::default().file("d/e/x", "1"), |tar, number| {
            tar.file(&format!("d/f{number}"), "")
        });
        let tar = (0..20_000).fold(tar, |tar, _| tar.file(whiteout, ""));
        let upper = tar.file("d/e/y", "22").tar();
        let lower = Layer::default().file("d/e/old", "333").tar();
        let image = Image::empty();
        let layers = [lower, upper].map(|tar| (tar.clone(), tar));
        image.index(&json!([image.manifest(&layers, &json!({}))]));
        let report = bounded(&image, 1 << 30, 50_000).unwrap();
        assert_eq!((report.size.files, report.size.visible), (20_002, 3));
        assert_eq!(
            (report.waste.hidden, report.layers[1].deletions),
            (3, 20_000)
        );
    }
}

#[test]
fn names_of_a_saved_image_are_bounded() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("x.tar");
    let said = |tar: Layer| {
        fs::write(&path, tar.tar()).unwrap();
        read(&path).unwrap_err().to_string()
    };
    // Too long for any name: passed over, and nothing else of the tar.
    let long = "n".repeat(5000);
    let tar = Layer::default().file(&long, "").symlink("l", &long);
    let of_json = said(tar.file("manifest.json", "{"));
    assert!(of_json.contains("not the JSON of an image"), "{of_json}");
    let saved = json!([{"Config": long, "Layers": []}]).to_string();
    let tar = Layer::default().file(&long, "{}");
    let missing = said(tar.file("manifest.json", saved));
    assert!(missing.contains("it is not in the image"), "{missing}");
    let many = (0..5000).fold(Layer::default(), |tar, number| {
        tar.symlink(&format!("{number}{}", "n".repeat(4000)), &"t".repeat(4000))
    });
    let many = said(many);
    assert!(many.contains("take more than 32 MiB"), "{many}");
}

#[test]
fn what_is_packed_of_nothing_counts() {
    // A million bytes of which nothing comes, three times the same.
    let blob = gzip(b"").repeat(50_000);
    assert!(
        (1_000_000..1_400_000).contains(&blob.len()),
        "{}",
        blob.len()
    );
    let image = Image::empty();
    let layers: Vec<_> = (0..3).map(|_| (Vec::new(), blob.clone())).collect();
    image.index(&json!([image.manifest(&layers, &json!({}))]));
    let error = bounded(&image, 2 << 20, 10).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 2, .. }), "{error}");
    assert!(error.to_string().contains("--max-mib"), "{error}");
    bounded(&image, 4 << 20, 10).unwrap();
}

#[test]
fn errors_hold_no_raw_names() {
    let hostile = "sha256:00\n\u{1b}[2J";
    let image = Image::empty();
    let config = image.put(json!({}).to_string().as_bytes());
    let layer = json!({"mediaType": "x+encrypted", "digest": hostile});
    let manifest = json!({"config": {"digest": config}, "layers": [layer]}).to_string();
    image.index(&json!([{"digest": image.put(manifest.as_bytes())}]));
    let of_digest = image.read().unwrap_err().to_string();
    assert!(
        of_digest.contains("it is no digest of SHA-256"),
        "{of_digest}"
    );

    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("x.tar");
    let config = json!({"rootfs": {"diff_ids": [digest(b"")]}}).to_string();
    let name = "layer\n\u{1b}[2J";
    let saved = json!([{"Config": "c.json", "Layers": [name]}]).to_string();
    let tar = Layer::default()
        .file("c.json", &config)
        .file("manifest.json", &saved)
        .file(name, gzip(b"no tar").split_off(3));
    fs::write(&path, tar.tar()).unwrap();
    let of_layer = read(&path).unwrap_err().to_string();
    assert!(of_layer.starts_with("layer\\x0a\\x1b[2J"), "{of_layer}");
    for text in [of_digest, of_layer] {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
