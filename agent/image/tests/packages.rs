//! Databases of packages that make readers work: each is gone through once.

mod common;

use common::{Image, Layer, read_as};
use lapwing_image::report::Report;
use lapwing_image::{Limits, Wanted};

/// Few entries, and so few steps through paths: what goes through a list twice says so.
fn read(layer: Layer) -> Report {
    let limits = Limits {
        bytes: 1 << 30,
        entries: 2000,
    };
    read_as(Image::of(vec![layer]).path(), Wanted::default(), limits).unwrap()
}

fn files(report: &Report) -> Vec<(&str, &str, u64)> {
    let mut all: Vec<_> = (report.packages.iter())
        .filter(|package| package.files > 0)
        .map(|package| (&*package.name, &*package.version, package.files))
        .collect();
    all.sort_unstable();
    all
}

fn is_whole(report: &Report) -> bool {
    !report.packages_not_read.join("\n").contains("too many")
}

#[test]
fn a_list_is_gone_through_once_however_many_paragraphs_name_it() {
    // 200,000 steps are free, and one list of 20,000 lines takes 40,000.
    let list = "/usr/x\n".repeat(20_000);
    let status: String = (0..5000)
        .map(|number| format!("Package: p\nStatus: a b installed\nVersion: {number}\n\n"))
        .collect();
    let layer = Layer::default()
        .file("usr/x", "1")
        .file("var/lib/dpkg/status", &status)
        .file("var/lib/dpkg/info/p.list", &list);
    let report = read(layer);
    assert!(is_whole(&report), "{:?}", report.packages_not_read);
    assert_eq!(report.packages.len(), 5000);
    assert_eq!(files(&report), [("p", "0", 1)]);

    let sums = "00 usr/x\n".repeat(20_000);
    let layer = Layer::default()
        .file("usr/x", "1")
        .file("var/lib/dpkg/status.d/p", &status)
        .file("var/lib/dpkg/status.d/p.md5sums", &sums);
    let report = read(layer);
    assert!(is_whole(&report), "{:?}", report.packages_not_read);
    assert_eq!(files(&report), [("p", "0", 1)]);

    // One list by the names of many packages.
    let mut status = String::new();
    let mut layer = Layer::default()
        .file("usr/x", "1")
        .file("var/lib/dpkg/info/p0.list", &list);
    for number in 0..500 {
        status += &format!("Package: p{number}\nStatus: a b installed\n\n");
        let name = format!("var/lib/dpkg/info/p{number}.list");
        if number > 0 {
            layer = layer.hard_link(&name, "var/lib/dpkg/info/p0.list");
        }
    }
    let report = read(layer.file("var/lib/dpkg/status", &status));
    assert!(is_whole(&report), "{:?}", report.packages_not_read);
    assert_eq!(files(&report), [("p0", "", 1)]);
    let not_read = report.packages_not_read.join("\n");
    assert!(
        not_read.contains("499 further names of files that tell of packages, hard links"),
        "{not_read}"
    );
}

#[test]
fn lists_end_where_paths_took_too_much_work() {
    let list = "/usr/x\n".repeat(150_000);
    let status = "Package: p\nStatus: a b installed\n\nPackage: q\nStatus: a b installed\n";
    let layer = Layer::default()
        .file("usr/x", "1")
        .file("usr/y", "1")
        .file("var/lib/dpkg/status", status)
        .file("var/lib/dpkg/info/p.list", &list)
        .file("var/lib/dpkg/info/q.list", "/usr/y\n");
    let report = read(layer);
    assert!(!is_whole(&report), "{:?}", report.packages_not_read);
    assert_eq!(files(&report), [("p", "", 1)]);
}

#[test]
fn databases_of_line_feeds_hold_nothing() {
    // One that was collected would take some hundred MB.
    let feeds = vec![b'\n'; 4 << 20];
    let layer = Layer::default()
        .file("var/lib/dpkg/status", &feeds)
        .file("var/lib/dpkg/status.d/x", &feeds)
        .file("lib/apk/db/installed", &feeds);
    let report = read(layer);
    assert_eq!(report.packages, []);
    assert_eq!(report.packages_not_read, [""; 0]);
}

#[test]
fn a_file_of_many_names_is_read_once_and_by_a_name_that_tells() {
    let first = "srv/node_modules/a/package.json";
    // By its first name in the order of names it tells nothing.
    let mut layer = Layer::default()
        .file(first, "{\"name\": \"a\", \"version\": \"1\"}")
        .hard_link("a.json", first)
        .file("srv/node_modules/bad/package.json", "[");
    for number in 0..400 {
        let name = format!("srv/node_modules/b{number}/package.json");
        layer = layer.hard_link(&name, first);
        let name = format!("srv/node_modules/bad{number}/package.json");
        layer = layer.hard_link(&name, "srv/node_modules/bad/package.json");
    }
    let report = read(
        layer
            .file("plain", "Package: p\n")
            .hard_link("var/lib/dpkg/status", "plain"),
    );
    assert_eq!(files(&report), [("a", "1", 1)]);
    let not_read = report.packages_not_read.join("\n");
    for part in [
        "800 further names of files that tell of packages, hard links",
        "1 damaged file (package.json) of Node packages: /srv/node_modules/bad/package.json",
    ] {
        assert!(not_read.contains(part), "no `{part}` in {not_read}");
    }
    let notes = report.notes.join("\n");
    let part = "1 hard links tell of packages by their names and were not read, so packages are \
        incomplete: var/lib/dpkg/status";
    assert!(notes.contains(part), "{notes}");
}

#[test]
fn damaged_files_are_counted_and_the_first_named() {
    let layer = (0..1000).fold(Layer::default(), |layer, number| {
        let layer = layer.file(&format!("node_modules/n{number}/package.json"), "[");
        layer.file(&format!("var/lib/dpkg/status.d/d{number}"), "x\n")
    });
    let report = Image::of(vec![layer]).read().unwrap();
    let not_read = report.packages_not_read.join("\n");
    for part in [
        "1000 damaged files (package.json) of Node packages: ",
        "1000 damaged descriptions of Debian packages: ",
    ] {
        assert!(not_read.contains(part), "no `{part}` in {not_read}");
    }
    assert!(not_read.len() < 1500, "{not_read}");
}

#[test]
fn long_paths_to_nothing_count() {
    // None leads further than to its first name.
    let list = format!("/{}\n", "n/".repeat(2000)).repeat(200);
    let status = "Package: p\nStatus: a b installed\n";
    let layer = Layer::default()
        .file("var/lib/dpkg/status", status)
        .file("var/lib/dpkg/info/p.list", &list);
    assert!(!is_whole(&read(layer)));
    // A folder of a megabyte, of which each of 100,000 files would have a copy.
    let installed = format!(
        "P:p\nF:{}\n{}",
        "n".repeat(1 << 20),
        "R:x\n".repeat(100_000)
    );
    let report = read(Layer::default().file("lib/apk/db/installed", &installed));
    assert_eq!((report.packages.len(), report.packages[0].files), (1, 0));
}

#[test]
fn databases_behind_links_are_read_or_told_of() {
    let status = "Package: web\nStatus: install ok installed\nVersion: 1\n\n";
    let database = |folder: &str| {
        Layer::default()
            .file("usr/sbin/web", "web")
            .file(&format!("{folder}/status"), status)
            .file(&format!("{folder}/info/web.list"), "/usr/sbin/web\n")
    };
    let report = read(
        database("usr/lib/sysimage/dpkg").symlink("var/lib/dpkg", "../../usr/lib/sysimage/dpkg"),
    );
    assert_eq!(files(&report), [("web", "1", 1)]);
    assert_eq!(report.packages_not_read, [""; 0]);

    // A file alone that is a link: to what is kept for it, and to what is not.
    let layer = database("usr/lib/sysimage/dpkg")
        .symlink("var/lib/dpkg/status", "/usr/lib/sysimage/dpkg/status")
        .symlink("var/lib/dpkg/info", "/usr/lib/sysimage/dpkg/info");
    assert_eq!(files(&read(layer)), [("web", "1", 1)]);
    let report = read(database("opt/hidden").symlink("var/lib/dpkg", "/opt/hidden"));
    assert_eq!(report.packages, []);
    assert_eq!(
        report.packages_not_read,
        [
            "2 files of databases of packages, behind links to places that are not read: /var/lib/dpkg/status, \
             /var/lib/dpkg/info/web.list"
        ]
    );
    let layer = Layer::default()
        .file("opt/installed", "P:musl\nV:1\n")
        .symlink("lib/apk/db/installed", "/opt/installed");
    let not_read = read(layer).packages_not_read.join("\n");
    assert!(not_read.ends_with(": /lib/apk/db/installed"), "{not_read}");
    // Where the system's own links lead to a place that is known, it is read once.
    let layer = Layer::default()
        .symlink("lib", "usr/lib")
        .file("usr/lib/apk/db/installed", "P:musl\nV:1\n");
    let report = read(layer);
    assert_eq!(
        (report.packages.len(), report.packages_not_read.len()),
        (1, 0)
    );
}
