//! Asking the API of a Kubernetes cluster: one question and its answer ([`api`]), how often that was done
//! ([`asked`]), how it goes
//! ([`health`]), and following objects of one kind ([`watch`]).

mod access;
pub mod api;
pub mod asked;
mod failure;
pub mod health;
mod list;
pub mod object;
pub mod watch;

#[cfg(test)]
pub mod double;
#[cfg(test)]
pub mod served;

pub use access::Access;
