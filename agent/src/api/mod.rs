//! The API of one agent: over a Unix socket that its file permissions guard, and if configured over
//! TCP, where clients are known by their certificates ([`identity`]), and may do what the
//! configuration says ([`access`], [`reach`]).

pub mod access;
mod connection;
mod consumers;
pub mod control;
pub mod identity;
pub mod inquiry;
mod learned;
pub mod network;
pub mod reach;
mod replay;
pub mod server;
pub mod socket;
mod states;
pub(crate) mod transport;
pub(crate) mod wanted;
