//! `lapwing controller`: what concerns the whole cluster, a Deployment of which one replica leads.
//!
//! **Agents write nothing to the API of the cluster.** Nodes could each have an object there, into which
//! they write what they observe. That is 5,000 writers, each write of which etcd stores, copies and keeps
//! until it is compacted; each node needs a right to write, which has to be narrowed to its own object by
//! an admission policy; and there is a second way out of the agent, with its own encoding, its own limits
//! and its own losses, beside the one that it has. Instead the leader connects to each agent, by the same
//! gRPC with mutual TLS that `lapwing --endpoint` speaks. Agents keep a log on their disk and take up a
//! reader where it was, so nothing has to be stored in between; their rights in the cluster stay those of
//! a reader; and what a controller that is down costs is time. The API has one writer, of one Lease, and
//! what the merging of profiles writes, for each workload and not for each node.
//!
//! | part | does |
//! |---|---|
//! | [`lease`] | one replica leads at a time |
//! | [`fleet`] | the leader finds the agents, and is connected to each |
//! | [`fleet::Attendant`] | who wants something of each connection |
//! | [`relay`] | what agents report, in one stream |
//! | [`marks`] | how cursors of it outlast a leader |
//! | [`follow`] | a client of it |
//! | [`catch_up`] | what agents are asked again for one |
//! | `containers` | who runs an image |
//! | `audit` | who has more or less reported, and why |
//! | [`silence`] | nodes whose agents say nothing |
//! | `standing` | what agents make of BehaviorProfiles, in the status of each |
//! | [`roster`] | which nodes had an agent, for the next leader |
//!
//! A replica that does not lead is connected to nobody and knows nothing of agents. It passes connections
//! to its port on to the leader as they are, still encrypted, so that whichever replica a client or
//! `kubectl port-forward` got, it speaks with the leader, and is known to it by its own certificate. On
//! its socket it answers that it stands by, and who leads.

mod audit;
mod catch_up;
mod containers;
pub mod fleet;
mod follow;
mod items;
pub mod learned;
pub mod lease;
pub mod marks;
mod pass;
mod pod;
pub mod relay;
pub mod roster;
mod run;
mod service;
pub mod silence;
mod standing;
mod told;

#[cfg(test)]
mod tests;

pub use run::run;

use crate::cli::client::{Endpoint, Words};
use crate::config::controller::Agents;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What an agent may send before it is taken, in bytes: of one call, and of all. What waits there is in memory, of
/// each agent; the library lets each send 2 MiB and 5. Calls that nobody reads, as those of clients that are slow, must leave
/// room for others: for that it takes 32 of them.
const WINDOWS: [u32; 2] = [32 << 10, 1 << 20];

/// What the parts of a connection to an agent are called in the configuration.
static WORDS: Words = Words {
    ca: "`agents.authority`",
    certificate: "`agents.certificate`",
    key: "`agents.key`",
    server_name: "`agents.serverName`",
};

/// How the controller and agents know each other.
#[derive(Clone, Debug)]
pub struct Known {
    files: [PathBuf; 3],
    server_name: String,
}

impl Known {
    /// As configured.
    #[must_use]
    pub fn new(agents: &Agents) -> Self {
        Self {
            files: [&agents.authority, &agents.certificate, &agents.key].map(Clone::clone),
            server_name: agents.server_name.clone(),
        }
    }

    /// An agent at this address. The files are read with each connection, so that renewed ones count.
    fn endpoint(&self, address: SocketAddr) -> Endpoint {
        let name = self.server_name.clone();
        Endpoint::known(
            format!("https://{address}"),
            &WORDS,
            self.files.clone(),
            name,
        )
        .with_windows(WINDOWS)
    }
}
