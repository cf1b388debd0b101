//! `lapwing sink`.

use super::args::{Output, SinkCommand};
use super::client::Endpoint;
use super::profile_text::json;
use super::text::table;
use super::{Code, Failure, Outcome, client};
use anyhow::anyhow;
use lapwing_profile::text::visible;
use lapwing_proto::v1::get_status_response::{Sink, sink::State};
use lapwing_proto::v1::{GetStatusRequest, TestSinkRequest, TestSinkResponse};
use std::io::{self, Write};

/// Lists sinks, or tests one.
pub async fn run(endpoint: &Endpoint, output: Output, command: SinkCommand) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let mut out = anstream::stdout().lock();
    match command {
        SinkCommand::List => {
            let answer = client.get_status(GetStatusRequest {}).await;
            let sinks = answer
                .map_err(|status| client::failed(&status))?
                .into_inner()
                .sinks;
            match output {
                Output::Json => {
                    for sink in &sinks {
                        writeln!(out, "{}", json(sink)?)?;
                    }
                }
                Output::Text if sinks.is_empty() => writeln!(
                    out,
                    "no sinks: the section `sinks` of the agent's configuration names them"
                )?,
                Output::Text => write_sinks(&mut out, &sinks)?,
            }
            Ok(())
        }
        SinkCommand::Test { name } => {
            let answer = client
                .test_sink(TestSinkRequest { name: name.clone() })
                .await;
            let answer = answer
                .map_err(|status| client::failed(&status))?
                .into_inner();
            match output {
                Output::Json => writeln!(out, "{}", json(&answer)?)?,
                Output::Text if answer.delivered => writeln!(
                    out,
                    "{name}: {} took the sample {} in {} ms: {}",
                    visible(&answer.target),
                    answer.sample_id,
                    answer.milliseconds,
                    visible(&answer.answer)
                )?,
                // The failure says it.
                Output::Text => {}
            }
            match answer.delivered {
                true => Ok(()),
                false => Err(not_taken(&name, &answer)),
            }
        }
    }
}

fn not_taken(name: &str, answer: &TestSinkResponse) -> Failure {
    let remedy = match answer.remedy.as_str() {
        "" => String::new(),
        remedy => format!("; {remedy}"),
    };
    let error = anyhow!(
        "the sample did not pass through the sink `{name}` to {}: {}{remedy}",
        answer.target,
        answer.answer
    );
    Failure::new(Code::Failed, error)
}

/// How sinks do, as a table, with what is wrong below it.
pub fn write_sinks(out: &mut impl Write, sinks: &[Sink]) -> io::Result<()> {
    let rows: Vec<Vec<String>> = sinks.iter().map(row).collect();
    table(
        out,
        &[
            "SINK",
            "TO",
            "STATE",
            "DELIVERED",
            "RETRIED",
            "REFUSED",
            "BEHIND",
        ],
        &rows,
    )?;
    for sink in sinks.iter().filter(|sink| !sink.last_error.is_empty()) {
        let when = match (sink.state(), &sink.last_error_time) {
            (State::Delivering, Some(time)) => {
                let time = jiff::Timestamp::from_second(time.seconds).unwrap_or_default();
                format!("last trouble, {time}")
            }
            _ => "now".to_owned(),
        };
        writeln!(
            out,
            "  {} ({when}): {}",
            sink.name,
            visible(&sink.last_error)
        )?;
    }
    Ok(())
}

fn row(sink: &Sink) -> Vec<String> {
    let state = match sink.state() {
        State::Unspecified => "?",
        State::Delivering => "delivering",
        State::Retrying => "retrying",
        State::Blocked => "blocked",
    };
    let refused: u64 = sink.refused.iter().map(|loss| loss.count).sum();
    vec![
        sink.name.clone(),
        format!("{} {} ({})", sink.transport, sink.target, sink.encoding),
        state.to_owned(),
        sink.delivered.to_string(),
        sink.retried.to_string(),
        refused.to_string(),
        sink.behind.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::v1::get_status_response::Loss;

    #[test]
    fn a_sink_in_trouble_says_why() {
        let sink = Sink {
            name: "siem".to_owned(),
            transport: "splunkHec".to_owned(),
            target: "https://s:8088/".to_owned(),
            encoding: "native".to_owned(),
            state: State::Blocked.into(),
            refused: vec![Loss {
                reason: "refused".to_owned(),
                count: 2,
            }],
            last_error: "no\u{1b}; check the token".to_owned(),
            ..Sink::default()
        };
        let mut out = Vec::new();
        write_sinks(&mut out, &[sink]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("blocked"), "{text}");
        assert!(
            text.contains("  siem (now): no\\x1b; check the token"),
            "{text}"
        );
    }
}
