//! By which conditions an attestation says that evidence is complete, or what it lacks.

use crate::evidence::settings::Settings;
use serde::{Deserialize, Serialize};

crate::behaviour::words! {
    /// Whose conditions they are.
    Whose {
        /// Those of the agent or controller that was asked.
        Configured = "configured",
        /// The default ones: a file has none of its own.
        Default = "default",
    }
}

/// The conditions, as they stand in `evidence.conditions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conditions {
    /// Whose they are: a word of [`Whose`], or of a later version.
    pub of: String,
    /// The coverage that each class must reach.
    pub coverage: f64,
    /// Unknown behaviours that a class which does not reach it may be expected to show in a day of one instance.
    pub news_per_day: f64,
    /// How long nothing new may have been seen, in milliseconds.
    pub quiet_milliseconds: u64,
    /// How long it must have been observed, in milliseconds.
    pub observed_milliseconds: u64,
    /// How many instances must have been seen.
    pub instances: u32,
    /// How many restarts, or further instances.
    pub restarts: u32,
    /// Whether each hour of the day must have been seen.
    pub whole_day: bool,
}

/// By what the evidence of a profile is judged.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Whose conditions they are.
    pub of: Whose,
    /// When learning is over.
    pub settings: Settings,
    /// What lacks, a sentence each, where who was asked has said it: a controller has conditions of nodes
    /// besides. `None` where the profile's own evidence says it.
    pub unmet: Option<Vec<String>>,
}

/// Of a file: by the default conditions.
impl Default for Judgement {
    fn default() -> Self {
        Self {
            of: Whose::Default,
            settings: Settings::default(),
            unmet: None,
        }
    }
}

impl Judgement {
    /// The conditions, as a statement has them.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        let milliseconds = |nanoseconds: i64| nanoseconds.unsigned_abs() / 1_000_000;
        let settings = &self.settings;
        Conditions {
            of: self.of.word().to_owned(),
            coverage: settings.coverage,
            news_per_day: settings.news_per_day,
            quiet_milliseconds: milliseconds(settings.quiet),
            observed_milliseconds: milliseconds(settings.observed),
            instances: settings.instances,
            restarts: settings.restarts,
            whole_day: settings.whole_day,
        }
    }
}
