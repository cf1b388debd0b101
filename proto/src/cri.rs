//! As much of the Container Runtime Interface, CRI v1, as asking a runtime for the names of
//! containers needs: messages, client, and the server that tests stand in with.
//!
//! `cri/runtime/v1/runtime.proto` has the package, names and numbers of the published interface.

/// `runtime.v1`
pub mod v1 {
    #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
    include!("cri/generated/runtime.v1.rs");
}
