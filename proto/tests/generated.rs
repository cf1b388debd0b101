//! The committed code is what the `.proto` files say.

use std::fs;
use std::path::Path;

const FILES: [&str; 2] = ["lapwing/v1/events.proto", "lapwing/v1/agent.proto"];

fn generate(out: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(FILES, [root]).expect("the proto files compile");
    let bytes = {
        use prost::Message;
        descriptors.encode_to_vec()
    };
    fs::write(out.join("descriptors.bin"), &bytes).unwrap();
    tonic_prost_build::configure()
        .out_dir(out)
        .extern_path(".google.protobuf.Timestamp", "crate::Timestamp")
        .compile_fds(descriptors)
        .expect("the code is generated");
    pbjson_build::Builder::new()
        .register_descriptors(&bytes)
        .unwrap()
        .emit_fields()
        .out_dir(out)
        .build(&[".lapwing.v1"])
        .expect("the JSON code is generated");
}

#[test]
fn generated_code_is_fresh() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        generate(&committed);
    }
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    let mut names: Vec<_> = fs::read_dir(fresh.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        let same = fs::read(fresh.path().join(&name)).unwrap()
            == fs::read(committed.join(&name)).unwrap_or_default();
        assert!(
            same,
            "{} is stale: run LAPWING_REGENERATE=1 cargo test -p lapwing-proto",
            name.display()
        );
    }
}
