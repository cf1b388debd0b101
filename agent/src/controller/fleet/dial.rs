//! The connection to one agent, and who attends to it.

use super::{Agent, Attendant, Client, Line, Link};
use crate::cli::client;
use crate::controller::Known;
use crate::kubernetes::watch::{Backoff, CALM};
use lapwing_proto::v1::GetStatusRequest;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

/// How long an agent may take to show that a connection is of use.
const PROBE: Duration = Duration::from_secs(10);

/// One connection, as often as it is made.
pub(super) struct Dialling {
    pub(super) agent: Arc<Agent>,
    pub(super) address: SocketAddr,
    pub(super) known: Arc<Known>,
    pub(super) attendants: Arc<[Arc<dyn Attendant>]>,
    pub(super) dials: Arc<Semaphore>,
}

impl Dialling {
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new();
        let mut told = String::new();
        let (node, pod) = (&self.agent.node, &self.agent.pod);
        loop {
            let begun = Instant::now();
            let Err(error) = self.once().await else {
                // All are done with it.
                std::future::pending::<()>().await;
                return;
            };
            if begun.elapsed() >= CALM {
                backoff = Backoff::new();
            }
            if error != told {
                tracing::warn!(
                    node,
                    pod,
                    error,
                    "the agent is not followed, it is tried again"
                );
                told.clone_from(&error);
            }
            self.agent.turn(Link::Away, Some(error));
            self.agent.missed(begun);
            tokio::select! {
                () = sleep(backoff.next(None)) => {}
                () = self.agent.is_wanted(begun) => {}
            }
        }
    }

    async fn once(&self) -> Result<(), String> {
        let line = {
            // The semaphore is never closed.
            let _dial = self
                .dials
                .acquire()
                .await
                .map_err(|error| error.to_string())?;
            let endpoint = self.known.endpoint(self.address);
            let channel = client::channel(&endpoint).await;
            let channel = channel.map_err(|failure| format!("{:#}", failure.error))?;
            Line {
                client: client::on(channel.clone()),
                channel,
            }
        };
        self.agent.turn(Link::Connected, None);
        let mut attending = tokio::task::JoinSet::new();
        for attendant in &*self.attendants {
            let (agent, line) = (Arc::clone(&self.agent), line.clone());
            attending.spawn(attend(Arc::clone(attendant), agent, line));
        }
        while let Some(ended) = attending.join_next().await {
            ended.map_err(|error| error.to_string())??;
        }
        Ok(())
    }
}

/// Has an attendant attend until it is done. An error is that the connection is of no use any more.
async fn attend(
    attendant: Arc<dyn Attendant>,
    agent: Arc<Agent>,
    line: Line,
) -> Result<(), String> {
    let mut backoff = Backoff::new();
    let mut told = String::new();
    loop {
        let begun = Instant::now();
        let attended = attendant.attend(Arc::clone(&agent), line.clone()).await;
        let Err(error) = attended else {
            return Ok(());
        };
        if !is_of_use(line.client.clone()).await {
            return Err(error);
        }
        if begun.elapsed() >= CALM {
            backoff = Backoff::new();
        }
        if error != told {
            let (node, pod) = (&agent.node, &agent.pod);
            tracing::warn!(
                node,
                pod,
                error,
                "the agent answers, and not to all: it is asked again"
            );
            told.clone_from(&error);
        }
        agent.turn(Link::Connected, Some(error));
        sleep(backoff.next(None)).await;
    }
}

/// Whether an agent answers on a connection, be it that it refuses.
async fn is_of_use(mut client: Client) -> bool {
    match timeout(PROBE, client.get_status(GetStatusRequest {})).await {
        Ok(Ok(_)) => true,
        // What comes of the connection has a cause.
        Ok(Err(status)) => {
            status.code() != Code::Unavailable && std::error::Error::source(&status).is_none()
        }
        Err(_) => false,
    }
}
