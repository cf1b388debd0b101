//! Names of images, of which one has several spellings, and digests.

use crate::error::Error;
use lapwing_profile::text::canonical;

/// The name in full, as registries and containerd have it: `docker.io/library/shop:latest` of `shop`.
fn full(name: &str) -> String {
    let (host, rest) = match name.split_once('/') {
        Some(("index.docker.io", rest)) => ("docker.io", rest),
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("docker.io", name),
    };
    let library = match host == "docker.io" && !rest.contains('/') {
        true => "library/",
        false => "",
    };
    let last = rest.rsplit('/').next().unwrap_or_default();
    let tag = match last.contains([':', '@']) {
        true => "",
        false => ":latest",
    };
    format!("{host}/{library}{rest}{tag}")
}

/// Whether a name that an image has is the one that is wanted.
pub(crate) fn is_same(known: &str, wanted: &str) -> bool {
    known == wanted || full(known) == full(wanted)
}

/// The hexadecimal digits of a digest; none other than SHA-256 is read.
pub(crate) fn hash(digest: &str) -> Result<&str, Error> {
    let hash = digest.strip_prefix("sha256:").filter(|hash| {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        hash.len() == 64 && hash.bytes().all(is_digit)
    });
    hash.ok_or_else(|| {
        Error::format(
            canonical(digest.as_bytes()),
            "it is no digest of SHA-256 (sha256: and 64 hexadecimal digits), and no other is read",
        )
    })
}

/// Where the blob of a digest lies in a layout.
pub(crate) fn blob(digest: &str) -> Result<String, Error> {
    Ok(format!("blobs/sha256/{}", hash(digest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_has_several_names() {
        for (known, wanted) in [
            ("docker.io/library/shop:1", "shop:1"),
            ("shop:1", "docker.io/library/shop:1"),
            ("index.docker.io/library/shop:1", "library/shop:1"),
            ("docker.io/library/shop:latest", "shop"),
            ("docker.io/me/shop:1", "me/shop:1"),
            ("localhost/shop:latest", "localhost/shop"),
            ("r:5000/shop:latest", "r:5000/shop"),
            ("1", "1"),
        ] {
            assert!(is_same(known, wanted), "{known} {wanted}");
        }
        for (known, wanted) in [
            ("docker.io/library/shop:1", "shop:2"),
            ("docker.io/library/shop:1", "shop"),
            ("docker.io/me/shop:1", "shop:1"),
            ("r.example/shop:1", "shop:1"),
            ("r.example/library/shop:1", "r.example/shop:1"),
            ("shop@sha256:00", "shop:latest"),
        ] {
            assert!(!is_same(known, wanted), "{known} {wanted}");
        }
    }
}
