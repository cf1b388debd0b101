//! The committed code of CRI is what the file says, and its bytes are those of the published
//! interface.

use lapwing_proto::cri::v1::{
    Container, ContainerMetadata, ContainerStatus, ContainerStatusResponse, ImageSpec,
    ListContainersResponse, PodSandboxMetadata, PodSandboxStatus, VersionResponse,
};
use prost::Message;
use std::fs;
use std::path::Path;

const FILE: &str = "runtime/v1/runtime.proto";

fn generate(out: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cri");
    let descriptors = protox::compile([FILE], [root]).expect("the proto file compiles");
    tonic_prost_build::configure()
        .out_dir(out)
        .compile_fds(descriptors)
        .expect("the code is generated");
}

#[test]
fn generated_code_is_fresh() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cri/generated");
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
    assert_eq!(names, ["runtime.v1.rs"]);
    for name in names {
        let same = fs::read(fresh.path().join(&name)).unwrap()
            == fs::read(committed.join(&name)).unwrap_or_default();
        assert!(
            same,
            "{} is stale: run LAPWING_REGENERATE=1 cargo test -p lapwing-proto --test cri",
            name.display()
        );
    }
}

/// A field of text, by its number.
fn text(number: u8, text: &str) -> Vec<u8> {
    within(number, text.as_bytes())
}

/// A field of bytes, by its number: a tag of one byte or of two.
fn within(number: u8, inner: &[u8]) -> Vec<u8> {
    let mut out = match number {
        0..16 => vec![number << 3 | 2],
        _ => vec![(number << 3 | 2) | 0x80, number >> 4],
    };
    out.push(u8::try_from(inner.len()).unwrap());
    out.extend_from_slice(inner);
    out
}

fn pair(key: &str, value: &str) -> Vec<u8> {
    [text(1, key), text(2, value)].concat()
}

/// Tags and types on the wire, by the numbers of k8s.io/cri-api, api.proto of runtime.v1.
#[test]
fn bytes_are_those_of_cri() {
    let version = [text(2, "containerd"), text(4, "v1")].concat();
    let read = VersionResponse::decode(&*version).unwrap();
    assert_eq!(
        (&*read.runtime_name, &*read.runtime_api_version),
        ("containerd", "v1")
    );

    let bytes = within(
        1,
        &[
            text(1, "id"),
            within(2, &[text(1, "app"), vec![0x10, 3]].concat()),
            vec![0x18, 1], // state, left out
            vec![0x20, 7], // created_at
            within(8, &[text(1, "web:1"), text(18, "team/web:1")].concat()),
            text(9, "web@sha256:0"),
            within(12, &pair("l", "1")),
            within(13, &pair("a", "2")),
            within(14, &text(1, "/data")), // a mount, left out
            text(17, "sha256:1"),
        ]
        .concat(),
    );
    let status = ContainerStatus {
        id: "id".into(),
        metadata: Some(ContainerMetadata {
            name: "app".into(),
            attempt: 3,
        }),
        created_at: 7,
        image: Some(ImageSpec {
            image: "web:1".into(),
            user_specified_image: "team/web:1".into(),
        }),
        image_ref: "web@sha256:0".into(),
        labels: [("l".into(), "1".into())].into(),
        annotations: [("a".into(), "2".into())].into(),
        image_id: "sha256:1".into(),
    };
    let read = ContainerStatusResponse::decode(&*bytes).unwrap();
    assert_eq!(read.status, Some(status));

    let bytes = within(
        1,
        &[
            text(1, "id"),
            text(2, "s"),
            within(3, &text(1, "app")),
            within(4, &[text(1, "sha256:1"), text(18, "team/web:1")].concat()),
            text(5, "web@sha256:0"), // image_ref, left out
        ]
        .concat(),
    );
    let container = Container {
        id: "id".into(),
        pod_sandbox_id: "s".into(),
        metadata: Some(ContainerMetadata {
            name: "app".into(),
            attempt: 0,
        }),
        image: Some(ImageSpec {
            image: "sha256:1".into(),
            user_specified_image: "team/web:1".into(),
        }),
    };
    let read = ListContainersResponse::decode(&*bytes).unwrap();
    assert_eq!(read.containers, [container]);

    let bytes = [
        text(1, "s"),
        within(
            2,
            &[
                text(1, "web-0"),
                text(2, "u"),
                text(3, "shop"),
                vec![0x20, 1],
            ]
            .concat(),
        ),
        within(7, &pair("l", "1")),
        within(8, &pair("a", "2")),
    ]
    .concat();
    let sandbox = PodSandboxStatus {
        id: "s".into(),
        metadata: Some(PodSandboxMetadata {
            name: "web-0".into(),
            uid: "u".into(),
            namespace: "shop".into(),
            attempt: 1,
        }),
        created_at: 0,
        labels: [("l".into(), "1".into())].into(),
        annotations: [("a".into(), "2".into())].into(),
    };
    assert_eq!(PodSandboxStatus::decode(&*bytes).unwrap(), sandbox);
}
