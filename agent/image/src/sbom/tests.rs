use super::*;
use serde_json::json;

fn owned(sbom: &Sbom<'_>) -> usize {
    let files = sbom.components.iter().flat_map(|it| &it.files);
    let owned = files.filter(|it| matches!(it, Cow::Owned(_)));
    owned.map(|it| it.len()).sum()
}

fn syft(root: usize, files: usize) -> String {
    let files = vec!["a"; files];
    let metadata = json!({"sitePackagesRootPath": "/".repeat(root), "files": files});
    json!({"artifacts": [{"name": "x", "type": "python", "metadata": metadata}]}).to_string()
}

fn spdx(name: usize, times: usize) -> String {
    // An escape, so that the text is not borrowed.
    let name = format!("{}\n", "n".repeat(name));
    let ids = vec!["f"; times];
    json!({"spdxVersion": "SPDX-2.3", "files": [{"SPDXID": "f", "fileName": name}],
        "packages": [{"SPDXID": "p", "name": "x", "hasFiles": ids}],
        "relationships": vec![json!({"spdxElementId": "p", "relationshipType": "CONTAINS",
            "relatedSpdxElement": "f"}); 10]})
    .to_string()
}

#[test]
fn paths_longer_than_any_are_not_put_together() {
    for (text, missing) in [(syft(10_000, 1_000), 1_000), (spdx(10_000, 1_000), 1)] {
        let sbom = Sbom::read(text.as_bytes()).unwrap();
        assert_eq!((owned(&sbom), sbom.missing), (0, missing));
    }
    let text = syft(100, 10);
    let sbom = Sbom::read(text.as_bytes()).unwrap();
    assert_eq!((owned(&sbom), sbom.missing), (1_020, 0));
}

#[test]
fn paths_are_bounded_together() {
    // Without the bound 200 and 160 MB.
    for text in [syft(4_000, 50_000), spdx(4_000, 40_000)] {
        let error = Sbom::read(text.as_bytes()).err().unwrap_or_default();
        assert!(error.contains("more than 128 MiB"), "{error}");
    }
}

#[test]
fn lists_that_are_too_long_are_told() {
    let many = vec![0; MOST + 1];
    for (text, damaged) in [
        (
            json!({"bomFormat": "CycloneDX", "components": [
            {"type": "library", "name": "x", "properties": many, "evidence": {"occurrences": many}}]}),
            2,
        ),
        (
            json!({"spdxVersion": "SPDX-2.3", "documentDescribes": many, "packages": [
            {"name": "x", "hasFiles": many}]}),
            2,
        ),
        (
            json!({"artifacts": [{"name": "x", "locations": many, "metadata": {"files": 1}}]}),
            2,
        ),
        (
            json!({"artifacts": [{"name": "x", "locations": null, "metadata": {}}]}),
            0,
        ),
    ] {
        let text = text.to_string();
        let sbom = Sbom::read(text.as_bytes()).unwrap();
        assert_eq!((sbom.damaged, sbom.components.len()), (damaged, 1));
    }
}

#[test]
fn without_digests_of_an_image_nobody_knows_whose_it_is() {
    let [one, other] = ["a", "b"].map(|digit| format!("sha256:{}", digit.repeat(64)));
    let text = json!({"artifacts": [], "source": {"type": "image", "metadata": {
        "imageID": one, "layers": [{"digest": one}]}}});
    let text = text.to_string();
    let sbom = Sbom::read(text.as_bytes()).unwrap();
    assert_eq!(sbom.is_of(&[], &[]), None);
    assert_eq!(sbom.is_of(&[&other], &[]), Some(false));
    assert_eq!(sbom.is_of(&[], &[&other]), Some(false));
    assert_eq!(sbom.is_of(&[], &[&one]), Some(true));
    let text = json!({"artifacts": [], "source": {"type": "image", "metadata": {"layers": [{"digest": one}]}}});
    let text = text.to_string();
    let sbom = Sbom::read(text.as_bytes()).unwrap();
    assert_eq!(sbom.is_of(&[&other], &[]), None);
}
