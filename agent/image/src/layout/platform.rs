//! What an image is for.

use lapwing_profile::text::canonical;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    pub variant: Option<String>,
}

impl Platform {
    pub(super) fn text(&self) -> String {
        let variant = self.variant.as_ref().map(|variant| format!("/{variant}"));
        let text = format!(
            "{}/{}{}",
            self.os,
            self.architecture,
            variant.unwrap_or_default()
        );
        canonical(text.as_bytes())
    }

    /// Whether it is the one that is wanted; a variant that nobody asked for does not matter.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let whole = self.text();
        whole == wanted
            || whole
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The platform of this machine, in the words of images.
pub(super) fn own_platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    format!("linux/{architecture}")
}
