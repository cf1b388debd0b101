//! `lapwing image where`: who runs an image or ran it, and what deviated.

mod missing;
mod places;
mod words;

use super::args::Output;
use super::client::Endpoint;
use super::past::{Mark, Past};
use super::profile_replay::{age, milliseconds, time};
use super::{Code, Failure, Outcome, client};
use crate::container::digest::Digits;
use crate::feed::{LOG_TOO_SHORT, STREAM};
use anyhow::anyhow;
use clap::Args;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::list_containers_response::Missing;
use lapwing_proto::v1::watch_request::Kind;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    self, GetStatusResponse, ListContainersResponse, ProfileSummary, WatchRequest,
};
use missing::Gaps;
use places::Places;
use std::io::Write;
use std::time::Duration;
use tonic::Code as Grpc;
use tonic::transport::Channel;

const EXAMPLES: &str = "\
Examples:
  lapwing image where sha256:9f86d081884c7d65
  lapwing image where sha256:9f86d081884c7d65 --since 168h -o json
  lapwing --endpoint https://controller:7443 image where sha256:9f86d081884c7d65

An agent answers for its node, a controller for all nodes, of which it asks the agents. What is not in the answer is
told as incomplete.";

/// Arguments of `lapwing image where`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct WhereArgs {
    /// The image's digest, or the beginning of it: at least 8 digits
    pub(crate) digest: String,
    /// How far back violations are looked for: a duration like 90m, 24h or 168h
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) since: String,
    /// Of a controller: how long to wait for agents that are slow to tell what they reported
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub(crate) wait: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// What is asked for, checked.
pub(crate) struct Question<'a> {
    /// The image, as it was given and as it is looked for.
    asked: &'a str,
    digits: Digits,
    /// The same of the time.
    since: &'a str,
    age: u64,
    wait: Duration,
}

/// What was found.
struct Found {
    cluster: String,
    /// Who answered; none where a controller did for all nodes.
    node: Option<String>,
    /// Agents that answered.
    answered: u32,
    places: Places,
    /// Nodes of which a controller has no answer, or not all of it.
    missing: Vec<Missing>,
    /// What is not known, in sentences.
    incomplete: Vec<String>,
}

/// Asks an agent, or a controller.
pub async fn run(endpoint: &Endpoint, args: &WhereArgs) -> Outcome {
    let question = Question::new(args)?;
    let mut client = client::connect(endpoint).await?;
    let mut out = anstream::stdout().lock();
    question.answer(&mut client, args.output, &mut out).await
}

impl<'a> Question<'a> {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// When the digest or a length of time is none.
    pub(crate) fn new(args: &'a WhereArgs) -> Result<Self, Failure> {
        let usage = |text| Failure::new(Code::Usage, anyhow!("{text}"));
        Ok(Self {
            asked: &args.digest,
            digits: Digits::parse(&args.digest).map_err(usage)?,
            since: &args.since,
            age: age(&args.since)?,
            wait: Duration::from_millis(milliseconds("--wait", &args.wait)?),
        })
    }

    /// Asks, and writes the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub(crate) async fn answer(
        &self,
        client: &mut AgentClient<Channel>,
        output: Output,
        out: &mut impl Write,
    ) -> Outcome {
        let found = self.ask(client).await?;
        match output {
            Output::Json => words::json(out, self, &found),
            Output::Text => Ok(words::text(out, self, &found)?),
        }
    }

    async fn ask(&self, client: &mut AgentClient<Channel>) -> Result<Found, Failure> {
        let failed = |status| client::failed(&status);
        let status = client.get_status(v1::GetStatusRequest {}).await;
        let status = status.map_err(failed)?.into_inner();
        let request = v1::ListContainersRequest {
            image_digest: self.digits.text().to_owned(),
        };
        let running = client.list_containers(request).await;
        let mut found = Found::begin(&status);
        found.run(running.map_err(failed)?.into_inner(), &self.digits);
        let wanted = WatchRequest {
            kinds: vec![Kind::Violation.into(), Kind::Gap.into()],
            image_digest: self.digits.text().to_owned(),
            ..WatchRequest::default()
        };
        let profiles = match found.node {
            Some(_) => {
                let now = Mark::next(client).await?;
                let past = Past::begin(client, wanted, self.age, now).await?;
                self.read(&mut found, past).await?;
                status.profiles
            }
            None => {
                let past = Past::of_all(client, wanted, self.age, self.wait).await?;
                self.read(&mut found, past).await?;
                learned(client, &mut found).await?
            }
        };
        for profile in &profiles {
            found.places.know(profile, &self.digits);
        }
        match &status.fleet {
            Some(fleet) => missing::of_fleet(fleet, &mut found.incomplete),
            None => {
                let lost: u64 = status.losses.iter().map(|loss| loss.count).sum();
                if lost > 0 {
                    found.incomplete.push(format!(
                        "the agent lost {lost} events since its start, `lapwing status` says why"
                    ));
                }
            }
        }
        Ok(found)
    }

    /// What was reported.
    async fn read(&self, found: &mut Found, mut past: Past) -> Result<(), Failure> {
        let is_cluster = found.node.is_none();
        let mut gaps = Gaps::default();
        while let Some(response) = past.next().await? {
            match response.item {
                Some(Item::Violation(violation)) => found.places.deviated(violation, &self.digits),
                Some(Item::Gap(gap)) if is_cluster => gaps.take(gap),
                Some(Item::Gap(gap)) if gap.reason == LOG_TOO_SHORT => {
                    let to = time(gap.to.as_ref());
                    let text = format!("the agent keeps nothing of what was before {to}");
                    found.incomplete.push(text);
                }
                Some(Item::Gap(gap)) if gap.scope == STREAM => {
                    let text = format!("reports are missing: {} ({})", gap.reason, gap.count);
                    found.incomplete.push(text);
                }
                _ => {}
            }
        }
        let untold = found.places.untold.len();
        if untold > 0 {
            found.incomplete.push(format!(
                "{untold} violations are of containers whose digest nobody told: whether these are of this image is \
                 not known"
            ));
        }
        gaps.tell(&mut found.incomplete);
        missing::of_owed(past.owed(), &mut found.incomplete);
        Ok(())
    }
}

impl Found {
    fn begin(status: &GetStatusResponse) -> Self {
        Self {
            cluster: status.cluster.clone(),
            node: status.fleet.is_none().then(|| status.node.clone()),
            answered: 0,
            places: Places::default(),
            missing: Vec::new(),
            incomplete: Vec::new(),
        }
    }

    /// What runs.
    fn run(&mut self, running: ListContainersResponse, digits: &Digits) {
        let mut without = 0_u64;
        for mut traced in running.containers {
            let digest = traced.container.as_ref().map(|it| it.image_digest.as_str());
            match digits.fit(digest.unwrap_or_default()) {
                // One that answers for itself.
                Some(true) => {
                    if let Some(node) = &self.node {
                        node.clone_into(&mut traced.node);
                    }
                    self.places.run(traced);
                }
                Some(false) => {}
                None => without += 1,
            }
        }
        if without > 0 {
            self.incomplete.push(format!(
                "of {without} running containers nobody told the digest: whether they are of this image is not known"
            ));
        }
        self.answered = match self.node {
            Some(_) => 1,
            None => running.answered,
        };
        missing::of_nodes(&running.missing, &mut self.incomplete);
        self.missing = running.missing;
    }
}

/// What nodes learned, as the controller brings it together.
async fn learned(
    client: &mut AgentClient<Channel>,
    found: &mut Found,
) -> Result<Vec<ProfileSummary>, Failure> {
    match client.list_profiles(v1::ListProfilesRequest {}).await {
        Ok(answer) => Ok(answer.into_inner().profiles),
        Err(status) if status.code() == Grpc::FailedPrecondition => {
            let why = status.message();
            let text = format!("what nodes learned of the image is not known: {why}");
            found.incomplete.push(text);
            Ok(Vec::new())
        }
        Err(status) => Err(client::failed(&status)),
    }
}
