//! The modules of `agent/src/kernel` that are fuzzed.

#[path = "../../../agent/src/kernel/btf.rs"]
pub mod btf;
#[path = "../../../agent/src/kernel/offsets.rs"]
pub mod offsets;
