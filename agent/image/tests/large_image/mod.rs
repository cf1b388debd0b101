//! The image of the test `large`, written as a layout: most files are text, and as in images that people run there are
//! programs and libraries that name one another, scripts, dpkg's database with a list for each package, and one of RPM
//! that is larger than what is held in memory.

use crate::common;
use crate::common::base::GLIBC;
use crate::common::elf::small;
use crate::common::rpm::{PAGE, Value as Field, blob, header, slots};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

pub const LAYERS: u64 = 5;
/// Files of all layers, and of one; what is beside them is in the second layer, which both images have.
pub const FILES: u64 = 200_000;
const OF_LAYER: u64 = FILES / LAYERS;
pub const BYTES: u64 = 2_000_000_000;
/// What programs need to be started: a loader, a libc, a shell and an interpreter.
pub const SYSTEM: [&str; 4] = [
    "usr/lib64/ld-linux-x86-64.so.2",
    "usr/lib/x86_64-linux-gnu/libc.so.6",
    "usr/bin/dash",
    "usr/bin/python3",
];
/// Files of a package. Those of the first layer are of packages of RPM, and those of the layer that is new of none.
const OF_PACKAGE: u64 = 200;
pub const PACKAGES: u64 = (LAYERS - 1) * OF_LAYER / OF_PACKAGE + 1;
pub const OF_RPM: u64 = OF_LAYER / OF_PACKAGE;
/// Those of the system, a list for each package, what dpkg says of them, RPM's database, and what system it is.
pub const BESIDE: u64 = SYSTEM.len() as u64 + PACKAGES + 3;
/// Bytes that the database of RPM has at least.
const OF_DATABASE: u64 = 64 << 20;
pub const OLD: &str = "large:1";
pub const NEW: &str = "large:2";
/// Of so many files one is of each kind beside text.
const EACH: u64 = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Program,
    Library,
    Script,
}

impl Kind {
    pub const fn of(file: u64) -> Self {
        match file % EACH {
            0 => Self::Program,
            10 => Self::Library,
            20 => Self::Script,
            _ => Self::Text,
        }
    }

    /// How many files of a kind that is not text an image has.
    pub const fn count() -> u64 {
        FILES / EACH
    }
}

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

pub fn name(layer: u64, file: u64) -> String {
    match Kind::of(file) {
        Kind::Program => format!("usr/bin/tool{layer}-{file}"),
        Kind::Script => format!("usr/bin/script{layer}-{file}"),
        Kind::Library => format!("usr/lib/x86_64-linux-gnu/{}", library(layer, file)),
        Kind::Text => format!(
            "usr/lib/layer{layer}/part{}/component{}/file{file}.txt",
            file % 97,
            file % 1009
        ),
    }
}

fn library(layer: u64, file: u64) -> String {
    format!("lib{layer}-{file}.so.1")
}

/// What a file begins with: a program is linked with two libraries of its layer, each of which is linked with the next
/// one, up to ten of them.
fn start(layer: u64, file: u64) -> Vec<u8> {
    let other = |by: u64| library(layer, (file + by) % OF_LAYER / EACH * EACH + 10);
    match Kind::of(file) {
        Kind::Text => Vec::new(),
        Kind::Script if file % 100 == 20 => b"#!/bin/sh\n".to_vec(),
        Kind::Script => b"#!/usr/bin/env python3\n".to_vec(),
        Kind::Program => small(GLIBC, &[&other(0), &other(5000), "libc.so.6"], ""),
        Kind::Library if file % 500 == 460 => small("", &["libc.so.6"], &library(layer, file)),
        Kind::Library => small("", &[&other(EACH), "libc.so.6"], &library(layer, file)),
    }
}

fn append(tar: &mut Builder<impl Write>, name: &str, mode: u32, contents: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(contents.len() as u64);
    header.set_mode(mode);
    tar.append_data(&mut header, name, contents).unwrap();
}

fn link(tar: &mut Builder<impl Write>, name: &str, to: &str) {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    header.set_mode(0o777);
    tar.append_link(&mut header, name, to).unwrap();
}

/// Files of a package as dpkg lists them, with the folders that they are in.
fn list(paths: impl Iterator<Item = String>) -> String {
    let mut lines = vec!["/.".to_owned()];
    for path in paths {
        for (slash, _) in path.match_indices('/') {
            let folder = format!("/{}", &path[..slash]);
            if !lines.contains(&folder) {
                lines.push(folder);
            }
        }
        lines.push(format!("/{path}"));
    }
    lines.join("\n") + "\n"
}

/// The system, and the packages of all layers but the first.
fn beside(tar: &mut Builder<impl Write>) {
    for (name, to) in [
        ("lib64", "usr/lib64"),
        ("bin", "usr/bin"),
        ("usr/bin/sh", "dash"),
    ] {
        link(tar, name, to);
    }
    let [loader, libc, shell, python] = SYSTEM;
    append(tar, loader, 0o755, &small("", &[], "ld-linux-x86-64.so.2"));
    append(
        tar,
        libc,
        0o755,
        &small("", &["ld-linux-x86-64.so.2"], "libc.so.6"),
    );
    append(tar, shell, 0o755, &small(GLIBC, &["libc.so.6"], ""));
    append(
        tar,
        python,
        0o755,
        &[&small(GLIBC, &["libc.so.6"], "")[..], b"python"].concat(),
    );
    let os = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
    append(tar, "etc/os-release", 0o644, os.as_bytes());
    let mut status = String::new();
    let mut packages = vec![(
        "system".to_owned(),
        list(SYSTEM.iter().map(|it| (*it).to_owned())),
    )];
    for layer in 1..LAYERS {
        for package in 0..OF_LAYER / OF_PACKAGE {
            let files = package * OF_PACKAGE..(package + 1) * OF_PACKAGE;
            let files = list(files.map(|file| name(layer, file)));
            packages.push((format!("layer{layer}-part{package}"), files));
        }
    }
    assert_eq!(packages.len() as u64, PACKAGES);
    for (name, files) in packages {
        status += &format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: libs\nMaintainer: Nobody \
             <x@example.org>\nArchitecture: amd64\nVersion: 1.2-3\nDepends: system\nDescription: one of many\n \
             It has some lines of a text\n that nobody reads.\n\n"
        );
        let path = format!("var/lib/dpkg/info/{name}.list");
        append(tar, &path, 0o644, files.as_bytes());
    }
    append(tar, "var/lib/dpkg/status", 0o644, status.as_bytes());
}

/// Writes the database of packages that RPM has, with the files of the first layer; not in memory, for what that
/// takes is measured.
fn database(path: &Path) -> File {
    let mut file = File::create_new(path).unwrap();
    let padding = "a line of a change that nobody reads ".repeat(10);
    let each = OF_DATABASE / OF_RPM / padding.len() as u64 + 1;
    let padding = vec![padding.as_str(); each as usize];
    let of_slots: Vec<_> = (0..OF_RPM as u32).map(|number| (number + 1, 0)).collect();
    file.write_all(&slots(&of_slots)).unwrap();
    let sizes = of_slots.into_iter().map(|(number, _)| {
        let first = u64::from(number - 1) * OF_PACKAGE;
        let paths: Vec<String> = (first..first + OF_PACKAGE)
            .map(|file| format!("/{}", name(0, file)))
            .collect();
        let parts = paths
            .iter()
            .map(|path| path.split_at(path.rfind('/').unwrap() + 1));
        let (folders, files): (Vec<&str>, Vec<&str>) = parts.unzip();
        let folder_of: Vec<u32> = (0..OF_PACKAGE as u32).collect();
        let header = header(&[
            (1000, Field::Text(&format!("part{number}"))),
            (1001, Field::Text("1.2")),
            (1002, Field::Text("3")),
            (1022, Field::Text("x86_64")),
            (1082, Field::Texts(&padding)),
            (1116, Field::Number(&folder_of)),
            (1117, Field::Texts(&files)),
            (1118, Field::Texts(&folders)),
        ]);
        let blob = blob(number, &header);
        file.write_all(&blob).unwrap();
        (number, blob.len())
    });
    let sizes: Vec<_> = sizes.collect();
    file.rewind().unwrap();
    file.write_all(&slots(&sizes)).unwrap();
    assert_eq!(file.stream_position().unwrap(), PAGE as u64);
    drop(file);
    let file = File::open(path).unwrap();
    fs::remove_file(path).unwrap();
    assert!(file.metadata().unwrap().len() > OF_DATABASE);
    file
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
    if number == 1 {
        beside(&mut tar);
        let mut file = database(&folder.join("database"));
        let name = "usr/lib/sysimage/rpm/Packages.db";
        tar.append_file(name, &mut file).unwrap();
    }
    let mean = BYTES / FILES;
    for file in 0..OF_LAYER {
        // Most are small, and some are large, as in real images.
        let size = match file % 1000 {
            0 => mean * 500,
            _ => mean / 4 + numbers.next() % (mean / 2),
        };
        let mut contents = start(number, file);
        while (contents.len() as u64) < size {
            for byte in numbers.next().to_le_bytes() {
                contents.extend_from_slice(words[byte as usize].as_bytes());
            }
        }
        contents.truncate(size as usize);
        let mode = match Kind::of(file) {
            Kind::Text => 0o644,
            Kind::Program | Kind::Library | Kind::Script => 0o755,
        };
        append(&mut tar, &name(number, file), mode, &contents);
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

pub fn make(folder: &Path) {
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
