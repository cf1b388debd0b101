//! What an agent reported up to now, or all agents by their controller: a stream that ends.

use super::{Code, Failure, client};
use crate::feed::cursor::Cursor;
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_request::{Kind, Since};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Owed, WatchRequest, WatchResponse};
use std::time::{Duration, Instant};
use tonic::Streaming;
use tonic::transport::Channel;

/// An agent says each 5 s that it lives.
const SILENCE: Duration = Duration::from_secs(30);

/// The place of a heartbeat in the stream: what was reported before is past. Not its time, which clocks
/// that are set back make run twice.
#[derive(Clone, Debug)]
pub struct Mark(Place);

/// The log, the number of the record before, and that of the behaviour before.
type Place = (u64, u64, u64);

impl Mark {
    /// Waits for the agent's next heartbeat.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub async fn next(client: &mut AgentClient<Channel>) -> Result<Self, Failure> {
        let beats = WatchRequest {
            kinds: vec![Kind::Heartbeat.into()],
            ..WatchRequest::default()
        };
        let mut stream = open(client, beats).await?;
        loop {
            let response = next(&mut stream).await?;
            if let Some(Item::Heartbeat(_)) = response.item {
                return place(&response).map(Self);
            }
        }
    }
}

/// The stream from some time ago up to a mark.
pub struct Past {
    stream: Streaming<WatchResponse>,
    upto: Upto,
    owed: Owed,
}

/// Where it ends.
enum Upto {
    Mark(Mark),
    /// Where all agents that can be asked have told theirs, or at this time.
    Told(Instant),
}

impl Past {
    /// Asks for what is wanted from `age` milliseconds ago on.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub async fn begin(
        client: &mut AgentClient<Channel>,
        wanted: WatchRequest,
        age: u64,
        upto: Mark,
    ) -> Result<Self, Failure> {
        Self::open(client, wanted, age, Upto::Mark(upto)).await
    }

    /// Asks a controller for what all agents have since then, and waits so long for those that are slow.
    ///
    /// # Errors
    /// When the controller does not answer.
    pub async fn of_all(
        client: &mut AgentClient<Channel>,
        wanted: WatchRequest,
        age: u64,
        wait: Duration,
    ) -> Result<Self, Failure> {
        let over = Instant::now() + wait;
        Self::open(client, wanted, age, Upto::Told(over)).await
    }

    async fn open(
        client: &mut AgentClient<Channel>,
        wanted: WatchRequest,
        age: u64,
        upto: Upto,
    ) -> Result<Self, Failure> {
        let since = Some(Since::AgeMilliseconds(age));
        let stream = open(client, WatchRequest { since, ..wanted }).await?;
        Ok(Self {
            stream,
            upto,
            owed: Owed::default(),
        })
    }

    /// The next; `None` where what follows was not there yet when this began. Among several agents it may come in
    /// any order.
    ///
    /// # Errors
    /// When the agent ends, or says nothing.
    pub async fn next(&mut self) -> Result<Option<WatchResponse>, Failure> {
        loop {
            let response = next(&mut self.stream).await?;
            let Some(Item::Heartbeat(beat)) = &response.item else {
                if response.item.is_some() {
                    return Ok(Some(response));
                }
                continue;
            };
            let is_over = match &self.upto {
                Upto::Mark(mark) => place(&response)? >= mark.0,
                Upto::Told(over) => {
                    self.owed = beat.owed.clone().unwrap_or_default();
                    self.owed.asked == 0 || Instant::now() >= *over
                }
            };
            if is_over {
                return Ok(None);
            }
        }
    }

    /// At its end: which nodes have not told all.
    pub const fn owed(&self) -> &Owed {
        &self.owed
    }
}

fn place(response: &WatchResponse) -> Result<Place, Failure> {
    let cursor = Cursor::parse(&response.cursor).ok_or_else(|| {
        let error =
            anyhow!("the agent speaks of places in the stream that this program does not know");
        Failure::new(Code::Failed, error)
    })?;
    Ok((cursor.epoch.log, cursor.number, cursor.behaviour))
}

async fn open(
    client: &mut AgentClient<Channel>,
    request: WatchRequest,
) -> Result<Streaming<WatchResponse>, Failure> {
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
