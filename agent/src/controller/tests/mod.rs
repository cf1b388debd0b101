//! Replicas before an API of a cluster that tests stand in for, and agents that really listen: the server
//! of the agent's API, over loopback with mutual TLS.

mod containers;
mod fleet;
mod lease;
mod listed;
mod missed;
mod relay;
mod silence;
pub(super) mod stage;
mod stubborn;
