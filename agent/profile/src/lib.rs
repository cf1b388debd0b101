//! Lapwing's domain, pure: behaviours, profiles, learning, comparing, deciding
//! and merging. No I/O and no clock: times are arguments, in nanoseconds since
//! the Unix epoch.
//!
//! A sighting goes through [`profile::Profile::observe`], which asks
//! [`rule::classify`] what kind of thing it is and answers with a
//! [`learn::Outcome`]. [`file`] turns a profile into YAML and back.
#![forbid(unsafe_code)]

mod accept;
pub mod address;
pub mod attestation;
pub mod behaviour;
pub mod collected;
pub mod comments;
pub mod compare;
pub mod content;
pub mod decide;
pub mod diff;
pub mod entry;
pub mod envelope;
pub mod evidence;
pub mod file;
pub mod fingerprint;
pub mod generalise;
pub mod inventory;
pub mod learn;
pub mod lineage;
pub mod lint;
mod matcher;
pub mod merge;
pub mod name;
pub mod pattern;
pub mod place;
pub mod profile;
pub mod provenance;
pub mod repeat;
pub mod replay;
pub mod rule;
#[cfg(test)]
mod schema;
pub mod signature;
pub mod sorted;
pub mod syscalls;
pub mod text;
pub mod version;
pub mod widened;
pub mod workload;
pub mod written;
pub mod yaml;
