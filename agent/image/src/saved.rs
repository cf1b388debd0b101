//! The digest by which Syft and Grype know an image that `docker save` wrote, also where they have it from the Docker
//! daemon, which saves it for them.
//!
//! Such a file has no manifest by digest, so stereoscope, their library, makes one up: of the configuration and of the
//! layers by the digests and sizes of their tars, in the JSON of Go (`pkg/image/docker`, `assembleOCIManifest`). In
//! SPDX and CycloneDX nothing else says which image it was.

use crate::layout::{Layout, digest_text};
use crate::read::Figures;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    config: Descriptor<'a>,
    layers: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    size: u64,
    digest: &'a str,
}

/// That digest; `None` of folders of layers.
pub(crate) fn digest(layout: &Layout, figures: &[Figures]) -> Option<String> {
    let layers = layout.layers.iter().zip(figures).map(|(blob, figures)| {
        Some(Descriptor {
            media_type: "application/vnd.docker.image.rootfs.diff.tar.gzip",
            size: figures.unpacked,
            digest: blob.diff_id.as_deref()?,
        })
    });
    let manifest = Manifest {
        schema_version: 2,
        media_type: "application/vnd.docker.distribution.manifest.v2+json",
        config: Descriptor {
            media_type: "application/vnd.docker.container.image.v1+json",
            size: layout.config_bytes,
            digest: layout.id.as_deref()?,
        },
        layers: layers.collect::<Option<_>>()?,
    };
    let text = serde_json::to_vec(&manifest).ok()?;
    Some(digest_text(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Blob;

    fn blob(digits: &str) -> Blob {
        Blob {
            name: String::new(),
            digest: None,
            diff_id: Some(format!("sha256:{digits}")),
        }
    }

    fn figures(unpacked: u64) -> Figures {
        Figures {
            unpacked,
            ..Figures::default()
        }
    }

    #[test]
    fn it_is_what_syft_says() {
        // Of an image that Syft 1.18.1 read.
        let mut layout = Layout {
            name: None,
            digest: None,
            id: Some(
                "sha256:4e6447ae5c63c260cd085ffd0596852d045a539076cdc3cdfb901cbfb63c940b".into(),
            ),
            config_bytes: 321,
            config: None,
            layers: vec![
                blob("2fc36e323047db2f9de0eab7b5047d4e71f0f2f5214dcd001b7e86f64ef0958b"),
                blob("4898e1e9abedf089fa6cde625130a260809277ef3a25f83b4d7a3aec22d9cf67"),
            ],
        };
        let figures = [figures(327_680), figures(44_810_240)];
        let said = "sha256:d266791ebbb5f971157cd6c0987f023ddd6879b0473373e32f0b6ebf4506b631";
        assert_eq!(digest(&layout, &figures).as_deref(), Some(said));
        layout.id = None;
        assert_eq!(digest(&layout, &figures), None);
    }
}
