//! What a replica does with connections while another leads: it passes them on to that one as they are.
//!
//! What goes through is encrypted from the client to the leader, so the leader knows the client by its
//! certificate as ever, and this replica learns and decides nothing. Who may write the Lease could have it
//! pass connections to somewhere else, where nobody has the key of the controller's certificate.
//!
//! Who is there nobody knows here, so room is shared by addresses. A connection that one side ended is soon over for
//! the other too: who says nothing, and whom the leader has let go, takes no room.

use super::lease::Elector;
use crate::config::controller::Controller as Config;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long it may take to reach the leader.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one side may go on when the other has ended.
const LINGER: Duration = Duration::from_secs(5);
/// One address may have one of so many parts of the connections.
const PARTS: usize = 4;
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
    let peers = Peers::new(config.listen.connections.div_ceil(PARTS));
    let own = config.advertise.parse().ok();
    let mut passing = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = passing.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let leader = elector.holder().filter(|holder| elector.is_other(holder));
        let address = leader.and_then(|leader| leader.address);
        // An address that is this replica's own now was another's, which is gone.
        let (Some(address), Some(place), Ok(permit)) = (
            address.filter(|_| address != own),
            peers.enter(peer.ip()),
            Arc::clone(&room).try_acquire_owned(),
        ) else {
            // Nobody is there to speak to, or there is no room: the client tries again.
            continue;
        };
        passing.spawn(async move {
            let passed = pass(stream, address).await;
            if let Err(error) = passed {
                tracing::debug!(%address, "a connection was not passed on: {error}");
            }
            drop((permit, place));
        });
    }
}

async fn pass(near: TcpStream, leader: SocketAddr) -> io::Result<()> {
    let far = timeout(PATIENCE, TcpStream::connect(leader)).await??;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    join(near, far).await
}

/// Passes on what comes from both sides, until one has ended and the other had time to.
async fn join<N, F>(near: N, far: F) -> io::Result<()>
where
    N: AsyncRead + AsyncWrite,
    F: AsyncRead + AsyncWrite,
{
    let (from_near, to_near) = tokio::io::split(near);
    let (from_far, to_far) = tokio::io::split(far);
    let (mut there, mut back) = (
        pin!(carry(from_near, to_far)),
        pin!(carry(from_far, to_near)),
    );
    tokio::select! {
        ended = &mut there => {
            ended?;
            timeout(LINGER, back).await?
        }
        ended = &mut back => {
            ended?;
            timeout(LINGER, there).await?
        }
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

/// How many connections each address has.
#[derive(Clone)]
struct Peers {
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection.
struct Place {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    /// As many as this at the most.
    fn new(most: usize) -> Self {
        Self {
            most,
            counts: Arc::default(),
        }
    }

    /// One more; none where it has as many as it may.
    fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        let peers = self.clone();
        Some(Place { peers, address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let counts = self.peers.counts.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, duplex};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn when_one_side_ends_the_other_does_soon() {
        for is_leader in [true, false] {
            let ((mut client, near), (mut leader, far)) = (duplex(64), duplex(64));
            let passing = tokio::spawn(join(near, far));
            client.write_all(b"hello").await.unwrap();
            let mut read = [0; 5];
            leader.read_exact(&mut read).await.unwrap();
            assert_eq!(&read, b"hello");
            // Quiet ones are kept.
            sleep(Duration::from_secs(3600)).await;
            assert!(!passing.is_finished());
            let begun = Instant::now();
            let (ends, mut stays) = match is_leader {
                true => (leader, client),
                false => (client, leader),
            };
            drop(ends);
            assert_eq!(stays.read(&mut read).await.unwrap(), 0, "it is told");
            let passed = timeout(2 * LINGER, passing).await;
            assert!(passed.is_ok() && begun.elapsed() <= LINGER, "{passed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_on_its_way_still_comes() {
        let ((client, near), (mut leader, far)) = (duplex(1 << 10), duplex(8));
        let passing = tokio::spawn(join(near, far));
        let (mut reads, mut writes) = tokio::io::split(client);
        writes.write_all(&[7; 1000]).await.unwrap();
        writes.shutdown().await.unwrap();
        let mut all = Vec::new();
        leader.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, [7; 1000]);
        leader.write_all(b"over").await.unwrap();
        drop(leader);
        let mut answer = String::new();
        reads.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "over");
        passing.await.unwrap().unwrap();
    }

    #[test]
    fn an_address_has_its_part_alone() {
        let peers = Peers::new(2);
        let [one, mapped, other] =
            ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        let first = peers.enter(one).unwrap();
        let second = peers.enter(mapped).unwrap();
        assert!(peers.enter(one).is_none() && peers.enter(mapped).is_none());
        let third = peers.enter(other).unwrap();
        drop(second);
        drop(peers.enter(one).unwrap());
        drop((first, third));
        assert!(peers.counts.lock().unwrap().is_empty());
    }
}
