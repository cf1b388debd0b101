//! The Lapwing agent: the I/O shell around the pure crates.
