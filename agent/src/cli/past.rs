//! What an agent reported up to now: a stream that ends.

use super::{Code, Failure, client};
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_request::{Kind, Since};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{WatchRequest, WatchResponse};
use lapwing_proto::{Timestamp, nanoseconds};
use std::time::Duration;
use tonic::Streaming;
use tonic::transport::Channel;

/// An agent says each 5 s that it lives.
const SILENCE: Duration = Duration::from_secs(30);

/// The time of a heartbeat, by the agent's clock: what was reported before is past.
#[derive(Clone, Copy, Debug)]
pub struct Mark(i64);

impl Mark {
    /// Waits for the agent's next heartbeat.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub async fn next(client: &mut AgentClient<Channel>) -> Result<Self, Failure> {
        let mut stream = open(client, "", &[Kind::Heartbeat], None).await?;
        loop {
            if let Some(Item::Heartbeat(beat)) = next(&mut stream).await?.item {
                return Ok(Self(time(beat.time.as_ref())));
            }
        }
    }
}

/// The stream from some time ago up to a mark.
pub struct Past {
    stream: Streaming<WatchResponse>,
    upto: Mark,
}

impl Past {
    /// Asks for items of these kinds from `age` milliseconds ago on, about a container where its id is
    /// given.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub async fn begin(
        client: &mut AgentClient<Channel>,
        container: &str,
        kinds: &[Kind],
        age: u64,
        upto: Mark,
    ) -> Result<Self, Failure> {
        let since = Some(Since::AgeMilliseconds(age));
        let stream = open(client, container, kinds, since).await?;
        Ok(Self { stream, upto })
    }

    /// The next; `None` where what follows was not there yet when this began.
    ///
    /// # Errors
    /// When the agent ends, or says nothing.
    pub async fn next(&mut self) -> Result<Option<WatchResponse>, Failure> {
        loop {
            let response = next(&mut self.stream).await?;
            match &response.item {
                Some(Item::Heartbeat(beat)) if time(beat.time.as_ref()) < self.upto.0 => {}
                Some(Item::Heartbeat(_)) => return Ok(None),
                Some(_) => return Ok(Some(response)),
                None => {}
            }
        }
    }
}

fn time(at: Option<&Timestamp>) -> i64 {
    at.map_or(0, nanoseconds)
}

async fn open(
    client: &mut AgentClient<Channel>,
    container: &str,
    kinds: &[Kind],
    since: Option<Since>,
) -> Result<Streaming<WatchResponse>, Failure> {
    let request = WatchRequest {
        since,
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        container: container.to_owned(),
        ..WatchRequest::default()
    };
    let answer = client.watch(request).await;
    let stream = answer.map_err(|status| client::failed(&status))?;
    Ok(stream.into_inner())
}

async fn next(stream: &mut Streaming<WatchResponse>) -> Result<WatchResponse, Failure> {
    let ended = |why: &str| {
        let error = anyhow!("the stream of the agent ended: {why}");
        Failure::new(Code::Connection, error)
    };
    match tokio::time::timeout(SILENCE, stream.message()).await {
        Err(_) => Err(ended("it says nothing, not even that it lives")),
        Ok(Err(status)) => Err(client::failed(&status)),
        Ok(Ok(None)) => Err(ended("the agent ended")),
        Ok(Ok(Some(response))) => Ok(response),
    }
}
