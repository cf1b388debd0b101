//! What differs between two images.

mod common;

use common::{Image, Layer};
use lapwing_image::diff::{Changes, Diff, Package};
use lapwing_image::report::{First, Secret};
use lapwing_image::{Limits, Options, Wanted};
use serde_json::{Value, json};
use std::path::Path;
use tar::EntryType;

const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n";

fn open(path: &Path) -> lapwing_image::Image {
    let hide = |text: &mut String| text.matches("hunter2").count();
    let options = Options {
        wanted: Wanted::default(),
        limits: Limits::default(),
        hide: &hide,
        profile: None,
        inventory: None,
        sbom: None,
    };
    lapwing_image::Image::read(path, &options).unwrap()
}

fn diff(old: &Image, new: &Image) -> Diff {
    Diff::of(&open(old.path()), &open(new.path()))
}

/// An image with a configuration.
fn with(layers: Vec<Layer>, config: &Value) -> Image {
    let image = Image::empty();
    let tars = layers
        .into_iter()
        .map(Layer::tar)
        .map(|tar| (tar.clone(), tar));
    let manifest = image.manifest(&tars.collect::<Vec<_>>(), config);
    image.index(&json!([manifest]));
    image
}

fn dpkg(packages: &[(&str, &str)]) -> String {
    let paragraph = |(name, version): &(&str, &str)| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n")
    };
    packages.iter().map(paragraph).collect()
}

fn base() -> Layer {
    Layer::default()
        .folder("usr", 0o755)
        .file("usr/lib/base.so", vec![1; 5_000])
        .program("bin/sh", "shell")
}

fn app(layer: Layer) -> Layer {
    layer
        .file("app/data", vec![2; 1_000])
        .file("app/other", vec![3; 300])
        .program("usr/bin/su", "12")
}

fn paths<T>(all: &First<T>, text: impl Fn(&T) -> String) -> Vec<String> {
    assert_eq!(all.more, 0);
    all.first.iter().map(text).collect()
}

fn is_same<T>(changes: &Changes<T>, count: u64) -> bool {
    changes.is_empty() && (changes.old, changes.new) == (count, count)
}

#[test]
fn equal_images_differ_in_nothing() {
    let make = || {
        let layer = app(Layer::default())
            .hard_link("app/again", "app/data")
            .entry(EntryType::Regular, b"usr/bin/sudo", 0o4755, b"", b"x")
            .folder("open", 0o777)
            .file("etc/key.pem", KEY)
            .file("var/lib/dpkg/status", dpkg(&[("a", "1")]));
        with(
            vec![base(), layer],
            &json!({"os": "linux", "architecture": "amd64"}),
        )
    };
    let diff = diff(&make(), &make());
    assert_eq!(diff.old, diff.new);
    assert_eq!(diff.layers.shared.count, 2);
    assert!(diff.layers.added.is_empty() && diff.layers.removed.is_empty());
    assert_eq!(diff.files, lapwing_image::diff::Files::default());
    assert_eq!(diff.packages, lapwing_image::diff::Packages::default());
    assert!(is_same(&diff.shells, 1) && is_same(&diff.set_id, 1));
    assert!(is_same(&diff.world_writable, 1) && is_same(&diff.secrets, 1));
    assert!(is_same(&diff.compilers, 0) && is_same(&diff.package_managers, 0));
    assert_eq!(diff.secrets_not_compared, 0);
    assert_eq!(diff.new.used, None);
}

#[test]
fn layers_are_known_by_their_digests_however_often_they_come() {
    let empty = || Layer::default().folder("x", 0o755);
    let old = Image::of(vec![base(), empty(), app(Layer::default())]);
    let new = Image::of(vec![base(), empty(), empty(), app(base())]);
    let diff = diff(&old, &new);
    assert_eq!(
        (diff.layers.shared.count, diff.layers.shared.bytes),
        (2, 5_005)
    );
    let numbers = |all: &First<_>| {
        paths(all, |it: &lapwing_image::report::Layer| {
            it.number.to_string()
        })
    };
    assert_eq!(numbers(&diff.layers.added), ["3", "4"]);
    assert_eq!(diff.layers.added_bytes, 5_005 + 1_302);
    assert_eq!(numbers(&diff.layers.removed), ["3"]);
    assert_eq!(diff.layers.removed_bytes, 1_302);
}

#[test]
fn files_are_compared_by_contents_and_listed_by_growth() {
    let old = Image::of(vec![app(base()).hard_link("app/again", "app/data")]);
    let layer = Layer::default()
        .file("app/data", vec![2; 4_000])
        .file("app/other", vec![9; 300])
        .file("app/new", vec![4; 700])
        .file("usr/lib/.wh.base.so", "")
        .file("app/folder/deep", "");
    let new = Image::of(vec![app(base()).hard_link("app/again", "app/data"), layer]);
    let diff = diff(&old, &new);
    let files = &diff.files;
    let text = |it: &lapwing_image::diff::File| {
        format!("{} {:?} {:?} {}", it.path, it.before, it.after, it.growth())
    };
    // The first name of the old file of 1000 bytes is `again`, which is the only one it has left.
    assert_eq!(
        paths(&files.grown, text),
        [
            "/app/data None Some(4000) 4000",
            "/app/new None Some(700) 700"
        ]
    );
    assert_eq!(
        paths(&files.shrunk, text),
        ["/usr/lib/base.so Some(5000) None -5000"]
    );
    assert_eq!((files.added.count, files.added.bytes), (3, 4_700));
    assert_eq!((files.removed.count, files.removed.bytes), (1, 5_000));
    assert_eq!((files.changed.count, files.changed_growth), (1, 0));
    let grown = diff.new.size.visible as i64 - diff.old.size.visible as i64;
    assert_eq!(grown, 4_700 - 5_000);
    // The removed file is hidden, the layers have it still.
    assert_eq!(diff.new.hidden - diff.old.hidden, 5_000 + 300);
}

#[test]
fn a_file_that_becomes_a_folder_or_a_link_goes() {
    let old = Image::of(vec![
        Layer::default()
            .file("a", "123")
            .file("b/c", "12345")
            .file("l", "1"),
    ]);
    let new = Image::of(vec![
        Layer::default()
            .file("a/x", "1234567")
            .file("b", "12")
            .symlink("l", "a/x"),
    ]);
    let diff = diff(&old, &new);
    let text = |it: &lapwing_image::diff::File| format!("{} {}", it.path, it.growth());
    assert_eq!(paths(&diff.files.grown, text), ["/a/x 7", "/b 2"]);
    assert_eq!(
        paths(&diff.files.shrunk, text),
        ["/b/c -5", "/a -3", "/l -1"]
    );
}

#[test]
fn packages_come_go_and_change_their_versions() {
    let image = |packages: &[(&str, &str)], sizes: [usize; 2]| {
        Image::of(vec![
            Layer::default()
                .file("var/lib/dpkg/status", dpkg(packages))
                .file("var/lib/dpkg/info/kept.list", "/usr/lib/kept\n")
                .file("var/lib/dpkg/info/moved.list", "/usr/lib/moved\n")
                .file("usr/lib/kept", vec![1; sizes[0]])
                .file("usr/lib/moved", vec![1; sizes[1]])
                .file(
                    "a/node_modules/twice/package.json",
                    r#"{"name":"twice","version":"1"}"#,
                )
                .file(
                    "b/node_modules/twice/package.json",
                    format!(r#"{{"name":"twice","version":"{}"}}"#, sizes[0]),
                ),
        ])
    };
    let old = image(
        &[("gone", "9"), ("kept", "1"), ("moved", "1.0-1")],
        [1, 100],
    );
    let new = image(
        &[("kept", "1"), ("moved", "1.0-2\u{1b}[2J"), ("came", "3")],
        [2, 400],
    );
    let diff = diff(&old, &new);
    let text = |it: &Package| {
        format!(
            "{} {} {} -> {}, {} -> {}",
            it.kind,
            it.name,
            it.before.first.join("+"),
            it.after.first.join("+"),
            it.bytes_before,
            it.bytes_after
        )
    };
    assert_eq!(
        paths(&diff.packages.added, text),
        ["deb came  -> 3, 0 -> 0"]
    );
    assert_eq!(
        paths(&diff.packages.removed, text),
        ["deb gone 9 -> , 0 -> 0"]
    );
    let changed = paths(&diff.packages.changed, text);
    assert_eq!(changed[0], "deb moved 1.0-1 -> 1.0-2\\x1b[2J, 100 -> 400");
    // Two of one name are compared together.
    assert!(
        changed[1].starts_with("node twice 1+1 -> 1+2, "),
        "{changed:?}"
    );
    assert_eq!(changed.len(), 2);
}

#[test]
fn what_is_worth_a_look_is_new_by_its_path_and_its_rights() {
    let program = |mode| {
        move |layer: Layer, name: &str| {
            layer.entry(EntryType::Regular, name.as_bytes(), mode, b"", b"x")
        }
    };
    let capability = |low: u32| [0x0200_0001, low, 0, 0, 0].map(u32::to_le_bytes).concat();
    let file = |layer: Layer, name, low| {
        let value = capability(low);
        let records = [("SCHILY.xattr.security.capability", &value[..])];
        program(0o755)(layer.pax(&records), name)
    };
    let mut old = Layer::default()
        .symlink("bin/sh", "dash")
        .folder("tmp", 0o777);
    for (mode, name) in [
        (0o4755, "bin/su"),
        (0o2755, "bin/wall"),
        (0o4755, "bin/mount"),
        (0o755, "bin/plain"),
    ] {
        old = program(mode)(old, name);
    }
    let old = file(file(old, "bin/ping", 1 << 13), "bin/web", 1 << 10);
    let mut new = Layer::default()
        .symlink("bin/sh", "busybox")
        .program("bin/busybox", "x")
        .program("usr/bin/gcc-12", "x")
        .program("sbin/apk", "x")
        .folder("tmp", 0o1777)
        .folder("open", 0o777);
    for (mode, name) in [
        (0o4755, "bin/su"),
        (0o6755, "bin/wall"),
        (0o755, "bin/mount"),
        (0o2755, "bin/plain"),
    ] {
        new = program(mode)(new, name);
    }
    // One gives more than it did, the other less.
    let new = file(file(new, "bin/ping", 1 << 13 | 1 << 21), "bin/web", 0);
    let diff = diff(&Image::of(vec![old]), &Image::of(vec![new]));
    let name = |it: &lapwing_image::report::Program| it.path.clone();
    assert_eq!((diff.shells.old, diff.shells.new), (1, 2));
    assert_eq!(paths(&diff.shells.added, name), ["/bin/busybox"]);
    assert!(
        diff.shells.removed.is_empty(),
        "it is a shell still, by another target"
    );
    assert_eq!(paths(&diff.compilers.added, name), ["/usr/bin/gcc-12"]);
    assert_eq!(paths(&diff.package_managers.added, name), ["/sbin/apk"]);
    let set_id = |it: &lapwing_image::report::SetId| format!("{} {}", it.mode, it.path);
    assert_eq!(
        paths(&diff.set_id.added, set_id),
        ["2755 /bin/plain", "6755 /bin/wall"]
    );
    assert_eq!(paths(&diff.set_id.removed, set_id), ["4755 /bin/mount"]);
    assert_eq!((diff.set_id.old, diff.set_id.new), (3, 3));
    let capable =
        |it: &lapwing_image::report::Capable| format!("{} {}", it.path, it.capabilities.join("+"));
    assert_eq!(
        paths(&diff.file_capabilities.added, capable),
        ["/bin/ping CAP_NET_RAW+CAP_SYS_ADMIN"]
    );
    assert_eq!(
        paths(&diff.file_capabilities.removed, capable),
        ["/bin/web CAP_NET_BIND_SERVICE"]
    );
    assert_eq!(paths(&diff.world_writable.added, String::clone), ["/open"]);
    assert_eq!(paths(&diff.world_writable.removed, String::clone), ["/tmp"]);
}

#[test]
fn secrets_are_the_same_by_place_and_steps_by_what_they_say() {
    let config = |env: Value, steps: Value| json!({"os": "linux", "architecture": "amd64", "config": {"Env": env}, "history": steps});
    let step = |text: &str| json!({"created_by": text, "empty_layer": true});
    let old = with(
        vec![
            Layer::default()
                .file("etc/key.pem", KEY)
                .file("etc/gone.pem", KEY),
        ],
        &config(
            json!(["A=hunter2", "hunter2"]),
            json!([step("RUN login hunter2"), {"created_by": "COPY"}]),
        ),
    );
    let new = with(
        vec![
            Layer::default().file("etc/key.pem", KEY),
            Layer::default()
                .file("etc/.wh.key.pem", "")
                .file("srv/new.pem", KEY),
        ],
        // The same ones at other numbers, and another.
        &config(
            json!(["PATH=/bin", "A=hunter2", "hunter2", "B=hunter2"]),
            json!([step("RUN true"), {"created_by": "COPY"}, {"created_by": "RM"}, step("RUN login hunter2")]),
        ),
    );
    let diff = diff(&old, &new);
    let text = |it: &Secret| format!("{} {:?}", it.place, it.hidden_by);
    assert_eq!(
        paths(&diff.secrets.added, text),
        ["environment variable B None", "/srv/new.pem None"]
    );
    assert_eq!(paths(&diff.secrets.removed, text), ["/etc/gone.pem None"]);
    assert_eq!((diff.secrets.old, diff.secrets.new), (5, 6));
    let whole = serde_json::to_string(&diff).unwrap();
    assert!(
        !whole.contains("hunter2") && !whole.contains("MIIE"),
        "{whole}"
    );
}

#[test]
fn many_differences_are_counted_and_the_first_listed() {
    let many = |count: usize, name: &str| {
        let layers = (0..count).fold(Layer::default(), |layer, number| {
            layer
                .program(&format!("{name}{number:04}/bin/sh"), vec![1; number + 1])
                .file(&format!("keys/{name}{number:04}"), KEY)
        });
        Image::of(vec![layers])
    };
    let diff = diff(&many(3, "a"), &many(1_100, "b"));
    assert_eq!((diff.shells.old, diff.shells.new), (3, 1_100));
    assert_eq!(
        (diff.shells.added.first.len(), diff.shells.added.more),
        (200, 900)
    );
    assert_eq!(diff.shells.added.first[0].path, "/b0000/bin/sh");
    assert_eq!(diff.files.grown.first[0].path, "/b1099/bin/sh");
    assert_eq!(diff.files.grown.count(), 2_200);
    assert_eq!(diff.files.shrunk.count(), 6);
    assert_eq!(diff.secrets_not_compared, 100);
    assert_eq!(diff.secrets.new, 1_100);
}

#[test]
fn the_user_is_known_by_number_or_through_passwd() {
    let passwd = "root:x:0:0::/:/bin/sh\nweb:x:101:\nsly:x:0:0\n1000:x:0:0\nbroken\nbad:x:y:\n";
    let of = |user: Value| {
        let config = json!({"os": "linux", "architecture": "amd64", "config": {"User": user}});
        let image = with(vec![Layer::default().file("etc/passwd", passwd)], &config);
        let report = image.read().unwrap();
        let part = report
            .score
            .parts
            .iter()
            .find(|part| part.part.contains("root"))
            .unwrap();
        assert_eq!(part.found, report.user);
        (part.is_met, report.user)
    };
    for (user, is_other, text) in [
        (json!(null), false, "none is set: root"),
        (json!(""), false, "none is set: root"),
        (json!("root"), false, "root, uid 0"),
        (json!("0:5"), false, "uid 0"),
        (json!("web:web"), true, "web, uid 101"),
        (json!("65532"), true, "uid 65532"),
        (json!("sly"), false, "sly, uid 0"),
        // A name for one runtime, a number for another.
        (json!("1000"), false, "uid 1000"),
        (json!("bad"), false, "bad, whom /etc/passwd does not have"),
        (
            json!("x\u{1b}[2J"),
            false,
            "x\\x1b[2J, whom /etc/passwd does not have",
        ),
    ] {
        assert_eq!(of(user.clone()), (is_other, text.to_owned()), "{user}");
    }
}

#[test]
fn each_part_of_the_score_is_lost_by_what_it_is_of() {
    let plain = json!({"os": "linux", "architecture": "amd64", "config": {"User": "65532"}});
    let score = |layer: Layer| {
        let score = with(vec![layer], &plain).read().unwrap().score;
        assert_eq!((score.of, score.parts.len()), (100, 8));
        score.points
    };
    let layer = || Layer::default().program("app/web", "x");
    let capability = [0x0200_0001, 1, 0, 0, 0].map(u32::to_le_bytes).concat();
    assert_eq!(score(layer()), 100);
    assert_eq!(score(layer().file("k", KEY)), 80);
    // It is in the image although no container sees it.
    let image = with(
        vec![layer().file("k", KEY), layer().file(".wh.k", "")],
        &plain,
    );
    assert_eq!(image.read().unwrap().score.points, 80);
    assert_eq!(score(layer().program("bin/sh", "x")), 85);
    assert_eq!(score(layer().program("bin/apk", "x")), 85);
    assert_eq!(score(layer().program("bin/cc", "x")), 90);
    assert_eq!(
        score(layer().entry(EntryType::Regular, b"su", 0o4755, b"", b"x")),
        85
    );
    let records = [("SCHILY.xattr.security.capability", &capability[..])];
    assert_eq!(score(layer().pax(&records).program("web", "x")), 95);
    assert_eq!(score(layer().folder("open", 0o777)), 95);
}
