//! Asking the API of a Kubernetes cluster: one question and its answer ([`api`]), how often that was done
//! ([`asked`]), how it goes
//! ([`health`]), and following objects of one kind ([`watch`]).

mod access;
pub mod api;
pub mod asked;
pub mod health;
pub mod object;
pub mod watch;

#[cfg(test)]
pub mod double;

pub use access::Access;
