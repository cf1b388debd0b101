//! How the API is reached, as the configuration says.

use super::api;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// How the API is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// As the agent's own service account, where it runs in a cluster.
    #[default]
    Auto,
    /// It is not asked.
    Off,
    /// As this file says, a kubeconfig.
    File(PathBuf),
}

impl Access {
    /// Whether there is anybody to ask.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Off => false,
            Self::Auto => api::is_in_cluster(),
            Self::File(_) => true,
        }
    }

    /// The way to it.
    #[must_use]
    pub(crate) fn reach(&self) -> api::Reach {
        api::reach(match self {
            Self::File(path) => Some(path.clone()),
            Self::Auto | Self::Off => None,
        })
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            // YAML 1.1 takes `off` for a boolean, and some tools write it so.
            "off" | "none" | "false" => Ok(Self::Off),
            path if Path::new(path).is_absolute() => Ok(Self::File(path.into())),
            _ => Err(D::Error::custom(format!(
                "`{}` is no way to the API: write auto, off, or the path of a kubeconfig as /etc/kubernetes/lapwing.conf",
                lapwing_profile::text::canonical(text.as_bytes())
            ))),
        }
    }
}
