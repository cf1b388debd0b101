//! An image of 2 GB and 200,000 files in five layers: the time and the memory that reading takes, and comparing it
//! with a new one, which shares four of the layers.
//!
//! ```sh
//! cargo test --release -p lapwing-image --test large -- --ignored --nocapture
//! ```
//!
//! With `LAPWING_LARGE_IMAGE=FOLDER` the image is left there, for `/usr/bin/time -v lapwing advise image
//! FOLDER --image large:1`. Contents are words of a small dictionary in an order that does not repeat, which gzip packs to
//! about a third, as it does files of real images; no two files are the same.

mod common;

use common::{read_as, read_used};
use flate2::Compression;
use flate2::write::GzEncoder;
use lapwing_image::budget::Budget;
use lapwing_image::diff::Diff;
use lapwing_image::{Image, Limits, Options, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tar::{Builder, Header};

const LAYERS: u64 = 5;
const FILES: u64 = 200_000;
const BYTES: u64 = 2_000_000_000;
const OLD: &str = "large:1";
const NEW: &str = "large:2";

/// A writer that hashes.
struct Hashed<W> {
    to: W,
    sum: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn text(sum: Sha256) -> String {
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Numbers in an order that does not repeat (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let one = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let two = (one ^ one >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        two ^ two >> 31
    }
}

fn blobs(folder: &Path) -> PathBuf {
    folder.join("blobs/sha256")
}

fn name(layer: u64, file: u64) -> String {
    format!(
        "usr/lib/layer{layer}/part{}/component{}/file{file}.txt",
        file % 97,
        file % 1009
    )
}

/// An inventory of use that has about as many of the files as are kept of a workload: each eighth.
fn inventory() -> Export {
    let mut known = Inventory::default();
    known.begin("c1", true);
    let all = (0..LAYERS).flat_map(|layer| (0..FILES / LAYERS).map(move |file| (layer, file)));
    for (layer, file) in all.step_by(8) {
        known.see(Sight {
            path: format!("/{}", name(layer, file)).as_bytes(),
            how: uses::OPEN,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    Export::of("large", &known)
}

/// Writes a layer; answers its digest and that of its tar.
fn layer(folder: &Path, number: u64, numbers: &mut Numbers) -> (String, String) {
    let path = blobs(folder).join("new");
    let hashed = |to| Hashed {
        to,
        sum: Sha256::new(),
    };
    let file = hashed(BufWriter::new(File::create(&path).unwrap()));
    let gzip = GzEncoder::new(file, Compression::fast());
    let mut gzip = Hashed {
        to: gzip,
        sum: Sha256::new(),
    };
    let mut tar = Builder::new(&mut gzip);
    let words: Vec<String> = (0..256)
        .map(|word| format!("w{:x} ", word * word * 977))
        .collect();
    let mut contents = Vec::new();
    let mean = BYTES / FILES;
    for file in 0..FILES / LAYERS {
        // Most are small, and some are large, as in real images.
        let size = match file % 1000 {
            0 => mean * 500,
            _ => mean / 4 + numbers.next() % (mean / 2),
        };
        contents.clear();
        while (contents.len() as u64) < size {
            for byte in numbers.next().to_le_bytes() {
                contents.extend_from_slice(words[byte as usize].as_bytes());
            }
        }
        contents.truncate(size as usize);
        let mut header = Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        let name = name(number, file);
        tar.append_data(&mut header, name, &contents[..]).unwrap();
    }
    tar.into_inner().unwrap();
    let diff_id = text(gzip.sum);
    let mut file = gzip.to.finish().unwrap();
    file.flush().unwrap();
    let digest = text(file.sum);
    fs::rename(&path, blobs(folder).join(&digest)).unwrap();
    (digest, diff_id)
}

fn put(folder: &Path, document: &Value) -> String {
    let bytes = document.to_string();
    let digest = common::digest(bytes.as_bytes());
    fs::write(blobs(folder).join(&digest[7..]), bytes).unwrap();
    digest
}

/// Writes the documents of an image; answers what the index says of it.
fn manifest(folder: &Path, name: &str, layers: &[&(String, String)]) -> Value {
    let ids: Vec<String> = layers
        .iter()
        .map(|(_, id)| format!("sha256:{id}"))
        .collect();
    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ids}});
    let config = put(folder, &config);
    let layers: Vec<Value> = (layers.iter())
        .map(|(digest, _)| json!({"digest": format!("sha256:{digest}")}))
        .collect();
    let manifest = put(
        folder,
        &json!({"config": {"digest": config}, "layers": layers}),
    );
    json!({"digest": manifest, "annotations": {"org.opencontainers.image.ref.name": name}})
}

fn make(folder: &Path) {
    fs::create_dir_all(blobs(folder)).unwrap();
    let mut numbers = Numbers(7);
    let layers: Vec<_> = (0..=LAYERS)
        .map(|number| layer(folder, number, &mut numbers))
        .collect();
    let all: Vec<_> = layers.iter().collect();
    let manifests = [
        manifest(folder, OLD, &all[..LAYERS as usize]),
        manifest(folder, NEW, &all[1..]),
    ];
    let index = json!({"manifests": manifests});
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
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
    assert_eq!(report.size.files, FILES);
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
    assert_eq!((used, copy.beyond), (FILES / 8, 0));
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
