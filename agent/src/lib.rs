//! The Lapwing agent: the I/O shell around the pure crates.
#![forbid(unsafe_code)]

pub mod kernel;
