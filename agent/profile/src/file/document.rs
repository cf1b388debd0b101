//! The types that a file is read into, from which its JSON Schema is made.

use crate::entry::line::{DnsLine, EgressLine, ExecLine, FileLine, ListenLine, PrivilegeLine};
use crate::evidence::text::ObservedLine;
use crate::generalise::line::LearnedLine;
use crate::profile::Mode;
use crate::provenance::line::ProvenanceLine;
use crate::syscalls::CallsLine;
use crate::version;
use crate::widened::WidenedLine;
use crate::workload::Workload;
use crate::written::WrittenLine;
use crate::yaml::Placed;
use serde::Deserialize;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    #[cfg_attr(test, schemars(with = "crate::schema::ApiVersion"))]
    pub(super) api_version: Placed<String>,
    #[cfg_attr(test, schemars(with = "crate::schema::Kind"))]
    pub(super) kind: Placed<String>,
    /// What people decide, and what is signed.
    pub(super) spec: Spec,
    /// What a machine keeps: counters, times, what waits for a decision. Need not be there.
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// Whose it is.
    pub(super) workload: Workload,
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) exec: Vec<Placed<ExecLine>>,
    #[serde(default)]
    pub(super) files: Vec<Placed<FileLine>>,
    #[serde(default)]
    pub(super) egress: Vec<Placed<EgressLine>>,
    #[serde(default)]
    pub(super) listen: Vec<Placed<ListenLine>>,
    #[serde(default)]
    pub(super) dns: Vec<Placed<DnsLine>>,
    #[serde(default)]
    pub(super) privileges: Vec<Placed<PrivilegeLine>>,
}

#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) mode_revision: u64,
    #[serde(default)]
    pub(super) incomplete: bool,
    #[serde(default)]
    pub(super) overflow: u64,
    /// Missing in files of versions that did not generalise.
    #[serde(default)]
    pub(super) learned: Option<Vec<Placed<LearnedLine>>>,
    #[serde(default)]
    pub(super) evidence: Option<Placed<ObservedLine>>,
    #[serde(default)]
    pub(super) versions: Vec<Placed<version::line::VersionLine>>,
    #[serde(default)]
    pub(super) widened: Vec<Placed<WidenedLine>>,
    /// Which system calls were made, where that was recorded.
    #[serde(default)]
    pub(super) syscalls: Option<Placed<CallsLine>>,
    /// How much there was in folders that are written in, where somebody looked.
    #[serde(default)]
    pub(super) written: Vec<Placed<WrittenLine>>,
    #[serde(default)]
    pub(super) provenance: Option<Placed<ProvenanceLine>>,
    #[serde(default)]
    pub(super) seen: Vec<Placed<Seen>>,
    #[serde(default)]
    pub(super) refused: Vec<Placed<Seen>>,
    #[serde(default)]
    pub(super) decisions: Vec<Decided>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Seen {
    #[serde(default)]
    pub(super) exec: Option<ExecLine>,
    #[serde(default)]
    pub(super) file: Option<FileLine>,
    #[serde(default)]
    pub(super) egress: Option<EgressLine>,
    #[serde(default)]
    pub(super) listen: Option<ListenLine>,
    #[serde(default)]
    pub(super) dns: Option<DnsLine>,
    #[serde(default)]
    pub(super) privilege: Option<PrivilegeLine>,
    #[serde(default)]
    pub(super) first: Option<jiff::Timestamp>,
    #[serde(default)]
    pub(super) last: Option<jiff::Timestamp>,
    #[serde(default)]
    pub(super) count: u64,
    #[serde(default)]
    pub(super) instances: String,
    #[serde(default)]
    pub(super) starts: String,
    #[serde(default)]
    pub(super) samples: String,
    /// Number of the set of `provenance` that tells who did it.
    #[serde(default)]
    pub(super) provenance: Option<u32>,
    #[serde(default)]
    pub(super) revision: u64,
    /// That a person wrote it into `spec` where a machine learned it as well, or that it was
    /// approved before all of its program were refused.
    #[serde(default)]
    pub(super) approved: bool,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    pub(super) revision: u64,
    pub(super) at: jiff::Timestamp,
    pub(super) actor: String,
    pub(super) action: String,
    #[serde(default)]
    pub(super) entry: String,
    #[serde(default)]
    pub(super) reason: String,
}
