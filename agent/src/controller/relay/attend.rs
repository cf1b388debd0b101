//! Following one agent.

use super::Relay;
use crate::cli::client::MESSAGE_MAX;
use crate::clock;
use crate::container::identity::bounded;
use crate::controller::fleet::{Agent, Client, Line};
use crate::controller::items::{milliseconds, records, whose};
use crate::controller::told::{self, Told};
use crate::feed::LOG_TOO_SHORT;
use crate::feed::cursor::Cursor as Place;
use crate::jitter::{chance, jitter};
use lapwing_proto::v1::watch_request::Since;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{AckRequest, GetStatusRequest, WatchRequest, WatchResponse};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

/// The name under which agents keep the relay's position.
const CONSUMER: &str = "relay";
/// How agents are followed.
const WATCH: &str = "/lapwing.v1.Agent/Watch";
/// How often it is acknowledged what was relayed, if anything was; half of it by chance.
const ACK: Duration = Duration::from_secs(10);

impl Relay {
    /// Whether the agent has a position of the relay's.
    async fn has_position(&self, client: &mut Client) -> Result<bool, Status> {
        let answer = client.get_status(GetStatusRequest {}).await?.into_inner();
        let names = answer.feed.map(|feed| feed.consumers).unwrap_or_default();
        let own = |name: &str| {
            let identities = &self.settings.identities;
            identities
                .iter()
                .any(|it| name == format!("{CONSUMER}{}{it}", crate::feed::positions::OWNER))
        };
        Ok(names.iter().any(|one| own(&one.name)))
    }

    /// Begins to follow an agent. Says whether it is for the first time, and whether it keeps the position.
    async fn open(
        &self,
        line: &mut Line,
        place: Option<Place>,
    ) -> Result<(Told<WatchResponse>, bool, bool), Status> {
        let first = Since::AgeMilliseconds(self.settings.first.as_millis() as u64);
        let since = match place {
            Some(place) => Some(Since::Cursor(place.to_string())),
            None if self.has_position(&mut line.client).await? => None,
            None => Some(first.clone()),
        };
        let is_first = since.as_ref() == Some(&first);
        let request = WatchRequest {
            since,
            consumer: CONSUMER.to_owned(),
            ..records()
        };
        let channel = &mut line.channel;
        match told::ask(channel, WATCH, &request, MESSAGE_MAX).await {
            Ok(told) => Ok((told, is_first, true)),
            // It reports from memory alone.
            Err(status) if status.code() == Code::FailedPrecondition => {
                let request = WatchRequest {
                    since: request.since.or(Some(first)),
                    consumer: String::new(),
                    ..request
                };
                let told = told::ask(channel, WATCH, &request, MESSAGE_MAX).await?;
                Ok((told, is_first, false))
            }
            Err(status) => Err(status),
        }
    }

    pub(super) async fn attend(
        self: Arc<Self>,
        agent: Arc<Agent>,
        line: Line,
    ) -> Result<(), String> {
        let attended = self.follow(&agent, line).await;
        if let (Err(error), Some(node)) = (&attended, self.nodes().get_mut(&agent.node)) {
            node.error = bounded(error);
        }
        attended
    }

    async fn follow(&self, agent: &Arc<Agent>, mut line: Line) -> Result<(), String> {
        let told = |status: Status| status.message().to_owned();
        let place = self.join(agent, &line);
        let _leaving = Leaving(self, agent);
        let opened = timeout(self.settings.silent, self.open(&mut line, place)).await;
        let opened = opened.map_err(|_| "it does not answer".to_owned())?;
        let (stream, is_first, keeps) = opened.map_err(told)?;
        tokio::select! {
            read = self.read(agent, stream, is_first) => read,
            () = self.acknowledge(agent, line.client), if keeps => Ok(()),
        }
    }

    async fn read(
        &self,
        agent: &Agent,
        mut stream: Told<WatchResponse>,
        is_first: bool,
    ) -> Result<(), String> {
        loop {
            let next = timeout(self.settings.silent, stream.message()).await;
            let seconds = self.settings.silent.as_secs();
            let next = next.map_err(|_| format!("it says nothing for {seconds} s"))?;
            let response = match next {
                Ok(Some(response)) => response,
                Ok(None) => return Err("it ended".to_owned()),
                Err(status) => return Err(status.message().to_owned()),
            };
            let rest = self.take(agent, response, is_first)?;
            if !rest.is_zero() {
                sleep(rest).await;
            }
        }
    }

    /// Has what an agent says be in the stream. Answers how long to wait with the next.
    pub(super) fn take(
        &self,
        agent: &Agent,
        response: WatchResponse,
        is_first: bool,
    ) -> Result<Duration, String> {
        let place = Place::parse(&response.cursor).ok_or("its cursors cannot be read")?;
        let (now, size) = (clock::now(), response.encoded_len());
        // Before it is in the stream: a client that begins behind it there asks the agent up to here, and one
        // that begins before it has it twice at worst.
        if let Some(node) = self.nodes().get_mut(&agent.node) {
            node.cursor = Some(place);
        }
        let is_record = match response.item {
            Some(Item::Heartbeat(beat)) => {
                agent.set_lost(beat.lost);
                false
            }
            Some(Item::Gap(gap)) if is_first && gap.reason == LOG_TOO_SHORT => false,
            Some(item) => {
                if let Some(item) = whose(agent, &self.settings.cluster, item) {
                    self.feed.publish(now, item);
                    agent.relay();
                }
                true
            }
            None => false,
        };
        agent.hear(place.at);
        let mut rest = Duration::ZERO;
        if let Some(node) = self.nodes().get_mut(&agent.node) {
            rest = node.pace.take(size, Instant::now());
            // When it is in the stream: marks and positions say that nothing before them is missing.
            node.mark = milliseconds(place.at.min(now));
            node.heard = Instant::now();
            node.was_heard = true;
            node.error.clear();
            if is_record {
                node.unacked = Some(response.cursor);
            }
        }
        Ok(rest)
    }

    /// Says to an agent up to where it was relayed.
    async fn acknowledge(&self, agent: &Agent, mut client: Client) {
        loop {
            sleep(jitter(ACK.min(self.settings.silent), chance())).await;
            let unacked = {
                let mut nodes = self.nodes();
                nodes
                    .get_mut(&agent.node)
                    .and_then(|node| node.unacked.take())
            };
            let Some(cursor) = unacked else {
                continue;
            };
            let consumer = CONSUMER.to_owned();
            if let Err(status) = client.ack(AckRequest { consumer, cursor }).await {
                // The next one says it too; what is read again comes twice.
                tracing::debug!(node = agent.node, "not acknowledged: {}", status.message());
            }
        }
    }
}

struct Leaving<'a>(&'a Relay, &'a Agent);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}
