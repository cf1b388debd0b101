//! SBOMs of a real Syft, which `cargo xtask setup` fetches, of images with real databases of dpkg and RPM, programs of
//! Go, and packages of Python and Node; held against what dpkg and RPM say themselves. Without these the test says so
//! as a skipped one.

mod common;
mod installed;

use common::{Image, Layer, read_given, read_used, tar_of};
use installed::berkeley::{KIND, Kind, load};
use installed::{Installed, run};
use lapwing_image::inventory::Verdict;
use lapwing_image::report::{Package, Report};
use lapwing_image::sbom::Sbom;
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tempfile::TempDir;

const NAME: &str = "syft_names_what_package_managers_name";
/// What `xtask` fetches.
const VERSION: &str = "1.18.1";
/// What Go calls Syft.
const SELF: &str = "github.com/anchore/syft";
/// Syft's names of forms, and how a report calls them.
const FORMS: &[(&str, &str)] = &[
    ("syft-json", "Syft 1.18.1"),
    ("spdx-json", "SPDX 2.3"),
    ("cyclonedx-json", "CycloneDX 1.6"),
];
/// What was seen to be used of one image and the other.
const USED_OF_RPM: &str = "/usr/bin/hello";
const USED_OF_DPKG: &str = "/usr/local/bin/syft";

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_SYFT").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/syft-{VERSION}")),
        PathBuf::from,
    );
    // Lists of tests are asked for by other runners.
    if std::env::args().any(|arg| arg == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test");
    let syft = folder.join("syft");
    let missing = match syft.is_file() {
        false => Some(format!("no {}", syft.display())),
        true => installed::missing().map(|program| format!("no {program}")),
    };
    let (passed, ignored) = match missing {
        None => {
            check(&syft);
            println!("test {NAME} ... ok");
            (1, 0)
        }
        Some(why) => {
            println!("test {NAME} ... ignored, {why}: run cargo xtask setup");
            (0, 1)
        }
    };
    println!(
        "\ntest result: ok. {passed} passed; 0 failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
    ExitCode::SUCCESS
}

/// An image as a layout, and as `docker save` writes it.
struct Saved {
    layout: Image,
    tar: PathBuf,
}

fn check(syft: &Path) {
    let folder = TempDir::new().unwrap();
    let mut installed = Installed::rpm(&folder.path().join("rpm"));
    let debian = Installed::dpkg(&folder.path().join("dpkg"));
    languages(&debian.root, syft);
    let saved = save(&installed.root, &folder.path().join("rpm.tar"));
    for (source, path) in [
        ("oci-dir", saved.layout.path()),
        ("docker-archive", &*saved.tar),
    ] {
        redhat(syft, source, path, &installed, folder.path());
    }
    ndb(syft, &mut installed, folder.path());
    berkeley(syft, &installed, folder.path());
    let saved = save(&debian.root, &folder.path().join("dpkg.tar"));
    let told = sboms(syft, "docker-archive", &saved.tar, folder.path());
    for text in &told {
        dpkg(&saved.tar, text, &debian);
    }
}

/// Packages of languages, beside those of the system.
fn languages(root: &Path, syft: &Path) {
    let python = root.join("usr/local/lib/python3.11/dist-packages");
    let node = root.join("srv/node_modules/@a/b");
    for folder in [&python.join("Six_x-1.17.0.dist-info"), &node] {
        fs::create_dir_all(folder).unwrap();
    }
    let record = "six_x.py,,\nSix_x-1.17.0.dist-info/METADATA,,\nSix_x-1.17.0.dist-info/RECORD,,\n";
    let metadata = "Metadata-Version: 2.1\nName: Six_x\nVersion: 1.17.0\n\n";
    fs::write(python.join("six_x.py"), "1\n").unwrap();
    fs::write(python.join("Six_x-1.17.0.dist-info/METADATA"), metadata).unwrap();
    fs::write(python.join("Six_x-1.17.0.dist-info/RECORD"), record).unwrap();
    fs::write(
        node.join("package.json"),
        r#"{"name":"@a/b","version":"1.0.0"}"#,
    )
    .unwrap();
    fs::write(node.join("index.js"), "1\n").unwrap();
    fs::create_dir_all(root.join("usr/local/bin")).unwrap();
    // Of Go, with many modules.
    fs::copy(syft, root.join("usr/local/bin/syft")).unwrap();
}

fn save(root: &Path, tar: &Path) -> Saved {
    let mut layer = Layer::default();
    layer.0.follow_symlinks(false);
    // A database may have holes, which those who make images write out.
    layer.0.sparse(false);
    layer.0.append_dir_all(".", root).unwrap();
    let layer = layer.tar();
    let config = json!({"os": "linux", "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [common::digest(&layer)]}});
    let text = config.to_string();
    let id = &common::digest(text.as_bytes())[7..];
    let manifest = json!([{"Config": format!("{id}.json"), "RepoTags": ["shop:1"], "Layers": ["1/layer.tar"]}]);
    let saved = tar_of(&[
        (&format!("{id}.json"), text.as_bytes()),
        ("1/layer.tar", &layer),
        ("manifest.json", manifest.to_string().as_bytes()),
    ]);
    fs::write(tar, saved).unwrap();
    let layout = Image::empty();
    let packed = common::gzip(&layer);
    let manifest = layout.manifest(&[(layer, packed)], &config);
    layout.index(&json!([manifest]));
    Saved {
        layout,
        tar: tar.to_owned(),
    }
}

/// What Syft says of an image in each form.
fn sboms(syft: &Path, source: &str, image: &Path, folder: &Path) -> Vec<String> {
    let files: Vec<PathBuf> = FORMS.iter().map(|(form, _)| folder.join(form)).collect();
    let mut command = Command::new(syft);
    command
        .arg(format!("{source}:{}", image.display()))
        .arg("-q")
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
        .env("HOME", folder);
    for ((form, _), file) in FORMS.iter().zip(&files) {
        command.arg("-o").arg(format!("{form}={}", file.display()));
    }
    run(&mut command);
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

fn export(used: &str) -> Export {
    let mut known = Inventory::default();
    known.begin("c1", true);
    known.see(Sight {
        path: used.as_bytes(),
        how: uses::EXEC,
        changed: false,
        at: 1_790_000_000,
        image: 0,
    });
    Export::of("web", &known)
}

/// The image with an SBOM and an inventory, and nothing that is wrong with it.
fn given(image: &Path, text: &str, used: &str) -> Report {
    let sbom = Sbom::read(text.as_bytes()).unwrap();
    let bounds = (Wanted::default(), Limits::default());
    let report = read_given(image, bounds, None, Some(&export(used)), Some(&sbom)).unwrap();
    let told = report.sbom.as_ref().unwrap();
    assert!(
        FORMS.iter().any(|(_, form)| *form == told.form),
        "{}",
        told.form
    );
    let image = image.display();
    assert_eq!(told.same_image, Some(true), "{}: {image}", told.form);
    assert_eq!((told.damaged, told.missing_files), (0, 0), "{}", told.form);
    report
}

fn lines(report: &Report, kind: &str) -> Vec<String> {
    let of: Vec<&Package> = (report.packages.iter())
        .filter(|it| it.kind == kind)
        .collect();
    let mut all: Vec<String> = of
        .into_iter()
        .map(|it| {
            let architecture = it.architecture.as_deref().unwrap_or_default();
            format!("{}\t{}\t{architecture}", it.name, it.version)
        })
        .collect();
    all.sort();
    all
}

/// Packages of a report against those of the database; whose files are what RPM says, whatever an SBOM says of them.
fn rpm(report: &Report, installed: &Installed, is_given: bool) {
    let mut expected = installed.all.clone();
    if is_given {
        // A program that no package has, and that names one.
        expected.push("stray\t7-1\t".to_owned());
        expected.sort();
        let told = report.sbom.as_ref().unwrap();
        let count = installed.all.len() as u64;
        assert_eq!(
            (told.packages, told.merged),
            (count + 1, count),
            "{}",
            told.form
        );
        let stray = report
            .packages
            .iter()
            .find(|it| it.name == "stray")
            .unwrap();
        let files = installed::sizes(&installed.root, &["/usr/bin/stray".to_owned()]);
        assert_eq!((stray.files, stray.bytes), files, "{}", told.form);
        assert_eq!(stray.in_use, Some(Verdict::Unknown), "{}", told.form);
        assert!(stray.by_sbom && stray.purl.is_some(), "{}", told.form);
    }
    assert_eq!(
        lines(report, "rpm"),
        expected,
        "{:?}",
        report.packages_not_read
    );
    assert_eq!(report.packages.len(), expected.len());
    assert_eq!(report.packages_not_read, Vec::<String>::new());
    for (name, in_use) in [
        ("hello", Verdict::Used),
        ("two-words", Verdict::NotSeen),
        ("nothing", Verdict::Unknown),
    ] {
        let found = report.packages.iter().find(|it| it.name == name).unwrap();
        let expected = installed::sizes(&installed.root, &installed.files(name));
        assert_eq!((found.files, found.bytes), expected, "{name}");
        assert_eq!(
            (found.in_use, found.by_sbom),
            (Some(in_use), false),
            "{name}"
        );
    }
}

/// The image alone, and with what Syft says of it.
fn redhat(syft: &Path, source: &str, image: &Path, installed: &Installed, folder: &Path) {
    let bounds = (Wanted::default(), Limits::default());
    let export = export(USED_OF_RPM);
    let report = read_used(image, bounds.0, bounds.1, None, Some(&export)).unwrap();
    rpm(&report, installed, false);
    for text in sboms(syft, source, image, folder) {
        rpm(&given(image, &text, USED_OF_RPM), installed, true);
    }
}

/// The same packages as SUSE's database has them. RPM of Debian does not write it: the headers are those that it wrote,
/// and what is about them is by the format. Syft reads it by a program of its own.
fn ndb(syft: &Path, installed: &mut Installed, folder: &Path) {
    let database = installed.root.join("usr/lib/sysimage/rpm");
    fs::create_dir_all(&database).unwrap();
    installed.move_database(folder.join("sqlite"));
    std::os::unix::fs::symlink(
        "../../usr/lib/sysimage/rpm",
        installed.root.join("var/lib/rpm"),
    )
    .unwrap();
    let bytes = common::rpm::database(&installed.headers());
    fs::write(database.join("Packages.db"), bytes).unwrap();
    let saved = save(&installed.root, &folder.join("ndb.tar"));
    redhat(syft, "docker-archive", &saved.tar, installed, folder);
}

/// The same packages as Red Hat's database up to version 8 has them, written by Berkeley DB itself. RPM and Syft read it by
/// readers of their own.
fn berkeley(syft: &Path, installed: &Installed, folder: &Path) {
    let database = installed.root.join("usr/lib/sysimage/rpm");
    fs::remove_file(database.join("Packages.db")).unwrap();
    let (headers, path) = (installed.headers(), database.join("Packages"));
    let tar = folder.join("berkeley.tar");
    load(&KIND, &headers, &path);
    assert_eq!(installed.of_berkeley(&database), installed.all);
    redhat(
        syft,
        "docker-archive",
        &save(&installed.root, &tar).tar,
        installed,
        folder,
    );
    let export = export(USED_OF_RPM);
    let read = |headers: &[Vec<u8>], kind: &Kind| {
        load(kind, headers, &path);
        let saved = save(&installed.root, &tar);
        let bounds = (Wanted::default(), Limits::default());
        read_used(&saved.tar, bounds.0, bounds.1, None, Some(&export)).unwrap()
    };
    for (is_big, page, head) in [
        (true, 512, ""),
        // Most of its buckets were never written, which RPM's own reader ends at.
        (false, 512, "h_ffactor=2\nh_nelem=1000\n"),
        (true, 4096, ""),
        (false, 65_536, ""),
    ] {
        let kind = Kind {
            is_big,
            page,
            head,
            ..KIND
        };
        rpm(&read(&headers, &kind), installed, false);
    }
    let not_read: [(&str, &[&str], &str); 5] = [
        ("", &["-P", "secret"], "an encrypted Berkeley DB"),
        ("chksum=1\n", &[], "with checksums"),
        ("duplicates=1\n", &[], "with duplicates"),
        ("type=btree\n", &[], "of another kind"),
        ("", &["-c", "database=x"], "of another kind"),
    ];
    for (head, options, why) in not_read {
        let kind = Kind {
            head,
            options,
            ..KIND
        };
        let said = read(&headers, &kind).packages_not_read.join("\n");
        assert!(said.contains(why), "no `{why}` in {said}");
    }
    // More than is held in memory, and so many that buckets were split.
    let names = ["a name of a file"; 10_000];
    let files: Vec<(u32, &str)> = names.iter().map(|name| (0, *name)).collect();
    let package = |number| common::rpm::package(&format!("p{number}"), &["/srv/"], &files);
    let many: Vec<Vec<u8>> = (0..100).map(package).collect();
    let report = read(&many, &KIND);
    assert!(fs::metadata(&path).unwrap().len() > 16 << 20);
    assert_eq!(lines(&report, "rpm").len(), 100);
    let unsaid = [&report.packages_not_read[..], &report.notes].concat();
    assert_eq!(unsaid, [""; 0]);
}

fn dpkg(image: &Path, text: &str, installed: &Installed) {
    let report = given(image, text, USED_OF_DPKG);
    let bounds = (Wanted::default(), Limits::default());
    let without = read_used(image, bounds.0, bounds.1, None, Some(&export(USED_OF_DPKG))).unwrap();
    assert_eq!(lines(&report, "deb"), installed.all);
    // All that Syft found was found here, and is the same to the byte: also a program that names its source. Only the
    // version of Syft itself stands nowhere in what Go says of it.
    let mut expected = known(&without);
    let own = expected.iter_mut().find(|it| it["name"] == SELF).unwrap();
    assert_eq!(own["version"], "");
    own["version"] = json!(format!("v{VERSION}"));
    assert_eq!(known(&report), expected, "{:?}", report.sbom);
    assert_eq!(report.packages_not_read, Vec::<String>::new());
    assert!(lines(&report, "golang").len() > 150);
    assert_eq!(lines(&report, "python"), ["Six_x\t1.17.0\t"]);
    assert_eq!(lines(&report, "node"), ["@a/b\t1.0.0\t"]);
}

fn known(report: &Report) -> Vec<Value> {
    let mut all: Vec<&Package> = report.packages.iter().collect();
    all.sort_by_key(|it| (it.kind, &it.name, &it.version));
    let all = all.into_iter().map(serde_json::to_value);
    all.map(Result::unwrap).collect()
}
