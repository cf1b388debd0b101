//! Advice on a pod that has the image read: what its mounts would hide.

mod common;

use common::Layer;
use common::pod::{AT, BY, advise, created, profile};
use lapwing_advise::Advice;
use lapwing_advise::document::{compose_text, header};
use lapwing_profile::entry::Entry;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use lapwing_profile::profile::Profile;
use lapwing_profile::version::Version;
use serde_json::json;

/// What is said of each folder of what it hides.
fn hidden(advice: &Advice) -> Vec<(&str, Vec<&str>)> {
    let of = |warning: &&String| warning.contains("image");
    let folders = advice.root.folders.iter();
    folders
        .map(|it| {
            let warnings = it.warnings.iter().filter(of).map(String::as_str);
            (&*it.text, warnings.collect())
        })
        .collect()
}

fn layer() -> Layer {
    Layer::default()
        .file("data/a", "12345")
        .file("data/b/large", vec![b'x'; 250_000])
        .hard_link("data/b/again", "data/b/large")
        .symlink("data/link", "/etc/x")
        .folder("data/empty", 0o755)
        .file("data/own/kept", "1")
        .folder("run/web", 0o755)
        .symlink("var/run", "/run")
        .folder("run/lock", 0o777)
        .file("srv/file", "1")
}

#[test]
fn each_mount_names_what_it_hides() {
    let mut profile = created(&["/data/x", "/data/own/y", "/tmp/z", "/run/p", "/srv/file/q"]);
    let advice = advise(layer(), &json!({}), &profile, None);
    assert_eq!(
        hidden(&advice),
        [
            // What lies below the mount in it counts there alone, and two names of one file are one in bytes.
            (
                "/data",
                vec![
                    "hides of the image 3 files (0.3 MB), 1 link, 3 folders: /data/b/again (0.3 MB), \
                     /data/b/large (0.3 MB), /data/a (5 bytes) and 4 more"
                ]
            ),
            (
                "/data/own",
                vec!["hides of the image 1 file (1 byte): /data/own/kept (1 byte)"]
            ),
            (
                "/run",
                vec!["hides of the image 2 folders: /run/lock, /run/web"]
            ),
            (
                "/srv/file",
                vec![
                    "the image has something else than a folder here: nothing can be mounted on it"
                ]
            ),
            ("/tmp", vec![]),
        ]
    );
    let value = serde_json::to_value(&advice).unwrap();
    let data = &value["root"]["folders"][0]["image"];
    for (key, expected) in [
        ("files", 3),
        ("bytes", 250_005),
        ("links", 1),
        ("folders", 3),
        ("more", 0),
    ] {
        assert_eq!(data[key], expected, "{key}: {data}");
    }
    assert_eq!(
        data["first"][0],
        json!({"path": "/data/b/again", "bytes": 250_000})
    );
    assert_eq!(data["first"][3], json!({"path": "/data/b", "bytes": null}));
    assert_eq!(value["root"]["folders"][4]["image"]["files"], 0);
    let hides = advice.root.hides.as_deref().unwrap();
    assert!(
        hides.starts_with(
            "of the image 4 files (0.3 MB), 1 link, 5 folders at /data, /data/own, /run would be hidden; \
             whether any of it is in use is not known"
        ),
        "{hides}"
    );
    // As it is with an inventory of use, which the documents say as well.
    let mut used = Inventory::default();
    used.begin("c", true);
    used.see(Sight {
        path: b"/usr/sbin/web",
        how: uses::EXEC,
        changed: false,
        at: 1,
        image: 0,
    });
    let advice = advise(layer(), &json!({}), &profile, Some(&used));
    let lines = header(&advice).join("\n");
    for part in [
        "mount at /run: hides of the image 2 folders: /run/lock, /run/web",
        "would be hidden; none of the files there was seen in use; links are in no inventory",
        "whether the profile learned of it is not known; its USER: root, for none is set",
    ] {
        assert!(lines.contains(part), "no `{part}` in {lines}");
    }
    // One that is in use is hidden by no mount.
    used.see(Sight {
        path: b"/data/b/large",
        how: uses::OPEN,
        changed: false,
        at: 1,
        image: 0,
    });
    let advice = advise(layer(), &json!({}), &profile, Some(&used));
    assert!(!advice.root.read_only, "{:?}", advice.root.folders);
    // Through a link of the image.
    profile = created(&["/var/run/x"]);
    let advice = advise(layer(), &json!({}), &profile, None);
    assert_eq!(
        hidden(&advice)[0].1,
        ["hides of the image 2 folders: /run/lock, /run/web"]
    );
    // Where there is nothing, nothing is hidden.
    profile = created(&["/cache/x"]);
    let advice = advise(layer(), &json!({}), &profile, None);
    assert_eq!(
        (&advice.root.hides, hidden(&advice)),
        (&None, vec![("/cache", vec![])])
    );
}

#[test]
fn what_the_image_does_not_have_is_not_said_to_be_hidden() {
    let lines = [
        "file: {operation: OPEN_WRITE, path: /data/a}",
        "file: {operation: OPEN_WRITE, path: /data/not-there}",
        "file: {operation: RENAME, path: /data/new, target: /data/nor-this}",
        "file: {operation: CREATE, path: /data/new}",
    ];
    let mut profile = profile(&lines, &[33]);
    let said = |profile: &Profile| {
        let advice = advise(layer(), &json!({}), profile, None);
        let folder = &advice.root.folders[0];
        let says = folder
            .warnings
            .iter()
            .filter(|it| it.contains("there before"));
        let says = says.map(|it| it.split(':').next().unwrap().to_owned());
        (advice.image.unwrap().same_image, says.collect::<Vec<_>>())
    };
    assert_eq!(said(&profile), (None, vec!["hides /data/a".to_owned()]));
    // Of another image than the one that was learned of that follows in no way.
    let digest = format!("sha256:{}", "0".repeat(64));
    profile.sight(&Version::new("shop", &digest).unwrap(), AT);
    let all = [
        "hides /data/a",
        "hides /data/not-there",
        "may hide /data/nor-this",
    ];
    assert_eq!(
        said(&profile),
        (Some(false), all.map(str::to_owned).to_vec())
    );
    let advice = advise(layer(), &json!({"User": "33:7"}), &profile, None);
    let lines = header(&advice).join("\n");
    assert!(
        lines.contains("NONE OF THOSE THAT THE PROFILE LEARNED OF"),
        "{lines}"
    );
    assert_eq!((advice.user.run_as, advice.user.group), (Some(33), None));
    // What it has is told all the same.
    assert_eq!(advice.root.folders[0].image.as_ref().unwrap().files, 4);
}

#[test]
fn hostile_images_make_no_other_lines_and_little_work() {
    let names = [
        "data/a\nb: c",
        "data/\u{1b}[2J",
        "data/\u{202e}x",
        "data/a${b}",
    ];
    let mut layer = Layer::default()
        .symlink("loop", "loop")
        .symlink("up", "../../../..")
        .file("etc/passwd", vec![0xff; 4096]);
    for name in names {
        layer = layer.file(name, "1");
    }
    for number in 0..50_000 {
        layer = layer.file(&format!("many/{number}"), "");
    }
    // Links to one folder, each of which becomes a mount.
    let mut paths = vec![
        "/data/x".to_owned(),
        "/loop/x".to_owned(),
        "/up/many/x".to_owned(),
    ];
    for number in 0..400 {
        layer = layer.symlink(&format!("to/{number}"), "../many");
        paths.push(format!("/to/{number}/x"));
    }
    let mut profile = created(&[]);
    for path in &paths {
        let line = format!("file: {{operation: CREATE, path: {path}}}");
        profile.approve(&Entry::parse(&line).unwrap(), BY).unwrap();
    }
    let advice = advise(layer, &json!({"User": "web\n# x"}), &profile, None);
    let of = |path: &str| {
        let mut folders = advice.root.folders.iter();
        let found = folders.find(|it| it.text == path).unwrap();
        found.image.clone().unwrap()
    };
    assert_eq!(of("/data").files, 4);
    assert_eq!(of("/to/399").files, 50_000);
    assert_eq!((of("/to/399").first.len(), of("/to/399").more), (8, 49_992));
    assert!(of("/loop").is_empty());
    assert_eq!(of("/up/many").files, 50_000);
    let text = compose_text(&advice, "web", None);
    for line in text
        .lines()
        .take_while(|line| !line.starts_with("services:"))
    {
        assert!(line.starts_with("# "), "{line}");
        assert!(
            !line.contains(|it: char| it.is_control() || it == '\u{202e}'),
            "{line:?}"
        );
    }
    assert!(
        text.contains("its USER: web\\x0a# x, whom /etc/passwd does not have"),
        "{text}"
    );
}
