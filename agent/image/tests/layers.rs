//! What layers come to, in each form an image has.

mod common;

use common::{Image, Layer, digest, gzip, read, read_as, tar_of, zstd};
use lapwing_image::report::Report;
use lapwing_image::{Error, How, Limits, Wanted};
use serde_json::json;
use std::fs;
use tar::{EntryType, GnuExtSparseHeader, Header};

fn visible(report: &Report) -> (u64, u64) {
    (report.size.files, report.size.visible)
}

/// Path, bytes, layer, by, how of what is hidden.
fn hidden(report: &Report) -> Vec<(&str, u64, u32, u32, How)> {
    let files = report.waste.files.first.iter();
    let mut all: Vec<_> = files
        .map(|one| (&*one.path, one.bytes, one.layer, one.by, one.how))
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn whiteouts_hide_what_lies_below_and_nothing_else() {
    let image = Image::of(vec![
        Layer::default()
            .folder("a", 0o755)
            .file("a/one", "1")
            .file("a/two", "22")
            .file("a/deep/three", "333")
            .file("b/four", "4444")
            .file("c", "55555")
            .file("same", "666666")
            .file("linked", "666666"),
        Layer::default()
            .file("a/.wh.one", "")
            .file("a/new", "7777777")
            .file("b/.wh..wh..opq", "")
            .file("b/fresh", "88888888")
            .file("c", "x")
            .file("same", "666666")
            .hard_link("linked", "same")
            .file("d", "1")
            .file(".wh.d", ""),
        Layer::default().file(".wh.a", "").file("a/last", "9"),
    ]);
    let report = image.read().unwrap();
    assert_eq!(visible(&report), (5, 8 + 1 + 6 + 1 + 1));
    assert_eq!(
        hidden(&report),
        [
            ("/a/deep/three", 3, 1, 3, How::Deleted),
            ("/a/new", 7, 2, 3, How::Deleted),
            ("/a/one", 1, 1, 2, How::Deleted),
            ("/a/two", 2, 1, 3, How::Deleted),
            ("/b/four", 4, 1, 2, How::Deleted),
            ("/c", 5, 1, 2, How::Overwritten),
            ("/linked", 6, 1, 2, How::SameContents),
            ("/same", 6, 1, 2, How::SameContents),
        ]
    );
    assert_eq!(report.waste.hidden, 34);
    let layers = report
        .layers
        .iter()
        .map(|it| (it.files, it.bytes, it.deletions, it.hidden));
    let layers: Vec<_> = layers.collect();
    assert_eq!(layers, [(7, 27, 0, 27), (5, 23, 3, 7), (1, 1, 1, 0)]);
    assert_eq!(report.notes, [""; 0]);
}

#[test]
fn hard_links_share_their_bytes_and_links_lead_to_folders() {
    let image = Image::of(vec![
        Layer::default()
            .folder("usr/bin", 0o755)
            .symlink("bin", "usr/bin")
            .file("usr/bin/tool", "12345")
            .hard_link("usr/bin/alias", "usr/bin/tool"),
        // Through the link, and the first of two names.
        Layer::default()
            .file("bin/.wh.tool", "")
            .file("bin/more", "1234567"),
        Layer::default().file("bin/.wh.alias", ""),
    ]);
    let report = image.read().unwrap();
    assert_eq!(visible(&report), (1, 7));
    assert_eq!(hidden(&report), [("/usr/bin/alias", 5, 1, 3, How::Deleted)]);
}

#[test]
fn duplicates_are_told_by_contents() {
    let long = vec![7; 2 << 20];
    let image = Image::of(vec![
        Layer::default()
            .file("a", &long)
            .file("dir/b", &long)
            .hard_link("dir/c", "a")
            .file("empty1", "")
            .file("empty2", "")
            .file("x", "11"),
        Layer::default()
            .file("y", "11")
            .file("z", "11")
            .file("other", "12"),
    ]);
    let waste = image.read().unwrap().waste;
    assert_eq!(waste.duplicate, (2 << 20) + 4);
    let groups: Vec<_> = (waste.duplicates.first.iter())
        .map(|it| (it.bytes, it.each, it.paths.first.join(" ")))
        .collect();
    let expected = [
        (2 << 20, 2 << 20, "/a /dir/b".to_owned()),
        (4, 2, "/x /y /z".to_owned()),
    ];
    assert_eq!(groups, expected);
}

fn three() -> Vec<Vec<u8>> {
    let layers = [
        Layer::default().file("one", "1".repeat(300_000)),
        Layer::default()
            .file(&"long/".repeat(60), "")
            .file(&"n".repeat(200), "22"),
        Layer::default().file("three", "333"),
    ];
    layers.map(Layer::tar).to_vec()
}

fn config() -> serde_json::Value {
    json!({"os": "linux", "architecture": "arm64", "variant": "v8", "history": [
        {"created_by": "/bin/sh -c #(nop) ADD rootfs  /"},
        {"created_by": "ENV A=b", "empty_layer": true},
        {"created_by": "RUN |1 X=hunter2 apt-get\tinstall # buildkit"},
        {"created_by": "COPY \u{1b}[2J"},
    ]})
}

#[test]
fn every_form_reads_the_same() {
    let tars = three();
    let skipped = |mut blob: Vec<u8>| {
        blob.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        blob.extend(zstd(b""));
        blob
    };
    let blobs = vec![
        (tars[0].clone(), gzip(&tars[0])),
        (tars[1].clone(), skipped(zstd(&tars[1]))),
        (tars[2].clone(), tars[2].clone()),
    ];
    let image = Image::empty();
    let mut manifest = image.manifest(&blobs, &config());
    manifest["annotations"] = json!({"io.containerd.image.name": "docker.io/library/shop:1"});
    image.index(&json!([manifest]));
    let folder = image.read().unwrap();
    assert_eq!(folder.name.as_deref(), Some("docker.io/library/shop:1"));
    assert_eq!(folder.digest.as_deref(), manifest["digest"].as_str());
    assert_eq!(folder.platform, "linux/arm64/v8");
    assert_eq!(visible(&folder), (3, 300_005));
    let commands: Vec<_> = folder
        .layers
        .iter()
        .map(|it| it.command.as_deref().unwrap())
        .collect();
    assert_eq!(
        commands,
        [
            "ADD rootfs /",
            "RUN |1 X=[redacted] apt-get install",
            "COPY \\x1b[2J"
        ]
    );

    // The same as a tar.
    let mut files = Vec::new();
    for blob in fs::read_dir(image.path().join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        let name = format!("./blobs/sha256/{}", blob.file_name().to_str().unwrap());
        files.push((name, fs::read(blob.path()).unwrap()));
    }
    files.push((
        "index.json".into(),
        fs::read(image.path().join("index.json")).unwrap(),
    ));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, it)| (&**name, &**it)).collect();
    let path = image.path().join("image.tar");
    fs::write(&path, tar_of(&files)).unwrap();
    assert_eq!(read(&path).unwrap(), folder);

    // As an older `docker save` writes it, where equal layers are links.
    let mut old = config();
    old["rootfs"] = json!({"diff_ids": tars.iter().map(|tar| digest(tar)).collect::<Vec<_>>()});
    let old = old.to_string();
    let id = digest(old.as_bytes());
    let config_name = format!("{}.json", &id[7..]);
    let saved = json!([{"Config": config_name, "RepoTags": ["shop:1"], "Layers": ["a/layer.tar", "b/layer.tar", "c/layer.tar"]}]);
    let saved = saved.to_string();
    let tar = Layer::default()
        .file("a/layer.tar", &tars[0])
        .symlink("b/layer.tar", "../z/layer.tar")
        .file("z/layer.tar", &tars[1])
        .file("c/layer.tar", &tars[2])
        .file(&config_name, &old)
        .file("manifest.json", &saved);
    fs::write(&path, tar.tar()).unwrap();
    let report = read(&path).unwrap();
    assert_eq!((report.id.as_ref(), &report.digest), (Some(&id), &None));
    assert_eq!(report.name.as_deref(), Some("shop:1"));
    let without = |report: &Report| (report.waste.clone(), report.size.files, report.size.bytes);
    assert_eq!(without(&report), without(&folder));
}

#[test]
fn of_several_the_one_that_is_wanted() {
    let image = Image::empty();
    let mut manifests = Vec::new();
    for (architecture, count) in [("amd64", 1), ("arm64", 2)] {
        let mut layer = Layer::default();
        for number in 0..count {
            layer = layer.file(&format!("f{number}"), "1");
        }
        let tar = layer.tar();
        let config = json!({"os": "linux", "architecture": architecture});
        let mut one = image.manifest(&[(tar.clone(), tar)], &config);
        one["platform"] = json!({"os": "linux", "architecture": architecture});
        manifests.push(one);
    }
    manifests.push(json!({"digest": digest(b"attestation"), "platform": {"os": "unknown", "architecture": "unknown"}}));
    let inner = json!({"manifests": manifests}).to_string();
    let inner = image.put(inner.as_bytes());
    let index = |name: &str| {
        json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": inner,
            "annotations": {"org.opencontainers.image.ref.name": name}})
    };
    image.index(&json!([index("one"), index("two")]));
    let read = |name: Option<&str>, platform: Option<&str>| {
        let wanted = Wanted {
            name: name.map(str::to_owned),
            platform: platform.map(str::to_owned),
        };
        read_as(image.path(), wanted, Limits::default())
    };
    let choice = |result: Result<Report, Error>| match result {
        Err(error @ Error::Choice { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        choice(read(None, None)),
        "there are several images: say which with --image NAME; there are: one, two"
    );
    assert_eq!(
        choice(read(Some("x\u{1b}"), None)),
        "no image is called x\\x1b; there are: one, two"
    );
    assert_eq!(
        read(Some("one"), Some("linux/amd64")).unwrap().size.files,
        1
    );
    assert_eq!(
        read(Some("two"), Some("linux/arm64")).unwrap().size.files,
        2
    );
    assert_eq!(
        choice(read(Some("one"), Some("linux/s390x"))),
        "no image for linux/s390x: say which with --platform; there are: linux/amd64, linux/arm64"
    );
}

#[test]
fn images_are_chosen_by_digest_and_by_each_spelling_of_a_name() {
    let choice = |result: Result<Report, Error>| match result {
        Err(error @ Error::Choice { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let wanted = |path: &std::path::Path, name: &str| {
        let wanted = Wanted {
            name: Some(name.to_owned()),
            platform: None,
        };
        read_as(path, wanted, Limits::default())
    };
    let image = Image::empty();
    let of = |name: &str| {
        let tar = Layer::default().file(name, "1").tar();
        image.manifest(
            &[(tar.clone(), tar)],
            &json!({"os": "linux", "architecture": "s390x"}),
        )
    };
    // Without names and platforms, or with one platform, which says no more.
    for platform in [json!(null), json!({"os": "linux", "architecture": "amd64"})] {
        let (mut a, mut b) = (of("a"), of("b"));
        (a["platform"], b["platform"]) = (platform.clone(), platform.clone());
        image.index(&json!([a, b, b]));
        let [first, second] = [&a, &b].map(|one| one["digest"].as_str().unwrap());
        let read = |name: Option<&str>| {
            let wanted = Wanted {
                name: name.map(str::to_owned),
                platform: Some("linux/amd64".to_owned()).filter(|_| name.is_none()),
            };
            read_as(image.path(), wanted, Limits::default())
        };
        let said = choice(read(None));
        let start = "there are several images: say which with --image DIGEST; there are: ";
        assert!(
            said.starts_with(&format!("{start}{first}, {second}")),
            "{said}"
        );
        let report = read(Some(second)).unwrap();
        assert_eq!(report.digest.as_deref(), Some(second));
    }
    let mut named = of("a");
    named["annotations"] = json!({"io.containerd.image.name": "docker.io/library/shop:1"});
    image.index(&json!([named, of("b")]));
    for name in ["shop:1", "library/shop:1", "docker.io/library/shop:1"] {
        assert_eq!(
            wanted(image.path(), name).unwrap().digest.as_deref(),
            named["digest"].as_str()
        );
    }
    assert!(choice(wanted(image.path(), "shop")).contains("no image is called shop"));

    // And of `docker save`, of images that have no name.
    let tar = Layer::default().file("x", "1").tar();
    let configs = ["amd64", "arm64"].map(|architecture| {
        json!({"architecture": architecture, "rootfs": {"diff_ids": [digest(&tar)]}}).to_string()
    });
    let names = configs
        .each_ref()
        .map(|config| format!("{}.json", &digest(config.as_bytes())[7..]));
    let saved =
        json!([{"Config": names[0], "Layers": ["l"]}, {"Config": names[1], "Layers": ["l"]}]);
    let files = Layer::default()
        .file("l", &tar)
        .file(&names[0], &configs[0])
        .file(&names[1], &configs[1])
        .file("manifest.json", saved.to_string());
    let path = image.path().join("saved.tar");
    fs::write(&path, files.tar()).unwrap();
    let [first, second] = configs.map(|config| digest(config.as_bytes()));
    assert_eq!(
        choice(read(&path)),
        format!(
            "there is not one image: say which with --image NAME or DIGEST; there are: {first}, {second}"
        )
    );
    assert_eq!(wanted(&path, &second).unwrap().id, Some(second));
}

#[test]
fn an_image_of_another_platform_is_read_unless_one_was_asked_for() {
    let tar = Layer::default().file("x", "1").tar();
    let image = Image::empty();
    let config = json!({"os": "linux", "architecture": "s390x"});
    image.index(&json!([image.manifest(&[(tar.clone(), tar)], &config)]));
    assert_eq!(image.read().unwrap().platform, "linux/s390x");
    let wanted = Wanted {
        platform: Some("linux/amd64".into()),
        ..Wanted::default()
    };
    let error = read_as(image.path(), wanted, Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Choice { .. }), "{error}");
}

#[test]
fn sparse_files_count_what_is_stored() {
    let mut old = Header::new_gnu();
    old.set_path("old").unwrap();
    old.set_entry_type(EntryType::GNUSparse);
    old.set_mode(0o644);
    old.set_size(700);
    let gnu = old.as_gnu_mut().unwrap();
    gnu.set_real_size(1 << 40);
    gnu.set_is_extended(true);
    old.set_cksum();
    let mut tar = Layer::default();
    // Two more blocks of the map lie between the header and the bytes.
    let mut map = GnuExtSparseHeader::new();
    map.set_is_extended(true);
    let stored = [&map.as_bytes()[..], &[0; 512], &[7; 700]].concat();
    tar.0.append(&old, &stored[..]).unwrap();
    let pax = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.name", b"new"),
        ("GNU.sparse.realsize", b"1099511627776"),
    ];
    let tar = tar.pax(&pax).file("GNUSparseFile.0/new", "1234");
    let tar = tar.file("behind", "12").file("twin", "1234");
    let image = Image::of(vec![
        tar,
        Layer::default().file(".wh.old", "").file(".wh.new", ""),
    ]);
    let report = image.read().unwrap();
    assert_eq!(visible(&report), (2, 6));
    assert_eq!(
        hidden(&report),
        [
            ("/new", 4, 1, 2, How::Deleted),
            ("/old", 700, 1, 2, How::Deleted)
        ]
    );
    assert_eq!(report.waste.duplicate, 0);
}

#[test]
fn names_of_pax_stand_above_those_of_headers() {
    let long = "long/".repeat(50) + "name";
    let tar = Layer::default()
        .pax(&[("path", long.as_bytes()), ("size", b"5")])
        .file("short", "12345")
        .pax(&[("linkpath", long.as_bytes())])
        .symlink("link", "short")
        .file("link/.wh.x", "")
        .pax(&[("linkpath", long.as_bytes())])
        .hard_link("alias", "short");
    let upper = Layer::default().file(".wh.alias", "").file(".wh.long", "");
    let report = Image::of(vec![tar, upper]).read().unwrap();
    assert_eq!(visible(&report), (0, 0));
    let long = format!("/{long}");
    assert_eq!(hidden(&report), [(&*long, 5, 1, 2, How::Deleted)]);
}
