//! An image of 2 GB and 200,000 files in five layers: the time and the memory that reading takes, and comparing it
//! with a new one, which shares four of the layers. Part of its files are programs, libraries, scripts and databases of dpkg and RPM
//! (`large_image`), so that what these are linked with, whose they are and what of them is used is on the path.
//!
//! ```sh
//! cargo test --release -p lapwing-image --test large -- --ignored --nocapture
//! ```
//!
//! With `LAPWING_LARGE_IMAGE=FOLDER` the image is left there, for `/usr/bin/time -v lapwing advise image
//! FOLDER --image large:1`. Contents are words of a small dictionary in an order that does not repeat, which gzip packs to
//! about a third, as it does files of real images; no two files are the same.

mod common;
mod large_image;

use common::{read_as, read_used};
use lapwing_image::base::Requirement;
use lapwing_image::budget::Budget;
use lapwing_image::diff::Diff;
use lapwing_image::inventory::Verdict;
use lapwing_image::{Image, Limits, Options, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use large_image::{
    BESIDE, BYTES, FILES, Kind, LAYERS, NEW, OF_RPM, OLD, PACKAGES, SYSTEM, make, name,
};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An inventory of use that has about as many of the files as are kept of a workload: each eighth.
fn inventory() -> Export {
    let mut known = Inventory::default();
    known.begin("c1", true);
    let mut see = |path: &str, how| {
        known.see(Sight {
            path: path.as_bytes(),
            how,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    };
    let all = (0..LAYERS).flat_map(|layer| (0..FILES / LAYERS).map(move |file| (layer, file)));
    for (layer, file) in all.step_by(8) {
        let how = match Kind::of(file) {
            Kind::Program | Kind::Script => uses::EXEC,
            Kind::Library => uses::MAPPED,
            Kind::Text => uses::OPEN,
        };
        see(&format!("/{}", name(layer, file)), how);
    }
    let of_system = [uses::MAPPED, uses::MAPPED, uses::EXEC, uses::EXEC];
    for (path, how) in SYSTEM.iter().zip(of_system) {
        see(&format!("/{path}"), how);
    }
    Export::of("large", &known)
}

fn wanted(name: &str) -> Wanted {
    Wanted {
        name: Some(name.to_owned()),
        platform: None,
    }
}

/// Peak memory of this process, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "writes an image of 0.7 GB and wants a release build"]
fn two_gigabytes_in_two_hundred_thousand_files() {
    let temporary = tempfile::TempDir::new().unwrap();
    let folder = match std::env::var_os("LAPWING_LARGE_IMAGE") {
        Some(folder) => PathBuf::from(folder),
        None => temporary.path().to_owned(),
    };
    if !folder.join("index.json").exists() {
        make(&folder);
    }
    let start = Instant::now();
    let report = read_as(&folder, wanted(OLD), Limits::default()).unwrap();
    let took = start.elapsed();
    let mib = peak() / 1024;
    println!(
        "{} bytes of files, {} packed, {} files: {took:.1?}, {mib} MiB",
        report.size.bytes, report.size.packed, report.size.files
    );
    assert_eq!(report.size.files, FILES + BESIDE);
    let (packages, owned) = (
        report.packages.len(),
        report.packages.iter().map(|it| it.files),
    );
    let expected = PACKAGES + OF_RPM;
    assert_eq!(packages as u64, expected, "{:?}", report.packages_not_read);
    assert_eq!(owned.sum::<u64>(), FILES + SYSTEM.len() as u64);
    assert_eq!((report.packages_not_read.len(), report.notes.len()), (0, 0));
    // The shell and the interpreter beside those of the layers.
    assert_eq!(report.base.linked.glibc, Kind::count() + 2);
    assert_eq!(report.base.linked.not_read, 0);
    assert!(report.size.bytes > BYTES * 9 / 10, "{}", report.size.bytes);
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(mib < 300, "{mib} MiB");
    drop(report);

    let start = Instant::now();
    let export = inventory();
    let limits = Limits::default();
    let report = read_used(&folder, wanted(OLD), limits, None, Some(&export)).unwrap();
    let copy = &report.used.as_ref().unwrap().copy;
    let build = copy.dockerfile(OLD, &[]);
    let took = start.elapsed();
    let mib = peak() / 1024;
    let used = report.used.as_ref().unwrap().used.count;
    println!(
        "with an inventory of {used} of the files, a build of {} bytes: {took:.1?}, {mib} MiB",
        build.len()
    );
    assert_eq!((used, copy.beyond), (FILES / 8 + SYSTEM.len() as u64, 0));
    assert_eq!(report.base.why_unknown, None);
    assert_eq!(report.base.incomplete, [""; 0]);
    let needs = |what| { report.base.requirements.iter() }.find(|it| it.requirement == what);
    // Programs by their loader and libraries, and scripts by their first line.
    assert!(needs(Requirement::Glibc).is_some_and(|it| it.by.count() > FILES / 1000));
    assert!(needs(Requirement::Shell).is_some() && needs(Requirement::Runtime).is_some());
    let package = |name: &str| report.packages.iter().find(|it| it.name == name).unwrap();
    assert_eq!(package("system").in_use, Some(Verdict::Used));
    assert!(took < Duration::from_secs(40), "{took:?}");
    assert!(mib < 300, "{mib} MiB");
    drop(report);

    let start = Instant::now();
    let image = |name| {
        let options = Options {
            wanted: wanted(name),
            limits: Limits::default(),
            hide: &|_| 0,
            profile: None,
            inventory: None,
            sbom: None,
        };
        Image::read(&folder, &options).unwrap()
    };
    let (old, new) = (image(OLD), image(NEW));
    let diff = Diff::of(&old, &new);
    let budget = Budget::parse(b"maxGrowthMB: 5\nforbidNew: [shell]\n").unwrap();
    let judgement = budget.judge(&diff, new.report());
    let took = start.elapsed();
    let mib = peak() / 1024;
    let files = &diff.files;
    println!(
        "compared with another, {} files added and {} removed: {took:.1?}, {mib} MiB",
        files.added.count, files.removed.count
    );
    assert_eq!(files.added.count, FILES / LAYERS);
    assert_eq!(files.removed.count, FILES / LAYERS);
    assert!(judgement.within, "{:?}", judgement.lines);
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(mib < 400, "{mib} MiB");
}
