//! Fuzz targets: decoding of records, reading of BTF, DNS, profiles and databases of RPM, and what ELF files and scripts
//! name.
//!
//! `cargo xtask fuzz` builds and runs them. The engine is libFuzzer, which
//! `libfuzzer-sys` brings as source; what it needs of the compiler is the coverage
//! instrumentation of LLVM, which the stable compiler passes through. So there is
//! nothing to install but a C++ compiler. No address sanitizer: it needs a nightly, and
//! nothing that is fuzzed has `unsafe` in it. Overflowing arithmetic panics here, and so
//! does whatever a target asserts.
//!
//! The modules of the agent are taken by path and not by its crate: all are free of
//! anything else of the agent, and two hundred dependencies need not be built again,
//! with instrumentation, to fuzz them.
//!
//! Each target writes its seeds before it starts (see [`seeds`]), so that they follow the
//! formats as they change, and asserts that they are what they should be: a target whose
//! seeds no longer get past the first check would find nothing and not say so.

#[path = "../../../agent/src/dns/mod.rs"]
pub mod dns;
pub mod kernel;
pub mod linkage;
pub mod mini_btf;
pub mod rpmdb;

/// Names the folder that seeds are written to.
pub const SEEDS: &str = "LAPWING_FUZZ_SEEDS";

/// Writes seeds into the folder that the environment names; does nothing if it names none.
///
/// # Panics
/// If they cannot be written: a run without seeds is worth little.
pub fn seeds(inputs: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os(SEEDS) else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for (index, input) in inputs.iter().enumerate() {
        let file = folder.join(format!("seed-{index}"));
        if let Err(error) = std::fs::write(&file, input) {
            panic!("cannot write {}: {error}", file.display());
        }
    }
}
