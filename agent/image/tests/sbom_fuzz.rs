//! Bytes of anybody as an SBOM: read or refused, and never more.

mod common;

use common::{Image, Layer, digest, read_given};
use lapwing_image::sbom::Sbom;
use lapwing_image::{Limits, Wanted};
use proptest::prelude::*;
use serde_json::{Value, json};

const CYCLONEDX: &str = include_str!("fixtures/lib4sbom.cyclonedx.json");
const SPDX: &str = include_str!("fixtures/lib4sbom.spdx.json");
const SPDX3: &str = include_str!("fixtures/spdx-python-model.spdx3.json");

fn seeds() -> Vec<String> {
    let syft = json!({
        "artifacts": [{
            "name": "bash", "version": "5.1-1", "type": "rpm", "purl": "pkg:rpm/redhat/bash@5.1-1?arch=x86_64",
            "locations": [{"path": "/var/lib/rpm/rpmdb.sqlite"}],
            "metadata": {"sitePackagesRootPath": "/", "files": [{"path": "/usr/bin/bash"}, "x"]},
        }],
        "source": {"type": "image", "metadata": {
            "imageID": digest(b"x"), "repoDigests": ["x"], "layers": [{"digest": digest(b"y")}],
        }},
        "schema": {"version": "16.0.3"},
    });
    let texts = [CYCLONEDX, SPDX, SPDX3].map(str::to_owned);
    [&texts[..], &[syft.to_string()]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Sbom::read(&bytes);
    }

    #[test]
    fn documents_with_changed_bytes_are_read_or_refused(
        which in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
    ) {
        let mut bytes = seeds()[which].clone().into_bytes();
        for (at, byte, is_cut) in changes {
            let at = at.index(bytes.len());
            match is_cut {
                true => drop(bytes.remove(at)),
                false => bytes[at] = byte,
            }
        }
        let _ = Sbom::read(&bytes);
    }

    #[test]
    fn values_of_another_type_are_passed_over(which in 0_usize..4, at in any::<prop::sample::Index>(), by in 0..6) {
        let mut document: Value = serde_json::from_str(&seeds()[which]).unwrap();
        let by = [json!(null), json!(1), json!("x"), json!([]), json!({}), json!([{"a": [1]}])][by as usize].clone();
        let mut places = Vec::new();
        gather("", &document, &mut places);
        let place = &places[at.index(places.len())];
        *document.pointer_mut(place).unwrap() = by;
        let text = document.to_string();
        if let Ok(sbom) = Sbom::read(text.as_bytes()) {
            let bounds = (Wanted::default(), Limits::default());
            let layer = Layer::default().program("usr/bin/bash", b"\x7fELF");
            let image = Image::of(vec![layer]);
            prop_assert!(read_given(image.path(), bounds, None, None, Some(&sbom)).is_ok());
        }
    }
}

fn gather(at: &str, value: &Value, places: &mut Vec<String>) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                let key = key.replace('~', "~0").replace('/', "~1");
                places.push(format!("{at}/{key}"));
                gather(&format!("{at}/{key}"), value, places);
            }
        }
        Value::Array(all) => {
            for (number, value) in all.iter().enumerate() {
                places.push(format!("{at}/{number}"));
                gather(&format!("{at}/{number}"), value, places);
            }
        }
        _ => {}
    }
}
