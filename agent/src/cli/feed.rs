//! `lapwing feed`.

use super::args::{FeedCommand, Output};
use super::client::Endpoint;
use super::profile_file::decider;
use super::profile_replay::time;
use super::profile_text::json;
use super::text::table;
use super::{Outcome, client};
use lapwing_profile::text::canonical;
use lapwing_proto::v1::get_status_response::Consumer;
use lapwing_proto::v1::{ForgetConsumerRequest, GetStatusRequest};
use std::io::{self, Write};

/// Lists those who follow by name, or has one forgotten.
pub async fn run(endpoint: &Endpoint, output: Output, command: FeedCommand) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let mut out = anstream::stdout().lock();
    match command {
        FeedCommand::Consumers => {
            let answer = client.get_status(GetStatusRequest {}).await;
            let feed = answer
                .map_err(|status| client::failed(&status))?
                .into_inner()
                .feed;
            let consumers = feed.unwrap_or_default().consumers;
            match output {
                Output::Json => {
                    for one in &consumers {
                        writeln!(out, "{}", json(one)?)?;
                    }
                }
                Output::Text if consumers.is_empty() => writeln!(
                    out,
                    "nobody follows by name: `lapwing watch --consumer NAME` does"
                )?,
                Output::Text => write_consumers(&mut out, &consumers)?,
            }
        }
        FeedCommand::Forget {
            name,
            decider: given,
        } => {
            let request = ForgetConsumerRequest {
                name,
                decider: Some(decider(given)),
            };
            let answer = client.forget_consumer(request).await;
            let answer = answer
                .map_err(|status| client::failed(&status))?
                .into_inner();
            let was = answer.consumer.unwrap_or_default();
            match output {
                Output::Json => writeln!(out, "{}", json(&was)?)?,
                Output::Text => writeln!(
                    out,
                    "{} is forgotten; it was {} behind, at {}",
                    shown(&was.name),
                    was.behind,
                    shown(&was.cursor)
                )?,
            }
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    canonical(text.as_bytes())
}

/// How far they have come, as a table.
pub fn write_consumers(out: &mut impl Write, consumers: &[Consumer]) -> io::Result<()> {
    let row = |one: &Consumer| {
        vec![
            shown(&one.name),
            one.behind.to_string(),
            time(one.stored_time.as_ref()),
            shown(&one.cursor),
        ]
    };
    let rows: Vec<Vec<String>> = consumers.iter().map(row).collect();
    table(out, &["CONSUMER", "BEHIND", "LAST ACK", "POSITION"], &rows)
}
