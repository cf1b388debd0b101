//! What namespaces ask for by their label [`LABEL`]: that the workloads in them are compared with
//! their profiles, learn, or are let be.
//!
//! It is a label of the Namespace and no other object, because that is nobody's who merely deploys into
//! it: the roles `edit` and `admin` of Kubernetes, bound in a namespace, may not write the Namespace.
//! It is a label and no annotation, because the API can be asked for labels: the agent lists and
//! [follows](follow) those namespaces alone that have it, of 10,000 maybe ten, and hears of one that
//! loses it as of one that goes. What becomes of it is the judge's business, see
//! [`crate::judge::modes`]; here is only who asks for what.
//!
//! A value that is none asks for nothing new: what the namespace asked for before is kept beside what
//! is wrong, and the judge takes the tighter of that and the configuration. Else a slip of the pen in
//! `monitor` would switch reports off. Where it asked for nothing before, or nobody here knows, as on a node
//! that is new, the judge takes `monitor`: somebody wanted something, and what is too much is seen at once.
//!
//! What is known is kept in one file, so that an agent that starts while the API is away goes on as
//! before: who restarts an agent neither loosens nor tightens by that. Where the file is not there, or
//! is none, nothing is asked for and the configuration counts until the API answers.

mod follow;

#[cfg(test)]
mod tests;

use crate::judge::store::{MODE, StoreError, replace};
use crate::kubernetes::api::Api;
use crate::kubernetes::health::Health;
use lapwing_profile::text::canonical;
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response as v1;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The label of a Namespace, and the annotation of a pod, that asks for a mode.
pub const LABEL: &str = "lapwing.dev/mode";
/// Namespaces with the label that are known.
const NAMESPACES_MAX: usize = 10_000;
/// Longest value that is told of, in bytes, as the API has it.
const VALUE_MAX: usize = 63;
/// Below the state folder.
const FOLDER: &str = "cluster";
const FILE: &str = "namespaces.json";
/// Longest file that is read: 10,000 names and what is wrong with each.
const FILE_MAX: u64 = 8 << 20;

/// What may be asked for, from the loosest to the tightest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// Nothing of it is learned or reported.
    Off,
    /// It learns.
    Learn,
    /// It is compared with its profile.
    Monitor,
}

impl Asked {
    /// From the value of the label; `None` where that is none of the words.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        match value {
            "off" => Some(Self::Off),
            "learn" => Some(Self::Learn),
            "monitor" => Some(Self::Monitor),
            _ => None,
        }
    }

    /// The value of the label.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Learn => "learn",
            Self::Monitor => "monitor",
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// A value that is none of the words, as it is told of.
#[must_use]
pub fn no_word(value: &str) -> String {
    let mut end = value.len().min(VALUE_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < value.len() { "…" } else { "" };
    canonical(&value.as_bytes()[..end]) + cut
}

/// What one namespace asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The last value that is one of the words; none if there was none since the label came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The value, where it is none of the words: canonical text, at most 63 bytes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
}

impl Label {
    /// A label with this value, in the place of another.
    #[must_use]
    pub fn of(value: &str, before: Option<&Self>) -> Self {
        match Asked::parse(value) {
            Some(asked) => Self {
                asked: Some(asked),
                wrong: None,
            },
            None => Self {
                asked: before.and_then(|before| before.asked),
                wrong: Some(no_word(value)),
            },
        }
    }
}

/// What each namespace with the label asks for.
pub type Labels = BTreeMap<String, Label>;

/// Both sides of it.
struct Board {
    api: Api,
    health: Health,
    labels: Mutex<Arc<Labels>>,
    /// Labels that found no room.
    refused: AtomicU64,
    file: PathBuf,
    /// Whether the pipeline has not heard of the labels as they are.
    news: AtomicBool,
    /// They are other than on disk.
    unwritten: Notify,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Board {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Board").finish_non_exhaustive()
    }
}

/// The pipeline's end.
#[derive(Debug)]
pub struct Namespaces(Arc<Board>);

/// The end that asks the API.
#[derive(Debug)]
pub struct Watcher(Arc<Board>);

/// Both ends. What is kept on disk is the first that the pipeline hears of.
/// `wake` is called when there is news.
///
/// # Errors
/// When the folder for what is kept cannot be made.
pub(super) fn open(
    api: Api,
    state: &Path,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> Result<(Namespaces, Watcher), StoreError> {
    let folder = state.join(FOLDER);
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    made.map_err(|error| StoreError::new("make the folder", &folder, error))?;
    let file = folder.join(FILE);
    let board = Arc::new(Board {
        api,
        health: Health::new(),
        labels: Mutex::new(Arc::new(load(&file))),
        refused: AtomicU64::new(0),
        file,
        news: AtomicBool::new(true),
        unwritten: Notify::new(),
        wake,
    });
    Ok((Namespaces(Arc::clone(&board)), Watcher(board)))
}

/// What is on disk. What cannot be read, or is none, is as if it were not there.
fn load(file: &Path) -> Labels {
    let read = || -> io::Result<Labels> {
        if fs::metadata(file)?.len() > FILE_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    };
    match read() {
        Ok(labels) => labels,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Labels::new(),
        Err(error) => {
            tracing::warn!(
                "{}: not what namespaces asked for, so the configuration counts until the API answers: {error}",
                file.display()
            );
            Labels::new()
        }
    }
}

impl Board {
    fn labels(&self) -> MutexGuard<'_, Arc<Labels>> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and tells of it if it is other than before.
    fn change(&self, change: impl FnOnce(&mut Labels)) {
        {
            let mut held = self.labels();
            let mut labels = Labels::clone(&held);
            change(&mut labels);
            if labels == **held {
                return;
            }
            *held = Arc::new(labels);
        }
        self.news.store(true, Ordering::Release);
        self.unwritten.notify_one();
        (self.wake)();
    }

    fn store(&self) -> Result<(), String> {
        let labels = Arc::clone(&self.labels());
        let text = serde_json::to_vec(&*labels).map_err(|error| error.to_string())?;
        replace(&self.file, &text, MODE).map_err(|error| error.to_string())
    }
}

impl Namespaces {
    /// What each namespace asks for, if that is other than when this was called last.
    #[must_use]
    pub fn news(&self) -> Option<Arc<Labels>> {
        let is_new = self.0.news.swap(false, Ordering::AcqRel);
        is_new.then(|| Arc::clone(&self.0.labels()))
    }

    /// How their watch goes.
    #[must_use]
    pub fn watched(&self) -> v1::Watch {
        self.0.health.watch("namespaces")
    }

    /// How it goes, with what the judge says of the containers of this node.
    #[must_use]
    pub fn status(&self, judged: v1::ClusterModes) -> v1::ClusterModes {
        let report = self.0.health.report();
        v1::ClusterModes {
            state: report.state.into(),
            url: report.url,
            since: Some(timestamp(report.since)),
            heard_time: (report.heard != 0).then(|| timestamp(report.heard)),
            failed: report.failed,
            last_error: report.last_error,
            known: u32::try_from(self.0.labels().len()).unwrap_or(u32::MAX),
            refused: self.0.refused.load(Ordering::Relaxed),
            ..judged
        }
    }
}
