//! What an inventory of use says of an image, and what it does not.

mod common;

use common::{Image, Layer, gzip, read_used};
use lapwing_image::inventory::{InUse, Verdict};
use lapwing_image::report::{Report, Saving};
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use serde_json::json;

fn image() -> Image {
    let elf = |size| [b"\x7fELF", &vec![1; size][..]].concat();
    let paragraph =
        |name: &str| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
    let status: String = ["web", "tools", "none"].map(paragraph).concat();
    Image::of(vec![
        Layer::default()
            .symlink("bin", "usr/bin")
            .symlink("lib", "usr/lib")
            .program("usr/bin/tool", elf(50_000))
            .program("usr/lib/libweb.so.1.2", elf(70_000))
            .symlink("usr/lib/libweb.so.1", "libweb.so.1.2")
            .symlink("usr/lib/libgone.so", "libgone.so.1")
            .file("var/lib/dpkg/status", status)
            .file(
                "var/lib/dpkg/info/web.list",
                "/usr/sbin/web\n/usr/lib/libweb.so.1.2\n",
            )
            .file("var/lib/dpkg/info/tools.list", "/bin/tool\n")
            .file("var/lib/dpkg/info/none.list", "/nothing\n"),
        Layer::default()
            .program("usr/sbin/web", elf(100_000))
            .hard_link("usr/sbin/webd", "usr/sbin/web")
            .file("etc/web/a.conf", "a")
            .file("etc/web/sub/b.conf", "b")
            .file("etc/other", "other")
            .file("data/large", vec![7; 1_500_000])
            .file("data/$HOME*", "named so")
            .folder("empty", 0o755),
    ])
}

fn export(paths: &[(&str, u8)]) -> Export {
    let mut known = Inventory::default();
    known.begin("c1", true);
    for (path, how) in paths {
        known.see(Sight {
            path: path.as_bytes(),
            how: *how,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    Export::of("web", &known)
}

fn usual() -> Export {
    export(&[
        ("/usr/sbin/web", uses::EXEC),
        ("/usr/lib/libweb.so.1.2", uses::OPEN),
        ("/etc/web/a.conf", uses::OPEN),
        ("/etc/web/sub/b.conf", uses::OPEN),
        ("/etc/web", uses::LIST),
        ("/empty", uses::LIST),
        ("/data/$HOME*", uses::OPEN),
        ("/run/made", uses::OPEN),
    ])
}

fn read(image: &Image, export: &Export) -> Report {
    let report = read_used(
        image.path(),
        Wanted::default(),
        Limits::default(),
        None,
        Some(export),
    );
    report.unwrap()
}

fn used(report: &Report) -> &InUse {
    report.used.as_ref().unwrap()
}

#[test]
fn each_file_is_used_or_was_not_seen_to_be_by_layer_and_package() {
    let report = read(&image(), &usual());
    let used = used(&report);
    assert!(used.says && used.same_image.is_none());
    // web with both names, the library, two of the configuration, and that of the odd name.
    assert_eq!(used.used.count, 5);
    assert_eq!(used.unknown.count, 0);
    assert_eq!(used.used.count + used.not_seen.count, report.size.files);
    assert_eq!(used.used.bytes + used.not_seen.bytes, report.size.visible);
    let [lower, upper] = &used.layers[..] else {
        panic!("{:?}", used.layers)
    };
    assert_eq!((lower.number, lower.files.used.bytes), (1, 70_004));
    assert_eq!((upper.number, upper.files.used.count), (2, 4));
    let packages: Vec<_> = { used.packages.first.iter() }
        .map(|it| (&*it.name, it.verdict, it.files.not_seen.bytes))
        .collect();
    assert_eq!(
        packages,
        [
            ("tools", Verdict::NotSeen, 50_004),
            ("none", Verdict::Unknown, 0),
            ("web", Verdict::Used, 0)
        ]
    );
    assert_eq!(used.missing.first, ["/run/made"]);
    let large: Vec<_> = used.large.first.iter().map(|file| &*file.path).collect();
    assert_eq!(large, ["/data/large"]);
    let first = &report.savings[0];
    assert_eq!(first.bytes, used.not_seen.bytes);
    assert!(!first.what.contains("INCOMPLETE"), "{}", first.what);
}

#[test]
fn what_is_copied_is_folded_and_keeps_the_links_that_lead_there() {
    let report = read(&image(), &usual());
    let copy = &used(&report).copy;
    // Whole with its links: one leads to the library, and one to nothing that is there.
    assert_eq!(copy.folders, ["/etc/web", "/usr/lib"]);
    let files: Vec<(&str, Vec<&str>)> = { copy.files.iter() }
        .map(|it| (&*it.folder, it.names.iter().map(|name| &**name).collect()))
        .collect();
    assert_eq!(files, [("/usr/sbin", vec!["web"])]);
    let links: Vec<_> = copy
        .links
        .iter()
        .map(|it| (&*it.path, &*it.target))
        .collect();
    assert_eq!(links, [("/lib", "usr/lib")]);
    assert_eq!(copy.empty, ["/empty"]);
    assert_eq!(copy.unnamed, ["/data/$HOME*"]);
    assert_eq!(
        (copy.brings.count, copy.brings.bytes),
        (5, used(&report).used.bytes)
    );
    let text = copy.dockerfile("shop:1", &[]);
    for line in [
        "ARG IMAGE=shop:1\n",
        "FROM ${IMAGE} AS full\n",
        "RUN mkdir \"/out/data\" \"/out/empty\" \"/out/etc\" \"/out/etc/web\" ",
        "    ln -s -- \"usr/lib\" \"/out/lib\"",
        "FROM scratch AS used1\nCOPY --from=made1 /out/ /\n",
        "COPY --from=full [\"/etc/web/\", \"/etc/web/\"]\n",
        "COPY --from=full [\"/usr/sbin/web\", \"/usr/sbin/\"]\n",
        "FROM scratch\nCOPY --from=used1 / /\n",
        "# copy by hand, its name has a meaning here: /data/$HOME*\n",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    for absent in ["tool", "/etc/other", "large", "/bin\""] {
        assert!(!text.contains(absent), "{absent} in\n{text}");
    }
}

#[test]
fn what_is_missing_is_said_with_each_figure() {
    let mut export = usual();
    export.missing.shed = 12;
    export.images = vec!["web@sha256:00".to_owned()];
    let report = read(&image(), &export);
    let of = used(&report);
    assert!(
        of.incomplete[0].starts_with("12 first uses"),
        "{:?}",
        of.incomplete
    );
    assert_eq!((of.same_image, of.says), (Some(false), true));
    let said = &report.savings[0].what;
    assert!(
        said.contains("of another image, which is incomplete"),
        "{said}"
    );
    // The same by the digest of the image.
    export.images = vec![report.id.clone().unwrap()];
    let report = read(&image(), &export);
    assert_eq!(used(&report).same_image, Some(true));
    assert!(report.savings[0].what.contains("INCOMPLETE"));
}

#[test]
fn another_image_s_inventory_says_nothing() {
    let export = export(&[
        ("/usr/bin/tool", uses::EXEC),
        ("/opt/a", uses::OPEN),
        ("/opt/b", uses::OPEN),
    ]);
    let report = read(&image(), &export);
    let used = used(&report);
    assert!(!used.says);
    assert_eq!((used.used.count, used.not_seen.count), (1, 0));
    assert!(used.large.is_empty());
    assert!(
        { report.savings.iter() }.all(|saving| !saving.what.contains("not seen to be")),
        "{:?}",
        report.savings
    );
}

#[test]
fn circles_and_odd_paths_are_bounded() {
    let image = Image::of(vec![
        Layer::default()
            .symlink("a", "b")
            .symlink("b", "a")
            .symlink("up", "../../../../etc")
            .symlink("self", ".")
            .file("etc/x", "x"),
    ]);
    let export = export(&[
        ("/a/x", uses::OPEN),
        ("/etc/x", uses::OPEN),
        ("/etc/x/y", uses::OPEN),
        ("/..", uses::LIST),
        ("/", uses::LIST),
    ]);
    let report = read(&image, &export);
    let copy = &used(&report).copy;
    assert_eq!(copy.folders, ["/etc"]);
    let links: Vec<_> = copy.links.iter().map(|it| &*it.path).collect();
    assert_eq!(links, ["/up"]);
}

#[test]
fn a_compiled_module_brings_its_source_and_links_are_followed_to_the_end() {
    let image = Image::of(vec![
        Layer::default()
            .file("app/__pycache__/shop.cpython-313.pyc", "compiled")
            .file("app/__pycache__/rest.cpython-313.pyc", "compiled")
            .file("app/shop.py", "source")
            .file("app/rest.py", "source")
            .file("app/odd.pyc", "no cache")
            .file("app/odd.py", "source")
            // Each leads to a folder that only the next one makes wanted.
            .symlink("a1/to", "/b2")
            .symlink("b2/to", "/c3")
            .symlink("c3/to", "/d4")
            .symlink("d4/to", "/e5")
            .symlink("e5/to", "/app")
            .symlink("-f", "-g")
            .file("-g", "g"),
    ]);
    let export = export(&[
        ("/app/__pycache__/shop.cpython-313.pyc", uses::OPEN),
        ("/app/__pycache__/.pyc", uses::OPEN),
        ("/app/odd.pyc", uses::OPEN),
        ("/-g", uses::OPEN),
    ]);
    let report = read(&image, &export);
    let copy = &used(&report).copy;
    let files = |folder: &str| {
        let of = copy.files.iter().find(|it| it.folder == folder);
        of.map(|it| it.names.clone()).unwrap_or_default()
    };
    assert_eq!(files("/app"), ["odd.pyc", "shop.py"]);
    assert_eq!(files("/app/__pycache__"), ["shop.cpython-313.pyc"]);
    assert_eq!(copy.folders, ["/a1", "/b2", "/c3", "/d4", "/e5"]);
    let text = copy.dockerfile("shop:1", &[]);
    assert!(text.contains("ln -s -- \"-g\" \"/out/-f\""), "{text}");
    // What is needed though nobody opened it is not called used.
    assert_eq!(used(&report).used.count, 3);
}

#[test]
fn packages_beyond_the_list_and_of_one_name_have_their_own_figures() {
    // Many of which nothing was seen, the more of them the larger, and one that was used whole.
    let mut layer = Layer::default();
    let mut status = String::new();
    for number in 0..300 {
        let name = format!("idle{number}");
        status += &format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
        layer = layer
            .file(
                &format!("var/lib/dpkg/info/{name}.list"),
                format!("/opt/{name}\n"),
            )
            .file(&format!("opt/{name}"), vec![1; 100]);
    }
    let described = r#"{"name":"same","version":"1.0.0"}"#;
    let layer = layer
        .file("var/lib/dpkg/status", status)
        .file("srv/node_modules/same/package.json", described)
        .file("srv/node_modules/same/large.js", vec![2; 90_000])
        .file(
            "srv/node_modules/b/node_modules/same/package.json",
            described,
        )
        .file("srv/node_modules/b/node_modules/same/small.js", "x");
    let export = export(&[
        ("/srv/node_modules/same/package.json", uses::OPEN),
        ("/srv/node_modules/same/large.js", uses::OPEN),
        ("/var/lib/dpkg/status", uses::OPEN),
    ]);
    let report = read(&Image::of(vec![layer]), &export);
    assert!(used(&report).says);
    let same: Vec<_> = { report.packages.iter() }
        .filter(|it| it.name == "same")
        .map(|it| {
            let of = it.by_use.unwrap();
            (it.in_use.unwrap(), of.used.bytes, of.not_seen.bytes)
        })
        .collect();
    let described = described.len() as u64;
    assert_eq!(
        same,
        [
            (Verdict::Used, 90_000 + described, 0),
            (Verdict::NotSeen, 0, 1 + described)
        ]
    );
    let idle = { report.savings.iter() }
        .find(|it| it.what.starts_with("packages of which no file"))
        .unwrap();
    assert_eq!(idle.bytes, 300 * 100 + 1 + described);
    assert!(idle.what.contains(": 301 of them"), "{}", idle.what);
}

#[test]
fn the_sum_of_large_data_is_of_all_of_it_and_the_list_of_some() {
    let data = vec![0; 1_000_000];
    let layer = Layer::default().file("used", "x");
    let layer = (0..201).fold(layer, |layer, at| layer.file(&format!("data/{at}"), &data));
    let tar = layer.tar();
    let packed = gzip(&tar);
    let image = Image::empty();
    image.index(&json!([image.manifest(&[(tar, packed)], &json!({}))]));
    let report = read(&image, &export(&[("/used", uses::OPEN)]));
    let used = used(&report);
    assert_eq!((used.large.first.len(), used.large.more), (200, 1));
    assert_eq!(used.large_bytes, 201_000_000);
    let is = |saving: &&Saving| saving.what.contains("was not seen to be read");
    let saving = report.savings.iter().find(is).unwrap();
    assert_eq!(saving.bytes, 201_000_000);
    assert!(saving.what.ends_with(": 201 files"), "{}", saving.what);
}
