//! The API of one agent, over a Unix socket that its file permissions guard.

pub mod control;
pub mod server;
pub mod socket;
mod wanted;
