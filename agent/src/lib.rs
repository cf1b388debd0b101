//! The Lapwing agent. The modules stand along the path of an event: [`kernel`]
//! sees it, [`container`] says whose it is, [`judge`] compares it with the
//! profile, [`dns`] knows the names of its peers, [`feed`] keeps what is reported,
//! [`api`] streams it, [`sink`] delivers it, [`http`] counts it. [`pipeline`] is the path itself; [`cli`] is the command line on top.
// The one module that may is `kernel::sys`.
#![deny(unsafe_code)]

pub mod api;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod container;
pub mod controller;
pub mod credentials;
pub mod daemon;
pub mod dns;
pub mod doctor;
pub mod feed;
pub mod http;
pub mod inventory;
mod jitter;
pub mod judge;
pub mod kernel;
mod kubernetes;
pub mod pipeline;
pub mod process;
pub mod replace;
pub mod sink;
pub mod standby;
pub mod status;
pub mod tls;
mod written;
