//! Asking the API of a Kubernetes cluster: one question and its answer ([`api`]), how often that was done
//! ([`asked`]), how it goes
//! ([`health`]), following objects of one kind ([`watch`]), and whether two readers of one mean the same ([`digest`]).

mod access;
pub mod api;
pub mod asked;
pub mod digest;
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
