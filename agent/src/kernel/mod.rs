//! The kernel's side of the agent: what this kernel allows, loading and
//! attaching the programs, and the rings and maps shared with them.

pub mod attacher;
pub mod btf;
pub mod budget;
pub mod dispatcher;
pub mod egress;
pub mod fill;
pub mod images;
pub mod load;
pub mod object;
pub mod offsets;
pub mod programs;
pub mod refusal;
pub mod seen;
pub mod sensor;
pub mod shares;
pub mod spares;
mod sys;
pub mod tables;
pub mod used;

pub use sys::{give_back_memory, unacknowledged};
