//! The API of Lapwing, `lapwing.v1`: messages, client, server, and the JSON form
//! of proto3 (by serde) with every field present.
//!
//! The code in `src/generated` comes from `lapwing/v1/*.proto`. It is committed, so
//! that building needs no compiler for protocol buffers; a test proves that it
//! is what the files say, and `LAPWING_REGENERATE=1 cargo test -p lapwing-proto`
//! writes it anew.

/// `lapwing.v1`
pub mod v1 {
    #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications)]
    include!("generated/lapwing.v1.rs");
    include!("generated/lapwing.v1.serde.rs");
}

/// The compiled descriptions of all files, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/descriptors.bin");

pub mod cri;
pub mod opentelemetry;
mod time;
pub use time::{Timestamp, nanoseconds, timestamp};
