//! Whether system calls are recorded.

use serde::Deserialize;

/// Of whom system calls are recorded.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Syscalls {
    /// Of nobody: no program is attached for it, so it costs nothing.
    #[default]
    Off,
    /// Of containers whose profile learns or is in review. Every system call of the machine costs more
    /// for it, see docs/overhead.md.
    Learning,
}
