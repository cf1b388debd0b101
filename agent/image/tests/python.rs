//! Packages of Python by what says which files they have.

mod common;

use common::base::{export, report};
use common::{Image, Layer};
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Package, Report};
use lapwing_profile::inventory::uses;

const SITE: &str = "usr/lib/python3/dist-packages";

fn info(name: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
}

/// Packages in the forms that Debian's have: without a list of files.
fn site() -> Layer {
    let at = |path: &str| format!("{SITE}/{path}");
    let package = |layer: Layer, name: &str, form: &str, modules: &str| {
        let description = match form {
            "dist-info" => "METADATA",
            _ => "PKG-INFO",
        };
        let folder = at(&format!("{name}-1.{form}"));
        layer
            .file(&format!("{folder}/{description}"), info(name))
            .file(&format!("{folder}/top_level.txt"), modules)
    };
    let layer = Layer::default()
        .program("usr/bin/python3", "\x7fELF")
        .file(&at("six-1.egg-info"), info("six"))
        .file(&at("six.py"), "six")
        .file(&at("foo/__init__.py"), "foo")
        .file(&at("foo/deep/more.py"), "more")
        .file(&at("bar/__init__.py"), "bar")
        .file(&at("cached.py"), "source")
        .file(&at("__pycache__/cached.cpython-311.pyc"), "compiled")
        .file(&at("native.cpython-311-x86_64-linux-gnu.so"), "\x7fELF")
        .file(&at("idle/__init__.py"), "idle")
        .file(&at("idle_more/__init__.py"), "of nobody")
        .file(&at("space/a/__init__.py"), "a")
        .file(&at("space/b/__init__.py"), "b")
        .file(&at("bare-1.dist-info/METADATA"), info("bare"))
        .file(&at("bare/__init__.py"), "bare");
    let layer = package(layer, "foo", "egg-info", "foo\n");
    let layer = package(layer, "bar", "dist-info", "bar\n");
    let layer = package(layer, "cached", "egg-info", "cached\n");
    let layer = package(layer, "native", "egg-info", "native\r\n");
    let layer = package(layer, "idle", "dist-info", "idle\n../../../../etc\n");
    let layer = package(layer, "space-a", "dist-info", "space\n");
    package(layer, "space-b", "dist-info", "space\n")
}

fn read(used: &[&str]) -> Report {
    let mut paths: Vec<String> = used.iter().map(|path| format!("/{SITE}/{path}")).collect();
    paths.push("/usr/bin/python3".to_owned());
    let used: Vec<(&str, u8)> = paths.iter().map(|path| (&**path, uses::OPEN)).collect();
    report(&Image::of(vec![site()]), Some(&export(&used)))
}

fn package<'a>(report: &'a Report, name: &str) -> &'a Package {
    report.packages.iter().find(|it| it.name == name).unwrap()
}

#[test]
fn modules_that_were_opened_are_used_and_without_a_list_nothing_is_said() {
    let report = read(&[
        "six.py",
        "foo/deep/more.py",
        "bar/__init__.py",
        "__pycache__/cached.cpython-311.pyc",
        "native.cpython-311-x86_64-linux-gnu.so",
        "space/a/__init__.py",
        "bare/__init__.py",
    ]);
    assert!(report.used.as_ref().unwrap().says);
    for (name, verdict) in [
        ("foo", Verdict::Used),
        ("bar", Verdict::Used),
        ("cached", Verdict::Used),
        ("native", Verdict::Used),
        ("idle", Verdict::NotSeen),
        ("six", Verdict::Unknown),
        ("bare", Verdict::Unknown),
        ("space-a", Verdict::Unknown),
        ("space-b", Verdict::Unknown),
    ] {
        let package = package(&report, name);
        assert_eq!(package.in_use, Some(verdict), "{package:?}");
    }
    assert_eq!(package(&report, "native").libraries, 1);
    // With what describes it; `idle_more` is another's.
    let idle = package(&report, "idle");
    assert_eq!((idle.files, idle.bytes), (2, info("idle").len() as u64 + 4));
}

#[test]
fn modules_that_another_package_lists_are_its_own() {
    let at = |path: &str| format!("{SITE}/{path}");
    let layer = site()
        .file(&at("whole-1.dist-info/METADATA"), info("whole"))
        .file(
            &at("whole-1.dist-info/RECORD"),
            "foo/deep/more.py,,\nwhole-1.dist-info/RECORD,,\n",
        )
        .file(&at("meta-1.dist-info/METADATA"), info("meta"))
        .file(
            &at("meta-1.dist-info/RECORD"),
            "meta-1.dist-info/RECORD,,\n",
        );
    let path = format!("/{SITE}/foo/deep/more.py");
    let used = export(&[(&path, uses::OPEN)]);
    let report = report(&Image::of(vec![layer]), Some(&used));
    assert_eq!(package(&report, "whole").in_use, Some(Verdict::Used));
    assert_eq!(package(&report, "foo").in_use, Some(Verdict::NotSeen));
    assert_eq!(package(&report, "meta").in_use, Some(Verdict::Unknown));
}
