//! Takes the compiled BPF programs into the binary, compressed, when the build names them.

use std::{env, fs, path::Path};

/// How hard the object is compressed: more makes a twentieth less, and takes seconds here.
const LEVEL: u8 = 7;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(lapwing_sensor)");
    println!("cargo::rerun-if-env-changed=LAPWING_BPF_OBJECT");
    let Some(object) = env::var_os("LAPWING_BPF_OBJECT") else {
        return;
    };
    let path = Path::new(&object);
    println!("cargo::rerun-if-changed={}", path.display());
    let head = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => panic!("LAPWING_BPF_OBJECT={}: {error}", path.display()),
    };
    // ELF, 64 bits, little endian, machine EM_BPF (247): System V ABI, chapter 4.
    let fits = head.get(..6) == Some(b"\x7fELF\x02\x01") && head.get(18..20) == Some(&[247, 0]);
    assert!(
        fits,
        "LAPWING_BPF_OBJECT={}: not a BPF object; `cargo xtask build` makes one",
        path.display()
    );
    println!("cargo::rustc-cfg=lapwing_sensor");
    println!("cargo::rustc-env=LAPWING_BPF_OBJECT_LEN={}", head.len());
    let Some(out) = env::var_os("OUT_DIR") else {
        panic!("OUT_DIR is not set: cargo sets it");
    };
    let packed = Path::new(&out).join("object.deflate");
    let bytes = miniz_oxide::deflate::compress_to_vec(&head, LEVEL);
    if let Err(error) = fs::write(&packed, bytes) {
        panic!("{}: {error}", packed.display());
    }
}
