//! What a replica does with connections while another leads: it passes them on to that one as they are.
//!
//! What goes through is encrypted from the client to the leader, so the leader knows the client by its
//! certificate as ever, and this replica learns and decides nothing. Who may write the Lease could have it
//! pass connections to somewhere else, where nobody has the key of the controller's certificate.

use super::lease::Elector;
use crate::config::controller::Controller as Config;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long it may take to reach the leader.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon it is tried again to accept.
const PAUSE: Duration = Duration::from_millis(50);

/// Passes connections on, for as long as it is polled; ends where the listener cannot be used.
pub async fn on(listener: &TcpListener, config: &Config, elector: &Elector) {
    let listener = listener
        .try_clone()
        .and_then(tokio::net::TcpListener::from_std);
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!("connections cannot be passed on to the leader: {error}");
            sleep(PATIENCE).await;
            return;
        }
    };
    let room = Arc::new(Semaphore::new(config.listen.connections));
    let own = config.advertise.parse().ok();
    let mut passing = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = passing.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let leader = elector.holder().filter(|holder| elector.is_other(holder));
        let address = leader.and_then(|leader| leader.address);
        // An address that is this replica's own now was another's, which is gone.
        let (Some(address), Ok(permit)) = (
            address.filter(|_| address != own),
            Arc::clone(&room).try_acquire_owned(),
        ) else {
            // Nobody is there to speak to: the client tries again.
            continue;
        };
        passing.spawn(async move {
            let passed = pass(stream, address).await;
            if let Err(error) = passed {
                tracing::debug!(%address, "a connection was not passed on: {error}");
            }
            drop(permit);
        });
    }
}

async fn pass(mut near: TcpStream, leader: std::net::SocketAddr) -> io::Result<()> {
    let mut far = timeout(PATIENCE, TcpStream::connect(leader)).await??;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut near, &mut far)
        .await
        .map(drop)
}
