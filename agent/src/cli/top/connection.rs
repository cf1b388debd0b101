//! The agent's answers and streams, over and over.
//!
//! Two streams are followed: violations and gaps, which resume by cursor, and behaviours, which are
//! only counted and begin anew. So a flood of behaviours, as a container brings that learns, holds up
//! no violation. The status costs the agent some work (it sums up each profile's evidence): it is
//! asked each second, and more rarely where an answer takes long.

use super::model::Update;
use crate::cli::client::{self, Endpoint};
use crate::cli::{Code, Failure};
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::watch_request::{Kind, Since};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    GetStatusRequest, GetStatusResponse, ListContainersRequest, ListContainersResponse,
    WatchRequest, WatchResponse,
};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// How often the status is asked.
const POLL: Duration = Duration::from_secs(1);
/// At most this part of the time is spent in asking it.
const SHARE: u32 = 20;
/// How often containers are asked where their number stays the same, in answers of the status.
const CONTAINERS: u32 = 5;
/// Longer than an agent takes that lives. Nothing else tells of one that hangs behind its socket.
const PATIENCE: Duration = Duration::from_secs(15);
/// Waits between two attempts.
const BACKOFF: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// An agent that is reached.
pub struct Session {
    client: AgentClient<Channel>,
    reports: Streaming<WatchResponse>,
    behaviours: Streaming<WatchResponse>,
    /// Behind what was read of the reports.
    cursor: String,
}

fn told(status: &Status) -> String {
    status.message().to_owned()
}

impl Session {
    /// Connects, and begins to follow.
    ///
    /// # Errors
    /// As other commands fail, and when nothing is answered.
    pub async fn open(endpoint: &Endpoint, since: Since) -> Result<Self, Failure> {
        let opened = tokio::time::timeout(PATIENCE, Self::opened(endpoint, since)).await;
        opened.unwrap_or_else(|_| {
            let why = anyhow!("{endpoint}: {}", silent());
            Err(Failure::new(Code::Connection, why))
        })
    }

    async fn opened(endpoint: &Endpoint, since: Since) -> Result<Self, Failure> {
        let mut client = client::connect(endpoint).await?;
        let mut follow = async |since, kinds: &[Kind]| {
            let request = WatchRequest {
                since,
                kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
                ..WatchRequest::default()
            };
            let stream = client.watch(request).await;
            stream.map_err(|status| client::failed(&status))
        };
        let reports = follow(Some(since), &[Kind::Violation, Kind::Gap]).await?;
        let behaviours = follow(None, &[Kind::Behaviour]).await?;
        Ok(Self {
            reports: reports.into_inner(),
            behaviours: behaviours.into_inner(),
            client,
            cursor: String::new(),
        })
    }

    /// The next item of the streams; may be dropped while it waits.
    pub async fn item(&mut self) -> Result<Option<Update>, String> {
        tokio::select! {
            biased;
            message = self.reports.message() => {
                let response = some(message)?;
                self.cursor.clone_from(&response.cursor);
                Ok(Some(Update::Item(Box::new(response))))
            }
            message = self.behaviours.message() => {
                Ok(match some(message)?.item {
                    Some(Item::Behaviour(behaviour)) => {
                        Some(Update::Behaviour(Box::new(behaviour)))
                    }
                    // Gaps of a stream that is only counted are no news.
                    Some(Item::Violation(_) | Item::Gap(_) | Item::Heartbeat(_)) | None => None,
                })
            }
        }
    }

    /// Asks for the status.
    pub async fn status(&mut self) -> Result<GetStatusResponse, String> {
        let answer = self.client.get_status(GetStatusRequest {});
        answered(answer).await
    }

    /// Asks for the containers.
    pub async fn containers(&mut self) -> Result<ListContainersResponse, String> {
        let answer = self
            .client
            .list_containers(ListContainersRequest::default());
        answered(answer).await
    }
}

fn some(message: Result<Option<WatchResponse>, Status>) -> Result<WatchResponse, String> {
    match message {
        Ok(Some(response)) => Ok(response),
        Ok(None) => Err("the agent ended".to_owned()),
        Err(status) => Err(told(&status)),
    }
}

async fn answered<T>(
    answer: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(told(&status)),
        Err(_) => Err(silent()),
    }
}

fn silent() -> String {
    format!("it answers nothing for {} s", PATIENCE.as_secs())
}

/// Follows an agent, also over its end, for as long as somebody takes the updates.
pub async fn follow(endpoint: Endpoint, mut since: Since, updates: Sender<Update>) {
    let mut wait = BACKOFF;
    while !updates.is_closed() {
        let why = match Session::open(&endpoint, since.clone()).await {
            Ok(mut session) => {
                wait = BACKOFF;
                let why = run(&mut session, &updates).await;
                if !session.cursor.is_empty() {
                    since = Since::Cursor(session.cursor);
                }
                why
            }
            Err(failure) => Err(failure.to_string()),
        };
        // Nobody is there any more who could be told.
        let Err(why) = why else { return };
        if updates.send(Update::Lost(why)).await.is_err() {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(BACKOFF_MAX);
    }
}

/// Until the agent is lost, for a reason, or nobody takes the updates.
async fn run(session: &mut Session, updates: &Sender<Update>) -> Result<(), String> {
    if updates.send(Update::Connected).await.is_err() {
        return Ok(());
    }
    let mut next = tokio::time::Instant::now();
    let (mut containers, mut answers) = (None, 0);
    loop {
        tokio::select! {
            update = session.item() => {
                if let Some(update) = update?
                    && updates.send(update).await.is_err()
                {
                    return Ok(());
                }
                // Streams that never pause are no reason not to ask.
                if tokio::time::Instant::now() < next {
                    continue;
                }
            }
            () = tokio::time::sleep_until(next) => {}
        }
        let asked = Instant::now();
        let status = session.status().await?;
        let count = Some(status.containers);
        if containers != count || answers % CONTAINERS == 0 {
            let update = Update::Containers(session.containers().await?);
            if updates.send(update).await.is_err() {
                return Ok(());
            }
        }
        containers = count;
        answers += 1;
        next = tokio::time::Instant::now() + POLL.max(asked.elapsed() * SHARE);
        let update = Update::Status(Box::new(status));
        if updates.send(update).await.is_err() {
            return Ok(());
        }
    }
}
