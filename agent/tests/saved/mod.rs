//! Images as `docker save` writes them, and the binary that reads them.

use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use tar::{Builder, EntryType, Header};

/// A file of a tar: its name as it is written, its mode, what is in it.
pub type Entity<'a> = (&'a [u8], u32, Vec<u8>);

/// A tar, with names that no tool writes.
pub fn tar_of(files: &[Entity<'_>]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, mode, bytes) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_cksum();
        tar.append(&header, &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

/// The SHA-256 of bytes.
pub fn digits(bytes: &[u8]) -> String {
    let sum = ring::digest::digest(&ring::digest::SHA256, bytes);
    sum.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Images of one tar, as `docker save` writes it.
pub fn save(path: &Path, images: &[(&str, &[Vec<u8>])]) {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut manifest = Vec::new();
    for (name, layers) in images {
        let sums: Vec<String> = layers.iter().map(|layer| digits(layer)).collect();
        let ids: Vec<String> = sums.iter().map(|sum| format!("sha256:{sum}")).collect();
        let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ids}});
        let config = config.to_string().into_bytes();
        let place = format!("{}.json", digits(&config));
        let blobs: Vec<String> = sums.iter().map(|sum| format!("{sum}/layer.tar")).collect();
        manifest.push(json!({"Config": place, "RepoTags": [name], "Layers": blobs}));
        files.push((place, config));
        files.extend(blobs.into_iter().zip(layers.iter().cloned()));
    }
    files.push((
        "manifest.json".into(),
        json!(manifest).to_string().into_bytes(),
    ));
    let files: Vec<Entity<'_>> = (files.iter())
        .map(|(name, bytes)| (name.as_bytes(), 0o644, bytes.clone()))
        .collect();
    fs::write(path, tar_of(&files)).unwrap();
}

/// Exit code, output and errors of `lapwing` in a folder.
pub fn lapwing(folder: &Path, line: &str) -> (i32, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_lapwing"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        ran.status.code().unwrap(),
        text(ran.stdout),
        text(ran.stderr),
    )
}
